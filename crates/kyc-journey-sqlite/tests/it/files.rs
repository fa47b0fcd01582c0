//! One file: who may have it, what a disk that refuses does, and what stands in it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{Clock as _, Masked, async_trait};
use kyc_journey::testing::{ClearText, HandClock, Witness, scripted};
use kyc_journey::{
    Correlation, CorrelationToken, DataClass, Domain, EffectCall, EffectId, EngineError,
    EngineErrorKind, Event, EventKey, Fact, JourneyEngine, JourneyId, LedgerEntry, Leg, Notice,
    Payload, Performed, Performer, Place, Plan, Provider, Runner, SealError, Sealer, Seq, Source,
    Undelivered, VerificationPlan,
};
use kyc_journey_sqlite::{OpenError, SqliteEngine};

const DIRECTORY: &str = "KYC_JOURNEY_HOLD_DIRECTORY";

fn id() -> JourneyId {
    JourneyId::from_bits(1)
}

fn open(directory: &Path) -> Result<SqliteEngine, OpenError> {
    SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText))
        .map(|engine| engine.with_machine(scripted))
}

fn event(key: &str, fact: Fact) -> Event {
    let key = EventKey::command(key).unwrap();
    Event::new(key, HandClock::default().now(), None, fact)
}

async fn start(engine: &SqliteEngine) {
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let start = Fact::Start {
        plan: Box::new(plan),
        token: CorrelationToken::from_bits(1),
    };
    engine.submit(&id(), event("start", start)).await.unwrap();
}

fn payload(text: &str) -> Option<Payload> {
    Some(Payload {
        class: DataClass::Codes,
        content: Masked::from(text),
    })
}

/// An event that takes this much room.
fn large(key: &str, size: usize) -> Event {
    event(key, Fact::OneTimeCodeTyped).set_payload(payload(&"x".repeat(size)))
}

async fn events(engine: &SqliteEngine) -> usize {
    engine.history(&id(), Seq::ZERO).await.unwrap().len()
}

/// What a refused submission says.
fn kind<T: std::fmt::Debug>(refused: Result<T, EngineError>) -> EngineErrorKind {
    refused.unwrap_err().kind()
}

#[tokio::test]
async fn a_file_has_one_engine_and_another_one_takes_over() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    start(&first).await;
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::Held { .. }), "{error}");
    assert!(error.to_string().ends_with("kyc.db is in use"));
    let path = directory.path().join("kyc.db");
    let standby = tokio::spawn(SqliteEngine::stand_by(path, Arc::new(ClearText)));
    tokio::task::yield_now().await;
    assert!(!standby.is_finished());
    first.submit(&id(), large("last", 1)).await.unwrap();
    drop(first);
    let second = standby.await.unwrap().unwrap();
    assert_eq!(
        events(&second).await,
        2,
        "everything that the first one stored"
    );
}

/// The process that holds the file until it is killed.
#[test]
#[ignore = "the process that the other test kills"]
fn holder() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("started by the other test"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = open(&directory).unwrap();
        start(&engine).await;
        println!("\nheld");
        std::future::pending::<()>().await;
    });
}

/// Ends with the test, however that ends.
struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_standby_takes_over_from_a_process_that_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "files::holder", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .map(Holder)
        .unwrap();
    let printed = BufReader::new(holder.0.stdout.take().unwrap());
    assert!(printed.lines().any(|line| line.unwrap() == "held"));
    assert!(matches!(
        open(directory.path()),
        Err(OpenError::Held { .. })
    ));
    let path = directory.path().join("kyc.db");
    let standby = tokio::spawn(SqliteEngine::stand_by(path, Arc::new(ClearText)));
    tokio::task::yield_now().await;
    drop(holder);
    let engine = standby.await.unwrap().unwrap();
    assert_eq!(events(&engine).await, 1);
}

