use std::time::Duration;

use kyc_sandbox::settings::{
    EmptyAaIds, ErrorEnvelope, NullOptional, RepeatedAaIds, ResetUnit, RowOrder, UnknownAaId,
    UserConsentId,
};
use kyc_sandbox::{FinproSettings, Provider, Sandbox, Settings, credentials};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Reply, hostile_bodies, send, with, without};

pub(crate) const HEADERS: &[(&str, &str)] = &[
    ("client_id", credentials::FINPRO_CLIENT_ID),
    ("client_secret", credentials::FINPRO_CLIENT_SECRET),
    ("organisationId", credentials::FINPRO_ORGANISATION_ID),
    ("appIdentifier", credentials::FINPRO_APP_IDENTIFIER),
    ("content-type", "application/json"),
];

fn sandbox(settings: FinproSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_finpro(settings))
}

async fn profile(sandbox: &Sandbox, body: Value) -> Reply {
    send(
        sandbox,
        "POST",
        "/finpro/profile",
        HEADERS,
        body.to_string(),
    )
    .await
}

fn about(mobile: &str) -> Value {
    json!({"mobileNumber": mobile, "userConsentId": "consent-uuid-12345"})
}

fn asking(names: Value) -> Value {
    json!({"mobileNumber": "9000000001", "userConsentId": "c", "aaId": names})
}

fn row(name: &str, registered: impl Into<Value>, linked: impl Into<Value>, status: &str) -> Value {
    json!({"aaId": name, "registrationStatus": registered.into(), "hasLinkedAccounts": linked.into(), "status": status})
}

fn failed(name: &str, message: &str) -> Value {
    json!({"aaId": name, "registrationStatus": null, "hasLinkedAccounts": null, "status": "failed", "errorMessage": message})
}

