//! How many steps a second one server and one worker take on this machine: `cargo test --release -p kyc-journey-restate --test it
//! figures -- --ignored --nocapture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use kyc_journey::testing::{ClearText, Witness, scripted};
use kyc_journey::{Fact, JourneyEngine, JourneyId};
use kyc_journey_restate::RestateWorker;
use tokio::task::JoinSet;

use crate::behaviour::{event, started};
use crate::running::Setup;
use crate::server::program;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and asserts nothing about durations"]
async fn journeys_of_five_durable_steps() {
    let Some(program) = program() else { return };
    for at_once in [1, 8, 64] {
        let witness = Witness::default();
        let worker = RestateWorker::new(Arc::new(witness.clone()), Arc::new(ClearText))
            .with_machine(scripted);
        let setup = Setup::start(&program, Arc::new(ClearText), worker).await;
        let (next, journeys) = (Arc::new(AtomicU64::new(0)), at_once.min(8) * 40);
        let begun = Instant::now();
        let mut running = JoinSet::new();
        for _ in 0..at_once {
            let (engine, witness) = (setup.engine.clone(), witness.clone());
            let next = Arc::clone(&next);
            running.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= journeys {
                        break;
                    }
                    // Start, a call, its answer, another call, its answer; and two notices.
                    let id = JourneyId::from_bits(number.into());
                    let first = started(number.into());
                    engine.submit(&id, first).await.unwrap();
                    engine
                        .submit(&id, event("call", Fact::HandIn))
                        .await
                        .unwrap();
                    witness.until_told(&id, 1).await;
                    engine
                        .submit(&id, event("look", Fact::AskAgain))
                        .await
                        .unwrap();
                    witness.until_told(&id, 2).await;
                }
            });
        }
        while let Some(ended) = running.join_next().await {
            ended.unwrap();
        }
        let seconds = begun.elapsed().as_secs_f64();
        let rate = journeys as f64 / seconds;
        println!("{at_once:>3} at once: {rate:.0} journeys a second");
    }
}
