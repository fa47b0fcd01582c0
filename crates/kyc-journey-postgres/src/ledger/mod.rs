//! The ledger of consents and its keys.

mod entries;
mod keys;
mod store;
mod tables;
mod thread;

pub(crate) use entries::{Entries, Withdrawing};
pub use keys::PostgresKeyStore;
pub use store::PostgresStore;
