//! FinPro: every row of the consent's table and of the data's.

use kyc_journey::provider_core::capability::AggregatorId;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::{
    AccountsPlan, AggregatorReturn, Answer, CalendarUnit, ConsentNews, ConsentQuery, ConsentState,
    DataClass, DataNews, DataState, Effect, EffectId, Fact, Failure, Frequency, JourneyStatus,
    LedgerEntry, Leg, LegStatus, Notice, Operation, OperatorTask, Plan, ProfileStanding, Provider,
    Readiness, Reason, Refusal, ReturnEnd, SessionState, TimerPurpose, Verdict, VerificationPlan,
};

use crate::world::{World, by_id, consent, data, finpro, ours, reference, returned, session};

fn aggregator(name: &str) -> AggregatorId {
    AggregatorId::parse(name).unwrap()
}

fn choosing() -> Plan {
    let plan = AccountsPlan::new(Provider::FinPro)
        .set_aggregators(["first", "second"].map(aggregator))
        .set_default_aggregator(Some(aggregator("default")));
    Plan::new().set_accounts(Some(plan))
}

fn with(change: impl FnOnce(AccountsPlan) -> AccountsPlan) -> Plan {
    Plan::new().set_accounts(Some(change(AccountsPlan::new(Provider::FinPro))))
}

fn pending() -> World {
    pending_of(finpro())
}

fn pending_of(plan: Plan) -> World {
    let mut world = World::given(plan);
    world.open("request-consent", "handle-1");
    world
}

fn active_of(plan: Plan) -> World {
    let mut world = pending_of(plan);
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
    world
}

fn active() -> World {
    active_of(finpro())
}

fn waiting() -> World {
    let mut world = active();
    world.answer(
        "request-data",
        Answer::DataRequested {
            session: reference("data-1"),
        },
    );
    world
}

fn fetching() -> World {
    let mut world = waiting();
    world.submit(Fact::Data(data("data-1", DataState::Ready)));
    world
}

fn ready_of(plan: Plan) -> World {
    let mut world = active_of(plan);
    world.answer(
        "request-data",
        Answer::DataRequested {
            session: reference("data-1"),
        },
    );
    world.submit(Fact::Data(data("data-1", DataState::Ready)));
    world.answer_with("fetch-data", Answer::AccountData, DataClass::AccountData);
    world
}

fn at(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_800_000_000 + seconds).ok()
}

fn came_back(world: &mut World, end: AggregatorReturn) {
    let fact = returned(ours(Leg::Accounts, 1, None), ReturnEnd::Unclear);
    world.submit_with(fact, DataClass::Codes);
    assert!(world.last.keeps_payload);
    assert_eq!(world.calls(), ["decrypt-return"]);
    world.answer("decrypt-return", Answer::ReturnRead { end });
}

/// Says where the consent of this handle stands, by a look-up.
fn tell(world: &mut World, handle: &str, state: ConsentState) {
    let consents = vec![consent(handle, state)];
    world.answer("list-consents", Answer::Consents { consents });
}

/// Another consent is asked for, and the last one was not approved.
fn ask_again(world: &mut World) {
    world.submit(Fact::AskAgain).was(Verdict::Applied);
    tell(world, "handle-1", ConsentState::Pending);
    assert_eq!(world.calls(), ["request-consent"]);
}

/// The calls of the last event that look for consents that were left open.
fn looks(world: &World) -> Vec<EffectId> {
    let is_look =
        |effect: &&Effect| matches!(effect.operation(), Some(Operation::FindConsent { .. }));
    let effects = world.last.effects.iter();
    effects
        .filter(is_look)
        .map(|effect| effect.id.clone())
        .collect()
}

fn hear(world: &mut World, effect: EffectId, consents: Vec<ConsentNews>) {
    let answer = Answer::Consents { consents };
    world.submit(Fact::Answered { effect, answer });
}

// The consent.

#[test]
fn idle_begin_discovers() {
    let world = World::given(choosing());
    assert_eq!(
        (world.phase(), world.calls()),
        ("discovering", vec!["check-profile"])
    );
}

#[test]
fn discovering_standings_choose_and_request() {
    let standing = |name, readiness| ProfileStanding {
        aggregator: aggregator(name),
        readiness,
    };
    for (standings, chosen) in [
        (
            vec![
                standing("first", Readiness::NeedsLinking),
                standing("second", Readiness::Ready),
            ],
            "second",
        ),
        (
            vec![standing("second", Readiness::NeedsRegistration)],
            "second",
        ),
        (
            vec![
                standing("first", Readiness::Ready),
                standing("second", Readiness::Ready),
            ],
            "first",
        ),
        (
            vec![
                standing("first", Readiness::Undetermined),
                standing("second", Readiness::Undetermined),
            ],
            "default",
        ),
        (vec![], "default"),
    ] {
        let mut world = World::given(choosing());
        world.answer("check-profile", Answer::Profiles { standings });
        assert_eq!(
            (world.phase(), world.calls()),
            ("requesting", vec!["request-consent"])
        );
        let Operation::RequestConsent { aggregator, .. } = world.operation("request-consent")
        else {
            panic!()
        };
        assert_eq!(aggregator.unwrap().as_str(), chosen);
    }
    // No answer is not "not registered".
    let mut world = World::given(choosing());
    world.fail("check-profile", Failure::refused(Refusal::Other));
    assert_eq!(world.phase(), "requesting");
}

