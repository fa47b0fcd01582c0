//! `cargo xtask ci`: all checks before a merge, cheap stages first.
//!
//! A failed stage does not stop the ones after it, so that one run shows everything that is wrong. Full proofs, and whatever
//! needs a tool of its own, are commands: `cargo xtask prove --list`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use pico_args::Arguments;

use crate::test::{Counts, tested};
use crate::tidy::Role;
use crate::workspace::{Workspace, portable, succeeds};
use crate::{bench, guards, new_provider, no_more, package, prove, test, tidy};

/// One stage of checks.
struct Stage {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Session<'_>) -> Result<()>,
}

const STAGES: &[Stage] = &[
    Stage {
        name: "fmt",
        about: "sources are formatted",
        run: |session| Ok(session.workspace.cargo("fmt --all --check").run()?),
    },
    Stage {
        name: "tidy",
        about: "dependency edges, fixtures, layout and text",
        run: |session| tidy::run(session.workspace),
    },
    Stage {
        name: "guards",
        about: "what each crate may pull in",
        run: |session| guards::run(session.workspace),
    },
    Stage {
        name: "clippy",
        about: "no warning, with all features",
        run: clippy,
    },
    Stage {
        name: "features",
        about: "each crate without features, and with each transport or provider alone",
        run: features,
    },
    Stage {
        name: "docs",
        about: "documentation builds without a warning",
        run: docs,
    },
    Stage {
        name: "test",
        about: "every test",
        run: |session| test::run(session.workspace, &mut session.counts),
    },
    Stage {
        name: "prove",
        about: "the proofs of the program `prove`, shortened",
        run: |session| prove::before_a_merge(session.workspace),
    },
    Stage {
        name: "new-provider",
        about: "a generated provider builds and passes its tests",
        run: generated_provider,
    },
    Stage {
        name: "package",
        about: "each package builds from what is in it, with its tests; no release breaks its users",
        run: |session| {
            let skipped = package::check(session.workspace, &mut session.counts)?;
            session.notes.extend(skipped);
            Ok(())
        },
    },
    Stage {
        name: "bench",
        about: "a call costs what it cost before, in instructions and allocations",
        run: gate,
    },
];

/// The state that the stages share.
struct Session<'a> {
    workspace: &'a Workspace,
    counts: Counts,
    /// Skipped checks of the current stage, with the reasons.
    notes: Vec<String>,
}

pub(crate) fn command(workspace: &Workspace, mut arguments: Arguments) -> Result<()> {
    let list = arguments.contains("--list");
    let only: Option<String> = arguments.opt_value_from_str("--only")?;
    let skip: Option<String> = arguments.opt_value_from_str("--skip")?;
    no_more(arguments)?;
    if list {
        for Stage { name, about, .. } in STAGES {
            println!("{name:<14}{about}");
        }
        return Ok(());
    }
    run(workspace, &select(only.as_deref(), skip.as_deref())?)
}

/// The stages to run, in their order.
fn select(only: Option<&str>, skip: Option<&str>) -> Result<Vec<&'static Stage>> {
    let words = |list: Option<&str>| -> Vec<String> {
        list.into_iter()
            .flat_map(|list| list.split(','))
            .map(|name| name.trim().to_owned())
            .collect()
    };
    let (wanted, unwanted) = (words(only), words(skip));
    for name in wanted.iter().chain(&unwanted) {
        ensure!(
            STAGES.iter().any(|stage| stage.name == name),
            "no stage `{name}`; `cargo xtask ci --list` prints them"
        );
    }
    let has = |names: &[String], stage: &Stage| names.iter().any(|name| name == stage.name);
    let selected =
        |stage: &&Stage| (only.is_none() || has(&wanted, stage)) && !has(&unwanted, stage);
    Ok(STAGES.iter().filter(selected).collect())
}

