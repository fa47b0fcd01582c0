//! The loop behind every call, over scripted exchanges: no socket, no waiting, no randomness.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::http::Request;
use provider_core::jiff::Timestamp;
use provider_core::testing::{FixedClock, Sent, Step};
use provider_core::{
    Authenticity, Body, CallOptions, CircuitBreaker, Client, Clock, DecodeErrorCategory, Error,
    ErrorKind, ExchangeLimits, InvalidRequest, Outcome, RawResponse, RequestId, RetryPolicy,
    Secret, Transport, TransportError, TransportErrorKind, VerificationError, async_trait,
};

use crate::toy::{
    HastyOrder, Order, OtherOrder, REPEATABLE, REPLY, RepeatableOrder, SAFE, SafeOrder, Stage,
    State, Streaming, Toy, UNSAFE, UnsafeOrder, forged, signed, signed_with_headers,
    signed_with_status,
};

/// The back-offs of the standard policy, jittered to half by [`FixedClock`](provider_core::testing::FixedClock).
const PAUSES: [Duration; 2] = [
    Duration::from_nanos(99_999_999),
    Duration::from_nanos(199_999_999),
];

fn fail(kind: TransportErrorKind) -> Step {
    Step::Fail(kind)
}

fn signatures(sent: &[Sent]) -> Vec<&str> {
    sent.iter()
        .map(|sent| sent.header("x-toy-signature"))
        .collect()
}

fn request_ids(sent: &[Sent]) -> Vec<&str> {
    sent.iter()
        .map(|sent| sent.header("x-request-id"))
        .collect()
}

// What is sent

