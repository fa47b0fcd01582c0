//! Processes are killed at each point in turn, alone and beside another one: nothing is lost, and no unsafe call is made twice.
//!
//! That a lease's time is over the tests say themselves, to the database, so that none of them waits for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::JourneyEngine;
use kyc_journey::provider_core::async_trait;
use kyc_journey::testing::crash::{self, Case, Process};
use kyc_journey::testing::{ClearText, scripted};
use kyc_journey_postgres::{PostgresEngine, PostgresOptions};
use tempfile::TempDir;

use crate::server::{Database, connect};

const DIRECTORY: &str = "KYC_JOURNEY_CRASH_DIRECTORY";
const ADDRESS: &str = "KYC_JOURNEY_CRASH_ADDRESS";
const SCHEMA: &str = "KYC_JOURNEY_CRASH_SCHEMA";
const JOURNEYS: &str = "KYC_JOURNEY_CRASH_JOURNEYS";

/// Tables of a case's own, its ledger, and its journeys.
struct InASchema {
    directory: TempDir,
    address: String,
    schema: String,
    journeys: u128,
}

impl InASchema {
    fn new(database: &Database, name: &str, journeys: u128) -> Self {
        Self {
            directory: crash::directory(),
            address: database.address.clone(),
            schema: name.replace([' ', '#'], "_"),
            journeys,
        }
    }
}

#[async_trait]
impl Case for InASchema {
    fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn journeys(&self) -> u128 {
        self.journeys
    }

    fn process(&self) -> Command {
        let mut process = Process::test("crash::life");
        process
            .env(DIRECTORY, self.directory.path())
            .env(ADDRESS, &self.address)
            .env(SCHEMA, &self.schema)
            .env(JOURNEYS, self.journeys.to_string());
        process
    }

    async fn bury(&self) {
        let expire = format!("UPDATE {}.runner SET until = '-infinity'", self.schema);
        // It may have died before there were any tables.
        let _ = connect(&self.address).await.batch_execute(&expire).await;
    }

    async fn open(&self) -> Arc<dyn JourneyEngine> {
        open(&self.address, &self.schema).await
    }
}

async fn open(address: &str, schema: &str) -> Arc<PostgresEngine> {
    let options = PostgresOptions::new(address).unwrap();
    let options = options.with_schema(schema).unwrap();
    let options = options
        .with_poll(Duration::from_millis(20))
        .with_connections(3);
    let engine = options.connect(Arc::new(ClearText)).await.unwrap();
    Arc::new(engine.with_machine(scripted))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other tests kill"]
async fn life() {
    let variable = |name| std::env::var(name).expect("started by another test");
    let engine = open(&variable(ADDRESS), &variable(SCHEMA)).await;
    let journeys = variable(JOURNEYS).parse().unwrap();
    crash::live(engine, &PathBuf::from(variable(DIRECTORY)), journeys).await;
}

#[tokio::test]
async fn a_process_that_is_killed_anywhere_loses_nothing_and_doubles_nothing() {
    let Some(database) = Database::new().await else {
        return;
    };
    let case = |name: &str| InASchema::new(&database, name, 1);
    let kills = crash::at_every_point(&["after an interruption#1"], case).await;
    println!("{kills} kills");
    assert!(kills > 35);
}

/// Two processes share the effects of the same journeys; one of them is killed while it holds leases, and the other one, which goes on all
/// the time, brings everything to its end.
#[tokio::test]
async fn one_of_two_runners_is_killed_and_the_other_one_goes_on() {
    let Some(database) = Database::new().await else {
        return;
    };
    let points = [
        "before a mark",
        "after a mark",
        "after a call",
        "after an answer",
        "in a transaction",
        "before a commit",
        "after a commit",
        "before a timer",
        "after a delivery",
    ];
    let mut kills = 0;
    for name in points {
        for passing in [1, 4] {
            let kill_at = format!("{name}#{passing}");
            let case = InASchema::new(&database, &kill_at, 4);
            let (dying, living) = (
                Process::start(case.process(), &kill_at),
                Process::start(case.process(), ""),
            );
            // The other one may have left it too little to pass the point so often.
            kills += u32::from(dying.was_killed());
            case.bury().await;
            assert!(!living.was_killed(), "{kill_at}");
            crash::check(&case, &kill_at).await;
        }
    }
    println!("{kills} kills");
    assert!(kills >= 6);
}
