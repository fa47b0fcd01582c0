//! Verification: every row of its table.

use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::{
    Answer, DataClass, EffectKind, Fact, Failure, JourneyStatus, Leg, LegStatus, Notice, Operation,
    OperatorTask, Reason, Refusal, Screening, SessionNews, SessionState, TimerPurpose, Verdict,
};

use crate::world::{World, by_id, ours, reference, session, verification};

fn created() -> World {
    let mut world = World::given(verification());
    world.open("create-session", "session-1");
    world
}

fn told(world: &mut World, state: SessionState) -> &mut World {
    world.submit(Fact::Session(session(state)))
}

fn in_state(state: SessionState) -> World {
    let mut world = created();
    told(&mut world, state);
    world
}

fn at(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_800_000_000 + seconds).ok()
}

const OPEN: [SessionState; 5] = [
    SessionState::Created,
    SessionState::Started,
    SessionState::Submitted,
    SessionState::Review,
    SessionState::ResubmissionRequested,
];

#[test]
fn screening_is_evidence_and_somebody_looks_at_a_match() {
    let screened = |world: &mut World, attempt, needs_review| {
        let source = ours(Leg::Verification, attempt, None);
        let fact = Fact::Screened(Screening::new(source, needs_review));
        world.submit_with(fact, DataClass::Evidence);
    };
    let mut world = World::given(verification());
    world.open("create-session", "session-1");
    world.submit(Fact::Session(session(SessionState::Approved)));
    screened(&mut world, 1, false);
    world.was(Verdict::Applied);
    assert!(world.last.keeps_payload && world.by_hand().is_empty());
    screened(&mut world, 1, true);
    world.was(Verdict::Applied);
    assert!(world.last.keeps_payload);
    assert_eq!(
        (world.status(), world.by_hand()),
        (JourneyStatus::Completed, vec![OperatorTask::Screening])
    );
    // Of nobody's attempt, and of a person who has withdrawn.
    screened(&mut world, 2, true);
    world.was(Verdict::Discarded);
    let mut world = World::given(verification());
    world
        .open("create-session", "session-1")
        .submit(Fact::Withdrawn);
    screened(&mut world, 1, true);
    world.was(Verdict::Discarded);
    assert!(!world.last.keeps_payload && world.by_hand().is_empty());
}

#[test]
fn decision_against_the_one_before_is_left_to_a_person() {
    let mut world = World::given(verification());
    world.open("create-session", "session-1");
    world.submit(Fact::Session(session(SessionState::Approved)));
    world.submit(Fact::Session(session(SessionState::Declined)));
    world.was(Verdict::Kept);
    assert_eq!(world.by_hand(), [OperatorTask::Conflict]);
}

/// Veriff finds a session by its id alone.
#[test]
fn session_of_which_nobody_knows_is_left_to_a_person_by_a_withdrawal() {
    let mut unsettled = World::given(verification());
    unsettled.interrupt("create-session");
    let mut cancelled = unsettled.clone();
    unsettled.submit(Fact::Withdrawn);
    let mut under_way = World::given(verification());
    let call = under_way.call("create-session");
    under_way.submit(Fact::Withdrawn);
    assert!(under_way.by_hand().is_empty());
    under_way.submit(Fact::Interrupted { effect: call });
    for world in [unsettled, under_way] {
        assert_eq!(world.by_hand(), [OperatorTask::DeleteByHand]);
    }
    // What is kept here may be kept there.
    cancelled.submit(Fact::Cancel);
    assert!(cancelled.by_hand().is_empty());
}

#[test]
fn idle_begin_creates() {
    let world = World::given(verification());
    assert_eq!(
        (world.phase(), world.calls()),
        ("creating", vec!["create-session"])
    );
}

