//! `cargo xtask prove fuzz`: libFuzzer on the stable toolchain, over every target of the program `fuzz` in `kyc-proof`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use pico_args::Arguments;
use xshell::{Shell, cmd};

use crate::workspace::{Workspace, require};
use crate::{pattern, tidy};

/// What `cargo-fuzz` builds with, except for the sanitizers, which need a nightly compiler.
const INSTRUMENTED: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// One directory a target, one file an input.
const CORPUS: &str = "crates/kyc-proof/corpus";

/// The largest number of inputs per target in the repository: every test run replays them, and a fuzzer finds the rest
/// again.
const MOST_KEPT: usize = 20;

const RECORD: &str = "crates/kyc-proof/FUZZING.md";

/// Options of the fuzzer alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// These targets instead of all.
    targets: Vec<String>,
    /// The number of executions of each target, instead of a time; they are added to the record.
    executions: Option<u64>,
    /// Afterwards the inputs with the most coverage replace those in the repository.
    keep: bool,
}

impl Settings {
    pub(super) fn from(arguments: &mut Arguments) -> Result<Self> {
        Ok(Self {
            targets: arguments.values_from_str("--target")?,
            executions: arguments.opt_value_from_str("--executions")?,
            keep: arguments.contains("--keep"),
        })
    }
}

pub(super) fn run(workspace: &Workspace, settings: &super::Settings) -> Result<()> {
    let sh = &workspace.sh;
    let kept = workspace.root().join(CORPUS);
    let mut targets: Vec<String> = sh
        .read_dir(&kept)?
        .iter()
        .filter(|path| path.is_dir())
        .map(|path| name_of(path))
        .collect();
    let wanted = &settings.fuzz.targets;
    for name in wanted {
        ensure!(
            targets.contains(name),
            "no target `{name}`; there is {}",
            targets.join(", ")
        );
    }
    targets.retain(|name| wanted.is_empty() || wanted.contains(name));
    require("c++", "g++", "libFuzzer is written in C++")?;

    // With a target of its own, build scripts and macros are built without the instruments, which they cannot link.
    let version = cmd!(sh, "rustc -vV").quiet().read()?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`rustc -vV` does not name its host")?;
    let flags = sh.push_env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTED.join("\u{1f}"));
    let what = [
        "--profile=proof",
        "--package=kyc-proof",
        "--features=fuzz",
        "--bin=fuzz",
        "--target",
        host,
    ];
    let program = workspace.build(&what, "fuzz")?;
    drop(flags);

    let work = workspace.target()?.join("fuzz");
    let length = match (settings.fuzz.executions, settings.short) {
        (Some(executions), _) => format!("-runs={executions}"),
        (None, true) => "-max_total_time=3".to_owned(),
        (None, false) => "-max_total_time=60".to_owned(),
    };
    let mut failed = Vec::new();
    for target in &targets {
        let (found, crashes) = (
            work.join("corpus").join(target),
            work.join("crashes").join(target),
        );
        sh.create_dir(&found)?;
        sh.create_dir(&crashes)?;
        let output = Command::new(&program)
            .env("FUZZ_TARGET", target)
            .args([
                &length,
                "-max_len=1024",
                "-timeout=10",
                "-rss_limit_mb=1024",
                "-print_final_stats=1",
            ])
            .arg(format!("-seed={}", settings.seed.unwrap_or(0)))
            .arg(format!("-dict={}", kept.join("words.dict").display()))
            .arg(format!("-artifact_prefix={}/", crashes.display()))
            .args([&found, &kept.join(target)])
            .output()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let log = String::from_utf8_lossy(&output.stderr);
        let executions = statistic(&log, "number_of_executed_units").unwrap_or(0);
        let a_second = statistic(&log, "average_exec_per_sec").unwrap_or(0);
        println!("{target:<20}{executions:>12} executions{a_second:>10} a second");
        let crash = log
            .lines()
            .find_map(|line| line.split_once("Test unit written to "));
        if let Some((_, input)) = crash {
            failed.push(format!(
                "cargo run --package kyc-proof --features fuzz --bin fuzz -- {target} {}",
                input.trim()
            ));
        } else if !output.status.success() || executions == 0 {
            print!("{log}");
            bail!(
                "{target}: the fuzzer itself failed ({}), see above",
                output.status
            );
        }
        if settings.fuzz.executions.is_some() {
            record(workspace, target, executions, u64::from(crash.is_some()))?;
        }
        if settings.fuzz.keep {
            let merged = work.join("merged").join(target);
            println!(
                "{:<20}{:>12} inputs are kept",
                "",
                keep(sh, &program, target, &found, &kept, &merged)?
            );
        }
    }
    ensure!(
        failed.is_empty(),
        "some inputs fail; to rerun one without the fuzzer:\n{}",
        failed.join("\n")
    );
    Ok(())
}

