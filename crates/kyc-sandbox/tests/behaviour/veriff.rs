use hmac::{Hmac, KeyInit, Mac};
use kyc_sandbox::settings::{
    ConsentReplyBody, ContentType, EmptyText, ErrorSigning, ExtraFields, KeyOrder, LatestScope,
    MalformedSession, ReplySigning, SESSION_BREAKS, SESSION_NOT_FOUND, SessionPolicy,
    UpperCaseSignature,
};
use kyc_sandbox::{Provider, Sandbox, Settings, VeriffSettings, credentials};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{Reply, hostile_bodies, send, sign, without};

const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
const SECRET: &str = credentials::VERIFF_SHARED_SECRET;
/// Check value D: the documented example values.
const D: &str = r#"{"type":"ine","approved":true,"text":"User agrees to share their INE details"}"#;
const D_SIGNATURE: &str = "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4";

const NOT_VALID: &str = r#"{"status":"fail","code":"1101","message":"Validation failed"}"#;
const NO_CLIENT: &str = r#"{"status":"fail","code":"1101","message":"Mandatory X-AUTH-CLIENT header containing the API key is missing from the request."}"#;
const NOT_FOUND: &str = r#"{"status":"fail","code":"1101","message":"Resource not found"}"#;
const BROKEN: &str = r#"{"status":"fail","code":"1101","message":"Something went wrong"}"#;

fn sandbox(settings: VeriffSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_veriff(settings))
}

fn path(session: &str) -> String {
    format!("/veriff/v1/sessions/{session}/consents")
}

async fn signed_to(sandbox: &Sandbox, session: &str, body: &[u8]) -> Reply {
    let signature = sign(SECRET, body);
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", signature.as_str()),
        ("content-type", "application/json"),
    ];
    send(sandbox, "POST", &path(session), &headers, body).await
}

async fn post(sandbox: &Sandbox, body: &str) -> Reply {
    signed_to(sandbox, SESSION, body.as_bytes()).await
}

#[tokio::test]
async fn the_published_check_values_verify_both_ways() {
    let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", D_SIGNATURE),
    ];
    let reply = send(&sandbox, "POST", &path(SESSION), &headers, D).await;
    reply.is(
        200,
        r#"{"id":"00000000-0000-4000-8000-000000000001","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#,
    );
    let expected = sign(SECRET, reply.text.as_bytes());
    for name in ["x-hmac-signature", "vrf-hmac-signature"] {
        assert_eq!(reply.header(name), Some(expected.as_str()));
    }
    for name in ["x-auth-client", "vrf-auth-client"] {
        assert_eq!(reply.header(name), Some(credentials::VERIFF_API_KEY));
    }

    // Check value F has the form of the reply, so the same scheme must give its published signature.
    let f = r#"{"id":"123e4567-e89b-12d3-a456-426614174000","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;
    assert_eq!(
        sign(SECRET, f.as_bytes()),
        "d1f79874eb0cc174f45c8b8e240a9797ec90a18298ae5828f8d8daac5b66eb92"
    );
    let shape = |text: &str| text.replace("123e4567-e89b-12d3-a456-426614174000", "ID");
    assert_eq!(
        shape(f),
        reply
            .text
            .replace("00000000-0000-4000-8000-000000000001", "ID"),
        "the reply is the documented one but for the id"
    );
}

#[tokio::test]
async fn each_consent_has_a_random_version_4_id() {
    let sandbox = Sandbox::default();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = post(&sandbox, D).await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(uuid::Uuid::parse_str(&id).unwrap().get_version_num(), 4);
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    let recorded: Vec<String> = sandbox
        .ledger()
        .entries()
        .iter()
        .map(|entry| entry.effect_id().unwrap().to_owned())
        .collect();
    assert_eq!(recorded, ids);
}

#[tokio::test]
async fn the_signature_is_over_the_bytes_as_sent() {
    let sandbox = Sandbox::default();
    // Legal JSON in unusual bytes, among them text that is not ASCII.
    for body in [
        "{ \"text\" : \"El usuario acepta compartir su información del INE\",\n\t\"approved\":false, \"type\":\"ine\" }",
        "{\"type\":\"bipa\",\"approved\":true,\"text\":\"\\u0061\"}",
        "{\"type\":\"aadhaar\",\"approved\":true,\"text\":\"x\"}",
    ] {
        assert_eq!(post(&sandbox, body).await.status, 200, "{body}");
    }
    let spaced = D.replace(':', ": ").replace(',', ", ");
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", D_SIGNATURE),
    ];
    let reply = send(&sandbox, "POST", &path(SESSION), &headers, spaced).await;
    assert_eq!((reply.status, &reply.json()["code"]), (401, &json!("1819")));
}

