//! Whole journeys of five durable steps: by our engines, and workflows of as many by engines that a user would take instead.
//!
//! Each program takes a place, how many at once and seconds, and prints `JOURNEYS ELAPSED_S P50_MS P99_MS DURABILITY`; one whose durability
//! is the server's leaves it out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::postgres::Postgres;
use crate::failure::{Failure, Result};
use crate::peers;
use crate::programs;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

/// After how many seconds a run that does not end is ended.
const LIMIT: &str = "45";

/// What runs the journeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Sqlite,
    SqliteAtMostOnce,
    Postgres,
    Restate,
    Durare(&'static str),
    Duroxide(&'static str),
    Dbos,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Variant {
    engine: Engine,
    at_once: u32,
}

impl Variant {
    const fn of(engine: Engine, at_once: u32) -> Self {
        Self { engine, at_once }
    }

    fn name(self) -> String {
        let name = match self.engine {
            Engine::Sqlite => "ours, SQLite",
            Engine::SqliteAtMostOnce => "ours, SQLite, calls at most once",
            Engine::Postgres => "ours, PostgreSQL",
            Engine::Restate => "ours, Restate",
            Engine::Durare(_) => "durare",
            Engine::Duroxide(_) => "duroxide",
            Engine::Dbos => "DBOS for Python",
        };
        format!("{name}, {} at once", self.at_once)
    }
}

const VARIANTS: [Variant; 15] = [
    Variant::of(Engine::Sqlite, 1),
    Variant::of(Engine::Sqlite, 64),
    Variant::of(Engine::Sqlite, 256),
    Variant::of(Engine::SqliteAtMostOnce, 256),
    Variant::of(Engine::Durare("FULL"), 64),
    Variant::of(Engine::Durare("FULL"), 256),
    Variant::of(Engine::Durare("NORMAL"), 64),
    Variant::of(Engine::Durare("NORMAL"), 256),
    Variant::of(Engine::Duroxide("FULL"), 64),
    Variant::of(Engine::Duroxide("NORMAL"), 64),
    Variant::of(Engine::Duroxide("NORMAL"), 256),
    Variant::of(Engine::Postgres, 64),
    Variant::of(Engine::Postgres, 256),
    Variant::of(Engine::Dbos, 64),
    Variant::of(Engine::Restate, 64),
];

/// What one run printed.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    per_second: f64,
    p50: f64,
    p99: f64,
    durability: String,
}

impl Run {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.trim().splitn(5, ' ');
        let mut number = || words.next()?.parse::<f64>().ok();
        let (journeys, elapsed, p50, p99) = (number()?, number()?, number()?, number()?);
        Some(Self {
            per_second: journeys / elapsed,
            p50,
            p99,
            durability: words.next().unwrap_or_default().to_owned(),
        })
    }
}

/// The programs, or why one cannot be had here.
pub(super) struct Programs {
    sqlite: PathBuf,
    postgres: PathBuf,
    restate: Result<PathBuf>,
    peers: Result<PathBuf>,
    dbos: Result<(PathBuf, PathBuf)>,
}

/// The rounds of a variant that were measured, and why the last one that was not was not.
struct Row {
    variant: Variant,
    runs: Vec<Run>,
    why: Option<Failure>,
}

/// All variants.
pub(super) struct Whole(Vec<Row>);

impl Programs {
    pub(super) fn build(workspace: &Workspace, output: &Path) -> Result<Self> {
        let restate = || {
            let server = std::env::var_os("KYC_RESTATE_SERVER").map(PathBuf::from);
            match server.filter(|program| program.is_file()) {
                Some(_) => {
                    let features = ["--features=testing"];
                    programs::example(
                        workspace,
                        "kyc-journey-restate",
                        &features,
                        "restate_journeys",
                    )
                }
                None => Err(Failure::new("KYC_RESTATE_SERVER names no restate-server")),
            }
        };
        let sources = workspace.lab().join("peers");
        let dbos = || {
            let output = output.join("dbos");
            let python = peers::environment(&sources.join("dbos"), &output)?;
            Ok((python, output.join("journeys.py")))
        };
        Ok(Self {
            sqlite: programs::example(
                workspace,
                "kyc-journey-sqlite",
                &["--features=testing"],
                "sqlite_journeys",
            )?,
            postgres: programs::example(
                workspace,
                "kyc-journey-postgres",
                &["--no-default-features", "--features=testing"],
                "postgres_journeys",
            )?,
            restate: restate(),
            peers: peers::cargo_package(workspace, &sources.join("journeys"), "journeys"),
            dbos: dbos(),
        })
    }

