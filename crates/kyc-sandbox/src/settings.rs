//! Every choice the sandbox makes, by name.
//!
//! Where a provider's documentation is silent, the sandbox has to do something. Each such point is a setting here; its
//! documentation says *own choice*, which means: the default is the sandbox's, not the provider's, and no client
//! should rely on it. Settings without that label switch between behaviours that are documented, or are faults for
//! tests.

use std::time::Duration;

use crate::credentials;

macro_rules! settings {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$field_meta:meta])* $with:ident / $field:ident: $type:ty = $default:expr; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $( $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $name {
            $(
                $(#[$field_meta])*
                #[doc = ""]
                #[doc = concat!("Default: `", stringify!($default), "`.")]
                #[must_use]
                pub fn $with(mut self, value: $type) -> Self {
                    self.$field = value;
                    self
                }

                #[doc = concat!("What [`", stringify!($name), "::", stringify!($with), "`] set.")]
                pub fn $field(&self) -> &$type {
                    &self.$field
                }
            )*
        }
    };
}

settings! {
    /// The whole sandbox: limits, ids, and one group of settings a provider.
    ///
    /// ```
    /// use kyc_sandbox::{FinpassSettings, Settings};
    ///
    /// let settings = Settings::default()
    ///     .with_deterministic_ids(true)
    ///     .with_finpass(FinpassSettings::default().with_validation_status(400));
    /// assert_eq!(*settings.finpass().validation_status(), 400);
    /// ```
    Settings {
        /// Finpass.
        with_finpass / finpass: FinpassSettings = FinpassSettings::default();
        /// MoneyOne FinPro.
        with_finpro / finpro: FinproSettings = FinproSettings::default();
        /// Veriff.
        with_veriff / veriff: VeriffSettings = VeriffSettings::default();
        /// Deepvue.
        with_deepvue / deepvue: DeepvueSettings = DeepvueSettings::default();
        /// Takes ids from a counter and shows one fixed time (2030-01-01T00:00:00.000Z) in every reply, so that recorded
        /// replies are the same byte for byte. Rate-limit windows and delays still run on the real clock.
        with_deterministic_ids / deterministic_ids: bool = false;
        /// Lets [`Sandbox::serve`](crate::Sandbox::serve) bind an address that other machines can reach. The sandbox
        /// has published credentials; leave this off unless the network is your own.
        with_allow_non_loopback / allow_non_loopback: bool = false;
        /// The longest request body, in bytes; a longer one is answered 413 in the provider's error form.
        with_body_limit / body_limit: usize = 64 * 1024;
        /// How long a connection may take to send its headers, counted anew for each request on it, before it is
        /// closed. Applies to the served sandbox.
        with_header_read_timeout / header_read_timeout: Duration = Duration::from_secs(30);
        /// How long a connection may take to send its body before it is answered 408 in the provider's error form.
        /// Applies to the served sandbox.
        with_body_read_timeout / body_read_timeout: Duration = Duration::from_secs(10);
        /// How many connections the served sandbox holds at once; more wait to be accepted.
        with_max_connections / max_connections: usize = 1024;
        /// How many entries the ledger keeps. Its counts stay exact beyond that.
        with_ledger_capacity / ledger_capacity: usize = 100_000;
    }
}

