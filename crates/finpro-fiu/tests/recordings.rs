//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use finpro_fiu::finpro_profile::Finpro;
use finpro_fiu::{
    AccountId, BulkConsent, ConsentHandle, ConsentId, ConsentsFile, DecryptRedirection,
    EncryptRedirection, FinproEvent, FinproWebhooks, FipEventType, FiuClient, GetAllFiData,
    GetAllFiDataPdf, GetAllLatestFiData, GetAnalyticsExcel, GetAnalyticsJson, GetAnalyticsXml,
    GetBulkStatus, GetFiBalance, GetFiData, GetFiDataXml, GetFiStatus, GetFipHealth,
    GetPdfAnalyticsJson, GetPdfAnalyticsStatus, JourneyId, ListAggregators, ListConsentsV1,
    ListConsentsV2, ListConsentsV3, ListFips, ListProducts, ListUniqueAccounts, PartyIdentifier,
    ProductId, PushPdfAnalytics, RefToken, ReferenceId, RequestConsentV2, RequestConsentV3,
    RequestConsentV4, RequestFi, RevokeConsent, ScheduleFiRequests, SessionId, StatementFile,
    TransactionId, UploadFiRequests, Vua,
};
use kyc_sandbox::{Provider, Sandbox, SandboxTransport, Trigger, credentials};
use provider_core::http::HeaderMap;
use provider_core::testing::{
    FixedClock, Mode, Recorder, ScriptedTransport, Sent, Step, WebhookFixture,
};
use provider_core::webhook::{Receiver, Refusal};
use provider_core::{Clock as _, Endpoint, Mobile, RetryPolicy, Settings};
use serde::Serialize;
use serde_json::json;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// A client of a sandbox, and what it exchanges.
struct Recorded {
    client: FiuClient,
    recorder: Recorder,
}

impl Recorded {
    fn new() -> Self {
        let sandbox = Sandbox::new(kyc_sandbox::Settings::default().with_deterministic_ids(true));
        let settings = Settings::of(credentials::environment(&SandboxTransport::base_urls()));
        let recorder = Recorder::new(Arc::new(sandbox.transport()));
        let client = FiuClient::builder(Finpro::from_settings(&settings).unwrap())
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        Self { client, recorder }
    }

    /// Calls, and keeps the exchange as `recorded-…` of its operation.
    async fn call<E>(&self, case: &str, request: E) -> Option<E::Output>
    where
        E: Endpoint<Provider = Finpro, Output: Serialize> + Serialize + Clone,
    {
        let result = self.client.client().call(request.clone()).await;
        let directory = Path::new(FIXTURES).join(E::OPERATION.name);
        let mode = Mode::from_environment();
        let case = format!("recorded-{case}");
        self.recorder
            .finish(mode, directory, &case, &request, &result);
        result.ok().map(provider_core::Response::into_value)
    }
}

#[tokio::test]
async fn recorded_choices_are_up_to_date() {
    let recorded = Recorded::new();
    let aggregators = recorded.call("enabled", ListAggregators::new()).await;
    assert_eq!(aggregators.unwrap().data.len(), 3);
    recorded
        .call("of-the-sandbox", ListFips::new())
        .await
        .unwrap();
    let products = recorded.call("all", ListProducts::new()).await.unwrap();
    let one = ListProducts::new().set_product(products.data[0].product_code.clone());
    recorded.call("one", one).await.unwrap();
    let health = GetFipHealth::new().set_aggregators(["onemoney"]);
    let health = health.set_event_types([FipEventType::Discovery, FipEventType::FiFetch]);
    recorded.call("two-steps", health).await.unwrap();
}

