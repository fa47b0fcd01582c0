//! The ledger in files: what is refused, what is found, what is not in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kyc_consent::{
    Artefact, Change, Class, ConsentLedger, Digest, Entry, Files, Follower, Head, KeyError,
    LedgerError, LedgerStore, MisfitReason, Place, ReceiptRow, Refusal, Scope, SealError,
    SqliteKeyStore, SqliteStore, StoreError, Subject, SubjectState,
};
use provider_core::Mobile;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{Moved, after, code, consenting, memory_keys, mobile, need, notice, provider};

/// The three files of a ledger, in a directory of their own.
pub(crate) struct Home {
    pub(crate) directory: TempDir,
    pub(crate) files: Files,
    pub(crate) clock: Moved,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        Self {
            directory,
            files,
            clock: Moved::default(),
        }
    }

    pub(crate) fn open(&self) -> ConsentLedger {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<ConsentLedger, LedgerError> {
        self.files.open(Arc::new(self.clock.clone()))
    }
}

pub(crate) fn files(directory: &Path) -> Files {
    Files {
        ledger: directory.join("ledger.db"),
        keys: directory.join("keys.db"),
        key_encryption_key: directory.join("kek"),
    }
}

/// Every file with its bytes.
pub(crate) fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut contents: Vec<_> = paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    contents.sort();
    contents
}

pub(crate) fn has(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_ledger_in_files_is_there_after_a_restart() {
    let home = Home::new();
    let (subject, receipt) = consenting(&home.open());
    let ledger = home.open();
    assert_eq!(ledger.find(&mobile()).unwrap(), Some(subject));
    assert_eq!(ledger.receipt(subject, receipt.id()).unwrap(), receipt);
    let artefact = Artefact {
        provider: provider("finpro"),
        id: "made-up".to_owned(),
        text: Some(Digest::of(b"signed")),
    };
    let entry = ledger
        .record_artefact(subject, receipt.id(), &artefact)
        .unwrap();
    let hold = ledger
        .hold(
            subject,
            Class::Documents,
            code("court-order"),
            code("legal-team"),
            Some(after(9)),
        )
        .unwrap();
    let other = ledger
        .hold(subject, Class::Evidence, code("audit"), code("ops"), None)
        .unwrap();
    ledger.release(subject, other.id).unwrap();
    let withdrawal = ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    let before = ledger.state(subject).unwrap();
    drop(ledger);
    let ledger = home.open();
    assert_eq!(ledger.state(subject).unwrap(), before);
    assert_eq!((before.epoch, before.holds), (1, vec![hold]));
    assert_eq!(
        before.artefacts,
        [(entry, receipt.id(), provider("finpro"))]
    );
    assert_eq!(ledger.aftermath(subject).unwrap(), withdrawal);
    assert!(ledger.prove(&need(subject)).is_err());
    assert_eq!(ledger.verify(&[]).unwrap().seq, 6);
    assert_eq!(ledger.history(subject).unwrap().len(), 6);
}

#[cfg(unix)]
#[test]
fn every_file_is_its_owner_s_alone() {
    use std::os::unix::fs::MetadataExt as _;

    let home = Home::new();
    let ledger = home.open();
    consenting(&ledger);
    for (path, _) in contents(home.directory.path()) {
        let mode = fs::metadata(&path).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path:?}");
    }
}

