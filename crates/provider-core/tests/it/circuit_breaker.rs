//! A failing operation is not called while its circuit is open, and probes detect when it works again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::http::Request;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{
    Body, CallOptions, CircuitBreaker, Client, Error, ErrorKind, ExchangeLimits, Outcome,
    RateLimiter, RateLimits, RawResponse, RetryPolicy, Transport, TransportError,
    TransportErrorKind, VerificationError, WhenLimited, Window, async_trait,
};
use tokio::time::{Instant, sleep, timeout};

use crate::toy::{
    HastyOrder, OtherOrder, REPLY, SafeOrder, Stage, Toy, UnsafeOrder, forged, signed,
};

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
async fn a_refused_call_is_not_sent_and_has_the_time_until_the_next_probe() {
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
        "toy order: circuit open: recent calls failed, nothing was sent"
    );
    assert_eq!(stage.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_probe_per_pause_is_sent_and_an_answer_closes_the_circuit() {
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
        opens(true, || Step::respond(200, "<html>")),
        opens(true, || Step::respond(204, "")),
        opens(true, || Step::respond(302, "")),
        opens(true, || Step::respond(403, "<html>")),
        opens(true, || Step::respond(404, "")),
        opens(false, || Step::respond(400, r#"{"code":"E1"}"#)),
        opens(false, || Step::respond(401, r#"{"code":"E1"}"#)),
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
async fn any_answer_resets_the_count() {
    let answers: [fn() -> Step; 5] = [
        || signed(REPLY),
        || Step::respond(400, r#"{"code":"E1"}"#),
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
async fn a_request_that_was_never_sent_neither_opens_nor_closes_it() {
    let certificate = || Step::Fail(TransportErrorKind::Certificate);
    let stage = stage([down(), certificate(), down()]);
    fail(&stage).await;
    let error = fail(&stage).await;
    assert_eq!(error.verification(), Some(&VerificationError::Certificate));
    fail(&stage).await;
    assert_eq!(fail(&stage).await.kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_its_own_failure_when_the_circuit_opens_between_its_attempts() {
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

// Silence

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A provider that answers slowly, or never.
#[derive(Debug)]
struct Peer {
    answers_after: Mutex<Option<Duration>>,
    asked: AtomicUsize,
    /// Ends an exchange itself when the call's deadline expires, as a transport may.
    keeps_time: bool,
}

impl Peer {
    fn new(answers_after: impl Into<Option<Duration>>) -> Arc<Self> {
        Arc::new(Self {
            answers_after: Mutex::new(answers_after.into()),
            asked: AtomicUsize::new(0),
            keeps_time: false,
        })
    }

    fn silent() -> Arc<Self> {
        Self::new(None)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// A client with the standard circuit breaker.
    fn client(self: &Arc<Self>) -> Client<Toy> {
        self.client_with(CircuitBreaker::standard())
    }

    fn client_with(self: &Arc<Self>, circuit_breaker: CircuitBreaker) -> Client<Toy> {
        let builder = Client::builder(Toy::default())
            .transport(Arc::clone(self) as Arc<dyn Transport>)
            .circuit_breaker(circuit_breaker);
        builder.build().unwrap()
    }
}

#[async_trait]
impl Transport for Peer {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answers_after = *self.answers_after.lock().unwrap();
        if self.keeps_time {
            sleep(limits.time_left).await;
            return Err(TransportError::new(TransportErrorKind::Timeout));
        }
        match answers_after {
            Some(delay) => sleep(delay).await,
            None => std::future::pending().await,
        }
        let answer = ScriptedTransport::new([signed(REPLY)]);
        answer.send(request, limits).await
    }
}

/// Makes at most 200 calls, one after the other, until the circuit is open. Returns how many reached the provider.
async fn until_open(peer: &Peer, call: impl AsyncFn() -> Option<ErrorKind>) -> usize {
    for _ in 0..200 {
        if call().await == Some(ErrorKind::Unavailable) {
            break;
        }
    }
    peer.asked()
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

/// The deadline of the toy's operations is 30 s, and so the circuit's patience 12 s.
#[tokio::test(start_paused = true)]
async fn silence_opens_the_circuit_whoever_sets_the_deadline() {
    let peer = Peer::silent();
    let client = peer.client();
    let by_itself = async || kind(client.call(SafeOrder::new()).await);
    assert_eq!(until_open(&peer, by_itself).await, 10);

    for limit in [12 * SECOND, 29 * SECOND, 60 * SECOND] {
        let peer = Peer::silent();
        let client = peer.client();
        let dropped = async || {
            let call = client.call(SafeOrder::new()).into_future();
            timeout(limit, call).await.ok().and_then(kind)
        };
        assert_eq!(
            until_open(&peer, dropped).await,
            10,
            "dropped after {limit:?}"
        );

        for options in [
            CallOptions::new().with_timeout(limit),
            CallOptions::new().with_time_limit(limit),
        ] {
            let peer = Peer::silent();
            let client = peer.client();
            let limited = async || {
                let call = client.call(SafeOrder::new());
                kind(call.with_options(options.clone()).await)
            };
            assert_eq!(until_open(&peer, limited).await, 10, "{options:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn impatient_callers_do_not_open_the_circuit_of_a_healthy_provider() {
    let limit = 50 * MILLISECOND;
    let transports = [false, true].map(|keeps_time| {
        Arc::new(Peer {
            keeps_time,
            ..Arc::into_inner(Peer::new(300 * MILLISECOND)).unwrap()
        })
    });
    for peer in transports {
        let client = peer.client();
        for _ in 0..20 {
            let call = client.call(SafeOrder::new()).with_timeout(limit);
            assert_eq!(kind(call.await), Some(ErrorKind::Timeout));
            let options = CallOptions::new().with_time_limit(limit);
            let call = client.call(SafeOrder::new()).with_options(options);
            assert_eq!(kind(call.await), Some(ErrorKind::Timeout));
            let call = client.call(SafeOrder::new()).into_future();
            assert!(timeout(limit, call).await.is_err());
        }
        if !peer.keeps_time {
            client.call(SafeOrder::new()).await.unwrap();
        }
        assert_eq!(
            peer.asked(),
            60 + usize::from(!peer.keeps_time),
            "each was sent"
        );
    }
}

/// A deadline that is nearly over when the attempt starts counts as impatient.
#[tokio::test(start_paused = true)]
async fn the_time_of_the_attempt_counts_and_not_the_wait_before() {
    let peer = Peer::new(300 * MILLISECOND);
    let limits = RateLimits::new([Window {
        requests: 1,
        per: 29_900 * MILLISECOND,
    }])
    .unwrap();
    let builder = Client::builder(Toy::default())
        .transport(Arc::clone(&peer) as Arc<dyn Transport>)
        .circuit_breaker(CircuitBreaker::standard().with_failures(1))
        .rate_limiter(Arc::new(limits));
    let client = builder.build().unwrap();
    client.call(SafeOrder::new()).await.unwrap();
    sleep(100 * MILLISECOND).await;
    for _ in 0..2 {
        let late = client.call(SafeOrder::new());
        let error = late.with_timeout(29_700 * MILLISECOND).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        sleep(100 * MILLISECOND).await;
    }
    assert_eq!(peer.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn patience_depends_on_the_shorter_deadline_of_operation_and_client_unless_set() {
    let standard = CircuitBreaker::standard();
    // The client's deadline, the patience that is set, and the longest wait that is not a failure.
    let table = [
        (None, standard, 11_999),
        (Some(10 * SECOND), standard, 3_999),
        (Some(600 * SECOND), standard, 11_999),
        (None, standard.with_patience(SECOND), 999),
        (
            Some(10 * SECOND),
            standard.with_patience(20 * SECOND),
            19_999,
        ),
    ];
    for (row, (deadline, settings, longest)) in table.into_iter().enumerate() {
        for (waited, opens) in [(longest, false), (longest + 1, true)] {
            let peer = Peer::silent();
            let mut builder = Client::builder(Toy::default())
                .transport(Arc::clone(&peer) as Arc<dyn Transport>)
                .circuit_breaker(settings.with_failures(1));
            if let Some(deadline) = deadline {
                builder = builder.timeout(deadline);
            }
            let client = builder.build().unwrap();
            let call = || {
                client
                    .call(SafeOrder::new())
                    .with_timeout(waited * MILLISECOND)
            };
            assert_eq!(kind(call().await), Some(ErrorKind::Timeout));
            let expected = match opens {
                true => ErrorKind::Unavailable,
                false => ErrorKind::Timeout,
            };
            assert_eq!(kind(call().await), Some(expected), "row {row}");
        }
    }
    // An operation of 5 s.
    let peer = Peer::silent();
    let client = peer.client_with(standard.with_failures(1));
    let hasty = client.call(HastyOrder::new()).into_future();
    assert!(timeout(2 * SECOND, hasty).await.is_err());
    assert_eq!(
        kind(client.call(HastyOrder::new()).await),
        Some(ErrorKind::Unavailable)
    );
}

// Probes

#[tokio::test(start_paused = true)]
async fn an_input_that_cannot_be_sent_takes_no_probe() {
    let stage = stage([down(), down(), signed(REPLY)]);
    fail(&stage).await;
    fail(&stage).await;
    tokio::time::advance(PAUSE).await;
    for _ in 0..5 {
        let mut invalid = SafeOrder::new();
        invalid.contradictory = true;
        let error = stage.client.call(invalid).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    stage.client.call(SafeOrder::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_rate_limiter_refuses_takes_no_probe_and_an_open_circuit_uses_up_no_limit()
{
    let limits = RateLimits::new([Window {
        requests: 3,
        per: 10 * SECOND,
    }])
    .unwrap();
    let steps = [down(), down(), down(), signed(REPLY)];
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder
            .retry(RetryPolicy::never())
            .rate_limiter(Arc::new(limits))
            .when_limited(WhenLimited::Refuse)
            .circuit_breaker(
                CircuitBreaker::standard()
                    .with_failures(2)
                    .with_pause(PAUSE),
            )
    });
    fail(&stage).await;
    fail(&stage).await;
    // Refused by the circuit, so the third of the window is not spent.
    for _ in 0..5 {
        assert_eq!(fail(&stage).await.kind(), ErrorKind::Unavailable);
    }
    tokio::time::advance(PAUSE).await;
    assert_eq!(fail(&stage).await.kind(), ErrorKind::Api, "the probe");
    tokio::time::advance(PAUSE).await;
    // Refused by the limiter, so the probe is not taken.
    for _ in 0..5 {
        assert_eq!(fail(&stage).await.kind(), ErrorKind::RateLimited);
    }
    tokio::time::advance(10 * SECOND - 2 * PAUSE).await;
    stage.client.call(SafeOrder::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_the_limiter_is_refused_if_the_circuit_opens_meanwhile() {
    let window = Window {
        requests: 1,
        per: 5 * SECOND,
    };
    let limits = Arc::new(RateLimits::new([window]).unwrap());
    limits.acquire().unwrap();
    let stage = Stage::with([down()], Toy::default(), |builder| {
        builder
            .retry(RetryPolicy::never())
            .rate_limiter(limits)
            .circuit_breaker(
                CircuitBreaker::standard()
                    .with_failures(1)
                    .with_pause(60 * SECOND),
            )
    });
    let start = Instant::now();
    let both = <[Error; 2]>::from(tokio::join!(fail(&stage), fail(&stage)));
    let attempts = |kind| {
        let mut of_kind = both.iter().filter(|error| error.kind() == kind);
        of_kind.next().map(Error::attempts)
    };
    assert_eq!(attempts(ErrorKind::Api), Some(1));
    assert_eq!(attempts(ErrorKind::Unavailable), Some(0));
    assert_eq!(start.elapsed(), 5 * SECOND);
}

/// A transport may fail after any time without reaching the provider.
#[tokio::test(start_paused = true)]
async fn a_probe_that_was_never_sent_frees_its_slot() {
    let certificate = Step::Fail(TransportErrorKind::Certificate);
    let stage = stage([down(), down(), certificate, signed(REPLY)]);
    fail(&stage).await;
    fail(&stage).await;
    tokio::time::advance(PAUSE).await;
    assert_eq!(fail(&stage).await.kind(), ErrorKind::Verification);
    stage.client.call(SafeOrder::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_frees_its_slot_at_once() {
    let stage = stage([down(), down(), Step::Hang, signed(REPLY)]);
    fail(&stage).await;
    fail(&stage).await;
    tokio::time::advance(PAUSE).await;
    let probe = stage.client.call(SafeOrder::new()).into_future();
    let while_it_hangs = async {
        sleep(MILLISECOND).await;
        fail(&stage).await
    };
    let (dropped, refused) = tokio::join!(timeout(5 * MILLISECOND, probe), while_it_hangs);
    assert!(dropped.is_err());
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    stage.client.call(SafeOrder::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_operation_has_a_circuit_of_its_own() {
    let stage = stage([down(), down(), signed(REPLY), down(), down()]);
    fail(&stage).await;
    fail(&stage).await;
    assert_eq!(fail(&stage).await.kind(), ErrorKind::Unavailable);
    // Its answer closes nothing, and its failures open its own.
    let other = async || stage.client.call(OtherOrder::new()).await;
    other().await.unwrap();
    assert_eq!(fail(&stage).await.kind(), ErrorKind::Unavailable);
    for expected in [ErrorKind::Api, ErrorKind::Api, ErrorKind::Unavailable] {
        assert_eq!(kind(other().await), Some(expected));
    }
}