#[tokio::test]
async fn a_standby_that_is_given_up_leaves_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let path = directory.path().join("kyc.db");
    let standby = tokio::spawn(SqliteEngine::stand_by(path.clone(), Arc::new(ClearText)));
    let third = tokio::spawn(SqliteEngine::stand_by(path, Arc::new(ClearText)));
    tokio::task::yield_now().await;
    standby.abort();
    assert!(standby.await.unwrap_err().is_cancelled());
    drop(first);
    third.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_store_has_one_runner() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(directory.path()).unwrap());
    let run = |stop| {
        let witness = Arc::new(Witness::default());
        Runner::new(Arc::clone(&engine) as _, witness).run(stop)
    };
    let first = tokio::spawn(run(std::future::pending()));
    tokio::task::yield_now().await;
    assert_eq!(
        kind(run(std::future::pending()).await),
        EngineErrorKind::InUse
    );
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let (end, ended) = tokio::sync::oneshot::channel();
    let runner = Runner::new(Arc::clone(&engine) as _, Arc::new(Witness::default()));
    let second = tokio::spawn(runner.run(async move {
        let _: Result<(), _> = ended.await;
    }));
    end.send(()).unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    start(&engine).await;
    // A disk for a few hundred kilobytes.
    engine.execute("PRAGMA max_page_count = 64").unwrap();
    let mut stored = 0;
    let refused = loop {
        let key = format!("{stored}");
        match engine.submit(&id(), large(&key, 20_000)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), EngineErrorKind::Unavailable);
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.contains("full"), "{cause}");
    assert!(stored > 2);
    assert_eq!(
        events(&engine).await,
        stored + 1,
        "what was refused is not there, all else is"
    );
    engine.execute("PRAGMA max_page_count = 100000").unwrap();
    let again = large(&format!("{stored}"), 20_000);
    let again = engine.submit(&id(), again).await.unwrap();
    assert_eq!(again.seq, Seq::new(stored as u64 + 2));
    drop(engine);
    let engine = open(directory.path()).unwrap();
    assert_eq!(events(&engine).await, stored + 2);
}

/// Answers, and has the disk turn read-only before the answer is stored.
#[derive(Debug)]
struct TurnsReadOnly {
    engine: Arc<SqliteEngine>,
    witness: Witness,
}

#[async_trait]
impl Performer for TurnsReadOnly {
    async fn perform(&self, call: &EffectCall) -> Performed {
        self.engine.execute("PRAGMA query_only = ON").unwrap();
        self.witness.perform(call).await
    }

    async fn notify(&self, id: &EffectId, notice: &Notice) -> Result<(), Undelivered> {
        self.witness.notify(id, notice).await
    }

    async fn record(&self, id: &EffectId, entry: &LedgerEntry) -> Result<(), Undelivered> {
        self.witness.record(id, entry).await
    }
}

#[tokio::test]
async fn a_disk_that_refuses_delays_a_call_or_its_answer_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(directory.path()).unwrap());
    start(&engine).await;
    engine
        .submit(&id(), event("ask", Fact::HandIn))
        .await
        .unwrap();
    engine.execute("PRAGMA query_only = ON").unwrap();
    let (witness, clock) = (Witness::default(), Arc::new(HandClock::default()));
    let performer = TurnsReadOnly {
        engine: Arc::clone(&engine),
        witness: witness.clone(),
    };
    let runner = Runner::new(Arc::clone(&engine) as _, Arc::new(performer));
    let runner = runner.with_clock(Arc::clone(&clock) as _);
    let run = tokio::spawn(runner.run(std::future::pending()));
    // It waits longer and longer before it tries again; nothing tells when.
    let wait = async || {
        clock.advance(SignedDuration::from_secs(1));
        events(&engine).await
    };
    for _ in 0..20 {
        assert_eq!(wait().await, 2);
    }
    assert_eq!(witness.calls().len(), 0, "no call without its mark");
    engine.execute("PRAGMA query_only = OFF").unwrap();
    while witness.calls().is_empty() {
        assert_eq!(wait().await, 2);
    }
    for _ in 0..20 {
        assert_eq!(wait().await, 2, "the answer waits in memory");
    }
    engine.execute("PRAGMA query_only = OFF").unwrap();
    while wait().await < 3 {}
    let history = engine.history(&id(), Seq::new(2)).await.unwrap();
    assert!(matches!(history[0].fact, Fact::Answered { .. }));
    assert_eq!(witness.calls().len(), 1);
    run.abort();
}

