//! Leaving a provider alone that answers nothing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a client stops calling a provider that fails, and how soon it tries again.
///
/// The circuit opens after so many attempts in a row that got no answer or an answer that passes by itself (a broken
/// connection, a time-out, 408, 5xx). While it is open, one attempt is let through each pause, whether or not the one
/// before has ended, and every other call ends at once with [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable):
/// not sent, with the time until the next one as [`Error::retry_after`](crate::Error::retry_after). The first answer
/// of any kind closes it.
///
/// It is shared by all clones of a client and stands above the retries: a repeat counts as an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitBreaker {
    failures: u32,
    pause: Duration,
}

impl CircuitBreaker {
    /// Opens after ten failures in a row and tries once a second.
    pub const fn standard() -> Self {
        Self {
            failures: 10,
            pause: Duration::from_secs(1),
        }
    }

    /// Never opens: for a caller with a circuit breaker of its own.
    pub const fn never() -> Self {
        Self {
            failures: u32::MAX,
            ..Self::standard()
        }
    }

    /// Opens after this many failures in a row; 0 counts as 1.
    #[must_use]
    pub const fn with_failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// Tries once each such pause while it is open. After an outage, calls are refused for this long at most.
    #[must_use]
    pub const fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::standard()
    }
}

/// The state behind a [`CircuitBreaker`].
#[derive(Debug)]
pub(crate) struct Circuit {
    settings: CircuitBreaker,
    /// Attempts in a row that failed. Nearly always 0, and then nothing is written and no lock taken.
    failures: AtomicU32,
    /// When the next attempt is let through, while the circuit is open.
    next: Mutex<Option<Instant>>,
}

impl Circuit {
    pub(crate) fn new(settings: CircuitBreaker) -> Self {
        Self {
            settings,
            failures: AtomicU32::new(0),
            next: Mutex::new(None),
        }
    }

    /// Lets an attempt through, or says how long until one is.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Duration> {
        if !self.may_be_open() {
            return Ok(());
        }
        let mut next = self.next();
        match *next {
            Some(at) if now < at => Err(at.saturating_duration_since(now)),
            Some(_) => {
                *next = now.checked_add(self.settings.pause);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether an attempt would be refused at that moment. Lets nothing through.
    pub(crate) fn refuses(&self, then: Option<Instant>) -> bool {
        self.may_be_open()
            && self
                .next()
                .is_some_and(|at| then.is_some_and(|then| then < at))
    }

    /// An attempt was answered.
    pub(crate) fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            *self.next() = None;
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// An attempt failed in a way that tells of an outage.
    pub(crate) fn failed(&self, now: Instant) {
        let count = |failures: u32| Some(failures.saturating_add(1));
        let before = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count)
            .unwrap_or_else(|failures| failures);
        if self.settings.failures != u32::MAX && before.saturating_add(1) >= self.settings.failures
        {
            // Those that were under way when it opened fail late: they do not put the next attempt off.
            self.next()
                .get_or_insert_with(|| now.checked_add(self.settings.pause).unwrap_or(now));
        }
    }

    fn may_be_open(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= self.settings.failures.max(1)
    }

    fn next(&self) -> MutexGuard<'_, Option<Instant>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);

    fn circuit() -> Circuit {
        Circuit::new(
            CircuitBreaker::standard()
                .with_failures(3)
                .with_pause(PAUSE),
        )
    }

    fn fail(circuit: &Circuit, times: u32, now: Instant) {
        (0..times).for_each(|_| circuit.failed(now));
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let (circuit, now) = (circuit(), Instant::now());
        fail(&circuit, 2, now);
        circuit.answered();
        fail(&circuit, 2, now);
        assert_eq!(circuit.admit(now), Ok(()));
        assert!(!circuit.refuses(Some(now)));
        fail(&circuit, 1, now);
        assert_eq!(circuit.admit(now), Err(PAUSE));
        assert!(circuit.refuses(Some(now)));
    }

    #[test]
    fn while_open_one_attempt_a_pause_is_let_through_even_if_none_ends() {
        let (circuit, now) = (circuit(), Instant::now());
        fail(&circuit, 3, now);
        let half = now + PAUSE / 2;
        assert_eq!(circuit.admit(half), Err(PAUSE / 2));
        for pause in 1..5 {
            let then = now + PAUSE * pause;
            assert!(!circuit.refuses(Some(then)));
            assert_eq!(circuit.admit(then), Ok(()));
            assert_eq!(circuit.admit(then), Err(PAUSE));
        }
    }

    #[test]
    fn an_answer_closes_it_and_a_late_failure_does_not_put_the_next_attempt_off() {
        let (circuit, now) = (circuit(), Instant::now());
        fail(&circuit, 3, now);
        fail(&circuit, 1, now + PAUSE / 2);
        assert_eq!(circuit.admit(now + PAUSE), Ok(()));
        fail(&circuit, 1, now + PAUSE);
        assert_eq!(circuit.admit(now + PAUSE), Err(PAUSE));
        circuit.answered();
        assert_eq!(circuit.admit(now + PAUSE), Ok(()));
        fail(&circuit, 2, now + PAUSE);
        assert_eq!(circuit.admit(now + PAUSE), Ok(()));
    }

    #[test]
    fn one_that_never_opens_never_does_and_zero_failures_count_as_one() {
        let now = Instant::now();
        let never = Circuit::new(CircuitBreaker::never());
        fail(&never, 1_000, now);
        assert_eq!(never.admit(now), Ok(()));
        never.failures.store(u32::MAX, Ordering::Relaxed);
        never.failed(now);
        assert_eq!(never.admit(now), Ok(()));
        let at_once = Circuit::new(CircuitBreaker::standard().with_failures(0));
        assert_eq!(at_once.admit(now), Ok(()));
        fail(&at_once, 1, now);
        assert_eq!(at_once.admit(now), Err(Duration::from_secs(1)));
    }
}
