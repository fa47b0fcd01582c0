//! The state in a file: a sandbox that ends at any moment goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kyc_sandbox::settings::{Failure, PeopleAct};
use kyc_sandbox::{
    AggregatorConsentStatus, ClockMode, DecisionStatus, Fault, FaultKind, FinpassSettings,
    Provider, Sandbox, Settings, StateFileError, credentials,
};
use provider_core::{Body, ExchangeLimits, RawResponse, Transport, TransportError};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aggregator::Receiver;
use crate::browser::Browser;
use crate::deepvue::HEADERS as DEEPVUE;
use crate::finpass::HEADERS as FINPASS;
use crate::finpro::HEADERS as FINPRO;
use crate::{Reply, control, send, sign};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn days(count: u32) -> Duration {
    seconds(24 * 60 * 60).saturating_mul(count)
}

/// A file that is not there yet.
struct File {
    directory: TempDir,
    receiver: Receiver,
}

impl File {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            receiver: Receiver::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("sandbox.state")
    }

    fn settings(&self) -> Settings {
        let urls = [Provider::Finpro, Provider::Veriff];
        let finpass = FinpassSettings::default().with_journey_steps(4);
        Settings::default()
            .with_finpass(finpass)
            .with_webhook_urls(
                urls.map(|of| (of, format!("http://127.0.0.1:3000/{of}")))
                    .into(),
            )
            .with_webhook_transport(Some(Arc::new(self.receiver.clone())))
    }

    fn open(&self) -> Sandbox {
        Sandbox::open(self.settings(), self.path()).unwrap()
    }

    fn refused(&self) -> StateFileError {
        Sandbox::open(self.settings(), self.path()).unwrap_err()
    }

    /// The file for itself, while no sandbox has it.
    fn sqlite(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

/// A sandbox that ends before each step, or one that does not.
struct Run<'f> {
    file: &'f File,
    ends: bool,
    sandbox: Option<Sandbox>,
    told: Vec<String>,
}

impl<'f> Run<'f> {
    fn new(file: &'f File, ends: bool) -> Self {
        Self {
            file,
            ends,
            sandbox: None,
            told: Vec::new(),
        }
    }

    /// The sandbox of the next step.
    fn sandbox(&mut self) -> &Sandbox {
        let settings = || self.file.settings().with_deterministic_ids(true);
        if self.ends {
            // The file is free once the last one has ended.
            self.sandbox = None;
            let opened = Sandbox::open(settings(), self.file.path()).unwrap();
            self.sandbox = Some(opened);
        }
        self.sandbox.get_or_insert_with(|| Sandbox::new(settings()))
    }

    fn tell(&mut self, reply: Reply) -> Value {
        let body = serde_json::from_str(&reply.text).unwrap_or_default();
        self.told.push(format!("{} {}", reply.status, reply.text));
        body
    }

    async fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Value {
        let reply = send(self.sandbox(), method, path, headers, body).await;
        self.tell(reply)
    }

    async fn finpass(&mut self, path: &str, body: Value) -> Value {
        let path = format!("/finpass/api/v1{path}");
        self.call("POST", &path, FINPASS, &body.to_string()).await
    }

    async fn finpro(&mut self, path: &str, body: Value) -> Value {
        let path = format!("/finpro{path}");
        self.call("POST", &path, FINPRO, &body.to_string()).await
    }

    async fn deepvue(&mut self, operation: &str, mut body: Value) -> Value {
        body["consent"] = "Y".into();
        body["purpose"] = "Opening an account".into();
        let path = format!("/deepvue/v1/kyc/digilocker/{operation}");
        self.call("POST", &path, DEEPVUE, &body.to_string()).await
    }

    /// Signed over the body, or over the session where there is none.
    async fn veriff(&mut self, method: &str, session: &str, below: &str, body: &str) -> Value {
        let signed = if body.is_empty() { session } else { body };
        let signature = sign(credentials::VERIFF_SHARED_SECRET, signed.as_bytes());
        let headers = [
            ("x-auth-client", credentials::VERIFF_API_KEY),
            ("x-hmac-signature", signature.as_str()),
        ];
        let slash = if session.is_empty() { "" } else { "/" };
        let path = format!("/veriff/v1/sessions{slash}{session}{below}");
        self.call(method, &path, &headers, body).await
    }

