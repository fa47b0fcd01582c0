//! A process is killed at each point in turn, and again while it recovers: nothing is lost, and no unsafe call is made twice.
//!
//! The calls are counted in a file of the performer's own, which the engine knows nothing of.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::provider_core::capability::ProviderReference;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{Idempotency, async_trait};
use kyc_journey::testing::{ClearText, HandClock, POINTS, scripted};
use kyc_journey::{
    Answer, CorrelationToken, EffectCall, EffectId, EffectKind, Event, EventKey, Fact,
    JourneyEngine, JourneyId, LedgerEntry, Notice, Performed, Performer, Plan, ReceiptId, Runner,
    Seq, Source, Undelivered, Verdict, VerificationPlan,
};
use kyc_journey_sqlite::SqliteEngine;
use tempfile::TempDir;
use tokio::sync::Notify;

const JOURNEYS: u128 = 2;
pub(crate) const DIRECTORY: &str = "KYC_JOURNEY_CRASH_DIRECTORY";

/// Writes down what it does, and wakes whoever waits for it.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    written: Notify,
}

impl Ledger {
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            path: directory.join("ledger"),
            written: Notify::new(),
        }
    }

    /// One line, by one write: a process that is killed leaves it out or whole.
    pub(crate) fn write(&self, what: &str, effect: &EffectId) {
        let mut file = OpenOptions::new();
        let mut file = file.create(true).append(true).open(&self.path).unwrap();
        file.write_all(format!("{what} {effect}\n").as_bytes())
            .unwrap();
        self.written.notify_one();
    }

    /// How often each effect was carried out.
    pub(crate) fn counts(&self, what: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let lines = fs::read_to_string(&self.path).unwrap_or_default();
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

fn journeys() -> impl Iterator<Item = JourneyId> {
    (1..=JOURNEYS).map(JourneyId::from_bits)
}

/// What happens to each journey, with the same keys in every process.
fn events(id: u128) -> Vec<Event> {
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let facts = [
        Fact::Start {
            plan: Box::new(plan),
            token: CorrelationToken::from_bits(id),
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
    let at = HandClock::default();
    let at: Timestamp = kyc_journey::provider_core::Clock::now(&at);
    let event = |(number, fact)| {
        let key = EventKey::command(&format!("{number}")).unwrap();
        Event::new(key, at, None, fact)
    };
    (0..).zip(facts).map(event).collect()
}

/// The effects of a journey that have no result, and the number of its events.
async fn open(engine: &SqliteEngine, id: &JourneyId) -> (Vec<EffectId>, usize) {
    let history = engine.history(id, Seq::ZERO).await.unwrap();
    let mut open: Vec<EffectId> = Vec::new();
    for entry in &history {
        for effect in &entry.effects {
            if matches!(effect.kind, EffectKind::Call(_) | EffectKind::Timer { .. }) {
                open.push(effect.id.clone());
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
            let place = open.iter().position(|effect| effect == result);
            open.remove(place.expect("each effect has one result"));
        }
    }
    (open, history.len())
}

/// The process that is killed: takes the journeys to their end, whatever was done before.
#[test]
#[ignore = "the process that the other test kills"]
fn process() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("started by the other test"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText));
        let engine = Arc::new(engine.unwrap().with_machine(scripted));
        let ledger = Arc::new(Ledger::new(&directory));
        let clock = Arc::new(HandClock::default());
        let runner = Runner::new(Arc::clone(&engine) as _, Arc::clone(&ledger) as _);
        // A store that fails ends it: nobody moves the clock on for another attempt.
        let runner = runner
            .with_clock(Arc::clone(&clock) as _)
            .with_patience(Duration::ZERO);
        let run = tokio::spawn(runner.run(std::future::pending()));
        // Everything comes at least twice, and the two journeys at once.
        for event in [events(1), events(1)].concat() {
            for id in journeys() {
                engine.submit(&id, event.clone()).await.unwrap();
            }
        }
        clock.advance(SignedDuration::from_hours(2));
        let done = async {
            for id in journeys() {
                let entry = EffectId {
                    journey: id.clone(),
                    seq: Seq::new(2),
                    ordinal: 0,
                };
                loop {
                    let recorded = ledger.counts("entry").contains_key(&entry.to_string());
                    if recorded && open(&engine, &id).await.0.is_empty() {
                        break;
                    }
                    // Each result causes a notice.
                    ledger.written.notified().await;
                }
            }
        };
        tokio::select! {
            () = done => {}
            ended = run => panic!("the run ended first: {ended:?}"),
        }
    });
}

/// Runs a process of this program's tests, and says whether it was killed.
pub(crate) fn is_killed(process: &str, directory: &Path, kill_at: &str) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", process, "--ignored"])
        .env(DIRECTORY, directory)
        .env("KYC_JOURNEY_KILL_AT", kill_at)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    match status.signal() {
        Some(9) => true,
        _ => {
            assert!(status.success(), "{kill_at}: {status}");
            false
        }
    }
}

/// What must hold however often the process was killed.
async fn check(directory: &Path, how: &str) {
    let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText)).unwrap();
    let ledger = Ledger::new(directory);
    let (calls, entries) = (ledger.counts("call"), ledger.counts("entry"));
    for id in journeys() {
        let history = engine.history(&id, Seq::ZERO).await.unwrap();
        let (open, _) = open(&engine, &id).await;
        assert_eq!(open, [], "{how}: nothing is lost");
        let numbers = history.iter().map(|entry| entry.seq.get());
        assert!(numbers.eq(1..=history.len() as u64), "{how}: no gap");
        // Six events, four calls, one timer.
        assert_eq!(history.len(), 6 + 4 + 1, "{how}: each event once");
        assert!(
            history
                .iter()
                .all(|entry| entry.verdict != Verdict::Duplicate)
        );
        let effects = history.iter().flat_map(|entry| &entry.effects);
        for effect in effects {
            let name = effect.id.to_string();
            let count = |counts: &BTreeMap<String, usize>| counts.get(&name).copied().unwrap_or(0);
            if let Some(operation) = effect.operation() {
                let result = history
                    .iter()
                    .find(|entry| entry.fact.effect() == Some(&effect.id));
                let interrupted = matches!(result.unwrap().fact, Fact::Interrupted { .. });
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

/// In memory where there is such a place: what is written outlives a process there too, and no disk is waited for.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn a_process_that_is_killed_anywhere_loses_nothing_and_doubles_nothing() {
    let mut kills = 0;
    for name in POINTS {
        for passing in 1.. {
            let directory = directory();
            let directory = directory.path();
            let kill_at = format!("{name}#{passing}");
            // Once it runs to its end, it has been killed at every passing.
            let killed = is_killed("crash::process", directory, &kill_at);
            kills += u32::from(killed);
            if killed {
                // The next one dies early too, and the one after it in its recovery, if there is one.
                for again in ["in a transaction#1", "after an interruption#1"] {
                    kills += u32::from(is_killed("crash::process", directory, again));
                }
                assert!(!is_killed("crash::process", directory, ""), "{kill_at}");
            }
            check(directory, &kill_at).await;
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
    assert!(kills > 100);
}
