//! `cargo xtask test`: every test of the workspace, with nothing but Rust installed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::num::NonZero;
use std::ops::AddAssign;
use std::sync::LazyLock;
use std::thread;

use anyhow::{Result, anyhow};
use pico_args::Arguments;
use regex_lite::Regex;
use xshell::Cmd;

use crate::workspace::{Workspace, succeeds, watch};
use crate::{Printed, no_more, pattern};

/// How many tests passed and failed, and whose did not even run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: u64,
    failed: u64,
    /// The crates that did not compile; each counts as a failure.
    uncompiled: BTreeSet<String>,
}

pub(crate) fn command(workspace: &Workspace, arguments: Arguments) -> Result<()> {
    no_more(arguments)?;
    let mut counts = Counts::default();
    let outcome = run(workspace, &mut counts);
    counts.close(outcome)
}

/// Runs every test of this workspace.
pub(crate) fn run(workspace: &Workspace, counts: &mut Counts) -> Result<()> {
    all(workspace, &workspace.portable_features()?, &[], counts)
}

/// Runs a workspace's unit and integration tests, then those in documentation; `place` says which workspace, and where it is built.
/// nextest runs the programs side by side where it is installed, and ends a test that hangs; `cargo test` runs the same ones in turn.
pub(crate) fn all(
    workspace: &Workspace,
    features: &str,
    place: &[&OsStr],
    counts: &mut Counts,
) -> Result<()> {
    let everything = ["--workspace", "--features", features];
    let targets = ["--lib", "--bins", "--tests", "--examples", "--no-fail-fast"];
    let runner = match succeeds("cargo", &["nextest", "--version"]) {
        true => &*format!("nextest run --no-tests=pass --test-threads {}", lanes()),
        false => "test",
    };
    let tests = workspace.cargo(runner);
    let tests = tests.args(everything).args(targets).args(place);
    let tests = tested(tests, counts);
    // Documentation examples run even if another test fails.
    let docs = workspace.cargo("test --doc --no-fail-fast");
    tests.and(tested(docs.args(everything).args(place), counts))
}

/// How many tests run side by side: more than there are cores, because many wait for a browser, a database or a process.
fn lanes() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    cores.saturating_add(cores.div_ceil(2))
}

/// Runs a command that tests or only builds, and adds its results to `counts`. What does not compile is named, with its cause.
pub(crate) fn tested(command: Cmd<'_>, counts: &mut Counts) -> Result<()> {
    // A changed snapshot is a failed test, never a new file.
    let mut found = Counts::default();
    let mut cause = None;
    let command = command
        .env("INSTA_UPDATE", "no")
        .env("CARGO_TERM_COLOR", "never");
    let outcome = watch(command, |line| {
        if let Some(more) = Counts::from_line(line) {
            found += more;
        } else if let Some(name) = uncompiled(line) {
            found.uncompiled.insert(name.to_owned());
        } else if line.starts_with("error") {
            cause.get_or_insert_with(|| line.to_owned());
        }
    });
    let outcome = outcome.map_err(|error| match (found.uncompiled.is_empty(), cause) {
        (false, cause) => anyhow!(
            "{}; the first error: {}",
            found.not_compiled(),
            cause.as_deref().unwrap_or("see above")
        ),
        (true, Some(cause)) if found == Counts::default() => error.context(cause),
        _ => error,
    });
    // No test ran, and no crate is to blame: a manifest, a lock file, a missing tool.
    if outcome.is_err() && found == Counts::default() {
        found.failed = 1;
    }
    *counts += found;
    outcome
}

/// The crate of a line such as ``error: could not compile `finpass` (lib test) due to 2 previous errors``.
fn uncompiled(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("error: could not compile `")?;
    rest.split_once('`').map(|(name, _)| name)
}

impl Counts {
    /// Ends a task: a failure first, the counts as the last line.
    pub(crate) fn close(self, outcome: Result<()>) -> Result<()> {
        self.close_with(outcome, "")
    }

