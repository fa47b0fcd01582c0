//! FinPro's webhooks: a signature that is configured, and what events mean.

use finpro_fiu::finpro_profile::AppIdentifier;
use finpro_fiu::{
    ConsentEventStatus, ConsentExpiry, ConsentState, FiEventStatus, FiStatus, FinproEvent,
    FinproWebhooks, Observation, Progress, SessionState,
};
use provider_core::Settings;
use provider_core::http::{HeaderMap, HeaderName, HeaderValue};
use provider_core::jiff::{SignedDuration, Timestamp, civil};
use provider_core::lenient::Read;
use provider_core::webhook::{
    Encoding, EventKey, HeaderSignature, KeyForm, Receiver, Refusal, Scheme as _, Secrets, Signed,
    SignedText, SigningKey, Unreadable,
};

const HEADER: HeaderName = HeaderName::from_static("x-made-up-signature");
const HANDLE: &str = "a1b2c3d4-0000-4000-8000-000000000001";

fn key() -> SigningKey {
    SigningKey::new("made-up-secret-key", KeyForm::Text).unwrap()
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn hex_over_body(secrets: impl Into<Secrets>) -> HeaderSignature {
    HeaderSignature::new(HEADER, Encoding::Hex, SignedText::Body, secrets)
}

fn signed(body: &str) -> HeaderMap {
    let signature = Encoding::Hex.encode(&key().sign(Signed::body(body.as_bytes())));
    HeaderMap::from_iter([(HEADER, signature.parse().unwrap())])
}

/// What an authentic webhook says.
fn read(body: &str) -> Result<FinproEvent, Unreadable> {
    let receiver = Receiver::new(FinproWebhooks::new(hex_over_body(key())));
    let verified = receiver.verify(&signed(body), body.as_bytes(), now());
    verified.unwrap().parse()
}

/// The basic form; the extended one with more members.
fn event(kind: &str, status: &str, more: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-01-01T00:00:00.000Z","consentHandle":"{HANDLE}","eventType":"{kind}","eventStatus":"{status}","consentId":"c-1","vua":"XXXXXXX773@onemoney","eventMessage":"Made up"{more}}}"#
    )
}

fn consent(status: &str) -> String {
    event("CONSENT", status, "")
}

#[test]
fn settings_say_how_it_is_signed_and_none_has_a_default() {
    let all = [
        (
            "FINPRO_WEBHOOK_SECRET",
            "made-up-old-key,made-up-secret-key",
        ),
        ("FINPRO_WEBHOOK_HEADER", "X-Made-Up-Signature"),
        ("FINPRO_WEBHOOK_ENCODING", "hex"),
        ("FINPRO_WEBHOOK_PREFIX", "sha256="),
    ];
    let read = |settings: &[(&'static str, &'static str)]| {
        FinproWebhooks::from_settings(&Settings::of(settings.iter().copied()))
    };
    let body = consent("CONSENT_APPROVED");
    let plain = signed(&body);
    let prefixed = format!("sha256={}", plain[HEADER].to_str().unwrap());
    let prefixed = HeaderMap::from_iter([(HEADER, prefixed.parse().unwrap())]);
    let verify = |settings: &[(&'static str, &'static str)], headers: &HeaderMap| {
        let receiver = Receiver::new(read(settings).unwrap());
        receiver.verify(headers, body.as_bytes(), now()).map(drop)
    };
    assert_eq!(verify(&all, &prefixed), Ok(()));
    assert_eq!(verify(&all, &plain), Err(Refusal::MalformedSignature));
    assert_eq!(verify(&all[..3], &plain), Ok(()));

    for (place, (name, _)) in all[..3].iter().enumerate() {
        let mut fewer = all.to_vec();
        fewer.remove(place);
        assert_eq!(read(&fewer).unwrap_err().field(), *name);
        // Empty, a blank in a header's name, an unknown word: named, and the value is not repeated.
        let mut wrong = all;
        wrong[place].1 = " made up ";
        let error = read(&wrong).unwrap_err();
        assert_eq!(error.field(), *name);
        assert!(!error.to_string().contains("made up"), "{error}");
    }
}

