//! Tools for tests of ledgers and of stores: an invented lender with its notice and its person, and the suites that every
//! [`LedgerStore`](crate::LedgerStore) and every [`KeyStore`](crate::KeyStore) has to pass.
//!
//! Functions here fail a test by panicking, as assertions do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a failed expectation ends the test"
)]

pub mod conformance;
mod lender;
mod mortal;

pub use lender::{
    BEGIN, Moved, YEAR, after, code, consenting, items, kinds, ledger, memory_keys, mobile, need,
    notice, party, provider, purpose, receipt, terms,
};
pub use mortal::{Life, Mortal};
