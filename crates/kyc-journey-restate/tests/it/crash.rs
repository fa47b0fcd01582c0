//! Workers, and a server of three, are killed at random moments: nothing is lost, and no unsafe call is made twice.
//!
//! The calls are counted in a file of the performer's own, which neither Restate nor the engine knows of.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{BaseUrl, Clock, InvalidRequest, SystemClock, async_trait};
use kyc_journey::testing::crash::{self, ENTRIES, Ledger, Process, Tally, events};
use kyc_journey::testing::{ClearText, scripted};
use kyc_journey::{EngineErrorKind, Event, JourneyEngine as _, JourneyId, Seq};
use kyc_journey_restate::{RestateEngine, RestateWorker};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::server::{Server, free_ports, program};

const DIRECTORY: &str = "KYC_RESTATE_WORKER_DIRECTORY";
const PORT: &str = "KYC_RESTATE_WORKER_PORT";
const BY_DEFAULT: &str = "KYC_RESTATE_WORKER_BY_DEFAULT";

/// A clock by which the timer of the journeys is due at once.
#[derive(Debug)]
struct Ahead;

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock
            .now()
            .saturating_add(SignedDuration::from_hours(2))
            .unwrap()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        SystemClock.random()
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other tests kill"]
async fn life() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("started by another test"));
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    // A provider takes its time, in which the process is killed.
    let ledger = Ledger::in_directory(&directory).with_calls_up_to(Duration::from_millis(60));
    let mut worker = RestateWorker::new(Arc::new(ledger), Arc::new(ClearText))
        .with_machine(scripted)
        .with_clock(Arc::new(Ahead))
        // What waits is not killed.
        .with_back_off(Duration::from_millis(10), Duration::from_millis(40));
    if std::env::var_os(BY_DEFAULT).is_some() {
        worker = worker.with_unsafe_calls_by_default();
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let ended = worker.serve(listener.unwrap(), std::future::pending());
    ended.await.unwrap();
}

/// Starts a worker that serves, or kills itself before, at a point of its own.
async fn start(directory: &Path, port: u16, by_default: bool, kill_at: &str) -> Process {
    let mut command = Process::test("crash::life");
    command
        .env(DIRECTORY, directory)
        .env(PORT, port.to_string())
        .envs(by_default.then_some((BY_DEFAULT, "1")))
        .stderr(Stdio::null());
    let mut worker = Process::start(command, kill_at);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while !worker.is_over() && tokio::net::TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    worker
}

/// Submits until it is acknowledged: what has a key is applied once.
async fn submit(engines: &[RestateEngine], id: &JourneyId, event: &Event) {
    for engine in engines.iter().cycle() {
        match engine.submit(id, event.clone()).await {
            Ok(_) => return,
            Err(error) => assert_eq!(error.kind(), EngineErrorKind::Unavailable, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How many journeys are under way at once.
const AT_ONCE: usize = 12;

/// Takes one journey after another to its end while workers are killed as often as that: each at a moment up to 150 ms after it began to
/// make calls. Of several servers the first one is killed as well.
async fn storm(servers: &mut Vec<Server>, kills: u32, by_default: bool) -> Tally {
    let directory = crash::directory();
    let ledger = Ledger::in_directory(directory.path());
    let [port] = free_ports();
    let engines: Arc<[RestateEngine]> = servers
        .iter()
        .map(|server| server.engine(Arc::new(ClearText)))
        .map(|engine| engine.with_deadline(Duration::from_secs(5)))
        .collect();
    let mut worker = start(directory.path(), port, by_default, "").await;
    let url = BaseUrl::parse("worker", &format!("http://127.0.0.1:{port}")).unwrap();
    engines[0].register(&url).await.unwrap();
    let begun = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (engines, begun) = (Arc::clone(&engines), Arc::clone(&begun));
        let is_over = Arc::clone(&is_over);
        running.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let number = u128::from(begun.fetch_add(1, Ordering::Relaxed) + 1);
                take_to_its_end(&engines, number).await;
            }
        });
    }
    for kill in 0..kills {
        let before = ledger.lines();
        while ledger.lines() == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..150))).await;
        worker.kill();
        if kill == kills / 2 && servers.len() > 1 {
            drop(servers.remove(0));
        }
        worker = start(directory.path(), port, by_default, "").await;
    }
    is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    servers[0].admin().until_settled().await;
    let journeys = begun.load(Ordering::Relaxed);
    let engine = engines.last().unwrap();
    let tally = Tally::of(engine, &ledger, journeys.into(), "killed at random").await;
    println!("{journeys} journeys, {kills} kills: {tally:?}");
    tally
}