#[tokio::test]
async fn recorded_consents_are_up_to_date() {
    let recorded = Recorded::new();
    let product = || ProductId::parse("LOAN-1").unwrap();
    let vua = |user: &str| Vua::parse(&format!("{user}@onemoney")).unwrap();
    let mobile = || Mobile::parse("9000000001").unwrap();
    let party = || PartyIdentifier::mobile(&mobile());
    let account = || AccountId::parse("application-4711").unwrap();

    let v3 = RequestConsentV3::new(product(), vua("9000000001"));
    let v3 = v3.set_party(party()).set_account(account());
    let asked = recorded.call("asked", v3).await.unwrap().data;
    let v2 = RequestConsentV2::new(product(), vua("9000000002"), party(), account());
    recorded.call("asked", v2).await.unwrap();
    let v4 = RequestConsentV4::new(product(), vua("9000000003"), party(), account());
    recorded.call("asked", v4).await.unwrap();

    let handle = asked.consent_handle;
    let handles = ListConsentsV3::Handles(vec![handle.clone()]);
    let listed = recorded.call("active", handles).await.unwrap().data;
    let consent = listed.first().unwrap().consent_id.clone().unwrap();
    let v2 = ListConsentsV2::new(party(), product(), account());
    recorded.call("of-a-customer", v2).await.unwrap();
    let v1 = ListConsentsV1::new(mobile(), product());
    recorded.call("of-a-customer", v1).await.unwrap();
    let unique = ListUniqueAccounts::new(mobile(), product());
    recorded.call("of-a-customer", unique).await.unwrap();

    let encrypt = EncryptRedirection::new([handle.clone()]);
    recorded.call("encrypted", encrypt).await.unwrap();
    let unknown = ConsentHandle::parse("3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b").unwrap();
    let unknown = EncryptRedirection::new([unknown]);
    assert!(recorded.call("unknown-handle", unknown).await.is_none());
    for (case, code) in [("accepted", "0"), ("rejected", "1")] {
        let decrypt = DecryptRedirection::new(code, "010120300000000", "fi");
        recorded.call(case, decrypt).await.unwrap();
    }

    let request = RequestFi::new(consent.clone());
    let session = recorded.call("accepted", request).await.unwrap().data;
    let unknown = RequestFi::new(ConsentId::parse("unknown").unwrap());
    assert!(recorded.call("unknown-consent", unknown).await.is_none());
    let status = GetFiStatus::of_session(session.session_id);
    recorded.call("ready", status).await.unwrap();
    let unknown = GetFiStatus::of_session(SessionId::parse("unknown").unwrap());
    assert!(recorded.call("unknown-session", unknown).await.is_none());

    let all = GetAllFiData::of_consent(consent.clone());
    let data = recorded.call("two-accounts", all).await.unwrap().data;
    let link = data.first().unwrap().link_reference_number.clone();
    let link = link.unwrap();
    let one = GetFiData::new(consent.clone(), link.clone());
    recorded.call("one-account", one).await.unwrap();
    let xml = GetFiDataXml::new(consent.clone(), link.clone());
    recorded.call("document", xml).await.unwrap();
    let pdf = GetAllFiDataPdf::new(consent.clone(), [link]);
    recorded.call("statement", pdf).await.unwrap();
    let balance = GetFiBalance::new(consent.clone());
    recorded.call("two-accounts", balance).await.unwrap();
    let latest = GetAllLatestFiData::new(consent.clone());
    recorded.call("two-accounts", latest).await.unwrap();
    let unknown = GetAllFiData::of_account(AccountId::parse("unknown").unwrap());
    assert!(recorded.call("unknown-account", unknown).await.is_none());

    let journey = || JourneyId::parse("journey-1").unwrap();
    let json = GetAnalyticsJson::of_consent(consent.clone(), journey());
    recorded.call("of-a-consent", json).await.unwrap();
    let excel = GetAnalyticsExcel::of_consent(consent.clone(), journey());
    recorded.call("link", excel).await.unwrap();
    let xml = GetAnalyticsXml::of_consent(consent.clone(), journey());
    recorded.call("document", xml).await.unwrap();
    let unknown = || TransactionId::parse("unknown").unwrap();
    let unknown = GetAnalyticsJson::of_transaction(unknown());
    assert!(
        recorded
            .call("unknown-transaction", unknown)
            .await
            .is_none()
    );
    let statement = StatementFile::new("content", b"%PDF-1.4").unwrap();
    let push = PushPdfAnalytics::new("Invented Person", mobile(), "LOAN-4711", [statement]);
    let token = recorded.call("pushed", push).await.unwrap().data.ref_token;
    let status = GetPdfAnalyticsStatus::new(token.clone());
    recorded.call("completed", status).await.unwrap();
    let json = GetPdfAnalyticsJson::new(token);
    recorded.call("analysis", json).await.unwrap();
    let unknown = GetPdfAnalyticsStatus::new(RefToken::parse("unknown").unwrap());
    assert!(recorded.call("unknown-token", unknown).await.is_none());

    let reference = |text: &str| ReferenceId::parse(text).unwrap();
    let unknown = BulkConsent::new(ConsentId::parse("unknown").unwrap());
    let rows = [BulkConsent::new(consent.clone()), unknown];
    let batch = || ScheduleFiRequests::new(reference("batch-1"), rows.clone());
    recorded.call("scheduled", batch()).await.unwrap();
    assert!(recorded.call("used-before", batch()).await.is_none());
    let file = ConsentsFile::of_consents(&rows).unwrap();
    let upload = UploadFiRequests::new(file).set_reference(reference("batch-2"));
    recorded.call("uploaded", upload.clone()).await.unwrap();
    assert!(recorded.call("used-before", upload).await.is_none());
    let status = GetBulkStatus::new(reference("batch-2")).set_include_balances(true);
    recorded
        .call("one-done-and-one-failed", status)
        .await
        .unwrap();
    let unknown = GetBulkStatus::new(reference("unknown"));
    assert!(recorded.call("unknown-reference", unknown).await.is_none());

    let revoke = || RevokeConsent::new(consent.clone());
    recorded.call("revoked", revoke()).await.unwrap();
    assert!(recorded.call("already-revoked", revoke()).await.is_none());
    let unknown = RevokeConsent::new(ConsentId::parse("unknown").unwrap());
    assert!(recorded.call("unknown-consent", unknown).await.is_none());
}

const WEBHOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/webhooks");

fn events() -> impl Iterator<Item = String> {
    Trigger::names().filter(|name| name.starts_with("finpro."))
}

#[tokio::test]
async fn recorded_webhooks_are_up_to_date() {
    for name in events() {
        let delivered = deliver(&name).await;
        let event = read(&delivered.headers, &delivered.body).unwrap();
        let (_, event_name) = name.split_once('.').unwrap();
        let case = event_name.to_lowercase().replace(['.', '_'], "-");
        let (mode, names) = (
            Mode::from_environment(),
            ["content-type", "x-sandbox-signature"],
        );
        WebhookFixture::finish(mode, WEBHOOKS, &case, &delivered, &names, event);
    }
}

#[test]
fn webhooks_on_file_are_read_and_changed_ones_are_not() {
    let all = WebhookFixture::all(WEBHOOKS);
    assert_eq!(all.len(), events().count());
    for webhook in all {
        let (headers, body) = (webhook.headers(), webhook.body.clone().into_bytes());
        assert_eq!(read(&headers, &body), Ok(webhook.event), "{}", webhook.case);
        let written_again: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let written_again = serde_json::to_vec_pretty(&written_again).unwrap();
        assert!(read(&headers, &written_again).is_err(), "{}", webhook.case);
    }
}

/// What a receiver with the sandbox's settings reads.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<serde_json::Value, Refusal> {
    let settings = Settings::of(credentials::environment(&SandboxTransport::base_urls()));
    let receiver = Receiver::new(FinproWebhooks::from_settings(&settings).unwrap());
    let verified = receiver.verify(headers, body, FixedClock::default().now())?;
    let event = verified.parse().unwrap();
    let (kind, status, state) = match &event {
        FinproEvent::Consent(event) => (
            "consent",
            event.status.as_str(),
            event.state().map(|state| format!("{state:?}")),
        ),
        FinproEvent::Data(event) => (
            "data",
            event.status.as_str(),
            event.state().map(|state| format!("{state:?}")),
        ),
        other => panic!("{other:?}"),
    };
    Ok(json!({
        "kind": kind,
        "consent_handle": event.consent_handle().map(ConsentHandle::as_str),
        "status": status,
        "state": state,
    }))
}

/// What a sandbox with fixed ids sends when this event happens.
async fn deliver(event: &str) -> Sent {
    let accepted = (0..20).map(|_| Step::respond(200, ""));
    let caller = ScriptedTransport::new(accepted);
    let urls = [(Provider::Finpro, "http://127.0.0.1:3000/hooks".to_owned())];
    let sandbox = Sandbox::new(
        kyc_sandbox::Settings::default()
            .with_deterministic_ids(true)
            .with_webhook_urls(urls.into())
            .with_webhook_transport(Some(Arc::new(caller.clone()))),
    );
    let made = sandbox.trigger(Trigger::of(event).unwrap()).await.unwrap();
    // The clock stands still with fixed ids, so what is planned for now comes when it is moved.
    sandbox.advance(Duration::from_secs(1)).await;
    let body = sandbox.webhook(made.webhook).unwrap().body;
    let mut sent = caller.sent().into_iter();
    sent.find(|sent| sent.body == body).unwrap()
}
