//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use finpro_profile::provider_core::testing::{FixedClock, Recorder, record_catalogue};
use finpro_profile::provider_core::{BaseUrl, RetryPolicy};
use finpro_profile::{
    AppIdentifier, ClientId, ClientSecret, Credentials, Finpro, FinproProfileClient, OrganisationId,
};
use kyc_sandbox::credentials::{
    FINPRO_APP_IDENTIFIER, FINPRO_CLIENT_ID, FINPRO_CLIENT_SECRET, FINPRO_ORGANISATION_ID,
};
use kyc_sandbox::{FinproSettings, Sandbox, SandboxTransport, Settings};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

// In paused time, because a silent aggregator is waited for.
#[tokio::test(start_paused = true)]
async fn recorded_fixtures_are_up_to_date() {
    record_catalogue(FinproProfileClient::CATALOGUE, FIXTURES, |name| {
        let (mut secret, mut finpro) = (FINPRO_CLIENT_SECRET, FinproSettings::default());
        match name {
            "check-profile/recorded-wrong-secret" => secret = "other",
            "check-profile/recorded-rate-limited" => finpro = finpro.with_rate_limit(0),
            _ => {}
        }
        let settings = Settings::default().with_deterministic_ids(true);
        let sandbox = Sandbox::new(settings.with_finpro(finpro));
        let finpro = Finpro::new(
            BaseUrl::parse("base_url", &SandboxTransport::base_urls().finpro).unwrap(),
            Credentials {
                client_id: ClientId::new(FINPRO_CLIENT_ID).unwrap(),
                client_secret: ClientSecret::new(secret).unwrap(),
                organisation_id: OrganisationId::new(FINPRO_ORGANISATION_ID).unwrap(),
                app_identifier: AppIdentifier::new(FINPRO_APP_IDENTIFIER).unwrap(),
            },
        );
        let recorder = Recorder::new(Arc::new(sandbox.transport()));
        let client = FinproProfileClient::builder(finpro)
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        (client.client().clone(), recorder)
    })
    .await;
}