#[tokio::test]
async fn authentication_comes_first() {
    let sandbox = Sandbox::default();
    let key = ("x-auth-client", credentials::VERIFF_API_KEY);
    let good = ("x-hmac-signature", D_SIGNATURE);
    let short = &D_SIGNATURE[..62];
    let wrong = sign("another secret", D.as_bytes());
    let uuid_bytes = hex::encode(
        Hmac::<Sha256>::new_from_slice(uuid::Uuid::parse_str(SECRET).unwrap().as_bytes())
            .unwrap()
            .chain_update(D.as_bytes())
            .finalize()
            .into_bytes(),
    );
    let prefixed = format!("sha256={D_SIGNATURE}");
    for (headers, code) in [
        (vec![good], "1101"),
        (vec![("x-auth-client", ""), good], "1101"),
        (vec![("x-auth-client", "not-a-uuid"), good], "1802"),
        (vec![("x-auth-client", SESSION), good], "1803"),
        (vec![key, key, good], "1815"),
        (vec![key], "1815"),
        (vec![key, good, good], "1815"),
        (vec![key, ("vrf-hmac-signature", D_SIGNATURE)], "1815"),
        (vec![key, ("x-hmac-signature", short)], "1812"),
        (vec![key, ("x-hmac-signature", "zz")], "1812"),
        (vec![key, ("x-hmac-signature", &prefixed)], "1812"),
        (vec![key, ("x-hmac-signature", &wrong)], "1819"),
        (vec![key, ("x-hmac-signature", &uuid_bytes)], "1819"),
    ] {
        let reply = send(&sandbox, "POST", &path(SESSION), &headers, D).await;
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (401, Some(code)),
            "{headers:?}"
        );
        assert_eq!(reply.json()["status"], "fail");
        assert_eq!(
            reply.header("x-hmac-signature"),
            None,
            "errors are not signed by default"
        );
    }
    // A bad signature over a bad body is a bad signature: nothing is parsed before verification.
    let headers = [key, good];
    let reply = send(&sandbox, "POST", &path(SESSION), &headers, "{").await;
    assert_eq!((reply.status, &reply.json()["code"]), (401, &json!("1819")));
    assert_eq!(sandbox.ledger().counts(Provider::Veriff).effects, 0);
    assert!(sandbox.consents(SESSION).is_empty());
}

#[tokio::test]
async fn the_documented_errors_are_exact() {
    let sandbox = Sandbox::default();
    let no_client = without(
        &[
            ("x-auth-client", credentials::VERIFF_API_KEY),
            ("x-hmac-signature", D_SIGNATURE),
        ],
        "x-auth-client",
    );
    send(&sandbox, "POST", &path(SESSION), &no_client, D)
        .await
        .is(401, NO_CLIENT);
    post(&sandbox, "{}").await.is(400, NOT_VALID);
    signed_to(&sandbox, SESSION_NOT_FOUND, D.as_bytes())
        .await
        .is(404, NOT_FOUND);
    signed_to(&sandbox, SESSION_BREAKS, D.as_bytes())
        .await
        .is(500, BROKEN);
    signed_to(&sandbox, "not-a-uuid", D.as_bytes())
        .await
        .is(404, NOT_FOUND);
    signed_to(&sandbox, "%64%ff", D.as_bytes())
        .await
        .is(404, NOT_FOUND);
    assert_eq!(sandbox.ledger().total().effects, 0);
}

#[tokio::test]
async fn bodies_that_break_a_documented_rule_are_refused() {
    let sandbox = Sandbox::default();
    for body in [
        r#"{"approved":true,"text":"t"}"#,
        r#"{"type":"curp","approved":true,"text":"t"}"#,
        r#"{"type":"INE","approved":true,"text":"t"}"#,
        r#"{"type":"ine","text":"t"}"#,
        r#"{"type":"ine","approved":"true","text":"t"}"#,
        r#"{"type":"ine","approved":1,"text":"t"}"#,
        r#"{"type":"ine","approved":true}"#,
        r#"{"type":"ine","approved":true,"text":null}"#,
        r#"{"type":"ine","approved":true,"text":" "}"#,
        r#"{"verification":{"type":"ine","approved":true,"text":"t"}}"#,
    ] {
        post(&sandbox, body).await.is(400, NOT_VALID);
    }
    for body in hostile_bodies() {
        signed_to(&sandbox, SESSION, &body).await.is(400, NOT_VALID);
    }
    let long = vec![b'a'; 65 * 1024];
    signed_to(&sandbox, SESSION, &long).await.is(
        413,
        r#"{"status":"fail","code":"1101","message":"Payload Too Large"}"#,
    );
}

