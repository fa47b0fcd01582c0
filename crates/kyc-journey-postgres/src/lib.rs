#![doc = include_str!("../README.md")]

mod changes;
mod claim;
mod database;
mod engine;
mod error;
mod group;
mod lease;
#[cfg(feature = "consent")]
mod ledger;
mod open;
mod reads;
mod reports;
#[cfg(all(feature = "testing", unix))]
pub mod testing;
#[cfg(feature = "tls")]
mod tls;

pub use claim::{Claim, Share};
pub use database::PostgresError;
pub use engine::PostgresEngine;
#[cfg(feature = "consent")]
pub use error::NotWithdrawn;
pub use error::OpenError;
#[cfg(feature = "consent")]
pub use ledger::{PostgresKeyStore, PostgresStore};
pub use open::PostgresOptions;
