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
    // A read is repeated where its outcome is open.
    let transport = ScriptedTransport::new([(); 3].map(|()| Step::Respond(reply.clone())));
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

#[tokio::test(start_paused = true)]
async fn what_is_told_and_cannot_be_read_is_no_approval() {
    for members in [
        r#""code":9001,"status":["declined"]"#,
        r#""code":9001,"status":{"value":"declined"}"#,
        r#""code":9001,"status":"\ud800""#,
        r#""code":9001,"status":"""#,
        r#""code":9001,"status":"Approved""#,
        r#""code":9001,"status":1e999"#,
        r#""status":"approved","code":[9102]"#,
        r#""status":"approved","code":[]"#,
        r#""status":"approved","code":"9102 declined""#,
        r#""status":"approved","code":9102.5"#,
        r#""status":"approved","code":-9102"#,
        r#""status":"approved","code":70000"#,
        r#""status":"approved","code":1e999"#,
        r#""status":"approved","code":"""#,
        r#""status":"approved","code":false"#,
        r#""status":{},"code":{}"#,
        r#""status":null,"code":null"#,
    ] {
        let body =
            format!(r#"{{"status":"success","verification":{{"id":"{SESSION}",{members}}}}}"#);
        let decision = ask(SESSION, &body, &body).await.unwrap().into_value();
        let verification = decision.verification.clone().unwrap();
        assert_eq!(verification.verdict(), Verdict::Unclear, "{members}");
        // Nor when it was written and is read again.
        let json = serde_json::to_value(&decision).unwrap();
        let again: Decision = serde_json::from_value(json).unwrap();
        assert_eq!(
            again.verification.unwrap().verdict(),
            Verdict::Unclear,
            "{members}"
        );
    }
    for members in [
        r#""code":9001,"status":"approved""#,
        r#""code":"9001","status":"approved""#,
        r#""code":9001.0,"status":"approved""#,
        r#""code":9001,"status":null"#,
        r#""code":null,"status":"approved""#,
        r#""status":"approved","reason":"\ud800","attemptId":1e999,"person":{"firstName":"\udc00"}"#,
    ] {
        let body = format!(r#"{{"verification":{{"id":"{SESSION}",{members}}}}}"#);
        let decision = ask(SESSION, &body, &body).await.unwrap().into_value();
        let verdict = decision.verification.unwrap().verdict();
        assert_eq!(verdict, Verdict::Approved, "{members}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_does_no_harm_where_it_only_informs() {
    for (members, read) in [
        (r#""reason":"a","reason":"b""#, true),
        (
            r#""person":{"firstName":"A","firstName":"B"},"person":null"#,
            true,
        ),
        (r#""status":"approved","status":"declined""#, false),
        (r#""code":9102"#, false),
        (r#""id":"other""#, false),
    ] {
        let body = format!(r#"{{"verification":{{"id":"{SESSION}","code":9001,{members}}}}}"#);
        let found = ask(SESSION, &body, &body).await.map(Response::into_value);
        let kind = found.as_ref().err().map(Error::kind);
        assert_eq!(kind, (!read).then_some(ErrorKind::Decode), "{members}");
        if let Ok(decision) = found {
            assert_eq!(decision.verification.unwrap().verdict(), Verdict::Approved);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_no_reply_and_no_decision() {
    let list = format!(r#"["{SESSION}","a",null,null,9001,null,null,"approved",null,null,null]"#);
    for body in [
        r#"["success",null]"#.to_owned(),
        format!(r#"["success",{list}]"#),
        format!(r#"{{"verification":{list}}}"#),
    ] {
        let error = ask(SESSION, &body, &body).await.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::Decode, Outcome::Done), "{body}");
    }
    let body = format!(r#"{{"verification":{{"id":"{SESSION}","person":["A"]}}}}"#);
    let decision = ask(SESSION, &body, &body).await.unwrap().into_value();
    assert_eq!(decision.verification.unwrap().person, None);
}

/// Whether the rest parses does not decide whether a refusal is seen.
#[tokio::test(start_paused = true)]
async fn a_signed_refusal_is_one_beside_anything() {
    let approved = format!(r#"{{"id":"{SESSION}","code":9001,"status":"approved"}}"#);
    for (status, refuses) in [
        (r#""fail""#, true),
        (r#""FAIL""#, true),
        (r#""error""#, true),
        ("400", true),
        (r#""500""#, true),
        ("false", true),
        ("1e999", true),
        (r#""success""#, false),
        (r#""created""#, false),
        (r#""made_up""#, false),
        ("200", false),
        ("null", false),
        (r#"["fail"]"#, false),
    ] {
        for verification in ["null", &approved] {
            let body =
                format!(r#"{{"status":{status},"code":"1002","verification":{verification}}}"#);
            let found = ask(SESSION, &body, &body).await.map(Response::into_value);
            let kind = found.as_ref().err().map(Error::kind);
            assert_eq!(kind, refuses.then_some(ErrorKind::Api), "{body}");
            if let Err(error) = found {
                assert_eq!(error.fault().unwrap().code(), Some("1002"), "{body}");
            }
        }
        for verification in ["", r#","verification":{}"#, r#","verification":[]"#] {
            let body = format!(r#"{{"status":{status},"code":"1002"{verification}}}"#);
            let kind = ask(SESSION, &body, &body).await.unwrap_err().kind();
            let refuses = refuses || status.contains("made_up");
            let expected = if refuses {
                ErrorKind::Api
            } else {
                ErrorKind::Decode
            };
            assert_eq!(kind, expected, "{body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    for text in [
        "9000000001",
        "AAAAA0000A",
        "person@example.test",
        "CANARY 1",
    ] {
        let body = format!(
            r#"{{"status":"of {text}","verification":{{"id":"{SESSION}","attemptId":"{text}","acceptanceTime":"{text}",
            "decisionTime":"{text}","code":["{text}"],"status":"{text}","vendorData":"{text}","reason":"{text}",
            "person":{{"firstName":"{text}"}}}}}}"#
        );
        let decision = ask(SESSION, &body, &body).await.unwrap();
        let printed = format!("{decision:?} {decision:#?}");
        assert!(!printed.contains(text), "{printed}");
    }
    let body = format!(
        r#"{{"verification":{{"id":"{SESSION}","attemptId":"{SESSION}","decisionTime":"2030-01-01T00:00:00.000Z"}}}}"#
    );
    let printed = format!("{:?}", ask(SESSION, &body, &body).await.unwrap());
    assert!(printed.contains(SESSION) && printed.contains("2030-01-01T00:00:00.000Z"));
}
