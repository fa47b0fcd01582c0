//! Recorded fixtures are what the client and the sandbox exchange now. `cargo xtask fixtures` rewrites them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::Arc;

use consent_hmac::{ApiKey, SessionId, SharedSecret, Veriff};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};
use kyc_sandbox::settings::{SESSION_DECISIONS, SESSION_NOT_FOUND};
use kyc_sandbox::{DecisionStatus, Sandbox, SandboxTransport, Settings};
use provider_core::BaseUrl;
use provider_core::testing::{FixedClock, Mode, Recorder};
use veriff_sessions::{GetDecision, SessionsClient};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/decision");

#[tokio::test]
async fn recorded_decisions_are_up_to_date() {
    const DECLINED: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
    const UNDECIDED: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
    let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
    assert!(sandbox.decide(DECLINED, DecisionStatus::Declined));
    let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().veriff).unwrap();
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    let veriff = Veriff::new(base_url, ApiKey::new(VERIFF_API_KEY).unwrap(), &secret);
    let recorder = Recorder::new(Arc::new(sandbox.transport()));
    let client = SessionsClient::builder(veriff)
        .transport(Arc::new(recorder.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    for (case, session) in [
        ("recorded-approved", SESSION_DECISIONS[0].0),
        ("recorded-declined", DECLINED),
        ("recorded-undecided", UNDECIDED),
        ("recorded-unknown-session", SESSION_NOT_FOUND),
    ] {
        let request = GetDecision::new(SessionId::parse(session).unwrap());
        let result = client.decision(request.clone()).await;
        recorder.finish(Mode::from_environment(), FIXTURES, case, &request, &result);
    }
}
