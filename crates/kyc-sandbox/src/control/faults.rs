//! Faults, from outside.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Refusal, flag, known_journey, number, object, provider, reply, text};
use crate::exchange::{Failure, Fault, FaultId, FaultKind};
use crate::sandbox::Sandbox;

/// The longest delay of a reply, in milliseconds: ten minutes.
pub(crate) const LONGEST_MS: u64 = 600_000;

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Response {
    let faults = sandbox.faults();
    let faults: Vec<Value> = faults.iter().map(|(id, fault)| value(*id, fault)).collect();
    reply(Ok(json!({"faults": faults})))
}

fn value(id: FaultId, fault: &Fault) -> Value {
    let (failure, delay) = match fault.kind() {
        FaultKind::Failure(failure) => (Some(failure), None),
        FaultKind::Delay(delay) => (None, Some(delay)),
    };
    let delay_ms = delay.and_then(|delay| u64::try_from(delay.as_millis()).ok());
    let rate = fault.rate();
    json!({
        "id": id.to_string(),
        "provider": fault.provider().as_str(),
        "operation": fault.operation(),
        "journey": fault.journey().map(|journey| journey.to_string()),
        "status": failure.map(Failure::status),
        "after_effect": failure.is_some_and(Failure::is_after_effect),
        "gateway_page": failure.is_some_and(Failure::is_gateway_page),
        "delay_ms": delay_ms,
        "percent": rate.map(|(percent, _)| percent),
        "seed": rate.map(|(_, seed)| seed),
        "left": fault.left(),
    })
}

pub(super) async fn add(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(added(&sandbox, body).await)
}

async fn added(sandbox: &Sandbox, body: Body) -> Result<Value, Refusal> {
    const KNOWN: [&str; 10] = [
        "provider",
        "operation",
        "journey",
        "status",
        "after_effect",
        "gateway_page",
        "delay_ms",
        "first",
        "percent",
        "seed",
    ];
    let body = object(body, &KNOWN).await?;
    let of = provider(text(&body, "provider")?.unwrap_or_default())?;
    let (after_effect, gateway_page) = (flag(&body, "after_effect")?, flag(&body, "gateway_page")?);
    let kind = match (status(&body), number(&body, "delay_ms", LONGEST_MS)?) {
        (Some(status), None) => {
            let mut failure = Failure::new(status);
            if after_effect {
                failure = failure.after_effect();
            }
            if gateway_page {
                failure = failure.gateway_page();
            }
            FaultKind::Failure(failure)
        }
        (None, Some(_)) if after_effect || gateway_page => {
            let field = if after_effect {
                "after_effect"
            } else {
                "gateway_page"
            };
            return Err(Refusal::invalid(field, "is for a fault with a status"));
        }
        (None, Some(delay_ms)) => FaultKind::Delay(Duration::from_millis(delay_ms)),
        _ => return Err(Refusal::invalid("body", "needs one of status, delay_ms")),
    };
    let mut fault = Fault::new(of, kind);
    if let Some(operation) = text(&body, "operation")? {
        fault = fault.of_operation(operation);
    }
    if let Some(journey) = text(&body, "journey")? {
        fault = fault.of_journey(known_journey(sandbox, journey)?);
    }
    if let Some(count) = number(&body, "first", u64::MAX)? {
        fault = fault.first(count);
    }
    if let Some(percent) = number(&body, "percent", 100)? {
        let seed = number(&body, "seed", u64::MAX)?.unwrap_or(1);
        fault = fault.at_rate(u8::try_from(percent).unwrap_or(u8::MAX), seed);
    }
    let id = sandbox.switch_fault_on(fault.clone());
    let id = id.map_err(|error| Refusal::invalid(error.field(), error.rule()))?;
    Ok(value(id, &fault))
}

/// The status of a fault; whether it is in its range is checked with the fault.
fn status(body: &Map<String, Value>) -> Option<u16> {
    let status = body.get("status").filter(|status| !status.is_null());
    let read = |status: &Value| u16::try_from(status.as_u64()?).ok();
    // What is no such number is outside the range as well.
    status.map(|status| read(status).unwrap_or(0))
}

pub(super) async fn remove(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let removed = match id.parse() {
        Ok(id) if sandbox.switch_fault_off(id) => Ok(json!({"id": id.to_string()})),
        Ok(_) => Err(Refusal::not_found("id", "no such fault is on")),
        Err(_) => Err(Refusal::invalid("id", "must be a fault's id such as f_2")),
    };
    reply(removed)
}
