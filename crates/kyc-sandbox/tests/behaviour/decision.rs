use kyc_sandbox::{DecisionStatus, Sandbox, credentials};
use serde_json::{Value, json};

use crate::{Reply, send, sign};

const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
const SECRET: &str = credentials::VERIFF_SHARED_SECRET;

/// Requests a session's decision with a signature over `signed`.
async fn ask(sandbox: &Sandbox, session: &str, signed: &[u8]) -> Reply {
    let signature = sign(SECRET, signed);
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    let path = format!("/veriff/v1/sessions/{session}/decision");
    send(sandbox, "GET", &path, &headers, "").await
}

async fn verification(sandbox: &Sandbox, session: &str) -> Value {
    let reply = ask(sandbox, session, session.as_bytes()).await;
    let signature = sign(SECRET, reply.text.as_bytes());
    assert_eq!(reply.header("x-hmac-signature"), Some(signature.as_str()));
    reply.json()["verification"].clone()
}

#[tokio::test]
async fn only_a_signature_of_the_id_in_the_path_is_accepted() {
    // The published vector for a signed id.
    let (published, signature) = (
        "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7",
        "895cb3fd31139d89aeb7b263682e15479ab57651e70591256ad2c14fde4950dd",
    );
    assert_eq!(sign(SECRET, published.as_bytes()), signature);
    let sandbox = Sandbox::default();
    assert!(verification(&sandbox, published).await.is_null());
    for signed in [
        "",
        SESSION,
        "/v1/sessions/aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7/decision",
    ] {
        let reply = ask(&sandbox, published, signed.as_bytes()).await;
        assert_eq!(
            (reply.status, &reply.json()["code"]),
            (401, &json!("1818")),
            "{signed}"
        );
    }
}

#[tokio::test]
async fn a_decision_is_null_until_it_is_made() {
    let sandbox = Sandbox::default();
    assert!(verification(&sandbox, SESSION).await.is_null());
    for (decision, code, person) in [
        (DecisionStatus::Approved, 9001, json!("Person")),
        (DecisionStatus::Abandoned, 9104, Value::Null),
    ] {
        assert!(sandbox.decide(&SESSION.to_ascii_uppercase(), decision));
        let found = verification(&sandbox, SESSION).await;
        assert_eq!(
            (&found["id"], &found["code"]),
            (&json!(SESSION), &json!(code))
        );
        assert_eq!(found["person"]["lastName"], person);
    }
    assert!(!sandbox.decide("not-a-uuid", DecisionStatus::Approved));
}
