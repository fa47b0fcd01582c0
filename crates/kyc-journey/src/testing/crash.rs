//! Processes that are killed at each point in turn: nothing is lost, and no unsafe call is made twice.
//!
//! The calls are counted in a file of the performer's own, which no engine knows of. Every process submits the same events with the
//! same keys, and takes the journeys to their end, whatever was done before.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use provider_core::{Clock, Idempotency, SystemClock};
use tokio::task::JoinSet;

use super::plans::answered;
use super::{HandClock, POINTS};
use crate::engine::{
    EffectCall, HistoryEntry, JourneyEngine, Outbox, Performed, Performer, Undelivered,
};
use crate::point::KILL_AT;
use crate::runner::Runner;
use crate::values::{
    CorrelationToken, EffectId, EffectKind, Event, EventKey, Fact, JourneyId, LedgerEntry, Notice,
    Plan, ReceiptId, Seq, Source, Verdict, VerificationPlan,
};

/// How long a process may take before it is taken for one that hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// How long nobody looks, where nothing says that something has changed.
const PAUSE: Duration = Duration::from_millis(1);

/// A performer that makes every call by a line of a file, and answers as [`answered`] does.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    longest: Duration,
}

impl Ledger {
    /// The ledger of a directory, with what is in it.
    pub fn in_directory(directory: &Path) -> Self {
        Self {
            path: directory.join("ledger"),
            longest: Duration::ZERO,
        }
    }

    /// Lets calls take up to so long, at random, after they are made: a time in which a process is killed.
    #[must_use]
    pub fn with_calls_up_to(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// One line, by one write: a process that is killed leaves it out or whole.
    fn write(&self, what: &str, effect: &EffectId) {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path);
        let line = format!("{what} {effect}\n");
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("a ledger is written");
    }

    /// How often each effect was carried out: `call`, `notice` or `entry`.
    pub fn counts(&self, what: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::<String, usize>::new();
        // Whoever was killed early has not written any.
        let lines = fs::read_to_string(&self.path).unwrap_or_default();
        for line in lines.lines() {
            if let Some((kind, effect)) = line.split_once(' ')
                && kind == what
            {
                let count = counts.entry(effect.to_owned()).or_default();
                *count = count.saturating_add(1);
            }
        }
        counts
    }

    /// How much was carried out.
    pub fn lines(&self) -> usize {
        let lines = fs::read_to_string(&self.path).unwrap_or_default();
        lines.lines().count()
    }
}