#[tokio::test]
async fn undocumented_points_follow_their_settings() {
    let other = sandbox(
        VeriffSettings::default()
            .with_missing_client_code("1801".to_owned())
            .with_missing_signature_code("1812".to_owned())
            .with_malformed_signature_code("1815".to_owned())
            .with_validation_code("1104".to_owned())
            .with_upper_case_signature(UpperCaseSignature::Refused)
            .with_empty_text(EmptyText::Accepted)
            .with_extra_fields(ExtraFields::Refused)
            .with_content_type(ContentType::Required)
            .with_malformed_session(MalformedSession::ValidationFailed)
            .with_sessions(SessionPolicy::Listed(vec![SESSION.to_owned()])),
    );
    let code = |reply: Reply| reply.json()["code"].as_str().unwrap().to_owned();
    let upper = D_SIGNATURE.to_ascii_uppercase();
    let key = ("x-auth-client", credentials::VERIFF_API_KEY);
    let at = path(SESSION);
    assert_eq!(code(send(&other, "POST", &at, &[], D).await), "1801");
    assert_eq!(code(send(&other, "POST", &at, &[key], D).await), "1812");
    let headers = [key, ("x-hmac-signature", upper.as_str())];
    assert_eq!(code(send(&other, "POST", &at, &headers, D).await), "1815");
    assert_eq!(
        send(&Sandbox::default(), "POST", &at, &headers, D)
            .await
            .status,
        200
    );
    let no_type = [key, ("x-hmac-signature", D_SIGNATURE)];
    assert_eq!(send(&other, "POST", &at, &no_type, D).await.status, 400);

    let empty = r#"{"type":"ine","approved":true,"text":""}"#;
    assert_eq!(post(&other, empty).await.status, 200);
    assert_eq!(post(&Sandbox::default(), empty).await.status, 400);
    let extra = r#"{"type":"ine","approved":true,"text":"t","more":1}"#;
    assert_eq!(code(post(&other, extra).await), "1104");
    assert_eq!(post(&Sandbox::default(), extra).await.status, 200);

    assert_eq!(
        signed_to(&other, "nonsense", D.as_bytes()).await.status,
        400
    );
    let unlisted = "11111111-2222-4333-8444-555555555555";
    assert_eq!(signed_to(&other, unlisted, D.as_bytes()).await.status, 404);
    assert_eq!(
        signed_to(&Sandbox::default(), unlisted, D.as_bytes())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn any_active_secret_is_accepted_and_the_first_one_signs() {
    let sandbox = sandbox(
        VeriffSettings::default().with_secrets(vec!["new secret".to_owned(), SECRET.to_owned()]),
    );
    let reply = post(&sandbox, D).await;
    assert_eq!(reply.status, 200);
    let expected = sign("new secret", reply.text.as_bytes());
    assert_eq!(reply.header("x-hmac-signature"), Some(expected.as_str()));
}

#[tokio::test]
async fn reply_signing_can_be_wrong_in_every_listed_way() {
    async fn reply(signing: ReplySigning) -> (Reply, Option<String>, Option<String>) {
        let sandbox = sandbox(VeriffSettings::default().with_reply_signing(signing));
        let reply = post(&sandbox, D).await;
        assert_eq!(reply.status, 200);
        assert_eq!(
            sandbox.ledger().total().effects,
            1,
            "it is recorded all the same"
        );
        let x = reply.header("x-hmac-signature").map(str::to_owned);
        let vrf = reply.header("vrf-hmac-signature").map(str::to_owned);
        (reply, x, vrf)
    }
    let good = |reply: &Reply| Some(sign(SECRET, reply.text.as_bytes()));
    let old = |reply: &Reply| Some(sign(credentials::VERIFF_OLD_SECRET, reply.text.as_bytes()));

    let (sent, x, vrf) = reply(ReplySigning::XPairOnly).await;
    assert_eq!((x, vrf), (good(&sent), None));
    assert_eq!(sent.header("vrf-auth-client"), None);
    let (sent, x, vrf) = reply(ReplySigning::VrfPairOnly).await;
    assert_eq!((x, vrf), (None, good(&sent)));
    assert_eq!(sent.header("x-auth-client"), None);
    let (sent, x, vrf) = reply(ReplySigning::DifferingPairs).await;
    assert_eq!((x, vrf), (good(&sent), old(&sent)));
    let (_, x, vrf) = reply(ReplySigning::Unsigned).await;
    assert_eq!((x, vrf), (None, None));
    let (sent, x, vrf) = reply(ReplySigning::UpperCaseHex).await;
    let upper = good(&sent).map(|signature| signature.to_ascii_uppercase());
    assert_eq!((&x, &vrf), (&upper, &upper));
    let (sent, x, vrf) = reply(ReplySigning::OldSecret).await;
    assert_eq!((x, vrf), (old(&sent), old(&sent)));
    let (sent, x, _) = reply(ReplySigning::ReserialisedAfterSigning).await;
    assert_ne!(x, good(&sent));
    assert_eq!(
        x,
        Some(sign(
            SECRET,
            sent.text.replace(": ", ":").replace(", ", ",").as_bytes()
        ))
    );
    let (sent, x, vrf) = reply(ReplySigning::ForeignClient).await;
    assert_eq!((x, vrf), (good(&sent), good(&sent)));
    assert_ne!(
        sent.header("x-auth-client"),
        Some(credentials::VERIFF_API_KEY)
    );
}

#[tokio::test]
async fn the_reply_body_can_be_wrong_and_is_still_signed() {
    for (body, check) in [
        (
            ConsentReplyBody::AnotherSession,
            (|json: &Value| json["sessionId"] != SESSION) as fn(&Value) -> bool,
        ),
        (ConsentReplyBody::ExtraFields, |json| {
            json["extra"].is_object() && json["id"].is_string()
        }),
        (ConsentReplyBody::IdMissing, |json| json.get("id").is_none()),
    ] {
        let sandbox = sandbox(VeriffSettings::default().with_reply_body(body));
        let reply = post(&sandbox, D).await;
        assert!(check(&reply.json()), "{body:?}");
        assert_eq!(
            reply.header("x-hmac-signature"),
            Some(sign(SECRET, reply.text.as_bytes()).as_str())
        );
    }
    let sandbox = sandbox(VeriffSettings::default().with_key_order(KeyOrder::Varied));
    let mut first_keys = Vec::new();
    for _ in 0..3 {
        let reply = post(&sandbox, D).await;
        assert_eq!(
            reply.header("x-hmac-signature"),
            Some(sign(SECRET, reply.text.as_bytes()).as_str())
        );
        first_keys.push(reply.text.split('"').nth(1).unwrap().to_owned());
    }
    assert_eq!(first_keys, ["context", "sessionId", "id"]);
}

#[tokio::test]
async fn errors_can_be_signed_and_can_hold_numbers() {
    let sandbox = sandbox(
        VeriffSettings::default()
            .with_error_signing(ErrorSigning::Signed)
            .with_numeric_status(true)
            .with_numeric_code(true),
    );
    let reply = post(&sandbox, "{}").await;
    reply.is(
        400,
        r#"{"status":400,"code":1101,"message":"Validation failed"}"#,
    );
    assert_eq!(
        reply.header("vrf-hmac-signature"),
        Some(sign(SECRET, reply.text.as_bytes()).as_str())
    );
}

#[tokio::test]
async fn the_newest_consent_binds_and_memory_is_bounded() {
    let consent = |kind: &str, approved: bool| {
        json!({"type": kind, "approved": approved, "text": "t"}).to_string()
    };
    let binding = |sandbox: &Sandbox| -> Vec<(String, bool, bool)> {
        sandbox
            .consents(SESSION)
            .iter()
            .map(|one| (one.kind().to_owned(), one.approved(), one.is_binding()))
            .collect()
    };
    for (scope, first_ine_binds) in [
        (LatestScope::Session, false),
        (LatestScope::SessionAndType, true),
    ] {
        let sandbox = sandbox(VeriffSettings::default().with_latest_scope(scope));
        post(&sandbox, &consent("ine", true)).await;
        post(&sandbox, &consent("bipa", true)).await;
        post(&sandbox, &consent("bipa", false)).await;
        // A session id in capitals names the same session.
        assert_eq!(sandbox.consents(&SESSION.to_ascii_uppercase()).len(), 3);
        assert_eq!(
            binding(&sandbox),
            [
                ("ine".to_owned(), true, first_ine_binds),
                ("bipa".to_owned(), true, false),
                ("bipa".to_owned(), false, true),
            ]
        );
    }
    let small = sandbox(VeriffSettings::default().with_consent_capacity(2));
    for _ in 0..5 {
        post(&small, &consent("ine", true)).await;
    }
    assert_eq!(small.consents(SESSION).len(), 2);
    assert_eq!(small.consents("nonsense"), []);
}
