//! Create Session: a new verification session.
//!
//! The wrapper, the members and the codes are documented; which of several broken rules is reported is not.

use serde_json::{Map, Value};

use super::{Session, Veriff};
use crate::exchange::{ProviderApi, ReceivedRequest, Reply};

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let Ok(body) = request.json_object(*veriff.settings.content_type()) else {
        return veriff.error(400);
    };
    let Some(verification) = body.get("verification").and_then(Value::as_object) else {
        return veriff.refusal(400, "1102", "Mandatory parameters are missing");
    };
    if let Err((code, message)) = check(verification) {
        return veriff.refusal(400, code, message);
    }
    let text = |name: &str| {
        let text = verification.get(name).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let session = Session {
        vendor_data: text("vendorData"),
        end_user_id: text("endUserId"),
        ..Session::default()
    };
    let id = veriff.simulation.ids.uuid();
    veriff.sessions.update(id, |_| session.clone());
    let id = id.to_string();
    veriff.session_reply(201, &id, &session).with_effect(id)
}

fn check(verification: &Map<String, Value>) -> Result<(), (&'static str, &'static str)> {
    let member = |object: &str, name: &str| {
        let object = verification.get(object)?.as_object()?;
        object.get(name).filter(|value| !value.is_null()).cloned()
    };
    let callback = verification
        .get("callback")
        .filter(|value| !value.is_null());
    if callback.is_some_and(|url| !url.as_str().is_some_and(|url| url.starts_with("https://"))) {
        return Err(("1302", "The return URL is not HTTPS"));
    }
    match verification.get("vendorData") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if text.chars().count() <= 1000 => {}
        Some(Value::String(_)) => {
            return Err(("1500", "vendorData is longer than 1000 characters"));
        }
        Some(_) => return Err(("1501", "vendorData is not a string")),
    }
    if member("person", "dateOfBirth").is_some_and(|date| !date.as_str().is_some_and(is_date)) {
        return Err(("1203", "A date is not in the form YYYY-MM-DD"));
    }
    let kind = member("document", "type");
    let kinds = ["ID_CARD", "PASSPORT", "DRIVERS_LICENSE", "RESIDENCE_PERMIT"];
    if kind.is_some_and(|kind| !kind.as_str().is_some_and(|kind| kinds.contains(&kind))) {
        return Err(("2103", "The document type is not supported"));
    }
    let consents = verification.get("consents").and_then(Value::as_array);
    // A session for INE is not created without the consent.
    let refused = |consent: &Value| consent["type"] == "ine" && consent["approved"] != true;
    if consents.is_some_and(|consents| consents.iter().any(refused)) {
        return Err(("1104", "The consent is needed"));
    }
    Ok(())
}

fn is_date(text: &str) -> bool {
    let groups = text.split('-');
    groups.clone().map(str::len).eq([4, 2, 2])
        && groups
            .flat_map(str::bytes)
            .all(|byte| byte.is_ascii_digit())
}
