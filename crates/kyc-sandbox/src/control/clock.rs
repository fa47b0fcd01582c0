//! The sandbox's clock, from outside.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use jiff::{SpanRelativeTo, Timestamp};
use serde_json::{Value, json};

use super::{Refusal, number, object, reply, text, with};
use crate::sandbox::Sandbox;
use crate::state::{ClockMode, iso};

/// The fastest that the clock runs: a day in a second and a half.
pub(crate) const FASTEST: u64 = 60_000;
/// How far the clock is moved at once: ten years.
pub(crate) const FARTHEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

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

/// `{"advance": "7d"}`, `{"to": "2026-12-03T00:00:00Z"}` or `{"mode": "fast", "factor": 60}`.
pub(super) async fn change(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(changed(&sandbox, body).await)
}

async fn changed(sandbox: &Sandbox, body: Body) -> Result<Value, Refusal> {
    let body = object(body, &["advance", "to", "mode", "factor"]).await?;
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
    let by = match (text(&body, "advance")?, text(&body, "to")?) {
        (Some(by), None) => length(by)?,
        (None, Some(to)) => until(sandbox, to)?,
        _ => return Err(Refusal::invalid("body", "needs one of advance, to, mode")),
    };
    if by > FARTHEST {
        return Err(Refusal::invalid("advance", "is at most ten years at once"));
    }
    let advanced = sandbox.advance(by).await;
    Ok(with(
        state(sandbox),
        [
            ("changes", advanced.changes.into()),
            ("webhooks_delivered", advanced.delivered.into()),
            ("webhooks_failed", advanced.failed.into()),
        ],
    ))
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
                "must be a length such as 90s, 1h 30m or 7d, and not negative",
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
