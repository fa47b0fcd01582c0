//! Finpass's webhooks, which nothing authenticates: they count once a fetch confirms them.

use std::sync::Arc;

use finpass::{FinpassClient, FinpassHints, GetJourneyStatus, JourneyId, JourneyState, SessionId};
use http_body_util::Full;
use provider_core::bytes::Bytes;
use provider_core::http::{Method, Request};
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::webhook::{PathToken, Refusal};
use provider_core::{Progress, Settings};

const TOKEN: &str = "made-up-token-of-a-test-path_000";

fn hints() -> FinpassHints {
    FinpassHints::new(PathToken::new(TOKEN).unwrap())
}

fn request(body: &'static str) -> Request<Full<Bytes>> {
    Request::post("/hooks/finpass")
        .body(Full::from(body))
        .unwrap()
}

#[tokio::test]
async fn a_hint_needs_the_token_of_its_path() {
    let hint = hints().receive(Some(TOKEN), request("{}")).await.unwrap();
    assert_eq!(hint.unverified_bytes(), "{}");
    for wrong in [
        None,
        Some(""),
        Some(&TOKEN[1..]),
        Some("made-up-token-of-a-test-path_001"),
    ] {
        let refusal = hints().receive(wrong, request("{}")).await.unwrap_err();
        assert_eq!(
            (refusal, refusal.status().as_u16()),
            (Refusal::WrongToken, 404)
        );
        assert!(hints().hint(wrong, Bytes::new()).is_err());
    }
    let anybody = FinpassHints::from_anybody();
    assert!(anybody.receive(None, request("{}")).await.is_ok());
}

#[tokio::test]
async fn a_hint_is_a_post_of_a_limited_size() {
    let mut get = request("{}");
    *get.method_mut() = Method::GET;
    let refusal = hints().receive(Some(TOKEN), get).await.unwrap_err();
    assert_eq!(refusal, Refusal::Method);
    let large = Bytes::from(vec![b' '; FinpassHints::MAX_BODY_BYTES + 1]);
    let request = request("").map(|_| Full::new(large.clone()));
    let refusal = hints().receive(Some(TOKEN), request).await.unwrap_err();
    assert_eq!(refusal, Refusal::TooLarge);
    assert_eq!(
        hints().hint(Some(TOKEN), large).unwrap_err(),
        Refusal::TooLarge
    );
}

#[test]
fn a_hint_may_be_about_whoever_it_does_not_exclude() {
    let session: SessionId = SessionId::parse("aa_1").unwrap();
    let journey = JourneyId::parse("bsa_clnt_1").unwrap();
    let about = |body: &'static str| {
        let hint = hints()
            .hint(Some(TOKEN), Bytes::from_static(body.as_bytes()))
            .unwrap();
        assert!(!format!("{hint:?}").contains("aa_1"));
        (
            hint.may_be_about(&session),
            hint.may_be_about_journey(&journey),
        )
    };
    for (body, expected) in [
        (r#"{"client_id":"aa_1"}"#, (true, false)),
        (
            r#"{"data":{"client_id":"bsa_clnt_1"},"event":"x"}"#,
            (false, true),
        ),
        (
            r#"{"client_id":"aa_1","data":{"client_id":"bsa_clnt_1"}}"#,
            (true, true),
        ),
        (r#"{"client_id":"aa_2"}"#, (false, false)),
        (r#"{"status":"analysis_complete"}"#, (true, true)),
        ("", (true, true)),
        ("no json", (true, true)),
        ("[]", (true, true)),
    ] {
        assert_eq!(about(body), expected, "{body}");
    }
}

#[tokio::test]
async fn what_a_hint_claims_changes_nothing_until_a_fetch_confirms_it() {
    let journey = JourneyId::parse("bsa_clnt_1").unwrap();
    let claimed = r#"{"client_id":"bsa_clnt_1","status":"analysis_complete"}"#;
    let hint = hints()
        .receive(Some(TOKEN), request(claimed))
        .await
        .unwrap();
    let mut progress = Progress::<JourneyState>::default();
    assert!(hint.may_be_about_journey(&journey));

    let told = r#"{"success":true,"message":"ok","data":{"client_id":"bsa_clnt_1","status":"consent_pending"}}"#;
    let transport = ScriptedTransport::new([Step::respond(200, told)]);
    let settings = Settings::of([
        ("FINPASS_BASE_URL", "http://localhost"),
        ("FINPASS_API_KEY", "made-up-key"),
        ("FINPASS_API_SECRET", "made-up-secret"),
    ]);
    let provider = finpass::Finpass::from_settings(&settings).unwrap();
    let client = FinpassClient::builder(provider)
        .transport(Arc::new(transport))
        .build();
    let status = client
        .unwrap()
        .journey_status(GetJourneyStatus::new(journey))
        .await
        .unwrap();
    status.value().data.told(&mut progress);
    // The hint lied.
    assert_eq!(progress.state(), JourneyState::ConsentPending);
}
