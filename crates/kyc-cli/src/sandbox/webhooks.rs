//! `kyc webhooks`: the webhooks of a running sandbox.

use serde_json::{Map, Value};

use super::read::{items, number, segment, text};
use super::running::Running;
use super::verify;
use crate::arguments::{WebhookFilter, Webhooks, WebhooksCommand};
use crate::failure::Failure;
use crate::output::Output;
use crate::parse::web_uri;

impl WebhookFilter {
    fn admits(&self, webhook: &Value) -> bool {
        let newest = items(webhook, "attempts").last();
        let has_failed = newest.is_some_and(|attempt| text(attempt, "outcome") != Some("accepted"));
        let of = self.journey.as_deref();
        (!self.failed || has_failed)
            && of.is_none_or(|journey| text(webhook, "journey") == Some(journey))
    }
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
                [] => output.text("no webhook was made")?,
                list => list
                    .iter()
                    .try_for_each(|webhook| output.text(&words(webhook)))?,
            }
        }
        WebhooksCommand::Show { id } => {
            let path = path(&id)?;
            let webhook = Running::find()?.get(&path).await?;
            output.answer(&webhook, None)?;
        }
        WebhooksCommand::Resend { mut ids, filter } => {
            let sandbox = Running::find()?;
            if filter.failed || filter.journey.is_some() {
                let list = list(&sandbox, &filter).await?;
                ids.extend(
                    list.iter()
                        .filter_map(|webhook| text(webhook, "id"))
                        .map(str::to_owned),
                );
            }
            for id in ids {
                let webhook = sandbox
                    .post(&format!("{}/resend", path(&id)?), &Value::Null)
                    .await?;
                match output.json {
                    true => output.answer(&webhook, None)?,
                    false => output.text(&words(&webhook))?,
                }
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
                true => output.text("webhooks are kept and sent nowhere")?,
                false => output.answer(&urls, None)?,
            }
        }
    }
    Ok(0)
}

fn path(id: &str) -> Result<String, Failure> {
    Ok(format!("{PATH}/{}", segment("id", id)?))
}

async fn list(sandbox: &Running, filter: &WebhookFilter) -> Result<Vec<Value>, Failure> {
    let list = sandbox.get(PATH).await?;
    let webhooks = items(&list, "webhooks").iter();
    Ok(webhooks
        .filter(|webhook| filter.admits(webhook))
        .cloned()
        .collect())
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
            format!(
                "{outcome}{}, attempt {}",
                status.unwrap_or_default(),
                attempts.len()
            )
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
