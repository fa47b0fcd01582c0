//! Deepvue's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::credentials;
use crate::exchange::{
    ContentType, EmptyText, Failure, NullOptional, choices, fault_settings, settings,
};

settings! {
    /// Deepvue: the DigiLocker family.
    ///
    /// The requests, the success bodies, and the texts of the general error bodies are documented; the HTTP status of each text
    /// is partly inferred. What a session, a code or a document that is not there is answered is not documented: the sandbox's own
    /// choice. Where nobody acts on the pages or by script, the person approves at once and any text is a code.
    DeepvueSettings {
        /// The accepted `client-id`.
        with_client_id / client_id: String = credentials::DEEPVUE_CLIENT_ID.to_owned();
        /// The accepted `x-api-key`.
        with_client_secret / client_secret: String = credentials::DEEPVUE_CLIENT_SECRET.to_owned();
        /// Clients that exist and are inactive; whatever key they send, the reply is `Inactive client_id`.
        with_inactive_clients / inactive_clients: Vec<String> =
            vec![credentials::DEEPVUE_INACTIVE_CLIENT_ID.to_owned()];
        /// A credential header that is missing or sent twice: HTTP status of `Not authenticated`. Own choice; 403 is
        /// the other likely value.
        with_missing_key_status / missing_key_status: u16 [status] = 401;
        /// A key or a client that is not accepted. Own choice.
        with_wrong_credentials / wrong_credentials: WrongCredentials = WrongCredentials::Denied;
        /// A request without `Content-Type: application/json`. Own choice.
        with_content_type / content_type: ContentType = ContentType::Required;
        /// HTTP status of a success. Undocumented: own choice.
        with_success_status / success_status: u16 [status] = 201;
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
        /// A `consent` other than `Y`. Its rejection is documented, the form of the reply is not. Own choice.
        with_refused_consent / refused_consent: RefusedConsent = RefusedConsent::Items;
        /// HTTP status of a `consent` other than `Y`. Own choice.
        with_refused_consent_status / refused_consent_status: u16 [status] = 422;
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
        /// How long a session lasts. Own choice.
        with_session_lifetime / session_lifetime: Duration = Duration::from_secs(60 * 60);
        /// How long the link to DigiLocker can be used: 10 minutes at another provider. Own choice.
        with_link_lifetime / link_lifetime: Duration = Duration::from_secs(10 * 60);
        /// How long the code lasts with which a person returns. Own choice.
        with_code_lifetime / code_lifetime: Duration = Duration::from_secs(10 * 60);
        /// The names of the parameters with which a person returns. Undocumented: own choice.
        with_return_parameters / return_parameters: ReturnParameters = ReturnParameters::CodeAndState;
        /// Whether the sign-in page takes a mobile number that may be somebody's. Its person is the plain one. Own choice.
        with_real_looking_numbers / real_looking_numbers: bool = false;
        /// The number of sessions that are remembered; the oldest are forgotten first.
        with_session_capacity / session_capacity: usize = 10_000;
        /// Which codes complete an authorisation where nobody acts on the pages or by script; else the code with which the
        /// person returns does. Own choice.
        with_codes / codes: DigilockerCodes = DigilockerCodes::Any;
        /// HTTP status of a session that is unknown or over, `Session not found`, and of a document that is not there,
        /// `invalid_uri`. Own choice.
        with_not_found_status / not_found_status: u16 [status] = 404;
        /// What is answered before the authorisation is complete. Own choice.
        with_before_authorization / before_authorization: BeforeAuthorization = BeforeAuthorization::Refused;
        /// The form of a document. Own choice.
        with_file_form / file_form: FileForm = FileForm::PdfBase64;
        /// The plan whose documented limits apply to authenticated requests.
        with_plan / plan: Plan = Plan::Unlimited;
        /// Whether a request that is refused for the limit counts towards it. Own choice.
        with_refused_requests_count / refused_requests_count: bool = false;
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

fault_settings! { DeepvueSettings }

choices! {
    /// Which codes complete a DigiLocker authorisation.
    DigilockerCodes {
        /// Any text, once a session.
        Any,
        /// `code-` and the session's transaction id, once; another one is `Invalid digilocker_code`.
        OfSession,
    }

    /// How the parameters are named with which a person returns from DigiLocker.
    ReturnParameters {
        /// `code` and `state`, as DigiLocker itself names them; `error` and `state` for a refusal.
        CodeAndState,
        /// `digilocker_code` and `state`.
        DigilockerCodeAndState,
        /// `digilocker_code` and `transaction_id`, as in the bodies of Deepvue's calls.
        DigilockerCodeAndTransactionId,
    }

    /// What Deepvue's document calls answer before the authorisation is complete.
    BeforeAuthorization {
        /// 400, `invalid_token`.
        Refused,
        /// As if it were.
        Answered,
    }

    /// The form of the documents that Deepvue's file call returns.
    FileForm {
        /// A PDF in base64.
        PdfBase64,
        /// XML.
        Xml,
        /// XML in base64.
        XmlBase64,
        /// A URL, where there is nothing.
        Link,
    }

    /// Deepvue's reply to a key or a client that it does not accept.
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

    /// Deepvue's reply to a `consent` other than `Y`.
    RefusedConsent {
        /// A list of one validation item.
        Items,
        /// A text.
        Text,
    }

    /// Whether Deepvue's `redirect_url` may be left out.
    RedirectUrl {
        /// It may be left out.
        Optional,
        /// Its absence is a validation error.
        Required,
    }

    /// Whether Deepvue checks `redirect_url`.
    RedirectUrlRule {
        /// Any text is accepted.
        Unchecked,
        /// It must begin with `https://`.
        HttpsOnly,
    }

    /// The effect of an empty `doc_types` array.
    EmptyDocTypes {
        /// It is accepted.
        Accepted,
        /// It is a validation error.
        Refused,
    }

    /// The effect of a document type that is named twice.
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
