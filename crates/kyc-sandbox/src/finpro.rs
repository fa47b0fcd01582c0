//! MoneyOne FinPro: asking the aggregators about a mobile number.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::exchange::{self, Desk, Heard, Reply, reason};
use crate::json::Json;
use crate::ledger::Provider;
use crate::people::{self, Behaviour, Person, ProfileCheck};
use crate::rate::Standing;
use crate::sandbox::Shared;
use crate::settings::{
    EmptyAaIds, ErrorEnvelope, Failure, FinproSettings, NullOptional, RepeatedAaIds, ResetUnit,
    RowOrder, UnknownAaId, UserConsentId,
};

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    exchange::router::<Finpro>(shared)
}

struct Finpro;

impl Desk for Finpro {
    const PROVIDER: Provider = Provider::Finpro;
    const OPERATION: &'static str = "profile";
    const PATH: &'static str = "/profile";

    async fn answer(shared: &Shared, heard: &Heard) -> Reply {
        let standing = shared.finpro_window.take(shared.clock.now_ms(), true);
        let reply = if standing.allowed {
            check(shared, heard).await
        } else {
            let mut reply = Self::plain_error(shared, 429);
            if *shared.settings.finpro().retry_after() {
                let wait_ms = standing
                    .reset_ms
                    .saturating_sub(shared.clock.now_ms())
                    .max(0);
                reply = reply.with_header("retry-after", &ceil_seconds(wait_ms).to_string());
            }
            reply
        };
        with_limits(shared.settings.finpro(), reply, standing)
    }

    fn plain_error(shared: &Shared, status: u16) -> Reply {
        let code = match status {
            401 => shared.settings.finpro().auth_code().clone(),
            _ => reason(status).to_ascii_uppercase().replace([' ', '-'], "_"),
        };
        error(shared, status, &code, reason(status), "")
    }

    fn failure(shared: &Shared) -> Option<&Failure> {
        shared.settings.finpro().failure().as_ref()
    }

    fn reply_delay(shared: &Shared) -> Duration {
        *shared.settings.finpro().reply_delay()
    }
}

fn with_limits(settings: &FinproSettings, reply: Reply, standing: Standing) -> Reply {
    let reset = match settings.reset_unit() {
        ResetUnit::Seconds => ceil_seconds(standing.reset_ms),
        ResetUnit::Milliseconds => standing.reset_ms,
    };
    let reply = reply
        .with_header("x-ratelimit-remaining", &standing.remaining.to_string())
        .with_header("x-ratelimit-reset", &reset.to_string());
    if *settings.limit_header() {
        return reply.with_header("x-ratelimit-limit", &settings.rate_limit().to_string());
    }
    reply
}

fn ceil_seconds(ms: i64) -> i64 {
    ms.saturating_add(999).div_euclid(1000)
}

async fn check(shared: &Shared, heard: &Heard) -> Reply {
    let settings = shared.settings.finpro();
    if !authenticated(settings, heard) {
        return error(
            shared,
            *settings.auth_status(),
            settings.auth_code(),
            "Authentication failed",
            "Invalid or missing auth headers",
        );
    }
    let wanted = match parse(settings, heard) {
        Ok(wanted) => wanted,
        Err(details) => {
            return error(
                shared,
                *settings.validation_status(),
                settings.validation_code(),
                "Invalid request",
                &details,
            );
        }
    };
    let person = people::find(&wanted.mobile);
    let nobody_to_ask = settings.aggregators().is_empty()
        || person.profile_check == ProfileCheck::NoActiveAggregators;
    if nobody_to_ask {
        return error(
            shared,
            *settings.profile_failed_status(),
            "PROFILE_CHECK_FAILED",
            "Failed to check profile existence",
            "No active AAs found with profile API enabled",
        );
    }
    let mut rows = ask_all(settings, person, wanted.aggregators).await;
    if *settings.row_order() == RowOrder::Reversed {
        rows.reverse();
    }
    let body = Json::Object(vec![
        ("ver", "1.0.0".into()),
        ("timestamp", shared.clock.now_iso().into()),
        ("txnid", shared.ids.uuid().to_string().into()),
        ("data", Json::List(rows)),
    ]);
    Reply::json(200, &body)
}

