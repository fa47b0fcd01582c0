//! Tools for tests of engines: one conformance suite, a machine that asks for whatever a check needs, a performer that keeps
//! count, a clock that is moved by hand, a journey of every plan, whole journeys for figures, and processes that are killed.
//!
//! Functions here fail a test by panicking, as assertions do.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation ends the test"
)]

mod chain;
mod clear_text;
mod clock;
pub mod conformance;
pub mod crash;
pub mod plans;
mod script;
mod witness;

pub use crate::point::POINTS;
pub use chain::{CALLS, Ends, chained, chained_at_most_once};
pub use clear_text::{ClearText, Erased, LostKey};
pub use clock::HandClock;
pub use script::scripted;
pub use witness::{Mood, Witness};
