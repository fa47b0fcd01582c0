//! A client whose gate is the ledger's: nothing is sent without a live, matching proof.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_consent::{
    ConsentLedger, ConsentNeed, DataKind, GateRules, NoConsentReason, Purpose, Scope, Subject,
};
use provider_core::http::request::Parts;
use provider_core::jiff::Timestamp;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, BuiltRequest, CallOptions, Client, Clock, Endpoint,
    Error, ErrorKind, Fault, Idempotency, InvalidRequest, KnownMembers, Operation, Outcome,
    Provider, RawResponse, RequestBuilder, ResponseError, TransportErrorKind, VerificationError,
    Verified, async_trait,
};

use crate::support::{Moved, code, consenting, kinds, ledger, need, provider, purpose};

#[derive(Debug)]
struct Toy(BaseUrl);

impl Provider for Toy {
    const NAME: &'static str = "toy";
    const SIGNS_REQUESTS: bool = false;
    const ENVELOPE: KnownMembers = KnownMembers::new(&["id"], &[]);

    fn base_url(&self) -> &BaseUrl {
        &self.0
    }

    fn authorize(
        &self,
        _: &mut Parts,
        _: Option<&[u8]>,
        _: &Attempt,
    ) -> Result<(), InvalidRequest> {
        Ok(())
    }

    fn verify(&self, _: &RawResponse, _: Timestamp) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    fn allowance(&self, _: &RawResponse, _: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, _: &RawResponse) -> Option<Fault> {
        None
    }
}

const ORDER: u8 = 0;
const DELETE: u8 = 1;
const LIST: u8 = 2;
const OTHER: u8 = 3;

/// An operation of the toy company.
struct Ask<const I: u8>;

impl<const I: u8> Endpoint for Ask<I> {
    type Provider = Toy;
    type Output = serde_json::Value;
    const OPERATION: Operation = {
        let name = match I {
            ORDER => "order",
            DELETE => "delete",
            LIST => "list",
            _ => "other",
        };
        Operation::new(name, "GET /v1/orders", Idempotency::Safe)
    };

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Toy>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.empty()
    }

    fn response(&self, response: &Verified) -> Result<serde_json::Value, ResponseError> {
        Ok(response.json()?)
    }
}

fn rules() -> GateRules {
    GateRules::new()
        .operation(provider("toy"), "order", purpose(), kinds())
        .undoing(provider("toy"), "delete", purpose())
        .impersonal(provider("toy"), "list")
}

struct Stage {
    ledger: ConsentLedger,
    clock: Moved,
    client: Client<Toy>,
    transport: ScriptedTransport,
    subject: Subject,
}

fn stage(steps: impl IntoIterator<Item = Step>) -> Stage {
    let (ledger, clock) = ledger();
    with_clock(steps, ledger, clock.clone(), Arc::new(clock))
}

fn with_clock(
    steps: impl IntoIterator<Item = Step>,
    ledger: ConsentLedger,
    clock: Moved,
    of_client: Arc<dyn Clock>,
) -> Stage {
    let (subject, _) = consenting(&ledger);
    let transport = ScriptedTransport::new(steps);
    let client = Client::builder(Toy(
        BaseUrl::parse("base_url", "https://toy.example.test").unwrap()
    ))
    .transport(Arc::new(transport.clone()))
    .clock(of_client)
    .consent_gate(Arc::new(ledger.gate(rules())))
    .build()
    .unwrap();
    Stage {
        ledger,
        clock,
        client,
        transport,
        subject,
    }
}

