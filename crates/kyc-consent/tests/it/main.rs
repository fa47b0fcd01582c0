//! The ledger as a whole: in memory and in files, with the gate of a real client, with copies of its files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a failed expectation ends the test"
)]

mod erasure;
mod erasure_killed;
mod export;
mod files;
mod followers;
mod gate;
mod ledger;
mod stores;
mod vault;

use kyc_consent::testing as support;
