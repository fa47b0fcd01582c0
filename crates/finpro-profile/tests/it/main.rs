//! Tests of the crate, from pure functions to sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod batch;
mod cached_profiles;
mod check_profile;
mod conformance;
mod fixtures;
mod sandbox;
mod socket;
