//! The conformance suite of engines: what every [`JourneyEngine`] must do, whatever it stores in.
//!
//! A check gets an engine that holds nothing, with the machine [`scripted`], a [`Witness`] as performer and a [`HandClock`]. It
//! crashes the engine and starts it again over what it stored. Nothing waits for a while: a check waits for what it is told.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use provider_core::{Clock, Masked};
use tokio::task::JoinSet;

use super::script::TIMER;
use super::{ClearText, HandClock, LostKey, Mood, Witness, scripted};
use crate::engine::{
    EngineErrorKind, HistoryEntry, JourneyEngine, JourneyFilter, Machine, Outbox, PageToken,
    Performer, Reported, Sealer, Submitted,
};
use crate::runner::Runner;
use crate::values::{
    Correlation, CorrelationToken, DataClass, EffectId, Event, EventKey, Fact, JourneyId,
    JourneyStatus, Leg, Payload, Plan, Provider, ReceiptId, Seq, Source, Verdict, VerificationPlan,
};

/// An engine under test, and what it stores in.
#[async_trait]
pub trait Subject: fmt::Debug + Send + Sync {
    /// Starts the engine over everything that it stored before.
    async fn start(&self, world: World) -> Started;
}

/// What an engine under test works with.
#[derive(Debug, Clone)]
pub struct World {
    /// What applies events.
    pub machine: Machine,
    /// What seals bodies, where the engine has any.
    pub sealer: Arc<dyn Sealer>,
    /// What makes the calls.
    pub performer: Arc<dyn Performer>,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// How many calls are made at once, at most.
    pub calls: usize,
}

type Crash = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;
type Settled = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// An engine that runs.
pub struct Started {
    engine: Arc<dyn JourneyEngine>,
    crash: Crash,
    settled: Option<Settled>,
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}

impl Started {
    /// An engine, and what ends it as a crash does: without its knowing, in the middle of whatever it does. When the returned future
    /// is ready, it does nothing more.
    pub fn new<F>(
        engine: Arc<dyn JourneyEngine>,
        crash: impl FnOnce() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            engine,
            crash: Box::new(move || Box::pin(crash())),
            settled: None,
        }
    }

    /// Says how to wait until an engine has done what it had to do, if it does not do it in the order in which it is due: until nothing is
    /// under way, and each timer has been compared with the clock as it stands.
    #[must_use]
    pub fn settled_by<F>(mut self, settled: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.settled = Some(Box::new(move || Box::pin(settled())));
        self
    }

    /// An engine whose effects a [`Runner`] carries out. It crashes by losing its runner.
    pub fn with_runner(outbox: Arc<dyn Outbox>, world: World) -> Self {
        let engine: Arc<dyn JourneyEngine> = Arc::clone(&outbox) as _;
        let runner = Runner::new(outbox, world.performer)
            .with_clock(world.clock)
            .with_calls(world.calls);
        let run = tokio::spawn(runner.run(std::future::pending()));
        Self::new(engine, move || async move {
            run.abort();
            // Whether it was ended or had ended, it is over.
            let _ = run.await;
        })
    }
}

/// Runs every check, each over a subject of its own.
pub async fn journey_engine(subject: impl Fn() -> Arc<dyn Subject>) {
    an_event_is_applied_once(subject()).await;
    events_of_a_journey_are_applied_one_at_a_time(subject()).await;
    what_was_acknowledged_survives(subject()).await;
    only_a_start_begins_a_journey(subject()).await;
    every_effect_is_carried_out(subject()).await;
    an_unsafe_call_is_interrupted_and_not_repeated(subject()).await;
    a_safe_call_is_made_again(subject()).await;
    a_call_that_was_answered_is_over(subject()).await;
    a_performer_that_panics_is_an_unknown_outcome(subject()).await;
    a_call_that_was_cancelled_is_not_made(subject()).await;
    an_effect_that_does_not_open_holds_up_no_other(subject()).await;
    timers_are_neither_early_nor_lost(subject()).await;
    of_a_timers_name_the_last_one_fires(subject()).await;
    calls_do_not_wait_for_a_clock_that_was_set_back(subject()).await;
    payloads_are_kept_dropped_and_erased(subject()).await;
    notices_and_entries_are_delivered_until_they_are_taken(subject()).await;
    reports_find_their_journey_or_wait_for_it(subject()).await;
    journeys_are_listed_page_by_page(subject()).await;
    what_is_forgotten_is_gone(subject()).await;
}

