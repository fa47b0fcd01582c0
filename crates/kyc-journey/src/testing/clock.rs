//! A clock that is moved by hand.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use provider_core::{Clock, InvalidRequest};
use tokio::sync::watch;

/// A clock that stands still until it is moved, forward or back. Whoever sleeps on it wakes when it has come so far.
#[derive(Debug)]
pub struct HandClock {
    now: watch::Sender<Timestamp>,
}

impl Default for HandClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::constant(1_767_225_600, 0))
    }
}

impl HandClock {
    /// A clock at this time.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: watch::Sender::new(now),
        }
    }

    /// Moves it.
    pub fn advance(&self, by: SignedDuration) {
        self.now.send_modify(|now| {
            *now = now.saturating_add(by).unwrap_or(*now);
        });
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        Ok(u128::from(u64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        let end = self.now().saturating_add(duration);
        self.sleep_until(end.unwrap_or(Timestamp::MAX)).await;
    }

    async fn sleep_until(&self, time: Timestamp) {
        let mut now = self.now.subscribe();
        // The sender lives as long as this does.
        let _ = now.wait_for(|now| *now >= time).await;
    }
}
