//! Processes are killed at each point in turn, alone and beside another one: nothing is lost, and no unsafe call is made twice.
//!
//! The calls are counted in a file of the performer's own, which the engine knows nothing of. That a lease's time is over the tests say
//! themselves, to the database, so that none of them waits for it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::provider_core::capability::ProviderReference;
use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::provider_core::{Clock as _, Idempotency, async_trait};
use kyc_journey::testing::{ClearText, HandClock, POINTS, scripted};
use kyc_journey::{
    Answer, CorrelationToken, EffectCall, EffectId, EffectKind, Event, EventKey, Fact,
    HistoryEntry, JourneyEngine as _, JourneyId, LedgerEntry, Notice, Performed, Performer, Plan,
    ReceiptId, Runner, Seq, Source, Undelivered, Verdict, VerificationPlan,
};
use kyc_journey_postgres::{PostgresEngine, PostgresOptions};
use tempfile::TempDir;

use crate::server::{Database, connect};

const DIRECTORY: &str = "KYC_JOURNEY_CRASH_DIRECTORY";
const ADDRESS: &str = "KYC_JOURNEY_CRASH_ADDRESS";
const SCHEMA: &str = "KYC_JOURNEY_CRASH_SCHEMA";
const JOURNEYS: &str = "KYC_JOURNEY_CRASH_JOURNEYS";

/// What a case works in: the tables of its own, its ledger, and its journeys.
struct Case {
    directory: TempDir,
    address: String,
    schema: String,
    journeys: u128,
}

impl Case {
    fn new(database: &Database, schema: String, journeys: u128) -> Self {
        // In memory where there is such a place: what is written outlives a process there too.
        let directory = tempfile::tempdir_in("/dev/shm");
        Self {
            directory: directory.unwrap_or_else(|_| tempfile::tempdir().unwrap()),
            address: database.address.clone(),
            schema,
            journeys,
        }
    }

    /// Starts this program's process over it.
    fn start(&self, kill_at: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::process", "--ignored"])
            .env(DIRECTORY, self.directory.path())
            .env(ADDRESS, &self.address)
            .env(SCHEMA, &self.schema)
            .env(JOURNEYS, self.journeys.to_string())
            .env("KYC_JOURNEY_KILL_AT", kill_at)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs it, and says whether it was killed. What it had a lease of is free afterwards.
    async fn is_killed(&self, kill_at: &str) -> bool {
        let mut process = self.start(kill_at);
        let ended = tokio::task::spawn_blocking(move || process.wait().unwrap());
        let killed = was_killed(kill_at, ended.await.unwrap());
        if killed {
            self.expire().await;
        }
        killed
    }

    /// As if everybody had been silent for longer than their leases.
    async fn expire(&self) {
        let expire = format!("UPDATE {}.runner SET until = '-infinity'", self.schema);
        // It may have died before there were any tables.
        let _ = connect(&self.address).await.batch_execute(&expire).await;
    }

    /// What must hold however often processes were killed.
    async fn check(&self, how: &str) {
        let engine = open(&self.address, &self.schema).await;
        let ledger = Ledger::new(self.directory.path());
        let (calls, entries) = (ledger.counts("call"), ledger.counts("entry"));
        for id in journeys(self.journeys) {
            let history = engine.history(&id, Seq::ZERO).await.unwrap();
            assert_eq!(waiting(&id, &history), [], "{how}: nothing is lost");
            let numbers = history.iter().map(|entry| entry.seq.get());
            assert!(numbers.eq(1..=history.len() as u64), "{how}: no gap");
            // Six events, four calls, one timer.
            assert_eq!(history.len(), 6 + 4 + 1, "{how}: each event once");
            let is_duplicate = |entry: &HistoryEntry| entry.verdict == Verdict::Duplicate;
            assert!(!history.iter().any(is_duplicate));
            for effect in history.iter().flat_map(|entry| &entry.effects) {
                let name = effect.id.to_string();
                let count = |of: &BTreeMap<String, usize>| of.get(&name).copied().unwrap_or(0);
                if let Some(operation) = effect.operation() {
                    let result = |entry: &&HistoryEntry| entry.fact.effect() == Some(&effect.id);
                    let result = history.iter().find(result).unwrap();
                    let interrupted = matches!(result.fact, Fact::Interrupted { .. });
                    let made = count(&calls);
                    match operation.idempotency() {
                        Idempotency::Unsafe => {
                            assert!(made <= 1, "{how}: {name} was made {made} times");
                            assert!(made == 1 || interrupted, "{how}: {name} was not made");
                        }
                        _ => assert!(made >= 1 && !interrupted, "{how}: {name}"),
                    }
                }
                if matches!(effect.kind, EffectKind::Ledger(_)) {
                    assert!(count(&entries) >= 1, "{how}: {name} is in the ledger");
                }
            }
        }
    }
}

fn was_killed(kill_at: &str, status: ExitStatus) -> bool {
    let killed = status.signal() == Some(9);
    assert!(killed || status.success(), "{kill_at}: {status}");
    killed
}

async fn open(address: &str, schema: &str) -> Arc<PostgresEngine> {
    let options = PostgresOptions::new(address).unwrap();
    let options = options.with_schema(schema).unwrap();
    let options = options
        .with_poll(Duration::from_millis(20))
        .with_connections(3);
    let engine = options.connect(Arc::new(ClearText)).await.unwrap();
    Arc::new(engine.with_machine(scripted))
}

/// Writes down what it does.
#[derive(Debug)]
struct Ledger(PathBuf);

impl Ledger {
    fn new(directory: &Path) -> Self {
        Self(directory.join("ledger"))
    }

