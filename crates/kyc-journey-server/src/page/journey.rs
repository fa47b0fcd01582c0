//! What happened in a journey, and what an operator can do.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use kyc_journey::{Fact, JourneyRecord, Leg, LegStatus, Seq};
use maud::{Markup, html};
use provider_core::http::header::LOCATION;
use provider_core::http::{HeaderMap, HeaderValue, StatusCode};

use super::frame::{self, Page};
use super::list::{status, time, words};
use super::sign_in::{self, is_own_form};
use crate::api::commands::{end, go_on, resolved};
use crate::api::{JourneyView, LegView, find};
use crate::guard::InPath;
use crate::problem::Problem;
use crate::state::Shared;
use crate::timeline::{Line, Lines};

/// How many events a page shows: the latest ones.
const MOST: usize = 500;

pub(super) async fn show(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    headers: HeaderMap,
) -> Response {
    let Some(csrf) = server.sessions.csrf(&headers) else {
        return sign_in::form(&server, StatusCode::OK);
    };
    match read(&server, &id).await {
        Ok((record, lines)) => {
            let content = content(&server, &csrf, &record, &lines);
            frame::document(
                &server,
                &Page {
                    status: StatusCode::OK,
                    title: "Journey",
                    content,
                },
            )
        }
        Err(problem) => frame::problem(&server, &problem),
    }
}

async fn read(server: &Shared, id: &str) -> Result<(JourneyRecord, Vec<Line>), Problem> {
    let (id, record) = find(server, id).await?;
    let entries = server.engine.history(&id, Seq::ZERO).await?;
    Ok((record, Lines::default().of(&entries)))
}

pub(super) async fn resume(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    submitted(&server, &headers, body, go_on(&server, &id, None)).await
}

pub(super) async fn resolve(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    submitted(&server, &headers, body, resolved(&server, &id, None)).await
}

pub(super) async fn cancel(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    submitted(&server, &headers, body, end(&server, &id, Fact::Cancel)).await
}

/// Does it if the form is this page's own, and leads to the journey's page, which loading again does not do it again.
async fn submitted(
    server: &Shared,
    headers: &HeaderMap,
    body: Body,
    command: impl Future<Output = Result<JourneyRecord, Problem>>,
) -> Response {
    let done = match is_own_form(server, headers, body).await {
        Ok(()) => command.await,
        Err(problem) => Err(problem),
    };
    let record = match done {
        Ok(record) => record,
        Err(problem) => return frame::problem(server, &problem),
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let place = format!("{}/journeys/{}", server.path, record.state.id());
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

fn content(server: &Shared, csrf: &str, record: &JourneyRecord, lines: &[Line]) -> Markup {
    let view = JourneyView::of(record);
    let state = &record.state;
    let is_open = !state.status().is_end();
    let goes_on = Leg::ALL.iter().any(|leg| state.resuming(*leg).is_some());
    let is_left = state.by_hand().next().is_some();
    let skipped = lines.len().saturating_sub(MOST);
    let button = |action: &str, class: Option<&str>, text: &str| {
        html! {
            form method="post" action={ (server.path) "/journeys/" (view.id) "/" (action) } {
                input type="hidden" name="csrf" value=(csrf);
                button class=[class] type="submit" { (text) }
            }
        }
    };
    html! {
        (frame::strip(server, csrf))
        main {
            p { a href={ (server.path) "/" } { "All journeys" } }
            h1 { "Journey " code { (view.id) } }
            p {
                "It is " (status(view.status)) ". It began at " (time(view.created_at)) " and changed at " (time(view.updated_at)) ", UTC."
            }
            @if is_open || goes_on || is_left {
                div.actions {
                    @if goes_on { (button("resume", None, "Let it go on")) }
                    @if is_left { (button("resolve", None, "What was to do is done")) }
                    @if is_open { (button("cancel", Some("bad"), "Cancel the journey")) }
                }
            }
            h2 { "Legs" }
            @if view.legs.is_empty() { p { "None." } } @else { (legs(&view.legs)) }
            @if !view.timers.is_empty() {
                h2 { "What happens by itself" }
                ul {
                    @for timer in &view.timers {
                        li { (time(timer.at)) " " (words(&timer.timer)) }
                    }
                }
            }
            h2 { "What happened" }
            @if skipped > 0 { p.muted { "The first " (skipped) " events are not shown." } }
            ol.events {
                @for line in lines.iter().skip(skipped) { (event(line)) }
            }
        }
    }
}

fn legs(legs: &[LegView]) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Leg" }
                    th scope="col" { "Status" }
                    th scope="col" { "State" }
                    th scope="col" { "Attempt" }
                    th scope="col" { "To know" }
                }
            }
            tbody {
                @for leg in legs {
                    tr {
                        td { b { (leg.leg.as_str()) } @if !leg.required { " (optional)" } }
                        td data-name="Status" { (leg_status(leg.status)) }
                        td data-name="State" { (words(leg.phase)) }
                        td.number data-name="Attempt" { (leg.attempt) }
                        td data-name="To know" { (to_know(leg)) }
                    }
                }
            }
        }
    }
}

fn leg_status(status: LegStatus) -> Markup {
    let class = match status {
        LegStatus::Ready => "status good",
        LegStatus::Rejected => "status bad",
        LegStatus::Partial | LegStatus::NeedsPerson | LegStatus::NeedsOperator => "status wait",
        _ => "status",
    };
    html! { span class=(class) { (words(status.as_str())) } }
}

fn to_know(leg: &LegView) -> String {
    let mut known = Vec::new();
    if let Some(call) = leg.unsettled {
        known.push(format!("the outcome of {call} is not known"));
    }
    if leg.maybe_billed > 0 {
        known.push(format!(
            "may have been billed {} times more",
            leg.maybe_billed
        ));
    }
    if !leg.missing.is_empty() {
        let missing: Vec<_> = leg.missing.iter().map(|kind| kind.as_str()).collect();
        known.push(format!("missing: {}", missing.join(", ")));
    }
    if leg.resubmissions > 0 {
        known.push(format!("tried again {} times", leg.resubmissions));
    }
    for call in &leg.held {
        known.push(format!("{} waits for an operator", call.replace('-', " ")));
    }
    for task in &leg.by_hand {
        known.push(format!("to do: {}", words(task.as_str())));
    }
    for request in &leg.unknown_requests {
        known.push(request.to_string());
    }
    match known.is_empty() {
        true => "–".to_owned(),
        false => known.join("; "),
    }
}

fn event(line: &Line) -> Markup {
    let is_applied = line.verdict() == "applied";
    let class = match is_applied {
        true => "applied",
        false => "ignored",
    };
    html! {
        li class=(class) {
            span.number { (line.seq()) } " " (time(line.at())) " "
            @if let Some(leg) = line.leg() { span.muted { (leg) } " " }
            b { (line.event().replace('-', " ")) }
            @if let Some(about) = line.about() { " " (words(about)) }
            @if let Some(said) = line.said() { ": " (words(said)) }
            @if !is_applied {
                " – " span.why {
                    (line.verdict())
                    @if let Some(reason) = line.reason() { ": " (words(reason)) }
                }
            }
            @if !line.shown().is_empty() {
                ul {
                    @for asked in line.shown() { li { (asked) } }
                }
            }
        }
    }
}
