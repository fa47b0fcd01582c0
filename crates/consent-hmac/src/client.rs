//! The client: one row for each operation.

use crate::{RecordConsent, Veriff};

provider_core::operations! {
    /// Calls Veriff. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct ConsentClient(Veriff) {
        /// Records a person's answer to a consent text for a session: `POST /v1/sessions/{id}/consents`.
        ///
        /// Of several consents for a session the latest is binding, so recording the same content again does no harm. This
        /// client does so when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing, wrong or
        /// belongs to another request; `Credentials` for HTTP 401 and for the codes about key and signature; `Api` for an
        /// unknown session.
        record_consent(RecordConsent);
    }
}
