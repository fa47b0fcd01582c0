//! Veriff's webhooks: whom they are for, by which secret, and what they say.

use consent_hmac::provider_core::http::{HeaderMap, HeaderName, HeaderValue};
use consent_hmac::provider_core::jiff::Timestamp;
use consent_hmac::provider_core::webhook::{
    EventKey, MismatchCause, Receiver, Refusal, Secrets, Unreadable,
};
use consent_hmac::provider_core::{Settings, lenient::Read};
use consent_hmac::{ApiKey, SharedSecret, SharedSecrets, Signer, WebhookSignature};
use veriff_sessions::{
    Change, ScreeningFinding, SessionProgress, SessionState, Verdict, VeriffEvent, VeriffWebhooks,
    consent_hmac,
};

const DECISION: &str = r#"{"status":"success","verification":{"id":"d69a07cf-4434-4d36-be6c-d22af7dc01fb","attemptId":"a-1","status":"approved","code":9001,"reason":null,"reasonCode":null,"vendorData":"application-1","person":{"firstName":"Made","lastName":"Up"},"document":{"type":"PASSPORT"}},"technicalData":{"ip":"192.0.2.1"}}"#;

fn secret(text: &str) -> SharedSecret {
    SharedSecret::new(text).unwrap()
}

/// The secret of the published vectors.
fn current() -> SharedSecret {
    secret("abcdef12-abcd-abcd-abcd-abcdef012345")
}

