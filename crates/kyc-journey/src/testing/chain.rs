//! Whole journeys for figures: calls one after another, each asked for once the result of the one before it is durable.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use provider_core::capability::ProviderReference;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::engine::{EffectCall, EngineError, JourneyEngine, Performed, Performer, Undelivered};
use crate::machine::{Journey, Transition, apply};
use crate::values::{
    Answer, Correlation, CorrelationToken, Effect, EffectId, EffectKind, Event, EventKey, Fact,
    JourneyId, JourneyStatus, LedgerEntry, Leg, Notice, Operation, Plan, VerificationPlan,
};

/// How many calls a journey of [`chained`] has.
pub const CALLS: u64 = 5;

/// A machine whose journeys are [`CALLS`] safe calls, which are made at least once, and a notice of the end. Each call is asked for by
/// the event before it: the start, or the answer to the call before.
pub fn chained(journey: &Journey, event: &Event) -> Transition {
    next(journey, event, |_| Operation::ReadDecision {
        session: ProviderReference::parse("a-session-of-veriff").expect("an id"),
    })
}

/// As [`chained`], of unsafe calls, which are made at most once: each is marked before it.
pub fn chained_at_most_once(journey: &Journey, event: &Event) -> Transition {
    next(journey, event, |token| Operation::CreateSession {
        correlation: Correlation {
            token: token.unwrap_or(CorrelationToken::from_bits(0)),
            leg: Leg::Verification,
            attempt: 1,
        },
    })
}

fn next(
    journey: &Journey,
    event: &Event,
    call: impl FnOnce(Option<CorrelationToken>) -> Operation,
) -> Transition {
    let mut transition = apply(journey, event);
    let seq = transition.state.seq();
    let kind = match seq.get() {
        1..=CALLS => EffectKind::Call(call(transition.state.token().copied())),
        _ => EffectKind::Notify(Notice::Status(JourneyStatus::Completed)),
    };
    transition.effects = vec![Effect {
        id: EffectId {
            journey: journey.id().clone(),
            seq,
            ordinal: 0,
        },
        kind,
    }];
    transition
}

/// A performer that answers each call at once, and knows who waits for the end of which journey.
#[derive(Debug, Clone, Default)]
pub struct Ends(Arc<Mutex<HashMap<JourneyId, oneshot::Sender<()>>>>);

impl Ends {
    fn waiting(&self) -> MutexGuard<'_, HashMap<JourneyId, oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs journeys of [`chained`] on an engine whose effects this performer carries out: `at_once` of them, another one as soon as
    /// one ends, until `time` has passed and the last one has ended. `JOURNEYS ELAPSED_S P50_MS P99_MS`, as `cargo xtask bench journeys`
    /// reads them of each engine and of its peers.
    ///
    /// # Errors
    ///
    /// The engine did not take a start.
    pub async fn figures<E: JourneyEngine + 'static>(
        &self,
        engine: &Arc<E>,
        at_once: usize,
        time: Duration,
    ) -> Result<String, EngineError> {
        let began = Instant::now();
        let took = self.journeys(engine, at_once, time).await?;
        Ok(figures(took, began.elapsed()))
    }

    /// How long each of them took.
    async fn journeys<E: JourneyEngine + 'static>(
        &self,
        engine: &Arc<E>,
        at_once: usize,
        time: Duration,
    ) -> Result<Vec<Duration>, EngineError> {
        let (began, number) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..at_once {
            let (ends, engine, number) = (self.clone(), Arc::clone(engine), Arc::clone(&number));
            tasks.spawn(async move {
                let mut took = Vec::new();
                loop {
                    let number = number.fetch_add(1, Ordering::Relaxed);
                    let start = Instant::now();
                    ends.journey(&*engine, number.into()).await?;
                    took.push(start.elapsed());
                    if began.elapsed() >= time {
                        return Ok(took);
                    }
                }
            });
        }
        let took: Result<Vec<_>, _> = tasks.join_all().await.into_iter().collect();
        Ok(took?.into_iter().flatten().collect())
    }

    /// One journey, from its start to the notice of its end.
    async fn journey(&self, engine: &dyn JourneyEngine, number: u128) -> Result<(), EngineError> {
        let id = JourneyId::from_bits(number);
        let (end, ended) = oneshot::channel();
        self.waiting().insert(id.clone(), end);
        let fact = Fact::Start {
            plan: Box::new(Plan::new().set_verification(Some(VerificationPlan::new()))),
            token: CorrelationToken::from_bits(number),
        };
        let key = EventKey::command("start").expect("a key");
        let event = Event::new(key, Timestamp::now(), None, fact);
        engine.submit(&id, event).await?;
        ended.await.expect("a journey ends once");
        Ok(())
    }
}

fn figures(mut took: Vec<Duration>, elapsed: Duration) -> String {
    took.sort_unstable();
    let percentile = |percent: usize| {
        let place = took.len().saturating_mul(percent) / 100;
        let place = place.min(took.len().saturating_sub(1));
        took.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    format!(
        "{} {:.3} {:.2} {:.2}",
        took.len(),
        elapsed.as_secs_f64(),
        percentile(50),
        percentile(99)
    )
}

#[async_trait]
impl Performer for Ends {
    async fn perform(&self, _: &EffectCall) -> Performed {
        Performed {
            result: Ok(Answer::Done),
            payload: None,
        }
    }

    async fn notify(&self, id: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        // A notice that is delivered again finds nobody.
        if let Some(end) = self.waiting().remove(&id.journey) {
            let _ = end.send(());
        }
        Ok(())
    }

    async fn record(&self, _: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Machine;
    use crate::engine::MemoryEngine;
    use crate::runner::Runner;
    use crate::values::Seq;
    use provider_core::Idempotency;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let took = (1..=100).rev().map(Duration::from_millis).collect();
        let line = figures(took, Duration::from_millis(500));
        assert_eq!(line, "100 0.500 51.00 100.00");
        assert_eq!(figures(vec![], Duration::ZERO), "0 0.000 0.00 0.00");
    }

    #[tokio::test]
    async fn a_journey_is_its_start_and_five_answers() {
        for (machine, idempotency) in [
            (chained as Machine, Idempotency::Safe),
            (chained_at_most_once, Idempotency::Unsafe),
        ] {
            let (engine, ends) = (
                Arc::new(MemoryEngine::new().with_machine(machine)),
                Ends::default(),
            );
            let runner = Runner::new(Arc::clone(&engine) as _, Arc::new(ends.clone()));
            let running = tokio::spawn(runner.run(std::future::pending()));
            let took = ends.journeys(&engine, 2, Duration::ZERO).await;
            assert_eq!(took.unwrap().len(), 2);
            let history = engine.history(&JourneyId::from_bits(0), Seq::ZERO).await;
            let history = history.unwrap();
            assert_eq!(history.len(), 6);
            for entry in history.iter().take(5) {
                let [effect] = entry.effects.as_slice() else {
                    panic!("{entry:?}");
                };
                let EffectKind::Call(operation) = &effect.kind else {
                    panic!("{effect:?}");
                };
                assert_eq!(operation.idempotency(), idempotency);
            }
            running.abort();
        }
    }
}
