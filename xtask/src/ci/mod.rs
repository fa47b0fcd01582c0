//! `cargo xtask ci`: everything that must hold before a merge, cheap stages first.
//!
//! A failed stage does not stop the ones after it: one run tells everything that is wrong.

mod downstream;
mod features;
mod guards;
mod provider;
mod system;

use std::process::Command;
use std::time::{Duration, Instant};

use pico_args::Arguments;

use crate::bench::expected;
use crate::counts::Counts;
use crate::failure::{Failure, Result, no_more};
use crate::metadata::Metadata;
use crate::shell::{self, Workspace};
use crate::{fixtures, prove, test, tidy};

/// One thing that must hold.
struct Stage {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Session) -> Result<()>,
}

const STAGES: &[Stage] = &[
    Stage {
        name: "fmt",
        about: "sources are formatted",
        run: fmt,
    },
    Stage {
        name: "tidy",
        about: "layout, edges, manifests, fixtures and text",
        run: |session| tidy::run(&session.workspace),
    },
    Stage {
        name: "guards",
        about: "what each crate may pull in",
        run: guards::run,
    },
    Stage {
        name: "clippy",
        about: "no warning with all features and with the default ones",
        run: clippy,
    },
    Stage {
        name: "test",
        about: "every test",
        run: |session| test::run(&session.workspace, &mut session.counts),
    },
    Stage {
        name: "fixtures",
        about: "recorded fixtures are what the operations produce",
        run: |session| fixtures::check(&session.workspace, &mut session.counts),
    },
    Stage {
        name: "docs",
        about: "documentation builds without a warning",
        run: docs,
    },
    Stage {
        name: "features",
        about: "each feature alone, none and all, of each crate",
        run: features::run,
    },
    Stage {
        name: "downstream",
        about: "a crate outside that uses one provider alone",
        run: downstream::run,
    },
    Stage {
        name: "prove",
        about: "the proofs, shortened; not coverage and mutants",
        run: prove_shortened,
    },
    Stage {
        name: "bench",
        about: "a call costs what it cost before, in instructions and allocations",
        run: bench,
    },
    Stage {
        name: "new-provider",
        about: "a generated provider builds and passes its tests",
        run: provider::run,
    },
];

/// What the stages share and leave behind.
#[derive(Debug)]
pub(crate) struct Session {
    workspace: Workspace,
    metadata: Metadata,
    counts: Counts,
    /// Things to know that are no failures, such as what was skipped and why; of the current stage.
    notes: Vec<String>,
    /// Whether OpenSSL's headers are missing, once somebody asked.
    no_native_tls: Option<Option<String>>,
}

/// A line of the closing table.
struct Row {
    name: &'static str,
    outcome: &'static str,
    took: Duration,
    notes: Vec<String>,
}

pub(crate) fn command(workspace: &Workspace, mut arguments: Arguments) -> Result<()> {
    let list = arguments.contains("--list");
    let only: Option<String> = arguments.opt_value_from_str("--only")?;
    let skip: Option<String> = arguments.opt_value_from_str("--skip")?;
    no_more(arguments)?;
    if list {
        STAGES
            .iter()
            .for_each(|stage| println!("{:<14}{}", stage.name, stage.about));
        return Ok(());
    }
    let stages = select(only.as_deref(), skip.as_deref())?;
    run(workspace, &stages)
}

/// The stages to run, in their order.
fn select(only: Option<&str>, skip: Option<&str>) -> Result<Vec<&'static Stage>> {
    let named = |list: Option<&str>| -> Result<Option<Vec<String>>> {
        let Some(list) = list else { return Ok(None) };
        let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
        match names
            .iter()
            .find(|name| STAGES.iter().all(|stage| stage.name != *name))
        {
            Some(unknown) => Err(Failure::new(format!(
                "no stage `{unknown}`; `cargo xtask ci --list` prints them"
            ))),
            None => Ok(Some(names)),
        }
    };
    let (only, skip) = (named(only)?, named(skip)?.unwrap_or_default());
    let has = |names: &[String], stage: &Stage| names.iter().any(|name| name == stage.name);
    let wanted =
        |stage: &&Stage| only.as_ref().is_none_or(|only| has(only, stage)) && !has(&skip, stage);
    Ok(STAGES.iter().filter(wanted).collect())
}

