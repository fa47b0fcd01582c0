//! Decisions: what is believed, and status and code as a pair.

use bytes::Bytes;
use consent_hmac::SessionId;
use provider_core::http::StatusCode;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{Error, ErrorKind, Outcome, RawResponse, Response, VerificationError, bytes};
use serde_json::{Value, json};
use veriff_sessions::{Decision, GetDecision, Verdict, Verification};

use crate::{SESSION, client, signed};

/// Asks about a session; the reply has this body, and a signature over `over`.
async fn ask(session: &str, body: &str, over: &str) -> Result<Response<Decision>, Error> {
    let body = Bytes::from(body.to_owned());
    let reply = RawResponse::new(StatusCode::OK, signed(over.as_bytes()), body);
    let transport = ScriptedTransport::new([Step::Respond(reply)]);
    let request = GetDecision::new(SessionId::parse(session).unwrap());
    client(transport).decision(request).await
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_believed_by_its_own_bytes_only() {
    use VerificationError::{OtherRequest, SignatureMismatch};

    let body = format!(r#"{{"verification":{{"id":"{SESSION}","code":9001}}}}"#);
    assert_eq!(ask(SESSION, &body, &body).await.unwrap().body(), &body);
    let other = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
    for (session, over, refused) in [
        (SESSION, SESSION, SignatureMismatch),
        (SESSION, "", SignatureMismatch),
        (other, &body, OtherRequest),
    ] {
        let error = ask(session, &body, over).await.unwrap_err();
        assert_eq!(error.verification(), Some(&refused), "{over}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_a_word_on_the_decision_is_not_undecided() {
    for verification in ["", r#""verification":[]"#, r#""verification":{}"#] {
        let body = format!("{{{verification}}}");
        let error = ask(SESSION, &body, &body).await.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::Decode, Outcome::Done), "{body}");
    }
}

#[test]
fn status_and_code_are_read_as_a_pair() {
    let verdict = |status: &Value, code: &Value| {
        let json = json!({"id": SESSION, "status": status, "code": code});
        let verification: Verification = serde_json::from_value(json).unwrap();
        verification.verdict()
    };
    let pairs = [
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
    ];
    for (status, code, expected) in pairs {
        let status = json!(status);
        for same in [json!(code), json!(code.to_string()), Value::Null] {
            assert_eq!(verdict(&status, &same), expected, "{status} {same}");
        }
        for other in [9001, 9102, 9103, 9104, 9121, 7002]
            .iter()
            .filter(|other| **other != code)
        {
            assert_eq!(
                verdict(&status, &json!(other)),
                Verdict::Unclear,
                "{status} {other}"
            );
        }
    }
    assert_eq!(verdict(&Value::Null, &json!(9001)), Verdict::Approved);
    assert_eq!(
        verdict(&Value::Null, &json!(9104)),
        Verdict::ExpiredOrAbandoned
    );
    for odd in [
        Value::Null,
        json!("Approved"),
        json!("made_up"),
        json!(["approved"]),
    ] {
        assert_eq!(verdict(&odd, &Value::Null), Verdict::Unclear, "{odd}");
    }
}
