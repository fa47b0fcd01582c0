//! Erasure: what is kept and why, and that copies of files made before do not open.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kyc_consent::{
    Artefact, Class, ConsentLedger, EntryKind, Erasure, ErasureOrder, ErasureReason,
    FileKeyWrapper, KeptBy, KeyError, Keys, LedgerError, Place, ProviderName, Scope, SealError,
    SqliteKeyStore, Subject, Term,
};
use provider_core::Mobile;
use tempfile::TempDir;

use crate::files::{Home, contents, files, has};
use crate::support::{YEAR, after, code, consenting, ledger, mobile, need, notice};

const ALL: ErasureOrder = ErasureOrder {
    reason: ErasureReason::Withdrawal,
    classes: None,
    relationship_ended: None,
};

fn place(subject: Subject, class: Class) -> Place<'static> {
    Place {
        table: "data",
        row: b"1",
        subject,
        class,
        version: 0,
    }
}

fn classes(erasure: &Erasure) -> (Vec<Class>, Vec<Class>) {
    let erased = erasure.erased.iter().map(|erased| erased.class).collect();
    (erased, erasure.kept.iter().map(|kept| kept.class).collect())
}

fn is_erased<T: std::fmt::Debug>(result: Result<T, LedgerError>) -> bool {
    matches!(result, Err(LedgerError::Seal(SealError::Erased)))
}

#[test]
fn an_erasure_answers_what_was_kept_and_why() {
    let (ledger, _) = ledger();
    let (subject, _) = consenting(&ledger);
    let sealed = |class| ledger.seal(&place(subject, class), b"data").unwrap();
    let account = sealed(Class::AccountData);
    let documents = sealed(Class::Documents);
    sealed(Class::Identity);
    let hold = ledger
        .hold(
            subject,
            Class::Documents,
            code("court-order"),
            code("legal-team"),
            None,
        )
        .unwrap();
    let erasure = ledger.erase(subject, &ALL).unwrap();
    assert_eq!(
        classes(&erasure),
        (
            vec![Class::AccountData],
            vec![Class::Ledger, Class::Identity, Class::Documents]
        )
    );
    assert_eq!(erasure.kept[1].by, KeptBy::Term(Term::Pmla));
    let by = KeptBy::Hold {
        id: hold.id,
        reason: code("court-order"),
        by: code("legal-team"),
    };
    assert_eq!(
        (erasure.kept[2].by.clone(), erasure.kept[2].until),
        (by, None)
    );
    // Somebody who is kept for a duty is still found.
    assert!(!erasure.unlinked);
    assert_eq!(ledger.find(&mobile()).unwrap(), Some(subject));
    assert!(is_erased(
        ledger.unseal(&place(subject, Class::AccountData), &account)
    ));
    assert_eq!(
        *ledger
            .unseal(&place(subject, Class::Documents), &documents)
            .unwrap(),
        b"data"
    );
    let history = ledger.history(subject).unwrap();
    let (entry, says) = history.last().unwrap();
    assert_eq!(entry.kind, EntryKind::Erased);
    let said = kyc_consent::Detail::Erased {
        erased: erasure.erased,
        kept: erasure.kept,
    };
    assert_eq!(says.as_ref(), Some(&said));
    ledger.verify(&[]).unwrap();
}

#[test]
fn what_has_been_kept_as_long_as_it_may_be_is_told() {
    let (ledger, clock) = ledger();
    let (subject, _) = consenting(&ledger);
    for class in [Class::Evidence, Class::Documents, Class::AccountData] {
        ledger.seal(&place(subject, class), b"data").unwrap();
    }
    clock.by(YEAR - 1);
    assert_eq!(ledger.overdue(subject).unwrap(), []);
    clock.by(1);
    assert_eq!(
        ledger.overdue(subject).unwrap(),
        [(Class::Evidence, after(YEAR))]
    );
    clock.by(5 * YEAR);
    let classes: Vec<_> = ledger
        .overdue(subject)
        .unwrap()
        .into_iter()
        .map(|(class, _)| class)
        .collect();
    assert_eq!(classes, [Class::Documents, Class::Evidence]);
}

#[test]
fn only_the_ordered_classes_are_erased_when_their_time_is_over() {
    let (ledger, _) = ledger();
    let (subject, _) = consenting(&ledger);
    for class in [Class::AccountData, Class::Evidence] {
        ledger.seal(&place(subject, class), b"data").unwrap();
    }
    let order = ErasureOrder {
        reason: ErasureReason::TermOver,
        classes: Some(vec![Class::AccountData]),
        relationship_ended: None,
    };
    let erasure = ledger.erase(subject, &order).unwrap();
    assert_eq!(classes(&erasure), (vec![Class::AccountData], vec![]));
    assert!(!erasure.unlinked);
    assert!(
        ledger
            .keys()
            .existing(subject, Class::Evidence)
            .unwrap()
            .is_some()
    );
}

