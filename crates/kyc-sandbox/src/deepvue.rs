//! Deepvue: starting a DigiLocker session.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::{Map, Value};

use crate::exchange::{self, Desk, Heard, Reply, Sent, reason};
use crate::json::Json;
use crate::ledger::Provider;
use crate::sandbox::Shared;
use crate::settings::{
    DeepvueSettings, EmptyDocTypes, EmptyText, Failure, NullOptional, RedirectUrl, RedirectUrlRule,
    RefusedConsent, RepeatedDocTypes, SessionReplyBody, TimestampForm, ValidationItems,
    WrongCredentials,
};

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    exchange::router::<Deepvue>(shared)
}

struct Deepvue;

impl Desk for Deepvue {
    const PROVIDER: Provider = Provider::Deepvue;
    const OPERATION: &'static str = "digilocker_initiate_session";
    const PATH: &'static str = "/v1/kyc/digilocker/initiate-session";

    async fn answer(shared: &Shared, heard: &Heard) -> Reply {
        let settings = shared.settings.deepvue();
        if let Err(reply) = authenticated(settings, heard) {
            return reply;
        }
        let counted = *settings.refused_requests_count();
        if !shared
            .deepvue_windows
            .take(shared.clock.now_ms(), counted)
            .allowed
        {
            return Self::plain_error(shared, 429);
        }
        let faults = check(settings, heard);
        if faults.is_empty() {
            return started(shared, heard);
        }
        let refused = faults
            .iter()
            .all(|fault| matches!(fault.kind, Kind::ConsentNotGiven));
        let status = if refused {
            *settings.refused_consent_status()
        } else {
            422
        };
        if refused && *settings.refused_consent() == RefusedConsent::Text {
            return detail(status, "Consent is required");
        }
        let items = faults
            .into_iter()
            .map(|fault| fault.item(*settings.validation_items()));
        Reply::json(
            status,
            &Json::Object(vec![("detail", Json::List(items.collect()))]),
        )
    }

    fn plain_error(_: &Shared, status: u16) -> Reply {
        detail(
            status,
            match status {
                401 => "Not authenticated",
                403 => "Not a valid token",
                429 => "Rate limit exceeded. Please retry after some time.",
                503 => "Source Unavailable",
                other => reason(other),
            },
        )
    }

    fn failure(shared: &Shared) -> Option<&Failure> {
        shared.settings.deepvue().failure().as_ref()
    }

    fn reply_delay(shared: &Shared) -> Duration {
        *shared.settings.deepvue().reply_delay()
    }
}

fn detail(status: u16, text: &str) -> Reply {
    Reply::json(status, &Json::Object(vec![("detail", text.into())]))
}

fn authenticated(settings: &DeepvueSettings, heard: &Heard) -> Result<(), Reply> {
    let (Sent::Once(key), Sent::Once(client)) =
        (heard.header("x-api-key"), heard.header("client-id"))
    else {
        return Err(detail(*settings.missing_key_status(), "Not authenticated"));
    };
    if settings
        .inactive_clients()
        .iter()
        .any(|inactive| inactive.as_bytes() == client)
    {
        return Err(detail(400, "Inactive client_id"));
    }
    if key == settings.client_secret().as_bytes() && client == settings.client_id().as_bytes() {
        return Ok(());
    }
    Err(match settings.wrong_credentials() {
        WrongCredentials::Denied => {
            detail(401, "Invalid client_id or client_secret, access Denied")
        }
        WrongCredentials::NotAValidToken => detail(403, "Not a valid token"),
    })
}

fn started(shared: &Shared, heard: &Heard) -> Reply {
    let settings = shared.settings.deepvue();
    let transaction_id = shared.ids.hex();
    if *settings.reply_body() == SessionReplyBody::ErrorInside2xx {
        return detail(*settings.success_status(), "Source Unavailable")
            .with_effect(transaction_id);
    }
    let mut fields = vec![("code", Json::from(*settings.body_code()))];
    match settings.timestamp() {
        TimestampForm::Milliseconds => fields.push(("timestamp", shared.clock.now_ms().into())),
        TimestampForm::Null => fields.push(("timestamp", Json::Null)),
        TimestampForm::Absent => {}
    }
    fields.push(("transaction_id", transaction_id.as_str().into()));
    if *settings.sub_code() {
        fields.push(("sub_code", "SUCCESS".into()));
        fields.push(("message", "Session initiated successfully.".into()));
    }
    match settings.reply_body() {
        SessionReplyBody::AsDocumented => {
            let url = format!(
                "{}/v1/kyc/digilocker/digilocker-redirect?state={transaction_id}",
                heard.base
            );
            fields.push((
                "data",
                Json::Object(vec![("authorization_url", url.into())]),
            ));
        }
        SessionReplyBody::DataNull => fields.push(("data", Json::Null)),
        SessionReplyBody::DataMissing | SessionReplyBody::ErrorInside2xx => {}
    }
    Reply::json(*settings.success_status(), &Json::Object(fields)).with_effect(transaction_id)
}