    fn run(
        &self,
        variant: Variant,
        seconds: &str,
        place: &Path,
        postgres: &Result<Postgres>,
    ) -> Result<Run> {
        let at_once = variant.at_once.to_string();
        let server = || {
            let server = postgres.as_ref();
            server.map_err(|why| Failure::new(why.to_string()))
        };
        let had = |program: &Result<PathBuf>| {
            let program = program.as_ref().map(PathBuf::as_path);
            program
                .map_err(|why| Failure::new(why.to_string()))
                .map(limited)
        };
        // A place of its own, which goes with its files.
        let directory = tempfile::tempdir_in(place)
            .map_err(|error| Failure::new(format!("cannot create a directory: {error}")))?;
        let command = match variant.engine {
            Engine::Sqlite | Engine::SqliteAtMostOnce => {
                let mut command = limited(&self.sqlite);
                command.arg(directory.path()).args([&at_once, seconds]);
                if variant.engine == Engine::SqliteAtMostOnce {
                    command.arg("at-most-once");
                }
                command
            }
            Engine::Postgres => {
                let mut command = limited(&self.postgres);
                command.arg(server()?.address()).args([&at_once, seconds]);
                command
            }
            Engine::Restate => {
                let mut command = had(&self.restate)?;
                command.arg(directory.path()).args([&at_once, seconds]);
                command
            }
            Engine::Durare(synchronous) | Engine::Duroxide(synchronous) => {
                let mut command = had(&self.peers)?;
                let is_durare = matches!(variant.engine, Engine::Durare(_));
                command.arg(if is_durare { "durare" } else { "duroxide" });
                command.arg(directory.path());
                command.args([&at_once, seconds, synchronous]);
                command
            }
            Engine::Dbos => {
                let program = self.dbos.as_ref();
                let (python, script) = program.map_err(|why| Failure::new(why.to_string()))?;
                let mut command = limited(python);
                command.arg(script).arg(server()?.host());
                command.args([&at_once, seconds]);
                command
            }
        };
        let mut run = measured(command)?;
        if matches!(variant.engine, Engine::Postgres | Engine::Dbos) {
            run.durability = server()?.durability()?;
        }
        Ok(run)
    }
}

/// The program, which is ended with everything that it started if it does not end by itself.
fn limited(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.arg(LIMIT).arg(program);
    command
}

fn measured(mut command: Command) -> Result<Run> {
    let printed = shell::read(&mut command)?;
    // Some engines log there, too.
    let line = printed.trim().lines().next_back().unwrap_or_default();
    Run::parse(line).ok_or_else(|| Failure::new(format!("cannot read `{}`", line.trim())))
}

/// Runs all variants in turn in each round. One that fails is tried again in the next.
pub(super) fn measure(
    programs: &Programs,
    place: &Path,
    postgres: &Result<Postgres>,
    rounds: usize,
    seconds: &str,
) -> Whole {
    let row = |variant| Row {
        variant,
        runs: Vec::new(),
        why: None,
    };
    let mut table: Vec<Row> = VARIANTS.into_iter().map(row).collect();
    for round in 1..=rounds {
        println!("whole journeys, round {round} of {rounds}");
        for row in &mut table {
            match programs.run(row.variant, seconds, place, postgres) {
                Ok(run) => row.runs.push(run),
                Err(why) => row.why = Some(why),
            }
        }
    }
    Whole(table)
}