settings! {
    /// Finpass: `POST /api/v1/services/account-aggregator/init`.
    ///
    /// Documented are the request and success fields and the 401 body. Every other error is the sandbox's own choice,
    /// in the documented envelope.
    FinpassSettings {
        /// The accepted `x-api-key`.
        with_api_key / api_key: String = credentials::FINPASS_API_KEY.to_owned();
        /// The accepted `x-api-secret`.
        with_api_secret / api_secret: String = credentials::FINPASS_API_SECRET.to_owned();
        /// A key header that is sent twice. Own choice.
        with_repeated_headers / repeated_headers: RepeatedHeaders = RepeatedHeaders::Refused;
        /// A request without `Content-Type: application/json`. The header is documented as required; what its absence
        /// does is not. Own choice.
        with_content_type / content_type: ContentType = ContentType::Required;
        /// HTTP status and `status_code` of a body that cannot be accepted. Own choice.
        with_validation_status / validation_status: u16 = 422;
        /// `message_code` of a body that cannot be accepted. Own choice.
        with_validation_message_code / validation_message_code: String = "validation_error".to_owned();
        /// Whether errors other than the documented 401 carry `data`. Own choice.
        with_error_data / error_data: ErrorData = ErrorData::Absent;
        /// Which mobile numbers are accepted. Ten digits are documented, a rule for the first one is not. Own choice.
        with_mobile_rule / mobile_rule: MobileRule = MobileRule::TenDigits;
        /// Which name of the PAN field is read. The documentation has both. Own choice.
        ///
        /// When both are read and both are sent with different values, the request is refused.
        with_pan_field / pan_field: PanField = PanField::Both;
        /// Whether the form of a PAN is checked. Own choice.
        with_pan_rule / pan_rule: PanRule = PanRule::Unchecked;
        /// What an empty text in an optional field means. The documented example sends empty texts and shows `null`
        /// in the reply, so they appear to count as absent. Own choice.
        with_empty_optional / empty_optional: EmptyOptional = EmptyOptional::Absent;
        /// What `null` in an optional field means. Own choice.
        with_null_optional / null_optional: NullOptional = NullOptional::Absent;
        /// The accepted `consent_type`s; `None` accepts any text that is not empty. One value is documented as an
        /// example, the list is not. Own choice.
        with_consent_types / consent_types: Option<Vec<String>> = None;
        /// What stands before the query of the consent URL.
        with_consent_url / consent_url: String = "https://consent.example.test/onboarding".to_owned();
        /// `message_code` of the reply that says `success: false` inside an HTTP 200. Own choice.
        with_refused_message_code / refused_message_code: String = "session_not_started".to_owned();
        /// How long each reply is held back after its effect.
        with_reply_delay / reply_delay: Duration = Duration::ZERO;
        /// Answers with an error that has no cause in the request.
        with_failure / failure: Option<Failure> = None;
    }
}

settings! {
    /// MoneyOne FinPro: `POST /profile`.
    ///
    /// Documented are the request and success fields and the nested error body of `PROFILE_CHECK_FAILED`. No HTTP
    /// status of an error is.
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
        with_auth_status / auth_status: u16 = 401;
        /// Error code of missing or wrong credentials. Own choice.
        with_auth_code / auth_code: String = "AUTHENTICATION_FAILED".to_owned();
        /// HTTP status of a body that cannot be accepted. Own choice.
        with_validation_status / validation_status: u16 = 400;
        /// Error code of a body that cannot be accepted. Own choice.
        with_validation_code / validation_code: String = "InvalidRequest".to_owned();
        /// HTTP status of `PROFILE_CHECK_FAILED`. Own choice.
        with_profile_failed_status / profile_failed_status: u16 = 500;
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
        /// The aggregators with the profile API enabled. With none, every check is `PROFILE_CHECK_FAILED`. One whose
        /// name is not in [`people`](crate::people) knows nobody.
        with_aggregators / aggregators: Vec<String> =
            vec!["onemoney".to_owned(), "finvu".to_owned(), "anumati".to_owned()];
        /// How long each aggregator may take. Documented as configurable, typically 4 to 6 seconds.
        with_aggregator_timeout / aggregator_timeout: Duration = Duration::from_secs(4);
        /// `errorMessage` of a row that failed. Own choice.
        with_row_error_message / row_error_message: String = "Account Aggregator returned an error".to_owned();
        /// Requests per window, counting every request to the operation, refused ones too. The number is documented;
        /// what counts, and for whom, is not: the sandbox has one organisation and counts all. Own choice.
        with_rate_limit / rate_limit: u64 = 1000;
        /// The window's length. Own choice.
        with_rate_window / rate_window: Duration = Duration::from_secs(60);
        /// The unit of `X-RateLimit-Reset`. Documented as a Unix timestamp on a neighbouring page. Own choice.
        with_reset_unit / reset_unit: ResetUnit = ResetUnit::Seconds;
        /// Whether replies carry `X-RateLimit-Limit` too, as a neighbouring page documents. Own choice.
        with_limit_header / limit_header: bool = false;
        /// Whether a 429 carries `Retry-After`, in seconds. Own choice.
        with_retry_after / retry_after: bool = false;
        /// How long each reply is held back.
        with_reply_delay / reply_delay: Duration = Duration::ZERO;
        /// Answers with an error that has no cause in the request.
        with_failure / failure: Option<Failure> = None;
    }
}