/// A check's engine, performer and clock.
struct Scene {
    subject: Arc<dyn Subject>,
    sealer: Arc<dyn Sealer>,
    witness: Witness,
    clock: Arc<HandClock>,
    calls: usize,
    keys: AtomicU64,
}

/// The journey of most checks.
fn id() -> JourneyId {
    JourneyId::from_bits(1)
}

fn token() -> CorrelationToken {
    CorrelationToken::from_bits(17)
}

impl Scene {
    fn new(subject: Arc<dyn Subject>) -> Self {
        Self {
            subject,
            sealer: Arc::new(ClearText),
            witness: Witness::default(),
            clock: Arc::default(),
            calls: 16,
            keys: AtomicU64::new(0),
        }
    }

    /// A scene with the engine running and the journey started.
    async fn begun(subject: Arc<dyn Subject>) -> (Self, Started) {
        let scene = Self::new(subject);
        let started = scene.start().await;
        scene.submit(&started, scene.started()).await;
        (scene, started)
    }

    async fn start(&self) -> Started {
        let world = World {
            machine: scripted,
            sealer: Arc::clone(&self.sealer),
            performer: Arc::new(self.witness.clone()),
            clock: Arc::clone(&self.clock) as _,
            calls: self.calls,
        };
        self.subject.start(world).await
    }

    async fn crash(&self, started: Started) {
        let Started { engine, crash, .. } = started;
        crash().await;
        drop(engine);
    }

    async fn restart(&self, started: Started) -> Started {
        self.crash(started).await;
        self.start().await
    }

    /// An event with a key of its own.
    fn event(&self, fact: Fact) -> Event {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        let key = EventKey::command(&number.to_string()).expect("a key");
        Event::new(key, self.clock.now(), None, fact)
    }

    fn started(&self) -> Event {
        self.started_with(token())
    }

    fn started_with(&self, token: CorrelationToken) -> Event {
        let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
        let plan = Box::new(plan);
        self.event(Fact::Start { plan, token })
    }

    async fn submit(&self, started: &Started, event: Event) -> Submitted {
        self.submit_to(started, &id(), event).await
    }

    async fn submit_to(&self, started: &Started, id: &JourneyId, event: Event) -> Submitted {
        let submitted = started.engine.submit(id, event).await;
        submitted.expect("an event is stored")
    }

    /// Submits a fact, and returns the effect that it asks for first.
    async fn ask(&self, started: &Started, fact: Fact) -> EffectId {
        let submitted = self.submit(started, self.event(fact)).await;
        assert_eq!(submitted.verdict, Verdict::Applied);
        EffectId {
            journey: id(),
            seq: submitted.seq,
            ordinal: 0,
        }
    }

    /// Waits until the engine has done what it had to do before this: another journey's call is made, answered and told of, twice.
    async fn settle(&self, started: &Started) {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        let bits = u128::from(number) << 64;
        let other = JourneyId::from_bits(bits);
        let start = self.started_with(CorrelationToken::from_bits(bits));
        self.submit_to(started, &other, start).await;
        for notices in 1..=2 {
            let ask = self.event(Fact::AskAgain);
            self.submit_to(started, &other, ask).await;
            self.witness.until_told(&other, notices).await;
        }
        if let Some(settled) = &started.settled {
            settled().await;
        }
    }

