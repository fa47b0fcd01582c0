//! Finpass: what its text says, step by step.

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::{
    AccountsPlan, Answer, CalendarUnit, DataClass, Fact, Failure, FinpassFlow, Frequency,
    JourneyStatus, Leg, LegStatus, Notice, Operation, OperatorTask, Plan, Provider, Refusal,
    ReturnEnd, TimerPurpose, Verdict,
};

use crate::world::{World, finpass, ours, reference, returned};

fn await_person() -> World {
    let mut world = World::given(finpass());
    world.open("open-accounts", "client-1");
    world
}

fn fetching() -> World {
    let mut world = await_person();
    world.submit(Fact::Hint(ours(Leg::Accounts, 1, None)));
    world
}

fn monitored() -> Plan {
    let every = Frequency {
        count: 1,
        unit: CalendarUnit::Month,
    };
    let plan = AccountsPlan::new(Provider::Finpass)
        .set_flow(FinpassFlow::Monitoring)
        .set_every(Some(every));
    Plan::new().set_accounts(Some(plan))
}

fn reports(ready: u32, pending: u32, failed: u32) -> Answer {
    Answer::Reports {
        ready,
        pending,
        failed,
    }
}

#[test]
fn opening_answer_awaits_the_person() {
    let world = await_person();
    assert_eq!(world.phase(), "await_person");
    assert!(world.notified(&Notice::Link {
        leg: Leg::Accounts,
        link: Some(world.journey.seq())
    }));
}

#[test]
fn await_person_webhook_or_return_is_a_hint_to_fetch() {
    let source = ours(Leg::Accounts, 1, None);
    for fact in [
        Fact::Hint(source.clone()),
        returned(source, ReturnEnd::Denied),
    ] {
        let mut world = await_person();
        world.submit(fact);
        assert_eq!(
            (world.phase(), world.calls()),
            ("fetching", vec!["fetch-reports"])
        );
    }
}

#[test]
fn early_hint_is_kept_for_the_reply() {
    let mut world = World::given(finpass());
    world
        .submit(Fact::Hint(ours(Leg::Accounts, 1, None)))
        .was(Verdict::Applied);
    assert_eq!((world.phase(), world.calls()), ("opening", vec![]));
    world.open("open-accounts", "client-1");
    assert_eq!(
        (world.phase(), world.calls()),
        ("fetching", vec!["fetch-reports"])
    );
    // With the client id it stands for the reply.
    let mut world = World::given(finpass());
    world.submit(Fact::Hint(ours(Leg::Accounts, 1, Some("client-1"))));
    assert_eq!(world.phase(), "fetching");
    world.open("open-accounts", "client-1").was(Verdict::Late);
}

#[test]
fn fetching_pending_or_an_unknown_refusal_polls() {
    let mut world = fetching();
    for minutes in [30, 60, 120, 240] {
        match minutes {
            60 => world.fail("fetch-reports", Failure::refused(Refusal::Other)),
            _ => world.answer("fetch-reports", reports(1, 1, 0)),
        };
        assert_eq!(world.phase(), "fetching");
        assert_eq!(
            world.due(TimerPurpose::Poll),
            Some(SignedDuration::from_secs(minutes))
        );
        assert!(!world.last.keeps_payload);
        world.fire(TimerPurpose::Poll);
        assert_eq!(world.calls(), ["fetch-reports"]);
    }
}

#[test]
fn fetching_reports_are_ready_partial_or_failed() {
    for (answer, phase, leg) in [
        (reports(2, 0, 0), "ready", LegStatus::Ready),
        (reports(1, 0, 1), "partial", LegStatus::Partial),
        (reports(0, 0, 1), "failed", LegStatus::NeedsPerson),
    ] {
        let mut world = fetching();
        world.answer_with("fetch-reports", answer, DataClass::AccountData);
        assert_eq!((world.phase(), world.leg()), (phase, leg));
        assert_eq!(world.last.keeps_payload, leg.is_well());
    }
    let mut world = fetching();
    world
        .answer("fetch-reports", reports(0, 1, 0))
        .fire(TimerPurpose::Access);
    assert_eq!(world.phase(), "failed");
}

#[test]
fn webhook_alone_never_ends_the_leg() {
    let mut world = fetching();
    world
        .submit(Fact::Hint(ours(Leg::Accounts, 1, None)))
        .was(Verdict::Late);
    assert_eq!(world.leg(), LegStatus::Open);
}

#[test]
fn lost_webhook_is_found_by_reconciliation() {
    let mut world = await_person();
    world.fire(TimerPurpose::Reconcile);
    assert_eq!(
        (world.phase(), world.calls()),
        ("await_person", vec!["fetch-reports"])
    );
    world.fail("fetch-reports", Failure::refused(Refusal::Other));
    assert_eq!(world.phase(), "await_person");
    world.fire(TimerPurpose::Reconcile);
    world.answer_with("fetch-reports", reports(1, 0, 0), DataClass::AccountData);
    assert_eq!(
        (world.phase(), world.status()),
        ("ready", JourneyStatus::Completed)
    );
}

#[test]
fn link_timer_abandons_and_a_late_hint_fetches() {
    let mut world = await_person();
    world.fire(TimerPurpose::Link);
    assert_eq!(
        (world.phase(), world.status()),
        ("abandoned", JourneyStatus::NeedsPerson)
    );
    let mut again = world.clone();
    world.submit(Fact::Hint(ours(Leg::Accounts, 1, None)));
    assert_eq!(world.phase(), "fetching");
    again.submit(Fact::AskAgain);
    assert_eq!((again.phase(), again.attempt()), ("opening", 2));
    again
        .submit(Fact::Hint(ours(Leg::Accounts, 1, None)))
        .was(Verdict::Late);
}

#[test]
fn monitoring_refreshes_and_fetches_what_was_refreshed() {
    let mut world = World::given(monitored());
    world
        .open("open-accounts", "client-1")
        .submit(Fact::Hint(ours(Leg::Accounts, 1, None)));
    assert_eq!(
        (world.phase(), world.calls()),
        ("refreshing", vec!["refresh-data"])
    );
    world.answer(
        "refresh-data",
        Answer::Refreshing {
            request: reference("refresh-1"),
        },
    );
    let Operation::FetchReports { request, .. } = world.operation("fetch-reports") else {
        panic!()
    };
    assert_eq!(
        (world.phase(), request),
        ("fetching", Some(reference("refresh-1")))
    );
    world.answer_with("fetch-reports", reports(1, 0, 0), DataClass::AccountData);
    assert_eq!(world.phase(), "ready");
    world.fire(TimerPurpose::Periodic);
    assert_eq!(
        (world.calls(), world.status()),
        (vec!["refresh-data"], JourneyStatus::Completed)
    );
    world.answer(
        "refresh-data",
        Answer::Refreshing {
            request: reference("refresh-2"),
        },
    );
    world.answer_with("fetch-reports", reports(1, 0, 0), DataClass::AccountData);
    world.submit(Fact::PurposeMet);
    assert!(!world.is_set(TimerPurpose::Periodic));
}

#[test]
fn refused_opening_needs_an_operator() {
    let mut world = World::given(finpass());
    world.fail("open-accounts", Failure::refused(Refusal::Other));
    assert!(world.told_operator(OperatorTask::Refused));
    assert_eq!(world.status(), JourneyStatus::NeedsOperator);
    world.submit(Fact::Resume);
    assert_eq!(
        (world.phase(), world.status()),
        ("opening", JourneyStatus::Running)
    );
}
