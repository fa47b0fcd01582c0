//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use consent_hmac::provider_core::testing::{FixedClock, Mode, Recorder};
use consent_hmac::provider_core::{BaseUrl, RetryPolicy};
use consent_hmac::{
    ApiKey, ConsentAnswer, ConsentClient, ConsentType, RecordConsent, SessionId, SharedSecret,
    Veriff,
};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_OLD_SECRET, VERIFF_SHARED_SECRET};
use kyc_sandbox::settings::{SESSION_BREAKS, SESSION_NOT_FOUND};
use kyc_sandbox::{Sandbox, SandboxTransport, Settings, VeriffSettings};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/record-consent");

const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";

fn consent(session: &str, consent_type: ConsentType) -> RecordConsent {
    let session = SessionId::parse(session).unwrap();
    RecordConsent::new(
        session,
        consent_type,
        ConsentAnswer::Approved,
        "El usuario acepta compartir su información del INE",
    )
}

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    let (key, secret) = (VERIFF_API_KEY, VERIFF_SHARED_SECRET);
    let sandbox = VeriffSettings::default;
    let full = consent(SESSION, ConsentType::Ine);
    let refusal = RecordConsent::new(
        SessionId::parse(SESSION).unwrap(),
        ConsentType::Bipa,
        ConsentAnswer::Refused,
        "I do not agree",
    );
    for (case, key, secret, settings, request) in [
        ("recorded-full", key, secret, sandbox(), full.clone()),
        ("recorded-refusal", key, secret, sandbox(), refusal),
        (
            "recorded-bad-request",
            key,
            secret,
            sandbox(),
            consent(SESSION, ConsentType::from("made_up")),
        ),
        (
            "recorded-unauthorized",
            key,
            secret,
            sandbox().fail_with(401),
            full.clone(),
        ),
        (
            "recorded-key-is-no-uuid",
            "other",
            secret,
            sandbox(),
            full.clone(),
        ),
        (
            "recorded-unknown-key",
            "11111111-2222-4333-8444-555555555555",
            secret,
            sandbox(),
            full.clone(),
        ),
        (
            "recorded-wrong-secret",
            key,
            VERIFF_OLD_SECRET,
            sandbox(),
            full,
        ),
        (
            "recorded-session-not-found",
            key,
            secret,
            sandbox(),
            consent(SESSION_NOT_FOUND, ConsentType::Ine),
        ),
        (
            "recorded-internal-error",
            key,
            secret,
            sandbox(),
            consent(SESSION_BREAKS, ConsentType::Ine),
        ),
    ] {
        let settings = Settings::default()
            .with_deterministic_ids(true)
            .with_veriff(settings);
        let transport = Sandbox::new(settings).transport();
        let veriff = Veriff::new(
            BaseUrl::parse("base_url", &SandboxTransport::base_urls().veriff).unwrap(),
            ApiKey::new(key).unwrap(),
            &SharedSecret::new(secret).unwrap(),
        );
        let recorder = Recorder::new(Arc::new(transport));
        let client = ConsentClient::builder(veriff)
            .transport(Arc::new(recorder.clone()))
            .clock(Arc::new(FixedClock::default()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let result = client.record_consent(request.clone()).await;
        recorder.finish(Mode::from_environment(), FIXTURES, case, &request, &result);
    }
}