    async fn history(&self, started: &Started) -> Vec<HistoryEntry> {
        let history = started.engine.history(&id(), Seq::ZERO).await;
        history.expect("the store can be read")
    }

    /// How many events of the journey's history match.
    async fn count(&self, started: &Started, matches: impl Fn(&Fact) -> bool) -> usize {
        let history = self.history(started).await;
        history.iter().filter(|entry| matches(&entry.fact)).count()
    }
}

fn is_interrupted(fact: &Fact) -> bool {
    matches!(fact, Fact::Interrupted { .. })
}

fn is_answered(fact: &Fact) -> bool {
    matches!(fact, Fact::Answered { .. })
}

fn has_fired(fact: &Fact) -> bool {
    matches!(fact, Fact::TimerFired { .. })
}

fn unrecognized() -> Fact {
    Fact::Unrecognized(Source::default())
}

/// The same event, however often and at whatever time it is submitted, is applied once, and every time but the first is told so.
pub async fn an_event_is_applied_once(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    let event = scene.event(Fact::HandIn);
    let mut submissions = JoinSet::new();
    for _ in 0..8 {
        let (engine, event) = (Arc::clone(&started.engine), event.clone());
        submissions.spawn(async move { engine.submit(&id(), event).await });
    }
    let mut verdicts = Vec::new();
    for submitted in submissions.join_all().await {
        let submitted = submitted.expect("an event is stored");
        assert_eq!(submitted.seq, Seq::new(2), "each is told the same number");
        verdicts.push(submitted.verdict);
    }
    verdicts.retain(|verdict| *verdict != Verdict::Duplicate);
    assert_eq!(verdicts, [Verdict::Applied], "one of eight is applied");
    scene.witness.until_told(&id(), 1).await;
    let started = scene.restart(started).await;
    let late = scene.submit(&started, event).await;
    assert_eq!((late.verdict, late.seq), (Verdict::Duplicate, Seq::new(2)));
    scene.settle(&started).await;
    assert_eq!(
        scene.history(&started).await.len(),
        3,
        "start, hand-in, answer"
    );
    let effect = EffectId {
        journey: id(),
        seq: Seq::new(2),
        ordinal: 0,
    };
    assert_eq!(scene.witness.count(&effect), 1, "its call is made once");
    scene.crash(started).await;
}

/// Events that are submitted at once are numbered without a gap, and none is lost.
pub async fn events_of_a_journey_are_applied_one_at_a_time(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    let mut submissions = JoinSet::new();
    for _ in 0..64 {
        let (engine, event) = (Arc::clone(&started.engine), scene.event(unrecognized()));
        submissions.spawn(async move { engine.submit(&id(), event).await });
    }
    let mut numbers = Vec::new();
    for submitted in submissions.join_all().await {
        let submitted = submitted.expect("an event is stored");
        assert_eq!(submitted.verdict, Verdict::Kept);
        numbers.push(submitted.seq.get());
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(2..=65), "no gap and no number twice");
    let history = scene.history(&started).await;
    assert!(
        history.iter().map(|entry| entry.seq.get()).eq(1..=65),
        "the history is in order"
    );
    let record = started.engine.read(&id()).await.expect("a read");
    let record = record.expect("a journey");
    assert_eq!(record.state.seq(), Seq::new(65));
    scene.crash(started).await;
}

/// A crash takes nothing that was acknowledged.
pub async fn what_was_acknowledged_survives(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    for _ in 0..10 {
        scene.clock.advance(SignedDuration::from_secs(1));
        scene.submit(&started, scene.event(unrecognized())).await;
    }
    let before = (
        started.engine.read(&id()).await.expect("a read"),
        scene.history(&started).await,
    );
    let started = scene.restart(started).await;
    let after = (
        started.engine.read(&id()).await.expect("a read"),
        scene.history(&started).await,
    );
    assert_eq!(after, before);
    let (record, history) = after;
    let record = record.expect("a journey");
    assert_eq!((history.len(), record.state.seq()), (11, Seq::new(11)));
    assert_eq!(
        record.updated_at.duration_since(record.created_at),
        SignedDuration::from_secs(10)
    );
    let newer = started.engine.history(&id(), Seq::new(9)).await;
    let all: Vec<_> = history.into_iter().skip(9).collect();
    assert_eq!(newer.expect("a read"), all);
    scene.crash(started).await;
}