#[test]
fn creating_answer_is_created() {
    let world = created();
    assert_eq!(
        (world.phase(), world.calls()),
        ("created", vec!["record-consent"])
    );
    assert!(world.notified(&Notice::Link {
        leg: Leg::Verification,
        link: Some(world.journey.seq())
    }));
    assert_eq!(
        world.due(TimerPurpose::Reconcile),
        Some(SignedDuration::from_mins(2))
    );
}

#[test]
fn creating_webhook_with_our_vendor_data_is_created() {
    let mut world = World::given(verification());
    let mut news = session(SessionState::Started);
    news.source = ours(Leg::Verification, 1, Some("session-1"));
    world.submit(Fact::Session(news)).was(Verdict::Applied);
    assert_eq!(
        (world.phase(), world.calls()),
        ("started", vec!["record-consent"])
    );
    world.open("create-session", "session-1").was(Verdict::Late);
    assert_eq!(world.phase(), "started");
}

#[test]
fn created_7001_is_started_and_7002_is_submitted() {
    for (state, phase) in [
        (SessionState::Started, "started"),
        (SessionState::Submitted, "submitted"),
    ] {
        assert_eq!(in_state(state).phase(), phase);
    }
}

#[test]
fn any_open_decision_ends() {
    for open in OPEN {
        for (decision, phase, status) in [
            (SessionState::Approved, "approved", JourneyStatus::Completed),
            (SessionState::Declined, "declined", JourneyStatus::Rejected),
        ] {
            let mut world = in_state(open);
            world.submit_with(Fact::Session(session(decision)), DataClass::Evidence);
            assert_eq!((world.phase(), world.status()), (phase, status));
            assert!(world.last.keeps_payload && world.erased(DataClass::Links));
        }
    }
}

#[test]
fn any_open_unsigned_decision_is_confirmed_by_a_call() {
    for decision in [
        SessionState::Approved,
        SessionState::Declined,
        SessionState::Expired,
    ] {
        let mut world = in_state(SessionState::Submitted);
        let news = session(decision).set_is_signed(false);
        world.submit_with(Fact::Session(news.clone()), DataClass::Evidence);
        assert_eq!(
            (world.phase(), world.calls()),
            ("submitted", vec!["read-decision"])
        );
        assert!(!world.last.keeps_payload);
        let mut undecided = world.clone();
        world.answer(
            "read-decision",
            Answer::SessionState {
                news: Box::new(news),
            },
        );
        assert!(world.journey.leg_status(Leg::Verification).has_ended());
        undecided.answer("read-decision", Answer::Done);
        assert_eq!(undecided.phase(), "submitted");
    }
}

#[test]
fn any_open_resubmission_requested_asks_the_person_by_the_same_link() {
    for open in OPEN
        .into_iter()
        .filter(|open| *open != SessionState::ResubmissionRequested)
    {
        let mut world = in_state(open);
        told(&mut world, SessionState::ResubmissionRequested);
        assert_eq!((world.phase(), world.calls()), ("resubmission", vec![]));
        assert!(world.notified(&Notice::TryAgain {
            leg: Leg::Verification
        }));
        assert_eq!(
            world.journey.leg(Leg::Verification).unwrap().resubmissions,
            1
        );
    }
}

#[test]
fn resubmission_7001_with_a_newer_attempt_is_started() {
    let news = |attempt: Option<&str>, state| {
        Fact::Session(session(state).set_attempt(attempt.map(reference)))
    };
    let mut world = created();
    world.submit(news(Some("attempt-1"), SessionState::Submitted));
    world.submit(news(Some("attempt-1"), SessionState::ResubmissionRequested));
    world
        .submit(news(Some("attempt-1"), SessionState::Started))
        .was(Verdict::Late);
    world
        .submit(news(None, SessionState::Started))
        .was(Verdict::Late);
    world
        .submit(news(Some("attempt-2"), SessionState::Started))
        .was(Verdict::Applied);
    assert_eq!(world.phase(), "started");
    // What is said of the first attempt is of a replaced one.
    world
        .submit(news(Some("attempt-1"), SessionState::ResubmissionRequested))
        .was(Verdict::Late);
    assert_eq!(world.last.reason, Some(Reason::ReplacedAttempt));
    // Of an attempt that nothing is known of, Veriff is asked.
    world
        .submit(news(Some("attempt-3"), SessionState::Started))
        .was(Verdict::Kept);
    assert_eq!(
        (world.phase(), world.calls()),
        ("started", vec!["read-decision"])
    );
}

