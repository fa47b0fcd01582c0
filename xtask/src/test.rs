//! `cargo xtask test`: every test of the workspace, with nothing but Rust installed.

use std::fmt;
use std::ops::AddAssign;

use anyhow::Result;
use pico_args::Arguments;
use xshell::Cmd;

use crate::workspace::{Workspace, succeeds, watch};
use crate::{Printed, no_more};

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: u64,
    failed: u64,
}

pub(crate) fn command(workspace: &Workspace, arguments: Arguments) -> Result<()> {
    no_more(arguments)?;
    let mut counts = Counts::default();
    let outcome = run(workspace, &mut counts);
    counts.close(outcome)
}

/// Runs unit and integration tests, then those in documentation. nextest runs the programs side by side where it is
/// installed; `cargo test` runs the same ones in turn.
pub(crate) fn run(workspace: &Workspace, counts: &mut Counts) -> Result<()> {
    let features = workspace.portable_features()?;
    let everything = ["--workspace", "--features", &features];
    let targets = ["--lib", "--bins", "--tests", "--examples", "--no-fail-fast"];
    let runner = match succeeds("cargo", &["nextest", "--version"]) {
        true => "nextest run --no-tests=pass",
        false => "test",
    };
    let tests = workspace.cargo(runner);
    let tests = tested(tests.args(everything).args(targets), counts);
    // Documentation examples run even if another test fails.
    let docs = workspace.cargo("test --doc --no-fail-fast");
    tests.and(tested(docs.args(everything), counts))
}

/// Runs a test command and adds its results to `counts`.
pub(crate) fn tested(command: Cmd<'_>, counts: &mut Counts) -> Result<()> {
    // A changed snapshot is a failed test, never a new file.
    watch(command.env("INSTA_UPDATE", "no"), |line| {
        if let Some(found) = Counts::from_line(line) {
            *counts += found;
        }
    })
}

impl Counts {
    /// Ends a task: a failure first, the counts as the last line.
    pub(crate) fn close(self, outcome: Result<()>) -> Result<()> {
        let outcome = outcome.map_err(|error| {
            println!("\nerror: {error:#}");
            Printed.into()
        });
        println!("\n{self}");
        outcome
    }

    /// The counts of `test result: ok. 5 passed; 0 failed; …` or of nextest's
    /// `Summary [ 9.0s] 7 tests run: 5 passed, 2 failed, 0 skipped`, or nothing.
    fn from_line(line: &str) -> Option<Self> {
        let plain = without_colour(line);
        let plain = plain.trim_start();
        let results = match plain.strip_prefix("test result: ") {
            Some(results) => results.split_once(". ")?.1,
            None => plain.strip_prefix("Summary [")?.split_once(" run: ")?.1,
        };
        let number = |unit: &str| {
            results
                .split([';', ',', '('])
                .find_map(|part| part.trim().strip_suffix(unit)?.trim_end().parse().ok())
        };
        Some(Self {
            passed: number("passed").unwrap_or(0),
            failed: number("failed").unwrap_or(0) + number("timed out").unwrap_or(0),
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The text without terminal escapes of the form `ESC [ … letter`.
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_both_runners_are_read_through_colour() {
        for (line, passed, failed) in [
            (
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured",
                12,
                0,
            ),
            ("test result: FAILED. 4 passed; 2 failed; 0 ignored", 4, 2),
            (
                "test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 3 passed; 0 failed",
                3,
                0,
            ),
            (
                "     Summary [   9.143s] 740 tests run: 740 passed, 3 skipped",
                740,
                0,
            ),
            (
                "Summary [9s] 9/12 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 0 skipped",
                6,
                3,
            ),
        ] {
            assert_eq!(
                Counts::from_line(line),
                Some(Counts { passed, failed }),
                "{line}"
            );
        }
        for line in [
            "",
            "running 3 tests",
            "test tests::a ... ok",
            "test result: what",
        ] {
            assert_eq!(Counts::from_line(line), None, "{line}");
        }
    }
}
