//! `kyc webhooks`: the webhooks of a running sandbox.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::running::Running;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct Webhooks {
    /// `None` lists them.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the webhooks that were made, oldest first
    List(Filter),
    /// Show a webhook: its headers, its body and the attempts to deliver it
    Show {
        /// Its id, such as w_002a
        id: String,
    },
    /// Send webhooks again: the same bytes with the same signature
    Resend {
        /// The ids, such as w_002a
        #[arg(required_unless_present_any = ["failed", "journey"])]
        ids: Vec<String>,
        #[command(flatten)]
        filter: Filter,
    },
    /// Send webhooks to this URL from now on, or with `nowhere` keep them
    To {
        /// Where; of this machine, unless the sandbox accepts other machines
        url: String,
        /// Only those of this provider: veriff or finpro
        #[arg(long)]
        provider: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Filter {
    /// Only those whose newest attempt was not accepted
    #[arg(long)]
    failed: bool,
    /// Only those of this journey, such as j_19
    #[arg(long, value_name = "ID")]
    journey: Option<String>,
}

impl Filter {
    fn admits(&self, webhook: &Value) -> bool {
        let newest = webhook["attempts"]
            .as_array()
            .and_then(|attempts| attempts.last());
        let has_failed = newest.is_some_and(|attempt| attempt["outcome"] != "accepted");
        (!self.failed || has_failed)
            && self
                .journey
                .as_deref()
                .is_none_or(|journey| webhook["journey"] == journey)
    }
}

const PATH: &str = "/sandbox/webhooks";

pub(crate) async fn run(arguments: Webhooks, output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    let all = Filter {
        failed: false,
        journey: None,
    };
    match arguments.command.unwrap_or(Command::List(all)) {
        Command::List(filter) => {
            let list = list(&sandbox, &filter).await?;
            if output.json {
                return output.answer(&list, None);
            }
            if list.is_empty() {
                return output.text("no webhook was made");
            }
            list.iter()
                .try_for_each(|webhook| output.text(&words(webhook)))
        }
        Command::Show { id } => {
            let webhook = sandbox.get(&path(&id)).await?;
            output.answer(&webhook, None)
        }
        Command::Resend { mut ids, filter } => {
            if filter.failed || filter.journey.is_some() {
                let list = list(&sandbox, &filter).await?;
                ids.extend(
                    list.iter()
                        .filter_map(|webhook| webhook["id"].as_str())
                        .map(str::to_owned),
                );
            }
            for id in ids {
                let webhook = sandbox
                    .post(&format!("{}/resend", path(&id)), &Value::Null)
                    .await?;
                match output.json {
                    true => output.answer(&webhook, None)?,
                    false => output.text(&words(&webhook))?,
                }
            }
            Ok(())
        }
        Command::To { url, provider } => {
            let url = (url != "nowhere").then_some(url);
            let providers = match &provider {
                Some(provider) => vec![provider.as_str()],
                None => vec!["veriff", "finpro"],
            };
            let body: Map<String, Value> = providers
                .into_iter()
                .map(|provider| (provider.to_owned(), url.clone().into()))
                .collect();
            let urls = sandbox
                .post("/sandbox/webhook-urls", &Value::Object(body))
                .await?;
            match urls.as_object().is_some_and(Map::is_empty) && !output.json {
                true => output.text("webhooks are kept and sent nowhere"),
                false => output.answer(&urls, None),
            }
        }
    }
}

fn path(id: &str) -> String {
    // An id is one segment.
    format!("{PATH}/{}", id.replace('/', "%2F"))
}

async fn list(sandbox: &Running, filter: &Filter) -> Result<Vec<Value>, Failure> {
    let mut list = sandbox.get(PATH).await?;
    let Value::Array(mut webhooks) = list["webhooks"].take() else {
        return Ok(Vec::new());
    };
    webhooks.retain(|webhook| filter.admits(webhook));
    Ok(webhooks)
}

/// A webhook in one line.
pub(super) fn words(webhook: &Value) -> String {
    let text = |name: &str| webhook[name].as_str().unwrap_or("-");
    let attempts = webhook["attempts"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let outcome = match attempts.last() {
        None => "not attempted yet".to_owned(),
        Some(attempt) => {
            let status = attempt["status"]
                .as_u64()
                .map(|status| format!(" {status}"));
            let outcome = attempt["outcome"].as_str().unwrap_or_default();
            format!(
                "{outcome}{}, attempt {}",
                status.unwrap_or_default(),
                attempts.len()
            )
        }
    };
    format!(
        "{}  {}  {} {}  {}  {outcome}",
        text("id"),
        text("made"),
        text("provider"),
        text("event"),
        text("journey"),
    )
}