#[test]
fn requesting_answer_is_pending() {
    let world = pending();
    assert_eq!(world.phase(), "pending");
    assert!(world.notified(&Notice::Link {
        leg: Leg::Accounts,
        link: Some(world.journey.seq())
    }));
    assert_eq!(
        world.due(TimerPurpose::Reconcile),
        Some(SignedDuration::from_mins(2))
    );
    assert!(world.is_set(TimerPurpose::Link));
}

#[test]
fn requesting_webhook_is_as_from_pending() {
    for (state, phase) in [
        (ConsentState::Active, "asking"),
        (ConsentState::Rejected, "rejected"),
        (ConsentState::Expired, "expired"),
    ] {
        let mut world = World::given(finpro());
        let mut news = consent("handle-1", state);
        news.source = ours(Leg::Accounts, 1, Some("handle-1"));
        world.submit(Fact::Consent(news)).was(Verdict::Applied);
        assert_eq!(world.phase(), phase);
        let before = world.journey.clone();
        world.open("request-consent", "handle-1");
        assert_ne!(world.last.verdict, Verdict::Applied);
        assert_eq!(world.journey.leg(Leg::Accounts), before.leg(Leg::Accounts));
    }
}

#[test]
fn pending_return_accepted_or_rejected_looks_up_at_once() {
    for end in [AggregatorReturn::Accepted, AggregatorReturn::Rejected] {
        let mut world = pending();
        came_back(&mut world, end);
        assert_eq!(
            (world.phase(), world.calls()),
            ("pending", vec!["list-consents"])
        );
        assert!(world.erased(DataClass::Codes));
        let Operation::ListConsents { by } = world.operation("list-consents") else {
            panic!()
        };
        assert_eq!(by, ConsentQuery::Handle(reference("handle-1")));
        let consents = vec![consent("handle-1", ConsentState::Rejected)];
        world.answer("list-consents", Answer::Consents { consents });
        assert_eq!(world.phase(), "rejected");
    }
}

#[test]
fn pending_return_failed_otherwise_stays_and_offers_another_aggregator() {
    let mut world = World::given(choosing());
    world.answer("check-profile", Answer::Profiles { standings: vec![] });
    world.open("request-consent", "handle-1");
    came_back(&mut world, AggregatorReturn::NoAccount);
    assert_eq!(
        (world.phase(), world.leg()),
        ("pending", LegStatus::NeedsPerson)
    );
    assert!(world.notified(&Notice::OtherAggregator));
    ask_again(&mut world);
    let Operation::RequestConsent {
        aggregator,
        correlation,
    } = world.operation("request-consent")
    else {
        panic!()
    };
    assert_eq!(
        (aggregator.unwrap().as_str(), correlation.attempt),
        ("first", 2)
    );
    // What the first consent says now is of a replaced attempt.
    world
        .submit(Fact::Consent(consent("handle-1", ConsentState::Active)))
        .was(Verdict::Late);
}

/// An approval of a consent that another one has replaced would stand at the aggregator for as long as it lives.
#[test]
fn consent_of_a_replaced_attempt_that_is_approved_is_given_back() {
    for withdraws in [false, true] {
        let mut world = pending();
        came_back(&mut world, AggregatorReturn::NoAccount);
        ask_again(&mut world);
        world.open("request-consent", "handle-2");
        if withdraws {
            world.submit(Fact::Withdrawn);
        }
        let phase = world.phase();
        for calls in [&["revoke-consent"][..], &[]] {
            world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
            assert_eq!((world.calls(), world.phase()), (calls.to_vec(), phase));
        }
        world.answer("revoke-consent", Answer::Done);
        assert!(world.entered(&LedgerEntry::ArtefactEnded {
            consent: reference("consent-1")
        }));
        assert_eq!(world.phase(), phase);
    }
}

/// No report may come of it: the person opened the first link again, or approved in the aggregator's app.
#[test]
fn consent_of_a_replaced_attempt_that_is_approved_is_found_and_given_back() {
    let approved =
        || consent("handle-2", ConsentState::Active).set_consent(Some(reference("consent-2")));
    for then in [
        None,
        Some(Fact::Consent(approved())),
        Some(Fact::Withdrawn),
        Some(Fact::Cancel),
    ] {
        let mut world = pending();
        came_back(&mut world, AggregatorReturn::NoAccount);
        ask_again(&mut world);
        world.open("request-consent", "handle-2");
        let is_stopped = matches!(then, Some(Fact::Withdrawn | Fact::Cancel));
        if let Some(fact) = then {
            world.submit(fact);
        }
        let phase = world.phase();
        world.fire(TimerPurpose::LeftOpen);
        let asked = looks(&world);
        assert_eq!(asked.len(), 1 + usize::from(is_stopped));
        // What is still asked for is not asked for twice.
        world.fire(TimerPurpose::LeftOpen);
        assert!(world.calls().is_empty());
        for look in asked {
            let consents = vec![consent("handle-1", ConsentState::Pending)];
            hear(&mut world, look, consents);
            assert!(world.calls().is_empty() && world.is_set(TimerPurpose::LeftOpen));
        }
        world.fire(TimerPurpose::LeftOpen);
        let first = looks(&world).swap_remove(0);
        hear(
            &mut world,
            first,
            vec![consent("handle-1", ConsentState::Active)],
        );
        assert_eq!(world.calls(), ["revoke-consent"]);
        assert_eq!(world.is_set(TimerPurpose::LeftOpen), is_stopped);
        assert_eq!(world.phase(), phase);
    }
}

