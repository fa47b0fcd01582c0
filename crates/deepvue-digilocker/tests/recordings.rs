//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use deepvue_digilocker::provider_core::testing::{FixedClock, Recorder, record_catalogue};
use deepvue_digilocker::provider_core::{BaseUrl, RetryPolicy};
use deepvue_digilocker::{ClientId, ClientSecret, Deepvue, DigilockerClient};
use kyc_sandbox::credentials::{
    DEEPVUE_CLIENT_ID, DEEPVUE_CLIENT_SECRET, DEEPVUE_INACTIVE_CLIENT_ID,
};
use kyc_sandbox::settings::{ValidationItems, WrongCredentials};
use kyc_sandbox::{DeepvueSettings, Sandbox, SandboxTransport, Settings};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    record_catalogue(DigilockerClient::CATALOGUE, FIXTURES, |name| {
        let (mut client_id, mut deepvue) = (DEEPVUE_CLIENT_ID, DeepvueSettings::default());
        match name {
            "initiate-session/recorded-inactive-client" => client_id = DEEPVUE_INACTIVE_CLIENT_ID,
            "initiate-session/recorded-wrong-client" => client_id = "other",
            "initiate-session/recorded-not-a-valid-token" => {
                client_id = "other";
                deepvue = deepvue.with_wrong_credentials(WrongCredentials::NotAValidToken);
            }
            "initiate-session/recorded-validation-v2" => {
                deepvue = deepvue.with_validation_items(ValidationItems::PydanticV2);
            }
            "initiate-session/recorded-not-authenticated" => deepvue = deepvue.fail_with(401),
            "initiate-session/recorded-rate-limited" => deepvue = deepvue.fail_with(429),
            "initiate-session/recorded-internal-error" => deepvue = deepvue.fail_with(500),
            "initiate-session/recorded-source-unavailable" => deepvue = deepvue.fail_with(503),
            _ => {}
        }
        let settings = Settings::default().with_deterministic_ids(true);
        let sandbox = Sandbox::new(settings.with_deepvue(deepvue));
        let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().deepvue);
        let deepvue = Deepvue::new(
            ClientId::new(client_id).unwrap(),
            ClientSecret::new(DEEPVUE_CLIENT_SECRET).unwrap(),
        )
        .with_base_url(base_url.unwrap());
        let recorder = Recorder::new(Arc::new(sandbox.transport()));
        let client = DigilockerClient::builder(deepvue)
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        (client.client().clone(), recorder)
    })
    .await;
}
