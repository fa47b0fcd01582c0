//! `kyc webhooks`: the webhooks of a running sandbox.

use serde_json::{Map, Value};

use super::read::{items, number, segment, text};
use super::running::Running;
use super::verify;
use crate::arguments::parse::web_uri;
use crate::arguments::{WebhookFilter, Webhooks, WebhooksCommand};
use crate::failure::Failure;
use crate::terminal::output::Output;

impl WebhookFilter {
    /// Says that it admits none.
    fn none(&self) -> String {
        let of = self.journey.as_deref();
        let of = of.map(|journey| format!(" of {journey}"));
        let what = if self.failed { "failed" } else { "was made" };
        format!("no webhook{} {what}", of.unwrap_or_default())
    }

    fn admits(&self, webhook: &Value) -> bool {
        let attempts = items(webhook, "attempts");
        let has_failed = attempts.iter().any(was_sent) && !attempts.iter().any(is_accepted);
        let of = self.journey.as_deref();
        (!self.failed || has_failed)
            && of.is_none_or(|journey| text(webhook, "journey") == Some(journey))
    }
}

fn is_accepted(attempt: &Value) -> bool {
    text(attempt, "outcome") == Some("accepted")
}

fn was_sent(attempt: &Value) -> bool {
    text(attempt, "outcome") != Some("not sent")
}

const PATH: &str = "/sandbox/webhooks";

pub(crate) async fn run(arguments: Webhooks, output: Output) -> Result<u8, Failure> {
    let all = WebhookFilter {
        failed: false,
        journey: None,
    };
    match arguments.command.unwrap_or(WebhooksCommand::List(all)) {
        WebhooksCommand::Verify(arguments) => return verify::run(&arguments, output),
        WebhooksCommand::List(filter) => {
            let list = list(&Running::find()?, &filter).await?;
            match list.as_slice() {
                list if output.json => output.answer(&list, None)?,
                [] => output.told(&filter.none())?,
                list => list
                    .iter()
                    .try_for_each(|webhook| output.told(&words(webhook)))?,
            }
        }
        WebhooksCommand::Show { id } => {
            let path = path(&id)?;
            let mut webhook = Running::find()?.get(&path).await?;
            // People read the text, programs may want the bytes.
            if !output.json
                && let Value::Object(members) = &mut webhook
            {
                members.remove("body_base64");
            }
            output.answer(&webhook, None)?;
        }
        WebhooksCommand::Resend { mut ids, filter } => {
            let sandbox = Running::find()?;
            if filter.failed || filter.journey.is_some() {
                let list = list(&sandbox, &filter).await?;
                let listed = list.iter().filter_map(|webhook| text(webhook, "id"));
                ids.extend(listed.map(str::to_owned));
            }
            let mut sent = Vec::with_capacity(ids.len());
            for id in &ids {
                let webhook = resend(&sandbox, id).await?;
                match output.json {
                    true => sent.push(webhook),
                    false => output.told(&words(&webhook))?,
                }
            }
            match sent.as_slice() {
                sent if output.json => output.answer(&sent, None)?,
                _ if ids.is_empty() => output.told(&filter.none())?,
                _ => {}
            }
        }
        WebhooksCommand::To { url, provider } => {
            let url = (url != "nowhere").then_some(url);
            let providers = match &provider {
                Some(provider) => vec![provider.as_str()],
                None => vec!["veriff", "finpro"],
            };
            let body: Map<String, Value> = providers
                .into_iter()
                .map(|provider| (provider.to_owned(), url.clone().into()))
                .collect();
            if let Some(url) = &url {
                web_uri("url", url)?;
            }
            let sandbox = Running::find()?;
            // No URL at all is an empty answer, which tells nothing of who gave it.
            sandbox.get(PATH).await?;
            let urls = sandbox
                .post("/sandbox/webhook-urls", &Value::Object(body))
                .await?;
            match urls.as_object().is_some_and(Map::is_empty) && !output.json {
                true => output.told("webhooks are kept and sent nowhere")?,
                false => output.answer(&urls, None)?,
            }
        }
    }
    Ok(0)
}

/// Sends a webhook again: the same bytes with the same signature.
pub(super) async fn resend(sandbox: &Running, id: &str) -> Result<Value, Failure> {
    let path = format!("{}/resend", path(id)?);
    sandbox.post(&path, &Value::Null).await
}

fn path(id: &str) -> Result<String, Failure> {
    Ok(format!("{PATH}/{}", segment("id", id)?))
}

async fn list(sandbox: &Running, filter: &WebhookFilter) -> Result<Vec<Value>, Failure> {
    let list = sandbox.get(PATH).await?;
    let webhooks = items(&list, "webhooks").iter();
    let webhooks = webhooks.filter(|webhook| filter.admits(webhook));
    let webhooks: Vec<Value> = webhooks.cloned().collect();
    if let (true, Some(journey)) = (webhooks.is_empty(), &filter.journey) {
        // A journey that is not there is a mistake, and none that has no webhook.
        let path = format!("/sandbox/journeys/{}", segment("--journey", journey)?);
        let known = sandbox.get(&path).await;
        known.map_err(|failure| failure.for_field("--journey"))?;
    }
    Ok(webhooks)
}

/// A webhook in one line.
pub(super) fn words(webhook: &Value) -> String {
    let member = |name: &str| text(webhook, name).unwrap_or("-");
    let attempts = items(webhook, "attempts");
    let outcome = match attempts.last() {
        None => "not attempted yet".to_owned(),
        Some(attempt) => {
            let status = number(attempt, "status").map(|status| format!(" {status}"));
            let outcome = text(attempt, "outcome").unwrap_or_default();
            let last = match text(attempt, "reason") {
                Some(reason) => format!("{outcome}: {reason}"),
                None => format!(
                    "{outcome}{}, attempt {}",
                    status.unwrap_or_default(),
                    attempts.iter().filter(|attempt| was_sent(attempt)).count()
                ),
            };
            match !is_accepted(attempt) && attempts.iter().any(is_accepted) {
                true => format!("{last}; accepted before"),
                false => last,
            }
        }
    };
    format!(
        "{}  {}  {} {}  {}  {outcome}",
        member("id"),
        member("made"),
        member("provider"),
        member("event"),
        member("journey"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_that_was_accepted_has_not_failed_by_a_later_attempt() {
        let filter = WebhookFilter {
            failed: true,
            journey: None,
        };
        let (accepted, failed, not_sent) = (
            json!({"outcome": "accepted", "status": 200}),
            json!({"outcome": "refused", "status": 500}),
            json!({"outcome": "not sent", "reason": "no URL is set"}),
        );
        for (attempts, admitted, words) in [
            (json!([]), false, "not attempted yet"),
            (json!([accepted]), false, "accepted 200, attempt 1"),
            (json!([not_sent]), false, "not sent: no URL is set"),
            (json!([failed]), true, "refused 500, attempt 1"),
            (json!([not_sent, failed]), true, "refused 500, attempt 1"),
            (json!([failed, not_sent]), true, "not sent: no URL is set"),
            (json!([failed, accepted]), false, "accepted 200, attempt 2"),
            (
                json!([accepted, failed]),
                false,
                "refused 500, attempt 2; accepted before",
            ),
        ] {
            let webhook = json!({"id": "w_001", "attempts": attempts});
            assert_eq!(filter.admits(&webhook), admitted, "{attempts}");
            assert!(super::words(&webhook).ends_with(words), "{attempts}");
        }
    }
}
