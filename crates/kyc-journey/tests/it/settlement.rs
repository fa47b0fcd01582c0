//! How unknown outcomes are settled: every row of the table.

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::{
    AccountsPlan, Answer, CalendarUnit, ConsentQuery, ConsentState, Correlation, CorrelationToken,
    DataClass, DataState, Fact, Failure, FinpassFlow, Frequency, JourneyStatus, Leg, LegStatus,
    Notice, Operation, OperatorTask, Plan, Provider, Refusal, ReturnEnd, SessionState, Source,
    TimerPurpose, Verdict,
};

use crate::world::{
    World, consent, data, documents, finpass, finpro, ours, reference, returned, session,
    verification,
};

const NOTHING: Answer = Answer::Consents {
    consents: Vec::new(),
};

/// Every way in which an unsafe call's outcome is unknown.
fn unknown(world: &World, name: &str) -> [World; 3] {
    let [mut unknown, mut unreadable, mut interrupted] =
        [world.clone(), world.clone(), world.clone()];
    unknown.fail(name, Failure::unknown());
    unreadable.fail(name, Failure::unreadable());
    interrupted.interrupt(name);
    [unknown, unreadable, interrupted]
}

fn created() -> World {
    let mut world = World::given(verification());
    world.open("create-session", "session-1");
    world
}

fn asking() -> World {
    let mut world = World::given(finpro());
    world.open("request-consent", "handle-1");
    world.submit(Fact::Consent(consent("handle-1", ConsentState::Active)));
    world
}

#[test]
fn finpass_init_waits_for_a_report_on_our_token_and_then_asks_the_person() {
    for mut world in unknown(&World::given(finpass()), "open-accounts") {
        assert_eq!((world.leg(), world.calls()), (LegStatus::Open, vec![]));
        assert_eq!(
            world.due(TimerPurpose::Settle),
            Some(SignedDuration::from_mins(15))
        );
        world.submit(Fact::AskAgain).was(Verdict::Kept);
        let mut settled = world.clone();
        settled.submit(Fact::Hint(ours(Leg::Accounts, 1, Some("client-1"))));
        assert_eq!(
            (settled.phase(), settled.calls()),
            ("fetching", vec!["fetch-reports"])
        );
        world.fire(TimerPurpose::Settle);
        assert_eq!(world.leg(), LegStatus::NeedsPerson);
        assert!(world.notified(&Notice::AskAgain { leg: Leg::Accounts }));
        world.submit(Fact::AskAgain);
        assert_eq!((world.calls(), world.attempt()), (vec!["open-accounts"], 2));
        assert_eq!(world.journey.leg(Leg::Accounts).unwrap().maybe_billed, 1);
    }
}

#[test]
fn finpass_refresh_fetches_with_the_known_id_and_then_asks_an_operator() {
    let every = Frequency {
        count: 1,
        unit: CalendarUnit::Month,
    };
    let plan = AccountsPlan::new(Provider::Finpass)
        .set_flow(FinpassFlow::Monitoring)
        .set_every(Some(every));
    let mut world = World::given(Plan::new().set_accounts(Some(plan)));
    world
        .open("open-accounts", "client-1")
        .submit(Fact::Hint(ours(Leg::Accounts, 1, None)));
    for mut world in unknown(&world, "refresh-data") {
        assert_eq!(
            (world.phase(), world.calls()),
            ("unsettled", vec!["fetch-reports"])
        );
        let mut found = world.clone();
        found.answer_with(
            "fetch-reports",
            Answer::Reports {
                ready: 1,
                pending: 0,
                failed: 0,
            },
            DataClass::AccountData,
        );
        assert_eq!(found.leg(), LegStatus::Ready);
        world.fail("fetch-reports", Failure::refused(Refusal::NotYet));
        for _ in 0..2 {
            world.fire(TimerPurpose::Settle);
            assert_eq!(world.calls(), ["fetch-reports"]);
            world.fail("fetch-reports", Failure::refused(Refusal::NotYet));
        }
        assert!(world.told_operator(OperatorTask::Unsettled));
        assert_eq!(world.status(), JourneyStatus::NeedsOperator);
        let mut done = world.clone();
        done.submit(Fact::Settled { done: true });
        assert_eq!(
            (done.phase(), done.calls()),
            ("fetching", vec!["fetch-reports"])
        );
        world.submit(Fact::Settled { done: false });
        assert_eq!(world.calls(), ["refresh-data"]);
    }
}

