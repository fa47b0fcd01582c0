//! The request's bytes, inputs that are refused, and replies that no fixture has.

use std::sync::Arc;

use deepvue_digilocker::provider_core::testing::{
    FixedClock, ScriptedTransport, Step, conformance,
};
use deepvue_digilocker::provider_core::{
    DecodeErrorCategory, Endpoint, Error, ErrorKind, Idempotency, Outcome, Response,
    TransportErrorKind,
};
use deepvue_digilocker::{
    ClientSecret, Consent, Detail, DigilockerClient, DocType, InitiateSession, InitiatedSession,
    SubCode, purpose,
};
use kyc_sandbox::credentials::{DEEPVUE_CLIENT_ID, DEEPVUE_CLIENT_SECRET};

use crate::sandbox::deepvue;

const SESSION: &str = r#"{"code":201,"timestamp":1738305237960,"transaction_id":"0c8c7833678e412f",
    "data":{"authorization_url":"https://consent.example.test/redirect?state=0c8c+7833=="}}"#;

const CREDENTIALS: [(&str, &str); 2] = [
    ("client-id", DEEPVUE_CLIENT_ID),
    ("x-api-key", DEEPVUE_CLIENT_SECRET),
];

fn minimal() -> InitiateSession {
    InitiateSession::without_redirect(Consent::given_by_person(), "KYC of a new customer")
}

async fn send(
    steps: impl IntoIterator<Item = Step>,
    request: InitiateSession,
) -> (Result<Response<InitiatedSession>, Error>, ScriptedTransport) {
    let transport = ScriptedTransport::new(steps);
    let client = DigilockerClient::builder(deepvue("https://production.deepvue.tech"))
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    let result = client.initiate_session(request).await;
    (result, transport)
}

/// Sends a request and returns the result of this reply.
async fn read(status: u16, body: &str) -> Result<InitiatedSession, Error> {
    let (result, _) = send([Step::respond(status, body.to_owned())], minimal()).await;
    result.map(Response::into_value)
}

#[tokio::test(start_paused = true)]
async fn the_full_request_is_the_documented_one() {
    let request = InitiateSession::new(
        Consent::given_by_person(),
        purpose::KYC,
        "https://lender.example.test/back?case=1",
    )
    .set_doc_types([DocType::Aadhaar, DocType::Pan, DocType::Dl]);
    let (_, transport) = send([Step::respond(201, SESSION)], request).await;
    insta::assert_snapshot!(transport.only().golden());
}

