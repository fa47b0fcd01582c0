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
    /// How many refusals in a row were of a kind that somebody has to correct: credentials, what is not authentic, and what
    /// is not enabled.
    to_correct: usize,
    /// The number of answers so far.
    answers: u64,
}

/// A question's own failures: those that came although other questions were answered.
#[derive(Debug, Default)]
pub(crate) struct OwnFailures {
    count: u32,
    /// The number of answers at the last failure.
    answers: u64,
}

impl OwnFailures {
    /// How many calls a question has before it has to wait for the end. Its last call is there.
    const MOST: u32 = 2;

    /// Counts a failure if it is the question's own: `surely`, or if it is the first, or if another question was answered
    /// since the last one. Returns whether there were too many.
    fn are_too_many(&mut self, surely: bool, answers: u64) -> bool {
        if surely || self.count == 0 || answers > self.answers {
            self.count = self.count.saturating_add(1);
        }
        self.answers = answers;
        self.count >= Self::MOST
    }
}

/// What to do after a failed call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Return the error as the answer.
    Answer,
    /// Ask again as soon as the gate is open, at that moment or later.
    Again(Option<Instant>),
    /// Ask once more when all other questions are answered: this one fails although others are.
    AtTheEnd,
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
            to_correct: 0,
            answers: 0,
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
        self.to_correct = 0;
        self.answers = self.answers.saturating_add(1);
    }

    /// Decides what to do after a failed call of a question, and counts the failure if it is the question's own. `is_left`
    /// says that there is no new question, by which an outage could be told from this one.
    pub(crate) fn judge(
        &mut self,
        error: &Error,
        own: &mut OwnFailures,
        is_left: bool,
        now: Instant,
    ) -> Verdict {
        match error.kind() {
            ErrorKind::Unavailable => self.put_off(error, false, now),
            // By the client's own limiter.
            ErrorKind::RateLimited if error.outcome() == Outcome::NotSent => {
                self.put_off(error, false, now)
            }
            ErrorKind::RateLimited => {
                let verdict = self.put_off(error, true, now);
                self.unless_its_own(verdict, own, is_left)
            }
            ErrorKind::Connect if error.outcome() == Outcome::NotSent => {
                self.put_off(error, true, now)
            }
            ErrorKind::Credentials | ErrorKind::Verification => self.count_to_correct(),
            _ if error.is_to_be_corrected() => self.count_to_correct(),
            ErrorKind::InvalidRequest => Verdict::Answer,
            _ if error.is_retryable() => {
                self.failures = self.failures.saturating_add(1);
                let is_outage = self.held_up.is_some() || self.failures > self.outage;
                let verdict = match is_outage {
                    true => self.put_off(error, true, now),
                    false => Verdict::Again(now.checked_add(SECOND)),
                };
                self.unless_its_own(verdict, own, is_left || !is_outage)
            }
            _ => {
                self.answered();
                Verdict::Answer
            }
        }
    }

    /// It is not asked again, because nobody corrects it while the batch runs.
    fn count_to_correct(&mut self) -> Verdict {
        self.to_correct = self.to_correct.saturating_add(1);
        match self.to_correct < self.outage {
            true => Verdict::Answer,
            false => Verdict::Stop,
        }
    }

    fn unless_its_own(&self, verdict: Verdict, own: &mut OwnFailures, surely: bool) -> Verdict {
        match verdict {
            Verdict::Again(_) if own.are_too_many(surely, self.answers) => Verdict::AtTheEnd,
            verdict => verdict,
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
        Verdict::Again(None)
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

    /// As FinPro says that no aggregator has the profile API enabled, with a status of its own.
    fn not_enabled(status: u16) -> Error {
        use provider_core::http::{HeaderMap, StatusCode};
        let status = StatusCode::from_u16(status).unwrap();
        let response =
            provider_core::RawResponse::new(status, HeaderMap::new(), Default::default());
        let fault = provider_core::Fault::new().with_meaning(Some("none is enabled"));
        failed(ErrorKind::Api, Outcome::Refused, None)
            .with_response(response)
            .with_fault(Some(fault))
    }

    /// After the first failure of a question.
    fn judge(gate: &mut Gate, error: &Error, now: Instant) -> Verdict {
        gate.judge(error, &mut OwnFailures::default(), false, now)
    }

    const PUT_OFF: Verdict = Verdict::Again(None);

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
        assert_eq!(judge(&mut gate, &unavailable(7), now), PUT_OFF);
        assert_eq!(gate.held_up_by(), Some(ErrorKind::Unavailable));
        assert!(!gate.is_open(now, 0));
        // A shorter wait does not open it earlier.
        assert_eq!(judge(&mut gate, &unavailable(3), now), PUT_OFF);
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
            assert_eq!(judge(&mut gate, &away, now), PUT_OFF);
            assert_eq!(judge(&mut gate, &away, now), PUT_OFF, "together");
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
        assert_eq!(judge(&mut patient, &unavailable(60), now), PUT_OFF);
        let later = now + 60 * SECOND;
        assert_eq!(judge(&mut patient, &unavailable(40), later), PUT_OFF);
        assert_eq!(judge(&mut patient, &unavailable(41), later), Verdict::Stop);
        patient.answered();
        assert_eq!(judge(&mut patient, &unavailable(41), later), PUT_OFF);
        let day = 24 * 60 * 60;
        assert_eq!(judge(&mut gate(), &unavailable(day), now), Verdict::Stop);
        assert_eq!(
            judge(&mut gate(), &unavailable(u64::MAX), now),
            Verdict::Stop
        );
    }

    #[test]
    fn a_question_that_fails_a_second_time_waits_for_the_end() {
        let (mut gate, now) = (gate(), Instant::now());
        let again = Verdict::Again(Some(now + SECOND));
        for _ in 0..5 {
            let mut own = OwnFailures::default();
            assert_eq!(gate.judge(&late(), &mut own, false, now), again);
            assert_eq!(gate.judge(&late(), &mut own, false, now), Verdict::AtTheEnd);
        }
        assert_eq!(judge(&mut gate, &late(), now), PUT_OFF, "11");
        gate.answered();
        assert_eq!(judge(&mut gate, &late(), now), again);
    }

    #[test]
    fn only_a_failure_while_others_are_answered_is_a_question_s_own() {
        let limited = || failed(ErrorKind::RateLimited, Outcome::Refused, Some(1));
        for error in [late(), limited()] {
            let (mut gate, now) = (gate(), Instant::now());
            judge(&mut gate, &unavailable(1), now);
            let mut own = OwnFailures::default();
            for _ in 0..5 {
                assert_eq!(gate.judge(&error, &mut own, false, now), PUT_OFF);
            }
            gate.answered();
            judge(&mut gate, &unavailable(1), now);
            assert_eq!(gate.judge(&error, &mut own, false, now), Verdict::AtTheEnd);
        }
        // Of a limit that nobody else can use up, even if nobody is answered.
        let (mut gate, now, mut own) = (gate(), Instant::now(), OwnFailures::default());
        assert_eq!(gate.judge(&limited(), &mut own, true, now), PUT_OFF);
        assert_eq!(
            gate.judge(&limited(), &mut own, true, now),
            Verdict::AtTheEnd
        );
        // One that was not asked has not failed.
        let own_limiter = failed(ErrorKind::RateLimited, Outcome::NotSent, Some(1));
        for error in [unavailable(1), own_limiter] {
            let mut own = OwnFailures::default();
            for _ in 0..5 {
                assert_eq!(gate.judge(&error, &mut own, true, now), PUT_OFF);
                gate.answered();
            }
        }
    }

    #[test]
    fn a_permanent_failure_is_an_answer_and_the_tenth_in_a_row_stops_the_batch() {
        let (mut gate, now) = (gate(), Instant::now());
        let refused = failed(ErrorKind::Credentials, Outcome::Refused, None);
        for _ in 0..9 {
            assert_eq!(judge(&mut gate, &refused, now), Verdict::Answer);
        }
        let api = failed(ErrorKind::Api, Outcome::Refused, None);
        assert_eq!(judge(&mut gate, &api, now), Verdict::Answer);
        for _ in 0..9 {
            assert_eq!(judge(&mut gate, &refused, now), Verdict::Answer);
        }
        let own = failed(ErrorKind::InvalidRequest, Outcome::NotSent, None);
        assert_eq!(judge(&mut gate, &own, now), Verdict::Answer);
        assert_eq!(judge(&mut gate, &refused, now), Verdict::Stop);
    }

    #[test]
    fn what_somebody_has_to_correct_is_an_answer_whatever_its_status_and_stops_the_batch_in_a_row()
    {
        let (mut gate, now) = (gate(), Instant::now());
        for _ in 0..9 {
            assert_eq!(judge(&mut gate, &not_enabled(500), now), Verdict::Answer);
        }
        assert_eq!(gate.held_up_by(), None, "it is no outage");
        gate.answered();
        for _ in 0..9 {
            assert_eq!(judge(&mut gate, &not_enabled(503), now), Verdict::Answer);
        }
        assert_eq!(judge(&mut gate, &not_enabled(503), now), Verdict::Stop);
        // With a status that does not pass it is a refusal of this question.
        assert_eq!(judge(&mut gate, &not_enabled(404), now), Verdict::Answer);
    }
}
