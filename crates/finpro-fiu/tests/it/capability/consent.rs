//! Opening a consent: the suite, and what FinPro asks beside a neutral request.

use std::sync::Arc;

use finpro_fiu::AccountId;
use kyc_sandbox::settings::Failure;
use kyc_sandbox::{FinproSettings, Sandbox, Settings};
use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorId, ConsentPurpose,
};
use provider_core::testing::{ScriptedTransport, Step, conformance};
use provider_core::{CallOptions, Email, ErrorKind, Outcome, Pan, Transport};
use serde_json::json;

use super::{HANDLE, consents, minimal};

fn full(mobile: &str) -> AggregatorConsentRequest {
    minimal(mobile)
        .set_pan(Some(Pan::parse("AAAPA0000A").unwrap()))
        .set_email(Some(Email::parse("person@example.test").unwrap()))
        .set_aggregator(Some(AggregatorId::parse("finvu").unwrap()))
        .set_return_url(Some("https://lender.example.test/done".into()))
}

#[tokio::test(start_paused = true)]
async fn finpro_implements_aggregator_consent() {
    let peer = |failure| -> Arc<dyn Transport> {
        let finpro = FinproSettings::default().with_failure(failure);
        Arc::new(Sandbox::new(Settings::default().with_finpro(finpro)).transport())
    };
    // A reply has a handle, and nothing of the customer.
    let setup = conformance::Setup::<dyn AggregatorConsent>::new(
        peer(None),
        peer(Some(Failure::new(400))),
        peer(Some(Failure::new(503).after_effect())),
        |transport| Arc::new(consents(transport)),
    )
    .replies_say_nothing();
    conformance::aggregator_consent(&setup, full("9000000001"), full("9000000002")).await;
}

#[tokio::test(start_paused = true)]
async fn the_account_of_the_requested_aggregator_or_of_the_default_is_asked() {
    let body = json!({"data": {
        "consent_handle": HANDLE, "status": "PENDING", "webRedirectionUrl": "https://aa.example.test/?fi=QUJD+Rg==",
    }});
    let party = json!({"partyIdentifierType": "MOBILE", "partyIdentifierValue": "9000000001"});
    let mut expected = [
        json!({"productID": "LOAN-1", "vua": "9000000001@onemoney", "accountID": "application-4711"}),
        json!({
            "productID": "LOAN-1", "vua": "9000000001@finvu", "accountID": "application-4711", "pan": "AAAPA0000A",
            "redirectUrl": "https://lender.example.test/done",
        }),
    ];
    for sent in &mut expected {
        let members = party.as_object().unwrap().clone();
        sent.as_object_mut().unwrap().extend(members);
    }
    let requests = [minimal("9000000001"), full("9000000001")];
    for (request, expected) in requests.into_iter().zip(expected) {
        let aggregator = request.aggregator.clone();
        let transport = ScriptedTransport::new([Step::respond(200, body.to_string())]);
        let consents = consents(Arc::new(transport.clone()))
            .with_account(AccountId::parse("application-4711").unwrap());
        let session = consents
            .open_consent(request, CallOptions::new())
            .await
            .unwrap();
        assert_eq!(session.reference.as_str(), HANDLE);
        assert_eq!(
            session.url.expose(),
            "https://aa.example.test/?fi=QUJD+Rg=="
        );
        assert_eq!(session.aggregator, aggregator);
        assert_eq!(transport.only().json(), expected);
    }
}

/// Nobody is sent elsewhere, and no event goes to a place that the caller does not listen at.
#[tokio::test(start_paused = true)]
async fn what_finpro_cannot_do_is_named_and_not_sent() {
    let transport = ScriptedTransport::new([]);
    let consents = consents(Arc::new(transport.clone()))
        .with_webhook_url("https://lender.example.test/agreed");
    let webhook = |url: &str| minimal("9000000001").set_webhook_url(Some(url.into()));
    let mut monitoring = minimal("9000000001");
    monitoring.purpose = ConsentPurpose::LoanMonitoring;
    for (request, field) in [
        (monitoring, "purpose"),
        (webhook("https://lender.example.test/other"), "webhook_url"),
        (
            minimal("9000000001").set_aggregator(Some(AggregatorId::parse("a@b").unwrap())),
            "aggregator",
        ),
        (
            minimal("9000000001").set_return_url(Some("elsewhere".into())),
            "redirectUrl",
        ),
    ] {
        let checked = consents.check_request(&request).unwrap_err();
        let error = consents.open_consent(request, CallOptions::new()).await;
        let error = error.unwrap_err();
        for error in [checked, error] {
            assert_eq!(error.outcome(), Outcome::NotSent, "{field}");
            assert_eq!(error.invalid_request().unwrap().field(), field);
            let found = (error.provider(), error.operation());
            assert_eq!(found, ("finpro", "request-consent-v3"));
        }
    }
    let agreed = webhook("https://lender.example.test/agreed");
    consents.check_request(&agreed).unwrap();
    assert!(transport.sent().is_empty());
}

/// The URL is read with a second call; whatever becomes of it, the customer was asked.
#[tokio::test(start_paused = true)]
async fn a_consent_without_a_url_is_asked_for_it_and_stays_asked_for() {
    let asked = || {
        let body = json!({"data": {"consent_handle": HANDLE, "webRedirectionUrl": ""}});
        Step::respond(200, body.to_string())
    };
    let open = async |steps: Vec<Step>| {
        let transport = ScriptedTransport::new(steps);
        let opened = consents(Arc::new(transport.clone()))
            .open_consent(full("9000000001"), CallOptions::new())
            .await;
        (opened, transport.sent())
    };
    let redirection = json!({"data": {"webRedirectionURL": "https://aa.example.test/?fi=QUJD"}});
    let (session, sent) = open(vec![asked(), Step::respond(200, redirection.to_string())]).await;
    let session = session.unwrap();
    assert_eq!(session.url.expose(), "https://aa.example.test/?fi=QUJD");
    assert_eq!(sent[1].json()["consentHandle"], json!([HANDLE]));
    let back = "https://lender.example.test/done";
    assert_eq!(sent[1].json()["redirectUrl"], back);

    let refusal = Step::respond(
        400,
        r#"{"status":"failure","errorCode":"FP0024","errorMsg":"a"}"#,
    );
    let script = json!({"ver": "1", "data": {"webRedirectionURL": "javascript:alert(1)"}});
    for (second, kind) in [
        (refusal, ErrorKind::Api),
        (Step::Hang, ErrorKind::Timeout),
        (Step::respond(200, script.to_string()), ErrorKind::Decode),
    ] {
        let (opened, _) = open(vec![asked(), second]).await;
        let error = opened.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Done));
        assert!(error.is_unsettled() && !error.is_retryable());
        assert_eq!(error.operation(), "request-consent-v3");
    }
}
