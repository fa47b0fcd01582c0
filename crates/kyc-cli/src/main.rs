#![doc = include_str!("../README.md")]

mod arguments;
mod batch;
mod clients;
mod command;
mod failure;
mod interrupt;
mod onboard;
mod openapi;
mod operations;
mod output;
mod parse;
mod progress;
mod sandbox;
mod usage;

use std::process::ExitCode;

use clap::FromArgMatches as _;

use crate::arguments::Arguments;
use crate::output::Output;

fn main() -> ExitCode {
    let parsed = command::parser().try_get_matches();
    let parsed = parsed.and_then(|matches| Ok((Arguments::from_arg_matches(&matches)?, matches)));
    let (arguments, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::report(&error),
    };
    let output = Output {
        json: arguments.json,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(command::run(arguments, &matches, output)),
        Err(_) => Err(failure::Failure::configuration(
            "runtime",
            "the system provides no event loop",
        )),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
