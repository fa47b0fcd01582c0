//! Veriff's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::credentials;
use crate::exchange::{
    ContentType, EmptyText, ExtraFields, Failure, SettingValue, choices, fault_settings, named,
    settings,
};
use crate::state::{DecisionStatus, LatestScope};

settings! {
    /// Veriff: verification sessions.
    ///
    /// The requests, their signed bytes, the four success headers, the decisions' pairs of status and code, and one body
    /// for each of 400, 401, 404 and 500 are documented.
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
        /// HTTP status of every failed authentication. 401 is documented for the missing header only. Own choice for
        /// the rest.
        with_auth_status / auth_status: u16 [status] = 401;
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
        /// Whether sessions may be deleted, and how often. Veriff enables it on request. Own choice.
        with_deletion / deletion: Deletion = Deletion::Unlimited;
        /// The HTTP status of an upload. The page does not say which success it is. Own choice.
        with_upload_status / upload_status: u16 [status] = 200;
        /// The longest body of an upload, in bytes. A picture of 7 MB fits in base64; Veriff takes more.
        with_upload_limit / upload_limit: usize = 10 * 1024 * 1024;
        /// After how long a session that was handed in is decided whose person's name scripts nothing; without, it waits for
        /// [`Sandbox::decide`](crate::Sandbox::decide). Own choice.
        with_decision_after / decision_after: Option<Duration> = Some(Duration::from_secs(30));
        /// Whether a review is told while it lasts, which is agreed with Veriff. Own choice.
        with_reviews / reviews: Reviews = Reviews::Untold;
        /// Whether `callback` may lead to this machine over HTTP, for programs under development. Veriff takes HTTPS only.
        with_loopback_callbacks / loopback_callbacks: bool = false;
        /// Whether webhooks tell that a person came and handed in; they are optional.
        with_event_webhooks / event_webhooks: bool = true;
        /// Whether webhooks tell what screening found; it is agreed with Veriff.
        with_screening_webhooks / screening_webhooks: bool = true;
        /// Sends the webhook of the fully automatic plan instead of the decision webhook.
        with_full_auto / full_auto: bool = false;
        /// Whether files are signed as other replies are; the page does not say. Own choice.
        with_media_signing / media_signing: MediaSigning = MediaSigning::Signed;
        /// The number of uploaded files kept in memory; the oldest are dropped first.
        with_media_capacity / media_capacity: usize = 100;
        /// How many bytes of uploaded files are kept in memory; the oldest files are dropped first.
        with_media_bytes / media_bytes: usize = 64 * 1024 * 1024;
        /// What the screening of every verified person finds. Own choice.
        with_screening / screening: Screening = Screening::NoMatch;
        /// The form of a failure about one-time passwords: inside a 200 by one page, with the HTTP status by another.
        with_mfa_failure / mfa_failure: MfaFailure = MfaFailure::InsideSuccess;
        /// Sends the status of replies about one-time passwords as a boolean, as before March 17, 2025.
        with_boolean_mfa_status / boolean_mfa_status: bool = false;
        /// How often one-time passwords may be asked for. Own choice.
        with_mfa_limits / mfa_limits: MfaLimits = MfaLimits::Unlimited;
        /// The scope in which the latest consent is binding. Own choice.
        with_latest_scope / latest_scope: LatestScope = LatestScope::Session;
        /// The number of consents kept in memory; the oldest are dropped first.
        with_consent_capacity / consent_capacity: usize = 10_000;
        /// The signature headers of a success reply. All but the first variant are faults or older deployments.
        with_reply_signing / reply_signing: ReplySigning = ReplySigning::BothPairs;
        /// The body of a recorded consent.
        with_reply_body / reply_body: ConsentReplyBody = ConsentReplyBody::AsDocumented;
        /// The order of the keys in a success reply; another order is documented as a compatible change.
        with_key_order / key_order: KeyOrder = KeyOrder::AsDocumented;
        /// Whether error replies are signed like success replies. Own choice.
        with_error_signing / error_signing: ErrorSigning = ErrorSigning::Unsigned;
        /// Sends an error's `status` as the number of the HTTP status, as a neighbouring operation does.
        with_numeric_status / numeric_status: bool = false;
        /// Sends an error's `code` as a number.
        with_numeric_code / numeric_code: bool = false;
        /// The delay of each reply, after its effect.
        with_reply_delay / reply_delay: Duration = Duration::ZERO;
        /// A failure that is injected into every operation.
        with_failure / failure: Option<Failure> = None;
        /// Failures that are injected into single operations, by name, instead of the one for all.
        with_operation_failures / operation_failures: BTreeMap<String, Failure> = BTreeMap::new();
        /// Reply delays of single operations, by name, instead of the one for all.
        with_operation_delays / operation_delays: BTreeMap<String, Duration> = BTreeMap::new();
    }
}