#[test]
fn the_signature_is_as_configured_and_not_otherwise() {
    let body = consent("CONSENT_APPROVED");
    let receiver = Receiver::new(FinproWebhooks::new(hex_over_body(key())));
    let verify = |headers: &HeaderMap| receiver.verify(headers, body.as_bytes(), now()).map(drop);
    assert_eq!(verify(&signed(&body)), Ok(()));
    assert_eq!(verify(&HeaderMap::new()), Err(Refusal::MissingSignature));
    assert_eq!(verify(&signed("{}")), Err(Refusal::Mismatch(None)));
    // That of another product of the same vendor is none.
    let right = signed(&body).remove(HEADER).unwrap();
    let other = HeaderName::from_static("x-webhook-signature");
    let other = HeaderMap::from_iter([(other, right)]);
    assert_eq!(verify(&other), Err(Refusal::MissingSignature));

    let none = Receiver::new(FinproWebhooks::new(hex_over_body(Secrets::none())));
    let refusal = none.verify(&signed(&body), body.as_bytes(), now());
    assert_eq!(refusal.unwrap_err(), Refusal::Unconfigured);
}

#[test]
fn every_form_of_a_signature_can_be_configured() {
    let body = consent("CONSENT_APPROVED");
    let time = HeaderName::from_static("x-made-up-time");
    let texts = [
        (SignedText::Body, ""),
        (
            SignedText::TimeAndBody {
                header: time.clone(),
                separator: ":".to_owned(),
                tolerance: SignedDuration::from_secs(300),
            },
            "1767225600:",
        ),
    ];
    for (text, before) in texts {
        for (encoding, prefix) in [(Encoding::Hex, "sha256="), (Encoding::Base64, "")] {
            let signature = HeaderSignature::new(HEADER, encoding, text.clone(), key());
            let signature = signature.with_prefix(prefix);
            let receiver = Receiver::new(FinproWebhooks::new(signature));
            let tag = key().sign(Signed::after(before.as_bytes(), body.as_bytes()));
            let written = format!("{prefix}{}", encoding.encode(&tag));
            let mut headers = HeaderMap::from_iter([(HEADER, written.parse().unwrap())]);
            headers.insert(&time, HeaderValue::from_static("1767225600"));
            assert!(receiver.verify(&headers, body.as_bytes(), now()).is_ok());
            headers.insert(&time, HeaderValue::from_static("1767225601"));
            let moved = receiver.verify(&headers, body.as_bytes(), now());
            assert_eq!(moved.is_ok(), before.is_empty());
        }
    }
}

#[test]
fn a_webhook_for_another_app_is_refused_if_its_header_is_configured() {
    let app = HeaderName::from_static("appidentifier");
    let webhooks = FinproWebhooks::new(hex_over_body(key()));
    let own = AppIdentifier::new("app-1").unwrap();
    let receiver = Receiver::new(webhooks.with_app_identifier(app.clone(), &own));
    let body = consent("CONSENT_APPROVED");
    for (told, verdict) in [
        (&["app-1"][..], Ok(())),
        (&["app-2"], Err(Refusal::OtherClient)),
        (&[], Err(Refusal::OtherClient)),
        (&["app-1", "app-1"], Err(Refusal::RepeatedHeader)),
    ] {
        let mut headers = signed(&body);
        for value in told {
            headers.append(&app, HeaderValue::from_static(value));
        }
        assert_eq!(
            receiver.verify(&headers, body.as_bytes(), now()).map(drop),
            verdict
        );
    }
}

