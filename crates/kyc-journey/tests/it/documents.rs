//! Documents: every row of its table.

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::{
    Answer, DataClass, DocumentKind, DocumentsPlan, Fact, Failure, FoundFile, JourneyStatus, Leg,
    LegStatus, Notice, Operation, OperatorTask, Plan, Reason, Refusal, ReturnEnd, TimerPurpose,
    Verdict,
};

use crate::world::{World, by_id, documents, ours, reference, returned};

const AUTHORIZED: Answer = Answer::Authorized {
    has_e_aadhaar: true,
    consent_until: None,
};

fn opening() -> World {
    World::given(documents())
}

fn await_person() -> World {
    let mut world = opening();
    world.open("open-documents", "session-1");
    world
}

fn back(world: &mut World) {
    let source = ours(Leg::Documents, world.attempt(), Some("session-1"));
    world.submit_with(returned(source, ReturnEnd::Approved), DataClass::Codes);
}

fn exchanging() -> World {
    let mut world = await_person();
    back(&mut world);
    world
}

fn fetching() -> World {
    let mut world = exchanging();
    world.answer("complete-authorization", AUTHORIZED);
    world
}

fn listed(kinds: &[DocumentKind]) -> Answer {
    let found = (0..)
        .zip(kinds)
        .map(|(item, kind)| FoundFile { item, kind: *kind });
    Answer::Files {
        found: found.collect(),
    }
}

#[test]
fn idle_begin_opens_a_session() {
    let world = opening();
    assert_eq!(
        (world.calls(), world.phase()),
        (vec!["open-documents"], "opening")
    );
    assert_eq!(world.status(), JourneyStatus::Running);
}

#[test]
fn every_attempt_asks_for_what_is_wanted_and_for_nothing_else() {
    let mut world = World::given(Plan::new().set_documents(Some(DocumentsPlan::new([
        DocumentKind::Pan,
        DocumentKind::DrivingLicence,
    ]))));
    let asks = |world: &World| match world.operation("open-documents") {
        Operation::OpenDocuments { wanted, .. } => wanted,
        other => panic!("{other:?}"),
    };
    let kinds = [DocumentKind::Pan, DocumentKind::DrivingLicence];
    assert_eq!(asks(&world), kinds);
    world.interrupt("open-documents").submit(Fact::AskAgain);
    assert_eq!((world.attempt(), asks(&world)), (2, kinds.to_vec()));
}

#[test]
fn an_opening_of_an_earlier_version_names_no_kinds_and_is_read() {
    let mut stored = serde_json::to_value(opening().operation("open-documents")).unwrap();
    stored["open_documents"]
        .as_object_mut()
        .unwrap()
        .remove("wanted")
        .unwrap();
    let read: Operation = serde_json::from_value(stored).unwrap();
    assert!(matches!(read, Operation::OpenDocuments { wanted, .. } if wanted.is_empty()));
}

#[test]
fn opening_answer_awaits_the_person() {
    let world = await_person();
    assert_eq!(world.phase(), "await_person");
    assert_eq!(world.last.leg, Some(Leg::Documents));
    assert!(world.last.keeps_payload);
    assert!(world.notified(&Notice::Link {
        leg: Leg::Documents,
        link: Some(world.journey.seq())
    }));
    assert_eq!(
        world.due(TimerPurpose::Link),
        Some(SignedDuration::from_mins(60))
    );
}

#[test]
fn opening_unknown_is_unsettled() {
    for failure in [Failure::unknown(), Failure::unreadable()] {
        let mut world = opening();
        world.fail("open-documents", failure);
        assert_eq!(
            (world.phase(), world.leg()),
            ("unsettled", LegStatus::NeedsPerson)
        );
        assert_eq!(world.status(), JourneyStatus::NeedsPerson);
        assert!(world.notified(&Notice::AskAgain {
            leg: Leg::Documents
        }));
    }
    let mut world = opening();
    world.interrupt("open-documents");
    assert_eq!((world.phase(), world.calls()), ("unsettled", vec![]));
}

#[test]
fn unsettled_asked_again_opens_the_next_attempt() {
    let mut world = opening();
    world.interrupt("open-documents").submit(Fact::AskAgain);
    assert_eq!((world.phase(), world.attempt()), ("opening", 2));
    assert_eq!(world.calls(), ["open-documents"]);
    assert_eq!(world.journey.leg(Leg::Documents).unwrap().maybe_billed, 1);
}

#[test]
fn await_person_return_with_code_exchanges_it() {
    let world = exchanging();
    assert_eq!(
        (world.phase(), world.calls()),
        ("exchanging", vec!["complete-authorization"])
    );
    let Operation::CompleteAuthorization { session, code } =
        world.operation("complete-authorization")
    else {
        panic!()
    };
    assert_eq!(
        (session, code),
        (reference("session-1"), world.journey.seq())
    );
    assert!(world.last.keeps_payload && world.erased(DataClass::Links));
}

