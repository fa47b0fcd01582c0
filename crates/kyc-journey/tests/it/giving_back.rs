//! What a journey gives back, also after its end: it is never dropped.

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::{
    Answer, ConsentState, Correlation, DataClass, DataNews, DataState, Fact, Failure, Journey,
    JourneyStatus, Leg, Operation, OperatorTask, Refusal, Source, TimerPurpose, Verdict,
};

use crate::world::{TOKEN, World, by_id, consent, data, finpro, reference, verification};

/// Journeys that have ended, each with a call that gives something back.
fn giving_back() -> Vec<(World, Leg, &'static str)> {
    let active = |world: &mut World, handle: &str, named: &str| {
        let mut news = consent(handle, ConsentState::Active);
        news.consent = Some(reference(named));
        world.submit(Fact::Consent(news));
    };
    let mut withdrawn = World::given(finpro());
    withdrawn.open("request-consent", "handle-1");
    let mut late = withdrawn.clone();
    let mut replaced = withdrawn.clone();
    active(&mut withdrawn, "handle-1", "consent-1");
    let mut met = withdrawn.clone();
    withdrawn.submit(Fact::Withdrawn);
    met.submit(Fact::Data(data("data-1", DataState::Ready)))
        .answer_with("fetch-data", Answer::AccountData, DataClass::AccountData)
        .submit(Fact::PurposeMet);
    assert_eq!(met.status(), JourneyStatus::Completed);
    // Approved by a link that was open after the end.
    late.submit(Fact::Cancel).fire(TimerPurpose::LeftOpen);
    let consents = vec![consent("handle-1", ConsentState::Active)];
    late.answer("find-consent", Answer::Consents { consents });
    // Approved, too, although another attempt completed the journey.
    replaced.fire(TimerPurpose::Link).submit(Fact::AskAgain);
    let consents = vec![consent("handle-1", ConsentState::Pending)];
    replaced
        .answer("list-consents", Answer::Consents { consents })
        .open("request-consent", "handle-2");
    active(&mut replaced, "handle-2", "consent-2");
    let news = DataNews::new(by_id("handle-2"), DataState::Ready);
    let news = news.set_session(Some(reference("data-2")));
    replaced.submit(Fact::Data(news)).answer_with(
        "fetch-data",
        Answer::AccountData,
        DataClass::AccountData,
    );
    assert_eq!(replaced.status(), JourneyStatus::Completed);
    active(&mut replaced, "handle-1", "consent-1");
    let mut deleted = World::given(verification());
    deleted
        .open("create-session", "session-1")
        .submit(Fact::Withdrawn);
    vec![
        (withdrawn, Leg::Accounts, "revoke-consent"),
        (met, Leg::Accounts, "revoke-consent"),
        (late, Leg::Accounts, "revoke-consent"),
        (replaced, Leg::Accounts, "revoke-consent"),
        (deleted, Leg::Verification, "delete-session"),
    ]
}

#[test]
fn what_gives_back_is_held_for_an_operator_who_resumes_it_also_after_the_end() {
    for (mut world, leg, call) in giving_back() {
        assert_eq!(world.calls(), [call]);
        let status = world.status();
        assert!(status.is_end() && world.journey.held().next().is_none());
        assert_eq!(world.journey.resuming(leg), None);
        for failure in [
            Failure::refused(Refusal::Credentials),
            Failure::not_covered(),
            Failure::refused(Refusal::Credentials),
        ] {
            world.fail(call, failure);
            let held: Vec<_> = world.journey.held().collect();
            assert_eq!(held, [(leg, &world.operation(call))]);
            let view = world.journey.leg(leg).unwrap();
            assert_eq!(view.held, [&world.operation(call)]);
            assert_eq!(world.journey.resuming(leg), Some(Fact::Resume));
            assert!(world.calls().is_empty() && world.by_hand().is_empty());
            // Whoever withdraws meanwhile does not lose it either.
            let mut withdrawn = world.clone();
            withdrawn.submit(Fact::Withdrawn);
            assert_eq!(withdrawn.journey.held().count(), 1);
            world
                .submit_to(Some(leg), Fact::Resume, None)
                .was(Verdict::Applied);
            assert_eq!((world.calls(), world.status()), (vec![call], status));
        }
        world.answer(call, Answer::Done);
        assert!(world.journey.held().next().is_none() && world.by_hand().is_empty());
        assert_eq!(world.journey.resuming(leg), None);
    }
}

