//! The client: one row for each operation.

use consent_hmac::Veriff;

use crate::GetDecision;

provider_core::operations! {
    /// Calls Veriff about verification sessions. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct SessionsClient(Veriff) {
        /// Reads the decision about a session: `GET /v1/sessions/{id}/decision`.
        ///
        /// A read, so it is retried when its outcome is unknown. `verification` is `None` until the session is decided.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing or wrong,
        /// or that belongs to another session; `Credentials` for HTTP 401 and the codes about key and signature; `Api` for
        /// an unknown session.
        decision(GetDecision);
    }
}