/// An event of a journey that has not started is refused and leaves nothing behind.
pub async fn only_a_start_begins_a_journey(subject: Arc<dyn Subject>) {
    let scene = Scene::new(subject);
    let started = scene.start().await;
    let refused = started
        .engine
        .submit(&id(), scene.event(Fact::HandIn))
        .await;
    let refused = refused.expect_err("there is no such journey");
    assert_eq!(refused.kind(), EngineErrorKind::UnknownJourney);
    assert_eq!(started.engine.read(&id()).await.expect("a read"), None);
    assert_eq!(scene.history(&started).await, []);
    let all = JourneyFilter::new();
    let page = started.engine.list(&all, PageToken::default());
    assert!(page.await.expect("a read").journeys.is_empty());
    scene.crash(started).await;
}

/// Every effect of a transition is carried out, once where nothing fails.
pub async fn every_effect_is_carried_out(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    let first = scene.ask(&started, Fact::PurposeMet).await;
    scene.witness.until_told(&id(), 3).await;
    for ordinal in 0..3 {
        let effect = EffectId {
            ordinal,
            ..first.clone()
        };
        assert_eq!(scene.witness.count(&effect), 1, "{ordinal}");
    }
    assert_eq!(scene.count(&started, is_answered).await, 3);
    scene.crash(started).await;
}

/// An unsafe call is marked before it is made: if the process dies in it, the journey is told, and the call is not repeated.
pub async fn an_unsafe_call_is_interrupted_and_not_repeated(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    scene.witness.set_mood(Mood::Hangs);
    let effect = scene.ask(&started, Fact::HandIn).await;
    scene.witness.until_called(1).await;
    scene.crash(started).await;
    scene.witness.set_mood(Mood::Answers);
    let started = scene.start().await;
    scene.witness.until_told(&id(), 1).await;
    let started = scene.restart(started).await;
    scene.settle(&started).await;
    assert_eq!(
        scene.witness.count(&effect),
        1,
        "an unsafe call is made once"
    );
    assert_eq!(scene.count(&started, is_interrupted).await, 1);
    assert_eq!(scene.count(&started, is_answered).await, 0);
    scene.crash(started).await;
}

/// A safe call is simply made again.
pub async fn a_safe_call_is_made_again(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    scene.witness.set_mood(Mood::Hangs);
    let effect = scene.ask(&started, Fact::AskAgain).await;
    scene.witness.until_called(1).await;
    scene.crash(started).await;
    scene.witness.set_mood(Mood::Answers);
    let started = scene.start().await;
    scene.witness.until_told(&id(), 1).await;
    assert_eq!(scene.witness.count(&effect), 2);
    assert_eq!(scene.count(&started, is_interrupted).await, 0);
    assert_eq!(scene.count(&started, is_answered).await, 1);
    scene.crash(started).await;
}

/// A call that was answered is neither made again nor interrupted after a crash.
pub async fn a_call_that_was_answered_is_over(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    let handed_in = scene.ask(&started, Fact::HandIn).await;
    let asked = scene.ask(&started, Fact::AskAgain).await;
    scene.witness.until_told(&id(), 2).await;
    let started = scene.restart(started).await;
    scene.settle(&started).await;
    assert_eq!(scene.witness.count(&handed_in), 1);
    assert_eq!(scene.witness.count(&asked), 1);
    assert_eq!(scene.count(&started, is_interrupted).await, 0);
    assert_eq!(scene.count(&started, is_answered).await, 2);
    scene.crash(started).await;
}

