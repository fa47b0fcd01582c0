//! Initiate Session: starts a DigiLocker session.

use serde_json::{Map, Value};

use super::options::{
    DeepvueSettings, EmptyDocTypes, RedirectUrl, RedirectUrlRule, RefusedConsent, RepeatedDocTypes,
    SessionReplyBody, TimestampForm,
};
use super::validation::{Kind, Problem};
use super::{Deepvue, Session, detail};
use crate::exchange::{BodyProblem, EmptyText, Json, NullOptional, ReceivedRequest, Reply};
use crate::state::carried;
use crate::state::digilocker::{Authorization, DocumentKind, Whose};

const DOC_TYPES: [&str; 3] = ["aadhaar", "pan", "dl"];

/// Bounds the reply to a list of thousands of invalid entries.
const MAX_ITEMS: usize = 100;

pub(super) fn handle(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let settings = &deepvue.settings;
    let problems = check(settings, request);
    if problems.is_empty() {
        return start(deepvue, request);
    }
    refuse(settings, problems)
}

/// The reply to a body with these problems.
pub(super) fn refuse(settings: &DeepvueSettings, problems: Vec<Problem>) -> Reply {
    let refused = problems
        .iter()
        .all(|problem| matches!(problem.kind, Kind::ConsentNotGiven));
    let status = if refused {
        *settings.refused_consent_status()
    } else {
        422
    };
    if refused && *settings.refused_consent() == RefusedConsent::Text {
        return detail(status, "Consent is required");
    }
    let items = problems
        .into_iter()
        .map(|problem| problem.item(*settings.validation_items()))
        .collect();
    Reply::json(status, &Json::Object(vec![("detail", Json::List(items))]))
}

fn start(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let settings = &deepvue.settings;
    let transaction_id = deepvue.simulation.ids.hex();
    let body = request.json_object(*settings.content_type()).ok();
    let text = |name: &str| body.as_ref().and_then(|body| body.get(name)?.as_str());
    let kinds = body
        .as_ref()
        .and_then(|body| body.get("doc_types")?.as_array());
    let kinds = kinds.into_iter().flatten().filter_map(Value::as_str);
    let (purpose, redirect_url) = (text("purpose"), text("redirect_url"));
    // Nothing else in the request can say who the person is.
    let texts = [redirect_url, purpose].map(|text| carried(text.unwrap_or_default()));
    let mobile = texts.iter().find_map(|(mobile, _)| *mobile);
    let pan = texts.iter().find_map(|(_, pan)| *pan);
    let journeys = &deepvue.simulation.journeys;
    let journey = journeys.of(mobile.unwrap_or(&transaction_id));
    journeys.name(journey, &transaction_id);
    let whose = Whose {
        mobile: mobile.unwrap_or_default().to_owned(),
        pan,
    };
    let kinds = kinds.filter_map(DocumentKind::of).collect();
    let now_ms = deepvue.simulation.now_ms();
    let session = Session {
        authorization: Authorization::new(kinds, whose, now_ms),
        purpose: purpose.unwrap_or_default().to_owned(),
        redirect_url: redirect_url.map(str::to_owned),
        journey: Some(journey),
    };
    let because = match mobile {
        Some(_) => "the request carries a scripted number",
        None => "",
    };
    deepvue.open(&transaction_id, session);
    if *settings.reply_body() == SessionReplyBody::ErrorInside2xx {
        return detail(*settings.success_status(), "Source Unavailable")
            .with_effect(transaction_id);
    }
    let mut fields = vec![("code", Json::from(*settings.body_code()))];
    match settings.timestamp() {
        TimestampForm::Milliseconds => {
            fields.push(("timestamp", deepvue.simulation.clock.now_ms().into()))
        }
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
                request.base_url()
            );
            fields.push((
                "data",
                Json::Object(vec![("authorization_url", url.into())]),
            ));
        }
        SessionReplyBody::DataNull => fields.push(("data", Json::Null)),
        SessionReplyBody::DataMissing | SessionReplyBody::ErrorInside2xx => {}
    }
    Reply::json(*settings.success_status(), &Json::Object(fields))
        .with_effect(transaction_id)
        .of_journey(Some(journey))
        .with_change("opened a session")
        .because(because)
}