    async fn control(&mut self, path: &str, body: Value) -> Value {
        let reply = control::post(self.sandbox(), path, &body).await;
        self.tell(reply)
    }

    async fn shown(&mut self, path: &str) -> Value {
        let reply = send(self.sandbox(), "GET", path, &[], "").await;
        let mut shown: Value = reply.json();
        forget_what_it_took(&mut shown);
        self.told.push(shown.to_string());
        shown
    }

    async fn pass(&mut self, time: Duration) {
        let advanced = self.sandbox().advance(time).await;
        self.told.push(format!("{advanced:?}"));
    }

    /// What arrived at the receiver.
    fn arrived(&mut self) {
        for arrived in self.file.receiver.arrived.lock().unwrap().drain(..) {
            let signature = arrived.headers.get("x-hmac-signature");
            self.told.push(format!(
                "{:?} {signature:?} {:?}",
                arrived.headers["x-sandbox-webhook"], arrived.body
            ));
        }
    }
}

/// The one thing in a row that is real time.
fn forget_what_it_took(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("took_us");
            members.values_mut().for_each(forget_what_it_took);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_what_it_took),
        _ => {}
    }
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap().to_owned()
}

async fn finpass(run: &mut Run<'_>) {
    const SERVICES: &str = "/services/account-aggregator";
    // Up when it is asked for the third time.
    for _ in 0..3 {
        let body = json!({"mobile_number": "9001160000", "consent_type": "loan_underwriting"});
        run.finpass(&format!("{SERVICES}/init"), body).await;
    }
    let body = json!({
        "mobile_number": "9001070305",
        "consent_type": "loan_monitoring",
        "webhook_url": "http://127.0.0.1:3000/finpass",
    });
    let opened = run.finpass(&format!("{SERVICES}/init"), body).await;
    let id = json!({"client_id": text(&opened, "/data/client_id")});
    run.pass(seconds(30)).await;
    let refreshed = run
        .finpass(&format!("{SERVICES}/refresh-data"), id.clone())
        .await;
    let mut refresh = id.clone();
    refresh["request_id"] = text(&refreshed, "/data/request_id").into();
    // Two are met by the fault.
    for _ in 0..3 {
        run.finpass(&format!("{SERVICES}/fetch-json-report"), refresh.clone())
            .await;
    }
    run.shown("/sandbox/faults").await;
    run.pass(days(8)).await;
    run.finpass(&format!("{SERVICES}/refresh-data"), id).await;

    // Of nobody in particular: each question takes it on.
    let body = json!({"mobile_number": "9000000001", "consent_type": "loan_underwriting"});
    let opened = run.finpass("/aa-bsa-journey/init", body).await;
    let journey = text(&opened, "/data/client_id");
    for operation in [
        "status",
        "status",
        "status",
        "status",
        "status",
        "analysis-json",
    ] {
        let path = format!("/finpass/api/v1/aa-bsa-journey/{operation}?client_id={journey}");
        run.call("GET", &path, FINPASS, "").await;
    }
}