    /// As [`close`](Self::close), with what else failed on the last line.
    pub(crate) fn close_with(self, outcome: Result<()>, also: &str) -> Result<()> {
        let outcome = outcome.map_err(|error| {
            println!("\nerror: {error:#}");
            Printed.into()
        });
        println!("\n{self}{also}");
        outcome
    }

    /// `finpass and kyc-cli did not compile`.
    fn not_compiled(&self) -> String {
        let names: Vec<_> = self.uncompiled.iter().map(String::as_str).collect();
        format!("{} did not compile", names.join(" and "))
    }

    /// The counts of `test result: ok. 5 passed; 0 failed; …` or of nextest's
    /// `Summary [ 9.0s] 7 tests run: 5 passed, 2 failed, 0 skipped`, or nothing.
    fn from_line(line: &str) -> Option<Self> {
        static RESULTS: LazyLock<Regex> = LazyLock::new(|| {
            pattern(r"^(?:test result: \w+\. |\s*Summary \[.* run: )(.*passed.*)$")
        });
        let results = RESULTS.captures(line)?.get(1)?.as_str();
        let number = |unit: &str| {
            let number = pattern(&format!(r"(\d+) {unit}")).captures(results)?;
            number[1].parse().ok()
        };
        Some(Self {
            passed: number("passed").unwrap_or(0),
            failed: number("failed").unwrap_or(0) + number("timed out").unwrap_or(0),
            uncompiled: BTreeSet::new(),
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.uncompiled.extend(other.uncompiled);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failed + self.uncompiled.len() as u64;
        write!(f, "{} passed, {failed} failed", self.passed)?;
        match self.uncompiled.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", self.not_compiled()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_both_runners_are_read() {
        for (line, passed, failed) in [
            (
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured",
                12,
                0,
            ),
            ("test result: FAILED. 4 passed; 2 failed; 0 ignored", 4, 2),
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
            let counts = Counts {
                passed,
                failed,
                ..Counts::default()
            };
            assert_eq!(Counts::from_line(line), Some(counts), "{line}");
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

    /// What a command that prints these lines and fails comes to.
    #[cfg(unix)]
    fn failing(lines: &[&str]) -> (String, String) {
        let sh = xshell::Shell::new().unwrap();
        let text = lines.join("\n");
        let script = "printf '%s\\n' \"$0\" >&2; exit 101";
        let command = xshell::cmd!(sh, "sh -c {script} {text}");
        let mut counts = Counts {
            passed: 62,
            ..Counts::default()
        };
        let error = tested(command, &mut counts).unwrap_err();
        (format!("{error:#}"), counts.to_string())
    }

    #[test]
    #[cfg(unix)]
    fn what_did_not_compile_has_failed() {
        let (error, counts) = failing(&[
            "error[E0425]: cannot find value `x`",
            "error: could not compile `finpass` (lib) due to 1 previous error",
            "error: could not compile `finpass` (lib test) due to 1 previous error",
            "error: could not compile `kyc-cli` (test \"it\") due to 1 previous error",
        ]);
        assert_eq!(
            counts,
            "62 passed, 2 failed: finpass and kyc-cli did not compile"
        );
        assert_eq!(
            error,
            "finpass and kyc-cli did not compile; the first error: error[E0425]: cannot find value `x`"
        );
    }

    #[test]
    #[cfg(unix)]
    fn what_did_not_run_has_failed() {
        let (error, counts) = failing(&["error: failed to parse manifest at Cargo.toml"]);
        assert_eq!(counts, "62 passed, 1 failed");
        assert!(
            error.starts_with("error: failed to parse manifest"),
            "{error}"
        );
        let (_, counts) = failing(&["test result: FAILED. 4 passed; 2 failed; 0 ignored"]);
        assert_eq!(counts, "66 passed, 2 failed");
    }
}
