//! Workers, and a server of three, are killed at random moments: nothing is lost, and no unsafe call is made twice.
//!
//! The calls are counted in a file of the performer's own, which neither Restate nor the engine knows of.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{
    BaseUrl, Clock, Idempotency, InvalidRequest, SystemClock, async_trait,
};
use kyc_journey::testing::{ClearText, scripted};
use kyc_journey::{
    Answer, CorrelationToken, EffectCall, EffectId, EffectKind, EngineErrorKind, Event, EventKey,
    Fact, JourneyEngine, JourneyId, LedgerEntry, Notice, Performed, Performer, Plan, ReceiptId,
    Seq, Undelivered, Verdict, VerificationPlan,
};
use kyc_journey_restate::{RestateEngine, RestateWorker};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::server::{Server, free_ports, program};

const DIRECTORY: &str = "KYC_RESTATE_WORKER_DIRECTORY";
const PORT: &str = "KYC_RESTATE_WORKER_PORT";
const BY_DEFAULT: &str = "KYC_RESTATE_WORKER_BY_DEFAULT";

/// Writes down what it does: one line, by one write, so that a process that is killed leaves it out or whole.
#[derive(Debug)]
struct Ledger(PathBuf);

impl Ledger {
    fn in_directory(directory: &Path) -> Self {
        Self(directory.join("ledger"))
    }

    fn write(&self, what: &str, effect: &EffectId) {
        let mut file = OpenOptions::new();
        let mut file = file.create(true).append(true).open(&self.0).unwrap();
        file.write_all(format!("{what} {effect}\n").as_bytes())
            .unwrap();
    }

    fn lines(&self) -> usize {
        fs::read_to_string(&self.0)
            .unwrap_or_default()
            .lines()
            .count()
    }

    /// How often each effect was carried out.
    fn counts(&self, what: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let lines = fs::read_to_string(&self.0).unwrap_or_default();
        for line in lines.lines() {
            if let Some((kind, effect)) = line.split_once(' ')
                && kind == what
            {
                *counts.entry(effect.to_owned()).or_default() += 1;
            }
        }
        counts
    }
}

#[async_trait]
impl Performer for Ledger {
    async fn perform(&self, call: &EffectCall) -> Performed {
        self.write("call", &call.id);
        // A provider takes its time, in which the process is killed.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..60))).await;
        Performed {
            result: Ok(Answer::Done),
            payload: None,
        }
    }

    async fn notify(&self, id: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        self.write("notice", id);
        Ok(())
    }

    async fn record(&self, id: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        self.write("entry", id);
        Ok(())
    }
}

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

/// The process that is killed.
#[test]
#[ignore = "the process that the other tests kill"]
fn worker() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("started by another test"));
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ledger = Arc::new(Ledger::in_directory(&directory));
        let mut worker = RestateWorker::new(ledger, Arc::new(ClearText))
            .with_machine(scripted)
            .with_clock(Arc::new(Ahead))
            // What waits is not killed.
            .with_back_off(Duration::from_millis(10), Duration::from_millis(40));
        if std::env::var_os(BY_DEFAULT).is_some() {
            worker = worker.with_unsafe_calls_by_default();
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        worker
            .serve(listener, std::future::pending())
            .await
            .unwrap();
    });
}

/// A worker, which ends with the test.
struct Worker(Child);

impl Worker {
    /// One that serves.
    async fn start(directory: &Path, port: u16, by_default: bool) -> Self {
        Self::start_until(directory, port, by_default, "").await
    }