pub(super) fn unreadable(problem: BodyProblem) -> Problem {
    let mut at = vec!["body".into()];
    let (kind, input) = match problem {
        // The framework treats such a body as text.
        BodyProblem::ContentType => (Kind::NotAnObject, Value::Null),
        BodyProblem::NotAnObject(body) => (Kind::NotAnObject, body),
        BodyProblem::NotJson => {
            at.push(0_u16.into());
            (Kind::NotJson, Value::Object(Map::new()))
        }
    };
    Problem { at, kind, input }
}

fn check(settings: &DeepvueSettings, request: &ReceivedRequest) -> Vec<Problem> {
    let body = match request.json_object(*settings.content_type()) {
        Ok(body) => body,
        Err(problem) => return vec![unreadable(problem)],
    };

    let mut problems = check_common(settings, &body);
    let everything = Value::Object(body.clone());
    let mut found = |at: &[&str], kind, input: &Value| {
        problems.push(problem(at, kind, input));
    };
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
        Some(Value::Array(types)) => check_doc_types(settings, types, &mut problems),
        Some(other) => found(&["doc_types"], Kind::NotAList, other),
    }
    problems
}

fn problem(at: &[&str], kind: Kind, input: &Value) -> Problem {
    let at = std::iter::once("body").chain(at.iter().copied());
    Problem {
        at: at.map(Json::from).collect(),
        kind,
        input: input.clone(),
    }
}

/// What is wrong with the members that every body has.
pub(super) fn check_common(settings: &DeepvueSettings, body: &Map<String, Value>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let everything = Value::Object(body.clone());
    let mut found = |at, kind, input: &Value| problems.push(problem(&[at], kind, input));
    match body.get("consent") {
        None => found("consent", Kind::Missing, &everything),
        Some(Value::String(consent)) if consent == "Y" => {}
        Some(other @ Value::String(_)) => found("consent", Kind::ConsentNotGiven, other),
        Some(other) => found("consent", Kind::NotText, other),
    }
    match body.get("purpose") {
        None => found("purpose", Kind::Missing, &everything),
        Some(Value::String(purpose)) => {
            if purpose.is_empty() && *settings.empty_purpose() == EmptyText::Refused {
                found("purpose", Kind::EmptyText, &Value::from(""));
            }
        }
        Some(other) => found("purpose", Kind::NotText, other),
    }
    problems
}

/// The text of a required member, or what is wrong with it.
pub(super) fn required<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b str, Problem> {
    match body.get(name) {
        None => Err(problem(
            &[name],
            Kind::Missing,
            &Value::Object(body.clone()),
        )),
        Some(Value::String(text)) if text.is_empty() => {
            Err(problem(&[name], Kind::EmptyText, &Value::from("")))
        }
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(problem(&[name], Kind::NotText, other)),
    }
}

/// An optional truth value, or what is wrong with it.
pub(super) fn flag(
    settings: &DeepvueSettings,
    body: &Map<String, Value>,
    name: &str,
) -> Result<bool, Problem> {
    match body.get(name) {
        None => Ok(false),
        Some(Value::Null) if *settings.null_optional() == NullOptional::Absent => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(problem(&[name], Kind::NotBoolean, other)),
    }
}

fn check_doc_types(settings: &DeepvueSettings, types: &[Value], problems: &mut Vec<Problem>) {
    let at = || vec!["body".into(), "doc_types".into()];
    if types.is_empty() && *settings.empty_doc_types() == EmptyDocTypes::Refused {
        problems.push(Problem {
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
            None if unknown < MAX_ITEMS => {
                unknown = unknown.saturating_add(1);
                let mut at = at();
                at.push(i64::try_from(index).unwrap_or(i64::MAX).into());
                problems.push(Problem {
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
        problems.push(Problem {
            at: at(),
            kind: Kind::Repeated,
            input,
        });
    }
}
