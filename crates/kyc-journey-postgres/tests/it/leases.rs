//! Several engines on one database: who carries out what, and what becomes of the rest when one dies or is slow.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::provider_core::Clock as _;
use kyc_journey::provider_core::jiff::Timestamp;
use kyc_journey::testing::{ClearText, HandClock, Mood, Witness, scripted};
use kyc_journey::{
    Answer, CorrelationToken, Due, Effect, EffectId, Event, EventKey, Fact, JourneyEngine as _,
    JourneyId, Lane, Outbox as _, Plan, Runner, Seq, Submitted, Verdict, VerificationPlan,
};
use kyc_journey_postgres::{PostgresEngine, PostgresOptions};

use crate::server::Database;

pub(crate) async fn engine(database: &Database) -> Arc<PostgresEngine> {
    let options = PostgresOptions::new(&database.address).unwrap();
    let options = options.with_poll(Duration::from_millis(20));
    let engine = options.connect(Arc::new(ClearText)).await.unwrap();
    Arc::new(engine.with_machine(scripted))
}

/// As if every run had been silent for longer than its lease.
pub(crate) async fn expire(database: &Database) {
    let expire = "UPDATE kyc_journey.runner SET until = '-infinity'";
    database.client().await.batch_execute(expire).await.unwrap();
}

/// As if the run that began first had been silent for longer than its lease.
async fn expire_first(database: &Database) {
    let expire = "UPDATE kyc_journey.runner SET until = '-infinity'
                  WHERE number = (SELECT min(number) FROM kyc_journey.runner)";
    database.client().await.batch_execute(expire).await.unwrap();
}

pub(crate) fn now() -> Timestamp {
    HandClock::default().now()
}

pub(crate) fn event(key: &str, fact: Fact) -> Event {
    Event::new(EventKey::command(key).unwrap(), now(), None, fact)
}

pub(crate) async fn start(engine: &PostgresEngine, id: &JourneyId, token: u128) {
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let fact = Fact::Start {
        plan: Box::new(plan),
        token: CorrelationToken::from_bits(token),
    };
    submit(engine, id, "start", fact).await;
}

pub(crate) async fn submit(
    engine: &PostgresEngine,
    id: &JourneyId,
    key: &str,
    fact: Fact,
) -> Submitted {
    engine.submit(id, event(key, fact)).await.unwrap()
}

/// Everything that this engine takes up.
async fn due(engine: &PostgresEngine) -> Due {
    let room: Vec<_> = Lane::ALL.into_iter().map(|lane| (lane, 100)).collect();
    engine.due(now(), &room, &HashSet::new()).await.unwrap()
}

fn ids(effects: &[Effect]) -> Vec<EffectId> {
    effects.iter().map(|effect| effect.id.clone()).collect()
}

fn effect(id: &JourneyId, seq: u64, ordinal: u32) -> EffectId {
    EffectId {
        journey: id.clone(),
        seq: Seq::new(seq),
        ordinal,
    }
}

#[tokio::test]
async fn an_effect_is_taken_up_by_one_of_two_runs() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (one, two) = (engine(&database).await, engine(&database).await);
    let id = JourneyId::from_bits(1);
    start(&one, &id, 1).await;
    submit(&one, &id, "calls", Fact::PurposeMet).await;
    let (_first, _second) = (one.begin().unwrap(), two.begin().unwrap());
    let room = [(Lane::Calls, 2)];
    let first = one.due(now(), &room, &HashSet::new()).await.unwrap();
    assert_eq!(first.effects.len(), 2, "as many as there is room for");
    let second = ids(&due(&two).await.effects);
    assert_eq!(second.len(), 1, "what is left");
    assert_eq!(due(&one).await.effects, [], "nothing is taken up twice");
    assert!(!ids(&first.effects).contains(&second[0]));
    for taken in ids(&first.effects) {
        assert!(!two.mark(&taken).await.unwrap(), "it is the other one's");
        assert!(!two.is_waiting(&taken).await.unwrap());
        two.done(&taken).await.unwrap();
        assert!(one.is_waiting(&taken).await.unwrap(), "it is still there");
    }
}

#[tokio::test]
async fn what_a_run_takes_up_again_while_it_is_still_at_it_is_not_left_lying() {
    let Some(database) = Database::new().await else {
        return;
    };
    let engine = engine(&database).await;
    let id = JourneyId::from_bits(1);
    start(&engine, &id, 1).await;
    submit(&engine, &id, "calls", Fact::PurposeMet).await;
    let _run = engine.begin().unwrap();
    let taken = ids(&due(&engine).await.effects);
    // Another run took this one's place, freed what it had not begun, and ended.
    let client = database.client().await;
    let take_over = "UPDATE kyc_journey.effect SET runner = NULL; DELETE FROM kyc_journey.runner";
    client.batch_execute(take_over).await.unwrap();
    let still_at: HashSet<_> = taken.iter().cloned().collect();
    let room = Lane::ALL.map(|lane| (lane, 100));
    for effect in &taken {
        assert!(!engine.mark(effect).await.unwrap(), "it is nobody's");
    }
    let again = engine.due(now(), &room, &still_at).await.unwrap();
    assert_eq!(again.effects, [], "it is at all of them");
    // None of them was begun: it ended at once.
    let left: HashSet<_> = ids(&due(&engine).await.effects).into_iter().collect();
    assert_eq!(left, still_at);
    assert_eq!(due(&engine).await.effects, [], "each is named once");
    assert!(engine.mark(&taken[0]).await.unwrap());
}

