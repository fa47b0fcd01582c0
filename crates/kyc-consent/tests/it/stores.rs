//! The stores do what every store must do.

use std::sync::Arc;

use kyc_consent::testing::conformance::{Opens, key_store, ledger_store};
use kyc_consent::{
    KeyStore, LedgerStore, MemoryKeyStore, MemoryStore, SqliteKeyStore, SqliteStore,
};

#[test]
fn the_ledger_in_memory_conforms() {
    ledger_store(|| {
        let store: Arc<dyn LedgerStore> = Arc::new(MemoryStore::new().unwrap());
        Box::new(move || Arc::clone(&store))
    });
}

#[test]
fn the_keys_in_memory_conform() {
    key_store(|| {
        let store: Arc<dyn KeyStore> = Arc::new(MemoryKeyStore::new());
        Box::new(move || Arc::clone(&store))
    });
}

#[test]
fn the_ledger_in_a_file_conforms() {
    ledger_store(|| -> Opens<dyn LedgerStore> {
        let directory = tempfile::tempdir().unwrap();
        Box::new(move || Arc::new(SqliteStore::open(directory.path().join("ledger.db")).unwrap()))
    });
}

#[test]
fn the_keys_in_a_file_conform() {
    key_store(|| -> Opens<dyn KeyStore> {
        let directory = tempfile::tempdir().unwrap();
        Box::new(move || Arc::new(SqliteKeyStore::open(directory.path().join("keys.db")).unwrap()))
    });
}