/// Whatever a call that gives something back meets, it is done, made again, held for an operator, or left to a person.
#[test]
fn what_gives_back_is_never_dropped() {
    let refused = Refusal::ALL
        .iter()
        .map(|refusal| Failure::refused(*refusal));
    let others = [
        Failure::not_sent(),
        Failure::unknown(),
        Failure::unreadable(),
        Failure::without_consent(),
        Failure::withdrawn(),
        Failure::not_covered(),
    ];
    for failure in refused.chain(others) {
        for (mut world, leg, call) in giving_back() {
            world.fail(call, failure.clone());
            let is_again = world
                .journey
                .timers()
                .iter()
                .any(|timer| matches!(timer.name.purpose, TimerPurpose::Retry(_)));
            let is_held = world.journey.held().next().is_some();
            let is_left = !world.by_hand().is_empty();
            let is_done = matches!(
                (call, failure.refusal),
                ("revoke-consent", Some(Refusal::AlreadySo))
                    | ("delete-session", Some(Refusal::NotFound))
            );
            let ways = [is_again, is_held, is_left, is_done];
            let ways = ways.into_iter().filter(|is_so| *is_so).count();
            assert_eq!(ways, 1, "{leg:?} {call} {failure:?}");
        }
    }
}

#[test]
fn what_gives_back_waits_for_as_long_as_the_provider_says_and_is_made_again() {
    for (mut world, _, call) in giving_back() {
        let busy = || Failure::refused(Refusal::RateLimited);
        world.fail(call, busy().set_retry_after(Some(7_200)));
        let wait = |world: &World| {
            let timers = world.journey.timers();
            let mut timers = timers.iter();
            let retry = timers.find(|it| matches!(it.name.purpose, TimerPurpose::Retry(_)));
            retry.map(|timer| timer.at.duration_since(world.at))
        };
        assert_eq!(wait(&world), Some(SignedDuration::from_hours(2)));
        let begun = world.at;
        while world.by_hand().is_empty() {
            world.retry();
            assert_eq!(world.calls(), [call]);
            world.fail(call, busy());
        }
        assert_eq!(world.at.duration_since(begun).as_hours() / 24, 6, "{call}");
    }
}

/// A consent that was left open, so that it is looked for: of a journey that has ended, and of an attempt that was replaced.
fn left_open() -> [World; 3] {
    let mut pending = World::given(finpro());
    pending.open("request-consent", "handle-1");
    let [mut cancelled, mut withdrawn, mut replaced] = [pending.clone(), pending.clone(), pending];
    cancelled.submit(Fact::Cancel);
    withdrawn.submit(Fact::Withdrawn);
    replaced.fire(TimerPurpose::Link).submit(Fact::AskAgain);
    let consents = vec![consent("handle-1", ConsentState::Pending)];
    replaced
        .answer("list-consents", Answer::Consents { consents })
        .open("request-consent", "handle-2");
    [cancelled, withdrawn, replaced]
}

/// Everything that a look may meet instead of an answer.
fn no_answers() -> impl Iterator<Item = Failure> {
    let refused = Refusal::ALL.iter();
    let is_no_answer = |it: &&Refusal| !matches!(it, Refusal::NotFound | Refusal::NotYet);
    let refused = refused
        .filter(is_no_answer)
        .map(|refusal| Failure::refused(*refusal));
    refused.chain([
        Failure::not_sent(),
        Failure::unknown(),
        Failure::unreadable(),
        Failure::without_consent(),
        Failure::withdrawn(),
        Failure::not_covered(),
    ])
}

