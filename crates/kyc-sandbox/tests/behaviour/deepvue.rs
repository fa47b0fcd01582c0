use std::time::Duration;

use kyc_sandbox::settings::{
    ContentType, EmptyDocTypes, EmptyText, NullOptional, Plan, RedirectUrl, RedirectUrlRule,
    RefusedConsent, RepeatedDocTypes, SessionReplyBody, TimestampForm, ValidationItems,
    WrongCredentials,
};
use kyc_sandbox::{DeepvueSettings, Provider, Sandbox, Settings, credentials};
use serde_json::{Value, json};

use crate::{Reply, hostile_bodies, send, with, without};

const PATH: &str = "/deepvue/v1/kyc/digilocker/initiate-session";
pub(crate) const HEADERS: &[(&str, &str)] = &[
    ("x-api-key", credentials::DEEPVUE_CLIENT_SECRET),
    ("client-id", credentials::DEEPVUE_CLIENT_ID),
    ("content-type", "application/json"),
];

fn sandbox(settings: DeepvueSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_deepvue(settings))
}

async fn initiate(sandbox: &Sandbox, body: Value) -> Reply {
    send(sandbox, "POST", PATH, HEADERS, body.to_string()).await
}

/// A valid request with some fields changed; `null` removes a field.
fn good(changes: Value) -> Value {
    let mut body = json!({
        "consent": "Y",
        "purpose": "Opening a savings account",
        "redirect_url": "https://app.example.test/back",
        "doc_types": ["aadhaar", "pan", "dl"],
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body
}

#[tokio::test]
async fn a_session_is_started() {
    let sandbox = Sandbox::default();
    let reply = initiate(&sandbox, good(json!({}))).await;
    assert_eq!(reply.status, 201);
    let body = reply.json();
    let id = body["transaction_id"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    assert!(
        id.bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    );
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let age =
        i128::try_from(now.as_millis()).unwrap() - i128::from(body["timestamp"].as_i64().unwrap());
    assert!((0..5000).contains(&age), "milliseconds");
    assert_eq!(
        body,
        json!({
            "code": 201,
            "timestamp": body["timestamp"],
            "transaction_id": id,
            "data": {
                "authorization_url": format!("http://localhost/deepvue/v1/kyc/digilocker/digilocker-redirect?state={id}"),
            },
        })
    );
    assert_eq!(sandbox.ledger().entries()[0].effect_id(), Some(id));
}

#[tokio::test]
async fn deterministic_replies_are_stable_byte_for_byte() {
    let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
    initiate(&sandbox, good(json!({}))).await.is(
        201,
        r#"{"code":201,"timestamp":1893456000000,"transaction_id":"00000000000040008000000000000001","data":{"authorization_url":"http://localhost/deepvue/v1/kyc/digilocker/digilocker-redirect?state=00000000000040008000000000000001"}}"#,
    );
}

#[tokio::test]
async fn optional_fields_may_be_left_out() {
    let sandbox = Sandbox::default();
    for body in [
        good(json!({"redirect_url": null})),
        good(json!({"doc_types": null})),
        good(json!({"doc_types": []})),
        good(json!({"doc_types": ["pan", "pan"]})),
        json!({"consent": "Y", "purpose": "", "redirect_url": null, "doc_types": null}),
    ] {
        assert_eq!(initiate(&sandbox, body.clone()).await.status, 201, "{body}");
    }
}

#[tokio::test]
async fn the_documented_errors_are_exact() {
    let sandbox = Sandbox::default();
    let body = good(json!({})).to_string();
    for name in ["x-api-key", "client-id"] {
        let headers = without(HEADERS, name);
        send(&sandbox, "POST", PATH, &headers, body.clone())
            .await
            .is(401, r#"{"detail":"Not authenticated"}"#);
        let mut twice = HEADERS.to_vec();
        twice.push((name, "again"));
        send(&sandbox, "POST", PATH, &twice, body.clone())
            .await
            .is(401, r#"{"detail":"Not authenticated"}"#);
        let headers = with(HEADERS, name, "other");
        send(&sandbox, "POST", PATH, &headers, body.clone())
            .await
            .is(
                401,
                r#"{"detail":"Invalid client_id or client_secret, access Denied"}"#,
            );
    }
    let inactive = with(
        HEADERS,
        "client-id",
        credentials::DEEPVUE_INACTIVE_CLIENT_ID,
    );
    send(&sandbox, "POST", PATH, &inactive, body)
        .await
        .is(400, r#"{"detail":"Inactive client_id"}"#);
    initiate(&sandbox, good(json!({"consent": null}))).await.is(
        422,
        r#"{"detail":[{"loc":["body","consent"],"msg":"field required","type":"value_error.missing"}]}"#,
    );
    assert_eq!(sandbox.ledger().counts(Provider::Deepvue).effects, 0);
    for (status, text) in [
        (500, r#"{"detail":"Internal Server Error"}"#),
        (503, r#"{"detail":"Source Unavailable"}"#),
        (401, r#"{"detail":"Not authenticated"}"#),
        (403, r#"{"detail":"Not a valid token"}"#),
        (400, r#"{"detail":"Bad Request"}"#),
        (
            429,
            r#"{"detail":"Rate limit exceeded. Please retry after some time."}"#,
        ),
    ] {
        let failing = self::sandbox(DeepvueSettings::default().fail_with(status));
        initiate(&failing, good(json!({}))).await.is(status, text);
    }
}

#[tokio::test]
async fn replies_to_wrong_credentials_follow_their_settings() {
    let sandbox = sandbox(
        DeepvueSettings::default()
            .with_missing_key_status(403)
            .with_wrong_credentials(WrongCredentials::NotAValidToken),
    );
    send(&sandbox, "POST", PATH, &[], "{}")
        .await
        .is(403, r#"{"detail":"Not authenticated"}"#);
    let wrong = with(HEADERS, "x-api-key", credentials::DEEPVUE_CLIENT_ID);
    send(&sandbox, "POST", PATH, &wrong, "{}")
        .await
        .is(403, r#"{"detail":"Not a valid token"}"#);
}

#[tokio::test]
async fn every_fault_of_a_body_is_listed_in_both_forms() {
    let body = json!({"consent": "N", "redirect_url": 7, "doc_types": ["pan", "passport", 3]});
    initiate(&Sandbox::default(), body.clone()).await.is(
        422,
        r#"{"detail":[{"loc":["body","consent"],"msg":"unexpected value; permitted: 'Y'","type":"value_error.const"},{"loc":["body","purpose"],"msg":"field required","type":"value_error.missing"},{"loc":["body","redirect_url"],"msg":"str type expected","type":"type_error.str"},{"loc":["body","doc_types",1],"msg":"value is not a valid enumeration member; permitted: 'aadhaar', 'pan', 'dl'","type":"type_error.enum"},{"loc":["body","doc_types",2],"msg":"value is not a valid enumeration member; permitted: 'aadhaar', 'pan', 'dl'","type":"type_error.enum"}]}"#,
    );
    let second =
        sandbox(DeepvueSettings::default().with_validation_items(ValidationItems::PydanticV2));
    let items = initiate(&second, body.clone()).await.json()["detail"].clone();
    assert_eq!(
        items,
        json!([
            {"type": "literal_error", "loc": ["body", "consent"], "msg": "Input should be 'Y'", "input": "N"},
            {"type": "missing", "loc": ["body", "purpose"], "msg": "Field required", "input": body},
            {"type": "string_type", "loc": ["body", "redirect_url"], "msg": "Input should be a valid string", "input": 7},
            {"type": "enum", "loc": ["body", "doc_types", 1], "msg": "Input should be 'aadhaar', 'pan' or 'dl'", "input": "passport"},
            {"type": "enum", "loc": ["body", "doc_types", 2], "msg": "Input should be 'aadhaar', 'pan' or 'dl'", "input": 3},
        ])
    );
}

#[tokio::test]
async fn only_a_capital_y_is_consent() {
    let sandbox = Sandbox::default();
    for consent in ["N", "y", "", "Yes", "true", "example_string"] {
        initiate(&sandbox, good(json!({ "consent": consent }))).await.is(
            422,
            r#"{"detail":[{"loc":["body","consent"],"msg":"unexpected value; permitted: 'Y'","type":"value_error.const"}]}"#,
        );
    }
    let reply = initiate(&sandbox, good(json!({"consent": true}))).await;
    assert_eq!(
        (reply.status, &reply.json()["detail"][0]["type"]),
        (422, &json!("type_error.str"))
    );
    let text = self::sandbox(
        DeepvueSettings::default()
            .with_refused_consent(RefusedConsent::Text)
            .with_refused_consent_status(400),
    );
    initiate(&text, good(json!({"consent": "N"})))
        .await
        .is(400, r#"{"detail":"Consent is required"}"#);
}

#[tokio::test]
async fn undocumented_points_follow_their_settings() {
    let strict = sandbox(
        DeepvueSettings::default()
            .with_content_type(ContentType::Ignored)
            .with_empty_purpose(EmptyText::Refused)
            .with_redirect_url(RedirectUrl::Required)
            .with_redirect_url_rule(RedirectUrlRule::HttpsOnly)
            .with_empty_doc_types(EmptyDocTypes::Refused)
            .with_repeated_doc_types(RepeatedDocTypes::Refused)
            .with_null_optional(NullOptional::Refused),
    );
    for (body, kind) in [
        (
            good(json!({"purpose": ""})),
            "value_error.any_str.min_length",
        ),
        (good(json!({"redirect_url": null})), "value_error.missing"),
        (
            good(json!({"redirect_url": "http://app.example.test"})),
            "value_error.url.scheme",
        ),
        (
            good(json!({"redirect_url": "éééé"})),
            "value_error.url.scheme",
        ),
        (good(json!({"doc_types": []})), "value_error.list.min_items"),
        (
            good(json!({"doc_types": ["pan", "pan"]})),
            "value_error.list.unique_items",
        ),
        (
            json!({"consent": "Y", "purpose": "p", "redirect_url": "https://x.test", "doc_types": null}),
            "type_error.list",
        ),
    ] {
        let reply = initiate(&strict, body.clone()).await;
        assert_eq!(reply.status, 422);
        let items = reply.json()["detail"].as_array().unwrap().clone();
        assert_eq!(
            (items.len(), &items[0]["type"]),
            (1, &json!(kind)),
            "{body}"
        );
    }
    let no_type = without(HEADERS, "content-type");
    let body = good(json!({})).to_string();
    assert_eq!(
        send(&strict, "POST", PATH, &no_type, body.clone())
            .await
            .status,
        201
    );
    assert_eq!(
        send(&Sandbox::default(), "POST", PATH, &no_type, body)
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn the_success_reply_follows_its_settings() {
    let sandbox_of = |settings: DeepvueSettings| {
        Sandbox::new(
            Settings::default()
                .with_deterministic_ids(true)
                .with_deepvue(settings),
        )
    };
    let base = DeepvueSettings::default;
    let two_hundred = base().with_success_status(200).with_body_code(200);
    let reply = initiate(&sandbox_of(two_hundred), good(json!({}))).await;
    assert_eq!((reply.status, &reply.json()["code"]), (200, &json!(200)));
    for (settings, text) in [
        (
            base().with_reply_body(SessionReplyBody::DataMissing),
            r#"{"code":201,"timestamp":1893456000000,"transaction_id":"00000000000040008000000000000001"}"#,
        ),
        (
            base()
                .with_reply_body(SessionReplyBody::DataNull)
                .with_timestamp(TimestampForm::Null),
            r#"{"code":201,"timestamp":null,"transaction_id":"00000000000040008000000000000001","data":null}"#,
        ),
        (
            base().with_reply_body(SessionReplyBody::ErrorInside2xx),
            r#"{"detail":"Source Unavailable"}"#,
        ),
        (
            base()
                .with_reply_body(SessionReplyBody::DataMissing)
                .with_timestamp(TimestampForm::Absent)
                .with_sub_code(true),
            r#"{"code":201,"transaction_id":"00000000000040008000000000000001","sub_code":"SUCCESS","message":"Session initiated successfully."}"#,
        ),
    ] {
        let sandbox = sandbox_of(settings);
        initiate(&sandbox, good(json!({}))).await.is(201, text);
        assert_eq!(sandbox.ledger().total().effects, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_limits_each_window() {
    const OVER: &str = r#"{"detail":"Rate limit exceeded. Please retry after some time."}"#;
    let starter = sandbox(DeepvueSettings::default().with_plan(Plan::Starter));
    for second in 0..30 {
        assert_eq!(
            initiate(&starter, good(json!({}))).await.status,
            201,
            "second {second}"
        );
        initiate(&starter, good(json!({}))).await.is(429, OVER);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    initiate(&starter, good(json!({}))).await.is(429, OVER);
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(
        initiate(&starter, good(json!({}))).await.status,
        201,
        "the next minute"
    );
    assert_eq!(
        send(&starter, "POST", PATH, &[], "{}").await.status,
        401,
        "not the limit's business"
    );
}

#[tokio::test]
async fn hostile_bodies_get_the_documented_form() {
    for items in [ValidationItems::PydanticV1, ValidationItems::PydanticV2] {
        let sandbox = sandbox(DeepvueSettings::default().with_validation_items(items));
        for body in hostile_bodies() {
            let reply = send(&sandbox, "POST", PATH, HEADERS, body).await;
            assert_eq!(reply.status, 422);
            assert!(reply.json()["detail"][0]["loc"].is_array());
        }
        // A long list of invalid entries is neither slow nor has a long reply.
        let many = json!({"consent": "Y", "purpose": "p", "doc_types": vec![0; 30_000]});
        let reply = initiate(&sandbox, many).await;
        assert_eq!(reply.json()["detail"].as_array().unwrap().len(), 100);
    }
    let long = vec![b'a'; 65 * 1024];
    send(&Sandbox::default(), "POST", PATH, HEADERS, long)
        .await
        .is(413, r#"{"detail":"Payload Too Large"}"#);
}