/// Also for whoever may read the files and nothing else: nothing is made beside them, and no byte changes.
#[cfg(unix)]
#[test]
fn a_ledger_is_read_without_a_right_to_write() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new();
    let ledger = home.open();
    let (subject, receipt) = consenting(&ledger);
    let head = ledger.head().unwrap();
    drop(ledger);
    let mode = |of: &Path, mode| {
        fs::set_permissions(of, fs::Permissions::from_mode(mode)).unwrap();
    };
    let before = contents(home.directory.path());
    let paths: Vec<_> = before.iter().map(|(path, _)| path.clone()).collect();
    paths.iter().for_each(|path| mode(path, 0o400));
    mode(home.directory.path(), 0o500);
    let read = home
        .files
        .open_to_read(Arc::new(home.clock.clone()))
        .unwrap();
    assert_eq!(read.verify(&[head]).unwrap(), head);
    assert_eq!(read.find(&mobile()).unwrap(), Some(subject));
    assert_eq!(read.receipt(subject, receipt.id()).unwrap(), receipt);
    read.export(true, &mut Vec::new()).unwrap();
    read.prove(&need(subject)).unwrap();
    let written = read
        .withdraw(subject, Scope::All, &code("app"))
        .unwrap_err();
    let read_only = StoreError::Refused(Refusal::ReadOnly);
    assert!(
        matches!(&written, LedgerError::Store(error) if *error == read_only),
        "{written}"
    );
    drop(read);
    mode(home.directory.path(), 0o700);
    let kept = contents(home.directory.path());
    let kept: Vec<_> = kept
        .into_iter()
        // The index of a log is made where a directory may be written, as root may.
        .filter(|(path, _)| paths.contains(path))
        .collect();
    assert!(kept == before, "a byte has changed");
    paths.iter().for_each(|path| mode(path, 0o600));
    assert_eq!(home.open().head().unwrap(), head);
}

/// What a process left that died, or that runs: its log is read with the file.
#[cfg(unix)]
#[test]
fn a_ledger_is_read_beside_whoever_writes_it_and_an_older_one_is_named() {
    let home = Home::new();
    let to_read = || home.files.open_to_read(Arc::new(home.clock.clone()));
    let missing = to_read().unwrap_err();
    assert!(matches!(
        missing,
        LedgerError::Store(StoreError::Refused(Refusal::NoDatabase))
    ));
    let ledger = home.open();
    let read = to_read().unwrap();
    let (subject, _) = consenting(&ledger);
    assert_eq!(read.head().unwrap(), ledger.head().unwrap());
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert!(read.prove(&need(subject)).is_err());
    drop((read, ledger));
    let connection = Connection::open(&home.files.ledger).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    drop(connection);
    let older = to_read().unwrap_err();
    assert!(matches!(
        older,
        LedgerError::Store(StoreError::Refused(Refusal::OlderSchema))
    ));
    fs::remove_file(&home.files.key_encryption_key).unwrap();
    let connection = Connection::open(&home.files.ledger).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    let lost = to_read().unwrap_err();
    assert!(
        matches!(lost, LedgerError::Keys(KeyError::Lost { persons: 1 })),
        "{lost}"
    );
}

#[test]
fn a_rollback_leaves_nothing() {
    let home = Home::new();
    let ledger = home.open();
    let (subject, receipt) = consenting(&ledger);
    // The receipt's row exists already, so the transaction fails after the entry.
    let store = SqliteStore::open(&home.files.ledger).unwrap();
    let before = ledger.state(subject).unwrap();
    let change = Change {
        entries: vec![Entry {
            seq: 2,
            ..ledger.history(subject).unwrap()[0].0.clone()
        }],
        receipts: before.receipts.clone(),
        ended: vec![(receipt.id(), after(1), kyc_consent::EndReason::Withdrawn)],
        epoch: Some((subject, 7)),
        ..Change::after(ledger.head().unwrap())
    };
    let error = store.commit(&change).unwrap_err();
    assert!(
        matches!(&error, StoreError::Failed(what) if what.starts_with("ConstraintViolation")),
        "{error}"
    );
    assert_eq!(ledger.state(subject).unwrap(), before);
    assert_eq!(ledger.verify(&[]).unwrap().seq, 1);
}

