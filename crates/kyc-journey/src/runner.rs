//! Carries out what journeys ask for.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use provider_core::{Clock, Idempotency, SystemClock};
use tokio::task::{Id, JoinError, JoinSet};

use crate::engine::{
    EffectCall, EngineError, EngineErrorKind, Lane, Outbox, Performed, Performer, RunLease,
    Undelivered,
};
use crate::point::point;
use crate::values::{
    Effect, EffectId, EffectKind, Event, EventKey, Fact, Failure, JourneyId, Leg, Operation,
};

/// How long it sleeps at most, so that a clock that was set forward is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The first and the longest wait before something is tried again that the store or a recipient did not take.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// How many timers, notices and entries of the ledger are carried out at once, each.
const OTHERS: usize = 256;

/// How many more it takes from the store than it has places for, in each lane. A look at the store passes by all that is under way,
/// which is too much for each place that becomes free.
const AHEAD: usize = 64;

/// Carries out the effects of a store: makes the calls, fires the timers, delivers notices and entries of the ledger.
///
/// A safe or repeatable call is made at least once. An unsafe one is marked first, and made once the mark is durable; if the process
/// dies before its result is stored, the next run submits [`Fact::Interrupted`] and does not repeat it.
///
/// Dropping [`run`](Self::run) is like a crash: nothing is lost, and calls under way are interrupted.
#[derive(Debug)]
pub struct Runner {
    outbox: Arc<dyn Outbox>,
    performer: Arc<dyn Performer>,
    clock: Arc<dyn Clock>,
    calls: usize,
    only: Option<JourneyId>,
    patience: Option<Duration>,
}

impl Runner {
    /// Carries out this store's effects, with the machine's clock and at most 256 calls at once.
    pub fn new(outbox: Arc<dyn Outbox>, performer: Arc<dyn Performer>) -> Self {
        Self {
            outbox,
            performer,
            clock: Arc::new(SystemClock),
            calls: 256,
            only: None,
            patience: None,
        }
    }

    /// Goes by another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes at most this many calls at once, 1 at least.
    #[must_use]
    pub fn with_calls(mut self, calls: usize) -> Self {
        self.calls = calls.max(1);
        self
    }

    /// Carries out the effects of this journey alone: for a command that follows one, with its own performer or on a clock of its own.
    /// Those of others wait for another run.
    #[must_use]
    pub fn only(mut self, journey: JourneyId) -> Self {
        self.only = Some(journey);
        self
    }

    /// Ends a run with the store's error once something could not be stored for this long, instead of trying for ever: for a command
    /// behind which somebody waits. What is under way then is dropped, as in a crash.
    #[must_use]
    pub fn with_patience(mut self, longest: Duration) -> Self {
        self.patience = Some(longest);
        self
    }

