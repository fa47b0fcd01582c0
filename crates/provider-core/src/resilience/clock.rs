//! Time and chance, so that tests own them.

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

    /// 128 random bits: for request ids, for the jitter of a pause, and for whatever a provider signs with them.
    ///
    /// # Errors
    ///
    /// There is no randomness. The call fails and nothing is sent: what can be guessed is no nonce.
    fn nonce(&self) -> Result<u128, InvalidRequest>;

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

    fn nonce(&self) -> Result<u128, InvalidRequest> {
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
    fn no_nonce_is_like_another() {
        let nonces: Vec<u128> = (0..4).map(|_| SystemClock.nonce().unwrap()).collect();
        for (at, nonce) in nonces.iter().enumerate() {
            assert!(!nonces[..at].contains(nonce), "{nonces:?}");
            // All 128 bits are drawn: less than half of them is a chance of one in 2^64.
            assert!(*nonce > u128::from(u64::MAX), "{nonce}");
        }
    }
}
