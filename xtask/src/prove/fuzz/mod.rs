//! `cargo xtask prove fuzz`: libFuzzer, on the stable toolchain, over every target of the program `fuzz` in `kyc-proof`.

mod corpus;
mod record;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pico_args::Arguments;

use crate::failure::{Context, Failure, Result};
use crate::machine::{self, Package};
use crate::metadata::Metadata;
use crate::numbers::grouped;
use crate::shell::{self, Workspace};
use record::Record;

/// What `cargo-fuzz` builds with, but for the sanitizers, which need a nightly compiler and look for what safe Rust has
/// not.
const INSTRUMENTED: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// No input is longer: every form that is read fits several times.
const LONGEST_INPUT: u32 = 1024;

/// How long each target runs, and before a merge.
const SECONDS: u64 = 60;
const SECONDS_SHORT: u64 = 3;

/// A counted run is made and recorded in pieces, so that one that is ended early is not lost.
const PIECE: u64 = 10_000_000;

/// What the fuzzer alone is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// These targets instead of all.
    targets: Vec<String>,
    /// So many executions of each target, which are added to the record, instead of a time.
    executions: Option<u64>,
    /// Afterwards the best inputs take the place of those in the repository.
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
    let targets = chosen(corpus::targets(workspace)?, &settings.fuzz.targets)?;
    let compiler = Package {
        name: "g++",
        program: "c++",
        reason: "libFuzzer is written in C++",
    };
    compiler.provide()?;
    let fuzzer = Fuzzer::build(workspace)?;
    println!(
        "{:<20}{:>14}{:>12}{:>8}{:>8}",
        "target", "executions", "a second", "edges", "new"
    );
    let mut crashed = Vec::new();
    for target in &targets {
        let outcome = match settings.fuzz.executions {
            None => {
                let seconds = if settings.short {
                    SECONDS_SHORT
                } else {
                    SECONDS
                };
                fuzzer.run(target, &format!("-max_total_time={seconds}"), settings.seed)
            }
            Some(executions) => counted(workspace, &fuzzer, target, executions, settings.seed),
        }?;
        println!("{}", outcome.line(target));
        crashed.extend(outcome.crash.map(|crash| (target, crash)));
        if settings.fuzz.keep {
            let kept = corpus::keep(workspace, &fuzzer, target)?;
            println!("{:<20}{kept} inputs are kept", "");
        }
    }
    if crashed.is_empty() {
        return Ok(());
    }
    let mut text = String::from("some inputs fail; to repeat one without the fuzzer:");
    for (target, crash) in crashed {
        text.push_str(&format!(
            "\ncargo run --package kyc-proof --features fuzz --bin fuzz -- {target} {}",
            crash.display()
        ));
    }
    Err(Failure::new(text))
}

fn chosen(all: Vec<String>, wanted: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(Failure::new(format!(
            "no target `{unknown}`; there is {}",
            all.join(", ")
        )));
    }
    Ok(all
        .into_iter()
        .filter(|name| wanted.is_empty() || wanted.contains(name))
        .collect())
}

/// Runs a target until it has been executed so often, and adds each piece to the record.
fn counted(
    workspace: &Workspace,
    fuzzer: &Fuzzer,
    target: &str,
    executions: u64,
    seed: Option<u64>,
) -> Result<Outcome> {
    let mut all = Outcome::default();
    while all.executions < executions && all.crash.is_none() {
        let piece = (executions - all.executions).min(PIECE);
        // Another one each time: the same would make the same inputs again.
        let seed = seed.map(|seed| seed.wrapping_add(all.executions));
        let outcome = fuzzer.run(target, &format!("-runs={piece}"), seed)?;
        Record::add(workspace, target, &outcome)?;
        all.add(outcome);
    }
    Ok(all)
}

/// The instrumented program, and where it works.
pub(super) struct Fuzzer {
    program: PathBuf,
    /// Below the target directory: the inputs that were found, the logs, and the inputs that crash.
    directory: PathBuf,
    corpus: PathBuf,
}