    /// Runs until `stop` is ready, then begins nothing more and waits for what is under way.
    ///
    /// # Errors
    ///
    /// [`InUse`](EngineErrorKind::InUse) if the store has a run already; [`Closed`](EngineErrorKind::Closed) once the engine is closed.
    /// A store that is unavailable for a while is not an error: it is tried again.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), EngineError> {
        let _lease = self.lease()?;
        self.recover().await?;
        let mut stop = std::pin::pin!(stop);
        let mut state = UnderWay::default();
        let mut next = None;
        let mut look = true;
        loop {
            if std::mem::take(&mut look) {
                let now = self.clock.now();
                let room = state.room(self.calls);
                match self.outbox.due(now, &room, &state.effects).await {
                    Ok(due) => {
                        next = due.next;
                        state.effects.extend(due.unreadable);
                        self.tell(due.interrupted).await?;
                        state.note_fullness(&room, &due.effects);
                        look = self.begin_all(due.effects, &mut state);
                        if look {
                            continue;
                        }
                    }
                    Err(error) if is_over(&error) => return Err(error),
                    Err(error) => {
                        tracing::warn!(%error, "journeys cannot be read");
                        next = now.checked_add(BACK_OFF.1).ok();
                    }
                }
            }
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(ended) = state.tasks.join_next_with_id() => {
                    look = self.ended(ended, &mut state)?;
                }
                () = self.outbox.changed() => look = true,
                () = self.sleep_until(next) => look = true,
            }
        }
        state.ahead.clear();
        while let Some(ended) = state.tasks.join_next_with_id().await {
            self.ended(ended, &mut state)?;
        }
        Ok(())
    }

    /// Carries out what is due and what becomes due by that, and returns once nothing is under way: for a command that runs for a
    /// moment, and for a time that is moved by hand. The time at which the next effect is due, if one waits.
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run).
    pub async fn run_until_idle(&self) -> Result<Option<Timestamp>, EngineError> {
        let _lease = self.lease()?;
        self.recover().await?;
        let mut state = UnderWay::default();
        loop {
            let room = state.room(self.calls);
            let due = self.patiently(|| self.outbox.due(self.clock.now(), &room, &state.effects));
            let due = due.await?;
            state.effects.extend(due.unreadable);
            self.tell(due.interrupted).await?;
            if self.begin_all(due.effects, &mut state) {
                continue;
            }
            match state.tasks.join_next_with_id().await {
                Some(ended) => self.ended(ended, &mut state)?,
                None => return Ok(due.next),
            };
        }
    }

    fn lease(&self) -> Result<RunLease, EngineError> {
        match &self.only {
            Some(journey) => self.outbox.begin_only(journey),
            None => self.outbox.begin(),
        }
    }

    /// Begins those that are to be begun and have a place. `true` if it left some to another run, in whose place others may come.
    fn begin_all(&self, effects: Vec<Effect>, state: &mut UnderWay) -> bool {
        let mut left = false;
        for effect in effects {
            // The store does not name it again.
            let is_new = state.effects.insert(effect.id.clone());
            if !self.is_of(&effect.id) {
                left |= is_new;
            } else if let Some(lane) = Lane::of(&effect.kind) {
                state.ahead.entry(lane).or_default().push_back(effect);
                self.begin_next(lane, state);
            }
        }
        left
    }

    /// Begins what has waited longest in a lane, if there is a place.
    fn begin_next(&self, lane: Lane, state: &mut UnderWay) {
        if state.free(lane, self.calls) > 0
            && let Some(effect) = state.ahead.get_mut(&lane).and_then(VecDeque::pop_front)
        {
            self.begin(effect, lane, state);
        }
    }

    fn is_of(&self, effect: &EffectId) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| effect.journey == *only)
    }

    /// Tells the journeys whose unsafe calls have a mark and no result. One query: what has no mark is simply due.
    async fn recover(&self) -> Result<(), EngineError> {
        let interrupted = self.patiently(|| self.outbox.interrupted()).await?;
        self.tell(interrupted).await
    }

    async fn tell(&self, interrupted: Vec<Effect>) -> Result<(), EngineError> {
        for effect in interrupted {
            if let EffectKind::Call(operation) = &effect.kind
                && self.is_of(&effect.id)
            {
                self.interrupt(&effect.id, operation.leg()).await?;
                point("after an interruption");
            }
        }
        Ok(())
    }

    async fn interrupt(&self, effect: &EffectId, leg: Leg) -> Result<(), EngineError> {
        let fact = Fact::Interrupted {
            effect: effect.clone(),
        };
        let key = EventKey::interrupted(effect);
        let event = Event::new(key, self.clock.now(), Some(leg), fact);
        self.submit(effect, event).await
    }

    /// Waits until something is due, or for a while.
    async fn sleep_until(&self, next: Option<Timestamp>) {
        let latest = self.clock.now().saturating_add(LONGEST_SLEEP);
        let latest = latest.unwrap_or(Timestamp::MAX);
        let next = next.map_or(latest, |next| next.min(latest));
        self.clock.sleep_until(next).await;
    }

    /// Begins an effect as a task of its own.
    fn begin(&self, effect: Effect, lane: Lane, state: &mut UnderWay) {
        let carrying = Self {
            outbox: Arc::clone(&self.outbox),
            performer: Arc::clone(&self.performer),
            clock: Arc::clone(&self.clock),
            calls: self.calls,
            only: None,
            patience: self.patience,
        };
        let id = effect.id.clone();
        let task = state
            .tasks
            .spawn(async move { carrying.carry_out(effect).await });
        state.names.insert(task.id(), (id, lane));
        let count = state.counts.entry(lane).or_default();
        *count = count.saturating_add(1);
    }

    /// Takes note of a task that has ended. `true` if more may wait for its place.
    fn ended(&self, ended: Ended, state: &mut UnderWay) -> Result<bool, EngineError> {
        let (task, result) = match ended {
            Ok((task, result)) => (task, result),
            Err(failed) => (failed.id(), Err(EngineError::new(EngineErrorKind::Corrupt))),
        };
        let Some((id, lane)) = state.names.remove(&task) else {
            return Ok(false);
        };
        let count = state.counts.entry(lane).or_default();
        *count = count.saturating_sub(1);
        match result {
            Ok(()) => {
                state.effects.remove(&id);
            }
            // What passes is told once the patience is at its end.
            Err(error) if is_over(&error) || is_passing(&error) => return Err(error),
            // It stays among those under way, so that the next run tries it again, and not this one without end.
            Err(error) => {
                tracing::error!(effect = %id, %error, "an effect is left to the next start");
            }
        }
        self.begin_next(lane, state);
        Ok(state.full.contains(&lane) && !state.has_ahead(lane))
    }

    async fn carry_out(&self, effect: Effect) -> Result<(), EngineError> {
        let Effect { id, kind } = effect;
        match kind {
            EffectKind::Call(operation) => self.call(id, operation).await,
            EffectKind::Timer {
                name, generation, ..
            } => {
                let key = EventKey::timer(&name, generation);
                let leg = name.leg;
                let fact = Fact::TimerFired {
                    timer: name,
                    generation,
                };
                point("before a timer");
                let event = Event::new(key, self.clock.now(), leg, fact);
                self.submit(&id, event).await
            }
            EffectKind::Notify(notice) => {
                self.deliver(&id, || self.performer.notify(&id, &notice))
                    .await
            }
            EffectKind::Ledger(entry) => {
                self.deliver(&id, || self.performer.record(&id, &entry))
                    .await
            }
            EffectKind::CancelCall(_) | EffectKind::CancelTimer(_) | EffectKind::Erase { .. } => {
                Ok(())
            }
        }
    }

    async fn call(&self, id: EffectId, operation: Operation) -> Result<(), EngineError> {
        let payload = match operation.payload() {
            Some(seq) => {
                self.patiently(|| self.outbox.payload(&id.journey, seq))
                    .await?
            }
            None => None,
        };
        if operation.idempotency() == Idempotency::Unsafe {
            point("before a mark");
            if !self.patiently(|| self.outbox.mark(&id)).await? {
                return Ok(());
            }
            point("after a mark");
        } else if !self.patiently(|| self.outbox.is_waiting(&id)).await? {
            return Ok(());
        }
        let leg = operation.leg();
        let call = EffectCall {
            id,
            operation,
            payload,
        };
        let performed = AssertUnwindSafe(self.performer.perform(&call)).catch_unwind();
        // What a performer that panicked had done, nobody knows.
        let performed = performed.await.unwrap_or_else(|_| Performed {
            result: Err(Failure::unknown()),
            payload: None,
        });
        point("after a call");
        let mut event = performed.into_event(call.id.clone(), self.clock.now());
        event.leg = Some(leg);
        self.submit(&call.id, event).await?;
        point("after an answer");
        Ok(())
    }

    /// Delivers until the recipient has taken it.
    async fn deliver<F>(
        &self,
        id: &EffectId,
        mut deliver: impl FnMut() -> F,
    ) -> Result<(), EngineError>
    where
        F: Future<Output = Result<(), Undelivered>> + Send,
    {
        // Whoever does not take it is like a store that does not.
        let attempt = || {
            let delivered = AssertUnwindSafe(deliver()).catch_unwind();
            delivered.map(|delivered| match delivered {
                Ok(Ok(())) => Ok(()),
                _ => Err(EngineError::new(EngineErrorKind::Unavailable).with_source(Undelivered)),
            })
        };
        self.patiently(attempt).await?;
        point("after a delivery");
        self.patiently(|| self.outbox.done(id)).await
    }

    /// Submits a result. A journey that was forgotten meanwhile takes none.
    async fn submit(&self, effect: &EffectId, event: Event) -> Result<(), EngineError> {
        let submitted = self.patiently(|| self.outbox.submit(&effect.journey, event.clone()));
        match submitted.await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == EngineErrorKind::UnknownJourney => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks the store until it answers: while it is unavailable or overloaded, what is known is kept in memory.
    async fn patiently<T, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, EngineError>> + Send,
    {
        let mut wait = BACK_OFF.0;
        let mut left = self.patience;
        loop {
            match ask().await {
                Err(error) if is_passing(&error) && left != Some(Duration::ZERO) => {
                    tracing::warn!(%error, "journeys cannot be stored");
                    let pause = left.map_or(wait, |left| wait.min(left));
                    self.clock.sleep(pause).await;
                    left = left.map(|left| left.saturating_sub(pause));
                    wait = wait.saturating_mul(2).min(BACK_OFF.1);
                }
                other => return other,
            }
        }
    }
}

