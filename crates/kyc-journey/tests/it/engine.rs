//! The engine in memory conforms, and the suite notices engines that do not.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use kyc_journey::provider_core::async_trait;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::testing::conformance::{self, Started, Subject, World};
use kyc_journey::testing::{ClearText, scripted};
use kyc_journey::{
    Due, Effect, EffectId, EffectKind, EngineError, EngineErrorKind, Event, EventKey, HistoryEntry,
    Journey, JourneyEngine, JourneyFilter, JourneyId, JourneyPage, JourneyRecord, Lane,
    MemoryEngine, Outbox, PageToken, Payload, Place, Provider, Reported, RunLease, Sealer, Seq,
    Submitted, Transition, Verdict,
};

/// What is wrong with an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Nothing.
    None,
    /// An event that has been seen is reported as applied.
    HidesDuplicates,
    /// An event that has been seen is applied again.
    AppliesAgain,
    /// What was acknowledged is lost in a crash.
    IsNotDurable,
    /// A call is not marked as begun before it is made.
    MarksTooLate,
    /// An interrupted call is made again.
    RepeatsUnsafeCalls,
    /// An interrupted call is dropped.
    ForgetsInterruptedCalls,
    /// A call that was cancelled is made.
    IgnoresCancellations,
    /// What is due is not told where one effect does not open.
    StopsAtWhatDoesNotOpen,
    /// Timers fire a moment too early.
    IsEarly,
    /// A payload that the transition does not keep is stored.
    KeepsEveryPayload,
    /// Reports of journeys that have not begun are dropped.
    DropsEarlyReports,
    /// A list ends with its first page.
    ListsOnePage,
    /// What is forgotten stays.
    Remembers,
}

/// The engine in memory, with a flaw.
#[derive(Debug, Clone)]
struct Flawed {
    engine: MemoryEngine,
    flaw: Flaw,
    sealer: Arc<dyn Sealer>,
}

impl Flawed {
    /// Whether an effect would open if it had been sealed.
    fn opens(&self, effect: &EffectId) -> bool {
        let place = Place::effect(&effect.journey, effect.seq);
        let sealed = ClearText.seal(&place, b"").expect("it is sealed");
        self.sealer.open(&place, &sealed).is_ok()
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }
}

#[async_trait]
impl Subject for Flawed {
    async fn start(&self, world: World) -> Started {
        let engine = match self.flaw {
            Flaw::IsNotDurable => MemoryEngine::new(),
            _ => self.engine.clone(),
        };
        let engine = engine.with_machine(match self.flaw {
            Flaw::IgnoresCancellations => without_cancellations,
            Flaw::KeepsEveryPayload => with_every_payload,
            _ => world.machine,
        });
        let flawed = Self {
            engine,
            flaw: self.flaw,
            sealer: Arc::clone(&world.sealer),
        };
        Started::with_runner(Arc::new(flawed), world)
    }
}

#[async_trait]
impl JourneyEngine for Flawed {
    async fn submit(&self, id: &JourneyId, mut event: Event) -> Result<Submitted, EngineError> {
        if self.has(Flaw::AppliesAgain) {
            let number = self.engine.history(id, Seq::ZERO).await?.len();
            let key = format!("{}#{number}", event.key.as_str());
            event.key = EventKey::parse(key).expect("a key");
        }
        let mut submitted = self.engine.submit(id, event).await?;
        if self.has(Flaw::HidesDuplicates) && submitted.verdict == Verdict::Duplicate {
            submitted.verdict = Verdict::Applied;
        }
        Ok(submitted)
    }

    async fn report(&self, provider: Provider, event: Event) -> Result<Reported, EngineError> {
        let every = JourneyFilter::new();
        let known = self.engine.list(&every, PageToken::default()).await?;
        if self.has(Flaw::DropsEarlyReports) && known.journeys.is_empty() {
            return Ok(Reported::Parked);
        }
        self.engine.report(provider, event).await
    }

    async fn read(&self, id: &JourneyId) -> Result<Option<JourneyRecord>, EngineError> {
        self.engine.read(id).await
    }

    async fn history(&self, id: &JourneyId, after: Seq) -> Result<Vec<HistoryEntry>, EngineError> {
        self.engine.history(id, after).await
    }

    async fn payload(&self, id: &JourneyId, seq: Seq) -> Result<Option<Payload>, EngineError> {
        self.engine.payload(id, seq).await
    }

    async fn list(
        &self,
        filter: &JourneyFilter,
        page: PageToken,
    ) -> Result<JourneyPage, EngineError> {
        let mut page = self.engine.list(filter, page).await?;
        if self.has(Flaw::ListsOnePage) {
            page.next = None;
        }
        Ok(page)
    }

    async fn forget(&self, id: &JourneyId) -> Result<(), EngineError> {
        match self.flaw {
            Flaw::Remembers => Ok(()),
            _ => self.engine.forget(id).await,
        }
    }
}

#[async_trait]
impl Outbox for Flawed {
    fn begin(&self) -> Result<RunLease, EngineError> {
        self.engine.begin()
    }

