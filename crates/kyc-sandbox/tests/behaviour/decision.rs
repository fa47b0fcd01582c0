use kyc_sandbox::{DecisionStatus, Sandbox, credentials};
use serde_json::{Value, json};

use crate::{Reply, send, sign};

const SESSION: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
const PATH: &str = "/v1/sessions/aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7/decision";
const SECRET: &str = credentials::VERIFF_SHARED_SECRET;

/// Requests the decision with a signature over `signed`.
async fn ask(sandbox: &Sandbox, signed: &str) -> Reply {
    let signature = sign(SECRET, signed.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    send(sandbox, "GET", &format!("/veriff{PATH}"), &headers, "").await
}

#[tokio::test]
async fn only_a_signature_of_the_id_in_the_path_is_accepted() {
    // The published vector for a signed id.
    let published = "895cb3fd31139d89aeb7b263682e15479ab57651e70591256ad2c14fde4950dd";
    assert_eq!(sign(SECRET, SESSION.as_bytes()), published);
    let sandbox = Sandbox::default();
    for signed in ["", "d69a07cf-4434-4d36-be6c-d22af7dc01fb", PATH] {
        let reply = ask(&sandbox, signed).await;
        let found = (reply.status, &reply.json()["code"]);
        assert_eq!(found, (401, &json!("1818")), "{signed}");
    }
}

#[tokio::test]
async fn a_decision_is_null_until_it_is_made() {
    let sandbox = Sandbox::default();
    let verification = async || ask(&sandbox, SESSION).await.json()["verification"].clone();
    assert_eq!(verification().await, Value::Null);
    for (decision, code, person) in [
        (DecisionStatus::Approved, 9001, json!("Person")),
        (DecisionStatus::Abandoned, 9104, Value::Null),
    ] {
        assert!(sandbox.decide(&SESSION.to_ascii_uppercase(), decision));
        let found = verification().await;
        assert_eq!(
            (&found["id"], &found["code"]),
            (&json!(SESSION), &json!(code))
        );
        assert_eq!(found["person"]["lastName"], person);
    }
    assert!(!sandbox.decide("not-a-uuid", DecisionStatus::Approved));
}
