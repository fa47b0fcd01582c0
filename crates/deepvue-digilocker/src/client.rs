//! The client: one row for each operation.

use crate::{
    CompleteAuthorization, Deepvue, GetEAadhaar, GetFile, InitiateSession, ListIssuedFiles,
};

provider_core::operations! {
    /// Calls Deepvue's DigiLocker family. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct DigilockerClient(Deepvue) {
        /// Opens a session in which the person grants access to documents: `POST /v1/kyc/digilocker/initiate-session`.
        ///
        /// Calling again may open a second session. This client repeats it only if it was never sent or was refused
        /// temporarily.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Credentials` for 401, 403 and an inactive client; `Api` for a
        /// refused field; `Decode` for a success without data.
        initiate_session(InitiateSession);

        /// Completes a session's authorisation with the code that the browser brought back:
        /// `POST /v1/kyc/digilocker/access-token`.
        ///
        /// No access token comes back: Deepvue keeps it with the session. The code is good for one use. This client repeats the
        /// call only if it was never sent or was refused temporarily. Refusals of its own, such as of an old code, are not
        /// documented (`[unknown]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for a blank purpose; `Api` for a refusal; `Decode` for a
        /// success without data; otherwise as [`initiate_session`](Self::initiate_session).
        complete_authorization(CompleteAuthorization);

        /// Lists the documents that were issued to the person: `POST /v1/kyc/digilocker/issued-files`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Fetch what you need within the hour
        /// that [`expires_in`](crate::Authorization::expires_in) tells.
        ///
        /// # Errors
        ///
        /// As of [`complete_authorization`](Self::complete_authorization).
        issued_files(ListIssuedFiles);

        /// Reads the person's e-Aadhaar: `POST /v1/kyc/digilocker/eaadhaar`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Not every account has one, see
        /// [`eaadhaar`](crate::Authorization::eaadhaar).
        ///
        /// # Errors
        ///
        /// As of [`complete_authorization`](Self::complete_authorization); `Decode` for a success without any part of it, too.
        e_aadhaar(GetEAadhaar);

        /// Reads one of the person's documents: `POST /v1/kyc/digilocker/file`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. No page says in what form the
        /// document comes (`[unknown]`). This client keeps it as it is in a [`DocumentText`](crate::DocumentText), which says
        /// what it looks like.
        ///
        /// # Errors
        ///
        /// As of [`complete_authorization`](Self::complete_authorization); `InvalidRequest` for a blank key, and `Decode` for a success
        /// without a document, too.
        file(GetFile);
    }
}
