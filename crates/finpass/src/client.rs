//! The client: one row for each operation.

use crate::{
    FetchJsonReport, FetchPdfReport, Finpass, GetAnalysis, GetJourneyStatus, GetStatementResult,
    Initialize, InitializeJourney, RefreshData,
};

provider_core::operations! {
    /// Calls Finpass. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct FinpassClient(Finpass) {
        /// Opens an account aggregator consent session: *Initialize*, `POST /api/v1/services/account-aggregator/init`.
        ///
        /// Each call opens another session. This client repeats it only if it was never sent or was refused temporarily.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Credentials` for HTTP 401 (`unauthorized`), `Api` for a
        /// refusal, `success: false` inside a 2xx included.
        initialize(Initialize);

        /// Requests new data under an existing consent: *Refresh Data*,
        /// `POST /api/v1/services/account-aggregator/refresh-data`.
        ///
        /// Finpass processes it asynchronously; the reply has the id of the refresh. Each call starts another one. This client
        /// repeats it only if it was never sent or was refused temporarily. The fields are those of the company that Finpass
        /// probably relays to, unconfirmed (`[upstream]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` with the code `invalid_client_id` for a session that is
        /// unknown or has expired, otherwise as [`initialize`](Self::initialize).
        refresh_data(RefreshData);

        /// Reads links to the statements of the consented accounts: *Fetch PDF Report*,
        /// `POST /api/v1/services/account-aggregator/fetch-statement-pdf`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Each statement has its own status.
        /// The links are at another host. This client does not follow them.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` for a refusal, of which no code is documented
        /// (`[unknown]`); `Decode` for a success without a list of statements; `Verification` for a reply about another
        /// session; otherwise as [`initialize`](Self::initialize).
        fetch_pdf_report(FetchPdfReport);

        /// Reads the data of the consented accounts: *Fetch JSON Report*,
        /// `POST /api/v1/services/account-aggregator/fetch-json-report`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. What it answers before the person
        /// has consented is not documented (`[unknown]`). The shape is upstream's and that of its clients, unconfirmed
        /// (`[upstream]`, `[3p]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` for a refusal, of which no code is documented
        /// (`[unknown]`); `Decode` for a success with neither accounts nor a status; `Verification` for a reply about another
        /// session; otherwise as [`initialize`](Self::initialize).
        fetch_json_report(FetchJsonReport);

        /// Opens a journey of consent and analysis in one: *Initialize* of AA-BSA, `POST /api/v1/aa-bsa-journey/init`.
        ///
        /// Each call opens another journey. This client repeats it only if it was never sent or was refused temporarily. Its
        /// errors are cut off (`[unknown]`); the codes of a sister page, `INVALID_INPUT` and one that begins with
        /// `INVALID_CREDE`, are known.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for an empty purpose and for an address that is
        /// none; `Api` for a refusal; `Decode` for a success without an id or a URL; otherwise as
        /// [`initialize`](Self::initialize).
        initialize_journey(InitializeJourney);

        /// Reads the status of a journey: *Status* of AA-BSA, `GET /api/v1/aa-bsa-journey/status`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Poll it, or wait for the webhook;
        /// that is not signed, so read the status here all the same. Its errors are not documented (`[unknown]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` for a refusal; `Decode` for a success without a status;
        /// `Verification` for a reply about another journey; otherwise as [`initialize`](Self::initialize).
        journey_status(GetJourneyStatus);

        /// Reads the analysis of a journey's accounts: *Analysis JSON* of AA-BSA, `GET /api/v1/aa-bsa-journey/analysis-json`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The journey must be complete. Its
        /// errors are not documented (`[unknown]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` for a refusal; `Decode` for a success with neither a summary nor
        /// an income; `Verification` for a reply about another journey; otherwise as [`initialize`](Self::initialize).
        analysis_json(GetAnalysis);

        /// Reads a journey's accounts and their transactions: *Statement Result* of AA-BSA,
        /// `GET /api/v1/aa-bsa-journey/statement-result`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The journey must be complete. Its
        /// errors are not documented (`[unknown]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` for a refusal; `Decode` for a success without a list of accounts;
        /// `Verification` for a reply about another journey; otherwise as [`initialize`](Self::initialize).
        statement_result(GetStatementResult);
    }
}
