//! The ledger and its keys, each in a SQLite file of its own.

use std::fmt;
use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
#[cfg(unix)]
use provider_core::Clock;
use provider_core::InvalidRequest;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};
use sqlite_file::{Application, Candidate, OpenError, open_to_read};

use crate::chain::Head;
use crate::entry::{Entry, EntryKind};
use crate::error::{KeyError, LedgerError, Refusal, StoreError};
use crate::ids::{
    Code, DataKind, Digest, HoldId, LedgerId, ProviderName, Purpose, ReceiptId, Rule, Subject,
};
#[cfg(unix)]
use crate::keys::Keys;
use crate::keys::{DATA, KeyRow, KeyStore, other_ledger};
#[cfg(unix)]
use crate::ledger::ConsentLedger;
use crate::retention::{Class, Hold};
use crate::store::{
    Change, EndReason, Follower, LedgerStore, ReceiptRow, Reservation, SubjectState,
};
#[cfg(unix)]
use crate::wrapper::FileKeyWrapper;
use crate::wrapper::Wrapped;

/// Settings of whoever writes.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", "2"),
    ("secure_delete", "ON", "1"),
];

/// `KYCL`.
const LEDGER: Application = Application {
    id: 0x4b59_434c,
    schemas: &[
        "
CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL CHECK (length(id) = 16)
) STRICT;
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    subject BLOB NOT NULL,
    receipt BLOB,
    body BLOB NOT NULL,
    prev BLOB NOT NULL,
    digest BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX entry_of_subject ON entry (subject);
CREATE TABLE person (
    id BLOB PRIMARY KEY,
    epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE receipt (
    id BLOB NOT NULL UNIQUE,
    subject BLOB NOT NULL,
    entry INTEGER NOT NULL,
    rule TEXT,
    purposes TEXT NOT NULL,
    kinds TEXT NOT NULL,
    providers TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by INTEGER,
    PRIMARY KEY (subject, entry)
) STRICT, WITHOUT ROWID;
CREATE TABLE hold (
    id BLOB PRIMARY KEY,
    subject BLOB NOT NULL,
    class INTEGER NOT NULL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    until INTEGER
) STRICT;
CREATE INDEX hold_of_subject ON hold (subject);
CREATE TABLE artefact (
    entry INTEGER PRIMARY KEY,
    subject BLOB NOT NULL,
    receipt BLOB NOT NULL,
    provider TEXT NOT NULL
) STRICT;
CREATE INDEX artefact_of_subject ON artefact (subject);
",
        "
CREATE TABLE follower (
    name TEXT PRIMARY KEY,
    subject BLOB NOT NULL,
    receipt BLOB,
    is_owed INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX follower_of_subject ON follower (subject);
CREATE INDEX follower_of_receipt ON follower (receipt);
CREATE INDEX follower_owed ON follower (name) WHERE is_owed = 1;
CREATE TABLE source (
    name BLOB PRIMARY KEY,
    entry INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
",
        // A person's epoch lies with the receipts that ended in it, where a proof reads it without a second search.
        "
ALTER TABLE receipt ADD COLUMN epoch INTEGER;
UPDATE receipt SET epoch = (SELECT epoch FROM person WHERE id = subject) WHERE ended_at IS NOT NULL;
ALTER TABLE person DROP COLUMN epoch;
",
    ],
    settings: SETTINGS,
    is_clear: false,
    step: |_| {},
};

/// `KYCK`.
const KEYS: Application = Application {
    id: 0x4b59_434b,
    schemas: &["
CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL CHECK (length(id) = 16)
) STRICT;
CREATE TABLE secret (
    name BLOB PRIMARY KEY,
    key_id TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"],
    settings: SETTINGS,
    is_clear: false,
    step: |_| {},
};

impl From<rusqlite::Error> for StoreError {
    /// Names the failure, without a path, a statement or a value.
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::NotADatabase => Self::Refused(Refusal::NoDatabase),
                ErrorCode::DatabaseCorrupt => Self::Unreadable("the database is corrupt"),
                ErrorCode::ReadOnly => Self::Refused(Refusal::ReadOnly),
                ErrorCode::DiskFull => Self::Failed("the disk is full".to_owned()),
                ErrorCode::SystemIoFailure => Self::Failed("disk I/O error".to_owned()),
                ErrorCode::CannotOpen => {
                    Self::Failed("the file, or what lies beside it, cannot be opened".to_owned())
                }
                code => Self::Failed(format!("{code:?} ({})", failure.extended_code)),
            },
            rusqlite::Error::QueryReturnedNoRows => Self::Unreadable("a row that must be there"),
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..) => Self::Unreadable("a column"),
            _ => Self::Failed("the statement was refused".to_owned()),
        }
    }
}

