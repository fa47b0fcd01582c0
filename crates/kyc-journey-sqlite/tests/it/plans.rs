//! A journey of every plan, by the machine itself, ends as planned however often its process is killed.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::provider_core::Clock as _;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::testing::crash::{self, Ledger, Process};
use kyc_journey::testing::plans::{self, begin, go_on, plans};
use kyc_journey::testing::{HandClock, POINTS};
use kyc_journey::{JourneyEngine as _, JourneyFilter, Lane, Outbox as _, PageToken, Runner};
use kyc_journey_sqlite::SqliteEngine;

use crate::crash::{open, process, told};

/// Whether nothing is under way, and nothing is due.
async fn is_quiet(engine: &SqliteEngine, now: Timestamp) -> bool {
    let room = Lane::ALL.map(|lane| (lane, 1));
    let due = engine.due(now, &room, &HashSet::new()).await.unwrap();
    due.effects.is_empty() && engine.interrupted().await.unwrap().is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other test kills"]
async fn life() {
    run_to_the_end(open(&told()), &told()).await;
}

/// Takes every journey to its end, whatever was done before.
pub(crate) async fn run_to_the_end(engine: Arc<SqliteEngine>, directory: &Path) {
    // The clock goes on where it stood.
    let all = JourneyFilter::new();
    let every = engine.list(&all, PageToken::default()).await.unwrap();
    let last = every.journeys.first().map(|last| last.updated_at);
    let clock = Arc::new(last.map_or_else(HandClock::default, HandClock::at));
    let performer = Arc::new(Ledger::in_directory(directory));
    let runner = Runner::new(Arc::clone(&engine) as _, performer)
        .with_clock(Arc::clone(&clock) as _)
        .with_patience(Duration::ZERO);
    let run = tokio::spawn(runner.run(std::future::pending()));
    let process = std::process::id();
    for (id, plan) in plans() {
        begin(&*engine, clock.now(), &id, &plan).await;
        let mut turn = 0;
        loop {
            let record = engine.read(&id).await.unwrap().unwrap();
            let is_over = record.state.status().is_end();
            let is_quiet = is_quiet(&engine, clock.now()).await;
            if is_over && is_quiet {
                break;
            }
            if !is_quiet {
                assert!(!run.is_finished(), "the run ended first");
                tokio::task::yield_now().await;
                continue;
            }
            turn += 1;
            assert!(turn < 500, "{id} does not end: {record:?}");
            go_on(&*engine, clock.now(), &record, &format!("{process}-{turn}")).await;
            clock.advance(SignedDuration::from_mins(1));
        }
    }
    run.abort();
    // Whether it was ended or had ended, it is over.
    let _ = run.await;
}

pub(crate) async fn check(directory: &Path, how: &str) {
    plans::check(&*open(directory), &Ledger::in_directory(directory), how).await;
}

fn is_killed(directory: &Path, kill_at: &str) -> bool {
    Process::start(process("plans::life", directory), kill_at).was_killed()
}

#[tokio::test]
async fn every_plan_ends_however_often_its_process_is_killed() {
    let whole = crash::directory();
    assert!(!is_killed(whole.path(), ""));
    check(whole.path(), "never killed").await;
    let mut kills = 0;
    for name in POINTS {
        let directory = crash::directory();
        // One process after the other dies, each a passing later than the one before, until one comes to the end.
        for passing in 1.. {
            if !is_killed(directory.path(), &format!("{name}#{passing}")) {
                break;
            }
            kills += 1;
        }
        check(directory.path(), name).await;
    }
    println!("{kills} kills");
    assert!(kills > 30, "{kills}");
}
