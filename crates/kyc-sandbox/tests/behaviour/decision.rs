use kyc_sandbox::settings::{
    DecisionReplyBody, ErrorSigning, Failure, KeyOrder, MalformedSession, ReplySigning,
    SESSION_APPROVED, SESSION_BREAKS, SESSION_DECISIONS, SESSION_EXPIRED, SESSION_NOT_FOUND,
    SessionPolicy,
};
use kyc_sandbox::{
    Decision, DecisionStatus, Provider, Sandbox, Settings, VeriffSettings, credentials,
};
use serde_json::{Value, json};

use crate::{Reply, send, sign};

const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
/// The published vector for a signed id.
const PUBLISHED_SESSION: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
const PUBLISHED_SIGNATURE: &str =
    "895cb3fd31139d89aeb7b263682e15479ab57651e70591256ad2c14fde4950dd";
const SECRET: &str = credentials::VERIFF_SHARED_SECRET;
const UNDECIDED: &str = r#"{"status":"success","verification":null}"#;

fn sandbox(settings: VeriffSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_veriff(settings))
}

fn path(session: &str) -> String {
    format!("/veriff/v1/sessions/{session}/decision")
}

/// Asks for a session's decision with a given signature.
async fn ask(sandbox: &Sandbox, session: &str, signature: &str) -> Reply {
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", signature),
    ];
    send(sandbox, "GET", &path(session), &headers, "").await
}

async fn get(sandbox: &Sandbox, session: &str) -> Reply {
    ask(sandbox, session, &sign(SECRET, session.as_bytes())).await
}

fn code(reply: &Reply) -> (u16, Value) {
    (reply.status, reply.json()["code"].clone())
}

#[tokio::test]
async fn the_published_signature_of_an_id_is_accepted_and_the_reply_is_signed() {
    let sandbox = Sandbox::default();
    let reply = ask(&sandbox, PUBLISHED_SESSION, PUBLISHED_SIGNATURE).await;
    reply.is(200, UNDECIDED);
    let expected = sign(SECRET, UNDECIDED.as_bytes());
    for name in ["x-hmac-signature", "vrf-hmac-signature"] {
        assert_eq!(reply.header(name), Some(expected.as_str()));
    }
    for name in ["x-auth-client", "vrf-auth-client"] {
        assert_eq!(reply.header(name), Some(credentials::VERIFF_API_KEY));
    }
    let counts = sandbox
        .ledger()
        .operation_counts(Provider::Veriff, "decision");
    assert_eq!((counts.requests, counts.effects), (1, 0));
}

#[tokio::test]
async fn only_a_signature_of_the_id_in_the_path_is_accepted() {
    let sandbox = Sandbox::default();
    sandbox.decide(SESSION, Decision::new(DecisionStatus::Approved));
    let path = path(SESSION);
    for (message, what) in [
        ("", "the empty body"),
        (PUBLISHED_SESSION, "another session's id"),
        (path.as_str(), "the path"),
        (
            "/v1/sessions/d69a07cf-4434-4d36-be6c-d22af7dc01fb/decision",
            "the path below the prefix",
        ),
        ("D69A07CF-4434-4D36-BE6C-D22AF7DC01FB", "the id in capitals"),
    ] {
        let reply = ask(&sandbox, SESSION, &sign(SECRET, message.as_bytes())).await;
        assert_eq!(code(&reply), (401, json!("1818")), "{what}");
        assert!(!reply.text.contains("9001"), "{what}");
    }
    let other_secret = sign(credentials::VERIFF_OLD_SECRET, SESSION.as_bytes());
    let reply = ask(&sandbox, SESSION, &other_secret).await;
    assert_eq!(code(&reply), (401, json!("1818")));
    assert_eq!(code(&ask(&sandbox, SESSION, "zz").await).1, "1812");
    let unsigned = send(
        &sandbox,
        "GET",
        &path,
        &[("x-auth-client", credentials::VERIFF_API_KEY)],
        "",
    )
    .await;
    assert_eq!(code(&unsigned), (401, json!("1815")));
    let anonymous = send(&sandbox, "GET", &path, &[], "").await;
    assert_eq!(code(&anonymous), (401, json!("1101")));
}

#[tokio::test]
async fn query_and_body_are_not_signed() {
    let sandbox = Sandbox::default();
    let signature = sign(SECRET, SESSION.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", signature.as_str()),
    ];
    let path = format!("{}?version=1.0.0", path(SESSION));
    send(&sandbox, "GET", &path, &headers, "a body")
        .await
        .is(200, UNDECIDED);
}

