//! Tests of the engine over real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod conformance;
mod crash;
mod files;
mod plans;
mod stored;
