//! Who a person is, who they may be, and whether they have the phone of their number.

use consent_hmac::SessionId;
use provider_core::lint::{Findings, Lints, Rule};
use provider_core::testing::ScriptedTransport;
use provider_core::{Endpoint as _, Error, ErrorKind, Outcome, VerificationError};
use serde_json::{Value, json};
use veriff_sessions::{
    AadhaarNumber, CurpDecision, GenerateMfa, GetCurpDecision, GetPerson, GetScreening, MfaRefusal,
    MfaReply, OneTimePassword, ReplyStatus, ScreeningFinding, SubmitCollectedData, VerifyMfa,
    WatchlistScreening,
};

use crate::sessions::replying;
use crate::{SESSION, client};

const OTHER: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";

fn session() -> SessionId {
    SessionId::parse(SESSION).unwrap()
}

async fn generate(body: &Value) -> Result<MfaReply, Error> {
    let number = AadhaarNumber::parse("000011112222").unwrap();
    let client = client(replying(200, &body.to_string()));
    let reply = client
        .generate_mfa(GenerateMfa::new(session(), number))
        .await;
    Ok(reply?.into_value())
}

async fn verify(body: &Value) -> Result<MfaReply, Error> {
    let code = OneTimePassword::parse("000123").unwrap();
    let client = client(replying(200, &body.to_string()));
    let reply = client.verify_mfa(VerifyMfa::new(session(), code)).await;
    Ok(reply?.into_value())
}

/// Requests that are read by serde alone, as a web framework does, obey the same rules.
#[test]
fn a_request_is_an_object_and_its_errors_repeat_no_value() {
    fn check<R: serde::de::DeserializeOwned + serde::Serialize>(mut request: Value) {
        request["session_id"] = SESSION.into();
        let read = |json: &Value| serde_json::from_str::<R>(&json.to_string());
        let read_back = serde_json::to_value(read(&request).ok().unwrap()).unwrap();
        assert_eq!(read_back, request);
        let members = request.as_object().unwrap();
        let list: Vec<_> = members.values().collect();
        let error = read(&json!(list)).err().unwrap().to_string();
        assert_eq!(error, "request: must be an object");
        for member in members.keys() {
            let mut wrong = request.clone();
            wrong[member] = json!(["CANARY"]);
            let error = read(&wrong).err().unwrap().to_string();
            assert!(
                error.contains(&**member) && !error.contains("CANARY"),
                "{error}"
            );
        }
    }

    check::<GetPerson>(json!({}));
    check::<GetScreening>(json!({}));
    check::<GetCurpDecision>(json!({"version": "1.0.0"}));
    check::<GenerateMfa>(json!({"identifier": "000011112222", "type": "aadhaar"}));
    check::<VerifyMfa>(json!({"code": "000123", "type": "aadhaar"}));
    check::<SubmitCollectedData>(json!({
        "providerName": "p", "network": {"ip": {"addressV4": "192.0.2.1"}}, "device": {"fingerprint": "d"}
    }));
}

#[tokio::test]
async fn a_password_is_accepted_by_its_status_and_not_by_http() {
    for status in [
        json!("success"),
        json!(true),
        json!("Success"),
        json!("true"),
    ] {
        let body = json!({"sessionId": SESSION.to_uppercase(), "status": status, "reason": null});
        for reply in [generate(&body).await, verify(&body).await] {
            assert_eq!(reply.unwrap().status, ReplyStatus::Success, "{status}");
        }
    }
    for status in [json!("fail"), json!(false), json!("FAIL"), json!("false")] {
        let body = json!({"sessionId": SESSION, "status": status, "reason": "INVALID_OTP"});
        for reply in [generate(&body).await, verify(&body).await] {
            let error = reply.unwrap_err();
            let found = (error.kind(), error.outcome());
            assert_eq!(found, (ErrorKind::Api, Outcome::Refused), "{status}");
            let code = error.fault().and_then(|fault| fault.code()).unwrap();
            assert_eq!(MfaRefusal::from(code), MfaRefusal::InvalidOtp);
        }
    }
}

#[tokio::test]
async fn what_says_neither_or_both_is_no_success() {
    let odd = [json!(null), json!(1), json!([]), json!({}), json!("")];
    for status in odd {
        let body = json!({"sessionId": SESSION, "status": status});
        let error = verify(&body).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Decode, Outcome::Done),
            "{status}"
        );
    }
    for body in [json!({"sessionId": SESSION}), json!({"status": "success"})] {
        let error = verify(&body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
    // A word that no page lists may be a success; a reason stands beside a failure only, and the database may have broken
    // after it was asked.
    for body in [
        json!({"sessionId": SESSION, "status": "pending"}),
        json!({"sessionId": SESSION, "status": "success", "reason": "INVALID_OTP"}),
        json!({"sessionId": SESSION, "status": "fail", "reason": "API_ERROR"}),
    ] {
        let error = verify(&body).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Api, Outcome::Unknown),
            "{body}"
        );
    }
    for status in ["success", "fail"] {
        let body = json!({"sessionId": OTHER, "status": status});
        let error = verify(&body).await.unwrap_err();
        assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
    }
}

