//! Journeys and what happened in them, from outside.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::webhooks::outcome;
use super::{Refusal, reply, with};
use crate::sandbox::Sandbox;
use crate::state::{Happening, JourneyId, What, iso};

/// The journeys of the kept happenings, newest first, with the newest happening of each.
pub(super) async fn list(State(sandbox): State<Sandbox>) -> Response {
    let newest: Vec<(JourneyId, Happening)> = sandbox.simulation().happenings.read(|all| {
        let of_journeys = all.iter().filter_map(|one| Some((one.journey?, one)));
        // A later one replaces an earlier one.
        let newest: BTreeMap<_, _> = of_journeys.collect();
        let newest_first = newest.into_iter().rev();
        newest_first.map(|(id, one)| (id, one.clone())).collect()
    });
    let journeys: Vec<Value> = newest
        .iter()
        .map(|(id, happening)| json!({"id": id.to_string(), "newest": value(happening)}))
        .collect();
    reply(Ok(json!({"journeys": journeys})))
}

/// All that is kept of a journey, oldest first.
pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<JourneyId>() else {
        return reply(Err(Refusal::invalid(
            "id",
            "must be a journey's id such as j_19",
        )));
    };
    let happenings = &sandbox.simulation().happenings;
    let newest_first = happenings.newest(usize::MAX, |happening| happening.journey == Some(id));
    let happenings: Vec<Value> = newest_first.iter().rev().map(value).collect();
    reply(match happenings.is_empty() {
        true => Err(Refusal::not_found("id", "no such journey is kept")),
        false => Ok(json!({"id": id.to_string(), "happenings": happenings})),
    })
}

/// A happening in words, without any bytes of a request or a reply.
pub(crate) fn value(happening: &Happening) -> Value {
    let value = match &happening.what {
        What::Call(call) => json!({
            "kind": "call",
            "provider": call.provider.as_str(),
            "operation": call.operation,
            "status": call.status.as_u16(),
            "took_us": call.took_us,
            "changed": call.changed,
            "reason": call.reason,
        }),
        What::Step { provider, words } => {
            json!({"kind": "step", "provider": provider.as_str(), "words": words})
        }
        What::Change { provider, words } => {
            json!({"kind": "change", "provider": provider.as_str(), "words": words})
        }
        What::Webhook {
            id,
            provider,
            event,
            attempt,
            delivery,
        } => json!({
            "kind": "webhook",
            "webhook": id.to_string(),
            "provider": provider.as_str(),
            "event": event,
            "attempt": attempt,
            "outcome": outcome(*delivery),
            "reason": delivery.why_not_sent(),
        }),
        What::Clock { words } => json!({"kind": "clock", "words": words}),
        What::Fault { words } => json!({"kind": "fault", "words": words}),
        What::Console { words } => json!({"kind": "console", "words": words}),
    };
    let journey = happening.journey.map(|journey| journey.to_string());
    with(
        value,
        [
            ("number", happening.number.into()),
            ("at", iso(happening.at_ms).into()),
            ("journey", journey.into()),
        ],
    )
}
