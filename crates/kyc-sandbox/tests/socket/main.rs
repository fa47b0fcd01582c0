//! The served sandbox over real sockets, with good and with hostile traffic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod limits;
mod malformed;
mod peer;
mod serving;
mod stream;
