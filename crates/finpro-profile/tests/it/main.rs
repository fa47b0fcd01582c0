//! What the crate does, from pure to socket.
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