async fn finpro(run: &mut Run<'_>) {
    let body = json!({"productID": "LOAN-1", "vua": "9001081201@onemoney", "accountID": "a-1"});
    let asked = run.finpro("/v3/requestconsent", body).await;
    let handle = text(&asked, "/data/consent_handle");
    let list = json!({"consentHandle": [handle]});
    run.finpro("/v3/getconsentslist", list.clone()).await;
    run.pass(seconds(30)).await;
    let listed = run.finpro("/v3/getconsentslist", list.clone()).await;
    let consent = text(&listed, "/data/0/consentID");
    let requested = run
        .finpro("/fi/request", json!({"consentId": consent}))
        .await;
    let session = json!({"sessionId": text(&requested, "/data/sessionId")});
    run.finpro("/consent/firequest/status", session.clone())
        .await;
    run.pass(seconds(600)).await;
    run.finpro("/consent/firequest/status", session).await;
    run.finpro("/getallfidata", json!({"consentID": consent}))
        .await;
    let journey = json!({"consentID": consent, "journeyID": "journey-1"});
    run.finpro("/analytics/json", journey).await;
    let batch = json!({
        "reference_id": "batch-1",
        "consents_list": [{"consent_id": consent}, {"consent_id": "unknown"}],
    });
    run.finpro("/v2/schedule/fi/requests", batch.clone()).await;
    run.finpro("/v2/schedule/fi/requests", batch).await;
    run.finpro("/bulk/status", json!({"reference_id": "batch-1"}))
        .await;
    let url = run.sandbox().consent_return_url(&handle);
    run.told.push(format!("{url:?}"));
    // Paused on day 3, resumed on day 5.
    run.pass(days(4)).await;
    run.finpro("/v3/getconsentslist", list.clone()).await;
    run.pass(days(2)).await;
    run.finpro("/v3/getconsentslist", list).await;
    run.finpro("/revokeconsent", json!({"consentID": consent}))
        .await;

    let body = json!({"productID": "LOAN-1", "vua": "9812300000@onemoney"});
    let asked = run.finpro("/v3/requestconsent", body).await;
    let handle = text(&asked, "/data/consent_handle");
    let decided = run
        .sandbox()
        .decide_consent(&handle, AggregatorConsentStatus::Rejected);
    let again = run
        .sandbox()
        .decide_consent(&handle, AggregatorConsentStatus::Active);
    run.told.push(format!("{decided} {again}"));
}

async fn veriff(run: &mut Run<'_>) {
    let named = |first_name: &str| {
        let person = json!({"firstName": first_name, "lastName": "Person"});
        json!({"verification": {"person": person, "vendorData": "application-1"}}).to_string()
    };
    let created = run.veriff("POST", "", "", &named("Resubmit")).await;
    let session = text(&created, "/verification/id");
    let consent = r#"{"type":"ine","approved":true,"text":"Yes"}"#;
    run.veriff("POST", &session, "/consents", consent).await;
    let image = STANDARD.encode(b"\x89PNG");
    let image = json!({"image": {"context": "face", "content": image}}).to_string();
    run.veriff("POST", &session, "/media", &image).await;
    run.veriff("GET", &session, "/media", "").await;
    for _ in 0..5 {
        run.pass(seconds(120)).await;
        run.veriff("GET", &session, "/decision", "").await;
        run.veriff("GET", &session, "/attempts", "").await;
    }
    run.pass(seconds(1200)).await;
    run.veriff("GET", &session, "/watchlist-screening", "")
        .await;
    let set = run
        .sandbox()
        .set_portal_status(&session, "Looked at", Some("by hand"));
    let decided = run.sandbox().decide(&session, DecisionStatus::Declined);
    let consents = run.sandbox().consents(&session);
    run.told.push(format!("{set} {decided} {consents:?}"));

    let created = run.veriff("POST", "", "", &named("Somebody")).await;
    let left = text(&created, "/verification/id");
    let code = r#"{"type":"aadhaar","identifier":"000000000000"}"#;
    run.veriff("POST", &left, "/mfa/generate", code).await;
    for _ in 0..2 {
        let wrong = r#"{"type":"aadhaar","code":"111111"}"#;
        run.veriff("POST", &left, "/mfa/verify", wrong).await;
    }
    run.pass(days(8)).await;
    run.veriff("GET", &left, "/decision", "").await;
    run.veriff("DELETE", &session, "", "").await;
    run.veriff("GET", &session, "/decision", "").await;
}

