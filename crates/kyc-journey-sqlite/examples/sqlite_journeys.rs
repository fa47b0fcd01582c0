//! Runs whole journeys of five durable calls, so many at once, on a new database.
//!
//! `cargo run --release -p kyc-journey-sqlite --features testing --example sqlite_journeys DIRECTORY AT_ONCE SECONDS [at-most-once]`: prints
//! `JOURNEYS ELAPSED_S P50_MS P99_MS DURABILITY`. Nothing is asserted.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::sync::Arc;
use std::time::Duration;

use kyc_journey::Runner;
use kyc_journey::testing::{ClearText, Ends, chained, chained_at_most_once};
use kyc_journey_sqlite::SqliteEngine;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = tempfile::tempdir_in(arguments.next().unwrap()).unwrap();
    let at_once = arguments.next().unwrap().parse().unwrap();
    let time = Duration::from_secs(arguments.next().unwrap().parse().unwrap());
    let machine = match arguments.next().as_deref() {
        Some("at-most-once") => chained_at_most_once,
        _ => chained,
    };
    let engine = SqliteEngine::open(directory.path().join("kyc.db"), Arc::new(ClearText)).unwrap();
    let engine = Arc::new(engine.with_machine(machine));
    let ends = Ends::default();
    let runner = Runner::new(Arc::clone(&engine) as _, Arc::new(ends.clone()));
    let run = tokio::spawn(runner.run(std::future::pending()));
    let figures = ends.figures(&engine, at_once, time).await.unwrap();
    run.abort();
    // The engine opens no database whose settings are others.
    let durability = format!(
        "SQLite {}, WAL journal, synchronous FULL",
        rusqlite::version()
    );
    println!("{figures} {durability}");
}
