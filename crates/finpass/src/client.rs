//! The client: one row for each operation.

use crate::{Finpass, Initialize, RefreshData};

provider_core::operations! {
    /// Calls Finpass. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct FinpassClient(Finpass) {
        /// Opens an account aggregator consent session: *Initialize*, `POST /api/v1/services/account-aggregator/init`.
        ///
        /// Each call opens another session, so it is retried only if it was never sent or was refused temporarily.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Credentials` for HTTP 401 (`unauthorized`), `Api` for a
        /// refusal, `success: false` inside a 2xx included.
        initialize(Initialize);

        /// Requests new data under an existing consent: *Refresh Data*,
        /// `POST /api/v1/services/account-aggregator/refresh-data`.
        ///
        /// Finpass processes it asynchronously; the reply has the id of the refresh. Each call starts another one, so it is
        /// retried only if it was never sent or was refused temporarily. The fields are those of the company that Finpass
        /// probably relays to, unconfirmed (`[upstream]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` with the code `invalid_client_id` for a session that is
        /// unknown or has expired, otherwise as [`initialize`](Self::initialize).
        refresh_data(RefreshData);
    }
}