/// Its request was answered after another one had been made.
#[test]
fn consent_of_a_replaced_attempt_that_opens_late_is_looked_for() {
    let mut world = World::given(finpro());
    let call = world.call("request-consent");
    world.interrupt("request-consent");
    world.submit(Fact::Settled { done: false });
    world.open("request-consent", "handle-2");
    assert!(!world.is_set(TimerPurpose::LeftOpen));
    let reference = reference("handle-1");
    world.submit(Fact::Answered {
        effect: call,
        answer: Answer::Opened { reference },
    });
    world.fire(TimerPurpose::LeftOpen);
    assert_eq!(world.calls(), ["find-consent"]);
}

#[test]
fn pending_approved_is_active_by_webhook_or_list() {
    let mut listed = pending();
    listed.fire(TimerPurpose::Reconcile);
    assert_eq!(listed.calls(), ["list-consents"]);
    assert_eq!(
        listed.due(TimerPurpose::Reconcile),
        Some(SignedDuration::from_mins(10))
    );
    let consents = vec![consent("handle-1", ConsentState::Active)];
    listed.answer("list-consents", Answer::Consents { consents });
    for world in [active(), listed] {
        assert_eq!(
            (world.phase(), world.calls()),
            ("asking", vec!["request-data"])
        );
        assert!(world.entered(&LedgerEntry::Artefact {
            consent: reference("consent-1"),
            digest: None
        }));
        assert!(world.erased(DataClass::Links) && !world.is_set(TimerPurpose::Link));
    }
    // The template fetches by itself.
    let world = active_of(with(|plan| plan.set_fetches_by_itself(true)));
    assert_eq!(
        (world.phase(), world.calls()),
        ("waiting", vec!["data-status"])
    );
}

#[test]
fn pending_approved_without_an_id_looks_it_up() {
    let mut world = pending();
    world.submit(Fact::Consent(
        consent("handle-1", ConsentState::Active).set_consent(None),
    ));
    assert_eq!(
        (world.phase(), world.calls()),
        ("pending", vec!["list-consents"])
    );
}

#[test]
fn pending_rejected_and_expired_end() {
    for (state, phase, leg, status) in [
        (
            ConsentState::Rejected,
            "rejected",
            LegStatus::Rejected,
            JourneyStatus::Rejected,
        ),
        (
            ConsentState::Expired,
            "expired",
            LegStatus::Expired,
            JourneyStatus::NeedsPerson,
        ),
    ] {
        let mut world = pending();
        world.submit(Fact::Consent(consent("handle-1", state)));
        assert_eq!(
            (world.phase(), world.leg(), world.status()),
            (phase, leg, status)
        );
        assert_eq!(
            world
                .journey
                .timers()
                .iter()
                .filter(|timer| timer.name.leg.is_some())
                .count(),
            0
        );
    }
}

#[test]
fn pending_link_timer_abandons_and_a_later_approval_is_adopted() {
    let mut world = pending();
    world.fire(TimerPurpose::Link);
    assert_eq!(
        (world.phase(), world.status()),
        ("abandoned", JourneyStatus::NeedsPerson)
    );
    assert!(
        world.notified(&Notice::Reminder { leg: Leg::Accounts }) && world.erased(DataClass::Links)
    );
    let mut ended = world.clone();
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
    assert_eq!(
        (world.phase(), world.status()),
        ("asking", JourneyStatus::Running)
    );
    // It is given back if the journey has ended.
    ended.submit(Fact::Withdrawn);
    assert!(ended.calls().is_empty());
    ended
        .submit(Fact::Consent(consent("handle-1", ConsentState::Active)))
        .was(Verdict::Applied);
    assert_eq!(ended.calls(), ["revoke-consent"]);
    ended.answer("revoke-consent", Answer::Done);
    assert!(ended.entered(&LedgerEntry::ArtefactEnded {
        consent: reference("consent-1")
    }));
}

/// Nobody told of the approval: the person used a link that was given up, or the aggregator's app.
fn given_up() -> [World; 2] {
    let mut abandoned = pending();
    abandoned.fire(TimerPurpose::Link);
    let mut returned = pending();
    came_back(&mut returned, AggregatorReturn::NoAccount);
    [abandoned, returned]
}

