//! Events on demand, from outside.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::webhooks::summary;
use super::{Refusal, known_journey, number, object, reply, text};
use crate::sandbox::Sandbox;
use crate::state::WebhookSigning;
use crate::triggers::{Trigger, TriggerError};

pub(super) async fn list(State(_): State<Sandbox>) -> Response {
    reply(Ok(json!({"events": Trigger::names().collect::<Vec<_>>()})))
}

/// `{"event": "veriff.decision.declined", "set": {"reasonCode": "106"}, "times": 2, "sign": "old"}`.
pub(super) async fn trigger(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(made(&sandbox, body).await)
}

async fn made(sandbox: &Sandbox, body: Body) -> Result<Value, Refusal> {
    let body = object(body, &["event", "set", "times", "sign", "journey"]).await?;
    let Some(event) = text(&body, "event")? else {
        return Err(Refusal::invalid("event", "is required"));
    };
    let mut trigger =
        Trigger::of(event).map_err(|error| Refusal::invalid("event", error.to_string()))?;
    match body.get("set") {
        None | Some(Value::Null) => {}
        Some(Value::Object(changes)) => {
            for (member, value) in changes {
                let Value::String(value) = value else {
                    return Err(Refusal::invalid("set", "must have texts for its members"));
                };
                trigger = trigger.set(member, value);
            }
        }
        Some(_) => return Err(Refusal::invalid("set", "must be an object")),
    }
    if let Some(times) = number(&body, "times", 100)? {
        if times == 0 {
            return Err(Refusal::invalid("times", "must be from 1 to 100"));
        }
        trigger = trigger.times(u8::try_from(times).unwrap_or(1));
    }
    trigger = trigger.signed(match text(&body, "sign")? {
        None => WebhookSigning::Genuine,
        Some("old") => WebhookSigning::OldSecret,
        Some("wrong") => WebhookSigning::Forged,
        Some("none") => WebhookSigning::Unsigned,
        Some(_) => return Err(Refusal::invalid("sign", "must be old, wrong or none")),
    });
    if let Some(journey) = text(&body, "journey")? {
        trigger = trigger.of_journey(known_journey(sandbox, journey)?);
    }
    let triggered = sandbox
        .trigger(trigger)
        .await
        .map_err(|error| match error {
            TriggerError::NotOfJourney => Refusal::invalid("journey", error.to_string()),
            TriggerError::Blocked => Refusal::invalid("event", error.to_string()),
            error => Refusal::invalid("set", error.to_string()),
        })?;
    sandbox.deliver_due().await;
    let webhooks = triggered.made.iter().filter_map(|id| sandbox.webhook(*id));
    Ok(
        json!({"webhook": triggered.webhook.to_string(), "webhooks": webhooks.map(|webhook| summary(&webhook)).collect::<Vec<_>>()}),
    )
}
