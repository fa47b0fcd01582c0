use kyc_sandbox::settings::{
    EmptyOptional, ErrorData, ExtraFields, Failure, NullOptional, RefreshScope,
};
use kyc_sandbox::{AggregatorConsentStatus, FinpassSettings, Provider, Sandbox, Settings};
use serde_json::json;

use crate::finpass::HEADERS;
use crate::{Reply, hostile_bodies, send, without};

const INIT: &str = "/finpass/api/v1/services/account-aggregator/init";
const REFRESH: &str = "/finpass/api/v1/services/account-aggregator/refresh-data";
const INVALID: &str = r#"{"data":null,"status_code":400,"success":false,"message":"Invalid or expired client id.","message_code":"invalid_client_id"}"#;

fn sandbox(settings: FinpassSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_finpass(settings))
}

async fn init(sandbox: &Sandbox, consent_type: &str) -> Reply {
    let body = json!({"mobile_number": "9000000001", "consent_type": consent_type});
    send(sandbox, "POST", INIT, HEADERS, body.to_string()).await
}

async fn open(sandbox: &Sandbox, consent_type: &str) -> String {
    let reply = init(sandbox, consent_type).await.json();
    reply["data"]["client_id"].as_str().unwrap().to_owned()
}

async fn refresh(sandbox: &Sandbox, client_id: &str) -> Reply {
    let body = json!({ "client_id": client_id }).to_string();
    send(sandbox, "POST", REFRESH, HEADERS, body).await
}

#[tokio::test]
async fn an_open_session_is_refreshed_and_each_refresh_has_an_id() {
    let sandbox = Sandbox::default();
    let client_id = open(&sandbox, "loan_monitoring").await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let reply = refresh(&sandbox, &client_id).await;
        assert_eq!(reply.status, 200);
        let id = reply.json()["data"]["request_id"]
            .as_str()
            .unwrap()
            .to_owned();
        reply.is(
            200,
            &format!(
                r#"{{"data":{{"request_id":"{id}"}},"status_code":200,"success":true,"message":"Success","message_code":"success"}}"#
            ),
        );
        let tail = id.strip_prefix("account_aggregator_v2_").unwrap();
        assert_eq!(tail.len(), 20);
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    let entries = sandbox.ledger().entries();
    let effects: Vec<_> = entries[1..].iter().map(|entry| entry.effect_id()).collect();
    assert_eq!(effects, [Some(ids[0].as_str()), Some(ids[1].as_str())]);
    let counts = sandbox
        .ledger()
        .operation_counts(Provider::Finpass, "refresh-data");
    assert_eq!((counts.requests, counts.effects), (2, 2));
}

#[tokio::test]
async fn an_unknown_client_id_is_refused_and_has_no_effect() {
    let sandbox = Sandbox::default();
    open(&sandbox, "loan_monitoring").await;
    for unknown in ["aa_00000000_000000000000000000000000", "x"] {
        refresh(&sandbox, unknown).await.is(400, INVALID);
    }
    // Another sandbox's session, even with the same counted ids.
    let other = Sandbox::default();
    let client_id = open(&other, "loan_monitoring").await;
    refresh(&sandbox, &client_id).await.is(400, INVALID);
    assert_eq!(sandbox.ledger().total().effects, 1, "the session");
}

#[tokio::test]
async fn a_consent_that_is_not_active_is_said_so_and_one_that_is_over_is_no_session() {
    use AggregatorConsentStatus::{Active, Paused, Revoked};

    let inactive = |status: u16, code: &str, word: &str| {
        format!(
            r#"{{"status_code":{status},"success":false,"message":"The consent is {word}.","message_code":"{code}"}}"#
        )
    };
    let body = json!({"mobile_number": "9812300000", "consent_type": "loan_monitoring"});
    let pending = async |sandbox: &Sandbox| {
        let reply = send(sandbox, "POST", INIT, HEADERS, body.to_string()).await;
        let id = reply.json()["data"]["client_id"].clone();
        id.as_str().unwrap().to_owned()
    };
    let sandbox = Sandbox::default();
    let id = pending(&sandbox).await;
    let said = inactive(409, "consent_not_active", "pending");
    refresh(&sandbox, &id).await.is(409, &said);
    sandbox.decide_consent(&id, Active);
    assert_eq!(refresh(&sandbox, &id).await.status, 200);
    sandbox.decide_consent(&id, Paused);
    let said = inactive(409, "consent_not_active", "paused");
    refresh(&sandbox, &id).await.is(409, &said);
    sandbox.decide_consent(&id, Revoked);
    refresh(&sandbox, &id).await.is(400, INVALID);
    assert_eq!(sandbox.ledger().total().effects, 2);

    let other = self::sandbox(
        FinpassSettings::default()
            .with_inactive_consent_status(400)
            .with_inactive_consent_code("consent_pending".to_owned()),
    );
    let id = pending(&other).await;
    let said = inactive(400, "consent_pending", "pending");
    refresh(&other, &id).await.is(400, &said);
}