#[tokio::test]
async fn a_run_that_has_lost_its_lease_begins_nothing() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (old, new) = (engine(&database).await, engine(&database).await);
    let id = JourneyId::from_bits(1);
    start(&old, &id, 1).await;
    submit(&old, &id, "calls", Fact::PurposeMet).await;
    let (_slow, _fresh) = (old.begin().unwrap(), new.begin().unwrap());
    let taken = ids(&due(&old).await.effects);
    let (begun, waiting) = (effect(&id, 2, 0), effect(&id, 2, 2));
    assert!(taken.contains(&begun) && taken.contains(&waiting));
    assert!(old.mark(&begun).await.unwrap());
    assert!(!old.mark(&begun).await.unwrap(), "once");

    assert_eq!(
        ids(&new.interrupted().await.unwrap()),
        [],
        "its time is not over"
    );
    expire_first(&database).await;
    let interrupted = due(&new).await.interrupted;
    assert_eq!(interrupted.len(), 1);
    assert_eq!(interrupted[0].id, begun, "what the old one had begun");
    let free = ids(&due(&new).await.effects);
    assert_eq!(free, [effect(&id, 2, 1), waiting.clone()], "and the rest");

    assert!(
        !old.mark(&waiting).await.unwrap(),
        "the old one marks nothing"
    );
    assert!(!old.is_waiting(&effect(&id, 2, 1)).await.unwrap());
    old.done(&waiting).await.unwrap();
    assert!(
        !new.mark(&begun).await.unwrap(),
        "what was begun is not begun again"
    );
    assert!(
        new.mark(&waiting).await.unwrap(),
        "the rest is the new one's"
    );
    assert_eq!(
        due(&old).await.effects,
        [],
        "with a number of its own it finds nothing"
    );
    expire_first(&database).await;
    let again = ids(&due(&old).await.interrupted);
    assert_eq!(
        again,
        [begun, waiting],
        "whoever dies next is inherited from too"
    );
}

/// What a slow run brings late is an event after the interruption, and takes nothing back.
#[tokio::test]
async fn a_late_answer_stands_after_the_interruption() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (old, new) = (engine(&database).await, engine(&database).await);
    let id = JourneyId::from_bits(1);
    start(&old, &id, 1).await;
    submit(&old, &id, "call", Fact::HandIn).await;
    let slow = Witness::default();
    slow.set_mood(Mood::Hangs);
    let run = Runner::new(Arc::clone(&old) as _, Arc::new(slow.clone()));
    let run = tokio::spawn(run.run(std::future::pending()));
    slow.until_called(1).await;
    expire(&database).await;
    let fresh = Witness::default();
    let other = Runner::new(Arc::clone(&new) as _, Arc::new(fresh.clone()));
    let other = tokio::spawn(other.run(std::future::pending()));
    // The slow one goes on under a lease of its own, and may be the one that delivers.
    tokio::select! {
        () = fresh.until_told(&id, 1) => {}
        () = slow.until_told(&id, 1) => {}
    }
    let effect = effect(&id, 2, 0);
    let answer = Event::new(
        EventKey::answer(&effect),
        now(),
        None,
        Fact::Answered {
            effect: effect.clone(),
            answer: Answer::Done,
        },
    );
    for verdict in [Verdict::Applied, Verdict::Duplicate] {
        let late = old.submit(&id, answer.clone()).await.unwrap();
        assert_eq!((late.seq, late.verdict), (Seq::new(4), verdict));
    }
    let history = new.history(&id, Seq::ZERO).await.unwrap();
    assert!(matches!(&history[2].fact, Fact::Interrupted { effect: told } if *told == effect));
    assert_eq!(slow.count(&effect) + fresh.count(&effect), 1, "made once");
    for run in [run, other] {
        run.abort();
    }
}