#[test]
fn await_person_return_denied_is_refused() {
    let mut world = await_person();
    world.submit(returned(
        ours(Leg::Documents, 1, Some("session-1")),
        ReturnEnd::Denied,
    ));
    assert_eq!(
        (world.phase(), world.leg()),
        ("refused", LegStatus::Rejected)
    );
    assert_eq!(world.status(), JourneyStatus::Rejected);
}

#[test]
fn await_person_return_of_another_state_changes_nothing_and_is_noted() {
    for source in [
        ours(Leg::Documents, 1, Some("session-2")),
        by_id("session-2"),
    ] {
        let mut world = await_person();
        let returned = returned(source, ReturnEnd::Approved);
        world.submit_to(Some(Leg::Documents), returned, Some(DataClass::Codes));
        world.was(Verdict::Discarded);
        assert_eq!(world.last.reason, Some(Reason::ForeignSession));
        assert!(world.told_operator(OperatorTask::ForeignReturn) && !world.last.keeps_payload);
        assert_eq!((world.phase(), world.calls()), ("await_person", vec![]));
    }
}

#[test]
fn await_person_return_that_says_nothing_changes_nothing() {
    let named = ours(Leg::Documents, 1, Some("session-1"));
    let unnamed = ours(Leg::Documents, 1, None);
    for fact in [
        returned(named, ReturnEnd::Unclear),
        returned(unnamed, ReturnEnd::Approved),
    ] {
        let mut world = await_person();
        world.submit_with(fact, DataClass::Codes).was(Verdict::Kept);
        assert_eq!(world.phase(), "await_person");
    }
}

#[test]
fn await_person_timer_abandons() {
    let mut world = await_person();
    world.fire(TimerPurpose::Link);
    assert_eq!(
        (world.phase(), world.status()),
        ("abandoned", JourneyStatus::NeedsPerson)
    );
    assert!(world.notified(&Notice::Reminder {
        leg: Leg::Documents
    }));
}

#[test]
fn abandoned_late_return_is_exchanged_while_the_consent_lives() {
    let mut world = await_person();
    world.fire(TimerPurpose::Link);
    back(&mut world);
    assert_eq!(
        (world.phase(), world.status()),
        ("exchanging", JourneyStatus::Running)
    );

    let mut world = await_person();
    world.fire(TimerPurpose::Link).submit(Fact::Withdrawn);
    back(&mut world);
    world.was(Verdict::Discarded);
    assert!(world.calls().is_empty());
}

#[test]
fn abandoned_and_refused_asked_again_open_the_next_attempt() {
    let mut abandoned = await_person();
    abandoned.fire(TimerPurpose::Link);
    let mut refused = await_person();
    refused.submit(returned(
        ours(Leg::Documents, 1, Some("session-1")),
        ReturnEnd::Denied,
    ));
    for mut world in [abandoned, refused] {
        world.submit(Fact::AskAgain).was(Verdict::Applied);
        assert_eq!((world.phase(), world.attempt()), ("opening", 2));
        assert_eq!(world.status(), JourneyStatus::Running);
        assert_eq!(world.journey.leg(Leg::Documents).unwrap().maybe_billed, 0);
    }
}

#[test]
fn exchanging_answer_fetches() {
    let world = fetching();
    assert_eq!(world.phase(), "fetching");
    assert_eq!(world.calls(), ["fetch-e-aadhaar", "list-issued-files"]);
    assert_eq!(
        world.due(TimerPurpose::Access),
        Some(SignedDuration::from_hours(1))
    );
    assert!(world.erased(DataClass::Codes));

    let mut world = exchanging();
    world.answer(
        "complete-authorization",
        Answer::Authorized {
            has_e_aadhaar: false,
            consent_until: None,
        },
    );
    assert_eq!(world.calls(), ["list-issued-files"]);
}

#[test]
fn exchanging_refused_is_abandoned_for_its_code() {
    let mut world = exchanging();
    world.fail("complete-authorization", Failure::refused(Refusal::Code));
    assert_eq!(
        (world.phase(), world.status()),
        ("code_failed", JourneyStatus::NeedsPerson)
    );
    world.submit(Fact::AskAgain);
    assert_eq!(world.phase(), "opening");
}

#[test]
fn exchanging_unknown_probes() {
    let mut world = exchanging();
    world.interrupt("complete-authorization");
    assert_eq!(
        (world.phase(), world.calls()),
        ("probing", vec!["list-issued-files"])
    );
}

#[test]
fn probing_answer_fetches_and_refused_is_abandoned() {
    let mut world = exchanging();
    world.interrupt("complete-authorization");
    let mut refused = world.clone();
    world.answer_with(
        "list-issued-files",
        listed(&[DocumentKind::Pan]),
        DataClass::Documents,
    );
    assert_eq!(
        (world.phase(), world.calls()),
        ("fetching", vec!["fetch-e-aadhaar", "fetch-file"])
    );
    refused.fail("list-issued-files", Failure::refused(Refusal::Other));
    assert_eq!(refused.phase(), "code_failed");
    assert!(!refused.names().contains(&"fetch-e-aadhaar"));
}

