//! `GET /v1/journeys`.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kyc_journey::{
    JourneyFilter, JourneyId, JourneyPage, JourneyRecord, JourneyStatus, JourneySummary,
    OperatorTask, PageToken,
};
use provider_core::http::{StatusCode, Uri};
use provider_core::jiff::Timestamp;
use provider_core::schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Query, json};
use crate::problem::Problem;
use crate::state::{Inner, Shared};

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars", rename = "JourneyPage")]
pub(crate) struct Page {
    /// The journeys, the one that changed last first.
    pub(crate) journeys: Vec<Summary>,
    /// Where the next page begins; null: this is the last one.
    pub(crate) next_page_token: Option<String>,
}

/// A journey in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars", rename = "JourneySummary")]
pub(crate) struct Summary {
    /// Its id.
    pub(crate) id: JourneyId,
    /// Where it stands.
    pub(crate) status: JourneyStatus,
    /// The number of its last event.
    pub(crate) seq: u64,
    /// When its first event was received.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(crate) created_at: Timestamp,
    /// When its last event was received.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(crate) updated_at: Timestamp,
    /// What is left to a person to do at providers, until `…/resolve` says that it was done.
    pub(crate) by_hand: Vec<OperatorTask>,
    /// The calls that give something back and wait for an operator, also after the journey's end: `…/resume` makes them again.
    pub(crate) held: Vec<&'static str>,
    /// Whether it cannot be read, because what is stored of it is damaged.
    pub(crate) damaged: bool,
}

/// A place in a list: the engine's page, and the last journey of it that was told, in the list's order.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    page: String,
    after: Option<(Timestamp, JourneyId)>,
}

pub(crate) async fn list(State(server): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let page = page(&server, uri.query()).await?;
    Ok(json(StatusCode::OK, &page))
}

/// The page that a query asks for.
pub(crate) async fn page(server: &Inner, query: Option<&str>) -> Result<Page, Problem> {
    let known = ["status", "unchanged_since", "limit", "page_token"];
    let query = Query::read(query, &known, Some("status"))?;
    let statuses = query.all("status").map(str::parse::<JourneyStatus>);
    let statuses: Vec<_> = statuses.collect::<Result<_, _>>()?;
    let since = query.get("unchanged_since").map(str::parse::<Timestamp>);
    let since = since.transpose().map_err(|_| {
        Problem::invalid(
            "unchanged_since",
            "must be a time such as 2026-01-01T00:00:00Z",
        )
    })?;
    let filter = JourneyFilter::new()
        .set_statuses(statuses)
        .set_unchanged_since(since);
    let limit = query.limit()?;
    let place = match query.get("page_token") {
        Some(token) => place(token)?,
        None => Place {
            page: String::new(),
            after: None,
        },
    };
    let found = server
        .engine
        .list(&filter, PageToken::new(place.page.clone()))
        .await?;
    let (journeys, next_page_token) = cut(&place, found, limit);
    let ids: Vec<_> = journeys.iter().map(|journey| journey.id.clone()).collect();
    let records = server.engine.read_listed(&ids).await?;
    let shown = journeys.into_iter().map(|journey| {
        let record = records.get(&journey.id);
        Summary::of(journey, record)
    });
    Ok(Page {
        journeys: shown.collect(),
        next_page_token,
    })
}

fn place(token: &str) -> Result<Place, Problem> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok();
    let place = decoded.and_then(|text| serde_json::from_slice(&text).ok());
    place.ok_or_else(|| Problem::invalid("page_token", "must be one that was given out"))
}

/// As many as are wanted of what the engine gave. Engines list by the time of the last change and then by id, downwards.
fn cut(place: &Place, found: JourneyPage, limit: usize) -> (Vec<JourneySummary>, Option<String>) {
    let is_left = |journey: &JourneySummary| {
        let after = place.after.as_ref();
        after.is_none_or(|(at, id)| (journey.updated_at, &journey.id) < (*at, id))
    };
    let mut left = found.journeys.into_iter().filter(is_left);
    let journeys: Vec<_> = left.by_ref().take(limit).collect();
    let next = match (left.next(), journeys.last(), found.next) {
        (Some(_), Some(last), _) => Some(Place {
            page: place.page.clone(),
            after: Some((last.updated_at, last.id.clone())),
        }),
        (_, _, Some(next)) => Some(Place {
            page: next.as_str().to_owned(),
            after: None,
        }),
        _ => None,
    };
    let token = next.and_then(|next| serde_json::to_vec(&next).ok());
    (journeys, token.map(|text| URL_SAFE_NO_PAD.encode(text)))
}

impl Summary {
    fn of(journey: JourneySummary, record: Option<&JourneyRecord>) -> Self {
        let damaged = record.is_none();
        let by_hand = record.into_iter().flat_map(|record| record.state.by_hand());
        let held = record.into_iter().flat_map(|record| record.state.held());
        Self {
            held: held.map(|(_, call)| call.name()).collect(),
            by_hand: by_hand.map(|(_, task)| task).collect(),
            damaged,
            id: journey.id,
            status: journey.status,
            seq: journey.seq.get(),
            created_at: journey.created_at,
            updated_at: journey.updated_at,
        }
    }
}
