//! The sandbox's clock, from outside.

use std::collections::HashSet;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use jiff::{SpanRelativeTo, Timestamp};
use serde_json::{Value, json};

use super::{Refusal, number, object, reply, text, with};
use crate::sandbox::Sandbox;
use crate::state::{ClockMode, EVENTS, Planned, PlannedName, What, iso, last_ms};
use crate::time::Advanced;

/// The fastest that the clock runs: a day in a second and a half.
pub(crate) const FASTEST: u64 = 60_000;
/// How far the clock is moved at once: ten years.
pub(crate) const FARTHEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// How many happenings are told at most of a move to an event: the newest.
const HAPPENED: usize = 100;
/// How many planned events an error lists.
const LISTED: usize = 20;

pub(super) async fn show(State(sandbox): State<Sandbox>) -> Response {
    reply(Ok(state(&sandbox)))
}

fn state(sandbox: &Sandbox) -> Value {
    let (mode, factor) = match sandbox.clock_mode() {
        ClockMode::Real => ("real", Value::Null),
        ClockMode::Frozen => ("frozen", Value::Null),
        ClockMode::Fast(factor) => ("fast", factor.into()),
    };
    json!({"now": iso(sandbox.now_ms()), "mode": mode, "factor": factor})
}

/// `{"advance": "7d"}`, `{"to": "2026-12-03T00:00:00Z"}`, `{"until": "j_23.expired"}` or `{"mode": "fast", "factor": 60}`.
pub(super) async fn change(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(changed(&sandbox, body).await)
}

async fn changed(sandbox: &Sandbox, body: Body) -> Result<Value, Refusal> {
    let body = object(body, &["advance", "to", "until", "mode", "factor"]).await?;
    if let Some(mode) = text(&body, "mode")? {
        let factor = number(&body, "factor", FASTEST)?;
        sandbox.set_clock_mode(match (mode, factor) {
            ("real", None) => ClockMode::Real,
            ("frozen", None) => ClockMode::Frozen,
            ("fast", Some(factor @ 1..)) => {
                ClockMode::Fast(u32::try_from(factor).unwrap_or(u32::MAX))
            }
            ("fast", _) => {
                return Err(Refusal::invalid(
                    "factor",
                    "is required with fast: from 1 to 60000",
                ));
            }
            ("real" | "frozen", Some(_)) => {
                return Err(Refusal::invalid("factor", "goes with fast only"));
            }
            _ => return Err(Refusal::invalid("mode", "must be real, frozen or fast")),
        });
        return Ok(state(sandbox));
    }
    let [advance, to, event] = ["advance", "to", "until"].map(|name| text(&body, name));
    let (field, by) = match (advance?, to?, event?) {
        (Some(by), None, None) => ("advance", length(by)?),
        (None, Some(to), None) => ("to", until(sandbox, to)?),
        (None, None, Some(event)) => return until_event(sandbox, event).await,
        _ => {
            let rule = "needs one of advance, to, until, mode";
            return Err(Refusal::invalid("body", rule));
        }
    };
    if by > FARTHEST {
        return Err(Refusal::invalid(field, "is at most ten years at once"));
    }
    let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    if sandbox.now_ms().saturating_add(by_ms) > last_ms() {
        let rule = format!("leads past {}, where the clock ends", iso(last_ms()));
        return Err(Refusal::invalid("advance", rule));
    }
    let advanced = sandbox.advance(by).await;
    Ok(with(state(sandbox), counts(&advanced)))
}

