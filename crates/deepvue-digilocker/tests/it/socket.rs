//! The default transport against the served sandbox.

use deepvue_digilocker::{Consent, DigilockerClient, DocType, InitiateSession};
use kyc_sandbox::Sandbox;

use crate::sandbox::deepvue;

#[tokio::test]
async fn a_session_is_opened_over_http() {
    let sandbox = Sandbox::default();
    let served = sandbox.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let client = DigilockerClient::new(deepvue(&served.base_urls().deepvue)).unwrap();
    let request = InitiateSession::new(
        Consent::given_by_person(),
        "KYC of a new customer",
        "https://lender.example.test/back",
    )
    .set_doc_types([DocType::Aadhaar]);
    let response = client.initiate_session(request).await.unwrap();
    assert_eq!(response.attempts(), 1);
    assert_eq!(response.status(), 201);
    let session = response.into_value();
    let url = session.data.authorization_url.expose();
    assert!(url.ends_with(&format!("?state={}", session.transaction_id.as_str())));
    served.shutdown().await;
}
