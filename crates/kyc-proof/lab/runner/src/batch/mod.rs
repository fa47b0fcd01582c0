//! `cargo xtask bench batch`: `kyc finpro profile --batch` over a thousand to a million people while exchanges fail, beside what
//! users would write by hand; and a batch that is killed and gone on with.
//!
//! Judged are the processor time of a million rows, which a busy machine disturbs less than the clock on the wall, the most
//! memory and what it grows by, and that each row is answered once.

mod clients;
mod killed;
mod settlement;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use crate::cores;
use crate::failure::{Context, Result};
use crate::metadata::Metadata;
use crate::numbers::grouped;
use crate::peers::Runtime;
use crate::picture::{self, Picture, Rows};
use crate::programs::{self, Programs};
use crate::report;
use crate::shell::Workspace;
use crate::spread::Spread;
use clients::{AT_ONCE, Client, FAULTS_EVERY, Run, Setting};
use killed::{KILLS, Killed, WINDOW};
use tempfile::TempDir;

const SIZES: [u32; 4] = [1_000, 10_000, FEW, MANY];
const FEW: u32 = 100_000;
const MANY: u32 = 1_000_000;
const ROUNDS: usize = 3;

/// The most processor time of the million, the most memory, and what it may grow by with each 100,000 rows.
const MOST_SECONDS: f64 = 40.0;
const MOST_KIB: f64 = 64.0 * 1024.0;
const MOST_GROWTH_KIB: f64 = 1024.0;

/// The runs of each client and size.
type Runs = BTreeMap<(Client, u32), Vec<Run>>;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let output = Metadata::read(workspace)?
        .target_directory
        .join("bench/batch");
    fs::create_dir_all(&output).context(|| format!("cannot create {}", output.display()))?;
    let programs = Programs::build(workspace, &["batch", "measured", "server"])?;
    let kyc = programs::kyc(workspace)?;
    println!("preparing the peer for Python");
    let python = Runtime::Python.prepare(workspace, &output);
    if let Err(failure) = &python {
        println!("NOT MEASURED: aiohttp: {failure}");
    }
    let directory = TempDir::new().context(|| "cannot make a temporary directory".into())?;
    let setting = Setting {
        programs: &programs,
        kyc,
        python: python.ok(),
        directory: directory.path(),
    };
    let runs = measure(&setting)?;
    println!("killing a batch of {} rows {KILLS} times", grouped(FEW));
    // As long as the file of a whole run is, but for the ids of requests that differ.
    setting.measure(Client::Ours, FEW)?;
    let whole = fs::metadata(setting.results()).map_or(0, |file| file.len());
    let killed = killed::run(&setting, FEW, whole)?;

    let note = note(workspace, &setting)?;
    let (verdicts, passed) = verdicts(&runs, &killed);
    let report = format!(
        "`kyc finpro profile --batch` and by hand: {AT_ONCE} at once, three aggregators, one exchange of {FAULTS_EVERY} fails; \
         {ROUNDS} rounds, each client in turn\n{}\n{note}\n\n{}\n{verdicts}",
        cores::description(),
        table(&runs)
    );
    draw(workspace, &note, &runs)?;
    report::finish(&output, &report, passed, "a target was missed")
}

fn measure(setting: &Setting<'_>) -> Result<Runs> {
    let mut runs = Runs::new();
    for round in 1..=ROUNDS {
        for rows in SIZES {
            for client in Client::ALL {
                let has = client != Client::Aiohttp || setting.python.is_some();
                if has && client.does(rows) {
                    let (name, size) = (client.name(), grouped(rows));
                    println!("round {round} of {ROUNDS}: {name}, {size} rows");
                    let run = setting.measure(client, rows)?;
                    runs.entry((client, rows)).or_default().push(run);
                }
            }
        }
    }
    Ok(runs)
}

fn note(workspace: &Workspace, setting: &Setting<'_>) -> Result<String> {
    let note = picture::note_of_calls(workspace)?;
    let versions = setting.python.as_ref().map(|ready| ready.versions.as_str());
    let mut versions = versions.unwrap_or_default().split(", ");
    Ok(
        match versions.find(|version| version.starts_with("aiohttp")) {
            Some(version) => note.replace("; loopback", &format!(", {version}; loopback")),
            None => note,
        },
    )
}

/// One figure of all rounds.
fn spread(runs: &[Run], figure: impl Fn(&Run) -> f64) -> Spread {
    let mut spread = Spread::default();
    runs.iter().for_each(|run| spread.push(figure(run)));
    spread
}