const DOC_TYPES: [&str; 3] = ["aadhaar", "pan", "dl"];

/// A list of thousands of wrong entries is not worth a reply many times its length.
const MOST_ITEMS: usize = 100;

/// One thing that is wrong with a body: where, what, and what was sent there.
struct Fault {
    at: Vec<Json>,
    kind: Kind,
    input: Value,
}

#[derive(Clone, Copy)]
enum Kind {
    Missing,
    NotText,
    NotAnObject,
    NotJson,
    NotAList,
    UnknownDocType,
    ConsentNotGiven,
    EmptyText,
    EmptyList,
    Repeated,
    NotHttps,
}

impl Kind {
    /// `msg` and `type` of both generations. The documented one is that of a missing field in the first; the others
    /// are what the framework says whose form that one has.
    fn words(self, items: ValidationItems) -> (&'static str, &'static str) {
        use ValidationItems::{PydanticV1 as V1, PydanticV2 as V2};
        match (self, items) {
            (Self::Missing, V1) => ("field required", "value_error.missing"),
            (Self::Missing, V2) => ("Field required", "missing"),
            (Self::NotText, V1) => ("str type expected", "type_error.str"),
            (Self::NotText, V2) => ("Input should be a valid string", "string_type"),
            (Self::NotAnObject, V1) => ("value is not a valid dict", "type_error.dict"),
            (Self::NotAnObject, V2) => (
                "Input should be a valid dictionary or object to extract fields from",
                "model_attributes_type",
            ),
            (Self::NotJson, V1) => (
                "Expecting value: line 1 column 1 (char 0)",
                "value_error.jsondecode",
            ),
            (Self::NotJson, V2) => ("JSON decode error", "json_invalid"),
            (Self::NotAList, V1) => ("value is not a valid list", "type_error.list"),
            (Self::NotAList, V2) => ("Input should be a valid list", "list_type"),
            (Self::UnknownDocType, V1) => (
                "value is not a valid enumeration member; permitted: 'aadhaar', 'pan', 'dl'",
                "type_error.enum",
            ),
            (Self::UnknownDocType, V2) => ("Input should be 'aadhaar', 'pan' or 'dl'", "enum"),
            (Self::ConsentNotGiven, V1) => {
                ("unexpected value; permitted: 'Y'", "value_error.const")
            }
            (Self::ConsentNotGiven, V2) => ("Input should be 'Y'", "literal_error"),
            (Self::EmptyText, V1) => (
                "ensure this value has at least 1 characters",
                "value_error.any_str.min_length",
            ),
            (Self::EmptyText, V2) => (
                "String should have at least 1 character",
                "string_too_short",
            ),
            (Self::EmptyList, V1) => (
                "ensure this value has at least 1 items",
                "value_error.list.min_items",
            ),
            (Self::EmptyList, V2) => (
                "List should have at least 1 item after validation, not 0",
                "too_short",
            ),
            (Self::Repeated, V1) => (
                "the list has duplicated items",
                "value_error.list.unique_items",
            ),
            (Self::Repeated, V2) => ("Value error, the list has duplicated items", "value_error"),
            (Self::NotHttps, V1) => ("URL scheme not permitted", "value_error.url.scheme"),
            (Self::NotHttps, V2) => ("URL scheme should be 'https'", "url_scheme"),
        }
    }
}

impl Fault {
    fn item(self, items: ValidationItems) -> Json {
        let (message, kind) = self.kind.words(items);
        let place = Json::List(self.at);
        Json::Object(match items {
            ValidationItems::PydanticV1 => {
                vec![
                    ("loc", place),
                    ("msg", message.into()),
                    ("type", kind.into()),
                ]
            }
            ValidationItems::PydanticV2 => vec![
                ("type", kind.into()),
                ("loc", place),
                ("msg", message.into()),
                ("input", Json::Echo(self.input)),
            ],
        })
    }
}

