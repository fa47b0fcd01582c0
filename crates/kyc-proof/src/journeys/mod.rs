//! Journeys: nothing is lost, nothing is doubled, nothing is called without a consent, whatever breaks.

mod durability;
mod kills;
mod lives;
mod privacy;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::{env, thread};

use anyhow::{Context as _, Result, anyhow};
use kyc_journey::MemoryEngine;

use crate::Settings;
use lives::{Pace, Sums};
use world::World;

/// The variable that tells a process that it is the one to be killed, and where its journeys are.
const CHILD: &str = "KYC_PROOF_CHILD";

pub(crate) fn run(settings: &Settings) -> Result<()> {
    if let Some(directory) = durability::is_child() {
        return durability::child(&directory);
    }
    if let Some(directory) = env::var_os(CHILD) {
        return kills::child(PathBuf::from(directory));
    }
    simulation(settings)?;
    kills::run(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(durability::run(settings))?;
    runtime.block_on(privacy::run(settings))
}

/// Each journey in a world and on a clock of its own, so that one is run again by its number.
fn simulation(settings: &Settings) -> Result<()> {
    let count: u64 = if settings.short { 4_000 } else { 1_000_000 };
    let threads = thread::available_parallelism()?.get() as u64;
    let work = |first: u64| {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let mut sums = Sums::default();
        for number in (first..count).step_by(threads as usize) {
            let one = runtime.block_on(simulate(number, settings.seed));
            sums.add(&one.with_context(|| format!("seed {}, journey {number}", settings.seed))?);
        }
        anyhow::Ok(sums)
    };
    let mut sums = Sums::default();
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || work(first)))
            .collect();
        for handle in handles {
            sums.add(
                &handle
                    .join()
                    .map_err(|_| anyhow!("a simulation panicked"))??,
            );
        }
        anyhow::Ok(())
    })?;
    println!(
        "  simulation: {count} journeys on virtual time, {} faults, {} events, {} calls, {} interrupted",
        sums.faulty, sums.events, sums.calls, sums.interrupted
    );
    println!(
        "    ended: {:?}; opened at providers {}, {} of them asked for again",
        sums.ends, sums.opened[0], sums.opened[1]
    );
    Ok(())
}

async fn simulate(number: u64, seed: u64) -> Result<Sums> {
    let engine = Arc::new(MemoryEngine::new());
    let world = Arc::new(World::new(
        seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        None,
    )?);
    world.set_engine(Arc::clone(&engine) as _);
    let journeys = lives::journeys(number..number + 1);
    let lived = lives::live(&engine, &world, &journeys, Pace::Exact).await;
    let checked = lives::check(&*engine, &world, &journeys).await;
    checked.and_then(|sums| lived.map(|()| sums))
}
