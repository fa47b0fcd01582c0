//! The ledger of consents and its keys.

mod entries;
mod journeys;
mod keys;
mod store;
mod tables;
mod thread;

pub use keys::PostgresKeyStore;
pub use store::PostgresStore;
