//! Tests of the crate, from pure functions to sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod conformance;
mod fixtures;
mod record_consent;
mod sandbox;
mod signature;
mod socket;
mod verification;