fn api_key() -> ApiKey {
    ApiKey::new("made-up-api-key").unwrap()
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn receiver() -> Receiver<VeriffWebhooks> {
    Receiver::new(VeriffWebhooks::new(&api_key(), &current()))
}

fn headers(members: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in members {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn signature(body: &str) -> String {
    Signer::new(&current()).sign(body.as_bytes()).to_string()
}

fn verify(headers: &HeaderMap, body: &str) -> Result<(), Refusal> {
    receiver().verify(headers, body.as_bytes(), now()).map(drop)
}

/// What an authentic webhook says.
fn read(body: &str) -> Result<VeriffEvent, Unreadable> {
    let headers = headers(&[("x-hmac-signature", &signature(body))]);
    let verified = receiver().verify(&headers, body.as_bytes(), now());
    verified.unwrap().parse()
}

#[test]
fn the_published_vectors_are_webhooks() {
    let vector = |user: &str| {
        format!(
            r#"{{"verification":{{"callback":"https://veriff.com","person":{{"firstName":"John","lastName":"Smith"}},"document":{{"type":"PASSPORT","country":"EE"}},"vendorData":"{user}","timestamp":"2016-05-19T08:30:25.597Z"}}}}"#
        )
    };
    for (user, signature) in [
        (
            "unique id of a user",
            "6af6d95822e19e9cc707aec55395d8d363ba2c7bc4625bc04ebeca0c7bf8cd67",
        ),
        (
            "unique id of the end-user",
            "0dcab73ddd20062616d104231c7439657546a5c24e4691977da93bb854c31e25",
        ),
    ] {
        let headers = headers(&[("x-hmac-signature", signature)]);
        assert_eq!(verify(&headers, &vector(user)), Ok(()));
    }
}

// Pitfall 11.
#[test]
fn both_pairs_of_headers_are_read_and_have_to_agree() {
    let right = signature(DECISION);
    let upper = right.to_uppercase();
    let other = signature("{}");
    let key = "made-up-api-key";
    for (members, verdict) in [
        (&[("x-hmac-signature", &*right)][..], Ok(())),
        (&[("vrf-hmac-signature", &right)], Ok(())),
        (
            &[("x-hmac-signature", &right), ("vrf-hmac-signature", &upper)],
            Ok(()),
        ),
        (
            &[
                ("x-hmac-signature", &right),
                ("x-auth-client", key),
                ("vrf-auth-client", key),
            ],
            Ok(()),
        ),
        (
            &[("x-hmac-signature", &right), ("vrf-hmac-signature", &other)],
            Err(Refusal::ConflictingHeaders),
        ),
        (
            &[("x-hmac-signature", &right), ("x-hmac-signature", &right)],
            Err(Refusal::RepeatedHeader),
        ),
        (
            &[
                ("x-hmac-signature", &right),
                ("x-auth-client", key),
                ("x-auth-client", key),
            ],
            Err(Refusal::RepeatedHeader),
        ),
        (
            &[
                ("x-hmac-signature", &right),
                ("x-auth-client", "another-key"),
            ],
            Err(Refusal::OtherClient),
        ),
        (
            &[
                ("x-hmac-signature", &right),
                ("vrf-auth-client", "another-key"),
            ],
            Err(Refusal::OtherClient),
        ),
        (&[("x-auth-client", key)], Err(Refusal::MissingSignature)),
        (
            &[("hmac-signature", &right)],
            Err(Refusal::MissingSignature),
        ),
        // The legacy one is ignored (`[docs]`).
        (&[("x-signature", &right)], Err(Refusal::MissingSignature)),
        (
            &[("vrf-hmac-signature", &other)],
            Err(Refusal::Mismatch(None)),
        ),
    ] {
        assert_eq!(verify(&headers(members), DECISION), verdict, "{members:?}");
    }
}

// Pitfall 12.
#[test]
fn a_signature_is_64_digits_of_either_case_and_nothing_else() {
    let right = signature(DECISION);
    let with = |text: &str| verify(&headers(&[("x-hmac-signature", text)]), DECISION);
    assert_eq!(with(&right.to_uppercase()), Ok(()));
    for malformed in [
        "",
        &right[..62],
        &right[..2],
        &format!("{right}00"),
        &format!("sha256={right}"),
        &format!("{right} "),
        &format!(" {right}"),
    ] {
        assert_eq!(
            with(malformed),
            Err(Refusal::MalformedSignature),
            "{malformed:?}"
        );
    }
}

// Pitfall 13.
#[test]
fn the_key_is_the_secret_s_text_without_a_newline_and_not_its_bytes() {
    assert!(SharedSecret::new("abcdef12-abcd-abcd-abcd-abcdef012345\n").is_err());
    assert!(SharedSecret::new("").is_err());
    // The contract's vectors of wrong keys and schemes over this body.
    let body = r#"{"type":"ine","approved":true,"text":"User agrees to share their INE details"}"#;
    for (text, verdict) in [
        (
            "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4",
            Ok(()),
        ),
        (
            "44efdd4cc32333ae91e8b113f7e21ff3ed4db08bd11ceeb92785616f03dfe7c5",
            Err(Refusal::Mismatch(None)),
        ),
        (
            "a6138b589cf54ef37f0880682de37690e74920d73441a86f4832e58e685267a7",
            Err(Refusal::Mismatch(None)),
        ),
        // Over the same with a space after each mark.
        (
            "2e17b5283e4cd29df8011c67b990cf392fbdafea72169929bedb6ebc54c8d803",
            Err(Refusal::Mismatch(None)),
        ),
    ] {
        let headers = headers(&[("x-hmac-signature", text)]);
        assert_eq!(verify(&headers, body), verdict);
    }
    let pretty = body.replace(':', ": ");
    let headers = headers(&[("x-hmac-signature", &signature(body))]);
    let reformatted = Err(Refusal::Mismatch(Some(MismatchCause::Reformatted)));
    assert_eq!(verify(&headers, &pretty), reformatted);
}

// Pitfall 14.
#[test]
fn during_a_rotation_the_secret_that_matched_is_told() {
    let old = secret("the-previous-secret");
    let secrets = SharedSecrets::parse("the-new-secret,abcdef12-abcd-abcd-abcd-abcdef012345");
    let webhooks = WebhookSignature::new(&api_key(), secrets.unwrap()).or_until(&old, now());
    let receiver = Receiver::new(VeriffWebhooks::from(webhooks));
    let verify = |secret: &SharedSecret, now: &str| {
        let signature = Signer::new(secret).sign(DECISION.as_bytes()).to_string();
        let headers = headers(&[("x-hmac-signature", &signature)]);
        let verified = receiver.verify(&headers, DECISION.as_bytes(), now.parse().unwrap());
        verified.map(|event| event.meta().secret)
    };
    let (before, after) = ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z");
    assert_eq!(verify(&secret("the-new-secret"), after), Ok(0));
    assert_eq!(verify(&current(), after), Ok(1));
    assert_eq!(verify(&old, before), Ok(2));
    assert_eq!(verify(&old, after), Err(Refusal::ExpiredSecret));
    let none = WebhookSignature::with_secrets(&api_key(), Secrets::none());
    let none = Receiver::new(VeriffWebhooks::from(none));
    let headers = headers(&[("x-hmac-signature", &signature(DECISION))]);
    let refusal = none
        .verify(&headers, DECISION.as_bytes(), now())
        .unwrap_err();
    assert_eq!(refusal, Refusal::Unconfigured);
}

#[test]
fn another_integration_of_the_same_key_is_refused_if_one_is_configured() {
    let members = |integration| {
        let signature = signature(DECISION);
        headers(&[
            ("x-hmac-signature", &signature),
            ("vrf-integration-id", integration),
        ])
    };
    assert_eq!(verify(&members("i-2"), DECISION), Ok(()));
    let webhooks = WebhookSignature::new(&api_key(), &current());
    let webhooks = webhooks.with_integration_id("i-1").unwrap();
    let receiver = Receiver::new(VeriffWebhooks::from(webhooks.clone()));
    let verify = |headers: &HeaderMap| {
        receiver
            .verify(headers, DECISION.as_bytes(), now())
            .map(drop)
    };
    assert_eq!(verify(&members("i-1")), Ok(()));
    assert_eq!(verify(&members("I-1")), Ok(()));
    assert_eq!(verify(&members("i-2")), Err(Refusal::OtherIntegration));
    let unnamed = headers(&[("x-hmac-signature", &signature(DECISION))]);
    assert_eq!(verify(&unnamed), Ok(()));
    assert!(webhooks.with_integration_id("").is_err());
}

#[test]
fn settings_are_named_and_the_shared_secret_is_not_taken_silently() {
    let settings = |members: &[(&'static str, &'static str)]| {
        VeriffWebhooks::from_settings(&Settings::of(members.iter().copied()))
    };
    let both = [
        ("VERIFF_API_KEY", "made-up-api-key"),
        ("VERIFF_WEBHOOK_SECRET", "one,two"),
    ];
    assert!(settings(&both).is_ok());
    let other = [both[0], ("VERIFF_SHARED_SECRET", "one")];
    let error = settings(&other).unwrap_err();
    assert_eq!(error.field(), "VERIFF_WEBHOOK_SECRET");
}

#[test]
fn a_decision_is_read_as_the_reply_is() {
    let event = read(DECISION).unwrap();
    assert_eq!(
        event.session_id(),
        Some("d69a07cf-4434-4d36-be6c-d22af7dc01fb")
    );
    assert_eq!(event.attempt_id(), Some("a-1"));
    assert_eq!(event.state(), Some(SessionState::Approved));
    let printed = format!("{event:?}");
    assert!(
        !printed.contains("Made") && !printed.contains("application-1"),
        "{printed}"
    );
    let VeriffEvent::Decision(decision) = event else {
        panic!("{event:?}");
    };
    assert_eq!(decision.verdict(), Verdict::Approved);
    let person = decision.verification.person.unwrap();
    assert_eq!(person.first_name.unwrap().expose(), "Made");

    // 9104 is two states, and a status beside the decision that is none of a success makes it unclear.
    let state = |body: &str| read(body).unwrap().state();
    for (status, code, expected) in [
        ("expired", 9104, Some(SessionState::Expired)),
        ("abandoned", 9104, Some(SessionState::Abandoned)),
        ("review", 9121, Some(SessionState::Review)),
        (
            "resubmission_requested",
            9103,
            Some(SessionState::ResubmissionRequested),
        ),
        ("approved", 9102, None),
    ] {
        let body = format!(r#"{{"verification":{{"id":"s","status":"{status}","code":{code}}}}}"#);
        assert_eq!(state(&body), expected);
    }
    let failed = DECISION.replacen("success", "fail", 1);
    assert_eq!(state(&failed), None);
}

#[test]
fn late_and_repeated_events_move_no_session_back() {
    let flow = |action: &str, code: u16| {
        format!(
            r#"{{"id":"d69a07cf-4434-4d36-be6c-d22af7dc01fb","attemptId":"a-1","feature":"selfid","code":{code},"action":"{action}","vendorData":null}}"#
        )
    };
    let (started, submitted) = (flow("started", 7001), flow("submitted", 7002));
    let mut session = SessionProgress::new();
    let mut observe = |body: &str| {
        let event = read(body).unwrap();
        session.observe(event.attempt_id(), event.state().unwrap())
    };
    assert_eq!(observe(&submitted), Change::Now(SessionState::Submitted));
    assert_eq!(observe(&started), Change::Late);
    assert_eq!(observe(DECISION), Change::Now(SessionState::Approved));
    assert_eq!(observe(&submitted), Change::Late);
    assert_eq!(observe(DECISION), Change::Known);
    // Neither the pair that contradicts itself nor an event of another kind tells a state.
    for (action, code) in [
        ("started", 7002),
        ("waiting_complete", 7007),
        ("approved", 7001),
    ] {
        assert_eq!(read(&flow(action, code)).unwrap().state(), None);
    }
}

#[test]
fn full_auto_user_defined_and_screening_are_told_apart() {
    let full_auto = r#"{"sessionId":"s-1","attemptId":"a-1","vendorData":"v","time":"2026-01-01T00:00:00.000Z","data":{"verification":{"decisionScore":0.97,"decision":"approved","insights":[]}}}"#;
    let VeriffEvent::FullAuto(event) = read(full_auto).unwrap() else {
        panic!("full auto");
    };
    assert_eq!(
        (event.session_id.as_deref(), event.score()),
        (Some("s-1"), Some(0.97))
    );
    // It is no decision, whatever else it says.
    assert_eq!(VeriffEvent::FullAuto(event).state(), None);
    for outside in ["-0.1", "1.01", "\"NaN\"", "{}"] {
        let VeriffEvent::FullAuto(event) = read(&full_auto.replace("0.97", outside)).unwrap()
        else {
            panic!("full auto");
        };
        assert_eq!(event.score(), None);
    }

    let user_defined = r#"{"time":"2026-01-01T00:00:00.000Z","attemptId":"a-1","eventType":"user-status.created","data":{"verification":{"id":"s-1","userDefinedData":{"status":"escalated","statusCode":"E1","reason":null,"createdAt":"2026-01-01T00:00:00.000Z"}}}}"#;
    let event = read(user_defined).unwrap();
    assert_eq!((event.session_id(), event.state()), (Some("s-1"), None));
    let VeriffEvent::UserDefinedStatus(event) = event else {
        panic!("{event:?}");
    };
    assert_eq!(event.status.unwrap().status.unwrap().expose(), "escalated");

    let screening = r#"{"attemptId":"a-1","sessionId":"s-1","checkType":"updated_result","matchStatus":"possible_match","totalHits":1,"hits":[{"matchedName":"Made Up"}]}"#;
    for body in [
        screening.to_owned(),
        format!(r#"{{"status":"success","data":{screening}}}"#),
    ] {
        let VeriffEvent::Watchlist(event) = read(&body).unwrap() else {
            panic!("screening");
        };
        assert_eq!(event.finding(), ScreeningFinding::PossibleMatch);
        assert_eq!(event.total_hits, Read::Value(1));
    }
}

// Pitfall 16.
#[test]
fn unknown_kinds_and_members_are_kept_and_what_cannot_be_read_is_no_value() {
    for unknown in [
        "{}",
        r#"{"curp":{"status":"x"}}"#,
        r#"{"data":{"verification":{"id":"s"}}}"#,
        r#"{"data":{"other":1},"verification":null}"#,
        r#"{"verification":null}"#,
    ] {
        assert_eq!(read(unknown).unwrap(), VeriffEvent::Unknown, "{unknown}");
    }
    let more = DECISION.replacen("{", r#"{"new":{"a":[1]},"#, 2);
    assert!(matches!(read(&more).unwrap(), VeriffEvent::Decision(_)));
    for unreadable in [
        "",
        "[]",
        "null",
        "not json CANARY",
        r#"{"verification":{"status":"approved","code":9001,"x":"CANARY"}}"#,
        r#"{"verification":{"id":"s","id":"CANARY","status":"approved"}}"#,
        r#"{"verification":["CANARY"]}"#,
        r#"{"action":"started","id":{"CANARY":1}}"#,
    ] {
        let error = read(unreadable).unwrap_err();
        assert!(!format!("{error} {error:?} {}", error.decode()).contains("CANARY"));
    }
}

#[test]
fn a_delivery_is_recognised_by_its_bytes() {
    let key = |body: &str| {
        let headers = headers(&[("x-hmac-signature", &signature(body))]);
        let event = receiver().verify(&headers, body.as_bytes(), now()).unwrap();
        event.meta().key
    };
    assert_eq!(key(DECISION), key(DECISION));
    assert_eq!(
        key(DECISION),
        EventKey::of("veriff", &[DECISION.as_bytes()])
    );
    assert_ne!(key(DECISION), key(&DECISION.replace("9001", "9102")));
}

/// What the sandbox sends is what this crate verifies and reads, in each of its kinds.
#[tokio::test]
async fn the_webhooks_of_the_sandbox_are_verified_and_read() {
    use std::sync::Arc;
    use std::time::Duration;

    use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};
    use kyc_sandbox::{ClockMode, Sandbox, SandboxTransport, Settings, VeriffSettings};
    use veriff_sessions::consent_hmac::Veriff;
    use veriff_sessions::consent_hmac::provider_core::{BaseUrl, Transport};
    use veriff_sessions::{CreateSession, ExpectedPerson, SessionsClient};

    let mut kinds = Vec::new();
    for (first_name, full_auto) in [("Rewatch", false), ("Resubmit", false), ("Decline", true)] {
        let veriff = VeriffSettings::default().with_full_auto(full_auto);
        let sandbox = Sandbox::new(Settings::default().with_veriff(veriff));
        sandbox.set_clock_mode(ClockMode::Frozen);
        let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().veriff).unwrap();
        let secret = secret(VERIFF_SHARED_SECRET);
        let key = ApiKey::new(VERIFF_API_KEY).unwrap();
        let receiver = Receiver::new(VeriffWebhooks::new(&key, &secret));
        let client = SessionsClient::builder(Veriff::new(base_url, key, &secret))
            .transport(Arc::new(sandbox.transport()) as Arc<dyn Transport>)
            .build()
            .unwrap();
        let mut person = ExpectedPerson::default();
        person.first_name = Some(first_name.into());
        let session = CreateSession::new().set_person(person);
        let session = client.create_session(session).await.unwrap().into_value();
        let id = session.verification.id.as_str().to_owned();
        sandbox.advance(Duration::from_secs(40 * 24 * 3_600)).await;
        assert!(sandbox.set_portal_status(&id, "Looked at", None));
        for webhook in sandbox.webhooks() {
            let mut sent = HeaderMap::new();
            for (name, value) in sandbox.webhook_headers(&webhook) {
                let name: HeaderName = name.parse().unwrap();
                sent.append(name, value.parse().unwrap());
            }
            let verified = receiver.verify(&sent, &webhook.body, now()).unwrap();
            let event = verified.parse().unwrap();
            assert_eq!(event.session_id(), Some(id.as_str()));
            assert!(event.attempt_id().is_some());
            kinds.push(match event {
                VeriffEvent::Decision(told) => format!("{:?}", told.verdict()),
                VeriffEvent::Flow(told) => format!("{:?}", told.state().unwrap()),
                VeriffEvent::FullAuto(told) => format!("score {}", told.score().unwrap()),
                VeriffEvent::UserDefinedStatus(_) => "status".to_owned(),
                VeriffEvent::Watchlist(told) => format!("{:?}", told.finding()),
                _ => "unknown".to_owned(),
            });
        }
    }
    let expected = "Started Submitted Approved NoMatch PossibleMatch status \
        Started Submitted ResubmissionRequested Started Submitted Approved NoMatch status \
        Started Submitted score 0.12 NoMatch status";
    assert_eq!(kinds.join(" "), expected);
}
