//! The client: one row an operation.

use crate::{Finpass, Initialize, RefreshData};

provider_core::operations! {
    /// Calls Finpass. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct FinpassClient(Finpass) {
        /// Opens an account aggregator consent session: *Initialize*, `POST /api/v1/services/account-aggregator/init`.
        ///
        /// Each call opens another session, so it is repeated only if it was never sent or refused for now.
        ///
        /// # Errors
        ///
        /// Awaiting it gives [`provider_core::Error`]: `Credentials` for HTTP 401 (`unauthorized`), `Api` for a refusal,
        /// `success: false` inside a 2xx included.
        initialize(Initialize);

        /// Asks for new data under a consent that exists: *Refresh Data*,
        /// `POST /api/v1/services/account-aggregator/refresh-data`.
        ///
        /// Finpass works on it afterwards; the reply has the id of the refresh. Each call begins another one, so it is
        /// repeated only if it was never sent or refused for now. The fields are those of the company that Finpass probably
        /// relays to, unconfirmed (`[upstream]`).
        ///
        /// # Errors
        ///
        /// Awaiting it gives [`provider_core::Error`]: `Api` with the code `invalid_client_id` for a session that is unknown
        /// or has expired, otherwise as [`initialize`](Self::initialize).
        refresh_data(RefreshData);
    }
}
