//! Prints how many steps a second the engine makes durable, beside the same statements by rusqlite alone.
//!
//! `cargo run --release -p kyc-journey-sqlite --features testing --example sqlite_steps [ROUNDS] [DIRECTORY]`: the variants take turns in each
//! round, so that a disk that changes its mood changes all of them. A row has the median of the rounds, and the least and most steps a
//! second; its figures begin at column 24. Nothing is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kyc_journey::provider_core::capability::ProviderReference;
use kyc_journey::provider_core::jiff::Timestamp;
use kyc_journey::testing::ClearText;
use kyc_journey::{
    Answer, CorrelationToken, Effect, EffectId, EffectKind, Event, EventKey, Fact, Journey,
    JourneyEngine as _, JourneyId, Operation, Plan, Source, Transition, VerificationPlan, apply,
};
use kyc_journey_sqlite::SqliteEngine;
use rusqlite::{Connection, params};
use tokio::task::JoinSet;

/// How long each variant is measured in each round.
const TIME: Duration = Duration::from_millis(1_500);

/// What is submitted at once.
const AT_ONCE: [usize; 6] = [1, 4, 16, 64, 256, 1_024];

/// How many events each of 64 journeys has before it is measured.
const HISTORIES: [u64; 4] = [10, 100, 1_000, 10_000];

/// The machine, which besides asks for a call at each unknown report. Its answer is the next step.
fn machine(journey: &Journey, event: &Event) -> Transition {
    let mut transition = apply(journey, event);
    if let Fact::Unrecognized(_) = event.fact {
        let session = ProviderReference::parse("a-session-of-veriff").unwrap();
        transition.effects.push(Effect {
            id: EffectId {
                journey: journey.id().clone(),
                seq: transition.state.seq(),
                ordinal: 0,
            },
            kind: EffectKind::Call(Operation::ReadDecision { session }),
        });
    }
    transition
}

/// One measured variant in one round.
struct Measured {
    steps_per_second: f64,
    /// Of the processor, over all threads, and over the threads that write: what a busy neighbour does not change much.
    microseconds: [f64; 2],
    latencies: Vec<Duration>,
}

/// When a measurement began, by the wall and by the processor.
#[derive(Clone, Copy)]
struct Began {
    wall: Instant,
    processor: [f64; 2],
}

impl Began {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            processor: processor(),
        }
    }

    fn is_over(self) -> bool {
        self.wall.elapsed() >= TIME
    }

    fn measured(self, latencies: Vec<Duration>, steps_each: usize) -> Measured {
        let steps = (latencies.len() * steps_each) as f64;
        let now = processor();
        let cost = |of: usize| (now[of] - self.processor[of]) / steps * 1e6;
        Measured {
            steps_per_second: steps / self.wall.elapsed().as_secs_f64(),
            microseconds: [cost(0), cost(1)],
            latencies,
        }
    }
}

/// Seconds of the processor that this process has had, and its writers alone; 0 where the system does not tell.
fn processor() -> [f64; 2] {
    let mut seconds = [0.0, 0.0];
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten() {
        let Ok(thread) = thread else { continue };
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // After the name, which may have blanks.
        let (name, fields) = stat.rsplit_once(')').unwrap_or_default();
        let ticks = fields.split(' ').skip(12).take(2);
        let ticks: f64 = ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        seconds[0] += ticks / 100.0;
        if name.contains("kyc-journey") {
            seconds[1] += ticks / 100.0;
        }
    }
    seconds
}

/// Appends to a file and syncs it.
fn syncs(directory: &Path) -> Measured {
    let mut file = std::fs::File::create(directory.join("syncs")).unwrap();
    let (began, mut latencies) = (Began::now(), Vec::new());
    while !began.is_over() {
        let start = Instant::now();
        file.write_all(&[7; 4_096]).unwrap();
        file.sync_data().unwrap();
        latencies.push(start.elapsed());
    }
    began.measured(latencies, 1)
}

/// The engine's statements and settings, and bodies as long as its own, without a machine, JSON, threads or a queue. What the engine has
/// at hand, it does not read either.
struct Raw {
    database: Connection,
    step: i64,
}

impl Raw {
    const JOURNEYS: i64 = 1_024;

    fn new(directory: &Path) -> Self {
        // The engine makes the tables.
        let path = directory.join("raw.db");
        drop(SqliteEngine::open(&path, Arc::new(ClearText)).unwrap());
        let database = Connection::open(path).unwrap();
        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                        PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
                        PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16384;";
        database.execute_batch(settings).unwrap();
        database.set_prepared_statement_cache_capacity(64);
        let mut insert = database
            .prepare("INSERT INTO journey VALUES (?1, ?2, 0, 'running', 0, 0, ?3)")
            .unwrap();
        for number in 1..=Self::JOURNEYS {
            let id = JourneyId::from_bits(number as u128);
            insert
                .execute(params![number, id.as_str(), vec![b'x'; STATE]])
                .unwrap();
        }
        drop(insert);
        Self { database, step: 0 }
    }