fn run(workspace: &Workspace, stages: &[&'static Stage]) -> Result<()> {
    let mut session = Session {
        workspace: workspace.clone(),
        metadata: Metadata::read(workspace)?,
        counts: Counts::default(),
        notes: Vec::new(),
        no_native_tls: None,
    };
    let mut rows = Vec::new();
    for stage in stages {
        println!("\n=== {}: {} ===", stage.name, stage.about);
        let start = Instant::now();
        let outcome = (stage.run)(&mut session);
        let mut notes = std::mem::take(&mut session.notes);
        if let Err(failure) = &outcome {
            println!("error: {failure}");
            notes.insert(0, failure.to_string());
        }
        let outcome = if outcome.is_ok() { "ok" } else { "FAILED" };
        rows.push(Row {
            name: stage.name,
            outcome,
            took: start.elapsed(),
            notes,
        });
    }
    print!("\n{}", table(&rows));
    let failed = rows.iter().filter(|row| row.outcome != "ok").count();
    let outcome = match failed {
        0 => Ok(()),
        failed => Err(Failure::new(format!(
            "{failed} of {} stages failed",
            rows.len()
        ))),
    };
    session.counts.close(outcome)
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<14}{:<8}{:>8}\n", "stage", "result", "time");
    for Row {
        name,
        outcome,
        took,
        notes,
    } in rows
    {
        text.push_str(&format!("{name:<14}{outcome:<8}{:>8}\n", duration(*took)));
        for line in notes.iter().flat_map(|note| note.lines()) {
            text.push_str(&format!("{:14}{line}\n", ""));
        }
    }
    text
}

fn duration(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds < 60 {
        format!("{:.1}s", took.as_secs_f64())
    } else {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    }
}

fn fmt(session: &mut Session) -> Result<()> {
    shell::run(&mut session.workspace.cargo(["fmt", "--all", "--check"]))
}

fn clippy(session: &mut Session) -> Result<()> {
    let base = ["clippy", "--workspace", "--all-targets"];
    let deny = ["--", "-D", "warnings"];
    let mut all = session.workspace.cargo(base);
    session.add_all_features(&mut all);
    shell::run(all.args(deny))?;
    shell::run(session.workspace.cargo(base).args(deny))
}

fn docs(session: &mut Session) -> Result<()> {
    let mut all = session.workspace.cargo(["doc", "--workspace", "--no-deps"]);
    session.add_all_features(&mut all);
    shell::run(all.env("RUSTDOCFLAGS", "-D warnings"))?;
    let mut default = session.workspace.cargo(["doc", "--workspace", "--no-deps"]);
    shell::run(default.env("RUSTDOCFLAGS", "-D warnings"))
}

/// What is not proven before each merge: it builds everything once more with instruments, or for each mutant.
const NOT_PROVEN: &[&str] = &["coverage", "mutants"];

fn prove_shortened(session: &mut Session) -> Result<()> {
    let settings = prove::Settings {
        short: true,
        ..prove::Settings::default()
    };
    let names: Vec<String> = prove::names()
        .filter(|name| !NOT_PROVEN.contains(name))
        .map(str::to_owned)
        .collect();
    prove::run(&session.workspace, &names, &settings)
}

fn bench(session: &mut Session) -> Result<()> {
    let skipped = if shell::succeeds("valgrind", &["--version"]) {
        match expected::check(&session.workspace)? {
            expected::Outcome::Same => return Ok(()),
            expected::Outcome::Skipped(why) => why,
        }
    } else {
        "valgrind is missing".to_owned()
    };
    println!("skipped: {skipped}");
    session.notes.push(format!("skipped: {skipped}"));
    Ok(())
}

impl Session {
    /// `--all-features`, or every feature that can be built here.
    fn add_all_features(&mut self, command: &mut Command) {
        match self.no_native_tls() {
            None => command.arg("--all-features"),
            Some(why) => {
                self.notes.push(format!("skipped native-tls: {why}"));
                command.args(["--features", &self.metadata.portable_features().join(",")])
            }
        };
    }

    /// Why the features that need the operating system's TLS library cannot be built here, if they cannot.
    fn no_native_tls(&mut self) -> Option<String> {
        self.no_native_tls
            .get_or_insert_with(system::no_openssl)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(stages: &[&Stage]) -> Vec<&'static str> {
        stages.iter().map(|stage| stage.name).collect()
    }

    #[test]
    fn stages_are_chosen_by_name_and_keep_their_order() {
        assert_eq!(
            select(None, None).ok().map(|stages| stages.len()),
            Some(STAGES.len())
        );
        assert_eq!(
            names(&select(Some("tidy,fmt"), None).unwrap()),
            ["fmt", "tidy"]
        );
        assert_eq!(
            names(&select(Some("tidy,fmt"), Some("fmt")).unwrap()),
            ["tidy"]
        );
        assert!(!names(&select(None, Some("test")).unwrap()).contains(&"test"));
    }

    #[test]
    fn an_unknown_stage_is_refused() {
        assert!(
            select(Some("fmt,nothing"), None)
                .err()
                .unwrap()
                .to_string()
                .contains("`nothing`")
        );
    }

    #[test]
    fn the_table_shows_time_and_notes() {
        let row = Row {
            name: "docs",
            outcome: "FAILED",
            took: Duration::from_secs(65),
            notes: vec!["a\nb".to_owned()],
        };
        assert_eq!(
            table(&[row]),
            "stage         result      time\ndocs          FAILED    1m 05s\n              a\n              b\n"
        );
    }
}
