//! Tests of the machine, pure functions all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod documents;
mod engine;
mod finpass;
mod finpro;
mod idle;
mod runner;
mod stored;
mod verification;
mod world;
