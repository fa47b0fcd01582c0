//! `cargo xtask fixtures`: rewrites the recorded fixtures, or with `--check` compares them.
//!
//! The recordings are tests: `tests/recordings.rs` of a package plays its operations and writes or compares what it saw, as
//! the variable `FIXTURES` says. Every run of the tests compares, too.

use anyhow::Result;
use pico_args::Arguments;
use xshell::cmd;

use crate::no_more;
use crate::test::{Counts, tested};
use crate::workspace::Workspace;

pub(crate) fn command(workspace: &Workspace, mut arguments: Arguments) -> Result<()> {
    let mode = match arguments.contains("--check") {
        true => "check",
        false => "write",
    };
    no_more(arguments)?;
    // With the packages and features of `cargo xtask test`, so that nothing is built twice.
    let features = workspace.portable_features()?;
    let command = workspace
        .cargo("test --workspace --test recordings")
        .args(["--no-fail-fast", "--features", &features])
        .env("FIXTURES", mode);
    let mut counts = Counts::default();
    let outcome = tested(command, &mut counts);
    let changed = cmd!(workspace.sh, "git status --short fixtures")
        .quiet()
        .read()?;
    println!(
        "\n{}",
        if changed.is_empty() {
            "no fixture differs from the last commit"
        } else {
            &changed
        }
    );
    counts.close(outcome)
}
