//! What a cell records of a call: the events of its observer, its metrics, and its pauses, which are noted and not slept.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use provider_core::jiff::{SignedDuration, Timestamp};
use provider_core::{
    CallEvent, CallObserver, CallStage, Clock, InvalidRequest, MetricsObserver, Outcome,
    async_trait,
};

use super::case::{NOW, WallClock};
use crate::planted::capture;

/// The metrics of all calls, kept to be searched.
pub(crate) struct Metrics {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_periodic_exporter(exporter.clone())
            .build();
        Self { provider, exporter }
    }

    pub(crate) fn observer(&self) -> Arc<MetricsObserver> {
        Arc::new(MetricsObserver::new(&self.provider.meter("kyc-proof")))
    }

    /// All that was recorded.
    pub(crate) fn text(&self) -> Result<String> {
        self.provider.force_flush()?;
        Ok(format!("{:?}", self.exporter.get_finished_metrics()?))
    }
}

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

/// A wall clock that a row sets, and randomness that a seed repeats.
#[derive(Debug)]
pub(crate) struct CellClock {
    now: Timestamp,
    jump: SignedDuration,
    readings: AtomicU32,
    random: Mutex<Rng>,
    pauses: Mutex<Vec<Duration>>,
}

impl CellClock {
    pub(crate) fn new(clock: WallClock, seed: u64) -> Self {
        let (now, jump) = match clock {
            WallClock::At(now) => (now, 0),
            WallClock::Jumping(seconds) => (NOW, seconds),
        };
        Self {
            now: now.parse().expect("a moment"),
            jump: SignedDuration::from_secs(jump),
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
        let jumps = self.readings.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        let jump = if jumps {
            self.jump
        } else {
            SignedDuration::ZERO
        };
        self.now.checked_add(jump).expect("a moment")
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        Ok(self.random.lock().unwrap().u128(..))
    }

    async fn sleep(&self, duration: Duration) {
        self.pauses.lock().unwrap().push(duration);
        tokio::task::yield_now().await;
    }
}