#[test]
fn a_caller_writes_more_in_the_same_transaction() {
    /// Stores an order to stop, in a table of its own, with each withdrawal.
    #[derive(Debug)]
    struct Stopping(SqliteStore, PathBuf);
    impl LedgerStore for Stopping {
        fn head(&self) -> Result<Head, StoreError> {
            self.0.head()
        }
        fn subject(&self, subject: Subject) -> Result<SubjectState, StoreError> {
            self.0.subject(subject)
        }
        fn receipts(&self, subject: Subject) -> Result<(u64, Vec<ReceiptRow>), StoreError> {
            self.0.receipts(subject)
        }
        fn commit(&self, change: &Change) -> Result<(), StoreError> {
            let mut connection = Connection::open(&self.1)?;
            let transaction = connection.transaction()?;
            SqliteStore::apply(&transaction, change)?;
            if let Some((subject, epoch)) = change.epoch {
                let stop = "INSERT INTO stop VALUES (?1, ?2)";
                transaction.execute(stop, rusqlite::params![subject.as_bytes(), epoch as i64])?;
            }
            Ok(transaction.commit()?)
        }
        fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
            self.0.entries(after, limit)
        }
        fn entries_of(&self, subject: Subject) -> Result<Vec<Entry>, StoreError> {
            self.0.entries_of(subject)
        }
        fn persons(&self) -> Result<u64, StoreError> {
            self.0.persons()
        }
        fn written(&self, source: &Digest) -> Result<Option<u64>, StoreError> {
            self.0.written(source)
        }
        fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError> {
            self.0.follower(name)
        }
        fn followers(&self, subject: Subject) -> Result<Vec<Follower>, StoreError> {
            self.0.followers(subject)
        }
        fn untold(&self, after: &str, limit: usize) -> Result<Vec<Follower>, StoreError> {
            self.0.untold(after, limit)
        }
    }
    let home = Home::new();
    let path = home.files.ledger.clone();
    let store = SqliteStore::open(&path).unwrap();
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE stop (subject BLOB PRIMARY KEY, epoch INTEGER)")
        .unwrap();
    let store = Arc::new(Stopping(store, path));
    let ledger = ConsentLedger::open(store, memory_keys()).unwrap();
    let (subject, _) = consenting(&ledger);
    let stops = || {
        raw.query_row("SELECT count(*) FROM stop", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert_eq!((stops(), ledger.state(subject).unwrap().epoch), (1, 1));
    // Where the caller's part fails, nothing of the ledger's is written.
    let again = kyc_consent::Receipt::new(subject, crate::support::terms()).unwrap();
    ledger.give(&again).unwrap();
    ledger
        .withdraw(subject, Scope::All, &code("app"))
        .unwrap_err();
    assert_eq!((stops(), ledger.state(subject).unwrap().epoch), (1, 1));
    ledger.verify(&[]).unwrap();
}

// Refused before anything is written

fn refusal(path: &Path) -> Option<Refusal> {
    match SqliteStore::open(path) {
        Err(StoreError::Refused(refusal)) => Some(refusal),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    }
}

/// Asserts that a file is refused and that it and what lies beside it stay as they are.
fn is_refused(path: &Path, expected: Refusal) {
    let directory = path.parent().unwrap();
    let before = contents(directory);
    assert_eq!(refusal(path), Some(expected));
    assert!(contents(directory) == before, "something was written");
}

#[test]
fn no_database_another_application_s_and_a_newer_schema_are_refused_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("some.db");
    fs::write(
        &path,
        "not a database, but longer than the hundred bytes that one begins with: ".repeat(3),
    )
    .unwrap();
    is_refused(&path, Refusal::NoDatabase);
    fs::write(&path, "short").unwrap();
    is_refused(&path, Refusal::NoDatabase);
    fs::remove_file(&path).unwrap();
    for (id, mode) in [(0, "DELETE"), (1234, "DELETE"), (1234, "WAL")] {
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update_and_check(None, "journal_mode", mode, |_| Ok(()))
            .unwrap();
        connection
            .pragma_update(None, "application_id", id)
            .unwrap();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        connection.close().unwrap();
        is_refused(&path, Refusal::OtherApplication);
        fs::remove_file(&path).unwrap();
    }
    drop(SqliteKeyStore::open(&path).unwrap());
    is_refused(&path, Refusal::OtherApplication);
    fs::remove_file(&path).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    assert!(matches!(
        SqliteKeyStore::open(&path),
        Err(StoreError::Refused(Refusal::OtherApplication))
    ));
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 4).unwrap();
    connection.close().unwrap();
    is_refused(&path, Refusal::NewerSchema);
}

