//! The request's bytes, and replies that no fixture has.

use std::sync::Arc;

use finpass::provider_core::testing::{FixedClock, ScriptedTransport, Step, conformance};
use finpass::provider_core::{
    DecodeErrorCategory, Email, Error, ErrorKind, Mobile, Outcome, Pan, Response,
    TransportErrorKind, VerificationError,
};
use finpass::{ApiKey, ConsentType, FinpassClient, Initialize, Initialized};

use kyc_sandbox::credentials::{FINPASS_API_KEY, FINPASS_API_SECRET};

use crate::sandbox::finpass;

// The core's macros work through a provider crate's re-export, without a dependency on the core.
finpass::provider_core::opaque_id! { struct OwnId("own"); }
finpass::provider_core::masked_text! { struct OwnText; }

#[test]
fn the_core_s_macros_work_through_the_re_export() {
    let id: OwnId = serde_json::from_str("\"x\"").unwrap();
    let text: OwnText = serde_json::from_str("\"CANARY\"").unwrap();
    assert_eq!(
        serde_json::to_string(&(&id, &text)).unwrap(),
        "[\"x\",\"CANARY\"]"
    );
    assert_eq!(
        (
            OwnId::parse("x").unwrap().as_str(),
            OwnText::new("x").expose()
        ),
        ("x", "x")
    );
    assert!(!format!("{text:?}").contains("CANARY"));
}

const SESSION: &str = r#"{"data":{"client_id":"aa_1_1","mobile_number":"9000000001","pan_number":null,
    "email_id":null,"redirect_url":"https://consent.example.test/?fi=QUJD+Rg==&reqdateX=="},
    "status_code":200,"success":true,"message":"Success","message_code":"success"}"#;

const CREDENTIALS: [(&str, &str); 2] = [
    ("x-api-key", FINPASS_API_KEY),
    ("x-api-secret", FINPASS_API_SECRET),
];

fn minimal() -> Initialize {
    Initialize::new(
        Mobile::parse("9000000001").unwrap(),
        ConsentType::LoanUnderwriting,
    )
}

async fn send(
    steps: impl IntoIterator<Item = Step>,
    request: Initialize,
) -> (Result<Response<Initialized>, Error>, ScriptedTransport) {
    let transport = ScriptedTransport::new(steps);
    let client = FinpassClient::builder(finpass("https://api.finpass.ai"))
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    let result = client.initialize(request).await;
    (result, transport)
}

#[tokio::test(start_paused = true)]
async fn the_full_request_is_the_documented_one() {
    let request = minimal()
        .set_pan_number(Pan::parse("AAAAA0000A").unwrap())
        .set_email(Email::parse("person@example.test").unwrap())
        .set_webhook_url("https://lender.example.test/hook")
        .set_return_url("https://lender.example.test/done");
    let (_, transport) = send([Step::respond(200, SESSION)], request).await;
    insta::assert_snapshot!(transport.only().golden());
}

#[tokio::test(start_paused = true)]
async fn absent_and_empty_optionals_are_not_sent() {
    let (_, transport) = send(
        [Step::respond(200, SESSION)],
        minimal().set_webhook_url("").set_return_url(""),
    )
    .await;
    assert_eq!(
        transport.only().body,
        r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#
    );
}

#[tokio::test(start_paused = true)]
async fn each_credential_is_sent_once() {
    let (_, transport) = send([Step::respond(200, SESSION)], minimal()).await;
    let sent = transport.only();
    for name in ["x-api-key", "x-api-secret", "content-type"] {
        assert_eq!(sent.headers.get_all(name).iter().count(), 1, "{name}");
    }
    assert_ne!(sent.headers["x-api-key"], sent.headers["x-api-secret"]);
}

#[test]
fn rate_limit_headers_are_ignored() {
    conformance::rate_limit_headers_are_ignored(&finpass("https://api.finpass.ai"));
}

