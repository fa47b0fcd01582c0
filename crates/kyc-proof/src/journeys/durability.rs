//! What is acknowledged is on the disk: as many syncs as commits, whatever of the rest is torn, and whatever the disk refuses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::{env, io};

use anyhow::{Context as _, Result, bail, ensure};
use fastrand::Rng;
use kyc_journey::provider_core::Masked;
use kyc_journey::provider_core::jiff::Timestamp;
use kyc_journey::testing::{ClearText, crash, scripted};
use kyc_journey::{
    CorrelationToken, DataClass, EngineErrorKind, Event, EventKey, Fact, JourneyEngine as _,
    JourneyId, Payload, Plan, Seq, VerificationPlan,
};
use kyc_journey_sqlite::SqliteEngine;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::CHILD;
use crate::Settings;

/// Tells a child that it writes under strace.
pub(super) const WRITES: &str = "KYC_PROOF_WRITES";

/// How many events a child submits at once, and how often.
const EVENTS: [u64; 2] = [8, 100];

pub(super) async fn run(settings: &Settings) -> Result<()> {
    torn(settings).await?;
    if Command::new("strace").arg("-V").output().is_err() {
        println!("  without strace, which is not here: syncs are not counted, and no disk refuses");
        return Ok(());
    }
    let (directory, trace, said) = traced("trace=fdatasync,fsync")?;
    let syncs = trace.lines().filter(|line| line.contains("sync(")).count() as u64;
    let [commits, refused] = said;
    ensure!(
        refused == 0 && syncs >= commits,
        "{commits} commits, {syncs} syncs"
    );
    holds(directory.path(), 0).await?;
    println!(
        "  {} events in {commits} commits: {syncs} syncs",
        EVENTS[0] * EVENTS[1]
    );
    for (error, calls) in [
        ("ENOSPC", "pwrite64"),
        ("EROFS", "pwrite64"),
        ("EIO", "fsync,fdatasync"),
    ] {
        let first = 40 + settings.seed % 40;
        let inject = format!("inject={calls}:error={error}:when={first}..{}", first + 25);
        let (directory, _, [_, refused]) = traced(&inject)?;
        ensure!(refused > 0, "{inject}: nothing was refused");
        holds(directory.path(), 0).await?;
        println!(
            "  {calls} fails with {error}: {refused} events refused, told so, and stored when submitted again"
        );
    }
    Ok(())
}

/// Runs a child under strace. Returns what was written down, and how many commits and refusals the child counted.
fn traced(filter: &str) -> Result<(TempDir, String, [u64; 2])> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-e", "signal=none", "-e", filter, "-o"])
        .arg(&file)
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(CHILD, directory.path())
        .env(WRITES, "1")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let counts = said.lines().find_map(|line| line.strip_prefix("counted "));
    let counts = counts.into_iter().flat_map(str::split_whitespace);
    let counts: Vec<u64> = counts.map_while(|word| word.parse().ok()).collect();
    let Ok(counts) = <[u64; 2]>::try_from(counts) else {
        bail!(
            "{filter}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    Ok((directory, fs::read_to_string(file)?, counts))
}

/// The process that writes: tries again what is refused.
pub(super) fn child(directory: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let engine = Arc::new(open(directory)?);
        let mut refused = 0;
        submit(&engine, [0; 2], &mut refused).await?;
        for round in 0..EVENTS[1] {
            let mut tasks = JoinSet::new();
            for number in 0..EVENTS[0] {
                let engine = Arc::clone(&engine);
                tasks.spawn(async move {
                    let mut refused = 0;
                    let submitted = submit(&engine, [round + 1, number], &mut refused).await;
                    submitted.map(|()| refused)
                });
            }
            while let Some(submitted) = tasks.join_next().await {
                refused += submitted??;
            }
        }
        println!("counted {} {refused}", engine.commits());
        Ok(())
    })
}

fn open(directory: &Path) -> Result<SqliteEngine> {
    let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText))?;
    Ok(engine.with_machine(scripted))
}