#[test]
fn resubmission_is_found_out_in_any_order() {
    let news = |attempt, state| Fact::Session(session(state).set_attempt(Some(reference(attempt))));
    let facts = [
        news("attempt-1", SessionState::Submitted),
        news("attempt-1", SessionState::ResubmissionRequested),
        news("attempt-2", SessionState::Started),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut world = created();
        for index in order {
            world.submit(facts[index].clone());
        }
        assert_eq!(world.phase(), "started", "{order:?}");
        let approved = news("attempt-2", SessionState::Approved);
        world.submit(approved).was(Verdict::Applied);
        assert_eq!(world.phase(), "approved", "{order:?}");
    }
}

#[test]
fn any_open_review_waits_for_a_person_there() {
    for open in [
        SessionState::Created,
        SessionState::Started,
        SessionState::Submitted,
    ] {
        let mut world = in_state(open);
        told(&mut world, SessionState::Review);
        assert_eq!(
            (world.phase(), world.status()),
            ("review", JourneyStatus::Running)
        );
        assert_eq!(
            world.due(TimerPurpose::Review),
            Some(SignedDuration::from_hours(72))
        );
        world.fire(TimerPurpose::Review);
        assert!(world.told_operator(OperatorTask::Review) && world.phase() == "review");
    }
}

#[test]
fn created_expired_and_started_abandoned() {
    for (open, state, phase) in [
        (SessionState::Created, SessionState::Expired, "expired"),
        (SessionState::Started, SessionState::Abandoned, "abandoned"),
    ] {
        let mut world = in_state(open);
        told(&mut world, state);
        assert_eq!(
            (world.phase(), world.status()),
            (phase, JourneyStatus::NeedsPerson)
        );
        world.submit(Fact::AskAgain);
        assert_eq!((world.phase(), world.attempt()), ("creating", 2));
        world
            .submit(Fact::Session(session(SessionState::Approved)))
            .was(Verdict::Late);
    }
    // The code alone says neither.
    let mut world = created();
    told(&mut world, SessionState::Unknown).was(Verdict::Kept);
    assert_eq!(world.phase(), "created");
}

#[test]
fn approved_and_declined_ignore_what_is_lower_or_older() {
    for decision in [SessionState::Approved, SessionState::Declined] {
        for lower in [
            SessionState::Started,
            SessionState::Submitted,
            SessionState::Review,
            decision,
        ] {
            let mut world = in_state(decision);
            told(&mut world, lower).was(Verdict::Late);
        }
        let mut world = created();
        world.submit(Fact::Session(session(decision).set_at(at(10))));
        let older = session(SessionState::ResubmissionRequested).set_at(at(5));
        world.submit(Fact::Session(older)).was(Verdict::Late);
        assert_eq!(world.last.reason, Some(Reason::OlderTime));
    }
}

#[test]
fn approved_newer_decision_is_kept_for_an_operator() {
    let mut world = created();
    world.submit(Fact::Session(
        session(SessionState::Approved).set_at(at(10)),
    ));
    world
        .submit(Fact::Session(
            session(SessionState::Declined).set_at(at(20)),
        ))
        .was(Verdict::Kept);
    assert_eq!(
        (world.phase(), world.status()),
        ("approved", JourneyStatus::Completed)
    );
    assert!(world.told_operator(OperatorTask::Conflict));
}