async fn deepvue(run: &mut Run<'_>) {
    let back = "https://lender.example.test/back?who=9001350000";
    let opened = run
        .deepvue("initiate-session", json!({"redirect_url": back}))
        .await;
    let id = text(&opened, "/transaction_id");
    let returned = run.sandbox().digilocker_return(&id).unwrap();
    let (_, code) = returned.split_once("&code=").unwrap();
    let code = code.split('&').next().unwrap().to_owned();
    run.told.push(returned);
    let of = |more: Value| {
        let mut body = json!({"initial_deepvue_transaction_id": id});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    run.deepvue("issued-files", of(json!({}))).await;
    run.deepvue("access-token", of(json!({"digilocker_code": code})))
        .await;
    let listed = run.deepvue("issued-files", of(json!({}))).await;
    let uri = text(&listed, "/data/0/uri");
    // The issuer is there when it is asked for the third time.
    for _ in 0..3 {
        run.deepvue("file", of(json!({"uri": uri}))).await;
    }
    run.pass(days(1)).await;
    run.deepvue("issued-files", of(json!({}))).await;
}

async fn everything(run: &mut Run<'_>) {
    run.control(
        "/sandbox/people",
        json!({"like": ["deny"], "name": "the one who denies"}),
    )
    .await;
    run.control("/sandbox/people", json!({"like": ["deny"]}))
        .await;
    let failure = Failure::new(503).first(2);
    let fault = Fault::new(Provider::Finpass, FaultKind::Failure(failure));
    let id = run
        .sandbox()
        .switch_fault_on(fault.of_operation("fetch-json-report"))
        .unwrap();
    run.told.push(id.to_string());
    run.control(
        "/sandbox/webhook-urls",
        json!({"finpass": "http://127.0.0.1:3000/x"}),
    )
    .await;
    finpass(run).await;
    finpro(run).await;
    veriff(run).await;
    deepvue(run).await;
    run.control(
        "/sandbox/triggers",
        json!({"event": "finpro.CONSENT_APPROVED"}),
    )
    .await;
    run.arrived();
    run.shown("/sandbox/webhooks").await;
    let journeys = run.shown("/sandbox/journeys").await;
    for journey in journeys["journeys"].as_array().unwrap() {
        run.shown(&format!(
            "/sandbox/journeys/{}",
            journey["id"].as_str().unwrap()
        ))
        .await;
    }
    for path in [
        "people",
        "clock",
        "webhook-urls",
        "faults",
        "webhooks/w_0001",
    ] {
        run.shown(&format!("/sandbox/{path}")).await;
    }
    run.control("/sandbox/clock", json!({"until": "expired"}))
        .await;
}

#[tokio::test]
async fn a_sandbox_that_ends_before_every_step_answers_as_one_that_does_not() {
    let (one, many) = (File::new(), File::new());
    let (mut goes_on, mut ends) = (Run::new(&one, false), Run::new(&many, true));
    everything(&mut goes_on).await;
    everything(&mut ends).await;
    for (step, (expected, found)) in goes_on.told.iter().zip(&ends.told).enumerate() {
        assert_eq!(expected, found, "step {step}");
    }
    assert_eq!(goes_on.told.len(), ends.told.len());
    // The steps are those that they are meant to be.
    let of = |status: &str| {
        let told = goes_on.told.iter();
        told.filter(|told| told.starts_with(status)).count()
    };
    assert_eq!(["400 ", "404 ", "422 ", "503 "].map(of), [3, 2, 0, 6]);
}

#[tokio::test]
async fn ids_go_on() {
    let file = File::new();
    let body = json!({"mobile_number": "9000000001", "consent_type": "loan_underwriting"});
    let body = body.to_string();
    let path = "/finpass/api/v1/services/account-aggregator/init";
    for settings in [
        file.settings(),
        file.settings().with_deterministic_ids(true),
    ] {
        let mut ids = Vec::new();
        for _ in 0..3 {
            let sandbox = Sandbox::open(settings.clone(), file.path()).unwrap();
            let reply = send(&sandbox, "POST", path, FINPASS, body.as_str()).await;
            ids.push(text(&reply.json(), "/data/client_id"));
        }
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), 3, "{ids:?}");
    }
}

/// Lets this time pass since the sandbox last wrote.
fn be_down(file: &File, time: Duration) {
    let changed = file.sqlite().execute(
        "UPDATE entry SET body = json_set(body, '$.real_ms', body ->> '$.real_ms' - ?1)
         WHERE room = 'clock'",
        [i64::try_from(time.as_millis()).unwrap()],
    );
    assert_eq!(changed, Ok(1));
}

