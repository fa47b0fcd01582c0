//! `kyc clock`: shows and moves the clock of a running sandbox.

use kyc_facade::provider_core::jiff::SignedDuration;
use kyc_facade::provider_core::jiff::civil::Date;
use serde_json::{Value, json};

use super::read::{items, number, text};
use super::running::Running;
use crate::arguments::parse::length;
use crate::arguments::{Clock, ClockCommand};
use crate::failure::{EXIT_UNREACHED, Failure};
use crate::terminal::output::{Output, counted};

pub(crate) async fn run(arguments: Clock, output: Output) -> Result<u8, Failure> {
    let sandbox = Running::find()?;
    const PATH: &str = "/sandbox/clock";
    let clock = match arguments.command {
        None | Some(ClockCommand::Show) => sandbox.get(PATH).await?,
        Some(command) => {
            let body = match command {
                ClockCommand::Advance { length } => {
                    json!({"advance": forward(&length)?.to_string()})
                }
                ClockCommand::To { time } => json!({"to": moment(time)}),
                ClockCommand::Until { event } => json!({"until": event}),
                ClockCommand::Run => json!({"mode": "real"}),
                ClockCommand::Freeze => json!({"mode": "frozen"}),
                ClockCommand::Fast { factor } => json!({"mode": "fast", "factor": factor}),
                ClockCommand::Show => Value::Null,
            };
            sandbox.post(PATH, &body).await?
        }
    };
    // Only of a move to an event, which is null if it was called off.
    let event = clock.get("event");
    let code = match event {
        Some(Value::Null) => EXIT_UNREACHED,
        _ => 0,
    };
    if output.json {
        output.answer(&clock, None)?;
        return Ok(code);
    }
    output.told(&words(&clock))?;
    for happening in items(&clock, "happened") {
        output.told(&happened(happening))?;
    }
    if code != 0 {
        output.told("called off: what happened before prevents it")?;
    }
    Ok(code)
}

/// How far, in the one form in which the sandbox is told.
fn forward(text: &str) -> Result<SignedDuration, Failure> {
    const FIELD: &str = "advance";

    if text.starts_with('-') {
        let rule = "must not be negative: time does not go backwards";
        return Err(Failure::configuration(FIELD, rule));
    }
    let by = SignedDuration::try_from(length(FIELD, text)?);
    by.map_err(|_| Failure::configuration(FIELD, "must be at most ten years"))
}

/// A time; a date alone is its first moment in UTC.
fn moment(text: String) -> String {
    match text.parse::<Date>() {
        Ok(_) if text.len() == "2026-12-10".len() => format!("{text}T00:00:00Z"),
        _ => text,
    }
}

/// What happened, in one line.
fn happened(happening: &Value) -> String {
    let member = |name: &str| text(happening, name);
    let what = member("words").or(member("operation")).or(member("event"));
    let outcome = member("outcome").map(|outcome| match member("reason") {
        Some(reason) => format!("  {outcome}: {reason}"),
        None => format!("  {outcome}"),
    });
    format!(
        "{}  {}  {}  {}{}",
        member("at").unwrap_or_default(),
        member("journey").unwrap_or("-"),
        member("provider").unwrap_or("-"),
        what.unwrap_or_default(),
        outcome.unwrap_or_default(),
    )
}

/// The clock in one line.
fn words(clock: &Value) -> String {
    let mode = match (text(clock, "mode"), number(clock, "factor")) {
        (Some("fast"), Some(factor)) => format!("{factor} times as fast as the real one"),
        (Some("frozen"), _) => "stands still".to_owned(),
        _ => "runs in real time".to_owned(),
    };
    let now = text(clock, "now").unwrap_or_default();
    let count = |name: &str| number(clock, name);
    match (
        count("changes"),
        count("webhooks_delivered"),
        count("webhooks_failed"),
    ) {
        (Some(changes), Some(delivered), Some(failed)) => {
            let changes = counted(changes, "change");
            format!("{now}  {mode}  {changes}, webhooks: {delivered} delivered, {failed} failed")
        }
        _ => format!("{now}  {mode}"),
    }
}
