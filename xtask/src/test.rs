//! `cargo xtask test`: every test of the workspace, with nothing but Rust installed.

use std::process::Command;

use pico_args::Arguments;

use crate::counts::Counts;
use crate::failure::{Result, no_more};
use crate::metadata::Metadata;
use crate::shell::{self, Workspace};

pub(crate) fn command(workspace: &Workspace, arguments: Arguments) -> Result<()> {
    no_more(arguments)?;
    let mut counts = Counts::default();
    let outcome = run(workspace, &mut counts);
    counts.close(outcome)
}

/// Runs the stages in order and stops after the first that fails.
pub(crate) fn run(workspace: &Workspace, counts: &mut Counts) -> Result<()> {
    println!("\n== unit, snapshot, conformance and socket tests ==");
    let targets = ["--lib", "--bins", "--tests", "--examples", "--no-fail-fast"];
    shell::run_tests(cargo_test(workspace)?.args(targets), counts)?;
    println!("\n== documentation tests ==");
    shell::run_tests(
        cargo_test(workspace)?.args(["--doc", "--no-fail-fast"]),
        counts,
    )
}

/// `cargo test` over the whole workspace with every feature that needs no system library.
///
/// The recordings run through here too: the same packages and features mean the same build.
pub(crate) fn cargo_test(workspace: &Workspace) -> Result<Command> {
    let mut command = workspace.cargo(["test", "--workspace"]);
    let features = Metadata::read(workspace)?.portable_features();
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    // A changed snapshot is a failed test here, never a new file.
    command.env("INSTA_UPDATE", "no");
    Ok(command)
}
