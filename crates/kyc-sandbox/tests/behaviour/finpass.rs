use kyc_sandbox::settings::{
    ContentType, EmptyOptional, ErrorData, MobileRule, NullOptional, PanField, PanRule,
    RepeatedHeaders,
};
use kyc_sandbox::{FinpassSettings, Provider, Sandbox, Settings, credentials};
use serde_json::{Value, json};

use crate::{Reply, hostile_bodies, send, with, without};

const PATH: &str = "/finpass/api/v1/services/account-aggregator/init";
pub(crate) const HEADERS: &[(&str, &str)] = &[
    ("x-api-key", credentials::FINPASS_API_KEY),
    ("x-api-secret", credentials::FINPASS_API_SECRET),
    ("content-type", "application/json"),
];
const MINIMAL: &str = r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;
const UNAUTHORIZED: &str = r#"{"status_code":401,"success":false,"message":"Unauthorized access. Invalid or missing API credentials.","message_code":"unauthorized"}"#;

fn sandbox(settings: FinpassSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_finpass(settings))
}

async fn init(sandbox: &Sandbox, body: &str) -> Reply {
    send(sandbox, "POST", PATH, HEADERS, body).await
}

/// The minimal request with additional fields.
fn plus(fields: Value) -> String {
    let mut body: Value = serde_json::from_str(MINIMAL).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn hex(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[tokio::test]
async fn the_minimal_request_opens_a_session() {
    let sandbox = Sandbox::default();
    let reply = init(&sandbox, MINIMAL).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    let client_id = body["data"]["client_id"].as_str().unwrap();
    let parts: Vec<&str> = client_id.split('_').collect();
    assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("aa", 8, 24));
    assert!(hex(parts[1]) && hex(parts[2]));
    let url = body["data"]["redirect_url"].as_str().unwrap();
    let (before, query) = url.split_once('?').unwrap();
    assert_eq!(before, "http://localhost/aa/session");
    assert!(query.contains('+') && query.contains("==&reqdate") && query.ends_with("=="));
    assert_eq!(
        body,
        json!({
            "data": {
                "client_id": client_id,
                "mobile_number": "9000000001",
                "pan_number": null,
                "email_id": null,
                "redirect_url": url,
            },
            "status_code": 200,
            "success": true,
            "message": "Success",
            "message_code": "success",
        })
    );
    let entry = &sandbox.ledger().entries()[0];
    assert_eq!(entry.effect_id(), Some(client_id));
    assert_eq!(entry.operation(), "initialize");
}

#[tokio::test]
async fn sessions_have_distinct_ids() {
    let sandbox = Sandbox::default();
    let first = init(&sandbox, MINIMAL).await.json()["data"]["client_id"].clone();
    let second = init(&sandbox, MINIMAL).await.json()["data"]["client_id"].clone();
    assert_ne!(first, second);
}

#[tokio::test]
async fn deterministic_replies_are_stable_byte_for_byte() {
    let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
    init(&sandbox, MINIMAL).await.is(
        200,
        r#"{"data":{"client_id":"aa_00000000_000040008000000000000001","mobile_number":"9000000001","pan_number":null,"email_id":null,"redirect_url":"https://consent.example.test/onboarding?fi=000040008000000000000001+Rg==&reqdate00000000+X=="},"status_code":200,"success":true,"message":"Success","message_code":"success"}"#,
    );
}

#[tokio::test]
async fn both_names_of_the_pan_are_read_and_echoed() {
    let sandbox = Sandbox::default();
    for name in ["pan_number", "pan"] {
        let body = plus(json!({ name: "AAAAA0000A", "email": "a@example.test" }));
        let data = init(&sandbox, &body).await.json()["data"].clone();
        assert_eq!(data["pan_number"], "AAAAA0000A", "{name}");
        assert_eq!(data["email_id"], "a@example.test");
    }
    let same = plus(json!({"pan_number": "AAAAA0000A", "pan": "AAAAA0000A"}));
    assert_eq!(init(&sandbox, &same).await.status, 200);
    let different = plus(json!({"pan_number": "AAAAA0000A", "pan": "BBBBB0000B"}));
    let refused = init(&sandbox, &different).await;
    refused.is(
        422,
        r#"{"status_code":422,"success":false,"message":"pan_number and pan differ.","message_code":"validation_error"}"#,
    );
}

#[tokio::test]
async fn a_pan_name_that_is_not_read_is_ignored() {
    let sandbox = sandbox(FinpassSettings::default().with_pan_field(PanField::Pan));
    let body = plus(json!({"pan_number": "AAAAA0000A"}));
    assert_eq!(
        init(&sandbox, &body).await.json()["data"]["pan_number"],
        Value::Null
    );
    let body = plus(json!({"pan_number": "AAAAA0000A", "pan": "BBBBB0000B"}));
    assert_eq!(
        init(&sandbox, &body).await.json()["data"]["pan_number"],
        "BBBBB0000B"
    );
}

#[tokio::test]
async fn the_documented_example_with_empty_texts_is_accepted() {
    let body = r#"{"mobile_number":"9999000000","pan":"","email":"","consent_type":"loan_underwriting","webhook_url":"","redirect_url":""}"#;
    let data = init(&Sandbox::default(), body).await.json()["data"].clone();
    assert_eq!(
        (&data["pan_number"], &data["email_id"]),
        (&Value::Null, &Value::Null)
    );
    let sandbox = sandbox(FinpassSettings::default().with_empty_optional(EmptyOptional::Value));
    assert_eq!(init(&sandbox, body).await.json()["data"]["email_id"], "");
}

#[tokio::test]
async fn wrong_missing_or_repeated_credentials_are_the_documented_401() {
    let sandbox = Sandbox::default();
    let wrong_key = with(HEADERS, "x-api-key", "other");
    let wrong_secret = with(HEADERS, "x-api-secret", "other");
    let swapped = [
        ("x-api-key", credentials::FINPASS_API_SECRET),
        ("x-api-secret", credentials::FINPASS_API_KEY),
        ("content-type", "application/json"),
    ];
    let mut twice = HEADERS.to_vec();
    twice.push(("X-API-Key", credentials::FINPASS_API_KEY));
    for headers in [
        without(HEADERS, "x-api-key"),
        without(HEADERS, "x-api-secret"),
        wrong_key,
        wrong_secret,
        swapped.to_vec(),
        twice.clone(),
        vec![],
    ] {
        send(&sandbox, "POST", PATH, &headers, MINIMAL)
            .await
            .is(401, UNAUTHORIZED);
    }
    assert_eq!(sandbox.ledger().counts(Provider::Finpass).effects, 0);
    assert_eq!(
        sandbox.ledger().counts(Provider::Finpass).by_status[&401],
        7
    );

    let lenient = FinpassSettings::default().with_repeated_headers(RepeatedHeaders::FirstCounts);
    let reply = send(&self::sandbox(lenient), "POST", PATH, &twice, MINIMAL).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn bodies_that_break_a_documented_rule_are_refused() {
    let sandbox = Sandbox::default();
    for (body, message) in [
        (
            r#"{"consent_type":"x"}"#.to_owned(),
            "mobile_number is required.",
        ),
        (
            plus(json!({"mobile_number": 9000000001_u64})),
            "mobile_number must be a string.",
        ),
        (
            plus(json!({"mobile_number": "900000001"})),
            "mobile_number must be a 10-digit mobile number.",
        ),
        (
            plus(json!({"mobile_number": "+919000000001"})),
            "mobile_number must be a 10-digit mobile number.",
        ),
        (
            plus(json!({"mobile_number": "९०००००००"})),
            "mobile_number must be a 10-digit mobile number.",
        ),
        (
            r#"{"mobile_number":"9000000001"}"#.to_owned(),
            "consent_type is required.",
        ),
        (
            plus(json!({"consent_type": ""})),
            "consent_type is not accepted.",
        ),
        (plus(json!({"email": 7})), "email must be a string."),
        (
            plus(json!({"webhook_url": []})),
            "webhook_url must be a string.",
        ),
        ("[]".to_owned(), "The request body must be a JSON object."),
        ("{".to_owned(), "The request body is not valid JSON."),
    ] {
        let expected = format!(
            r#"{{"status_code":422,"success":false,"message":"{message}","message_code":"validation_error"}}"#
        );
        init(&sandbox, &body).await.is(422, &expected);
    }
    let no_type = without(HEADERS, "content-type");
    assert_eq!(
        send(&sandbox, "POST", PATH, &no_type, MINIMAL).await.status,
        422
    );
    let form = with(HEADERS, "content-type", "text/plain");
    assert_eq!(
        send(&sandbox, "POST", PATH, &form, MINIMAL).await.status,
        422
    );
    let charset = with(HEADERS, "content-type", "Application/JSON; charset=utf-8");
    assert_eq!(
        send(&sandbox, "POST", PATH, &charset, MINIMAL).await.status,
        200
    );
}

#[tokio::test]
async fn undocumented_points_follow_their_settings() {
    let strict = sandbox(
        FinpassSettings::default()
            .with_validation_status(400)
            .with_validation_message_code("bad_input".to_owned())
            .with_error_data(ErrorData::Null)
            .with_mobile_rule(MobileRule::TenDigitsFromSix)
            .with_pan_rule(PanRule::TenAlphanumeric)
            .with_null_optional(NullOptional::Refused)
            .with_consent_types(Some(vec!["loan_underwriting".to_owned()]))
            .with_content_type(ContentType::Ignored),
    );
    init(&strict, &plus(json!({"mobile_number": "5000000001"}))).await.is(
        400,
        r#"{"data":null,"status_code":400,"success":false,"message":"mobile_number must be a 10-digit mobile number.","message_code":"bad_input"}"#,
    );
    for body in [
        plus(json!({"pan_number": "AAAAA0000"})),
        plus(json!({"email": null})),
        plus(json!({"consent_type": "loan_monitoring"})),
    ] {
        assert_eq!(init(&strict, &body).await.status, 400, "{body}");
        assert_eq!(init(&Sandbox::default(), &body).await.status, 200, "{body}");
    }
    let no_type = without(HEADERS, "content-type");
    assert_eq!(
        send(&strict, "POST", PATH, &no_type, MINIMAL).await.status,
        200
    );
    // The documented error never has `data`.
    send(&strict, "POST", PATH, &[], MINIMAL)
        .await
        .is(401, UNAUTHORIZED);
}

#[tokio::test]
async fn two_people_get_no_session() {
    let sandbox = Sandbox::default();
    init(&sandbox, &plus(json!({"mobile_number": "9000000009"}))).await.is(
        200,
        r#"{"status_code":200,"success":false,"message":"The session was not started.","message_code":"session_not_started"}"#,
    );
    init(&sandbox, &plus(json!({"mobile_number": "9000000010"}))).await.is(
        500,
        r#"{"status_code":500,"success":false,"message":"Internal Server Error","message_code":"internal_server_error"}"#,
    );
    assert_eq!(sandbox.ledger().total().effects, 0);
}

#[tokio::test]
async fn hostile_bodies_get_the_documented_form() {
    let sandbox = Sandbox::default();
    for body in hostile_bodies() {
        let reply = send(&sandbox, "POST", PATH, HEADERS, body).await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.json()["success"], false);
    }
    let reply = send(&sandbox, "POST", PATH, HEADERS, vec![b' '; 64 * 1024 + 1]).await;
    reply.is(
        413,
        r#"{"status_code":413,"success":false,"message":"Payload Too Large","message_code":"payload_too_large"}"#,
    );
    let reply = send(
        &sandbox,
        "POST",
        PATH,
        HEADERS,
        vec![b' '; 10 * 1024 * 1024],
    )
    .await;
    assert_eq!(reply.status, 413);
    let mut just_fits = MINIMAL.as_bytes().to_vec();
    just_fits.resize(64 * 1024, b' ');
    assert_eq!(
        send(&sandbox, "POST", PATH, HEADERS, just_fits)
            .await
            .status,
        200
    );
}
