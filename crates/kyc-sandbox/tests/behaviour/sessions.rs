use kyc_sandbox::settings::{
    AADHAAR_UNKNOWN, Deletion, MFA_CODE, MfaFailure, MfaLimits, Screening, SessionPolicy,
};
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

/// Sends a request that signs the session's id.
async fn about(sandbox: &Sandbox, method: &str, session: &str, below: &str) -> (u16, Value) {
    let signature = sign(credentials::VERIFF_SHARED_SECRET, session.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    let path = format!("/veriff/v1/sessions/{session}{below}");
    let reply = send(sandbox, method, &path, &headers, "").await;
    (reply.status, reply.json())
}

fn deleting(deletion: Deletion) -> Sandbox {
    let settings = VeriffSettings::default().with_deletion(deletion);
    Sandbox::new(Settings::default().with_veriff(settings))
}

#[tokio::test]
async fn attempts_are_where_the_session_is() {
    let sandbox = Sandbox::default();
    let statuses = async |session: &'static str| {
        let (_, reply) = about(&sandbox, "GET", session, "/attempts").await;
        let attempts = reply["verifications"].as_array().unwrap().iter();
        let status = |attempt: &Value| attempt["status"].as_str().unwrap().to_owned();
        attempts.map(status).collect::<Vec<_>>()
    };
    assert_eq!(statuses(SESSION).await, ["created"]);
    assert_eq!(submit(&sandbox, SESSION, SUBMITTED).await.0, 200);
    assert_eq!(statuses(SESSION).await, ["submitted"]);
    assert_eq!(statuses(APPROVED).await, ["approved"]);
    let again = "00000000-0000-4000-8000-000000009103";
    assert_eq!(statuses(again).await, ["created", "resubmission_requested"]);
}

