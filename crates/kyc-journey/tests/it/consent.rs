//! The consent and the combination of the legs: every row of their table.

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::{
    AccountsPlan, Answer, CalendarUnit, ConsentState, DataClass, DataState, DocumentKind,
    DocumentsPlan, Fact, Failure, FinpassFlow, Frequency, JourneyStatus, LedgerEntry, Leg,
    LegStatus, Notice, Plan, Provider, Reason, ReceiptId, Refusal, ReturnEnd, Seq, SessionState,
    TimerPurpose, Verdict, VerificationPlan,
};

use crate::world::{
    TOKEN, World, consent, data, documents, finpro, ours, reference, returned, session,
    verification,
};

fn receipt(name: &str) -> ReceiptId {
    ReceiptId::parse(name).unwrap()
}

fn given_until(plan: Plan, time: SignedDuration) -> World {
    let mut world = World::started(plan);
    let expires_at = world.at.checked_add(time).ok();
    world.submit(Fact::ConsentGiven {
        receipt: receipt("receipt-1"),
        expires_at,
    });
    world
}

/// Documents, then accounts; a verification that is optional.
fn three() -> Plan {
    documents()
        .set_accounts(Some(
            AccountsPlan::new(Provider::FinPro).set_after([Leg::Documents]),
        ))
        .set_verification(Some(VerificationPlan::new().set_required(false)))
}

fn documents_ready(world: &mut World) {
    world.open("open-documents", "documents-1");
    let source = ours(Leg::Documents, 1, Some("documents-1"));
    world.submit_with(returned(source, ReturnEnd::Approved), DataClass::Codes);
    world.answer(
        "complete-authorization",
        Answer::Authorized {
            has_e_aadhaar: true,
            consent_until: None,
        },
    );
    world.answer_with("fetch-e-aadhaar", Answer::File, DataClass::Documents);
    world.answer_with(
        "list-issued-files",
        Answer::Files { found: vec![] },
        DataClass::Documents,
    );
}

fn accounts_ready(world: &mut World) {
    world.open("request-consent", "handle-1");
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
    world.submit(Fact::Data(data("data-1", DataState::Ready)));
    world.answer_with("fetch-data", Answer::AccountData, DataClass::AccountData);
}

#[test]
fn new_start_awaits_the_consent() {
    let world = World::started(documents());
    assert_eq!(
        (world.status(), world.calls()),
        (JourneyStatus::AwaitConsent, vec![])
    );
    assert_eq!(
        world.due(TimerPurpose::Notice),
        Some(SignedDuration::from_hours(24))
    );
    assert!(world.entered(&LedgerEntry::Requested));
    assert_eq!(world.journey.leg_status(Leg::Documents), LegStatus::Waiting);
}

const EVERY_DAY: Frequency = Frequency {
    count: 1,
    unit: CalendarUnit::Day,
};

fn accounts_with(provider: Provider, change: fn(AccountsPlan) -> AccountsPlan) -> Plan {
    Plan::new().set_accounts(Some(change(AccountsPlan::new(provider))))
}

#[test]
fn new_start_of_an_impossible_plan_is_discarded() {
    let accounts = AccountsPlan::new(Provider::FinPro).set_after([Leg::Documents]);
    let circle = Plan::new()
        .set_documents(Some(
            DocumentsPlan::new([DocumentKind::Pan]).set_after([Leg::Accounts]),
        ))
        .set_accounts(Some(accounts.clone()));
    for plan in [
        Plan::new(),
        Plan::new().set_documents(Some(DocumentsPlan::new([]))),
        Plan::new().set_accounts(Some(accounts)),
        Plan::new().set_accounts(Some(AccountsPlan::new(Provider::Veriff))),
        finpro().set_deadline(SignedDuration::ZERO),
        Plan::new().set_accounts(Some(
            AccountsPlan::new(Provider::Finpass).set_data_life(Some(SignedDuration::ZERO)),
        )),
        accounts_with(Provider::FinPro, |plan| {
            plan.set_flow(FinpassFlow::Analyzer)
        }),
        accounts_with(Provider::Finpass, |plan| plan.set_sessions_a_month(Some(1))),
        accounts_with(Provider::Finpass, |plan| plan.set_fetches_by_itself(true)),
        accounts_with(Provider::Finpass, |plan| plan.set_every(Some(EVERY_DAY))),
        circle,
    ] {
        let mut world = World::new();
        world
            .submit(Fact::Start {
                plan: Box::new(plan),
                token: crate::world::TOKEN,
            })
            .was(Verdict::Discarded);
        assert_eq!(
            (world.status(), world.last.reason),
            (JourneyStatus::New, Some(Reason::InvalidPlan))
        );
    }
}

