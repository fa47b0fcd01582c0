//! The exchanges that are measured, shared with the gate on our own calls, and what is written by hand to make them.

pub(crate) mod by_hand;
#[path = "../../../benches/call/exchange.rs"]
mod shared;

pub(crate) use shared::*;
