//! Proof `mutants`: a changed operator, condition or value in core and providers is noticed by a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::explained::Explained;
use super::tool::Tool;
use super::{Settings, TEST_SUPPORT};
use crate::failure::{Context, Failure, Result};
use crate::files;
use crate::metadata::{Metadata, Package};
use crate::shell::{self, Workspace};
use crate::temporary::Directory;
use crate::tidy::Role;

const CARGO_MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    version: "27.1.0",
};

/// Survivors, each with its reason.
const EXPLAINED: &str = "MUTANTS.md";

/// The share of viable mutants that tests must notice, in percent. Reasons do not count here.
const NOTICED: f64 = 95.0;

/// Signing, verification, the decision to repeat, and the building of paths: here every survivor must be one that no
/// test could notice, and say why.
const CRITICAL: &[&str] = &[
    "crates/consent-hmac/src/provider.rs",
    "crates/consent-hmac/src/signature.rs",
    "crates/provider-core/src/base_url.rs",
    "crates/provider-core/src/ids.rs",
    "crates/provider-core/src/retry.rs",
    "crates/provider-core/src/retry_after.rs",
    "crates/provider-core/src/retry_budget.rs",
];

/// What a shortened run looks at: quick, because the tests of these files stand beside them.
const SHORT: &[&str] = &[
    "crates/consent-hmac/src/signature.rs",
    "crates/provider-core/src/retry.rs",
];

/// Seconds after which a test that a mutant keeps busy is given up.
const TEST_TIMEOUT: &str = "60";

/// What the tests made of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Caught,
    Missed,
    /// The tests did not end: noticed too.
    Timeout,
    /// Does not build, and so says nothing.
    Unviable,
}

/// Mutants by name: `file:line:column: what was changed`.
type Outcomes = BTreeMap<String, Outcome>;

pub(super) fn run(workspace: &Workspace, settings: &Settings) -> Result<()> {
    let metadata = Metadata::read(workspace)?;
    // A copy, because the sources are changed where they are; always at the same place, so that builds are found again.
    let copy = Directory::copy_of(workspace, "mutants")?;
    let outcomes = mutate(workspace, &metadata, copy.path(), settings);
    copy.clean(&target(&metadata))?;
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(failure) => return copy.finish(Err(failure)),
    };
    copy.finish(Ok(()))?;
    judge(
        &outcomes,
        Explained::read(workspace, EXPLAINED)?,
        settings.short || !settings.files.is_empty(),
    )
}

/// Where mutants are built.
fn target(metadata: &Metadata) -> PathBuf {
    metadata.target_directory.join("mutants")
}

/// Tests the mutants of each package with that package's own tests.
fn mutate(
    workspace: &Workspace,
    metadata: &Metadata,
    copy: &Path,
    settings: &Settings,
) -> Result<Outcomes> {
    let chosen = |file: &str| match settings.short {
        true => SHORT.contains(&file),
        false => settings.files.is_empty() || settings.files.iter().any(|wanted| wanted == file),
    };
    let mut outcomes = Outcomes::new();
    for package in metadata.packages.values() {
        if !matches!(Role::of(&package.name), Role::Core | Role::Provider) {
            continue;
        }
        let mut files = Vec::new();
        for file in files::of(workspace.root())? {
            let within = file.starts_with(&format!("{}/src/", package.directory));
            if within && !file.contains(TEST_SUPPORT) && chosen(&file) {
                files.push(file);
            }
        }
        if files.is_empty() {
            continue;
        }
        let rounds = Rounds::new(workspace, metadata, copy, package)?;
        // The tests beside the code are built much sooner than all: what they miss is left to the others.
        let mut beside = Vec::new();
        for file in &files {
            let text =
                fs::read_to_string(copy.join(file)).context(|| format!("cannot read {file}"))?;
            if text.contains("#[cfg(test)]") {
                beside.push(file.clone());
            }
        }
        let mut decided = true;
        if !beside.is_empty() {
            let found = rounds.round(&beside, &["--cargo-arg=--lib"])?;
            decided = found.values().all(|outcome| *outcome != Outcome::Missed);
            outcomes.extend(found);
        }
        if !decided || beside.len() < files.len() {
            let all = ["--iterate", "--cargo-arg=--lib", "--cargo-arg=--tests"];
            outcomes.extend(rounds.round(&files, &all)?);
        }
    }
    Ok(outcomes)
}