#[tokio::test]
async fn what_was_due_while_it_was_down_happens_in_order_and_at_its_time() {
    let file = File::new();
    let sandbox = file.open();
    // Approves, pauses on the third day and resumes on the fifth; revokes on the seventh.
    for mobile in ["9001080000", "9001070000"] {
        let body = json!({"productID": "LOAN-1", "vua": format!("{mobile}@onemoney")});
        let path = "/finpro/v3/requestconsent";
        send(&sandbox, "POST", path, FINPRO, body.to_string()).await;
    }
    sandbox.set_clock_mode(ClockMode::Frozen);
    sandbox.advance(seconds(30)).await;
    let before = sandbox.now();
    drop(sandbox);

    be_down(&file, days(8));
    let sandbox = file.open();
    assert_eq!(sandbox.now(), before, "it stands still");
    sandbox.deliver_due().await;
    assert_eq!(sandbox.webhooks().len(), 2);
    sandbox.set_clock_mode(ClockMode::Real);
    drop(sandbox);

    be_down(&file, days(8));
    let sandbox = file.open();
    assert!(sandbox.now() >= before + days(8));
    sandbox.deliver_due().await;
    let events: Vec<_> = sandbox
        .webhooks()
        .iter()
        .map(|webhook| webhook.event)
        .collect();
    assert_eq!(
        events[2..],
        ["CONSENT_PAUSED", "CONSENT_RESUMED", "CONSENT_REVOKED"]
    );
    let arrived = file.receiver.arrived.lock().unwrap();
    assert_eq!(arrived.len(), 5);
}

#[tokio::test]
async fn the_clock_is_never_moved_back() {
    let file = File::new();
    let sandbox = file.open();
    sandbox.set_clock_mode(ClockMode::Fast(60_000));
    let shown = text(
        &send(&sandbox, "GET", "/sandbox/clock", &[], "")
            .await
            .json(),
        "/now",
    );
    drop(sandbox);
    let sandbox = file.open();
    let now = text(
        &send(&sandbox, "GET", "/sandbox/clock", &[], "")
            .await
            .json(),
        "/now",
    );
    assert!(now >= shown, "{now} {shown}");
    let before = sandbox.now();
    sandbox.set_clock_mode(ClockMode::Real);
    drop(sandbox);
    // The machine's own clock was moved back.
    file.sqlite()
        .execute("UPDATE entry SET body = json_set(body, '$.real_ms', body ->> '$.real_ms' + 86400000) WHERE room = 'clock'", [])
        .unwrap();
    assert!(file.open().now() >= before);
}