#[test]
fn each_consent_event_moves_the_consent() {
    let state = |status: &str| {
        let FinproEvent::Consent(event) = read(&consent(status)).unwrap() else {
            panic!("{status}");
        };
        assert_eq!(event.status.as_str(), status);
        event.state()
    };
    for (status, expected) in [
        ("CONSENT_APPROVED", ConsentState::Active),
        ("CONSENT_REJECTED", ConsentState::Rejected),
        ("CONSENT_PAUSED", ConsentState::Paused),
        ("CONSENT_RESUMED", ConsentState::Resumed),
        ("CONSENT_REVOKED", ConsentState::Revoked),
        ("CONSENT_EXPIRED", ConsentState::Expired),
    ] {
        assert_eq!(state(status), Some(expected));
        assert!(ConsentEventStatus::KNOWN.contains(&status));
    }
    // Another word is an event without a state.
    assert_eq!(state("CONSENT_SHRUGGED"), None);

    // Late, twice, and in another order.
    let mut progress = Progress::<ConsentState>::default();
    let mut observe = |status: &str| {
        let FinproEvent::Consent(event) = read(&consent(status)).unwrap() else {
            panic!("{status}");
        };
        progress.observe(event.state().unwrap(), event.at())
    };
    assert_eq!(observe("CONSENT_REVOKED"), Observation::MovedAcross);
    assert_eq!(observe("CONSENT_APPROVED"), Observation::Late);
    assert_eq!(observe("CONSENT_REVOKED"), Observation::Unchanged);
}

#[test]
fn a_rejection_has_no_consent_id_in_whatever_words() {
    let approved = consent("CONSENT_REJECTED");
    for none in ["\"\"", "\"<NULL>\"", "null", "\" \""] {
        let body = approved.replace("\"c-1\"", none);
        let FinproEvent::Consent(event) = read(&body).unwrap() else {
            panic!("{body}");
        };
        assert_eq!(
            (event.consent_id, event.consent_handle.as_str()),
            (None, HANDLE)
        );
    }
    let FinproEvent::Consent(event) = read(&approved).unwrap() else {
        panic!("{approved}");
    };
    assert_eq!(event.consent_id.unwrap().as_str(), "c-1");
}

#[test]
fn the_extended_form_is_read_and_its_expiry_has_no_zone() {
    let extended = |expiry: &str| {
        let more = format!(
            r#","productID":"p-1","accountID":"loan-1","fetchType":"ONETIME","consentExpiry":{expiry}"#
        );
        let body = event("CONSENT", "CONSENT_APPROVED", &more);
        let FinproEvent::Consent(event) = read(&body).unwrap() else {
            panic!("{body}");
        };
        assert_eq!(event.product_id.unwrap().as_str(), "p-1");
        assert_eq!(event.account_id.unwrap().as_str(), "loan-1");
        event.consent_expiry
    };
    let naive = civil::date(2027, 1, 31).at(23, 59, 59, 0);
    assert_eq!(
        extended("\"2027-01-31 23:59:59\""),
        Read::Value(ConsentExpiry::Naive(naive))
    );
    let moment = "2027-01-31T18:29:59Z".parse().unwrap();
    for text in [
        "\"2027-01-31T18:29:59.000Z\"",
        "\"2027-01-31T23:59:59+05:30\"",
    ] {
        assert_eq!(extended(text), Read::Value(ConsentExpiry::Moment(moment)));
    }
    assert!(matches!(extended("\"soon\""), Read::Unreadable(_)));
    assert_eq!(extended("null"), Read::Absent);
}

