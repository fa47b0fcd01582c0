//! What is proved of what is over, and what goes on under a receipt in a file of an earlier schema.

use kyc_consent::{Ground, NoConsentReason, Scope, Subject};
use rusqlite::Connection;

use crate::files::Home;
use crate::support::{YEAR, code, consenting, ledger, mobile, need};

#[test]
fn what_undoes_something_is_proved_by_any_consent_that_is_over() {
    let (ledger, clock) = ledger();
    let (subject, receipt) = consenting(&ledger);
    let error = ledger.prove_withdrawal(&need(subject)).unwrap_err();
    assert_eq!(error.reason, NoConsentReason::NothingWithdrawn);
    clock.by(YEAR);
    let proof = ledger.prove_withdrawal(&need(subject)).unwrap();
    assert_eq!(proof.ground(), &Ground::Withdrawal(receipt.id()));
    let stranger = Subject::random().unwrap();
    assert!(ledger.prove_withdrawal(&need(stranger)).is_err());
}

#[test]
fn a_ledger_of_the_first_schema_is_upgraded_and_loses_nothing() {
    let home = Home::new();
    let ledger = home.open();
    let (subject, receipt) = consenting(&ledger);
    let before = ledger.state(subject).unwrap();
    drop(ledger);
    let connection = Connection::open(&home.files.ledger).unwrap();
    connection
        .execute_batch("ALTER TABLE person ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
             UPDATE person SET epoch = ifnull((SELECT max(epoch) FROM receipt WHERE subject = id), 0);
             ALTER TABLE receipt DROP COLUMN epoch;
             DROP TABLE follower; DROP TABLE source; PRAGMA user_version = 1")
        .unwrap();
    connection.close().unwrap();
    let ledger = home.open();
    assert_eq!(ledger.state(subject).unwrap(), before);
    ledger.follow("a", subject, Some(receipt.id())).unwrap();
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    let untold = ledger.untold("").unwrap();
    assert_eq!((untold.len(), untold[0].name.as_str()), (1, "a"));
    assert_eq!(ledger.find(&mobile()).unwrap(), Some(subject));
    ledger.verify(&[]).unwrap();
}
