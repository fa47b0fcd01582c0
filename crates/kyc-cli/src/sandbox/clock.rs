//! `kyc clock`: shows and moves the clock of a running sandbox.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::running::Running;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct Clock {
    /// `None` shows it.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Move the clock forward by a length such as 90s, 1h30m or 7d; what is due happens, and webhooks are delivered
    Advance {
        /// How far
        length: String,
    },
    /// Move the clock forward to a time such as 2026-12-03T00:00:00Z
    To {
        /// When
        time: String,
    },
    /// Let the clock run as the real one, from the time that it shows
    Run,
    /// Let the clock stand still
    Freeze,
    /// Let the clock run faster
    Fast {
        /// How many times as fast
        factor: u64,
    },
}

pub(crate) async fn run(arguments: Clock, output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    const PATH: &str = "/sandbox/clock";
    let clock = match arguments.command {
        None => sandbox.get(PATH).await?,
        Some(command) => {
            let body = match command {
                Command::Advance { length } => json!({"advance": length}),
                Command::To { time } => json!({"to": time}),
                Command::Run => json!({"mode": "real"}),
                Command::Freeze => json!({"mode": "frozen"}),
                Command::Fast { factor } => json!({"mode": "fast", "factor": factor}),
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
    let mode = match (clock["mode"].as_str(), clock["factor"].as_u64()) {
        (Some("fast"), Some(factor)) => format!("{factor} times as fast as the real one"),
        (Some("frozen"), _) => "stands still".to_owned(),
        _ => "runs as the real one".to_owned(),
    };
    let now = clock["now"].as_str().unwrap_or_default();
    let count = |name: &str| clock[name].as_u64();
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
