//! `cargo xtask prove`: the clients' promises, tested under faults, forgeries and load.

mod fuzz;
mod no_call_home;
mod supply_chain;

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use pico_args::Arguments;
use xshell::cmd;

use crate::names;
use crate::package;
use crate::tidy::Role;
use crate::tools::{HACK, MUTANTS, TAPLO, TARPAULIN, TYPOS};
use crate::workspace::{Workspace, portable, succeeds, watch};

/// Every proof: its name and what it shows.
const PROOFS: &str = include_str!("../../../crates/kyc-proof/proofs.txt");

fn all() -> Vec<&'static str> {
    let first = |line: &'static str| line.split(' ').next();
    PROOFS.lines().filter_map(first).collect()
}

/// The proofs that `ci` runs, shortened, the longest first. The others rebuild everything with instrumentation or for each
/// change, or build a tool first.
const BEFORE_A_MERGE: &[&str] = &[
    "canaries",
    "batch",
    "journeys",
    "outage",
    "flood",
    "soak",
    "forgeries",
    "webhooks",
    "properties",
    "vectors",
];

/// Those that run alone then: the deadlines of `faults` go by the machine's clock, and `no-call-home` hears what is sent.
const ALONE_BEFORE_A_MERGE: &[&str] = &["faults", "no-call-home"];

/// The options of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Fewer cases, as before each merge, in the profile that tests are built in: slower to run, and nothing is built for it
    /// alone.
    short: bool,
    /// The seed of a proof's randomness; a new one each time if absent.
    seed: Option<u64>,
    /// The output replaces the one in PROOFS.md.
    record: bool,
    /// A copy of the RustSec database: a directory.
    advisories: Option<String>,
    /// The files whose mutants are tested; all of core and providers if empty.
    files: Vec<String>,
    fuzz: fuzz::Settings,
}

