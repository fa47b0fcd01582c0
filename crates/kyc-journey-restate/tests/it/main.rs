//! Tests of the engine over Restate's own server, which the tests start: `KYC_RESTATE_SERVER` names the program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    clippy::print_stdout
)]

mod behaviour;
mod conformance;
mod crash;
mod plans;
mod running;
mod server;
