//! The capability's suite against the sandbox in process, and what the sandbox refuses.

use std::sync::Arc;

use finpass::provider_core::capability::{AggregatorConsentRequest, ConsentPurpose};
use finpass::provider_core::testing::conformance;
use finpass::provider_core::{BaseUrl, ErrorKind, Mobile, Outcome};
use finpass::{ApiKey, ApiSecret, ConsentType, Finpass, FinpassClient, Initialize};
use kyc_sandbox::Sandbox;

use crate::sandbox::{base_url, client};

#[tokio::test]
async fn finpass_is_an_aggregator_consent() {
    let transport = Sandbox::default().transport();
    let client = client(&base_url(), Arc::new(transport));
    let request = AggregatorConsentRequest::new(
        Mobile::parse("9000000001").unwrap(),
        ConsentPurpose::LoanUnderwriting,
    )
    .set_return_url(Some("https://lender.example.test/done".into()));
    conformance::aggregator_consent(&client, request).await;
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