pub(crate) fn command(workspace: &Workspace, mut arguments: Arguments) -> Result<()> {
    if arguments.contains("--list") {
        print!("{PROOFS}");
        return Ok(());
    }
    let settings = Settings {
        short: arguments.contains("--short"),
        seed: arguments.opt_value_from_str("--seed")?,
        record: arguments.contains("--record"),
        advisories: arguments.opt_value_from_str("--advisories")?,
        files: arguments.values_from_str("--file")?,
        fuzz: fuzz::Settings::from(&mut arguments)?,
    };
    let wanted = names(arguments)?;
    let (all, wanted) = (all(), wanted.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &wanted {
        ensure!(
            all.contains(name),
            "no proof `{name}`; `cargo xtask prove --list` prints them"
        );
    }
    run(
        workspace,
        if wanted.is_empty() { &all } else { &wanted },
        &settings,
    )
}

/// Runs what `ci` does, in the profile of tests: most two at a time, because they wait.
pub(crate) fn before_a_merge(workspace: &Workspace) -> Result<()> {
    let settings = Settings {
        short: true,
        ..Settings::default()
    };
    let [prove, _] = build(workspace, profile(&settings))?;
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(name) = BEFORE_A_MERGE.get(next.fetch_add(1, Ordering::Relaxed)) {
            let output = Command::new(&prove).args([name, "--short"]).output();
            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
            println!("\n== {name} ==");
            match output {
                Ok(output) => {
                    print!("{}", String::from_utf8_lossy(&output.stdout));
                    print!("{}", String::from_utf8_lossy(&output.stderr));
                    failed.extend((!output.status.success()).then_some(*name));
                }
                Err(error) => {
                    println!("error: cannot start {}: {error}", prove.display());
                    failed.push(*name);
                }
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    for name in ALONE_BEFORE_A_MERGE {
        failed.extend(run(workspace, &[name], &settings).is_err().then_some(name));
    }
    ensure!(failed.is_empty(), "not proven: {}", failed.join(", "));
    Ok(())
}

/// Runs the named proofs. One that fails does not stop the ones after it.
fn run(workspace: &Workspace, wanted: &[&str], settings: &Settings) -> Result<()> {
    let mut failed = Vec::new();
    for name in wanted {
        println!("\n== {name} ==");
        let outcome = match *name {
            "no-call-home" => no_call_home::run(workspace, settings),
            "fuzz" => fuzz::run(workspace, settings),
            "mutants" => mutants(workspace, settings),
            "coverage" => coverage(workspace),
            "features" => features(workspace, settings),
            "supply-chain" => supply_chain::run(workspace, settings),
            "packages" => package::test_all(workspace),
            "text" => text(workspace),
            "journeys" if !settings.short => {
                orders(workspace).and_then(|searched| program(workspace, name, settings, searched))
            }
            name => program(workspace, name, settings, Vec::new()),
        };
        if let Err(error) = outcome {
            println!("error: {error:#}");
            failed.push(*name);
        }
    }
    ensure!(failed.is_empty(), "not proven: {}", failed.join(", "));
    Ok(())
}

/// The profile of proofs: optimised for millions of cases, with every overflow and assertion still checked.
fn profile(settings: &Settings) -> &'static str {
    if settings.short { "dev" } else { "proof" }
}

/// Builds the program `prove`, and `kyc` beside it, which some proofs run.
///
/// Each with its own features alone: otherwise features that others enable would be tested instead of those of `kyc-proof`.
fn build(workspace: &Workspace, profile: &str) -> Result<[PathBuf; 2]> {
    let of = |package, program, features| {
        let what = [
            "--profile",
            profile,
            "--package",
            package,
            "--features",
            features,
            "--bin",
            program,
        ];
        workspace.build(&what, program)
    };
    Ok([
        of("kyc-proof", "prove", "prove")?,
        of("kyc-cli", "kyc", "")?,
    ])
}

/// Tries every order in which the events of a journey can arrive: a test, with one event more than in every run of the tests. Returns
/// what to report.
fn orders(workspace: &Workspace) -> Result<Vec<String>> {
    const DEPTH: &str = "8";
    let test = workspace.cargo("test --profile proof --package kyc-journey --test it search::");
    let test = crate::workspace::clean(test).env("KYC_JOURNEY_DEPTH", DEPTH);
    test.run()?;
    Ok(vec![format!(
        "  every order of up to {DEPTH} events, with duplicates, losses, withdrawals and crashes: as promised"
    )])
}

/// Runs a proof of the program `prove`. `report` is what has been shown before.
fn program(
    workspace: &Workspace,
    name: &str,
    settings: &Settings,
    mut report: Vec<String>,
) -> Result<()> {
    // Published times are measured on the code that users run.
    let release = name == "constant-time" && !settings.short;
    let profile = if release {
        "release"
    } else {
        profile(settings)
    };
    let [prove, _] = build(workspace, profile)?;
    let mut command = cmd!(workspace.sh, "{prove} {name}");
    if settings.short {
        command = command.arg("--short");
    }
    if let Some(seed) = settings.seed {
        command = command.args(["--seed", &seed.to_string()]);
    }
    watch(crate::workspace::clean(command), |line| {
        report.push(line.to_owned())
    })?;
    match settings.record {
        true => record(workspace, name, &report),
        false => Ok(()),
    }
}

/// Puts the end of a proof's output, with its seed, between its markers in PROOFS.md, under today's date.
fn record(workspace: &Workspace, name: &str, report: &[String]) -> Result<()> {
    const PUBLISHED: &str = "PROOFS.md";
    const LINES: usize = 12;
    let text = workspace.sh.read_file(PUBLISHED)?;
    let date = cmd!(workspace.sh, "date -u +%F").quiet().read()?;
    let seed = report
        .iter()
        .find(|line| line.trim_start().starts_with("seed"));
    let end = report.len().saturating_sub(LINES);
    let lines = seed.into_iter().chain(report.iter().skip(end.max(2)));
    let report = lines.fold(date, |text, line| format!("{text}\n{line}"));
    let text = replaced(&text, name, &report).with_context(|| {
        format!("{PUBLISHED} needs the lines `<!-- prove:{name} -->` and `<!-- end -->` around the place of the output")
    })?;
    workspace.sh.write_file(PUBLISHED, text)?;
    println!("recorded in {PUBLISHED}");
    Ok(())
}

/// The text with a report between the markers of its proof.
fn replaced(text: &str, name: &str, report: &str) -> Option<String> {
    let marker = format!("<!-- prove:{name} -->\n");
    let (before, after) = text.split_once(&marker)?;
    let (_, after) = after.split_once("<!-- end -->")?;
    Some(format!(
        "{before}{marker}```text\n{report}\n```\n<!-- end -->{after}"
    ))
}

/// Measures the tests of core and of each provider, one at a time because each has its own features. Returns the names of
/// those that fail, or nothing.
fn failing(
    workspace: &Workspace,
    mut measure: impl FnMut(&str, Vec<&str>) -> Result<bool>,
) -> Result<String> {
    let mut failed = Vec::new();
    for package in workspace.packages()? {
        let name = package.name.as_str();
        if matches!(Role::of(name), Role::Core | Role::Provider)
            && !measure(name, portable(package).collect())?
        {
            failed.push(name);
        }
    }
    Ok(failed.join(", "))
}

fn mutants(workspace: &Workspace, settings: &Settings) -> Result<()> {
    const SOME_TIMED_OUT: i32 = 3;
    let mut files = settings.files.clone();
    if settings.short && files.is_empty() {
        // Quick, because the tests of this file are in the same package.
        files.push("crates/provider-core/src/**/retry_after.rs".to_owned());
    }
    let failed = failing(workspace, |name, features| {
        let directory = format!("crates/{name}/");
        let own = files.iter().filter(|file| file.starts_with(&directory));
        let own: Vec<String> = own
            .flat_map(|file| ["--file".to_owned(), file.clone()])
            .collect();
        if own.is_empty() && !files.is_empty() {
            return Ok(true);
        }
        let output = workspace.target()?.join("prove/mutants").join(name);
        workspace.sh.create_dir(&output)?;
        let command = MUTANTS
            .command(workspace)?
            .args(["--package", name, "--features", &features.join(",")])
            .arg("--output")
            .arg(&output)
            .args(own)
            .env("INSTA_UPDATE", "no");
        let status = Command::from(command).status()?;
        // A test that times out has noticed the mutant.
        Ok(status.success() || status.code() == Some(SOME_TIMED_OUT))
    })?;
    ensure!(
        failed.is_empty(),
        "mutants survived in {failed}: write a test, or add the reason to `.cargo/mutants.toml`"
    );
    Ok(())
}

/// Each package has to reach the minimum with its own tests.
fn coverage(workspace: &Workspace) -> Result<()> {
    let target = workspace.target()?.join("coverage");
    let failed = failing(workspace, |name, features| {
        let command = TARPAULIN
            .command(workspace)?
            .args(["--config", ".config/tarpaulin.toml", "--package", name])
            .args(["--features", &features.join(" "), "--target-dir"])
            .arg(&target)
            .env("INSTA_UPDATE", "no");
        Ok(command.run().is_ok())
    })?;
    ensure!(
        failed.is_empty(),
        "tests fail, or run less than the least share of lines in `.config/tarpaulin.toml`, in: {failed}"
    );
    Ok(())
}

/// Every pair of features, or each one alone if shortened; clippy, so that an import that one set leaves unused is found.
fn features(workspace: &Workspace, settings: &Settings) -> Result<()> {
    let mut command = HACK.command(workspace)?;
    command = command.args(["clippy", "--workspace", "--exclude", "xtask"]);
    command = match settings.short {
        true => command.arg("--each-feature"),
        false => command.args(["--feature-powerset", "--depth", "2"]),
    };
    if !has_openssl() {
        println!("native-tls is left out: it needs libssl-dev and pkg-config");
        command = command.args(["--exclude-features", "native-tls", "--exclude-all-features"]);
    }
    command.args(["--", "-D", "warnings"]).run()?;
    Ok(())
}

/// Whether the features that need the operating system's TLS library can be built here.
pub(crate) fn has_openssl() -> bool {
    !cfg!(target_os = "linux")
        || std::env::var_os("OPENSSL_DIR").is_some()
        || succeeds("pkg-config", &["--exists", "openssl"])
}

/// Spelling, and the form of TOML files; both are looked at, whatever the first finds.
fn text(workspace: &Workspace) -> Result<()> {
    let typos = TYPOS.command(workspace)?.run();
    let taplo = TAPLO.command(workspace)?.args(["fmt", "--check"]).run();
    if let (Err(typos), Err(taplo)) = (&typos, &taplo) {
        bail!("{typos}\n{taplo}");
    }
    Ok(typos.and(taplo)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_before_a_merge_is_a_proof() {
        let mut names = BEFORE_A_MERGE.iter().chain(ALONE_BEFORE_A_MERGE);
        assert!(names.all(|name| all().contains(name)));
    }

    #[test]
    fn a_report_replaces_the_one_before_it() {
        let text = "a\n<!-- prove:soak -->\nold\n<!-- end -->\nb\n";
        let expected = "a\n<!-- prove:soak -->\n```text\nnew\n```\n<!-- end -->\nb\n";
        assert_eq!(replaced(text, "soak", "new").as_deref(), Some(expected));
        assert_eq!(replaced(text, "faults", "new"), None);
    }
}
