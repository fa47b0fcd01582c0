//! What is stored can be read again.

use kyc_journey::{
    AccountsPlan, Answer, ConsentState, CorrelationToken, DataClass, DataState, Fact, Journey,
    JourneyId, JourneyStatus, Leg, Plan, Provider, ReturnEnd, SessionState, VerificationPlan,
};

use crate::world::{World, consent, data, documents, ours, returned, session};

/// One of each leg, each in the middle of something.
fn in_the_middle() -> World {
    let plan: Plan = documents()
        .set_accounts(Some(AccountsPlan::new(Provider::FinPro)))
        .set_verification(Some(VerificationPlan::new()));
    let mut world = World::given(plan);
    world.open("open-documents", "documents-1");
    let back = returned(
        ours(Leg::Documents, 1, Some("documents-1")),
        ReturnEnd::Approved,
    );
    world.submit_with(back, DataClass::Codes);
    world.open("request-consent", "handle-1");
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
    world.interrupt("request-data");
    world.open("create-session", "session-1");
    world
}

/// What one version has stored, every later one reads as it was meant, and takes to its end. A schema has a file of its own.
#[test]
fn a_journey_of_each_schema_is_read_and_finishes() {
    let mut world = in_the_middle();
    let stored = include_str!("stored/1.json");
    assert_eq!(
        serde_json::from_str::<Journey>(stored).unwrap(),
        world.journey
    );
    world.journey = serde_json::from_str(stored).unwrap();
    world.submit(Fact::Data(data("data-1", DataState::Ready)));
    world.answer_with("fetch-data", Answer::AccountData, DataClass::AccountData);
    world.submit(Fact::Session(session(SessionState::Approved)));
    let authorized = Answer::Authorized {
        has_e_aadhaar: true,
        consent_until: None,
    };
    world.answer("complete-authorization", authorized);
    world.answer_with("fetch-e-aadhaar", Answer::File, DataClass::Documents);
    world.answer_with(
        "list-issued-files",
        Answer::Files { found: vec![] },
        DataClass::Documents,
    );
    assert_eq!(world.status(), JourneyStatus::Completed);
}

#[test]
fn a_journey_of_a_newer_schema_is_refused_and_unknown_members_are_not() {
    let journey = Journey::new(JourneyId::from_bits(1));
    let stored = serde_json::to_string(&journey).unwrap();
    assert_eq!(serde_json::from_str::<Journey>(&stored).unwrap(), journey);
    let schema = format!("\"schema\":{}", Journey::SCHEMA);
    assert!(stored.contains(&schema), "{stored}");
    let extended = stored.replacen('{', "{\"later\":true,", 1);
    assert_eq!(serde_json::from_str::<Journey>(&extended).unwrap(), journey);
    for schema_of in [0, Journey::SCHEMA + 1] {
        let other = stored.replace(&schema, &format!("\"schema\":{schema_of}"));
        assert!(serde_json::from_str::<Journey>(&other).is_err(), "{other}");
    }
}

#[test]
fn a_token_is_stored_and_not_printed() {
    let token = CorrelationToken::from_bits(0x0123_4567_89ab_cdef);
    let stored = serde_json::to_string(&token).unwrap();
    assert_eq!(
        serde_json::from_str::<CorrelationToken>(&stored).unwrap(),
        token
    );
    assert_eq!(format!("{token:?}"), "CorrelationToken(***)");
    for text in [
        "",
        "0123",
        "0123456789ABCDEF0123456789ABCDEF",
        "+123456789abcdef0123456789abcdef",
    ] {
        assert!(CorrelationToken::parse(text).is_err(), "{text}");
    }
}
