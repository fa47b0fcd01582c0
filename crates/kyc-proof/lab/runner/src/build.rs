//! `cargo xtask bench build`: how many crates one provider brings, and how long a clean build of it takes, beside bare
//! HTTP clients.
//!
//! Crates are judged, times are not: they wander with whatever else the machine does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::crates;
use crate::failure::{Context, Result};
use crate::machine;
use crate::one_call;
use crate::outside::{Package, Packages, Profile, Program};
use crate::report;
use crate::shell::{self, Workspace};

/// Each is built this often from nothing, in turn with the others.
const ROUNDS: usize = 1;

/// A program that is counted and timed.
struct Row {
    program: Program,
    /// The most crates, with those of build scripts, that it may bring.
    most: Option<usize>,
}

const ROWS: &[Row] = &[
    Row {
        program: one_call::FINPASS,
        most: Some(50),
    },
    Row {
        program: one_call::FINPASS_TLS,
        most: Some(75),
    },
    Row {
        // Ten more than another provider: those of the MAC.
        program: one_call::VERIFF,
        most: Some(60),
    },
    Row {
        program: one_call::VERIFF_TLS,
        most: Some(75),
    },
    Row {
        program: one_call::SESSIONS,
        most: Some(60),
    },
    Row {
        program: one_call::FINPRO,
        most: Some(50),
    },
    Row {
        // One more: Base64.
        program: one_call::FIU,
        most: Some(55),
    },
    Row {
        program: one_call::HYPER,
        most: None,
    },
    Row {
        program: one_call::UREQ,
        most: None,
    },
    Row {
        program: one_call::UREQ_TLS,
        most: None,
    },
    Row {
        program: one_call::REQWEST,
        most: None,
    },
    Row {
        program: one_call::REQWEST_RING,
        most: None,
    },
    Row {
        program: one_call::REQWEST_DEFAULT,
        most: None,
    },
];

/// What was measured of one program.
#[derive(Default)]
struct Figures {
    crates: usize,
    with_build: usize,
    dev: Vec<Duration>,
    release: Vec<Duration>,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let packages = Packages::of(workspace, "build")?;
    let mut figures = BTreeMap::new();
    let mut all = Vec::new();
    for row in ROWS {
        let package = packages.package(workspace, &row.program)?;
        let found = Figures {
            crates: crates::count(&package.crates(false)?),
            with_build: crates::count(&package.crates(true)?),
            ..Figures::default()
        };
        figures.insert(row.program.name, found);
        all.push(package);
    }
    let one = packages.package(workspace, &one_call::FINPASS)?;
    let two = packages.package(workspace, &one_call::TWO)?;
    let (first, second) = (one.crates(true)?, two.crates(true)?);
    let added: Vec<&str> = second
        .keys()
        .filter(|name| !first.contains_key(*name))
        .map(String::as_str)
        .collect();

    let mut increments = BTreeMap::from([("dev", Vec::new()), ("release", Vec::new())]);
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        for package in &all {
            let dev = clean(&packages, package, Profile::Dev)?;
            let release = clean(&packages, package, Profile::Release)?;
            if let Some(figures) = figures.get_mut(package.name) {
                figures.dev.push(dev);
                figures.release.push(release);
            }
        }
        for (name, profile) in [("dev", Profile::Dev), ("release", Profile::Release)] {
            clean(&packages, &one, profile)?;
            let (_, took) = two
                .built_in(&packages.output.join("clean"))
                .build(profile)?;
            increments.entry(name).or_default().push(took);
        }
    }

    let (table, passed) = table(&figures);
    let mut report = format!("{}{table}\n", heading()?);
    for (name, took) in &increments {
        let _ = writeln!(
            report,
            "a second provider, {name}: {} more, the new program linked with it",
            seconds(took)
        );
    }
    let _ = writeln!(
        report,
        "crates that it brings: {} (only itself is allowed)",
        added.join(", ")
    );
    report::finish(
        &packages.output,
        &report,
        passed && added == [two_provider()],
        "a provider brings more crates than it may",
    )
}

/// The provider that the program `two` has besides the first.
fn two_provider() -> &'static str {
    "deepvue-digilocker"
}

/// Builds from nothing.
fn clean(packages: &Packages, package: &Package, profile: Profile) -> Result<Duration> {
    let target = packages.output.join("clean");
    if target.exists() {
        fs::remove_dir_all(&target).context(|| format!("cannot clear {}", target.display()))?;
    }
    let (_, took) = package.built_in(&target).build(profile)?;
    Ok(took)
}

fn heading() -> Result<String> {
    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    let cargo = shell::read(Command::new("cargo").arg("--version"))?;
    Ok(format!(
        "a program that makes one call, built from nothing, sources fetched before\n{}, {}; {}\n\
         crates: without the program itself; with those of build scripts. Seconds: the best of {ROUNDS} (the worst)\n\n",
        rustc.trim(),
        cargo.trim(),
        machine::description(),
    ))
}

fn table(figures: &BTreeMap<&str, Figures>) -> (String, bool) {
    let mut text = format!(
        "{:<44} {:>7} {:>11} {:>16} {:>16}\n",
        "", "crates", "with build", "dev s", "release s"
    );
    let mut all = true;
    for row in ROWS {
        let Some(found) = figures.get(row.program.name) else {
            continue;
        };
        let verdict = match row.most {
            None => String::new(),
            Some(most) if found.with_build <= most => format!("PASS (at most {most})"),
            Some(most) => {
                all = false;
                format!("FAIL (at most {most})")
            }
        };
        let _ = writeln!(
            text,
            "{:<44} {:>7} {:>11} {:>16} {:>16}  {verdict}",
            row.program.about,
            found.crates,
            found.with_build,
            seconds(&found.dev),
            seconds(&found.release),
        );
    }
    (text, all)
}

/// The best and the worst.
fn seconds(took: &[Duration]) -> String {
    let best = took.iter().min().copied().unwrap_or_default();
    let worst = took.iter().max().copied().unwrap_or_default();
    format!("{:.1} ({:.1})", best.as_secs_f64(), worst.as_secs_f64())
}