#[test]
fn finpro_consent_request_is_looked_up_by_our_account_id_and_asked_again_after_two_misses() {
    for mut world in unknown(&World::given(finpro()), "request-consent") {
        assert_eq!(
            (world.phase(), world.calls()),
            ("unsettled", vec!["list-consents"])
        );
        let Operation::ListConsents {
            by: ConsentQuery::Person { correlation },
        } = world.operation("list-consents")
        else {
            panic!()
        };
        assert_eq!((correlation.leg, correlation.attempt), (Leg::Accounts, 1));
        // What is found at once counts, what is not found does not: the request may still be on its way.
        let mut found = world.clone();
        let mut news = consent("handle-1", ConsentState::Pending);
        news.source = ours(Leg::Accounts, 1, Some("handle-1"));
        // Another journey of the same person.
        let foreign = Correlation {
            token: CorrelationToken::from_bits(7),
            ..correlation
        };
        let mut other = consent("handle-8", ConsentState::Active);
        other.source = Source::new(Some(reference("handle-8")), Some(foreign));
        let stranger = consent("handle-7", ConsentState::Active);
        found.answer(
            "list-consents",
            Answer::Consents {
                consents: vec![stranger, other, news],
            },
        );
        // The link was in the reply that is lost.
        assert_eq!(
            (found.phase(), found.calls()),
            ("pending", vec!["read-link"])
        );
        found.answer_with("read-link", Answer::Link, DataClass::Links);
        assert!(found.notified(&Notice::Link {
            leg: Leg::Accounts,
            link: Some(found.journey.seq())
        }));
        world.answer("list-consents", NOTHING);
        assert_eq!(
            world.due(TimerPurpose::Settle),
            Some(SignedDuration::from_secs(120))
        );
        world.submit(Fact::AskAgain).was(Verdict::Kept);
        world
            .fire(TimerPurpose::Settle)
            .answer("list-consents", NOTHING);
        assert_eq!(world.leg(), LegStatus::Open);
        world.submit(Fact::AskAgain).was(Verdict::Kept);
        world
            .fire(TimerPurpose::Settle)
            .answer("list-consents", NOTHING);
        assert_eq!(world.leg(), LegStatus::NeedsPerson);
        world.submit(Fact::AskAgain);
        assert_eq!(
            (world.calls(), world.attempt()),
            (vec!["request-consent"], 2)
        );
    }
    // A webhook settles it, too.
    let mut world = World::given(finpro());
    world.interrupt("request-consent");
    let mut news = consent("handle-1", ConsentState::Active);
    news.source = ours(Leg::Accounts, 1, Some("handle-1"));
    world.submit(Fact::Consent(news));
    assert_eq!(
        (world.phase(), world.is_set(TimerPurpose::Settle)),
        ("asking", false)
    );
}

#[test]
fn finpro_look_up_that_is_never_answered_needs_an_operator() {
    let mut world = World::given(finpro());
    world.fail("request-consent", Failure::unknown());
    while world.status() == JourneyStatus::Running {
        world.fail("list-consents", Failure::unknown());
        if world.status() == JourneyStatus::Running {
            world.retry();
        }
    }
    assert_eq!(world.status(), JourneyStatus::NeedsOperator);
    world.submit(Fact::AskAgain).was(Verdict::Kept);
    world.submit(Fact::Settled { done: false });
    assert_eq!(world.calls(), ["request-consent"]);
}

/// Whoever mended what kept the look-ups from an answer lets the journey go on.
#[test]
fn finpro_look_up_that_was_not_answered_is_made_again_when_an_operator_says_so() {
    let failures = [
        Failure::refused(Refusal::Credentials),
        Failure::refused(Refusal::Forbidden),
        Failure::refused(Refusal::Other),
        Failure::refused(Refusal::RateLimited),
        Failure::unknown(),
    ];
    for failure in failures {
        let mut world = World::given(finpro());
        world.fail("request-consent", Failure::unknown());
        while world.status() == JourneyStatus::Running {
            world.fail("list-consents", failure.clone());
            if world.status() == JourneyStatus::Running {
                world.retry();
            }
        }
        let view = world.journey.leg(Leg::Accounts).unwrap();
        assert!(view.unsettled.is_some(), "{failure:?}");
        assert_eq!(world.status(), JourneyStatus::NeedsOperator);
        assert_eq!(world.journey.resuming(Leg::Accounts), Some(Fact::Resume));
        world.submit(Fact::Resume).was(Verdict::Applied);
        assert_eq!(
            (world.status(), world.calls()),
            (JourneyStatus::Running, vec!["list-consents"]),
            "{failure:?}"
        );
        let mut found = world.clone();
        let mut news = consent("handle-1", ConsentState::Active);
        news.source = ours(Leg::Accounts, 1, Some("handle-1"));
        found.answer(
            "list-consents",
            Answer::Consents {
                consents: vec![news],
            },
        );
        assert_eq!(found.phase(), "asking");
        // What is not found is looked up twice, as ever, and once more if it is early.
        world.answer("list-consents", NOTHING);
        while world.leg() == LegStatus::Open {
            world
                .fire(TimerPurpose::Settle)
                .answer("list-consents", NOTHING);
        }
        assert_eq!(world.leg(), LegStatus::NeedsPerson, "{failure:?}");
        assert_eq!(world.journey.resuming(Leg::Accounts), Some(Fact::AskAgain));
    }
}

