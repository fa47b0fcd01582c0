//! `kyc clock`: shows and moves the clock of a running sandbox.

use serde_json::{Value, json};

use super::read::{number, text};
use super::running::Running;
use crate::arguments::{Clock, ClockCommand};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(arguments: Clock, output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    const PATH: &str = "/sandbox/clock";
    let clock = match arguments.command {
        None => sandbox.get(PATH).await?,
        Some(command) => {
            let body = match command {
                ClockCommand::Advance { length } => json!({"advance": length}),
                ClockCommand::To { time } => json!({"to": time}),
                ClockCommand::Run => json!({"mode": "real"}),
                ClockCommand::Freeze => json!({"mode": "frozen"}),
                ClockCommand::Fast { factor } => json!({"mode": "fast", "factor": factor}),
            };
            sandbox.post(PATH, &body).await?
        }
    };
    if output.json {
        return output.answer(&clock, None);
    }
    output.text(&words(&clock))
}

/// The clock in one line.
fn words(clock: &Value) -> String {
    let mode = match (text(clock, "mode"), number(clock, "factor")) {
        (Some("fast"), Some(factor)) => format!("{factor} times as fast as the real one"),
        (Some("frozen"), _) => "stands still".to_owned(),
        _ => "runs as the real one".to_owned(),
    };
    let now = text(clock, "now").unwrap_or_default();
    let count = |name: &str| number(clock, name);
    match (
        count("changes"),
        count("webhooks_delivered"),
        count("webhooks_failed"),
    ) {
        (Some(changes), Some(delivered), Some(failed)) => {
            format!(
                "{now}  {mode}  {changes} changes, webhooks: {delivered} delivered, {failed} failed"
            )
        }
        _ => format!("{now}  {mode}"),
    }
}