    /// One that kills itself at a point of its own, the name of a point and at which of its passings.
    async fn start_until(directory: &Path, port: u16, by_default: bool, kill_at: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "crash::worker", "--ignored"])
            .env(DIRECTORY, directory)
            .env(PORT, port.to_string())
            .env("KYC_JOURNEY_KILL_AT", kill_at)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if by_default {
            command.env(BY_DEFAULT, "1");
        }
        let mut worker = Self(command.spawn().unwrap());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // It may have killed itself before.
        while !worker.is_killed() && tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        worker
    }

    fn is_killed(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What happens to each journey.
fn events(token: u128) -> Vec<Event> {
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let facts = [
        Fact::Start {
            plan: Box::new(plan),
            token: CorrelationToken::from_bits(token),
        },
        Fact::ConsentGiven {
            receipt: ReceiptId::parse("receipt").unwrap(),
            expires_at: None,
        },
        Fact::OneTimeCodeWanted,
        Fact::PurposeMet,
        Fact::HandIn,
    ];
    let at = SystemClock.now();
    let event = |(number, fact)| {
        let key = EventKey::command(&format!("{number}")).unwrap();
        Event::new(key, at, None, fact)
    };
    (0..).zip(facts).map(event).collect()
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

/// What became of everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    unsafe_calls: usize,
    /// Results or entries of the ledger that are missing.
    lost: usize,
    /// Unsafe calls that were made more than once.
    doubled: usize,
    /// Unsafe calls of which the journey was told that they may have been made.
    interrupted: usize,
    /// Safe calls that were made more than once.
    repeated: usize,
}

impl Tally {
    async fn of(engine: &RestateEngine, ledger: &Ledger, journeys: u128) -> Self {
        let (calls, entries) = (ledger.counts("call"), ledger.counts("entry"));
        let mut tally = Self::default();
        for id in (1..=journeys).map(JourneyId::from_bits) {
            let history = engine.history(&id, Seq::ZERO).await.unwrap();
            let numbers = history.iter().map(|entry| entry.seq.get());
            assert!(numbers.eq(1..=history.len() as u64), "no gap");
            let duplicate = |verdict| verdict == Verdict::Duplicate;
            assert!(!history.iter().any(|entry| duplicate(entry.verdict)));
            assert_eq!(history.len(), ENTRIES, "each once");
            for effect in history.iter().flat_map(|entry| &entry.effects) {
                let name = effect.id.to_string();
                if matches!(effect.kind, EffectKind::Ledger(_)) && !entries.contains_key(&name) {
                    tally.lost += 1;
                }
                let Some(operation) = effect.operation() else {
                    continue;
                };
                let results = history
                    .iter()
                    .filter(|entry| entry.fact.effect() == Some(&effect.id));
                let interrupted = results.clone().filter(|entry| is_interrupted(&entry.fact));
                let (results, interrupted) = (results.count(), interrupted.count());
                let made = calls.get(&name).copied().unwrap_or_default();
                assert!(results <= 1, "{name} has {results} results");
                if results == 0 {
                    tally.lost += 1;
                }
                if operation.idempotency() == Idempotency::Unsafe {
                    tally.unsafe_calls += 1;
                    tally.interrupted += interrupted;
                    tally.doubled += usize::from(made > 1);
                    assert!(made > 0 || interrupted > 0, "{name} was not made");
                } else {
                    tally.repeated += usize::from(made > 1);
                    assert!(made > 0 && interrupted == 0, "{name}");
                }
            }
        }
        tally
    }
}

fn is_interrupted(fact: &Fact) -> bool {
    matches!(fact, Fact::Interrupted { .. })
}

/// How many journeys are under way at once.
const AT_ONCE: usize = 12;

/// The events, results and the timer of a journey.
const ENTRIES: usize = 5 + 4 + 1;

/// Takes one journey after another to its end while workers are killed as often as that: each at a moment up to 150 ms after it began to
/// make calls. Of several servers the first one is killed as well.
async fn storm(servers: &mut Vec<Server>, kills: u32, by_default: bool) -> Tally {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::in_directory(directory.path());
    let [port] = free_ports();
    let engines: Arc<[RestateEngine]> = servers
        .iter()
        .map(|server| server.engine(Arc::new(ClearText)))
        .map(|engine| engine.with_deadline(Duration::from_secs(5)))
        .collect();
    let mut worker = Worker::start(directory.path(), port, by_default).await;
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
        worker = Worker::start(directory.path(), port, by_default).await;
    }
    is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    servers[0].admin().until_settled().await;
    let journeys = begun.load(Ordering::Relaxed);
    let engine = engines.last().unwrap();
    let tally = Tally::of(engine, &ledger, journeys.into()).await;
    println!("{journeys} journeys, {kills} kills: {tally:?}");
    tally
}

async fn take_to_its_end(engines: &[RestateEngine], number: u128) {
    let id = JourneyId::from_bits(number);
    for event in events(number) {
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
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
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
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::in_directory(directory.path());
    let [port] = free_ports();
    let engine = server.engine(Arc::new(ClearText));
    let url = BaseUrl::parse("worker", &format!("http://127.0.0.1:{port}")).unwrap();
    let registering = Worker::start(directory.path(), port, false).await;
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
                let mut worker = Worker::start_until(directory.path(), port, false, kill_at).await;
                while !running.is_finished() && !worker.is_killed() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                let is_killed = worker.is_killed();
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
    let _worker = Worker::start(directory.path(), port, false).await;
    server.admin().until_settled().await;
    let tally = Tally::of(&engine, &ledger, journeys).await;
    println!("{journeys} journeys, {kills} kills: {tally:?}");
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
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
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
}
