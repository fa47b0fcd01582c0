//! Sessions: what is refused before anything is sent, what is sent once, and whose reply it is.

use consent_hmac::SessionId;
use provider_core::http::StatusCode;
use provider_core::lint::mask_aadhaar;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{Error, ErrorKind, Outcome, RawResponse, VerificationError};
use serde_json::{Value, json};
use veriff_sessions::{
    Attempts, CreateSession, DeleteSession, GetAttempts, SessionReply, SessionStatus, SubmitSession,
};

use crate::{SESSION, client, signed};

/// A reply with this body and its signature.
fn reply(status: u16, body: &str) -> RawResponse {
    let status = StatusCode::from_u16(status).unwrap();
    RawResponse::new(status, signed(body.as_bytes()), body.to_owned().into())
}

/// Replies once; another attempt would find nothing.
pub(crate) fn replying(status: u16, body: &str) -> ScriptedTransport {
    ScriptedTransport::new([Step::Respond(reply(status, body))])
}

async fn create(transport: ScriptedTransport, request: Value) -> Result<SessionReply, Error> {
    let request = json!({"verification": request});
    let request: CreateSession = serde_json::from_value(request).unwrap();
    Ok(client(transport)
        .create_session(request)
        .await?
        .into_value())
}

async fn submit(body: &str) -> Result<SessionReply, Error> {
    let request = SubmitSession::new(SessionId::parse(SESSION).unwrap());
    let call = client(replying(200, body));
    Ok(call.submit_session(request).await?.into_value())
}

#[tokio::test(start_paused = true)]
async fn a_name_or_an_address_with_a_whole_aadhaar_number_is_not_sent() {
    // Computed, so that none stands in a file.
    let numbers = (2220..2230).map(|last| format!("2222 2222 {last}"));
    let whole: Vec<_> = numbers
        .filter(|number| mask_aadhaar(number).contains('x'))
        .collect();
    let text = format!("Asha {}", whole[0]);
    for (member, request) in [
        ("person.firstName", json!({"person": {"firstName": text}})),
        ("person.lastName", json!({"person": {"lastName": text}})),
        (
            "address.fullAddress",
            json!({"address": {"fullAddress": text}}),
        ),
    ] {
        let transport = ScriptedTransport::new([]);
        let error = create(transport.clone(), request).await.unwrap_err();
        let field = error.invalid_request().unwrap().field();
        assert_eq!(field, format!("verification.{member}"));
        assert!(transport.sent().is_empty());
    }
}

