//! A journey of every plan, by the machine itself, ends as planned however often its worker dies.

use std::sync::Arc;
use std::time::Duration;

use kyc_journey::JourneyEngine as _;
use kyc_journey::provider_core::Clock as _;
use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::testing::crash::{self, Ledger};
use kyc_journey::testing::plans::{begin, check, go_on, plans};
use kyc_journey::testing::{ClearText, HandClock};
use kyc_journey_restate::RestateWorker;

use crate::running::{Running, Setup};
use crate::server::program;

fn worker(ledger: &Arc<Ledger>, clock: &Arc<HandClock>) -> RestateWorker {
    RestateWorker::new(Arc::clone(ledger) as _, Arc::new(ClearText))
        .with_clock(Arc::clone(clock) as _)
        .with_back_off(Duration::from_millis(10), Duration::from_millis(100))
        .with_longest_sleep(Duration::from_millis(100))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_ends_however_often_its_worker_dies() {
    let Some(program) = program() else { return };
    let (directory, clock) = (crash::directory(), Arc::<HandClock>::default());
    let ledger = Arc::new(Ledger::in_directory(directory.path()));
    let worker = || worker(&ledger, &clock);
    let setup = Setup::start(&program, Arc::new(ClearText), worker()).await;
    let Setup {
        engine,
        worker: mut running,
        address,
        server,
    } = setup;
    let admin = server.admin();
    for (id, plan) in plans() {
        begin(&engine, clock.now(), &id, &plan).await;
    }
    let mut turn = 0;
    loop {
        running.crash().await;
        running = Running::start(worker(), &address);
        admin.until_settled().await;
        let mut is_over = true;
        for (id, _) in plans() {
            let record = engine.read(&id).await.unwrap().unwrap();
            is_over &= record.state.status().is_end();
            go_on(&engine, clock.now(), &record, &turn.to_string()).await;
        }
        if is_over {
            break;
        }
        turn += 1;
        assert!(turn < 200, "they do not end");
        clock.advance(SignedDuration::from_mins(1));
    }
    admin.until_settled().await;
    check(&engine, &ledger, "its worker died").await;
    println!("{turn} turns, {} calls", ledger.counts("call").len());
}
