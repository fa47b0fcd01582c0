//! What a cell records of a call: the events of its observer, and its pauses, which are noted and not slept.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use provider_core::jiff::{SignedDuration, Timestamp};
use provider_core::{
    CallEvent, CallObserver, CallStage, Clock, InvalidRequest, MetricsObserver, Outcome,
    async_trait,
};

use crate::planted::capture;

/// The events of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Events {
    pub(crate) attempts_started: u32,
    pub(crate) attempts_ended: u32,
    pub(crate) calls_ended: u32,
    /// The outcome, if the call was dropped.
    pub(crate) dropped: Option<Outcome>,
}

/// Counts events, and hands them on to the metrics.
#[derive(Debug)]
pub(crate) struct RecordingObserver {
    metrics: Arc<MetricsObserver>,
    events: Mutex<Events>,
}

impl RecordingObserver {
    pub(crate) fn new(metrics: Arc<MetricsObserver>) -> Self {
        let events = Mutex::default();
        Self { metrics, events }
    }

    /// The events since the last time.
    pub(crate) fn take(&self) -> Events {
        std::mem::take(&mut self.events.lock().unwrap())
    }
}

impl CallObserver for RecordingObserver {
    fn observe(&self, event: &CallEvent<'_>) {
        self.metrics.observe(event);
        capture::note(&format!("{event:?}\n{event:#?}"));
        let mut events = self.events.lock().unwrap();
        match event.stage {
            CallStage::AttemptStarted => events.attempts_started += 1,
            CallStage::AttemptEnded => events.attempts_ended += 1,
            CallStage::Ended => events.calls_ended += 1,
            CallStage::Dropped => {
                events.calls_ended += 1;
                events.dropped = event.outcome;
            }
            _ => {}
        }
    }
}

/// A wall clock that jumps by an hour at each reading, back and forth, because nothing may depend on it; and randomness that a seed
/// repeats.
#[derive(Debug)]
pub(crate) struct CellClock {
    readings: AtomicU32,
    random: Mutex<Rng>,
    pauses: Mutex<Vec<Duration>>,
}

impl CellClock {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            readings: AtomicU32::new(0),
            random: Mutex::new(Rng::with_seed(seed)),
            pauses: Mutex::default(),
        }
    }

    /// The pauses since the last time.
    pub(crate) fn take_pauses(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.pauses.lock().unwrap())
    }
}

#[async_trait]
impl Clock for CellClock {
    fn now(&self) -> Timestamp {
        let jumps = i64::from(self.readings.fetch_add(1, Ordering::Relaxed) % 2);
        Timestamp::constant(1_767_225_600, 0) + SignedDuration::from_hours(jumps)
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        Ok(self.random.lock().unwrap().u128(..))
    }

    async fn sleep(&self, duration: Duration) {
        self.pauses.lock().unwrap().push(duration);
        tokio::task::yield_now().await;
    }
}