#[test]
fn consent_that_was_approved_is_adopted_where_another_one_is_asked_for() {
    for state in [ConsentState::Active, ConsentState::Paused] {
        for mut world in given_up() {
            world.submit(Fact::AskAgain).was(Verdict::Applied);
            assert_eq!(
                (world.phase(), world.status(), world.calls()),
                ("looking_up", JourneyStatus::Running, vec!["list-consents"])
            );
            // Whoever asks a second time changes nothing.
            for fact in [Fact::AskAgain, Fact::Reopen] {
                world.submit(fact);
                assert!(world.calls().is_empty() && world.phase() == "looking_up");
            }
            tell(&mut world, "handle-1", state);
            world.was(Verdict::Applied);
            let is_active = state == ConsentState::Active;
            let (phase, calls) = match is_active {
                true => ("asking", vec!["request-data"]),
                false => ("paused", vec![]),
            };
            assert_eq!((world.phase(), world.calls()), (phase, calls));
            assert_eq!(world.attempt(), 1);
            assert!(!world.is_set(TimerPurpose::LeftOpen));
        }
    }
}

#[test]
fn consent_that_was_not_approved_is_replaced_after_it_was_asked_for() {
    let told = [
        ConsentState::Pending,
        ConsentState::Unknown,
        ConsentState::Rejected,
        ConsentState::Expired,
        ConsentState::Revoked,
    ];
    let told = told.map(|state| Ok(vec![consent("handle-1", state)]));
    let refused = [Refusal::NotFound, Refusal::NotYet, Refusal::Other].map(Err);
    for told in told.into_iter().chain([Ok(vec![])]).chain(refused) {
        for mut world in given_up() {
            world.submit(Fact::AskAgain);
            match told.clone() {
                Ok(consents) => world.answer("list-consents", Answer::Consents { consents }),
                Err(refusal) => world.fail("list-consents", Failure::refused(refusal)),
            };
            world.was(Verdict::Applied);
            assert_eq!(world.calls(), ["request-consent"], "{told:?}");
            assert_eq!((world.phase(), world.attempt()), ("requesting", 2));
        }
    }
}

/// The person waits: another consent is requested after two minutes, and the last one is looked for.
#[test]
fn consent_that_nobody_tells_of_is_replaced_and_looked_for() {
    for mut world in given_up() {
        let asked_at = world.at;
        world.submit(Fact::AskAgain);
        while world.phase() == "looking_up" {
            world.fail("list-consents", Failure::unknown());
            if world.calls().is_empty() {
                world.retry();
            }
        }
        assert_eq!(world.calls(), ["request-consent"]);
        assert!(world.at.duration_since(asked_at) <= SignedDuration::from_mins(2));
        assert!(world.is_set(TimerPurpose::LeftOpen));
    }
}

/// A look-up that failed waits for its next try, and the person does not.
#[test]
fn consent_is_asked_for_at_once_where_a_look_up_waits() {
    for mut world in given_up() {
        world.fire(TimerPurpose::Reconcile);
        world.fail("list-consents", Failure::unknown());
        world.submit(Fact::AskAgain);
        assert_eq!(world.calls(), ["list-consents"]);
        tell(&mut world, "handle-1", ConsentState::Active);
        assert_eq!((world.phase(), world.attempt()), ("asking", 1));
    }
}

#[test]
fn report_of_the_consent_ends_the_look_before_another_one() {
    for mut world in given_up() {
        world.submit(Fact::AskAgain);
        let mut rejected = world.clone();
        world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
        assert_eq!(
            (world.phase(), world.calls()),
            ("asking", vec!["request-data"])
        );
        tell(&mut world, "handle-1", ConsentState::Pending);
        assert!(world.calls().is_empty() && world.attempt() == 1);
        rejected.submit(Fact::Consent(consent("handle-1", ConsentState::Rejected)));
        assert_eq!(rejected.calls(), ["request-consent"]);
        assert_eq!(rejected.status(), JourneyStatus::Running);
    }
}

#[test]
fn end_of_the_journey_ends_the_look_before_another_consent() {
    for end in [Fact::Withdrawn, Fact::Cancel, Fact::ConsentExpired] {
        for mut world in given_up() {
            world.submit(Fact::AskAgain).submit(end.clone());
            let phase = world.phase();
            tell(&mut world, "handle-1", ConsentState::Pending);
            assert!(world.calls().is_empty(), "{end:?}");
            assert_eq!((world.phase(), world.attempt()), (phase, 1));
            assert!(phase != "looking_up" && world.is_set(TimerPurpose::LeftOpen));
        }
    }
}

