//! A server and databases for tests. Functions here fail a test by panicking, as assertions do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed expectation ends the test, and one that is skipped says so"
)]

mod server;

pub use server::{Database, connect};