fn check(settings: &DeepvueSettings, heard: &Heard) -> Vec<Fault> {
    let whole = |kind, input| {
        vec![Fault {
            at: vec!["body".into()],
            kind,
            input,
        }]
    };
    if !heard.content_type_accepted(*settings.content_type()) {
        // The framework takes such a body for a text.
        return whole(Kind::NotAnObject, Value::Null);
    }
    let body: Value = match serde_json::from_slice(&heard.body) {
        Ok(body) => body,
        Err(_) => {
            let at = vec!["body".into(), 0_u16.into()];
            return vec![Fault {
                at,
                kind: Kind::NotJson,
                input: Value::Object(Map::new()),
            }];
        }
    };
    let Value::Object(body) = body else {
        return whole(Kind::NotAnObject, body);
    };

    let mut faults = Vec::new();
    let mut found = |at: &[&str], kind, input: &Value| {
        let at = std::iter::once("body")
            .chain(at.iter().copied())
            .map(Json::from)
            .collect();
        faults.push(Fault {
            at,
            kind,
            input: input.clone(),
        });
    };
    let everything = Value::Object(body.clone());
    match body.get("consent") {
        None => found(&["consent"], Kind::Missing, &everything),
        Some(Value::String(consent)) if consent == "Y" => {}
        Some(other @ Value::String(_)) => found(&["consent"], Kind::ConsentNotGiven, other),
        Some(other) => found(&["consent"], Kind::NotText, other),
    }
    match body.get("purpose") {
        None => found(&["purpose"], Kind::Missing, &everything),
        Some(Value::String(purpose)) => {
            if purpose.is_empty() && *settings.empty_purpose() == EmptyText::Refused {
                found(&["purpose"], Kind::EmptyText, &Value::from(""));
            }
        }
        Some(other) => found(&["purpose"], Kind::NotText, other),
    }
    let null_is_absent = *settings.null_optional() == NullOptional::Absent;
    let sent = |name: &str| {
        body.get(name)
            .filter(|value| !(value.is_null() && null_is_absent))
    };
    match sent("redirect_url") {
        None if *settings.redirect_url() == RedirectUrl::Required => {
            found(&["redirect_url"], Kind::Missing, &everything);
        }
        None => {}
        Some(Value::String(url)) => {
            let https = url
                .get(..8)
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
            if *settings.redirect_url_rule() == RedirectUrlRule::HttpsOnly && !https {
                found(
                    &["redirect_url"],
                    Kind::NotHttps,
                    &Value::from(url.as_str()),
                );
            }
        }
        Some(other) => found(&["redirect_url"], Kind::NotText, other),
    }
    match sent("doc_types") {
        None => {}
        Some(Value::Array(types)) => check_doc_types(settings, types, &mut faults),
        Some(other) => found(&["doc_types"], Kind::NotAList, other),
    }
    faults
}

fn check_doc_types(settings: &DeepvueSettings, types: &[Value], faults: &mut Vec<Fault>) {
    let at = || vec!["body".into(), "doc_types".into()];
    if types.is_empty() && *settings.empty_doc_types() == EmptyDocTypes::Refused {
        faults.push(Fault {
            at: at(),
            kind: Kind::EmptyList,
            input: Value::Array(Vec::new()),
        });
    }
    let mut seen: Vec<&str> = Vec::with_capacity(DOC_TYPES.len());
    let mut unknown: usize = 0;
    let mut repeated = false;
    for (index, value) in types.iter().enumerate() {
        match value.as_str().filter(|name| DOC_TYPES.contains(name)) {
            Some(name) if seen.contains(&name) => repeated = true,
            Some(name) => seen.push(name),
            None if unknown < MOST_ITEMS => {
                unknown = unknown.saturating_add(1);
                let mut at = at();
                at.push(i64::try_from(index).unwrap_or(i64::MAX).into());
                faults.push(Fault {
                    at,
                    kind: Kind::UnknownDocType,
                    input: value.clone(),
                });
            }
            None => break,
        }
    }
    if unknown == 0 && repeated && *settings.repeated_doc_types() == RepeatedDocTypes::Refused {
        let input = Value::Array(types.to_vec());
        faults.push(Fault {
            at: at(),
            kind: Kind::Repeated,
            input,
        });
    }
}
