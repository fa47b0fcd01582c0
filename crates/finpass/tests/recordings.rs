//! Recorded fixtures are what the client and the sandbox exchange now. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use finpass::provider_core::testing::{FixedClock, Mode, Recorder};
use finpass::provider_core::{BaseUrl, Email, Mobile, Pan};
use finpass::{ApiKey, ApiSecret, ConsentType, Finpass, FinpassClient, Initialize};
use kyc_sandbox::credentials::{FINPASS_API_KEY, FINPASS_API_SECRET};
use kyc_sandbox::{Sandbox, SandboxTransport, Settings};

const FIXTURES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/finpass/initialize"
);

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    let minimal = Initialize::new(
        Mobile::parse("9000000001").unwrap(),
        ConsentType::LoanUnderwriting,
    );
    let full = minimal
        .clone()
        .set_pan_number(Pan::parse("AAAAA0000A").unwrap())
        .set_email(Email::parse("person@example.test").unwrap())
        .set_webhook_url("https://lender.example.test/hook")
        .set_return_url("https://lender.example.test/done");
    for (case, secret, request) in [
        ("recorded-full", FINPASS_API_SECRET, full),
        ("recorded-wrong-secret", "other", minimal),
    ] {
        let transport = Sandbox::new(Settings::default().with_deterministic_ids(true)).transport();
        let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().finpass).unwrap();
        let finpass = Finpass::new(
            ApiKey::new(FINPASS_API_KEY).unwrap(),
            ApiSecret::new(secret).unwrap(),
        )
        .with_base_url(base_url);
        let recorder = Recorder::new(Arc::new(transport));
        let client = FinpassClient::builder(finpass)
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .build()
            .unwrap();
        let result = client.initialize(request).await;
        recorder.finish(Mode::from_environment(), FIXTURES, case, &result);
    }
}