#[tokio::test]
async fn a_run_with_patience_ends_with_what_the_disk_says_and_the_next_one_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(directory.path()).unwrap());
    start(&engine).await;
    let ask = event("ask", Fact::HandIn);
    engine.submit(&id(), ask).await.unwrap();
    engine.execute("PRAGMA query_only = ON").unwrap();
    let (witness, clock) = (Witness::default(), Arc::new(HandClock::default()));
    let run = || {
        let performer = Arc::new(witness.clone());
        let runner = Runner::new(Arc::clone(&engine) as _, performer);
        let runner = runner.with_clock(Arc::clone(&clock) as _);
        let runner = runner.with_patience(std::time::Duration::from_secs(5));
        tokio::spawn(async move { runner.run_until_idle().await })
    };
    let refused = run();
    while !refused.is_finished() {
        clock.advance(SignedDuration::from_secs(1));
        tokio::task::yield_now().await;
    }
    let refused = refused.await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), EngineErrorKind::Unavailable);
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.contains("readonly"), "{cause}");
    assert_eq!((witness.calls().len(), events(&engine).await), (0, 2));
    engine.execute("PRAGMA query_only = OFF").unwrap();
    run().await.unwrap().unwrap();
    assert_eq!((witness.calls().len(), events(&engine).await), (1, 3));
}

#[tokio::test]
async fn a_disk_that_turned_read_only_refuses_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    start(&engine).await;
    engine.execute("PRAGMA query_only = ON").unwrap();
    let refused = engine.submit(&id(), large("a", 1)).await;
    assert_eq!(kind(refused), EngineErrorKind::Unavailable);
    assert_eq!(
        kind(engine.forget(&id()).await),
        EngineErrorKind::Unavailable
    );
    assert_eq!(events(&engine).await, 1, "and it is still read");
    engine.execute("PRAGMA query_only = OFF").unwrap();
    engine.submit(&id(), large("a", 1)).await.unwrap();
    assert_eq!(events(&engine).await, 2);
}

#[tokio::test]
async fn a_queue_that_is_full_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap().with_waiting(0);
    let refused = engine.submit(&id(), large("a", 1)).await;
    assert_eq!(kind(refused), EngineErrorKind::Overloaded);
}

/// Hides what it seals, as far as a search can tell.
#[derive(Debug)]
struct Hiding;

impl Sealer for Hiding {
    fn seal(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let sealed = ClearText.seal(place, body)?;
        Ok(sealed.into_iter().map(|byte| !byte).collect())
    }

    fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let sealed: Vec<u8> = sealed.iter().map(|byte| !byte).collect();
        ClearText.open(place, &sealed)
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        ClearText.digest(domain, text)
    }
}

/// Whether a text stands in any file of the directory.
fn stands(directory: &Path, text: &str) -> bool {
    let files = fs::read_dir(directory).unwrap();
    let mut contents = files.map(|file| fs::read(file.unwrap().path()).unwrap());
    contents.any(|bytes| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn nothing_but_numbers_times_and_names_of_states_stands_in_the_clear() {
    let directory = tempfile::tempdir().unwrap();
    for (sealer, is_clear) in [
        (Arc::new(ClearText) as Arc<dyn Sealer>, true),
        (Arc::new(Hiding), false),
    ] {
        let directory = directory.path().join(format!("{is_clear}"));
        fs::create_dir(&directory).unwrap();
        let engine = SqliteEngine::open(directory.join("kyc.db"), sealer).unwrap();
        let engine = engine.with_machine(scripted);
        start(&engine).await;
        let typed = event("canary-of-the-key", Fact::OneTimeCodeTyped);
        let typed = typed.set_payload(payload("canary-of-the-payload"));
        engine.submit(&id(), typed).await.unwrap();
        let correlation = Correlation {
            token: CorrelationToken::from_bits(0xcafe_cafe_cafe_cafe),
            leg: Leg::Verification,
            attempt: 1,
        };
        let report = Fact::Hint(Source::new(None, Some(correlation)));
        let report = event("canary-of-the-report", report);
        let report = report.set_payload(payload("canary-that-is-parked"));
        engine.report(Provider::Veriff, report).await.unwrap();
        for canary in [
            "canary-of-the-key",
            "canary-of-the-payload",
            "canary-of-the-report",
            "canary-that-is-parked",
            "cafecafecafecafe",
        ] {
            assert_eq!(stands(&directory, canary), is_clear, "{canary}");
        }
    }
}

#[tokio::test]
async fn what_is_erased_is_gone_from_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    start(&engine).await;
    let typed = event("code", Fact::OneTimeCodeTyped).set_payload(payload("canary-of-the-code"));
    engine.submit(&id(), typed).await.unwrap();
    assert!(stands(directory.path(), "canary-of-the-code"));
    engine
        .submit(&id(), event("withdrawn", Fact::Withdrawn))
        .await
        .unwrap();
    engine
        .execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap_or(());
    assert!(!stands(directory.path(), "canary-of-the-code"));
}

#[tokio::test]
async fn a_database_that_was_closed_is_whole_without_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    start(&engine).await;
    let typed = event("code", Fact::OneTimeCodeTyped).set_payload(payload("canary-of-the-code"));
    engine.submit(&id(), typed).await.unwrap();
    let withdrawn = event("withdrawn", Fact::Withdrawn);
    engine.submit(&id(), withdrawn).await.unwrap();
    let seq = engine.read(&id()).await.unwrap().unwrap().state.seq();
    drop(engine);
    assert!(!stands(directory.path(), "canary-of-the-code"));
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().ends_with("-wal") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    let engine = open(directory.path()).unwrap();
    assert_eq!(engine.read(&id()).await.unwrap().unwrap().state.seq(), seq);
}

