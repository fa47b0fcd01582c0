//! `cargo xtask bench journeys`: steps that the embedded engine makes durable, beside the same statements by rusqlite alone, and a start
//! with many journeys open. The programs are examples of `kyc-journey-sqlite`.
//!
//! Judged are the parts of rusqlite's figures in the same rounds, the longest waits in parts of a sync, and the start.

use std::fmt::Write as _;
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::metadata::Metadata;
use crate::report;
use crate::shell::{self, Workspace};

const ROUNDS: &str = "7";

/// How many journeys are open at a start; the second one is judged.
const OPEN: [&str; 4] = ["1000", "100000", "10000", "1000000"];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let target = Metadata::read(workspace)?.target_directory;
    let output = target.join("bench/journeys");
    std::fs::create_dir_all(&output).context(|| format!("cannot create {}", output.display()))?;
    shell::run(&mut workspace.cargo([
        "build",
        "--release",
        "--package=kyc-journey-sqlite",
        "--features=testing",
        "--examples",
    ]))?;
    let example = |name: &str| Command::new(target.join("release/examples").join(name));
    let steps = shell::read(example("steps").arg(ROUNDS).arg(&output))?;
    let mut text = format!(
        "events of journeys on SQLite, each durable when it is acknowledged; {}; {}\n{steps}\n",
        shell::read(Command::new("rustc").arg("--version"))?.trim(),
        machine::description()
    );
    let mut starts = Vec::new();
    for journeys in OPEN {
        let start = shell::read(example("restart").arg(journeys).arg(&output))?;
        let _ = writeln!(text, "{}", start.trim().replace('\n', ": "));
        starts.push(start);
    }
    // The columns: steps a second, median and 99th percentile in ms, parts of raw.
    let figure = |row: &str, column: usize| -> Result<f64> {
        let line = steps.lines().find(|line| line.starts_with(row));
        let figures = line.and_then(|line| line.get(24..));
        let word = figures.and_then(|figures| figures.split_whitespace().nth(column));
        word.and_then(|word| word.parse().ok())
            .ok_or_else(|| Failure::new(format!("no figure for `{row}` in `{steps}`")))
    };
    let start = |before: &str| -> Result<f64> {
        let start = starts.get(1).and_then(|start| start.split_once(before));
        let word = start.and_then(|(left, _)| left.split_whitespace().next_back());
        word.and_then(|word| word.parse().ok())
            .ok_or_else(|| Failure::new(format!("no {before} of a start in {starts:?}")))
    };
    let _ = writeln!(text);
    let mut passed = true;
    for (what, found, most) in [
        (
            "raw, 256 a commit / engine, 256 at once",
            1.0 / figure("engine, 256 at once", 3)?,
            1.0 / 0.75,
        ),
        (
            "raw, 1 a commit / engine, 1 at once",
            1.0 / figure("engine, 1 at once", 3)?,
            1.0 / 0.80,
        ),
        (
            "99th percentile of 64 at once / median sync",
            figure("engine, 64 at once", 2)? / figure("write and sync", 1)?,
            3.0,
        ),
        (
            "first effect with 100,000 open, ms",
            start(" ms to")?,
            2_000.0,
        ),
        ("memory with 100,000 open, KiB", start(" kB")?, 65_536.0),
    ] {
        passed &= found <= most;
        let verdict = if found <= most { "PASS" } else { "FAIL" };
        let _ = writeln!(text, "{verdict} {what}: {found:.2}, at most {most:.2}");
    }
    report::finish(
        &output,
        &text,
        passed,
        "a journey's step costs more than it may",
    )
}
