//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use finpass::provider_core::BaseUrl;
use finpass::provider_core::testing::{FixedClock, Recorder, record_catalogue};
use finpass::{ApiKey, ApiSecret, Finpass, FinpassClient};
use kyc_sandbox::credentials::{FINPASS_API_KEY, FINPASS_API_SECRET};
use kyc_sandbox::{Sandbox, SandboxTransport, Settings};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    record_catalogue(FinpassClient::CATALOGUE, FIXTURES, |name| {
        let secret = match name {
            "initialize/recorded-wrong-secret" => "other",
            _ => FINPASS_API_SECRET,
        };
        let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
        let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().finpass);
        let finpass = Finpass::new(
            ApiKey::new(FINPASS_API_KEY).unwrap(),
            ApiSecret::new(secret).unwrap(),
        )
        .with_base_url(base_url.unwrap());
        let recorder = Recorder::new(Arc::new(sandbox.transport()));
        let client = FinpassClient::builder(finpass)
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .build()
            .unwrap();
        (client.client().clone(), recorder)
    })
    .await;
}