#[tokio::test]
async fn a_decision_is_null_until_it_is_made() {
    let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
    get(&sandbox, SESSION).await.is(200, UNDECIDED);
    let decision = Decision::new(DecisionStatus::Approved)
        .with_vendor_data("customer 1")
        .with_end_user_id(PUBLISHED_SESSION);
    assert!(sandbox.decide(SESSION, decision));
    let reply = get(&sandbox, SESSION).await;
    assert_eq!(
        reply.header("x-hmac-signature"),
        Some(sign(SECRET, reply.text.as_bytes()).as_str())
    );
    let body = reply.json();
    let verification = &body["verification"];
    for (name, value) in [
        ("id", json!(SESSION)),
        ("acceptanceTime", json!("2029-12-31T23:59:00.000Z")),
        ("decisionTime", json!("2030-01-01T00:00:00.000Z")),
        ("code", json!(9001)),
        ("status", json!("approved")),
        ("vendorData", json!("customer 1")),
        ("endUserId", json!(PUBLISHED_SESSION)),
        ("reason", Value::Null),
        ("reasonCode", Value::Null),
    ] {
        assert_eq!(verification[name], value, "{name}");
    }
    assert_eq!(verification["person"]["firstName"], "Sample");
    assert_eq!(verification["person"]["dateOfBirth"], "1990-01-01");
    assert_eq!(verification["document"]["type"], "PASSPORT");
    assert_eq!(body["technicalData"]["ip"], "192.0.2.1");
    let attempt = verification["attemptId"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(attempt).unwrap().get_version_num(), 4);
    assert_eq!(get(&sandbox, SESSION).await.text, reply.text, "it stays");

    // Another session is not decided.
    get(&sandbox, PUBLISHED_SESSION).await.is(200, UNDECIDED);
    assert!(!sandbox.decide("nonsense", Decision::new(DecisionStatus::Approved)));
}

#[tokio::test]
async fn a_later_decision_replaces_an_earlier_one() {
    let sandbox = Sandbox::default();
    let declined = Decision::new(DecisionStatus::Declined).with_reason(106, "made-up text");
    sandbox.decide(
        SESSION,
        Decision::new(DecisionStatus::ResubmissionRequested),
    );
    let first = get(&sandbox, SESSION).await.json()["verification"].clone();
    assert_eq!(
        (&first["status"], &first["code"], &first["reasonCode"]),
        (&json!("resubmission_requested"), &json!(9103), &json!(201))
    );
    sandbox.decide(&SESSION.to_ascii_uppercase(), declined);
    let second = get(&sandbox, SESSION).await.json()["verification"].clone();
    assert_eq!(
        (&second["code"], &second["reasonCode"], &second["reason"]),
        (&json!(9102), &json!(106), &json!("made-up text"))
    );
    assert_ne!(first["attemptId"], second["attemptId"]);
    let printed = format!(
        "{:?}",
        Decision::new(DecisionStatus::Approved).with_vendor_data("x1")
    );
    assert!(!printed.contains("x1"), "{printed}");
}

#[tokio::test]
async fn some_sessions_are_decided_from_the_start() {
    let sandbox = Sandbox::default();
    for (session, status) in SESSION_DECISIONS {
        let body = get(&sandbox, session).await.json();
        let verification = &body["verification"];
        assert_eq!(verification["id"], *session);
        assert_eq!(verification["status"], status.as_str());
        assert_eq!(verification["code"], status.code());
        let unfinished = matches!(status, DecisionStatus::Expired | DecisionStatus::Abandoned);
        assert_eq!(verification["decisionTime"].is_null(), unfinished);
        assert_eq!(verification["person"]["lastName"].is_null(), unfinished);
    }
    let pairs: Vec<_> = SESSION_DECISIONS
        .iter()
        .map(|(_, status)| (status.as_str(), status.code()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("approved", 9001),
            ("declined", 9102),
            ("resubmission_requested", 9103),
            ("expired", 9104),
            ("abandoned", 9104),
            ("review", 9121),
        ]
    );
    // What is decided later counts.
    sandbox.decide(SESSION_APPROVED, Decision::new(DecisionStatus::Review));
    let body = get(&sandbox, SESSION_APPROVED).await.json();
    assert_eq!(body["verification"]["code"], 9121);
}

#[tokio::test]
async fn decisions_can_be_settings() {
    let decisions = vec![
        (SESSION.to_owned(), Decision::new(DecisionStatus::Declined)),
        (
            "nonsense".to_owned(),
            Decision::new(DecisionStatus::Approved),
        ),
    ];
    let sandbox = sandbox(VeriffSettings::default().with_decisions(decisions));
    let body = get(&sandbox, SESSION).await.json();
    assert_eq!(body["verification"]["code"], 9102);
}