#[test]
fn await_consent_given_runs_and_begins_what_waits_for_nothing() {
    let world = World::given(three());
    assert_eq!(world.status(), JourneyStatus::Running);
    assert_eq!(world.calls(), ["open-documents", "create-session"]);
    assert!(world.entered(&LedgerEntry::Given {
        receipt: receipt("receipt-1")
    }));
    assert!(!world.is_set(TimerPurpose::Notice));
    assert_eq!(
        world.due(TimerPurpose::Deadline),
        Some(SignedDuration::from_hours(30 * 24))
    );
    assert_eq!(world.journey.receipt(), Some(&receipt("receipt-1")));
    // One that is over is none.
    let world = given_until(documents(), SignedDuration::ZERO);
    world.was(Verdict::Discarded);
    assert_eq!(
        (world.status(), world.calls()),
        (JourneyStatus::AwaitConsent, vec![])
    );
}

#[test]
fn await_consent_refused_is_an_end_of_its_own() {
    let mut world = World::started(documents());
    world.submit(Fact::ConsentRefused);
    assert_eq!(world.status(), JourneyStatus::Refused);
    assert!(world.entered(&LedgerEntry::Refused) && world.journey.timers().is_empty());
    for fact in [
        Fact::ConsentGiven {
            receipt: receipt("receipt-1"),
            expires_at: None,
        },
        Fact::Withdrawn,
        Fact::Reopen,
    ] {
        world.submit(fact);
        assert_eq!(
            (world.status(), world.calls()),
            (JourneyStatus::Refused, vec![])
        );
    }
}

#[test]
fn await_consent_after_24_hours_is_expired() {
    let mut world = World::started(documents());
    world.fire(TimerPurpose::Notice);
    assert_eq!(
        (world.status(), world.calls()),
        (JourneyStatus::Expired, vec![])
    );
    assert!(world.entered(&LedgerEntry::Expired));
}

#[test]
fn running_leg_ended_well_begins_its_dependants_and_completes() {
    let mut world = World::given(three());
    documents_ready(&mut world);
    assert_eq!(world.calls(), ["request-consent"]);
    assert_eq!(world.status(), JourneyStatus::Running);
    accounts_ready(&mut world);
    assert_eq!(world.status(), JourneyStatus::Completed);
    assert!(world.notified(&Notice::Status(JourneyStatus::Completed)));
    // The optional leg goes on, and changes nothing.
    world
        .open("create-session", "session-1")
        .was(Verdict::Applied);
    world
        .submit(Fact::Session(session(SessionState::Declined)))
        .was(Verdict::Applied);
    assert_eq!(world.status(), JourneyStatus::Completed);
    assert_eq!(
        world.journey.leg_status(Leg::Verification),
        LegStatus::Rejected
    );
    assert!(!world.is_set(TimerPurpose::Deadline));
}

#[test]
fn running_optional_leg_that_failed_is_noted_and_its_dependants_begin() {
    let optional = DocumentsPlan::new([DocumentKind::Pan]).set_required(false);
    let mut world = World::given(three().set_documents(Some(optional)));
    world
        .open("open-documents", "documents-1")
        .fire(TimerPurpose::Link);
    assert_eq!(
        (world.status(), world.calls()),
        (JourneyStatus::Running, vec!["request-consent"])
    );
    // With nothing required, the journey is complete when everything has ended.
    let plan = verification()
        .verification
        .map(|plan| plan.set_required(false));
    let mut world = World::given(Plan::new().set_verification(plan));
    world.open("create-session", "session-1");
    assert_eq!(world.status(), JourneyStatus::Running);
    world.submit(Fact::Session(session(SessionState::Expired)));
    assert_eq!(world.status(), JourneyStatus::Completed);
}

#[test]
fn running_required_leg_refused_or_declined_is_rejected() {
    let mut world = World::given(three());
    documents_ready(&mut world);
    world
        .open("request-consent", "handle-1")
        .open("create-session", "session-1");
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Rejected)));
    assert_eq!(world.status(), JourneyStatus::Rejected);
    // Nothing more is fetched about the person.
    assert_eq!(
        world.journey.leg_status(Leg::Verification),
        LegStatus::Stopped
    );
    assert!(world.journey.timers().is_empty() && world.calls().is_empty());
    world
        .submit(Fact::Session(session(SessionState::Approved)))
        .was(Verdict::Discarded);
    // A reopening brings back what was stopped.
    world
        .submit_to(Some(Leg::Accounts), Fact::Reopen, None)
        .was(Verdict::Applied);
    assert_eq!(world.status(), JourneyStatus::Running);
    assert_eq!(world.calls(), ["request-consent", "create-session"]);
    assert_eq!(world.journey.leg_status(Leg::Documents), LegStatus::Partial);
    assert!(world.is_set(TimerPurpose::Deadline));
}

