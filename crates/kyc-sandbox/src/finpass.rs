//! Finpass: opening a consent session with an account aggregator.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::{Map, Value};

use crate::exchange::{self, Desk, Heard, Reply, reason};
use crate::json::Json;
use crate::ledger::Provider;
use crate::people::{self, SessionStart};
use crate::sandbox::Shared;
use crate::settings::{
    EmptyOptional, ErrorData, Failure, FinpassSettings, MobileRule, NullOptional, PanField, PanRule,
};

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    exchange::router::<Finpass>(shared)
}

struct Finpass;

impl Desk for Finpass {
    const PROVIDER: Provider = Provider::Finpass;
    const OPERATION: &'static str = "account_aggregator_init";
    const PATH: &'static str = "/api/v1/services/account-aggregator/init";

    async fn answer(shared: &Shared, heard: &Heard) -> Reply {
        let settings = shared.settings.finpass();
        if !authenticated(settings, heard) {
            return unauthorized();
        }
        let wanted = match parse(settings, heard) {
            Ok(wanted) => wanted,
            Err(message) => return invalid(settings, &message),
        };
        match people::find(&wanted.mobile_number).session_start {
            SessionStart::Opens => opened(shared, wanted),
            SessionStart::RefusedInside200 => error(
                settings,
                200,
                "The session was not started.",
                settings.refused_message_code(),
            ),
            SessionStart::Breaks => Self::plain_error(shared, 500),
        }
    }

    fn plain_error(shared: &Shared, status: u16) -> Reply {
        if status == 401 {
            return unauthorized();
        }
        let code = reason(status).to_ascii_lowercase().replace([' ', '-'], "_");
        error(shared.settings.finpass(), status, reason(status), &code)
    }

    fn failure(shared: &Shared) -> Option<&Failure> {
        shared.settings.finpass().failure().as_ref()
    }

    fn reply_delay(shared: &Shared) -> Duration {
        *shared.settings.finpass().reply_delay()
    }
}

fn authenticated(settings: &FinpassSettings, heard: &Heard) -> bool {
    let repeated = *settings.repeated_headers();
    [
        ("x-api-key", settings.api_key()),
        ("x-api-secret", settings.api_secret()),
    ]
    .into_iter()
    .all(|(name, accepted)| heard.header(name).counted(repeated) == Some(accepted.as_bytes()))
}

/// What a request asked for, optional fields reduced to their meaning.
struct Wanted {
    mobile_number: String,
    pan_number: Option<String>,
    email: Option<String>,
}

fn parse(settings: &FinpassSettings, heard: &Heard) -> Result<Wanted, String> {
    if !heard.content_type_accepted(*settings.content_type()) {
        return Err("Content-Type must be application/json.".to_owned());
    }
    let body: Value = serde_json::from_slice(&heard.body)
        .map_err(|_| "The request body is not valid JSON.".to_owned())?;
    let Value::Object(body) = body else {
        return Err("The request body must be a JSON object.".to_owned());
    };

    let mobile_number = required(&body, "mobile_number")?;
    let digits = mobile_number.len() == 10 && mobile_number.bytes().all(|b| b.is_ascii_digit());
    let first = match settings.mobile_rule() {
        MobileRule::TenDigits => true,
        MobileRule::TenDigitsFromSix => mobile_number.bytes().next().is_some_and(|b| b >= b'6'),
    };
    if !(digits && first) {
        return Err("mobile_number must be a 10-digit mobile number.".to_owned());
    }

    let consent_type = required(&body, "consent_type")?;
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
            optional(settings, &body, name)
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

    let email = optional(settings, &body, "email")?;
    optional(settings, &body, "webhook_url")?;
    optional(settings, &body, "redirect_url")?;
    Ok(Wanted {
        mobile_number,
        pan_number,
        email,
    })
}

fn required(body: &Map<String, Value>, name: &str) -> Result<String, String> {
    match body.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("{name} must be a string.")),
        None => Err(format!("{name} is required.")),
    }
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

fn opened(shared: &Shared, wanted: Wanted) -> Reply {
    let id = shared.ids.hex();
    let (first, rest) = id.split_at(8);
    let client_id = format!("aa_{first}_{rest}");
    // The raw `+` and `=`, and a second parameter without a separator after its name, are as in the documented
    // example: whoever decodes and encodes this URL again breaks it.
    let consent_url = format!(
        "{}?fi={rest}+Rg==&reqdate{first}+X==",
        shared.settings.finpass().consent_url()
    );
    let data = Json::Object(vec![
        ("client_id", client_id.as_str().into()),
        ("mobile_number", wanted.mobile_number.into()),
        ("pan_number", wanted.pan_number.into()),
        ("email_id", wanted.email.into()),
        ("redirect_url", consent_url.into()),
    ]);
    let body = Json::Object(vec![
        ("data", data),
        ("status_code", 200_u16.into()),
        ("success", true.into()),
        ("message", "Success".into()),
        ("message_code", "success".into()),
    ]);
    Reply::json(200, &body).with_effect(client_id)
}

/// The one documented error, which has no `data`.
fn unauthorized() -> Reply {
    let body = envelope(
        401,
        "Unauthorized access. Invalid or missing API credentials.",
        "unauthorized",
    );
    Reply::json(401, &Json::Object(body))
}

fn invalid(settings: &FinpassSettings, message: &str) -> Reply {
    error(
        settings,
        *settings.validation_status(),
        message,
        settings.validation_message_code(),
    )
}

fn error(settings: &FinpassSettings, status: u16, message: &str, code: &str) -> Reply {
    let mut body = envelope(status, message, code);
    if *settings.error_data() == ErrorData::Null {
        body.insert(0, ("data", Json::Null));
    }
    Reply::json(status, &Json::Object(body))
}

fn envelope(status: u16, message: &str, code: &str) -> Vec<(&'static str, Json)> {
    vec![
        ("status_code", status.into()),
        ("success", false.into()),
        ("message", message.into()),
        ("message_code", code.into()),
    ]
}
