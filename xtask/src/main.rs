//! The workspace's own tasks: `cargo xtask COMMAND`. This file only dispatches; each task has a module.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing progress and results at a terminal is what this program is for"
)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "counts and positions in texts; a development build panics when one overflows"
)]

mod bench;
mod ci;
mod fixtures;
mod guards;
mod new_provider;
mod prove;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use pico_args::Arguments;

use crate::workspace::Workspace;

/// One task: its name, its arguments, its purpose, and the function that does it.
struct Command {
    name: &'static str,
    takes: &'static str,
    about: &'static str,
    run: fn(&Workspace, Arguments) -> Result<()>,
}

/// Every task. A new one is a module and a row here.
const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        takes: "",
        about: "run every test of the workspace",
        run: test::command,
    },
    Command {
        name: "fixtures",
        takes: "[--check]",
        about: "rewrite the recorded fixtures, or compare them",
        run: fixtures::command,
    },
    Command {
        name: "tidy",
        takes: "",
        about: "check dependency edges, fixtures, layout and text",
        run: tidy::command,
    },
    Command {
        name: "ci",
        takes: "[--only STAGE,…] [--skip STAGE,…] [--list]",
        about: "run everything that must hold before a merge",
        run: ci::command,
    },
    Command {
        name: "bench",
        takes: "[NAME…] [--record] [--list]",
        about: "measure what the clients cost beside their peers, in the lab",
        run: bench::command,
    },
    Command {
        name: "bench call",
        takes: "--check | --update",
        about: "compare what our calls cost with what is committed, or renew it",
        run: bench::command,
    },
    Command {
        name: "prove",
        takes: "[NAME…] [--short] [--seed N] [--record] [--list]",
        about: "show what holds under faults, forgeries and load",
        run: prove::command,
    },
    Command {
        name: "new-provider",
        takes: "NAME",
        about: "write the crate, fixtures and sandbox module of a provider",
        run: new_provider::command,
    },
];

/// An error that has been printed already, by a task whose last line is something else.
#[derive(Debug)]
struct Printed;

impl std::fmt::Display for Printed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("see above")
    }
}

impl std::error::Error for Printed {}

fn main() -> ExitCode {
    match dispatch(Arguments::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<Printed>() {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(mut arguments: Arguments) -> Result<()> {
    let help = arguments.contains(["-h", "--help"]);
    let name = arguments.subcommand()?;
    let Some(name) = name.filter(|_| !help) else {
        println!("{}", usage());
        return Ok(());
    };
    let command = COMMANDS
        .iter()
        .find(|command| command.name == name)
        .with_context(|| format!("no command `{name}`\n\n{}", usage()))?;
    (command.run)(&Workspace::find()?, arguments)
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n");
    for command in COMMANDS {
        let call = format!("{} {}", command.name, command.takes);
        text.push_str(&format!("\n  {call:<56} {}", command.about));
    }
    text
}

/// The words that are left, none of which may be an option.
fn names(arguments: Arguments) -> Result<Vec<String>> {
    let names: Vec<String> = arguments
        .finish()
        .into_iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let option = names.iter().find(|name| name.starts_with('-'));
    ensure!(
        option.is_none(),
        "unexpected argument `{}`; `cargo xtask --help` lists what each command takes",
        option.map_or("", String::as_str)
    );
    Ok(names)
}

/// Refuses arguments that a task does not take.
fn no_more(arguments: Arguments) -> Result<()> {
    let left = names(arguments)?;
    ensure!(
        left.is_empty(),
        "unexpected argument `{}`; `cargo xtask --help` lists what each command takes",
        left.join(" ")
    );
    Ok(())
}
