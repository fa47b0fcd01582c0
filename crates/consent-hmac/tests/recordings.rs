//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use consent_hmac::provider_core::testing::{FixedClock, Recorder, record_catalogue};
use consent_hmac::provider_core::{BaseUrl, RetryPolicy};
use consent_hmac::{ApiKey, ConsentClient, SharedSecret, Veriff};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_OLD_SECRET, VERIFF_SHARED_SECRET};
use kyc_sandbox::{Sandbox, SandboxTransport, Settings, VeriffSettings};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    record_catalogue(ConsentClient::CATALOGUE, FIXTURES, |name| {
        let (mut key, mut secret) = (VERIFF_API_KEY, VERIFF_SHARED_SECRET);
        let mut veriff = VeriffSettings::default();
        match name {
            "record-consent/recorded-unauthorized" => veriff = veriff.fail_with(401),
            "record-consent/recorded-key-is-no-uuid" => key = "other",
            "record-consent/recorded-unknown-key" => key = "11111111-2222-4333-8444-555555555555",
            "record-consent/recorded-wrong-secret" => secret = VERIFF_OLD_SECRET,
            _ => {}
        }
        let settings = Settings::default().with_deterministic_ids(true);
        let sandbox = Sandbox::new(settings.with_veriff(veriff));
        let veriff = Veriff::new(
            BaseUrl::parse("base_url", &SandboxTransport::base_urls().veriff).unwrap(),
            ApiKey::new(key).unwrap(),
            &SharedSecret::new(secret).unwrap(),
        );
        let recorder = Recorder::new(Arc::new(sandbox.transport()));
        let client = ConsentClient::builder(veriff)
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        (client.client().clone(), recorder)
    })
    .await;
}
