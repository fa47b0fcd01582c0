//! What a journey gives back, also after its end: it is never dropped.

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::{
    Answer, ConsentState, DataClass, DataNews, DataState, Fact, Failure, JourneyStatus, Leg,
    OperatorTask, Refusal, TimerPurpose, Verdict,
};

use crate::world::{World, by_id, consent, data, finpro, reference, verification};

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