/// Another leg's rejection stopped it, and the person approved all the same.
#[test]
fn consent_that_was_approved_meanwhile_is_adopted_where_its_leg_is_reopened() {
    let is_left_open = |world: &World| {
        let mut timers = world.journey.timers().into_iter();
        timers.any(|timer| timer.name.purpose == TimerPurpose::LeftOpen)
    };
    let plan = finpro().set_verification(Some(VerificationPlan::new()));
    let mut world = World::given(plan);
    world.open("request-consent", "handle-1");
    world.open("create-session", "session-1");
    world.submit(Fact::Session(session(SessionState::Declined)));
    assert_eq!(world.status(), JourneyStatus::Rejected);
    assert!(is_left_open(&world));
    world.submit_to(Some(Leg::Verification), Fact::Reopen, None);
    assert_eq!(world.calls(), ["create-session", "list-consents"]);
    tell(&mut world, "handle-1", ConsentState::Active);
    assert_eq!(world.calls(), ["request-data"]);
    assert!(!is_left_open(&world));
}

#[test]
fn active_paused_and_resumed() {
    let mut world = fetching();
    let news = |state, time| Fact::Consent(consent("handle-1", state).set_at(at(time)));
    world
        .submit(news(ConsentState::Paused, 10))
        .was(Verdict::Applied);
    assert_eq!(world.phase(), "paused");
    // Nothing is fetched meanwhile, and what is older says nothing.
    world
        .submit(news(ConsentState::Active, 5))
        .was(Verdict::Late);
    assert_eq!(world.last.reason, Some(Reason::OlderTime));
    world
        .submit(Fact::Consent(consent("handle-1", ConsentState::Active)))
        .was(Verdict::Late);
    world
        .submit(news(ConsentState::Active, 20))
        .was(Verdict::Applied);
    assert_eq!(
        (world.phase(), world.calls()),
        ("fetching", vec!["fetch-data"])
    );
}

#[test]
fn active_and_paused_revoked_there_stops_the_leg_alone() {
    let paused = |mut world: World| {
        world.submit(Fact::Consent(consent("handle-1", ConsentState::Paused)));
        world
    };
    for mut world in [fetching(), waiting(), paused(fetching())] {
        world.submit(Fact::Consent(consent("handle-1", ConsentState::Revoked)));
        assert_eq!(
            (world.phase(), world.leg()),
            ("revoked_at_aggregator", LegStatus::Stopped)
        );
        assert!(world.entered(&LedgerEntry::ArtefactEnded {
            consent: reference("consent-1")
        }));
        assert!(world.erased(DataClass::AccountData) && !world.erased(DataClass::Documents));
        assert_eq!(
            (world.status(), world.calls()),
            (JourneyStatus::NeedsPerson, vec![])
        );
    }
    let mut completed = ready_of(finpro());
    completed.submit(Fact::Consent(consent("handle-1", ConsentState::Revoked)));
    assert!(completed.erased(DataClass::AccountData));
    assert_eq!(completed.status(), JourneyStatus::Completed);
}

#[test]
fn active_and_paused_expired_keep_what_was_fetched() {
    let mut world = ready_of(with(|plan| {
        plan.set_data_life(Some(SignedDuration::from_hours(1)))
    }));
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Expired)));
    assert_eq!((world.phase(), world.leg()), ("expired", LegStatus::Ready));
    assert!(!world.erased(DataClass::AccountData) && world.is_set(TimerPurpose::DataLife));
    world.fire(TimerPurpose::DataLife);
    assert!(world.erased(DataClass::AccountData));
    let mut open = waiting();
    open.submit(Fact::Consent(consent("handle-1", ConsentState::Expired)));
    assert_eq!(
        (open.leg(), open.status()),
        (LegStatus::Expired, JourneyStatus::NeedsPerson)
    );
}

#[test]
fn active_purpose_met_or_journey_ended_revokes() {
    for (fact, leg) in [
        (Fact::PurposeMet, LegStatus::Ready),
        (Fact::Withdrawn, LegStatus::Ready),
        (Fact::ConsentExpired, LegStatus::Ready),
    ] {
        let mut world = ready_of(finpro());
        world.submit(fact);
        assert_eq!((world.calls(), world.leg()), (vec!["revoke-consent"], leg));
    }
    for fact in [Fact::Withdrawn, Fact::Cancel, Fact::ConsentExpired] {
        let mut world = fetching();
        world.submit(fact);
        assert_eq!(
            (world.calls(), world.leg()),
            (vec!["revoke-consent"], LegStatus::Stopped)
        );
        // Repeatable, and done if it is so already.
        world.fail("revoke-consent", Failure::unknown()).retry();
        assert_eq!(world.calls(), ["revoke-consent"]);
        world.fail("revoke-consent", Failure::refused(Refusal::AlreadySo));
        assert!(world.entered(&LedgerEntry::ArtefactEnded {
            consent: reference("consent-1")
        }));
    }
    let mut world = fetching();
    world
        .submit(Fact::Cancel)
        .fail("revoke-consent", Failure::refused(Refusal::Other));
    assert!(world.told_operator(OperatorTask::RevokeByHand));
    assert_eq!(world.by_hand(), [OperatorTask::RevokeByHand]);
    // Nothing that comes afterwards says that somebody did it, but an operator.
    world.submit(Fact::Withdrawn);
    assert_eq!(world.by_hand(), [OperatorTask::RevokeByHand]);
}

