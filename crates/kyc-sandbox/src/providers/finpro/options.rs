//! MoneyOne FinPro's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::credentials;
use crate::exchange::{
    ContentType, Failure, NullOptional, RepeatedHeaders, choices, fault_settings, named, settings,
};
pub use crate::state::DataOutcome;

named! { DataOutcome { Ready Partial Timeout } }

settings! {
    /// MoneyOne FinPro: Check Profile, consents.
    ///
    /// The request and success fields and the nested error body of `PROFILE_CHECK_FAILED` are documented. The HTTP status
    /// of errors is not.
    FinproSettings {
        /// The accepted `client_id`.
        with_client_id / client_id: String = credentials::FINPRO_CLIENT_ID.to_owned();
        /// The accepted `client_secret`.
        with_client_secret / client_secret: String = credentials::FINPRO_CLIENT_SECRET.to_owned();
        /// The accepted `organisationId`.
        with_organisation_id / organisation_id: String = credentials::FINPRO_ORGANISATION_ID.to_owned();
        /// The accepted `appIdentifier`.
        with_app_identifier / app_identifier: String = credentials::FINPRO_APP_IDENTIFIER.to_owned();
        /// A credential header that is sent twice. Own choice.
        with_repeated_headers / repeated_headers: RepeatedHeaders = RepeatedHeaders::Refused;
        /// A request without `Content-Type: application/json`. Own choice.
        with_content_type / content_type: ContentType = ContentType::Required;
        /// The form of error bodies. The nested one is documented for this operation, the flat one is reported for
        /// others. Own choice for all but `PROFILE_CHECK_FAILED`.
        with_error_envelope / error_envelope: ErrorEnvelope = ErrorEnvelope::Nested;
        /// HTTP status of missing or wrong credentials. Own choice.
        with_auth_status / auth_status: u16 [status] = 401;
        /// Error code of missing or wrong credentials. Own choice.
        with_auth_code / auth_code: String = "AUTHENTICATION_FAILED".to_owned();
        /// HTTP status of a body that cannot be accepted. Own choice.
        with_validation_status / validation_status: u16 [status] = 400;
        /// Error code of a body that cannot be accepted. Own choice.
        with_validation_code / validation_code: String = "InvalidRequest".to_owned();
        /// HTTP status of `PROFILE_CHECK_FAILED`. Own choice.
        with_profile_failed_status / profile_failed_status: u16 [status] = 500;
        /// Whether `userConsentId` may be left out. The documentation calls its absence an error without marking the
        /// field as required. Own choice.
        with_user_consent_id / user_consent_id: UserConsentId = UserConsentId::Required;
        /// What `null` in an optional field means. Own choice.
        with_null_optional / null_optional: NullOptional = NullOptional::Absent;
        /// An `aaId` that is an empty array. Own choice.
        with_empty_aa_ids / empty_aa_ids: EmptyAaIds = EmptyAaIds::AllEnabled;
        /// An `aaId` that names no enabled aggregator. Own choice.
        with_unknown_aa_id / unknown_aa_id: UnknownAaId = UnknownAaId::FailedRow;
        /// An `aaId` that is named twice. Own choice.
        with_repeated_aa_ids / repeated_aa_ids: RepeatedAaIds = RepeatedAaIds::Once;
        /// How many `aaId`s a request may name. Own choice.
        with_max_aa_ids / max_aa_ids: usize = 50;
        /// The order of the rows. Not promised. Own choice.
        with_row_order / row_order: RowOrder = RowOrder::AsAsked;
        /// The aggregators with the profile API enabled. With none, every check is `PROFILE_CHECK_FAILED`. An aggregator
        /// that is not in [`people`](crate::people) knows nobody.
        with_aggregators / aggregators: Vec<String> =
            vec!["onemoney".to_owned(), "finvu".to_owned(), "anumati".to_owned()];
        /// How long each aggregator may take. Documented as configurable, typically 4 to 6 seconds.
        with_aggregator_timeout / aggregator_timeout: Duration = Duration::from_secs(4);
        /// `errorMessage` of a row that failed. Own choice.
        with_row_error_message / row_error_message: String = "Account Aggregator returned an error".to_owned();
        /// Requests per window, counting every request to the operation, including refused ones. The number is documented;
        /// which requests count, and for whom, is not: the sandbox has one organisation and counts all. Own choice.
        with_rate_limit / rate_limit: u64 = 1000;
        /// The window's length. Own choice.
        with_rate_window / rate_window: Duration = Duration::from_secs(60);
        /// The unit of `X-RateLimit-Reset`. Documented as a Unix timestamp on a neighbouring page. Own choice.
        with_reset_unit / reset_unit: ResetUnit = ResetUnit::Seconds;
        /// Whether replies carry `X-RateLimit-Limit` too, as a neighbouring page documents. Own choice.
        with_limit_header / limit_header: bool = false;
        /// Whether a 429 carries `Retry-After`, in seconds. Own choice.
        with_retry_after / retry_after: bool = false;
        /// The consent templates that are listed.
        with_products / products: Vec<String> = vec!["LOAN-1".to_owned()];
        /// A consent request by a template that is not listed. Own choice.
        with_unknown_product / unknown_product: UnknownName = UnknownName::Refused;
        /// A consent request to an aggregator that is not enabled: `FP0029`, which is documented for web redirection. Own
        /// choice.
        with_unknown_aggregator / unknown_aggregator: UnknownName = UnknownName::Refused;
        /// What becomes of a consent that is asked for. Own choice.
        with_consent_decisions / consent_decisions: ConsentDecisions = ConsentDecisions::ByPerson;
        /// How long a customer has time to decide; then the consent is expired. Own choice.
        with_link_life / link_life: Duration = Duration::from_secs(24 * 60 * 60);
        /// How long a consent lasts from its request on. Own choice.
        with_consent_life / consent_life: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        /// How long data is kept that was fetched. Own choice.
        with_data_life / data_life: Duration = Duration::from_secs(7 * 24 * 60 * 60);
        /// Whether customers can link accounts that have two holders. Own choice.
        with_joint_accounts / joint_accounts: JointAccounts = JointAccounts::ShownOnly;
        /// Where customers return whose request names no address.
        with_return_url / return_url: String = "https://lender.example.test/done".to_owned();
        /// Which webhooks are sent.
        with_webhook_categories / webhook_categories: Vec<WebhookCategory> =
            vec![WebhookCategory::Consent, WebhookCategory::Data];
        /// The form of webhooks. Both are documented; how an organisation gets one of them is not. Own choice.
        with_webhook_payload / webhook_payload: WebhookPayload = WebhookPayload::Extended;
        /// Whether a revocation by the organisation is told by a webhook. Own choice.
        with_revocation_webhook / revocation_webhook: bool = true;
        /// With what webhooks are signed: HMAC-SHA256 is documented. That the raw body is signed, and with the secret's text, is
        /// not. Own choice.
        with_webhook_secret / webhook_secret: String = credentials::FINPRO_WEBHOOK_SECRET.to_owned();
        /// A secret that was replaced, with which the webhooks of some people are signed.
        with_old_webhook_secret / old_webhook_secret: String =
            credentials::FINPRO_OLD_WEBHOOK_SECRET.to_owned();
        /// The header with a webhook's signature, in lower case. Not documented; the name says that it is the sandbox's. Own
        /// choice.
        with_webhook_header / webhook_header: String = "x-sandbox-signature".to_owned();
        /// How a webhook's signature is written. Own choice.
        with_webhook_encoding / webhook_encoding: WebhookEncoding = WebhookEncoding::Hex;
        /// What stands before a webhook's signature. Own choice.
        with_webhook_prefix / webhook_prefix: String = String::new();
        /// How many consents are kept; the oldest are forgotten.
        with_consent_capacity / consent_capacity: usize = 10_000;
        /// Where a consent request's reply has its members. Own choice.
        with_consent_reply / consent_reply: ConsentReply = ConsentReply::InData;
        /// How many rows a page of a list has where the request does not say, as that of unique accounts cannot. Own choice.
        with_page_rows / page_rows: usize = 100;
        /// How replies spell the member with the redirection URL. The pages differ.
        with_redirect_member / redirect_member: RedirectMember = RedirectMember::AsDocumented;
        /// Which consents the list of unique accounts has. Own choice.
        with_unique_accounts / unique_accounts: UniqueAccounts = UniqueAccounts::AnyTemplate;
        /// The code of a return with an `ecres` that is not this sandbox's; without one it is refused. A number is taken for a
        /// code in any case, so that each can be seen without a journey. Own choice.
        with_journey_code / journey_code: Option<u16> = None;
        /// How many questions for its status a data session is pending. Own choice.
        with_pending_polls / pending_polls: u32 = 0;
        /// How data sessions end. Own choice.
        with_data_outcome / data_outcome: DataOutcome = DataOutcome::Ready;
        /// The body of an account: as on the page, or as live replies are reported to be.
        with_account_body / account_body: AccountBody = AccountBody::AsDocumented;
        /// The version of ReBIT's deposits in which the accounts of scripted people come. Both are live.
        with_deposit_version / deposit_version: DepositVersion = DepositVersion::Two;
        /// How the analysis of account data comes as a spreadsheet. Documented as set up for each organisation.
        with_excel_form / excel_form: ExcelForm = ExcelForm::Link;
        /// The delay of each reply.
        with_reply_delay / reply_delay: Duration = Duration::ZERO;
        /// A failure that is injected into every operation.
        with_failure / failure: Option<Failure> = None;
        /// Failures that are injected into single operations, by name, instead of the one for all.
        with_operation_failures / operation_failures: BTreeMap<String, Failure> = BTreeMap::new();
        /// Reply delays of single operations, by name, instead of the one for all.
        with_operation_delays / operation_delays: BTreeMap<String, Duration> = BTreeMap::new();
    }
}

