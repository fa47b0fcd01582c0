//! A wall clock that a row sets, chance that a seed repeats, and pauses that are noted instead of slept.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fastrand::Rng;
use provider_core::jiff::{SignedDuration, Timestamp};
use provider_core::{Clock, InvalidRequest, async_trait};

use super::case::{NOW, WallClock};

#[derive(Debug)]
pub(crate) struct CellClock {
    now: Timestamp,
    jump: SignedDuration,
    readings: AtomicU32,
    chance: Mutex<Rng>,
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
            chance: Mutex::new(Rng::with_seed(seed)),
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
        let second = self.readings.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        let jump = if second {
            self.jump
        } else {
            SignedDuration::ZERO
        };
        self.now.checked_add(jump).expect("a moment")
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        Ok(self.chance.lock().unwrap().u128(..))
    }

    async fn sleep(&self, duration: Duration) {
        self.pauses.lock().unwrap().push(duration);
        tokio::task::yield_now().await;
    }
}
