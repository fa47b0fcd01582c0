//! Tests of the machine, pure functions all of them, and of the engine in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod consent;
mod documents;
mod engine;
mod finpass;
mod finpro;
mod giving_back;
mod idle;
mod pairs;
mod rules;
mod runner;
mod search;
mod settlement;
mod stored;
mod verification;
mod world;
