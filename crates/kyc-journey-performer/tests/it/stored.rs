//! A person who is kept in the journey.

use std::sync::Arc;

use kyc_journey::{
    CorrelationToken, DataClass, Event, EventKey, Fact, JourneyEngine, JourneyId, MemoryEngine,
    Payload, Plan, Seq, VerificationPlan,
};
use kyc_journey_performer::{Addresses, Applicant, Applicants as _, NoApplicant, StoredApplicants};
use provider_core::jiff::Timestamp;
use provider_core::{Email, Masked};

use crate::people::Somebody;

fn whole() -> Applicant {
    let applicant = Somebody::default().0.unwrap();
    applicant
        .set_email(Some(Email::parse("asha@example.test").unwrap()))
        .set_aadhaar_number(Some(Masked::new("000000000000")))
}

async fn submit(engine: &MemoryEngine, id: u128, fact: Fact, payload: Option<Payload>) {
    let key = EventKey::command(fact.name()).unwrap();
    let event = Event::new(key, Timestamp::UNIX_EPOCH, None, fact).set_payload(payload);
    let submitted = engine.submit(&JourneyId::from_bits(id), event).await;
    submitted.unwrap();
}

fn start() -> Fact {
    Fact::Start {
        plan: Box::new(Plan::new().set_verification(Some(VerificationPlan::new()))),
        token: CorrelationToken::from_bits(0x5eed),
    }
}

#[tokio::test]
async fn a_person_is_kept_with_the_start_until_the_consent_is_none() {
    let engine = Arc::new(MemoryEngine::new());
    let addresses = Addresses::new("https://other.example.test").unwrap();
    let applicants = StoredApplicants::new(engine.clone(), addresses.clone());
    let found = async |id| applicants.applicant(&JourneyId::from_bits(id)).await;
    assert_eq!(found(1).await, Err(NoApplicant::Unknown));

    let payload = whole().to_payload().unwrap();
    assert_eq!(payload.class, DataClass::Person);
    assert!(!payload.content.expose().contains("000000000000"));
    submit(&engine, 1, start(), Some(payload.clone())).await;
    // The addresses are the application's of now, and nothing keeps an Aadhaar number.
    let mut expected = whole().set_aadhaar_number(None);
    expected.addresses = addresses;
    assert_eq!(found(1).await, Ok(expected));
    assert!(
        !format!(
            "{:?}",
            engine.history(&JourneyId::from_bits(1), Seq::ZERO).await
        )
        .contains("9000000001")
    );

    submit(&engine, 1, Fact::Withdrawn, None).await;
    assert_eq!(found(1).await, Err(NoApplicant::Unknown));

    submit(&engine, 2, start(), None).await;
    assert_eq!(found(2).await, Err(NoApplicant::Unknown));
    let content = Masked::new("{\"mobile\":\"CANARY\"}");
    let unread = Payload { content, ..payload };
    submit(&engine, 3, start(), Some(unread)).await;
    assert_eq!(found(3).await, Err(NoApplicant::Unavailable));
}
