//! The ledger of consents and its keys, in a database that several processes share.

use std::sync::Arc;

use kyc_consent::testing::conformance::{Opens, key_store, ledger_store};
use kyc_consent::testing::{code, consenting, memory_keys, need, notice};
use kyc_consent::{
    Change, ConsentLedger, EndReason, Entry, KeyStore, LedgerStore, NoConsentReason, Scope,
    StoreError,
};
use kyc_journey_postgres::{OpenError, PostgresKeyStore, PostgresOptions, PostgresStore};
use tokio::runtime::Handle;

use crate::server::Database;

fn options(database: &Database) -> PostgresOptions {
    let options = PostgresOptions::new(&database.address).unwrap();
    options.with_connections(4)
}

fn open(database: &Database) -> PostgresStore {
    PostgresStore::open(options(database)).unwrap()
}

/// Runs a suite that asks for an empty database for each check where nothing can be awaited; nothing where there is no server.
async fn conforms(suite: impl FnOnce(&dyn Fn() -> Database) + Send + 'static) {
    if Database::new().await.is_none() {
        return;
    }
    let runtime = Handle::current();
    let suite = tokio::task::spawn_blocking(move || {
        suite(&|| runtime.block_on(Database::new()).expect("a server"));
    });
    suite.await.unwrap();
}

#[tokio::test]
async fn the_ledger_conforms() {
    let suite = conforms(|new| {
        ledger_store(|| -> Opens<dyn LedgerStore> {
            let database = new();
            Box::new(move || Arc::new(open(&database)))
        });
    });
    suite.await;
}

#[tokio::test]
async fn the_keys_conform() {
    let suite = conforms(|new| {
        key_store(|| -> Opens<dyn KeyStore> {
            let database = new();
            Box::new(move || Arc::new(PostgresKeyStore::open(options(&database)).unwrap()))
        });
    });
    suite.await;
}

#[tokio::test]
async fn a_call_on_the_only_thread_of_a_runtime_does_not_wait_for_itself() {
    let Some(database) = Database::new().await else {
        return;
    };
    let ledger = ConsentLedger::open(Arc::new(open(&database)), memory_keys()).unwrap();
    let (subject, _) = consenting(&ledger);
    ledger.request(subject, &notice()).unwrap();
    assert_eq!(ledger.verify(&[]).unwrap().seq, 2);
    // And ends with its last owner, there too.
    drop(ledger);
    assert_eq!(open(&database).head().unwrap().seq, 2);
}

#[tokio::test]
async fn what_fails_in_the_middle_leaves_nothing() {
    let Some(database) = Database::new().await else {
        return;
    };
    let store = Arc::new(open(&database));
    let ledger = ConsentLedger::open(Arc::clone(&store) as _, memory_keys()).unwrap();
    let (subject, receipt) = consenting(&ledger);
    let before = ledger.state(subject).unwrap();
    // The receipt's row exists already, so the transaction fails after the entry.
    let change = Change {
        entries: vec![Entry {
            seq: 2,
            ..ledger.history(subject).unwrap()[0].0.clone()
        }],
        receipts: before.receipts.clone(),
        ended: vec![(receipt.id(), receipt.given_at(), EndReason::Withdrawn)],
        epoch: Some((subject, 7)),
        ..Change::after(ledger.head().unwrap())
    };
    let error = store.commit(&change).unwrap_err();
    assert!(
        matches!(&error, StoreError::Failed(what) if what.contains("23505")),
        "{error}"
    );
    assert_eq!(ledger.state(subject).unwrap(), before);
    // Also of what had been reserved for it.
    let reservation = store.reserve().unwrap();
    store.commit(&change).unwrap_err();
    drop(reservation);
    assert_eq!(ledger.state(subject).unwrap(), before);
    assert_eq!(ledger.verify(&[]).unwrap().seq, 1);
}

#[tokio::test]
async fn a_lost_connection_is_an_error_and_the_next_one_is_made() {
    let Some(database) = Database::new().await else {
        return;
    };
    let ledger = ConsentLedger::open(Arc::new(open(&database)), memory_keys()).unwrap();
    let (subject, _) = consenting(&ledger);
    let client = database.client().await;
    let end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'kyc-consent'";
    let ended = client.query(end_all, &[]).await.unwrap();
    assert!(!ended.is_empty());
    // A call may be the one that finds out; whoever asks for proof has none then.
    let first = ledger.prove(&need(subject));
    if let Err(error) = &first {
        assert!(matches!(error.reason, NoConsentReason::Store(_)), "{error}");
    }
    let mut again = ledger.prove(&need(subject));
    while let Err(error) = &again {
        assert!(matches!(error.reason, NoConsentReason::Store(_)), "{error}");
        again = ledger.prove(&need(subject));
    }
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert_eq!(ledger.verify(&[]).unwrap().seq, 2);
}

#[tokio::test]
async fn what_is_not_the_ledger_s_is_refused_and_unchanged() {
    let Some(database) = Database::new().await else {
        return;
    };
    let client = database.client().await;
    let run = async |words: &str| client.batch_execute(words).await.unwrap();
    let opened = || PostgresStore::open(options(&database));
    run("CREATE SCHEMA kyc_consent; CREATE TABLE kyc_consent.entry (x integer)").await;
    let foreign = opened().unwrap_err();
    let is_foreign = |error: &OpenError, name: &str| matches!(error, OpenError::OtherApplication { schema } if schema == name);
    assert!(is_foreign(&foreign, "kyc_consent"), "{foreign:?}");
    let left = "SELECT count(*) FROM pg_tables WHERE schemaname LIKE 'kyc%'";
    let left: i64 = client.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, 1, "nothing is made");
    run("DROP SCHEMA kyc_consent CASCADE").await;
    drop(opened().unwrap());
    // Keys in the place of a ledger, and the other way round.
    let at = |schema| options(&database).with_schema(schema).unwrap();
    let keys = PostgresKeyStore::open(at("kyc_consent")).unwrap_err();
    assert!(is_foreign(&keys, "kyc_consent"), "{keys:?}");
    drop(PostgresKeyStore::open(options(&database)).unwrap());
    let ledger = PostgresStore::open(at("kyc_consent_keys")).unwrap_err();
    assert!(is_foreign(&ledger, "kyc_consent_keys"), "{ledger:?}");
    run("UPDATE kyc_consent.store SET version = 2").await;
    let newer = opened().unwrap_err();
    assert!(
        matches!(
            newer,
            OpenError::NewerSchema {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{newer:?}"
    );
}