settings! {
    /// Veriff: `POST /v1/sessions/{id}/consents`.
    ///
    /// Documented are the request, the four success headers, and one body for each of 400, 401, 404 and 500.
    VeriffSettings {
        /// The accepted `x-auth-client`.
        with_api_key / api_key: String = credentials::VERIFF_API_KEY.to_owned();
        /// The active shared secrets. A request signed with any of them is accepted, the first one signs replies; both
        /// are undocumented. Own choice.
        with_secrets / secrets: Vec<String> = vec![credentials::VERIFF_SHARED_SECRET.to_owned()];
        /// The secret of [`ReplySigning::OldSecret`].
        with_old_secret / old_secret: String = credentials::VERIFF_OLD_SECRET.to_owned();
        /// `code` of a request without `x-auth-client`: the operation's page shows `1101`, the table of codes `1801`.
        with_missing_client_code / missing_client_code: String = "1101".to_owned();
        /// `code` of a request without `x-hmac-signature`, or with two of them. Own choice.
        with_missing_signature_code / missing_signature_code: String = "1815".to_owned();
        /// `code` of a signature that is not 64 hexadecimal digits. Own choice.
        with_malformed_signature_code / malformed_signature_code: String = "1812".to_owned();
        /// HTTP status of every refused identification. 401 is documented for the missing header only. Own choice for
        /// the rest.
        with_auth_status / auth_status: u16 = 401;
        /// A request signature in upper-case digits. Own choice.
        with_upper_case_signature / upper_case_signature: UpperCaseSignature = UpperCaseSignature::Accepted;
        /// A request without `Content-Type: application/json`. Own choice.
        with_content_type / content_type: ContentType = ContentType::Ignored;
        /// `code` of a body that cannot be accepted. The documented example has `1101`.
        with_validation_code / validation_code: String = "1101".to_owned();
        /// A `text` that is empty or only blanks. Own choice.
        with_empty_text / empty_text: EmptyText = EmptyText::Refused;
        /// Body fields that are not documented. Own choice.
        with_extra_fields / extra_fields: ExtraFields = ExtraFields::Ignored;
        /// Which sessions exist. Own choice. [`SESSION_NOT_FOUND`] and [`SESSION_BREAKS`] keep their meaning.
        with_sessions / sessions: SessionPolicy = SessionPolicy::AnyUuid;
        /// A session id that is not a UUID. Own choice.
        with_malformed_session / malformed_session: MalformedSession = MalformedSession::NotFound;
        /// What the latest consent is the latest of. Own choice.
        with_latest_scope / latest_scope: LatestScope = LatestScope::Session;
        /// How many consents are kept in memory; the oldest go first.
        with_consent_capacity / consent_capacity: usize = 10_000;
        /// The signature headers of a success reply. All but the first variant are faults or older deployments.
        with_reply_signing / reply_signing: ReplySigning = ReplySigning::BothPairs;
        /// The body of a success reply.
        with_reply_body / reply_body: ConsentReplyBody = ConsentReplyBody::AsDocumented;
        /// The order of the keys in a success reply; another order is documented as a compatible change.
        with_key_order / key_order: KeyOrder = KeyOrder::AsDocumented;
        /// Whether error replies are signed like success replies. Own choice.
        with_error_signing / error_signing: ErrorSigning = ErrorSigning::Unsigned;
        /// Sends an error's `status` as the number of the HTTP status, as a neighbouring operation does.
        with_numeric_status / numeric_status: bool = false;
        /// Sends an error's `code` as a number.
        with_numeric_code / numeric_code: bool = false;
        /// How long each reply is held back after its effect.
        with_reply_delay / reply_delay: Duration = Duration::ZERO;
        /// Answers with an error that has no cause in the request.
        with_failure / failure: Option<Failure> = None;
    }
}