#[tokio::test]
async fn a_deleted_session_is_gone_and_one_under_way_is_not_deleted() {
    let sandbox = Sandbox::default();
    let deleted = about(&sandbox, "DELETE", APPROVED, "").await;
    let expected = json!({"status": "success", "verification": {"id": APPROVED}});
    assert_eq!(deleted, (200, expected));
    for (method, below) in [("DELETE", ""), ("GET", "/decision"), ("GET", "/attempts")] {
        assert_eq!(about(&sandbox, method, APPROVED, below).await.0, 404);
    }
    assert_eq!(submit(&sandbox, SESSION, SUBMITTED).await.0, 200);
    let review = "00000000-0000-4000-8000-000000009121";
    for (session, code) in [(SESSION, "1305"), (review, "1306")] {
        let (status, refusal) = about(&sandbox, "DELETE", session, "").await;
        let found = (status, &refusal["status"], &refusal["code"]);
        assert_eq!(found, (400, &json!(400), &json!(code)));
    }
    let counts = sandbox
        .ledger()
        .operation_counts(Provider::Veriff, "delete-session");
    assert_eq!((counts.requests, counts.effects), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn deletion_is_limited_or_not_enabled() {
    let sandbox = deleting(Deletion::NotEnabled);
    assert_eq!(about(&sandbox, "DELETE", SESSION, "").await.0, 403);
    let sandbox = deleting(Deletion::Limited);
    let delete = async |number: u8| {
        let session = format!("00000000-0000-4000-8000-{number:012}");
        about(&sandbox, "DELETE", &session, "").await.0
    };
    let hour = std::time::Duration::from_secs(60 * 60);
    let mut statuses = Vec::new();
    for number in 0..14 {
        if [6, 12].contains(&number) {
            tokio::time::advance(hour).await;
        }
        statuses.push(delete(number).await);
    }
    // 5 in the first hour, 5 in the second, and then 10 were deleted in a day.
    let expected = [[200; 5].as_slice(), &[429], &[200; 5], &[429; 3]].concat();
    assert_eq!(statuses, expected);
}

async fn upload(sandbox: &Sandbox, session: &str, image: Value) -> (u16, Value) {
    let body = json!({"image": image}).to_string();
    let reply = signed(sandbox, "POST", &format!("/{session}/media"), &body).await;
    (reply.status, reply.json())
}

#[tokio::test]
async fn what_is_uploaded_is_listed_and_downloaded_until_the_session_is_handed_in() {
    let sandbox = Sandbox::default();
    let images = async |session: &'static str| {
        let (_, list) = about(&sandbox, "GET", session, "/media").await;
        list["images"].as_array().unwrap().clone()
    };
    assert_eq!(images(SESSION).await, Vec::<Value>::new());
    let proof =
        json!({"context": "address-front", "content": "data:application/pdf;base64,JVBERi0xLjQK"});
    let (status, uploaded) = upload(&sandbox, SESSION, proof.clone()).await;
    assert_eq!((status, &uploaded["image"]["size"]), (200, &json!(9)));
    assert_eq!(uploaded["image"]["mimetype"], "application/pdf");
    assert_eq!(images(SESSION).await, [uploaded["image"].clone()]);

    let id = uploaded["image"]["id"].as_str().unwrap();
    let signature = sign(credentials::VERIFF_SHARED_SECRET, id.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    let path = format!("/veriff/v1/media/{id}");
    let file = send(&sandbox, "GET", &path, &headers, "").await;
    assert_eq!(file.header("content-type"), Some("application/pdf"));
    file.is(
        200,
        "%PDF-1.4
",
    );
    let expected = sign(credentials::VERIFF_SHARED_SECRET, b"%PDF-1.4\n");
    assert_eq!(file.header("x-hmac-signature"), Some(expected.as_str()));

    assert_eq!(submit(&sandbox, SESSION, SUBMITTED).await.0, 200);
    assert_eq!(upload(&sandbox, SESSION, proof).await.0, 409);
    let effects = sandbox
        .ledger()
        .operation_counts(Provider::Veriff, "upload-media");
    assert_eq!((effects.requests, effects.effects), (2, 1));
}

#[tokio::test]
async fn an_image_that_is_none_is_refused_with_its_code() {
    let sandbox = Sandbox::default();
    for (image, code) in [
        (Value::Null, "1400"),
        (json!({"context": "face", "content": ""}), "1400"),
        (json!({"context": "face", "content": "?"}), "1401"),
        (
            json!({"context": "face", "content": "data:image/png,AAAA"}),
            "1401",
        ),
        (json!({"context": "selfie", "content": "AAAA"}), "1402"),
        (json!({"context": "face"}), "1403"),
    ] {
        let (status, refusal) = upload(&sandbox, SESSION, image).await;
        assert_eq!((status, &refusal["code"]), (400, &json!(code)));
    }
    assert_eq!(sandbox.ledger().counts(Provider::Veriff).effects, 0);
}

#[tokio::test]
async fn pictures_are_of_the_attempt_that_was_decided() {
    let sandbox = Sandbox::default();
    let contexts = |list: &Value| -> Vec<String> {
        let images = list["images"].as_array().unwrap().iter();
        images
            .map(|image| image["context"].as_str().unwrap().to_owned())
            .collect()
    };
    let again = "00000000-0000-4000-8000-000000009103";
    let (_, list) = about(&sandbox, "GET", again, "/media").await;
    assert_eq!(contexts(&list), Vec::<String>::new());
    let (_, attempts) = about(&sandbox, "GET", again, "/attempts").await;
    let mut found = Vec::new();
    for attempt in attempts["verifications"].as_array().unwrap() {
        let id = attempt["id"].as_str().unwrap();
        let signature = sign(credentials::VERIFF_SHARED_SECRET, id.as_bytes());
        let headers = [
            ("x-auth-client", credentials::VERIFF_API_KEY),
            ("x-hmac-signature", &signature),
        ];
        let path = format!("/veriff/v1/attempts/{id}/media");
        let list = send(&sandbox, "GET", &path, &headers, "").await.json();
        found.push(contexts(&list));
    }
    assert_eq!(
        found,
        [vec![], vec!["face".to_owned(), "document-front".to_owned()]]
    );
}

async fn mfa(sandbox: &Sandbox, step: &str, body: Value) -> (u16, Value) {
    let path = format!("/{SESSION}/mfa/{step}");
    let reply = signed(sandbox, "POST", &path, &body.to_string()).await;
    (reply.status, reply.json()["reason"].clone())
}

fn number(number: &str) -> Value {
    json!({"identifier": number, "type": "aadhaar"})
}

fn code(code: &str) -> Value {
    json!({"code": code, "type": "aadhaar"})
}

#[tokio::test(start_paused = true)]
async fn a_password_is_generated_once_in_a_minute_and_verified_once() {
    let settings = VeriffSettings::default()
        .with_mfa_failure(MfaFailure::HttpStatus)
        .with_mfa_limits(MfaLimits::AsDocumented);
    let sandbox = Sandbox::new(Settings::default().with_veriff(settings));
    assert_eq!(mfa(&sandbox, "generate", json!({})).await.0, 400);
    let refused = |status: u16, reason: &str| (status, json!(reason));
    let done = (200, Value::Null);
    for (step, body, expected) in [
        ("verify", code(MFA_CODE), refused(400, "OTP_NOT_GENERATED")),
        (
            "generate",
            number("12"),
            refused(400, "INVALID_INPUT_AADHAR"),
        ),
        (
            "generate",
            number(AADHAAR_UNKNOWN),
            refused(400, "INVALID_AADHAR"),
        ),
        ("generate", number("000011112222"), done.clone()),
        (
            "generate",
            number("000011112222"),
            refused(429, "OTP_REQUEST_TOO_SOON"),
        ),
        ("verify", code("12"), refused(400, "INVALID_INPUT_OTP")),
        ("verify", code("000321"), refused(400, "INVALID_OTP")),
        ("verify", code(MFA_CODE), done.clone()),
        (
            "verify",
            code(MFA_CODE),
            refused(400, "MFA_ALREADY_COMPLETED"),
        ),
        (
            "generate",
            number("000011112222"),
            refused(400, "MFA_ALREADY_COMPLETED"),
        ),
    ] {
        assert_eq!(mfa(&sandbox, step, body).await, expected);
    }
    assert_eq!(submit(&sandbox, SESSION, SUBMITTED).await.0, 200);
    let expected = refused(400, "INVALID_SESSION_DETAILS");
    assert_eq!(
        mfa(&sandbox, "generate", number("000011112222")).await,
        expected
    );
    assert_eq!(sandbox.ledger().counts(Provider::Veriff).effects, 3);
}

#[tokio::test(start_paused = true)]
async fn passwords_run_out_and_the_third_wrong_one_hands_the_session_in() {
    let settings = VeriffSettings::default().with_mfa_limits(MfaLimits::AsDocumented);
    let sandbox = Sandbox::new(Settings::default().with_veriff(settings));
    for _ in 0..3 {
        assert_eq!(
            mfa(&sandbox, "generate", number("000011112222")).await.1,
            Value::Null
        );
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
    }
    let (status, reason) = mfa(&sandbox, "generate", number("000011112222")).await;
    assert_eq!(
        (status, reason),
        (200, json!("OTP_GENERATION_LIMIT_REACHED"))
    );
    let path = format!("/{SESSION}/mfa/verify");
    let body = code("000321").to_string();
    for reason in [
        "INVALID_OTP",
        "INVALID_OTP",
        "OTP_SUBMISSION_LIMIT_REACHED",
        "INVALID_SESSION_DETAILS",
    ] {
        // The documented form of a failure, as it is since March 17, 2025.
        let expected =
            format!(r#"{{"sessionId":"{SESSION}","status":"fail","reason":"{reason}"}}"#);
        let refused = signed(&sandbox, "POST", &path, &body).await;
        refused.is(200, &expected);
        let signature = sign(credentials::VERIFF_SHARED_SECRET, expected.as_bytes());
        assert_eq!(refused.header("x-hmac-signature"), Some(&*signature));
    }
    assert_eq!(
        submit(&sandbox, SESSION, SUBMITTED).await,
        (400, json!("1304"))
    );
}

#[tokio::test]
async fn a_person_is_known_and_screened_once_the_session_is_decided() {
    let settings = VeriffSettings::default().with_screening(Screening::PossibleMatch);
    let sandbox = Sandbox::new(Settings::default().with_veriff(settings));
    for (below, pointer) in [("/person", "/person"), ("/watchlist-screening", "/data")] {
        let (status, reply) = about(&sandbox, "GET", SESSION, below).await;
        assert_eq!((status, reply.pointer(pointer)), (200, Some(&Value::Null)));
    }
    let (_, reply) = about(&sandbox, "GET", APPROVED, "/watchlist-screening").await;
    let data = &reply["data"];
    let found = (&data["matchStatus"], &data["totalHits"], &data["sessionId"]);
    assert_eq!(
        found,
        (&json!("possible_match"), &json!(1), &json!(APPROVED))
    );
    let (_, reply) = about(&sandbox, "GET", APPROVED, "/person").await;
    assert_eq!(reply["person"]["pepSanctionMatches"], json!([]));
}

#[tokio::test]
async fn the_registry_is_asked_for_a_version() {
    let sandbox = Sandbox::default();
    let path = "/decision/curp-registry";
    let (status, refusal) = about(&sandbox, "GET", APPROVED, path).await;
    assert_eq!((status, &refusal["code"]), (400, &json!("1102")));
    let (status, reply) = about(&sandbox, "GET", APPROVED, &format!("{path}?version=1.0.0")).await;
    assert_eq!((status, &reply["statusCurp"]), (200, &json!("RCN")));
}

#[tokio::test]
async fn collected_data_are_checked_and_too_late_once_the_session_is_handed_in() {
    let sandbox = Sandbox::default();
    let collect = async |body: &Value| {
        let path = format!("/{SESSION}/collected-data");
        let reply = signed(&sandbox, "POST", &path, &body.to_string()).await;
        (reply.status, reply.json()["code"].clone())
    };
    let whole = json!({
        "providerName": "service",
        "network": {"ip": {"addressV4": "192.0.2.1"}},
        "device": {"fingerprint": "f"},
    });
    assert_eq!(collect(&whole).await, (200, Value::Null));
    for (pointer, value, code) in [
        ("/providerName", Value::Null, "1102"),
        ("/network/ip", json!({}), "1102"),
        ("/providerName", json!("x".repeat(256)), "1104"),
        ("/network/ip/addressV4", json!("here"), "1104"),
    ] {
        let mut body = whole.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        assert_eq!(collect(&body).await, (400, json!(code)));
    }
    assert_eq!(submit(&sandbox, SESSION, SUBMITTED).await.0, 200);
    assert_eq!(collect(&whole).await, (400, json!("1304")));
}
