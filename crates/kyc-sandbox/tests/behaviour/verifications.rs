//! Veriff's sessions as they go on: by script, by requests and by time, and what webhooks tell of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, StatusCode};
use kyc_sandbox::settings::{ReplySigning, Reviews, Screening};
use kyc_sandbox::{
    ClockMode, DecisionStatus, Delivery, NameScript, Provider, Sandbox, Settings, VeriffSettings,
    Webhook, credentials,
};
use provider_core::{Body, ExchangeLimits, RawResponse, Transport, TransportError, async_trait};
use serde_json::{Value, json};

use crate::{Reply, control, send, sign};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const SUBMITTED: &str = r#"{"verification":{"status":"submitted"}}"#;

/// A sandbox whose clock stands still.
pub(crate) fn frozen(settings: VeriffSettings) -> Sandbox {
    let sandbox = Sandbox::new(Settings::default().with_veriff(settings));
    sandbox.set_clock_mode(ClockMode::Frozen);
    sandbox
}

pub(crate) async fn post(sandbox: &Sandbox, method: &str, below: &str, body: &str) -> Reply {
    let signature = sign(credentials::VERIFF_SHARED_SECRET, body.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    let path = format!("/veriff/v1/sessions{below}");
    send(sandbox, method, &path, &headers, body).await
}

pub(crate) async fn get(sandbox: &Sandbox, session: &str, below: &str) -> Value {
    let signature = sign(credentials::VERIFF_SHARED_SECRET, session.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    let path = format!("/veriff/v1/sessions/{session}{below}");
    send(sandbox, "GET", &path, &headers, "").await.json()
}

/// Opens a session with these members.
pub(crate) async fn open(sandbox: &Sandbox, verification: Value) -> String {
    let body = json!({ "verification": verification }).to_string();
    let reply = post(sandbox, "POST", "", &body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let id = reply.json()["verification"]["id"].clone();
    id.as_str().unwrap().to_owned()
}

async fn named(sandbox: &Sandbox, first_name: &str) -> String {
    let person = json!({"firstName": first_name, "lastName": "Sample"});
    open(
        sandbox,
        json!({"person": person, "vendorData": "application-4711"}),
    )
    .await
}

/// The status of the decision, its reason, and those of the attempts, newest first.
pub(crate) async fn state(sandbox: &Sandbox, session: &str) -> (Value, Value, Vec<String>) {
    let decision = get(sandbox, session, "/decision").await["verification"].clone();
    let attempts = get(sandbox, session, "/attempts").await["verifications"].clone();
    let attempts = attempts.as_array().unwrap().iter();
    let attempts = attempts.map(|attempt| attempt["status"].as_str().unwrap().to_owned());
    (
        decision["status"].clone(),
        decision["reasonCode"].clone(),
        attempts.collect(),
    )
}

fn events(sandbox: &Sandbox) -> Vec<&'static str> {
    let webhooks = sandbox.webhooks();
    webhooks.iter().map(|webhook| webhook.event).collect()
}

fn body(webhook: &Webhook) -> Value {
    serde_json::from_slice(&webhook.body).unwrap()
}

fn last(sandbox: &Sandbox, event: &str) -> Value {
    let webhooks = sandbox.webhooks();
    let found = webhooks.iter().rev().find(|webhook| webhook.event == event);
    body(found.unwrap())
}

#[tokio::test]
async fn each_name_leads_to_its_end() {
    for (script, after, status, reason, attempts) in [
        (NameScript::Approve, 2 * HOUR, "approved", json!(null), 1),
        (NameScript::Decline, 2 * HOUR, "declined", json!(106), 1),
        (NameScript::Resubmit, 2 * HOUR, "approved", json!(null), 2),
        (
            NameScript::Resubmitten,
            5 * HOUR,
            "declined",
            json!(539),
            10,
        ),
        (NameScript::Review, 3 * HOUR, "approved", json!(null), 1),
        (NameScript::Flip, 2 * HOUR, "approved", json!(null), 1),
        (NameScript::Flip, 2 * DAY, "declined", json!(106), 1),
        (NameScript::Watch, 2 * HOUR, "approved", json!(null), 1),
        (NameScript::Rewatch, 40 * DAY, "approved", json!(null), 1),
        (NameScript::Silent, 2 * HOUR, "approved", json!(null), 1),
        (NameScript::Expire, 8 * DAY, "expired", json!(null), 1),
        (NameScript::Abandon, 8 * DAY, "abandoned", json!(null), 1),
    ] {
        let sandbox = frozen(VeriffSettings::default());
        let session = named(&sandbox, script.name()).await;
        assert_eq!(state(&sandbox, &session).await.0, Value::Null, "{script:?}");
        sandbox.advance(after).await;
        let (found, code, of) = state(&sandbox, &session).await;
        assert_eq!((found, code), (json!(status), reason), "{script:?}");
        assert_eq!(of.len(), attempts, "{script:?}");
        // What is pulled is what was told.
        if script != NameScript::Silent {
            let decision = get(&sandbox, &session, "/decision").await["verification"].clone();
            let told = last(&sandbox, &format!("decision.{status}"));
            assert_eq!(told["verification"], decision, "{script:?}");
            assert_eq!(told["technicalData"], json!({"ip": "192.0.2.1"}));
        }
    }
}

#[tokio::test]
async fn events_come_before_the_decision_and_carry_what_the_caller_gave() {
    let sandbox = frozen(VeriffSettings::default());
    let session = named(&sandbox, "approve").await;
    sandbox.advance(HOUR).await;
    let expected = [
        "event.started",
        "event.submitted",
        "decision.approved",
        "watchlist.initial_result",
    ];
    assert_eq!(events(&sandbox), expected);
    let attempt = get(&sandbox, &session, "/attempts").await["verifications"][0]["id"].clone();
    for (event, code) in [("started", 7001), ("submitted", 7002)] {
        let expected = json!({
            "id": session,
            "attemptId": attempt,
            "feature": "selfid",
            "code": code,
            "action": event,
            "vendorData": "application-4711",
            "endUserId": null,
        });
        assert_eq!(last(&sandbox, &format!("event.{event}")), expected);
    }
    let decided = last(&sandbox, "decision.approved")["verification"].clone();
    let person = (&decided["person"]["firstName"], &decided["vendorData"]);
    assert_eq!(person, (&json!("approve"), &json!("application-4711")));

    let settings = VeriffSettings::default()
        .with_event_webhooks(false)
        .with_screening_webhooks(false);
    let sandbox = frozen(settings);
    named(&sandbox, "Approve").await;
    sandbox.advance(HOUR).await;
    assert_eq!(events(&sandbox), ["decision.approved"]);
}

#[tokio::test]
async fn a_requested_resubmission_is_told_after_five_minutes_unless_it_came() {
    let sandbox = frozen(VeriffSettings::default());
    let session = named(&sandbox, "Resubmit").await;
    let told = || events(&sandbox).contains(&"decision.resubmission_requested");
    // 10 s until the person comes, 60 s until it is handed in, 30 s until it is decided.
    sandbox.advance(Duration::from_secs(101)).await;
    let (status, code, attempts) = state(&sandbox, &session).await;
    assert_eq!(
        (status, code),
        (json!("resubmission_requested"), json!(204))
    );
    assert_eq!(attempts, ["created", "resubmission_requested"]);
    sandbox.advance(Duration::from_secs(290)).await;
    assert!(!told());
    sandbox.advance(Duration::from_secs(20)).await;
    assert!(told());

    // Whoever uploads by the API is told at once, and whoever hands in again in time is not.
    let sandbox = frozen(VeriffSettings::default());
    let session = named(&sandbox, "Resubmit").await;
    let submit = async || {
        post(&sandbox, "PATCH", &format!("/{session}"), SUBMITTED)
            .await
            .status
    };
    assert_eq!(submit().await, 200);
    sandbox.advance(Duration::from_secs(31)).await;
    assert_eq!(
        events(&sandbox),
        ["event.submitted", "decision.resubmission_requested"]
    );
    assert_eq!(submit().await, 200);
    assert_eq!(state(&sandbox, &session).await.0, Value::Null);
    sandbox.advance(Duration::from_secs(31)).await;
    assert_eq!(
        state(&sandbox, &session).await.2,
        ["approved", "resubmission_requested"]
    );
    assert_eq!(submit().await, 400);
}

#[tokio::test]
async fn the_clock_is_moved_to_each_event_of_a_session() {
    let sandbox = frozen(VeriffSettings::default());
    let until = async |event: &str| {
        let reply = control::post(&sandbox, "/sandbox/clock", &json!({"until": event})).await;
        assert_eq!(reply.status, 200, "{event}: {}", reply.text);
        reply.json()["event"].clone()
    };
    let resubmits = named(&sandbox, "Resubmit").await;
    assert_eq!(until("j_1.step").await, "j_1.step");
    assert_eq!(until("step").await, "j_1.step");
    assert_eq!(until("j_1.decision").await, "j_1.decision");
    let (status, ..) = state(&sandbox, &resubmits).await;
    assert_eq!(status, "resubmission_requested");
    assert_eq!(until("notice").await, "j_1.notice");

    named(&sandbox, "Rewatch").await;
    control::post(&sandbox, "/sandbox/clock", &json!({"advance": "1h"})).await;
    assert_eq!(until("j_2.screened").await, "j_2.screened");
    let abandoned = named(&sandbox, "Abandon").await;
    // It is about to expire until its person comes.
    assert_eq!(until("j_3.step").await, "j_3.step");
    assert_eq!(until("j_3.abandoned").await, "j_3.abandoned");
    assert_eq!(state(&sandbox, &abandoned).await.2, ["abandoned"]);
}

#[tokio::test]
async fn the_clock_is_moved_to_an_event_that_is_planned_on_the_way_only() {
    for (name, event, status) in [
        ("Approve", "j_1.decision", "approved"),
        ("Decline", "decision", "declined"),
        ("Rewatch", "j_1.screened", "approved"),
        ("Resubmit", "notice", "resubmission_requested"),
    ] {
        let sandbox = frozen(VeriffSettings::default());
        let session = named(&sandbox, name).await;
        let until = json!({"until": event});
        let moved = control::post(&sandbox, "/sandbox/clock", &until).await;
        assert_eq!(moved.status, 200, "{name}: {}", moved.text);
        let came = moved.json()["event"].as_str().unwrap().to_owned();
        assert!(came.ends_with(event), "{name}: {came}");
        assert_eq!(state(&sandbox, &session).await.0, status, "{name}");
    }
    // Nobody decides about somebody without a script, and nothing of a verification is revoked.
    for (name, event) in [("Sample", "decision"), ("Approve", "revoked")] {
        let sandbox = frozen(VeriffSettings::default());
        named(&sandbox, name).await;
        let before = sandbox.now();
        let until = json!({"until": event});
        let refused = control::post(&sandbox, "/sandbox/clock", &until).await;
        assert_eq!(refused.status, 404, "{name}: {}", refused.text);
        assert!(refused.text.contains("kyc trigger"), "{}", refused.text);
        assert_eq!(sandbox.now(), before);
    }
}

#[tokio::test]
async fn what_is_handed_in_is_approved_after_a_while_or_waits() {
    let sandbox = frozen(VeriffSettings::default());
    let session = open(&sandbox, json!({})).await;
    post(&sandbox, "PATCH", &format!("/{session}"), SUBMITTED).await;
    sandbox.advance(Duration::from_secs(29)).await;
    assert_eq!(state(&sandbox, &session).await.0, Value::Null);
    sandbox.advance(Duration::from_secs(2)).await;
    assert_eq!(state(&sandbox, &session).await.0, "approved");

    let sandbox = frozen(VeriffSettings::default().with_decision_after(None));
    let session = open(&sandbox, json!({})).await;
    post(&sandbox, "PATCH", &format!("/{session}"), SUBMITTED).await;
    sandbox.advance(30 * DAY).await;
    assert_eq!(state(&sandbox, &session).await.0, Value::Null);
    // A decision of the caller's replaces what was planned.
    assert!(sandbox.decide(&session, DecisionStatus::Declined));
    assert_eq!(state(&sandbox, &session).await.0, "declined");
}

#[tokio::test]
async fn a_review_is_told_where_it_is_agreed() {
    let sandbox = frozen(VeriffSettings::default().with_reviews(Reviews::Told));
    let session = named(&sandbox, "Review").await;
    sandbox.advance(HOUR).await;
    assert_eq!(state(&sandbox, &session).await.0, "review");
    sandbox.advance(2 * HOUR).await;
    assert_eq!(state(&sandbox, &session).await.0, "approved");
    assert!(events(&sandbox).contains(&"decision.review"));
}

#[tokio::test]
async fn nothing_tells_of_a_silent_decision() {
    let sandbox = frozen(VeriffSettings::default());
    let session = named(&sandbox, "Silent").await;
    sandbox.advance(Duration::from_secs(600)).await;
    assert_eq!(state(&sandbox, &session).await.0, Value::Null);
    sandbox.advance(2 * HOUR).await;
    assert_eq!(state(&sandbox, &session).await.0, "approved");
    assert!(
        !events(&sandbox)
            .iter()
            .any(|event| event.starts_with("decision"))
    );
}

#[tokio::test]
async fn screening_finds_somebody_at_once_or_later() {
    let sandbox = frozen(VeriffSettings::default());
    let (watched, later) = (
        named(&sandbox, "Watch").await,
        named(&sandbox, "Rewatch").await,
    );
    sandbox.advance(HOUR).await;
    let data =
        async |session: &str| get(&sandbox, session, "/watchlist-screening").await["data"].clone();
    let found = |data: &Value| {
        (
            data["matchStatus"].clone(),
            data["checkType"].clone(),
            data["totalHits"].clone(),
        )
    };
    let initial = json!("initial_result");
    let first = data(&watched).await;
    assert_eq!(
        found(&first),
        (json!("possible_match"), initial.clone(), json!(1))
    );
    assert_eq!(first["searchTerm"]["name"], "Watch Sample");
    assert_eq!(
        found(&data(&later).await),
        (json!("no_match"), initial, json!(0))
    );
    sandbox.advance(31 * DAY).await;
    let updated = data(&later).await;
    assert_eq!(
        found(&updated),
        (json!("possible_match"), json!("updated_result"), json!(1))
    );
    assert_eq!(last(&sandbox, "watchlist.updated_result")["data"], updated);
    let person = get(&sandbox, &later, "/person").await["person"].clone();
    assert_eq!(person["pepSanctionMatches"][0]["numberOfMatches"], 1);

    let all = VeriffSettings::default().with_screening(Screening::PossibleMatch);
    let sandbox = frozen(all);
    named(&sandbox, "Approve").await;
    sandbox.advance(HOUR).await;
    let told = last(&sandbox, "watchlist.initial_result");
    assert_eq!(told["data"]["matchStatus"], "possible_match");
}

#[tokio::test]
async fn time_and_deletion_end_what_nobody_finished() {
    let sandbox = frozen(VeriffSettings::default());
    let [untouched, deleted] = [
        open(&sandbox, json!({})).await,
        open(&sandbox, json!({})).await,
    ];
    let signature = sign(credentials::VERIFF_SHARED_SECRET, deleted.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ];
    let path = format!("/veriff/v1/sessions/{deleted}");
    assert_eq!(
        send(&sandbox, "DELETE", &path, &headers, "").await.status,
        200
    );
    assert!(!sandbox.decide(&deleted, DecisionStatus::Approved));
    assert_eq!(events(&sandbox), ["decision.expired"]);
    sandbox.advance(6 * DAY).await;
    assert_eq!(state(&sandbox, &untouched).await.0, Value::Null);
    // One that was opened later has more time.
    let later = open(&sandbox, json!({})).await;
    sandbox.advance(DAY).await;
    let expired = get(&sandbox, &untouched, "/decision").await["verification"].clone();
    assert_eq!(
        (&expired["status"], &expired["code"]),
        (&json!("expired"), &json!(9104))
    );
    assert_eq!(expired["person"]["firstName"], Value::Null);
    assert_eq!(state(&sandbox, &later).await.0, Value::Null);
    sandbox.advance(7 * DAY).await;
    assert_eq!(state(&sandbox, &later).await.0, "expired");
    assert_eq!(events(&sandbox), ["decision.expired"; 3]);
    assert_eq!(
        post(&sandbox, "PATCH", &format!("/{later}"), SUBMITTED)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_status_of_the_portal_is_listed_and_told() {
    let sandbox = frozen(VeriffSettings::default());
    let session = named(&sandbox, "Approve").await;
    sandbox.advance(HOUR).await;
    assert!(sandbox.set_portal_status(&session, "Looked at twice", Some("velocity")));
    assert!(!sandbox.set_portal_status("nobody", "x", None));
    let attempt = get(&sandbox, &session, "/attempts").await["verifications"][0].clone();
    let listed = attempt["userDefinedData"][0].clone();
    assert_eq!(
        (&listed["status"], &listed["statusCode"], &listed["reason"]),
        (
            &json!("Looked at twice"),
            &json!("looked_at_twice"),
            &json!("velocity")
        )
    );
    let told = last(&sandbox, "user_defined_status");
    let verification = &told["data"]["verification"];
    assert_eq!(verification["userDefinedData"], listed);
    assert_eq!(
        (&verification["id"], &told["attemptId"]),
        (&json!(session), &attempt["id"])
    );
    assert_eq!(told["eventType"], "user-status.created");
}

#[tokio::test]
async fn the_fully_automatic_plan_tells_a_score_instead() {
    let sandbox = frozen(VeriffSettings::default().with_full_auto(true));
    let session = named(&sandbox, "Decline").await;
    sandbox.advance(HOUR).await;
    let told = last(&sandbox, "full_auto");
    let verification = &told["data"]["verification"];
    assert_eq!(
        (&told["sessionId"], &verification["decision"]),
        (&json!(session), &json!("declined"))
    );
    let score = verification["decisionScore"].as_f64().unwrap();
    assert!((0.0..0.5).contains(&score));
    assert!(verification.get("reasonCode").is_none());
    assert!(
        !events(&sandbox)
            .iter()
            .any(|event| event.starts_with("decision"))
    );
}

/// Takes webhooks, and answers 200.
#[derive(Debug, Default)]
struct Receiver(Mutex<Vec<Request<Body>>>);

#[async_trait]
impl Transport for Receiver {
    async fn send(
        &self,
        request: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        self.0.lock().unwrap().push(request);
        Ok(RawResponse::new(
            StatusCode::OK,
            http::HeaderMap::new(),
            bytes::Bytes::new(),
        ))
    }
}

#[tokio::test]
async fn webhooks_are_delivered_with_the_signature_of_their_bytes() {
    for (signing, secret, pairs) in [
        (
            ReplySigning::BothPairs,
            credentials::VERIFF_SHARED_SECRET,
            2,
        ),
        (
            ReplySigning::XPairOnly,
            credentials::VERIFF_SHARED_SECRET,
            1,
        ),
        (ReplySigning::OldSecret, credentials::VERIFF_OLD_SECRET, 2),
    ] {
        let receiver = Arc::new(Receiver::default());
        let url = "http://127.0.0.1:3000/hooks".to_owned();
        let settings = Settings::default()
            .with_veriff(VeriffSettings::default().with_reply_signing(signing))
            .with_webhook_transport(Some(Arc::clone(&receiver) as Arc<dyn Transport>))
            .with_webhook_urls([(Provider::Veriff, url)].into());
        let sandbox = Sandbox::new(settings);
        sandbox.set_clock_mode(ClockMode::Frozen);
        named(&sandbox, "Approve").await;
        let advanced = sandbox.advance(HOUR).await;
        assert_eq!((advanced.delivered, advanced.failed), (4, 0));
        let received = std::mem::take(&mut *receiver.0.lock().unwrap());
        let made = sandbox.webhooks();
        assert_eq!(received.len(), made.len());
        for (request, webhook) in received.into_iter().zip(made) {
            let (parts, sent) = request.into_parts();
            let sent = sent.into_bytes();
            assert_eq!(sent, webhook.body);
            let expected = sign(secret, &sent);
            let names = ["x-hmac-signature", "vrf-hmac-signature"];
            let found = names.iter().filter_map(|name| parts.headers.get(*name));
            assert_eq!(
                found.map(|value| value == &expected).collect::<Vec<_>>(),
                vec![true; pairs]
            );
            assert_eq!(parts.headers["x-auth-client"], credentials::VERIFF_API_KEY);
            assert_eq!(webhook.attempts.len(), 1);
            assert_eq!(webhook.attempts[0].1, Delivery::Answered(200));
        }
    }
}

#[tokio::test]
async fn a_mobile_number_scripts_the_person_and_the_webhooks() {
    for (number, status, expected) in [
        ("9001000000", "approved", [1, 1, 1, 1].as_slice()),
        ("+919001031000", "declined", &[2, 2, 2, 2]),
        // The first is overtaken, and nothing is told at all.
        ("9001002000", "approved", &[1, 1, 1, 1]),
        ("9001003000", "approved", &[0, 0, 0, 0]),
        // A refused one and a genuine one each.
        ("9001005000", "approved", &[1, 1, 1, 1, 1, 1, 1, 1]),
    ] {
        let receiver = Arc::new(Receiver::default());
        let url = "http://127.0.0.1:3000/hooks".to_owned();
        let settings = Settings::default()
            .with_webhook_transport(Some(Arc::clone(&receiver) as Arc<dyn Transport>))
            .with_webhook_urls([(Provider::Veriff, url)].into());
        let sandbox = Sandbox::new(settings);
        sandbox.set_clock_mode(ClockMode::Frozen);
        let person = json!({"firstName": "Asha", "phoneNumber": number});
        let session = open(&sandbox, json!({ "person": person })).await;
        sandbox.advance(2 * HOUR).await;
        assert_eq!(state(&sandbox, &session).await.0, status, "{number}");
        let sent = sandbox.webhooks();
        let attempts: Vec<_> = sent.iter().map(|webhook| webhook.attempts.len()).collect();
        assert_eq!(attempts, expected, "{number}");
    }
}

#[tokio::test]
async fn pictures_of_seven_megabytes_are_taken_and_longer_ones_are_not() {
    let sandbox = frozen(VeriffSettings::default());
    let session = open(&sandbox, json!({})).await;
    let upload = async |length: usize| {
        let content = "AAAA".repeat(length / 3);
        let image = json!({"context": "face", "content": content});
        let body = json!({ "image": image }).to_string();
        post(&sandbox, "POST", &format!("/{session}/media"), &body).await
    };
    let stored = upload(7_000_000).await;
    assert_eq!(stored.status, 200);
    let size = stored.json()["image"]["size"].as_u64().unwrap();
    assert!(size > 6_999_000);
    assert_eq!(upload(8_000_000).await.status, 413);
    // Other operations take no more than before.
    let long = json!({"verification": {"vendorData": "x".repeat(70_000)}}).to_string();
    assert_eq!(post(&sandbox, "POST", "", &long).await.status, 413);
}

#[tokio::test]
async fn the_oldest_files_are_dropped_beyond_the_memory_for_files() {
    let sandbox = frozen(VeriffSettings::default().with_media_bytes(4));
    let session = open(&sandbox, json!({})).await;
    for context in ["face", "document-front"] {
        let image = json!({"context": context, "content": "AAAA"});
        let body = json!({ "image": image }).to_string();
        let path = format!("/{session}/media");
        assert_eq!(post(&sandbox, "POST", &path, &body).await.status, 200);
    }
    let images = get(&sandbox, &session, "/media").await["images"].clone();
    let contexts = images.as_array().unwrap().iter();
    let contexts: Vec<_> = contexts.map(|image| image["context"].clone()).collect();
    assert_eq!(contexts, ["document-front"]);
}

#[tokio::test]
async fn a_session_leads_to_the_sandbox_where_that_is_served() {
    let served = Sandbox::default()
        .serve("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = served.address();
    let request = format!(
        "POST /veriff/v1/sessions HTTP/1.1\r\nhost: {address}\r\nx-auth-client: {}\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{{\"verification\":{{}}}}",
        credentials::VERIFF_API_KEY
    );
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let url = format!("\"url\":\"http://{address}/veriff/v/sandbox-token-of-");
    assert!(reply.contains(&url), "{reply}");
    served.shutdown().await;
    // In process nobody could follow it.
    let sandbox = frozen(VeriffSettings::default());
    let reply = post(&sandbox, "POST", "", r#"{"verification":{}}"#).await;
    let url = reply.json()["verification"]["url"].clone();
    assert!(
        url.as_str()
            .unwrap()
            .starts_with("https://veriff.example.test/v/")
    );
}

#[tokio::test]
async fn a_program_on_this_machine_can_be_returned_to_where_it_is_allowed() {
    let body = |url: &str| json!({"verification": {"callback": url}}).to_string();
    let sandbox = frozen(VeriffSettings::default().with_loopback_callbacks(true));
    for (url, status) in [
        ("http://127.0.0.1:3000/back", 201),
        ("https://app.example.test/back", 201),
        ("http://app.example.test/back", 400),
        ("javascript:alert(1)", 400),
    ] {
        assert_eq!(
            post(&sandbox, "POST", "", &body(url)).await.status,
            status,
            "{url}"
        );
    }
}
