use kyc_sandbox::settings::SessionPolicy;
use kyc_sandbox::{Provider, Sandbox, Settings, VeriffSettings, credentials};
use serde_json::{Value, json};

use crate::{Reply, send, sign};

const SESSION: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
const APPROVED: &str = "00000000-0000-4000-8000-000000009001";
const SUBMITTED: &str = r#"{"verification":{"status":"submitted"}}"#;

/// Sends this body below `/v1/sessions`, signed.
async fn signed(sandbox: &Sandbox, method: &str, below: &str, body: &str) -> Reply {
    let signature = sign(credentials::VERIFF_SHARED_SECRET, body.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    let path = format!("/veriff/v1/sessions{below}");
    send(sandbox, method, &path, &headers, body).await
}

async fn create(sandbox: &Sandbox, verification: Value) -> Reply {
    let body = json!({"verification": verification}).to_string();
    signed(sandbox, "POST", "", &body).await
}

async fn submit(sandbox: &Sandbox, session: &str, body: &str) -> (u16, Value) {
    let reply = signed(sandbox, "PATCH", &format!("/{session}"), body).await;
    (reply.status, reply.json()["code"].clone())
}

#[tokio::test]
async fn a_created_session_exists_and_is_handed_in_once() {
    let none = SessionPolicy::Listed(Vec::new());
    let settings = VeriffSettings::default().with_sessions(none);
    let sandbox = Sandbox::new(Settings::default().with_veriff(settings));
    assert_eq!(submit(&sandbox, SESSION, SUBMITTED).await.0, 404);

    let created = create(&sandbox, json!({"vendorData": "application-4711"})).await;
    let session = created.json()["verification"].clone();
    assert_eq!(
        (created.status, &session["status"]),
        (201, &json!("created"))
    );
    assert_eq!(session["vendorData"], "application-4711");
    let expected = sign(credentials::VERIFF_SHARED_SECRET, created.text.as_bytes());
    assert_eq!(created.header("x-hmac-signature"), Some(expected.as_str()));

    let id = session["id"].as_str().unwrap();
    assert_eq!(submit(&sandbox, id, SUBMITTED).await.0, 200);
    assert_eq!(submit(&sandbox, id, SUBMITTED).await, (400, json!("1304")));
    let effects = ["create-session", "submit-session"].map(|operation| {
        let counts = sandbox
            .ledger()
            .operation_counts(Provider::Veriff, operation);
        (counts.requests, counts.effects)
    });
    assert_eq!(effects, [(1, 1), (3, 1)]);
}

#[tokio::test]
async fn a_creation_needs_no_signature_and_a_wrong_one_is_refused() {
    let sandbox = Sandbox::default();
    let path = "/veriff/v1/sessions";
    let mut headers = vec![("x-auth-client", credentials::VERIFF_API_KEY)];
    let body = r#"{"verification":{}}"#;
    assert_eq!(
        send(&sandbox, "POST", path, &headers, body).await.status,
        201
    );
    let other = sign("another", body.as_bytes());
    headers.push(("x-hmac-signature", &other));
    let reply = send(&sandbox, "POST", path, &headers, body).await;
    assert_eq!((reply.status, &reply.json()["code"]), (401, &json!("1819")));
    let path = format!("{path}/{SESSION}");
    let reply = send(&sandbox, "PATCH", &path, &headers[..1], SUBMITTED).await;
    assert_eq!((reply.status, &reply.json()["code"]), (401, &json!("1815")));
}

#[tokio::test]
async fn what_breaks_a_documented_rule_is_refused_with_its_code() {
    let sandbox = Sandbox::default();
    for (verification, code) in [
        (json!(null), "1102"),
        (json!({"callback": "http://app.example.test"}), "1302"),
        (json!({"vendorData": "x".repeat(1001)}), "1500"),
        (json!({"vendorData": 4711}), "1501"),
        (json!({"person": {"dateOfBirth": "1.1.1990"}}), "1203"),
        (json!({"document": {"type": "VISA"}}), "2103"),
        (
            json!({"consents": [{"type": "ine", "approved": false}]}),
            "1104",
        ),
    ] {
        let reply = create(&sandbox, verification).await;
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!(code)));
    }
    for (session, body, code) in [
        (SESSION, "{}", "1102"),
        (SESSION, r#"{"verification":{"status":"started"}}"#, "1303"),
        (APPROVED, SUBMITTED, "1304"),
    ] {
        assert_eq!(submit(&sandbox, session, body).await, (400, json!(code)));
    }
    assert_eq!(sandbox.ledger().counts(Provider::Veriff).effects, 0);
}
