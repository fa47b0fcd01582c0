//! A client with a consent gate sends nothing without a live consent, however a call is made.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{
    CallOptions, Client, ClientDefaults, Clock, ConsentEvidence, ConsentGate, Error, ErrorKind,
    FileSink, GatedCall, MissingConsent, Outcome, RateLimits, RetryPolicy, TransportErrorKind,
    Window,
};
use tempfile::TempDir;

use crate::catalogue::ToyClient;
use crate::toy::{Media, REPLY, SafeOrder, Stage, Toy, UnsafeOrder, signed};

/// What the gate below believes.
struct Ticket;

fn ticket() -> ConsentEvidence {
    ConsentEvidence::new(Arc::new(Ticket))
}

/// Lets calls with a ticket through until it has been asked this often, and keeps what it was asked.
#[derive(Debug, Default)]
struct Gate {
    questions: AtomicU32,
    withdrawn_at: Option<u32>,
    asked: Mutex<Vec<String>>,
}

impl Gate {
    fn withdrawn_at(question: u32) -> Arc<Self> {
        Arc::new(Self {
            withdrawn_at: Some(question),
            ..Self::default()
        })
    }

    fn questions(&self) -> u32 {
        self.questions.load(Ordering::Relaxed)
    }
}

impl ConsentGate for Gate {
    fn admit(&self, call: &GatedCall<'_>) -> Result<(), MissingConsent> {
        let question = self.questions.fetch_add(1, Ordering::Relaxed) + 1;
        let asked = format!("{} {} {}", call.provider, call.operation, call.now);
        self.asked.lock().unwrap().push(asked);
        let shown = call
            .evidence
            .and_then(ConsentEvidence::downcast_ref::<Ticket>);
        let missing = |reason| Err(MissingConsent::new("onboarding", reason));
        match shown {
            None => missing("no proof was shown"),
            Some(Ticket) if self.withdrawn_at.is_some_and(|at| question >= at) => {
                missing("it was withdrawn")
            }
            Some(Ticket) => Ok(()),
        }
    }
}

fn gated(steps: impl IntoIterator<Item = Step>, gate: &Arc<Gate>) -> Stage {
    let gate = Arc::clone(gate);
    Stage::with(steps, Toy::default(), |builder| builder.consent_gate(gate))
}

