//! The time and randomness of a client, so that tests can control them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::values::{InvalidRequest, random_bits};

/// Wall clock, randomness and sleep of a client.
///
/// Deadlines do not use it: they run on tokio's monotonic clock, which tests can pause.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the wall-clock time: for signatures, and for a `Retry-After` that is a date.
    fn now(&self) -> Timestamp;

    /// Returns 128 random bits that are used once. It is called separately for each value, so that none can be derived from
    /// another: once per call for the request id, which appears in logs and headers, unless the caller sets one; once per
    /// attempt for the nonce that a provider signs; and once for the jitter of each back-off that is computed.
    ///
    /// # Errors
    ///
    /// No randomness is available. The call fails and nothing is sent, because a nonce must not be predictable.
    fn random(&self) -> Result<u128, InvalidRequest>;

    /// Waits before the next attempt.
    async fn sleep(&self, duration: Duration);

    /// Waits until this clock shows `time`; not at all if it does already. A sleep of what is left unless it is overridden: a clock
    /// that is moved while somebody computes what is left needs a wait of its own.
    async fn sleep_until(&self, time: Timestamp) {
        let left = Duration::try_from(time.duration_since(self.now()));
        // A time that is past leaves a negative duration.
        if let Ok(left) = left {
            self.sleep(left).await;
        }
    }
}

/// The machine's clock, the operating system's randomness, tokio's sleep.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        random_bits()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_read() {
        let before = Timestamp::now();
        let now = SystemClock.now();
        assert!(before <= now && now <= Timestamp::now());
    }

    #[test]
    fn random_values_differ() {
        let values: Vec<u128> = (0..4).map(|_| SystemClock.random().unwrap()).collect();
        for (at, value) in values.iter().enumerate() {
            assert!(!values[..at].contains(value), "{values:?}");
            // All 128 bits are random: that a half is zero has a chance of one in 2^64.
            assert!(*value > u128::from(u64::MAX), "{value}");
        }
    }
}
