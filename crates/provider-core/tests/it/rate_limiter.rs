//! A client with a rate limiter waits for it or refuses, as the caller chooses, and passes the provider's own figures on to
//! it.

use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::testing::Step;
use provider_core::{
    Allowance, ErrorKind, Outcome, RateLimiter, RateLimits, RetryPolicy, TransportErrorKind,
    WhenLimited, Window,
};
use tokio::time::Instant;

use crate::toy::{REPLY, SafeOrder, Stage, Toy, signed, signed_with_headers};

fn one_a_second() -> Arc<RateLimits> {
    Arc::new(RateLimits::new([Window::per_second(1)]).unwrap())
}

fn stage(steps: impl IntoIterator<Item = Step>, limiter: Arc<dyn RateLimiter>) -> Stage {
    Stage::with(steps, Toy::default(), |builder| {
        builder.rate_limiter(limiter).retry(RetryPolicy::never())
    })
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_permission_within_their_deadline() {
    let stage = stage(
        [signed(REPLY), signed(REPLY), signed(REPLY)],
        one_a_second(),
    );
    let start = Instant::now();
    for _ in 0..3 {
        stage.client.call(SafeOrder::new()).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_is_refused_at_once() {
    let stage = stage([signed(REPLY)], one_a_second());
    stage.client.call(SafeOrder::new()).await.unwrap();
    let start = Instant::now();
    let call = stage.client.call(SafeOrder::new());
    let error = call
        .with_timeout(Duration::from_millis(500))
        .await
        .unwrap_err();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!((error.attempts(), error.status()), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_wait_is_refused_at_once() {
    let stage = stage([signed(REPLY), signed(REPLY)], one_a_second());
    stage.client.call(SafeOrder::new()).await.unwrap();
    let call = stage.client.call(SafeOrder::new());
    let error = call
        .with_when_limited(WhenLimited::Refuse)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    // Nothing was acquired: the next call is admitted after the second.
    tokio::time::advance(Duration::from_secs(1)).await;
    let call = stage.client.call(SafeOrder::new());
    call.with_when_limited(WhenLimited::Refuse).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retries_need_permission_too() {
    let steps = [Step::respond(503, ""), signed(REPLY)];
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder.rate_limiter(one_a_second())
    });
    let start = Instant::now();
    let response = stage.client.call(SafeOrder::new()).await.unwrap();
    assert_eq!(response.attempts(), 2);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_retry_without_permission_ends_with_the_failure_of_the_first_attempt() {
    let stage = Stage::with([Step::respond(503, "")], Toy::default(), |builder| {
        builder
            .rate_limiter(one_a_second())
            .when_limited(WhenLimited::Refuse)
    });
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Api, 1));
    assert_eq!(error.outcome(), Outcome::Unknown);
}

/// Records the allowances that it learns, and the attempts that end.
#[derive(Debug, Default)]
struct Listener(Mutex<Vec<Allowance>>, Mutex<Vec<bool>>);

impl RateLimiter for Listener {
    fn acquire(&self) -> Result<(), Duration> {
        Ok(())
    }

    fn learn(&self, allowance: Allowance) {
        self.0.lock().unwrap().push(allowance);
    }

    fn ended(&self, may_count: bool) {
        self.1.lock().unwrap().push(may_count);
    }
}

#[tokio::test(start_paused = true)]
async fn the_limiter_learns_allowances_and_429() {
    let listener = Arc::new(Listener::default());
    let allowance =
        |left: u64, seconds| Allowance::new(left).resetting_in(Duration::from_secs(seconds));
    let steps = [
        signed_with_headers(&[("x-left", "5 30")], REPLY),
        Step::respond_with(400, &[("x-left", "4 29")], ""),
        Step::respond_with(429, &[("retry-after", "17")], ""),
        Step::respond_with(429, &[("retry-after", "4000000000")], ""),
        Step::respond(429, ""),
        signed(REPLY),
    ];
    let stage = stage(steps, Arc::clone(&listener) as Arc<dyn RateLimiter>);
    for _ in 0..6 {
        let _ = stage.client.call(SafeOrder::new()).await;
    }
    assert_eq!(
        *listener.0.lock().unwrap(),
        // A 429 that nobody vouches for stops a client for a minute at most.
        [
            allowance(5, 30),
            allowance(4, 29),
            allowance(0, 17),
            allowance(0, 60)
        ]
    );
}

/// Once for each permission, before the back-off: what may have been counted without a figure is told apart from what a figure
/// includes and from what was never sent.
#[tokio::test(start_paused = true)]
async fn the_limiter_learns_when_an_attempt_ends_however_it_ends() {
    let unsent = || Step::Fail(TransportErrorKind::Connect);
    for (steps, ended) in [
        (
            vec![signed_with_headers(&[("x-left", "5 30")], REPLY)],
            vec![false],
        ),
        (vec![signed(REPLY)], vec![true]),
        (vec![unsent(), signed(REPLY)], vec![false, true]),
        (vec![Step::respond(503, ""), Step::Hang], vec![true, true]),
    ] {
        let listener = Arc::new(Listener::default());
        let limiter = Arc::clone(&listener) as Arc<dyn RateLimiter>;
        let stage = Stage::with(steps, Toy::default(), |builder| {
            builder.rate_limiter(limiter)
        });
        let call = stage.client.call(SafeOrder::new());
        // The last one is dropped while it waits for its reply.
        let _ = tokio::time::timeout(Duration::from_secs(20), call.into_future()).await;
        assert_eq!(*listener.1.lock().unwrap(), ended);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_until_the_window_that_the_provider_reports_has_ended() {
    let limits = Arc::new(RateLimits::new([]).unwrap());
    let steps = [
        signed_with_headers(&[("x-left", "0 10")], REPLY),
        signed(REPLY),
    ];
    let stage = stage(steps, limits);
    stage.client.call(SafeOrder::new()).await.unwrap();
    let start = Instant::now();
    stage.client.call(SafeOrder::new()).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}
