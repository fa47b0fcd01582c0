//! Which journeys there are.

use axum::extract::State;
use axum::response::Response;
use kyc_journey::JourneyStatus;
use maud::{Markup, html};
use provider_core::http::{HeaderMap, StatusCode, Uri};
use provider_core::jiff::{SignedDuration, Timestamp};

use super::frame::{self, Page};
use super::sign_in;
use crate::api::Query;
use crate::api::list::{self, Page as Listed, Summary};
use crate::problem::Problem;
use crate::state::Shared;

/// For how long a journey has not changed: the name, the words, the hours.
type Stuck = (&'static str, &'static str, i64);

const STUCK: [Stuck; 3] = [
    ("1h", "for an hour", 1),
    ("1d", "for a day", 24),
    ("7d", "for a week", 7 * 24),
];

pub(super) async fn show(State(server): State<Shared>, headers: HeaderMap, uri: Uri) -> Response {
    let Some(csrf) = server.sessions.csrf(&headers) else {
        return sign_in::form(&server, StatusCode::OK);
    };
    match listed(&server, &uri).await {
        Ok((filter, page)) => frame::document(
            &server,
            &Page {
                status: StatusCode::OK,
                title: "List",
                content: html! {
                    (frame::strip(&server, &csrf))
                    main {
                        h1 { "Journeys" }
                        (filter.form(&server))
                        (table(&server, &page))
                        @if let Some(next) = &page.next_page_token {
                            p { a href={ (server.path) "/?" (filter.query(next)) } { "Further journeys" } }
                        }
                    }
                },
            },
        ),
        Err(problem) => frame::problem(&server, &problem),
    }
}

struct Filter {
    statuses: Vec<JourneyStatus>,
    stuck: Option<Stuck>,
    page: Option<String>,
}

async fn listed(server: &Shared, uri: &Uri) -> Result<(Filter, Listed), Problem> {
    let query = Query::read(uri.query(), &["status", "stuck", "page"], Some("status"))?;
    let statuses = query.all("status").map(str::parse::<JourneyStatus>);
    let stuck = query.get("stuck").filter(|stuck| !stuck.is_empty());
    let stuck = stuck.map(|text| {
        let known = STUCK.into_iter().find(|(name, ..)| *name == text);
        known.ok_or_else(|| Problem::invalid("stuck", "must be 1h, 1d or 7d"))
    });
    let filter = Filter {
        statuses: statuses.collect::<Result<_, _>>()?,
        stuck: stuck.transpose()?,
        page: query.get("page").map(str::to_owned),
    };
    let page = list::page(server, Some(&filter.asked(server.clock.now()))).await?;
    Ok((filter, page))
}

impl Filter {
    /// As the API is asked.
    fn asked(&self, now: Timestamp) -> String {
        let mut query = self.statuses();
        let since = self.stuck.and_then(|(.., hours)| {
            let length = SignedDuration::try_from_hours(hours)?;
            now.checked_sub(length).ok()
        });
        if let Some(since) = since {
            query.append_pair("unchanged_since", &since.to_string());
        }
        if let Some(page) = &self.page {
            query.append_pair("page_token", page);
        }
        query.append_pair("limit", "50");
        query.finish()
    }

    /// As this page is asked for the next one.
    fn query(&self, next: &str) -> String {
        let mut query = self.statuses();
        if let Some((name, ..)) = self.stuck {
            query.append_pair("stuck", name);
        }
        query.append_pair("page", next);
        query.finish()
    }

    fn statuses(&self) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for status in &self.statuses {
            query.append_pair("status", status.as_str());
        }
        query
    }

    fn form(&self, server: &Shared) -> Markup {
        let all = JourneyStatus::ALL.iter();
        let shown = all.filter(|status| **status != JourneyStatus::New);
        html! {
            form.filter method="get" action={ (server.path) "/" } {
                fieldset {
                    legend { "Status" }
                    @for status in shown {
                        label {
                            input type="checkbox" name="status" value=(status.as_str()) checked[self.statuses.contains(status)];
                            (words(status.as_str()))
                        }
                    }
                }
                label.above {
                    "Unchanged"
                    select name="stuck" {
                        option value="" { "for any time" }
                        @for (name, words, _) in STUCK {
                            option value=(name) selected[self.stuck.is_some_and(|(chosen, ..)| chosen == name)] { (words) }
                        }
                    }
                }
                button type="submit" { "Show" }
            }
        }
    }
}

fn table(server: &Shared, page: &Listed) -> Markup {
    if page.journeys.is_empty() {
        return html! { p { "There is no such journey." } };
    }
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Journey" }
                    th scope="col" { "Status" }
                    th scope="col" { "Events" }
                    th scope="col" { "Began" }
                    th scope="col" { "Changed" }
                    th scope="col" { "To do" }
                }
            }
            tbody {
                @for journey in &page.journeys {
                    tr {
                        td { a href={ (server.path) "/journeys/" (journey.id) } { code { (journey.id) } } }
                        td data-name="Status" { (status(journey.status)) }
                        td.number data-name="Events" { (journey.seq) }
                        td data-name="Began" { (time(journey.created_at)) }
                        td data-name="Changed" { (time(journey.updated_at)) }
                        td data-name="To do" { (to_do(journey)) }
                    }
                }
            }
        }
    }
}

fn to_do(journey: &Summary) -> Markup {
    let is_nothing = journey.by_hand.is_empty() && journey.held.is_empty() && !journey.damaged;
    html! {
        @if is_nothing { "–" }
        @if journey.damaged { span class="status bad" { "damaged, cannot be read" } " " }
        @for call in &journey.held { span class="status wait" { "let " (call.replace('-', " ")) " go on" } " " }
        @for task in &journey.by_hand { span class="status wait" { (words(task.as_str())) } " " }
    }
}

pub(super) fn status(status: JourneyStatus) -> Markup {
    let class = match status {
        JourneyStatus::Completed => "status good",
        JourneyStatus::Rejected | JourneyStatus::Refused => "status bad",
        JourneyStatus::NeedsPerson | JourneyStatus::NeedsOperator => "status wait",
        _ => "status",
    };
    html! { span class=(class) { (words(status.as_str())) } }
}

pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

pub(super) fn time(at: Timestamp) -> Markup {
    let text = format!("{at:.0}");
    html! { time datetime=(text) { (text.replace('T', " ").replace('Z', "")) } }
}
