//! `kyc sandbox`: serves until it is interrupted.

use std::time::Duration;

use kyc_sandbox::settings::SESSION_DECISIONS;
use kyc_sandbox::{Sandbox, ServeError, Settings};

use crate::arguments;
use crate::failure::{Failure, reason};
use crate::interrupt::Interrupt;
use crate::openapi;
use crate::output::Output;
use crate::parse::listen_address;

/// How long requests in flight may take when it is stopped.
const GRACE: Duration = Duration::from_millis(800);

pub(crate) async fn run(arguments: arguments::Sandbox, output: Output) -> Result<(), Failure> {
    let address = listen_address("--listen", &arguments.listen)?;
    let documents = openapi::of_the_sandbox()?;
    let paths: Vec<String> = documents.keys().cloned().collect();
    let settings = Settings::default()
        .with_allow_other_machines(arguments.allow_other_machines)
        .with_documents(documents);
    let mut interrupt = Interrupt::listen();
    let served = Sandbox::new(settings)
        .serve(address)
        .await
        .map_err(failure)?;
    if output.json {
        let environment = served
            .environment()
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>();
        let decisions = SESSION_DECISIONS
            .iter()
            .map(|(session, decision)| (*session, decision.pair().0))
            .collect::<std::collections::BTreeMap<_, _>>();
        let served = serde_json::json!({
            "address": served.address().to_string(),
            "environment": environment,
            "documents": paths,
            "veriff_decisions": decisions,
        });
        output.text(&format!("{served:#}"))?;
    } else {
        output.text(&format!(
            "# The sandbox listens on http://{}; stop it with Ctrl-C.",
            served.address()
        ))?;
        output.text(&format!("# OpenAPI documents: {}", paths.join(" ")))?;
        output.text("# Veriff sessions with a decision, for `kyc veriff decision`:")?;
        for (session, decision) in SESSION_DECISIONS {
            output.text(&format!("#   {session} {}", decision.pair().0))?;
        }
        output.text("# Copy these lines into another shell; the credentials are made up.")?;
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

/// Why the sandbox cannot be served.
pub(crate) fn failure(error: ServeError) -> Failure {
    let rule = match error {
        ServeError::NotLoopback(_) => {
            "other machines could reach it; use --allow-other-machines to allow that".to_owned()
        }
        ServeError::Bind { address, source } => {
            format!("could not listen on {address}: {}", reason(source.kind()))
        }
        error => error.to_string(),
    };
    Failure::configuration("--listen", rule)
}
