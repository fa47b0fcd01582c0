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
mod package;
mod prove;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use pico_args::Arguments;
use regex_lite::Regex;

use crate::workspace::Workspace;

/// Every task. A new one is a module, a line here and one in [`dispatch`].
const USAGE: &str = include_str!("usage.txt");

/// An error that has been printed already, by a task that ends with another line.
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
        print!("{USAGE}");
        return Ok(());
    };
    let run = match name.as_str() {
        "test" => test::command,
        "fixtures" => fixtures::command,
        "tidy" => tidy::command,
        "ci" => ci::command,
        "bench" => bench::command,
        "prove" => prove::command,
        "new-provider" => new_provider::command,
        _ => bail!("no command `{name}`\n\n{USAGE}"),
    };
    run(&Workspace::find()?, arguments)
}

/// The remaining words, none of which may be an option.
fn names(arguments: Arguments) -> Result<Vec<String>> {
    remaining(arguments, |word| !word.starts_with('-'))
}

/// Refuses arguments that a task does not accept.
fn no_more(arguments: Arguments) -> Result<()> {
    remaining(arguments, |_| false).map(drop)
}

fn remaining(arguments: Arguments, accepted: fn(&str) -> bool) -> Result<Vec<String>> {
    let words = arguments.finish().into_iter();
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into()).collect();
    if let Some(word) = words.iter().find(|word| !accepted(word)) {
        bail!("unexpected argument `{word}`; `cargo xtask --help` lists what each command takes");
    }
    Ok(words)
}

/// A pattern that stands in the source.
#[allow(clippy::expect_used, reason = "a wrong one fails its test")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is wrong")
}