    /// As long as the engine measures; `size` steps a commit.
    fn run(&mut self, size: usize) -> Measured {
        let (began, mut latencies) = (Began::now(), Vec::new());
        while !began.is_over() {
            let start = Instant::now();
            self.database.execute_batch("BEGIN IMMEDIATE").unwrap();
            for _ in 0..size {
                self.step();
            }
            self.database.execute_batch("COMMIT").unwrap();
            latencies.push(start.elapsed());
        }
        began.measured(latencies, size)
    }

    fn step(&mut self) {
        self.step += 1;
        let number = self.step % Self::JOURNEYS + 1;
        // Two steps of each journey follow each other: a call is asked for, and answered.
        let seq = self.step / Self::JOURNEYS;
        let asks = seq % 2 == 0;
        let mut key = [0_u8; 32];
        // Spread as digests are.
        let spread = (self.step as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        key[..8].copy_from_slice(&spread.to_be_bytes());
        let sql = &self.database;
        let one = |statement| sql.prepare_cached(statement).unwrap();
        assert!(
            !one("SELECT seq FROM event WHERE journey = ?1 AND key = ?2")
                .exists(params![number, key])
                .unwrap()
        );
        one("UPDATE journey SET seq = ?2, status = ?3, updated_at = ?4, state = ?5 WHERE number = ?1")
            .execute(params![number, seq, "running", self.step, vec![b'y'; STATE]])
            .unwrap();
        if asks {
            one(
                "INSERT INTO effect (journey, seq, ordinal, lane, due, timer, generation, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .execute(params![
                number,
                seq,
                0,
                0,
                self.step,
                None::<String>,
                None::<i64>,
                vec![b'z'; EFFECT]
            ])
            .unwrap();
        } else {
            one("DELETE FROM effect WHERE journey = ?1 AND seq = ?2 AND ordinal = ?3")
                .execute(params![number, seq - 1, 0])
                .unwrap();
        }
        one(
            "INSERT INTO event (journey, seq, key, body, leg, class, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .execute(params![
            number,
            seq,
            key,
            vec![b'e'; ENTRY],
            None::<String>,
            None::<String>,
            None::<String>
        ])
        .unwrap();
    }
}

// Lengths of the engine's bodies on average; `sizes` prints them.
const STATE: usize = 830;
const ENTRY: usize = 310;
const EFFECT: usize = 180;

/// An engine with a journey for each task.
struct Engine {
    engine: Arc<SqliteEngine>,
    path: PathBuf,
    at_once: usize,
    steps: u64,
}

impl Engine {
    async fn new(directory: &Path, at_once: usize) -> Self {
        let number = std::fs::read_dir(directory).unwrap().count();
        let path = directory.join(format!("engine-{number}.db"));
        let engine = SqliteEngine::open(&path, Arc::new(ClearText)).unwrap();
        let engine = Arc::new(engine.with_machine(machine));
        for number in 0..at_once {
            let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
            let token = CorrelationToken::from_bits(number as u128);
            let start = Fact::Start {
                plan: Box::new(plan),
                token,
            };
            let key = EventKey::command("start").unwrap();
            let event = Event::new(key, Timestamp::now(), None, start);
            let id = JourneyId::from_bits(number as u128);
            engine.submit(&id, event).await.unwrap();
        }
        Self {
            engine,
            path,
            at_once,
            steps: 0,
        }
    }

    /// Lets each journey have this many events.
    async fn grow(&mut self, events: u64) {
        self.submit(Some(events)).await;
    }

    async fn run(&mut self) -> Measured {
        self.submit(None).await
    }

    /// Until each journey has so many events, or for as long as is measured.
    async fn submit(&mut self, events: Option<u64>) -> Measured {
        let began = Began::now();
        let mut tasks = JoinSet::new();
        for number in 0..self.at_once {
            let (engine, first) = (Arc::clone(&self.engine), self.steps);
            let is_over = move |step| events.map_or(began.is_over(), |events| step >= events);
            tasks.spawn(async move { steps(&engine, number as u128, first, is_over).await });
        }
        let mut latencies = Vec::new();
        for (of_task, last) in tasks.join_all().await {
            latencies.extend(of_task);
            self.steps = self.steps.max(last);
        }
        began.measured(latencies, 1)
    }