#[test]
fn late_consent_is_looked_for_again_whatever_the_last_look_met() {
    for failure in no_answers() {
        for mut world in left_open() {
            let last = world.journey.looks().unwrap().1;
            for _ in 0..5 {
                world.fire(TimerPurpose::LeftOpen);
                // One that waits for its next try is the look.
                if world.calls().is_empty() {
                    world.retry();
                }
                assert_eq!(world.calls(), ["find-consent"], "{failure:?}");
                world.fail("find-consent", failure.clone());
                assert_eq!(world.journey.looks().unwrap().1, last, "{failure:?}");
                assert!(world.by_hand().is_empty() && world.journey.held().next().is_none());
            }
            // An operator need not wait for the timer.
            if world.journey.resuming(Leg::Accounts) == Some(Fact::Resume) {
                world.submit(Fact::Resume).was(Verdict::Applied);
                assert_eq!(world.calls(), ["find-consent"]);
                world.fail("find-consent", failure.clone());
            }
            let mut found = world.clone();
            found.fire(TimerPurpose::LeftOpen);
            if found.calls().is_empty() {
                found.retry();
            }
            let consents = vec![consent("handle-1", ConsentState::Active)];
            found.answer("find-consent", Answer::Consents { consents });
            assert_eq!(found.calls(), ["revoke-consent"], "{failure:?}");
            assert!(!found.is_set(TimerPurpose::LeftOpen));
            // Of the person who revoked it there nothing is left.
            let over = consent("handle-1", ConsentState::Revoked);
            world.submit(Fact::Consent(over));
            assert_eq!(world.journey.looks(), None);
            assert!(world.journey.resuming(Leg::Accounts).is_none());
        }
    }
}

#[test]
fn late_consent_that_nobody_could_look_for_at_last_is_left_to_a_person() {
    for failure in no_answers() {
        for mut world in left_open() {
            while world.is_set(TimerPurpose::LeftOpen) {
                world.fire(TimerPurpose::LeftOpen);
                if world.calls().is_empty() {
                    world.retry();
                }
                if world.is_set(TimerPurpose::LeftOpen) {
                    world.fail("find-consent", failure.clone());
                }
            }
            assert!(world.by_hand().is_empty());
            // The last look is answered, or found to be impossible.
            for (answer, is_left) in [
                (vec![], false),
                (vec![consent("handle-1", ConsentState::Pending)], false),
                (vec![consent("handle-1", ConsentState::Unknown)], true),
            ] {
                let mut looked = world.clone();
                looked.answer("find-consent", Answer::Consents { consents: answer });
                assert_eq!(!looked.by_hand().is_empty(), is_left);
                assert_eq!(looked.journey.resuming(Leg::Accounts), None);
            }
            for _ in 0..100 {
                world.fail("find-consent", failure.clone());
                match world.by_hand().is_empty() {
                    true => world.retry(),
                    false => break,
                };
            }
            assert_eq!(world.by_hand(), [OperatorTask::RevokeByHand], "{failure:?}");
            assert_eq!(world.journey.resuming(Leg::Accounts), None);
            let timers = world.journey.timers();
            let is_retry =
                |it: &kyc_journey::SetTimer| matches!(it.name.purpose, TimerPurpose::Retry(_));
            assert!(!timers.iter().any(is_retry), "{failure:?} {timers:?}");
        }
    }
}

/// Consents of several attempts are each looked for, and each given back.
#[test]
fn late_consents_of_several_attempts_do_not_wait_for_each_other() {
    let [_, _, mut world] = left_open();
    world.submit(Fact::Withdrawn).fire(TimerPurpose::LeftOpen);
    assert_eq!(world.calls(), ["find-consent", "find-consent"]);
    let both: Vec<_> = world.pending().into_iter().map(|(call, _)| call).collect();
    for (effect, (handle, named)) in both
        .into_iter()
        .zip([("handle-1", "consent-1"), ("handle-2", "consent-2")])
    {
        let mut news = consent(handle, ConsentState::Active);
        news.consent = Some(reference(named));
        let answer = Answer::Consents {
            consents: vec![news],
        };
        world.submit(Fact::Answered { effect, answer });
        assert_eq!(world.calls(), ["revoke-consent"], "{handle}");
    }
    let revocations = world.pending();
    let (own, replaced) = (revocations[1].0.clone(), revocations[0].0.clone());
    world.submit(Fact::Failed {
        effect: replaced,
        failure: Failure::refused(Refusal::Credentials),
    });
    world.submit(Fact::Answered {
        effect: own,
        answer: Answer::Done,
    });
    assert_eq!(world.phase(), "revoked");
    assert_eq!(world.journey.held().count(), 1);
    let mut over = consent("handle-1", ConsentState::Revoked);
    over.consent = Some(reference("consent-1"));
    world.submit(Fact::Consent(over));
    assert_eq!(world.journey.held().count(), 0);
}

/// A request of a consent of which nobody knows whether it was done.
fn unsettled() -> World {
    let mut world = World::given(finpro());
    world.fail("request-consent", Failure::unknown());
    world
}