fn answer() -> Step {
    Step::respond(200, r#"{"id":"1"}"#)
}

/// Asserts that nothing was sent, and returns why.
fn refused(stage: &Stage, error: &Error) -> String {
    assert_eq!(
        (error.kind(), error.outcome(), error.attempts()),
        (ErrorKind::NoConsent, Outcome::NotSent, 0)
    );
    assert!(stage.transport.sent().is_empty());
    let printed = format!(
        "{} {error:?} {}",
        error.report(),
        serde_json::to_string(error).unwrap()
    );
    for personal in [stage.subject.to_string(), "9000000001".to_owned()] {
        assert!(!printed.contains(&personal), "{printed}");
    }
    error.missing_consent().unwrap().to_string()
}

#[tokio::test]
async fn a_call_with_a_live_proof_is_sent() {
    let stage = stage([answer(), answer()]);
    let proof = stage.ledger.prove(&need(stage.subject)).unwrap();
    let call = stage.client.call(Ask::<ORDER>).with_consent(&proof);
    call.await.unwrap();
    let options = CallOptions::new().with_consent(&proof);
    stage
        .client
        .call(Ask::<ORDER>)
        .with_options(options)
        .await
        .unwrap();
    assert_eq!(stage.transport.sent().len(), 2);
}

#[tokio::test]
async fn a_call_without_a_proof_names_its_operation_and_the_purpose() {
    let stage = stage([]);
    let error = stage.client.call(Ask::<ORDER>).await.unwrap_err();
    assert_eq!(
        refused(&stage, &error),
        "purpose loan-underwriting: the call shows no proof"
    );
    assert!(
        error.to_string().starts_with("toy order: no live consent"),
        "{error}"
    );
}

#[tokio::test]
async fn an_operation_that_no_rule_names_is_not_called() {
    let stage = stage([]);
    let proof = stage.ledger.prove(&need(stage.subject)).unwrap();
    let error = stage
        .client
        .call(Ask::<OTHER>)
        .with_consent(&proof)
        .await
        .unwrap_err();
    assert!(refused(&stage, &error).contains("no rule says"));
}

#[tokio::test]
async fn an_impersonal_operation_needs_nothing() {
    let stage = stage([answer()]);
    stage.client.call(Ask::<LIST>).await.unwrap();
}

#[tokio::test]
async fn a_proof_for_something_else_does_not_count() {
    let stage = stage([]);
    let of = |need: ConsentNeed| stage.ledger.prove(&need).unwrap();
    let proof = of(ConsentNeed {
        provider: provider("finpro"),
        ..need(stage.subject)
    });
    let error = stage
        .client
        .call(Ask::<ORDER>)
        .with_consent(&proof)
        .await
        .unwrap_err();
    assert!(refused(&stage, &error).contains("for another provider"));
    let proof = of(ConsentNeed {
        kinds: vec![DataKind::new("bank-statement").unwrap()],
        ..need(stage.subject)
    });
    let error = stage
        .client
        .call(Ask::<ORDER>)
        .with_consent(&proof)
        .await
        .unwrap_err();
    assert!(refused(&stage, &error).contains("does not cover all kinds"));
    let other =
        GateRules::new().provider(provider("toy"), Purpose::new("marketing").unwrap(), vec![]);
    let client = Client::builder(Toy(
        BaseUrl::parse("base_url", "https://toy.example.test").unwrap()
    ))
    .transport(Arc::new(stage.transport.clone()))
    .clock(Arc::new(stage.clock.clone()))
    .consent_gate(Arc::new(stage.ledger.gate(other)))
    .build()
    .unwrap();
    let proof = of(need(stage.subject));
    let error = client
        .call(Ask::<ORDER>)
        .with_consent(&proof)
        .await
        .unwrap_err();
    assert!(
        refused(&stage, &error).starts_with("purpose marketing: the proof is for another purpose")
    );
    let (strangers, _) = ledger();
    let (subject, _) = consenting(&strangers);
    let proof = strangers.prove(&need(subject)).unwrap();
    let error = stage
        .client
        .call(Ask::<ORDER>)
        .with_consent(&proof)
        .await
        .unwrap_err();
    assert!(refused(&stage, &error).contains("of another ledger"));
}

#[tokio::test]
async fn a_proof_counts_for_a_minute_and_not_before_it_was_made() {
    let stage = stage([answer()]);
    stage.clock.by(10);
    let proof = stage.ledger.prove(&need(stage.subject)).unwrap();
    stage.clock.by(59);
    stage
        .client
        .call(Ask::<ORDER>)
        .with_consent(&proof)
        .await
        .unwrap();
    for seconds in [1, -61] {
        stage.clock.by(seconds);
        let error = stage
            .client
            .call(Ask::<ORDER>)
            .with_consent(&proof)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("too old"), "{error}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    assert_eq!(stage.transport.sent().len(), 1);
}

#[tokio::test]
async fn a_withdrawal_stops_every_call_but_what_undoes_something() {
    let stage = stage([answer(), answer()]);
    let proof = stage.ledger.prove(&need(stage.subject)).unwrap();
    stage
        .client
        .call(Ask::<DELETE>)
        .with_consent(&proof)
        .await
        .unwrap();
    stage
        .ledger
        .withdraw(stage.subject, Scope::All, &code("app"))
        .unwrap();
    for error in [
        stage
            .client
            .call(Ask::<ORDER>)
            .with_consent(&proof)
            .await
            .unwrap_err(),
        stage
            .client
            .call(Ask::<DELETE>)
            .with_consent(&proof)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NoConsent);
        assert!(
            error.to_string().contains("has ended since it was proved"),
            "{error}"
        );
    }
    let error = stage.ledger.prove(&need(stage.subject)).unwrap_err();
    assert_eq!(error.reason, NoConsentReason::Withdrawn);
    let undo = stage.ledger.prove_withdrawal(&need(stage.subject)).unwrap();
    stage
        .client
        .call(Ask::<DELETE>)
        .with_consent(&undo)
        .await
        .unwrap();
    let error = stage
        .client
        .call(Ask::<ORDER>)
        .with_consent(&undo)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("undoes nothing"), "{error}");
    assert_eq!(stage.transport.sent().len(), 2);
}

