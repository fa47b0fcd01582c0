//! The rules for every leg.

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::{
    Answer, ConsentState, Correlation, CorrelationToken, DataClass, EffectId, EffectKind, Event,
    EventKey, Fact, Failure, JourneyId, JourneyStatus, LedgerEntry, Leg, LegStatus, Operation,
    OperatorTask, Plan, Reason, ReceiptId, Refusal, ReturnEnd, Seq, SessionState, Source,
    TimerPurpose, Verdict,
};

use crate::world::{
    World, by_id, consent, documents, finpass, finpro, ours, reference, returned, session,
    verification,
};

/// A plan, its opening call, and what is opened.
fn openings() -> [(Plan, &'static str, Leg); 4] {
    [
        (documents(), "open-documents", Leg::Documents),
        (finpro(), "request-consent", Leg::Accounts),
        (finpass(), "open-accounts", Leg::Accounts),
        (verification(), "create-session", Leg::Verification),
    ]
}

fn timers(world: &World) -> Vec<TimerPurpose> {
    let timers = world.journey.timers().into_iter();
    timers.map(|timer| timer.name.purpose).collect()
}

/// What is waited for after the end: only of FinPro's consent can it be found out that the person approved it after all.
fn watches(opening: &str) -> Vec<TimerPurpose> {
    let is_watched = opening == "request-consent";
    is_watched
        .then_some(TimerPurpose::LeftOpen)
        .into_iter()
        .collect()
}

#[test]
fn g1_same_command_changes_nothing() {
    let mut world = World::given(documents());
    world.interrupt("open-documents");
    let again = Event::new(
        EventKey::command("again").unwrap(),
        world.at,
        None,
        Fact::AskAgain,
    );
    world.apply(&again);
    world.was(Verdict::Applied);
    world.interrupt("open-documents");
    let before = world.journey.clone();
    world.apply(&again);
    world.was(Verdict::Duplicate);
    assert_eq!((&world.journey, world.last.effects.len()), (&before, 0));
}

#[test]
fn g1_another_start_is_no_event_of_a_journey_that_has_started() {
    let mut world = World::given(documents());
    let before = world.journey.clone();
    let other = Fact::Start {
        plan: Box::new(verification()),
        token: CorrelationToken::from_bits(18),
    };
    world.apply(&Event::new(
        EventKey::command("another start").unwrap(),
        world.at,
        None,
        other,
    ));
    world.was(Verdict::Duplicate);
    assert_eq!(world.last.reason, Some(Reason::AlreadyStarted));
    assert_eq!((&world.journey, world.last.effects.len()), (&before, 0));
}

#[test]
fn g1_same_result_says_nothing_new() {
    for (plan, opening, leg) in openings() {
        let mut world = World::given(plan);
        world.open(opening, "opened-1");
        let before = world.journey.leg(leg).unwrap().phase;
        world.open(opening, "opened-1").was(Verdict::Late);
        assert_eq!(
            (
                world.journey.leg(leg).unwrap().phase,
                world.last.effects.len()
            ),
            (before, 0)
        );
    }
}

#[test]
fn g2_early_fact_is_adopted() {
    let early = [
        (
            documents(),
            "open-documents",
            returned(
                ours(Leg::Documents, 1, Some("opened-1")),
                ReturnEnd::Approved,
            ),
        ),
        (
            finpass(),
            "open-accounts",
            Fact::Hint(ours(Leg::Accounts, 1, Some("opened-1"))),
        ),
        (finpro(), "request-consent", {
            let mut news = consent("opened-1", ConsentState::Active);
            news.source = ours(Leg::Accounts, 1, Some("opened-1"));
            Fact::Consent(news)
        }),
        (verification(), "create-session", {
            let mut news = session(SessionState::Approved);
            news.source = ours(Leg::Verification, 1, Some("opened-1"));
            Fact::Session(news)
        }),
    ];
    for (plan, opening, fact) in early {
        let leg = plan.legs().next().unwrap();
        let mut early = World::given(plan.clone());
        early
            .submit_with(fact.clone(), DataClass::Codes)
            .was(Verdict::Applied);
        early.open(opening, "opened-1");
        let mut on_time = World::given(plan);
        on_time
            .open(opening, "opened-1")
            .submit_with(fact, DataClass::Codes)
            .was(Verdict::Applied);
        assert_eq!(early.phase(), on_time.phase());
        assert_eq!(early.journey.references(), on_time.journey.references());
        assert_eq!(
            early.journey.leg_status(leg),
            on_time.journey.leg_status(leg)
        );
    }
}

#[test]
fn g3_fact_of_a_replaced_attempt_is_late() {
    let mut world = World::given(verification());
    world
        .open("create-session", "session-1")
        .submit(Fact::Session(session(SessionState::Expired)));
    world
        .submit(Fact::AskAgain)
        .open("create-session", "session-2");
    for source in [
        by_id("session-1"),
        ours(Leg::Verification, 1, None),
        ours(Leg::Verification, 1, Some("session-1")),
    ] {
        let mut news = session(SessionState::Declined);
        news.source = source;
        world.submit(Fact::Session(news)).was(Verdict::Late);
        assert_eq!(
            (world.last.reason, world.phase()),
            (Some(Reason::ReplacedAttempt), "created")
        );
    }
}

#[test]
fn g4_unknown_words_are_kept() {
    let mut world = World::given(verification());
    world.open("create-session", "session-1");
    for fact in [
        Fact::Session(session(SessionState::Unknown)),
        Fact::Unrecognized(by_id("session-1")),
        Fact::Unrecognized(Source::default()),
    ] {
        world.submit(fact).was(Verdict::Kept);
        assert_eq!(
            (world.last.reason, world.phase()),
            (Some(Reason::UnknownWord), "created")
        );
    }
    // A word that is known, and from which nothing follows.
    world
        .submit(Fact::Noted(by_id("session-1")))
        .was(Verdict::Kept);
    assert_eq!(world.last.reason, Some(Reason::NotExpected));
}

#[test]
fn g5_not_sent_is_tried_again_six_times() {
    for (plan, opening, _) in openings() {
        let mut world = World::given(plan);
        for seconds in [30, 60, 120, 240, 480, 960] {
            world.fail(opening, Failure::not_sent());
            assert_eq!((world.leg(), world.calls()), (LegStatus::Open, vec![]));
            let timer = world
                .journey
                .timers()
                .into_iter()
                .find(|timer| timer.name.leg.is_some())
                .unwrap();
            assert_eq!(
                timer.at.duration_since(world.at),
                SignedDuration::from_secs(seconds)
            );
            world.retry();
            assert_eq!((world.calls(), world.attempt()), (vec![opening], 1));
        }
        world.fail(opening, Failure::not_sent());
        assert_eq!(
            (world.leg(), world.phase()),
            (LegStatus::NeedsOperator, "failed")
        );
        assert!(world.told_operator(OperatorTask::Failing));
        world.submit(Fact::Resume);
        assert_eq!(world.calls(), [opening]);
    }
}

#[test]
fn g5_provider_may_ask_for_a_longer_wait() {
    let mut world = World::given(documents());
    world.fail(
        "open-documents",
        Failure::refused(Refusal::RateLimited).set_retry_after(Some(600)),
    );
    let timer = world
        .journey
        .timers()
        .into_iter()
        .find(|timer| timer.name.leg.is_some())
        .unwrap();
    assert_eq!(
        timer.at.duration_since(world.at),
        SignedDuration::from_mins(10)
    );
}

#[test]
fn g6_refused_credentials_wait_for_an_operator() {
    for (plan, opening, _) in openings() {
        let mut world = World::given(plan);
        world.fail(opening, Failure::refused(Refusal::Credentials));
        assert!(world.told_operator(OperatorTask::Credentials));
        assert_eq!(world.status(), JourneyStatus::NeedsOperator);
        world.submit(Fact::Resume);
        assert_eq!(
            (world.status(), world.calls()),
            (JourneyStatus::Running, vec![opening])
        );
        world.fail(opening, Failure::refused(Refusal::Other));
        assert_eq!(world.leg(), LegStatus::NeedsOperator);
        assert!(world.told_operator(OperatorTask::Refused));
    }
}

#[test]
fn g6_call_that_the_consent_does_not_cover_waits_for_another_consent_or_an_operator() {
    for (plan, opening, _) in openings() {
        let mut world = World::given(plan);
        world.fail(opening, Failure::not_covered());
        assert!(world.told_operator(OperatorTask::Consent));
        assert_eq!(world.status(), JourneyStatus::NeedsOperator);
        assert!(world.calls().is_empty());
        world.submit(Fact::Resume);
        assert_eq!(
            (world.status(), world.calls()),
            (JourneyStatus::Running, vec![opening])
        );
        world.fail(opening, Failure::not_covered());
        world.submit(Fact::ConsentRenewed {
            receipt: ReceiptId::parse("receipt-2").unwrap(),
            expires_at: None,
        });
        assert_eq!(
            (world.status(), world.calls()),
            (JourneyStatus::Running, vec![opening])
        );
        // What waits for something else is not asked for again.
        world.fail(opening, Failure::refused(Refusal::Credentials));
        world.submit(Fact::ConsentRenewed {
            receipt: ReceiptId::parse("receipt-3").unwrap(),
            expires_at: None,
        });
        assert_eq!(world.status(), JourneyStatus::NeedsOperator);
        assert!(world.calls().is_empty());
    }
}

#[test]
fn g9_call_that_no_consent_lets_through_ends_the_journey() {
    for (plan, opening, leg) in openings() {
        let mut world = World::given(plan);
        world.fail(opening, Failure::without_consent());
        world.was(Verdict::Applied);
        assert_eq!(world.status(), JourneyStatus::Expired);
        assert_eq!(world.journey.leg_status(leg), LegStatus::Stopped);
        assert!(world.entered(&LedgerEntry::Expired));
        assert!(world.calls().is_empty() && world.pending().is_empty());
        assert!(world.journey.timers().is_empty());
        // The withdrawal that made it so is heard of later.
        world.submit(Fact::Withdrawn).was(Verdict::Applied);
        assert_eq!(world.status(), JourneyStatus::Withdrawn);
    }
}

#[test]
fn g9_call_that_a_withdrawal_stopped_ends_the_journey_as_withdrawn() {
    for (plan, opening, leg) in openings() {
        let mut world = World::given(plan);
        world.fail(opening, Failure::withdrawn());
        world.was(Verdict::Applied);
        assert_eq!(world.status(), JourneyStatus::Withdrawn);
        assert_eq!(world.journey.leg_status(leg), LegStatus::Stopped);
        assert!(world.entered(&LedgerEntry::Withdrawn));
        assert!(world.calls().is_empty() && world.journey.timers().is_empty());
        world.submit(Fact::Withdrawn).was(Verdict::Late);
    }
}

#[test]
fn g9_what_gives_back_is_not_ended_by_the_consent_s_end() {
    let mut world = World::given(finpro());
    world.open("request-consent", "handle-1");
    world
        .submit(Fact::Consent(consent("handle-1", ConsentState::Active)))
        .submit(Fact::Withdrawn);
    world.fail("revoke-consent", Failure::without_consent());
    assert!(world.told_operator(OperatorTask::Consent));
    assert_eq!(world.status(), JourneyStatus::Withdrawn);
    world
        .submit_to(Some(Leg::Accounts), Fact::Resume, None)
        .was(Verdict::Applied);
    assert_eq!(world.calls(), ["revoke-consent"]);
}

#[test]
fn g7_unsafe_call_of_unknown_outcome_is_not_repeated() {
    for (plan, opening, _) in openings() {
        for failure in [Some(Failure::unknown()), Some(Failure::unreadable()), None] {
            let mut world = World::given(plan.clone());
            match failure {
                Some(failure) => world.fail(opening, failure),
                None => world.interrupt(opening),
            };
            assert_eq!(world.phase(), "unsettled");
            assert!(!world.calls().contains(&opening));
            assert!(
                world
                    .journey
                    .leg(world.journey.plan().unwrap().legs().next().unwrap())
                    .unwrap()
                    .unsettled
                    .is_some()
            );
        }
        // So is one with an answer to something else.
        let mut world = World::given(plan);
        world.answer(opening, Answer::AccountData);
        assert_eq!(world.phase(), "unsettled");
    }
}

#[test]
fn g8_safe_call_is_repeated_whatever_happened() {
    for failure in [
        Some(Failure::not_sent()),
        Some(Failure::unknown()),
        Some(Failure::unreadable()),
        None,
    ] {
        let mut world = World::given(verification());
        world
            .open("create-session", "session-1")
            .fire(TimerPurpose::Reconcile);
        match failure {
            Some(failure) => world.fail("read-decision", failure),
            None => world.interrupt("read-decision"),
        };
        world.retry();
        assert_eq!(
            (world.calls(), world.phase()),
            (vec!["read-decision"], "created")
        );
    }
}

#[test]
fn g9_withdrawal_stops_everything_and_what_waits_is_not_made() {
    for (plan, opening, leg) in openings() {
        let mut world = World::given(plan);
        let queued = world.call(opening);
        world.submit(Fact::Withdrawn);
        assert!(world.asked_for(|kind| *kind == EffectKind::CancelCall(queued.clone())));
        assert_eq!(world.journey.leg_status(leg), LegStatus::Stopped);
        assert!(world.journey.timers().is_empty() && world.calls().is_empty());
        assert!(world.erased(DataClass::Links) && world.erased(DataClass::Evidence));
        // A retry that was set is not made either.
        let mut world = World::given(world.journey.plan().unwrap().clone());
        world.fail(opening, Failure::not_sent());
        let timer = world
            .journey
            .timers()
            .into_iter()
            .find(|timer| timer.name.leg.is_some())
            .unwrap();
        world.submit(Fact::Withdrawn);
        world.at = timer.at;
        world
            .submit(Fact::TimerFired {
                timer: timer.name,
                generation: timer.generation,
            })
            .was(Verdict::Late);
        assert!(world.calls().is_empty());
    }
}

#[test]
fn g9_operator_brings_nothing_back_after_a_withdrawal() {
    for (plan, opening, _) in openings() {
        let leg = plan.legs().next();
        let mut failed = World::given(plan.clone());
        failed.fail(opening, Failure::refused(Refusal::Other));
        let mut blocked = World::given(plan.clone());
        blocked.fail(opening, Failure::refused(Refusal::Credentials));
        let mut unsettled = World::given(plan);
        unsettled.interrupt(opening);
        for mut world in [failed, blocked, unsettled] {
            world.submit(Fact::Withdrawn);
            for command in [
                Fact::Resume,
                Fact::Settled { done: false },
                Fact::AskAgain,
                Fact::Reopen,
            ] {
                for leg in [None, leg] {
                    world.submit_to(leg, command.clone(), None);
                    assert_ne!(world.last.verdict, Verdict::Applied);
                    assert!(world.calls().is_empty());
                }
            }
        }
    }
}

/// A journey that was withdrawn, whose consent at the aggregator is to be revoked by hand.
fn left_to_a_person() -> World {
    let mut world = World::given(finpro());
    world
        .open("request-consent", "handle-1")
        .submit(Fact::Consent(consent("handle-1", ConsentState::Active)))
        .submit(Fact::Withdrawn)
        .fail("revoke-consent", Failure::refused(Refusal::Other));
    assert_eq!(world.by_hand(), [OperatorTask::RevokeByHand]);
    world
}

const REVOKED: Fact = Fact::Resolved {
    task: OperatorTask::RevokeByHand,
};

#[test]
fn left_to_a_person_resolved_is_done_and_nothing_is_called() {
    let mut world = left_to_a_person();
    let (status, phase) = (world.status(), world.phase());
    world.submit(REVOKED).was(Verdict::Applied);
    assert_eq!(world.last.leg, Some(Leg::Accounts));
    assert!(world.last.effects.is_empty(), "{:?}", world.last.effects);
    assert_eq!(world.by_hand(), []);
    assert_eq!(world.resolved(), [OperatorTask::RevokeByHand]);
    assert_eq!((world.status(), world.phase()), (status, phase));
    let view = world.journey.leg(Leg::Accounts).unwrap();
    assert_eq!(view.by_hand, []);
}

#[test]
fn left_to_a_person_resolved_again_is_known() {
    let mut world = left_to_a_person();
    world.submit(REVOKED);
    let before = world.journey.clone();
    world.submit(REVOKED).was(Verdict::Late);
    assert_eq!(world.last.reason, Some(Reason::Known));
    assert!(world.last.effects.is_empty());
    assert_eq!(world.resolved(), [OperatorTask::RevokeByHand]);
    assert_eq!(
        world.journey.leg(Leg::Accounts),
        before.leg(Leg::Accounts),
        "nothing but the count of events changes"
    );
}

#[test]
fn nothing_left_resolved_is_discarded() {
    let other = || Fact::Resolved {
        task: OperatorTask::DeleteByHand,
    };
    let mut started = World::started(finpro());
    let mut ended = World::given(finpro());
    ended.submit(Fact::Cancel);
    let mut left = left_to_a_person();
    for (world, fact, reason) in [
        (&mut started, REVOKED, Reason::NotExpected),
        (&mut ended, REVOKED, Reason::NotExpected),
        (&mut left, other(), Reason::NotExpected),
    ] {
        let before = world.by_hand();
        world.submit(fact).was(Verdict::Discarded);
        assert_eq!(world.last.reason, Some(reason));
        assert_eq!((world.by_hand(), world.resolved()), (before, vec![]));
    }
    left.submit_to(Some(Leg::Documents), REVOKED, None);
    assert_eq!(left.last.reason, Some(Reason::NotPlanned));
    let mut unknown = World::new();
    unknown.submit(REVOKED).was(Verdict::Discarded);
    assert_eq!(unknown.last.reason, Some(Reason::NotStarted));
}

#[test]
fn left_to_a_person_anew_after_it_was_resolved_is_left() {
    let mut world = World::given(finpro());
    world
        .open("request-consent", "handle-1")
        .submit(Fact::Consent(consent("handle-1", ConsentState::Active)))
        .submit(Fact::PurposeMet);
    let revoke = world.call("revoke-consent");
    world.fail("revoke-consent", Failure::refused(Refusal::Other));
    world.submit(REVOKED).was(Verdict::Applied);
    world.submit(Fact::Reopen);
    world.open("request-consent", "handle-2");
    let mut again = consent("handle-2", ConsentState::Active);
    again.consent = Some(reference("consent-2"));
    world.submit(Fact::Consent(again)).submit(Fact::Withdrawn);
    assert_ne!(world.call("revoke-consent"), revoke);
    world.fail("revoke-consent", Failure::refused(Refusal::Other));
    assert_eq!(world.by_hand(), [OperatorTask::RevokeByHand]);
    assert_eq!(world.resolved(), []);
}

#[test]
fn g10_cancellation_stops_and_keeps_what_is_held() {
    for (plan, opening, leg) in openings() {
        let mut world = World::given(plan);
        world.open(opening, "opened-1").submit(Fact::Cancel);
        assert_eq!(
            (world.status(), world.journey.leg_status(leg)),
            (JourneyStatus::Cancelled, LegStatus::Stopped)
        );
        assert!(world.erased(DataClass::Links) && !world.erased(DataClass::Evidence));
        assert_eq!(timers(&world), watches(opening));
        assert!(world.calls().is_empty());
        world.submit(Fact::Reopen).was(Verdict::Discarded);
        // The person can still withdraw.
        world.submit(Fact::Withdrawn);
        assert_eq!(world.status(), JourneyStatus::Withdrawn);
        assert!(world.erased(DataClass::Evidence));
    }
}

#[test]
fn g11_answer_in_an_ended_leg_is_dropped() {
    for (plan, opening, _) in openings() {
        let mut world = World::given(plan);
        world
            .submit(Fact::Withdrawn)
            .open(opening, "opened-1")
            .was(Verdict::Discarded);
        assert!(!world.last.keeps_payload);
        assert_eq!(world.last.reason, Some(Reason::LegEnded));
    }
}

#[test]
fn g12_deadline_expires_what_is_open() {
    for (plan, opening, leg) in openings() {
        let mut world = World::given(plan);
        world.open(opening, "opened-1").fire(TimerPurpose::Deadline);
        assert_eq!(
            (world.status(), world.journey.leg_status(leg)),
            (JourneyStatus::Expired, LegStatus::Expired)
        );
        assert_eq!(timers(&world), watches(opening));
    }
}

#[test]
fn g13_reopening_an_ended_leg_is_another_attempt() {
    let ended = [
        {
            let mut world = World::given(documents());
            world
                .open("open-documents", "opened-1")
                .fire(TimerPurpose::Link);
            world
        },
        {
            let mut world = World::given(finpro());
            world.open("request-consent", "opened-1");
            world.submit(Fact::Consent(consent("opened-1", ConsentState::Rejected)));
            world
        },
        {
            let mut world = World::given(verification());
            world
                .open("create-session", "session-1")
                .submit(Fact::Session(session(SessionState::Approved)));
            world
        },
    ];
    for mut world in ended {
        world.submit(Fact::Reopen).was(Verdict::Applied);
        assert_eq!(
            (world.attempt(), world.status()),
            (2, JourneyStatus::Running)
        );
        world.submit(Fact::Reopen).was(Verdict::Kept);
    }
    let mut world = World::given(finpass());
    world.submit(Fact::Reopen).was(Verdict::Kept);
}

#[test]
fn g13_reopening_has_a_limit() {
    let mut world = World::given(documents());
    for _ in 1..50 {
        world
            .interrupt("open-documents")
            .submit(Fact::Reopen)
            .was(Verdict::Applied);
    }
    world
        .interrupt("open-documents")
        .submit(Fact::Reopen)
        .was(Verdict::Discarded);
    assert_eq!(world.last.reason, Some(Reason::TooManyAttempts));
}

#[test]
fn foreign_tokens_effects_and_timers_change_nothing() {
    for (plan, opening, leg) in openings() {
        let mut world = World::given(plan);
        world.open(opening, "opened-1");
        let phase = world.phase();
        let foreign = Correlation {
            token: CorrelationToken::from_bits(7),
            leg,
            attempt: 1,
        };
        let source = Source::new(Some(reference("opened-1")), Some(foreign));
        let other = EffectId {
            journey: JourneyId::from_bits(2),
            seq: Seq::new(2),
            ordinal: 0,
        };
        let never = EffectId {
            journey: JourneyId::from_bits(1),
            seq: Seq::new(99),
            ordinal: 0,
        };
        let answer = Answer::Opened {
            reference: reference("opened-9"),
        };
        for (fact, verdict) in [
            (
                returned(source.clone(), ReturnEnd::Denied),
                Verdict::Discarded,
            ),
            (Fact::Hint(source.clone()), Verdict::Discarded),
            (Fact::Unrecognized(source), Verdict::Discarded),
            (
                Fact::Answered {
                    effect: other,
                    answer: answer.clone(),
                },
                Verdict::Discarded,
            ),
            (
                Fact::Answered {
                    effect: never,
                    answer,
                },
                Verdict::Late,
            ),
        ] {
            world.submit_with(fact, DataClass::Codes).was(verdict);
            assert_eq!((world.phase(), world.last.effects.len()), (phase, 0));
            assert!(!world.last.keeps_payload);
        }
    }
}

#[test]
fn early_timer_is_set_again() {
    let mut world = World::given(documents());
    world.open("open-documents", "session-1");
    let timers = world.journey.timers();
    let link = timers
        .iter()
        .find(|timer| timer.name.purpose == TimerPurpose::Link)
        .unwrap();
    let fired = Fact::TimerFired {
        timer: link.name.clone(),
        generation: link.generation,
    };
    world.submit(fired.clone()).was(Verdict::Kept);
    assert_eq!(
        (world.last.reason, world.phase()),
        (Some(Reason::EarlyTimer), "await_person")
    );
    assert_eq!(
        world.due(TimerPurpose::Link),
        Some(SignedDuration::from_hours(1))
    );
    world
        .pass(SignedDuration::from_hours(1))
        .submit(fired)
        .was(Verdict::Late);
    world.fire(TimerPurpose::Link);
    assert_eq!(world.phase(), "abandoned");
}

#[test]
fn commands_need_to_say_which_leg_if_there_are_several() {
    let plan = documents().set_verification(verification().verification);
    let mut world = World::given(plan);
    world
        .interrupt("open-documents")
        .submit(Fact::AskAgain)
        .was(Verdict::Discarded);
    assert_eq!(world.last.reason, Some(Reason::NoLeg));
    world
        .submit_to(Some(Leg::Accounts), Fact::AskAgain, None)
        .was(Verdict::Discarded);
    assert_eq!(world.last.reason, Some(Reason::NotPlanned));
    world
        .submit_to(Some(Leg::Documents), Fact::AskAgain, None)
        .was(Verdict::Applied);
}

#[test]
fn effects_are_numbered_by_their_event_and_their_place() {
    let world = World::given(documents());
    let ids: Vec<String> = world
        .last
        .effects
        .iter()
        .map(|effect| effect.id.to_string())
        .collect();
    let journey = world.journey.id();
    let expected: Vec<String> = (0..ids.len())
        .map(|ordinal| format!("{journey}/2/{ordinal}"))
        .collect();
    assert_eq!(ids, expected);
    let Operation::OpenDocuments { correlation, .. } = world.operation("open-documents") else {
        panic!()
    };
    let (token, shown) = (correlation.token.expose(), correlation.abbreviated());
    assert_eq!(shown, format!("{}…-documents-1", &token[..8]));
    assert_eq!(
        Correlation::parse(&correlation.expose()).unwrap(),
        correlation
    );
}
