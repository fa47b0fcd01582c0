//! `kyc sandbox`: serves until it is interrupted.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kyc_facade::provider_core::{HyperTransport, Transport};
use kyc_sandbox::settings::{SESSION_DECISIONS, SettingError};
use kyc_sandbox::{Provider, Sandbox, ServeError, Settings, credentials};

use super::running::{RunningFile, TOKEN, URL};

use crate::arguments::Serve;
use crate::arguments::parse::{listen_address, web_uri};
use crate::failure::{Failure, reason};
use crate::openapi;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::Output;

/// The file of the state, where no argument names one.
const STATE: &str = "KYC_SANDBOX_STATE";

/// The secrets that were replaced, by the variable of the present one: those of people `webhook-old-secret` and of
/// `kyc trigger --sign old`.
const OLD_SECRETS: [(&str, &str); 2] = [
    ("VERIFF_WEBHOOK_SECRET", credentials::VERIFF_OLD_SECRET),
    (
        "FINPRO_WEBHOOK_SECRET",
        credentials::FINPRO_OLD_WEBHOOK_SECRET,
    ),
];

/// How long requests in flight may take when it is stopped.
const GRACE: Duration = Duration::from_millis(800);

pub(crate) async fn run(arguments: Serve, output: Output) -> Result<(), Failure> {
    if arguments.settings {
        return list_settings(output);
    }
    let address = listen_address("--listen", &arguments.listen)?;
    let documents = openapi::of_the_sandbox()?;
    let paths: Vec<String> = documents.keys().cloned().collect();
    let transport: Arc<dyn Transport> =
        Arc::new(HyperTransport::builder().allow_plain_http().build()?);
    let settings = Settings::default()
        .with_allow_other_machines(arguments.allow_other_machines)
        .with_webhook_transport(Some(transport))
        // It is for tests in process; nobody can read this one's.
        .with_ledger_capacity(0)
        .with_webhook_urls(webhook_urls(arguments.webhook_url.as_deref())?)
        .with_documents(documents);
    let settings = changed(settings, &arguments.set)?;
    let mut interrupt = Interrupt::listen();
    let state = state_file(arguments.state);
    let sandbox = match &state {
        None => Sandbox::new(settings),
        Some((name, path)) => Sandbox::open(settings, path)
            .map_err(|error| Failure::configuration(*name, error.to_string()))?,
    };
    for url in sandbox.webhook_urls().values() {
        sandbox.check_webhook_url(url).map_err(|refused| {
            let why = refused.why_not_sent().unwrap_or_default();
            Failure::configuration("--webhook-url", format!("is not taken: {why}"))
        })?;
    }
    let served = sandbox.serve(address).await.map_err(failure)?;
    let (url, token) = (served.url(), sandbox.control_token());
    let _running = RunningFile::write(&url, token);
    if output.json {
        let environment = served
            .environment()
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>();
        let decisions = SESSION_DECISIONS
            .iter()
            .map(|(session, decision)| (*session, decision.pair().0))
            .collect::<std::collections::BTreeMap<_, _>>();
        let old_secrets = OLD_SECRETS
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>();
        let served = serde_json::json!({
            "address": served.address().to_string(),
            "url": url,
            "token": token,
            "console": format!("{url}/?token={token}"),
            "environment": environment,
            "documents": paths,
            "veriff_decisions": decisions,
            "old_secrets": old_secrets,
            "state": state.map(|(_, path)| path.display().to_string()),
        });
        output.text(&format!("{served:#}"))?;
    } else {
        output.text(&format!(
            "# The sandbox listens on http://{}; stop it with Ctrl-C.",
            served.address()
        ))?;
        output.text(&format!("# Console: {url}/?token={token}"))?;
        output.text(&format!("# OpenAPI documents: {}", paths.join(" ")))?;
        if let Some((_, path)) = state {
            output.text(&format!("# State: {}", path.display()))?;
        }
        output.text("# Veriff sessions with a decision, for `kyc veriff decision`:")?;
        for (session, decision) in SESSION_DECISIONS {
            output.text(&format!("#   {session} {}", decision.pair().0))?;
        }
        output.text("# Secrets that were replaced, with which old webhooks are signed:")?;
        for (name, value) in OLD_SECRETS {
            output.text(&format!("#   {name} was '{value}'"))?;
        }
        output.text("# Copy these lines into another shell; the credentials are made up.")?;
        for (name, value) in [(URL, url.as_str()), (TOKEN, token)] {
            output.text(&format!("export {name}='{value}'"))?;
        }
        for (name, value) in served.environment() {
            output.text(&format!("export {name}='{value}'"))?;
        }
    }
    interrupt.next().await;
    // Whoever stops it does not wait for a peer that is slow.
    tokio::select! {
        () = served.shutdown() => {}
        () = tokio::time::sleep(GRACE) => {}
        () = interrupt.next() => {}
    }
    Ok(())
}

/// Where the state is kept, and who says so.
fn state_file(argument: Option<PathBuf>) -> Option<(&'static str, PathBuf)> {
    if let Some(path) = argument {
        return Some(("--state", path));
    }
    let path = env::var_os(STATE).filter(|path| !path.is_empty())?;
    Some((STATE, path.into()))
}

/// The settings with the changes of `--set`. A value is not repeated: it may be a credential.
fn changed(mut settings: Settings, changes: &[String]) -> Result<Settings, Failure> {
    for change in changes {
        let Some((name, value)) = change.split_once('=') else {
            return Err(Failure::configuration("--set", "must be NAME=VALUE"));
        };
        settings.set(name, value).map_err(|error| match error {
            SettingError::Malformed { form } => {
                Failure::configuration(name, format!("must be {form}"))
            }
            _ => Failure::configuration(
                "--set",
                "no such setting; `kyc sandbox --settings` lists them",
            ),
        })?;
    }
    Ok(settings)
}

fn list_settings(output: Output) -> Result<(), Failure> {
    let all = Settings::all();
    if output.json {
        let listed = all.iter().map(|setting| {
            serde_json::json!({"name": setting.name, "takes": setting.form, "description": setting.description})
        });
        return output.answer(&listed.collect::<Vec<_>>(), None);
    }
    all.iter().try_for_each(|setting| {
        output.text(&format!("{}  {}", setting.name, setting.form))?;
        output.text(&format!("    {}", setting.description))
    })
}

/// Where the webhooks go whose URL is set in a portal.
fn webhook_urls(url: Option<&str>) -> Result<BTreeMap<Provider, String>, Failure> {
    let Some(url) = url else {
        return Ok(BTreeMap::new());
    };
    web_uri("--webhook-url", url)?;
    Ok([Provider::Veriff, Provider::Finpro]
        .map(|provider| (provider, url.to_owned()))
        .into())
}

/// Why the sandbox cannot be served.
pub(crate) fn failure(error: ServeError) -> Failure {
    failure_of("--listen", error)
}

/// The same, where another flag says where it listens.
pub(crate) fn failure_of(flag: &'static str, error: ServeError) -> Failure {
    let rule = match error {
        ServeError::NotLoopback(_) => {
            "other machines could reach it; use --allow-other-machines to allow that".to_owned()
        }
        ServeError::Bind { address, source } => {
            format!("could not listen on {address}: {}", reason(source.kind()))
        }
        error => error.to_string(),
    };
    Failure::configuration(flag, rule)
}
