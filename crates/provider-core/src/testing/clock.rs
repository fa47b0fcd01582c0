//! A clock that stands still.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::resilience::Clock;
use crate::values::InvalidRequest;

/// A clock whose wall time moves with its own pauses only, whose random values count up from 1, and that keeps every pause it
/// was asked for.
///
/// It sleeps by tokio's clock: pause that (`#[tokio::test(start_paused = true)]`) and no time is spent.
#[derive(Debug, Clone)]
pub struct FixedClock {
    now: Timestamp,
    drawn: Arc<AtomicU64>,
    sleeps: Arc<Mutex<Vec<Duration>>>,
}

impl FixedClock {
    /// A clock that says `now` until it is asked to pause.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            drawn: Arc::default(),
            sleeps: Arc::default(),
        }
    }

    /// The pauses so far.
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
        // The upper half makes the jitter: one half of the bound, so that a pause is neither none nor the whole.
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
