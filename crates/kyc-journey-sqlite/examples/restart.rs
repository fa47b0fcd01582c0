//! Prints how soon the first effect is carried out after a start with many journeys open, the memory that the process has then, and how
//! many steps a second it makes durable after that.
//!
//! `cargo run --release -p kyc-journey-sqlite --features testing --example restart DIRECTORY JOURNEYS…`: one database, which grows to each
//! of these numbers in turn. Each journey has a timer, and one has a call that is due. The first journey is the engine's work; the others
//! are copies of its rows under their own ids, because it is not their making that is measured. Each row is
//! `JOURNEYS FIRST_EFFECT_MS MEMORY_KIB STEPS_PER_SECOND`. Nothing is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a measurement"
)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kyc_journey::provider_core::jiff::Timestamp;
use kyc_journey::testing::{ClearText, Witness, scripted};
use kyc_journey::{
    CorrelationToken, Event, EventKey, Fact, JourneyEngine as _, JourneyId, Plan, Runner, Source,
    VerificationPlan,
};
use kyc_journey_sqlite::SqliteEngine;
use rusqlite::{Connection, named_params};
use tokio::task::JoinSet;

/// The id and the number of the journey that is copied.
const MODEL: u32 = 1;

/// The journey with a call that is due.
const CALLER: u32 = 0;

fn open(directory: &Path) -> Arc<SqliteEngine> {
    let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText)).unwrap();
    Arc::new(engine.with_machine(scripted))
}

fn id(number: u32) -> JourneyId {
    JourneyId::from_bits(number.into())
}

async fn submit(engine: &SqliteEngine, number: u32, key: &str, fact: Fact) {
    let key = EventKey::command(key).unwrap();
    let event = Event::new(key, Timestamp::now(), None, fact);
    engine.submit(&id(number), event).await.unwrap();
}

async fn start(engine: &SqliteEngine, number: u32) {
    let fact = Fact::Start {
        plan: Box::new(Plan::new().set_verification(Some(VerificationPlan::new()))),
        token: CorrelationToken::from_bits(number.into()),
    };
    submit(engine, number, "start", fact).await;
}

/// The first journey, which waits for its timer, and the one with a call.
async fn begin(directory: &Path) {
    let engine = open(directory);
    start(&engine, MODEL).await;
    submit(&engine, MODEL, "wait", Fact::OneTimeCodeWanted).await;
    start(&engine, CALLER).await;
}

/// Copies the first journey until so many are there; its id and its token are the same digits. What the caller did is kept apart.
fn grow(directory: &Path, from: u32, to: u32) {
    const COPIES: &str = "WITH RECURSIVE copy (number) AS
        (SELECT :from UNION ALL SELECT number + 1 FROM copy WHERE number < :to)";
    const OWN: &str = "CAST(replace(CAST(body AS TEXT), :model, printf('%032x', number)) AS BLOB)";
    let mut database = Connection::open(directory.join("kyc.db")).unwrap();
    let settings = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
                    PRAGMA foreign_keys = OFF; PRAGMA cache_size = -500000;";
    database.execute_batch(settings).unwrap();
    let model = id(MODEL);
    let copies = database.transaction().unwrap();
    for statement in [
        format!(
            "{COPIES} INSERT INTO journey
             SELECT number + 1, printf('%032x', number), seq, status, created_at, updated_at, {OWN} FROM copy,
                 (SELECT seq, status, created_at, updated_at, state AS body FROM journey WHERE id = :model)"
        ),
        format!(
            "{COPIES} INSERT INTO event (journey, seq, key, body)
             SELECT number + 1, seq, key, {OWN} FROM copy,
                 (SELECT seq, key, body FROM event WHERE journey = (SELECT number FROM journey WHERE id = :model))"
        ),
        format!(
            "{COPIES} INSERT INTO effect
             SELECT number + 1, seq, ordinal, lane, due + number, mark, timer, generation, {OWN} FROM copy,
                 (SELECT seq, ordinal, lane, due, mark, timer, generation, body FROM effect
                     WHERE journey = (SELECT number FROM journey WHERE id = :model))"
        ),
        format!(
            "{COPIES} INSERT INTO reference SELECT randomblob(32), number + 1 FROM copy WHERE :model <> ''"
        ),
    ] {
        let of = named_params! { ":from": from, ":to": to, ":model": model.as_str() };
        copies.execute(&statement, of).unwrap();
    }
    copies.commit().unwrap();
}

/// In a process of its own, whose memory nothing has used before.
async fn measure(directory: &Path, journeys: u32) {
    let began = Instant::now();
    let witness = Witness::default();
    let engine = open(directory);
    let runner = Runner::new(Arc::clone(&engine) as _, Arc::new(witness.clone()));
    let run = tokio::spawn(runner.run(std::future::pending()));
    witness.until_called(1).await;
    let took = began.elapsed().as_secs_f64() * 1e3;
    run.abort();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.split_whitespace().next());
    println!(
        "{journeys} {took:.1} {} {:.0}",
        resident.unwrap_or("?"),
        steps(&engine, journeys).await
    );
}

/// How many events a second are stored, 256 at once, each of another copy: what is copied stays as it is.
async fn steps(engine: &Arc<SqliteEngine>, journeys: u32) -> f64 {
    const TIME: Duration = Duration::from_secs(3);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for first in 0..256_u32 {
        let engine = Arc::clone(engine);
        tasks.spawn(async move {
            let mut steps = 0_u32;
            while began.elapsed() < TIME {
                // Far from the one before it, and one of the copies.
                let far = u64::from(first + 256 * steps).wrapping_mul(0x9e37_79b9);
                let number = 2 + u32::try_from(far % u64::from(journeys - 2)).unwrap();
                let key = format!("step-{journeys}-{first}-{steps}");
                let fact = Fact::Unrecognized(Source::default());
                submit(&engine, number, &key, fact).await;
                steps += 1;
            }
            steps
        });
    }
    let steps: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(steps) / began.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap();
    if first == "measure" {
        let directory = arguments.next().unwrap();
        let journeys = arguments.next().unwrap().parse().unwrap();
        return measure(Path::new(&directory), journeys).await;
    }
    let directory = tempfile::tempdir_in(first).unwrap();
    begin(directory.path()).await;
    let mut there = 2;
    for journeys in arguments {
        let journeys: u32 = journeys.parse().unwrap();
        grow(directory.path(), there, journeys - 1);
        there = journeys;
        submit(
            &open(directory.path()),
            CALLER,
            &format!("call-{journeys}"),
            Fact::AskAgain,
        )
        .await;
        let measured = Command::new(std::env::current_exe().unwrap())
            .arg("measure")
            .arg(directory.path())
            .arg(journeys.to_string())
            .status();
        assert!(measured.unwrap().success());
    }
}