    /// One line, by one write: a process that is killed leaves it out or whole.
    fn write(&self, what: &str, effect: &EffectId) {
        let mut file = OpenOptions::new();
        let mut file = file.create(true).append(true).open(&self.0).unwrap();
        let line = format!("{what} {effect}\n");
        file.write_all(line.as_bytes()).unwrap();
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
        let reference = ProviderReference::parse("session").unwrap();
        Performed {
            result: Ok(Answer::Opened { reference }),
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

fn journeys(number: u128) -> impl Iterator<Item = JourneyId> {
    (1..=number).map(JourneyId::from_bits)
}

/// What happens to a journey, with the same keys in every process.
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
        Fact::Unrecognized(Source::default()),
    ];
    let at = HandClock::default().now();
    let event = |(number, fact)| {
        let key = EventKey::command(&format!("{number}")).unwrap();
        Event::new(key, at, None, fact)
    };
    (0..).zip(facts).map(event).collect()
}

/// The calls and timers of a journey that have no result.
fn waiting(id: &JourneyId, history: &[HistoryEntry]) -> Vec<EffectId> {
    let mut waiting: Vec<EffectId> = Vec::new();
    for entry in history {
        for effect in &entry.effects {
            if matches!(effect.kind, EffectKind::Call(_) | EffectKind::Timer { .. }) {
                waiting.push(effect.id.clone());
            }
        }
        let fired = match &entry.fact {
            Fact::TimerFired { generation, .. } => Some(EffectId {
                journey: id.clone(),
                seq: Seq::new(*generation),
                ordinal: 0,
            }),
            _ => None,
        };
        if let Some(result) = entry.fact.effect().or(fired.as_ref()) {
            let place = waiting.iter().position(|effect| effect == result);
            waiting.remove(place.expect("each effect has one result"));
        }
    }
    waiting
}

/// The process that is killed: takes the journeys to their end, whatever was done before.
#[test]
#[ignore = "the process that the other tests kill"]
fn process() {
    let variable = |name| std::env::var(name).expect("started by the other tests");
    let directory = PathBuf::from(variable(DIRECTORY));
    let number: u128 = variable(JOURNEYS).parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let engine = open(&variable(ADDRESS), &variable(SCHEMA)).await;
        let ledger = Arc::new(Ledger::new(&directory));
        let clock = Arc::new(HandClock::default());
        let runner = Runner::new(Arc::clone(&engine) as _, Arc::clone(&ledger) as _);
        let runner = runner.with_clock(Arc::clone(&clock) as _);
        let run = tokio::spawn(runner.run(std::future::pending()));
        // Everything comes again from the next process, and to all journeys at once.
        let mut submissions = tokio::task::JoinSet::new();
        for (id, token) in journeys(number).zip(1..) {
            let engine = Arc::clone(&engine);
            submissions.spawn(async move {
                for event in events(token) {
                    engine.submit(&id, event).await.unwrap();
                }
            });
        }
        submissions.join_all().await;
        clock.advance(SignedDuration::from_hours(2));
        let done = async {
            for id in journeys(number) {
                let entry = EffectId {
                    journey: id.clone(),
                    seq: Seq::new(2),
                    ordinal: 0,
                };
                loop {
                    let recorded = ledger.counts("entry").contains_key(&entry.to_string());
                    let history = engine.history(&id, Seq::ZERO).await.unwrap();
                    if recorded && waiting(&id, &history).is_empty() {
                        break;
                    }
                    // Another process may be the one that does it, which tells nobody here.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        };
        tokio::select! {
            () = done => {}
            ended = run => panic!("the run ended first: {ended:?}"),
        }
    });
}

#[tokio::test]
async fn a_process_that_is_killed_anywhere_loses_nothing_and_doubles_nothing() {
    let Some(database) = Database::new().await else {
        return;
    };
    let mut kills = 0;
    for (point, name) in POINTS.iter().enumerate() {
        for passing in 1.. {
            let case = Case::new(&database, format!("case_{point}_{passing}"), 1);
            let kill_at = format!("{name}#{passing}");
            // Once it runs to its end, it has been killed at every passing.
            let killed = case.is_killed(&kill_at).await;
            kills += u32::from(killed);
            if killed {
                // Some of the next ones die in their recovery, if there is one.
                if passing % 2 == 1 {
                    let again = case.is_killed("after an interruption#1").await;
                    kills += u32::from(again);
                }
                assert!(!case.is_killed("").await, "{kill_at}");
            }
            case.check(&kill_at).await;
            if !killed {
                // No process passes this one before its second life.
                assert!(
                    passing > 1 || *name == "after an interruption",
                    "{name} is passed"
                );
                break;
            }
        }
    }
    println!("{kills} kills");
    assert!(kills > 35);
}

/// Two processes share the effects of the same journeys; one of them is killed while it holds leases, and the other one, which goes on all
/// the time, brings everything to its end.
#[tokio::test]
async fn one_of_two_runners_is_killed_and_the_other_one_goes_on() {
    let Some(database) = Database::new().await else {
        return;
    };
    let points = [
        "before a mark",
        "after a mark",
        "after a call",
        "after an answer",
        "in a transaction",
        "before a commit",
        "after a commit",
        "before a timer",
        "after a delivery",
    ];
    let mut kills = 0;
    for (point, name) in points.iter().enumerate() {
        for passing in [1, 4] {
            let case = Case::new(&database, format!("two_{point}_{passing}"), 4);
            let kill_at = format!("{name}#{passing}");
            let (mut dying, mut living) = (case.start(&kill_at), case.start(""));
            let died = tokio::task::spawn_blocking(move || dying.wait().unwrap());
            // The other one may have left it too little to pass the point so often.
            kills += u32::from(was_killed(&kill_at, died.await.unwrap()));
            case.expire().await;
            let lived = tokio::task::spawn_blocking(move || living.wait().unwrap());
            assert!(!was_killed("", lived.await.unwrap()), "{kill_at}");
            case.check(&kill_at).await;
        }
    }
    println!("{kills} kills");
    assert!(kills >= 6);
}
