//! The request's bytes and signature, what may not be sent, and replies that no fixture has.

use std::sync::Arc;

use consent_hmac::provider_core::capability::{ConsentKind, ConsentRecorder, ConsentStatement};
use consent_hmac::provider_core::testing::{FixedClock, ScriptedTransport, Step, conformance};
use consent_hmac::provider_core::{
    CallOptions, Endpoint, Error, ErrorKind, Idempotency, Outcome, Response, RetryPolicy,
    TransportErrorKind, VerificationError,
};
use consent_hmac::{
    ApiKey, ConsentAnswer, ConsentClient, ConsentContext, ConsentRecord, ConsentType,
    RecordConsent, SessionId, Signature, Signer, Verifier,
};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};
use serde_json::json;

use crate::sandbox::{SESSION, secret, veriff};

const BASE_URL: &str = "https://integration.example.test/v1";

const REPLY: &str = r#"{"id":"123e4567-e89b-12d3-a456-426614174000","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;

const CREDENTIALS: [(&str, &str); 2] = [
    ("x-auth-client", VERIFF_API_KEY),
    (
        "x-hmac-signature",
        "4005304bae46f8a0c2b1fbd7088f9dded39dc1040be754dede2bf198ab44b7c8",
    ),
];

fn consent(text: &str) -> RecordConsent {
    RecordConsent::new(
        SessionId::parse(SESSION).unwrap(),
        ConsentType::Ine,
        ConsentAnswer::Approved,
        text,
    )
}

fn approval() -> RecordConsent {
    consent("User agrees to share their INE details")
}

/// A correctly signed 200.
fn signed(body: &str) -> Step {
    let signature = Signer::new(&secret()).sign(body.as_bytes()).to_string();
    Step::respond_with(200, &[("x-hmac-signature", &signature)], body.to_owned())
}

async fn send_with(
    retry: RetryPolicy,
    steps: impl IntoIterator<Item = Step>,
    request: RecordConsent,
) -> (Result<Response<ConsentRecord>, Error>, ScriptedTransport) {
    let transport = ScriptedTransport::new(steps);
    let client = ConsentClient::builder(veriff(BASE_URL))
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::default()))
        .retry(retry)
        .build()
        .unwrap();
    let result = client.record_consent(request).await;
    (result, transport)
}

async fn send(
    steps: impl IntoIterator<Item = Step>,
    request: RecordConsent,
) -> (Result<Response<ConsentRecord>, Error>, ScriptedTransport) {
    send_with(RetryPolicy::standard(), steps, request).await
}

/// Sends a request and returns the result of this reply.
async fn read(step: Step) -> Result<ConsentRecord, Error> {
    let (result, _) = send_with(RetryPolicy::never(), [step], approval()).await;
    result.map(Response::into_value)
}

#[tokio::test(start_paused = true)]
async fn the_request_is_the_documented_one() {
    let (result, transport) = send([signed(REPLY)], approval()).await;
    insta::assert_snapshot!(transport.only().golden());
    let recorded = result.unwrap().into_value();
    assert_eq!(recorded.id, "123e4567-e89b-12d3-a456-426614174000");
    assert_eq!(recorded.context, Some(ConsentContext::Consent));
}

#[tokio::test(start_paused = true)]
async fn the_sent_bytes_and_their_signatures_are_the_check_values() {
    for (text, body, signature) in [
        (
            "User agrees to share their INE details",
            r#"{"type":"ine","approved":true,"text":"User agrees to share their INE details"}"#,
            "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4",
        ),
        (
            "El usuario acepta compartir su información del INE",
            r#"{"type":"ine","approved":true,"text":"El usuario acepta compartir su información del INE"}"#,
            "997838a8f084fd72ba07d0a8fef5b705a0f8d8f371591111977e7f64f604592e",
        ),
    ] {
        let (_, transport) = send([signed(REPLY)], consent(text)).await;
        let sent = transport.only();
        assert_eq!(sent.body, body);
        assert_eq!(sent.header("x-hmac-signature"), signature);
    }
}

