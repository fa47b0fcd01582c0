//! `cargo xtask bench journeys`: steps and whole journeys that the engines make durable, beside the same statements by rusqlite and pgbench
//! alone and beside other engines of durable workflows, and a start with many journeys open. The programs are examples of the engines'
//! crates and `../peers/{journeys,dbos}`.
//!
//! Everything is on the disk that `target` is on.

mod judged;
mod postgres;
mod starts;
mod table;
mod whole;

use std::fmt::Write as _;
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::metadata::Metadata;
use crate::picture::{self, Picture, Rows};
use crate::programs;
use crate::report;
use crate::shell::{self, Workspace};
use judged::{HEADING, Judged, Target};
use postgres::Postgres;
use starts::Starts;
use table::Table;

/// Syncs a second of a disk on which the speed by itself is judged.
const FAST_DISK: f64 = 10_000.0;

/// How much is measured.
struct Extent {
    /// Of steps on SQLite, 1.5 s a variant.
    rounds_of_steps: &'static str,
    /// Of steps on PostgreSQL, and of how many seconds.
    rounds_on_postgres: [&'static str; 2],
    /// Of whole journeys, and of how many seconds.
    rounds_of_journeys: (usize, &'static str),
    /// How many journeys are open at a start.
    open: &'static [u32],
}

const WHOLE: Extent = Extent {
    rounds_of_steps: "5",
    rounds_on_postgres: ["3", "3"],
    rounds_of_journeys: (3, "3"),
    open: &[1_000, 10_000, 100_000, 1_000_000, 10_000_000],
};

const SHORT: Extent = Extent {
    rounds_of_steps: "1",
    rounds_on_postgres: ["1", "1"],
    rounds_of_journeys: (1, "1"),
    open: &[1_000, 10_000, 100_000],
};

/// What was measured.
struct Measured {
    sqlite: Table,
    postgres: Table,
    starts: Starts,
}

pub(crate) fn run(workspace: &Workspace, short: bool) -> Result<()> {
    let extent = if short { SHORT } else { WHOLE };
    let output = Metadata::read(workspace)?
        .target_directory
        .join("bench/journeys");
    // Where databases are, also those of a run that was ended.
    let place = output.join("databases");
    if place.exists() {
        std::fs::remove_dir_all(&place).context(|| format!("cannot remove {}", place.display()))?;
    }
    std::fs::create_dir_all(&place).context(|| format!("cannot create {}", place.display()))?;
    // Everything is built before anything is measured.
    let example =
        |package, features: &[&str], name| programs::example(workspace, package, features, name);
    let testing = "--features=testing";
    let steps = example("kyc-journey-sqlite", &[testing], "sqlite_steps")?;
    let restart = example("kyc-journey-sqlite", &[testing], "restart")?;
    let without_tls = ["--no-default-features", testing];
    let steps_on_postgres = example("kyc-journey-postgres", &without_tls, "postgres_steps")?;
    let programs = whole::Programs::build(workspace, &output)?;
    let mut text = format!(
        "events of journeys, each durable when it is acknowledged; {}; {}\n",
        shell::read(Command::new("rustc").arg("--version"))?.trim(),
        machine::description()
    );

    println!("steps on SQLite");
    let steps = shell::read(Command::new(steps).arg(extent.rounds_of_steps).arg(&place));
    let sqlite = noted(
        &mut text,
        "SQLite, WAL journal, synchronous FULL, for all",
        steps,
    );
    println!("steps on PostgreSQL");
    let server = Postgres::start(&place);
    let postgres = match &server {
        Ok(server) => {
            let mut steps = Command::new(steps_on_postgres);
            let steps = steps.args(extent.rounds_on_postgres).arg(server.address());
            let title = format!("{}, for both", server.durability()?);
            noted(&mut text, &title, shell::read(steps))
        }
        Err(why) => noted(&mut text, "PostgreSQL", Err(Failure::new(why.to_string()))),
    };
    let (rounds, seconds) = extent.rounds_of_journeys;
    let whole = whole::measure(&programs, &place, &server, rounds, seconds);
    drop(server);
    let _ = writeln!(text, "\n{}", whole.report(seconds));
    let starts = starts::measure(&restart, &place, extent.open)?;
    let _ = writeln!(text, "{}\n{HEADING}", starts.report());
    // Ten million journeys are not left behind.
    std::fs::remove_dir_all(&place).context(|| format!("cannot remove {}", place.display()))?;

    let measured = Measured {
        sqlite,
        postgres,
        starts,
    };
    let mut passed = true;
    for judged in measured.judged(&whole) {
        passed &= judged.passed();
        let _ = writeln!(text, "{judged}");
    }
    if !short && let Err(why) = measured.draw(workspace) {
        passed = false;
        let _ = writeln!(text, "the pictures were not drawn: {why}");
    }
    report::finish(
        &output,
        &text,
        passed,
        "journeys cost more than they may, or not everything could be measured",
    )
}

/// A table as it was printed goes into the report, under its title; where there is none, why.
fn noted(text: &mut String, title: &str, printed: Result<String>) -> Table {
    let _ = match &printed {
        Ok(printed) => write!(text, "\n{title}: {printed}"),
        Err(why) => writeln!(text, "\n{title}: not measured: {why}"),
    };
    Table::parse(&printed.unwrap_or_default())
}

impl Measured {
    fn judged(&self, whole: &whole::Whole) -> Vec<Judged> {
        let (sqlite, postgres) = (&self.sqlite, &self.postgres);
        let grouped = sqlite.speed("engine, 256 at once");
        let syncs = sqlite.speed("write and sync").unwrap_or_default();
        let slow = format!("this disk syncs {syncs:.0} times a second, and 10,000 are asked for");
        vec![
            Judged::ratio(
                "steps/s, 256 at once; rusqlite, 256 a commit",
                grouped,
                sqlite.speed("raw, 256 a commit"),
                Target::AtLeast(0.75),
            ),
            Judged::alone("steps/s, 256 at once", grouped, Target::AtLeast(60_000.0))
                .excused((syncs < FAST_DISK).then_some(slow)),
            Judged::ratio(
                "steps/s, one at a time; rusqlite, 1 a commit",
                sqlite.speed("engine, 1 at once"),
                sqlite.speed("raw, 1 a commit"),
                Target::AtLeast(0.80),
            ),
            Judged::ratio(
                "ms, 99th percentile, 64 at once; median sync",
                sqlite.longest_wait("engine, 64 at once"),
                sqlite.median_wait("write and sync"),
                Target::AtMost(3.0),
            ),
            Judged::ratio(
                "steps/s on PostgreSQL, 64 at once; pgbench, 64",
                postgres.speed("engine, 64 at once"),
                postgres.speed("pgbench, 64 at once"),
                Target::AtLeast(0.70),
            ),
            Judged::ratio(
                "whole journeys/s, SQLite; durare, each at its best",
                whole.ours(),
                whole.durare(),
                Target::AtLeast(10.0),
            ),
            Judged::ratio(
                "whole journeys/s, SQLite; duroxide, each at its best",
                whole.ours(),
                whole.duroxide(),
                Target::AtLeast(50.0),
            ),
            Judged::alone(
                "ms to the first effect, 100,000 open",
                self.starts.first_effect(100_000),
                Target::AtMost(2_000.0),
            ),
            Judged::alone(
                "KiB of memory, 100,000 open",
                self.starts.memory(100_000),
                Target::AtMost(65_536.0),
            ),
        ]
    }

    /// How the figures grow, as tables and pictures.
    fn draw(&self, workspace: &Workspace) -> Result<()> {
        let note = picture::note()?;
        let plots = picture::directory(workspace)?;
        let mut files = Vec::new();
        let mut write = |name: &str, title, axis, unit, rows: Rows| -> Result<()> {
            // What was not measured keeps its last picture.
            if rows.is_empty() {
                return Ok(());
            }
            let picture = Picture {
                title,
                note: &note,
                axis,
                unit,
            };
            files.push(picture.write(plots.join(name), &rows)?);
            Ok(())
        };
        let (sqlite, postgres) = (&self.sqlite, &self.postgres);
        let mut rows = named("engine on SQLite", sqlite.speeds("engine, ", " at once"));
        rows.extend(named(
            "rusqlite with as many a commit",
            sqlite.speeds("raw, ", " a commit"),
        ));
        rows.extend(named(
            "engine on PostgreSQL",
            postgres.speeds("engine, ", " at once"),
        ));
        rows.extend(named("pgbench", postgres.speeds("pgbench, ", " at once")));
        let steps = "durable steps a second";
        write(
            "journeys-concurrency.csv",
            "Steps of journeys, and how many are submitted at once",
            "steps at once",
            steps,
            rows,
        )?;
        let rows = sqlite.speeds("engine, 64, ", " events");
        write(
            "journeys-history.csv",
            "Steps of journeys, and what happened to each before",
            "events that each of 64 journeys has",
            steps,
            named("engine on SQLite with 64 at once", rows),
        )?;
        write(
            "journeys-open.csv",
            "Steps of journeys, and how many are open",
            "journeys in the database",
            steps,
            named("engine on SQLite with 256 at once", self.starts.speeds()),
        )?;
        write(
            "journeys-start.csv",
            "A start, and how many journeys are open",
            "journeys in the database",
            "from the start of a process to its first effect, ms",
            named("engine on SQLite", self.starts.first_effects()),
        )?;
        picture::draw(workspace, &files)
    }
}

fn named(name: &'static str, figures: impl Iterator<Item = (u32, crate::spread::Spread)>) -> Rows {
    figures.map(|(at, spread)| (at, name, spread)).collect()
}
