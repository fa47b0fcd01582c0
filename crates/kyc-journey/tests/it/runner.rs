//! The runner: how many at once, how it stops, and what it does with a store that refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{Clock, InvalidRequest, async_trait};
use kyc_journey::testing::{HandClock, Mood, Witness, scripted};
use kyc_journey::{
    CorrelationToken, EngineErrorKind, Event, EventKey, Fact, JourneyEngine as _, JourneyId,
    MemoryEngine, Outbox as _, Plan, Runner, Seq, VerificationPlan,
};
use tokio::sync::oneshot;

fn id() -> JourneyId {
    JourneyId::from_bits(1)
}

fn event(key: &str, fact: Fact) -> Event {
    let key = EventKey::command(key).unwrap();
    Event::new(key, HandClock::default().now(), None, fact)
}

/// Somebody moves it once, at the worst moment: it has been read, and is not slept on yet.
#[derive(Debug, Default)]
struct MovedMeanwhile {
    clock: HandClock,
    is_moved: AtomicBool,
}

impl MovedMeanwhile {
    fn advance(&self) {
        if !self.is_moved.swap(true, Ordering::Relaxed) {
            self.clock.advance(SignedDuration::from_hours(2));
        }
    }
}

#[async_trait]
impl Clock for MovedMeanwhile {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        self.clock.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.advance();
        self.clock.sleep(duration).await;
    }

    async fn sleep_until(&self, time: Timestamp) {
        self.advance();
        self.clock.sleep_until(time).await;
    }
}

/// An engine with a journey that asks for this many unsafe calls.
async fn engine(calls: usize) -> MemoryEngine {
    let engine = MemoryEngine::new().with_machine(scripted);
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let start = Fact::Start {
        plan: Box::new(plan),
        token: CorrelationToken::from_bits(1),
    };
    engine.submit(&id(), event("start", start)).await.unwrap();
    for call in 0..calls {
        let ask = event(&format!("{call}"), Fact::HandIn);
        engine.submit(&id(), ask).await.unwrap();
    }
    engine
}

fn runner(engine: &MemoryEngine, witness: &Witness) -> Runner {
    Runner::new(Arc::new(engine.clone()), Arc::new(witness.clone()))
        .with_clock(Arc::new(HandClock::default()))
}

/// Lets every task run until all of them wait: there is one thread.
async fn quiet() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_made_at_once_than_may_be() {
    let (engine, witness) = (engine(5).await, Witness::default());
    witness.set_mood(Mood::Hangs);
    let run = runner(&engine, &witness).with_calls(2);
    let run = tokio::spawn(run.run(std::future::pending()));
    quiet().await;
    assert_eq!(witness.calls().len(), 2);
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    witness.set_mood(Mood::Answers);
    let run = runner(&engine, &witness).with_calls(2);
    let run = tokio::spawn(run.run(std::future::pending()));
    quiet().await;
    assert_eq!(witness.calls().len(), 5, "in their turn, and none twice");
    run.abort();
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_stops_waits_for_what_is_under_way_and_begins_nothing() {
    let (engine, witness) = (engine(3).await, Witness::default());
    let (stop, stopped) = oneshot::channel::<()>();
    // It is stopped before it begins.
    stop.send(()).unwrap();
    let run = runner(&engine, &witness).with_calls(1).run(async move {
        let _ = stopped.await;
    });
    run.await.unwrap();
    let made = witness.calls().len();
    assert!(made <= 1, "{made}");
    let history = engine.history(&id(), Seq::new(4)).await.unwrap();
    assert_eq!(history.len(), made, "what was made was answered");
    assert!(engine.interrupted().await.unwrap().is_empty());
    // And whoever comes next makes the others.
    let next = tokio::spawn(runner(&engine, &witness).run(std::future::pending()));
    quiet().await;
    assert_eq!(witness.calls().len(), 3);
    next.abort();
}

#[tokio::test(start_paused = true)]
async fn a_store_has_one_runner_at_a_time() {
    let (engine, witness) = (engine(1).await, Witness::default());
    let first = tokio::spawn(runner(&engine, &witness).run(std::future::pending()));
    quiet().await;
    let second = runner(&engine, &witness).run(std::future::pending()).await;
    assert_eq!(second.unwrap_err().kind(), EngineErrorKind::InUse);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    runner(&engine, &witness)
        .run(std::future::ready(()))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timer_is_not_slept_through_by_a_clock_that_is_moved_meanwhile() {
    let (engine, witness) = (engine(0).await, Witness::default());
    let ask = event("ask", Fact::OneTimeCodeWanted);
    engine.submit(&id(), ask).await.unwrap();
    let clock = Arc::new(MovedMeanwhile::default());
    let run = runner(&engine, &witness).with_clock(clock);
    let run = tokio::spawn(run.run(std::future::pending()));
    quiet().await;
    let history = engine.history(&id(), Seq::new(2)).await.unwrap();
    assert!(matches!(
        history.first().map(|entry| &entry.fact),
        Some(Fact::TimerFired { .. })
    ));
    run.abort();
}
