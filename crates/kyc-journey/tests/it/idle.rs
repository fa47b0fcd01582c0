//! A run that ends once there is nothing to do.

use std::sync::Arc;
use std::time::Duration;

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::provider_core::{Clock as _, SystemClock, async_trait};
use kyc_journey::testing::{HandClock, Witness};
use kyc_journey::{
    CorrelationToken, DocumentKind, DocumentsPlan, EffectCall, EffectId, EngineErrorKind, Event,
    EventKey, Fact, Failure, JourneyEngine as _, JourneyId, JourneyStatus, LedgerEntry,
    MemoryEngine, Notice, Performed, Performer, Plan, Runner, Undelivered,
};

#[tokio::test]
async fn a_run_ends_once_nothing_is_due_and_says_when_something_will_be() {
    let clock = Arc::new(HandClock::default());
    let engine = Arc::new(MemoryEngine::new());
    let witness = Arc::new(Witness::default());
    let runner = Runner::new(engine.clone(), witness.clone()).with_clock(clock.clone());
    assert_eq!(runner.run_until_idle().await.unwrap(), None);

    let id = JourneyId::from_bits(1);
    let plan = Box::new(Plan::new().set_documents(Some(DocumentsPlan::new([DocumentKind::Pan]))));
    let token = CorrelationToken::from_bits(1);
    let key = EventKey::command("start").unwrap();
    let start = Event::new(key, clock.now(), None, Fact::Start { plan, token });
    engine.submit(&id, start).await.unwrap();
    let day = SignedDuration::from_hours(24);
    let notice = clock.now().saturating_add(day).unwrap();
    // Twice, because there is nothing to do the second time; the person has a day.
    for _ in 0..2 {
        assert_eq!(runner.run_until_idle().await.unwrap(), Some(notice));
        witness.until_told(&id, 1).await;
    }
    clock.advance(day);
    assert_eq!(runner.run_until_idle().await.unwrap(), None);
    let record = engine.read(&id).await.unwrap().unwrap();
    assert_eq!(record.state.status(), JourneyStatus::Expired);
    assert_eq!(witness.calls(), []);
}

/// A store with more journeys than a run has room for, of which it carries out one.
#[tokio::test]
async fn a_run_of_one_journey_leaves_the_others_as_they_are() {
    let clock = Arc::new(HandClock::default());
    let engine = Arc::new(MemoryEngine::new());
    let witness = Arc::new(Witness::default());
    let last = JourneyId::from_bits(600);
    for bits in 1..=600 {
        let id = JourneyId::from_bits(bits);
        let wanted = DocumentsPlan::new([DocumentKind::Pan]);
        let plan = Box::new(Plan::new().set_documents(Some(wanted)));
        let token = CorrelationToken::from_bits(bits);
        let key = EventKey::command("start").unwrap();
        let start = Event::new(key, clock.now(), None, Fact::Start { plan, token });
        engine.submit(&id, start).await.unwrap();
    }
    let run = || Runner::new(engine.clone(), witness.clone()).with_clock(clock.clone());
    run().only(last.clone()).run_until_idle().await.unwrap();
    witness.until_told(&last, 1).await;
    clock.advance(SignedDuration::from_hours(24));
    run().only(last.clone()).run_until_idle().await.unwrap();
    let mut expired = Vec::new();
    for bits in 1..=600 {
        let id = JourneyId::from_bits(bits);
        let record = engine.read(&id).await.unwrap().unwrap();
        if record.state.status() == JourneyStatus::Expired {
            expired.push(id);
        }
    }
    assert_eq!(expired, [last]);
    // Nothing is lost: the next run has them all.
    run().run_until_idle().await.unwrap();
    let first = engine
        .read(&JourneyId::from_bits(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.state.status(), JourneyStatus::Expired);
}

/// Takes nothing.
#[derive(Debug)]
struct Deaf;

#[async_trait]
impl Performer for Deaf {
    async fn perform(&self, _: &EffectCall) -> Performed {
        Performed {
            result: Err(Failure::not_sent()),
            payload: None,
        }
    }

    async fn notify(&self, _: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        Ok(())
    }

    async fn record(&self, _: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        Err(Undelivered)
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_with_patience_does_not_wait_for_a_ledger_that_takes_nothing() {
    let engine = Arc::new(MemoryEngine::new());
    let plan = Box::new(Plan::new().set_documents(Some(DocumentsPlan::new([DocumentKind::Pan]))));
    let token = CorrelationToken::from_bits(1);
    let key = EventKey::command("start").unwrap();
    let start = Event::new(key, SystemClock.now(), None, Fact::Start { plan, token });
    engine
        .submit(&JourneyId::from_bits(1), start)
        .await
        .unwrap();
    let runner = Runner::new(engine.clone(), Arc::new(Deaf));
    let runner = runner.with_patience(Duration::from_secs(5));
    let error = runner.run_until_idle().await.unwrap_err();
    assert_eq!(error.kind(), EngineErrorKind::Unavailable);
    // It is written by the next run.
    let witness = Arc::new(Witness::default());
    let next = Runner::new(engine, witness);
    assert!(next.run_until_idle().await.unwrap().is_some());
}