/// What a performer did that panicked is unknown, and the journey is told so.
pub async fn a_performer_that_panics_is_an_unknown_outcome(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    scene.witness.set_mood(Mood::Panics);
    let effect = scene.ask(&started, Fact::HandIn).await;
    scene.witness.until_told(&id(), 1).await;
    scene.witness.set_mood(Mood::Answers);
    scene.settle(&started).await;
    let unknown = |fact: &Fact| matches!(fact, Fact::Failed { failure, .. } if *failure == crate::values::Failure::unknown());
    assert_eq!(scene.count(&started, unknown).await, 1);
    assert_eq!(scene.witness.count(&effect), 1);
    scene.crash(started).await;
}

/// What does not open, such as after a key was lost, is left: calls that had begun and calls that had not. Everything else is carried out,
/// also of the same journey. An engine that seals nothing makes them.
pub async fn an_effect_that_does_not_open_holds_up_no_other(subject: Arc<dyn Subject>) {
    let (mut scene, started) = Scene::begun(subject).await;
    scene.witness.set_mood(Mood::Hangs);
    let lost = scene.ask(&started, Fact::PurposeMet).await;
    scene.witness.until_called(3).await;
    scene.crash(started).await;
    scene.witness.set_mood(Mood::Answers);
    scene.sealer = Arc::new(LostKey {
        journey: id(),
        seq: lost.seq,
    });
    let started = scene.start().await;
    let effect = scene.ask(&started, Fact::HandIn).await;
    scene.settle(&started).await;
    let started = scene.restart(started).await;
    scene.settle(&started).await;
    assert_eq!(scene.witness.count(&effect), 1);
    scene.crash(started).await;
}

/// A call that was cancelled before it began is not made; one that has begun goes on.
pub async fn a_call_that_was_cancelled_is_not_made(subject: Arc<dyn Subject>) {
    let mut scene = Scene::new(subject);
    // The first call takes the only place, so that the second one waits.
    scene.calls = 1;
    let started = scene.start().await;
    scene.submit(&started, scene.started()).await;
    scene.witness.set_mood(Mood::Hangs);
    let begun = scene.ask(&started, Fact::HandIn).await;
    scene.witness.until_called(1).await;
    scene.ask(&started, Fact::Cancel).await;
    let waiting = scene.ask(&started, Fact::HandIn).await;
    scene.ask(&started, Fact::Cancel).await;
    let asked = scene.ask(&started, Fact::AskAgain).await;
    scene.ask(&started, Fact::Cancel).await;
    scene.crash(started).await;
    scene.witness.set_mood(Mood::Answers);
    let started = scene.start().await;
    scene.settle(&started).await;
    assert_eq!(scene.witness.count(&begun), 1);
    assert_eq!(scene.witness.count(&waiting), 0, "an unsafe call");
    assert_eq!(scene.witness.count(&asked), 0, "a safe call");
    assert_eq!(
        scene.count(&started, is_interrupted).await,
        1,
        "of what had begun"
    );
    scene.crash(started).await;
}

/// A timer fires at its time, not a microsecond before, once, and also if its time came while nothing ran.
pub async fn timers_are_neither_early_nor_lost(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    let microsecond = SignedDuration::from_micros(1);
    scene.ask(&started, Fact::OneTimeCodeWanted).await;
    scene.clock.advance(TIMER.saturating_sub(microsecond));
    scene.settle(&started).await;
    assert_eq!(scene.count(&started, has_fired).await, 0, "not yet");
    scene.clock.advance(microsecond);
    scene.witness.until_told(&id(), 1).await;
    let started = scene.restart(started).await;
    scene.clock.advance(TIMER);
    scene.settle(&started).await;
    assert_eq!(scene.count(&started, has_fired).await, 1, "once");

    scene.ask(&started, Fact::OneTimeCodeWanted).await;
    scene.crash(started).await;
    scene.clock.advance(SignedDuration::from_hours(24 * 30));
    let started = scene.start().await;
    scene.witness.until_told(&id(), 2).await;
    assert_eq!(
        scene.count(&started, has_fired).await,
        2,
        "late, and not lost"
    );
    scene.crash(started).await;
}

