//! Runs whole journeys of five durable calls, so many at once, on a server of Restate's with empty data, and a worker in this process.
//!
//! `cargo run --release -p kyc-journey-restate --features testing --example restate_journeys DIRECTORY AT_ONCE SECONDS`; `KYC_RESTATE_SERVER` names
//! the server's program. Prints `JOURNEYS ELAPSED_S P50_MS P99_MS DURABILITY`. Nothing is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a measurement"
)]
#![allow(dead_code, reason = "the tests use the rest of these modules")]

#[path = "../tests/it/running.rs"]
mod running;
#[path = "../tests/it/server.rs"]
mod server;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::testing::{ClearText, Ends, chained};
use kyc_journey_restate::RestateWorker;

use crate::running::Setup;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap();
    let at_once = arguments.next().unwrap().parse().unwrap();
    let time = Duration::from_secs(arguments.next().unwrap().parse().unwrap());
    let program = server::program().unwrap();
    let ends = Ends::default();
    let worker = RestateWorker::new(Arc::new(ends.clone()), Arc::new(ClearText));
    let worker = worker.with_machine(chained);
    let server = server::Server::start_at(&program, Path::new(&place)).await;
    let setup = Setup::of(server, Arc::new(ClearText), worker).await;
    let engine = Arc::new(setup.engine.clone());
    let figures = ends.figures(&engine, at_once, time).await.unwrap();
    println!("{figures} one node, its log synced as by default");
}