#[tokio::test(start_paused = true)]
async fn the_request_on_the_wire() {
    let stage = Stage::new([signed(REPLY)]);
    let response = stage.client.call(SafeOrder::new()).await.unwrap();
    let golden = stage.transport.only().golden();
    let golden = golden.replace(env!("CARGO_PKG_VERSION"), "<version>");
    insta::assert_snapshot!(golden, @r#"
    POST https://toy.example.test/uat/v1/orders/ord-1
    accept-encoding: identity
    accept: application/json
    content-type: application/json
    user-agent: provider-core/<version>
    x-api-key: <sensitive>
    x-request-id: 7fffffffffffffff0000000000000001
    x-toy-signature: attempt=1 time=2026-01-01T00:00:00Z nonce=2 sum=5105

    {"mobile":"9000000001","consent_text":"I agree"}
    "#);
    assert_eq!(response.status(), 200);
    assert_eq!(response.attempts(), 1);
    assert_eq!(response.headers()["x-toy-signature"], "length=39");
    assert_eq!(response.value().state, State::Open);
    assert_eq!(response.into_value().items[0].amount, 7);
}

#[tokio::test(start_paused = true)]
async fn a_call_does_nothing_until_it_is_awaited() {
    let stage = Stage::new([]);
    drop(stage.client.call(SafeOrder::new()));
    assert_eq!(stage.requests(), 0);
    assert_eq!(stage.client.provider().authorized.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn all_attempts_and_the_response_have_one_request_id() {
    let stage = Stage::new([
        fail(TransportErrorKind::Interrupted),
        Step::respond(503, ""),
        signed(REPLY),
    ]);
    let response = stage.client.call(SafeOrder::new()).await.unwrap();
    let sent = stage.transport.sent();
    assert_eq!(
        request_ids(&sent),
        ["7fffffffffffffff0000000000000001"; 3],
        "the same on each attempt"
    );
    for request in &sent {
        assert_eq!(request.headers.get_all("x-request-id").iter().count(), 1);
    }
    assert_eq!(
        response.request_id().as_str(),
        "7fffffffffffffff0000000000000001"
    );
    assert_eq!(response.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_callers_request_id_is_kept_in_response_and_error() {
    let stage = Stage::new([
        fail(TransportErrorKind::Connect),
        signed(REPLY),
        Step::respond(400, ""),
    ]);
    let id = RequestId::parse("onboarding-42_a").unwrap();
    let call = || {
        stage
            .client
            .call(UnsafeOrder::new())
            .with_request_id(id.clone())
    };
    let response = call().await.unwrap();
    assert_eq!(response.request_id(), &id);
    let error = call().await.unwrap_err();
    assert_eq!(error.request_id(), Some(&id));
    assert_eq!(request_ids(&stage.transport.sent()), ["onboarding-42_a"; 3]);
}

#[tokio::test(start_paused = true)]
async fn two_calls_have_two_request_ids() {
    let stage = Stage::new([signed(REPLY), signed("{}")]);
    let first = stage.client.call(SafeOrder::new()).await.unwrap();
    let second = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_ne!(Some(first.request_id()), second.request_id());
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_signed_again_over_the_same_bytes() {
    let stage = Stage::new([
        fail(TransportErrorKind::Interrupted),
        fail(TransportErrorKind::Interrupted),
        signed(REPLY),
    ]);
    stage.client.call(RepeatableOrder::new()).await.unwrap();
    let sent = stage.transport.sent();
    assert_eq!(
        signatures(&sent),
        [
            "attempt=1 time=2026-01-01T00:00:00Z nonce=2 sum=5105",
            "attempt=2 time=2026-01-01T00:00:00.099999999Z nonce=4 sum=5105",
            "attempt=3 time=2026-01-01T00:00:00.299999998Z nonce=6 sum=5105",
        ]
    );
    assert_eq!(stage.client.provider().authorized.get(), 3);
    assert!(sent.iter().all(|request| request.body == sent[0].body));
}

#[tokio::test(start_paused = true)]
async fn the_request_is_signed_after_the_back_off() {
    let stage = Stage::new([Step::respond_with(503, &[("retry-after", "9")], "")]);
    let call = stage.client.call(SafeOrder::new()).into_future();
    // Dropped in the middle of the back-off.
    assert!(
        tokio::time::timeout(Duration::from_secs(5), call)
            .await
            .is_err()
    );
    assert_eq!(stage.clock.sleeps(), [Duration::from_secs(9)]);
    assert_eq!(stage.client.provider().authorized.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_built_is_not_sent() {
    let stage = Stage::new([]);
    let mut order = UnsafeOrder::new();
    order.contradictory = true;
    let error = stage.client.call(order).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(error.invalid_request().unwrap().field(), "consent_text");
    assert_eq!(
        error.to_string(),
        "toy order: invalid request: consent_text: must be given with a mobile number"
    );
    assert_eq!(stage.requests(), 0);
    assert_eq!(stage.client.provider().authorized.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_authorised_is_not_sent() {
    let toy = |attempt| Toy {
        unauthorisable: Some(attempt),
        ..Toy::default()
    };
    let stage = Stage::with([], toy(1), |builder| builder);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(stage.requests(), 0);

    // The outcome of an earlier attempt is kept.
    let steps = [fail(TransportErrorKind::Interrupted)];
    let stage = Stage::with(steps, toy(2), |builder| builder);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(stage.requests(), 1);
}

// Retries

/// Which operations are retried after a failure.
#[derive(Debug, Clone, Copy)]
enum Again {
    All,
    AllButUnsafe,
    None,
}

/// A failure, its classification, and what follows.
struct Row(&'static str, fn() -> Step, ErrorKind, Outcome, Again);

fn table() -> Vec<Row> {
    use Again::{All, AllButUnsafe, None};
    use ErrorKind as K;
    use Outcome::{Done, NotSent, Refused, Unknown};
    use TransportErrorKind as T;

    macro_rules! status {
        ($($status:literal)+ => $kind:ident, $outcome:ident, $again:ident) => {
            status!("<html>": $($status)+ => $kind, $outcome, $again)
        };
        ($body:literal: $($status:literal)+ => $kind:ident, $outcome:ident, $again:ident) => {
            [$(Row(stringify!($status $body), || Step::respond($status, $body), K::$kind, $outcome, $again)),+]
        };
    }
    let mut rows = vec![
        Row("connect", || fail(T::Connect), K::Connect, NotSent, All),
        Row(
            "timeout",
            || fail(T::Timeout),
            K::Timeout,
            Unknown,
            AllButUnsafe,
        ),
        Row(
            "interrupted",
            || fail(T::Interrupted),
            K::Transport,
            Unknown,
            AllButUnsafe,
        ),
        Row(
            "too large",
            || fail(T::TooLarge),
            K::Transport,
            Unknown,
            None,
        ),
        Row(
            "certificate",
            || fail(T::Certificate),
            K::Verification,
            NotSent,
            None,
        ),
        Row(
            "refused by the transport",
            || fail(T::InvalidRequest),
            K::InvalidRequest,
            NotSent,
            None,
        ),
        Row("forged", forged, K::Verification, Unknown, None),
        Row(
            "not signed",
            || Step::respond(200, REPLY),
            K::Verification,
            Unknown,
            None,
        ),
        Row(
            "another request's answer",
            || signed(r#"{"state":"open","items":[],"answers":"ord-2"}"#),
            K::Verification,
            Unknown,
            None,
        ),
        Row("not understood", || signed("{}"), K::Decode, Done, None),
        Row(
            "not JSON",
            || signed_with_status(201, "<html>"),
            K::Decode,
            Done,
            None,
        ),
        Row(
            "no content",
            || signed_with_status(204, ""),
            K::Decode,
            Done,
            None,
        ),
        Row(
            "200 that is a refusal",
            || signed(r#"{"code":"no_such_person"}"#),
            K::Api,
            Refused,
            None,
        ),
        Row(
            "200 that says later",
            || signed(r#"{"code":"busy"}"#),
            K::Api,
            Unknown,
            AllButUnsafe,
        ),
        Row(
            "200 that contradicts itself",
            || signed(r#"{"code":"both"}"#),
            K::Api,
            Unknown,
            AllButUnsafe,
        ),
        Row(
            "200 that knows no such key",
            || signed(r#"{"code":"bad_key"}"#),
            K::Credentials,
            Refused,
            None,
        ),
        Row(
            "400 that says later",
            || Step::respond(400, r#"{"code":"busy"}"#),
            K::Api,
            Refused,
            AllButUnsafe,
        ),
        Row(
            "400 that knows no such key",
            || Step::respond(400, r#"{"code":"bad_key"}"#),
            K::Credentials,
            Refused,
            None,
        ),
        // The body is unverified: it may name the reason, but does not prove that nothing was done.
        Row(
            "500 that knows no such key",
            || Step::respond(500, r#"{"code":"bad_key"}"#),
            K::Credentials,
            Unknown,
            None,
        ),
        Row(
            "429 that knows no such key",
            || Step::respond(429, r#"{"code":"bad_key"}"#),
            K::RateLimited,
            Refused,
            All,
        ),
    ];
    rows.extend(status!(429 => RateLimited, Refused, All));
    rows.extend(status!(r#"{"code":"E1"}"#: 401 403 => Credentials, Refused, None));
    rows.extend(status!(408 500 501 502 503 504 599 => Api, Unknown, AllButUnsafe));
    rows.extend(status!(r#"{"code":"E1"}"#: 400 402 404 405 409 410 413 415 422 425 451 => Api, Refused, None));
    // Not in the provider's form: nobody knows who refused what.
    rows.extend(
        status!(400 401 402 403 404 405 409 410 413 415 422 425 451 => Unrecognized, Refused, AllButUnsafe),
    );
    rows.extend(status!("": 401 403 404 => Unrecognized, Refused, AllButUnsafe));
    // The status refuses what the body tells as done, or contradicts the body's own code.
    rows.extend(
        status!(r#"{"id":"o-1","state":"open"}"#: 302 307 400 401 404 408 409 424 429 451 499 => Api, Unknown, AllButUnsafe),
    );
    rows.extend(
        status!(r#"{"code":"both"}"#: 307 400 401 408 409 424 429 499 500 503 => Api, Unknown, AllButUnsafe),
    );
    rows.extend(status!(r#"{"id":"o-1","state":"open"}"#: 500 503 => Api, Unknown, AllButUnsafe));
    rows.extend(status!(r#"{"message":"E1"}"#: 400 404 => Unrecognized, Refused, AllButUnsafe));
    // A redirect is not followed, and 303 even says "done, look there".
    rows.extend(status!(300 301 302 303 304 => Unrecognized, Unknown, AllButUnsafe));
    rows.extend(status!(307 308 => Unrecognized, Refused, AllButUnsafe));
    rows.extend(status!(r#"{"code":"E1"}"#: 302 => Api, Unknown, None));
    rows.extend(status!(200 202 => Unrecognized, Unknown, AllButUnsafe));
    // A part, for which nobody asked.
    rows.extend(status!(205 206 226 => Unrecognized, Unknown, AllButUnsafe));
    rows.extend(
        status!(r#"{"id":"o-1","state":"open"}"#: 205 206 226 => Unrecognized, Unknown, AllButUnsafe),
    );
    rows.push(Row(
        "200 with a part",
        || signed_with_headers(&[("content-range", "bytes 0-9/4096")], REPLY),
        K::Unrecognized,
        Unknown,
        AllButUnsafe,
    ));
    rows.extend(status!("": 200 204 => Unrecognized, Unknown, AllButUnsafe));
    rows
}

/// Runs one order against the same failure on every attempt.
async fn fails<const I: u8>(row: &Row) -> (Error, Stage) {
    let stage = Stage::new([(row.1)(), (row.1)(), (row.1)()]);
    let error = stage.client.call(Order::<I>::new()).await.unwrap_err();
    (error, stage)
}

#[tokio::test(start_paused = true)]
async fn which_failures_are_retried_is_a_table() {
    for row in table() {
        let &Row(name, _, kind, outcome, again) = &row;
        let results = [
            (SAFE, fails::<SAFE>(&row).await),
            (REPEATABLE, fails::<REPEATABLE>(&row).await),
            (UNSAFE, fails::<UNSAFE>(&row).await),
        ];
        for (idempotency, (error, stage)) in results {
            let at = format!("{name}, idempotency {idempotency}");
            let retried = match again {
                Again::All => true,
                Again::AllButUnsafe => idempotency != UNSAFE,
                Again::None => false,
            };
            let attempts = if retried { 3 } else { 1 };
            assert_eq!(error.kind(), kind, "{at}");
            assert_eq!(error.outcome(), outcome, "{at}");
            assert_eq!(stage.requests(), attempts, "{at}");
            assert_eq!(error.attempts() as usize, attempts, "{at}");
            assert_eq!(stage.clock.sleeps(), PAUSES[..attempts - 1], "{at}");
            assert_eq!((error.provider(), error.operation()), ("toy", "order"));
        }
    }
}

/// Without a signature only the provider's own envelope says that the provider did it.
#[tokio::test(start_paused = true)]
async fn done_needs_something_that_vouches_for_the_bytes() {
    for (body, kind, outcome) in [
        ("", ErrorKind::Unrecognized, Outcome::Unknown),
        (
            "<html>down</html>",
            ErrorKind::Unrecognized,
            Outcome::Unknown,
        ),
        (r#"{"up":true}"#, ErrorKind::Unrecognized, Outcome::Unknown),
        (
            r#"{"data":null,"errors":[1]}"#,
            ErrorKind::Unrecognized,
            Outcome::Unknown,
        ),
        (
            r#"{"data":null,"total":0}"#,
            ErrorKind::Decode,
            Outcome::Done,
        ),
        (r#"["id"]"#, ErrorKind::Unrecognized, Outcome::Unknown),
        (r#"{"id":"1"}"#, ErrorKind::Decode, Outcome::Done),
        (r#"{"id":"1","sta"#, ErrorKind::Decode, Outcome::Done),
    ] {
        let unsigned = || Toy {
            streaming: Streaming::Unsigned,
            ..Toy::default()
        };
        let reply = || Step::respond(200, body);
        let stage = Stage::with([reply()], unsigned(), |builder| builder);
        let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{body}");
        assert!(error.is_unsettled() && !error.is_retryable(), "{body}");
        assert_eq!(error.raw_response().unwrap().body(), body);

        let stage = Stage::with([reply(), reply(), reply()], unsigned(), |builder| builder);
        let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{body}");
        let retried = kind == ErrorKind::Unrecognized;
        assert_eq!(error.is_retryable(), retried, "{body}");
        assert_eq!(error.attempts(), if retried { 3 } else { 1 }, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_outcome_combines_all_attempts() {
    use TransportErrorKind::{Connect, Interrupted};

    let refused = || Step::respond(429, "");
    let conflict = || Step::respond(409, r#"{"code":"E1"}"#);
    let cases: [(&str, [Step; 3], ErrorKind, Outcome); 5] = [
        (
            "it may have been done before the connections failed",
            [fail(Interrupted), fail(Connect), fail(Connect)],
            ErrorKind::Connect,
            Outcome::Unknown,
        ),
        (
            "the conflict may be with the first attempt",
            [fail(Interrupted), fail(Connect), conflict()],
            ErrorKind::Api,
            Outcome::Unknown,
        ),
        (
            "not sent, then refused",
            [fail(Connect), refused(), conflict()],
            ErrorKind::Api,
            Outcome::Refused,
        ),
        (
            "refused, then not sent",
            [refused(), fail(Connect), fail(Connect)],
            ErrorKind::Connect,
            Outcome::Refused,
        ),
        (
            "unknown, then done",
            [fail(Interrupted), refused(), signed("{}")],
            ErrorKind::Decode,
            Outcome::Done,
        ),
    ];
    for (name, steps, kind, outcome) in cases {
        let stage = Stage::new(steps);
        let error = stage.client.call(RepeatableOrder::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{name}");
        assert_eq!(stage.requests(), 3, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_operation_is_not_retried_once_it_may_have_been_processed() {
    let stage = Stage::new([
        fail(TransportErrorKind::Connect),
        fail(TransportErrorKind::Interrupted),
    ]);
    let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(!error.is_retryable());
    assert_eq!(stage.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_or_a_client_may_have_another_retry_policy() {
    let failures = || (0..4).map(|_| fail(TransportErrorKind::Connect));
    let patient = RetryPolicy::standard().with_max_attempts(4);
    let patient = patient.with_pauses(Duration::from_secs(1), Duration::from_secs(2));

    let stage = Stage::new(failures());
    let call = stage.client.call(UnsafeOrder::new()).with_retry(patient);
    assert_eq!(call.await.unwrap_err().attempts(), 4);
    let half_of = |seconds: u64| Duration::from_nanos(seconds * 500_000_000 - 1);
    assert_eq!(stage.clock.sleeps(), [1, 2, 2].map(half_of));

    let never = |steps| {
        Stage::with(steps, Toy::default(), |builder| {
            builder.retry(RetryPolicy::never())
        })
    };
    let stage = never(failures().collect::<Vec<_>>());
    let call = stage.client.call(UnsafeOrder::new());
    assert_eq!(call.await.unwrap_err().attempts(), 1);
    assert_eq!(stage.requests(), 1);

    // The call's own policy wins over the client's.
    let stage = never(failures().collect::<Vec<_>>());
    let call = stage.client.call(UnsafeOrder::new()).with_retry(patient);
    assert_eq!(call.await.unwrap_err().attempts(), 4);
}

// Waiting

#[tokio::test(start_paused = true)]
async fn the_wait_that_the_provider_asks_for_is_respected() {
    for (status, value) in [
        (429, "7"),
        (503, "7"),
        // The fixed clock starts at midnight.
        (429, "Thu, 01 Jan 2026 00:00:07 GMT"),
    ] {
        let refusal = Step::respond_with(status, &[("retry-after", value)], "");
        let stage = Stage::new([refusal, signed(REPLY)]);
        let response = stage.client.call(SafeOrder::new()).await.unwrap();
        assert_eq!(stage.clock.sleeps(), [Duration::from_secs(7)], "{value}");
        assert_eq!(response.elapsed(), Duration::from_secs(7), "{value}");
        assert_eq!(response.attempts(), 2, "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_is_reported_at_once() {
    for (value, seconds) in [
        ("30", 30),
        ("86400", 86_400),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30),
    ] {
        let stage = Stage::new([Step::respond_with(429, &[("retry-after", value)], "")]);
        let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        assert_eq!(error.elapsed(), Duration::ZERO);
        assert!(error.is_retryable());
        assert_eq!(stage.requests(), 1);
        assert!(stage.clock.sleeps().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_nobody_understands_is_not_repeated_early() {
    for value in ["-5", "soon", "1e3", "4294967296", "99999999999999999999.5"] {
        let refusal = Step::respond_with(429, &[("retry-after", value)], "");
        let stage = Stage::new([refusal]);
        let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
        assert!(
            error.retry_after().unwrap() >= Duration::from_secs(60),
            "{value}"
        );
        assert!(stage.clock.sleeps().is_empty(), "{value}");
    }
    let refusal = Step::respond_with(429, &[("retry-after", "")], "");
    let stage = Stage::new([refusal, signed(REPLY)]);
    stage.client.call(UnsafeOrder::new()).await.unwrap();
    assert_eq!(stage.clock.sleeps(), PAUSES[..1]);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_call_ends_at_the_deadline() {
    let stage = Stage::new([Step::Hang]);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(error.elapsed(), Duration::from_secs(30));
    assert_eq!(error.attempts(), 1);
    assert!(
        error.is_retryable() && !error.is_unsettled(),
        "a read may be asked again"
    );

    let stage = Stage::new([Step::Hang]);
    let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
    assert!(!error.is_retryable() && error.is_unsettled());
}

#[tokio::test(start_paused = true)]
async fn an_unsettled_error_says_how_its_operation_is_settled() {
    let stage = Stage::new([Step::Hang]);
    let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
    assert_eq!(error.settling(), Some("list the orders"));
    let report = error.report();
    assert!(
        report.ends_with("\n  to reconcile it: list the orders"),
        "{report}"
    );
    assert!(!error.report_line().contains('\n'));
    let stage = Stage::new([fail(TransportErrorKind::Connect)]);
    let call = stage.client.call(UnsafeOrder::new());
    let error = call.with_retry(RetryPolicy::never()).await.unwrap_err();
    assert_eq!(error.settling(), None, "nothing was sent");
    let stage = Stage::new([Step::Hang]);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.settling(), None, "a read leaves nothing to reconcile");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_attempts_and_back_off() {
    let stage = Stage::new([
        fail(TransportErrorKind::Connect),
        Step::respond_with(429, &[("retry-after", "20")], ""),
        Step::Hang,
    ]);
    let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(error.elapsed(), Duration::from_secs(30));
    assert_eq!(error.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_attempt_starts_without_time_left() {
    // The back-off ends a nanosecond before the deadline, but timers count milliseconds, so it overruns.
    let stage = Stage::new([fail(TransportErrorKind::Connect)]);
    let call = stage.client.call(UnsafeOrder::new());
    let error = call
        .with_timeout(Duration::from_millis(100))
        .await
        .unwrap_err();
    assert_eq!(stage.clock.sleeps(), PAUSES[..1]);
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(error.elapsed(), Duration::from_millis(100));
    assert_eq!(stage.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_nearest_deadline_setting_wins() {
    let hang = || [Step::Hang];
    let elapsed = |error: Error| error.elapsed().as_secs();
    let client_of_9_s = || {
        Stage::with(hang(), Toy::default(), |builder| {
            builder.timeout(Duration::from_secs(9))
        })
    };

    let stage = Stage::new(hang());
    let call = stage.client.call(HastyOrder::new());
    assert_eq!(elapsed(call.await.unwrap_err()), 5, "the operation's");

    let stage = client_of_9_s();
    let call = stage.client.call(HastyOrder::new());
    assert_eq!(elapsed(call.await.unwrap_err()), 9, "the client's");

    let stage = client_of_9_s();
    let call = stage.client.call(HastyOrder::new());
    let call = call.with_timeout(Duration::from_secs(2));
    assert_eq!(elapsed(call.await.unwrap_err()), 2, "the call's");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_may_be_arbitrarily_long() {
    let stage = Stage::new([Step::respond(503, ""), signed(REPLY)]);
    let call = stage.client.call(SafeOrder::new());
    let response = call.with_timeout(Duration::MAX).await.unwrap();
    assert_eq!(response.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_transport_receives_the_limits() {
    #[derive(Debug, Default)]
    struct Busy(Mutex<Vec<ExchangeLimits>>);

    #[async_trait::async_trait]
    impl Transport for Busy {
        async fn send(
            &self,
            _: Request<Body>,
            limits: ExchangeLimits,
        ) -> Result<RawResponse, TransportError> {
            self.0.lock().unwrap().push(limits);
            tokio::time::sleep(Duration::from_secs(1)).await;
            let Step::Respond(response) = Step::respond_with(503, &[("retry-after", "7")], "")
            else {
                unreachable!()
            };
            Ok(response)
        }
    }

    let transport = Arc::new(Busy::default());
    let builder = Client::<Toy>::builder(Toy::default()).transport(transport.clone());
    let client: Client<Toy> = builder.build().unwrap();
    client.call(SafeOrder::new()).await.unwrap_err();
    let limits_seen = transport.0.lock().unwrap().clone();
    let limits = |seconds| ExchangeLimits::new(Duration::from_secs(seconds), 8 * 1024 * 1024);
    assert_eq!(limits_seen, [30, 22, 14].map(limits));

    // A connection is shared only if a reply to another request is noticed, or if the client was asked to.
    let reuse = async |client: &Client<Toy>| {
        transport.0.lock().unwrap().clear();
        client.call(UnsafeOrder::new()).await.unwrap_err();
        client.call(OtherOrder::new()).await.unwrap_err();
        let seen = transport.0.lock().unwrap();
        [0, 1].map(|call: usize| seen[call].may_reuse_connection)
    };
    assert_eq!(reuse(&client).await, [false, true]);
    let builder = Client::<Toy>::builder(Toy::default()).transport(transport.clone());
    let client: Client<Toy> = builder.reuse_connections().build().unwrap();
    assert_eq!(reuse(&client).await, [true, true]);
}

/// Never answers, and counts the requests in flight.
#[derive(Debug, Default)]
struct Silent {
    begun: AtomicUsize,
    in_flight: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Transport for Silent {
    async fn send(
        &self,
        _: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        struct UnderWay(Arc<AtomicUsize>);
        impl Drop for UnderWay {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let _under_way = UnderWay(Arc::clone(&self.in_flight));
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_cancels_its_exchange() {
    let transport = Arc::new(Silent::default());
    let client = Client::<Toy>::builder(Toy::default())
        .transport(transport.clone())
        .build()
        .unwrap();
    let call = client.call(SafeOrder::new()).into_future();
    let given_up = tokio::time::timeout(Duration::from_secs(1), call).await;
    assert!(given_up.is_err());
    assert_eq!(transport.begun.load(Ordering::Relaxed), 1);
    assert_eq!(transport.in_flight.load(Ordering::Relaxed), 0);
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(tasks, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_during_back_off_sends_nothing_more() {
    let stage = Stage::new([Step::respond_with(429, &[("retry-after", "9")], "")]);
    let call = stage.client.call(SafeOrder::new()).into_future();
    let given_up = tokio::time::timeout(Duration::from_secs(1), call).await;
    assert!(given_up.is_err());
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(stage.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_cancels_the_exchange() {
    let transport = Arc::new(Silent::default());
    let client = Client::<Toy>::builder(Toy::default())
        .transport(transport.clone())
        .build()
        .unwrap();
    client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(transport.in_flight.load(Ordering::Relaxed), 0);
}

// Verification

#[tokio::test(start_paused = true)]
async fn a_response_that_is_not_authentic_is_never_decoded() {
    for step in [forged(), Step::respond(200, REPLY)] {
        let stage = Stage::new([step]);
        let order = SafeOrder::new();
        let read = order.read.clone();
        let error = stage.client.call(order).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Verification);
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(error.status().unwrap(), 200);
        assert!(error.verification().is_some());
        assert_eq!(read.get(), 0);
        assert_eq!(stage.requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_keeps_the_exact_bytes_beside_the_value() {
    let body = " {\"state\" : \"open\",\r\n \"items\": [], \"not in the type\": [1.50]}\n";
    let stage = Stage::new([fail(TransportErrorKind::Interrupted), signed(body)]);
    let response = stage.client.call(SafeOrder::new()).await.unwrap();
    assert_eq!(response.body(), body.as_bytes());
    assert_eq!(
        response.map(|reply| reply.items.len()).body(),
        body.as_bytes()
    );
}

#[tokio::test(start_paused = true)]
async fn a_verified_reply_that_cannot_be_decoded_is_kept_whole() {
    let body = format!(
        "{{\"state\":1,\"filler\":\"{}\"}}",
        "x".repeat(Error::BODY_KEPT)
    );
    let stage = Stage::new([signed(&body)]);
    let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Decode, Outcome::Done)
    );
    assert_eq!(error.raw_response().unwrap().body(), body.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn only_2xx_responses_need_a_signature() {
    for status in [301, 400, 401, 404, 429, 500, 502, 503] {
        let stage = Stage::new([Step::respond(status, "<html>")]);
        let call = stage.client.call(UnsafeOrder::new());
        let error = call.with_retry(RetryPolicy::never()).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(stage.client.provider().verified.get(), 0, "{status}");
    }
    for status in [200, 201, 202, 204] {
        let stage = Stage::new([signed_with_status(status, REPLY)]);
        stage.client.call(UnsafeOrder::new()).await.unwrap();
        assert_eq!(stage.client.provider().verified.get(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_decode_error_names_the_place() {
    let stage = Stage::new([signed(
        r#"{"state":"open","items":[{"amount":1},{"amount":-1}]}"#,
    )]);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.outcome(), Outcome::Done);
    let decode = error.decode().unwrap();
    assert_eq!(decode.category(), DecodeErrorCategory::Shape);
    assert_eq!(decode.path(), "$.items[1].amount");
    assert_eq!(
        error.report(),
        "toy order: the reply could not be decoded (HTTP 200)\n  \
         caused by: unexpected shape at $.items[1].amount (line 1, column 50)"
    );
    assert_eq!(
        error.request_id().unwrap().as_str(),
        stage.transport.only().header("x-request-id")
    );
    assert!(error.raw_response().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_and_nuls_are_verified_with_the_body_and_then_skipped() {
    let padded = format!("\u{feff}{REPLY}\0\0");
    let stage = Stage::new([signed(&padded)]);
    let response = stage.client.call(SafeOrder::new()).await.unwrap();
    assert_eq!(response.body(), &padded);
    assert_eq!(response.authenticity(), Authenticity::Signed);
    // So is the refusal in one.
    let refusal = "\u{feff}{\"code\":\"bad_key\"}\0";
    let stage = Stage::new([signed(refusal)]);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
}

#[tokio::test(start_paused = true)]
async fn an_encoding_that_was_not_accepted_is_named() {
    const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\x02\0";
    let length = format!("length={}", GZIP.len());
    let signature = ("x-toy-signature", length.as_str());
    for headers in [&[signature][..], &[signature, ("content-encoding", "GZip")]] {
        let stage = Stage::new([Step::respond_with(200, headers, GZIP)]);
        let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
        assert_eq!(
            error.report(),
            "toy order: the reply could not be decoded (HTTP 200)\n  \
             caused by: encoded as gzip, which the request did not accept at $"
        );
        assert_eq!(stage.transport.only().header("accept-encoding"), "identity");
    }
    // A gateway that names an encoding and sends plain JSON does no harm.
    let length = format!("length={}", REPLY.len());
    let headers = [
        ("x-toy-signature", length.as_str()),
        ("content-encoding", "gzip"),
    ];
    let stage = Stage::new([Step::respond_with(200, &headers, REPLY)]);
    stage.client.call(SafeOrder::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_all_of_it_is_whole() {
    let all = format!("bytes 0-{}/{}", REPLY.len() - 1, REPLY.len());
    for range in [all.as_str(), "items 0-9/200"] {
        let stage = Stage::new([signed_with_headers(&[("content-range", range)], REPLY)]);
        stage.client.call(SafeOrder::new()).await.unwrap();
    }
    for range in ["bytes 0-9/*", "bytes */10", "bytes", "BYTES 1-9/10"] {
        let step = || signed_with_headers(&[("content-range", range)], REPLY);
        let error = Stage::new([step(), step(), step()])
            .client
            .call(SafeOrder::new())
            .await;
        assert_eq!(
            error.unwrap_err().kind(),
            ErrorKind::Unrecognized,
            "{range}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unlisted_value_is_not_an_error() {
    let stage = Stage::new([signed(r#"{"state":"paused","items":[],"new":{}}"#)]);
    let response = stage.client.call(SafeOrder::new()).await.unwrap();
    assert_eq!(response.value().state.as_str(), "paused");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_the_providers_code_and_message() {
    for (step, status) in [
        (signed(r#"{"code":"E17","message":"not today"}"#), 200),
        (
            Step::respond(422, r#"{"code":"E17","message":"not today"}"#),
            422,
        ),
    ] {
        let stage = Stage::new([step]);
        let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api);
        assert_eq!(error.outcome(), Outcome::Refused);
        let fault = error.fault().unwrap();
        assert_eq!(fault.code(), Some("E17"));
        assert_eq!(fault.message(), Some("not today"));
        assert_eq!(
            error.to_string(),
            format!("toy order: the provider refused the request (HTTP {status}): E17")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_rule_of_the_transport_is_named() {
    #[derive(Debug)]
    struct Strict;

    #[async_trait::async_trait]
    impl Transport for Strict {
        async fn send(
            &self,
            _: Request<Body>,
            _: ExchangeLimits,
        ) -> Result<RawResponse, TransportError> {
            Err(provider_core::InvalidRequest::new("base URL", "must be another one").into())
        }
    }

    let builder = Client::<Toy>::builder(Toy::default()).transport(Arc::new(Strict));
    let client: Client<Toy> = builder.build().unwrap();
    let error = client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "base URL");
    assert_eq!(
        error.to_string(),
        "toy order: invalid request: base URL: must be another one"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_certificate_is_a_failed_verification() {
    let stage = Stage::new([fail(TransportErrorKind::Certificate)]);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.verification(), Some(&VerificationError::Certificate));
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[tokio::test(start_paused = true)]
async fn an_outer_limit_shortens_any_deadline() {
    for (own, limit, expected) in [(None, 7, 7), (Some(3), 7, 3), (Some(9), 7, 7)] {
        let stage = Stage::new([Step::Hang]);
        let mut options = CallOptions::new().with_time_limit(Duration::from_secs(limit));
        options.timeout = own.map(Duration::from_secs);
        let error = stage
            .client
            .call(UnsafeOrder::new())
            .with_options(options)
            .await
            .unwrap_err();
        assert_eq!(
            error.elapsed(),
            Duration::from_secs(expected),
            "{own:?} {limit}"
        );
    }
}

#[test]
fn inputs_can_be_checked_without_sending() {
    let stage = Stage::new([]);
    stage.client.check(&SafeOrder::new()).unwrap();
    assert_eq!(stage.client.provider().authorized.get(), 1);
    assert!(stage.transport.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_a_bounded_number_of_retries() {
    const CALLS: usize = 600;
    let down = std::iter::repeat_with(|| Step::respond(503, ""));
    let stage = Stage::with(down.take(CALLS + 20), Toy::default(), |builder| {
        builder.circuit_breaker(CircuitBreaker::never())
    });
    for _ in 0..CALLS {
        // Each on a clone: clones share the budget.
        let error = stage
            .client
            .clone()
            .call(SafeOrder::new())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api);
    }
    assert_eq!(
        stage.transport.sent().len(),
        CALLS + 20,
        "at most 1.04 requests for one"
    );
}

#[tokio::test(start_paused = true)]
async fn answers_pay_for_later_retries() {
    let exhausting = std::iter::repeat_with(|| Step::respond(503, "")).take(31);
    let answers = std::iter::repeat_with(|| signed(REPLY)).take(10);
    let steps = exhausting
        .chain(answers)
        .chain([Step::respond(503, ""), signed(REPLY)]);
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder.circuit_breaker(CircuitBreaker::never())
    });
    for _ in 0..11 {
        stage.client.call(SafeOrder::new()).await.unwrap_err();
    }
    assert_eq!(
        stage.transport.sent().len(),
        31,
        "ten calls of three attempts, and one of one"
    );
    for _ in 0..10 {
        stage.client.call(SafeOrder::new()).await.unwrap();
    }
    assert_eq!(
        stage
            .client
            .call(SafeOrder::new())
            .await
            .unwrap()
            .attempts(),
        2
    );
}

/// A clock that has a limited number of random values and records them.
#[derive(Debug)]
struct Randomness {
    clock: FixedClock,
    left: AtomicUsize,
    given: Mutex<Vec<u128>>,
}

impl Randomness {
    fn of(values: usize) -> Arc<Self> {
        Arc::new(Self {
            clock: FixedClock::default(),
            left: AtomicUsize::new(values),
            given: Mutex::default(),
        })
    }

    fn given(&self) -> Vec<u128> {
        self.given.lock().unwrap().clone()
    }
}

#[async_trait]
impl Clock for Randomness {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        let take = |left: usize| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_err()
        {
            return Err(InvalidRequest::new(
                "random",
                "the system gives no randomness",
            ));
        }
        let value = self.clock.random()?;
        self.given.lock().unwrap().push(value);
        Ok(value)
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_randomness_for_a_retry_the_first_failure_is_reported() {
    let steps = [fail(TransportErrorKind::Interrupted)];
    // For the request id, the nonce and the jitter.
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder.clock(Randomness::of(3))
    });
    let error = stage.client.call(RepeatableOrder::new()).await.unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "random");
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1));
    assert!(error.is_unsettled());
    let id = stage.transport.only().header("x-request-id").to_owned();
    assert_eq!(error.request_id().unwrap().as_str(), id);
}

#[tokio::test(start_paused = true)]
async fn without_randomness_nothing_is_sent() {
    for values in [0, 1] {
        let stage = Stage::with([], Toy::default(), |builder| {
            builder.clock(Randomness::of(values))
        });
        let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
        assert_eq!(error.invalid_request().unwrap().field(), "random");
        assert_eq!((error.outcome(), error.attempts()), (Outcome::NotSent, 0));
    }
}

/// The request id is published, so neither the nonce nor the jitter may be derived from it.
#[tokio::test(start_paused = true)]
async fn request_id_nonce_and_jitter_are_independent_random_values() {
    let steps = || {
        [
            fail(TransportErrorKind::Connect),
            signed(REPLY),
            signed(REPLY),
        ]
    };
    let clock = Randomness::of(usize::MAX);
    let stage = Stage::with(steps(), Toy::default(), |builder| {
        builder.clock(Arc::clone(&clock) as Arc<dyn Clock>)
    });
    stage.client.call(SafeOrder::new()).await.unwrap();
    let sent = stage.transport.sent();
    let nonce = |sent: &Sent| {
        let signature = sent.header("x-toy-signature").to_owned();
        let (_, nonce) = signature.split_once("nonce=").unwrap();
        nonce.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let given = clock.given();
    let [id, first, jitter, second] = given.as_slice() else {
        panic!("{given:?}");
    };
    assert_eq!(request_ids(&sent), [format!("{id:032x}").as_str(); 2]);
    assert_eq!(
        [nonce(&sent[0]), nonce(&sent[1])],
        [*first as u64, *second as u64]
    );
    assert!(![id, first, second].contains(&jitter));
    // The caller's own id needs no random value, and a call that is not retried no jitter.
    let call = stage.client.call(SafeOrder::new());
    call.with_request_id(RequestId::parse("own").unwrap())
        .await
        .unwrap();
    assert_eq!(clock.given().len(), 5);
}

/// A clock that always returns this random value.
#[derive(Debug)]
struct SameValue(FixedClock, u128);

#[async_trait]
impl Clock for SameValue {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        Ok(self.1)
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// Clients with equal back-offs would all retry at once.
#[tokio::test(start_paused = true)]
async fn a_back_off_depends_on_its_jitter() {
    for (upper, pause) in [(0_u64, 0), (1 << 62, 50), (3 << 62, 150)] {
        let clock = FixedClock::default();
        let value = u128::from(upper) << 64;
        let steps = [fail(TransportErrorKind::Connect), signed(REPLY)];
        let stage = Stage::with(steps, Toy::default(), |builder| {
            builder.clock(Arc::new(SameValue(clock.clone(), value)))
        });
        stage.client.call(SafeOrder::new()).await.unwrap();
        assert_eq!(clock.sleeps(), [Duration::from_millis(pause)]);
    }
}

// Rotation

#[tokio::test(start_paused = true)]
async fn rotated_credentials_are_used_from_the_next_attempt_on_by_every_clone() {
    let stage = Stage::new([signed(REPLY), signed(REPLY)]);
    let clone = stage.client.clone();
    stage.client.call(SafeOrder::new()).await.unwrap();
    stage.client.replace_provider(Toy {
        api_key: Secret::for_header("x-api-key", "rotated-key").unwrap(),
        ..Toy::default()
    });
    clone.call(SafeOrder::new()).await.unwrap();
    let keys: Vec<String> = stage
        .transport
        .sent()
        .iter()
        .map(|sent| sent.header("x-api-key").to_owned())
        .collect();
    assert_eq!(keys, ["made-up-key", "rotated-key"]);
}

/// Rotates the credentials of a client during its back-off.
#[derive(Debug, Default)]
struct RotatingClock {
    clock: FixedClock,
    client: Mutex<Option<Client<Toy>>>,
}

#[async_trait]
impl Clock for RotatingClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        self.clock.random()
    }

    async fn sleep(&self, duration: Duration) {
        if let Some(client) = &*self.client.lock().unwrap() {
            client.replace_provider(Toy {
                api_key: Secret::for_header("x-api-key", "rotated-key").unwrap(),
                ..Toy::default()
            });
        }
        self.clock.sleep(duration).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_a_rotation_uses_the_new_credentials() {
    let clock = Arc::new(RotatingClock::default());
    let steps = [fail(TransportErrorKind::Connect), signed(REPLY)];
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder.clock(Arc::clone(&clock) as Arc<dyn Clock>)
    });
    *clock.client.lock().unwrap() = Some(stage.client.clone());
    stage.client.call(UnsafeOrder::new()).await.unwrap();
    let sent = stage.transport.sent();
    assert_eq!(sent[0].header("x-api-key"), "made-up-key");
    assert_eq!(sent[1].header("x-api-key"), "rotated-key");
}