#[tokio::test(start_paused = true)]
async fn absent_and_empty_fields_are_not_sent() {
    for request in [minimal(), minimal().set_doc_types([])] {
        let (_, transport) = send([Step::respond(201, SESSION)], request).await;
        assert_eq!(
            transport.only().body,
            r#"{"consent":"Y","purpose":"KYC of a new customer"}"#
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_credential_is_sent_once_in_its_own_header() {
    let (_, transport) = send([Step::respond(201, SESSION)], minimal()).await;
    let sent = transport.only();
    for (name, value) in [
        ("client-id", DEEPVUE_CLIENT_ID),
        ("x-api-key", DEEPVUE_CLIENT_SECRET),
    ] {
        assert_eq!(sent.headers.get_all(name).iter().count(), 1, "{name}");
        assert!(sent.headers[name].is_sensitive(), "{name}");
        assert_eq!(sent.header(name), value, "{name}");
    }
    assert!(!sent.headers.contains_key("authorization"));
}

#[test]
fn rate_limit_headers_are_ignored() {
    conformance::rate_limit_headers_are_ignored(&deepvue("https://production.deepvue.tech"));
}

/// Inserted, not appended: a second value of a credential would be refused, or worse, accepted.
#[test]
fn credentials_replace_existing_header_values() {
    let provider = deepvue("https://production.deepvue.tech");
    conformance::credentials_replace_existing_header_values(&provider, &CREDENTIALS);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_input_is_named() {
    let consent = Consent::given_by_person();
    for (request, field) in [
        (InitiateSession::without_redirect(consent, ""), "purpose"),
        (
            InitiateSession::without_redirect(consent, " \t\n"),
            "purpose",
        ),
        (InitiateSession::new(consent, "KYC", ""), "redirect_url"),
        (
            minimal().set_doc_types([DocType::Aadhaar, DocType::from("")]),
            "doc_types[1]",
        ),
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
async fn other_document_types_are_sent_as_they_are() {
    let request = minimal().set_doc_types([DocType::from("passport"), DocType::from("passport")]);
    let (_, transport) = send([Step::respond(201, SESSION)], request).await;
    assert_eq!(
        transport.only().json()["doc_types"],
        serde_json::json!(["passport", "passport"])
    );
}

#[tokio::test(start_paused = true)]
async fn every_2xx_is_a_success_and_the_url_is_kept_byte_for_byte() {
    for status in [200, 201, 202, 299] {
        let session = read(status, SESSION).await.unwrap();
        assert_eq!(session.code, Some(201), "{status}");
        assert_eq!(
            session.data.authorization_url.expose(),
            "https://consent.example.test/redirect?state=0c8c+7833=="
        );
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_id_and_the_url_are_required() {
    let data = r#""transaction_id":"t","data":{"authorization_url":"https://u.test","new":1}"#;
    for extra in [
        "",
        r#","timestamp":null"#,
        r#","timestamp":1738305237960,"code":200"#,
        r#","code":null,"sub_code":null,"message":null,"detail":null"#,
        r#","code":399"#,
        r#","sub_code":"MADE_UP","message":"made-up","new":{}"#,
    ] {
        let session = read(200, &format!("{{{data}{extra}}}")).await.unwrap();
        assert_eq!(session.transaction_id.as_str(), "t", "{extra}");
        assert_eq!(
            session.timestamp.is_some(),
            extra.contains("1738305237960"),
            "{extra}"
        );
    }
    let session = read(200, &format!("{{{data},\"sub_code\":\"MADE_UP\"}}")).await;
    assert_eq!(session.unwrap().sub_code, Some(SubCode::from("MADE_UP")));
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
        let body = format!(r#"{{"transaction_id":"t","data":{{"authorization_url":"{url}"}}}}"#);
        let error = read(200, &body).await.expect_err(url);
        assert_eq!(error.outcome(), Outcome::Done, "{url}");
        assert_eq!(error.decode().unwrap().path(), "$.data.authorization_url");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_without_a_session_names_the_missing_field() {
    for (body, category, path) in [
        (
            r#"{"code":200,"transaction_id":"t"}"#,
            DecodeErrorCategory::MissingData,
            "$.data",
        ),
        (
            r#"{"code":200,"transaction_id":"t","data":null,"detail":null}"#,
            DecodeErrorCategory::MissingData,
            "$.data",
        ),
        (
            r#"{"data":{"authorization_url":"https://u.test"}}"#,
            DecodeErrorCategory::MissingData,
            "$.transaction_id",
        ),
        (
            r#"{"transaction_id":"t","data":{}}"#,
            DecodeErrorCategory::Shape,
            "$.data",
        ),
        (
            r#"{"transaction_id":"t","data":[],"detail":null}"#,
            DecodeErrorCategory::Shape,
            "$.data",
        ),
        (
            r#"{"transaction_id":"","data":{"authorization_url":"https://u.test"}}"#,
            DecodeErrorCategory::MissingData,
            "$.transaction_id",
        ),
        (
            r#"{"transaction_id":" ","data":{"authorization_url":"https://u.test"}}"#,
            DecodeErrorCategory::MissingData,
            "$.transaction_id",
        ),
        (
            r#"{"transaction_id":9007199254740993,"data":{"authorization_url":"https://u.test"}}"#,
            DecodeErrorCategory::MissingData,
            "$.transaction_id",
        ),
        (
            r#"{"transaction_id":["t"],"data":{"authorization_url":"https://u.test"}}"#,
            DecodeErrorCategory::MissingData,
            "$.transaction_id",
        ),
        (
            r#"{"transaction_id":"t","data":{"authorization_url":""}}"#,
            DecodeErrorCategory::MissingData,
            "$.data.authorization_url",
        ),
        (
            r#"{"transaction_id":"t","data":{"authorization_url":" "}}"#,
            DecodeErrorCategory::MissingData,
            "$.data.authorization_url",
        ),
        (
            r#"{"transaction_id":"t","data":["u"]}"#,
            DecodeErrorCategory::Shape,
            "$.data",
        ),
        (
            r#"[201,1,"t","SUCCESS",true,"m",null,{"authorization_url":"https://u.test"}]"#,
            DecodeErrorCategory::Shape,
            "$",
        ),
        ("<html>", DecodeErrorCategory::Syntax, "$"),
        ("", DecodeErrorCategory::Truncated, "$"),
    ] {
        let error = read(200, body).await.unwrap_err();
        // What has too little of Deepvue's envelope may be a gateway's, and does not say that it was done.
        let expected = match body.contains("transaction_id") || body.contains("code") {
            false => (ErrorKind::Unrecognized, Outcome::Unknown),
            true => (ErrorKind::Decode, Outcome::Done),
        };
        assert_eq!((error.kind(), error.outcome()), expected, "{body}");
        let decode = error.decode().unwrap();
        assert_eq!(
            (decode.category(), decode.path()),
            (category, path),
            "{body}"
        );
    }
}

/// Whether the data parses does not decide whether a refusal is seen: each envelope with and without a session.
#[tokio::test(start_paused = true)]
async fn detail_and_codes_are_read_alike_beside_any_data() {
    use ErrorKind::{Api, Credentials, Decode};
    use Outcome::{Done, Refused, Unknown};

    let deep = format!(r#""detail":{}{}"#, "[".repeat(200), "]".repeat(200));
    let data = r#""transaction_id":"t","data":{"authorization_url":"https://u.test"}"#;
    // What comes of it alone; beside data it is a contradiction, whose outcome is not known.
    for (envelope, alone) in [
        (r#""code":201"#, (Decode, Done)),
        (r#""detail":"""#, (Decode, Done)),
        (r#""detail":" ""#, (Decode, Done)),
        (r#""detail":[]"#, (Decode, Done)),
        (r#""detail":{ }"#, (Decode, Done)),
        (r#""detail":null"#, (Decode, Done)),
        (r#""detail":false"#, (Decode, Done)),
        (
            r#""code":201,"sub_code":"SUCCESS","success":true"#,
            (Decode, Done),
        ),
        (r#""code":201,"sub_code":"MADE_UP""#, (Decode, Done)),
        (
            r#""code":201,"message":"\udc00","timestamp":1e999,"message":"a""#,
            (Decode, Done),
        ),
        (r#""detail":"created""#, (Api, Refused)),
        (r#""detail":"Source Unavailable""#, (Api, Unknown)),
        (r#""detail":"Inactive client_id""#, (Credentials, Refused)),
        (r#""detail":[{"loc":["body","consent"]}]"#, (Api, Refused)),
        (r#""detail":true"#, (Api, Refused)),
        (r#""detail":1e400"#, (Api, Refused)),
        (r#""detail":"\ud800""#, (Api, Refused)),
        (&deep, (Api, Refused)),
        (r#""code":400"#, (Api, Refused)),
        (r#""code":"400""#, (Api, Refused)),
        (r#""code":422,"message":"made-up""#, (Api, Refused)),
        (r#""code":401"#, (Credentials, Refused)),
        (r#""code":403,"detail":"made-up""#, (Credentials, Refused)),
        (r#""code":503"#, (Api, Unknown)),
        (r#""code":"503","message":"made-up""#, (Api, Unknown)),
        (r#""code":70000"#, (Api, Unknown)),
        (r#""code":200,"sub_code":"FAILURE""#, (Api, Refused)),
        (r#""sub_code":"failed""#, (Api, Refused)),
        (r#""code":200,"success":false"#, (Api, Refused)),
        (r#""code":200,"success":"false""#, (Api, Refused)),
        (r#""code":"E400""#, (Api, Refused)),
        (r#""code":[400]"#, (Api, Refused)),
        (r#""code":"HTTP 500""#, (Api, Unknown)),
        (r#""code":-1"#, (Api, Unknown)),
        (r#""code":200,"sub_code":"INVALID_CONSENT""#, (Api, Unknown)),
        (r#""code":200,"sub_code":["DENIED"]"#, (Api, Unknown)),
        (r#""code":200,"success":"off""#, (Api, Refused)),
        (r#""code":200,"success":-1"#, (Api, Unknown)),
        (r#""code":200,"status":"declined""#, (Api, Unknown)),
        (r#""code":200,"error":"boom""#, (Api, Refused)),
        (r#""code":200,"errors":["boom"]"#, (Api, Refused)),
    ] {
        let body = format!("{{{data},{envelope}}}");
        let found = read(200, &body).await.err();
        let refused = alone.0 != Decode;
        assert_eq!(
            found.as_ref().map(|error| (error.kind(), error.outcome())),
            refused.then_some((Api, Unknown)),
            "{body}"
        );
        assert!(found.is_none_or(|error| error.fault().is_some()), "{body}");
        for (data, is_there) in [
            (r#""data":{},"#, false),
            (r#""data":[],"#, false),
            (r#""data":null,"#, false),
            (r#""data":" ","#, false),
            ("", false),
            (r#""transaction_id":"t","#, false),
            (r#""data":"made-up","#, true),
            (r#""data":["u"],"#, true),
            (r#""data":7,"#, true),
            (r#""data":{"authorization_url":{"href":"u"}},"#, true),
        ] {
            let body = format!("{{{data}{envelope}}}");
            let error = read(200, &body).await.unwrap_err();
            // One member that others use too is no envelope; a refusal may consist of `detail`.
            let common = [r#""data""#, r#""code""#, r#""sub_code""#];
            let common = common.iter().filter(|name| body.contains(**name)).count();
            let own = body.contains("_id") || common > 1;
            let is_read = own || body.contains(r#""detail""#);
            let expected = match refused {
                true if is_there && is_read => (Api, Unknown),
                true if is_read => alone,
                false if own => alone,
                _ => (ErrorKind::Unrecognized, Unknown),
            };
            assert_eq!((error.kind(), error.outcome()), expected, "{body}");
            assert_eq!(error.fault().is_some(), refused && is_read, "{body}");
        }
    }
}

/// Under a status that refuses, a session, or a body that tells a success or a failure of a server. Nothing is repeated:
/// each call opens a session.
#[tokio::test(start_paused = true)]
async fn a_status_that_refuses_what_the_body_says_was_done_leaves_it_open() {
    let session =
        r#"{"code":201,"transaction_id":"t","data":{"authorization_url":"https://u.test"}}"#;
    for status in [400, 401, 404, 408, 409, 424, 429, 499] {
        for body in [
            session,
            r#"{"transaction_id":"t","data":{"authorization_url":"https://u.test"}}"#,
            r#"{"code":200,"detail":"made-up"}"#,
            r#"{"code":500,"data":null}"#,
            r#"{"detail":"Internal Server Error"}"#,
            r#"{"code":422,"sub_code":"SUCCESS"}"#,
        ] {
            let error = read(status, body).await.unwrap_err();
            let found = (error.kind(), error.outcome(), error.attempts());
            assert_eq!(
                found,
                (ErrorKind::Api, Outcome::Unknown, 1),
                "{status} {body}"
            );
            let text = error.to_string();
            assert!(text.contains("the reply contradicts itself"), "{text}");
        }
    }
    let error = read(503, session).await.unwrap_err();
    let found = (error.kind(), error.outcome(), error.attempts());
    assert_eq!(found, (ErrorKind::Api, Outcome::Unknown, 1));
}

/// Each odd member costs itself: the URL is read, and the id.
#[tokio::test(start_paused = true)]
async fn a_session_is_read_in_spite_of_odd_members() {
    let data = r#""data":{"authorization_url":"https://x.example.test"}"#;
    for (members, code, id) in [
        (r#""code":"201","transaction_id":"t""#, Some(201), "t"),
        (r#""code":" 201 ","transaction_id":7"#, Some(201), "7"),
        (
            r#""code":["201"],"transaction_id":"t","message":["m"]"#,
            None,
            "t",
        ),
        (
            r#""transaction_id":"t","timestamp":"1.5","sub_code":{"a":1}"#,
            None,
            "t",
        ),
        (
            r#""transaction_id":"t","detail":"","success":"Yes""#,
            None,
            "t",
        ),
        (
            r#""transaction_id":"t","detail":[],"code":201.0"#,
            Some(201),
            "t",
        ),
    ] {
        let session = read(201, &format!("{{{members},{data}}}")).await.unwrap();
        assert_eq!(session.code, code, "{members}");
        assert_eq!(session.transaction_id.as_str(), id, "{members}");
        let url = session.data.authorization_url.expose();
        assert_eq!(url, "https://x.example.test", "{members}");
    }
}

/// A refusal's code is told whatever stands beside it, and whatever its status.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_read_member_by_member() {
    for (body, code) in [
        (
            r#"{"code":400,"sub_code":"INVALID_X","message":["m"]}"#,
            Some("INVALID_X"),
        ),
        (
            r#"{"code":"422","sub_code":"MADE_UP","message":1,"message":2}"#,
            Some("MADE_UP"),
        ),
        (
            r#"{"sub_code":"FAILED","success":{},"code":"400"}"#,
            Some("FAILED"),
        ),
        (r#"{"sub_code":"MADE_UP","data":"cut o"#, Some("MADE_UP")),
        (
            r#"{"detail":[{"type":"missing","loc":7,"msg":null}],"detail":1}"#,
            Some("missing"),
        ),
        (r#"{"success":"NO","data":null,"code":[]}"#, None),
    ] {
        let error = read(400, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api, "{body}");
        assert_eq!(error.fault().unwrap().code(), code, "{body}");
    }
    for text in ["INACTIVE CLIENT_ID", " not authenticated. "] {
        let error = read(200, &format!(r#"{{"detail":"{text}"}}"#))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn detail_is_text_a_list_or_anything_else() {
    let v1 = r#"[{"loc":["body","doc_types",0],"msg":"made-up","type":"type_error.enum"},
        {"loc":["body","purpose"],"msg":"field required","type":"value_error.missing"}]"#;
    let v2 = r#"[{"type":"missing","loc":["body","consent"],"msg":"Field required",
        "input":{"purpose":"x"},"ctx":{"a":1},"url":"https://errors.example.test"}]"#;
    let missing = Some("the field `consent` was refused");
    for (detail, code, message, meaning) in [
        (r#""made-up text""#, None, Some("made-up text"), None),
        (
            v1,
            Some("type_error.enum"),
            Some("body.doc_types.0: made-up; body.purpose: field required"),
            Some("the field `doc_types` was refused"),
        ),
        (
            v2,
            Some("missing"),
            Some("body.consent: Field required"),
            missing,
        ),
        (
            r#"[{"loc":"consent","msg":1}]"#,
            None,
            Some("consent: 1"),
            missing,
        ),
        ("[{}]", None, Some(": "), None),
        (
            r#"[{"loc":["body","other"],"msg":"x","type":"y"}]"#,
            Some("y"),
            Some("body.other: x"),
            None,
        ),
        (r#"["text"]"#, None, Some(r#"["text"]"#), None),
        (
            r#"[{"loc":["body","consent"],"type":7},"text",[1e999]]"#,
            Some("7"),
            Some("body.consent: ; : text"),
            missing,
        ),
        (r#"["text",1]"#, None, Some(r#"["text",1]"#), None),
        (r#"{"a":1}"#, None, Some(r#"{"a":1}"#), None),
        ("7", None, Some("7"), None),
    ] {
        let error = read(422, &format!(r#"{{"detail":{detail}}}"#))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api, "{detail}");
        assert_eq!(error.outcome(), Outcome::Refused, "{detail}");
        let fault = error.fault().unwrap();
        assert_eq!(
            (fault.code(), fault.message(), fault.meaning()),
            (code, message, meaning),
            "{detail}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn detail_can_be_read_from_an_error() {
    let body = r#"{"detail":[{"loc":["body","consent"],"msg":"CANARY","type":"missing"}]}"#;
    let error = read(422, body).await.unwrap_err();
    let detail = Detail::of(error.raw_response().unwrap()).unwrap();
    let Detail::Items(items) = &detail else {
        panic!("{detail:?}");
    };
    assert_eq!(items[0].location.expose(), "body.consent");
    assert_eq!(items[0].message.as_ref().unwrap().expose(), "CANARY");
    assert_eq!(items[0].kind.as_deref(), Some("missing"));

    for body in [
        "{}",
        r#"{"detail":null}"#,
        r#"{"detail":""}"#,
        r#"{"detail":[]}"#,
        r#"{"detail":false}"#,
        "[]",
        "<html>",
        "",
    ] {
        let error = read(422, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unrecognized, "{body}");
        assert!(
            Detail::of(error.raw_response().unwrap()).is_none(),
            "{body}"
        );
        assert!(error.fault().is_none(), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_documented_sentences_about_credentials_are_credentials_errors() {
    for text in [
        "Inactive client_id",
        "Not authenticated",
        "Not a valid token",
        "Could not validate credentials",
        "Authorization failure",
        "Invalid client_id",
        "Invalid client_id or client_secret, access Denied",
        "Incorrect client_id or client_secret",
    ] {
        for status in [400, 401, 403] {
            let error = read(status, &format!(r#"{{"detail":"{text}"}}"#))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credentials, "{status} {text}");
            assert_eq!(error.outcome(), Outcome::Refused, "{status} {text}");
            assert!(error.fault().unwrap().meaning().is_some(), "{text}");
        }
    }
    for status in [401, 403] {
        let error = read(status, "<html>").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unrecognized, "{status}");
        let error = read(status, r#"{"detail":"made-up"}"#).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_never_opened_twice() {
    assert_eq!(InitiateSession::OPERATION.idempotency, Idempotency::Unsafe);
    for step in [
        Step::Fail(TransportErrorKind::Interrupted),
        Step::Fail(TransportErrorKind::Timeout),
        Step::respond(408, ""),
        Step::respond(500, r#"{"detail":"Internal Server Error"}"#),
        Step::respond(502, "<html>Bad Gateway</html>"),
        Step::respond(503, r#"{"detail":"Source Unavailable"}"#),
        Step::Hang,
    ] {
        let place = format!("{step:?}");
        let (result, transport) = send([step], minimal()).await;
        assert_eq!(result.unwrap_err().outcome(), Outcome::Unknown, "{place}");
        assert_eq!(transport.sent().len(), 1, "{place}");
    }
    for step in [
        Step::Fail(TransportErrorKind::Connect),
        Step::respond(429, r#"{"detail":"Rate limit exceeded."}"#),
    ] {
        let place = format!("{step:?}");
        let (result, transport) = send([step, Step::respond(201, SESSION)], minimal()).await;
        assert_eq!(result.unwrap().attempts(), 2, "{place}");
        assert_eq!(transport.sent().len(), 2, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    let request = InitiateSession::new(
        Consent::given_by_person(),
        "KYC of a new customer",
        "https://lender.example.test/back",
    )
    .set_doc_types([DocType::from("CANARY")]);
    let mut printed = format!("{request:?} {request:#?}");
    let session = SESSION.replacen('{', r#"{"message":"CANARY","sub_code":"CANARY","#, 1);
    let (result, _) = send([Step::respond(201, session)], request).await;
    printed += &format!("{result:?} {result:#?}");
    let items = r#"{"detail":[{"loc":["body","CANARY"],"msg":"CANARY","type":"CANARY 1",
        "input":"CANARY"}]}"#;
    for (status, body) in [
        (422, items),
        (200, items),
        (400, r#"{"detail":"CANARY"}"#),
        (400, r#"{"detail":{"CANARY":"CANARY"}}"#),
        (200, r#"{"transaction_id":"t","data":"CANARY"}"#),
        (200, r#"{"code":"CANARY"}"#),
        (200, "CANARY"),
        (503, "CANARY"),
    ] {
        let error = read(status, body).await.unwrap_err();
        printed += &format!("{error} {error:?} {error:#?} {}", error.report());
        let detail = Detail::of(error.raw_response().unwrap());
        printed += &format!("{detail:?} {detail:#?}");
    }
    printed += &format!(
        "{:?} {:#?} {:?}",
        deepvue("https://production.deepvue.tech"),
        deepvue("https://production.deepvue.tech"),
        ClientSecret::new("made-up-secret\n").unwrap_err(),
    );
    for canary in [
        "CANARY",
        "lender.example",
        "consent.example",
        "made-up-secret",
        DEEPVUE_CLIENT_ID,
        DEEPVUE_CLIENT_SECRET,
    ] {
        assert!(!printed.contains(canary), "{canary} in {printed}");
    }
}
