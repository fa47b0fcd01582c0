//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use consent_hmac::{ApiKey, SessionId, SharedSecret, Veriff};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};
use kyc_sandbox::settings::{SESSION_APPROVED, SESSION_NOT_FOUND};
use kyc_sandbox::{Decision, DecisionStatus, Sandbox, SandboxTransport, Settings};
use provider_core::BaseUrl;
use provider_core::testing::{FixedClock, Mode, Recorder};
use veriff_sessions::{GetDecision, SessionsClient, Verdict, Verification};

const FIXTURES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/veriff/decision"
);

#[tokio::test]
async fn recorded_decisions_are_up_to_date() {
    const DECLINED: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
    const UNDECIDED: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
    let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
    let declined = Decision::new(DecisionStatus::Declined).with_reason(106, "made up");
    assert!(sandbox.decide(DECLINED, declined));
    let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().veriff).unwrap();
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    let veriff = Veriff::new(base_url, ApiKey::new(VERIFF_API_KEY).unwrap(), &secret);
    let recorder = Recorder::new(Arc::new(sandbox.transport()));
    let client = SessionsClient::builder(veriff)
        .transport(Arc::new(recorder.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    for (case, session, expected) in [
        (
            "recorded-approved",
            SESSION_APPROVED,
            Some(Verdict::Approved),
        ),
        ("recorded-declined", DECLINED, Some(Verdict::Declined)),
        ("recorded-undecided", UNDECIDED, None),
        ("recorded-unknown-session", SESSION_NOT_FOUND, None),
    ] {
        let request = GetDecision::new(SessionId::parse(session).unwrap());
        let result = client.decision(request.clone()).await;
        let verification = result
            .as_ref()
            .ok()
            .and_then(|response| response.value().verification.as_ref());
        assert_eq!(verification.map(Verification::verdict), expected, "{case}");
        recorder.finish(Mode::from_environment(), FIXTURES, case, &request, &result);
    }
}
