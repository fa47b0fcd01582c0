//! Tests of the crate, from pure functions to sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bank_data;
mod conformance;
mod fixtures;
mod initialize;
mod journey;
mod refresh_data;
mod reports;
mod sandbox;
mod socket;
mod webhooks;
