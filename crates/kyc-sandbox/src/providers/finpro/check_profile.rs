//! Check Profile: asks the aggregators about a mobile number.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Finpro;
use super::options::{
    EmptyAaIds, FinproSettings, RepeatedAaIds, RowOrder, UnknownAaId, UserConsentId,
};
use crate::exchange::{Json, NullOptional, ProviderApi, ReceivedRequest, Reply};
use crate::state::iso;
use crate::state::people::{self, Behaviour, Person, ProfileCheck};

pub(super) fn handle(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    let settings = &finpro.settings;
    let parsed = request
        .json_object(*settings.content_type())
        .map_err(|problem| problem.text().to_owned())
        .and_then(|body| parse(settings, &body));
    let request = match parsed {
        Ok(request) => request,
        Err(details) => {
            return finpro.refusal(
                *settings.validation_status(),
                settings.validation_code(),
                "Invalid request",
                &details,
            );
        }
    };
    if finpro.is_down(&request.mobile) {
        return finpro.error(503);
    }
    let person = people::find(&request.mobile);
    let no_aggregators = settings.aggregators().is_empty()
        || person.profile_check == ProfileCheck::NoActiveAggregators;
    if no_aggregators {
        return finpro.refusal(
            *settings.profile_failed_status(),
            "PROFILE_CHECK_FAILED",
            "Failed to check profile existence",
            "No active AAs found with profile API enabled",
        );
    }
    let (mut rows, wait) = ask_all(settings, person, request.aggregators);
    if *settings.row_order() == RowOrder::Reversed {
        rows.reverse();
    }
    let timestamp = iso(finpro.simulation.clock.after_ms(wait));
    let body = Json::Object(vec![
        ("ver", "1.0.0".into()),
        ("timestamp", timestamp.into()),
        ("txnid", finpro.simulation.ids.uuid().to_string().into()),
        ("data", Json::List(rows)),
    ]);
    Reply::json(200, &body).with_wait(wait)
}

struct CheckProfile {
    mobile: String,
    aggregators: Vec<String>,
}

fn parse(settings: &FinproSettings, body: &Map<String, Value>) -> Result<CheckProfile, String> {
    let mobile = text(body, "mobileNumber")?.ok_or("mobileNumber is required")?;
    if !people::is_mobile_number(mobile) {
        return Err("mobileNumber must be exactly 10 numeric digits".to_owned());
    }
    match text(body, "userConsentId")? {
        Some(id) if (1..=100).contains(&id.chars().count()) => {}
        Some(_) => return Err("userConsentId must have 1 to 100 characters".to_owned()),
        None if *settings.user_consent_id() == UserConsentId::Required => {
            return Err("userConsentId is required".to_owned());
        }
        None => {}
    }
    Ok(CheckProfile {
        mobile: mobile.to_owned(),
        aggregators: aggregators(settings, body)?,
    })
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Option<&'b str>, String> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a string")),
    }
}

/// The aggregators to ask, in order, including unknown ones if they get a row.
fn aggregators(
    settings: &FinproSettings,
    body: &Map<String, Value>,
) -> Result<Vec<String>, String> {
    let all = || Ok(settings.aggregators().clone());
    let named = match body.get("aaId") {
        None => return all(),
        Some(Value::Null) if *settings.null_optional() == NullOptional::Absent => return all(),
        Some(Value::Array(named)) => named,
        Some(_) => return Err("aaId must be an array of strings".to_owned()),
    };
    if named.is_empty() {
        return match settings.empty_aa_ids() {
            EmptyAaIds::AllEnabled => all(),
            EmptyAaIds::NoneAsked => Ok(Vec::new()),
            EmptyAaIds::Refused => Err("aaId must not be empty".to_owned()),
        };
    }
    if named.len() > *settings.max_aa_ids() {
        return Err("aaId has too many entries".to_owned());
    }
    let mut asked: Vec<String> = Vec::with_capacity(named.len());
    for name in named {
        let Value::String(name) = name else {
            return Err("aaId must be an array of strings".to_owned());
        };
        let well_formed =
            (2..=50).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
        if !well_formed {
            return Err("aaId entries must be 2 to 50 letters and digits".to_owned());
        }
        if asked.contains(name) {
            match settings.repeated_aa_ids() {
                RepeatedAaIds::Once => continue,
                RepeatedAaIds::EachTime => {}
                RepeatedAaIds::Refused => return Err("aaId names one AA twice".to_owned()),
            }
        }
        if !settings.aggregators().contains(name) {
            match settings.unknown_aa_id() {
                UnknownAaId::FailedRow => {}
                UnknownAaId::Omitted => continue,
                UnknownAaId::Refused => return Err("aaId names an unknown AA".to_owned()),
            }
        }
        asked.push(name.clone());
    }
    Ok(asked)
}

/// One row per aggregator, and the wait for the slowest one, because all are asked concurrently.
fn ask_all(settings: &FinproSettings, person: Person, names: Vec<String>) -> (Vec<Json>, Duration) {
    let timeout = *settings.aggregator_timeout();
    let mut longest = Duration::ZERO;
    let mut rows = Vec::with_capacity(names.len());
    for name in names {
        if !settings.aggregators().contains(&name) {
            rows.push(failed(name, "Unknown Account Aggregator"));
            continue;
        }
        let behaviour = person.at(&name);
        longest = longest.max(match behaviour {
            Behaviour::Silent => timeout,
            Behaviour::LinkedSlowly => timeout.checked_div(2).unwrap_or(timeout),
            _ => Duration::ZERO,
        });
        rows.push(row(name, behaviour, settings.row_error_message()));
    }
    (rows, longest)
}

fn row(name: String, behaviour: Behaviour, error_message: &str) -> Json {
    let (registered, linked, status) = match behaviour {
        Behaviour::Linked | Behaviour::LinkedSlowly => (Some(true), Some(true), "success"),
        Behaviour::Registered => (Some(true), Some(false), "success"),
        Behaviour::NotRegistered => (Some(false), Some(false), "success"),
        Behaviour::Silent => (None, None, "timeout"),
        Behaviour::Fails => return failed(name, error_message),
    };
    Json::Object(vec![
        ("aaId", name.into()),
        ("registrationStatus", registered.into()),
        ("hasLinkedAccounts", linked.into()),
        ("status", status.into()),
    ])
}

fn failed(name: String, error_message: &str) -> Json {
    Json::Object(vec![
        ("aaId", name.into()),
        ("registrationStatus", Json::Null),
        ("hasLinkedAccounts", Json::Null),
        ("status", "failed".into()),
        ("errorMessage", error_message.into()),
    ])
}
