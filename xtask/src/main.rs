//! The workspace's own tasks: `cargo xtask COMMAND`. This file only dispatches; each task has a module.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling a person at a terminal what happens is what this program is for"
)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "counts and places in texts; a development build panics when one overflows"
)]

mod bench;
mod ci;
mod counts;
mod crates;
mod failure;
mod files;
mod fixtures;
mod machine;
mod metadata;
mod new_provider;
mod numbers;
mod prove;
mod rust_text;
mod shell;
mod temporary;
mod test;
mod tidy;

use std::process::ExitCode;

use pico_args::Arguments;

use crate::failure::{Failure, Result};
use crate::shell::Workspace;

/// One task: what it is called, what it takes, what it is for, and the function that does it.
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
        about: "check layout, edges, manifests, fixtures and text",
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
        takes: "[NAME…] [--list] [--check] [--update]",
        about: "measure what the clients cost, beside their peers",
        run: bench::command,
    },
    Command {
        name: "prove",
        takes: "[--short] [--seed N] [--list] [NAME…] [OPTION…]",
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

fn main() -> ExitCode {
    match dispatch(Arguments::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                eprintln!("error: {failure}");
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
        .ok_or_else(|| Failure::new(format!("no command `{name}`\n\n{}", usage())))?;
    (command.run)(&Workspace::find()?, arguments)
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n");
    for Command {
        name, takes, about, ..
    } in COMMANDS
    {
        text.push_str(&format!("\n  {:<48} {about}", format!("{name} {takes}")));
    }
    text
}