/// A timer replaces the one of its name, and one that is cancelled does not fire.
pub async fn of_a_timers_name_the_last_one_fires(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    scene.ask(&started, Fact::OneTimeCodeWanted).await;
    scene
        .clock
        .advance(TIMER.saturating_sub(SignedDuration::from_secs(1)));
    let last = scene.ask(&started, Fact::OneTimeCodeWanted).await;
    let started = scene.restart(started).await;
    scene.clock.advance(SignedDuration::from_secs(1));
    scene.settle(&started).await;
    assert_eq!(scene.count(&started, has_fired).await, 0, "it was replaced");
    scene.clock.advance(TIMER);
    scene.witness.until_told(&id(), 1).await;
    let generation = |fact: &Fact| match fact {
        Fact::TimerFired { generation, .. } => *generation == last.seq.get(),
        _ => false,
    };
    assert_eq!(scene.count(&started, generation).await, 1);

    scene.ask(&started, Fact::OneTimeCodeWanted).await;
    scene.ask(&started, Fact::ConsentRefused).await;
    scene.clock.advance(TIMER);
    let started = scene.restart(started).await;
    scene.settle(&started).await;
    assert_eq!(
        scene.count(&started, has_fired).await,
        1,
        "it was cancelled"
    );
    scene.crash(started).await;
}

/// A clock that was set back delays timers, and nothing else.
pub async fn calls_do_not_wait_for_a_clock_that_was_set_back(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    scene.witness.set_mood(Mood::Hangs);
    let effect = scene.ask(&started, Fact::AskAgain).await;
    scene.witness.until_called(1).await;
    scene.crash(started).await;
    scene.witness.set_mood(Mood::Answers);
    scene.clock.advance(SignedDuration::from_hours(-1));
    let started = scene.start().await;
    scene.witness.until_told(&id(), 1).await;
    assert_eq!(scene.witness.count(&effect), 2);
    scene.crash(started).await;
}

/// A payload is stored if the transition keeps it, given to the call that names it, and erased by its class.
pub async fn payloads_are_kept_dropped_and_erased(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    let payload = |class| Payload {
        class,
        content: Masked::from("a-secret-code"),
    };
    let with = |fact, class| scene.event(fact).set_payload(Some(payload(class)));
    let typed = with(Fact::OneTimeCodeTyped, DataClass::Codes);
    let typed = scene.submit(&started, typed).await.seq;
    let evidence = with(Fact::AskAgain, DataClass::Evidence);
    let evidence = scene.submit(&started, evidence).await.seq;
    let dropped = with(Fact::Reopen, DataClass::Codes);
    let dropped = scene.submit(&started, dropped).await;
    assert_eq!(dropped.verdict, Verdict::Discarded);
    scene.witness.until_told(&id(), 2).await;
    let calls = scene.witness.calls();
    let given: Vec<_> = calls
        .iter()
        .filter_map(|call| call.payload.clone())
        .collect();
    assert_eq!(
        given,
        [payload(DataClass::Codes)],
        "the call is given the code"
    );

    let started = scene.restart(started).await;
    let stored = async |seq| started.engine.payload(&id(), seq).await.expect("a read");
    assert_eq!(stored(typed).await, Some(payload(DataClass::Codes)));
    assert_eq!(stored(evidence).await, Some(payload(DataClass::Evidence)));
    assert_eq!(stored(dropped.seq).await, None, "it must not be stored");
    assert_eq!(stored(Seq::new(1)).await, None);
    let history = format!("{:?}", scene.history(&started).await);
    let printed = format!("{history} {:?}", started.engine);
    assert!(!printed.contains("a-secret-code"), "{printed}");

    scene.ask(&started, Fact::Withdrawn).await;
    assert_eq!(stored(typed).await, None, "it is erased");
    assert_eq!(stored(evidence).await, Some(payload(DataClass::Evidence)));

    // The event that begins a journey may have one too.
    let other = JourneyId::from_bits(u128::MAX);
    let start = scene.started_with(CorrelationToken::from_bits(u128::MAX));
    let start = start.set_payload(Some(payload(DataClass::Person)));
    let person = scene.submit_to(&started, &other, start).await.seq;
    let started = scene.restart(started).await;
    let kept = started.engine.payload(&other, person).await;
    assert_eq!(kept.expect("a read"), Some(payload(DataClass::Person)));
    scene.crash(started).await;
}

