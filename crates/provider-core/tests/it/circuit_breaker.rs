//! A provider that answers nothing is left alone, and found again when it answers.

use std::time::Duration;

use provider_core::testing::Step;
use provider_core::{
    CircuitBreaker, Error, ErrorKind, Outcome, RetryPolicy, TransportErrorKind, VerificationError,
};

use crate::toy::{REPLY, SafeOrder, Stage, Toy, UnsafeOrder, forged, signed};

const PAUSE: Duration = Duration::from_secs(2);

/// A client that makes one attempt a call and opens after two failures.
fn stage(steps: impl IntoIterator<Item = Step>) -> Stage {
    Stage::with(steps, Toy::default(), |builder| {
        builder.retry(RetryPolicy::never()).circuit_breaker(
            CircuitBreaker::standard()
                .with_failures(2)
                .with_pause(PAUSE),
        )
    })
}

async fn fail(stage: &Stage) -> Error {
    stage.client.call(UnsafeOrder::new()).await.unwrap_err()
}

fn down() -> Step {
    Step::respond(503, "")
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_not_sent_and_says_when_to_come_back() {
    let stage = stage([down(), down()]);
    for _ in 0..2 {
        assert_eq!(fail(&stage).await.kind(), ErrorKind::Api);
    }
    tokio::time::advance(PAUSE / 4).await;
    let error = fail(&stage).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(error.retry_after(), Some(PAUSE * 3 / 4));
    assert_eq!((error.attempts(), error.request_id()), (0, None));
    assert!(error.is_retryable() && !error.is_unsettled());
    assert_eq!(
        error.to_string(),
        "toy order: it has been failing and is left alone for now"
    );
    assert_eq!(stage.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_attempt_a_pause_finds_out_and_an_answer_lets_everyone_through() {
    let stage = stage([down(), down(), down(), signed(REPLY), signed(REPLY)]);
    fail(&stage).await;
    fail(&stage).await;
    tokio::time::advance(PAUSE).await;
    assert_eq!(fail(&stage).await.kind(), ErrorKind::Api);
    assert_eq!(fail(&stage).await.kind(), ErrorKind::Unavailable);
    tokio::time::advance(PAUSE).await;
    // A clone has the same circuit.
    let clone = stage.client.clone();
    clone.call(SafeOrder::new()).await.unwrap();
    stage.client.call(SafeOrder::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_future_was_dropped_blocks_nobody() {
    let stage = stage([down(), down(), Step::Hang, signed(REPLY)]);
    fail(&stage).await;
    fail(&stage).await;
    tokio::time::advance(PAUSE).await;
    let probe = stage.client.call(SafeOrder::new());
    let dropped = tokio::time::timeout(PAUSE, probe.into_future()).await;
    assert!(dropped.is_err());
    stage.client.call(SafeOrder::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_opens_the_circuit_is_a_table() {
    let opens = |opens: bool, step: fn() -> Step| (opens, step);
    let table = [
        opens(true, || Step::Fail(TransportErrorKind::Connect)),
        opens(true, || Step::Fail(TransportErrorKind::Timeout)),
        opens(true, || Step::Fail(TransportErrorKind::Interrupted)),
        opens(true, || Step::respond(500, "")),
        opens(true, || Step::respond(408, "")),
        opens(true, || Step::respond(400, r#"{"code":"busy"}"#)),
        opens(false, || Step::Fail(TransportErrorKind::TooLarge)),
        opens(false, || Step::Fail(TransportErrorKind::Certificate)),
        opens(false, || Step::Fail(TransportErrorKind::InvalidRequest)),
        opens(false, || Step::respond(400, "")),
        opens(false, || Step::respond(401, "")),
        opens(false, || Step::respond(429, "")),
        opens(false, || signed("not JSON")),
        opens(false, forged),
    ];
    for (row, (opens, step)) in table.into_iter().enumerate() {
        let stage = stage([step(), step(), signed(REPLY)]);
        fail(&stage).await;
        fail(&stage).await;
        let next = stage.client.call(SafeOrder::new()).await;
        let refused = next.is_err_and(|error| error.kind() == ErrorKind::Unavailable);
        assert_eq!(refused, opens, "row {row}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_answer_begins_the_count_anew() {
    let answers: [fn() -> Step; 5] = [
        || signed(REPLY),
        || Step::respond(400, ""),
        || Step::respond(429, ""),
        || signed("not JSON"),
        forged,
    ];
    for (row, answer) in answers.into_iter().enumerate() {
        let stage = stage([down(), answer(), down(), signed(REPLY)]);
        for _ in 0..3 {
            let _ = stage.client.call(UnsafeOrder::new()).await;
        }
        let next = stage.client.call(SafeOrder::new()).await;
        assert!(next.is_ok(), "row {row}: {next:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_asked_neither_opens_nor_closes_it() {
    let certificate = || Step::Fail(TransportErrorKind::Certificate);
    let stage = stage([down(), certificate(), down()]);
    fail(&stage).await;
    let error = fail(&stage).await;
    assert_eq!(error.verification(), Some(&VerificationError::Certificate));
    fail(&stage).await;
    assert_eq!(fail(&stage).await.kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_what_it_knows_when_the_circuit_opens_between_its_attempts() {
    let steps = [Step::Fail(TransportErrorKind::Interrupted), down()];
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder.circuit_breaker(
            CircuitBreaker::standard()
                .with_failures(2)
                .with_pause(PAUSE),
        )
    });
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Api);
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 2));
}