#[test]
fn after_seven_years_the_ledger_s_own_bodies_go_and_the_chain_still_fits() {
    let (ledger, clock) = ledger();
    let (subject, receipt) = consenting(&ledger);
    let other = ledger
        .subject(&Mobile::parse("9000000002").unwrap())
        .unwrap();
    ledger.request(other, &notice()).unwrap();
    let head = ledger.head().unwrap();
    clock.by(8 * YEAR);
    let erasure = ledger.erase(subject, &ALL).unwrap();
    assert_eq!(classes(&erasure), (vec![Class::Ledger], vec![]));
    assert!(erasure.unlinked);
    assert_eq!(ledger.find(&mobile()).unwrap(), None);
    let history = ledger.history(subject).unwrap();
    assert!(history.len() == 2 && history.iter().all(|(_, says)| says.is_none()));
    assert!(is_erased(ledger.receipt(subject, receipt.id())));
    assert!(ledger.history(other).unwrap()[0].1.is_some());
    ledger.verify(&[head]).unwrap();
    let mut export = Vec::new();
    let head = ledger.export(true, &mut export).unwrap();
    assert_eq!(kyc_consent::verify_export(&export, &[head]), Ok(head));
    // The same number is a new person.
    clock.by(1);
    let again = ledger.subject(&mobile()).unwrap();
    assert_ne!(again, subject);
    // And who comes back under the old pseudonym has a new key, which does not open what went.
    ledger.request(subject, &notice()).unwrap();
    let says: Vec<bool> = ledger
        .history(subject)
        .unwrap()
        .iter()
        .map(|(_, says)| says.is_some())
        .collect();
    assert_eq!(says, [false, false, true]);
    // Nobody finds out what was said by trying: the digest is salted.
    let mut guess = Vec::new();
    for salt in ["", "00000000000000000000000000000000"] {
        let body = serde_json::json!({ "salt": salt, "says": kyc_consent::Detail::Given(Box::new(receipt.clone())) });
        guess.push(kyc_consent::Digest::of(
            serde_json::to_string(&body).unwrap().as_bytes(),
        ));
    }
    assert!(!guess.contains(&ledger.history(subject).unwrap()[0].0.body));
}

#[test]
fn an_artefact_ends_also_where_an_earlier_one_was_erased() {
    let (ledger, clock) = ledger();
    let (subject, receipt) = consenting(&ledger);
    let finpro = ProviderName::new("finpro").unwrap();
    let record = |id: &str| {
        let artefact = Artefact {
            provider: finpro.clone(),
            id: id.to_owned(),
            text: None,
        };
        ledger
            .record_artefact(subject, receipt.id(), &artefact)
            .unwrap()
    };
    let old = record("old");
    clock.by(8 * YEAR);
    ledger.erase(subject, &ALL).unwrap();
    assert!(is_erased(ledger.artefact(old)));
    ledger.end_artefact(subject, &finpro, "old").unwrap();
    clock.by(1);
    let new = record("new");
    let known = |entry| {
        let artefacts = ledger.state(subject).unwrap().artefacts;
        artefacts.iter().any(|(known, ..)| *known == entry)
    };
    assert!(known(new));
    ledger.end_artefact(subject, &finpro, "new").unwrap();
    assert!(!known(new));
    ledger.verify(&[]).unwrap();
}

/// A copy of every file but the key-encryption key, as a backup has them.
fn backup(home: &Home) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for (path, bytes) in contents(home.directory.path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("kek") {
            fs::write(copy.path().join(name), bytes).unwrap();
        }
    }
    copy
}

/// The current key-encryption key beside a backup.
fn bring_key(home: &Home, to: &Path) {
    fs::copy(&home.files.key_encryption_key, to.join("kek")).unwrap();
}

struct People {
    home: Home,
    ledger: ConsentLedger,
    erased: Subject,
    other: Subject,
    sealed: [Vec<u8>; 2],
}

/// Two people with account data, in files.
fn people() -> People {
    let home = Home::new();
    let ledger = home.open();
    let (erased, _) = consenting(&ledger);
    let other = ledger
        .subject(&Mobile::parse("9000000002").unwrap())
        .unwrap();
    ledger.request(other, &notice()).unwrap();
    let sealed = [erased, other].map(|subject| {
        ledger
            .seal(&place(subject, Class::AccountData), b"CANARY")
            .unwrap()
    });
    People {
        home,
        ledger,
        erased,
        other,
        sealed,
    }
}

