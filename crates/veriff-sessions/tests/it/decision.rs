//! Decisions: what is believed, and status and code as a pair.

use consent_hmac::SessionId;
use provider_core::http::StatusCode;
use provider_core::lint::mask_aadhaar;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{Endpoint as _, Error, ErrorKind, Outcome, RawResponse, VerificationError};
use serde_json::json;
use veriff_sessions::{Decision, GetDecision, Verdict, Verification};

use crate::{SESSION, client, signed};

/// Asks about a session; the reply has this body, and a signature over `over`.
async fn ask(body: &str, over: &str) -> Result<Decision, Error> {
    let headers = signed(over.as_bytes());
    let reply = RawResponse::new(StatusCode::OK, headers, body.to_owned().into());
    // A read is repeated where its outcome is open.
    let transport = ScriptedTransport::new([(); 3].map(|()| Step::Respond(reply.clone())));
    let request = GetDecision::new(SessionId::parse(SESSION).unwrap());
    Ok(client(transport).decision(request).await?.into_value())
}

/// A reply with these members of `verification` beside its id.
fn decided(members: &str) -> String {
    format!(r#"{{"status":"success","verification":{{"id":"{SESSION}",{members}}}}}"#)
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_believed_by_its_own_bytes_and_its_own_session_only() {
    use VerificationError::{OtherRequest, SignatureMismatch};

    let body = decided(r#""code":9001"#);
    for over in ["", SESSION] {
        let error = ask(&body, over).await.unwrap_err();
        assert_eq!(error.verification(), Some(&SignatureMismatch), "{over}");
    }
    let other = body.replace(SESSION, "d69a07cf-4434-4d36-be6c-d22af7dc01fb");
    let error = ask(&other, &other).await.unwrap_err();
    assert_eq!(error.verification(), Some(&OtherRequest));
}

fn verdict(members: &str) -> Verdict {
    let decision: Decision = serde_json::from_str(&decided(members)).unwrap();
    decision.verification.unwrap().verdict()
}

#[test]
fn status_and_code_are_read_as_a_pair() {
    use Verdict::{Abandoned, Approved, Declined, Expired, ExpiredOrAbandoned};
    use Verdict::{ResubmissionRequested, Review, Unclear};

    for (status, code, expected) in [
        ("approved", 9001, Approved),
        ("declined", 9102, Declined),
        ("resubmission_requested", 9103, ResubmissionRequested),
        ("expired", 9104, Expired),
        ("abandoned", 9104, Abandoned),
        ("review", 9121, Review),
        ("made_up", 9000, Unclear),
    ] {
        assert_eq!(verdict(&format!(r#""status":"{status}""#)), expected);
        let coded = verdict(&format!(r#""status":null,"code":{code}"#));
        let shared = code == 9104 && coded == ExpiredOrAbandoned;
        assert!(shared || code != 9104 && coded == expected, "{code}");
        for other in [9001, 9102, 9103, 9104, 9121, 7002, 9000] {
            let expected = if other == code { expected } else { Unclear };
            let members = format!(r#""status":"{status}","code":"{other}""#);
            assert_eq!(verdict(&members), expected, "{members}");
        }
    }
}

#[test]
fn what_is_there_and_cannot_be_read_is_no_approval() {
    let odd = r#"["declined"] {"value":"declined"} "\ud800" "" "Approved" [9102] 9102.5 -9102 70000 1e999 false"#;
    for odd in odd.split(' ') {
        for members in [
            format!(r#""code":9001,"status":{odd}"#),
            format!(r#""status":"approved","code":{odd}"#),
            format!(r#""status":{odd},"code":{odd}"#),
        ] {
            assert_eq!(verdict(&members), Verdict::Unclear, "{members}");
        }
    }
    assert_eq!(verdict(r#""status":null,"code":null"#), Verdict::Unclear);
    for members in [
        r#""code":9001.0,"status":"approved""#,
        r#""code":null,"status":"approved""#,
        r#""code":9001,"reason":"\ud800","attemptId":1e999,"person":["A"]"#,
    ] {
        assert_eq!(verdict(members), Verdict::Approved, "{members}");
    }
}

#[test]
fn a_reason_belongs_to_what_is_no_approval() {
    for reason in [
        r#""reasonCode":106"#,
        r#""reasonCode":"204""#,
        r#""reasonCode":["106"]"#,
        r#""reasonCode":"made up""#,
        r#""reason":"Made-up reason""#,
    ] {
        for members in [
            r#""code":9001"#,
            r#""status":"approved""#,
            r#""code":9001,"status":"approved""#,
        ] {
            let members = format!("{members},{reason}");
            assert_eq!(verdict(&members), Verdict::Unclear, "{members}");
        }
    }
    for reason in [
        r#""reasonCode":null,"reason":null"#,
        r#""reasonCode":0,"reason":" ""#,
    ] {
        assert_eq!(
            verdict(&format!(r#""code":9001,{reason}"#)),
            Verdict::Approved,
            "{reason}"
        );
    }
    for (members, expected) in [
        (
            r#""code":9102,"reasonCode":106,"reason":"x""#,
            Verdict::Declined,
        ),
        (r#""code":9102,"reasonCode":204"#, Verdict::Unclear),
        (
            r#""code":9103,"reasonCode":204"#,
            Verdict::ResubmissionRequested,
        ),
        (r#""code":9103,"reasonCode":106"#, Verdict::Unclear),
    ] {
        assert_eq!(verdict(members), expected, "{members}");
    }
}

/// The decision is not believed where anything beside it is not that of a success.
#[tokio::test(start_paused = true)]
async fn a_decision_beside_what_is_no_success_is_an_error() {
    let approved = decided(r#""code":9001,"status":"approved""#);
    for status in [
        r#""declined""#,
        r#""made_up""#,
        r#"["success"]"#,
        r#"{"is":"success"}"#,
        "false",
        "-1",
        r#""HTTP 500""#,
    ] {
        let body = approved.replace(r#""success""#, status);
        let error = ask(&body, &body).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Api, Outcome::Unknown),
            "{body}"
        );
    }
    for member in [
        r#""code":"1101""#,
        r#""error":"boom""#,
        r#""errors":[1]"#,
        r#""success":false"#,
        r#""success":"off""#,
    ] {
        for body in [
            approved.clone(),
            r#"{"status":"success","verification":null}"#.to_owned(),
        ] {
            let body = body.replacen('{', &format!("{{{member},"), 1);
            let error = ask(&body, &body).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Api, Outcome::Unknown),
                "{body}"
            );
        }
    }
    for status in [r#""OK""#, "200", "true", "null", r#""""#] {
        let body = approved.replace(r#""success""#, status);
        assert!(ask(&body, &body).await.is_ok(), "{body}");
    }
}

/// Nothing but `null` is "not decided yet", and whether the rest can be read does not decide whether a refusal is seen.
#[tokio::test(start_paused = true)]
async fn a_reply_decides_or_says_that_nothing_is_decided() {
    let approved = decided(r#""code":9001"#);
    let list = format!(r#"["{SESSION}","a",null,null,9001,null,null,"approved",null,null,null]"#);
    for body in [
        r#"{"verification":null}"#.to_owned(),
        approved.replace("success", "created"),
        // What is repeated does no harm where it only informs.
        decided(r#""code":9001,"attemptId":"a","attemptId":"b""#),
        decided(r#""code":9001,"person":{},"person":null"#),
    ] {
        let decision = ask(&body, &body).await.unwrap();
        assert_eq!(decision.verification.is_some(), body.contains(SESSION));
    }
    for body in [
        "{}".to_owned(),
        r#"{"verification":[]}"#.to_owned(),
        r#"{"verification":{}}"#.to_owned(),
        format!(r#"{{"verification":{list}}}"#),
        decided(r#""code":9001,"code":9102"#),
        decided(r#""status":"approved","status":"declined""#),
        decided(r#""code":9001,"id":"other""#),
    ] {
        let error = ask(&body, &body).await.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::Decode, Outcome::Done), "{body}");
    }
    for body in [
        approved.replace("success", "fail"),
        approved.replace("success", "500"),
        r#"{"status":"fail","verification":null}"#.to_owned(),
        r#"{"status":400,"verification":{}}"#.to_owned(),
    ] {
        let error = ask(&body, &body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api, "{body}");
    }
}

#[test]
fn nothing_personal_is_printed() {
    for text in "9000000001 AAAAA0000A person@example.test CANARY?".split(' ') {
        let verification = json!({
            "id": text, "attemptId": text, "acceptanceTime": text, "decisionTime": text, "code": [text], "status": text,
            "vendorData": text, "endUserId": text, "reason": text, "person": {"firstName": text, "idNumber": text},
        });
        let decision = json!({"status": text, "verification": verification});
        let decision: Decision = serde_json::from_value(decision).unwrap();
        let Verification { status, person, .. } = decision.verification.clone().unwrap();
        let printed = format!("{decision:?} {decision:#?} {status:?} {person:?}");
        let verification = "Verification { id: ***, verdict: Unclear, ";
        assert!(printed.contains(verification), "{printed}");
        assert!(!printed.contains(text), "{printed}");
    }
}

/// A member that is listed and cannot be read costs itself; each that can be is in the JSON of the typed reply.
#[tokio::test(start_paused = true)]
async fn whatever_is_listed_of_a_decision_is_in_its_type() {
    let verification = json!({
        "id": SESSION, "attemptId": "a-1", "acceptanceTime": null, "decisionTime": null, "code": 9001, "vendorData": null,
        "endUserId": null, "status": "approved", "reason": null, "reasonCode": null,
        "person": {
            "firstName": "Made", "lastName": "Up", "fullName": "Made Up", "dateOfBirth": "1990-01-01", "idNumber": "X-1",
            "gender": "F", "nationality": "IN", "placeOfBirth": "Pune", "yearOfBirth": "1990",
            "addresses": [{ "fullAddress": "1 Road", "parsedAddress": {
                "street": "Road", "houseNumber": "1", "unit": null, "city": "Pune", "state": null, "postcode": "411001",
                "country": "IN",
            } }],
            "occupation": null, "employer": null, "extraNames": null, "title": null, "eyeColor": null, "hairColor": null,
            "height": "170", "weight": null, "electorNumber": null, "ineIdentifier": null, "ifeIdentifier": null,
            "citizenship": null, "pepSanctionMatch": null,
        },
        "document": {
            "number": "D-1", "type": "PASSPORT", "country": "IN", "state": null, "validFrom": "2020-01-01",
            "validUntil": "2030-01-01", "firstIssue": null, "placeOfIssue": null, "issuedBy": null, "issueNumber": null,
            "remarks": null, "nfcValidated": true, "residencePermitType": null, "portraitIsVisible": true,
            "signatureIsVisible": false, "specimen": null,
        },
        "additionalVerifiedData": { "made_up": { "score": 0.9500 } },
        "riskLabels": [{ "label": "made_up", "category": "device", "sessionIds": ["s-2"] }],
        "riskScore": { "score": "0.5" }, "biometricAuthentication": null, "comments": [], "highRisk": false,
    });
    let technical = json!({ "ip": "192.0.2.1" });
    let body =
        json!({ "status": "success", "verification": verification, "technicalData": technical });
    let text = body.to_string();
    let decision = ask(&text, &text).await.unwrap();
    let mut expected = body;
    // What a member does not say is absent, as for most replies it always is.
    without_null(&mut expected["verification"]["person"]["addresses"]);
    without_null(&mut expected["verification"]["document"]);
    let verification = expected["verification"].as_object_mut().unwrap();
    verification.remove("biometricAuthentication");
    without_null(&mut expected["verification"]["person"]);
    assert_eq!(serde_json::to_value(&decision).unwrap(), expected);
    assert!(!format!("{decision:?}").contains("Pune"), "{decision:?}");
    assert_eq!(GetDecision::doubt(&decision), None);

    let odd = decided(
        r#""code":9001,"document":7,"riskLabels":"x","riskScore":[1],"highRisk":{},"comments":1e999"#,
    );
    let decision = ask(&odd, &odd).await.unwrap();
    let found = decision.verification.as_ref().unwrap();
    assert_eq!(found.verdict(), Verdict::Approved);
    assert!(found.document.is_none() && found.risk_labels.is_none());
    let number = decided(r#""code":9001,"riskScore":{"score":0.50}"#);
    let decision = ask(&number, &number).await.unwrap();
    let score = decision.verification.unwrap().risk_score.unwrap().score;
    assert_eq!(score.unwrap().expose(), "0.50");

    let unclear = decided(r#""status":"approved","code":9102"#);
    let decision = ask(&unclear, &unclear).await.unwrap();
    let doubt = GetDecision::doubt(&decision).unwrap();
    assert!(doubt.starts_with("$.verification is unclear"), "{doubt}");
}

fn without_null(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(without_null);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

#[test]
fn a_whole_aadhaar_number_of_a_decision_is_hidden() {
    let with = |last: u64| format!("{}{last}", "2".repeat(11));
    let mut numbers = (0..10).map(with);
    let number = numbers.find(|text| mask_aadhaar(text) != *text).unwrap();
    let members = format!(
        r#""code":9001,"person":{{"idNumber":"{number}"}},"document":{{"number":"{number}"}}"#
    );
    let decision: Decision = serde_json::from_str(&decided(&members)).unwrap();
    let printed = serde_json::to_string(&decision).unwrap();
    let hidden = format!("xxxxxxxx{}", &number[8..]);
    assert!(!printed.contains(&number), "{printed}");
    assert_eq!(printed.matches(&hidden).count(), 2, "{printed}");
}
