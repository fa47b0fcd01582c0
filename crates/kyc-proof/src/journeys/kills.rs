//! A process with journeys in a file of SQLite is killed, again and again; then the file is compared with the other side's ledger.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use super::CHILD;
use super::lives::{self, Pace, Sums};
use super::world::World;
use crate::Settings;
use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use kyc_journey::testing::ClearText;
use kyc_journey::testing::crash::{self, Process};
use kyc_journey::{JourneyEngine as _, JourneyFilter, PageToken};
use kyc_journey_sqlite::SqliteEngine;

/// What a child is told: how many journeys it has, its chance.
const TOLD: [&str; 2] = ["KYC_PROOF_JOURNEYS", "KYC_PROOF_SEED"];

/// How long a child may take to take its journeys to their end.
const LIMIT: Duration = Duration::from_secs(3_600);

pub(super) fn run(settings: &Settings) -> Result<()> {
    let (least, journeys, wanted) = if settings.short {
        (2, 200, 20)
    } else {
        (50, 1_000, 2_000)
    };
    // How much the ledger grows between two kills, so that the last one comes late in the journeys' lives.
    let longest = journeys * 1_400 * least / wanted;
    let mut rng = Rng::with_seed(settings.seed);
    let (mut sums, mut batches, mut kills) = (Sums::default(), 0, 0);
    while batches < least || kills < wanted {
        let directory = crash::directory();
        batches += 1;
        for _ in 0..wanted / least {
            let mut child = start(directory.path(), journeys, rng.u64(..1 << 40))?;
            let until = written(directory.path()) + rng.u64(..longest);
            while written(directory.path()) < until && !child.is_over() {
                thread::sleep(Duration::from_millis(1));
            }
            child.kill();
            if !child.was_killed() {
                break;
            }
            kills += 1;
        }
        let last = finish(directory.path(), journeys, rng.u64(..1 << 40));
        sums.add(&last.with_context(|| format!("batch {batches}"))?);
    }
    println!(
        "  kill -9: {} journeys on SQLite, {} kills at random moments, {} calls interrupted, {} events, 0 lost, 0 doubled",
        batches * journeys,
        kills,
        sums.interrupted,
        sums.events
    );
    println!("    ended: {:?}", sums.ends);
    Ok(())
}

/// How many bytes the other side's ledger has.
fn written(directory: &Path) -> u64 {
    fs::metadata(directory.join("ledger")).map_or(0, |file| file.len())
}

fn start(directory: &Path, journeys: u64, seed: u64) -> Result<Process> {
    let mut command = Command::new(env::current_exe()?);
    let told = [journeys, seed].map(|number| number.to_string());
    command
        .args(env::args_os().skip(1))
        .envs(TOLD.into_iter().zip(told))
        .env(CHILD, directory);
    Ok(Process::start(command, "").within(LIMIT))
}

/// Runs a last process to the end, and compares.
fn finish(directory: &Path, journeys: u64, seed: u64) -> Result<Sums> {
    let killed = start(directory, journeys, seed)?.was_killed();
    ensure!(!killed, "somebody else killed it");
    let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText))?;
    let world = World::new(0, Some(directory))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(lives::check(&engine, &world, &lives::journeys(0..journeys)))
}

/// The process that is killed.
pub(super) fn child(directory: PathBuf) -> Result<()> {
    let told = |name| anyhow::Ok(env::var(name)?.parse::<u64>()?);
    let (journeys, seed) = (told(TOLD[0])?, told(TOLD[1])?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let engine = Arc::new(SqliteEngine::open(
            directory.join("kyc.db"),
            Arc::new(ClearText),
        )?);
        // The clock goes on where it stood.
        let all = engine
            .list(&JourneyFilter::new(), PageToken::default())
            .await?;
        let last = all.journeys.first().map(|last| last.updated_at);
        let world = Arc::new(World::new(seed, Some(&directory))?.at(last));
        world.set_engine(Arc::clone(&engine) as _);
        let journeys = lives::journeys(0..journeys);
        lives::live(&engine, &world, &journeys, Pace::Coarse).await
    })
}