/// A notice and an entry of the ledger are tried again until they are taken, also after a crash.
pub async fn notices_and_entries_are_delivered_until_they_are_taken(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    scene.witness.refuse(1);
    let receipt = ReceiptId::parse("receipt").expect("an id");
    let given = Fact::ConsentGiven {
        receipt,
        expires_at: None,
    };
    scene.ask(&started, given).await;
    scene.witness.until_refused().await;
    let started = scene.restart(started).await;
    scene.witness.until_recorded(&id(), 1).await;
    scene.witness.refuse(1);
    scene.ask(&started, Fact::AskAgain).await;
    scene.witness.until_refused().await;
    let started = scene.restart(started).await;
    scene.witness.until_told(&id(), 1).await;
    scene.crash(started).await;
}

/// A report finds its journey by the token; one that comes too early is applied when the journey begins, once.
pub async fn reports_find_their_journey_or_wait_for_it(subject: Arc<dyn Subject>) {
    let scene = Scene::new(subject);
    let started = scene.start().await;
    let about = |token| {
        let correlation = Correlation {
            token,
            leg: Leg::Verification,
            attempt: 1,
        };
        scene.event(Fact::Hint(Source::new(None, Some(correlation))))
    };
    let early = about(token());
    let payload = Payload {
        class: DataClass::Evidence,
        content: Masked::from("as it was received"),
    };
    let early = early.set_payload(Some(payload));
    for _ in 0..2 {
        let reported = started.engine.report(Provider::Veriff, early.clone()).await;
        assert_eq!(reported.expect("a report is stored"), Reported::Parked);
    }
    let foreign = about(CorrelationToken::from_bits(18));
    let foreign = started.engine.report(Provider::Veriff, foreign).await;
    assert_eq!(foreign.expect("a report is stored"), Reported::Parked);
    let started = scene.restart(started).await;
    scene.submit(&started, scene.started()).await;
    let hint = |fact: &Fact| matches!(fact, Fact::Hint(_));
    assert_eq!(
        scene.count(&started, hint).await,
        1,
        "in the same transaction"
    );

    let report = async |event| {
        let reported = started.engine.report(Provider::Veriff, event).await;
        match reported.expect("a report is stored") {
            Reported::Submitted(journey, submitted) => {
                assert_eq!(journey, id());
                (submitted.verdict, submitted.seq)
            }
            Reported::Parked => panic!("the journey is known by its token"),
        }
    };
    assert_eq!(report(early).await, (Verdict::Duplicate, Seq::new(2)));
    assert_eq!(report(about(token())).await, (Verdict::Kept, Seq::new(3)));
    scene.crash(started).await;
}

