//! What steers a sandbox from outside, as JSON: its clock, faults, webhooks and people. The command uses it.

pub(crate) mod clock;
pub(crate) mod faults;
mod guard;
mod journeys;
mod people;
mod returns;
mod triggers;
pub(crate) mod webhooks;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::StatusCode;
use serde_json::{Value, json};

pub(crate) use self::guard::{Guard, cookie_name, with_whole_body};
use crate::pages::layout::respond;
use crate::sandbox::Sandbox;

/// The routes below `/sandbox`.
pub(crate) fn router(guard: Guard) -> Router<Sandbox> {
    Router::new()
        .route("/sandbox/clock", get(clock::show).post(clock::change))
        .route("/sandbox/faults", get(faults::list).post(faults::add))
        .route("/sandbox/faults/{id}", delete(faults::remove))
        .route("/sandbox/journeys", get(journeys::list))
        .route("/sandbox/journeys/{id}", get(journeys::show))
        .route("/sandbox/people", get(people::list).post(people::invent))
        .route("/sandbox/people/{mobile}", get(people::show))
        .route(
            "/sandbox/triggers",
            get(triggers::list).post(triggers::trigger),
        )
        .route("/sandbox/webhooks", get(webhooks::list))
        .route("/sandbox/webhooks/{id}/resend", post(webhooks::resend))
        .route(
            "/sandbox/webhook-urls",
            get(webhooks::urls).post(webhooks::set_urls),
        )
        .merge(unmasked(guard.clone()))
        .layer(axum::middleware::from_fn_with_state(guard, guard::check))
}

/// What shows values as they are, where the console masks them.
fn unmasked(guard: Guard) -> Router<Sandbox> {
    Router::new()
        .route("/sandbox/returns/{id}", get(returns::show))
        .route("/sandbox/webhooks/{id}", get(webhooks::show))
        .layer(axum::middleware::from_fn_with_state(
            guard,
            guard::check_known,
        ))
}

/// Why a request to the control is refused.
pub(crate) struct Refusal {
    status: StatusCode,
    pub(crate) field: &'static str,
    pub(crate) rule: String,
}

impl Refusal {
    /// A member that breaks a rule.
    pub(super) fn invalid(field: &'static str, rule: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            field,
            rule: rule.into(),
        }
    }

    /// An id that nothing has.
    pub(super) fn not_found(field: &'static str, rule: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::invalid(field, rule)
        }
    }
}

/// The reply to a request: JSON, or why there is none.
pub(super) fn reply(result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(value) => json_reply(StatusCode::OK, &value),
        Err(refusal) => json_reply(
            refusal.status,
            &json!({"error": {"field": refusal.field, "rule": refusal.rule}}),
        ),
    }
}

pub(super) fn json_reply(status: StatusCode, value: &Value) -> Response {
    respond(status, "application/json", value.to_string())
}

/// The JSON object in a body, whose members are all known.
pub(super) async fn object(
    body: Body,
    known: &[&str],
) -> Result<serde_json::Map<String, Value>, Refusal> {
    // The guard has read it, within its limits.
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let Ok(Value::Object(members)) = serde_json::from_slice(&bytes) else {
        return Err(Refusal::invalid("body", "must be a JSON object"));
    };
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(_) => Err(Refusal::invalid(
            "body",
            format!("has a member that is none of {}", known.join(", ")),
        )),
        None => Ok(members),
    }
}

/// An object with more members.
pub(super) fn with<const N: usize>(object: Value, more: [(&str, Value); N]) -> Value {
    let Value::Object(mut members) = object else {
        return object;
    };
    members.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(members)
}

/// An optional text.
pub(super) fn text<'b>(
    body: &'b serde_json::Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'b str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::invalid(name, "must be a text")),
    }
}

/// An optional number.
pub(super) fn number(
    body: &serde_json::Map<String, Value>,
    name: &'static str,
    at_most: u64,
) -> Result<Option<u64>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) if number <= at_most => Ok(Some(number)),
            _ => Err(Refusal::invalid(
                name,
                format!("must be a whole number of at most {at_most}"),
            )),
        },
    }
}

/// An optional truth value; false if it is absent.
pub(super) fn flag(
    body: &serde_json::Map<String, Value>,
    name: &'static str,
) -> Result<bool, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Refusal::invalid(name, "must be true or false")),
    }
}

/// The provider of this name.
pub(super) fn provider(name: &str) -> Result<crate::Provider, Refusal> {
    crate::Provider::of(name)
        .ok_or_else(|| Refusal::invalid("provider", "must be finpass, finpro, veriff or deepvue"))
}

/// The journey of this id.
pub(super) fn known_journey(sandbox: &Sandbox, id: &str) -> Result<crate::JourneyId, Refusal> {
    let id = id.parse();
    let id = id.map_err(|_| Refusal::invalid("journey", "must be an id such as j_19"))?;
    match sandbox.simulation().journeys.has(id) {
        true => Ok(id),
        false => Err(Refusal::invalid("journey", "is none of this sandbox")),
    }
}
