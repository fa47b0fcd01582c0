//! `kyc trigger`: lets an event happen in a running sandbox.

use serde_json::{Map, Value, json};

use super::read::items;
use super::running::Running;
use super::webhooks::words;
use crate::arguments::Trigger;
use crate::failure::Failure;
use crate::output::Output;

const PATH: &str = "/sandbox/triggers";

pub(crate) async fn run(arguments: Trigger, output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    if arguments.list {
        let list = sandbox.get(PATH).await?;
        if output.json {
            return output.answer(&list, None);
        }
        let mut events = items(&list, "events").iter();
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
        "journey": arguments.journey,
    });
    let triggered = sandbox.post(PATH, &body).await?;
    if output.json {
        return output.answer(&triggered, None);
    }
    let mut webhooks = items(&triggered, "webhooks").iter();
    webhooks.try_for_each(|webhook| output.text(&words(webhook)))
}