#[async_trait]
impl Performer for Ledger {
    async fn perform(&self, call: &EffectCall) -> Performed {
        self.write("call", &call.id);
        let chance = SystemClock.random().expect("chance");
        match chance.checked_rem(self.longest.as_micros()) {
            // A worker that dies dies here now and then.
            None => tokio::task::yield_now().await,
            Some(time) => {
                let time = u64::try_from(time).unwrap_or(u64::MAX);
                SystemClock.sleep(Duration::from_micros(time)).await;
            }
        }
        answered(call)
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

/// Each journey, with the number that its token is made of.
pub fn journeys(number: u128) -> impl Iterator<Item = (JourneyId, u128)> {
    (1..=number).map(|number| (JourneyId::from_bits(number), number))
}

/// What happens to a journey of the machine [`scripted`](super::scripted), the same in every process.
pub fn events(token: u128, at: Timestamp) -> Vec<Event> {
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let facts = [
        Fact::Start {
            plan: Box::new(plan),
            token: CorrelationToken::from_bits(token),
        },
        Fact::ConsentGiven {
            receipt: ReceiptId::parse("receipt").expect("an id"),
            expires_at: None,
        },
        Fact::OneTimeCodeWanted,
        Fact::PurposeMet,
        Fact::HandIn,
        Fact::Unrecognized(Source::default()),
    ];
    let event = |(number, fact): (u32, _)| {
        let key = EventKey::command(&number.to_string()).expect("a key");
        Event::new(key, at, None, fact)
    };
    (0..).zip(facts).map(event).collect()
}

/// How long the history of such a journey is in the end: six events, the results of four calls, one timer.
pub const ENTRIES: usize = 6 + 4 + 1;

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

/// What a process that is killed does: takes this many journeys to their end.
pub async fn live(engine: Arc<dyn Outbox>, directory: &Path, number: u128) {
    let ledger = Arc::new(Ledger::in_directory(directory));
    let clock = Arc::new(HandClock::default());
    // A store that fails ends it: nobody moves the clock on for another attempt.
    let runner = Runner::new(Arc::clone(&engine), Arc::clone(&ledger) as _)
        .with_clock(Arc::clone(&clock) as _)
        .with_patience(Duration::ZERO);
    let run = tokio::spawn(runner.run(std::future::pending()));
    // To all journeys at once, and everything twice.
    let mut submissions = JoinSet::new();
    for (id, token) in journeys(number) {
        let (engine, at) = (Arc::clone(&engine), clock.now());
        submissions.spawn(async move {
            for event in [events(token, at), events(token, at)].concat() {
                engine.submit(&id, event).await.expect("it is stored");
            }
        });
    }
    submissions.join_all().await;
    clock.advance(SignedDuration::from_hours(2));
    let done = async {
        for (id, _) in journeys(number) {
            let entry = EffectId {
                journey: id.clone(),
                seq: Seq::new(2),
                ordinal: 0,
            };
            loop {
                let recorded = ledger.counts("entry").contains_key(&entry.to_string());
                let history = engine.history(&id, Seq::ZERO).await;
                let history = history.expect("the store can be read");
                if recorded && waiting(&id, &history).is_empty() {
                    break;
                }
                // Another process may be the one that does it, which tells nobody here.
                SystemClock.sleep(PAUSE).await;
            }
        }
    };
    tokio::select! {
        () = done => {}
        ended = run => panic!("the run ended first: {ended:?}"),
    }
}

/// What became of everything, once the journeys have ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Results and entries of the ledger that are missing.
    pub lost: usize,
    /// Unsafe calls that were made more than once.
    pub doubled: usize,
    /// Unsafe calls of which the journey was told that they may have been made.
    pub interrupted: usize,
    /// Safe calls that were made more than once.
    pub repeated: usize,
    /// All unsafe calls.
    pub unsafe_calls: usize,
}

impl Tally {
    /// Compares what an engine has of this many journeys with what was done. `how` begins what a failure says.
    pub async fn of(engine: &dyn JourneyEngine, ledger: &Ledger, number: u128, how: &str) -> Self {
        let (calls, entries) = (ledger.counts("call"), ledger.counts("entry"));
        let mut tally = Self::default();
        let add = |sum: &mut usize, what: bool| *sum = sum.saturating_add(what.into());
        for (id, _) in journeys(number) {
            let history = engine.history(&id, Seq::ZERO).await;
            let history = history.expect("the store can be read");
            let numbers = history.iter().map(|entry| entry.seq.get());
            assert!(numbers.eq((1..).take(history.len())), "{how}: no gap");
            let is_duplicate = |entry: &HistoryEntry| entry.verdict == Verdict::Duplicate;
            assert!(!history.iter().any(is_duplicate), "{how}: each event once");
            let waiting = waiting(&id, &history);
            assert_eq!(
                history.len().saturating_add(waiting.len()),
                ENTRIES,
                "{how}: each event once"
            );
            tally.lost = tally.lost.saturating_add(waiting.len());
            for effect in history.iter().flat_map(|entry| &entry.effects) {
                let name = effect.id.to_string();
                let is_lost =
                    matches!(effect.kind, EffectKind::Ledger(_)) && !entries.contains_key(&name);
                add(&mut tally.lost, is_lost);
                let Some(operation) = effect.operation() else {
                    continue;
                };
                let interrupted = history.iter().any(|entry| {
                    matches!(&entry.fact, Fact::Interrupted { effect: told } if *told == effect.id)
                });
                let made = calls.get(&name).copied().unwrap_or_default();
                if operation.idempotency() == Idempotency::Unsafe {
                    add(&mut tally.unsafe_calls, true);
                    add(&mut tally.interrupted, interrupted);
                    add(&mut tally.doubled, made > 1);
                    assert!(made > 0 || interrupted, "{how}: {name} was not made");
                } else {
                    add(&mut tally.repeated, made > 1);
                    assert!(made > 0 && !interrupted, "{how}: {name}");
                }
            }
        }
        tally
    }