impl Fuzzer {
    fn build(workspace: &Workspace) -> Result<Self> {
        // With a target of its own, build scripts and macros are built without the instruments, which they cannot link.
        let host = shell::read(Command::new("rustc").arg("-vV"))?;
        let host = host
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or_else(|| Failure::new("rustc does not tell what it builds for"))?;
        let mut build = workspace.cargo([
            "build",
            "--profile=proof",
            "--package=kyc-proof",
            "--features=fuzz",
            "--bin=fuzz",
            "--message-format=json-render-diagnostics",
            "--target",
            host,
        ]);
        build.env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTED.join("\u{1f}"));
        println!("building");
        let program = shell::executable(&shell::read(&mut build)?, "fuzz")
            .ok_or_else(|| Failure::new("cargo built no program `fuzz`"))?;
        let directory = Metadata::read(workspace)?.target_directory.join("fuzz");
        Ok(Self {
            program,
            directory,
            corpus: corpus::directory(workspace),
        })
    }

    /// Where the inputs are that this machine has found for a target.
    fn found(&self, target: &str) -> Result<PathBuf> {
        self.below("corpus", target)
    }

    fn below(&self, what: &str, target: &str) -> Result<PathBuf> {
        let directory = self.directory.join(what).join(target);
        fs::create_dir_all(&directory)
            .context(|| format!("cannot create {}", directory.display()))?;
        Ok(directory)
    }

    /// The fuzzer for a target, without a task yet.
    fn command(&self, target: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("FUZZ_TARGET", target)
            .arg(format!("-max_len={LONGEST_INPUT}"));
        command
    }

    /// Runs a target for as long as libFuzzer's own option says.
    fn run(&self, target: &str, length: &str, seed: Option<u64>) -> Result<Outcome> {
        let crashes = self.below("crashes", target)?;
        let log = self.directory.join(format!("{target}.log"));
        let output = self
            .command(target)
            .arg(length)
            // An input that takes this long, or this much memory, has failed.
            .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
            .arg(format!("-seed={}", seed.unwrap_or(0) as u32))
            .arg(format!(
                "-dict={}",
                self.corpus.join("words.dict").display()
            ))
            .arg(format!("-artifact_prefix={}/", crashes.display()))
            .arg(self.found(target)?)
            .arg(self.corpus.join(target))
            .output()
            .context(|| format!("cannot start {}", self.program.display()))?;
        fs::write(&log, &output.stderr).context(|| format!("cannot write {}", log.display()))?;
        let text = String::from_utf8_lossy(&output.stderr);
        let outcome = Outcome::of(&text);
        if outcome.executions == 0 || output.status.success() != outcome.crash.is_none() {
            return Err(Failure::new(format!(
                "{target}: the fuzzer itself failed ({}); see {}",
                output.status,
                log.display()
            )));
        }
        Ok(outcome)
    }
}

/// What one run came to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcome {
    executions: u64,
    seconds: u64,
    edges: u64,
    new_inputs: u64,
    /// The input that failed, if one did.
    crash: Option<PathBuf>,
}

impl Outcome {
    /// Reads what libFuzzer prints.
    fn of(log: &str) -> Self {
        let statistic = |name: &str| {
            log.lines()
                .find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name))
                .and_then(|rest| rest.strip_prefix(':')?.trim().parse().ok())
                .unwrap_or(0)
        };
        let executions = statistic("number_of_executed_units");
        let edges = log
            .lines()
            .filter_map(|line| line.split_once(" cov: ")?.1.split(' ').next()?.parse().ok())
            .max();
        let crash = log
            .lines()
            .find_map(|line| line.split_once("Test unit written to "))
            .map(|(_, path)| PathBuf::from(path.trim()));
        Self {
            executions,
            seconds: executions / statistic("average_exec_per_sec").max(1),
            edges: edges.unwrap_or(0),
            new_inputs: statistic("new_units_added"),
            crash,
        }
    }

    fn add(&mut self, other: Self) {
        self.executions += other.executions;
        self.seconds += other.seconds;
        self.edges = self.edges.max(other.edges);
        self.new_inputs += other.new_inputs;
        self.crash = other.crash.or(self.crash.take());
    }

    fn a_second(&self) -> u64 {
        self.executions / self.seconds.max(1)
    }

    fn line(&self, target: &str) -> String {
        let end = if self.crash.is_some() {
            "  CRASHED"
        } else {
            ""
        };
        format!(
            "{target:<20}{:>14}{:>12}{:>8}{:>8}{end}",
            grouped(self.executions),
            grouped(self.a_second()),
            grouped(self.edges),
            grouped(self.new_inputs),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
#2\tINITED cov: 693 ft: 914 corp: 7/211b exec/s: 0 rss: 32Mb
#2097152\tpulse  cov: 1089 ft: 2504 corp: 513/29Kb lim: 524 exec/s: 48086 rss: 34Mb
Done 2885180 runs in 60 second(s)
stat::number_of_executed_units: 2885180
stat::average_exec_per_sec:     48086
stat::new_units_added:          69
";

    #[test]
    fn a_run_is_read_from_its_log() {
        let expected = Outcome {
            executions: 2_885_180,
            seconds: 60,
            edges: 1_089,
            new_inputs: 69,
            crash: None,
        };
        assert_eq!(Outcome::of(LOG), expected);
        let crashed = format!("{LOG}artifact_prefix='a/'; Test unit written to a/crash-1\n");
        assert_eq!(Outcome::of(&crashed).crash, Some("a/crash-1".into()));
    }

    #[test]
    fn targets_are_chosen_by_name() {
        let all = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &["b".to_owned()]).unwrap(), ["b"]);
        assert!(chosen(all(), &["c".to_owned()]).is_err());
    }
}
