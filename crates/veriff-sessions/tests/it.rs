//! Decisions: signing, verification, status and code as a pair, and tests derived from the catalogue.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::Path;
use std::sync::Arc;

use consent_hmac::{ApiKey, SessionId, SharedSecret, Signer, Veriff};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};
use provider_core::http::HeaderMap;
use provider_core::testing::{FixedClock, Fixture, ScriptedTransport, Step};
use provider_core::testing::{fixture, tolerance};
use provider_core::{BaseUrl, Client, ErrorKind, Outcome, Transport, VerificationError};
use serde_json::{Value, json};
use veriff_sessions::{GetDecision, SessionsClient, Verdict, Verification};

const SESSION: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/veriff");

fn client(base_url: &str, transport: impl Transport) -> SessionsClient {
    let base_url = BaseUrl::parse("base_url", base_url).unwrap();
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    SessionsClient::builder(Veriff::new(
        base_url,
        ApiKey::new(VERIFF_API_KEY).unwrap(),
        &secret,
    ))
    .transport(Arc::new(transport))
    .clock(Arc::new(FixedClock::default()))
    .build()
    .unwrap()
}

fn scripted(transport: ScriptedTransport) -> Client<Veriff> {
    client("http://localhost", transport).client().clone()
}

fn signed(body: &[u8]) -> HeaderMap {
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    let signature = Signer::new(&secret).sign(body).to_string();
    let headers = [
        ("x-auth-client", VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    headers.into_iter().collect()
}

fn get(session: &str) -> GetDecision {
    GetDecision::new(SessionId::parse(session).unwrap())
}

/// A reply whose bytes are signed as `over`.
fn reply(body: &str, over: &str) -> Step {
    let headers = signed(over.as_bytes());
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    Step::respond_with(200, &headers, body.to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_client_sends_and_decodes_every_fixture() {
    let catalogue = SessionsClient::CATALOGUE;
    let input = |_: &str| json!({"session_id": SESSION});
    fixture::check_catalogue(catalogue, FIXTURES, input, |_, transport| {
        scripted(transport)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_tolerance_of_replies_is_the_reviewed_one() {
    for entry in SessionsClient::CATALOGUE {
        let name = entry.operation().name;
        let fixtures = Fixture::all(Path::new(FIXTURES).join(name));
        let found = tolerance::snapshot(entry, &fixtures, signed, scripted).await;
        insta::assert_snapshot!(format!("tolerance_{name}"), found);
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_signed_bytes_of_a_reply_are_accepted() {
    let body = format!(r#"{{"verification":{{"id":"{SESSION}","code":9001}}}}"#);
    let transport = ScriptedTransport::new([reply(&body, &body)]);
    let response = client("http://localhost", transport)
        .decision(get(SESSION))
        .await
        .unwrap();
    assert_eq!(response.body(), &body);
    for (over, error) in [
        (SESSION, VerificationError::SignatureMismatch),
        ("", VerificationError::SignatureMismatch),
    ] {
        let transport = ScriptedTransport::new([reply(&body, over)]);
        let result = client("http://localhost", transport)
            .decision(get(SESSION))
            .await;
        assert_eq!(result.unwrap_err().verification(), Some(&error), "{over}");
    }
    let unsigned = ScriptedTransport::new([Step::respond(200, body.clone())]);
    let error = client("http://localhost", unsigned)
        .decision(get(SESSION))
        .await
        .unwrap_err();
    assert_eq!(
        error.verification(),
        Some(&VerificationError::MissingSignature)
    );
    let other = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
    let transport = ScriptedTransport::new([reply(&body, &body)]);
    let error = client("http://localhost", transport)
        .decision(get(other))
        .await
        .unwrap_err();
    assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_the_decision_field_is_an_error() {
    for body in [
        "{}",
        r#"{"status":"success"}"#,
        r#"{"verification":[]}"#,
        r#"{"verification":{}}"#,
    ] {
        let transport = ScriptedTransport::new([reply(body, body)]);
        let error = client("http://localhost", transport)
            .decision(get(SESSION))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Decode, Outcome::Done),
            "{body}"
        );
    }
}

#[test]
fn status_and_code_are_read_as_a_pair() {
    let verdict = |status: Value, code: Value| {
        let json = json!({"id": SESSION, "status": status, "code": code});
        serde_json::from_value::<Verification>(json)
            .unwrap()
            .verdict()
    };
    for (status, code, expected) in [
        ("approved", 9001, Verdict::Approved),
        ("declined", 9102, Verdict::Declined),
        (
            "resubmission_requested",
            9103,
            Verdict::ResubmissionRequested,
        ),
        ("expired", 9104, Verdict::Expired),
        ("abandoned", 9104, Verdict::Abandoned),
        ("review", 9121, Verdict::Review),
    ] {
        assert_eq!(verdict(json!(status), json!(code)), expected);
        assert_eq!(verdict(json!(status), json!(code.to_string())), expected);
        assert_eq!(verdict(json!(status), Value::Null), expected);
        for other in [9001, 9102, 9103, 9104, 9121, 7002, 1]
            .iter()
            .filter(|other| **other != code)
        {
            assert_eq!(
                verdict(json!(status), json!(other)),
                Verdict::Unclear,
                "{status} {other}"
            );
        }
    }
    assert_eq!(verdict(Value::Null, json!(9001)), Verdict::Approved);
    assert_eq!(
        verdict(Value::Null, json!(9104)),
        Verdict::ExpiredOrAbandoned
    );
    for (status, code) in [
        (Value::Null, Value::Null),
        (json!("Approved"), json!(9001)),
        (json!("made_up"), Value::Null),
        (json!(["approved"]), json!([9001])),
    ] {
        assert_eq!(
            verdict(status.clone(), code.clone()),
            Verdict::Unclear,
            "{status} {code}"
        );
    }
}