/// No report may ever come of a consent that the person approves after the journey's end.
#[test]
fn consent_that_is_approved_after_the_end_is_found_and_given_back() {
    for end in [Fact::Withdrawn, Fact::Cancel, Fact::ConsentExpired] {
        let mut world = pending();
        world.submit(end.clone()).fire(TimerPurpose::LeftOpen);
        assert_eq!(world.calls(), ["find-consent"], "{end:?}");
        let consents = vec![consent("handle-1", ConsentState::Pending)];
        world.answer("find-consent", Answer::Consents { consents });
        assert!(world.calls().is_empty());
        world.fire(TimerPurpose::LeftOpen);
        let consents = vec![consent("handle-1", ConsentState::Active)];
        world.answer("find-consent", Answer::Consents { consents });
        world.was(Verdict::Applied);
        assert_eq!(world.calls(), ["revoke-consent"], "{end:?}");
        assert!(!world.is_set(TimerPurpose::LeftOpen));
    }
}

#[test]
fn consent_that_is_never_approved_is_looked_for_eight_days_after_the_end() {
    let mut world = pending();
    world.submit(Fact::Withdrawn);
    let (ended_at, mut looks) = (world.at, 0);
    let last = world.journey.looks().unwrap().1;
    while world.is_set(TimerPurpose::LeftOpen) {
        assert_eq!(world.journey.looks().unwrap().1, last);
        world.fire(TimerPurpose::LeftOpen);
        world.answer("find-consent", Answer::Consents { consents: vec![] });
        looks += 1;
    }
    assert_eq!((looks, world.at), (12, last));
    assert_eq!(world.journey.looks(), None);
    let days = world.at.duration_since(ended_at).as_hours() / 24;
    assert_eq!(days, 8);
    // And a report is heard later, too.
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
    assert_eq!(world.calls(), ["revoke-consent"]);
}

#[test]
fn consent_that_has_ended_after_the_end_is_not_looked_for() {
    for state in [
        ConsentState::Rejected,
        ConsentState::Revoked,
        ConsentState::Expired,
    ] {
        let mut world = pending();
        world.submit(Fact::Withdrawn);
        let leg = world.leg();
        world.submit(Fact::Consent(consent("handle-1", state)));
        world.was(Verdict::Applied);
        assert!(!world.is_set(TimerPurpose::LeftOpen) && world.calls().is_empty());
        assert_eq!(world.leg(), leg);
    }
}

/// Without its handle it is found by the person's name alone, and no such call is made after a withdrawal.
#[test]
fn consent_of_which_nobody_knows_is_left_to_a_person() {
    let mut unsettled = World::given(finpro());
    unsettled.interrupt("request-consent");
    unsettled.submit(Fact::Withdrawn);
    let mut under_way = World::given(finpro());
    let call = under_way.call("request-consent");
    under_way.submit(Fact::Withdrawn);
    assert!(under_way.by_hand().is_empty());
    under_way.submit(Fact::Interrupted { effect: call });
    let mut answered = World::given(finpro());
    let call = answered.call("request-consent");
    answered.submit(Fact::Withdrawn);
    answered.submit(Fact::Answered {
        effect: call,
        answer: Answer::Opened {
            reference: reference("handle-1"),
        },
    });
    assert!(answered.by_hand().is_empty() && answered.is_set(TimerPurpose::LeftOpen));
    for world in [unsettled, under_way] {
        assert_eq!(world.by_hand(), [OperatorTask::RevokeByHand]);
        assert!(world.calls().is_empty() && world.journey.timers().is_empty());
    }
}

#[test]
fn revocation_that_waits_for_its_next_try_outlives_the_withdrawal() {
    let mut world = ready_of(finpro());
    world
        .submit(Fact::PurposeMet)
        .fail("revoke-consent", Failure::unknown());
    world.submit(Fact::Withdrawn);
    assert!(world.calls().is_empty());
    world.retry();
    assert_eq!(world.calls(), ["revoke-consent"]);
}

#[test]
fn session_that_is_deleted_while_the_consent_is_paused_waits_for_its_end() {
    let mut world = fetching();
    let until = world.at.checked_add(SignedDuration::from_hours(2)).ok();
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Paused)));
    world
        .submit(Fact::Data(
            data("data-1", DataState::Deleted).set_until(until),
        ))
        .was(Verdict::Applied);
    assert_eq!((world.phase(), world.calls()), ("paused", vec![]));
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
    assert_eq!(
        (world.phase(), world.calls()),
        ("asking", vec!["request-data"])
    );
}

#[test]
fn data_that_is_there_needs_no_other_consent() {
    let mut world = ready_of(finpro());
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Expired)));
    world.submit(Fact::AskAgain).was(Verdict::Kept);
    world.submit(Fact::Reopen).was(Verdict::Applied);
    assert_eq!(
        (world.calls(), world.attempt()),
        (vec!["request-consent"], 2)
    );
}

#[test]
fn link_of_a_replaced_consent_is_erased() {
    let mut world = pending();
    came_back(&mut world, AggregatorReturn::NoAccount);
    ask_again(&mut world);
    assert!(world.erased(DataClass::Links));
}

