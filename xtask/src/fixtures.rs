//! `cargo xtask fixtures`: rewrites the recorded fixtures, or with `--check` compares them.
//!
//! The recordings themselves are tests: `tests/recordings.rs` of a package plays its operations and writes or
//! compares what it saw, as the variable `FIXTURES` tells it.

use pico_args::Arguments;

use crate::counts::Counts;
use crate::failure::{Failure, Result, no_more};
use crate::metadata::Metadata;
use crate::shell::{self, Workspace};
use crate::{files, test};

const RECORDINGS: &str = "tests/recordings.rs";

pub(crate) fn command(workspace: &Workspace, mut arguments: Arguments) -> Result<()> {
    let check = arguments.contains("--check");
    no_more(arguments)?;
    if check {
        let mut counts = Counts::default();
        let outcome = self::check(workspace, &mut counts);
        counts.close(outcome)
    } else {
        write(workspace)
    }
}

/// Fails where a recorded fixture is not what its operation produces now; the tests name the file.
pub(crate) fn check(workspace: &Workspace, counts: &mut Counts) -> Result<()> {
    let before = files::contents(workspace.root(), "fixtures")?;
    run(workspace, "check", counts)?;
    match files::differences(&before, &files::contents(workspace.root(), "fixtures")?).as_slice() {
        [] => Ok(()),
        changes => Err(Failure::new(format!(
            "a check must not write, but it did:\n{}",
            changes.join("\n")
        ))),
    }
}

fn write(workspace: &Workspace) -> Result<()> {
    let before = files::contents(workspace.root(), "fixtures")?;
    let outcome = run(workspace, "write", &mut Counts::default());
    let changes = files::differences(&before, &files::contents(workspace.root(), "fixtures")?);
    println!();
    changes.iter().for_each(|change| println!("{change}"));
    println!("{} of {} fixtures changed", changes.len(), before.len());
    outcome
}

/// All packages in one build, with the packages and features that `cargo xtask test` uses, so that nothing is
/// built twice.
fn run(workspace: &Workspace, mode: &str, counts: &mut Counts) -> Result<()> {
    let metadata = Metadata::read(workspace)?;
    let recorders: Vec<&str> = metadata
        .packages
        .values()
        .filter(|package| package.tests.iter().any(|test| test == RECORDINGS))
        .map(|package| package.name.as_str())
        .collect();
    if recorders.is_empty() {
        println!("no package has {RECORDINGS}");
        return Ok(());
    }
    println!("\n== recordings of {} ==", recorders.join(", "));
    let mut tests = test::cargo_test(workspace)?;
    shell::run_tests(
        tests
            .args(["--test", "recordings", "--no-fail-fast"])
            .env("FIXTURES", mode),
        counts,
    )
}
