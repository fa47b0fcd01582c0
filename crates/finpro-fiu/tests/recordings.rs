//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use finpro_fiu::finpro_profile::Finpro;
use finpro_fiu::{ConsentHandle, FinproEvent, FinproWebhooks, FiuClient};
use kyc_sandbox::{Provider, Sandbox, SandboxTransport, Trigger, credentials};
use provider_core::http::HeaderMap;
use provider_core::testing::{
    FixedClock, Mode, Recorder, ScriptedTransport, Sent, Step, WebhookFixture, record_catalogue,
};
use provider_core::webhook::{Receiver, Refusal};
use provider_core::{Clock as _, RetryPolicy, Settings};
use serde_json::json;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    record_catalogue(FiuClient::CATALOGUE, FIXTURES, |_| {
        let sandbox = Sandbox::new(kyc_sandbox::Settings::default().with_deterministic_ids(true));
        let settings = Settings::of(credentials::environment(&SandboxTransport::base_urls()));
        let recorder = Recorder::new(Arc::new(sandbox.transport()));
        let client = FiuClient::builder(Finpro::from_settings(&settings).unwrap())
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        (client.client().clone(), recorder)
    })
    .await;
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