/// A runner that goes on tells the journeys of one that died, without being started again.
#[tokio::test]
async fn a_runner_takes_the_place_of_one_that_dies_while_it_runs() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (dying, living) = (engine(&database).await, engine(&database).await);
    let alive = Witness::default();
    let run = Runner::new(Arc::clone(&living) as _, Arc::new(alive.clone()));
    let run = tokio::spawn(run.run(std::future::pending()));
    let id = JourneyId::from_bits(1);
    let lease = dying.begin().unwrap();
    assert_eq!(dying.interrupted().await.unwrap(), []);
    // One that only looks for what the other one has, so that it is not asked for beforehand.
    let other = JourneyId::from_bits(2);
    start(&dying, &other, 2).await;
    start(&dying, &id, 1).await;
    let asked = submit(&dying, &id, "calls", Fact::PurposeMet).await;
    let taken = due(&dying).await.effects;
    for taken in &taken {
        // Whatever of them it was fast enough to take up.
        dying.mark(&taken.id).await.unwrap();
    }
    std::mem::forget(lease);
    drop(dying);
    expire(&database).await;
    alive.until_told(&id, 3).await;
    let history = living.history(&id, Seq::ZERO).await.unwrap();
    let interrupted = |effect: &EffectId| {
        let told =
            |fact: &Fact| matches!(fact, Fact::Interrupted { effect: told } if told == effect);
        history.iter().filter(|entry| told(&entry.fact)).count()
    };
    for ordinal in 0..3 {
        let effect = effect(&id, asked.seq.get(), ordinal);
        let was_taken = ids(&taken).contains(&effect);
        assert_eq!(interrupted(&effect), usize::from(was_taken), "{ordinal}");
        assert_eq!(alive.count(&effect), usize::from(!was_taken), "{ordinal}");
    }
    run.abort();
}

#[tokio::test]
async fn a_run_for_one_journey_leaves_the_others_to_others() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (one, two) = (engine(&database).await, engine(&database).await);
    let ids_of: Vec<_> = (1..=2).map(JourneyId::from_bits).collect();
    for (id, token) in ids_of.iter().zip(1..) {
        start(&one, id, token).await;
        submit(&one, id, "call", Fact::HandIn).await;
        submit(&one, id, "timer", Fact::OneTimeCodeWanted).await;
    }
    let lease = one.begin_only(&ids_of[0]).unwrap();
    let mine = ids(&due(&one).await.effects);
    assert_eq!(mine, [effect(&ids_of[0], 2, 0)]);
    assert!(one.mark(&mine[0]).await.unwrap());
    let all = two.begin().unwrap();
    let others = ids(&due(&two).await.effects);
    assert_eq!(others, [effect(&ids_of[1], 2, 0)]);
    assert!(two.mark(&others[0]).await.unwrap());
    drop((lease, all));
    expire(&database).await;
    let third = engine(&database).await;
    let _only = third.begin_only(&ids_of[1]).unwrap();
    assert_eq!(ids(&third.interrupted().await.unwrap()), others);
    let fourth = engine(&database).await;
    let _all = fourth.begin().unwrap();
    assert_eq!(ids(&fourth.interrupted().await.unwrap()), mine);
}

/// What a run gives up, the next one has at once.
#[tokio::test]
async fn an_engine_that_is_closed_gives_its_lease_up() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (one, two) = (engine(&database).await, engine(&database).await);
    let id = JourneyId::from_bits(1);
    start(&one, &id, 1).await;
    submit(&one, &id, "call", Fact::HandIn).await;
    let lease = one.begin().unwrap();
    let taken = ids(&due(&one).await.effects);
    assert!(one.mark(&taken[0]).await.unwrap());
    drop(lease);
    one.close().await.unwrap();
    let _two = two.begin().unwrap();
    assert_eq!(ids(&two.interrupted().await.unwrap()), taken);
    let closed = one.submit(&id, event("late", Fact::HandIn)).await;
    let closed = closed.unwrap_err().kind();
    assert_eq!(closed, kyc_journey::EngineErrorKind::Closed);
}

/// What was taken up or marked, and its answer lost with the connection, is this run's own: the call is made, once.
#[tokio::test]
async fn a_mark_that_was_lost_with_its_connection_is_found_again() {
    let Some(database) = Database::new().await else {
        return;
    };
    let engine = engine(&database).await;
    let id = JourneyId::from_bits(1);
    start(&engine, &id, 1).await;
    let _run = engine.begin().unwrap();
    let client = database.client().await;
    let mut lost = 0;
    for round in 0..20 {
        let asked = loop {
            let event = event(&format!("call-{round}"), Fact::HandIn);
            if let Ok(asked) = engine.submit(&id, event).await {
                break effect(&id, asked.seq.get(), 0);
            }
        };
        let room = [(Lane::Calls, 10)];
        let nothing = HashSet::new();
        let (mut due, ended) = tokio::join!(
            engine.due(now(), &room, &nothing),
            client.execute(crate::databases::END, &[])
        );
        ended.unwrap();
        while due.is_err() {
            lost += 1;
            due = engine.due(now(), &room, &nothing).await;
        }
        let due = due.unwrap();
        let taken = ids(&due.effects);
        assert_eq!((taken.len(), &taken[0]), (1, &asked));
        let mark = async {
            let mut lost = 0;
            loop {
                match engine.mark(&asked).await {
                    Ok(marked) => return (marked, lost),
                    Err(_) => lost += 1,
                }
            }
        };
        let (marked, ended) = tokio::join!(mark, client.execute(crate::databases::END, &[]));
        ended.unwrap();
        assert!(marked.0, "round {round}");
        lost += marked.1;
    }
    let marked = client.query_one("SELECT count(*) FROM kyc_journey.effect WHERE marked", &[]);
    assert_eq!(marked.await.unwrap().get::<_, i64>(0), 20);
    println!("{lost} lost");
}
