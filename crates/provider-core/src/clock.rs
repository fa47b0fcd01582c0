//! Time and chance, so that tests own them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Wall clock, randomness and sleep of a client.
///
/// Deadlines do not use it: they count on tokio's monotonic clock, which tests can pause.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock: for signatures, and for a `Retry-After` that is a date.
    fn now(&self) -> Timestamp;

    /// 128 random bits: for request ids, and for the jitter of a pause.
    fn nonce(&self) -> u128;

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

    fn nonce(&self) -> u128 {
        let mut bytes = [0; 16];
        // Without the system's randomness the time still tells one request from the next; no secret depends on it.
        match getrandom::fill(&mut bytes) {
            Ok(()) => u128::from_le_bytes(bytes),
            Err(_) => u128::from_le_bytes(self.now().as_nanosecond().to_le_bytes()),
        }
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