fn counts(advanced: &Advanced) -> [(&'static str, Value); 4] {
    [
        ("changes", advanced.changes.into()),
        ("webhooks_delivered", advanced.delivered.into()),
        ("webhooks_failed", advanced.failed.into()),
        ("webhooks_not_sent", advanced.not_sent.into()),
    ]
}

/// Moves the clock until an event comes, and tells what happened on the way.
async fn until_event(sandbox: &Sandbox, text: &str) -> Result<Value, Refusal> {
    let name = PlannedName::of(text).ok_or_else(|| {
        Refusal::invalid(
            "until",
            "must be such as j_23.expired, or expired for any journey",
        )
    })?;
    if !name.is_known() {
        let rule = format!("is no event; the events are {}", EVENTS.join(", "));
        return Err(Refusal::invalid("until", rule));
    }
    let journeys = &sandbox.simulation().journeys;
    if name.journey.is_some_and(|journey| !journeys.has(journey)) {
        let rule = "is of a journey that is none of this sandbox";
        return Err(Refusal::invalid("until", rule));
    }
    let providers = sandbox.providers();
    providers.settle();
    let farthest_ms = i64::try_from(FARTHEST.as_millis()).unwrap_or(i64::MAX);
    let latest_ms = sandbox.now_ms().saturating_add(farthest_ms);
    let planned = name.soonest(providers.planned(name.journey));
    let event = match planned.or_else(|| providers.leads_to(name)) {
        Some(event) if event.at_ms <= latest_ms => event,
        Some(_) => {
            return Err(Refusal::invalid(
                "until",
                "is more than ten years away; the clock is moved by at most ten years at once",
            ));
        }
        None => return Err(Refusal::not_found("until", none_planned(sandbox))),
    };
    let before = *sandbox.simulation().happenings.watch().borrow();
    let words = match name.names(&event) {
        true => format!("moved until {event}"),
        false => format!("moved until {text}, which {event} may lead to"),
    };
    sandbox.tell(What::Clock { words });
    let (event, advanced) = providers.advance_until(name, latest_ms).await;
    let mut happened = sandbox
        .simulation()
        .happenings
        .newest_after(before, HAPPENED, |one| {
            !matches!(one.what, What::Clock { .. })
                && (name.journey.is_none() || one.journey == name.journey)
        });
    happened.reverse();
    let happened: Vec<Value> = happened.iter().map(super::journeys::value).collect();
    let event = event.map(|event| event.to_string());
    Ok(with(
        with(state(sandbox), counts(&advanced)),
        [("event", event.into()), ("happened", happened.into())],
    ))
}

/// What is planned instead.
fn none_planned(sandbox: &Sandbox) -> String {
    let lists = sandbox.providers().planned(None);
    let mut planned: Vec<Planned> = lists.into_iter().flatten().collect();
    planned.sort_by_key(|planned| (planned.at_ms, planned.journey));
    if planned.is_empty() {
        return "is not planned; nothing is".to_owned();
    }
    // The first of each name, which is the one that the clock is moved to.
    let mut names = HashSet::new();
    planned.retain(|planned| names.insert((planned.journey, planned.event)));
    let shown = planned.iter().take(LISTED);
    let mut shown: Vec<String> = shown
        .map(|planned| format!("{planned} at {}", iso(planned.at_ms)))
        .collect();
    let more = planned.len().saturating_sub(shown.len());
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    format!(
        "is not planned, and nothing that is leads to it: whoever has no script waits for the pages, for a call or for \
         `kyc trigger`; planned: {}",
        shown.join(", ")
    )
}

/// A length of time such as `7d`, `90s` or `1h 30m`.
pub(crate) fn length(text: &str) -> Result<Duration, Refusal> {
    let span = text.parse::<jiff::Span>().ok();
    let length = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    length
        .and_then(|length| Duration::try_from(length).ok())
        .ok_or_else(|| {
            Refusal::invalid(
                "advance",
                "must be a length such as 90s, 1h 30m or 7d, not negative and of at most ten years",
            )
        })
}

/// How long it is until a moment.
fn until(sandbox: &Sandbox, text: &str) -> Result<Duration, Refusal> {
    let to = text
        .parse::<Timestamp>()
        .map_err(|_| Refusal::invalid("to", "must be a time such as 2026-12-03T00:00:00Z"))?;
    let left = to.as_millisecond().saturating_sub(sandbox.now_ms());
    u64::try_from(left)
        .map(Duration::from_millis)
        .map_err(|_| Refusal::invalid("to", "is past; the clock is never moved backwards"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("1h 30m", Some(5_400)),
            ("7d", Some(604_800)),
            ("2w", Some(1_209_600)),
            ("", None),
            ("7", None),
            ("-1h", None),
            ("a week", None),
        ] {
            let length = length(text).ok().map(|length| length.as_secs());
            assert_eq!(length, seconds, "{text}");
        }
    }
}