fn run(workspace: &Workspace, stages: &[&'static Stage]) -> Result<()> {
    let mut session = Session {
        workspace,
        counts: Counts::default(),
        notes: Vec::new(),
    };
    let mut table = format!("{:<14}{:<8}{:>8}\n", "stage", "result", "time");
    let mut failed = Vec::new();
    for stage in stages {
        println!("\n=== {}: {} ===", stage.name, stage.about);
        let start = Instant::now();
        let outcome = (stage.run)(&mut session);
        let mut notes = std::mem::take(&mut session.notes);
        if let Err(error) = &outcome {
            println!("error: {error:#}");
            notes.insert(0, format!("{error:#}"));
            failed.push(stage.name);
        }
        table += &row(stage.name, outcome.is_ok(), start.elapsed(), &notes);
    }
    print!("\n{table}");
    if failed.is_empty() {
        return session.counts.close(Ok(()));
    }
    // The tests may all have passed, those that ran.
    let stages = format!(
        "{} of {} stages failed: {}",
        failed.len(),
        stages.len(),
        failed.join(", ")
    );
    let also = format!("; {stages}");
    session
        .counts
        .close_with(Err(anyhow::anyhow!(stages)), &also)
}

/// A row of the closing table, with its notes below it.
fn row(name: &str, held: bool, took: Duration, notes: &[String]) -> String {
    let (outcome, took) = (if held { "ok" } else { "FAILED" }, took.as_secs_f64());
    let mut text = format!("{name:<14}{outcome:<8}{took:>7.1}s\n");
    for line in notes.iter().flat_map(|note| note.lines()) {
        text.push_str(&format!("{:14}{line}\n", ""));
    }
    text
}

fn clippy(session: &mut Session<'_>) -> Result<()> {
    let features = session.workspace.portable_features()?;
    let clippy = session
        .workspace
        .cargo("clippy --workspace --all-targets --features");
    let clippy = clippy.args([&features, "--", "-D", "warnings"]);
    tested(clippy, &mut session.counts)
}

fn docs(session: &mut Session<'_>) -> Result<()> {
    let features = session.workspace.portable_features()?;
    let doc = session
        .workspace
        .cargo("doc --workspace --no-deps --features");
    let doc = doc.arg(features).env("RUSTDOCFLAGS", "-D warnings");
    tested(doc, &mut session.counts)
}

/// The sets of features that users choose; `cargo xtask prove features` builds every pair.
fn features(session: &mut Session<'_>) -> Result<()> {
    let mut failed = Vec::new();
    for package in session.workspace.packages()? {
        let alone: Vec<&str> = match Role::of(&package.name) {
            Role::Core => vec!["hyper", "reqwest", "rustls", "webhook"],
            Role::Provider => portable(package)
                .filter(|feature| ["hyper", "webhook"].contains(feature))
                .collect(),
            Role::Facade => portable(package)
                .filter(|feature| !["hyper", "rustls"].contains(feature))
                .collect(),
            _ => continue,
        };
        let mut sets = vec![""];
        sets.extend(alone);
        if Role::of(&package.name) == Role::Core {
            match prove::has_openssl() {
                true => sets.push("native-tls"),
                false => session
                    .notes
                    .push("native-tls: skipped, needs libssl-dev and pkg-config".to_owned()),
            }
        }
        for features in sets {
            // Clippy instead of `check`: it shares what was built of dependencies, and `RUSTFLAGS` would not.
            let check = session
                .workspace
                .cargo("clippy --quiet --no-default-features")
                .args(["--package", &package.name, "--features", features])
                .args(["--", "-D", "warnings"]);
            if check.run().is_err() {
                failed.push(format!("{} with {features:?}", package.name));
            }
        }
    }
    ensure!(
        failed.is_empty(),
        "does not build without a warning: {}",
        failed.join("; ")
    );
    Ok(())
}

fn gate(session: &mut Session<'_>) -> Result<()> {
    let skipped = match succeeds("valgrind", &["--version"]) {
        true => bench::check(session.workspace)?,
        false => Some("skipped: valgrind is not installed".to_owned()),
    };
    if let Some(why) = &skipped {
        println!("{why}");
    }
    session.notes.extend(skipped);
    Ok(())
}

/// Generates a provider in a copy, and checks that only the sandbox's list of modules was changed for it.
fn generated_provider(session: &mut Session<'_>) -> Result<()> {
    const NAME: &str = "acme-pay";
    let (_directory, copy) = session.workspace.copy()?;
    let sh = &copy.sh;
    xshell::cmd!(sh, "git add --all").quiet().run()?;
    new_provider::generate(&copy, NAME)?;
    let changed = xshell::cmd!(sh, "git diff --name-only").quiet().read()?;
    if changed != new_provider::SANDBOX_LIB {
        bail!("a new provider changes existing files:\n{changed}");
    }
    // Its files carry its name; that ARCHITECTURE.md does not mention it yet is as it must be.
    let untidy: Vec<String> = tidy::problems(&copy)?
        .into_iter()
        .filter(|problem| problem.path.replace('_', "-").contains(NAME))
        .map(|problem| problem.to_string())
        .collect();
    ensure!(
        untidy.is_empty(),
        "the generated provider is not tidy:\n{}",
        untidy.join("\n")
    );

    // Both packages each time, with the same features, so that one build serves.
    let target = session.workspace.target()?.join("new-provider");
    let cargo = |line: &str| {
        let both = ["--package", NAME, "--package", "kyc-sandbox"];
        copy.cargo(line).args(both).env("CARGO_TARGET_DIR", &target)
    };
    copy.cargo("fmt --check --package").arg(NAME).run()?;
    cargo("clippy --all-targets")
        .args(["--", "-D", "warnings"])
        .run()?;
    tested(
        cargo("test --no-fail-fast --lib --test it"),
        &mut session.counts,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_chosen_by_name_and_keep_their_order() {
        let names = |only, skip| -> Vec<&str> {
            select(only, skip)
                .unwrap()
                .iter()
                .map(|stage| stage.name)
                .collect()
        };
        assert_eq!(names(None, None).len(), STAGES.len());
        assert_eq!(names(Some("tidy,fmt"), None), ["fmt", "tidy"]);
        assert_eq!(names(Some("tidy,fmt"), Some("fmt")), ["tidy"]);
        assert!(!names(None, Some("test")).contains(&"test"));
        assert!(select(Some("fmt,nothing"), None).is_err());
    }

    #[test]
    fn the_table_shows_time_and_notes() {
        let row = row("docs", false, Duration::from_secs(65), &["a\nb".to_owned()]);
        let expected = "docs          FAILED     65.0s\n              a\n              b\n";
        assert_eq!(row, expected);
    }
}
