//! `GET /v1/journeys/{id}/events`: what happens, as it happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use kyc_journey::{JourneyId, Seq};
use provider_core::http::header::HeaderName;
use provider_core::http::{HeaderMap, StatusCode, Uri};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::{JourneyView, Query, find, has_ended, read};
use crate::guard::{self, InPath};
use crate::problem::Problem;
use crate::state::Shared;
use crate::timeline::Lines;

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(crate) async fn watch(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Query::read(uri.query(), &["after"], None)?;
    let resumed = match headers.contains_key(&LAST_EVENT_ID) {
        true => {
            let id = guard::text(&headers, &LAST_EVENT_ID);
            let id = id.and_then(|id| id.parse::<u64>().ok());
            let rule = "must be the number of an event, given once";
            Some(id.ok_or_else(|| Problem::invalid(LAST_EVENT_ID.as_str(), rule))?)
        }
        false => None,
    };
    let (field, after) = match resumed {
        Some(resumed) => (LAST_EVENT_ID.as_str(), resumed),
        None => ("after", query.number("after")?.unwrap_or_default()),
    };
    let (id, record) = find(&server, &id).await?;
    let last = record.state.seq().get();
    // It was given out for another journey, and a stream from there on would say nothing.
    if after > last {
        let rule = format!("must be an event of this journey, which has {last} now");
        return Err(Problem::invalid(field, rule));
    }
    // At this a browser asks no more.
    if resumed.is_some() && has_ended(&record) && after == last {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let permit = Arc::clone(&server.streams).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::too_many_streams())?;
    let limits = &server.limits;
    let heartbeat = KeepAlive::new().interval(limits.heartbeat);
    let watching = Watching {
        until: Instant::now().checked_add(limits.stream_time),
        closing: server.closing.subscribe(),
        server: server.clone(),
        id,
        seen: Seq::ZERO,
        after,
        lines: Lines::default(),
        queue: VecDeque::new(),
        ends: false,
        _permit: permit,
    };
    let events = stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((Ok::<_, Infallible>(event), watching))
    });
    Ok(Sse::new(events).keep_alive(heartbeat).into_response())
}

struct Watching {
    server: Shared,
    id: JourneyId,
    /// The last event that was read.
    seen: Seq,
    /// The last one that the reader has.
    after: u64,
    lines: Lines,
    queue: VecDeque<Event>,
    /// Whether what is in the queue is the last of it.
    ends: bool,
    until: Option<Instant>,
    closing: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

impl Watching {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            let is_late = self.until.is_some_and(|until| Instant::now() >= until);
            if self.ends || is_late || *self.closing.borrow() {
                return None;
            }
            // The reader resumes where the store could not be read.
            self.look().await.ok()?;
            if self.queue.is_empty() {
                let poll = tokio::time::sleep(self.server.limits.poll);
                let closing = async {
                    let _ = self.closing.wait_for(|closing| *closing).await;
                };
                tokio::select! {
                    () = poll => {}
                    () = closing => {}
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), Problem> {
        let engine = Arc::clone(&self.server.engine);
        // First the state, then the events: an end that is told has all of its events before it.
        let record = engine.read(&self.id).await?;
        let entries = engine.history(&self.id, self.seen).await?;
        for item in read::items(&mut self.lines, &entries) {
            let seq = item.line.seq();
            self.seen = Seq::new(seq);
            if seq > self.after {
                let data = serde_json::to_string(&item).map_err(|_| Problem::internal())?;
                let event = Event::default().id(seq.to_string()).data(data);
                self.queue.push_back(event);
            }
        }
        let Some(record) = record else {
            self.ends = true;
            return Ok(());
        };
        if has_ended(&record) && self.seen >= record.state.seq() {
            let view = JourneyView::of(&record);
            let data = serde_json::to_string(&view).map_err(|_| Problem::internal())?;
            let seq = self.seen.to_string();
            let end = Event::default().event("end").id(seq).data(data);
            self.queue.push_back(end);
            self.ends = true;
        }
        Ok(())
    }
}