/// Submits an event until it is taken.
async fn submit(engine: &SqliteEngine, event: [u64; 2], refused: &mut u64) -> Result<()> {
    let fact = match event {
        [0, _] => Fact::Start {
            plan: Box::new(Plan::new().set_verification(Some(VerificationPlan::new()))),
            token: CorrelationToken::from_bits(1),
        },
        _ => Fact::OneTimeCodeTyped,
    };
    let content = Masked::from("x".repeat(usize::try_from(event[1] % 7 * 1_500)?));
    let payload = Payload {
        class: DataClass::Codes,
        content,
    };
    let key = EventKey::command(&format!("{}-{}", event[0], event[1]))?;
    let event = Event::new(key, Timestamp::UNIX_EPOCH, None, fact).set_payload(Some(payload));
    for _ in 0..1_000 {
        match engine.submit(&JourneyId::from_bits(1), event.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == EngineErrorKind::Unavailable => *refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    bail!("it is refused for ever")
}

/// Whether a copy opens, is whole, and has every event but at most `missing` of the last group.
async fn holds(directory: &Path, missing: u64) -> Result<()> {
    stands(
        directory,
        EVENTS[0] * EVENTS[1] + 1 - missing,
        EVENTS[0] * EVENTS[1] + 1,
    )
    .await
}

async fn stands(directory: &Path, least: u64, most: u64) -> Result<()> {
    let engine = open(directory)?;
    let history = engine.history(&JourneyId::from_bits(1), Seq::ZERO).await?;
    let (events, keys) = (
        history.len() as u64,
        history
            .iter()
            .map(|entry| entry.key.as_str())
            .collect::<BTreeSet<_>>(),
    );
    ensure!(
        (least..=most).contains(&events) && keys.len() as u64 == events,
        "{events} events, {least} to {most} were acknowledged"
    );
    for entry in history.iter().skip(1) {
        ensure!(
            engine
                .payload(&JourneyId::from_bits(1), entry.seq)
                .await?
                .is_some(),
            "a payload is gone"
        );
    }
    // What is found of the database's own structure is an error here.
    engine.execute("PRAGMA integrity_check; PRAGMA foreign_key_check; REINDEX")?;
    Ok(())
}

/// The database and its log, as copies: what a sync has made durable.
struct Files([Vec<u8>; 2]);

impl Files {
    fn read(directory: &Path) -> Result<Self> {
        let read = |name: &str| match fs::read(directory.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        };
        Ok(Self([read("kyc.db")?, read("kyc.db-wal")?]))
    }
}

/// Between two syncs any part of what was written may be on the disk: in sectors, in any order, or cut.
fn tear(before: &[u8], after: &[u8], rng: &mut Rng) -> Vec<u8> {
    const SECTOR: usize = 512;
    let end = if rng.bool() {
        after.len()
    } else {
        rng.usize(before.len().min(after.len())..=after.len().max(before.len()))
    };
    let share = rng.u32(..=100);
    let mut torn = Vec::with_capacity(end);
    while torn.len() < end {
        let range = torn.len()..(torn.len() + SECTOR).min(end);
        let of = if rng.u32(..100) < share {
            after
        } else {
            before
        };
        let mut sector = of
            .get(range.start..range.end.min(of.len()))
            .unwrap_or_default()
            .to_vec();
        sector.resize(range.len(), 0);
        torn.extend(sector);
    }
    torn
}

/// Copies at each sync, with what was written until the next one torn.
async fn torn(settings: &Settings) -> Result<()> {
    let (syncs, copies) = if settings.short { (30, 2) } else { (200, 10) };
    let mut rng = Rng::with_seed(settings.seed);
    let home = tempfile::tempdir()?;
    let engine = Arc::new(open(home.path())?);
    // So that the log is moved into the database often.
    engine.execute("PRAGMA wal_autocheckpoint = 60")?;
    submit(&engine, [0; 2], &mut 0).await?;
    let (mut before, mut acknowledged) = (Files::read(home.path())?, 1_u64);
    let (mut moved, mut torn) = (0, 0);
    for round in 1..=syncs {
        let group = rng.u64(1..=8);
        let mut tasks = JoinSet::new();
        let commits = engine.commits();
        for number in 0..group {
            let engine = Arc::clone(&engine);
            tasks.spawn(async move { submit(&engine, [round, number], &mut 0).await });
        }
        while let Some(submitted) = tasks.join_next().await {
            submitted??;
        }
        let after = Files::read(home.path())?;
        let commits = engine.commits() - commits;
        let ([old_db, old_log], [db, log]) = (&before.0, &after.0);
        moved += u32::from(old_db != db);
        // Of two commits the second one may have begun the log anew, over what the first one moved.
        for _ in 0..if commits == 1 { copies } else { 0 } {
            let last = acknowledged + group;
            let mut torn_log = tear(old_log, log, &mut rng);
            // A log that begins anew has its head synced before anything follows.
            if let (Some(torn), Some(head)) = (torn_log.first_chunk_mut::<32>(), log.first_chunk())
            {
                *torn = *head;
            }
            let log_torn: [&[u8]; 2] = [old_db, &torn_log];
            check(log_torn, acknowledged, last)
                .await
                .with_context(|| format!("log, sync {round}"))?;
            // The log is durable before anything of it is written into the database.
            let database_torn: [&[u8]; 2] = [&tear(old_db, db, &mut rng), log];
            check(database_torn, last, last)
                .await
                .with_context(|| format!("database, sync {round}"))?;
            torn += 2;
        }
        (before, acknowledged) = (after, acknowledged + group);
    }
    println!(
        "  {syncs} syncs, {moved} with the log moved into the database: {torn} torn copies open with all that was acknowledged"
    );
    Ok(())
}

async fn check([database, log]: [&[u8]; 2], least: u64, most: u64) -> Result<()> {
    let copy = crash::directory();
    fs::write(copy.path().join("kyc.db"), database)?;
    fs::write(copy.path().join("kyc.db-wal"), log)?;
    stands(copy.path(), least, most).await
}

/// Where a child is to write.
pub(super) fn is_child() -> Option<PathBuf> {
    env::var_os(WRITES)
        .and(env::var_os(CHILD))
        .map(PathBuf::from)
}