/// The same of the other calls that can be looked up.
#[test]
fn look_up_that_settled_nothing_is_made_again_when_an_operator_says_so() {
    let mut data = asking();
    data.fail("request-data", Failure::unknown());
    data.fail("data-status", Failure::unknown());
    while data.leg() == LegStatus::Open {
        data.retry().fail("data-status", Failure::unknown());
    }
    let mut hand_in = created();
    hand_in
        .submit(Fact::HandIn)
        .fail("submit-session", Failure::unknown())
        .fail("list-attempts", Failure::refused(Refusal::Other));
    for _ in 0..2 {
        hand_in
            .fire(TimerPurpose::Settle)
            .fail("list-attempts", Failure::refused(Refusal::Other));
    }
    let plan = AccountsPlan::new(Provider::Finpass).set_flow(FinpassFlow::Monitoring);
    let mut refresh = World::given(Plan::new().set_accounts(Some(plan)));
    refresh
        .open("open-accounts", "client-1")
        .submit(Fact::Hint(ours(Leg::Accounts, 1, None)))
        .fail("refresh-data", Failure::unknown())
        .fail("fetch-reports", Failure::refused(Refusal::NotYet));
    for _ in 0..2 {
        refresh
            .fire(TimerPurpose::Settle)
            .fail("fetch-reports", Failure::refused(Refusal::NotYet));
    }
    for (mut world, leg, look) in [
        (data, Leg::Accounts, "data-status"),
        (hand_in, Leg::Verification, "list-attempts"),
        (refresh, Leg::Accounts, "fetch-reports"),
    ] {
        assert_eq!(world.leg(), LegStatus::NeedsOperator, "{look}");
        assert!(world.journey.leg(leg).unwrap().unsettled.is_some());
        assert_eq!(world.journey.resuming(leg), Some(Fact::Resume));
        world.submit(Fact::Resume).was(Verdict::Applied);
        assert_eq!((world.leg(), world.calls()), (LegStatus::Open, vec![look]));
    }
}

#[test]
fn finpro_data_request_is_looked_up_by_the_consent_and_made_again_after_the_sessions_time() {
    for mut world in unknown(&asking(), "request-data") {
        assert_eq!(
            (world.phase(), world.calls()),
            ("unsettled", vec!["data-status"])
        );
        let mut found = world.clone();
        let news = Box::new(data("data-1", DataState::Pending));
        found.answer("data-status", Answer::DataStatus { news });
        assert_eq!(found.phase(), "waiting");
        let mut reported = world.clone();
        reported.submit(Fact::Data(data("data-1", DataState::Ready)));
        assert_eq!(reported.phase(), "fetching");
        world.fail("data-status", Failure::refused(Refusal::NotFound));
        for _ in 0..2 {
            world
                .fire(TimerPurpose::Settle)
                .fail("data-status", Failure::refused(Refusal::NotFound));
        }
        assert_eq!((world.phase(), world.leg()), ("again", LegStatus::Open));
        assert_eq!(
            world.due(TimerPurpose::Again),
            Some(SignedDuration::from_hours(24))
        );
        world.fire(TimerPurpose::Again);
        assert_eq!(world.calls(), ["request-data"]);
    }
}

#[test]
fn finpro_revocation_is_repeated_and_already_so_is_done() {
    let mut world = asking();
    world
        .submit(Fact::Withdrawn)
        .fail("revoke-consent", Failure::unknown())
        .retry();
    assert_eq!(world.calls(), ["revoke-consent"]);
    world.fail("revoke-consent", Failure::refused(Refusal::AlreadySo));
    assert!(world.journey.timers().is_empty());
    // The webhook says so, too.
    let mut world = asking();
    world
        .submit(Fact::Withdrawn)
        .fail("revoke-consent", Failure::unknown());
    world
        .submit(Fact::Consent(consent("handle-1", ConsentState::Revoked)))
        .was(Verdict::Applied);
    assert!(world.journey.timers().is_empty());
}

#[test]
fn veriff_create_is_settled_by_an_event_with_our_vendor_data_or_asked_again() {
    for mut world in unknown(&World::given(verification()), "create-session") {
        assert_eq!(
            (world.leg(), world.calls()),
            (LegStatus::NeedsPerson, vec![])
        );
        let mut reported = world.clone();
        let mut news = session(SessionState::Approved);
        news.source = ours(Leg::Verification, 1, Some("session-1"));
        reported.submit(Fact::Session(news));
        assert_eq!(reported.phase(), "approved");
        world.submit(Fact::AskAgain);
        assert_eq!(
            (world.calls(), world.attempt()),
            (vec!["create-session"], 2)
        );
        // The first session is found out late: what it says is of a replaced attempt.
        let mut news = session(SessionState::Approved);
        news.source = ours(Leg::Verification, 1, Some("session-1"));
        world.submit(Fact::Session(news)).was(Verdict::Late);
    }
}