#[test]
fn after_an_erasure_a_backup_of_the_keys_opens_with_no_key_that_there_is() {
    let People {
        home,
        ledger,
        erased,
        sealed,
        ..
    } = people();
    let copy = backup(&home);
    // While the key-encryption key is the old one the backup opens: the copy is good.
    let with_old = tempfile::tempdir().unwrap();
    for (path, bytes) in contents(copy.path()) {
        fs::write(with_old.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    bring_key(&home, with_old.path());
    let opened = files(with_old.path())
        .open(Arc::new(home.clock.clone()))
        .unwrap();
    let here = place(erased, Class::AccountData);
    assert_eq!(*opened.unseal(&here, &sealed[0]).unwrap(), b"CANARY");
    assert_eq!(opened.find(&mobile()).unwrap(), Some(erased));
    drop(opened);

    ledger.withdraw(erased, Scope::All, &code("app")).unwrap();
    let erasure = ledger.erase(erased, &ALL).unwrap();
    assert_eq!(
        classes(&erasure),
        (vec![Class::AccountData], vec![Class::Ledger])
    );
    assert!(erasure.unlinked);

    bring_key(&home, copy.path());
    let error = files(copy.path())
        .open(Arc::new(home.clock.clone()))
        .unwrap_err();
    assert!(
        matches!(error, LedgerError::Keys(KeyError::Lost { persons: 2 })),
        "{error}"
    );
    // Around the ledger, key by key.
    let store = SqliteKeyStore::open(copy.path().join("keys.db")).unwrap();
    let wrapper = FileKeyWrapper::open(copy.path().join("kek")).unwrap();
    let keys = Keys::new(Arc::new(store), Arc::new(wrapper));
    for class in [Class::AccountData, Class::Ledger] {
        let gone = keys.existing(erased, class).unwrap_err();
        assert!(matches!(gone, LedgerError::Keys(KeyError::Gone)), "{gone}");
    }
    assert!(keys.find(&mobile()).is_err(), "the number leads to nobody");
}

#[test]
fn after_an_erasure_a_backup_of_the_ledger_opens_for_everybody_else() {
    let People {
        home,
        ledger,
        erased,
        other,
        sealed,
    } = people();
    let copy = backup(&home);
    let receipts = ledger.state(erased).unwrap().receipts;
    home.clock.by(8 * YEAR);
    ledger.erase(erased, &ALL).unwrap();
    drop(ledger);
    // The ledger as it was, with the keys of now.
    for name in ["keys.db", "keys.db-wal", "keys.db-shm"] {
        let _ = fs::remove_file(copy.path().join(name));
    }
    fs::copy(&home.files.keys, copy.path().join("keys.db")).unwrap();
    bring_key(&home, copy.path());
    let opened = files(copy.path())
        .open(Arc::new(home.clock.clone()))
        .unwrap();
    assert_eq!(opened.find(&mobile()).unwrap(), None);
    assert!(is_erased(
        opened.unseal(&place(erased, Class::AccountData), &sealed[0])
    ));
    assert!(is_erased(opened.receipt(erased, receipts[0].id)));
    assert!(
        opened
            .history(erased)
            .unwrap()
            .iter()
            .all(|(_, says)| says.is_none())
    );
    assert_eq!(
        *opened
            .unseal(&place(other, Class::AccountData), &sealed[1])
            .unwrap(),
        b"CANARY"
    );
    assert!(opened.history(other).unwrap()[0].1.is_some());
}

#[test]
fn the_bytes_of_a_deleted_key_are_in_no_file() {
    let People {
        home,
        ledger,
        erased,
        other,
        ..
    } = people();
    let raw = rusqlite::Connection::open(&home.files.keys).unwrap();
    let wrapped = |subject: Subject| -> Vec<Vec<u8>> {
        let mut statement = raw
            .prepare("SELECT wrapped FROM secret WHERE substr(name, 2, 16) = ?1")
            .unwrap();
        let rows = statement
            .query_map([subject.as_bytes()], |row| row.get(0))
            .unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before: Vec<Vec<u8>> = [wrapped(erased), wrapped(other)].concat();
    assert_eq!(before.len(), 6, "for each the link and two data keys");
    let found = |needle: &[u8]| {
        let files = contents(home.directory.path());
        files.iter().any(|(_, bytes)| has(bytes, needle))
    };
    assert!(before.iter().all(|wrapped| found(wrapped)));
    let old_key = fs::read_to_string(&home.files.key_encryption_key).unwrap();
    ledger.erase(erased, &ALL).unwrap();
    // The deleted ones, and those that were wrapped again.
    for wrapped in &before {
        assert!(!found(wrapped));
    }
    assert!(!found(old_key.lines().nth(1).unwrap().as_bytes()));
    let after: Vec<_> = wrapped(other);
    assert!(after.len() == 3 && after.iter().all(|wrapped| found(wrapped)));
}

#[test]
fn an_erasure_that_was_interrupted_is_done_again_and_one_of_nobody_does_no_harm() {
    let home = Home::new();
    let ledger = home.open();
    let (subject, _) = consenting(&ledger);
    ledger
        .seal(&place(subject, Class::AccountData), b"data")
        .unwrap();
    // Deleted, and killed before the key-encryption key was destroyed.
    use kyc_consent::KeyWrapper as _;
    let wrapper = FileKeyWrapper::open(&home.files.key_encryption_key).unwrap();
    wrapper.rotate().unwrap();
    drop(ledger);
    let ledger = home.open();
    let text = fs::read_to_string(&home.files.key_encryption_key).unwrap();
    assert_eq!(text.lines().count(), 2, "one key is left");
    for _ in 0..2 {
        ledger.erase(subject, &ALL).unwrap();
    }
    let stranger = Subject::random().unwrap();
    assert_eq!(
        classes(&ledger.erase(stranger, &ALL).unwrap()),
        (vec![], vec![])
    );
    ledger.verify(&[]).unwrap();
    assert_eq!(
        ledger.prove(&need(subject)).unwrap().valid_until(),
        after(60)
    );
}
