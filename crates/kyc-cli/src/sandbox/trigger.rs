//! `kyc trigger`: lets an event happen in a running sandbox.

use clap::Args;
use serde_json::{Map, Value, json};

use super::running::Running;
use super::webhooks::words;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct Trigger {
    /// The event, such as veriff.decision.approved or finpro.CONSENT_APPROVED
    #[arg(required_unless_present = "list")]
    event: Option<String>,
    /// List all events
    #[arg(long, conflicts_with = "event")]
    list: bool,
    /// Change a member of the webhook's body, by its name or its path with dots; may be given several times. Later calls do not
    /// know of the change
    #[arg(long, value_name = "MEMBER=VALUE")]
    set: Vec<String>,
    /// Send it so many times, although it is accepted
    #[arg(long, value_name = "NUMBER")]
    times: Option<u64>,
    /// Sign with a secret that was replaced, with a wrong one, or not at all: old, wrong, none
    #[arg(long, value_name = "HOW")]
    sign: Option<String>,
}

const PATH: &str = "/sandbox/triggers";

pub(crate) async fn run(arguments: Trigger, output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    if arguments.list {
        let list = sandbox.get(PATH).await?;
        if output.json {
            return output.answer(&list, None);
        }
        let mut events = list["events"].as_array().into_iter().flatten();
        return events.try_for_each(|event| output.text(event.as_str().unwrap_or_default()));
    }
    let mut changes = Map::new();
    for change in &arguments.set {
        let Some((member, value)) = change.split_once('=') else {
            return Err(Failure::configuration("--set", "must be MEMBER=VALUE"));
        };
        changes.insert(member.to_owned(), Value::from(value));
    }
    let body = json!({
        "event": arguments.event,
        "set": changes,
        "times": arguments.times,
        "sign": arguments.sign,
    });
    let triggered = sandbox.post(PATH, &body).await?;
    if output.json {
        return output.answer(&triggered, None);
    }
    let mut webhooks = triggered["webhooks"].as_array().into_iter().flatten();
    webhooks.try_for_each(|webhook| output.text(&words(webhook)))
}
