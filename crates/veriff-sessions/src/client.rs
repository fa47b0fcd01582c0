//! The client: one row for each operation.

use consent_hmac::Veriff;

use crate::{CreateSession, GetDecision, SubmitSession};

provider_core::operations! {
    /// Calls Veriff about verification sessions. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct SessionsClient(Veriff) {
        /// Creates a session: `POST /v1/sessions`.
        ///
        /// Each call makes another one, so it is not retried when its outcome is unknown. Send the person to `url`, or upload
        /// the media yourself and then [`submit_session`](Self::submit_session).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` naming the member that breaks a documented rule,
        /// before anything is sent; `Verification` for a success whose signature is missing or wrong; `Credentials` for HTTP
        /// 401 and the codes about key and signature; `Api` for other refusals, such as an unsupported document (2104).
        create_session(CreateSession);

        /// Hands in a session whose media were uploaded: `PATCH /v1/sessions/{id}`.
        ///
        /// A session is handed in once, so it is not retried when its outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` with code 1304 for a session that is not `created` or
        /// `started`, such as one that was handed in before, and for an unknown session; `Verification` for a 200 whose
        /// signature is missing or wrong, or that belongs to another session; `Credentials` for HTTP 401 and the codes about
        /// key and signature.
        submit_session(SubmitSession);

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