/// What the rounds over one package have in common.
struct Rounds<'a> {
    workspace: &'a Workspace,
    metadata: &'a Metadata,
    copy: &'a Path,
    package: &'a Package,
    results: PathBuf,
}

impl<'a> Rounds<'a> {
    fn new(
        workspace: &'a Workspace,
        metadata: &'a Metadata,
        copy: &'a Path,
        package: &'a Package,
    ) -> Result<Self> {
        let results = metadata
            .target_directory
            .join("prove/mutants")
            .join(&package.name);
        if results.exists() {
            // A later round goes by what an earlier one found, and an earlier run was over other sources.
            fs::remove_dir_all(&results)
                .context(|| format!("cannot clear {}", results.display()))?;
        }
        fs::create_dir_all(&results).context(|| format!("cannot create {}", results.display()))?;
        Ok(Self {
            workspace,
            metadata,
            copy,
            package,
            results,
        })
    }

    fn round(&self, files: &[String], arguments: &[&str]) -> Result<Outcomes> {
        let package = self.package;
        let features: Vec<&str> = package
            .own_features()
            .filter(|feature| !self.metadata.brings_native_tls(&package.name, feature))
            .collect();
        let mut mutants = CARGO_MUTANTS.command(self.workspace, self.metadata, self.copy)?;
        mutants.args(["--in-place", "--no-shuffle", "--package", &package.name]);
        mutants.args(["--features", &features.join(",")]);
        mutants.args(["--minimum-test-timeout", TEST_TIMEOUT]);
        mutants.arg("--output").arg(&self.results).args(arguments);
        mutants.args(files.iter().flat_map(|file| ["--file", file.as_str()]));
        mutants
            .env("CARGO_TARGET_DIR", target(self.metadata))
            // A mutant is one function of a crate: what else was built of it serves again.
            .env("CARGO_INCREMENTAL", "1")
            // Nobody looks at a backtrace here.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("INSTA_UPDATE", "no");
        shell::run_expecting(&mut mutants, &[0, SOME_MISSED, SOME_TIMED_OUT])?;
        read(&self.results.join("mutants.out/outcomes.json"))
    }
}

/// Exit codes of cargo-mutants that are results and not failures.
const SOME_MISSED: i32 = 2;
const SOME_TIMED_OUT: i32 = 3;

fn read(path: &Path) -> Result<Outcomes> {
    let reading = || format!("cannot read {}", path.display());
    let json = fs::read_to_string(path).context(reading)?;
    let json: Value = serde_json::from_str(&json).context(reading)?;
    from_json(&json).ok_or_else(|| Failure::new(format!("{} has another shape", path.display())))
}

fn from_json(json: &Value) -> Option<Outcomes> {
    let mut outcomes = Outcomes::new();
    for outcome in json.get("outcomes")?.as_array()? {
        // The tests without any mutant come first.
        let Some(mutant) = outcome.get("scenario")?.get("Mutant") else {
            continue;
        };
        let name = mutant.get("name")?.as_str()?.to_owned();
        let outcome = match outcome.get("summary")?.as_str()? {
            "CaughtMutant" => Outcome::Caught,
            "MissedMutant" => Outcome::Missed,
            "Timeout" => Outcome::Timeout,
            "Unviable" => Outcome::Unviable,
            _ => return None,
        };
        outcomes.insert(name, outcome);
    }
    Some(outcomes)
}

