//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use deepvue_digilocker::provider_core::testing::{FixedClock, Mode, Recorder};
use deepvue_digilocker::provider_core::{BaseUrl, RetryPolicy};
use deepvue_digilocker::{
    ClientId, ClientSecret, Consent, Deepvue, DigilockerClient, DocType, InitiateSession,
};
use kyc_sandbox::credentials::{
    DEEPVUE_CLIENT_ID, DEEPVUE_CLIENT_SECRET, DEEPVUE_INACTIVE_CLIENT_ID,
};
use kyc_sandbox::settings::{ValidationItems, WrongCredentials};
use kyc_sandbox::{DeepvueSettings, Sandbox, SandboxTransport, Settings};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/initiate-session");

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    let minimal =
        InitiateSession::without_redirect(Consent::given_by_person(), "KYC of a new customer");
    let full = InitiateSession::new(
        Consent::given_by_person(),
        "KYC of a new customer",
        "https://lender.example.test/back",
    )
    .set_doc_types([DocType::Aadhaar, DocType::Pan, DocType::Dl]);
    let unknown_type = minimal.clone().set_doc_types([DocType::from("made_up")]);
    let id = DEEPVUE_CLIENT_ID;
    let sandbox = DeepvueSettings::default;
    let second_items = sandbox().with_validation_items(ValidationItems::PydanticV2);
    let token = sandbox().with_wrong_credentials(WrongCredentials::NotAValidToken);
    for (case, client_id, settings, request) in [
        ("recorded-full", id, sandbox(), full),
        ("recorded-minimal", id, sandbox(), minimal.clone()),
        (
            "recorded-inactive-client",
            DEEPVUE_INACTIVE_CLIENT_ID,
            sandbox(),
            minimal.clone(),
        ),
        ("recorded-wrong-client", "other", sandbox(), minimal.clone()),
        (
            "recorded-not-a-valid-token",
            "other",
            token,
            minimal.clone(),
        ),
        (
            "recorded-not-authenticated",
            id,
            sandbox().fail_with(401),
            minimal.clone(),
        ),
        ("recorded-validation", id, sandbox(), unknown_type.clone()),
        ("recorded-validation-v2", id, second_items, unknown_type),
        (
            "recorded-rate-limited",
            id,
            sandbox().fail_with(429),
            minimal.clone(),
        ),
        (
            "recorded-internal-error",
            id,
            sandbox().fail_with(500),
            minimal.clone(),
        ),
        (
            "recorded-source-unavailable",
            id,
            sandbox().fail_with(503),
            minimal,
        ),
    ] {
        let settings = Settings::default()
            .with_deterministic_ids(true)
            .with_deepvue(settings);
        let transport = Sandbox::new(settings).transport();
        let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().deepvue).unwrap();
        let deepvue = Deepvue::new(
            ClientId::new(client_id).unwrap(),
            ClientSecret::new(DEEPVUE_CLIENT_SECRET).unwrap(),
        )
        .with_base_url(base_url);
        let recorder = Recorder::new(Arc::new(transport));
        let client = DigilockerClient::builder(deepvue)
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let result = client.initiate_session(request.clone()).await;
        recorder.finish(Mode::from_environment(), FIXTURES, case, &request, &result);
    }
}
