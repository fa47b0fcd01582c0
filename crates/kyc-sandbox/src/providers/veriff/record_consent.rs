//! Record Consent: the end-user's answer to a consent of one session.

use serde_json::{Map, Value};

use super::options::{ConsentReplyBody, VeriffSettings};
use super::{ANOTHER_SESSION, Veriff};
use crate::exchange::{EmptyText, ExtraFields, Json, ProviderApi, ReceivedRequest, Reply};

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let settings = &veriff.settings;
    // The body is checked before the session: the documentation does not define the order.
    let consent = request
        .json_object(*settings.content_type())
        .ok()
        .and_then(|body| parse(settings, &body));
    let Some(consent) = consent else {
        return veriff.error(400);
    };
    let (session_text, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let id = veriff.simulation.ids.uuid().to_string();
    veriff
        .consents
        .record(session, id.clone(), consent.kind, consent.approved);
    veriff
        .success(members(*settings.reply_body(), &id, session_text))
        .with_effect(id)
        .of_journey(veriff.find(session).journey)
        .with_change("recorded a consent")
}

struct Consent {
    kind: &'static str,
    approved: bool,
}

fn parse(settings: &VeriffSettings, body: &Map<String, Value>) -> Option<Consent> {
    let kind = match body.get("type")?.as_str()? {
        "ine" => "ine",
        "bipa" => "bipa",
        "aadhaar" => "aadhaar",
        _ => return None,
    };
    let approved = body.get("approved")?.as_bool()?;
    let text = body.get("text")?.as_str()?;
    if text.trim().is_empty() && *settings.empty_text() == EmptyText::Refused {
        return None;
    }
    if body.len() > 3 && *settings.extra_fields() == ExtraFields::Refused {
        return None;
    }
    Some(Consent { kind, approved })
}

fn members(body: ConsentReplyBody, id: &str, session_text: &str) -> Vec<(&'static str, Json)> {
    let mut members: Vec<(&'static str, Json)> = Vec::with_capacity(5);
    if body != ConsentReplyBody::IdMissing {
        members.push(("id", id.into()));
    }
    members.push(("context", "consent".into()));
    let named = if body == ConsentReplyBody::AnotherSession {
        ANOTHER_SESSION
    } else {
        session_text
    };
    members.push(("sessionId", named.into()));
    if body == ConsentReplyBody::ExtraFields {
        let nested = Json::Object(vec![("nested", Json::List(vec![1_u16.into()]))]);
        members.extend([("status", "success".into()), ("extra", nested)]);
    }
    members
}