impl From<OpenError> for StoreError {
    /// Names the failure, without a path.
    fn from(error: OpenError) -> Self {
        Self::Refused(match error {
            OpenError::NetworkFileSystem { .. } => Refusal::NetworkFileSystem,
            OpenError::ReadOnly { .. } => Refusal::ReadOnly,
            OpenError::NotADatabase { .. } => Refusal::NoDatabase,
            OpenError::MissingDatabase { .. } => Refusal::MissingDatabase,
            OpenError::DanglingLink { .. } => Refusal::DanglingLink,
            OpenError::SeveralNames { .. } => Refusal::SeveralNames,
            OpenError::OtherApplication { .. } => Refusal::OtherApplication,
            OpenError::NewerSchema { .. } => Refusal::NewerSchema,
            OpenError::OlderSchema { .. } => Refusal::OlderSchema,
            OpenError::LogUnread { .. } => Refusal::LogUnread,
            OpenError::OldSqlite { .. } => Refusal::OldSqlite,
            OpenError::Setting { pragma, .. } => Refusal::Setting(pragma),
            OpenError::File { source, .. } => return Self::Failed(source.kind().to_string()),
            _ => return Self::Failed("the database cannot be opened".to_owned()),
        })
    }
}

fn held(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves everything out of the log and cuts it off, so that what was deleted is not there either.
fn truncate(connection: &Connection) -> Result<(), StoreError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        0 => Ok(()),
        _ => Err(StoreError::Failed(
            "somebody still reads the log".to_owned(),
        )),
    }
}

fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Unreadable("a time"))
}

fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Unreadable("a place"))
}

fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Unreadable("a place"))
}