impl Whole {
    /// The table.
    pub(super) fn report(&self, seconds: &str) -> String {
        let mut text = format!(
            "whole journeys of five durable steps, one after another; {seconds} s a round, medians of rounds in turn\n\
             {:<46}{:>11}{:>9}{:>9}{:>9}{:>9}  durability\n",
            "", "journeys/s", "least", "most", "p50 ms", "p99 ms"
        );
        for Row { variant, runs, why } in &self.0 {
            let name = variant.name();
            let why = why.as_ref().map(ToString::to_string).unwrap_or_default();
            let why = why.lines().next().unwrap_or_default();
            if runs.is_empty() {
                let _ = writeln!(text, "{name:<46} not measured: {why}");
                continue;
            }
            let of = |figure: fn(&Run) -> f64| -> Spread { runs.iter().map(figure).collect() };
            let speed = of(|run| run.per_second);
            let durability = runs.first().map_or("", |run| run.durability.as_str());
            let _ = writeln!(
                text,
                "{name:<46}{:>11.0}{:>9.0}{:>9.0}{:>9.1}{:>9.1}  {durability}",
                speed.median(),
                speed.least(),
                speed.most(),
                of(|run| run.p50).median(),
                of(|run| run.p99).median(),
            );
            if !why.is_empty() {
                let _ = writeln!(text, "{:<46} not in every round: {why}", "");
            }
        }
        text
    }

    /// Journeys a second of the engine with as many at once as suit it best.
    fn best(&self, is_engine: fn(Engine) -> bool) -> Option<f64> {
        let rows = self.0.iter().filter(|row| is_engine(row.variant.engine));
        let measured = rows.filter(|row| !row.runs.is_empty());
        let speeds = measured.map(|row| {
            let speeds = row.runs.iter().map(|run| run.per_second);
            speeds.collect::<Spread>().median()
        });
        speeds.reduce(f64::max)
    }

    pub(super) fn ours(&self) -> Option<f64> {
        self.best(|engine| engine == Engine::Sqlite)
    }

    pub(super) fn durare(&self) -> Option<f64> {
        self.best(|engine| matches!(engine, Engine::Durare(_)))
    }

    pub(super) fn duroxide(&self) -> Option<f64> {
        self.best(|engine| matches!(engine, Engine::Duroxide(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(per_second: f64) -> Run {
        Run {
            per_second,
            p50: 1.0,
            p99: 2.0,
            durability: "on a disk".to_owned(),
        }
    }

    #[test]
    fn a_line_is_read_with_its_durability_or_without() {
        let read = Run::parse("100 2.000 1.00 2.00 on a disk\n");
        assert_eq!(read, Some(run(50.0)));
        let without = Run::parse("100 2.000 1.00 2.00");
        assert_eq!(without.map(|run| run.durability).as_deref(), Some(""));
        assert_eq!(Run::parse("100 2.000 1.00"), None);
    }

    #[test]
    fn the_best_counts_and_one_that_failed_says_why() {
        let row = |engine, runs, why: Option<&str>| Row {
            variant: Variant::of(engine, 64),
            runs,
            why: why.map(Failure::new),
        };
        let whole = Whole(vec![
            row(Engine::Durare("FULL"), vec![run(5.0)], Some("locked")),
            row(
                Engine::Durare("NORMAL"),
                vec![run(7.0), run(9.0), run(8.0)],
                None,
            ),
            row(Engine::Dbos, vec![], Some("no server\nreally")),
        ]);
        assert_eq!(whole.durare(), Some(8.0));
        assert_eq!(whole.ours(), None);
        let report = whole.report("3");
        assert!(report.contains("DBOS for Python, 64 at once"), "{report}");
        assert!(report.contains("not measured: no server\n"), "{report}");
        assert!(report.contains("on a disk"), "{report}");
        assert!(report.contains("not in every round: locked\n"), "{report}");
    }
}