fault_settings! { FinproSettings }

choices! {
    /// The form of FinPro's error bodies.
    ErrorEnvelope {
        /// `{ver, status: "error", error: {code, message, details}}`, documented for this operation.
        Nested,
        /// `{ver, timestamp, status: "failure", errorCode, errorMsg}`, reported for others.
        Flat,
    }

    /// What becomes of a consent at an account aggregator that is asked for.
    ConsentDecisions {
        /// The customer of the virtual user account decides at once, by the table of [`people`](crate::people): with linked
        /// accounts there it becomes active, without any it is rejected. One with a [script](crate::MobileScript) decides as
        /// it says, in time. All others decide on the pages.
        ByPerson,
        /// It is pending until a page is used or [`Sandbox::decide_consent`](crate::Sandbox::decide_consent).
        Pending,
    }

    /// The effect of a name that the organisation does not have.
    UnknownName {
        /// It is an error.
        Refused,
        /// It is taken like any other.
        Accepted,
    }

    /// What becomes of accounts with two holders.
    JointAccounts {
        /// They are shown and cannot be linked.
        ShownOnly,
        /// They are linked like others.
        Linkable,
    }

    /// A category of webhooks.
    WebhookCategory {
        /// `CONSENT`: what becomes of a consent.
        Consent,
        /// `DATA`: what becomes of a data session.
        Data,
        /// `DATA_EXT`: the data itself, in `data`. Only the names of category and event are documented. Own choice.
        DataExt,
    }

    /// The form of webhooks.
    WebhookPayload {
        /// Type 1.
        Basic,
        /// Type 2, with the consent's template, account and expiry, and a masked `vua`.
        Extended,
    }

    /// How a signature is written.
    WebhookEncoding {
        /// In 64 lower-case hexadecimal digits.
        Hex,
        /// In Base64, with padding.
        Base64,
    }

    /// Where the reply to a consent request has its members.
    ConsentReply {
        /// In `data`, as integrators report.
        InData,
        /// Beside `ver` and `status`.
        Flat,
    }

    /// The spelling of a redirection URL's member.
    RedirectMember {
        /// As on each operation's own page.
        AsDocumented,
        /// `webRedirectionUrl`.
        Url,
        /// `webRedirectionURL`.
        CapitalUrl,
    }

    /// Which consents the list of unique accounts has.
    UniqueAccounts {
        /// Those by any template, as an integrator reports.
        AnyTemplate,
        /// Those by the template that was asked for.
        OfTemplate,
    }

    /// The body of an account.
    AccountBody {
        /// `transactions`, `balance`, `profile`, `holder` and `summary`.
        AsDocumented,
        /// `Summary`, `Profile.Holders.Holder` and `Transactions.Transaction`, as in ReBIT's schemas.
        Rebit,
    }

    /// A version of ReBIT's schema of deposits.
    DepositVersion {
        /// 1.1: the balance after a row is its `currentBalance`, and a transfer's mode `FT`.
        One,
        /// 2.0.0: the balance after a row is its `transactionalBalance`.
        Two,
    }

    /// How a spreadsheet comes.
    ExcelForm {
        /// As an address from which it can be downloaded for a time. Nothing is there.
        Link,
        /// As the file itself, which is empty unless the accounts are a scripted person's.
        File,
    }

    /// Whether FinPro's `userConsentId` may be left out.
    UserConsentId {
        /// Its absence is a validation error.
        Required,
        /// It may be left out.
        Optional,
    }

    /// The effect of an empty `aaId` array.
    EmptyAaIds {
        /// The same as leaving it out: every enabled aggregator is asked.
        AllEnabled,
        /// No aggregator is asked; `data` is empty.
        NoneAsked,
        /// It is a validation error.
        Refused,
    }

    /// The effect of an `aaId` that names no enabled aggregator.
    UnknownAaId {
        /// It gets a row with status `failed`.
        FailedRow,
        /// It gets no row.
        Omitted,
        /// It is a validation error.
        Refused,
    }

    /// The effect of an `aaId` that is named twice.
    RepeatedAaIds {
        /// It gets one row.
        Once,
        /// It gets a row each time.
        EachTime,
        /// It is a validation error.
        Refused,
    }

    /// The order of FinPro's rows.
    RowOrder {
        /// As the request names them, or as they are enabled.
        AsAsked,
        /// In the reverse order.
        Reversed,
    }

    /// The unit of `X-RateLimit-Reset`.
    ResetUnit {
        /// Unix seconds.
        Seconds,
        /// Unix milliseconds.
        Milliseconds,
    }
}
