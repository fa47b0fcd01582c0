//! The command as a user runs it: a process, its environment, its two streams and its exit code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bad_input;
mod batch;
mod configuration;
mod kyc;
mod onboard;
mod operations;
mod profile_server;
mod readme;
mod refusals;
