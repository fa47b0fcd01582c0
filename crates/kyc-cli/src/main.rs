#![doc = include_str!("../README.md")]

mod arguments;
mod batch;
mod clients;
mod command;
mod configuration;
mod failure;
mod onboard;
mod operations;
mod output;
mod parse;
mod progress;
mod sandbox;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::report(&error),
    };
    let output = Output {
        json: arguments.json,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(command::run(arguments, output)),
        Err(_) => Err(failure::Failure::configuration(
            "runtime",
            "the system gives no event loop",
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