#[tokio::test]
async fn a_webhook_that_was_not_accepted_is_sent_again_as_it_was() {
    let file = File::new();
    // The decision and the screening, twice each.
    file.receiver.answers.lock().unwrap().extend([500; 4]);
    let sandbox = file.open();
    sandbox.set_clock_mode(ClockMode::Frozen);
    assert!(sandbox.decide(
        "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
        DecisionStatus::Approved
    ));
    sandbox.deliver_due().await;
    drop(sandbox);
    for pause in [seconds(30), seconds(120)] {
        file.open().advance(pause).await;
    }
    let sandbox = file.open();
    let decision = &sandbox.webhooks()[0];
    let at: Vec<_> = decision
        .attempts
        .iter()
        .map(|(at_ms, _)| at_ms - decision.made_ms)
        .collect();
    assert_eq!(at, [0, 30_000, 150_000]);
    let arrived = file.receiver.arrived.lock().unwrap();
    let of_it = arrived
        .iter()
        .filter(|arrived| arrived.headers["x-sandbox-webhook"] == "w_0001");
    let bodies: Vec<_> = of_it.map(|arrived| arrived.body.clone()).collect();
    assert_eq!(bodies, vec![decision.body.clone(); 3]);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_was_on_its_way_is_sent_again() {
    let file = File::new();
    let slow = file
        .settings()
        .with_webhook_transport(Some(Arc::new(Silent)));
    let sandbox = Sandbox::open(slow, file.path()).unwrap();
    sandbox.decide(
        "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
        DecisionStatus::Approved,
    );
    let delivering = sandbox.deliver_due();
    assert!(tokio::time::timeout(seconds(1), delivering).await.is_err());
    drop(sandbox);
    assert!(file.receiver.arrived.lock().unwrap().is_empty());
    let deliveries = file.open().deliver_due().await;
    assert_eq!(deliveries.len(), 2, "the decision and the screening");
    assert_eq!(file.receiver.arrived.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_webhook_that_was_sent_again_in_time_is_planned_no_more() {
    let file = File::new();
    let sandbox = file.open();
    sandbox.decide(
        "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
        DecisionStatus::Approved,
    );
    file.receiver.answers.lock().unwrap().extend([503, 503]);
    assert_eq!(sandbox.deliver_due().await.len(), 2);
    for webhook in sandbox.webhooks() {
        assert!(sandbox.resend(webhook.id).await.unwrap().is_accepted());
    }
    drop(sandbox);
    let arrived = || file.receiver.arrived.lock().unwrap().len();
    assert_eq!(arrived(), 4);
    let sandbox = file.open();
    let planned = json!({"until": "webhook"});
    let planned = control::post(&sandbox, "/sandbox/clock", &planned).await;
    assert_eq!(planned.status, 404, "{}", planned.text);
    assert_eq!(sandbox.advance(seconds(3600)).await.delivered, 0);
    assert_eq!(arrived(), 4);
}

/// Never answers.
#[derive(Debug)]
struct Silent;

#[provider_core::async_trait]
impl Transport for Silent {
    async fn send(
        &self,
        _request: http::Request<Body>,
        _limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn the_console_keeps_its_rows_and_not_what_was_on_the_wire() {
    let file = File::new();
    let body = json!({"mobile_number": "9000000001", "consent_type": "loan_underwriting"});
    let path = "/finpass/api/v1/services/account-aggregator/init";
    send(&file.open(), "POST", path, FINPASS, body.to_string()).await;
    let sandbox = file.open();
    let page = async |path| send(&sandbox, "GET", path, &[], "").await;
    let row = page("/").await.text;
    assert!(
        row.contains("session opened, waits for the person"),
        "{row}"
    );
    // The row of the consent is the first, that of the call the second.
    let call = page("/r/2").await;
    assert_eq!(call.status, 200);
    assert!(
        call.text
            .contains("of the newest 1,000 calls since the sandbox started")
    );
    assert_eq!(page("/j/j_1").await.status, 200);
}

#[tokio::test]
async fn a_person_goes_on_at_the_page() {
    let file = File::new();
    let settings = || file.settings().with_people_act(PeopleAct::OnPages);
    let open = || Sandbox::open(settings(), file.path()).unwrap();
    let sandbox = open();
    let body = json!({"verification": {"person": {"firstName": "Asha"}}}).to_string();
    let signature = sign(credentials::VERIFF_SHARED_SECRET, body.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", signature.as_str()),
    ];
    let created = send(&sandbox, "POST", "/veriff/v1/sessions", &headers, body).await;
    let token = text(&created.json(), "/verification/sessionToken");
    let mut browser = Browser::open(&sandbox, &format!("/veriff/v/{token}")).await;
    browser.send(&[("agree", "yes")]).await;
    let title = browser.title().to_owned();
    let (at, form) = (browser.at.clone(), browser.hidden());
    let cookies = browser.cookies;
    drop(sandbox);
    let sandbox = open();
    let browser = Browser::open_with(&sandbox, &at, cookies).await;
    assert_eq!((browser.title(), browser.hidden()), (title.as_str(), form));
    // Whose it is was kept as well.
    let other = Browser::open(&sandbox, &at).await;
    assert_eq!(other.title(), "Session of another person");
}

/// What is in the directory, byte for byte.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(path).ok()))
        .collect()
}

#[tokio::test]
async fn a_file_that_is_no_sandboxes_is_refused_and_not_changed() {
    type Prepare = fn(&File);
    let cases: [(&str, Prepare); 12] = [
        ("NotAFile", |file| fs::create_dir(file.path()).unwrap()),
        ("NotSqlite", |file| fs::write(file.path(), "notes").unwrap()),
        ("NotSqlite", |file| {
            fs::write(file.path(), "a long text ".repeat(1000)).unwrap();
        }),
        ("OtherApplication", |file| {
            file.sqlite()
                .execute("CREATE TABLE note (text)", [])
                .unwrap();
        }),
        ("OtherApplication", |file| {
            let other = "PRAGMA journal_mode = WAL; PRAGMA application_id = 7;
                         CREATE TABLE entry (place, room, key, body)";
            file.sqlite().execute_batch(other).unwrap();
        }),
        ("Newer { schema: 2, known: 1 }", |file| {
            drop(file.open());
            file.sqlite()
                .pragma_update(None, "user_version", 2)
                .unwrap();
        }),
        ("ReadOnly", |file| {
            drop(file.open());
            let mut permissions = fs::metadata(file.path()).unwrap().permissions();
            permissions.set_readonly(true);
            fs::set_permissions(file.path(), permissions).unwrap();
        }),
        ("OpenToOthers { mode: 420 }", |file| {
            drop(file.open());
            let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            fs::set_permissions(file.path(), readable).unwrap();
        }),
        (r#"Unreadable { room: "clock" }"#, |file| {
            drop(file.open());
            let changed = "UPDATE entry SET body = '{}' WHERE room = 'clock'";
            file.sqlite().execute(changed, []).unwrap();
        }),
        (
            r#"Unreadable { room: "rooms of a later version" }"#,
            |file| {
                drop(file.open());
                let more = "INSERT INTO entry VALUES (1000, 'rooms of a later version', '1', '1')";
                file.sqlite().execute(more, []).unwrap();
            },
        ),
        ("Sqlite", |file| {
            drop(file.open());
            file.sqlite().execute("DROP TABLE entry", []).unwrap();
        }),
        ("Create", |file| {
            fs::remove_dir(file.directory.path()).unwrap()
        }),
    ];
    for (expected, prepare) in cases {
        let file = File::new();
        prepare(&file);
        let there_is = file.directory.path().is_dir();
        let before = there_is.then(|| contents(file.directory.path()));
        let error = file.refused();
        assert!(
            format!("{error:?}").starts_with(expected),
            "{expected} {error:?}"
        );
        assert!(error.to_string().starts_with("the state file "), "{error}");
        let after = there_is.then(|| contents(file.directory.path()));
        assert_eq!(before, after, "{expected}");
    }
}

#[tokio::test]
async fn a_file_is_its_owners_whatever_opens_it_meanwhile() {
    let open = |file: &File, owner| Sandbox::open_for(owner, file.settings(), file.path());
    let file = File::new();
    for _ in 0..2 {
        drop(open(&file, "one").unwrap());
        drop(file.open());
    }
    let none = File::new();
    drop(none.open());
    for (file, owner) in [(&file, "another"), (&file, ""), (&none, "one")] {
        let before = contents(file.directory.path());
        let error = open(file, owner).unwrap_err();
        assert!(matches!(error, StateFileError::OtherOwner), "{error:?}");
        assert_eq!(contents(file.directory.path()), before);
    }
}

#[tokio::test]
async fn a_file_is_one_sandboxes_at_a_time() {
    let file = File::new();
    let sandbox = file.open();
    assert!(matches!(file.refused(), StateFileError::InUse));
    let clone = sandbox.clone();
    drop(sandbox);
    assert!(matches!(file.refused(), StateFileError::InUse));
    drop(clone);
    drop(file.open());
    let left: Vec<_> = contents(file.directory.path()).into_keys().collect();
    assert_eq!(
        left,
        [file.path(), file.path().with_extension("state.lock")]
    );

    let other = file.sqlite();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(file.refused(), StateFileError::InUse));
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let file = File::new();
    let _sandbox = file.open();
    for path in contents(file.directory.path()).into_keys() {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path:?}");
    }
}
