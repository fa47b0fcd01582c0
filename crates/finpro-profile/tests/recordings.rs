//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use finpro_profile::provider_core::testing::{FixedClock, Mode, Recorder};
use finpro_profile::provider_core::{BaseUrl, Mobile, RetryPolicy};
use finpro_profile::{
    AaId, AppIdentifier, CheckProfile, ClientId, ClientSecret, Credentials, Finpro,
    FinproProfileClient, OrganisationId, UserConsentId,
};
use kyc_sandbox::credentials::{
    FINPRO_APP_IDENTIFIER, FINPRO_CLIENT_ID, FINPRO_CLIENT_SECRET, FINPRO_ORGANISATION_ID,
};
use kyc_sandbox::{FinproSettings, Sandbox, SandboxTransport, Settings};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/check-profile");

fn request(mobile: &str) -> CheckProfile {
    CheckProfile::new(
        Mobile::parse(mobile).unwrap(),
        UserConsentId::parse("reference-1").unwrap(),
    )
}

// In paused time, because a silent aggregator is waited for.
#[tokio::test(start_paused = true)]
async fn recorded_fixtures_are_up_to_date() {
    let full = request("9000000001").set_aa_ids([
        AaId::parse("onemoney").unwrap(),
        AaId::parse("finvu").unwrap(),
    ]);
    let secret = FINPRO_CLIENT_SECRET;
    let sandbox = FinproSettings::default;
    for (case, secret, settings, request) in [
        ("recorded-full", secret, sandbox(), full),
        (
            "recorded-needs-linking",
            secret,
            sandbox(),
            request("9000000002"),
        ),
        (
            "recorded-silent-aggregator",
            secret,
            sandbox(),
            request("9000000004"),
        ),
        (
            "recorded-failing-aggregator",
            secret,
            sandbox(),
            request("9000000005"),
        ),
        (
            "recorded-no-active-aggregator",
            secret,
            sandbox(),
            request("9000000007"),
        ),
        (
            "recorded-wrong-secret",
            "other",
            sandbox(),
            request("9000000001"),
        ),
        (
            "recorded-rate-limited",
            secret,
            sandbox().with_rate_limit(0),
            request("9000000001"),
        ),
    ] {
        let settings = Settings::default()
            .with_deterministic_ids(true)
            .with_finpro(settings);
        let transport = Sandbox::new(settings).transport();
        let finpro = Finpro::new(
            BaseUrl::parse("base_url", &SandboxTransport::base_urls().finpro).unwrap(),
            Credentials {
                client_id: ClientId::new(FINPRO_CLIENT_ID).unwrap(),
                client_secret: ClientSecret::new(secret).unwrap(),
                organisation_id: OrganisationId::new(FINPRO_ORGANISATION_ID).unwrap(),
                app_identifier: AppIdentifier::new(FINPRO_APP_IDENTIFIER).unwrap(),
            },
        );
        let recorder = Recorder::new(Arc::new(transport));
        let client = FinproProfileClient::builder(finpro)
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let result = client.check_profile(request.clone()).await;
        recorder.finish(Mode::from_environment(), FIXTURES, case, &request, &result);
    }
}
