//! The request's bytes, inputs that are refused, and replies that no fixture has.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use finpro_profile::provider_core::capability::Readiness;
use finpro_profile::provider_core::testing::{FixedClock, ScriptedTransport, Step, conformance};
use finpro_profile::provider_core::{
    Allowance, Clock as _, Endpoint, Error, ErrorKind, Idempotency, Mobile, Outcome, RateLimiter,
    Response, RetryPolicy, TransportErrorKind,
};
use finpro_profile::{
    AaId, CheckProfile, ClientSecret, FinproProfileClient, ProfileReport, ProfileRow, RateLimit,
    RowStatus, UserConsentId,
};
use kyc_sandbox::credentials::{
    FINPRO_APP_IDENTIFIER, FINPRO_CLIENT_ID, FINPRO_CLIENT_SECRET, FINPRO_ORGANISATION_ID,
};
use serde_json::{Value, json};

use crate::sandbox::finpro;

const BASE_URL: &str = "https://fiu.example.test/finpro_uat/";

const REPORT: &str = r#"{"ver":"1.0.0","timestamp":"2030-01-01T00:00:00.000Z","txnid":"t-1",
    "data":[{"aaId":"onemoney","registrationStatus":true,"hasLinkedAccounts":true,"status":"success"}]}"#;

const CREDENTIALS: [(&str, &str); 4] = [
    ("client_id", FINPRO_CLIENT_ID),
    ("client_secret", FINPRO_CLIENT_SECRET),
    ("organisationid", FINPRO_ORGANISATION_ID),
    ("appidentifier", FINPRO_APP_IDENTIFIER),
];

fn minimal() -> CheckProfile {
    CheckProfile::new(
        Mobile::parse("9000000001").unwrap(),
        UserConsentId::parse("reference-1").unwrap(),
    )
}

async fn send_with(
    retry: RetryPolicy,
    steps: impl IntoIterator<Item = Step>,
    request: CheckProfile,
) -> (Result<Response<ProfileReport>, Error>, ScriptedTransport) {
    let transport = ScriptedTransport::new(steps);
    let client = FinproProfileClient::builder(finpro(BASE_URL))
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::default()))
        .retry(retry)
        .build()
        .unwrap();
    let result = client.check_profile(request).await;
    (result, transport)
}

async fn send(
    steps: impl IntoIterator<Item = Step>,
    request: CheckProfile,
) -> (Result<Response<ProfileReport>, Error>, ScriptedTransport) {
    send_with(RetryPolicy::standard(), steps, request).await
}

/// Sends a request and returns the result of this reply.
async fn read(step: Step) -> Result<ProfileReport, Error> {
    let (result, _) = send_with(RetryPolicy::never(), [step], minimal()).await;
    result.map(Response::into_value)
}

#[tokio::test(start_paused = true)]
async fn the_full_request_is_the_documented_one() {
    let request = minimal().set_aa_ids([
        AaId::parse("onemoney").unwrap(),
        AaId::parse("finvu").unwrap(),
    ]);
    let (_, transport) = send([Step::respond(200, REPORT)], request).await;
    insta::assert_snapshot!(transport.only().golden());
}