settings! {
    /// Deepvue: `POST /v1/kyc/digilocker/initiate-session`.
    ///
    /// Documented are the request, the success body, and the texts of the error bodies; which HTTP status belongs to
    /// which text is partly inferred.
    DeepvueSettings {
        /// The accepted `client-id`.
        with_client_id / client_id: String = credentials::DEEPVUE_CLIENT_ID.to_owned();
        /// The accepted `x-api-key`.
        with_client_secret / client_secret: String = credentials::DEEPVUE_CLIENT_SECRET.to_owned();
        /// Clients that exist and are inactive; whatever key they send, they are answered `Inactive client_id`.
        with_inactive_clients / inactive_clients: Vec<String> =
            vec![credentials::DEEPVUE_INACTIVE_CLIENT_ID.to_owned()];
        /// A credential header that is missing or sent twice: HTTP status of `Not authenticated`. Own choice; 403 is
        /// the other likely value.
        with_missing_key_status / missing_key_status: u16 = 401;
        /// A key or a client that is not accepted. Own choice.
        with_wrong_credentials / wrong_credentials: WrongCredentials = WrongCredentials::Denied;
        /// A request without `Content-Type: application/json`. Own choice.
        with_content_type / content_type: ContentType = ContentType::Required;
        /// HTTP status of a success. Undocumented: own choice.
        with_success_status / success_status: u16 = 201;
        /// `code` in the body of a success. The documented example has 201.
        with_body_code / body_code: u16 = 201;
        /// `timestamp` in the body of a success; neighbouring operations show `null`.
        with_timestamp / timestamp: TimestampForm = TimestampForm::Milliseconds;
        /// Adds `sub_code` and `message` to a success, as neighbouring operations do.
        with_sub_code / sub_code: bool = false;
        /// The body of a success reply.
        with_reply_body / reply_body: SessionReplyBody = SessionReplyBody::AsDocumented;
        /// The form of validation items. Own choice: the documented item has the first form.
        with_validation_items / validation_items: ValidationItems = ValidationItems::PydanticV1;
        /// A `consent` other than `Y`. That it is rejected is documented, how is not. Own choice.
        with_refused_consent / refused_consent: RefusedConsent = RefusedConsent::Items;
        /// HTTP status of a `consent` other than `Y`. Own choice.
        with_refused_consent_status / refused_consent_status: u16 = 422;
        /// A `purpose` that is empty. Own choice.
        with_empty_purpose / empty_purpose: EmptyText = EmptyText::Accepted;
        /// Whether `redirect_url` may be left out. It is not marked as required.
        with_redirect_url / redirect_url: RedirectUrl = RedirectUrl::Optional;
        /// Whether the form of `redirect_url` is checked. Own choice.
        with_redirect_url_rule / redirect_url_rule: RedirectUrlRule = RedirectUrlRule::Unchecked;
        /// What `null` in an optional field means. Own choice.
        with_null_optional / null_optional: NullOptional = NullOptional::Absent;
        /// A `doc_types` that is an empty array. Own choice.
        with_empty_doc_types / empty_doc_types: EmptyDocTypes = EmptyDocTypes::Accepted;
        /// A document type that is named twice. Own choice.
        with_repeated_doc_types / repeated_doc_types: RepeatedDocTypes = RepeatedDocTypes::Accepted;
        /// The plan whose documented limits apply to authenticated requests.
        with_plan / plan: Plan = Plan::Unlimited;
        /// Whether a request that is refused for the limit counts towards it. Own choice.
        with_refused_requests_count / refused_requests_count: bool = false;
        /// How long each reply is held back after its effect.
        with_reply_delay / reply_delay: Duration = Duration::ZERO;
        /// Answers with an error that has no cause in the request.
        with_failure / failure: Option<Failure> = None;
    }
}

macro_rules! fail_with {
    ($($name:ident)*) => { $(
        impl $name {
            /// Answers every request with this status and the provider's error body for it.
            #[must_use]
            pub fn fail_with(self, status: u16) -> Self {
                self.with_failure(Some(Failure::new(status)))
            }
        }
    )* };
}
fail_with! { FinpassSettings FinproSettings VeriffSettings DeepvueSettings }

/// The Veriff session that answers 404 with the documented body.
pub const SESSION_NOT_FOUND: &str = "00000000-0000-4000-8000-000000000404";
/// The Veriff session that answers 500 with the documented body.
pub const SESSION_BREAKS: &str = "00000000-0000-4000-8000-000000000500";

/// An error that has no cause in the request.
///
/// ```
/// use kyc_sandbox::{FinpassSettings, settings::Failure};
///
/// // The first two requests open a session, yet the caller is told 503.
/// let settings =
///     FinpassSettings::default().with_failure(Some(Failure::new(503).first(2).after_effect()));
/// # let _ = settings;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: u16,
    first: Option<u64>,
    after_effect: bool,
    gateway_page: bool,
}

