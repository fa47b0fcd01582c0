//! Parses the arguments and runs the command.

use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _};
use kyc_facade::provider_core::{DriftRadar, Settings};

use crate::arguments::parse::{length, on_finding};
use crate::arguments::{Arguments, Command};
use crate::clients::{CallSettings, Clients};
use crate::failure::Failure;
use crate::operations::{PROVIDERS, provider};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::Output;
use crate::{consent, journey, onboard, openapi, sandbox};

/// The parser: the commands of [`Arguments`], and for each provider one command per operation.
pub(crate) fn parser() -> clap::Command {
    let names = PROVIDERS.map(|provider| provider.name()).into_iter();
    let names = PossibleValuesParser::new(names.chain([openapi::JOURNEYS]));
    // In the help, onboarding and sandbox come before the providers, the rest after them.
    let commands = PROVIDERS
        .iter()
        .zip(3..)
        .map(|(provider, order)| provider.command().display_order(order));
    // Nothing is called there; what is said of calls is understood and not shown.
    let calls_nothing = |command: clap::Command| {
        let timeout = Arg::new("timeout").long("timeout").hide(true);
        let on_finding = Arg::new("on_finding").long("on-finding").hide(true);
        let switch = |name: &'static str| {
            let flag = Arg::new(name).long(name).hide(true);
            flag.action(ArgAction::SetTrue)
        };
        let verbose = Arg::new("verbose").short('v').long("verbose").hide(true);
        command.args([
            timeout.allow_negative_numbers(true),
            on_finding,
            switch("drift"),
            verbose.action(ArgAction::Count),
        ])
    };
    Arguments::command()
        .subcommand_required(true)
        .arg_required_else_help(true)
        .mut_subcommand("sandbox", calls_nothing)
        .mut_subcommand("completions", calls_nothing)
        .mut_subcommand("consent", calls_nothing)
        .mut_subcommand("erase", calls_nothing)
        .mut_subcommand("trigger", calls_nothing)
        .mut_subcommand("listen", calls_nothing)
        .mut_subcommand("clock", calls_nothing)
        .mut_subcommand("faults", calls_nothing)
        .mut_subcommand("people", calls_nothing)
        .mut_subcommand("webhooks", calls_nothing)
        .subcommands(commands)
        .mut_subcommand("openapi", |command| {
            calls_nothing(command).mut_arg("provider", |name| name.value_parser(names))
        })
}

/// Runs the command and returns the exit code.
pub(crate) async fn run(
    arguments: Arguments,
    matches: &ArgMatches,
    output: Output,
) -> Result<u8, Failure> {
    let timeout = arguments.timeout.as_deref();
    let timeout = timeout.map(|text| length("--timeout", text)).transpose()?;
    let on_finding = arguments
        .on_finding
        .as_deref()
        .map(on_finding)
        .transpose()?;
    let radar = arguments.drift.then(drift_radar);
    let options = CallSettings {
        timeout,
        on_finding: on_finding.unwrap_or_default(),
        drift_radar: radar.clone(),
    };
    let result = call(arguments.command, options, matches, output).await;
    if let Some(radar) = radar {
        output.drifts(&radar);
    }
    result
}

/// A radar for every operation of every provider.
fn drift_radar() -> Arc<DriftRadar> {
    let radar = PROVIDERS
        .iter()
        .fold(DriftRadar::new(), |radar, provider| provider.watch(radar));
    Arc::new(radar)
}

async fn call(
    command: Option<Command>,
    options: CallSettings,
    matches: &ArgMatches,
    output: Output,
) -> Result<u8, Failure> {
    let Some(command) = command else {
        let (name, matches) = matches.subcommand().unwrap_or(("", matches));
        let clients = Clients::new(Settings::environment(), options);
        return provider(name)?.run(matches, &clients, output).await;
    };
    if command.steers_a_sandbox() {
        let words = "was ended; a running sandbox may have done what it was asked for";
        Interrupt::listen().end_with(output.interruption("kyc", words, None));
    }
    match command {
        Command::Onboard(onboard) => {
            return Box::pin(onboard::run(*onboard, options, output)).await;
        }
        Command::Journey(arguments) => {
            return journey::run(arguments.command, options, output).await;
        }
        Command::Consent(arguments) => return consent::run(arguments.command, output).await,
        Command::Erase(arguments) => consent::erase::run(&arguments, output).await?,
        Command::Sandbox(arguments) => sandbox::serve::run(arguments, output).await?,
        Command::Clock(arguments) => return sandbox::clock::run(arguments, output).await,
        Command::Faults(arguments) => sandbox::faults::run(arguments, output).await?,
        Command::People(arguments) => sandbox::people::run(arguments, output).await?,
        Command::Webhooks(arguments) => return sandbox::webhooks::run(arguments, output).await,
        Command::Trigger(arguments) => sandbox::trigger::run(arguments, output).await?,
        Command::Listen(arguments) => return sandbox::listen::run(arguments, output).await,
        Command::Openapi { provider, yaml } => openapi::run(&provider, yaml, output)?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut parser(), "kyc", &mut script);
            output.text(String::from_utf8_lossy(&script).trim_end())?;
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    #[test]
    fn argument_names_are_unique_within_a_command() {
        super::parser().debug_assert();
    }

    /// An onboarding calls four operations, and a person who knows their flags knows its.
    #[test]
    fn onboard_has_the_flags_of_the_operations_that_it_calls() {
        // An onboarding has one text for consent, always a way back, and no file of a request or a reply.
        const OF_ONE_CALL: [&str; 6] = [
            "consent",
            "data",
            "help",
            "out",
            "overwrite",
            "without-redirect-url",
        ];
        let parser = super::parser();
        let onboard = parser.find_subcommand("onboard").unwrap();
        let mut known: Vec<_> = onboard.get_arguments().filter_map(Arg::get_long).collect();
        let aliases = onboard.get_arguments().filter_map(Arg::get_all_aliases);
        known.extend(aliases.flatten());
        for path in [
            "finpass init",
            "finpro profile",
            "veriff consent",
            "deepvue session",
        ] {
            let (provider, operation) = path.split_once(' ').unwrap();
            let provider = parser.find_subcommand(provider).unwrap();
            let flags = provider.find_subcommand(operation).unwrap().get_arguments();
            // The flags of a batch have a heading of their own.
            for flag in flags.filter(|flag| flag.get_help_heading().is_none()) {
                let flag = flag.get_long().unwrap();
                let is_known = known.contains(&flag) || OF_ONE_CALL.contains(&flag);
                assert!(is_known, "onboard has no --{flag}, as kyc {path} has");
            }
        }
    }
}
