//! The default transport against the served sandbox.

use finpass::provider_core::{Mobile, Pan};
use finpass::{ConsentType, FinpassClient, Initialize};
use kyc_sandbox::Sandbox;

use crate::sandbox::finpass;

#[tokio::test]
async fn a_session_is_opened_over_http() {
    let sandbox = Sandbox::default();
    let served = sandbox.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let client = FinpassClient::new(finpass(&served.base_urls().finpass)).unwrap();
    let request = Initialize::new(
        Mobile::parse("9000000001").unwrap(),
        ConsentType::LoanUnderwriting,
    )
    .set_pan_number(Pan::parse("AAAAA0000A").unwrap());
    let response = client.initialize(request).await.unwrap();
    assert_eq!(response.attempts(), 1);
    let data = response.into_value().data;
    assert_eq!(data.pan_number.unwrap().expose(), "AAAAA0000A");
    assert!(data.consent_url.expose().contains("=="));
    served.shutdown().await;
}