type Ended = Result<(Id, Result<(), EngineError>), JoinError>;

/// What a run has begun and not ended.
#[derive(Debug, Default)]
struct UnderWay {
    /// With those ahead, and those that are left to a later run: the store does not name them again.
    effects: HashSet<EffectId>,
    /// What was found and waits for a place.
    ahead: BTreeMap<Lane, VecDeque<Effect>>,
    tasks: JoinSet<Result<(), EngineError>>,
    names: HashMap<Id, (EffectId, Lane)>,
    counts: BTreeMap<Lane, usize>,
    /// The lanes for which there was more than room.
    full: Vec<Lane>,
}

impl UnderWay {
    /// How many more may be taken from the store in each lane: none while some wait for a place.
    fn room(&self, calls: usize) -> Vec<(Lane, usize)> {
        let room = Lane::ALL.map(|lane| match self.has_ahead(lane) {
            true => (lane, 0),
            false => (lane, self.free(lane, calls).saturating_add(AHEAD)),
        });
        room.into()
    }

    /// How many places are free in a lane.
    fn free(&self, lane: Lane, calls: usize) -> usize {
        let places = match lane {
            Lane::Calls => calls,
            Lane::Timers | Lane::Notices | Lane::Ledger => OTHERS,
        };
        let taken = self.counts.get(&lane).copied().unwrap_or_default();
        places.saturating_sub(taken)
    }