#[test]
fn veriff_submit_is_looked_up_by_the_attempts_and_then_asks_an_operator() {
    let mut world = created();
    world.submit(Fact::HandIn);
    assert_eq!(world.calls(), ["submit-session"]);
    for mut world in unknown(&world, "submit-session") {
        assert_eq!(
            (world.leg(), world.calls()),
            (LegStatus::Open, vec!["list-attempts"])
        );
        let state = |state| Answer::SessionState {
            news: Box::new(session(state)),
        };
        let mut found = world.clone();
        found.answer("list-attempts", state(SessionState::Submitted));
        assert_eq!(found.phase(), "submitted");
        let mut reported = world.clone();
        reported.submit(Fact::Session(session(SessionState::Submitted)));
        assert_eq!(
            (reported.phase(), reported.is_set(TimerPurpose::Settle)),
            ("submitted", false)
        );
        world.answer("list-attempts", state(SessionState::Created));
        for _ in 0..2 {
            world
                .fire(TimerPurpose::Settle)
                .answer("list-attempts", state(SessionState::Created));
        }
        assert_eq!(world.leg(), LegStatus::NeedsOperator);
        let mut done = world.clone();
        done.submit(Fact::Settled { done: true });
        assert_eq!(done.phase(), "submitted");
        world.submit(Fact::Settled { done: false });
        assert_eq!(world.calls(), ["submit-session"]);
        // 1304 on the repeat.
        world.fail("submit-session", Failure::refused(Refusal::AlreadySo));
        assert_eq!(world.phase(), "submitted");
    }
}

#[test]
fn veriff_one_time_code_is_typed_or_sent_again() {
    let mut world = created();
    world.submit(Fact::OneTimeCodeWanted);
    assert_eq!(world.calls(), ["send-one-time-code"]);
    for mut world in unknown(&world, "send-one-time-code") {
        assert!(world.notified(&Notice::AskAgain {
            leg: Leg::Verification
        }));
        let mut typed = world.clone();
        typed.submit_with(Fact::OneTimeCodeTyped, DataClass::Codes);
        assert_eq!(typed.calls(), ["check-one-time-code"]);
        typed.answer("check-one-time-code", Answer::Done);
        assert!(typed.erased(DataClass::Codes));
        world.submit(Fact::OneTimeCodeWanted);
        assert_eq!(world.calls(), ["send-one-time-code"]);
    }
    // A wrong code is typed again; an unknown check is the person's to repeat.
    world
        .answer("send-one-time-code", Answer::Done)
        .submit_with(Fact::OneTimeCodeTyped, DataClass::Codes);
    for failure in [Failure::refused(Refusal::Code), Failure::unknown()] {
        let mut world = world.clone();
        world.fail("check-one-time-code", failure);
        assert!(
            world.calls().is_empty()
                && world.notified(&Notice::AskAgain {
                    leg: Leg::Verification
                })
        );
        world.submit_with(Fact::OneTimeCodeTyped, DataClass::Codes);
        assert_eq!(world.calls(), ["check-one-time-code"]);
    }
}

#[test]
fn deepvue_initiate_session_is_opened_again_when_the_person_is_there() {
    for mut world in unknown(&World::given(documents()), "open-documents") {
        assert_eq!(
            (world.leg(), world.calls()),
            (LegStatus::NeedsPerson, vec![])
        );
        world.submit(Fact::AskAgain);
        assert_eq!(
            (world.calls(), world.attempt()),
            (vec!["open-documents"], 2)
        );
    }
}

#[test]
fn deepvue_access_token_is_probed_by_the_list_once_and_never_by_the_e_aadhaar() {
    let mut world = World::given(documents());
    world.open("open-documents", "session-1");
    let source = ours(Leg::Documents, 1, Some("session-1"));
    world.submit_with(returned(source, ReturnEnd::Approved), DataClass::Codes);
    for mut world in unknown(&world, "complete-authorization") {
        assert_eq!(world.calls(), ["list-issued-files"]);
        world.fail("list-issued-files", Failure::refused(Refusal::Other));
        assert_eq!(
            (world.leg(), world.calls()),
            (LegStatus::NeedsPerson, vec![])
        );
        assert!(!world.names().contains(&"fetch-e-aadhaar"));
        world.submit(Fact::AskAgain);
        assert_eq!(world.calls(), ["open-documents"]);
        assert_ne!(world.journey.references().len(), 0);
        assert_eq!(world.journey.references()[0].id, reference("session-1"));
    }
}