/// Replaces the kept inputs with the found ones that together have the most coverage, chosen by libFuzzer. Inputs that were
/// written by hand have names and are kept.
fn keep(
    sh: &Shell,
    program: &Path,
    target: &str,
    found: &Path,
    corpus: &Path,
    merged: &Path,
) -> Result<usize> {
    let kept = corpus.join(target);
    // The choice of an earlier run is discarded.
    sh.remove_path(merged)?;
    sh.create_dir(merged)?;
    let output = Command::new(program)
        .env("FUZZ_TARGET", target)
        .args(["-set_cover_merge=1", "-use_counters=0", "-max_len=1024"])
        .args([merged, found, &kept])
        .output()?;
    ensure!(
        output.status.success(),
        "{target}: the inputs cannot be merged"
    );
    let (old, by_hand): (Vec<_>, Vec<_>) = sh
        .read_dir(&kept)?
        .into_iter()
        .partition(|path| is_found(&name_of(path)));
    let mut chosen = Vec::new();
    for path in sh.read_dir(merged)? {
        let bytes = fs::read(&path)?;
        let offends = std::str::from_utf8(&bytes).is_ok_and(|text| !tidy::may_be_kept(text));
        if !offends && is_found(&name_of(&path)) {
            chosen.push((fs::metadata(&path)?.len(), path));
        }
    }
    // Each covers something that no other does. Evenly spaced by length, they differ the most.
    chosen.sort();
    let places = MOST_KEPT.saturating_sub(by_hand.len());
    let every = chosen.len().div_ceil(places.max(1)).max(1);
    let chosen: Vec<_> = chosen.into_iter().step_by(every).take(places).collect();
    for path in old {
        fs::remove_file(path)?;
    }
    for (_, path) in &chosen {
        fs::copy(path, kept.join(name_of(path)))?;
    }
    Ok(by_hand.len() + chosen.len())
}

/// Adds a run to the row of its target: `| target | executions | crashes |`.
fn record(workspace: &Workspace, target: &str, executions: u64, crashes: u64) -> Result<()> {
    let text = updated(
        &workspace.sh.read_file(RECORD)?,
        target,
        executions,
        crashes,
    )
    .with_context(|| format!("{RECORD} has no row `{target}`; add `| `{target}` | 0 | 0 |`"))?;
    workspace.sh.write_file(RECORD, text)?;
    Ok(())
}

fn updated(text: &str, target: &str, executions: u64, crashes: u64) -> Option<String> {
    let row = pattern(&format!(r"(?m)^\| `{target}` \| ([\d,]+) \| ([\d,]+) \|$"));
    let before = row.captures(text)?;
    let number = |cell: usize| before[cell].replace(',', "").parse::<u64>().ok();
    let (executions, crashes) = (number(1)? + executions, number(2)? + crashes);
    let sum = format!("| `{target}` | {executions} | {crashes} |");
    Some(row.replace(text, sum).into_owned())
}

/// Whether an input is named by its hash, as the fuzzer names what it finds.
fn is_found(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A number among the statistics that libFuzzer prints.
fn statistic(log: &str, name: &str) -> Option<u64> {
    let line = pattern(&format!(r"(?m)^stat::{name}:\s*(\d+)$"));
    line.captures(log)?[1].parse().ok()
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read_from_its_log_and_added_to_its_row() {
        let log =
            "Done\nstat::number_of_executed_units: 500\nstat::average_exec_per_sec:     48086\n";
        assert_eq!(statistic(log, "number_of_executed_units"), Some(500));
        assert_eq!(statistic(log, "new_units_added"), None);
        let text = "| `b`, `c` | what holds |\n\n| `b` | 1,000 | 1 |\n| `bc` | 7 | 0 |\n";
        let text = updated(text, "b", 500, 0).unwrap();
        assert!(text.ends_with("\n\n| `b` | 1500 | 1 |\n| `bc` | 7 | 0 |\n"));
        assert_eq!(updated(&text, "a", 1, 0), None);
    }

    #[test]
    fn an_input_written_by_hand_has_a_name() {
        assert!(is_found("0843b5ce835d68733cbafc6e6ee62d9f07c8f784"));
        assert!(!is_found("planted-text-0"));
    }
}