    fn has_ahead(&self, lane: Lane) -> bool {
        self.ahead.get(&lane).is_some_and(|ahead| !ahead.is_empty())
    }

    fn note_fullness(&mut self, room: &[(Lane, usize)], found: &[Effect]) {
        let is_full = |(lane, room): &(Lane, usize)| {
            let of_lane = |effect: &&Effect| Lane::of(&effect.kind) == Some(*lane);
            (found.iter().filter(of_lane).count() >= *room).then_some(*lane)
        };
        self.full = room.iter().filter_map(is_full).collect();
    }
}

/// Whether no further attempt of this run can succeed.
fn is_over(error: &EngineError) -> bool {
    error.kind() == EngineErrorKind::Closed
}

/// Whether another attempt may succeed.
fn is_passing(error: &EngineError) -> bool {
    matches!(
        error.kind(),
        EngineErrorKind::Unavailable | EngineErrorKind::Overloaded
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::MemoryEngine;
    use crate::testing::{Mood, Witness};
    use crate::values::Seq;
    use provider_core::capability::ProviderReference;

    fn effect(seq: u64) -> Effect {
        let session = ProviderReference::parse("a-session-of-veriff").unwrap();
        Effect {
            id: EffectId {
                journey: JourneyId::from_bits(1),
                seq: Seq::new(seq),
                ordinal: 0,
            },
            kind: EffectKind::Call(Operation::ReadDecision { session }),
        }
    }

    #[tokio::test]
    async fn no_store_is_asked_for_more_while_some_wait_for_a_place() {
        let witness = Witness::default();
        witness.set_mood(Mood::Hangs);
        let engine = Arc::new(MemoryEngine::new());
        let runner = Runner::new(engine, Arc::new(witness)).with_calls(2);
        let mut state = UnderWay::default();
        let room_for_calls = |state: &UnderWay| {
            state
                .room(2)
                .iter()
                .find(|(lane, _)| *lane == Lane::Calls)
                .unwrap()
                .1
        };
        assert_eq!(room_for_calls(&state), 2 + AHEAD);
        runner.begin_all((0..5).map(effect).collect(), &mut state);
        assert_eq!((state.tasks.len(), room_for_calls(&state)), (2, 0));
        // None of them waits in this store, so that each ends at once.
        for (ended, under_way, room) in [(1, 2, 0), (2, 2, 0), (3, 2, AHEAD), (4, 1, 1 + AHEAD)] {
            let task = state.tasks.join_next_with_id().await.unwrap();
            runner.ended(task, &mut state).unwrap();
            assert_eq!(
                (state.tasks.len(), room_for_calls(&state)),
                (under_way, room),
                "{ended}"
            );
        }
    }
}
