//! Shared helpers for tests of providers and capabilities: a scripted transport, a fixed clock, fixtures and their
//! recorder, and one conformance suite per capability.
//!
//! Functions here fail a test by panicking, as assertions do.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation ends the test"
)]

mod clock;
pub mod conformance;
pub mod fixture;
mod given_out;
mod recorder;
mod scripted;
pub mod tolerance;
mod webhook_fixture;

pub use clock::FixedClock;
pub use fixture::{Fixture, differences};
pub use given_out::GivenOut;
pub use recorder::{Mode, Recorder, record_catalogue};
pub use scripted::{ScriptedTransport, Sent, Step, StreamEnd};
pub use webhook_fixture::WebhookFixture;
