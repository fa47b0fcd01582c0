//! From arguments to the command that runs.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, Command, Finpro};
use crate::clients::Clients;
use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::output::Output;
use crate::parse::seconds;
use crate::{batch, onboard, operations, sandbox};

/// Runs the command and gives the exit code.
pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<u8, Failure> {
    let timeout = arguments.timeout.as_deref();
    let timeout = timeout.map(|text| seconds("--timeout", text)).transpose()?;
    let clients = || Clients::new(Configuration::Environment, timeout);
    match arguments.command {
        Command::Onboard(onboard) => return onboard::run(*onboard, timeout, output).await,
        Command::Sandbox(sandbox) => sandbox::run(sandbox, output).await?,
        Command::Finpass(finpass) => operations::finpass(finpass, clients, output).await?,
        Command::Finpro(Finpro::Profile(mut profile)) => match profile.batch.batch.take() {
            Some(input) => return batch::run(input, profile.batch, clients, output).await,
            None => operations::finpro(profile, clients, output).await?,
        },
        Command::Veriff(veriff) => operations::veriff(veriff, clients, output).await?,
        Command::Deepvue(deepvue) => operations::deepvue(deepvue, clients, output).await?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "kyc", &mut script);
            output.line(String::from_utf8_lossy(&script).trim_end())?;
        }
    }
    Ok(0)
}
