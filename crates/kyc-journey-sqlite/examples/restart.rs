//! Prints how soon the first effect is carried out after a start, with many journeys open, and the memory that the process has then.
//!
//! `cargo run --release -p kyc-journey-sqlite --features testing --example restart [JOURNEYS] [DIRECTORY]`. Each journey has a timer; the
//! last one has a call that is due. Nothing is asserted.
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
use tokio::task::JoinSet;

fn open(directory: &Path) -> Arc<SqliteEngine> {
    let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText)).unwrap();
    Arc::new(engine.with_machine(scripted))
}

async fn submit(engine: &SqliteEngine, number: u128, facts: Vec<Fact>) {
    for (key, fact) in (0..).zip(facts) {
        let key = EventKey::command(&format!("{key}")).unwrap();
        let event = Event::new(key, Timestamp::now(), None, fact);
        let id = JourneyId::from_bits(number);
        engine.submit(&id, event).await.unwrap();
    }
}

fn start(number: u128) -> Fact {
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    Fact::Start {
        plan: Box::new(plan),
        token: CorrelationToken::from_bits(number),
    }
}

/// Fills the database.
async fn fill(directory: &Path, journeys: u128) {
    let engine = open(directory);
    let mut tasks = JoinSet::new();
    for first in 1..=1_000 {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move {
            for number in (first..=journeys).step_by(1_000) {
                let facts = vec![start(number), Fact::OneTimeCodeWanted];
                submit(&engine, number, facts).await;
            }
        });
    }
    tasks.join_all().await;
    submit(&engine, 0, vec![start(0), Fact::AskAgain]).await;
}

/// In a process of its own, whose memory nothing has used before.
async fn measure(directory: &Path, journeys: u128) {
    let began = Instant::now();
    let witness = Witness::default();
    let engine = open(directory);
    let runner = Runner::new(Arc::clone(&engine) as _, Arc::new(witness.clone()));
    let run = tokio::spawn(runner.run(std::future::pending()));
    witness.until_called(1).await;
    let took = began.elapsed().as_secs_f64() * 1e3;
    run.abort();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find(|line| line.starts_with("VmRSS"));
    println!(
        "{took:.1} ms to the first effect; {}; {:.0} steps/s at 256 journeys anywhere",
        resident.unwrap_or("memory unknown").replace('\t', " "),
        steps(&engine, journeys).await
    );
}

/// How many events a second are stored, 256 at once, each of another journey.
async fn steps(engine: &Arc<SqliteEngine>, journeys: u128) -> f64 {
    const TIME: Duration = Duration::from_secs(3);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for first in 0..256_u128 {
        let engine = Arc::clone(engine);
        tasks.spawn(async move {
            let mut steps = 0_u32;
            while began.elapsed() < TIME {
                // Far from the one before it.
                let number = (first + 256 * u128::from(steps)).wrapping_mul(0x9e37_79b9) % journeys;
                let fact = Fact::Unrecognized(Source::default());
                let key = EventKey::command(&format!("step-{first}-{steps}")).unwrap();
                let event = Event::new(key, Timestamp::now(), None, fact);
                engine
                    .submit(&JourneyId::from_bits(number), event)
                    .await
                    .unwrap();
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
    let first = arguments.next();
    if first.as_deref() == Some("measure") {
        let directory = arguments.next().unwrap();
        let journeys = arguments.next().unwrap().parse().unwrap();
        return measure(Path::new(&directory), journeys).await;
    }
    let journeys: u128 = first.map_or(100_000, |number| number.parse().unwrap());
    let directory = match arguments.next() {
        Some(directory) => tempfile::tempdir_in(directory).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    fill(directory.path(), journeys).await;
    println!("{journeys} journeys are open");
    let measured = Command::new(std::env::current_exe().unwrap())
        .arg("measure")
        .arg(directory.path())
        .arg(journeys.to_string())
        .status();
    assert!(measured.unwrap().success());
}
