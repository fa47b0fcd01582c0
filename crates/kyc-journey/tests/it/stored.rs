//! What is stored can be read again.

use kyc_journey::{
    AccountsPlan, Answer, ConsentState, CorrelationToken, DataClass, DataState, Fact, Failure,
    Journey, JourneyId, JourneyStatus, Leg, OperatorTask, Plan, Provider, Refusal, ReturnEnd,
    SessionState, Verdict, VerificationPlan,
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

/// Before anybody could say that it was done, a journey kept what was left to a person, or did not even keep that.
#[test]
fn what_an_older_journey_left_to_a_person_is_read_and_resolved() {
    let mut world = in_the_middle();
    world.submit(Fact::Withdrawn);
    world.fail("revoke-consent", Failure::refused(Refusal::Other));
    let mut stored = serde_json::to_value(&world.journey).unwrap();
    let started = stored["started"].as_object_mut().unwrap();
    assert_eq!(started.remove("resolved"), None);
    assert_eq!(
        started["by_hand"],
        serde_json::json!([["accounts", "revoke_by_hand"]])
    );
    world.journey = serde_json::from_value(stored.clone()).unwrap();
    let task = OperatorTask::RevokeByHand;
    let resolve = |world: &mut World| {
        let leg = Some(Leg::Accounts);
        world.submit_to(leg, Fact::Resolved { task }, None);
        world.last.verdict
    };
    assert_eq!(resolve(&mut world), Verdict::Applied);
    assert_eq!((world.by_hand(), world.resolved()), (vec![], vec![task]));
    stored["started"].as_object_mut().unwrap().remove("by_hand");
    world.journey = serde_json::from_value(stored).unwrap();
    assert_eq!(resolve(&mut world), Verdict::Discarded);
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