fault_settings! { VeriffSettings }

/// The Veriff session that answers 404 with the documented body.
pub const SESSION_NOT_FOUND: &str = "00000000-0000-4000-8000-000000000404";
/// The Veriff session that answers 500 with the documented body.
pub const SESSION_BREAKS: &str = "00000000-0000-4000-8000-000000000500";
/// The one-time password that is right.
pub const MFA_CODE: &str = "000123";
/// The Aadhaar number that nobody has. It is none, as no number that begins with 0 is.
pub const AADHAAR_UNKNOWN: &str = "000000000404";
/// The picture of the face of every session that is decided, but neither expired nor abandoned: its media id.
pub const MEDIA_FACE: &str = "00000000-0000-4000-8000-0000000000f1";
/// The picture of such a session's document.
pub const MEDIA_DOCUMENT: &str = "00000000-0000-4000-8000-0000000000f2";
/// The sessions that are decided from the start, by ids of the sandbox's own; [`Sandbox::decide`](crate::Sandbox::decide)
/// replaces their decision.
pub const SESSION_DECISIONS: &[(&str, DecisionStatus)] = {
    use DecisionStatus::{Abandoned, Approved, Declined, Expired, ResubmissionRequested, Review};
    &[
        ("00000000-0000-4000-8000-000000009001", Approved),
        ("00000000-0000-4000-8000-000000009102", Declined),
        (
            "00000000-0000-4000-8000-000000009103",
            ResubmissionRequested,
        ),
        ("00000000-0000-4000-8000-000000009104", Expired),
        ("00000000-0000-4000-8000-00000000a104", Abandoned),
        ("00000000-0000-4000-8000-000000009121", Review),
    ]
};

choices! {
    /// Whether Veriff's sessions may be deleted.
    Deletion {
        /// As often as asked.
        Unlimited,
        /// 5 in an hour and 10 in 24 hours, as documented; then 429.
        Limited,
        /// 403, as third parties observed.
        NotEnabled,
    }

    /// Whether Veriff tells of a review while it lasts.
    Reviews {
        /// There is no decision until it is over.
        Untold,
        /// The decision is `review`, 9121, until it is over.
        Told,
    }

    /// What Veriff's screening of a person finds.
    Screening {
        /// Nobody on a list may be the person.
        NoMatch,
        /// Somebody may be.
        PossibleMatch,
    }

    /// The form of Veriff's failures about one-time passwords.
    MfaFailure {
        /// HTTP 200 with `status` and `reason`.
        InsideSuccess,
        /// The same body with the HTTP status of the reason.
        HttpStatus,
    }

    /// How often one-time passwords may be asked for at Veriff.
    MfaLimits {
        /// As often as asked.
        Unlimited,
        /// One in 60 seconds, as documented, and 3 in a session, which is an own choice.
        AsDocumented,
    }

    /// Whether Veriff's files are signed.
    MediaSigning {
        /// As [`VeriffSettings::with_reply_signing`] sets it.
        Signed,
        /// They have no signature headers.
        Unsigned,
    }

    /// The effect of an upper-case request signature at Veriff.
    UpperCaseSignature {
        /// The same as a lower-case one.
        Accepted,
        /// It is malformed.
        Refused,
    }

    /// Veriff's reply to a session id that is not a UUID.
    MalformedSession {
        /// 404 with the documented body.
        NotFound,
        /// 400 with the documented body.
        ValidationFailed,
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
        /// Both pairs, correctly signed, with another API key.
        ForeignClient,
    }

    /// The body of Veriff's replies to recorded consents.
    ConsentReplyBody {
        /// `id`, `context` and `sessionId`.
        AsDocumented,
        /// `sessionId` names another session.
        AnotherSession,
        /// Two undocumented fields are added.
        ExtraFields,
        /// No `id`.
        IdMissing,
    }

    /// The order of the keys in Veriff's success replies.
    KeyOrder {
        /// As documented, for a consent `id`, `context`, `sessionId`.
        AsDocumented,
        /// The rotations of the outermost members in turn, the documented order last.
        Varied,
    }

    /// Whether Veriff's error replies are signed.
    ErrorSigning {
        /// They have no signature headers.
        Unsigned,
        /// They are signed as [`VeriffSettings::with_reply_signing`] sets it.
        Signed,
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

named! { LatestScope { Session SessionAndType } }

impl SettingValue for SessionPolicy {
    fn form() -> Option<String> {
        Some("any-uuid, or UUIDs with commas between them".to_owned())
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "any-uuid" => Some(Self::AnyUuid),
            text => Vec::parse(text).map(Self::Listed),
        }
    }
}
