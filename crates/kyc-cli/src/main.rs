#![doc = include_str!("../README.md")]

mod arguments;
mod batch;
mod clients;
mod command;
mod connections;
mod consent;
mod credentials;
mod failure;
mod files;
mod journey;
mod onboard;
mod openapi;
mod operations;
mod product;
mod sandbox;
mod storage;
mod terminal;
mod usage;

use std::future::Future;
use std::io;
use std::process::ExitCode;

use clap::FromArgMatches as _;
use tokio::runtime::{Builder, Runtime};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::sandbox::Running;
use crate::terminal::output::Output;

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
    terminal::verbose::show(arguments.verbose);
    credentials::warn(output);
    let result = enough_files()
        .and_then(|()| terminal::interrupt::catch(output))
        .and_then(|()| Builder::new_current_thread().enable_all().build())
        .map_err(|error| Failure::system(&error))
        .and_then(|runtime| run_to_end(runtime, command::run(arguments, &matches, output)));
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            if let Failure::Error(error) = &failure
                && let Some(page) = Running::explains(error)
            {
                output.note(&format!("  why: {page}"));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Whether some files can be opened: the event loop panics where it cannot open its own.
fn enough_files() -> io::Result<()> {
    #[cfg(unix)]
    (0..12)
        .map(|_| std::os::unix::net::UnixStream::pair())
        .collect::<io::Result<Vec<_>>>()?;
    Ok(())
}

/// Runs `command`, and waits for nothing else: the system's resolver may block its thread for long after the call that needed it
/// has ended.
fn run_to_end<T>(runtime: Runtime, command: impl Future<Output = T>) -> T {
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_resolver_that_never_answers_does_not_hold_up_the_end() {
        let (_answer, waiting) = mpsc::channel::<()>();
        let runtime = Builder::new_current_thread().build();
        run_to_end(runtime.unwrap(), async {
            drop(tokio::task::spawn_blocking(move || waiting.recv()));
        });
    }
}
