//! When a call is retried: data and one pure function.

use std::time::Duration;

use crate::error::{ErrorKind, Outcome};
use crate::wire::Idempotency;

/// How often a call is retried, and after which back-off. Which failures may be retried is not a matter of policy: only
/// requests that were never sent or were refused temporarily, and operations declared `Safe` or `Repeatable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    max_attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
}

impl RetryPolicy {
    /// At most three attempts; exponential back-off from 200 ms to at most 5 s, with full jitter.
    pub const fn standard() -> Self {
        Self {
            max_attempts: 3,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
        }
    }

    /// A single attempt: for a caller with retries of its own.
    pub const fn never() -> Self {
        Self {
            max_attempts: 1,
            ..Self::standard()
        }
    }

    /// The same policy with another number of attempts; 0 counts as 1.
    #[must_use]
    pub const fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The same policy with another back-off: the upper bound of the first one, and of all.
    #[must_use]
    pub const fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// Decides what follows a failed attempt. `jitter` returns 64 random bits; it is called only when a back-off is
    /// computed.
    pub fn decide(&self, failure: &Failure, jitter: impl FnOnce() -> u64) -> RetryDecision {
        if failure.attempt >= self.max_attempts || !may_retry(failure) {
            return RetryDecision::Stop;
        }
        let pause = match failure.retry_after {
            Some(asked) => asked,
            None => self.jittered_pause(failure.attempt, jitter()),
        };
        // A back-off that uses up the rest of the deadline would end in a time-out, which is less specific than this
        // failure.
        if pause < failure.time_left {
            RetryDecision::After(pause)
        } else {
            RetryDecision::Stop
        }
    }

    fn jittered_pause(&self, attempt: u32, jitter: u64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let bound = self
            .first_pause
            .saturating_mul(1 << doublings)
            .min(self.longest_pause);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(scale(nanos, jitter))
    }
}

/// Scales `bound` by `jitter`: 0 for 0, almost `bound` for the largest value.
fn scale(bound: u64, jitter: u64) -> u64 {
    // 64 bits times 64 bits are at most 128.
    let product = u128::from(bound).saturating_mul(u128::from(jitter));
    u64::try_from(product >> 64).unwrap_or(bound)
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::standard()
    }
}

fn may_retry(failure: &Failure) -> bool {
    let harmless = failure.idempotency != Idempotency::Unsafe;
    match failure.kind {
        ErrorKind::Connect => failure.outcome == Outcome::NotSent,
        ErrorKind::RateLimited => true,
        ErrorKind::Timeout | ErrorKind::Unrecognized => harmless,
        ErrorKind::Transport => harmless && !failure.permanent,
        ErrorKind::Api => harmless && failure.transient,
        ErrorKind::InvalidRequest
        | ErrorKind::Credentials
        | ErrorKind::Unavailable
        | ErrorKind::Verification
        | ErrorKind::Decode
        | ErrorKind::NoConsent
        | ErrorKind::Storage => false,
    }
}

/// The inputs of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What became of the request in this attempt.
    pub outcome: Outcome,
    /// The operation's idempotency.
    pub idempotency: Idempotency,
    /// For `Api`: a transient status or fault (408, 5xx, or a fault of that class).
    pub transient: bool,
    /// For `Transport`: a retry would fail in the same way.
    pub permanent: bool,
    /// The attempt that failed, from 1.
    pub attempt: u32,
    /// The wait that the provider asked for.
    pub retry_after: Option<Duration>,
    /// The time left until the deadline.
    pub time_left: Duration,
}