#[test]
fn a_number_and_a_password_are_digits_and_are_not_printed() {
    for text in [
        "",
        "00001111222",
        "0000111122223",
        "0000 1111 22",
        "XXXX11112222",
        "\u{966}",
    ] {
        let error = AadhaarNumber::parse(text).unwrap_err();
        assert_eq!(error.field(), "identifier");
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
    for text in ["", "00012", "0001234", "00012a"] {
        assert_eq!(OneTimePassword::parse(text).unwrap_err().field(), "code");
    }
    let number = AadhaarNumber::parse("000011112222").unwrap();
    let code = OneTimePassword::parse("000123").unwrap();
    let printed = format!(
        "{:?} {:?}",
        GenerateMfa::new(session(), number),
        VerifyMfa::new(session(), code)
    );
    assert!(
        !printed.contains("2222") && !printed.contains("0123"),
        "{printed}"
    );
}

fn finding(members: Value) -> ScreeningFinding {
    let mut data = json!({"sessionId": SESSION});
    data.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    let screening: WatchlistScreening = serde_json::from_value(data).unwrap();
    screening.finding()
}

#[test]
fn nobody_is_cleared_unless_everything_says_so() {
    use ScreeningFinding::{NoMatch, PossibleMatch, Unclear};

    for (members, expected) in [
        (json!({"matchStatus": "no_match"}), NoMatch),
        (
            json!({"matchStatus": "no_match", "totalHits": 0, "hits": []}),
            NoMatch,
        ),
        (
            json!({"matchStatus": "no_match", "totalHits": "0", "hits": null}),
            NoMatch,
        ),
        (json!({"matchStatus": "no_match", "totalHits": 1}), Unclear),
        (
            json!({"matchStatus": "no_match", "totalHits": "many"}),
            Unclear,
        ),
        (json!({"matchStatus": "no_match", "hits": [{}]}), Unclear),
        (json!({"matchStatus": "no_match", "hits": [7]}), Unclear),
        (json!({"matchStatus": "possible_match"}), PossibleMatch),
        (
            json!({"matchStatus": "possible_match", "totalHits": 0, "hits": []}),
            PossibleMatch,
        ),
        (json!({"matchStatus": "No_Match"}), Unclear),
        (json!({"matchStatus": ["no_match"]}), Unclear),
        (json!({"matchStatus": ""}), Unclear),
        (
            json!({"matchStatus": null, "totalHits": 0, "hits": []}),
            Unclear,
        ),
        (json!({}), Unclear),
    ] {
        assert_eq!(finding(members.clone()), expected, "{members}");
    }
}

#[tokio::test]
async fn a_screening_of_another_session_is_not_believed() {
    let ask = async |body: Value| {
        let client = client(replying(200, &body.to_string()));
        client
            .watchlist_screening(GetScreening::new(session()))
            .await
    };
    let error = ask(json!({"data": {"sessionId": OTHER, "matchStatus": "no_match"}})).await;
    assert_eq!(
        error.unwrap_err().verification(),
        Some(&VerificationError::OtherRequest)
    );
    assert_eq!(ask(json!({"data": null})).await.unwrap().value().data, None);
    for body in [
        json!({}),
        json!({"data": {"matchStatus": "no_match"}}),
        json!({"data": []}),
    ] {
        assert_eq!(ask(body).await.unwrap_err().kind(), ErrorKind::Decode);
    }
}

#[test]
fn a_registration_is_active_by_the_table_only() {
    let active = |status: Value| {
        let decision: CurpDecision = serde_json::from_value(json!({"statusCurp": status})).unwrap();
        decision.is_active()
    };
    for status in ["AN", "AH", "CRA CU", "RCN", "RCC"] {
        assert_eq!(active(json!(status)), Some(true), "{status}");
    }
    for status in ["BD", "BDA", "BCC", "BCN"] {
        assert_eq!(active(json!(status)), Some(false), "{status}");
    }
    for status in [json!("ACTIVE"), json!(null), json!(["AN"]), json!("an")] {
        assert_eq!(active(status), None);
    }
    assert!(serde_json::from_value::<CurpDecision>(json!({"curp": null})).is_err());
}

#[tokio::test]
async fn collected_data_that_break_a_rule_are_named_and_nothing_is_sent() {
    let whole = || {
        json!({
            "session_id": SESSION,
            "providerName": "x".repeat(255),
            "network": {"ip": {"addressV6": "2001:db8::1"}},
            "device": {"fingerprint": "\u{e9}".repeat(255)},
            "person": {"phoneNumber": "+91 90000 00001"},
        })
    };
    let submit = async |transport: ScriptedTransport, request: Value| {
        let request: SubmitCollectedData = serde_json::from_value(request).unwrap();
        client(transport).collected_data(request).await
    };
    let reply = json!({"sessionId": SESSION}).to_string();
    assert!(submit(replying(200, &reply), whole()).await.is_ok());
    let other = json!({"sessionId": OTHER}).to_string();
    let error = submit(replying(200, &other), whole()).await.unwrap_err();
    assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
    for (pointer, value, field) in [
        ("/providerName", json!(""), "providerName"),
        ("/providerName", json!("x".repeat(256)), "providerName"),
        ("/device/fingerprint", json!(""), "device.fingerprint"),
        (
            "/device/fingerprint",
            json!("x".repeat(256)),
            "device.fingerprint",
        ),
        ("/network/ip", json!({}), "network.ip"),
        (
            "/network/ip",
            json!({"addressV4": "2001:db8::1"}),
            "network.ip.addressV4",
        ),
        (
            "/network/ip/addressV6",
            json!("192.0.2.1"),
            "network.ip.addressV6",
        ),
        ("/person/phoneNumber", json!("none"), "person.phoneNumber"),
        ("/person/phoneNumber", json!("+"), "person.phoneNumber"),
    ] {
        let mut request = whole();
        *request.pointer_mut(pointer).unwrap() = value;
        let transport = ScriptedTransport::new([]);
        let error = submit(transport.clone(), request).await.unwrap_err();
        let found = (error.kind(), error.outcome(), transport.sent().len());
        assert_eq!(
            found,
            (ErrorKind::InvalidRequest, Outcome::NotSent, 0),
            "{field}"
        );
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[tokio::test]
async fn nothing_personal_is_printed() {
    let listing = json!([{"sourceName": "CANARY", "sourceUrl": "CANARY", "date": "CANARY"}]);
    let hit = json!({"matchedName": "CANARY", "countries": ["CANARY"], "dateOfBirth": "CANARY", "matchTypes": ["CANARY"],
        "aka": ["CANARY", {"CANARY": 1}], "associates": ["CANARY"],
        "listingsRelatedToMatch": {"pep": listing, "sanctions": listing}});
    let body = json!({"status": "CANARY", "data": {"sessionId": SESSION, "vendorData": "CANARY", "attemptId": "CANARY",
        "checkType": "CANARY", "matchStatus": "CANARY", "monitorStatus": "CANARY", "totalHits": "CANARY",
        "searchTerm": {"name": "CANARY", "year": "CANARY"}, "createdAt": "CANARY", "hits": [hit, "CANARY"]}});
    let client_of = |body: &Value| client(replying(200, &body.to_string()));
    let request = GetScreening::new(session());
    let screening = client_of(&body).watchlist_screening(request).await.unwrap();
    let data = screening.value().data.clone().unwrap();
    let person = json!({"person": {"id": "CANARY", "firstName": "CANARY", "lastName": "CANARY", "idCode": "CANARY",
        "dateOfBirth": "CANARY", "gender": "CANARY", "nationality": "CANARY", "placeOfBirth": "CANARY",
        "citizenships": ["CANARY", ["CANARY"]],
        "pepSanctionMatches": [{"provider": "CANARY", "date": "CANARY", "numberOfMatches": "CANARY"}, "CANARY"]}});
    let person = client_of(&person)
        .person(GetPerson::new(session()))
        .await
        .unwrap();
    let curp: CurpDecision =
        serde_json::from_value(json!({"statusCurp": "CANARY", "curp": "CANARY"})).unwrap();
    let collected = SubmitCollectedData::new(
        session(),
        "service",
        "192.0.2.77".parse().unwrap(),
        "CANARY",
    );
    let collected = collected.set_phone_number("9000000001");
    let printed = format!(
        "{screening:?} {:?} {:?} {:?} {:?} {person:?} {:?} {curp:?} {collected:?}",
        screening.value(),
        data.hits,
        data.search_term,
        data.match_status,
        person.value(),
    );
    for personal in ["CANARY", "192.0.2.77", "9000000001"] {
        assert!(!printed.contains(personal), "{personal}: {printed}");
    }
}

/// A wrong number costs the person one of the few passwords.
#[test]
fn a_number_that_is_none_is_a_finding_and_no_number_of_the_sandbox_is() {
    let request = GenerateMfa::new(session(), AadhaarNumber::parse("123456789012").unwrap());
    let findings = |lints: Lints| {
        let mut findings = Findings::new(&lints);
        request.lint(&mut findings);
        let found = findings.iter();
        found
            .map(|finding| (finding.field(), finding.rule()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        findings(Lints::default()),
        [("identifier", Rule::AadhaarForm)]
    );
    assert_eq!(findings(Lints::default().allow_test_values()), []);
}
