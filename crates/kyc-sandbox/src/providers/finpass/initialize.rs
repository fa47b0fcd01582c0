//! Initialize: opens a consent session with an account aggregator.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::customers::Addresses;
use super::options::{EmptyOptional, FinpassSettings, MobileRule, PanField, PanRule};
use super::{Family, Finpass, Session, required, success};
use crate::exchange::{NullOptional, ProviderApi, ReceivedRequest, Reply};
use crate::providers::aggregator::FINPASS_ENTRY;
use crate::state::MobileScript;
use crate::state::people::{self, SessionStart};

pub(super) fn handle(finpass: &Finpass, received: &ReceivedRequest) -> Reply {
    let parsed = finpass
        .object(received)
        .and_then(|body| parse(&finpass.settings, &body));
    let request = match parsed {
        Ok(request) => request,
        Err(message) => return finpass.invalid(&message),
    };
    if finpass.is_down(&request.mobile_number) {
        return finpass.error(503);
    }
    match people::find(&request.mobile_number).session_start {
        SessionStart::Opens => open(finpass, received, request),
        SessionStart::RefusedInside200 => finpass.refusal(
            200,
            "The session was not started.",
            finpass.settings.refused_message_code(),
        ),
        SessionStart::Breaks => finpass.error(500),
    }
}

/// A valid request; an optional field that counts as absent is `None`.
struct Initialize {
    mobile_number: String,
    pan_number: Option<String>,
    email: Option<String>,
    monitoring: bool,
    at: Addresses,
}

fn parse(settings: &FinpassSettings, body: &Map<String, Value>) -> Result<Initialize, String> {
    let mobile_number = required(body, "mobile_number")?;
    let first = match settings.mobile_rule() {
        MobileRule::TenDigits => true,
        MobileRule::TenDigitsFromSix => mobile_number.bytes().next().is_some_and(|b| b >= b'6'),
    };
    if !(people::is_mobile_number(&mobile_number) && first) {
        return Err("mobile_number must be a 10-digit mobile number.".to_owned());
    }

    let consent_type = required(body, "consent_type")?;
    let accepted = match settings.consent_types() {
        None => !consent_type.is_empty(),
        Some(list) => list.contains(&consent_type),
    };
    if !accepted {
        return Err("consent_type is not accepted.".to_owned());
    }

    let field = *settings.pan_field();
    let read = |name, by| {
        if field == PanField::Both || field == by {
            optional(settings, body, name)
        } else {
            Ok(None)
        }
    };
    let pan_number = match (
        read("pan_number", PanField::PanNumber)?,
        read("pan", PanField::Pan)?,
    ) {
        (Some(one), Some(other)) if one != other => {
            return Err("pan_number and pan differ.".to_owned());
        }
        (one, other) => one.or(other),
    };
    let well_formed =
        |pan: &String| pan.len() == 10 && pan.bytes().all(|b| b.is_ascii_alphanumeric());
    if *settings.pan_rule() == PanRule::TenAlphanumeric
        && !pan_number.as_ref().is_none_or(well_formed)
    {
        return Err("pan_number must be 10 letters and digits.".to_owned());
    }

    let email = optional(settings, body, "email")?;
    let at = Addresses {
        webhook_url: optional(settings, body, "webhook_url")?,
        return_url: optional(settings, body, "redirect_url")?,
    };
    Ok(Initialize {
        mobile_number,
        pan_number,
        email,
        monitoring: consent_type == "loan_monitoring",
        at,
    })
}

fn optional(
    settings: &FinpassSettings,
    body: &Map<String, Value>,
    name: &str,
) -> Result<Option<String>, String> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Null) if *settings.null_optional() == NullOptional::Absent => Ok(None),
        Some(Value::String(text)) => {
            let absent = text.is_empty() && *settings.empty_optional() == EmptyOptional::Absent;
            Ok((!absent).then(|| text.clone()))
        }
        Some(_) => Err(format!("{name} must be a string.")),
    }
}

fn open(finpass: &Finpass, received: &ReceivedRequest, request: Initialize) -> Reply {
    let id = finpass.simulation.ids.hex();
    let (first, rest) = id.split_at(8);
    let client_id = format!("aa_{first}_{rest}");
    let session = Session {
        monitoring: request.monitoring,
        script: MobileScript::of(&request.mobile_number),
        ..Session::default()
    };
    // In memory once.
    let shared: Arc<str> = Arc::from(client_id.as_str());
    finpass.sessions.update(Arc::clone(&shared), |_| session);
    finpass.ask(&shared, &request.mobile_number, Family::Session, request.at);
    // The raw `+` and `=`, and a second parameter without a separator after its name, are as in the documented example:
    // decoding and re-encoding this URL breaks it.
    let consent_url = format!(
        "{}?fi={rest}+Rg==&reqdate{first}+X==",
        finpass.page(
            received,
            finpass.settings.consent_url().as_ref(),
            FINPASS_ENTRY,
            "onboarding"
        )
    );
    let journey = finpass.simulation.journeys.find(&client_id);
    success(vec![
        ("client_id", client_id.as_str().into()),
        ("mobile_number", request.mobile_number.into()),
        ("pan_number", request.pan_number.into()),
        ("email_id", request.email.into()),
        ("redirect_url", consent_url.into()),
    ])
    .with_effect(shared)
    .of_journey(journey)
    .with_change("session opened, waits for the person")
}
