//! A clock under a test's control.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::resilience::Clock;
use crate::values::InvalidRequest;

/// A clock whose wall time advances only by its own sleeps, whose random values count up from 1, and that records every
/// sleep.
///
/// It sleeps on tokio's clock: pause that (`#[tokio::test(start_paused = true)]`) and no time passes.
#[derive(Debug, Clone)]
pub struct FixedClock {
    now: Timestamp,
    drawn: Arc<AtomicU64>,
    sleeps: Arc<Mutex<Vec<Duration>>>,
}

impl FixedClock {
    /// A clock that returns `now` until its first sleep.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            drawn: Arc::default(),
            sleeps: Arc::default(),
        }
    }

    /// The sleeps so far.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.sleeps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Default for FixedClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::constant(1_767_225_600, 0))
    }
}

#[async_trait]
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        let slept: Duration = self.sleeps().iter().sum();
        self.now
            .saturating_add(
                jiff::SignedDuration::try_from(slept).unwrap_or(jiff::SignedDuration::MAX),
            )
            .unwrap_or(self.now)
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        // The upper half becomes the jitter: half of the bound, so that a back-off is neither zero nor the maximum.
        let count = self.drawn.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        Ok((u128::from(u64::MAX / 2) << 64) | u128::from(count))
    }

    async fn sleep(&self, duration: Duration) {
        self.sleeps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(duration);
        tokio::time::sleep(duration).await;
    }
}
