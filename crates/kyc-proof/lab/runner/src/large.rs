//! `cargo xtask bench large`: the most memory of a process that asks once for an account body of 10 MB, or for a picture of 20 MB
//! that it stores in a file, and the time to read the body in its form, beside serde's derive.
//!
//! Judged are the memory, and how long ours takes in parts of serde's by the best rounds; times themselves are not.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::machine;
use crate::metadata::Metadata;
use crate::programs::Programs;
use crate::report;
use crate::server::Server;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

const ROUNDS: &str = "21";
/// The most memory of the process that calls, in KiB: 40 MB.
const MOST_KIB: f64 = 39_062.0;
/// The most memory of the process that stores the picture, in KiB: 16 MB.
const MOST_KIB_OF_DOWNLOAD: f64 = 15_625.0;
/// The most that ours may take in parts of serde's derive with the same members and types.
const MOST_RATIO: f64 = 1.2;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let output = Metadata::read(workspace)?
        .target_directory
        .join("bench")
        .join("large");
    std::fs::create_dir_all(&output)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", output.display())))?;
    let programs = Programs::build(workspace, &["large", "measured"])?;
    let (program, measured) = (programs.get("large")?, programs.get("measured")?);
    let server = Server::start(program, &["serve"])?;
    let memory = |what| most_kib(measured, program, &[what, server.port()]);
    let (call, read) = (memory("call")?, memory("read")?);
    let file = output.join("picture.jpg");
    let path = file.to_string_lossy();
    let download = most_kib(measured, program, &["download", server.port(), &path])?;
    let _ = std::fs::remove_file(&file);
    drop(server);

    let rounds = shell::read(Command::new(program).args(["decode", ROUNDS]))?;
    let column = |index: usize| -> Spread {
        let rows = rounds.lines().filter_map(|line| line.split(' ').nth(index));
        rows.filter_map(|ns| ns.parse::<f64>().ok().map(|ns| ns / 1e6))
            .collect()
    };
    let [ours, typed, texts] = [0, 1, 2].map(column);
    let ratio = ours.least() / typed.least();

    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    let mut text = format!(
        "an account body of 10 MB, 38,000 rows of a deposit; {}; {}\n\n",
        rustc.trim(),
        machine::description()
    );
    let _ = writeln!(text, "most memory of a process, MB");
    for (what, kib) in [
        ("one call", call),
        ("one call, and its body read", read),
        ("a picture of 20 MB, verified and in a file", download),
    ] {
        let _ = writeln!(text, "  {what:<44} {:>8.1}", kib * 1024.0 / 1e6);
    }
    let _ = writeln!(
        text,
        "reading it, ms: median of {ROUNDS} rounds in turn (least)"
    );
    for (what, spread) in [
        ("ours: lenient, by the form", &ours),
        ("serde's derive, the same members and types", &typed),
        ("serde's derive, text for every leaf", &texts),
    ] {
        let _ = writeln!(
            text,
            "  {what:<44} {:>8.1} ({:.1})",
            spread.median(),
            spread.least()
        );
    }
    let mut passed = true;
    for (what, found, most) in [
        ("one call, KiB", call, MOST_KIB),
        ("a picture in a file, KiB", download, MOST_KIB_OF_DOWNLOAD),
        (
            "ours / serde's derive, the same members and types",
            ratio,
            MOST_RATIO,
        ),
    ] {
        passed &= found <= most;
        let verdict = if found <= most { "PASS" } else { "FAIL" };
        let _ = writeln!(text, "{verdict} {what}: {found:.2}, at most {most:.2}");
    }
    report::keep(&output, "raw.txt", &rounds)?;
    report::finish(
        &output,
        &text,
        passed,
        "a large reply costs more than it may",
    )
}

/// The most memory of a process, in KiB.
fn most_kib(measured: &Path, program: &Path, arguments: &[&str]) -> Result<f64> {
    let text = shell::read(Command::new(measured).arg(program).args(arguments))?;
    let most = text.lines().last().and_then(|line| line.split(' ').nth(3));
    let most = most.and_then(|kib| kib.parse().ok());
    most.ok_or_else(|| Failure::new(format!("cannot read `{text}`")))
}
