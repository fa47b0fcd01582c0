//! What can go wrong with a ledger, its keys and its files. No text has a personal value, a key or a path.

use std::io;

use provider_core::InvalidRequest;

use crate::chain::Misfit;

/// Why the ledger could not do something. Nothing was written unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// An input breaks a rule. Correct the field.
    #[error("invalid: {0}")]
    Invalid(#[from] InvalidRequest),
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys failed, or refused.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A sealed body could not be opened, or is not what was written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Whatever an export was written to failed.
    #[error("the export cannot be written: {0}")]
    Unwritten(io::ErrorKind),
    /// The chain does not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// There is no such thing in this ledger.
    #[error("this ledger has no such {0}")]
    Unknown(&'static str),
    /// What was asked for does not follow from the state, such as renewing a receipt that has been withdrawn.
    #[error("{0}")]
    State(&'static str),
}

/// Why a store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else has appended since the head was read. The ledger plans again by itself; this surfaces only if it keeps
    /// happening.
    #[error("the ledger was written by somebody else at the same time")]
    Conflict,
    /// The file must not be used, and nothing was written to it.
    #[error("the file is refused: {0}")]
    Refused(Refusal),
    /// The file system or the database failed; the text is the system's or the database's name for it.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The server of a database was not reached, or not in time; the text is the condition. Try again.
    #[error("the store cannot be reached: {0}")]
    Unreachable(String),
    /// A row is not in the store's form.
    #[error("the store has a row that cannot be read: {0}")]
    Unreadable(&'static str),
}

/// Why a file is refused before anything is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No database.
    #[error("it is no database of SQLite")]
    NoDatabase,
    /// Another application's database, or one of the ledger's other file.
    #[error("it is another application's")]
    OtherApplication,
    /// A later version of this crate wrote it. Use that version.
    #[error("its schema is newer than this version knows")]
    NewerSchema,
    /// The SQLite of this build has a bug that corrupts such files. Use 3.51.3 or newer.
    #[error("this build's SQLite is older than 3.51.3")]
    OldSqlite,
    /// The file or its directory may not be written. [`Files::open_to_read`](crate::Files::open_to_read) needs no more than to read it.
    #[error("it may not be written")]
    ReadOnly,
    /// It lies on a file system that several machines share, where SQLite's log loses data. Move it to a disk of this machine.
    #[error("it is on a network file system")]
    NetworkFileSystem,
    /// There is a log without the database that it belongs to. Put the database back beside it, or remove both `-wal` and `-shm`.
    #[error("it is missing, and its log is there")]
    MissingDatabase,
    /// It is a link to a file that is not there.
    #[error("it is a link to a file that is not there")]
    DanglingLink,
    /// It has several names (hard links), and its log lies beside one of them only. Remove the others.
    #[error("it has several names (hard links)")]
    SeveralNames,
    /// An earlier version of this crate wrote it, and it may not be brought up to date. Open it once where it may be written.
    #[error("its schema is older than this version reads; open it once where it may be written")]
    OlderSchema,
    /// A process died, and what it wrote last lies in a log that only somebody who may write the file recovers. Open it once where it
    /// may be written.
    #[error("its log needs recovery; open it once where it may be written")]
    LogUnread,
    /// A setting that durability or erasure depends on did not take effect.
    #[error("the setting `{0}` did not take effect")]
    Setting(&'static str),
    /// There are keys, and no ledger that they belong to.
    #[error("there are keys and no ledger; create none beside them")]
    LedgerMissing,
    /// The keys belong to another ledger.
    #[error("the keys belong to another ledger")]
    OtherLedger,
}

/// Why keys failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is gone: it was destroyed, or its file is another one. What it sealed cannot be opened any more.
    #[error("the key is gone: it was destroyed, or it is in another file")]
    Gone,
    /// Keys are lost, and with them the data of this many persons.
    #[error("the keys are lost: data of {persons} persons cannot be opened")]
    Lost {
        /// How many persons' data they held.
        persons: u64,
    },
    /// The wrapped key is not what was written.
    #[error("the wrapped key was altered")]
    Altered,
    /// The key file is readable or writable by others. `chmod 600` it, and find out who has read it.
    #[error(
        "the key file is open to others (mode {mode:o}); it must be its owner's alone: `chmod 600` it, and ask who read it"
    )]
    OpenToOthers {
        /// The permission bits.
        mode: u32,
    },
    /// The key file is another user's, who can read and change it.
    #[error("the key file is another user's; it must be its reader's own, or the superuser's")]
    OtherOwner,
    /// The key file is a directory, a pipe or anything else but a file.
    #[error("the key file is no regular file")]
    NoFile,
    /// The key file is not in its form.
    #[error("the key file is not in its form")]
    Malformed,
    /// The file system failed.
    #[error("the key file: {0}")]
    Io(io::ErrorKind),
    /// The key service failed; the text is the wrapper's own and has no key.
    #[error("the key service failed: {0}")]
    Service(String),
    /// Another rotation of the keys is under way, as an erasure is one, in this process or another. Nothing was done; try again once it is
    /// over.
    #[error(
        "another process rotates the keys now, as an erasure does; nothing was done. Try again in a moment"
    )]
    Rotating,
    /// The system provides no randomness.
    #[error("the system provides no randomness")]
    Randomness,
}

impl From<io::Error> for KeyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Why sealed data could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It was altered, moved to another row, or is of another person, class or version.
    #[error("the sealed data was altered, or belongs elsewhere")]
    Altered,
    /// It was made by a later version.
    #[error("the sealed data is in a form that this version does not know")]
    Form,
    /// What was opened does not match the digest in the chain.
    #[error("the sealed body is not the one that the chain has")]
    OtherBody,
    /// It was erased: its key is gone.
    #[error("it was erased")]
    Erased,
}
