//! Where one journey stands, and what happened.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use kyc_journey::{
    DataClass, EffectKind, HistoryEntry, JourneyId, JourneyRecord, Leg, LegStatus, Notice,
    OperatorTask, Seq,
};
use provider_core::Masked;
use provider_core::http::{StatusCode, Uri};
use provider_core::schemars::JsonSchema;
use serde::Serialize;

use super::{JourneyView, Query, find, json};
use crate::guard::InPath;
use crate::problem::Problem;
use crate::state::{Inner, Shared};
use crate::timeline::{Line, Lines};

pub(crate) async fn document(State(server): State<Shared>) -> Response {
    json(StatusCode::OK, &server.document)
}

pub(crate) async fn journey(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
) -> Result<Response, Problem> {
    let (_, record) = find(&server, &id).await?;
    Ok(json(StatusCode::OK, &JourneyView::of(&record)))
}

/// A part of a history.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct History {
    /// What happened, the oldest first.
    events: Vec<Item>,
    /// What to ask for as `after` next; null: this is all.
    next_after: Option<u64>,
}

/// An event of a journey.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars", rename = "HistoryItem")]
pub(crate) struct Item {
    #[serde(flatten)]
    pub(crate) line: Line,
    /// Whom the journey asked for what.
    notices: Vec<NoticeView>,
}

/// A message to the person or to an operator.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars", rename = "Notice")]
pub(crate) struct NoticeView {
    /// What it says.
    kind: NoticeKind,
    /// The leg that it is about.
    leg: Option<Leg>,
    /// What an operator has to look at.
    task: Option<OperatorTask>,
}

/// What a message says. To the person: `link`, go on at the link that is read as one of the journey's; `reminder`, they have not gone on;
/// `try_again`, by the same link; `ask_again`, it is not certain to have worked, and they may ask again; `other_aggregator`, which may work
/// for them; `renew_consent`. To an operator: `operator`, look at the task. To whoever follows: `status`, it is in another state now.
/// `other` is one that is not known here.
// Documented variants become a `oneOf`, of which generators make less.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "provider_core::schemars")]
pub(crate) enum NoticeKind {
    Link,
    Reminder,
    TryAgain,
    AskAgain,
    OtherAggregator,
    RenewConsent,
    Operator,
    Status,
    Other,
}

pub(crate) fn items(lines: &mut Lines, entries: &[HistoryEntry]) -> Vec<Item> {
    let read = lines.of(entries).into_iter().zip(entries);
    read.map(|(line, entry)| Item {
        line,
        notices: entry.effects.iter().filter_map(notice).collect(),
    })
    .collect()
}

fn notice(effect: &kyc_journey::Effect) -> Option<NoticeView> {
    let EffectKind::Notify(notice) = &effect.kind else {
        return None;
    };
    let (kind, leg, task) = match notice {
        Notice::Link { leg, .. } => (NoticeKind::Link, Some(*leg), None),
        Notice::Reminder { leg } => (NoticeKind::Reminder, Some(*leg), None),
        Notice::TryAgain { leg } => (NoticeKind::TryAgain, Some(*leg), None),
        Notice::AskAgain { leg } => (NoticeKind::AskAgain, Some(*leg), None),
        Notice::OtherAggregator => (NoticeKind::OtherAggregator, None, None),
        Notice::RenewConsent => (NoticeKind::RenewConsent, None, None),
        Notice::Operator { leg, task } => (NoticeKind::Operator, *leg, Some(*task)),
        Notice::Status(_) => (NoticeKind::Status, None, None),
        _ => (NoticeKind::Other, None, None),
    };
    Some(NoticeView { kind, leg, task })
}

pub(crate) async fn history(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::read(uri.query(), &["after", "limit"], None)?;
    let after = query.number("after")?.unwrap_or_default();
    let limit = query.limit()?;
    let (id, _) = find(&server, &id).await?;
    // From the beginning: what an answer is to stands in an earlier event.
    let all = server.engine.history(&id, Seq::ZERO).await?;
    let mut left = items(&mut Lines::default(), &all)
        .into_iter()
        .filter(|item| item.line.seq() > after);
    let events: Vec<_> = left.by_ref().take(limit).collect();
    let next_after = match (left.next(), events.last()) {
        (Some(_), Some(last)) => Some(last.line.seq()),
        _ => None,
    };
    Ok(json(StatusCode::OK, &History { events, next_after }))
}

/// Where the person goes on.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct Links {
    /// One a leg at most.
    links: Vec<LinkView>,
}

/// Where the person goes on with a leg.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars", rename = "Link")]
pub(crate) struct LinkView {
    /// The leg.
    leg: Leg,
    /// The address. Who has it can act as the person.
    url: Masked,
}

pub(crate) async fn links(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
) -> Result<Response, Problem> {
    let (id, record) = find(&server, &id).await?;
    let links = open_links(&server, &id, &record).await?;
    Ok(json(StatusCode::OK, &Links { links }))
}

async fn open_links(
    server: &Inner,
    id: &JourneyId,
    record: &JourneyRecord,
) -> Result<Vec<LinkView>, Problem> {
    let mut latest = BTreeMap::new();
    for entry in server.engine.history(id, Seq::ZERO).await? {
        for effect in entry.effects {
            if let EffectKind::Notify(Notice::Link {
                leg,
                link: Some(link),
            }) = effect.kind
            {
                latest.insert(leg, link);
            }
        }
    }
    let mut links = Vec::new();
    for (leg, seq) in latest {
        // Of a leg that has ended, the person can do nothing with it.
        let goes_on = matches!(
            record.state.leg_status(leg),
            LegStatus::Open | LegStatus::NeedsPerson
        );
        let payload = match goes_on {
            true => server.engine.payload(id, seq).await?,
            false => None,
        };
        if let Some(payload) = payload.filter(|payload| payload.class == DataClass::Links) {
            let url = payload.content;
            links.push(LinkView { leg, url });
        }
    }
    Ok(links)
}