#[tokio::test(start_paused = true)]
async fn the_signature_covers_the_sent_bytes_whatever_the_text() {
    let long = "long ".repeat(20_000);
    for text in [
        "\"quoted\" \\ /",
        " leading and trailing ",
        "line\r\nbreak\ttab\u{2028}",
        "सहमति 同意 👩‍👩‍👧 e\u{301} \u{feff}",
        &long,
    ] {
        let (_, transport) = send([signed(REPLY)], consent(text)).await;
        let sent = transport.only();
        assert_eq!(
            sent.json(),
            json!({"type": "ine", "approved": true, "text": text})
        );
        let signature = Signature::from_hex(sent.header("x-hmac-signature")).unwrap();
        Verifier::new(&secret())
            .verify(&sent.body, &signature)
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_and_an_unlisted_type_are_sent() {
    let session = || SessionId::parse(SESSION).unwrap();
    for (request, body) in [
        (
            RecordConsent::new(session(), ConsentType::Bipa, ConsentAnswer::Refused, "x"),
            r#"{"type":"bipa","approved":false,"text":"x"}"#,
        ),
        (
            RecordConsent::new(
                session(),
                ConsentType::Aadhaar,
                ConsentAnswer::Approved,
                "x",
            ),
            r#"{"type":"aadhaar","approved":true,"text":"x"}"#,
        ),
        (
            RecordConsent::new(
                session(),
                ConsentType::from("made_up"),
                ConsentAnswer::Approved,
                "x",
            ),
            r#"{"type":"made_up","approved":true,"text":"x"}"#,
        ),
    ] {
        let (_, transport) = send([signed(REPLY)], request).await;
        assert_eq!(transport.only().body, body);
    }
}

#[tokio::test(start_paused = true)]
async fn key_and_signature_are_sent_once() {
    let (_, transport) = send([signed(REPLY)], approval()).await;
    let sent = transport.only();
    for name in ["x-auth-client", "x-hmac-signature", "content-type"] {
        assert_eq!(sent.headers.get_all(name).iter().count(), 1, "{name}");
    }
    assert_eq!(sent.header("x-auth-client"), VERIFF_API_KEY);
    assert!(sent.headers["x-auth-client"].is_sensitive());
    assert!(!sent.headers.contains_key("x-signature"));
}

#[test]
fn rate_limit_headers_are_ignored() {
    conformance::rate_limit_headers_are_ignored(&veriff(BASE_URL));
}

/// Inserted, not appended: a second signature would be refused, or worse, accepted. The body is empty.
#[test]
fn credentials_replace_existing_header_values() {
    let provider = veriff(BASE_URL);
    conformance::credentials_replace_existing_header_values(&provider, &CREDENTIALS);
}

#[tokio::test(start_paused = true)]
async fn the_version_is_in_the_address_once() {
    for (base_url, expected) in [
        ("https://a.test", "https://a.test/v1"),
        ("https://a.test/", "https://a.test/v1"),
        ("https://a.test/v1", "https://a.test/v1"),
        ("https://a.test/v1/", "https://a.test/v1"),
        ("https://a.test/x/y/v1", "https://a.test/x/y/v1"),
        (
            "http://127.0.0.1:8080/veriff",
            "http://127.0.0.1:8080/veriff/v1",
        ),
    ] {
        let transport = ScriptedTransport::new([signed(REPLY)]);
        let client = crate::sandbox::client(veriff(base_url), Arc::new(transport.clone()));
        client.record_consent(approval()).await.unwrap();
        assert_eq!(
            transport.only().uri.to_string(),
            format!("{expected}/sessions/{SESSION}/consents"),
            "{base_url}"
        );
    }
}

#[test]
fn a_session_id_cannot_change_the_path() {
    for text in [SESSION, "a", "A_b-9", &"a".repeat(128)] {
        assert_eq!(SessionId::parse(text).unwrap().as_str(), text);
    }
    for text in [
        "",
        ".",
        "..",
        "../consents",
        "%2e%2e",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "a;b",
        "a b",
        "a\r\nb",
        "a\u{0}",
        "a%00",
        "é",
        "{a}",
        &"a".repeat(129),
    ] {
        let error = SessionId::parse(text).unwrap_err();
        assert_eq!(error.field(), "session_id", "{text:?}");
        assert!(
            text.len() < 2 || !error.to_string().contains(text),
            "{text:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_input_is_named() {
    let session = || SessionId::parse(SESSION).unwrap();
    for (request, field) in [
        (
            RecordConsent::new(
                session(),
                ConsentType::from(""),
                ConsentAnswer::Approved,
                "x",
            ),
            "type",
        ),
        (consent(""), "text"),
        (consent(" \n\t"), "text"),
    ] {
        let (result, transport) = send([], request).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{field}");
        assert_eq!(error.outcome(), Outcome::NotSent, "{field}");
        assert_eq!(error.invalid_request().unwrap().field(), field);
        assert!(transport.sent().is_empty(), "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_consent_is_read_in_spite_of_odd_members() {
    for (members, id) in [
        (r#""id":7,"status":"SUCCESS""#, "7"),
        (r#""id":"1","context":["consent"],"status":{"a":1}"#, "1"),
    ] {
        let body = format!(r#"{{{members},"sessionId":"{SESSION}"}}"#);
        assert_eq!(read(signed(&body)).await.unwrap().id, id, "{members}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_names_the_consent_and_the_session() {
    for (body, path) in [
        (format!(r#"{{"sessionId":"{SESSION}"}}"#), "$"),
        (
            format!(r#"{{"status":"success","context":"consent","sessionId":"{SESSION}"}}"#),
            "$",
        ),
        (format!(r#"{{"id":"","sessionId":"{SESSION}"}}"#), "$.id"),
        (format!(r#"{{"id":" ","sessionId":"{SESSION}"}}"#), "$.id"),
        (format!(r#"[null,"1",null,"{SESSION}"]"#), "$"),
        (format!(r#"["1",null,"{SESSION}"]"#), "$"),
        (format!(r#"{{"id":[7],"sessionId":"{SESSION}"}}"#), "$.id"),
        (r#"{"id":"1","context":"consent"}"#.to_owned(), "$"),
        (r#"{"id":"1","sessionId":null}"#.to_owned(), "$.sessionId"),
        (
            format!(r#"{{"id":"1","sessionId":["{SESSION}"]}}"#),
            "$.sessionId",
        ),
        (format!(r#"{{"id":"1","session":"{SESSION}"}}"#), "$"),
        (
            format!(r#"{{"id":"1","sessionId":"other","sessionId":"{SESSION}"}}"#),
            "$",
        ),
        (
            format!(r#"{{"id":"1","sessionId":"{SESSION}","sessionId":"other"}}"#),
            "$",
        ),
        // What Veriff signs with the same secret for this very session: a webhook's event, a session's creation.
        (
            format!(r#"{{"id":"{SESSION}","code":7002,"action":"submitted"}}"#),
            "$",
        ),
        (
            format!(r#"{{"status":"success","verification":{{"id":"{SESSION}"}}}}"#),
            "$",
        ),
        ("<html>".to_owned(), "$"),
        (String::new(), "$"),
    ] {
        let error = read(signed(&body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
        assert_eq!(error.outcome(), Outcome::Done, "{body}");
        assert_eq!(error.decode().unwrap().path(), path, "{body}");
    }
}

/// A wording has lines, and nothing that no reader sees.
#[tokio::test(start_paused = true)]
async fn a_text_with_a_control_character_is_not_sent() {
    for text in [
        "I agree\u{0}",
        "I\u{1b}[8m agree",
        "\u{8}I agree",
        "I\u{9b}agree",
        "\u{7f}I agree",
    ] {
        let (result, transport) = send_with(RetryPolicy::never(), [], consent(text)).await;
        let error = result.unwrap_err();
        assert_eq!(error.invalid_request().unwrap().field(), "text", "{text:?}");
        assert!(transport.sent().is_empty());
    }
    let lines = consent("I agree\r\n\tto \\u0007, caf\u{e9}");
    let (result, _) = send_with(RetryPolicy::never(), [signed(REPLY)], lines).await;
    result.unwrap();
}

/// It was paid for: who asks Veriff about it needs the id of the call, from the typed client and from the capability.
#[tokio::test(start_paused = true)]
async fn an_id_of_a_consent_that_is_none_is_an_error_of_the_exchange() {
    let long = "a".repeat(513);
    for id in ["a\\u001b[31mb", "a\\nb", " ", "", long.as_str()] {
        let body = REPLY.replace("123e4567-e89b-12d3-a456-426614174000", id);
        let (typed, _) = send_with(RetryPolicy::never(), [signed(&body)], approval()).await;
        let client = ConsentClient::builder(veriff(BASE_URL))
            .transport(Arc::new(ScriptedTransport::new([signed(&body)])))
            .build()
            .unwrap();
        let statement = ConsentStatement::new(
            SESSION,
            ConsentKind::Ine,
            ConsentAnswer::Approved,
            "I agree",
        );
        let neutral = ConsentRecorder::record_consent(&client, statement, CallOptions::new()).await;
        for error in [typed.unwrap_err(), neutral.unwrap_err()] {
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Decode, Outcome::Done),
                "{id}"
            );
            assert_eq!(
                (error.attempts(), error.status().unwrap().as_u16()),
                (1, 200)
            );
            assert!(error.request_id().is_some() && error.raw_response().is_some());
            assert_eq!(error.decode().unwrap().path(), "$.id");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_signed_refusal_inside_a_success_is_a_refusal() {
    let broke = r#"{"status":503,"code":"1104"}"#;
    assert_eq!(
        read(signed(broke)).await.unwrap_err().outcome(),
        Outcome::Unknown
    );
    for body in [
        r#"{"status":"fail","code":"1104","message":"made-up text"}"#,
        r#"{"status":400,"code":1104,"message":"made-up text"}"#,
    ] {
        let error = read(signed(body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api, "{body}");
        assert_eq!(error.outcome(), Outcome::Refused, "{body}");
        assert_eq!(error.fault().unwrap().code(), Some("1104"), "{body}");
    }
}

/// Whether the rest parses does not decide whether a refusal is seen. Beside a consent it is a contradiction.
#[tokio::test(start_paused = true)]
async fn a_signed_refusal_beside_a_consent_leaves_it_open() {
    for (status, refuses) in [
        (r#""fail""#, true),
        (r#""FAIL""#, true),
        ("400", true),
        (r#""400""#, true),
        ("false", true),
        (r#""declined""#, true),
        (r#"["fail"]"#, true),
        (r#"{"code":404}"#, true),
        ("-1", true),
        (r#""success""#, false),
        (r#""created""#, false),
        (r#""made_up""#, false),
        ("200", false),
        ("null", false),
        ("[]", false),
        (r#""\ud800""#, false),
    ] {
        // A code beside a consent says that something is wrong, whatever the status.
        for (code, refuses) in [("\"1812\"", true), ("0", refuses), ("null", refuses)] {
            let body =
                format!(r#"{{"status":{status},"code":{code},"id":"1","sessionId":"{SESSION}"}}"#);
            let error = read(signed(&body)).await.err();
            let found = error.as_ref().map(|error| (error.kind(), error.outcome()));
            let expected = refuses.then_some((ErrorKind::Api, Outcome::Unknown));
            assert_eq!(found, expected, "{body}");
            let told = error.as_ref().and_then(|error| error.fault()?.code());
            assert_eq!(told.is_some(), code.contains("1812"), "{body}");
        }
    }
    for member in [
        r#""error":"boom""#,
        r#""errors":[{"code":1}]"#,
        r#""success":false"#,
        r#""success":"off""#,
    ] {
        let body = format!(r#"{{{member},"id":"1","sessionId":"{SESSION}"}}"#);
        let error = read(signed(&body)).await.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::Api, Outcome::Unknown), "{body}");
    }
}

/// The documented reply repeats nothing of the request; what does is not about another one.
#[tokio::test(start_paused = true)]
async fn a_consent_that_repeats_something_else_than_was_sent_is_refused() {
    for (member, is_same) in [
        (r#""approved":true"#, true),
        (r#""approved":"yes""#, true),
        (r#""approved":null"#, true),
        (r#""type":"INE","text":" the shown\ntext ""#, true),
        (r#""approved":false"#, false),
        (r#""approved":"maybe""#, false),
        (r#""approved":["true"]"#, false),
        (r#""type":"bipa""#, false),
        (r#""type":["ine"]"#, false),
        (r#""text":"another text""#, false),
        (r#""text":{"a":1}"#, false),
    ] {
        let body = format!(r#"{{{member},"id":"1","context":"consent","sessionId":"{SESSION}"}}"#);
        let request = RecordConsent::new(
            SessionId::parse(SESSION).unwrap(),
            ConsentType::Ine,
            ConsentAnswer::Approved,
            "The shown text",
        );
        let (result, _) = send([signed(&body)], request).await;
        let refused = result
            .err()
            .map(|error| (error.outcome(), error.verification().copied()));
        let other = Some((Outcome::Unknown, Some(VerificationError::OtherRequest)));
        assert_eq!(refused, if is_same { None } else { other }, "{member}");
    }
}

/// Under a status that refuses, a success, or a body that tells a success or a failure of a server.
#[tokio::test(start_paused = true)]
async fn a_status_that_refuses_what_the_body_says_was_done_leaves_it_open() {
    for status in [401, 404, 408, 409, 424, 429, 499, 503] {
        for body in [
            REPLY,
            r#"{"status":"success","code":"1101"}"#,
            r#"{"status":200,"code":"1801"}"#,
            r#"{"status":500,"code":"1101"}"#,
        ] {
            // It is repeatable: of several consents the latest is binding.
            let replies = [(); 3].map(|()| Step::respond(status, body));
            let (result, _) = send(replies, approval()).await;
            let error = result.unwrap_err();
            let found = (error.kind(), error.outcome(), error.attempts());
            let expected = (ErrorKind::Api, Outcome::Unknown, 3);
            assert_eq!(found, expected, "{status} {body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_and_is_not_needed_does_no_harm() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for context in [r#""\ud800""#, "[1e999]", r#"["consent"]"#, &deep] {
        let body = format!(r#"{{"id":"1","sessionId":"{SESSION}","context":{context}}}"#);
        assert_eq!(
            read(signed(&body)).await.unwrap().context,
            None,
            "{context}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn unsigned_errors_are_reported() {
    use ErrorKind::{Api, Credentials, RateLimited};

    for (status, code, kind) in [
        // 1101 is not interpreted: it comes with four different statuses.
        (400, "1101", Api),
        (401, "1101", Credentials),
        (404, "1101", Api),
        (500, "1101", Api),
        (400, "1102", Api),
        (401, "1801", Credentials),
        (400, "1801", Credentials),
        (400, "1802", Credentials),
        (400, "1803", Credentials),
        (400, "1804", Credentials),
        (400, "1812", Credentials),
        (400, "1813", Credentials),
        (400, "1814", Credentials),
        (400, "1815", Credentials),
        (400, "1818", Credentials),
        (400, "1819", Credentials),
        (403, "9999", Credentials),
        (409, "9999", Api),
        (429, "9999", RateLimited),
    ] {
        for body in [
            format!(r#"{{"status":"fail","code":"{code}","message":"made-up text"}}"#),
            format!(r#"{{"status":{status},"code":{code},"message":"made-up text"}}"#),
        ] {
            // With a wrong signature too: an error's body is only a hint.
            for headers in [
                &[] as &[(&str, &str)],
                &[("x-hmac-signature", "00"), ("x-auth-client", "other")],
            ] {
                let step = Step::respond_with(status, headers, body.clone());
                let error = read(step).await.unwrap_err();
                assert_eq!(error.kind(), kind, "{status} {body}");
                assert_eq!(error.status().unwrap(), status);
                let fault = error.fault().unwrap();
                assert_eq!(fault.code(), Some(code), "{body}");
                assert_eq!(fault.message(), Some("made-up text"), "{body}");
                // 1101 means several things, and 9999 is on no page.
                let means_nothing = ["1101", "9999"].contains(&code);
                assert_eq!(fault.meaning().is_none(), means_nothing, "{code}");
            }
        }
    }
    for body in [
        "<html>Bad Gateway</html>",
        "",
        "{}",
        "[]",
        r#"{"code":["1"]}"#,
    ] {
        let error = read(Step::respond(502, body)).await.unwrap_err();
        assert_eq!(error.kind(), Api, "{body}");
        assert_eq!(error.outcome(), Outcome::Unknown, "{body}");
        assert!(error.fault().is_none(), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_explains_a_refusal_whatever_stands_beside_it() {
    for body in [
        r#"{"status":null,"code":"1801"}"#,
        r#"{"status":["fail"],"code":1801,"message":["m"]}"#,
        r#"{"status":"fail","code":" 1801 "}"#,
        r#"{"status":404,"code":"1801"}"#,
        r#"{"status":"made_up","code":"1801","message":1,"message":2}"#,
        r#"{"code":"1801","status":"fail","message":"cut o"#,
    ] {
        let error = read(Step::respond(404, body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{body}");
        let code = error.fault().unwrap().code().unwrap();
        assert_eq!(code.trim(), "1801", "{body}");
    }
    for body in [
        // Of one of these members a gateway's page may consist, too.
        r#"{"status":"success"}"#,
        r#"{"status":"fail"}"#,
        r#"{"code":"1801","message":"made-up text"}"#,
        r#"{"code":0}"#,
        r#"{"message":"made-up text"}"#,
    ] {
        let replies = [(); 3].map(|()| Step::respond(404, body));
        let (result, _) = send(replies, approval()).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.fault()),
            (ErrorKind::Unrecognized, None),
            "{body}"
        );
    }
    for status in ["\"fail\"", "400", "-1"] {
        let body =
            format!(r#"{{"status":{status},"code":{{"is":"1801"}},"message":"made-up text"}}"#);
        let error = read(Step::respond(404, body)).await.unwrap_err();
        let fault = error.fault().unwrap();
        assert_eq!(
            (fault.code(), fault.message()),
            (None, Some("made-up text"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_outcome_is_unknown_is_retried_and_signed_again() {
    assert_eq!(
        RecordConsent::OPERATION.idempotency,
        Idempotency::Repeatable
    );
    for step in [
        Step::Fail(TransportErrorKind::Connect),
        Step::Fail(TransportErrorKind::Interrupted),
        Step::Fail(TransportErrorKind::Timeout),
        Step::respond(408, ""),
        Step::respond(429, ""),
        Step::respond(500, ""),
        Step::respond(503, ""),
    ] {
        let place = format!("{step:?}");
        let (result, transport) = send([step, signed(REPLY)], approval()).await;
        assert_eq!(result.unwrap().attempts(), 2, "{place}");
        let sent = transport.sent();
        // The scheme has neither a timestamp nor a nonce, so the second signature equals the first.
        for name in ["x-hmac-signature", "x-auth-client", "x-request-id"] {
            assert!(!sent[1].header(name).is_empty(), "{place} {name}");
            assert_eq!(sent[0].header(name), sent[1].header(name), "{place} {name}");
        }
        assert_eq!(sent[0].golden(), sent[1].golden(), "{place}");
    }
    let refusal = r#"{"status":"fail","code":"1104"}"#;
    for status in [400, 401, 404, 409] {
        let (result, transport) = send([Step::respond(status, refusal)], approval()).await;
        assert_eq!(result.unwrap_err().outcome(), Outcome::Refused, "{status}");
        assert_eq!(transport.sent().len(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    let request = consent("CANARY 9000000001 agrees");
    let mut printed = format!("{request:?} {request:#?}");
    let context = format!(r#"{{"id":"1","sessionId":"{SESSION}","context":"CANARY 1"}}"#);
    let (result, _) = send([signed(&context)], request).await;
    printed += &format!("{result:?} {result:#?}");
    let record = r#"ConsentRecord { id: "1", context: "#;
    assert!(printed.contains(record), "{printed}");
    let id = format!(r#"{{"id":"9000000001","sessionId":"{SESSION}"}}"#);
    printed += &format!("{:?}", read(signed(&id)).await.unwrap());
    let refusal = r#"{"status":"fail","code":"9000000001","message":"CANARY"}"#;
    for step in [
        Step::respond(400, refusal),
        signed(refusal),
        signed("CANARY"),
        signed(r#"{"id":{"CANARY":"CANARY"},"sessionId":"CANARY"}"#),
        signed(r#"{"id":"CANARY","sessionId":"CANARY"}"#),
        Step::respond(200, "CANARY"),
        Step::respond_with(200, &[("x-hmac-signature", "CANARY")], "CANARY"),
        Step::respond_with(200, &[("x-auth-client", "CANARY")], "CANARY"),
        Step::respond(502, "CANARY"),
    ] {
        let error = read(step).await.unwrap_err();
        printed += &format!("{error} {error:?} {error:#?} {}", error.report());
    }
    printed += &format!(
        "{:?} {:#?} {:?} {:?}",
        veriff(BASE_URL),
        veriff(BASE_URL).or_verify_with(&secret()),
        secret(),
        ApiKey::new("made-up-key\n").unwrap_err(),
    );
    for canary in [
        "9000000001",
        "CANARY",
        "made-up-key",
        VERIFF_API_KEY,
        VERIFF_SHARED_SECRET,
    ] {
        assert!(!printed.contains(canary), "{canary} in {printed}");
    }
}

#[tokio::test]
async fn a_text_with_a_whole_aadhaar_number_is_not_recorded() {
    // One of ten such numbers has a right check digit; none stands in a file.
    let mut refused = Vec::new();
    for last in 0..10 {
        let request = consent(&format!("The holder of 2222-2222-222{last} agrees"));
        let (result, transport) = send([signed(REPLY)], request).await;
        let field = result
            .err()
            .and_then(|error| Some(error.invalid_request()?.field().to_owned()));
        refused.extend(field.map(|field| (field, transport.sent().len())));
    }
    assert_eq!(refused, [("text".to_owned(), 0)]);
}