/// Withdraws while the client waits between two attempts.
#[derive(Debug)]
struct Withdrawing {
    clock: Moved,
    whose: Arc<Mutex<Option<(ConsentLedger, Subject)>>>,
}

#[async_trait]
impl Clock for Withdrawing {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        self.clock.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
        if let Some((ledger, subject)) = self.whose.lock().unwrap().take() {
            ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
        }
    }
}

#[tokio::test]
async fn a_withdrawal_between_two_attempts_stops_the_second() {
    let (ledger, clock) = ledger();
    let whose = Arc::new(Mutex::new(None));
    let of_client = Withdrawing {
        clock: clock.clone(),
        whose: Arc::clone(&whose),
    };
    let steps = [Step::Fail(TransportErrorKind::Interrupted), answer()];
    let stage = with_clock(steps, ledger, clock, Arc::new(of_client));
    *whose.lock().unwrap() = Some((stage.ledger.clone(), stage.subject));
    let proof = stage.ledger.prove(&need(stage.subject)).unwrap();
    let error = stage
        .client
        .call(Ask::<ORDER>)
        .with_consent(&proof)
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::NoConsent, 1));
    assert_eq!(stage.transport.sent().len(), 1);
    assert!(whose.lock().unwrap().is_none(), "it was withdrawn");
}

#[test]
fn a_provider_s_rule_is_for_what_has_none_of_its_own() {
    let rules = GateRules::new()
        .provider(provider("toy"), purpose(), kinds())
        .impersonal(provider("toy"), "list");
    let (ledger, _) = ledger();
    let gate = ledger.gate(rules);
    use provider_core::{ConsentGate as _, GatedCall};
    let admits = |provider, operation: &Operation| {
        gate.admit(&GatedCall::new(provider, operation, crate::support::BEGIN))
    };
    assert!(admits("toy", &Ask::<LIST>::OPERATION).is_ok());
    assert!(admits("toy", &Ask::<ORDER>::OPERATION).is_err());
    let unknown = admits("finpro", &Ask::<LIST>::OPERATION).unwrap_err();
    assert_eq!(unknown.purpose(), "(none is set)");
}
