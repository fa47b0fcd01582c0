//! Tests of the engine on a PostgreSQL server that they start themselves.
//!
//! Without one they are skipped, and say so; `KYC_POSTGRES=required` makes that a failure.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stderr
)]

mod conformance;
mod crash;
mod databases;
mod leases;
mod ledger;
mod ledger_entries;

use kyc_journey_postgres::testing as server;