/// How many mutants of a file came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    noticed: usize,
    timed_out: usize,
    missed: usize,
    unviable: usize,
}

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Caught => self.noticed += 1,
            Outcome::Timeout => {
                self.noticed += 1;
                self.timed_out += 1;
            }
            Outcome::Missed => self.missed += 1,
            Outcome::Unviable => self.unviable += 1,
        }
    }

    fn percent(self) -> f64 {
        let viable = self.noticed + self.missed;
        if viable == 0 {
            return 100.0;
        }
        100.0 * self.noticed as f64 / viable as f64
    }

    fn line(self, name: &str) -> String {
        format!(
            "  {name:<46}{:>7.2}%  {:>5} noticed ({} by time-out), {:>3} missed, {:>4} unviable",
            self.percent(),
            self.noticed,
            self.timed_out,
            self.missed,
            self.unviable
        )
    }
}

fn judge(outcomes: &Outcomes, mut explained: Explained, partial: bool) -> Result<()> {
    let mut files: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut all = Tally::default();
    let mut unexplained = Vec::new();
    for (name, outcome) in outcomes {
        let (file, what) = without_place(name);
        files.entry(file).or_default().add(*outcome);
        all.add(*outcome);
        if *outcome == Outcome::Missed && !explained.take(&[file, what]) {
            unexplained.push((name, Explained::row(&[file, what])));
        }
    }
    for (file, tally) in &files {
        let mark = if CRITICAL.contains(file) {
            "  critical"
        } else {
            ""
        };
        println!("{}{mark}", tally.line(file));
    }
    println!("{}", all.line("all"));
    if !partial {
        explained.tell_left();
    }
    for (name, row) in &unexplained {
        println!("  survived: {name}\n    {row}");
    }
    if !unexplained.is_empty() {
        let many = unexplained.len();
        return Err(Failure::new(format!(
            "{many} mutants survived without a reason in {EXPLAINED}"
        )));
    }
    if !partial && all.percent() < NOTICED {
        return Err(Failure::new(format!(
            "less than {NOTICED} % of the mutants were noticed"
        )));
    }
    Ok(())
}

/// The file of a mutant and what was changed, without the place, which moves with every edit above it.
fn without_place(name: &str) -> (&str, &str) {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(what)) => (file, what.trim_start()),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> Outcomes {
        let outcome = |name: &str, summary: &str| serde_json::json!({ "scenario": { "Mutant": { "name": name } }, "summary": summary });
        let json = serde_json::json!({ "outcomes": [
            { "scenario": "Baseline", "summary": "Success" },
            outcome("src/a.rs:1:2: replace + with - in sum", "CaughtMutant"),
            outcome("src/a.rs:3:4: replace || with && in either", "MissedMutant"),
            outcome("src/a.rs:5:6: replace next with None", "Timeout"),
            outcome("src/b.rs:7:8: replace new with Default::default()", "Unviable"),
        ]});
        from_json(&json).unwrap()
    }

    #[test]
    fn outcomes_are_counted() {
        let mut tally = Tally::default();
        outcomes()
            .into_values()
            .for_each(|outcome| tally.add(outcome));
        let expected = Tally {
            noticed: 2,
            timed_out: 1,
            missed: 1,
            unviable: 1,
        };
        assert_eq!(tally, expected);
        assert!((tally.percent() - 66.67).abs() < 0.01);
        assert!(
            from_json(&serde_json::json!({ "outcomes": [{ "scenario": 1 }] }))
                .is_some_and(|none| none.is_empty())
        );
    }

    #[test]
    fn a_survivor_without_a_reason_is_a_failure() {
        let failure = judge(&outcomes(), Explained::default(), true).unwrap_err();
        assert!(failure.to_string().starts_with("1 mutants survived"));
    }

    #[test]
    fn the_place_is_left_out() {
        let name = "src/a.rs:3:4: replace <impl A for B>::c -> d with e";
        assert_eq!(
            without_place(name),
            ("src/a.rs", "replace <impl A for B>::c -> d with e")
        );
    }
}