#[test]
fn what_another_application_left_in_its_log_stays_there() {
    let theirs = tempfile::tempdir().unwrap();
    let path = theirs.path().join("some.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "application_id", 1234)
        .unwrap();
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .unwrap();
    connection
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .unwrap();
    // As a crash leaves it: whoever opened it as a database would move the log into the file.
    let left = tempfile::tempdir().unwrap();
    for name in ["some.db", "some.db-wal"] {
        fs::copy(theirs.path().join(name), left.path().join(name)).unwrap();
    }
    is_refused(&left.path().join("some.db"), Refusal::OtherApplication);
}

#[test]
fn a_newer_schema_that_is_only_in_the_log_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("some.db");
    drop(SqliteStore::open(&path).unwrap());
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    newer.pragma_update(None, "user_version", 4).unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(refusal(&path), Some(Refusal::NewerSchema));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_empty_file_is_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("some.db");
    fs::write(&path, "").unwrap();
    assert_eq!(refusal(&path), None);
    assert_eq!(refusal(&path), None);
}

#[test]
fn a_directory_that_is_not_there_is_an_error_without_its_path() {
    let error = SqliteStore::open("/nowhere/CANARY/ledger.db").unwrap_err();
    assert_eq!(error.to_string(), "the store failed: entity not found");
}

#[test]
fn a_lost_file_of_keys_says_how_many_persons_it_held_and_none_is_made_in_its_place() {
    let with_three = || {
        let home = Home::new();
        let ledger = home.open();
        for last in 1..=3 {
            let mobile = Mobile::parse(&format!("90000000{last:02}")).unwrap();
            let subject = ledger.subject(&mobile).unwrap();
            ledger.request(subject, &notice()).unwrap();
        }
        home
    };
    type Pick = fn(&Files) -> &PathBuf;
    let picks: [Pick; 2] = [|files| &files.keys, |files| &files.key_encryption_key];
    for pick in picks {
        let home = with_three();
        let lost = pick(&home.files);
        fs::remove_file(lost).unwrap();
        let error = home.try_open().unwrap_err();
        assert!(
            matches!(error, LedgerError::Keys(KeyError::Lost { persons: 3 })),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            "the keys are lost: data of 3 persons cannot be opened"
        );
        assert!(!lost.exists());
        // Another installation's in its place.
        let other = with_three();
        fs::copy(pick(&other.files), lost).unwrap();
        let error = home.try_open().unwrap_err();
        let expected = matches!(
            error,
            LedgerError::Keys(KeyError::Lost { persons: 3 })
                | LedgerError::Store(StoreError::Refused(Refusal::OtherLedger))
        );
        assert!(expected, "{error}");
    }
    let home = with_three();
    fs::remove_file(&home.files.ledger).unwrap();
    let error = home.try_open().unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Store(StoreError::Refused(Refusal::LedgerMissing))
    ));
    assert!(!home.files.ledger.exists());
}

// Tampering