/// A ledger in a SQLite file: write-ahead log, `synchronous=FULL` and `secure_delete=ON`, read back when it is opened. A file of
/// another application, of a newer schema, or that is no database is refused before anything is written.
pub struct SqliteStore {
    ledger: LedgerId,
    /// Of its own, so that a proof does not wait for somebody's commit. Closed first: only whoever writes moves the log into the file.
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file, or creates it, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`], and nothing was written; or the file system or the database failed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        // Several processes may have the file; each has the lock while it opens it.
        let opened = Candidate::new(path.as_ref(), &LEDGER)?.wait()?;
        let id = LedgerId::random().map_err(|error| StoreError::Failed(error.to_string()))?;
        let begin = "INSERT INTO ledger SELECT 1, ?1 WHERE NOT EXISTS (SELECT 1 FROM ledger)";
        opened.writer.execute(begin, [id.as_bytes()])?;
        Self::over(opened.writer, opened.reader)
    }

    /// Opens a file that is there, and writes nothing.
    #[cfg(unix)]
    fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let open = || open_to_read(path, &LEDGER);
        Self::over(open()?, open()?)
    }

    fn over(writer: Connection, reader: Connection) -> Result<Self, StoreError> {
        // In KiB. Room for the upper levels of the tree of ten million receipts.
        reader.pragma_update(None, "cache_size", -131_072)?;
        let id = writer.query_row("SELECT id FROM ledger", [], |row| row.get(0))?;
        Ok(Self {
            ledger: LedgerId::from_bytes(id),
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        })
    }

    /// Writes a change in a transaction of the caller's, who commits it, in the file of a ledger: for a store that writes more in
    /// the same transaction, such as the events that a withdrawal sends to whatever is under way.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the head is not the expected one, or the database failed. Roll the transaction back.
    pub fn apply(transaction: &Transaction<'_>, change: &Change) -> Result<(), StoreError> {
        let id = transaction.query_row("SELECT id FROM ledger", [], |row| row.get(0))?;
        if head_of(transaction, LedgerId::from_bytes(id))? != change.expected {
            return Err(StoreError::Conflict);
        }
        for entry in &change.entries {
            transaction
                .prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
                .execute(params![
                    signed(entry.seq)?,
                    entry.at.as_microsecond(),
                    entry.kind.number(),
                    entry.subject.as_bytes(),
                    entry.receipt.as_ref().map(ReceiptId::as_bytes),
                    entry.body.as_bytes(),
                    entry.prev.as_bytes(),
                    entry.digest.as_bytes(),
                    entry.sealed,
                ])?;
            transaction
                .prepare_cached("INSERT OR IGNORE INTO person VALUES (?1)")?
                .execute([entry.subject.as_bytes()])?;
        }
        for row in &change.receipts {
            transaction
                .prepare_cached(
                    "INSERT INTO receipt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, NULL, NULL)",
                )?
                .execute(params![
                    row.id.as_bytes(),
                    row.subject.as_bytes(),
                    signed(row.entry)?,
                    row.rule.as_ref().map(Rule::as_str),
                    joined(row.purposes.iter().map(Purpose::as_str)),
                    joined(row.kinds.iter().map(DataKind::as_str)),
                    joined(row.providers.iter().map(ProviderName::as_str)),
                    row.given_at.as_microsecond(),
                    row.expires_at.as_microsecond(),
                ])?;
        }
        let epoch = change.epoch.map(|(_, epoch)| signed(epoch)).transpose()?;
        for (id, at, reason) in &change.ended {
            transaction
                .prepare_cached(
                    "UPDATE receipt SET ended_at = ?2, ended_by = ?3, epoch = ?4 WHERE id = ?1",
                )?
                .execute(params![
                    id.as_bytes(),
                    at.as_microsecond(),
                    reason.number(),
                    epoch
                ])?;
        }
        if let Some(hold) = &change.held {
            transaction.execute(
                "INSERT INTO hold VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    hold.id.as_bytes(),
                    hold.subject.as_bytes(),
                    hold.class.number(),
                    hold.reason.as_str(),
                    hold.by.as_str(),
                    hold.until.map(Timestamp::as_microsecond),
                ],
            )?;
        }
        if let Some((subject, hold)) = change.released {
            transaction.execute(
                "DELETE FROM hold WHERE id = ?1 AND subject = ?2",
                params![hold.as_bytes(), subject.as_bytes()],
            )?;
        }
        if let Some((entry, receipt, provider)) = &change.artefact {
            transaction.execute(
                "INSERT INTO artefact SELECT ?1, subject, id, ?3 FROM receipt WHERE id = ?2",
                params![signed(*entry)?, receipt.as_bytes(), provider.as_str()],
            )?;
        }
        if let Some((_, entry)) = change.ended_artefact {
            transaction.execute("DELETE FROM artefact WHERE entry = ?1", [signed(entry)?])?;
        }
        if let Some(source) = &change.source {
            transaction
                .prepare_cached("INSERT INTO source VALUES (?1, ?2)")?
                .execute(params![source.as_bytes(), signed(change.head().seq)?])?;
        }
        Self::apply_to_followers(transaction, change)
    }

    fn apply_to_followers(
        transaction: &Transaction<'_>,
        change: &Change,
    ) -> Result<(), StoreError> {
        if let Some(follower) = &change.follower {
            transaction.execute(
                "INSERT INTO follower (name, subject, receipt) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET subject = ?2, receipt = ?3",
                params![
                    follower.name,
                    follower.subject.as_bytes(),
                    follower.receipt.as_ref().map(ReceiptId::as_bytes),
                ],
            )?;
        }
        if let Some((from, to)) = change.moved {
            transaction.execute(
                "UPDATE follower SET receipt = ?2 WHERE receipt = ?1",
                [from.as_bytes(), to.as_bytes()],
            )?;
        }
        for receipt in &change.owed {
            transaction.execute(
                "UPDATE follower SET is_owed = 1 WHERE receipt = ?1",
                [receipt.as_bytes()],
            )?;
        }
        if let Some(told) = &change.told {
            transaction.execute("UPDATE follower SET is_owed = 0 WHERE name = ?1", [told])?;
        }
        Ok(())
    }
}

impl LedgerStore for SqliteStore {
    fn head(&self) -> Result<Head, StoreError> {
        head_of(&held(&self.writer), self.ledger)
    }

    fn subject(&self, subject: Subject) -> Result<SubjectState, StoreError> {
        let mut connection = held(&self.writer);
        // All of it as of one moment.
        let transaction = connection.transaction()?;
        let (epoch, receipts) = receipts(&transaction, subject)?;
        let mut statement = transaction.prepare_cached(
            "SELECT id, class, reason, by, until FROM hold WHERE subject = ?1 ORDER BY rowid",
        )?;
        let holds = read(&mut statement, subject, |row| hold(subject, row))?;
        let mut statement = transaction.prepare_cached(
            "SELECT entry, receipt, provider FROM artefact WHERE subject = ?1 ORDER BY entry",
        )?;
        let artefacts = read(&mut statement, subject, |row| {
            let provider = ProviderName::new(&row.get::<_, String>(2)?);
            Ok((
                unsigned(row.get(0)?)?,
                ReceiptId::from_bytes(row.get(1)?),
                provider.map_err(|_| StoreError::Unreadable("a provider"))?,
            ))
        })?;
        Ok(SubjectState {
            epoch,
            receipts,
            holds,
            artefacts,
        })
    }

    fn receipts(&self, subject: Subject) -> Result<(u64, Vec<ReceiptRow>), StoreError> {
        receipts(&held(&self.reader), subject)
    }

    fn commit(&self, change: &Change) -> Result<(), StoreError> {
        let mut connection = held(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Self::apply(&transaction, change)?;
        Ok(transaction.commit()?)
    }

    fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let connection = held(&self.reader);
        let mut statement = connection
            .prepare_cached("SELECT * FROM entry WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![signed(after)?, limit])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(entry(row)?);
        }
        Ok(entries)
    }

    fn entries_of(&self, subject: Subject) -> Result<Vec<Entry>, StoreError> {
        let connection = held(&self.reader);
        let mut statement =
            connection.prepare_cached("SELECT * FROM entry WHERE subject = ?1 ORDER BY seq")?;
        read(&mut statement, subject, entry)
    }

    fn persons(&self) -> Result<u64, StoreError> {
        let connection = held(&self.reader);
        unsigned(connection.query_row("SELECT count(*) FROM person", [], |row| row.get(0))?)
    }

    fn written(&self, source: &Digest) -> Result<Option<u64>, StoreError> {
        let connection = held(&self.writer);
        let mut statement =
            connection.prepare_cached("SELECT entry FROM source WHERE name = ?1")?;
        let entry = statement.query_row([source.as_bytes()], |row| row.get(0));
        entry.optional()?.map(unsigned).transpose()
    }

    fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError> {
        let connection = held(&self.reader);
        let mut statement = connection
            .prepare_cached("SELECT name, subject, receipt FROM follower WHERE name = ?1")?;
        Ok(statement.query_row([name], follower).optional()?)
    }

    fn followers(&self, subject: Subject) -> Result<Vec<Follower>, StoreError> {
        let connection = held(&self.reader);
        let mut statement = connection.prepare_cached(
            "SELECT name, subject, receipt FROM follower WHERE subject = ?1 ORDER BY name",
        )?;
        let found = statement.query_map([subject.as_bytes()], follower)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn untold(&self, after: &str, limit: usize) -> Result<Vec<Follower>, StoreError> {
        let connection = held(&self.reader);
        let mut statement = connection.prepare_cached(
            "SELECT name, subject, receipt FROM follower WHERE is_owed = 1 AND name > ?1
             ORDER BY name LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = statement.query_map(params![after, limit], follower)?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

fn follower(row: &Row<'_>) -> rusqlite::Result<Follower> {
    Ok(Follower {
        name: row.get(0)?,
        subject: Subject::from_bytes(row.get(1)?),
        receipt: row.get::<_, Option<_>>(2)?.map(ReceiptId::from_bytes),
    })
}

fn head_of(connection: &Connection, ledger: LedgerId) -> Result<Head, StoreError> {
    let last: Option<(i64, [u8; 32])> = connection
        .prepare_cached("SELECT seq, digest FROM entry ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match last {
        None => Ok(Head::of_empty(ledger)),
        Some((seq, digest)) => Ok(Head {
            ledger,
            seq: unsigned(seq)?,
            digest: Digest::from_bytes(digest),
        }),
    }
}

/// One statement is one moment, and one search.
const RECEIPTS: &str = "
SELECT id, entry, rule, purposes, kinds, providers, given_at, expires_at, ended_at, ended_by, epoch
FROM receipt WHERE subject = ?1 ORDER BY entry";

fn receipts(
    connection: &Connection,
    subject: Subject,
) -> Result<(u64, Vec<ReceiptRow>), StoreError> {
    let mut statement = connection.prepare_cached(RECEIPTS)?;
    let mut epoch = 0;
    let rows = read(&mut statement, subject, |row| {
        epoch = epoch.max(unsigned(row.get::<_, Option<i64>>(10)?.unwrap_or(0))?);
        receipt(subject, row)
    })?;
    Ok((epoch, rows))
}

fn read<T>(
    statement: &mut rusqlite::Statement<'_>,
    subject: Subject,
    mut to: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = statement.query([subject.as_bytes()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(to(row)?);
    }
    Ok(found)
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let kind = EntryKind::from_number(row.get(2)?);
    Ok(Entry {
        seq: unsigned(row.get(0)?)?,
        at: time(row.get(1)?)?,
        kind: kind.ok_or(StoreError::Unreadable("a kind of entry"))?,
        subject: Subject::from_bytes(row.get(3)?),
        receipt: row.get::<_, Option<_>>(4)?.map(ReceiptId::from_bytes),
        body: Digest::from_bytes(row.get(5)?),
        prev: Digest::from_bytes(row.get(6)?),
        digest: Digest::from_bytes(row.get(7)?),
        sealed: row.get(8)?,
    })
}

fn receipt(subject: Subject, row: &Row<'_>) -> Result<ReceiptRow, StoreError> {
    let ended = match (row.get(8)?, row.get::<_, Option<u8>>(9)?) {
        (None, None) => None,
        (Some(at), Some(by)) => {
            let by = EndReason::from_number(by);
            Some((
                time(at)?,
                by.ok_or(StoreError::Unreadable("why a receipt ended"))?,
            ))
        }
        _ => return Err(StoreError::Unreadable("when a receipt ended")),
    };
    Ok(ReceiptRow {
        id: ReceiptId::from_bytes(row.get(0)?),
        subject,
        entry: unsigned(row.get(1)?)?,
        rule: codes(row, 2, Rule::new)?.pop(),
        purposes: codes(row, 3, Purpose::new)?,
        kinds: codes(row, 4, DataKind::new)?,
        providers: codes(row, 5, ProviderName::new)?,
        given_at: time(row.get(6)?)?,
        expires_at: time(row.get(7)?)?,
        ended,
    })
}

/// The codes of a column, none if it is null.
fn codes<T>(
    row: &Row<'_>,
    column: usize,
    code: impl Fn(&str) -> Result<T, InvalidRequest>,
) -> Result<Vec<T>, StoreError> {
    let unreadable = || StoreError::Unreadable("the codes of a receipt");
    let text = row
        .get_ref(column)?
        .as_str_or_null()
        .map_err(|_| unreadable())?;
    let words = text.unwrap_or_default().split(' ');
    let words = words.filter(|word| !word.is_empty());
    words
        .map(|word| code(word).map_err(|_| unreadable()))
        .collect()
}

fn hold(subject: Subject, row: &Row<'_>) -> Result<Hold, StoreError> {
    let code = |at| {
        let code = Code::new(&row.get::<_, String>(at)?);
        code.map_err(|_| StoreError::Unreadable("a code of a hold"))
    };
    let class = Class::from_number(row.get(1)?);
    Ok(Hold {
        id: HoldId::from_bytes(row.get(0)?),
        subject,
        class: class.ok_or(StoreError::Unreadable("a class"))?,
        reason: code(2)?,
        by: code(3)?,
        until: row.get::<_, Option<i64>>(4)?.map(time).transpose()?,
    })
}

fn joined<'a>(codes: impl Iterator<Item = &'a str>) -> String {
    codes.collect::<Vec<_>>().join(" ")
}

/// The three files of a ledger. They belong on two volumes: the ledger where backups are made; its keys apart from it, with
/// the key-encryption key in no backup that outlives an erasure.
#[cfg(unix)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The ledger: entries, and what calls are decided by.
    pub ledger: PathBuf,
    /// The wrapped keys, and the index of persons.
    pub keys: PathBuf,
    /// The key-encryption key, see [`FileKeyWrapper`].
    pub key_encryption_key: PathBuf,
}

#[cfg(unix)]
impl Files {
    /// Opens the ledger, or creates all three files if there is none of them.
    ///
    /// # Errors
    ///
    /// As for [`ConsentLedger::open`] and of the three files. If one is missing beside the others, nothing is created in its
    /// place: [`KeyError::Lost`] says how many persons' data the missing keys held. Files in which nothing was written yet are those of a
    /// process that died while it created them: what is missing of them is created.
    pub fn open(&self, clock: Arc<dyn Clock>) -> Result<ConsentLedger, LedgerError> {
        let [ledger, keys, kek] =
            [&self.ledger, &self.keys, &self.key_encryption_key].map(|path| path.exists());
        if !ledger && (keys || kek) {
            return Err(StoreError::Refused(Refusal::LedgerMissing).into());
        }
        let store = SqliteStore::open(&self.ledger)?;
        let is_new = store.head()?.seq == 0 && store.persons()? == 0;
        let lost = |persons| LedgerError::Keys(KeyError::Lost { persons });
        if !keys && !is_new {
            return Err(lost(store.persons()?));
        }
        let keys = SqliteKeyStore::open(&self.keys)?;
        if !kek {
            if !is_new || keys.persons()? > 0 {
                return Err(lost(keys.persons()?));
            }
            FileKeyWrapper::create(&self.key_encryption_key)?;
        }
        let wrapper = FileKeyWrapper::open(&self.key_encryption_key)?;
        let keys = Keys::new(Arc::new(keys), Arc::new(wrapper));
        ConsentLedger::open_with_clock(Arc::new(store), keys, clock)
    }

    /// Opens a ledger that is there to read it, which needs no right to write: nothing is written to any of the files, and what would
    /// write is refused.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); also [`Refusal::OlderSchema`] and [`Refusal::LogUnread`], of files that have to be opened once where
    /// they may be written.
    pub fn open_to_read(&self, clock: Arc<dyn Clock>) -> Result<ConsentLedger, LedgerError> {
        let store = SqliteStore::open_to_read(&self.ledger)?;
        if !self.keys.exists() {
            let persons = store.persons()?;
            return Err(KeyError::Lost { persons }.into());
        }
        let keys = open_to_read(&self.keys, &KEYS).map_err(StoreError::from)?;
        let keys = SqliteKeyStore {
            connection: Mutex::new(keys),
            path: self.keys.clone(),
        };
        if !self.key_encryption_key.exists() {
            let persons = keys.persons()?;
            return Err(KeyError::Lost { persons }.into());
        }
        let wrapper = FileKeyWrapper::open(&self.key_encryption_key)?;
        let keys = Keys::new(Arc::new(keys), Arc::new(wrapper));
        ConsentLedger::open_to_read(Arc::new(store), keys, clock)
    }
}

/// Wrapped keys in a SQLite file of their own. What was deleted is neither in the file nor in its log when a method returns.
pub struct SqliteKeyStore {
    connection: Mutex<Connection>,
    /// The file, whatever links lead to it.
    path: PathBuf,
}

impl fmt::Debug for SqliteKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteKeyStore(..)")
    }
}

impl SqliteKeyStore {
    /// Opens the file, or creates it, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let opened = Candidate::new(path.as_ref(), &KEYS)?.wait()?;
        let path = fs::canonicalize(path).map_err(unlocked)?;
        Ok(Self {
            connection: Mutex::new(opened.writer),
            path,
        })
    }
}

fn unlocked(error: io::Error) -> StoreError {
    StoreError::Failed(error.kind().to_string())
}

impl KeyStore for SqliteKeyStore {
    fn ledger(&self) -> Result<Option<LedgerId>, StoreError> {
        let connection = held(&self.connection);
        let id = connection.query_row("SELECT id FROM ledger", [], |row| row.get(0));
        Ok(id.optional()?.map(LedgerId::from_bytes))
    }

    fn tie(&self, ledger: LedgerId) -> Result<(), StoreError> {
        let insert = "INSERT OR IGNORE INTO ledger VALUES (1, ?1)";
        held(&self.connection).execute(insert, [ledger.as_bytes()])?;
        match self.ledger()? {
            Some(tied) if tied == ledger => Ok(()),
            _ => Err(other_ledger()),
        }
    }

    fn get(&self, name: &[u8]) -> Result<Option<KeyRow>, StoreError> {
        let connection = held(&self.connection);
        let mut statement = connection.prepare_cached("SELECT * FROM secret WHERE name = ?1")?;
        let mut rows = statement.query([name])?;
        rows.next()?.map(key_row).transpose()
    }

    fn list(&self, prefix: &[u8]) -> Result<Vec<KeyRow>, StoreError> {
        let connection = held(&self.connection);
        let mut statement =
            connection.prepare_cached("SELECT * FROM secret WHERE name >= ?1 ORDER BY name")?;
        let mut rows = statement.query([prefix])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let row = key_row(row)?;
            if !row.name.starts_with(prefix) {
                break;
            }
            found.push(row);
        }
        Ok(found)
    }

    fn insert(&self, rows: &[KeyRow]) -> Result<bool, StoreError> {
        let mut connection = held(&self.connection);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for row in rows {
            let inserted = transaction
                .prepare_cached("INSERT OR IGNORE INTO secret VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    row.name,
                    row.wrapped.key_id,
                    row.wrapped.bytes,
                    row.since.as_microsecond(),
                ])?;
            if inserted == 0 {
                return Ok(false);
            }
        }
        transaction.commit()?;
        Ok(true)
    }

    fn replace(&self, old: &KeyRow, new: &KeyRow) -> Result<bool, StoreError> {
        let changed = held(&self.connection).execute(
            "UPDATE secret SET key_id = ?4, wrapped = ?5 WHERE name = ?1 AND key_id = ?2 AND wrapped = ?3",
            params![
                old.name,
                old.wrapped.key_id,
                old.wrapped.bytes,
                new.wrapped.key_id,
                new.wrapped.bytes,
            ],
        )?;
        Ok(changed == 1)
    }

    fn delete(&self, names: &[Vec<u8>]) -> Result<(), StoreError> {
        let mut connection = held(&self.connection);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for name in names {
            transaction
                .prepare_cached("DELETE FROM secret WHERE name = ?1")?
                .execute([name])?;
        }
        transaction.commit()?;
        truncate(&connection)
    }

    fn rewrap(
        &self,
        rewrap: &mut dyn FnMut(&Wrapped) -> Result<Wrapped, KeyError>,
    ) -> Result<(), LedgerError> {
        let mut connection = held(&self.connection);
        let store = |error: rusqlite::Error| LedgerError::Store(error.into());
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(store)?;
        let mut after: Option<Vec<u8>> = None;
        loop {
            // A row at a time: an update of what a query still reads is undefined.
            let row = {
                let mut statement = transaction
                    .prepare_cached(
                        "SELECT * FROM secret WHERE ?1 IS NULL OR name > ?1 ORDER BY name LIMIT 1",
                    )
                    .map_err(store)?;
                let mut rows = statement.query([&after]).map_err(store)?;
                rows.next().map_err(store)?.map(key_row).transpose()?
            };
            let Some(row) = row else { break };
            let wrapped = rewrap(&row.wrapped)?;
            transaction
                .prepare_cached("UPDATE secret SET key_id = ?2, wrapped = ?3 WHERE name = ?1")
                .and_then(|mut update| {
                    update.execute(params![row.name, wrapped.key_id, wrapped.bytes])
                })
                .map_err(store)?;
            after = Some(row.name);
        }
        transaction.commit().map_err(store)?;
        Ok(truncate(&connection)?)
    }

    /// SQLite's own locks are lost when the file is opened and closed beside it, so this is another file's.
    fn reserve_rotation(&self) -> Result<Option<Reservation<'_>>, StoreError> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".rotation");
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(name).map_err(unlocked)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Reservation::until(move || drop(lock)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unlocked(error)),
        }
    }

    fn persons(&self) -> Result<u64, StoreError> {
        let connection = held(&self.connection);
        let count =
            "SELECT count(DISTINCT substr(name, 2, 16)) FROM secret WHERE substr(name, 1, 1) = ?1";
        unsigned(connection.query_row(count, [DATA], |row| row.get(0))?)
    }
}

fn key_row(row: &Row<'_>) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        name: row.get(0)?,
        wrapped: Wrapped {
            key_id: row.get(1)?,
            bytes: row.get(2)?,
        },
        since: time(row.get(3)?)?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    /// A statement that is compiled anew each time costs more than what it reads.
    #[test]
    fn what_a_proof_asks_is_compiled_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join("ledger.db")).unwrap();
        for subject in 0..3 {
            let read = store.receipts(Subject::from_bytes([subject; 16]));
            assert_eq!(read, Ok((0, Vec::new())));
        }
        let reader = held(&store.reader);
        let statement = reader.prepare_cached(RECEIPTS).unwrap();
        let status = |of| statement.get_status(of);
        assert_eq!(status(StatementStatus::Run), 3);
        assert_eq!(status(StatementStatus::RePrepare), 0);
    }
}
