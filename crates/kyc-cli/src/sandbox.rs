//! `kyc sandbox`: serves until it is interrupted.

use kyc_sandbox::{Sandbox, ServeError, Settings};

use crate::arguments;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(arguments: arguments::Sandbox, output: Output) -> Result<(), Failure> {
    let settings = Settings::default().with_allow_other_machines(arguments.allow_other_machines);
    let served = Sandbox::new(settings)
        .serve(arguments.listen)
        .await
        .map_err(failure)?;
    if output.json {
        let environment = served
            .environment()
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>();
        output.answer(
            &serde_json::json!({
                "address": served.address().to_string(),
                "environment": environment,
            }),
            None,
        )?;
    } else {
        output.line(&format!(
            "# The sandbox listens on http://{}; stop it with Ctrl-C.",
            served.address()
        ))?;
        output.line("# Copy these lines into another shell; the credentials are invented.")?;
        for (name, value) in served.environment() {
            output.line(&format!("export {name}='{value}'"))?;
        }
    }
    tokio::signal::ctrl_c()
        .await
        .map_err(|_| Failure::configuration("sandbox", "the system provides no signals"))?;
    served.shutdown().await;
    Ok(())
}

/// Why the sandbox cannot be served.
pub(crate) fn failure(error: ServeError) -> Failure {
    let rule = match error {
        ServeError::NotLoopback(_) => {
            "other machines could reach it; use --allow-other-machines to allow that".to_owned()
        }
        error => error.to_string(),
    };
    Failure::configuration("--listen", rule)
}