/// Asserts that nothing was sent for want of a consent.
fn not_sent(stage: &Stage, error: &Error) {
    assert_eq!(
        (error.kind(), error.outcome(), error.attempts()),
        (ErrorKind::NoConsent, Outcome::NotSent, 0)
    );
    assert_eq!(stage.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_gate_nothing_changes() {
    let stage = Stage::new([signed(REPLY), signed(REPLY)]);
    stage.client.call(SafeOrder::new()).await.unwrap();
    let call = stage.client.call(SafeOrder::new());
    call.with_consent(ticket()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_without_consent_is_not_sent_and_its_error_names_operation_and_purpose() {
    let gate = Arc::new(Gate::default());
    let stage = gated([], &gate);
    let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
    not_sent(&stage, &error);
    assert_eq!(
        error.to_string(),
        "toy order: no live consent, so this attempt was not sent: purpose onboarding: no proof was shown"
    );
    assert_eq!(error.report(), error.to_string());
    let missing = error.missing_consent().unwrap();
    assert_eq!(
        (missing.purpose(), missing.reason()),
        ("onboarding", "no proof was shown")
    );
    assert!(!error.is_retryable() && !error.is_unsettled());
    assert!(error.request_id().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_read_needs_consent_too() {
    let gate = Arc::new(Gate::default());
    let stage = gated([], &gate);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    not_sent(&stage, &error);
}

#[tokio::test(start_paused = true)]
async fn evidence_of_another_kind_is_none() {
    let gate = Arc::new(Gate::default());
    let stage = gated([], &gate);
    let call = stage.client.call(SafeOrder::new());
    let other = ConsentEvidence::new(Arc::new("ticket"));
    let error = call.with_consent(other).await.unwrap_err();
    not_sent(&stage, &error);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_consent_is_sent_and_the_gate_is_asked_before_the_limiter_and_before_the_transport()
 {
    let gate = Arc::new(Gate::default());
    let stage = gated([signed(REPLY)], &gate);
    let call = stage.client.call(SafeOrder::new());
    call.with_consent(ticket()).await.unwrap();
    assert_eq!(stage.requests(), 1);
    let asked = gate.asked.lock().unwrap().clone();
    assert_eq!(asked, vec![format!("toy order {}", stage.clock.now()); 2]);
}

#[tokio::test(start_paused = true)]
async fn consent_withdrawn_between_two_attempts_stops_the_second() {
    let gate = Gate::withdrawn_at(3);
    let stage = gated(
        [Step::Fail(TransportErrorKind::Interrupted), signed(REPLY)],
        &gate,
    );
    let call = stage.client.call(SafeOrder::new());
    let error = call.with_consent(ticket()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoConsent);
    assert_eq!(
        error.missing_consent().unwrap().reason(),
        "it was withdrawn"
    );
    // The first attempt may have been processed.
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1));
    assert_eq!((stage.requests(), gate.questions()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn consent_withdrawn_while_waiting_for_the_limiter_stops_the_call() {
    let gate = Gate::withdrawn_at(4);
    let limits = Arc::new(RateLimits::new([Window::per_second(1)]).unwrap());
    let stage = Stage::with([signed(REPLY)], Toy::default(), |builder| {
        builder.consent_gate(gate.clone()).rate_limiter(limits)
    });
    let call = || stage.client.call(SafeOrder::new()).with_consent(ticket());
    call().await.unwrap();
    let error = call().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoConsent);
    assert_eq!((error.outcome(), error.attempts()), (Outcome::NotSent, 0));
    assert_eq!((stage.requests(), gate.questions()), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_consent_is_not_charged_to_a_limit_or_a_circuit() {
    let gate = Arc::new(Gate::default());
    let limits = Arc::new(RateLimits::new([Window::per_day(1)]).unwrap());
    let stage = Stage::with([signed(REPLY)], Toy::default(), |builder| {
        builder.consent_gate(gate.clone()).rate_limiter(limits)
    });
    for _ in 0..50 {
        let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
        not_sent(&stage, &error);
    }
    let call = stage.client.call(SafeOrder::new());
    call.with_consent(ticket()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_gate_stops_at_the_last_moment_counts_for_nothing() {
    let gate = Gate::withdrawn_at(2);
    let stage = gated([], &gate);
    for _ in 0..50 {
        let call = stage.client.call(SafeOrder::new());
        let error = call.with_consent(ticket()).await.unwrap_err();
        not_sent(&stage, &error);
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_needs_consent_and_leaves_no_file() {
    let gate = Arc::new(Gate::default());
    let stage = gated([], &gate);
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("picture.jpg");
    let error = stage.client.call(Media::new()).download(&path).await;
    not_sent(&stage, &error.unwrap_err());
    let mut sink = FileSink::new(&path);
    let error = stage.client.call(Media::new()).download_into(&mut sink);
    not_sent(&stage, &error.await.unwrap_err());
    drop(sink);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_from_the_catalogue_need_consent() {
    let gate = Arc::new(Gate::default());
    let stage = gated([signed("{}")], &gate);
    let request = || serde_json::json!({ "order_id": "ord-1", "mobile": "9000000001" });
    let entry = &ToyClient::CATALOGUE[0];
    let error = entry.call(&stage.client, request(), CallOptions::new());
    not_sent(&stage, &error.await.unwrap_err());
    let error = entry.call_text(&stage.client, request(), CallOptions::new());
    not_sent(&stage, &error.await.unwrap_err());
    let shown = CallOptions::new().with_consent(ticket());
    entry.call(&stage.client, request(), shown).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_gate_of_the_defaults_holds_for_every_client() {
    let transport = ScriptedTransport::new([]);
    let defaults = ClientDefaults::new()
        .transport(Arc::new(transport.clone()))
        .retry(RetryPolicy::never())
        .timeout(Duration::from_secs(1))
        .consent_gate(Arc::new(Gate::default()));
    let client: Client<Toy> = defaults.client(Toy::default()).unwrap();
    let error = client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoConsent);
    assert!(transport.sent().is_empty());
}