#[test]
fn data_that_was_denied_is_asked_for_again_under_another_consent() {
    let mut world = waiting();
    world
        .submit(Fact::Data(data("data-1", DataState::Denied)))
        .submit(Fact::AskAgain);
    assert_eq!(world.calls(), ["revoke-consent", "request-consent"]);
    assert_eq!((world.phase(), world.attempt()), ("requesting", 2));
    world
        .answer("revoke-consent", Answer::Done)
        .was(Verdict::Applied);
    assert!(world.entered(&LedgerEntry::ArtefactEnded {
        consent: reference("consent-1")
    }));
    assert_eq!(world.phase(), "requesting");
    world
        .submit(Fact::Consent(consent("handle-1", ConsentState::Revoked)))
        .was(Verdict::Late);
}

// The data.

#[test]
fn data_idle_begin_asks() {
    let world = active();
    assert_eq!(
        (world.phase(), world.calls()),
        ("asking", vec!["request-data"])
    );
}

#[test]
fn asking_answer_or_webhook_waits() {
    let world = waiting();
    assert_eq!(world.phase(), "waiting");
    assert_eq!(
        world.due(TimerPurpose::Poll),
        Some(SignedDuration::from_secs(5))
    );
    // A session that nobody here asked for.
    let mut world = active();
    world
        .submit(Fact::Data(data("data-9", DataState::Pending)))
        .was(Verdict::Applied);
    assert_eq!(world.phase(), "waiting");
    world
        .answer(
            "request-data",
            Answer::DataRequested {
                session: reference("data-1"),
            },
        )
        .was(Verdict::Late);
    // Polls double.
    for seconds in [5, 10, 20, 40] {
        assert_eq!(
            world.due(TimerPurpose::Poll),
            Some(SignedDuration::from_secs(seconds))
        );
        world.fire(TimerPurpose::Poll);
        assert_eq!(world.calls(), ["data-status"]);
        let news = Box::new(data("data-9", DataState::Pending));
        world.answer("data-status", Answer::DataStatus { news });
    }
}

#[test]
fn waiting_ready_fetches() {
    let mut world = waiting();
    let until = world.at.checked_add(SignedDuration::from_hours(2)).unwrap();
    world.submit(Fact::Data(
        data("data-1", DataState::Ready).set_until(Some(until)),
    ));
    assert_eq!(
        (world.phase(), world.calls()),
        ("fetching", vec!["fetch-data"])
    );
    assert_eq!(
        world.due(TimerPurpose::DataExpiry),
        Some(SignedDuration::from_hours(2))
    );
    assert!(!world.is_set(TimerPurpose::Poll));
}

#[test]
fn waiting_timed_out_with_some_delivered_is_partial() {
    let mut world = waiting();
    world.submit(Fact::Data(
        data("data-1", DataState::TimedOut).set_delivered(1, 3),
    ));
    assert_eq!(world.phase(), "fetching");
    world.answer_with("fetch-data", Answer::AccountData, DataClass::AccountData);
    assert_eq!(
        (world.phase(), world.status()),
        ("partial", JourneyStatus::Completed)
    );
}

#[test]
fn waiting_failed_and_expired_try_again_three_times_and_denied_ends() {
    for state in [DataState::Failed, DataState::Expired, DataState::TimedOut] {
        let mut world = waiting();
        for round in 1..=3 {
            world.submit(Fact::Data(data(&format!("data-{round}"), state)));
            assert_eq!(world.phase(), "again");
            assert_eq!(
                world.due(TimerPurpose::Again),
                Some(SignedDuration::from_mins(15))
            );
            world.fire(TimerPurpose::Again);
            assert_eq!(
                (world.phase(), world.calls()),
                ("asking", vec!["request-data"])
            );
            let session = reference(&format!("data-{}", round + 1));
            world.answer("request-data", Answer::DataRequested { session });
        }
        world.submit(Fact::Data(data("data-4", state)));
        assert_eq!(
            (world.phase(), world.leg()),
            ("failed", LegStatus::NeedsPerson)
        );
    }
    let mut world = waiting();
    world.submit(Fact::Data(data("data-1", DataState::Denied)));
    assert_eq!(
        (world.phase(), world.leg()),
        ("denied", LegStatus::NeedsPerson)
    );
}

#[test]
fn waiting_again_counts_for_fair_use() {
    let mut world = active_of(with(|plan| plan.set_sessions_a_month(Some(1))));
    world
        .submit(Fact::Data(data("data-1", DataState::Failed)))
        .fire(TimerPurpose::Again);
    assert!(world.told_operator(OperatorTask::FairUse) && world.calls().is_empty());
    assert_eq!(world.status(), JourneyStatus::NeedsOperator);
    world.pass(SignedDuration::from_hours(24 * 31)).submit_to(
        Some(Leg::Accounts),
        Fact::Resume,
        None,
    );
    assert_eq!(world.calls(), ["request-data"]);
}

