//! The default transport against the served sandbox.

use consent_hmac::{ConsentAnswer, ConsentClient, ConsentType, RecordConsent, SessionId};
use kyc_sandbox::Sandbox;

use crate::sandbox::{SESSION, veriff};

#[tokio::test]
async fn a_consent_is_recorded_over_http() {
    let sandbox = Sandbox::default();
    let served = sandbox.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let client = ConsentClient::new(veriff(&served.base_urls().veriff)).unwrap();
    let request = RecordConsent::new(
        SessionId::parse(SESSION).unwrap(),
        ConsentType::Ine,
        ConsentAnswer::Approved,
        "El usuario acepta compartir su información del INE",
    );
    let response = client.record_consent(request).await.unwrap();
    assert_eq!(response.attempts(), 1);
    let recorded = response.into_value();
    assert_eq!(recorded.session_id, SESSION);
    assert_eq!(sandbox.consents(SESSION)[0].id(), recorded.id);
    served.shutdown().await;
}