#[test]
fn running_required_leg_failed_or_abandoned_needs_somebody() {
    let mut person = World::given(documents());
    person
        .open("open-documents", "documents-1")
        .fire(TimerPurpose::Link);
    assert_eq!(person.status(), JourneyStatus::NeedsPerson);
    let mut operator = World::given(documents());
    operator.fail("open-documents", Failure::refused(Refusal::Credentials));
    assert_eq!(operator.status(), JourneyStatus::NeedsOperator);
    operator.submit(Fact::Resume);
    assert_eq!(
        (operator.status(), operator.calls()),
        (JourneyStatus::Running, vec!["open-documents"])
    );
}

#[test]
fn running_renewal_that_is_said_again_changes_nothing_until_one_is_asked_for() {
    let mut world = given_until(documents(), SignedDuration::from_hours(100));
    assert!(!world.journey.is_renewed(world.at));
    let renewed = |world: &World, hours| Fact::ConsentRenewed {
        receipt: receipt("receipt-2"),
        expires_at: world.at.checked_add(SignedDuration::from_hours(hours)).ok(),
    };
    let first = renewed(&world, 60);
    world.submit(first.clone()).was(Verdict::Applied);
    let due = world.due(TimerPurpose::ConsentExpiry);
    world.submit(first).was(Verdict::Late);
    assert_eq!(world.due(TimerPurpose::ConsentExpiry), due);
    let hours = |hours| {
        world
            .at
            .checked_add(SignedDuration::from_hours(hours))
            .unwrap()
    };
    assert!(world.journey.is_renewed(hours(23)) && !world.journey.is_renewed(hours(24)));
    // Its end is near by then.
    world.fire(TimerPurpose::Renewal);
    assert!(!world.journey.is_renewed(world.at));
    let second = renewed(&world, 1_000);
    world.submit(second).was(Verdict::Applied);
    assert!(world.journey.is_renewed(world.at));
    // What it does not cover asks for another one.
    world.fail("open-documents", Failure::not_covered());
    assert!(!world.journey.is_renewed(world.at));
}

#[test]
fn running_consent_within_48_hours_of_its_end_asks_to_renew() {
    let mut world = given_until(documents(), SignedDuration::from_hours(100));
    world.fire(TimerPurpose::Renewal);
    assert!(world.notified(&Notice::RenewConsent));
    assert_eq!(
        world.due(TimerPurpose::ConsentExpiry),
        Some(SignedDuration::from_hours(48))
    );
    let expires_at = world.at.checked_add(SignedDuration::from_hours(1_000)).ok();
    world
        .submit(Fact::ConsentRenewed {
            receipt: receipt("receipt-2"),
            expires_at,
        })
        .was(Verdict::Applied);
    assert!(world.entered(&LedgerEntry::Renewed {
        receipt: receipt("receipt-2")
    }));
    assert_eq!(
        world.due(TimerPurpose::ConsentExpiry),
        Some(SignedDuration::from_hours(1_000))
    );
    // Nothing to renew for.
    let mut world = given_until(documents(), SignedDuration::from_hours(100));
    documents_ready(&mut world);
    world.fire(TimerPurpose::Renewal).was(Verdict::Late);
    assert!(!world.notified(&Notice::RenewConsent));
}

#[test]
fn any_open_withdrawn_cancelled_or_expired_ends() {
    for (fact, status, erases) in [
        (Fact::Withdrawn, JourneyStatus::Withdrawn, true),
        (Fact::ConsentExpired, JourneyStatus::Expired, true),
        (Fact::Cancel, JourneyStatus::Cancelled, false),
    ] {
        let mut world = World::given(three());
        documents_ready(&mut world);
        world.submit(fact);
        assert_eq!((world.status(), world.calls()), (status, vec![]));
        assert_eq!(world.erased(DataClass::Documents), erases);
        assert!(world.journey.timers().is_empty());
    }
    let mut world = World::given(three());
    world.fire(TimerPurpose::Deadline);
    assert_eq!(world.status(), JourneyStatus::Expired);
    assert_eq!(world.journey.leg_status(Leg::Documents), LegStatus::Expired);
}