#[tokio::test(start_paused = true)]
async fn no_aggregators_and_an_empty_list_are_not_sent() {
    for request in [minimal(), minimal().set_aa_ids([])] {
        let (_, transport) = send([Step::respond(200, REPORT)], request).await;
        assert_eq!(
            transport.only().body,
            r#"{"mobileNumber":"9000000001","userConsentId":"reference-1"}"#
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_credential_is_sent_once_in_its_own_header() {
    let (_, transport) = send([Step::respond(200, REPORT)], minimal()).await;
    let sent = transport.only();
    for (name, value) in [
        ("client_id", FINPRO_CLIENT_ID),
        ("client_secret", FINPRO_CLIENT_SECRET),
        ("organisationId", FINPRO_ORGANISATION_ID),
        ("appIdentifier", FINPRO_APP_IDENTIFIER),
    ] {
        assert_eq!(sent.headers.get_all(name).iter().count(), 1, "{name}");
        assert!(sent.headers[name].is_sensitive(), "{name}");
        assert_eq!(sent.header(name), value, "{name}");
    }
    assert_eq!(sent.headers.get_all("content-type").iter().count(), 1);
}

/// Inserted, not appended: a second value of a credential would be refused, or worse, accepted.
#[test]
fn credentials_replace_existing_header_values() {
    let provider = finpro(BASE_URL);
    conformance::credentials_replace_existing_header_values(&provider, &CREDENTIALS);
}

#[tokio::test(start_paused = true)]
async fn the_base_url_s_path_is_kept() {
    let (_, transport) = send([Step::respond(200, REPORT)], minimal()).await;
    assert_eq!(
        transport.only().uri,
        "https://fiu.example.test/finpro_uat/profile"
    );
}

#[test]
fn a_user_consent_id_has_1_to_100_characters() {
    for text in ["a", "a b/ü", &"a".repeat(100), &"ü".repeat(100)] {
        assert_eq!(UserConsentId::parse(text).unwrap().as_str(), text);
    }
    for text in ["", &"a".repeat(101), &"ü".repeat(101)] {
        let error = UserConsentId::parse(text).unwrap_err();
        assert_eq!(error.field(), "userConsentId");
        assert!(text.is_empty() || !format!("{error} {error:?}").contains(text));
    }
}

#[test]
fn an_aggregator_id_has_2_to_50_letters_and_digits() {
    for text in ["ab", "onemoney", "AA1", &"a".repeat(50)] {
        assert_eq!(AaId::parse(text).unwrap().as_str(), text);
    }
    for text in [
        "",
        "a",
        "@onemoney",
        "onemoney-aa",
        "one money",
        "aä",
        "one\n",
        &"a".repeat(51),
    ] {
        let error = AaId::parse(text).unwrap_err();
        assert_eq!(error.field(), "aaId", "{text:?}");
        assert!(text.len() < 3 || !format!("{error} {error:?}").contains(text));
    }
}

#[test]
fn a_mobile_number_is_ten_digits_and_the_error_can_use_finpro_s_name() {
    for text in [
        "",
        "900000000",
        "90000000001",
        "+919000000001",
        "90000 00001",
        "९०००००००००",
    ] {
        let error = Mobile::parse(text).unwrap_err().for_field("mobileNumber");
        assert_eq!(error.field(), "mobileNumber", "{text:?}");
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
}

/// The four states of a field: true, false, null, absent.
const FORMS: [(&str, Option<Value>); 4] = [
    ("true", Some(Value::Bool(true))),
    ("false", Some(Value::Bool(false))),
    ("null", Some(Value::Null)),
    ("absent", None),
];

fn row(status: &str, registered: Option<Value>, linked: Option<Value>) -> Value {
    let mut row = json!({"aaId": "onemoney", "status": status});
    for (field, value) in [
        ("registrationStatus", registered),
        ("hasLinkedAccounts", linked),
    ] {
        if let Some(value) = value {
            row[field] = value;
        }
    }
    row
}

#[tokio::test(start_paused = true)]
async fn true_false_and_unknown_stay_distinct() {
    for (registered, registered_value) in FORMS {
        for (linked, linked_value) in FORMS {
            let sent = row("success", registered_value.clone(), linked_value.clone());
            let body = json!({"data": [sent]}).to_string();
            let report = read(Step::respond(200, body)).await.unwrap();
            let read = (
                report.data[0].registration_status,
                report.data[0].has_linked_accounts,
            );
            let meant = |value: &Option<Value>| value.as_ref().and_then(Value::as_bool);
            let place = format!("{registered} {linked}");
            assert_eq!(
                read,
                (meant(&registered_value), meant(&linked_value)),
                "{place}"
            );
            // An absent value is unknown too, so it is written as null.
            let written = serde_json::to_value(&report).unwrap();
            assert_eq!(
                written["data"][0],
                row(
                    "success",
                    Some(registered_value.clone().unwrap_or_default()),
                    Some(linked_value.clone().unwrap_or_default()),
                ),
                "{place}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_only_looks_like_a_boolean_is_unknown() {
    for value in [
        json!("true"),
        json!("false"),
        json!("NA"),
        json!(0),
        json!(1),
        json!({}),
    ] {
        let body = json!({"data": [row("success", Some(json!(true)), Some(value.clone()))]});
        let report = read(Step::respond(200, body.to_string())).await.unwrap();
        assert_eq!(report.data[0].has_linked_accounts, None, "{value}");
        assert_eq!(
            report.data[0].readiness(),
            Readiness::Undetermined,
            "{value}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_decoded_is_set_aside() {
    let body = r#"{"data":[{"status":"success","secret":"CANARY"},{"aaId":"onemoney","status":"success"},7,
        ["onemoney",true,true,"success",null]]}"#;
    let report = read(Step::respond(200, body)).await.unwrap();
    assert_eq!(report.data.len(), 1);
    let unread = report
        .data
        .unread()
        .iter()
        .map(|item| (item.index, item.json.expose()));
    assert_eq!(
        unread.collect::<Vec<_>>(),
        [
            (0, r#"{"status":"success","secret":"CANARY"}"#),
            (2, "7"),
            (3, r#"["onemoney",true,true,"success",null]"#)
        ]
    );
    assert!(!format!("{report:?}").contains("CANARY"));
}

#[test]
fn readiness_is_a_table_of_36() {
    let documented = |status: &str, registered, linked| match (status, registered, linked) {
        ("success", Some(true), Some(true)) => Readiness::Ready,
        ("success", Some(true), Some(false)) => Readiness::NeedsLinking,
        ("success", Some(false), Some(false)) => Readiness::NeedsRegistration,
        _ => Readiness::Undetermined,
    };
    let mut mixes = 0;
    for status in ["success", "timeout", "failed", "made_up"] {
        for registered in [Some(true), Some(false), None] {
            for linked in [Some(true), Some(false), None] {
                let json = row(status, Some(json!(registered)), Some(json!(linked)));
                let row: ProfileRow = serde_json::from_value(json).unwrap();
                assert_eq!(
                    row.readiness(),
                    documented(status, registered, linked),
                    "{status} {registered:?} {linked:?}"
                );
                mixes += 1;
            }
        }
    }
    assert_eq!(mixes, 36);
}

#[tokio::test(start_paused = true)]
async fn an_unlisted_status_is_kept() {
    let sent = json!({"data": [row("paused_CANARY", Some(Value::Null), Some(Value::Null))]});
    let report = read(Step::respond(200, sent.to_string())).await.unwrap();
    assert_eq!(report.data[0].status, RowStatus::from("paused_CANARY"));
    assert_eq!(serde_json::to_value(&report).unwrap(), sent);
    assert!(!format!("{report:?}").contains("CANARY"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_report_is_valid_and_a_missing_one_is_not() {
    for body in [r#"{"ver":"1","data":[]}"#, r#"{"data":[],"txnid":"t"}"#] {
        let report = read(Step::respond(200, body)).await.unwrap();
        assert!(report.data.is_empty());
    }
    for (body, path) in [
        ("{}", "$.data"),
        // Anybody may say so, and nobody is known then.
        (r#"{"data":[]}"#, "$.data"),
        (r#"{"data":null}"#, "$.data"),
        (r#"{"data":null,"errors":[]}"#, "$.data"),
        (r#"{"ver":"1","data":null}"#, "$.data"),
        (r#"{"txnid":"t","data":{}}"#, "$.data"),
        (r#"["1",null,null,null,null,null,null,null,[]]"#, "$"),
        ("<html>", "$"),
        ("", "$"),
    ] {
        let replies = [
            Step::respond(200, body),
            Step::respond(200, body),
            Step::respond(200, body),
        ];
        let (result, _) = send(replies, minimal()).await;
        let error = result.unwrap_err();
        let expected = match body.contains("ver") || body.contains("txnid") {
            true => (ErrorKind::Decode, Outcome::Done),
            false => (ErrorKind::Unrecognized, Outcome::Unknown),
        };
        assert_eq!((error.kind(), error.outcome()), expected, "{body}");
        assert_eq!(error.decode().unwrap().path(), path, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn undocumented_fields_of_a_report_are_ignored() {
    // The documentation shows flat keys beside the rows; other operations have a status.
    let body = r#"{"ver":"2.0.0","status":"success","error":null,"errorCode":"","new":{},
        "data[].aaId":"x","data":[{"aaId":"onemoney","status":"success","new":1}]}"#;
    let report = read(Step::respond(200, body)).await.unwrap();
    assert_eq!(report.data.len(), 1);
    let odd = r#"{"status":200,"error":false,"errorCode":0,"data":[]}"#;
    assert!(read(Step::respond(200, odd)).await.is_ok());
}

/// Nobody knows which of two rows is true: neither is believed.
#[tokio::test(start_paused = true)]
async fn rows_of_one_aggregator_that_disagree_leave_it_undetermined() {
    let rows = |rows: &[(&str, Value)]| {
        let rows = rows.iter().map(|(aa_id, row)| {
            let mut row = row.clone();
            row["aaId"] = json!(aa_id);
            row
        });
        json!({"ver": "1", "data": rows.collect::<Vec<_>>()}).to_string()
    };
    let answered = |linked: bool| row("success", Some(true.into()), Some(linked.into()));
    let failed = row("failed", Some(Value::Null), Some(Value::Null));
    for (other, aa_id, expected) in [
        (answered(true), "one", Readiness::Ready),
        (answered(true), "ONE ", Readiness::Ready),
        (answered(false), "one", Readiness::Undetermined),
        (answered(false), "One", Readiness::Undetermined),
        (failed, "one", Readiness::Undetermined),
    ] {
        let body = rows(&[
            ("one", answered(true)),
            ("two", answered(false)),
            (aa_id, other),
        ]);
        let report = read(Step::respond(200, body.clone())).await.unwrap();
        let found: Vec<_> = report.data.iter().map(ProfileRow::readiness).collect();
        assert_eq!(
            found,
            [expected, Readiness::NeedsLinking, expected],
            "{body}"
        );
    }
}

/// Whether the data parses does not decide whether a refusal is seen: each envelope beside rows, none, and nothing.
#[tokio::test(start_paused = true)]
async fn what_refuses_refuses_beside_any_data() {
    use Outcome::{Refused, Unknown};

    let deep = format!(r#""error":{}{}"#, "[".repeat(200), "]".repeat(200));
    let rows =
        r#"{"aaId":"x","status":"success","registrationStatus":true,"hasLinkedAccounts":true}"#;
    let data = [
        format!("[{rows}]"),
        "[]".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
    ];
    // What comes of it without rows; beside them it is a contradiction.
    for (envelope, alone) in [
        (r#""status":"ERROR","error":null"#, Some(Refused)),
        (r#""status":"error""#, Some(Refused)),
        (r#""status":"Failure","errorMsg":"x""#, Some(Refused)),
        (r#""status":"failed""#, Some(Refused)),
        (r#""status":" fail ""#, Some(Refused)),
        (r#""status":false"#, Some(Refused)),
        (r#""status":503"#, Some(Unknown)),
        (r#""status":"503""#, Some(Unknown)),
        (r#""status":"HTTP 500""#, Some(Unknown)),
        (r#""status":-1"#, Some(Unknown)),
        (r#""status":"REJECTED""#, Some(Unknown)),
        (r#""status":{"is":"declined"}"#, Some(Unknown)),
        (r#""success":-1"#, Some(Unknown)),
        (r#""success":"maybe""#, Some(Unknown)),
        (r#""success":"off""#, Some(Refused)),
        (r#""success":false"#, Some(Refused)),
        (r#""success":"False""#, Some(Refused)),
        (r#""success":0"#, Some(Refused)),
        (r#""success":"No""#, Some(Refused)),
        (r#""success":"FAILED""#, Some(Refused)),
        (r#""errorCode":500,"errorMsg":"Internal""#, Some(Refused)),
        (r#""errorCode":4001"#, Some(Refused)),
        (r#""errorCode":["FP0034"]"#, Some(Refused)),
        (r#""errorCode":1e400"#, Some(Refused)),
        (r#""error":"INVALID_MOBILE""#, Some(Refused)),
        (r#""error":["x"]"#, Some(Refused)),
        (r#""error":{"code":"X"}"#, Some(Refused)),
        (r#""error":true"#, Some(Refused)),
        (r#""error":"\ud800""#, Some(Refused)),
        (r#""errors":["x"]"#, Some(Refused)),
        (&deep, Some(Refused)),
        (r#""status":["error"]"#, Some(Unknown)),
        (r#""status":"success""#, None),
        (r#""status":"ok","success":true"#, None),
        (r#""status":"made_up""#, None),
        (
            r#""status":200,"error":false,"errorCode":0,"success":1"#,
            None,
        ),
        (
            r#""status":"\ud800","ver":"\ud800","timestamp":[1e999]"#,
            None,
        ),
        (
            r#""error":null,"errorCode":null,"status":null,"success":null"#,
            None,
        ),
        (
            r#""error":"","errorCode":" ","status":"","success":"""#,
            None,
        ),
        (r#""error":{ },"errorCode":[]"#, None),
        (r#""txnid":"a","ver":"1","txnid":"b","ver":"2""#, None),
    ] {
        for (usable, data) in [true, true, false, false].into_iter().zip(&data) {
            let body = format!(r#"{{"ver":"1",{envelope},"data":{data}}}"#);
            let replies = [(); 3].map(|()| Step::respond(200, body.clone()));
            let found = send(replies, minimal()).await.0;
            let expected = match (alone, usable) {
                (Some(_), true) if data != "[]" => Some((ErrorKind::Api, Unknown)),
                (Some(outcome), _) => Some((ErrorKind::Api, outcome)),
                (None, true) => None,
                (None, false) => Some((ErrorKind::Decode, Outcome::Done)),
            };
            let found = found.err().map(|error| (error.kind(), error.outcome()));
            assert_eq!(found, expected, "{body}");
        }
    }
}

/// The code is told whatever stands beside it.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_read_member_by_member() {
    for (body, code) in [
        (
            r#"{"status":400,"errorCode":"FP0034","errorMsg":["m"]}"#,
            Some("FP0034"),
        ),
        (
            r#"{"status":{},"errorCode":4001,"errorMsg":"a","errorMsg":"b"}"#,
            Some("4001"),
        ),
        (
            r#"{"ver":1,"status":0,"error":{"code":"X","message":["m"],"details":{"a":1}}}"#,
            Some("X"),
        ),
        (
            r#"{"txnid":"t","error":[{"code":"X","message":"m"},7]}"#,
            None,
        ),
        (
            r#"{"txnid":"t","error":[{"code":"X","message":"m"}]}"#,
            Some("X"),
        ),
        (r#"{"errorCode":"FP0034","data":"cut o"#, Some("FP0034")),
        (r#"{"ver":"1","errorMsg":"made-up"}"#, None),
    ] {
        let error = read(Step::respond(400, body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api, "{body}");
        assert_eq!(error.fault().unwrap().code(), code, "{body}");
    }
    let body = r#"{"status":"ERROR","error":{"code":"profile_check_failed"},"data":[]}"#;
    let error = read(Step::respond(200, body)).await.unwrap_err();
    assert!(error.fault().unwrap().meaning().is_some());
}

/// One odd row, or an odd member, costs itself.
#[tokio::test(start_paused = true)]
async fn a_report_is_read_in_spite_of_odd_members() {
    let body = r#"{"ver":1.0,"timestamp":7,"txnid":["t"],"message":["m"],"data":[
        {"aaId":"x","status":"success","registrationStatus":"NA","hasLinkedAccounts":1},
        {"aaId":"y","status":"success","registrationStatus":true,"hasLinkedAccounts":true}]}"#;
    let report = read(Step::respond(200, body)).await.unwrap();
    assert_eq!(report.ver.as_deref(), Some("1.0"));
    let readiness: Vec<_> = report.data.iter().map(|row| row.readiness()).collect();
    assert_eq!(readiness, [Readiness::Undetermined, Readiness::Ready]);
    // A list of one without its list.
    let body = r#"{"data":{"aaId":"y","status":"success","registrationStatus":false}}"#;
    let report = read(Step::respond(200, body)).await.unwrap();
    assert_eq!(report.data.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_of_unread_rows_is_bounded() {
    let zeros = |count: usize| format!(r#"{{"data":[{}0]}}"#, "0,".repeat(count));
    let report = read(Step::respond(200, zeros(100_000))).await.unwrap();
    assert_eq!(report.data.unread().len(), 100);
    assert_eq!(report.data.unread_count(), 100_001);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_recognised_by_its_shape_whatever_its_status() {
    let nested = r#""error":{"code":"PROFILE_CHECK_FAILED","message":"made-up","details":"text"}"#;
    let flat = r#""errorCode":"FP0034","errorMsg":"made-up""#;
    for (body, code, message) in [
        (
            format!(r#"{{"ver":"1.0.0","status":"error",{nested}}}"#),
            Some("PROFILE_CHECK_FAILED"),
            Some("made-up: text"),
        ),
        (
            format!(r#"{{"ver":"1","txnid":"t",{nested}}}"#),
            Some("PROFILE_CHECK_FAILED"),
            Some("made-up: text"),
        ),
        (
            format!(r#"{{"txnid":"t","data":[],{nested}}}"#),
            Some("PROFILE_CHECK_FAILED"),
            Some("made-up: text"),
        ),
        (
            r#"{"ver":"1","status":"error","error":{"code":"X","message":"made-up","details":{"a":1}}}"#
                .to_owned(),
            Some("X"),
            Some("made-up"),
        ),
        (
            r#"{"ver":"1","status":"error","error":{"details":"text"}}"#.to_owned(),
            None,
            Some("text"),
        ),
        (
            format!(r#"{{"ver":"1.21.0","timestamp":"t","status":"failure",{flat}}}"#),
            Some("FP0034"),
            Some("made-up"),
        ),
        (
            r#"{"ver":"1","errorCode":"NoDataFound"}"#.to_owned(),
            Some("NoDataFound"),
            None,
        ),
        (
            r#"{"data":[],"errorCode":"NoDataFound"}"#.to_owned(),
            Some("NoDataFound"),
            None,
        ),
        (r#"{"status":"failure","ver":"1"}"#.to_owned(), None, None),
        (r#"{"status":"failure","data":[]}"#.to_owned(), None, None),
    ] {
        for (status, kind, outcome) in [
            (200, ErrorKind::Api, Outcome::Refused),
            (202, ErrorKind::Api, Outcome::Refused),
            (400, ErrorKind::Api, Outcome::Refused),
            (401, ErrorKind::Credentials, Outcome::Refused),
            (403, ErrorKind::Credentials, Outcome::Refused),
            (429, ErrorKind::RateLimited, Outcome::Refused),
            (500, ErrorKind::Api, Outcome::Unknown),
        ] {
            let error = read(Step::respond(status, body.clone())).await.unwrap_err();
            let place = format!("{status} {body}");
            assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{place}");
            let fault = error.fault().expect(&place);
            assert_eq!((fault.code(), fault.message()), (code, message), "{place}");
            let documented = ["PROFILE_CHECK_FAILED", "FP0034", "NoDataFound"];
            let meant = code.is_some_and(|code| documented.contains(&code));
            assert_eq!(fault.meaning().is_some(), meant, "{place}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_s_error_page_is_a_refusal_without_a_fault() {
    let gateway = r#"{"timestamp":1,"status":503,"error":"Service Unavailable","path":"/profile"}"#;
    for body in ["<html>Service Unavailable</html>", "", "{}", "[]", gateway] {
        let (result, transport) = send([(); 3].map(|()| Step::respond(503, body)), minimal()).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api, "{body}");
        assert_eq!(error.outcome(), Outcome::Unknown, "{body}");
        assert_eq!(error.status().unwrap(), 503, "{body}");
        assert!(error.fault().is_none(), "{body}");
        assert_eq!(error.raw_response().unwrap().body(), body);
        assert_eq!(transport.sent().len(), 3, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_is_read_from_reports_and_refusals() {
    let headers = [
        ("X-RateLimit-Remaining", "7"),
        ("X-RateLimit-Reset", "1764066660000"),
    ];
    let report = read(Step::respond_with(200, &headers, REPORT))
        .await
        .unwrap();
    assert_eq!(report.rate_limit.remaining, Some(7));
    assert_eq!(report.rate_limit.reset, Some(1_764_066_660_000));

    let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")];
    let error = read(Step::respond_with(429, &headers, ""))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let limit = RateLimit::from_headers(error.raw_response().unwrap().headers());
    assert_eq!((limit.remaining, limit.reset), (Some(0), Some(60)));

    for value in ["", "-1", "soon", "1.5", "99999999999999999999"] {
        let headers = [
            ("x-ratelimit-remaining", value),
            ("x-ratelimit-reset", value),
        ];
        let report = read(Step::respond_with(200, &headers, REPORT))
            .await
            .unwrap();
        assert_eq!(report.rate_limit, RateLimit::default(), "{value:?}");
    }
    let report = read(Step::respond(200, REPORT)).await.unwrap();
    assert_eq!(report.rate_limit, RateLimit::default());
}

/// Records the allowances that it learns.
#[derive(Debug, Default)]
struct Listener(Mutex<Vec<Allowance>>);

impl RateLimiter for Listener {
    fn acquire(&self) -> Result<(), Duration> {
        Ok(())
    }

    fn learn(&self, allowance: Allowance) {
        self.0.lock().unwrap().push(allowance);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limiter_learns_what_is_left() {
    // By our clock, and by the server's where the reply tells it: five and a half hours ahead.
    let own = FixedClock::default().now().as_second();
    for (date, clock) in [
        (None, own),
        (Some("Thu, 01 Jan 2026 05:30:00 GMT"), own + 19_800),
    ] {
        let reset = (clock + 60).to_string();
        let mut headers = vec![
            ("X-RateLimit-Remaining", "7"),
            ("X-RateLimit-Reset", &*reset),
        ];
        headers.extend(date.map(|date| ("date", date)));
        let limiter = Arc::new(Listener::default());
        let transport = ScriptedTransport::new([Step::respond_with(200, &headers, REPORT)]);
        let client = FinproProfileClient::builder(finpro(BASE_URL))
            .transport(Arc::new(transport))
            .clock(Arc::new(FixedClock::default()))
            .rate_limiter(Arc::clone(&limiter) as Arc<dyn RateLimiter>)
            .build()
            .unwrap();
        client.check_profile(minimal()).await.unwrap();
        let learned = Allowance::new(7).resetting_in(Duration::from_secs(60));
        assert_eq!(*limiter.0.lock().unwrap(), [learned], "{date:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_with_an_unknown_outcome_is_retried() {
    assert_eq!(CheckProfile::OPERATION.idempotency, Idempotency::Safe);
    for step in [
        Step::Fail(TransportErrorKind::Connect),
        Step::Fail(TransportErrorKind::Interrupted),
        Step::Fail(TransportErrorKind::Timeout),
        Step::respond(408, ""),
        Step::respond(429, ""),
        Step::respond(500, ""),
        Step::respond(503, ""),
        // In FinPro's place.
        Step::respond(200, "<html>"),
        Step::respond(200, ""),
        Step::respond(204, ""),
        Step::respond(302, ""),
        Step::respond(403, "<html>"),
        Step::respond(404, ""),
    ] {
        let place = format!("{step:?}");
        let (result, transport) = send([step, Step::respond(200, REPORT)], minimal()).await;
        assert_eq!(result.unwrap().attempts(), 2, "{place}");
        let sent = transport.sent();
        assert_eq!(sent[0].golden(), sent[1].golden(), "{place}");
    }
    for step in [
        Step::respond(400, r#"{"ver":"1","status":"error"}"#),
        Step::respond(401, r#"{"ver":"1","status":"error"}"#),
        Step::respond(404, r#"{"ver":"1","status":"error"}"#),
        Step::respond(200, r#"{"ver":"1","data":7}"#),
        Step::respond(200, r#"{"ver":"1","status":"error"}"#),
        Step::Fail(TransportErrorKind::TooLarge),
    ] {
        let (result, transport) = send([step], minimal()).await;
        assert_eq!(result.unwrap_err().attempts(), 1);
        assert_eq!(transport.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_leaves_time_for_the_slowest_aggregator() {
    // Aggregators have 4 to 6 s; a retry has to fit in too.
    let slowest = Duration::from_secs(6);
    assert_eq!(CheckProfile::OPERATION.timeout, Duration::from_secs(15));
    assert!(CheckProfile::OPERATION.timeout > slowest * 2);
    let (result, _) = send([Step::Hang], minimal()).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    let request = minimal().set_aa_ids([AaId::parse("onemoney").unwrap()]);
    let mut printed = format!("{request:?} {request:#?}");
    let failed = r#"{"data":[{"aaId":"onemoney","status":"failed",
        "errorMessage":"9000000001 CANARY"}]}"#;
    let (result, _) = send([Step::respond(200, failed)], request).await;
    printed += &format!("{result:?} {result:#?}");
    let report = "ProfileReport { ver: None, timestamp: None, txnid: None, data: ";
    let row = r#"ProfileRow { aa_id: "onemoney", "#;
    assert!(
        printed.contains(report) && printed.contains(row),
        "{printed}"
    );
    for odd in ["9000000001", "AAAAA0000A", "person@example.test"] {
        let body = REPORT.replace("onemoney", odd).replace("t-1", odd);
        let body = body
            .replace("1.0.0", odd)
            .replace("2030-01-01T00:00:00.000Z", odd);
        printed += &format!("{:?}", read(Step::respond(200, body)).await.unwrap());
    }
    let canary = r#"{"status":"error","error":{"code":"9000000001","message":"9000000001 CANARY",
        "details":"CANARY"}}"#;
    let misplaced = r#"{"data":[{"aaId":"onemoney","status":"success","registrationStatus":"CANARY"}],
        "CANARY":"9000000001"}"#;
    let (result, _) = send([Step::respond(200, misplaced)], minimal()).await;
    printed += &format!("{result:?} {result:#?}");
    for step in [
        Step::respond(400, canary),
        Step::respond(200, canary),
        Step::respond(200, "CANARY 9000000001"),
        Step::respond(503, "CANARY 9000000001"),
    ] {
        let error = read(step).await.unwrap_err();
        printed += &format!("{error} {error:?} {error:#?} {}", error.report());
    }
    printed += &format!(
        "{:?} {:#?} {:?} {:?}",
        finpro(BASE_URL),
        finpro(BASE_URL),
        crate::sandbox::credentials(),
        ClientSecret::new("made-up-secret\n").unwrap_err(),
    );
    for canary in [
        "9000000001",
        "AAAAA0000A",
        "person@",
        "CANARY",
        "made-up-secret",
        FINPRO_CLIENT_ID,
        FINPRO_CLIENT_SECRET,
        FINPRO_ORGANISATION_ID,
        FINPRO_APP_IDENTIFIER,
    ] {
        assert!(!printed.contains(canary), "{canary} in {printed}");
    }
}

#[test]
fn an_id_has_no_control_character() {
    for text in ["a\r\nx-header: b", "a\0", "\u{85}"] {
        let error = UserConsentId::parse(text).unwrap_err();
        assert_eq!(
            error.rule(),
            "must not contain control characters",
            "{text:?}"
        );
    }
}

/// A name in the place of a code is not printed, and a code is.
#[tokio::test(start_paused = true)]
async fn a_code_is_printed_and_a_name_in_its_place_is_not() {
    for (code, printed) in [
        ("PROFILE_CHECK_FAILED", true),
        ("InvalidStatus", true),
        ("FP0034", true),
        ("RAMESH_KUMAR", false),
        ("Ramesh", false),
    ] {
        let body = format!(r#"{{"ver":"1","status":"failure","errorCode":"{code}"}}"#);
        let error = read(Step::respond(400, body)).await.unwrap_err();
        assert_eq!(error.fault().unwrap().code(), Some(code));
        let text = format!("{error} {error:?} {} {}", error.report(), json!(error));
        assert_eq!(text.contains(code), printed, "{text}");
    }
}
