//! The report of an onboarding that is under way.
//!
//! A recorder has it as it must be found if the onboarding ends then: a step in flight has failed with the outcome
//! `unknown`. A process that is killed tells nobody, and what may have been done is not taken for what was not.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::OnboardingReport;

/// Is given the report whenever it changes.
pub(crate) type Recorder = Arc<dyn Fn(&OnboardingReport) -> io::Result<()> + Send + Sync>;

/// The report, which is at every moment what has to be known if the onboarding ends then.
pub(crate) struct Draft<'o> {
    report: Mutex<OnboardingReport>,
    recorders: &'o [Recorder],
    started: Instant,
}

impl<'o> Draft<'o> {
    pub(crate) fn new(
        report: OnboardingReport,
        recorders: &'o [Recorder],
        started: Instant,
    ) -> Self {
        Self {
            report: Mutex::new(report),
            recorders,
            started,
        }
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&OnboardingReport) -> R) -> R {
        read(&self.lock())
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut OnboardingReport) -> R) -> R {
        change(&mut self.lock())
    }

    /// Lets the report be recorded as it is, by all recorders; the error is the first one's that could not.
    pub(crate) fn record(&self) -> io::Result<()> {
        let mut report = self.lock();
        report.elapsed = self.started.elapsed();
        let mut recorded = Ok(());
        for recorder in self.recorders {
            recorded = recorded.and(recorder(&report));
        }
        recorded
    }

    pub(crate) fn finished(self) -> OnboardingReport {
        let mut report = self
            .report
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        report.elapsed = self.started.elapsed();
        report
    }

    /// A recorder that panicked has left it whole.
    fn lock(&self) -> MutexGuard<'_, OnboardingReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
