//! Finpass's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::credentials;
use crate::exchange::{
    ContentType, ExtraFields, Failure, NullOptional, RepeatedHeaders, choices, fault_settings,
    settings,
};

settings! {
    /// Finpass: account aggregator.
    ///
    /// Initialize's request and success fields, the 401 body, the id in Refresh Data's reply, and the members of the PDF
    /// report and of AA-BSA are documented. Every other error is the sandbox's own choice, in the documented envelope.
    FinpassSettings {
        /// The accepted `x-api-key`.
        with_api_key / api_key: String = credentials::FINPASS_API_KEY.to_owned();
        /// The accepted `x-api-secret`.
        with_api_secret / api_secret: String = credentials::FINPASS_API_SECRET.to_owned();
        /// A key header that is sent twice. Own choice.
        with_repeated_headers / repeated_headers: RepeatedHeaders = RepeatedHeaders::Refused;
        /// A request without `Content-Type: application/json`. The header is documented as required; the effect of its
        /// absence is not. Own choice.
        with_content_type / content_type: ContentType = ContentType::Required;
        /// HTTP status and `status_code` of a body that cannot be accepted. Own choice.
        with_validation_status / validation_status: u16 [status] = 422;
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
        /// The consent URL up to its query, instead of this sandbox's page.
        with_consent_url / consent_url: Option<String> = None;
        /// How long the person of a session has time to decide; then the session is not known any more. A journey of AA-BSA has
        /// half an hour. Own choice.
        with_link_life / link_life: Duration = Duration::from_secs(24 * 60 * 60);
        /// How long a consent lasts from its request on. Own choice.
        with_consent_life / consent_life: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        /// `message_code` of a reply with `success: false` inside an HTTP 200. Own choice.
        with_refused_message_code / refused_message_code: String = "session_not_started".to_owned();
        /// How a journey of AA-BSA ends. The words for endings other than the analysis are not documented: `consent_denied`,
        /// `failed` and `expired`. Own choice.
        with_journey_outcome / journey_outcome: JourneyOutcome = JourneyOutcome::Complete;
        /// How many questions for its status a journey takes to its outcome: `initiated`, `consent_pending`,
        /// `consent_granted`, then `data_fetching`, of whose word the page has the first half. Own choice.
        with_journey_steps / journey_steps: u32 = 0;
        /// The URL of a journey up to its id, instead of this sandbox's page.
        with_journey_url / journey_url: Option<String> = None;
        /// HTTP status of a result that is asked for before its journey is complete. Own choice.
        with_journey_not_complete_status / journey_not_complete_status: u16 [status] = 409;
        /// The number of sessions that Refresh Data and the fetches know; the oldest are forgotten first, as if they had expired.
        with_session_capacity / session_capacity: usize = 10_000;
        /// `client_id`s that Refresh Data and the fetches accept in addition to those that Initialize opened, with any
        /// `request_id`.
        with_client_ids / client_ids: Vec<String> = Vec::new();
        /// Which of the sessions that Initialize opened may be refreshed. Own choice.
        with_refresh_scope / refresh_scope: RefreshScope = RefreshScope::AnySession;
        /// HTTP status and `status_code` of a refresh whose consent is pending or paused. Own choice.
        with_inactive_consent_status / inactive_consent_status: u16 [status] = 409;
        /// `message_code` of a refresh whose consent is pending or paused. Own choice: the one code that is reported is that of a `client_id`
        /// which is invalid or expired.
        with_inactive_consent_code / inactive_consent_code: String = "consent_not_active".to_owned();
        /// HTTP status and `status_code` of an unknown `client_id`. Reported for a sister product. Own choice.
        with_invalid_client_status / invalid_client_status: u16 [status] = 400;
        /// `data` of the reply to an unknown `client_id`. Reported for a sister product. Own choice.
        with_invalid_client_data / invalid_client_data: ErrorData = ErrorData::Null;
        /// How far the reports of a session are. The person consents at once. Own choice.
        with_report_state / report_state: ReportState = ReportState::Ready;
        /// Whether reports and analyses of scripted people have members that are neither documented nor reported: named as on
        /// sister products' pages, such as `current_balance` and `drawing_limit`, or by the sandbox, such as `joint_holders`. Own
        /// choice.
        with_undocumented_members / undocumented_members: bool = true;
        /// The links of PDF reports up to the file's name, instead of this sandbox's.
        with_report_url / report_url: Option<String> = None;
        /// `message_code` of a `request_id` that is not one of the session's. Own choice.
        with_unknown_request_code / unknown_request_code: String = "invalid_request_id".to_owned();
        /// Fields of Refresh Data's and the fetches' bodies that are not theirs. Own choice.
        with_extra_fields / extra_fields: ExtraFields = ExtraFields::Ignored;
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

fault_settings! { FinpassSettings }

choices! {
    /// Which Finpass sessions may be refreshed.
    RefreshScope {
        /// Every session.
        AnySession,
        /// Those opened with the `consent_type` `loan_monitoring`; others are answered like an unknown `client_id`.
        MonitoringOnly,
    }

    /// How a journey of AA-BSA ends.
    JourneyOutcome {
        /// With its analysis.
        Complete,
        /// The person declines.
        Denied,
        /// It fails.
        Failed,
        /// The person does not finish in time.
        Expired,
    }

    /// How far the reports of a Finpass session are.
    ReportState {
        /// Every account's is there.
        Ready,
        /// The first account's is there, the other one is `PENDING`; the JSON report has the first account only.
        Partial,
        /// Each PDF is `PENDING`; the JSON report has `"status":"PENDING"` and no accounts.
        Pending,
        /// Each PDF is `FAILED`; the JSON report has `"status":"FAILED"` and no accounts.
        Failed,
    }

    /// Whether Finpass errors carry `data`.
    ErrorData {
        /// The member is absent.
        Absent,
        /// The member is `null`.
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
        /// Any text is accepted.
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
}
