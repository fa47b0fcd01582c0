//! Runs whole journeys of five durable calls, so many at once, in an empty schema.
//!
//! `cargo run --release -p kyc-journey-postgres --features testing --example postgres_journeys ADDRESS AT_ONCE SECONDS`, the address in libpq's words
//! `host=… user=… dbname=…`: prints `JOURNEYS ELAPSED_S P50_MS P99_MS`. Nothing is asserted.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::sync::Arc;
use std::time::Duration;

use kyc_journey::Runner;
use kyc_journey::testing::{ClearText, Ends, chained};
use kyc_journey_postgres::PostgresOptions;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let options = PostgresOptions::new(&arguments.next().unwrap()).unwrap();
    let at_once = arguments.next().unwrap().parse().unwrap();
    let time = Duration::from_secs(arguments.next().unwrap().parse().unwrap());
    // A run's own, so that no journey is there from the run before.
    let schema = format!("kyc_journeys_{}", std::process::id());
    let options = options.with_schema(&schema).unwrap();
    let engine = options.connect(Arc::new(ClearText)).await.unwrap();
    let engine = Arc::new(engine.with_machine(chained));
    let ends = Ends::default();
    let runner = Runner::new(Arc::clone(&engine) as _, Arc::new(ends.clone()));
    let run = tokio::spawn(runner.run(std::future::pending()));
    let figures = ends.figures(&engine, at_once, time).await.unwrap();
    run.abort();
    println!("{figures}");
}
