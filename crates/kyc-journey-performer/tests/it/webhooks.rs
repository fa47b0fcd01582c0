//! What the recorded webhooks of the providers are in a journey's words.

use std::fs;

use kyc_journey::{
    Correlation, CorrelationToken, DataClass, Event, EventKey, Fact, Leg, Provider, Source,
};
use kyc_journey_performer::Webhooks;
use kyc_sandbox::{SandboxTransport, credentials};
use provider_core::Settings;
use provider_core::http::{HeaderMap, HeaderName, HeaderValue};
use provider_core::jiff::Timestamp;
use provider_core::webhook::Refusal;
use serde_json::Value;

fn webhooks() -> Webhooks {
    let settings = credentials::environment(&SandboxTransport::base_urls());
    Webhooks::from_settings(&Settings::of(settings)).unwrap()
}

fn about() -> Correlation {
    let token = CorrelationToken::from_bits(0x5eed);
    Correlation {
        token,
        leg: Leg::Accounts,
        attempt: 1,
    }
}

/// Headers and body of a recorded webhook.
fn recorded(case: &str) -> (HeaderMap, String) {
    let (provider, name) = case.split_once('/').unwrap();
    let file = format!(
        "{}/fixtures/{provider}/webhooks/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let file: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let headers = file["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| {
        let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
        (HeaderName::try_from(name).unwrap(), value)
    });
    (headers.collect(), file["body"].as_str().unwrap().to_owned())
}

fn event(case: &str, about: Option<Correlation>) -> Event {
    let (headers, body) = recorded(case);
    let provider = case.split_once('/').unwrap().0.parse().unwrap();
    let at = Timestamp::UNIX_EPOCH;
    let event = webhooks().event(provider, about, &headers, body.as_bytes(), at);
    event.unwrap_or_else(|refusal| panic!("{case}: {refusal}"))
}

/// What a fact says, in two words.
fn words(fact: &Fact) -> (&'static str, &'static str) {
    match fact {
        Fact::Consent(news) => ("consent", news.state.as_str()),
        Fact::Data(news) => ("data", news.state.as_str()),
        Fact::Session(news) => {
            assert!(news.is_signed);
            ("session", news.state.as_str())
        }
        Fact::Screened(screening) if screening.needs_review => ("screened", "needs review"),
        other => (other.name(), ""),
    }
}

#[test]
fn each_recorded_webhook_is_the_fact_that_it_says() {
    for (case, expected, evidence) in [
        ("finpro/consent-approved", ("consent", "active"), false),
        ("finpro/consent-paused", ("consent", "paused"), false),
        ("finpro/consent-resumed", ("consent", "active"), false),
        ("finpro/consent-rejected", ("consent", "rejected"), false),
        ("finpro/consent-revoked", ("consent", "revoked"), false),
        ("finpro/consent-expired", ("consent", "expired"), false),
        ("finpro/data-ready", ("data", "ready"), false),
        ("finpro/data-denied", ("data", "denied"), false),
        ("finpro/session-failed", ("data", "failed"), false),
        ("finpro/session-expired", ("data", "expired"), false),
        ("veriff/event-started", ("session", "started"), false),
        ("veriff/event-submitted", ("session", "submitted"), false),
        ("veriff/decision-approved", ("session", "approved"), true),
        ("veriff/decision-declined", ("session", "declined"), true),
        ("veriff/decision-expired", ("session", "expired"), true),
        ("veriff/decision-review", ("session", "review"), true),
        (
            "veriff/decision-resubmission-requested",
            ("session", "resubmission_requested"),
            true,
        ),
        ("veriff/user-defined-status", ("noted", ""), false),
        (
            "veriff/watchlist-initial-result",
            ("screened", "needs review"),
            true,
        ),
    ] {
        let made = event(case, None);
        assert_eq!(words(&made.fact), expected, "{case}");
        let source = made.fact.source().unwrap();
        assert!(source.reference.is_some(), "{case}");
        assert_eq!(
            made.payload.as_ref().map(|payload| payload.class),
            evidence.then_some(DataClass::Evidence),
            "{case}"
        );
        // The same delivery is the same event, and the path says whose it is where the body does not.
        let again = event(case, Some(about()));
        assert_eq!(again.key, made.key, "{case}");
        if source.correlation.is_none() {
            let told = again.fact.source().unwrap().correlation;
            assert_eq!(told, Some(about()), "{case}");
        }
        if let Fact::Data(news) = &made.fact
            && case.ends_with("data-ready")
        {
            assert!(news.accounts > 0 && news.delivered == news.accounts);
        }
    }
}

#[test]
fn what_nobody_vouches_for_is_refused() {
    let at = Timestamp::UNIX_EPOCH;
    let (headers, body) = recorded("veriff/decision-approved");
    let ask = |webhooks: &Webhooks, provider, headers: &HeaderMap, body: &str| {
        let made = webhooks.event(provider, Some(about()), headers, body.as_bytes(), at);
        made.map(|event| event.fact)
    };
    let (all, none) = (webhooks(), Webhooks::new());
    let changed = body.replace("approved", "declined");
    assert!(matches!(
        ask(&all, Provider::Veriff, &headers, &changed),
        Err(Refusal::Mismatch(_))
    ));
    assert_eq!(
        ask(&all, Provider::Veriff, &HeaderMap::new(), &body),
        Err(Refusal::MissingSignature)
    );
    for provider in [Provider::Veriff, Provider::FinPro] {
        let refused = ask(&none, provider, &headers, &body);
        assert_eq!(refused, Err(Refusal::Unconfigured));
    }
    // Deepvue sends none.
    let refused = ask(&all, Provider::Deepvue, &headers, &body);
    assert_eq!(refused, Err(Refusal::Unconfigured));
    let long = " ".repeat(Webhooks::MAX_BODY_BYTES + 1);
    assert_eq!(
        ask(&all, Provider::Veriff, &headers, &long),
        Err(Refusal::TooLarge)
    );
}

#[test]
fn a_hint_says_whose_by_its_address_alone() {
    let made = |about, body: &str, second| {
        let at = Timestamp::from_second(second).unwrap();
        let headers = HeaderMap::new();
        Webhooks::new().event(Provider::Finpass, about, &headers, body.as_bytes(), at)
    };
    assert_eq!(made(None, "{}", 0), Err(Refusal::WrongToken));
    let hint = made(Some(about()), r#"{"client_id":"another"}"#, 0).unwrap();
    assert_eq!(hint.fact, Fact::Hint(Source::new(None, Some(about()))));
    assert_eq!(hint.payload, None);
    let key = |body: &str, second| -> EventKey { made(Some(about()), body, second).unwrap().key };
    assert_eq!(key("{}", 0), key("{}", 59));
    assert_ne!(key("{}", 0), key("{}", 60));
    assert_ne!(key("{}", 0), key("{ }", 0));
    assert!(!format!("{:?}", key("{}", 0)).contains(&about().expose()));
}