#[test]
fn the_person_is_kept_from_the_start_until_the_consent_is_none() {
    let started = || {
        let mut world = World::new();
        let plan = Box::new(three());
        world.submit_with(Fact::Start { plan, token: TOKEN }, DataClass::Person);
        assert!(world.last.keeps_payload);
        assert_eq!(world.journey.person(), Some(Seq::new(1)));
        world
    };
    let given = || {
        let mut world = started();
        let expires_at = None;
        let receipt = receipt("receipt-1");
        world.submit(Fact::ConsentGiven {
            receipt,
            expires_at,
        });
        world
    };
    let completed = || {
        let mut world = given();
        documents_ready(&mut world);
        accounts_ready(&mut world);
        assert_eq!(world.status(), JourneyStatus::Completed);
        world
    };
    let is_erased = |world: &World| {
        assert_eq!(
            world.erased(DataClass::Person),
            world.journey.person().is_none()
        );
        world.journey.person().is_none()
    };
    for (mut world, fact, erases) in [
        (started(), Fact::ConsentRefused, true),
        (started(), Fact::Withdrawn, true),
        (started(), Fact::Cancel, false),
        (given(), Fact::Withdrawn, true),
        (given(), Fact::ConsentExpired, true),
        (given(), Fact::Cancel, false),
        (completed(), Fact::Withdrawn, true),
        (completed(), Fact::ConsentExpired, true),
    ] {
        world.submit(fact.clone());
        assert_eq!(is_erased(&world), erases, "{fact:?}");
    }
    assert!(is_erased(started().fire(TimerPurpose::Notice)));
    assert!(!is_erased(given().fire(TimerPurpose::Deadline)));
    // A plan that cannot be carried out is none, and keeps nothing.
    let mut world = World::new();
    let plan = Box::new(Plan::new());
    world.submit_with(Fact::Start { plan, token: TOKEN }, DataClass::Person);
    assert!(!world.last.keeps_payload && world.journey.person().is_none());
}

#[test]
fn completed_withdrawn_fans_out() {
    let mut world = World::given(three());
    documents_ready(&mut world);
    accounts_ready(&mut world);
    world.open("create-session", "session-1");
    world.submit(Fact::Withdrawn);
    assert_eq!(world.status(), JourneyStatus::Withdrawn);
    assert_eq!(world.calls(), ["revoke-consent", "delete-session"]);
    assert!(world.entered(&LedgerEntry::Withdrawn));
    for class in [
        DataClass::Links,
        DataClass::Codes,
        DataClass::Documents,
        DataClass::AccountData,
        DataClass::Evidence,
    ] {
        assert!(world.erased(class), "{class:?}");
    }
    assert_eq!(world.journey.receipt(), None);
}

#[test]
fn completed_data_life_over_erases() {
    let accounts =
        AccountsPlan::new(Provider::FinPro).set_data_life(Some(SignedDuration::from_hours(24)));
    let mut world = World::given(Plan::new().set_accounts(Some(accounts)));
    accounts_ready(&mut world);
    // A withdrawal erases at once.
    let mut withdrawn = world.clone();
    withdrawn.submit(Fact::Withdrawn);
    assert!(withdrawn.erased(DataClass::AccountData) && !withdrawn.is_set(TimerPurpose::DataLife));
    world.fire(TimerPurpose::DataLife);
    assert!(world.erased(DataClass::AccountData));
    assert!(world.entered(&LedgerEntry::Erased {
        class: DataClass::AccountData
    }));
    assert_eq!(world.status(), JourneyStatus::Completed);
}

#[test]
fn completed_consent_expired_stops_fetching_and_keeps_the_data() {
    let mut world = given_until(finpro(), SignedDuration::from_hours(1_000));
    accounts_ready(&mut world);
    world.submit(Fact::ConsentExpired);
    assert_eq!(
        (world.status(), world.calls()),
        (JourneyStatus::Completed, vec!["revoke-consent"])
    );
    assert!(!world.is_set(TimerPurpose::Renewal) && !world.is_set(TimerPurpose::ConsentExpiry));
    assert!(!world.erased(DataClass::AccountData));
    world.submit(Fact::Reopen).was(Verdict::Discarded);
    assert_eq!(world.last.reason, Some(Reason::NoConsent));
}

#[test]
fn late_expiry_timer_does_not_lengthen_the_consent() {
    let mut world = given_until(documents(), SignedDuration::from_hours(1));
    world
        .open("open-documents", "documents-1")
        .pass(SignedDuration::from_hours(2));
    let source = ours(Leg::Documents, 1, Some("documents-1"));
    world
        .submit_with(returned(source, ReturnEnd::Approved), DataClass::Codes)
        .was(Verdict::Discarded);
    assert_eq!(
        (world.status(), world.calls()),
        (JourneyStatus::Expired, vec![])
    );
    assert!(!world.last.keeps_payload && world.entered(&LedgerEntry::Expired));
}

#[test]
fn references_and_tokens_find_the_journey() {
    let mut world = World::given(three());
    world.open("open-documents", "documents-1");
    world
        .fire(TimerPurpose::Link)
        .submit_to(Some(Leg::Documents), Fact::AskAgain, None);
    world.open("open-documents", "documents-2");
    let references = world.journey.references();
    let named: Vec<&str> = references.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(named, ["documents-2", "documents-1"]);
    assert!(
        references
            .iter()
            .all(|found| found.provider == Provider::Deepvue && found.leg == Leg::Documents)
    );
    assert_eq!(world.journey.token(), Some(&crate::world::TOKEN));
    assert_ne!(references.first().unwrap().id, reference("documents-1"));
}
