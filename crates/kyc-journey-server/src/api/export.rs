//! `GET /v1/journeys/{id}/export`.

use axum::extract::State;
use axum::response::Response;
use kyc_journey::{DataClass, Plan, Seq};
use provider_core::Masked;
use provider_core::http::StatusCode;
use provider_core::jiff::Timestamp;
use provider_core::schemars::JsonSchema;
use serde::Serialize;

use super::{JourneyView, find, json, read};
use crate::guard::InPath;
use crate::problem::Problem;
use crate::state::Shared;
use crate::timeline::Lines;

/// Everything that is stored of a journey, but what opens its addresses.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct Export {
    /// When it was read.
    #[schemars(with = "String", extend("format" = "date-time"))]
    exported_at: Timestamp,
    /// Where it stands.
    journey: JourneyView,
    /// What it is to reach.
    plan: Option<Plan>,
    /// What happened, the oldest first.
    history: Vec<read::Item>,
    /// What came with the events that is kept.
    payloads: Vec<PayloadView>,
}

/// What came with an event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars", rename = "Payload")]
pub(crate) struct PayloadView {
    /// The number of the event.
    seq: u64,
    /// What it is.
    class: DataClass,
    /// The content, as it came; what is not text is base64.
    content: Masked,
}

pub(crate) async fn export(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
) -> Result<Response, Problem> {
    let (id, record) = find(&server, &id).await?;
    let entries = server.engine.history(&id, Seq::ZERO).await?;
    let mut payloads = Vec::new();
    for entry in &entries {
        if let Some(payload) = server.engine.payload(&id, entry.seq).await? {
            payloads.push(PayloadView {
                seq: entry.seq.get(),
                class: payload.class,
                content: payload.content,
            });
        }
    }
    let export = Export {
        exported_at: server.clock.now(),
        journey: JourneyView::of(&record),
        plan: record.state.plan().cloned(),
        history: read::items(&mut Lines::default(), &entries),
        payloads,
    };
    Ok(json(StatusCode::OK, &export))
}