    /// Fails where something is lost or doubled.
    pub fn check(&self, how: &str) {
        assert_eq!((self.lost, self.doubled), (0, 0), "{how}: {self:?}");
    }
}

/// A process that may kill itself, and ends with its owner.
#[derive(Debug)]
pub struct Process {
    child: Child,
    kill_at: String,
    limit: Duration,
}

impl Process {
    /// A test of this program that is ignored otherwise.
    pub fn test(name: &str) -> Command {
        let program = std::env::current_exe().expect("a program");
        let mut command = Command::new(program);
        command.args(["--exact", name, "--ignored"]);
        command
    }

    /// Starts one that is killed at a point, as [`POINTS`] names it, `#`, and at which of its passings; or nowhere.
    pub fn start(mut command: Command, kill_at: &str) -> Self {
        let command = command.env(KILL_AT, kill_at).stdout(Stdio::null());
        Self {
            child: command.spawn().expect("a process"),
            kill_at: kill_at.to_owned(),
            limit: LIMIT,
        }
    }

    /// Gives it another time to come to its end in; 120 seconds by default.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("a process").is_some()
    }

    /// Kills it, if it has not ended.
    pub fn kill(&mut self) {
        self.child.kill().expect("a process");
        self.child.wait().expect("a process");
    }

    /// Waits until it has ended, which must have been well or by being killed, and says whether it was killed.
    pub fn was_killed(mut self) -> bool {
        let kill_at = self.kill_at.clone();
        let started = Instant::now();
        while !self.is_over() {
            // Its owner kills it.
            assert!(started.elapsed() < self.limit, "{kill_at}: it does not end");
            thread::sleep(PAUSE);
        }
        let status = self.child.wait().expect("a process");
        let killed = status.signal() == Some(9);
        assert!(killed || status.success(), "{kill_at}: {status}");
        killed
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A store of its own, over which one process after the other is started.
#[async_trait]
pub trait Case: Send + Sync {
    /// Where the ledger is.
    fn directory(&self) -> &Path;

    /// How many journeys there are.
    fn journeys(&self) -> u128;

    /// A process over the store that does what [`live`] does.
    fn process(&self) -> Command;

    /// As if so much time had gone by that nobody waits for a process that was killed.
    async fn bury(&self) {}

    /// An engine over the store.
    async fn open(&self) -> Arc<dyn JourneyEngine>;
}

async fn is_killed(case: &dyn Case, kill_at: &str) -> bool {
    let killed = Process::start(case.process(), kill_at).was_killed();
    if killed {
        case.bury().await;
    }
    killed
}

/// What must hold however often processes were killed.
pub async fn check(case: &dyn Case, how: &str) {
    let ledger = Ledger::in_directory(case.directory());
    let engine = case.open().await;
    let tally = Tally::of(&*engine, &ledger, case.journeys(), how).await;
    tally.check(how);
}

/// Kills a process at every passing of every point, each over a store of its own. The ones after it die at `again`, if they pass there,
/// and the last one comes to the end. Returns how many were killed.
pub async fn at_every_point<C: Case>(again: &[&str], case: impl Fn(&str) -> C) -> usize {
    let mut kills = Vec::new();
    for name in POINTS {
        for passing in 1.. {
            let kill_at = format!("{name}#{passing}");
            let case = case(&kill_at);
            // Once it runs to its end, it has been killed at every passing.
            let killed = is_killed(&case, &kill_at).await;
            if killed {
                kills.push(kill_at.clone());
                for again in again {
                    if is_killed(&case, again).await {
                        kills.push(format!("{kill_at}, {again}"));
                    }
                }
                assert!(!is_killed(&case, "").await, "{kill_at}");
            }
            check(&case, &kill_at).await;
            if !killed {
                // No process passes this one before its second life.
                let is_passed = passing > 1 || *name == "after an interruption";
                assert!(is_passed, "{name} is passed");
                break;
            }
        }
    }
    kills.len()
}

/// A directory, in memory where there is such a place: what is written outlives a process there too, and no disk is waited for.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a directory")
}