/// Inserted, not appended: Finpass's own sample sends the key twice.
#[test]
fn credentials_replace_existing_header_values() {
    let provider = finpass("https://api.finpass.ai");
    conformance::credentials_replace_existing_header_values(&provider, &CREDENTIALS);
}

#[tokio::test(start_paused = true)]
async fn the_consent_url_is_kept_byte_for_byte() {
    let (result, _) = send([Step::respond(200, SESSION)], minimal()).await;
    let data = result.unwrap().into_value().data;
    assert_eq!(
        data.consent_url.expose(),
        "https://consent.example.test/?fi=QUJD+Rg==&reqdateX=="
    );
}

#[tokio::test(start_paused = true)]
async fn other_consent_types_are_sent_as_they_are() {
    let request = Initialize::new(
        Mobile::parse("9000000001").unwrap(),
        ConsentType::from("wealth"),
    );
    let (_, transport) = send([Step::respond(200, SESSION)], request).await;
    assert_eq!(transport.only().json()["consent_type"], "wealth");

    let request = Initialize::new(Mobile::parse("9000000001").unwrap(), ConsentType::from(""));
    let (result, transport) = send([], request).await;
    let error = result.unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "consent_type");
    assert!(transport.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_is_never_opened_twice() {
    for step in [
        Step::Fail(TransportErrorKind::Interrupted),
        Step::Fail(TransportErrorKind::Timeout),
        Step::respond(500, ""),
        Step::respond(503, ""),
    ] {
        let (result, transport) = send([step], minimal()).await;
        assert_eq!(result.unwrap_err().outcome(), Outcome::Unknown);
        assert_eq!(transport.sent().len(), 1);
    }
    let (result, transport) = send(
        [
            Step::Fail(TransportErrorKind::Connect),
            Step::respond(200, SESSION),
        ],
        minimal(),
    )
    .await;
    assert_eq!(result.unwrap().attempts(), 2);
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_success_is_consistent_and_has_data() {
    for (body, kind) in [
        (
            SESSION.replace("\"success\":true", "\"success\":false"),
            ErrorKind::Api,
        ),
        (
            SESSION.replace("\"status_code\":200", "\"status_code\":422"),
            ErrorKind::Api,
        ),
        (
            r#"{"status_code":401,"success":false,"message_code":"unauthorized"}"#.to_owned(),
            ErrorKind::Credentials,
        ),
        (
            r#"{"success":false,"error_code":"INVALID_INPUT","message":"made-up"}"#.to_owned(),
            ErrorKind::Api,
        ),
        (
            r#"{"success":true,"status_code":200}"#.to_owned(),
            ErrorKind::Decode,
        ),
        (
            r#"{"success":true,"data":null}"#.to_owned(),
            ErrorKind::Decode,
        ),
        (SESSION.replace("aa_1_1", ""), ErrorKind::Decode),
        ("<html>".to_owned(), ErrorKind::Unrecognized),
        (String::new(), ErrorKind::Unrecognized),
        // Anybody may say so.
        (r#"{"success":true}"#.to_owned(), ErrorKind::Unrecognized),
    ] {
        let (result, _) = send([Step::respond(200, body.clone())], minimal()).await;
        assert_eq!(result.unwrap_err().kind(), kind, "{body}");
    }
    let body = r#"{"success":true,"message_code":"success"}"#;
    let (result, _) = send([Step::respond(200, body)], minimal()).await;
    let error = result.unwrap_err();
    assert_eq!(
        error.decode().unwrap().category(),
        DecodeErrorCategory::MissingData
    );
    assert_eq!(error.outcome(), Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_s_code_is_read_from_either_key() {
    for (fields, code) in [
        (r#""message_code":"made_up""#, "made_up"),
        (r#""error_code":"INVALID_INPUT""#, "INVALID_INPUT"),
        (
            r#""error_code":"INVALID_INPUT","message_code":"made_up""#,
            "made_up",
        ),
    ] {
        let body = format!(r#"{{"success":false,"message":"made-up text",{fields}}}"#);
        for status in [200, 422] {
            let (result, _) = send([Step::respond(status, body.clone())], minimal()).await;
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Api, "{status} {fields}");
            assert_eq!(error.fault().unwrap().code(), Some(code), "{status}");
        }
    }
    let page = "<html>Bad Gateway</html>";
    let (result, _) = send([Step::respond(502, page)], minimal()).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Api);
    assert!(error.fault().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_server_error_or_a_contradiction_inside_a_success_is_not_a_refusal() {
    for body in [
        SESSION.replace("\"status_code\":200", "\"status_code\":500"),
        r#"{"success":false,"status_code":503}"#.to_owned(),
        SESSION.replace("\"status_code\":200", "\"status_code\":422"),
    ] {
        let (result, transport) = send([Step::respond(200, body.clone())], minimal()).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Api, Outcome::Unknown),
            "{body}"
        );
        assert_eq!(transport.sent().len(), 1);
    }
    let refused = r#"{"success":false,"status_code":422}"#;
    let (result, _) = send([Step::respond(200, refused)], minimal()).await;
    assert_eq!(result.unwrap_err().outcome(), Outcome::Refused);
}

/// Whether the data parses does not decide whether a refusal is seen: each envelope with and without a session.
#[tokio::test(start_paused = true)]
async fn success_status_and_code_are_read_alike_beside_any_data() {
    use ErrorKind::{Api, Credentials, Decode};
    use Outcome::{Done, Refused, Unknown};

    const USABLE: &str = r#"{"client_id":"c","redirect_url":"https://u.test"}"#;
    // What comes of it beside a session, and beside nothing that is one; `None` is a success.
    for (envelope, beside, alone) in [
        (r#""success":true"#, None, (Decode, Done)),
        (r#""success":"True""#, None, (Decode, Done)),
        (r#""success":1"#, None, (Decode, Done)),
        (r#""success":null"#, None, (Decode, Done)),
        (r#""status_code":200"#, None, (Decode, Done)),
        (r#""success":["x"]"#, None, (Decode, Done)),
        (
            r#""success":null,"message_code":"success""#,
            None,
            (Decode, Done),
        ),
        (
            r#""success":true,"status_code":"4xx""#,
            None,
            (Decode, Done),
        ),
        (
            r#""success":true,"message_code":"made_up""#,
            None,
            (Decode, Done),
        ),
        (r#""success":"off""#, Some((Api, Unknown)), (Api, Refused)),
        (r#""success":-1"#, Some((Api, Unknown)), (Api, Unknown)),
        (r#""success":"maybe""#, Some((Api, Unknown)), (Api, Unknown)),
        (r#""success":["no"]"#, Some((Api, Unknown)), (Api, Unknown)),
        (
            r#""success":true,"status_code":"HTTP 500""#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"status_code":["500"]"#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"status_code":-200"#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"message_code":"verification_failed""#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"error":"boom""#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"errors":[{"code":1}]"#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (r#""success":false"#, Some((Api, Unknown)), (Api, Refused)),
        (r#""success":"False""#, Some((Api, Unknown)), (Api, Refused)),
        (r#""success":0"#, Some((Api, Unknown)), (Api, Refused)),
        (
            r#""success":false,"status_code":500"#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":"false","status_code":"503""#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"status_code":503"#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"status_code":"400""#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"status_code":70000"#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (r#""status_code":422"#, Some((Api, Unknown)), (Api, Refused)),
        (
            r#""message_code":"made_up""#,
            Some((Api, Unknown)),
            (Api, Refused),
        ),
        (
            r#""error_code":"made_up""#,
            Some((Api, Unknown)),
            (Api, Refused),
        ),
        (
            r#""success":true,"error_code":"made_up""#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":true,"message_code":"unauthorized""#,
            Some((Api, Unknown)),
            (Api, Unknown),
        ),
        (
            r#""success":false,"message_code":"unauthorized""#,
            Some((Api, Unknown)),
            (Credentials, Refused),
        ),
    ] {
        let body = format!(r#"{{"data":{USABLE},{envelope}}}"#);
        let (result, transport) = send([Step::respond(200, body.clone())], minimal()).await;
        let found = result.err().map(|error| (error.kind(), error.outcome()));
        assert_eq!(found, beside, "{body}");
        assert_eq!(transport.sent().len(), 1);
        for (data, is_there) in [
            (r#""data":{},"#, false),
            (r#""data":[],"#, false),
            (r#""data":null,"#, false),
            (r#""data":"","#, false),
            ("", false),
            (r#""data":{"client_id":7},"#, true),
            (r#""data":["c"],"#, true),
            (r#""data":"made-up","#, true),
            (r#""data":true,"#, true),
        ] {
            let body = format!("{{{data}{envelope}}}");
            let (result, transport) = send([Step::respond(200, body.clone())], minimal()).await;
            let error = result.unwrap_err();
            // One member is no envelope.
            let members = [
                "data",
                "success",
                "status_code",
                "message_code",
                "error_code",
            ];
            let members = members.map(|name| usize::from(body.contains(&format!("\"{name}\":"))));
            let own = members.iter().sum::<usize>() > 1;
            let expected = match beside {
                Some(contradicted) if is_there && own => contradicted,
                _ if own => alone,
                _ => (ErrorKind::Unrecognized, Unknown),
            };
            assert_eq!((error.kind(), error.outcome()), expected, "{body}");
            assert_eq!(transport.sent().len(), 1);
        }
    }
}

/// Under a status that refuses, a session, or a body that tells a success or a failure of a server. Nothing is repeated:
/// each call opens a session.
#[tokio::test(start_paused = true)]
async fn a_status_that_refuses_what_the_body_says_was_done_leaves_it_open() {
    for status in [307, 400, 401, 404, 408, 409, 424, 429, 499, 503] {
        for body in [
            SESSION,
            r#"{"status_code":200,"success":false,"message_code":"made_up"}"#,
            r#"{"status_code":200,"message_code":"unauthorized"}"#,
            r#"{"status_code":500,"success":false}"#,
            r#"{"success":true,"message_code":"made_up"}"#,
        ] {
            let (result, transport) = send([Step::respond(status, body)], minimal()).await;
            let error = result.unwrap_err();
            let found = (error.kind(), error.outcome());
            assert_eq!(found, (ErrorKind::Api, Outcome::Unknown), "{status} {body}");
            assert_eq!(transport.sent().len(), 1);
        }
    }
}

/// A gateway's words are not Finpass's: neither a refusal nor done.
#[tokio::test(start_paused = true)]
async fn one_member_that_others_use_too_vouches_for_nothing() {
    for body in [
        r#"{"data":null,"errors":[{"message":"made-up"}]}"#,
        r#"{"status_code":200}"#,
        r#"{"message_code":"maintenance"}"#,
        r#"{"message":"made-up","success":false}"#,
    ] {
        for (status, outcome) in [(200, Outcome::Unknown), (400, Outcome::Refused)] {
            let (result, _) = send([Step::respond(status, body)], minimal()).await;
            let error = result.unwrap_err();
            let found = (error.kind(), error.outcome());
            assert_eq!(found, (ErrorKind::Unrecognized, outcome), "{status} {body}");
            assert!(error.fault().is_none(), "{status} {body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_and_is_not_needed_does_no_harm() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for odd in [r#""\ud800""#, "1e999", "[1e999]", &deep] {
        for (of, with) in [
            (r#""message":"Success""#, format!(r#""message":{odd}"#)),
            (r#""email_id":null"#, format!(r#""email_id":{odd}"#)),
            (r#""pan_number":null"#, format!(r#""pan_number":{odd}"#)),
        ] {
            let (result, _) =
                send([Step::respond(200, SESSION.replace(of, &with))], minimal()).await;
            assert!(result.is_ok(), "{with}");
        }
    }
}

/// Each odd member costs itself: the URL is read, and the id.
#[tokio::test(start_paused = true)]
async fn a_session_is_read_in_spite_of_odd_members() {
    for (of, with) in [
        (r#""status_code":200"#, r#""status_code":"200""#),
        (r#""status_code":200"#, r#""status_code":["200"]"#),
        (r#""success":true"#, r#""success":"TRUE""#),
        (r#""success":true"#, r#""success":1,"error_code":0"#),
        (r#""message":"Success""#, r#""message":["Success"]"#),
        (
            r#""message_code":"success""#,
            r#""message_code":{"is":"success"}"#,
        ),
        (
            r#""message_code":"success""#,
            r#""message_code":" SUCCESS ""#,
        ),
        (r#""aa_1_1""#, "7"),
    ] {
        assert!(SESSION.contains(of), "{of}");
        let (result, _) = send([Step::respond(200, SESSION.replace(of, with))], minimal()).await;
        let session = result.unwrap().into_value();
        let id = if with == "7" { "7" } else { "aa_1_1" };
        assert_eq!(session.data.client_id.as_str(), id, "{with}");
        assert!(!session.data.consent_url.expose().is_empty(), "{with}");
    }
}

/// In any case and of any type, and the code is told whatever stands beside it.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_read_member_by_member() {
    use ErrorKind::{Api, Credentials};
    for (status, body, kind, code) in [
        (
            200,
            r#"{"success":"No","message_code":"made_up"}"#,
            Api,
            Some("made_up"),
        ),
        (200, r#"{"success":"FAILED","data":null}"#, Api, None),
        (200, r#"{"success":0,"error_code":4001}"#, Api, Some("4001")),
        (
            200,
            r#"{"success":false,"message_code":"UNAUTHORIZED"}"#,
            Credentials,
            Some("UNAUTHORIZED"),
        ),
        (
            422,
            r#"{"success":true,"message_code":"made_up"}"#,
            Api,
            Some("made_up"),
        ),
        (
            422,
            r#"{"message_code":"made_up","message":["m"],"status_code":{}}"#,
            Api,
            Some("made_up"),
        ),
        (
            422,
            r#"{"message_code":"made_up","success":null,"message":1,"message":2}"#,
            Api,
            Some("made_up"),
        ),
        (
            422,
            r#"{"message_code":"made_up","data":"cut o"#,
            Api,
            Some("made_up"),
        ),
        (
            401,
            r#"{"success":"false","message_code":["x"]}"#,
            Credentials,
            None,
        ),
    ] {
        let (result, _) = send([Step::respond(status, body)], minimal()).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), kind, "{body}");
        assert_eq!(error.fault().unwrap().code(), code, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_does_no_harm_where_it_only_informs() {
    for (of, repeats, read) in [
        (
            r#""message":"Success""#,
            r#""message":"Success","message":"b""#,
            true,
        ),
        (
            r#""email_id":null"#,
            r#""email_id":null,"email_id":7"#,
            true,
        ),
        (
            r#""success":true"#,
            r#""success":true,"success":false"#,
            false,
        ),
        (
            r#""status_code":200"#,
            r#""status_code":200,"status_code":500"#,
            false,
        ),
        (
            r#""client_id":"aa_1_1""#,
            r#""client_id":"aa_1_1","client_id":"b""#,
            false,
        ),
    ] {
        let (result, _) = send(
            [Step::respond(200, SESSION.replace(of, repeats))],
            minimal(),
        )
        .await;
        let found = result.err().map(|error| (error.kind(), error.outcome()));
        let expected = (!read).then_some((ErrorKind::Decode, Outcome::Done));
        assert_eq!(found, expected, "{repeats}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_without_its_id_or_url_says_what_is_missing() {
    for (of, with, path) in [
        ("aa_1_1", " ", "$.data.client_id"),
        ("aa_1_1", "", "$.data.client_id"),
        (
            "https://consent.example.test/?fi=QUJD+Rg==&reqdateX==",
            "",
            "$.data.redirect_url",
        ),
        (
            "https://consent.example.test/?fi=QUJD+Rg==&reqdateX==",
            " ",
            "$.data.redirect_url",
        ),
    ] {
        let (result, _) = send([Step::respond(200, SESSION.replace(of, with))], minimal()).await;
        let error = result.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Done, "{path}");
        assert_eq!(error.decode().unwrap().path(), path);
    }
    for (body, expected) in [
        (
            r#"{"data":["c",null,null,null,"u"],"success":true}"#,
            (ErrorKind::Decode, Outcome::Done),
        ),
        (
            r#"[["c",null,null,null,"u"],200,true,null,null,null]"#,
            (ErrorKind::Unrecognized, Outcome::Unknown),
        ),
    ] {
        let (result, _) = send([Step::respond(200, body)], minimal()).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), expected, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_browser_is_never_sent_to_what_is_no_web_address() {
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "about:blank",
        "/relative",
        "null",
        "https://x.test/\\r\\nx",
        " https://x.test",
    ] {
        let body = SESSION.replace("https://consent.example.test/?fi=QUJD+Rg==&reqdateX==", url);
        let (result, _) = send([Step::respond(200, body)], minimal()).await;
        let error = result.expect_err(url);
        assert_eq!(error.outcome(), Outcome::Done, "{url}");
        assert_eq!(error.decode().unwrap().path(), "$.data.redirect_url");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_for_another_person_is_refused() {
    let echoing = async |echo: &str| {
        let session = SESSION.replace("9000000001", echo);
        send([Step::respond(200, session)], minimal()).await
    };
    for form in [
        "900000000_",
        "+91900000000_",
        "91900000000_",
        "0900000000_",
        "091900000000_",
        "0091-900000000_",
        "90000 0000_",
        "+91 90000-0000_",
        "(+91) 900.000.000_",
    ] {
        let (result, transport) = echoing(&form.replace('_', "2")).await;
        let error = result.expect_err(form);
        assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(transport.sent().len(), 1);
        let (result, _) = echoing(&form.replace('_', "1")).await;
        assert!(result.is_ok(), "{form} is the same number");
    }
    // What is seen of a masked number contradicts, or does not.
    for echo in [
        "90XXXXXX02",
        "XXXXXX9999",
        "+91 91XXXXXX01",
        "****02",
        "91xxxxxxxxx2",
        "X000000002",
    ] {
        let (result, _) = echoing(echo).await;
        let error = result.expect_err(echo);
        assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
    }
    for echo in [
        "90XXXXXX01",
        "XXXXXX0001",
        "+91 90XXXXXX01",
        "****01",
        "91xxxxxxxxx1",
        "XXXXXXXXXX",
        "XX9X01",
    ] {
        let (result, _) = echoing(echo).await;
        assert!(result.is_ok(), "{echo} may be the same number");
    }
    for echo in ["", "02", "1-9000000002", "9000000002 or so"] {
        let (result, _) = echoing(echo).await;
        assert!(result.is_ok(), "{echo} is no other number for certain");
    }
}

/// The echo is optional, so the connection has to keep replies apart.
#[test]
fn no_request_shares_a_connection() {
    for entry in FinpassClient::CATALOGUE {
        let operation = entry.operation();
        assert!(!operation.reply_is_correlated, "{}", operation.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pan_that_is_not_echoed_is_reported() {
    let with_pan = minimal().set_pan_number(Pan::parse("AAAAA0000A").unwrap());
    let (result, _) = send([Step::respond(200, SESSION)], with_pan.clone()).await;
    assert!(result.unwrap().value().data.pan_ignored);
    let echoed = SESSION.replace("\"pan_number\":null", "\"pan_number\":\"AAAAA0000A\"");
    let (result, _) = send([Step::respond(200, echoed)], with_pan).await;
    assert!(!result.unwrap().value().data.pan_ignored);
    let (result, _) = send([Step::respond(200, SESSION)], minimal()).await;
    assert!(!result.unwrap().value().data.pan_ignored);
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_and_missing_echoes_do_no_harm() {
    let body = r#"{"new":1,"success":true,"data":{"client_id":"x","redirect_url":"https://u.test","new":[]}}"#;
    let (result, _) = send([Step::respond(200, body)], minimal()).await;
    let value = result.unwrap().into_value();
    assert_eq!(value.data.mobile_number, None);
    assert_eq!(value.status_code, None);
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    let request = minimal()
        .set_pan_number(Pan::parse("AAAAA0000A").unwrap())
        .set_email(Email::parse("person@example.test").unwrap())
        .set_webhook_url("https://lender.example.test/hook")
        .set_return_url("https://lender.example.test/done");
    let mut printed = format!("{request:?} {request:#?}");
    let (result, _) = send([Step::respond(200, SESSION)], request).await;
    printed += &format!("{result:?} {result:#?}");
    assert!(printed.contains("Envelope { data: "), "{printed}");
    for odd in ["9000000001", "AAAAA0000A", "person@example.test\\n"] {
        let session = SESSION.replace("aa_1_1", odd);
        let session = session.replace("\"success\"}", &format!("\"{odd}\"}}"));
        let (result, _) = send([Step::respond(200, session)], minimal()).await;
        // An id has no control character.
        assert_eq!(result.is_err(), odd.contains('\\'), "{odd}");
        printed += &format!("{result:?}");
    }
    let echo = r#"{"success":false,"message":"9000000001 AAAAA0000A","message_code":"9000000001"}"#;
    let (result, _) = send([Step::respond(400, echo)], minimal()).await;
    let error = result.unwrap_err();
    printed += &format!("{error} {error:?} {}", error.report());
    printed += &format!(
        "{:?} {:?}",
        finpass("https://api.finpass.ai"),
        ApiKey::new("made-up-key").unwrap()
    );
    for canary in [
        "9000000001",
        "AAAAA0000A",
        "person@",
        "lender.example",
        "consent.example",
        "made-up-key",
        FINPASS_API_KEY,
        FINPASS_API_SECRET,
    ] {
        assert!(!printed.contains(canary), "{canary} in {printed}");
    }
}

#[test]
fn the_number_and_the_pan_are_checked_against_the_rules_of_their_kind() {
    let client = FinpassClient::builder(finpass("https://api.finpass.ai"))
        .transport(Arc::new(ScriptedTransport::new([])))
        .build()
        .unwrap();
    let findings = |mobile: &str, pan: &str| {
        let request = Initialize::new(
            Mobile::parse(mobile).unwrap(),
            ConsentType::LoanUnderwriting,
        );
        let request = request.set_pan_number(Pan::parse(pan).unwrap());
        let findings = client.client().lint(&request);
        findings
            .iter()
            .map(|finding| finding.field())
            .collect::<Vec<_>>()
    };
    assert_eq!(findings("9000000001", "AAAPT1234Z"), [""; 0]);
    assert_eq!(
        findings("5000000001", "AAACT1234Z"),
        ["mobile_number", "pan_number"]
    );
}

#[tokio::test(start_paused = true)]
async fn no_value_of_a_request_has_a_control_character() {
    for kind in [
        "loan\u{1b}[31m",
        "loan\nunderwriting",
        "loan\u{85}",
        "\u{7f}",
        "",
    ] {
        let request = Initialize::new(
            Mobile::parse("9000000001").unwrap(),
            ConsentType::from(kind),
        );
        let (result, transport) = send([], request).await;
        let error = result.unwrap_err();
        assert_eq!(error.invalid_request().unwrap().field(), "consent_type");
        assert!(transport.sent().is_empty());
    }
}
