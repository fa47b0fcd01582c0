//! A process is killed at each point in turn, and again while it recovers: nothing is lost, and no unsafe call is made twice.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use kyc_journey::JourneyEngine;
use kyc_journey::provider_core::async_trait;
use kyc_journey::testing::crash::{self, Case, Process};
use kyc_journey::testing::{ClearText, scripted};
use kyc_journey_sqlite::SqliteEngine;
use tempfile::TempDir;

const DIRECTORY: &str = "KYC_JOURNEY_CRASH_DIRECTORY";
const JOURNEYS: u128 = 2;

pub(crate) fn open(directory: &Path) -> Arc<SqliteEngine> {
    let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText));
    Arc::new(engine.unwrap())
}

/// A process of this program's tests, and where it works.
pub(crate) fn process(name: &str, directory: &Path) -> Command {
    let mut process = Process::test(name);
    process.env(DIRECTORY, directory);
    process
}

/// Where this process works.
pub(crate) fn told() -> PathBuf {
    PathBuf::from(std::env::var_os(DIRECTORY).expect("started by another test"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other test kills"]
async fn life() {
    let engine = SqliteEngine::open(told().join("kyc.db"), Arc::new(ClearText));
    let engine = engine.unwrap().with_machine(scripted);
    crash::live(Arc::new(engine), &told(), JOURNEYS).await;
}

struct InAFile(TempDir);

#[async_trait]
impl Case for InAFile {
    fn directory(&self) -> &Path {
        self.0.path()
    }

    fn journeys(&self) -> u128 {
        JOURNEYS
    }

    fn process(&self) -> Command {
        process("crash::life", self.0.path())
    }

    async fn open(&self) -> Arc<dyn JourneyEngine> {
        open(self.0.path())
    }
}

#[tokio::test]
async fn a_process_that_is_killed_anywhere_loses_nothing_and_doubles_nothing() {
    let again = ["in a transaction#1", "after an interruption#1"];
    let case = |_: &str| InAFile(crash::directory());
    let kills = crash::at_every_point(&again, case).await;
    println!("{kills} kills");
    assert!(kills > 100);
}