fn tampered(statement: &str) -> Option<(u64, MisfitReason)> {
    let home = Home::new();
    let ledger = home.open();
    let (subject, _) = consenting(&ledger);
    for _ in 0..5 {
        ledger.request(subject, &notice()).unwrap();
    }
    let kept = ledger.head().unwrap();
    Connection::open(&home.files.ledger)
        .unwrap()
        .execute_batch(statement)
        .unwrap();
    match ledger.verify(&[kept]) {
        Ok(_) => None,
        Err(LedgerError::Misfit(misfit)) => Some((misfit.seq, misfit.reason)),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_was_done_to_the_file_is_found() {
    assert_eq!(tampered(""), None);
    for (statement, seq, reason) in [
        (
            "UPDATE entry SET at = at + 1 WHERE seq = 3",
            3,
            MisfitReason::Altered,
        ),
        (
            "UPDATE entry SET kind = 2 WHERE seq = 4",
            4,
            MisfitReason::Altered,
        ),
        (
            "UPDATE entry SET subject = zeroblob(16) WHERE seq = 1",
            1,
            MisfitReason::Altered,
        ),
        ("DELETE FROM entry WHERE seq = 2", 2, MisfitReason::Missing),
        (
            "DELETE FROM entry WHERE seq > 4",
            5,
            MisfitReason::Truncated,
        ),
        ("DELETE FROM entry", 1, MisfitReason::Truncated),
    ] {
        assert_eq!(tampered(statement), Some((seq, reason)), "{statement}");
    }
}

#[test]
fn a_body_in_place_of_another_does_not_open() {
    let home = Home::new();
    let ledger = home.open();
    let (subject, _) = consenting(&ledger);
    ledger.request(subject, &notice()).unwrap();
    let swap = "UPDATE entry SET sealed = (SELECT sealed FROM entry WHERE seq = 2) WHERE seq = 1";
    Connection::open(&home.files.ledger)
        .unwrap()
        .execute_batch(swap)
        .unwrap();
    let error = ledger.history(subject).unwrap_err();
    assert!(
        matches!(error, LedgerError::Seal(SealError::Altered)),
        "{error}"
    );
}

// What is not in the files

#[test]
fn no_number_no_name_and_no_key_is_in_a_file() {
    let home = Home::new();
    let ledger = home.open();
    let (subject, receipt) = consenting(&ledger);
    let artefact = Artefact {
        provider: provider("finpro"),
        id: "CANARY-ARTEFACT".to_owned(),
        text: Some(Digest::of(b"signed")),
    };
    ledger
        .record_artefact(subject, receipt.id(), &artefact)
        .unwrap();
    let place = Place {
        table: "profile",
        row: b"1",
        subject,
        class: Class::Identity,
        version: 1,
    };
    let sealed = ledger.seal(&place, b"CANARY-NAME").unwrap();
    assert_eq!(*ledger.unseal(&place, &sealed).unwrap(), b"CANARY-NAME");
    assert!(!has(&sealed, b"CANARY-NAME"));
    let kek = fs::read_to_string(&home.files.key_encryption_key).unwrap();
    let kek = kek.lines().nth(1).unwrap().split_once(' ').unwrap().1;
    let mut canaries: Vec<Vec<u8>> = [
        "9000000001",
        "+919000000001",
        "CANARY",
        "lender Ltd",
        "Made-up Road",
        "We read your statements",
        kek,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    let kek: Vec<u8> = (0..kek.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&kek[at..at + 2], 16).unwrap())
        .collect();
    canaries.push(kek);
    for class in [Class::Ledger, Class::Identity] {
        let key = ledger.keys().existing(subject, class).unwrap().unwrap();
        canaries.push(key.expose().to_vec());
    }
    let files = contents(home.directory.path());
    let names: Vec<_> = files
        .iter()
        .filter_map(|(path, _)| path.file_name()?.to_str())
        .collect();
    assert!(
        names.contains(&"ledger.db-wal") && names.contains(&"keys.db-wal"),
        "{names:?}"
    );
    for (path, bytes) in files {
        for canary in &canaries {
            let own = path.ends_with("kek") && canary.len() == 64;
            assert!(
                own || !has(&bytes, canary),
                "{path:?}: {}",
                String::from_utf8_lossy(canary)
            );
        }
    }
    // They would be found: what is public is there.
    let ledger_file = contents(home.directory.path());
    assert!(
        ledger_file
            .iter()
            .any(|(_, bytes)| has(bytes, b"loan-underwriting"))
    );
}