#[test]
fn fetching_not_there_yet_waits() {
    let mut world = fetching();
    world.fail("fetch-data", Failure::refused(Refusal::NotYet));
    assert_eq!(world.phase(), "waiting");
    assert!(world.is_set(TimerPurpose::Poll));
}

#[test]
fn fetching_deleted_or_expired_requests_another_session() {
    let until = |world: &World| world.at.checked_add(SignedDuration::from_hours(2)).ok();
    let mut expired = waiting();
    let news = data("data-1", DataState::Ready).set_until(until(&expired));
    expired
        .submit(Fact::Data(news))
        .fire(TimerPurpose::DataExpiry);
    let mut deleted = fetching();
    deleted.fail("fetch-data", Failure::refused(Refusal::Deleted));
    for mut world in [expired, deleted] {
        assert_eq!(
            (world.phase(), world.calls()),
            ("asking", vec!["request-data"])
        );
        // The old session is a replaced one.
        world
            .submit(Fact::Data(data("data-1", DataState::Ready)))
            .was(Verdict::Late);
        assert_eq!(world.last.reason, Some(Reason::ReplacedAttempt));
    }
}

#[test]
fn fetching_answer_is_ready() {
    let world = ready_of(finpro());
    assert!(world.last.keeps_payload);
    assert_eq!(
        (world.phase(), world.status()),
        ("ready", JourneyStatus::Completed)
    );
}

#[test]
fn fetching_answer_of_a_periodic_plan_sets_the_next_by_the_calendar() {
    let every = |count, unit| with(move |plan| plan.set_every(Some(Frequency { count, unit })));
    // The 31st of January, 11:30 in India.
    for (plan, next) in [
        (every(1, CalendarUnit::Month), "2026-02-28T06:00:00Z"),
        (every(2, CalendarUnit::Week), "2026-02-14T06:00:00Z"),
        (every(1, CalendarUnit::Year), "2027-01-31T06:00:00Z"),
    ] {
        let mut world = ready_of(plan);
        let timers = world.journey.timers();
        let timer = timers
            .iter()
            .find(|timer| timer.name.purpose == TimerPurpose::Periodic)
            .unwrap();
        assert_eq!(timer.at, next.parse().unwrap());
        world.fire(TimerPurpose::Periodic);
        assert_eq!(
            (world.phase(), world.calls()),
            ("asking", vec!["request-data"])
        );
        assert_eq!(world.status(), JourneyStatus::Completed);
    }
}

#[test]
fn fetching_revoked_meanwhile_drops_the_answer() {
    let mut world = fetching();
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Revoked)));
    world
        .answer_with("fetch-data", Answer::AccountData, DataClass::AccountData)
        .was(Verdict::Discarded);
    assert!(!world.last.keeps_payload);
    let mut world = fetching();
    world.submit(Fact::Withdrawn);
    world
        .answer_with("fetch-data", Answer::AccountData, DataClass::AccountData)
        .was(Verdict::Discarded);
    assert!(!world.last.keeps_payload);
}

#[test]
fn data_before_the_approval_tells_it() {
    let mut world = pending();
    let news = data("data-1", DataState::Ready).set_consent(Some(reference("consent-1")));
    world.submit(Fact::Data(news)).was(Verdict::Applied);
    assert_eq!(
        (world.phase(), world.calls()),
        ("fetching", vec!["fetch-data"])
    );
    assert!(world.entered(&LedgerEntry::Artefact {
        consent: reference("consent-1"),
        digest: None
    }));
    world
        .submit(Fact::Consent(consent("handle-1", ConsentState::Active)))
        .was(Verdict::Late);
    // Without the consent's id, which is looked up; nothing is requested a second time.
    let mut world = pending();
    world.submit(Fact::Data(data("data-1", DataState::Ready)));
    assert_eq!(world.calls(), ["list-consents"]);
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
    assert_eq!(
        (world.phase(), world.calls()),
        ("waiting", vec!["data-status"])
    );
}

#[test]
fn late_success_of_a_failed_session_is_adopted() {
    let mut world = waiting();
    world.submit(Fact::Data(data("data-1", DataState::Failed)));
    world
        .submit(Fact::Data(data("data-1", DataState::Ready)))
        .was(Verdict::Applied);
    assert_eq!(world.phase(), "fetching");
    assert!(!world.is_set(TimerPurpose::Again));
}

#[test]
fn foreign_consents_and_sessions_are_nobodys() {
    let mut world = waiting();
    world
        .submit(Fact::Consent(consent("handle-7", ConsentState::Revoked)))
        .was(Verdict::Discarded);
    let foreign = DataNews::new(by_id("handle-7"), DataState::Ready);
    world.submit(Fact::Data(foreign)).was(Verdict::Discarded);
    world
        .submit(Fact::Data(data("data-7", DataState::Failed)))
        .was(Verdict::Kept);
    assert_eq!(world.phase(), "waiting");
    world
        .submit(Fact::Consent(consent("handle-1", ConsentState::Unknown)))
        .was(Verdict::Kept);
    world
        .submit(Fact::Data(data("data-1", DataState::Unknown)))
        .was(Verdict::Kept);
}