impl Failure {
    /// Every request is answered with this status and the provider's error body for it, before anything is checked
    /// or done. A status that HTTP does not know becomes 500.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            first: None,
            after_effect: false,
            gateway_page: false,
        }
    }

    /// Only the first `count` requests fail.
    #[must_use]
    pub fn first(mut self, count: u64) -> Self {
        self.first = Some(count);
        self
    }

    /// The request is checked and carried out first; if it would have succeeded, the failure is sent instead. To the
    /// caller the two look alike; the [ledger](crate::Ledger) tells them apart.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    /// The body is an HTML page, as a gateway before the provider sends it, instead of the provider's error body.
    #[must_use]
    pub fn gateway_page(mut self) -> Self {
        self.gateway_page = true;
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn limit(&self) -> Option<u64> {
        self.first
    }

    pub(crate) fn is_after_effect(&self) -> bool {
        self.after_effect
    }

    pub(crate) fn is_gateway_page(&self) -> bool {
        self.gateway_page
    }
}

macro_rules! choices {
    ($( $(#[$meta:meta])* $name:ident { $( $(#[$variant_meta:meta])* $variant:ident ),* $(,)? } )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
        }
    )* };
}

choices! {
    /// What a credential header that is sent more than once does.
    RepeatedHeaders {
        /// The same as a missing one.
        Refused,
        /// The first one counts.
        FirstCounts,
    }

    /// What a request without `Content-Type: application/json` does.
    ContentType {
        /// It is a validation error.
        Required,
        /// The body is read as JSON all the same.
        Ignored,
    }

    /// What `null` in an optional field means.
    NullOptional {
        /// The same as leaving the field out.
        Absent,
        /// It is a validation error.
        Refused,
    }

    /// Whether Finpass errors carry `data`.
    ErrorData {
        /// They do not.
        Absent,
        /// They carry `"data": null`.
        Null,
    }

    /// Which mobile numbers Finpass accepts.
    MobileRule {
        /// Any ten digits.
        TenDigits,
        /// Ten digits of which the first is 6, 7, 8 or 9.
        TenDigitsFromSix,
    }

    /// Which name of the PAN field Finpass reads; the other one is ignored.
    PanField {
        /// `pan_number` and `pan`.
        Both,
        /// `pan_number` only.
        PanNumber,
        /// `pan` only.
        Pan,
    }

    /// Whether Finpass checks a PAN.
    PanRule {
        /// It does not.
        Unchecked,
        /// It must be ten letters and digits.
        TenAlphanumeric,
    }

    /// What an empty text in an optional field of Finpass means.
    EmptyOptional {
        /// The same as leaving the field out; the reply shows `null`.
        Absent,
        /// It is a value; the reply echoes it.
        Value,
    }

    /// The form of FinPro's error bodies.
    ErrorEnvelope {
        /// `{ver, status: "error", error: {code, message, details}}`, documented for this operation.
        Nested,
        /// `{ver, timestamp, status: "failure", errorCode, errorMsg}`, reported for others.
        Flat,
    }

    /// Whether FinPro's `userConsentId` may be left out.
    UserConsentId {
        /// Its absence is a validation error.
        Required,
        /// It may.
        Optional,
    }

    /// What an empty `aaId` array does.
    EmptyAaIds {
        /// The same as leaving it out: every enabled aggregator is asked.
        AllEnabled,
        /// Nobody is asked; `data` is empty.
        NoneAsked,
        /// It is a validation error.
        Refused,
    }

    /// What an `aaId` does that names no enabled aggregator.
    UnknownAaId {
        /// It gets a row with status `failed`.
        FailedRow,
        /// It gets no row.
        Omitted,
        /// It is a validation error.
        Refused,
    }

    /// What an `aaId` does that is named twice.
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
        /// The other way round.
        Reversed,
    }

    /// The unit of `X-RateLimit-Reset`.
    ResetUnit {
        /// Unix seconds.
        Seconds,
        /// Unix milliseconds.
        Milliseconds,
    }

    /// What an upper-case request signature does at Veriff.
    UpperCaseSignature {
        /// The same as a lower-case one.
        Accepted,
        /// It is malformed.
        Refused,
    }

    /// What an empty text does.
    EmptyText {
        /// It is accepted.
        Accepted,
        /// It is a validation error.
        Refused,
    }

    /// What undocumented body fields do at Veriff.
    ExtraFields {
        /// Nothing.
        Ignored,
        /// They are a validation error.
        Refused,
    }

    /// What a session id that is not a UUID does at Veriff.
    MalformedSession {
        /// 404 with the documented body.
        NotFound,
        /// 400 with the documented body.
        ValidationFailed,
    }

    /// What a binding consent is the latest of.
    LatestScope {
        /// Of all consents of the session.
        Session,
        /// Of the consents of the same type of the session.
        SessionAndType,
    }

    /// The signature headers of Veriff's success replies.
    ReplySigning {
        /// `x-auth-client`, `x-hmac-signature`, `vrf-auth-client`, `vrf-hmac-signature`, as documented.
        BothPairs,
        /// Only the two that begin with `x-`, as an older version of the page has it.
        XPairOnly,
        /// Only the two that begin with `vrf-`.
        VrfPairOnly,
        /// Both pairs; the second signature is made with the old secret.
        DifferingPairs,
        /// None.
        Unsigned,
        /// Both pairs, in upper-case digits.
        UpperCaseHex,
        /// Both pairs, signed with [`VeriffSettings::with_old_secret`].
        OldSecret,
        /// Both pairs, over the body without spaces; the body is sent with spaces.
        ReserialisedAfterSigning,
        /// Both pairs, rightly signed, naming another API key.
        ForeignClient,
    }

    /// The body of Veriff's success replies.
    ConsentReplyBody {
        /// `id`, `context` and `sessionId`.
        AsDocumented,
        /// `sessionId` names another session.
        AnotherSession,
        /// Two fields that are not documented come along.
        ExtraFields,
        /// No `id`.
        IdMissing,
    }

    /// The order of the keys in Veriff's success replies.
    KeyOrder {
        /// `id`, `context`, `sessionId`.
        AsDocumented,
        /// The three rotations in turn, the documented order last.
        Varied,
    }

    /// Whether Veriff's error replies are signed.
    ErrorSigning {
        /// They are not.
        Unsigned,
        /// They are, as [`VeriffSettings::with_reply_signing`] says.
        Signed,
    }

    /// What a key or a client that Deepvue does not accept is told.
    WrongCredentials {
        /// 401, `Invalid client_id or client_secret, access Denied`.
        Denied,
        /// 403, `Not a valid token`.
        NotAValidToken,
    }

    /// `timestamp` in Deepvue's success replies.
    TimestampForm {
        /// Unix milliseconds.
        Milliseconds,
        /// `null`.
        Null,
        /// Left out.
        Absent,
    }

    /// The body of Deepvue's success replies.
    SessionReplyBody {
        /// With `data.authorization_url`.
        AsDocumented,
        /// Without `data`.
        DataMissing,
        /// With `"data": null`.
        DataNull,
        /// An error body with the status of a success.
        ErrorInside2xx,
    }

    /// The form of Deepvue's validation items.
    ValidationItems {
        /// `{loc, msg, type}`, as in the documented example.
        PydanticV1,
        /// `{type, loc, msg, input}`. The `input` is what the caller sent.
        PydanticV2,
    }

    /// What a `consent` other than `Y` is told.
    RefusedConsent {
        /// A list of one validation item.
        Items,
        /// A text.
        Text,
    }

    /// Whether Deepvue's `redirect_url` may be left out.
    RedirectUrl {
        /// It may.
        Optional,
        /// Its absence is a validation error.
        Required,
    }

    /// Whether Deepvue checks `redirect_url`.
    RedirectUrlRule {
        /// It does not.
        Unchecked,
        /// It must begin with `https://`.
        HttpsOnly,
    }

    /// What an empty `doc_types` array does.
    EmptyDocTypes {
        /// It is accepted.
        Accepted,
        /// It is a validation error.
        Refused,
    }

    /// What a document type that is named twice does.
    RepeatedDocTypes {
        /// It is accepted.
        Accepted,
        /// It is a validation error.
        Refused,
    }

    /// A Deepvue plan, by its documented requests per second, minute and day.
    Plan {
        /// No limit. Not a plan of Deepvue's.
        Unlimited,
        /// 1, 30, 1,000.
        Starter,
        /// 2, 100, 10,000.
        Business,
        /// 5, 500, 20,000.
        Growth,
        /// 17, 1,000, 50,000.
        Enterprise,
    }
}

/// Which sessions Veriff knows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionPolicy {
    /// Every UUID.
    AnyUuid,
    /// These UUIDs only.
    Listed(Vec<String>),
}
