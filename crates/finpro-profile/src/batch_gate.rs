//! When a batch may ask: distinguishes failures of one question from those of the whole batch.

use std::num::NonZeroUsize;
use std::time::Duration;

use provider_core::{Error, ErrorKind, Outcome};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// The gate of a batch: admits questions, or holds all of them back.
#[derive(Debug)]
pub(crate) struct Gate {
    give_up_after: Duration,
    /// This many failures in a row are not specific to their questions.
    outage: usize,
    closed_until: Option<Instant>,
    one_at_a_time: bool,
    /// Since when the batch is held up, and by which error: the first one since the last answer.
    held_up: Option<(Instant, ErrorKind)>,
    /// The next pause, where neither the provider nor the client sets one.
    pause: Duration,
    failures: usize,
    not_let_in: usize,
}

/// What to do after a failed call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Return the error as the answer.
    Answer,
    /// Retry the question once, at that moment or later.
    OnceMore(Instant),
    /// Postpone it with all others.
    PutOff,
    /// Return the error as the answer and stop the batch.
    Stop,
}

impl Gate {
    const LONGEST_PAUSE: Duration = Duration::from_secs(30);

    pub(crate) fn new(concurrency: NonZeroUsize, give_up_after: Duration) -> Self {
        Self {
            give_up_after,
            outage: concurrency.get().max(10),
            closed_until: None,
            one_at_a_time: false,
            held_up: None,
            pause: SECOND,
            failures: 0,
            not_let_in: 0,
        }
    }

    /// Whether a question may be asked while this many are in flight.
    pub(crate) fn is_open(&self, now: Instant, in_flight: usize) -> bool {
        self.closed_until(now).is_none() && !(self.one_at_a_time && in_flight > 0)
    }

    /// When the gate opens, if it is closed.
    pub(crate) fn closed_until(&self, now: Instant) -> Option<Instant> {
        self.closed_until.filter(|until| now < *until)
    }

    /// The error that holds the batch up: no question was answered since.
    pub(crate) fn held_up_by(&self) -> Option<ErrorKind> {
        self.held_up.map(|(_, kind)| kind)
    }

    /// Records that the provider answered a question.
    pub(crate) fn answered(&mut self) {
        // A requested wait is respected, even if another question is answered meanwhile.
        self.one_at_a_time = false;
        self.held_up = None;
        self.pause = SECOND;
        self.failures = 0;
        self.not_let_in = 0;
    }

    /// Decides what to do after a failed call of a question.
    pub(crate) fn judge(&mut self, error: &Error, failed_before: bool, now: Instant) -> Verdict {
        match error.kind() {
            ErrorKind::Unavailable => self.put_off(error, false, now),
            ErrorKind::RateLimited => self.put_off(error, error.attempts() > 0, now),
            ErrorKind::Connect if error.outcome() == Outcome::NotSent => {
                self.put_off(error, true, now)
            }
            ErrorKind::Credentials | ErrorKind::Verification => {
                self.not_let_in = self.not_let_in.saturating_add(1);
                match self.not_let_in < self.outage {
                    true => Verdict::Answer,
                    false => Verdict::Stop,
                }
            }
            ErrorKind::InvalidRequest => Verdict::Answer,
            _ if error.is_retryable() => {
                self.failures = self.failures.saturating_add(1);
                if self.held_up.is_some() || self.failures > self.outage {
                    self.put_off(error, true, now)
                } else if failed_before {
                    Verdict::Answer
                } else {
                    Verdict::OnceMore(now.checked_add(SECOND).unwrap_or(now))
                }
            }
            _ => {
                self.answered();
                Verdict::Answer
            }
        }
    }

    fn put_off(&mut self, error: &Error, one_at_a_time: bool, now: Instant) -> Verdict {
        let (since, _) = *self.held_up.get_or_insert((now, error.kind()));
        let closed_until = self.closed_until(now);
        let wait = error.retry_after().unwrap_or_else(|| {
            let pause = self.pause;
            // Questions that were in flight together fail together, so they share one pause.
            if closed_until.is_none() {
                self.pause = pause.saturating_mul(2).min(Self::LONGEST_PAUSE);
            }
            pause
        });
        self.one_at_a_time |= one_at_a_time;
        let until = now.checked_add(wait);
        let waited = until.map(|until| until.saturating_duration_since(since));
        if waited.is_none_or(|waited| waited > self.give_up_after) {
            return Verdict::Stop;
        }
        self.closed_until = closed_until.max(until);
        Verdict::PutOff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(NonZeroUsize::MIN, Duration::from_secs(100))
    }

