use kyc_sandbox::settings::{Failure, SESSION_BREAKS, SESSION_DECISIONS, SESSION_NOT_FOUND};
use kyc_sandbox::{Decision, DecisionStatus, Sandbox, Settings, VeriffSettings, credentials};
use serde_json::{Value, json};

use crate::{Reply, send, sign};

const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
const SECRET: &str = credentials::VERIFF_SHARED_SECRET;
const UNDECIDED: &str = r#"{"status":"success","verification":null}"#;

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
    ask(&sandbox, published, published.as_bytes())
        .await
        .is(200, UNDECIDED);
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
    assert!(sandbox.decide(SESSION, Decision::new(DecisionStatus::Approved)));
    assert_eq!(verification(&sandbox, SESSION).await["code"], 9001);
    let declined = Decision::new(DecisionStatus::Declined).with_reason(106, "made-up text");
    assert!(sandbox.decide(&SESSION.to_ascii_uppercase(), declined));
    let declined = verification(&sandbox, SESSION).await;
    assert_eq!(
        (&declined["id"], &declined["reasonCode"]),
        (&json!(SESSION), &json!(106))
    );
    assert!(!sandbox.decide("not-a-uuid", Decision::new(DecisionStatus::Approved)));
}

#[tokio::test]
async fn some_sessions_are_decided_from_the_start() {
    let sandbox = Sandbox::default();
    for (session, status) in SESSION_DECISIONS {
        let found = verification(&sandbox, session).await;
        let (word, code) = status.pair();
        assert_eq!(
            (&found["status"], &found["code"]),
            (&json!(word), &json!(code))
        );
        let unfinished = code == 9104;
        assert_eq!(found["person"]["lastName"].is_null(), unfinished, "{word}");
    }
}

#[tokio::test]
async fn unknown_sessions_and_injected_failures() {
    let veriff = VeriffSettings::default().fail_operation("decision", Failure::new(500).first(1));
    let sandbox = Sandbox::new(Settings::default().with_veriff(veriff));
    for (session, status) in [
        (SESSION, 500),
        (SESSION, 200),
        (SESSION_NOT_FOUND, 404),
        ("not-a-uuid", 404),
        (SESSION_BREAKS, 500),
    ] {
        assert_eq!(
            ask(&sandbox, session, session.as_bytes()).await.status,
            status,
            "{session}"
        );
    }
}