#[tokio::test]
async fn decisions_in_memory_are_bounded() {
    let sandbox = sandbox(VeriffSettings::default().with_decision_capacity(1));
    sandbox.decide(SESSION, Decision::new(DecisionStatus::Approved));
    sandbox.decide(PUBLISHED_SESSION, Decision::new(DecisionStatus::Approved));
    get(&sandbox, SESSION).await.is(200, UNDECIDED);
    let kept = get(&sandbox, PUBLISHED_SESSION).await.json();
    assert_eq!(kept["verification"]["code"], 9001);
    // An id that stands for a decision needs no memory.
    let expired = get(&sandbox, SESSION_EXPIRED).await.json();
    assert_eq!(expired["verification"]["code"], 9104);
}

#[tokio::test]
async fn an_unknown_session_is_the_documented_error() {
    let not_found = r#"{"status":"fail","code":"1101","message":"Resource not found"}"#;
    let sandbox = Sandbox::default();
    sandbox.decide(SESSION_NOT_FOUND, Decision::new(DecisionStatus::Approved));
    get(&sandbox, SESSION_NOT_FOUND).await.is(404, not_found);
    get(&sandbox, "not-a-uuid").await.is(404, not_found);
    get(&sandbox, "%64%ff").await.is(404, not_found);
    get(&sandbox, SESSION_BREAKS).await.is(
        500,
        r#"{"status":"fail","code":"1101","message":"Something went wrong"}"#,
    );
    let listed = self::sandbox(
        VeriffSettings::default()
            .with_sessions(SessionPolicy::Listed(vec![SESSION.to_owned()]))
            .with_malformed_session(MalformedSession::ValidationFailed)
            .with_error_signing(ErrorSigning::Signed),
    );
    assert_eq!(get(&listed, SESSION).await.status, 200);
    assert_eq!(get(&listed, "not-a-uuid").await.status, 400);
    let unknown = get(&listed, PUBLISHED_SESSION).await;
    unknown.is(404, not_found);
    assert_eq!(
        unknown.header("x-hmac-signature"),
        Some(sign(SECRET, not_found.as_bytes()).as_str())
    );
}

#[tokio::test]
async fn the_reply_can_be_wrong_in_the_listed_ways() {
    async fn decided(settings: VeriffSettings) -> Reply {
        let reply = get(&sandbox(settings), SESSION_APPROVED).await;
        assert_eq!(reply.status, 200);
        reply
    }
    let veriff = VeriffSettings::default;
    let another = decided(veriff().with_decision_body(DecisionReplyBody::AnotherSession)).await;
    assert_ne!(another.json()["verification"]["id"], SESSION_APPROVED);
    assert_eq!(
        another.header("x-hmac-signature"),
        Some(sign(SECRET, another.text.as_bytes()).as_str()),
        "a genuine reply to another session"
    );
    let extra = decided(veriff().with_decision_body(DecisionReplyBody::ExtraFields)).await;
    assert!(extra.json()["verification"]["extra"].is_object());
    let few = decided(veriff().with_decision_body(DecisionReplyBody::DocumentedOnly)).await;
    assert_eq!(few.json().get("technicalData"), None);
    let verification = few.json()["verification"].clone();
    assert_eq!(verification.as_object().unwrap().len(), 8);

    let varied = decided(veriff().with_key_order(KeyOrder::Varied)).await;
    assert!(varied.text.starts_with(r#"{"verification":"#));
    let unsigned = decided(veriff().with_reply_signing(ReplySigning::Unsigned)).await;
    assert_eq!(unsigned.header("x-hmac-signature"), None);
    let changed =
        decided(veriff().with_reply_signing(ReplySigning::ReserialisedAfterSigning)).await;
    assert_ne!(
        changed.header("x-hmac-signature"),
        Some(sign(SECRET, changed.text.as_bytes()).as_str())
    );
}

#[tokio::test]
async fn a_failure_of_the_decision_does_not_touch_consents() {
    let body = r#"{"type":"ine","approved":true,"text":"t"}"#;
    let sandbox =
        sandbox(VeriffSettings::default().fail_operation("decision", Failure::new(500).first(1)));
    let signature = sign(SECRET, body.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", signature.as_str()),
    ];
    let consents = format!("/veriff/v1/sessions/{SESSION}/consents");
    assert_eq!(
        send(&sandbox, "POST", &consents, &headers, body)
            .await
            .status,
        200
    );
    assert_eq!(get(&sandbox, SESSION).await.status, 500);
    assert_eq!(get(&sandbox, SESSION).await.status, 200);
    // A body's signature is no id's, and the other way round.
    assert_eq!(
        code(&ask(&sandbox, SESSION, &signature).await),
        (401, json!("1818"))
    );
    let id_signed = sign(SECRET, SESSION.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", id_signed.as_str()),
    ];
    let refused = send(&sandbox, "POST", &consents, &headers, body).await;
    assert_eq!(code(&refused), (401, json!("1819")));
}