    fn failed(kind: ErrorKind, outcome: Outcome, seconds: Option<u64>) -> Error {
        use provider_core::Idempotency::Safe;
        Error::new(kind, outcome)
            .with_retry_after(seconds.map(Duration::from_secs))
            .with_idempotency(Safe)
    }

    fn unavailable(seconds: u64) -> Error {
        failed(ErrorKind::Unavailable, Outcome::NotSent, Some(seconds))
    }

    fn late() -> Error {
        failed(ErrorKind::Timeout, Outcome::Unknown, None)
    }

    #[test]
    fn a_temporary_refusal_closes_it_for_the_requested_wait() {
        let (mut gate, now) = (gate(), Instant::now());
        assert!(gate.is_open(now, 5));
        assert_eq!(gate.judge(&unavailable(7), false, now), Verdict::PutOff);
        assert_eq!(gate.held_up_by(), Some(ErrorKind::Unavailable));
        assert!(!gate.is_open(now, 0));
        // A shorter wait does not open it earlier.
        assert_eq!(gate.judge(&unavailable(3), true, now), Verdict::PutOff);
        assert_eq!(gate.closed_until(now), Some(now + 7 * SECOND));
        assert!(gate.is_open(now + 7 * SECOND, 5));
        gate.answered();
        assert_eq!(gate.held_up_by(), None);
        assert!(!gate.is_open(now, 0), "a requested wait is respected");
    }

    #[test]
    fn without_a_requested_wait_the_pause_doubles_and_one_question_is_asked_at_a_time() {
        let (mut gate, mut now) = (gate(), Instant::now());
        let away = failed(ErrorKind::Connect, Outcome::NotSent, None);
        for seconds in [1, 2, 4, 8, 16, 30] {
            assert_eq!(gate.judge(&away, false, now), Verdict::PutOff);
            assert_eq!(gate.judge(&away, false, now), Verdict::PutOff, "together");
            let until = gate.closed_until(now).unwrap();
            assert!(until >= now + seconds * SECOND, "{seconds}");
            now = until;
            assert!(gate.is_open(now, 0));
            assert!(!gate.is_open(now, 1));
        }
        gate.answered();
        assert!(gate.is_open(now, 1));
        assert_eq!(gate.pause, SECOND);
    }

    #[test]
    fn without_an_answer_it_stops_at_the_limit_or_if_the_next_wait_exceeds_it() {
        let now = Instant::now();
        let mut patient = gate();
        assert_eq!(patient.judge(&unavailable(60), false, now), Verdict::PutOff);
        let later = now + 60 * SECOND;
        assert_eq!(
            patient.judge(&unavailable(40), false, later),
            Verdict::PutOff
        );
        assert_eq!(patient.judge(&unavailable(41), false, later), Verdict::Stop);
        patient.answered();
        assert_eq!(
            patient.judge(&unavailable(41), false, later),
            Verdict::PutOff
        );
        let day = 24 * 60 * 60;
        assert_eq!(gate().judge(&unavailable(day), false, now), Verdict::Stop);
        assert_eq!(
            gate().judge(&unavailable(u64::MAX), false, now),
            Verdict::Stop
        );
    }

    #[test]
    fn a_failure_of_one_question_is_its_answer_the_second_time() {
        let (mut gate, now) = (gate(), Instant::now());
        let once_more = Verdict::OnceMore(now + SECOND);
        for _ in 0..5 {
            assert_eq!(gate.judge(&late(), false, now), once_more);
            assert_eq!(gate.judge(&late(), true, now), Verdict::Answer);
        }
        assert_eq!(gate.judge(&late(), false, now), Verdict::PutOff, "11");
        gate.answered();
        assert_eq!(gate.judge(&late(), false, now), once_more);
        gate.judge(&unavailable(1), false, now);
        assert_eq!(gate.judge(&late(), true, now), Verdict::PutOff, "an outage");
    }

    #[test]
    fn a_permanent_failure_is_an_answer_and_the_tenth_in_a_row_stops_the_batch() {
        let (mut gate, now) = (gate(), Instant::now());
        let refused = failed(ErrorKind::Credentials, Outcome::Refused, None);
        for _ in 0..9 {
            assert_eq!(gate.judge(&refused, false, now), Verdict::Answer);
        }
        let api = failed(ErrorKind::Api, Outcome::Refused, None);
        assert_eq!(gate.judge(&api, false, now), Verdict::Answer);
        for _ in 0..9 {
            assert_eq!(gate.judge(&refused, false, now), Verdict::Answer);
        }
        let own = failed(ErrorKind::InvalidRequest, Outcome::NotSent, None);
        assert_eq!(gate.judge(&own, false, now), Verdict::Answer);
        assert_eq!(gate.judge(&refused, false, now), Verdict::Stop);
    }
}
