//! Time and randomness of a client, so that tests own them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::values::{InvalidRequest, random_bits};

/// Wall clock, randomness and sleep of a client.
///
/// Deadlines do not use it: they count on tokio's monotonic clock, which tests can pause.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock: for signatures, and for a `Retry-After` that is a date.
    fn now(&self) -> Timestamp;

    /// 128 random bits that are used once. It is called for each value by itself, so that none tells of another: once a call
    /// for the request id, which is published in logs and headers, unless the caller gives one; once an attempt for the
    /// nonce that a provider signs; and once for each back-off that is computed, for its jitter.
    ///
    /// # Errors
    ///
    /// There is no randomness. The call fails and nothing is sent: what can be guessed is no nonce.
    fn random(&self) -> Result<u128, InvalidRequest>;

    /// Waits before the next attempt.
    async fn sleep(&self, duration: Duration);
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
    fn the_machine_s_clock_is_read() {
        let before = Timestamp::now();
        let now = SystemClock.now();
        assert!(before <= now && now <= Timestamp::now());
    }

    #[test]
    fn no_random_value_is_like_another() {
        let values: Vec<u128> = (0..4).map(|_| SystemClock.random().unwrap()).collect();
        for (at, value) in values.iter().enumerate() {
            assert!(!values[..at].contains(value), "{values:?}");
            // All 128 bits are drawn: less than half of them is a chance of one in 2^64.
            assert!(*value > u128::from(u64::MAX), "{value}");
        }
    }
}