async fn take_to_its_end(engines: &[RestateEngine], number: u128) {
    let id = JourneyId::from_bits(number);
    for event in events(number, SystemClock.now()) {
        submit(engines, &id, &event).await;
    }
    for engine in engines.iter().cycle() {
        let history = engine.history(&id, Seq::ZERO).await;
        if history.is_ok_and(|history| history.len() >= ENTRIES) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How often workers are killed: more often in the full form, which sets `KYC_KILLS`.
fn kills() -> u32 {
    let kills = std::env::var("KYC_KILLS").ok();
    kills.map_or(20, |kills| kills.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_loses_nothing_and_doubles_nothing() {
    let Some(program) = program() else { return };
    let mut servers = vec![Server::start(&program).await];
    let tally = storm(&mut servers, kills(), false).await;
    tally.check("killed");
    assert!(
        tally.interrupted > 0,
        "some were killed in a call: {tally:?}"
    );
}

/// Each point of a worker, and at how many of its passings it is killed where the test is short.
const POINTS: [(&str, u32); 9] = [
    ("in a transaction", 3),
    ("before a commit", 3),
    ("after a commit", 3),
    ("before a mark", 2),
    ("after a mark", 2),
    ("after a call", 2),
    ("after an answer", 2),
    ("before a timer", 1),
    ("after a delivery", 2),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_anywhere_loses_nothing_and_doubles_nothing() {
    let Some(program) = program() else { return };
    let server = Server::start(&program).await;
    let directory = crash::directory();
    let ledger = Ledger::in_directory(directory.path());
    let [port] = free_ports();
    let engine = server.engine(Arc::new(ClearText));
    let url = BaseUrl::parse("worker", &format!("http://127.0.0.1:{port}")).unwrap();
    let registering = start(directory.path(), port, false, "").await;
    engine.register(&url).await.unwrap();
    drop(registering);
    let (mut journeys, mut kills) = (0, 0);
    for (name, passings) in POINTS {
        let all = std::env::var_os("KYC_KILLS").is_some();
        for passing in 1..=if all { u32::MAX } else { passings } {
            journeys += 1;
            let engines = [engine.clone()];
            let running = tokio::spawn(async move { take_to_its_end(&engines, journeys).await });
            // The next one dies early too, and the one after it in what it makes good, if there is something.
            let at = format!("{name}#{passing}");
            let mut lives = [&at, "in a transaction#1", "after an interruption#1"].into_iter();
            let mut was_killed = false;
            while !running.is_finished() {
                let kill_at = lives.next().unwrap_or_default();
                let mut worker = start(directory.path(), port, false, kill_at).await;
                while !running.is_finished() && !worker.is_over() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                let is_killed = worker.is_over();
                kills += u32::from(is_killed);
                was_killed |= is_killed && kill_at == at;
            }
            running.await.unwrap();
            if !was_killed {
                // Once it runs to its end, it has been killed at every passing.
                assert!(passing > 1, "{name} is passed");
                break;
            }
        }
    }
    let _worker = start(directory.path(), port, false, "").await;
    server.admin().until_settled().await;
    let tally = Tally::of(&engine, &ledger, journeys, "killed at points").await;
    println!("{journeys} journeys, {kills} kills: {tally:?}");
    tally.check("killed");
}

/// Why unsafe calls are not left to Restate's defaults.
#[tokio::test(flavor = "multi_thread")]
async fn restates_defaults_make_unsafe_calls_twice() {
    let Some(program) = program() else { return };
    let mut servers = vec![Server::start(&program).await];
    let tally = storm(&mut servers, kills(), true).await;
    assert_eq!((tally.lost, tally.interrupted), (0, 0), "{tally:?}");
    assert!(tally.doubled > 0, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_servers_one_is_killed() {
    let Some(program) = program() else { return };
    let mut servers = Server::cluster(&program, 3).await;
    let tally = storm(&mut servers, kills(), false).await;
    assert_eq!(servers.len(), 2, "one was killed");
    tally.check("killed");
}