#[tokio::test]
async fn credentials_are_checked_before_the_client_id() {
    let sandbox = Sandbox::default();
    let client_id = open(&sandbox, "loan_monitoring").await;
    let body = json!({ "client_id": client_id }).to_string();
    let headers = without(HEADERS, "x-api-secret");
    let reply = send(&sandbox, "POST", REFRESH, &headers, body).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["message_code"], "unauthorized");
}

#[tokio::test]
async fn bodies_without_a_client_id_are_refused() {
    let sandbox = Sandbox::default();
    for (body, message) in [
        ("{}", "client_id is required."),
        (r#"{"client_id":7}"#, "client_id must be a string."),
        (r#"{"client_id":null}"#, "client_id must be a string."),
        (r#"{"client_id":""}"#, "client_id must not be empty."),
        ("[]", "The request body must be a JSON object."),
        ("{", "The request body is not valid JSON."),
    ] {
        let reply = send(&sandbox, "POST", REFRESH, HEADERS, body).await;
        assert_eq!(
            (reply.status, &reply.json()["message"]),
            (422, &json!(message)),
            "{body}"
        );
    }
    for body in hostile_bodies() {
        assert_eq!(
            send(&sandbox, "POST", REFRESH, HEADERS, body).await.status,
            422
        );
    }
    assert_eq!(sandbox.ledger().total().effects, 0);
}

#[tokio::test]
async fn undocumented_points_follow_their_settings() {
    let strict = sandbox(
        FinpassSettings::default()
            .with_refresh_scope(RefreshScope::MonitoringOnly)
            .with_invalid_client_status(404)
            .with_invalid_client_data(ErrorData::Absent)
            .with_extra_fields(ExtraFields::Refused)
            .with_client_ids(vec!["listed".to_owned()])
            // Neither setting affects an operation without optional fields.
            .with_null_optional(NullOptional::Refused)
            .with_empty_optional(EmptyOptional::Value),
    );
    let underwriting = open(&strict, "loan_underwriting").await;
    refresh(&strict, &underwriting).await.is(
        404,
        r#"{"status_code":404,"success":false,"message":"Invalid or expired client id.","message_code":"invalid_client_id"}"#,
    );
    let monitoring = open(&strict, "loan_monitoring").await;
    assert_eq!(refresh(&strict, &monitoring).await.status, 200);
    assert_eq!(refresh(&strict, "listed").await.status, 200);
    let extra = json!({"client_id": monitoring, "more": 1}).to_string();
    let refused = send(&strict, "POST", REFRESH, HEADERS, extra).await;
    assert_eq!(refused.status, 422);

    let lenient = Sandbox::default();
    let underwriting = open(&lenient, "loan_underwriting").await;
    let extra = json!({"client_id": underwriting, "more": 1}).to_string();
    let accepted = send(&lenient, "POST", REFRESH, HEADERS, extra).await;
    assert_eq!(accepted.status, 200);
}

#[tokio::test]
async fn the_oldest_sessions_are_forgotten() {
    let small = sandbox(FinpassSettings::default().with_session_capacity(1));
    let first = open(&small, "loan_monitoring").await;
    assert_eq!(refresh(&small, &first).await.status, 200);
    let second = open(&small, "loan_monitoring").await;
    refresh(&small, &first).await.is(400, INVALID);
    assert_eq!(refresh(&small, &second).await.status, 200);
}

#[tokio::test]
async fn a_refused_initialize_opens_nothing_but_one_with_a_failure_after_its_effect_does() {
    let failing = sandbox(
        FinpassSettings::default()
            .fail_operation("initialize", Failure::new(503).first(1).after_effect()),
    );
    assert_eq!(init(&failing, "loan_monitoring").await.status, 503);
    let opened = failing.ledger().entries()[0]
        .effect_id()
        .unwrap()
        .to_owned();
    assert_eq!(refresh(&failing, &opened).await.status, 200);
}
