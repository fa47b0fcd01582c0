//! The server in process: its interface, what it takes from outside, its pages, and a whole journey against the sandbox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod api;
mod consents;
mod document;
mod events;
mod hooks;
mod pages;
mod safety;
mod socket;
mod whole;
mod world;
