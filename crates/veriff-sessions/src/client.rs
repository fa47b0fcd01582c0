//! The client: one row for each operation.

use consent_hmac::Veriff;

use crate::{
    CreateSession, DeleteSession, DownloadMedia, GenerateMfa, GetAttempts, GetCurpDecision,
    GetDecision, GetPerson, GetScreening, ListAttemptMedia, ListSessionMedia, SubmitCollectedData,
    SubmitSession, UploadMedia, VerifyMfa,
};

provider_core::operations! {
    /// Calls Veriff about verification sessions. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct SessionsClient(Veriff) {
        /// Creates a session: `POST /v1/sessions`.
        ///
        /// Each call makes another one. This client does not repeat it when the outcome is unknown. Send the person to `url`,
        /// or upload the media yourself and then [`submit_session`](Self::submit_session).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` naming the member that breaks a documented rule,
        /// before anything is sent; `Verification` for a success whose signature is missing or wrong; `Credentials` for HTTP
        /// 401 and the codes about key and signature; `Api` for other refusals, such as an unsupported document (2104).
        create_session(CreateSession);

        /// Submits a session whose media were uploaded: `PATCH /v1/sessions/{id}`.
        ///
        /// A session is submitted once. This client does not repeat it when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` with code 1304 for a session that is not `created` or
        /// `started`, such as one that was submitted before, and for an unknown session; `Verification` for a 200 whose
        /// signature is missing or wrong, or that belongs to another session; `Credentials` for HTTP 401 and the codes about
        /// key and signature.
        submit_session(SubmitSession);

        /// Reads the decision about a session: `GET /v1/sessions/{id}/decision`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. `verification` is `None` until the
        /// session is decided.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing or wrong,
        /// or that belongs to another session; `Credentials` for HTTP 401 and the codes about key and signature; `Api` for
        /// an unknown session.
        decision(GetDecision);

        /// Reads the attempts of a session, newest first: `GET /v1/sessions/{id}/attempts`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The reply does not say whose
        /// attempts they are.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing or wrong;
        /// `Credentials` for HTTP 401 and the codes about key and signature; `Api` for an unknown or deleted session.
        attempts(GetAttempts);

        /// Uploads a picture to a session: `POST /v1/sessions/{id}/media`.
        ///
        /// Each call adds a picture. This client does not repeat it when the outcome is unknown. An upload of 24 MB takes its
        /// time. This client's deadline has to allow for the connection.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for what is no base64, is of another type than it
        /// says, or is larger than the page allows, before anything is sent; `Api` with HTTP 409 for a session that was
        /// submitted, with a code of 1400 to 1403 for a picture, and for an unknown session; `Verification` for a success whose
        /// signature is missing or wrong, or that belongs to another session; `Credentials` as for the others.
        upload_media(UploadMedia);

        /// Lists the files of a session's latest attempt: `GET /v1/sessions/{id}/media`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing or wrong, or with
        /// a file of another session; `Credentials` for HTTP 401 and the codes about key and signature; `Api` for an unknown
        /// session.
        session_media(ListSessionMedia);

        /// Lists the files of one attempt: `GET /v1/attempts/{id}/media`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The reply does not say whose files
        /// they are.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing or wrong;
        /// `Credentials` for HTTP 401 and the codes about key and signature; `Api` for an unknown attempt.
        attempt_media(ListAttemptMedia);

        /// Downloads a picture, a video or the data of a chip: `GET /v1/media/{id}`.
        ///
        /// Awaited, it is in memory whole; [`Call::download`](provider_core::Call::download) streams it into a file, of which
        /// nothing is left if it is not complete and verified. Whether Veriff signs files is not documented (`[unknown]`). This
        /// client reads at most 64 MiB, and refuses a file without a signature unless the provider accepts unsigned replies.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Decode` for another type than the documented ones; `Verification`
        /// for a signature that is missing or wrong; `Credentials` for HTTP 401 and the codes about key and signature; `Api` for
        /// an unknown file.
        download_media(DownloadMedia);

        /// Reads what is known about the person of a session: `GET /v1/sessions/{id}/person`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The reply does not say which session
        /// it is about, and the members of the person are unconfirmed (`[3p]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing or wrong;
        /// `Credentials` for HTTP 401 and the codes about key and signature; `Api` for an unknown session; `Decode` for a reply
        /// without a person that is not null.
        person(GetPerson);

        /// Reads the watchlist screening of a session's person: `GET /v1/sessions/{id}/watchlist-screening`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Read
        /// [`WatchlistScreening::finding`](crate::WatchlistScreening::finding).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing or wrong, or
        /// that belongs to another session; `Credentials` for HTTP 401 and the codes about key and signature; `Api` for an
        /// unknown session.
        watchlist_screening(GetScreening);

        /// Reads the result of Mexico's CURP registry for a session: `GET /v1/sessions/{id}/decision/curp-registry` (legacy).
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The reply does not say which session
        /// it is about.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Verification` for a 200 whose signature is missing or wrong;
        /// `Credentials` for HTTP 401 and the codes about key and signature; `Api` for an unknown session.
        curp_decision(GetCurpDecision);

        /// Submits the data that a fingerprinting service collected: `POST /v1/sessions/{id}/collected-data`.
        ///
        /// What a second time does is not documented (`[unknown]`). This client does not repeat it when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` naming the member that breaks a documented rule;
        /// `Api` for a session that is neither created nor started, and for an unknown one; `Verification` for a 200 whose
        /// signature is missing or wrong, or that belongs to another session; `Credentials` for HTTP 401 and the codes about key
        /// and signature.
        collected_data(SubmitCollectedData);

        /// Sends the person a one-time password from the Aadhaar database: `POST /v1/sessions/{id}/mfa/generate`.
        ///
        /// A refusal may come with HTTP 200: its `status` is `fail`, and its `reason` says why. Each call sends a password.
        /// This client does not repeat it when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for a number that is not 12 digits; `Api` with a code
        /// that is an [`MfaRefusal`](crate::MfaRefusal), with HTTP 200 too; `RateLimited` within 60 seconds of the last password
        /// and beyond the limit; `Decode` for a 200 that says neither success nor failure; `Verification` for a 200 whose
        /// signature is missing or wrong, or that belongs to another session; `Credentials` as for the others.
        generate_mfa(GenerateMfa);

        /// Verifies the one-time password: `POST /v1/sessions/{id}/mfa/verify`.
        ///
        /// A refusal may come with HTTP 200: its `status` is `fail`, and its `reason` says why. Wrong passwords are counted.
        /// This client does not repeat the call when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: as of [`generate_mfa`](Self::generate_mfa); for one wrong
        /// password too many with an unknown outcome, because the session is submitted then: read its decision.
        verify_mfa(VerifyMfa);

        /// Deletes a session and its data: `DELETE /v1/sessions/{id}`. It cannot be undone.
        ///
        /// This client does not repeat it when the outcome is unknown. A session that was not decided is reported as expired or
        /// abandoned.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` with code 1305 or 1306 for a session that is under way, and
        /// for an unknown session; `Credentials` for HTTP 403 where Veriff has not enabled it (`[3p]`), HTTP 401 and the codes
        /// about key and signature; `RateLimited` beyond 5 an hour or 10 a day; `Verification` for a 200 whose signature is
        /// missing or wrong, or that belongs to another session.
        delete_session(DeleteSession);
    }
}
