//! The client: one row for each operation.

use finpro_profile::Finpro;

use crate::{
    DecryptRedirection, EncryptRedirection, GetAllFiData, GetAllFiDataPdf, GetAllLatestFiData,
    GetAnalyticsExcel, GetAnalyticsJson, GetAnalyticsXml, GetBulkStatus, GetFiBalance, GetFiData,
    GetFiDataXml, GetFiStatus, GetFipHealth, GetPdfAnalyticsJson, GetPdfAnalyticsStatus,
    ListAggregators, ListConsentsV1, ListConsentsV2, ListConsentsV3, ListFips, ListProducts,
    ListUniqueAccounts, PushPdfAnalytics, RequestConsentV2, RequestConsentV3, RequestConsentV4,
    RequestFi, RevokeConsent, ScheduleFiRequests, UploadFiRequests,
};

provider_core::operations! {
    /// Calls FinPro as a financial information user (FIU). Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct FiuClient(Finpro) {
        /// Lists the account aggregators: `POST /accountaggregatorlist`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Errors are not documented
        /// (`[unknown]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` for a refusal; `Decode` for a success without the list. An
        /// aggregator that cannot be read is set aside, not an error.
        list_aggregators(ListAggregators);

        /// Lists the financial information providers (FIPs) that are live: `GET /list/fips`.
        ///
        /// # Errors
        ///
        /// As of [`list_aggregators`](Self::list_aggregators).
        list_fips(ListFips);

        /// Lists the organisation's consent templates: `POST /productslist`.
        ///
        /// # Errors
        ///
        /// As of [`list_aggregators`](Self::list_aggregators), and `InvalidRequest` for a template's id of other characters
        /// than letters, digits, `_`, `-` and `.`.
        list_products(ListProducts);

        /// Reads the health of financial information providers: `POST /fiphealth`.
        ///
        /// # Errors
        ///
        /// As of [`list_aggregators`](Self::list_aggregators), and `InvalidRequest` for an aggregator's id with an `@` and for a
        /// step that is not documented.
        fip_health(GetFipHealth);

        /// Requests a consent from a customer, version 3: `POST /v3/requestconsent`.
        ///
        /// The reply has the consent's handle, and the URL where the customer decides. Each call requests another consent. This
        /// client repeats it only if it was never sent or was refused temporarily. Errors are not documented (`[unknown]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for members that break a rule or do not fit
        /// together; `Api` for a refusal, inside a 2xx too; `Decode` for a success without a handle.
        request_consent_v3(RequestConsentV3);

        /// Requests a consent from a customer, version 2, deprecated: `POST /v2/requestconsent`.
        ///
        /// The reply has the consent's handle and no URL. Its members are unconfirmed (`[3p]`).
        ///
        /// # Errors
        ///
        /// As of [`request_consent_v3`](Self::request_consent_v3).
        request_consent_v2(RequestConsentV2);

        /// Requests a consent for each institution from a customer, version 4: `POST /v4/requestconsent`.
        ///
        /// The reply's members are not documented (`[unknown]`). This client finds every handle in it.
        ///
        /// # Errors
        ///
        /// As of [`request_consent_v3`](Self::request_consent_v3).
        request_consent_v4(RequestConsentV4);

        /// Lists consents by customer, by handle or by id, version 3: `POST /v3/getconsentslist`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Errors are not documented
        /// (`[unknown]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for members of different questions or an
        /// ill-formed handle or id; `Api` for a refusal. A consent that cannot be read is set aside, not an error.
        list_consents_v3(ListConsentsV3);

        /// Lists a customer's consents, version 2: `POST /v2/getconsentslist`.
        ///
        /// # Errors
        ///
        /// As of [`list_consents_v3`](Self::list_consents_v3).
        list_consents_v2(ListConsentsV2);

        /// Lists a customer's consents, version 1, legacy: `POST /getconsentslist`.
        ///
        /// # Errors
        ///
        /// As of [`list_consents_v3`](Self::list_consents_v3).
        list_consents_v1(ListConsentsV1);

        /// Lists a customer's accounts under any consent: `POST /v1/accounts/getconsentslist`.
        ///
        /// # Errors
        ///
        /// As of [`list_consents_v3`](Self::list_consents_v3).
        list_unique_accounts(ListUniqueAccounts);

        /// Gets the URL where a customer decides on consents: `POST /webRedirection/getEncryptedUrl`.
        ///
        /// It changes nothing, and may be repeated. This client does so when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for a handle that is no version 4 UUID; `Api` with
        /// `FP0024` for a handle that is unknown or without a valid VUA, and for handles of different customers, `FP0029` for an
        /// aggregator that is not in the registry, `FP0021` and `InvalidRequest` for members that this client checks.
        encrypt_redirection(EncryptRedirection);

        /// Reads the outcome of a customer's journey from the parameters of the return: `POST /webRedirection/decryptUrl`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. It proves no consent: list the
        /// consent, or wait for the webhook.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]. A journey that failed is a reply, not an error.
        decrypt_redirection(DecryptRedirection);

        /// Requests the account data of a consent: `POST /fi/request`.
        ///
        /// The data arrives later: wait for the webhook `DATA_READY`, or ask with
        /// [`fi_request_status`](Self::fi_request_status). Each call begins another session. This client repeats it only if it
        /// was never sent or was refused temporarily.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for a range that ends before it begins; `Api`, with
        /// `InvalidConsentId` for an unknown consent (`[3p]`); `Verification` for a reply about another consent.
        request_fi(RequestFi);

        /// Reads the status of a data request: `POST /consent/firequest/status`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Ask again after 5, 10, 20 s and so
        /// on: it is limited by rate. Data of some accounts may be there when others are not.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `RateLimited` for HTTP 429; `Api` for HTTP 400, whose codes are not
        /// documented (`[unknown]`); `Verification` for a reply about another session, consent or handle.
        fi_request_status(GetFiStatus);

        /// Reads the data of all accounts of a consent: `POST /getallfidata`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The data must be ready, see
        /// [`fi_request_status`](Self::fi_request_status), and is removed at its `dataExpiry`. This client keeps each account
        /// as it came.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for a range that ends before it begins, or for more
        /// or less than one of consent, account and transaction; `Api`, of which each is HTTP 400: `InvalidConsentId` for an
        /// unknown consent, `NoDataAvailable` if nothing has been fetched yet, `DataIsDeleted` after the data's expiry,
        /// `NoDataFound`, also inside a 2xx (`[3p]`), and `InvalidRequest` for a consent of the mode VIEW that is revoked
        /// (`FP0058`, `[3p]`).
        get_all_fi_data(GetAllFiData);

        /// Reads the account statements as a PDF: `POST /getallfidataPdf`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. This client's `download` stores it
        /// without holding it in memory.
        ///
        /// # Errors
        ///
        /// As of [`get_all_fi_data`](Self::get_all_fi_data), of which its own page shows none (`[unknown]`); `Decode` for what is
        /// no PDF.
        get_all_fi_data_pdf(GetAllFiDataPdf);

        /// Reads the data of one account: `POST /getfidata`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The members of the reply are not
        /// documented (`[unknown]`).
        ///
        /// # Errors
        ///
        /// As of [`get_all_fi_data`](Self::get_all_fi_data), of which its own page shows none (`[unknown]`).
        get_fi_data(GetFiData);

        /// Reads the data of one account as XML: `POST /xml/getfidata`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. Give the document to a parser that
        /// expands no entities. This client does not parse it, and refuses a document that declares its type, and so may
        /// declare entities. This client's `download` hands it over unseen.
        ///
        /// # Errors
        ///
        /// As of [`get_all_fi_data`](Self::get_all_fi_data), of which its own page shows none (`[unknown]`); `Decode` for what
        /// does not claim to be XML or is none, and for XML with a document type declaration.
        get_fi_data_xml(GetFiDataXml);

        /// Reads the balances of accounts: `POST /getfibalance`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// As of [`get_all_fi_data`](Self::get_all_fi_data), of which its own page shows none (`[unknown]`).
        get_fi_balance(GetFiBalance);

        /// Reads the new data under a periodic consent: `POST /getalllatestfidata`.
        ///
        /// Its page does not say whether a second call finds the same data again. This client repeats it only if it was never
        /// sent or was refused temporarily.
        ///
        /// # Errors
        ///
        /// As of [`get_all_fi_data`](Self::get_all_fi_data), of which its own page shows none (`[unknown]`).
        get_all_latest_fi_data(GetAllLatestFiData);

        /// Requests the data of many consents in one batch: `POST /v2/schedule/fi/requests`.
        ///
        /// The data arrives later: ask with [`bulk_status`](Self::bulk_status). A reference is taken once. This client repeats
        /// the call only if it was never sent or was refused temporarily. Errors are not documented (`[unknown]`).
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for more than 10,000 consents or none, an ill-formed
        /// reference or consent, which is named with its index, and a range that ends before it begins; `Api` for a refusal,
        /// such as of a reference that was used before; `Verification` for a reply about another batch.
        schedule_fi_requests(ScheduleFiRequests);

        /// Requests the data of the consents in a file: `POST /fi/requests/schedule/upload/v3`, as `multipart/form-data`.
        ///
        /// The data arrives later: ask with [`bulk_status`](Self::bulk_status). A reference is taken once. This client repeats
        /// the call only if it was never sent or was refused temporarily. Errors are not documented (`[unknown]`).
        ///
        /// # Errors
        ///
        /// As of [`schedule_fi_requests`](Self::schedule_fi_requests), and `InvalidRequest` for a file of more than 10 MiB, with a
        /// byte order mark, or that is neither JSON nor CSV with the column `consentId`; `Decode` for a success without the
        /// reference that was left to FinPro to make.
        upload_fi_requests(UploadFiRequests);

        /// Reads the status of a batch and of its rows: `POST /bulk/status`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for an ill-formed reference or a word that is not
        /// documented; `Api` with HTTP 404 for an unknown reference; `Verification` for a reply about another batch.
        bulk_status(GetBulkStatus);

        /// Reads the analysis of account data as JSON: `POST /analytics/json`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The journey must have ended. This
        /// client keeps the analysis as it came.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` unless consent and journey, or a transaction alone,
        /// are given; `Api` for a refusal, of which the page shows none (`[unknown]`), and for an analysis that says that it
        /// failed.
        analytics_json(GetAnalyticsJson);

        /// Reads the analysis of account data as a spreadsheet: `POST /analytics/excel`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The reply is the file, or the
        /// address from which it can be downloaded for a time, as the organisation is set up.
        ///
        /// # Errors
        ///
        /// As of [`analytics_json`](Self::analytics_json); what is neither a spreadsheet nor JSON is an error.
        analytics_excel(GetAnalyticsExcel);

        /// Reads the analysis of account data as XML: `POST /analytics/xml`.
        ///
        /// A guide names it, and no page describes it (`[unknown]`); it is asked for like JSON. This client does not parse the
        /// document.
        ///
        /// # Errors
        ///
        /// As of [`analytics_json`](Self::analytics_json) and [`get_fi_data_xml`](Self::get_fi_data_xml).
        analytics_xml(GetAnalyticsXml);

        /// Submits PDF statements for analysis: `POST /pirimid/analytics/pdf/push`.
        ///
        /// The analysis takes time: ask with [`pdf_analytics_status`](Self::pdf_analytics_status). Each call begins another.
        /// This client repeats it only if it was never sent or was refused temporarily.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `InvalidRequest` for an empty name or loan account, for no statement,
        /// and for one that is no Base64 or no PDF, which is named with its index; `Api` for a refusal, of which the page shows
        /// none (`[unknown]`); `Decode` for a success without its token.
        push_pdf_analytics(PushPdfAnalytics);

        /// Reads the status of an analysis of statements: `POST /pirimid/analytics/pdf/pull/status`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` for a refusal, of which the page shows none (`[unknown]`).
        pdf_analytics_status(GetPdfAnalyticsStatus);

        /// Reads the analysis of statements as JSON: `POST /pirimid/analytics/pdf/pull/json`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. The analysis must be complete. This
        /// client keeps it as it came.
        ///
        /// # Errors
        ///
        /// As of [`pdf_analytics_status`](Self::pdf_analytics_status), and `Api` for an analysis that says that it failed.
        pdf_analytics_json(GetPdfAnalyticsJson);

        /// Revokes a consent: `POST /revokeconsent`. Irreversible.
        ///
        /// A second call changes nothing, so it may be repeated. This client does so when the outcome is unknown. Where an
        /// earlier attempt was carried out, the next is refused with `InvalidStatus` (`[3p]`): list the consent to see its
        /// status.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]: `Api` for a consent that is neither active nor paused
        /// (`InvalidStatus` if it was revoked before, `[3p]`) or unknown; `Decode` for a reply that does not say `success`.
        revoke_consent(RevokeConsent);
    }
}
