//! Tests of the crate, from pure functions to sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod browser_return;
mod conformance;
mod documents;
mod fixtures;
mod initiate_session;
mod sandbox;
mod shared_documents;
mod socket;
