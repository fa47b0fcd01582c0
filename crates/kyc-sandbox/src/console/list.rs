//! The first screen: journeys, and the stream of what happens.

use std::collections::HashSet;

use axum::extract::{Extension, State};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use super::filter::{self, CHIPS, Filter};
use super::form::encoded;
use super::frame::{self, Page};
use super::row::Rows;
use super::viewer::Viewer;
use super::{journeys, people, steering};
use crate::pages::layout::see_other;
use crate::sandbox::Sandbox;
use crate::state::Happening;

/// How many rows are on a page.
pub(super) const ROWS: usize = 200;

/// The newest happenings that a filter shows, newest first, of those after a number.
pub(super) fn shown(
    sandbox: &Sandbox,
    filter: &Filter,
    after: u64,
    limit: usize,
) -> Vec<Happening> {
    let simulation = sandbox.simulation();
    let retries = match filter.asks_for_retries() {
        true => simulation.happenings.read(|all| filter::retries(all)),
        false => HashSet::new(),
    };
    let person = |happening: &Happening| {
        let person = people::of_journey(&simulation.journeys, happening.journey)?;
        Some(person.into_owned())
    };
    simulation
        .happenings
        .newest_after(after, limit, |happening| {
            filter.is_empty() || filter.shows(happening, person, &retries)
        })
}

pub(super) async fn index(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
) -> Response {
    let text = viewer.query("filter");
    let (filter, problem) = match Filter::parse(&text, sandbox.now_ms()) {
        Ok(filter) => (filter, None),
        Err(problem) => (Filter::default(), Some(problem)),
    };
    let content = html! {
        div.columns {
            // What steers comes first: the journeys are as many as there are.
            div.side {
                aside aria-label="Providers, faults and clock" { (steering::render(&sandbox, &viewer)) }
                nav aria-labelledby="journeys-title" {
                    h2 #journeys-title { "Journeys" }
                    div #journeys { (journeys::render(&sandbox, None)) }
                }
            }
            main {
                h1 { "What happens" }
                (filters(&text, problem.as_deref(), viewer.query("focus") == "filter"))
                (stream(&sandbox, &viewer, &filter, &text))
            }
        }
    };
    let page = Page {
        title: "Console",
        reloads: frame::changing(),
        content,
    };
    frame::page(&sandbox, &viewer, &page)
}

/// The detail of the newest row that a filter shows.
pub(super) async fn latest(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
) -> Response {
    let text = viewer.query("filter");
    let filter = match Filter::parse(&text, sandbox.now_ms()) {
        Ok(filter) => filter,
        Err(problem) => {
            return frame::problem(&viewer, StatusCode::BAD_REQUEST, "No such filter", &problem);
        }
    };
    let newest = shown(&sandbox, &filter, 0, ROWS);
    let mut rows = newest.iter();
    match rows.find_map(href) {
        Some(href) => see_other(&href),
        None => frame::problem(
            &viewer,
            StatusCode::NOT_FOUND,
            "Nothing yet",
            "No call and no webhook is kept that this filter shows.",
        ),
    }
}

fn href(happening: &Happening) -> Option<String> {
    use crate::state::What;
    match &happening.what {
        What::Call(_) => Some(format!("/r/{}", happening.number)),
        What::Webhook { id, .. } => Some(format!("/w/{id}")),
        _ => None,
    }
}

fn filters(text: &str, problem: Option<&str>, has_focus: bool) -> Markup {
    html! {
        form.filter method="get" action="/" role="search" {
            label for="filter" { "Filter" }
            input #filter type="text" name="filter" value=(text) maxlength="300" autocomplete="off" spellcheck="false"
                autofocus[has_focus] aria-describedby="filter-help" aria-invalid=[problem.map(|_| "true")];
            button { "Show" }
        }
        @if let Some(problem) = problem {
            p.error role="alert" { (problem) " Everything is shown." }
        }
        p.muted #filter-help { "Such as " code { "provider:veriff status:>=400 -person:deny after:10m" } "." }
        ul.chips aria-label="Common filters" {
            @for (name, filter) in CHIPS {
                @let is_on = text == filter;
                li {
                    a.chip href={ "/?filter=" (encoded(filter)) } aria-current=[is_on.then_some("true")] { (name) }
                }
            }
            @if !text.is_empty() {
                li { a.chip href="/" { "Everything" } }
            }
        }
    }
}

/// The rows, and what the script needs to add more.
fn stream(sandbox: &Sandbox, viewer: &Viewer, filter: &Filter, text: &str) -> Markup {
    let newest = *sandbox.simulation().happenings.watch().borrow();
    let happenings = shown(sandbox, filter, 0, ROWS);
    html! {
        div.bar {
            a.button href=(viewer.here()) { "Reload" }
            button #pause hidden type="button" aria-pressed="false" { "Pause" }
            button #waiting hidden type="button" {}
        }
        @if newest == 0 {
            (nothing_yet(viewer))
        } @else if happenings.is_empty() {
            p.muted #none { "Nothing that is kept is shown by this filter." }
        }
        ol.rows #rows data-after=(newest) data-filter=(text) data-most=(ROWS) {
            (rows(sandbox, &happenings))
        }
    }
}

pub(super) fn rows(sandbox: &Sandbox, happenings: &[Happening]) -> Markup {
    let mut rows = Rows::new(sandbox);
    html! {
        @for happening in happenings { (rows.row(happening).render(None)) }
    }
}

/// What to do where nothing has happened.
fn nothing_yet(viewer: &Viewer) -> Markup {
    html! {
        section.empty #none {
            p { "Nothing has happened yet. From another shell, with the variables that the sandbox printed:" }
            ol {
                li { code { "export FINPASS_BASE_URL=" (viewer.origin) "/finpass  # and the others" } }
                li { code { "kyc onboard --sandbox" } }
                li { code { "kyc listen --forward-to http://127.0.0.1:3000/hooks" } }
            }
            @if viewer.is_known {
                form method="post" action="/console/run" {
                    button.primary { "Run the person approve" }
                }
            }
        }
    }
}