/// A list has every journey that matches once, the one that changed last first, over any number of pages.
pub async fn journeys_are_listed_page_by_page(subject: Arc<dyn Subject>) {
    let scene = Scene::new(subject);
    let started = scene.start().await;
    let ids: Vec<JourneyId> = (1..=250).map(JourneyId::from_bits).collect();
    for id in &ids {
        scene.submit_to(&started, id, scene.started()).await;
        // Some change at the same time.
        if scene.keys.load(Ordering::Relaxed).is_multiple_of(3) {
            scene.clock.advance(SignedDuration::from_secs(1));
        }
    }
    let half: Timestamp = scene.clock.now();
    scene.clock.advance(SignedDuration::from_secs(1));
    for id in ids.iter().take(50) {
        let withdrawn = scene.event(Fact::Withdrawn);
        scene.submit_to(&started, id, withdrawn).await;
    }
    let all = async |filter: JourneyFilter| {
        let mut found = Vec::new();
        let mut next = Some(PageToken::default());
        while let Some(token) = next {
            let page = started.engine.list(&filter, token).await;
            let page = page.expect("the store can be read");
            assert!(!page.journeys.is_empty() || page.next.is_none());
            found.extend(page.journeys);
            next = page.next;
        }
        assert!(
            found.is_sorted_by(|a, b| a.updated_at >= b.updated_at),
            "the last change first"
        );
        let mut names: Vec<JourneyId> = found.into_iter().map(|found| found.id).collect();
        names.sort();
        names
    };
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(all(JourneyFilter::new()).await, expected);
    let withdrawn = JourneyFilter::new().set_statuses([JourneyStatus::Withdrawn]);
    let (changed, unchanged) = expected.split_at(50);
    assert_eq!(all(withdrawn).await, changed);
    let stale = JourneyFilter::new().set_unchanged_since(Some(half));
    assert_eq!(all(stale.clone()).await, unchanged);
    let running = stale.set_statuses([JourneyStatus::Withdrawn]);
    assert_eq!(all(running).await, []);
    let unknown = JourneyId::from_bits(u128::MAX);
    let asked = [&ids[..], std::slice::from_ref(&unknown)].concat();
    let listed = started.engine.read_listed(&asked).await;
    let listed = listed.expect("the store can be read");
    assert_eq!(listed.len(), ids.len(), "all that there are");
    for id in [ids.first(), ids.last()].into_iter().flatten() {
        let read = started.engine.read(id).await;
        let read = read.expect("the store can be read");
        assert_eq!(listed.get(id), read.as_ref());
    }
    let all = JourneyFilter::new();
    let foreign = started.engine.list(&all, PageToken::new("elsewhere"));
    let foreign = foreign.await.expect_err("a page that nobody gave out");
    assert_eq!(foreign.kind(), EngineErrorKind::InvalidPage);
    scene.crash(started).await;
}

/// A journey that was forgotten leaves nothing: no payload, no timer, no call, no reference, and no answer brings it back.
pub async fn what_is_forgotten_is_gone(subject: Arc<dyn Subject>) {
    let (scene, started) = Scene::begun(subject).await;
    scene.ask(&started, Fact::OneTimeCodeWanted).await;
    scene.witness.set_mood(Mood::Hangs);
    scene.ask(&started, Fact::HandIn).await;
    let asked = scene.ask(&started, Fact::AskAgain).await;
    scene.witness.until_called(2).await;
    started.engine.forget(&id()).await.expect("it is forgotten");
    started
        .engine
        .forget(&id())
        .await
        .expect("again is no error");
    let started = scene.restart(started).await;
    scene.witness.set_mood(Mood::Answers);
    scene.clock.advance(TIMER);
    scene.settle(&started).await;
    assert_eq!(scene.witness.count(&asked), 1);
    assert_eq!(started.engine.read(&id()).await.expect("a read"), None);
    assert_eq!(scene.history(&started).await, []);
    let correlation = Correlation {
        token: token(),
        leg: Leg::Verification,
        attempt: 1,
    };
    let report = scene.event(Fact::Hint(Source::new(None, Some(correlation))));
    let reported = started.engine.report(Provider::Veriff, report).await;
    assert_eq!(reported.expect("a report is stored"), Reported::Parked);
    scene.crash(started).await;
}
