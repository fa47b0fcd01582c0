//! The client: one method an operation.

use provider_core::Call;

use crate::{Finpass, Initialize};

provider_core::provider_client! {
    /// Calls Finpass. Cheap to clone; share one, because connections are kept in it.
    pub struct FinpassClient(Finpass);
}

impl FinpassClient {
    /// Opens an account aggregator consent session: *Initialize*, `POST /api/v1/services/account-aggregator/init`.
    ///
    /// Each call opens another session, so it is repeated only if it was never sent or refused for now.
    ///
    /// # Errors
    ///
    /// Awaiting it gives [`provider_core::Error`]: `Credentials` for HTTP 401 (`unauthorized`), `Api` for a refusal,
    /// `success: false` inside a 2xx included.
    pub fn initialize(&self, request: Initialize) -> Call<'_, Initialize> {
        self.client().call(request)
    }
}
