//! Whether and when a call is repeated.

use std::time::Duration;

use kyc_proof::catalogue::operations;
use kyc_proof::companies::SANDBOX;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use provider_core::http::header::RETRY_AFTER;
use provider_core::http::{HeaderMap, HeaderValue, StatusCode};
use provider_core::jiff::Timestamp;
use provider_core::jiff::fmt::strtime;
use provider_core::{Decision, ErrorKind, Failure, Idempotency, Outcome, RawResponse, RetryPolicy};

use super::values::shaped;
use crate::failure::Result;

/// The moment of every scripted call.
const NOW: i64 = 1_767_225_600;

pub(super) fn retry_after_is_seconds_or_a_date(runner: &mut TestRunner) -> Result<()> {
    let seconds = prop_oneof![0..1_000_u64, any::<u32>().prop_map(u64::from), any::<u64>()];
    let seconds = seconds.prop_map(|seconds| {
        let wait = u32::try_from(seconds).ok().map(u64::from);
        (seconds.to_string(), wait)
    });
    let date = (-100_000_000..100_000_000_i64).prop_map(|ahead| {
        let then = Timestamp::from_second(NOW + ahead).unwrap();
        let date = strtime::format("%a, %d %b %Y %H:%M:%S GMT", then).unwrap();
        (date, Some(u64::try_from(ahead).unwrap_or(0)))
    });
    let neither = shaped("-[0-9]{1,9}|[0-9]{1,5}(\\.[0-9]{1,3}|e[0-9]|s| [0-9])|[a-z]{1,9}|")
        .prop_map(|text| (text, None));
    let spaces = || shaped(" {0,2}");
    let subject = operations().swap_remove(0);
    let input = subject.exchange().input;
    let cases = (spaces(), prop_oneof![seconds, date, neither], spaces());
    runner.run(&cases, |(before, (text, wait), after)| {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::try_from(format!("{before}{text}{after}")).unwrap();
        headers.insert(RETRY_AFTER, value);
        let reply = RawResponse::new(StatusCode::TOO_MANY_REQUESTS, headers, Default::default());
        let error = subject.answer(&SANDBOX, input.clone(), reply).unwrap_err();
        prop_assert_eq!(error.retry_after(), wait.map(Duration::from_secs));
        Ok(())
    })?;
    Ok(())
}

const KINDS: &[ErrorKind] = &[
    ErrorKind::InvalidRequest,
    ErrorKind::Credentials,
    ErrorKind::Unavailable,
    ErrorKind::Connect,
    ErrorKind::Timeout,
    ErrorKind::Transport,
    ErrorKind::Verification,
    ErrorKind::RateLimited,
    ErrorKind::Api,
    ErrorKind::Decode,
];
const OUTCOMES: &[Outcome] = &[
    Outcome::NotSent,
    Outcome::Refused,
    Outcome::Unknown,
    Outcome::Done,
];
const IDEMPOTENCIES: &[Idempotency] = &[
    Idempotency::Safe,
    Idempotency::Repeatable,
    Idempotency::Unsafe,
];

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        8 => (0..100_000_u64).prop_map(Duration::from_millis),
        1 => Just(Duration::MAX),
        1 => (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(s, ns)| Duration::new(s, ns)),
    ]
}

fn failure() -> impl Strategy<Value = Failure> {
    let what = (select(KINDS), select(OUTCOMES), select(IDEMPOTENCIES));
    let flags = any::<(bool, bool)>();
    let attempt = prop_oneof![1..8_u32, any::<u32>()];
    let when = (attempt, option::of(duration()), duration());
    (what, flags, when).prop_map(
        |((kind, outcome, idempotency), (transient, permanent), when)| {
            let mut failure = Failure::new(kind, outcome, idempotency);
            (failure.transient, failure.permanent) = (transient, permanent);
            (failure.attempt, failure.retry_after, failure.time_left) = when;
            failure
        },
    )
}

pub(super) fn repeats_are_harmless_and_bounded(runner: &mut TestRunner) -> Result<()> {
    let attempts = prop_oneof![0..8_u32, any::<u32>()];
    let cases = (attempts, duration(), duration(), failure(), any::<u64>());
    runner.run(&cases, |(attempts, first, longest, failure, jitter)| {
        let policy = RetryPolicy::standard()
            .with_max_attempts(attempts)
            .with_pauses(first, longest);
        let decision = policy.decide(&failure, || jitter);
        prop_assert_eq!(decision, policy.decide(&failure, || jitter));
        let Decision::After(pause) = decision else {
            return Ok(());
        };
        prop_assert!(failure.attempt < attempts);
        prop_assert!(pause < failure.time_left);
        match failure.retry_after {
            Some(asked) => prop_assert_eq!(pause, asked),
            None => prop_assert!(pause <= longest),
        }
        match failure.kind {
            ErrorKind::Connect => prop_assert_eq!(failure.outcome, Outcome::NotSent),
            ErrorKind::RateLimited => {}
            ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::Api => {
                prop_assert_ne!(failure.idempotency, Idempotency::Unsafe);
            }
            other => return Err(TestCaseError::fail(format!("{other:?} is repeated"))),
        }
        // More time never makes a repeat too much.
        let mut patient = failure;
        patient.time_left = failure.time_left.saturating_mul(2);
        prop_assert_eq!(policy.decide(&patient, || jitter), decision);
        Ok(())
    })?;
    Ok(())
}