    /// The mean lengths of state, entry and effect.
    fn sizes(&self) -> String {
        let database = Connection::open(&self.path).unwrap();
        let mean = |statement| -> f64 {
            let mean = database.query_row(statement, (), |row| row.get::<_, Option<f64>>(0));
            mean.unwrap().unwrap_or_default()
        };
        format!(
            "state {:.0}, entry {:.0}, effect {:.0} bytes",
            mean("SELECT avg(length(state)) FROM journey"),
            mean("SELECT avg(length(body)) FROM event WHERE seq > 1"),
            mean("SELECT avg(length(body)) FROM effect"),
        )
    }
}

/// Step after step of one journey.
async fn steps(
    engine: &SqliteEngine,
    number: u128,
    first: u64,
    is_over: impl Fn(u64) -> bool,
) -> (Vec<Duration>, u64) {
    let id = JourneyId::from_bits(number);
    let (mut latencies, mut step, mut asked) = (Vec::new(), first, None);
    while !is_over(step) {
        step += 1;
        let fact = match asked.take() {
            None => Fact::Unrecognized(Source::default()),
            Some(effect) => Fact::Answered {
                effect,
                answer: Answer::Done,
            },
        };
        let asks = matches!(fact, Fact::Unrecognized(_));
        let key = EventKey::command(&format!("{step}")).unwrap();
        let event = Event::new(key, Timestamp::now(), None, fact);
        let start = Instant::now();
        let submitted = engine.submit(&id, event).await.unwrap();
        latencies.push(start.elapsed());
        if asks {
            asked = Some(EffectId {
                journey: id.clone(),
                seq: submitted.seq,
                ordinal: 0,
            });
        }
    }
    (latencies, step)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn milliseconds(rounds: &[Measured], quantile: f64) -> f64 {
    let of_round = |round: &Measured| {
        let mut sorted = round.latencies.clone();
        sorted.sort_unstable();
        let place = (sorted.len() as f64 * quantile) as usize;
        sorted[place.min(sorted.len() - 1)].as_secs_f64() * 1e3
    };
    median(&mut rounds.iter().map(of_round).collect::<Vec<_>>())
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().map_or(7, |rounds| rounds.parse().unwrap());
    let directory = match arguments.next() {
        Some(directory) => tempfile::tempdir_in(directory).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let mut raw = Raw::new(directory.path());
    let mut engines = Vec::new();
    for at_once in AT_ONCE {
        engines.push(Engine::new(directory.path(), at_once).await);
    }
    for history in HISTORIES {
        let mut engine = Engine::new(directory.path(), 64).await;
        engine.grow(history).await;
        engines.push(engine);
    }
    let names = std::iter::once("write and sync".to_owned())
        .chain(AT_ONCE.map(|steps| format!("raw, {steps} a commit")))
        .chain(AT_ONCE.map(|at_once| format!("engine, {at_once} at once")))
        .chain(HISTORIES.map(|events| format!("engine, 64, {events} events")));
    let mut table: Vec<(String, Vec<Measured>)> = names.map(|name| (name, Vec::new())).collect();
    for _ in 0..rounds {
        table[0].1.push(syncs(directory.path()));
        let (raws, of_engine) = table[1..].split_at_mut(AT_ONCE.len());
        for (steps, (_, measured)) in AT_ONCE.into_iter().zip(raws) {
            measured.push(raw.run(steps));
        }
        for (engine, (_, measured)) in engines.iter_mut().zip(of_engine) {
            measured.push(engine.run().await);
        }
    }
    let speeds = |rounds: &[Measured]| {
        let mut speeds: Vec<f64> = rounds.iter().map(|round| round.steps_per_second).collect();
        let median = median(&mut speeds);
        (median, speeds[0], speeds[speeds.len() - 1])
    };
    println!("{rounds} rounds, medians; {}", engines[2].sizes());
    println!(
        "{:<24}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "", "steps/s", "least", "most", "p50 ms", "p99 ms", "of raw", "us, all", "us, write"
    );
    // As many steps a commit as are submitted at once; 64 where histories are measured.
    let raw = |name: &str| {
        let steps = name.split(' ').nth(1).unwrap().trim_end_matches(',');
        let name = format!("raw, {steps} a commit");
        let row = table.iter().find(|(row, _)| *row == name);
        row.map(|(_, rounds)| speeds(rounds).0)
    };
    for (name, rounds) in &table {
        let (speed, least, most) = speeds(rounds);
        let cost = |of: usize| {
            let costs = rounds.iter().map(|round| round.microseconds[of]);
            median(&mut costs.collect::<Vec<_>>())
        };
        println!(
            "{name:<24}{speed:>10.0}{least:>10.0}{most:>10.0}{:>10.2}{:>10.2}{:>10}{:>10.1}{:>10.1}",
            milliseconds(rounds, 0.5),
            milliseconds(rounds, 0.99),
            raw(name).map_or("-".to_owned(), |raw| format!("{:.2}", speed / raw)),
            cost(0),
            cost(1),
        );
    }
}