    async fn interrupted(&self) -> Result<Vec<Effect>, EngineError> {
        match self.flaw {
            Flaw::RepeatsUnsafeCalls | Flaw::ForgetsInterruptedCalls => Ok(Vec::new()),
            _ => self.engine.interrupted().await,
        }
    }

    async fn due(
        &self,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Result<Due, EngineError> {
        let early = SignedDuration::from_millis(i64::from(self.has(Flaw::IsEarly)));
        let mut due = self.engine.due(now + early, room, under_way).await?;
        let is_lost = |effect: &Effect| !self.opens(&effect.id);
        if self.has(Flaw::StopsAtWhatDoesNotOpen) && due.effects.iter().any(is_lost) {
            return Err(EngineError::new(EngineErrorKind::Corrupt));
        }
        if self.has(Flaw::RepeatsUnsafeCalls) {
            let begun = self.engine.interrupted().await?;
            due.effects.extend(
                begun
                    .into_iter()
                    .filter(|effect| !under_way.contains(&effect.id)),
            );
        }
        Ok(due)
    }

    async fn mark(&self, effect: &EffectId) -> Result<bool, EngineError> {
        match self.flaw {
            Flaw::MarksTooLate => self.engine.is_waiting(effect).await,
            Flaw::RepeatsUnsafeCalls => self.engine.mark(effect).await.map(|_| true),
            _ => self.engine.mark(effect).await,
        }
    }

    async fn is_waiting(&self, effect: &EffectId) -> Result<bool, EngineError> {
        self.engine.is_waiting(effect).await
    }

    async fn done(&self, effect: &EffectId) -> Result<(), EngineError> {
        self.engine.done(effect).await
    }

    async fn changed(&self) {
        self.engine.changed().await;
    }
}

fn without_cancellations(journey: &Journey, event: &Event) -> Transition {
    let mut transition = scripted(journey, event);
    let is_wanted = |effect: &Effect| !matches!(effect.kind, EffectKind::CancelCall(_));
    transition.effects.retain(is_wanted);
    transition
}

fn with_every_payload(journey: &Journey, event: &Event) -> Transition {
    let mut transition = scripted(journey, event);
    transition.keeps_payload = true;
    transition
}

fn subject(flaw: Flaw) -> Arc<dyn Subject> {
    Arc::new(Flawed {
        engine: MemoryEngine::new(),
        flaw,
        sealer: Arc::new(ClearText),
    })
}

/// Whether a check passes. Time is paused, so that a check that waits for what never comes ends at once.
async fn passes(check: impl Future<Output = ()>) -> bool {
    let checked = AssertUnwindSafe(check).catch_unwind();
    let ended = tokio::time::timeout(Duration::from_secs(3_600), checked).await;
    matches!(ended, Ok(Ok(())))
}

#[tokio::test(start_paused = true)]
async fn the_engine_in_memory_conforms() {
    assert!(passes(conformance::journey_engine(|| subject(Flaw::None))).await);
}

#[tokio::test(start_paused = true)]
async fn flawed_engines_do_not_conform() {
    type Check = fn(Arc<dyn Subject>) -> Pin<Box<dyn Future<Output = ()>>>;
    macro_rules! check {
        ($name:ident) => {
            (|subject| Box::pin(conformance::$name(subject))) as Check
        };
    }
    for (flaw, check) in [
        (Flaw::HidesDuplicates, check!(an_event_is_applied_once)),
        (Flaw::AppliesAgain, check!(an_event_is_applied_once)),
        (Flaw::IsNotDurable, check!(what_was_acknowledged_survives)),
        (
            Flaw::MarksTooLate,
            check!(an_unsafe_call_is_interrupted_and_not_repeated),
        ),
        (
            Flaw::RepeatsUnsafeCalls,
            check!(an_unsafe_call_is_interrupted_and_not_repeated),
        ),
        (
            Flaw::ForgetsInterruptedCalls,
            check!(an_unsafe_call_is_interrupted_and_not_repeated),
        ),
        (
            Flaw::IgnoresCancellations,
            check!(a_call_that_was_cancelled_is_not_made),
        ),
        (
            Flaw::StopsAtWhatDoesNotOpen,
            check!(an_effect_that_does_not_open_holds_up_no_other),
        ),
        (Flaw::IsEarly, check!(timers_are_neither_early_nor_lost)),
        (
            Flaw::KeepsEveryPayload,
            check!(payloads_are_kept_dropped_and_erased),
        ),
        (
            Flaw::DropsEarlyReports,
            check!(reports_find_their_journey_or_wait_for_it),
        ),
        (Flaw::ListsOnePage, check!(journeys_are_listed_page_by_page)),
        (Flaw::Remembers, check!(what_is_forgotten_is_gone)),
    ] {
        assert!(
            passes(check(subject(Flaw::None))).await,
            "{flaw:?} is the cause"
        );
        assert!(!passes(check(subject(flaw))).await, "{flaw:?} is noticed");
    }
}