#[test]
fn erase_deletes_at_veriff_or_asks_an_operator() {
    let mut world = in_state(SessionState::Approved);
    world.submit(Fact::Withdrawn);
    assert_eq!(world.calls(), ["delete-session"]);
    let mut deleted = world.clone();
    deleted.answer("delete-session", Answer::Done);
    assert!(deleted.last.effects.is_empty());
    for refusal in [Refusal::Forbidden, Refusal::AlreadySo] {
        let mut world = world.clone();
        world.fail("delete-session", Failure::refused(refusal));
        assert!(world.told_operator(OperatorTask::DeleteByHand));
        assert_eq!(world.by_hand(), [OperatorTask::DeleteByHand]);
        assert!(world.calls().is_empty());
    }
    for failure in [Failure::unknown(), Failure::unreadable()] {
        let mut world = world.clone();
        world.fail("delete-session", failure);
        assert!(world.told_operator(OperatorTask::DeleteByHand));
    }
}

#[test]
fn session_that_is_created_after_a_withdrawal_is_deleted() {
    let mut answered = World::given(verification());
    answered
        .submit(Fact::Withdrawn)
        .open("create-session", "session-1")
        .was(Verdict::Discarded);
    let mut reported = World::given(verification());
    reported.submit(Fact::Withdrawn);
    let mut news = session(SessionState::Started);
    news.source = ours(Leg::Verification, 1, Some("session-1"));
    reported.submit(Fact::Session(news)).was(Verdict::Discarded);
    for world in [answered, reported] {
        assert_eq!(world.calls(), ["delete-session"]);
        assert!(!world.last.keeps_payload);
    }
}

#[test]
fn lost_webhook_is_found_by_reconciliation() {
    let mut world = in_state(SessionState::Submitted);
    world.fire(TimerPurpose::Reconcile);
    assert_eq!(world.calls(), ["read-decision"]);
    let news = Box::new(session(SessionState::Approved).set_is_signed(false));
    world.answer_with(
        "read-decision",
        Answer::SessionState { news },
        DataClass::Evidence,
    );
    assert_eq!(world.phase(), "approved");
    assert!(world.last.keeps_payload);
}

#[test]
fn pull_that_says_less_changes_nothing() {
    let mut world = in_state(SessionState::Submitted);
    world.fire(TimerPurpose::Reconcile);
    let news = Box::new(session(SessionState::Started));
    world
        .answer("read-decision", Answer::SessionState { news })
        .was(Verdict::Late);
    assert_eq!(world.phase(), "submitted");
    assert!(world.is_set(TimerPurpose::Reconcile));
}

#[test]
fn foreign_sessions_are_nobodys() {
    let mut world = created();
    let mut news = session(SessionState::Approved);
    news.source = by_id("session-7");
    world.submit(Fact::Session(news)).was(Verdict::Discarded);
    assert_eq!((world.phase(), world.leg()), ("created", LegStatus::Open));
}

/// Sessions of replaced attempts have something of the person, too.
#[test]
fn withdrawal_deletes_the_sessions_of_all_attempts() {
    let mut world = in_state(SessionState::Abandoned);
    world.submit(Fact::AskAgain);
    // The reply is lost, and the session is found out later.
    world.fail("create-session", Failure::unknown());
    world.submit(Fact::AskAgain);
    world.open("create-session", "session-3");
    let deletes = |world: &World, session: &str| {
        let session = reference(session);
        world.asked_for(|kind| {
            *kind
                == EffectKind::Call(Operation::DeleteSession {
                    session: session.clone(),
                })
        })
    };
    world.submit(Fact::Withdrawn);
    assert!(deletes(&world, "session-1") && deletes(&world, "session-3"));
    for times in 1..=2 {
        let source = ours(Leg::Verification, 2, Some("session-2"));
        world.submit(Fact::Session(SessionNews::new(
            source,
            SessionState::Created,
        )));
        assert_eq!(
            deletes(&world, "session-2"),
            times == 1,
            "it is deleted once"
        );
    }
    world.submit(Fact::Session(session(SessionState::Started)));
    assert_eq!(world.calls(), [""; 0]);
}