#[tokio::test(start_paused = true)]
async fn a_success_has_the_documented_fields() {
    let reply = profile(&Sandbox::default(), about("9000000004")).await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["data", "timestamp", "txnid", "ver"]);
    assert_eq!(body["ver"], "1.0.0");
    let timestamp = body["timestamp"].as_str().unwrap();
    assert_eq!(timestamp.len(), "2025-11-25T10:30:00.000Z".len());
    assert!(timestamp.ends_with('Z'));
    assert_eq!(body["txnid"].as_str().unwrap().len(), 36);
    // The documented example.
    assert_eq!(
        body["data"],
        json!([
            row("onemoney", true, true, "success"),
            row("finvu", false, false, "success"),
            row("anumati", Value::Null, Value::Null, "timeout"),
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn deterministic_replies_are_stable_byte_for_byte() {
    let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
    let reply = profile(&sandbox, about("9000000005")).await;
    reply.is(
        200,
        r#"{"ver":"1.0.0","timestamp":"2030-01-01T00:00:00.000Z","txnid":"00000000-0000-4000-8000-000000000001","data":[{"aaId":"onemoney","registrationStatus":true,"hasLinkedAccounts":true,"status":"success"},{"aaId":"finvu","registrationStatus":null,"hasLinkedAccounts":null,"status":"failed","errorMessage":"Account Aggregator returned an error"},{"aaId":"anumati","registrationStatus":false,"hasLinkedAccounts":false,"status":"success"}]}"#,
    );
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("999"));
    assert_eq!(reply.header("x-ratelimit-reset"), Some("1893456060"));
}

#[tokio::test(start_paused = true)]
async fn every_person_behaves_as_listed() {
    let no = |name| row(name, false, false, "success");
    let ready = row("onemoney", true, true, "success");
    let silent = |name| row(name, Value::Null, Value::Null, "timeout");
    let broken = failed("finvu", "Account Aggregator returned an error");
    for (mobile, rows, waits) in [
        ("9000000001", [ready.clone(), no("finvu"), no("anumati")], 0),
        (
            "9000000002",
            [
                row("onemoney", true, false, "success"),
                no("finvu"),
                no("anumati"),
            ],
            0,
        ),
        (
            "9000000003",
            [no("onemoney"), no("finvu"), no("anumati")],
            0,
        ),
        (
            "9000000004",
            [ready.clone(), no("finvu"), silent("anumati")],
            4000,
        ),
        (
            "9000000005",
            [ready.clone(), broken.clone(), no("anumati")],
            0,
        ),
        (
            "9000000006",
            [silent("onemoney"), broken, silent("anumati")],
            4000,
        ),
        ("9000000008", [ready, no("finvu"), no("anumati")], 2000),
        (
            "9123456789",
            [no("onemoney"), no("finvu"), no("anumati")],
            0,
        ),
    ] {
        let started = Instant::now();
        let reply = profile(&Sandbox::default(), about(mobile)).await;
        assert_eq!(reply.json()["data"], json!(rows), "{mobile}");
        // Two silent aggregators cost one timeout: they are asked concurrently.
        let waited = started.elapsed().as_millis();
        assert!(
            (waits..waits + 10).contains(&waited),
            "{mobile} took {waited} ms"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_an_aggregator_is_a_setting() {
    let quick = FinproSettings::default().with_aggregator_timeout(Duration::from_millis(50));
    let started = Instant::now();
    profile(&sandbox(quick), about("9000000006")).await;
    let waited = started.elapsed().as_millis();
    assert!((50..60).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_check_without_active_aggregators_is_the_documented_error() {
    const BODY: &str = r#"{"ver":"1.0.0","status":"error","error":{"code":"PROFILE_CHECK_FAILED","message":"Failed to check profile existence","details":"No active AAs found with profile API enabled"}}"#;
    profile(&Sandbox::default(), about("9000000007"))
        .await
        .is(500, BODY);
    let none = FinproSettings::default()
        .with_aggregators(Vec::new())
        .with_profile_failed_status(503);
    profile(&sandbox(none), about("9000000001"))
        .await
        .is(503, BODY);
}

#[tokio::test]
async fn missing_or_wrong_headers_fail_authentication() {
    const BODY: &str = r#"{"ver":"1.0.0","status":"error","error":{"code":"AUTHENTICATION_FAILED","message":"Authentication failed","details":"Invalid or missing auth headers"}}"#;
    let sandbox = Sandbox::default();
    for name in [
        "client_id",
        "client_secret",
        "organisationId",
        "appIdentifier",
    ] {
        let body = about("9000000001").to_string();
        let reply = send(
            &sandbox,
            "POST",
            "/finpro/profile",
            &without(HEADERS, name),
            body.clone(),
        )
        .await;
        reply.is(401, BODY);
        let wrong = with(HEADERS, name, "other");
        send(&sandbox, "POST", "/finpro/profile", &wrong, body.clone())
            .await
            .is(401, BODY);
        let mut twice = HEADERS.to_vec();
        twice.push(
            HEADERS
                .iter()
                .find(|(other, _)| *other == name)
                .copied()
                .unwrap(),
        );
        send(&sandbox, "POST", "/finpro/profile", &twice, body)
            .await
            .is(401, BODY);
    }
}

#[tokio::test]
async fn the_flat_envelope_is_a_setting() {
    let settings = FinproSettings::default()
        .with_error_envelope(ErrorEnvelope::Flat)
        .with_auth_status(403)
        .with_auth_code("FP0001".to_owned());
    let sandbox = Sandbox::new(
        Settings::default()
            .with_deterministic_ids(true)
            .with_finpro(settings),
    );
    send(&sandbox, "POST", "/finpro/profile", &[], "{}").await.is(
        403,
        r#"{"ver":"1.0.0","timestamp":"2030-01-01T00:00:00.000Z","status":"failure","errorCode":"FP0001","errorMsg":"Invalid or missing auth headers"}"#,
    );
}

#[tokio::test]
async fn bodies_that_break_a_documented_rule_are_refused() {
    let sandbox = Sandbox::default();
    let long = "a".repeat(101);
    for (body, details) in [
        (json!({"userConsentId": "c"}), "mobileNumber is required"),
        (
            about("900000000"),
            "mobileNumber must be exactly 10 numeric digits",
        ),
        (
            about("90000000011"),
            "mobileNumber must be exactly 10 numeric digits",
        ),
        (
            about("90000 0001"),
            "mobileNumber must be exactly 10 numeric digits",
        ),
        (
            json!({"mobileNumber": 9000000001_u64, "userConsentId": "c"}),
            "mobileNumber must be a string",
        ),
        (
            json!({"mobileNumber": "9000000001"}),
            "userConsentId is required",
        ),
        (
            json!({"mobileNumber": "9000000001", "userConsentId": ""}),
            "userConsentId must have 1 to 100 characters",
        ),
        (
            json!({"mobileNumber": "9000000001", "userConsentId": long}),
            "userConsentId must have 1 to 100 characters",
        ),
        (
            json!({"mobileNumber": "9000000001", "userConsentId": null}),
            "userConsentId must be a string",
        ),
        (
            asking(json!("onemoney")),
            "aaId must be an array of strings",
        ),
        (asking(json!([1])), "aaId must be an array of strings"),
        (
            asking(json!(["a"])),
            "aaId entries must be 2 to 50 letters and digits",
        ),
        (
            asking(json!(["@onemoney"])),
            "aaId entries must be 2 to 50 letters and digits",
        ),
        (
            asking(json!(["a".repeat(51)])),
            "aaId entries must be 2 to 50 letters and digits",
        ),
        (
            asking(json!(vec!["onemoney"; 51])),
            "aaId has too many entries",
        ),
        (json!([]), "The request body must be a JSON object"),
    ] {
        profile(&sandbox, body).await.is(
            400,
            &format!(r#"{{"ver":"1.0.0","status":"error","error":{{"code":"InvalidRequest","message":"Invalid request","details":"{details}"}}}}"#),
        );
    }
    // 100 characters, not bytes.
    let body = json!({"mobileNumber": "9000000001", "userConsentId": "ñ".repeat(100)});
    assert_eq!(profile(&sandbox, body).await.status, 200);
    let optional = FinproSettings::default().with_user_consent_id(UserConsentId::Optional);
    let body = json!({"mobileNumber": "9000000001"});
    assert_eq!(profile(&self::sandbox(optional), body).await.status, 200);
}

#[tokio::test]
async fn named_aggregators_are_asked_in_their_order() {
    let names = |reply: Reply| -> Vec<String> {
        reply.json()["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["aaId"].as_str().unwrap().to_owned())
            .collect()
    };
    let default = Sandbox::default();
    let two = asking(json!(["finvu", "onemoney"]));
    assert_eq!(
        names(profile(&default, two.clone()).await),
        ["finvu", "onemoney"]
    );
    assert_eq!(names(profile(&default, asking(Value::Null)).await).len(), 3);
    assert_eq!(names(profile(&default, asking(json!([]))).await).len(), 3);
    assert_eq!(
        names(profile(&default, asking(json!(["finvu", "finvu"]))).await),
        ["finvu"]
    );
    let unknown = asking(json!(["nobody", "finvu"]));
    assert_eq!(
        profile(&default, unknown.clone()).await.json()["data"],
        json!([
            failed("nobody", "Unknown Account Aggregator"),
            row("finvu", false, false, "success")
        ])
    );

    let other = sandbox(
        FinproSettings::default()
            .with_empty_aa_ids(EmptyAaIds::NoneAsked)
            .with_unknown_aa_id(UnknownAaId::Omitted)
            .with_repeated_aa_ids(RepeatedAaIds::EachTime)
            .with_row_order(RowOrder::Reversed),
    );
    assert_eq!(names(profile(&other, two).await), ["onemoney", "finvu"]);
    assert_eq!(names(profile(&other, asking(json!([]))).await).len(), 0);
    assert_eq!(
        names(profile(&other, asking(json!(["finvu", "finvu"]))).await).len(),
        2
    );
    assert_eq!(names(profile(&other, unknown.clone()).await), ["finvu"]);

    let strict = sandbox(
        FinproSettings::default()
            .with_empty_aa_ids(EmptyAaIds::Refused)
            .with_unknown_aa_id(UnknownAaId::Refused)
            .with_repeated_aa_ids(RepeatedAaIds::Refused)
            .with_null_optional(NullOptional::Refused),
    );
    for names in [
        json!([]),
        json!(["nobody"]),
        json!(["finvu", "finvu"]),
        Value::Null,
    ] {
        assert_eq!(profile(&strict, asking(names)).await.status, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_counts_down_refuses_and_resets() {
    let settings = FinproSettings::default()
        .with_rate_limit(2)
        .with_rate_window(Duration::from_secs(10))
        .with_retry_after(true)
        .with_limit_header(true);
    let sandbox = Sandbox::new(
        Settings::default()
            .with_deterministic_ids(true)
            .with_finpro(settings),
    );
    let first = profile(&sandbox, about("9000000001")).await;
    assert_eq!(first.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(first.header("x-ratelimit-reset"), Some("1893456010"));
    assert_eq!(first.header("x-ratelimit-limit"), Some("2"));
    let refused = profile(&sandbox, json!({})).await;
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-remaining")),
        (400, Some("0"))
    );
    let over = profile(&sandbox, about("9000000001")).await;
    over.is(
        429,
        r#"{"ver":"1.0.0","status":"error","error":{"code":"TOO_MANY_REQUESTS","message":"Too Many Requests","details":""}}"#,
    );
    assert_eq!(over.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(over.header("retry-after"), Some("10"));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(profile(&sandbox, about("9000000001")).await.status, 200);
}

#[tokio::test]
async fn the_documented_limit_is_a_thousand() {
    let reply = profile(&Sandbox::default(), about("9000000001")).await;
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("999"));
    assert_eq!(reply.header("x-ratelimit-limit"), None);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let reset: u64 = reply.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!((now.as_secs() + 55..now.as_secs() + 65).contains(&reset));
    let settings = FinproSettings::default().with_reset_unit(ResetUnit::Milliseconds);
    let reply = profile(&sandbox(settings), about("9000000001")).await;
    let reset: u64 = reply.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!(reset > now.as_secs() * 1000);
}

#[tokio::test]
async fn hostile_bodies_get_the_documented_form() {
    let sandbox = Sandbox::default();
    for body in hostile_bodies() {
        let reply = send(&sandbox, "POST", "/finpro/profile", HEADERS, body).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error"]["code"], "InvalidRequest");
    }
    let long = vec![b'['; 70_000];
    send(&sandbox, "POST", "/finpro/profile", HEADERS, long).await.is(
        413,
        r#"{"ver":"1.0.0","status":"error","error":{"code":"PAYLOAD_TOO_LARGE","message":"Payload Too Large","details":""}}"#,
    );
    assert_eq!(sandbox.ledger().total().effects, 0);
}

#[tokio::test]
async fn what_no_operation_accepts_is_refused_in_the_flat_form_and_has_no_effect() {
    let sandbox = Sandbox::new(
        Settings::default().with_finpro(FinproSettings::default().with_rate_limit(u64::MAX)),
    );
    let operations = Sandbox::operations();
    // Four reads require no member, and so take an object of others.
    let except = [
        "check-profile",
        "list-aggregators",
        "list-fips",
        "list-products",
        "fip-health",
    ];
    let others = operations.iter().filter(|operation| {
        operation.provider == Provider::Finpro && !except.contains(&operation.name)
    });
    for operation in others {
        let path = format!("/finpro{}", operation.path);
        let odd = [r#"{"productID":7,"consentID":[7],"vua":"a"}"#.as_bytes().to_vec()];
        for body in hostile_bodies().into_iter().chain(odd) {
            let reply = send(&sandbox, operation.method.as_str(), &path, HEADERS, body).await;
            let refusal = reply.json();
            let codes = ["InvalidRequest", "InvalidPayload", "FP0021"];
            let refused = codes
                .map(|code| json!(code))
                .contains(&refusal["errorCode"]);
            assert!(refused, "{path} {refusal}");
            assert_eq!(
                (reply.status, &refusal["status"]),
                (400, &json!("failure")),
                "{path}"
            );
            assert!(refusal["errorMsg"].is_string() && refusal["ver"].is_string());
        }
    }
    for (path, body) in [
        ("/finpro/productslist", r#"{"productId":7}"#),
        ("/finpro/productslist", r#"{"productId":"a b"}"#),
        ("/finpro/productslist", "[]"),
        ("/finpro/fiphealth", r#"{"aaId":["a@b"]}"#),
        ("/finpro/fiphealth", r#"{"eventTypes":["OTHER"]}"#),
        ("/finpro/fiphealth", ""),
    ] {
        let reply = send(&sandbox, "POST", path, HEADERS, body).await;
        assert_eq!(reply.status, 400, "{path} {body}");
        assert_eq!(reply.json()["errorCode"], "InvalidRequest");
    }
    assert_eq!(sandbox.ledger().total().effects, 0);
}

#[tokio::test]
async fn the_page_of_an_aggregator_is_the_sandbox_s() {
    let sandbox = Sandbox::default();
    let path = "/finpro/accountaggregatorlist";
    let list = send(&sandbox, "POST", path, HEADERS, "{}").await.json();
    let rows = list["data"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let url = row["webUrl"].as_str().unwrap();
        let path = url.strip_prefix("http://localhost").unwrap();
        let page = send(&sandbox, "GET", path, &[], "").await;
        assert_eq!(page.status, 200, "{url}");
        assert!(page.text.contains("consent"), "{url}");
        assert_eq!(row["baseUrl"], "http://localhost");
    }
    // Recorded replies are the same wherever the sandbox is.
    let recorded = Sandbox::new(Settings::default().with_deterministic_ids(true));
    let list = send(&recorded, "POST", path, HEADERS, "{}").await.json();
    for member in ["webUrl", "baseUrl"] {
        assert_eq!(list["data"][0][member], "https://onemoney.example.test");
    }
}
