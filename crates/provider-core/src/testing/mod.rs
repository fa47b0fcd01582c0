//! What tests of providers and capabilities share: a scripted transport, a fixed clock, fixtures and their recorder, and
//! one conformance suite a capability.
//!
//! Functions here end a failing test by panicking, as assertions do.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation ends the test"
)]

mod clock;
pub mod conformance;
pub mod fixture;
mod recorder;
mod scripted;
pub mod tolerance;

pub use clock::FixedClock;
pub use fixture::{Fixture, differences};
pub use recorder::{Mode, Recorder};
pub use scripted::{ScriptedTransport, Sent, Step, StreamEnd};
