//! Create Session: a new verification session.
//!
//! The wrapper, the members and the codes are documented; which of several broken rules is reported is not.

use std::sync::Arc;

use http::Uri;
use serde_json::{Map, Value};

use super::Veriff;
use super::sessions::{Given, Session};
use crate::exchange::{ProviderApi, ReceivedRequest, Reply};
use crate::state::{MobileScript, NameScript, people};
use crate::webhooks::is_loopback;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let Ok(body) = request.json_object(*veriff.settings.content_type()) else {
        return veriff.error(400);
    };
    let Some(verification) = body.get("verification").and_then(Value::as_object) else {
        return veriff.refusal(400, "1102", "Mandatory parameters are missing");
    };
    let loopback = *veriff.settings.loopback_callbacks();
    if let Err((code, message)) = check(verification, loopback) {
        return veriff.refusal(400, code, message);
    }
    let given = given(verification);
    let id = veriff.simulation.ids.uuid();
    let text = id.to_string();
    let journeys = &veriff.simulation.journeys;
    // The person's number, or one in the caller's reference.
    let phone = member(verification, "person", "phoneNumber");
    let phone = phone.as_ref().and_then(Value::as_str);
    let phone = phone.map(|number| number.trim_start_matches("+91"));
    let reference = verification.get("vendorData").and_then(Value::as_str);
    let mut numbers = phone.into_iter().chain(reference);
    let mobile = numbers.find(|number| people::is_mobile_number(number));
    let journey = match mobile {
        Some(number) => journeys.of(number),
        None => journeys.of(&text),
    };
    journeys.name(journey, &text);
    let mobile = mobile.and_then(MobileScript::of);
    let named = given.first_name.as_deref().and_then(NameScript::of);
    let session = Session {
        script: named.or_else(|| mobile.map(NameScript::of_mobile)),
        mobile,
        given: Arc::new(given),
        journey: Some(journey),
        ..Session::new(veriff.simulation.now_ms())
    };
    veriff.open(id, session.clone());
    veriff
        .session_reply(201, request, &text, &session)
        .with_effect(text)
        .of_journey(Some(journey))
        .with_change("opened a session")
        .because(match session.script {
            Some(_) if named.is_some() => "the first name is a script",
            Some(_) => "the mobile number is a script",
            None => "",
        })
}

/// A member of a member, unless it is `null`.
fn member(verification: &Map<String, Value>, object: &str, name: &str) -> Option<Value> {
    let object = verification.get(object)?.as_object()?;
    object.get(name).filter(|value| !value.is_null()).cloned()
}

fn given(verification: &Map<String, Value>) -> Given {
    let text = |name: &str| {
        let text = verification.get(name).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let inner = |object: &str, name: &str| {
        let text = member(verification, object, name);
        text.as_ref().and_then(Value::as_str).map(str::to_owned)
    };
    Given {
        vendor_data: text("vendorData"),
        end_user_id: text("endUserId"),
        callback: text("callback"),
        first_name: inner("person", "firstName"),
        last_name: inner("person", "lastName"),
        date_of_birth: inner("person", "dateOfBirth"),
        country: inner("document", "country"),
        document: inner("document", "type"),
    }
}

fn check(
    verification: &Map<String, Value>,
    loopback: bool,
) -> Result<(), (&'static str, &'static str)> {
    let member = |object: &str, name: &str| member(verification, object, name);
    let callback = verification
        .get("callback")
        .filter(|value| !value.is_null());
    let is_ours = |url: &str| loopback && url.parse::<Uri>().is_ok_and(|url| is_loopback(&url));
    let is_allowed = |url: &str| url.starts_with("https://") || is_ours(url);
    if callback.is_some_and(|url| !url.as_str().is_some_and(is_allowed)) {
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
