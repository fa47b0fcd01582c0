//! `kyc trigger`: lets an event happen in a running sandbox.

use serde_json::{Map, Value, json};

use super::read::{items, text};
use super::running::Running;
use super::webhooks::{resend, words};
use crate::arguments::Trigger;
use crate::failure::Failure;
use crate::terminal::output::Output;

const PATH: &str = "/sandbox/triggers";
/// How often an event is sent at most.
const MOST: u64 = 100;

pub(crate) async fn run(arguments: Trigger, output: Output) -> Result<(), Failure> {
    if arguments.list {
        let names: Vec<String> = kyc_sandbox::Trigger::names().collect();
        if output.json {
            return output.text(&format!("{:#}", json!({"events": names})));
        }
        return names.iter().try_for_each(|name| output.text(name));
    }
    let times = arguments.times.unwrap_or(1);
    if !(1..=MOST).contains(&times) {
        return Err(Failure::configuration("times", "must be from 1 to 100"));
    }
    let sandbox = Running::find()?;
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
        "sign": arguments.sign,
        "journey": arguments.journey,
    });
    let mut triggered = sandbox.post(PATH, &body).await?;
    let id = text(&triggered, "webhook").unwrap_or_default().to_owned();
    // Each time now: the sandbox's own repetitions wait for its clock, which may stand still.
    let mut newest = None;
    for _ in 1..times {
        newest = Some(resend(&sandbox, &id).await?);
    }
    let is = |webhook: &Value| text(webhook, "id") == Some(&id);
    if let (Some(newest), Some(Value::Array(made))) = (newest, triggered.get_mut("webhooks"))
        && let Some(told) = made.iter_mut().find(|webhook| is(webhook))
    {
        *told = newest;
    }
    if output.json {
        return output.answer(&triggered, None);
    }
    let webhooks = items(&triggered, "webhooks");
    webhooks
        .iter()
        .try_for_each(|webhook| output.told(&words(webhook)))?;
    if webhooks.iter().any(is_outstanding) {
        output.note("what was not accepted comes on the sandbox's clock: `kyc clock until webhook` moves it there");
    }
    Ok(())
}

/// Whether the sandbox is going to send a webhook, for the first time or again.
fn is_outstanding(webhook: &Value) -> bool {
    let newest = items(webhook, "attempts").last();
    let outcome = newest.and_then(|attempt| text(attempt, "outcome"));
    !matches!(outcome, Some("accepted" | "not sent"))
}