fn accounts(attempt: u32) -> Correlation {
    Correlation {
        token: TOKEN,
        leg: Leg::Accounts,
        attempt,
    }
}

/// Journeys in which nobody waits any more for a request that may have made a consent: it was cancelled before or after that was known,
/// or another attempt was begun.
fn lost() -> [World; 3] {
    let mut cancelled = unsettled();
    cancelled.submit(Fact::Cancel);
    let mut under_way = World::given(finpro());
    let effect = under_way.call("request-consent");
    under_way
        .submit(Fact::Cancel)
        .submit(Fact::Interrupted { effect });
    let mut replaced = unsettled();
    replaced
        .fail("list-consents", Failure::refused(Refusal::Other))
        .submit(Fact::Reopen)
        .was(Verdict::Applied);
    assert_eq!(replaced.calls(), ["request-consent"]);
    replaced.open("request-consent", "handle-2");
    [cancelled, under_way, replaced]
}

/// What FinPro says of the consent that the first request made.
fn requested(state: ConsentState) -> Answer {
    let mut news = consent("handle-1", state);
    news.source = Source::new(Some(reference("handle-1")), Some(accounts(1)));
    Answer::Consents {
        consents: vec![news],
    }
}

const NOTHING: Answer = Answer::Consents {
    consents: Vec::new(),
};

#[test]
fn consent_of_a_request_that_nobody_waits_for_is_looked_for_by_what_it_carried() {
    for mut world in lost() {
        assert!(world.by_hand().is_empty() && world.journey.looks().is_some());
        world.fire(TimerPurpose::LeftOpen);
        let correlation = accounts(1);
        assert_eq!(
            world.operation("find-requested-consent"),
            Operation::FindRequestedConsent { correlation }
        );
        // It was not done, or is not there yet.
        world.answer("find-requested-consent", NOTHING);
        world.fire(TimerPurpose::LeftOpen);
        let mut approved = world.clone();
        approved.answer("find-requested-consent", requested(ConsentState::Active));
        assert_eq!(approved.calls(), ["revoke-consent"]);
        assert_eq!(approved.journey.looks(), None);
        // It has a handle from now on, by which it is looked for without the person's name.
        world.answer("find-requested-consent", requested(ConsentState::Pending));
        world.submit(Fact::Withdrawn).fire(TimerPurpose::LeftOpen);
        assert!(world.calls().contains(&"find-consent"));
        assert!(!world.calls().contains(&"find-requested-consent"));
        assert!(world.by_hand().is_empty());
    }
}

#[test]
fn consent_of_a_request_that_has_ended_is_looked_for_no_more() {
    for state in [
        ConsentState::Rejected,
        ConsentState::Revoked,
        ConsentState::Expired,
    ] {
        for mut world in lost() {
            world
                .fire(TimerPurpose::LeftOpen)
                .answer("find-requested-consent", requested(state));
            assert_eq!(world.journey.looks(), None, "{state:?}");
            assert_eq!((world.by_hand(), world.calls()), (vec![], vec![]));
        }
    }
    // A report told of it, and it was revoked.
    let mut reported = unsettled();
    reported.submit(Fact::Cancel);
    let Answer::Consents { consents } = requested(ConsentState::Active) else {
        panic!()
    };
    for news in consents {
        reported.submit(Fact::Consent(news));
    }
    reported.answer("revoke-consent", Answer::Done);
    reported
        .fire(TimerPurpose::LeftOpen)
        .answer("find-requested-consent", requested(ConsentState::Revoked));
    assert_eq!(reported.journey.looks(), None);
}

/// Neither the operator's word that it was not done nor a late refusal leaves anything to delete.
#[test]
fn session_that_was_certainly_not_created_is_left_to_nobody() {
    let mut settled = World::given(verification());
    settled
        .interrupt("create-session")
        .submit(Fact::Settled { done: false });
    assert_eq!(settled.attempt(), 2);
    let mut refused = World::given(verification());
    let first = refused.call("create-session");
    refused.interrupt("create-session").submit(Fact::AskAgain);
    let failure = Failure::refused(Refusal::Other);
    refused.submit(Fact::Failed {
        effect: first,
        failure,
    });
    for mut world in [settled, refused] {
        world.answer(
            "create-session",
            Answer::Opened {
                reference: reference("session-2"),
            },
        );
        world.submit(Fact::Withdrawn);
        let leg = world.journey.leg(Leg::Verification).unwrap();
        assert_eq!(leg.unknown_requests.len(), 0);
    }
}

