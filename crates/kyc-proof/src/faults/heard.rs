//! What an observer of the calls is told, so that it can be compared with what happened, and searched.

use std::sync::{Arc, Mutex};

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use provider_core::{CallEvent, CallObserver, CallStage, MetricsObserver, Outcome};

use crate::canaries::capture;
use crate::failure::Result;

/// The metrics of all calls, kept to be searched.
pub(crate) struct Recorded {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Recorded {
    pub(crate) fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_periodic_exporter(exporter.clone())
            .build();
        Self { provider, exporter }
    }

    /// What records them.
    pub(crate) fn observer(&self) -> Arc<MetricsObserver> {
        Arc::new(MetricsObserver::new(&self.provider.meter("kyc-proof")))
    }

    /// All that was recorded.
    pub(crate) fn text(&self) -> Result<String> {
        self.provider.force_flush()?;
        Ok(format!("{:?}", self.exporter.get_finished_metrics()?))
    }
}

/// What was told about one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    /// Attempts that began.
    pub(crate) attempts: u32,
    /// Attempts that ended.
    pub(crate) attempts_ended: u32,
    /// How often the end of the call was told.
    pub(crate) ends: u32,
    /// What may have been done, if the call was dropped.
    pub(crate) dropped: Option<Outcome>,
}

/// Notes what is told, and hands it on to the metrics.
#[derive(Debug)]
pub(crate) struct Heard {
    metrics: Arc<MetricsObserver>,
    told: Mutex<Told>,
}

impl Heard {
    pub(crate) fn new(metrics: Arc<MetricsObserver>) -> Self {
        Self {
            metrics,
            told: Mutex::default(),
        }
    }

    /// What was told since the last time.
    pub(crate) fn take(&self) -> Told {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl CallObserver for Heard {
    fn observe(&self, event: &CallEvent<'_>) {
        self.metrics.observe(event);
        capture::note(&format!("{event:?}\n{event:#?}"));
        let mut told = self.told.lock().unwrap();
        match event.stage {
            CallStage::AttemptStarted => told.attempts += 1,
            CallStage::AttemptEnded => told.attempts_ended += 1,
            CallStage::Ended => told.ends += 1,
            CallStage::Dropped => {
                told.ends += 1;
                told.dropped = event.outcome;
            }
            _ => {}
        }
    }
}