/// The log is durable before anything of it is moved into the file, so whatever stands there then is made whole by it.
#[tokio::test]
async fn a_file_that_a_power_cut_left_half_written_opens_by_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    start(&engine).await;
    for key in 0..20 {
        let event = large(&key.to_string(), 10_000);
        engine.submit(&id(), event).await.unwrap();
    }
    let read = |name| fs::read(directory.path().join(name)).unwrap();
    let (before, log) = (read("kyc.db"), read("kyc.db-wal"));
    engine.execute("PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    let after = read("kyc.db");
    assert!(after.len() > before.len());
    for length in [before.len(), before.len() + 4_096, after.len() - 512] {
        for first in [&before, &after] {
            let mut torn = after[..length].to_vec();
            torn[..4_096].copy_from_slice(&first[..4_096]);
            let copy = tempfile::tempdir().unwrap();
            fs::write(copy.path().join("kyc.db"), torn).unwrap();
            fs::write(copy.path().join("kyc.db-wal"), &log).unwrap();
            assert_eq!(events(&open(copy.path()).unwrap()).await, 21);
        }
    }
}

#[tokio::test]
async fn a_body_that_was_moved_or_changed_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    start(&engine).await;
    engine.submit(&id(), large("a", 10)).await.unwrap();
    engine.submit(&id(), large("b", 10)).await.unwrap();
    engine
        .execute(
            "UPDATE event SET payload = (SELECT payload FROM event WHERE seq = 2) WHERE seq = 3",
        )
        .unwrap();
    assert!(engine.payload(&id(), Seq::new(2)).await.unwrap().is_some());
    let moved = engine.payload(&id(), Seq::new(3)).await;
    assert_eq!(kind(moved), EngineErrorKind::Corrupt);
    engine.execute("UPDATE journey SET state = x'00'").unwrap();
    assert_eq!(kind(engine.read(&id()).await), EngineErrorKind::Corrupt);
    let refused = engine.submit(&id(), large("c", 10)).await;
    assert_eq!(kind(refused), EngineErrorKind::Corrupt);
    assert_eq!(events(&engine).await, 3, "nothing was stored");
}

#[tokio::test]
async fn times_are_kept_to_the_microsecond_and_no_timer_is_rounded_down() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    start(&engine).await;
    let mut wanted = event("timer", Fact::OneTimeCodeWanted);
    wanted.at = Timestamp::from_nanosecond(1_767_225_600_000_000_001).unwrap();
    engine.submit(&id(), wanted.clone()).await.unwrap();
    let history = engine.history(&id(), Seq::new(1)).await.unwrap();
    assert_eq!(history[0].at, wanted.at, "the history is exact");
    let record = engine.read(&id()).await.unwrap().unwrap();
    assert_eq!(record.updated_at.as_microsecond(), 1_767_225_600_000_000);
    let due = async |nanosecond| {
        use kyc_journey::{Lane, Outbox as _};
        let now = Timestamp::from_nanosecond(nanosecond).unwrap();
        let none = std::collections::HashSet::new();
        engine.due(now, &[(Lane::Timers, 9)], &none).await.unwrap()
    };
    let hour = 3_600_000_000_000;
    let at = 1_767_225_600_000_000_001 + hour;
    assert_eq!(due(at - 1).await.effects, []);
    let next = due(at - 1).await.next.unwrap();
    assert!(next.as_nanosecond() >= at);
    assert_eq!(due(next.as_nanosecond()).await.effects.len(), 1);
}
