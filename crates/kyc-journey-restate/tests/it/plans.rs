//! A journey of every plan, by the machine itself, ends as planned however often its worker dies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::provider_core::{Clock as _, Idempotency, async_trait};
use kyc_journey::testing::plans::{answered, next, plans};
use kyc_journey::testing::{ClearText, HandClock};
use kyc_journey::{
    CorrelationToken, EffectCall, EffectId, EffectKind, Event, EventKey, Fact, JourneyEngine,
    JourneyId, JourneyStatus, LedgerEntry, Notice, Performed, Performer, ReceiptId, Seq,
    Undelivered,
};
use kyc_journey_restate::{RestateEngine, RestateWorker};

use crate::running::{Running, Setup};
use crate::server::program;

/// What the providers answer, and what they were asked.
#[derive(Debug, Default)]
struct Providers(Mutex<Vec<EffectId>>);

#[async_trait]
impl Performer for Providers {
    async fn perform(&self, call: &EffectCall) -> Performed {
        self.0.lock().unwrap().push(call.id.clone());
        // A worker that dies dies here now and then.
        tokio::task::yield_now().await;
        answered(call)
    }

    async fn notify(&self, _: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        Ok(())
    }

    async fn record(&self, _: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        Ok(())
    }
}

/// The tokens differ, because what is known by one of them is one journey.
fn token(id: &JourneyId) -> CorrelationToken {
    CorrelationToken::parse(id.as_str()).unwrap()
}

fn worker(providers: &Arc<Providers>, clock: &Arc<HandClock>) -> RestateWorker {
    RestateWorker::new(Arc::clone(providers) as _, Arc::new(ClearText))
        .with_clock(Arc::clone(clock) as _)
        .with_back_off(Duration::from_millis(10), Duration::from_millis(100))
        .with_longest_sleep(Duration::from_millis(100))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_ends_however_often_its_worker_dies() {
    let Some(program) = program() else { return };
    let (providers, clock) = (Arc::<Providers>::default(), Arc::<HandClock>::default());
    let worker = || worker(&providers, &clock);
    let setup = Setup::start(&program, Arc::new(ClearText), worker()).await;
    let Setup {
        engine,
        worker: mut running,
        address,
        server,
    } = setup;
    let admin = server.admin();
    let submit = async |id: &JourneyId, key: &str, leg, (fact, payload)| {
        let key = EventKey::command(key).unwrap();
        let event = Event::new(key, clock.now(), leg, fact).set_payload(payload);
        engine.submit(id, event).await.unwrap();
    };
    for (id, plan) in plans() {
        let plan = Box::new(plan);
        let start = Fact::Start {
            plan,
            token: token(&id),
        };
        submit(&id, "start", None, (start, None)).await;
        let receipt = ReceiptId::parse("receipt").unwrap();
        let given = Fact::ConsentGiven {
            receipt,
            expires_at: None,
        };
        submit(&id, "given", None, (given, None)).await;
    }
    let mut turn = 0;
    loop {
        running.crash().await;
        running = Running::start(worker(), &address);
        admin.until_settled().await;
        let mut is_over = true;
        for (id, plan) in plans() {
            let record = engine.read(&id).await.unwrap().unwrap();
            is_over &= record.state.status().is_end();
            for leg in plan.legs() {
                if let Some(said) = next(&record, token(&id), leg) {
                    let key = format!("{turn}-{}", leg.as_str());
                    submit(&id, &key, Some(leg), said).await;
                }
            }
        }
        if is_over {
            break;
        }
        turn += 1;
        assert!(turn < 200, "they do not end");
        clock.advance(SignedDuration::from_mins(1));
    }
    admin.until_settled().await;
    let made = providers.0.lock().unwrap().clone();
    for (id, _) in plans() {
        check(&engine, &id, &made).await;
    }
    println!("{turn} turns, {} calls", made.len());
}

async fn check(engine: &RestateEngine, id: &JourneyId, made: &[EffectId]) {
    let record = engine.read(id).await.unwrap().unwrap();
    assert_eq!(record.state.status(), JourneyStatus::Completed, "{id}");
    let history = engine.history(id, Seq::ZERO).await.unwrap();
    let effects: Vec<_> = history.iter().flat_map(|entry| &entry.effects).collect();
    for effect in &effects {
        let Some(operation) = effect.operation() else {
            continue;
        };
        let name = format!("{} {}", effect.id, operation.name());
        let results = history
            .iter()
            .filter(|entry| entry.fact.effect() == Some(&effect.id));
        let is_cancelled = effects
            .iter()
            .any(|other| matches!(&other.kind, EffectKind::CancelCall(id) if *id == effect.id));
        match results.count() {
            0 => assert!(is_cancelled, "{name} is lost"),
            results => assert_eq!(results, 1, "{name}"),
        }
        if operation.idempotency() == Idempotency::Unsafe {
            let made = made.iter().filter(|made| **made == effect.id).count();
            assert!(made <= 1, "{name} was made {made} times");
        }
    }
}