#[test]
fn fetching_list_calls_for_every_wanted_document() {
    let mut world = fetching();
    let kinds = [
        DocumentKind::DrivingLicence,
        DocumentKind::Pan,
        DocumentKind::Pan,
    ];
    world.answer_with("list-issued-files", listed(&kinds), DataClass::Documents);
    assert_eq!(world.calls(), ["fetch-file", "fetch-file"]);
    let Operation::FetchFile { list, item, .. } = world.operation("fetch-file") else {
        panic!()
    };
    assert_eq!((list, item), (world.journey.seq(), 2));
    assert!(world.last.keeps_payload);
}

#[test]
fn fetching_list_without_end_is_cut() {
    let mut world = fetching();
    world.answer_with(
        "list-issued-files",
        listed(&[DocumentKind::Pan; 1_000]),
        DataClass::Documents,
    );
    assert_eq!(world.calls().len(), 64);
}

#[test]
fn fetching_last_file_is_ready() {
    let mut world = fetching();
    world.answer_with(
        "list-issued-files",
        listed(&[DocumentKind::Pan]),
        DataClass::Documents,
    );
    world.answer_with("fetch-e-aadhaar", Answer::File, DataClass::Documents);
    assert!(world.last.keeps_payload);
    assert_eq!(world.phase(), "fetching");
    world.answer_with("fetch-file", Answer::File, DataClass::Documents);
    assert!(world.last.keeps_payload);
    assert_eq!(
        (world.phase(), world.status()),
        ("ready", JourneyStatus::Completed)
    );
    assert_eq!(world.journey.timers(), []);
}

#[test]
fn fetching_list_without_a_wanted_kind_is_partial_when_the_rest_is_in() {
    let mut world = fetching();
    world.answer_with("list-issued-files", listed(&[]), DataClass::Documents);
    assert_eq!(world.phase(), "fetching");
    world.answer_with("fetch-e-aadhaar", Answer::File, DataClass::Documents);
    assert_eq!(
        (world.phase(), world.leg()),
        ("partial", LegStatus::Partial)
    );
    assert_eq!(
        world.journey.leg(Leg::Documents).unwrap().missing,
        [DocumentKind::Pan]
    );
    assert_eq!(world.status(), JourneyStatus::Completed);
}

#[test]
fn fetching_token_timer_is_partial_if_there_is_any_and_failed_otherwise() {
    let mut world = fetching();
    let mut nothing = world.clone();
    world
        .answer_with("fetch-e-aadhaar", Answer::File, DataClass::Documents)
        .fire(TimerPurpose::Access);
    assert_eq!(world.phase(), "partial");
    nothing.fire(TimerPurpose::Access);
    assert_eq!(
        (nothing.phase(), nothing.leg()),
        ("failed", LegStatus::NeedsPerson)
    );
}

#[test]
fn early_return_is_kept_for_the_reply() {
    // It names the session: the reply is not needed.
    let mut world = opening();
    back(&mut world);
    assert_eq!(world.phase(), "exchanging");
    world.open("open-documents", "session-1").was(Verdict::Late);
    assert!(!world.last.keeps_payload);
    // It does not, by a plan that allows it: it waits.
    let mut plan = documents();
    plan.documents = plan
        .documents
        .map(|plan| plan.set_return_names_session(false));
    let mut world = World::given(plan);
    world.submit_with(
        returned(ours(Leg::Documents, 1, None), ReturnEnd::Approved),
        DataClass::Codes,
    );
    let code = world.journey.seq();
    assert!(world.last.keeps_payload && world.phase() == "opening");
    world.open("open-documents", "session-1");
    let Operation::CompleteAuthorization { code: used, .. } =
        world.operation("complete-authorization")
    else {
        panic!()
    };
    assert_eq!((world.phase(), used), ("exchanging", code));
}

#[test]
fn the_answer_after_an_interruption_settles_it() {
    let mut world = opening();
    world
        .interrupt("open-documents")
        .open("open-documents", "session-1")
        .was(Verdict::Applied);
    assert_eq!(world.phase(), "await_person");
    let mut world = exchanging();
    world
        .interrupt("complete-authorization")
        .answer("complete-authorization", AUTHORIZED);
    assert_eq!(world.phase(), "fetching");
}

#[test]
fn the_life_of_documents_ends() {
    let mut plan = documents();
    let life = SignedDuration::from_hours(24 * 365);
    plan.documents = plan.documents.map(|plan| plan.set_data_life(Some(life)));
    let mut world = World::given(plan);
    world.open("open-documents", "session-1");
    back(&mut world);
    world.answer("complete-authorization", AUTHORIZED);
    world.answer_with(
        "list-issued-files",
        listed(&[DocumentKind::Pan]),
        DataClass::Documents,
    );
    world.answer_with("fetch-e-aadhaar", Answer::File, DataClass::Documents);
    world.answer_with("fetch-file", Answer::File, DataClass::Documents);
    assert_eq!(world.due(TimerPurpose::DataLife), Some(life));
    world.fire(TimerPurpose::DataLife);
    assert!(world.erased(DataClass::Documents));
    assert_eq!(world.status(), JourneyStatus::Completed);
}
