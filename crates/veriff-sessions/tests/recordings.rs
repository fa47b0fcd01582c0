//! Recorded fixtures are what the client and the sandbox exchange now. `cargo xtask fixtures` rewrites them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::Arc;
use std::time::Duration;

use consent_hmac::{ApiKey, SharedSecret, Veriff};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};
use kyc_sandbox::{DecisionStatus, Provider, Sandbox, SandboxTransport, Settings, Trigger};
use provider_core::http::HeaderMap;
use provider_core::testing::{
    FixedClock, Mode, Recorder, ScriptedTransport, Sent, Step, WebhookFixture, record_catalogue,
};
use provider_core::webhook::{Receiver, Refusal};
use provider_core::{BaseUrl, Clock as _};
use serde_json::json;
use veriff_sessions::{SessionsClient, VeriffEvent, VeriffWebhooks};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// A session that somebody declines at the sandbox.
const DECLINED: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    record_catalogue(SessionsClient::CATALOGUE, FIXTURES, |name| {
        let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
        if name == "decision/recorded-declined" {
            assert!(sandbox.decide(DECLINED, DecisionStatus::Declined));
        }
        let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().veriff);
        let key = ApiKey::new(VERIFF_API_KEY).unwrap();
        let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
        let recorder = Recorder::new(Arc::new(sandbox.transport()));
        let client = SessionsClient::builder(Veriff::new(base_url.unwrap(), key, &secret))
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .build()
            .unwrap();
        (client.client().clone(), recorder)
    })
    .await;
}

const WEBHOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/webhooks");

#[tokio::test]
async fn recorded_webhooks_are_up_to_date() {
    for name in Trigger::names().filter(|name| name.starts_with("veriff.")) {
        let delivered = deliver(&name).await;
        let event = read(&delivered.headers, &delivered.body).unwrap();
        let (_, event_name) = name.split_once('.').unwrap();
        let case = event_name.to_lowercase().replace(['.', '_'], "-");
        let names = [
            "content-type",
            "x-auth-client",
            "x-hmac-signature",
            "vrf-auth-client",
            "vrf-hmac-signature",
            "vrf-integration-id",
        ];
        let mode = Mode::from_environment();
        WebhookFixture::finish(mode, WEBHOOKS, &case, &delivered, &names, event);
    }
}

#[test]
fn webhooks_on_file_are_read_and_changed_ones_are_not() {
    let all = WebhookFixture::all(WEBHOOKS);
    assert_eq!(
        all.len(),
        Trigger::names()
            .filter(|name| name.starts_with("veriff."))
            .count()
    );
    for webhook in all {
        let (headers, body) = (webhook.headers(), webhook.body.clone().into_bytes());
        assert_eq!(read(&headers, &body), Ok(webhook.event), "{}", webhook.case);
        let written_again: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let written_again = serde_json::to_vec_pretty(&written_again).unwrap();
        assert!(read(&headers, &written_again).is_err(), "{}", webhook.case);
    }
}

/// What a receiver with the sandbox's secret reads.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<serde_json::Value, Refusal> {
    let key = ApiKey::new(VERIFF_API_KEY).unwrap();
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    let receiver = Receiver::new(VeriffWebhooks::new(&key, &secret));
    let verified = receiver.verify(headers, body, FixedClock::default().now())?;
    let event = verified.parse().unwrap();
    let kind = match &event {
        VeriffEvent::Decision(_) => "decision",
        VeriffEvent::Flow(_) => "flow",
        VeriffEvent::UserDefinedStatus(_) => "user-defined-status",
        VeriffEvent::Watchlist(_) => "watchlist",
        other => panic!("{other:?}"),
    };
    Ok(json!({
        "kind": kind,
        "session_id": event.session_id(),
        "attempt_id": event.attempt_id(),
        "state": event.state().map(|state| format!("{state:?}")),
    }))
}

/// What a sandbox with fixed ids sends when this event happens.
async fn deliver(event: &str) -> Sent {
    let accepted = (0..20).map(|_| Step::respond(200, ""));
    let caller = ScriptedTransport::new(accepted);
    let urls = [(Provider::Veriff, "http://127.0.0.1:3000/hooks".to_owned())];
    let sandbox = Sandbox::new(
        Settings::default()
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