#[tokio::test]
async fn a_member_that_breaks_a_rule_is_named_and_nothing_is_sent() {
    for (request, field) in [
        (json!({"callback": "http://app.example.test"}), "callback"),
        (json!({"callback": "https://"}), "callback"),
        (json!({"callback": "https://a b"}), "callback"),
        (json!({"vendorData": "x".repeat(1001)}), "vendorData"),
        (json!({"vendorData": ""}), "vendorData"),
        (json!({"endUserId": "application-4711"}), "endUserId"),
        (
            json!({"person": {"dateOfBirth": "01-01-1990"}}),
            "person.dateOfBirth",
        ),
        (
            json!({"person": {"dateOfBirth": "1990-2-03"}}),
            "person.dateOfBirth",
        ),
        (
            json!({"person": {"dateOfBirth": "1990-02-30"}}),
            "person.dateOfBirth",
        ),
        (
            json!({"person": {"dateOfBirth": "0000-00-00"}}),
            "person.dateOfBirth",
        ),
        (
            json!({"document": {"firstIssue": "2023-02-29"}}),
            "document.firstIssue",
        ),
        (
            json!({"document": {"firstIssue": "0000-01-01"}}),
            "document.firstIssue",
        ),
        (json!({"person": {"gender": "female"}}), "person.gender"),
        (json!({"document": {"number": "AB-1"}}), "document.number"),
        (json!({"document": {"country": "IND"}}), "document.country"),
        (json!({"document": {"type": ""}}), "document.type"),
        (
            json!({"document": {"firstIssue": "1.1.2020"}}),
            "document.firstIssue",
        ),
        (
            json!({"consents": [{"type": "", "approved": true}]}),
            "consents[0].type",
        ),
    ] {
        let transport = ScriptedTransport::new([]);
        let error = create(transport.clone(), request).await.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(
            found,
            (ErrorKind::InvalidRequest, Outcome::NotSent),
            "{field}"
        );
        assert!(
            error.to_string().contains(&format!("verification.{field}")),
            "{error}"
        );
        assert!(transport.sent().is_empty());
    }
    let longest =
        json!({"vendorData": "\u{e9}".repeat(1000), "document": {"firstIssue": "2024-02-29"}});
    let body = format!(r#"{{"verification":{{"id":"{SESSION}","url":"https://u.test/v/token"}}}}"#);
    assert!(create(replying(201, &body), longest).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_opens_or_hands_in_is_sent_once() {
    let broken = || ScriptedTransport::new([Step::respond(500, "{}"), Step::respond(500, "{}")]);
    let transport = broken();
    let error = create(transport.clone(), json!({})).await.unwrap_err();
    assert_eq!(
        (error.outcome(), transport.sent().len()),
        (Outcome::Unknown, 1)
    );
    let transport = broken();
    let request = SubmitSession::new(SessionId::parse(SESSION).unwrap());
    let call = client(transport.clone()).submit_session(request).await;
    assert_eq!(
        (call.unwrap_err().outcome(), transport.sent().len()),
        (Outcome::Unknown, 1)
    );
}

#[tokio::test]
async fn a_session_without_an_id_is_none_and_another_one_is_not_believed() {
    for id in ["\"\"", "null", "\"a/b\"", "[]"] {
        let body = format!(r#"{{"status":"success","verification":{{"id":{id}}}}}"#);
        let error = create(replying(201, &body), json!({})).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Decode, Outcome::Done),
            "{id}"
        );
    }
    let other = r#"{"verification":{"id":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}}"#;
    let error = submit(other).await.unwrap_err();
    assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
    let upper = format!(
        r#"{{"verification":{{"id":"{}"}}}}"#,
        SESSION.to_uppercase()
    );
    assert!(submit(&upper).await.is_ok());
    let twice = format!(r#"{{"verification":{{"id":"{SESSION}","id":"{SESSION}"}}}}"#);
    assert_eq!(submit(&twice).await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_created_session_has_a_web_address_for_the_person() {
    for (url, is_one) in [
        (json!("https://u.test/v/token"), true),
        (json!("http://127.0.0.1:8080/v/token"), true),
        (json!("javascript:1"), false),
        (json!("u.test/v/token"), false),
        (json!(""), false),
        (json!(" "), false),
        (json!(null), false),
        (json!(["https://u.test/"]), false),
    ] {
        let body = json!({"status": "success", "verification": {"id": SESSION, "url": url}});
        let created = create(replying(201, &body.to_string()), json!({})).await;
        match created {
            Ok(created) => assert!(is_one && created.verification.url.is_some(), "{url}"),
            Err(error) => {
                let found = (error.kind(), error.outcome());
                assert_eq!(found, (ErrorKind::Decode, Outcome::Done), "{url}");
                assert!(
                    !is_one && error.to_string().contains("create-session"),
                    "{error}"
                );
            }
        }
    }
    let body = json!({"verification": {"id": SESSION}}).to_string();
    let error = create(replying(201, &body), json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(submit(&body).await.is_ok(), "nobody is sent anywhere");
}

#[tokio::test]
async fn a_success_that_says_fail_may_have_been_done() {
    let body = format!(r#"{{"status":"fail","verification":{{"id":"{SESSION}"}}}}"#);
    let created = create(replying(201, &body), json!({})).await.unwrap_err();
    let submitted = submit(&body).await.unwrap_err();
    for error in [created, submitted] {
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Api, Outcome::Unknown)
        );
    }
}

#[tokio::test]
async fn no_url_and_no_token_is_printed() {
    let body = json!({"status": "success", "verification": {
        "id": SESSION, "url": "https://CANARY", "vendorData": "CANARY", "endUserId": "CANARY", "host": "CANARY",
        "status": "CANARY", "sessionToken": "CANARY",
    }});
    let reply = create(replying(201, &body.to_string()), json!({}))
        .await
        .unwrap();
    let printed = format!(
        "{reply:?} {:?} {:?}",
        reply.verification.url, reply.verification.status
    );
    assert!(!printed.contains("CANARY"), "{printed}");
    assert!(printed.contains(SESSION), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_cannot_be_read_is_set_aside_and_none_is_invented() {
    let ask = async |body: &str| -> Result<Attempts, Error> {
        let request = GetAttempts::new(SessionId::parse(SESSION).unwrap());
        Ok(client(replying(200, body))
            .attempts(request)
            .await?
            .into_value())
    };
    let body = r#"{"verifications":[{"id":"a","status":"started"},{"status":"approved"},[],{"id":"b","status":7,"userDefinedData":3}]}"#;
    let attempts = ask(body).await.unwrap().verifications;
    let statuses: Vec<_> = attempts.iter().map(|attempt| &attempt.status).collect();
    assert_eq!(statuses, [&Some(SessionStatus::Started), &Some("7".into())]);
    assert_eq!(attempts.unread_count(), 2);
    for body in [
        "{}",
        r#"{"verifications":null}"#,
        r#"{"verifications":[],"verifications":[]}"#,
    ] {
        assert_eq!(
            ask(body).await.unwrap_err().kind(),
            ErrorKind::Decode,
            "{body}"
        );
    }
    // It contradicts itself, so it is asked again.
    let refused = Step::Respond(reply(200, r#"{"status":"fail","verifications":[]}"#));
    let listed = Step::Respond(reply(200, r#"{"verifications":[]}"#));
    let request = GetAttempts::new(SessionId::parse(SESSION).unwrap());
    let client = client(ScriptedTransport::new([refused, listed]));
    assert_eq!(client.attempts(request).await.unwrap().attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_sent_once_and_believed_of_its_own_session_only() {
    let delete = async |transport: ScriptedTransport| {
        let request = DeleteSession::new(SessionId::parse(SESSION).unwrap());
        client(transport).delete_session(request).await
    };
    let transport = ScriptedTransport::new([Step::respond(500, "{}"), Step::respond(500, "{}")]);
    let error = delete(transport.clone()).await.unwrap_err();
    assert_eq!(
        (error.outcome(), transport.sent().len()),
        (Outcome::Unknown, 1)
    );
    // The id is signed, and no body is sent.
    let sent = transport.sent().remove(0);
    let signature = &signed(SESSION.as_bytes())["x-hmac-signature"];
    assert_eq!(
        (sent.header("x-hmac-signature"), sent.body.len()),
        (signature.to_str().unwrap(), 0)
    );
    let other = r#"{"verification":{"id":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}}"#;
    let error = delete(replying(200, other)).await.unwrap_err();
    assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
}
