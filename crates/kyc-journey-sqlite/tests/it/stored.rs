//! A database that an earlier schema's code has left is opened, and its journeys finish.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kyc_journey::provider_core::Clock as _;
use kyc_journey::testing::crash::{Ledger, directory};
use kyc_journey::testing::plans::{begin, plans};
use kyc_journey::testing::{ClearText, HandClock};
use kyc_journey::{EffectKind, JourneyEngine as _, Lane, Outbox as _, Runner, Seq};
use kyc_journey_sqlite::SqliteEngine;

use crate::plans::{check, run_to_the_end};

/// The schemas so far, each with a database in `stored` that its own code has written.
const SCHEMAS: [u32; 1] = [1];

fn stored(schema: u32) -> PathBuf {
    let name = format!("tests/it/stored/{schema}.db");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn open(path: &Path) -> Arc<SqliteEngine> {
    Arc::new(SqliteEngine::open(path, Arc::new(ClearText)).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_each_schema_is_opened_and_its_journeys_finish() {
    for schema in SCHEMAS {
        let directory = directory();
        let path = directory.path().join("kyc.db");
        fs::copy(stored(schema), &path).unwrap();
        let engine = open(&path);
        for (id, _) in plans() {
            let record = engine.read(&id).await.unwrap().unwrap();
            assert!(!record.state.status().is_end(), "{id} is open");
        }
        let interrupted = engine.interrupted().await.unwrap();
        assert_eq!(interrupted.len(), 1, "a call has a mark");
        run_to_the_end(engine, directory.path()).await;
        check(directory.path(), &format!("schema {schema}")).await;
    }
}

/// Run once for each new schema: `cargo test -p kyc-journey-sqlite --test it stored::write -- --ignored`.
#[tokio::test]
#[ignore = "writes the database of this schema"]
async fn write() {
    let path = stored(*SCHEMAS.last().unwrap());
    assert!(!path.exists(), "what a schema has written is never changed");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let engine = open(&path);
    let directory = directory();
    let clock = HandClock::default();
    for (id, plan) in plans() {
        begin(&*engine, clock.now(), &id, &plan).await;
    }
    // The first journey's call was begun by a process that is gone; the others wait for their person.
    let (first, _) = &plans()[0];
    let history = engine.history(first, Seq::ZERO).await.unwrap();
    let mut effects = history.iter().flat_map(|entry| &entry.effects);
    let call = effects.find(|effect| matches!(effect.kind, EffectKind::Call(_)));
    assert!(engine.mark(&call.unwrap().id).await.unwrap());
    for (id, _) in &plans()[1..] {
        let runner = Runner::new(
            Arc::clone(&engine) as _,
            Arc::new(Ledger::in_directory(directory.path())),
        );
        let runner = runner.with_clock(Arc::new(HandClock::default()));
        runner.only(id.clone()).run_until_idle().await.unwrap();
    }
    let room = Lane::ALL.map(|lane| (lane, 9));
    let due = engine
        .due(clock.now(), &room, &std::collections::HashSet::new())
        .await;
    assert!(due.unwrap().next.is_some(), "timers wait");
    drop(engine);
    for suffix in ["-wal", "-shm", ".lock"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
}
