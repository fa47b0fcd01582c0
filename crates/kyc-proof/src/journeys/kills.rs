//! A process with journeys in a file of SQLite is killed, again and again; then the file is compared with the other side's ledger.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use kyc_journey::testing::{ClearText, POINTS};
use kyc_journey::{JourneyEngine as _, JourneyFilter, PageToken};
use kyc_journey_sqlite::SqliteEngine;
use tempfile::TempDir;

use super::lives::{self, Pace, Sums};
use super::world::World;
use super::{CHILD, FAULTS};
use crate::Settings;

/// What a child is told: how many journeys it has, the faults of its world, its chance.
const TOLD: [&str; 3] = ["KYC_PROOF_JOURNEYS", "KYC_PROOF_FAULTS", "KYC_PROOF_SEED"];

/// The variable at which a child is killed by itself.
const KILL_AT: &str = "KYC_JOURNEY_KILL_AT";

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
        let directory = directory()?;
        batches += 1;
        for _ in 0..wanted / least {
            let mut child = start(directory.path(), journeys, FAULTS, rng.u64(..1 << 40), None)?;
            let until = written(directory.path()) + rng.u64(..longest);
            while written(directory.path()) < until && child.try_wait()?.is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            child.kill()?;
            if !is_killed(child)? {
                break;
            }
            kills += 1;
        }
        let last = finish(directory.path(), journeys, FAULTS, rng.u64(..1 << 40));
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
    match settings.short {
        // The tests of the engine kill there too.
        true => Ok(()),
        false => points(),
    }
}

/// At each crash point in turn, one journey of each plan.
fn points() -> Result<()> {
    let mut kills = 0;
    for name in POINTS {
        let directory = directory()?;
        for passing in 1.. {
            // One process dies after the other, each a passing later, until one comes to the end.
            let kill_at = format!("{name}#{passing}");
            let child = start(directory.path(), 8, 0, passing, Some(&kill_at))?;
            if !is_killed(child).with_context(|| kill_at)? {
                break;
            }
            kills += 1;
        }
        finish(directory.path(), 8, 0, 0).with_context(|| format!("killed {name}"))?;
    }
    println!("  every crash point in turn, each plan: {kills} kills, 0 lost, 0 doubled");
    Ok(())
}

/// How many bytes the other side's ledger has.
fn written(directory: &Path) -> u64 {
    fs::metadata(directory.join("ledger")).map_or(0, |file| file.len())
}

/// In memory where there is such a place: what is written outlives a process there too.
fn directory() -> Result<TempDir> {
    Ok(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?)
}

fn start(
    directory: &Path,
    journeys: u64,
    faults: u32,
    seed: u64,
    kill_at: Option<&str>,
) -> Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    let told = [journeys, u64::from(faults), seed].map(|number| number.to_string());
    command
        .args(env::args_os().skip(1))
        .envs(TOLD.into_iter().zip(told));
    command
        .env(CHILD, directory)
        .envs(kill_at.map(|at| (KILL_AT, at)));
    Ok(command.stdout(Stdio::null()).spawn()?)
}

/// Waits for a child, which must have succeeded otherwise.
fn is_killed(mut child: Child) -> Result<bool> {
    let status = child.wait()?;
    let killed = status.signal() == Some(9);
    ensure!(killed || status.success(), "a process failed: {status}");
    Ok(killed)
}

/// Runs a last process to the end, and compares.
fn finish(directory: &Path, journeys: u64, faults: u32, seed: u64) -> Result<Sums> {
    let killed = is_killed(start(directory, journeys, faults, seed, None)?)?;
    ensure!(!killed, "somebody else killed it");
    let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText))?;
    let world = World::new(0, 0, Some(directory))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(lives::check(&engine, &world, &lives::journeys(0..journeys)))
}

/// The process that is killed.
pub(super) fn child(directory: PathBuf) -> Result<()> {
    let told = |name| anyhow::Ok(env::var(name)?.parse::<u64>()?);
    let (journeys, faults, seed) = (told(TOLD[0])?, told(TOLD[1])?, told(TOLD[2])?);
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
        let world = Arc::new(World::new(seed, u32::try_from(faults)?, Some(&directory))?.at(last));
        world.set_engine(Arc::clone(&engine) as _);
        lives::live(
            &engine,
            &world,
            &lives::journeys(0..journeys),
            Pace::Coarse,
            faults > 0,
        )
        .await
    })
}
