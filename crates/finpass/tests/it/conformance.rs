//! The capability's conformance suite against the in-process sandbox, and refusals of the sandbox.

use std::sync::Arc;

use finpass::provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorId, ConsentPurpose,
};
use finpass::provider_core::testing::{ScriptedTransport, Step, conformance};
use finpass::provider_core::{
    BaseUrl, CallOptions, Email, ErrorKind, Mobile, Outcome, Pan, Transport,
};
use finpass::{ApiKey, ApiSecret, ConsentType, Finpass, FinpassClient, Initialize};
use kyc_sandbox::settings::Failure;
use kyc_sandbox::{FinpassSettings, Sandbox, Settings};
use serde_json::json;

use crate::sandbox::{base_url, client};

#[tokio::test(start_paused = true)]
async fn finpass_implements_aggregator_consent() {
    let peer = |failure| -> Arc<dyn Transport> {
        let finpass = FinpassSettings::default().with_failure(failure);
        Arc::new(Sandbox::new(Settings::default().with_finpass(finpass)).transport())
    };
    let setup = conformance::Setup::<dyn AggregatorConsent>::new(
        peer(None),
        peer(Some(Failure::new(400))),
        peer(Some(Failure::new(503).after_effect())),
        |transport| Arc::new(client(&base_url(), transport)),
    );
    let request = |mobile| {
        AggregatorConsentRequest::new(
            Mobile::parse(mobile).unwrap(),
            ConsentPurpose::LoanUnderwriting,
        )
        .set_pan(Some(Pan::parse("AAAPA0000A").unwrap()))
        .set_email(Some(Email::parse("person@example.test").unwrap()))
        .set_return_url(Some("https://lender.example.test/done".into()))
    };
    conformance::aggregator_consent(&setup, request("9000000001"), request("9000000002")).await;
}

/// The requested aggregator is omitted: Finpass chooses the aggregator itself.
#[tokio::test(start_paused = true)]
async fn the_known_details_of_a_person_are_sent_and_the_others_absent() {
    let minimal = || {
        AggregatorConsentRequest::new(
            Mobile::parse("9000000001").unwrap(),
            ConsentPurpose::LoanMonitoring,
        )
    };
    let full = minimal()
        .set_pan(Some(Pan::parse("AAAAA0000A").unwrap()))
        .set_email(Some(Email::parse("person@example.test").unwrap()))
        .set_aggregator(Some(AggregatorId::parse("onemoney").unwrap()))
        .set_webhook_url(Some("https://lender.example.test/hook".into()))
        .set_return_url(Some("https://lender.example.test/done".into()));
    for (request, sent) in [
        (
            minimal(),
            json!({ "mobile_number": "9000000001", "consent_type": "loan_monitoring" }),
        ),
        (
            full,
            json!({
                "mobile_number": "9000000001",
                "consent_type": "loan_monitoring",
                "pan_number": "AAAAA0000A",
                "email": "person@example.test",
                "webhook_url": "https://lender.example.test/hook",
                "redirect_url": "https://lender.example.test/done",
            }),
        ),
    ] {
        let body = r#"{"success":true,"data":{"client_id":"c","redirect_url":"https://u.test"}}"#;
        let transport = ScriptedTransport::new([Step::respond(200, body)]);
        let client = client(&base_url(), Arc::new(transport.clone()));
        let session = client
            .open_consent(request, CallOptions::new())
            .await
            .unwrap();
        assert_eq!(
            (session.reference.as_str(), session.url.expose()),
            ("c", "https://u.test")
        );
        assert_eq!(session.aggregator, None);
        assert_eq!(transport.only().json(), sent);
    }
}

#[test]
fn an_invalid_input_is_detected_before_anything_is_sent() {
    let transport = ScriptedTransport::new([]);
    let client = client(&base_url(), Arc::new(transport));
    assert_eq!(client.provider_name(), "finpass");
    let check = |purpose| {
        let mobile = Mobile::parse("9000000001").unwrap();
        client.check_request(&AggregatorConsentRequest::new(mobile, purpose))
    };
    check(ConsentPurpose::LoanUnderwriting).unwrap();
    let error = check(ConsentPurpose::from("")).unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "consent_type");
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let transport = Sandbox::default().transport();
    let base_url = BaseUrl::parse("base_url", &base_url()).unwrap();
    let finpass = Finpass::new(
        ApiKey::new("other").unwrap(),
        ApiSecret::new("other").unwrap(),
    )
    .with_base_url(base_url);
    let client = FinpassClient::builder(finpass)
        .transport(Arc::new(transport))
        .build()
        .unwrap();
    let request = Initialize::new(
        Mobile::parse("9000000001").unwrap(),
        ConsentType::LoanUnderwriting,
    );
    let error = client.initialize(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert_eq!(error.outcome(), Outcome::Refused);
    assert_eq!(error.fault().unwrap().code(), Some("unauthorized"));
}