impl Failure {
    /// The failure of a first attempt, with a minute left until the deadline and defaults for the rest.
    pub fn new(kind: ErrorKind, outcome: Outcome, idempotency: Idempotency) -> Self {
        Self {
            kind,
            outcome,
            idempotency,
            transient: false,
            permanent: false,
            attempt: 1,
            retry_after: None,
            time_left: Duration::from_secs(60),
        }
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Report the failure.
    Stop,
    /// Retry after this back-off.
    After(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;
    use Idempotency::{Repeatable, Safe, Unsafe};

    const KINDS: [ErrorKind; 13] = [
        ErrorKind::InvalidRequest,
        ErrorKind::Credentials,
        ErrorKind::Unavailable,
        ErrorKind::Connect,
        ErrorKind::Timeout,
        ErrorKind::Transport,
        ErrorKind::Verification,
        ErrorKind::RateLimited,
        ErrorKind::Api,
        ErrorKind::Unrecognized,
        ErrorKind::Decode,
        ErrorKind::NoConsent,
        ErrorKind::Storage,
    ];

    /// The jitter that makes a back-off half of its bound.
    fn half() -> u64 {
        u64::MAX / 2
    }

    fn retries(kind: ErrorKind, idempotency: Idempotency, transient: bool) -> bool {
        let outcome = if kind == ErrorKind::Connect {
            Outcome::NotSent
        } else {
            Outcome::Unknown
        };
        let failure = Failure {
            transient,
            ..Failure::new(kind, outcome, idempotency)
        };
        RetryPolicy::standard().decide(&failure, half) != RetryDecision::Stop
    }

    #[test]
    fn which_failures_are_retried_is_a_table() {
        for kind in KINDS {
            for idempotency in [Safe, Repeatable, Unsafe] {
                for transient in [false, true] {
                    let expected = match kind {
                        ErrorKind::Connect | ErrorKind::RateLimited => true,
                        ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::Unrecognized => {
                            idempotency != Unsafe
                        }
                        ErrorKind::Api => transient && idempotency != Unsafe,
                        _ => false,
                    };
                    assert_eq!(
                        retries(kind, idempotency, transient),
                        expected,
                        "{kind:?} {idempotency:?} transient={transient}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_response_that_is_too_long_is_not_retried() {
        let failure = Failure {
            permanent: true,
            ..Failure::new(ErrorKind::Transport, Outcome::Unknown, Safe)
        };
        assert_eq!(
            RetryPolicy::standard().decide(&failure, half),
            RetryDecision::Stop
        );
    }

    #[test]
    fn attempts_are_limited() {
        let failure = |attempt| Failure {
            attempt,
            ..Failure::new(ErrorKind::Connect, Outcome::NotSent, Unsafe)
        };
        let policy = RetryPolicy::standard();
        assert_ne!(policy.decide(&failure(2), half), RetryDecision::Stop);
        assert_eq!(policy.decide(&failure(3), half), RetryDecision::Stop);
        let never = RetryPolicy::never();
        assert_eq!(never.decide(&failure(1), half), RetryDecision::Stop);
        let none = policy.with_max_attempts(0);
        assert_eq!(none.decide(&failure(1), half), RetryDecision::Stop);
    }

    #[test]
    fn back_offs_double_up_to_a_bound_with_full_jitter() {
        let policy = RetryPolicy::standard().with_max_attempts(u32::MAX);
        let pause = |attempt, jitter| {
            let failure = Failure {
                attempt,
                ..Failure::new(ErrorKind::Connect, Outcome::NotSent, Safe)
            };
            match policy.decide(&failure, || jitter) {
                RetryDecision::After(pause) => pause.as_millis(),
                RetryDecision::Stop => panic!("stopped"),
            }
        };
        assert_eq!(
            [1, 2, 3, 6, 40].map(|n| pause(n, u64::MAX)),
            [199, 399, 799, 4_999, 4_999]
        );
        assert_eq!(pause(1, u64::MAX / 2), 99);
        assert_eq!(pause(9, 0), 0);
    }

    #[test]
    fn the_provider_s_wait_is_respected_within_the_deadline() {
        let wait = |seconds, left| {
            let failure = Failure {
                retry_after: Some(Duration::from_secs(seconds)),
                time_left: Duration::from_secs(left),
                ..Failure::new(ErrorKind::RateLimited, Outcome::Refused, Unsafe)
            };
            RetryPolicy::standard().decide(&failure, || {
                panic!("a wait that the provider asked for has no jitter")
            })
        };
        assert_eq!(wait(7, 10), RetryDecision::After(Duration::from_secs(7)));
        assert_eq!(wait(10, 10), RetryDecision::Stop);
        assert_eq!(wait(1_000_000_000, 10), RetryDecision::Stop);
        assert_eq!(wait(0, 10), RetryDecision::After(Duration::ZERO));
    }
}