#[test]
fn data_events_tell_the_session_and_each_account() {
    let links = r#","linkRefNumbers":[{"linkRefNumber":"l-1","fiStatus":"READY","fipName":"Made Up Bank","fipId":"FIP-1","maskedAccountNumber":"XXXX1234"},{"linkRefNumber":"not a uuid","fiStatus":"TIMEOUT"}],"sessionId":"s-1","transactionID":"t-1","dataExpiry":"2026-01-02T00:00:00Z","firstTimeFetch":"false""#;
    let FinproEvent::Data(ready) = read(&event("DATA", "DATA_READY", links)).unwrap() else {
        panic!("data");
    };
    assert_eq!(ready.status, FiEventStatus::DataReady);
    assert_eq!(ready.state(), Some(SessionState::Ready));
    assert_eq!(ready.session_id.as_ref().unwrap().as_str(), "s-1");
    assert_eq!(ready.first_time_fetch, Some(false));
    let statuses: Vec<_> = ready
        .link_ref_numbers
        .iter()
        .map(|link| link.fi_status.clone())
        .collect();
    assert_eq!(statuses, [Some(FiStatus::Ready), Some(FiStatus::Timeout)]);
    assert!(!format!("{ready:?}").contains("XXXX1234"));

    for (status, state) in [
        ("DATA_DENIED", SessionState::Denied),
        ("SESSION_FAILED", SessionState::Failed),
        ("SESSION_EXPIRED", SessionState::Expired),
    ] {
        // Without accounts.
        let FinproEvent::Data(data) = read(&event("DATA", status, "")).unwrap() else {
            panic!("{status}");
        };
        assert_eq!(
            (data.state(), data.link_ref_numbers.len()),
            (Some(state), 0)
        );
    }
    for (text, expected) in [("true", Some(true)), ("\"TRUE\"", Some(true)), ("7", None)] {
        let more = format!(r#","firstTimeFetch":{text}"#);
        let FinproEvent::Data(data) = read(&event("DATA", "DATA_READY", &more)).unwrap() else {
            panic!("{text}");
        };
        assert_eq!(data.first_time_fetch, expected);
    }
}

// Pitfall 16.
#[test]
fn what_is_pushed_and_what_is_unknown_is_kept() {
    let push = event(
        "DATA_EXT",
        "DATA_PUSH",
        r#","sessionId":"s-1","anything":{"a":[1]}"#,
    );
    let pushed = read(&push).unwrap();
    assert_eq!(pushed.consent_handle().unwrap().as_str(), HANDLE);
    assert!(matches!(pushed, FinproEvent::DataPush(_)));
    for unknown in [
        "{}".to_owned(),
        consent("X").replace("\"CONSENT\"", "\"NEW\""),
        // Another product of the vendor's.
        r#"{"event_type":"CONSENT_REVOKED_CALLBACK","transaction_id":"t"}"#.to_owned(),
        r#"{"transactionId":"t","eventStatus":"PDF_SUCCESS"}"#.to_owned(),
    ] {
        assert_eq!(read(&unknown).unwrap(), FinproEvent::Unknown);
    }
    for unreadable in [
        "CANARY".to_owned(),
        consent("CONSENT_APPROVED").replace("consentHandle", "handle"),
        consent("CONSENT_APPROVED").replacen("\"CONSENT_APPROVED\"", "[\"CANARY\"]", 1),
        consent("CONSENT_APPROVED").replacen('{', r#"{"eventType":"CANARY","#, 1),
    ] {
        let error = read(&unreadable).unwrap_err();
        assert!(!format!("{error:?} {}", error.decode()).contains("CANARY"));
    }
}

#[test]
fn a_repeat_is_recognised_by_what_it_says_and_nothing_else_is_taken_for_one() {
    let key = |body: &str| FinproWebhooks::key(body.as_bytes());
    let ready = |more: &str| event("DATA", "DATA_READY", more);
    let first = ready(
        r#","sessionId":"s-1","linkRefNumbers":[{"linkRefNumber":"l-1","fiStatus":"READY"}]"#,
    );
    // The text for people, a mask, the order of members: the same event.
    let again = r#"{"eventStatus":"DATA_READY","eventType":"DATA","sessionId":"s-1","timestamp":"2026-01-01T00:00:00.000Z","consentHandle":"HANDLE","consentId":"c-1","linkRefNumbers":[{"linkRefNumber":"l-1","fiStatus":"READY"}],"eventMessage":"Other words"}"#;
    let again = again.replace("HANDLE", HANDLE);
    assert_eq!(key(&first), key(&again));
    for other in [
        first.replace("s-1", "s-2"),
        first.replace("l-1", "l-2"),
        first.replace("\"READY\"", "\"TIMEOUT\""),
        first.replace("DATA_READY", "SESSION_FAILED"),
        first.replace("00.000Z", "01.000Z"),
        first.replace("c-1", "c-2"),
        first.replace(HANDLE, "h-2"),
    ] {
        assert_ne!(key(&first), key(&other));
    }
    // Without a time, or with data in it, each difference makes another event.
    for (body, differs) in [
        (
            first.replace("\"2026-01-01T00:00:00.000Z\"", "\"\""),
            "Made up",
        ),
        (event("DATA_EXT", "DATA_PUSH", r#","payload":"one""#), "one"),
    ] {
        assert_eq!(key(&body), EventKey::of("finpro", &[body.as_bytes()]));
        assert_ne!(key(&body), key(&body.replace(differs, "another")));
    }
}