#[test]
fn request_that_was_never_done_is_looked_for_to_the_end_and_left_to_nobody() {
    for mut world in lost() {
        let last = world.journey.looks().unwrap().1;
        while world.is_set(TimerPurpose::LeftOpen) {
            assert_eq!(world.journey.looks().unwrap().1, last);
            world.fire(TimerPurpose::LeftOpen);
            world.answer("find-requested-consent", NOTHING);
        }
        assert_eq!((world.at, world.by_hand()), (last, vec![]));
    }
}

/// Who may not name the person cannot look, and a person finds it by what the request carried.
#[test]
fn request_that_nobody_can_look_for_is_left_to_a_person_who_is_told_what_it_carried() {
    let ends: [fn(&mut World); 4] = [
        |world| {
            world.submit(Fact::Withdrawn);
        },
        |world| {
            world.submit(Fact::ConsentExpired);
        },
        // While the look is under way.
        |world| {
            world
                .fire(TimerPurpose::LeftOpen)
                .submit(Fact::Withdrawn)
                .answer("find-requested-consent", NOTHING);
        },
        // No look is ever answered.
        |world| {
            while world.by_hand().is_empty() {
                if world.is_set(TimerPurpose::LeftOpen) {
                    world.fire(TimerPurpose::LeftOpen);
                }
                world.fail(
                    "find-requested-consent",
                    Failure::refused(Refusal::Credentials),
                );
            }
        },
    ];
    for end in ends {
        for mut world in lost() {
            let since = world.at;
            end(&mut world);
            assert_eq!(world.by_hand(), [OperatorTask::RevokeByHand]);
            let requests = |world: &World| {
                let stored = serde_json::to_string(&world.journey).unwrap();
                let read: Journey = serde_json::from_str(&stored).unwrap();
                let leg = read.leg(Leg::Accounts).unwrap();
                let requests = leg.unknown_requests.into_iter();
                let told = requests.map(|it| (it.carried, it.at, it.task));
                told.collect::<Vec<_>>()
            };
            let request = (accounts(1), since, OperatorTask::RevokeByHand);
            assert_eq!(requests(&world), [request]);
            let is_look = |(_, call): &(_, &'static str)| *call == "find-requested-consent";
            assert!(!world.pending().iter().any(is_look));
            world.submit(Fact::Resolved {
                task: OperatorTask::RevokeByHand,
            });
            assert_eq!(requests(&world), []);
        }
    }
}

#[test]
fn request_that_an_operator_settled_or_look_ups_did_is_not_looked_for() {
    let mut settled = unsettled();
    settled
        .fail("list-consents", Failure::refused(Refusal::Other))
        .submit(Fact::Settled { done: false });
    let mut looked_up = unsettled();
    looked_up.answer("list-consents", NOTHING);
    for _ in 0..2 {
        looked_up
            .fire(TimerPurpose::Settle)
            .answer("list-consents", NOTHING);
    }
    looked_up.submit(Fact::AskAgain);
    for world in [settled, looked_up] {
        assert_eq!(
            (world.calls(), world.attempt()),
            (vec!["request-consent"], 2)
        );
        assert_eq!(world.journey.looks(), None);
    }
}

/// Sessions that may have been created, by whichever attempt, are deleted by hand.
#[test]
fn sessions_of_which_nobody_knows_are_told_by_what_their_requests_carried() {
    let mut world = World::given(verification());
    let first = world.at;
    world.interrupt("create-session");
    world.pass(SignedDuration::from_hours(1));
    world.submit(Fact::AskAgain);
    let effect = world.call("create-session");
    world.submit(Fact::Withdrawn);
    world.pass(SignedDuration::from_mins(1));
    world.submit(Fact::Interrupted { effect });
    let second = world.at;
    assert_eq!(world.by_hand(), [OperatorTask::DeleteByHand]);
    let leg = world.journey.leg(Leg::Verification).unwrap();
    let told = leg.unknown_requests.iter();
    let told: Vec<_> = told.map(|it| (it.carried.attempt, it.at)).collect();
    assert_eq!(told, [(1, first), (2, second)]);
}
