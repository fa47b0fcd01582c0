//! The client: one row for each operation.

use crate::{Deepvue, InitiateSession};

provider_core::operations! {
    /// Calls Deepvue's DigiLocker family. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct DigilockerClient(Deepvue) {
        /// Opens a session in which the person grants access: `POST /v1/kyc/digilocker/initiate-session`.
        ///
        /// Calling again may open a second session, so the call is retried only if it was never sent or was refused
        /// temporarily.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Credentials` for 401, 403 and an inactive client; `Api` for a
        /// refused field; `Decode` for a success without data.
        initiate_session(InitiateSession);
    }
}