fn table(runs: &Runs) -> String {
    let mut table = format!(
        "{:<28}{:>10} {:>22} {:>9} {:>9} {:>7} {:>10} {:>9} {:>8} {:>5} {:>8} {:>7}\n",
        "",
        "rows",
        "CPU s",
        "µs a row",
        "rows/s",
        "wall s",
        "most KiB",
        "server s",
        "repeats",
        "lost",
        "doubled",
        "failed"
    );
    for ((client, rows), runs) in runs {
        let processor = spread(runs, |run| run.processor);
        let elapsed = spread(runs, |run| run.elapsed).median();
        let sum = |of: fn(&Run) -> u64| runs.iter().map(of).sum::<u64>();
        let _ = writeln!(
            table,
            "{:<28}{:>10} {:>22} {:>9.1} {:>9} {:>7.1} {:>10} {:>9.2} {:>8} {:>5} {:>8} {:>7}",
            client.name(),
            grouped(rows),
            format!(
                "{:.2} ({:.2}–{:.2})",
                processor.median(),
                processor.least(),
                processor.most()
            ),
            processor.median() / f64::from(*rows) * 1e6,
            grouped(f64::from(*rows) / elapsed),
            elapsed,
            grouped(spread(runs, |run| run.kib).median()),
            spread(runs, |run| run.server).median(),
            grouped(sum(|run| run.summary.repeats)),
            sum(|run| run.settlement.lost),
            sum(|run| run.settlement.doubled + run.counts.twice),
            sum(|run| run.settlement.failed),
        );
    }
    table
}

/// What is judged of ours, and whether all of it is as it should be.
fn verdicts(runs: &Runs, killed: &Killed) -> (String, bool) {
    let of = |rows| {
        runs.get(&(Client::Ours, rows))
            .map_or(&[][..], Vec::as_slice)
    };
    let (few, many) = (of(FEW), of(MANY));
    let seconds = spread(many, |run| run.processor).median();
    let server = spread(many, |run| run.server).median();
    let most = spread(many, |run| run.kib).most();
    let hundreds_of_thousands = f64::from(MANY / FEW - 1);
    let growth = (most - spread(few, |run| run.kib).least()) / hundreds_of_thousands;
    let ours = || {
        SIZES
            .iter()
            .flat_map(|rows| of(*rows).iter().map(move |run| (*rows, run)))
    };
    let sum = |figure: fn(&Run) -> u64| ours().map(|(_, run)| figure(run)).sum::<u64>();
    let asked: u64 = ours().map(|(rows, _)| u64::from(rows)).sum();
    let (lost, failed) = (
        sum(|run| run.settlement.lost),
        sum(|run| run.settlement.failed),
    );
    let doubled = sum(|run| run.settlement.doubled + run.counts.twice);
    let settled = ours().all(|(rows, run)| run.summary.agrees_with(&run.counts, rows));
    let (twice, window) = (killed.counts.twice, u64::from(KILLS * WINDOW));
    let verdicts = [
        (
            format!("processor time of a million rows: {seconds:.1} s, at most {MOST_SECONDS:.0}"),
            seconds <= MOST_SECONDS,
        ),
        (
            format!(
                "most memory of a million rows: {} KiB, at most {}",
                grouped(most),
                grouped(MOST_KIB)
            ),
            most <= MOST_KIB,
        ),
        (
            format!("growth with each 100,000 rows: {growth:.0} KiB, less than {MOST_GROWTH_KIB}"),
            growth < MOST_GROWTH_KIB,
        ),
        (
            format!(
                "lost, of {} rows: {lost}; without an answer: {failed}",
                grouped(asked)
            ),
            asked > 0 && lost == 0 && failed == 0,
        ),
        (format!("doubled: {doubled}"), doubled == 0),
        (
            format!(
                "{} requests = rows + {} repeats, one for each fault, as the server counted",
                grouped(sum(|run| run.summary.requests)),
                grouped(sum(|run| run.summary.repeats))
            ),
            settled,
        ),
        (
            format!(
                "killed {KILLS} times: {twice} rows asked twice, at most {KILLS} times {WINDOW}"
            ),
            twice <= window,
        ),
        (
            format!(
                "killed {KILLS} times, of {} rows: lost {}, doubled {}, without an answer {}",
                grouped(FEW),
                killed.settlement.lost,
                killed.settlement.doubled,
                killed.settlement.failed
            ),
            killed.settlement == settlement::Settlement::default()
                && killed.counts.people == u64::from(FEW),
        ),
        (
            format!("the server took {server:.1} s for them, less than the client"),
            server < seconds,
        ),
    ];
    let mut text = String::new();
    for (about, passed) in &verdicts {
        let _ = writeln!(text, "{} {about}", if *passed { "PASS" } else { "FAIL" });
    }
    (text, verdicts.iter().all(|(_, passed)| *passed))
}

/// The pictures of processor time and memory.
fn draw(workspace: &Workspace, note: &str, runs: &Runs) -> Result<()> {
    let plots = picture::directory(workspace)?;
    let picture = |title, unit| Picture {
        title,
        note,
        axis: "rows of the batch, one of 1,000 exchanges fails",
        unit,
    };
    let rows = |figure: fn(f64, &Run) -> f64| -> Rows {
        let figures = runs.iter().map(|((client, rows), runs)| {
            let spread = spread(runs, |run| figure(f64::from(*rows), run));
            (*rows, client.name(), spread)
        });
        figures.collect()
    };
    let tables = [
        picture(
            "A batch, and what a row of it costs",
            "processor time of a row, user and system, µs",
        )
        .write(
            plots.join("batch.csv"),
            &rows(|rows, run| run.processor / rows * 1e6),
        )?,
        picture("A batch, and its memory", "most memory of the process, MiB").write(
            plots.join("batch-memory.csv"),
            &rows(|_, run| run.kib / 1024.0),
        )?,
    ];
    picture::draw(workspace, &tables)
}