fn authenticated(settings: &FinproSettings, heard: &Heard) -> bool {
    let repeated = *settings.repeated_headers();
    [
        ("client_id", settings.client_id()),
        ("client_secret", settings.client_secret()),
        ("organisationid", settings.organisation_id()),
        ("appidentifier", settings.app_identifier()),
    ]
    .into_iter()
    .all(|(name, accepted)| heard.header(name).counted(repeated) == Some(accepted.as_bytes()))
}

struct Wanted {
    mobile: String,
    aggregators: Vec<String>,
}

fn parse(settings: &FinproSettings, heard: &Heard) -> Result<Wanted, String> {
    if !heard.content_type_accepted(*settings.content_type()) {
        return Err("Content-Type must be application/json".to_owned());
    }
    let body: Value = serde_json::from_slice(&heard.body)
        .map_err(|_| "The request body is not valid JSON".to_owned())?;
    let Value::Object(body) = body else {
        return Err("The request body must be a JSON object".to_owned());
    };
    let mobile = text(&body, "mobileNumber")?.ok_or("mobileNumber is required")?;
    if !(mobile.len() == 10 && mobile.bytes().all(|b| b.is_ascii_digit())) {
        return Err("mobileNumber must be exactly 10 numeric digits".to_owned());
    }
    match text(&body, "userConsentId")? {
        Some(id) if (1..=100).contains(&id.chars().count()) => {}
        Some(_) => return Err("userConsentId must have 1 to 100 characters".to_owned()),
        None if *settings.user_consent_id() == UserConsentId::Required => {
            return Err("userConsentId is required".to_owned());
        }
        None => {}
    }
    Ok(Wanted {
        mobile: mobile.to_owned(),
        aggregators: aggregators(settings, &body)?,
    })
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Option<&'b str>, String> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a string")),
    }
}

/// The names to ask, in order, those of unknown aggregators included if they are to get a row.
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

/// Asks at the same time, so that the wait is that for the slowest one.
async fn ask_all(settings: &FinproSettings, person: Person, names: Vec<String>) -> Vec<Json> {
    let timeout = *settings.aggregator_timeout();
    // Dropping the set, as happens when the caller goes away, ends what is under way.
    let mut waiting = JoinSet::new();
    let mut rows: Vec<(usize, Json)> = Vec::with_capacity(names.len());
    for (place, name) in names.into_iter().enumerate() {
        if !settings.aggregators().contains(&name) {
            rows.push((place, failed(name, "Unknown Account Aggregator")));
            continue;
        }
        let behaviour = person.at(&name);
        match behaviour {
            Behaviour::Silent | Behaviour::LinkedSlowly => {
                waiting.spawn(async move {
                    let answered = tokio::time::timeout(timeout, think(behaviour, timeout)).await;
                    let outcome = if answered.is_ok() {
                        behaviour
                    } else {
                        Behaviour::Silent
                    };
                    (place, row(name, outcome, ""))
                });
            }
            // Answers at once: no task and no timer for the common case.
            _ => rows.push((place, row(name, behaviour, settings.row_error_message()))),
        }
    }
    while let Some(done) = waiting.join_next().await {
        if let Ok(row) = done {
            rows.push(row);
        }
    }
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

async fn think(behaviour: Behaviour, timeout: Duration) {
    match behaviour {
        Behaviour::Silent => std::future::pending().await,
        // Half of its limit.
        _ => tokio::time::sleep(timeout.checked_div(2).unwrap_or(timeout)).await,
    }
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

fn error(shared: &Shared, status: u16, code: &str, message: &str, details: &str) -> Reply {
    let body = match shared.settings.finpro().error_envelope() {
        ErrorEnvelope::Nested => Json::Object(vec![
            ("ver", "1.0.0".into()),
            ("status", "error".into()),
            (
                "error",
                Json::Object(vec![
                    ("code", code.into()),
                    ("message", message.into()),
                    ("details", details.into()),
                ]),
            ),
        ]),
        ErrorEnvelope::Flat => {
            let text = if details.is_empty() { message } else { details };
            Json::Object(vec![
                ("ver", "1.0.0".into()),
                ("timestamp", shared.clock.now_iso().into()),
                ("status", "failure".into()),
                ("errorCode", code.into()),
                ("errorMsg", text.into()),
            ])
        }
    };
    Reply::json(status, &body)
}
