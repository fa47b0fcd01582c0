//! Why a file was not opened.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a database was not opened. Nothing was written to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file lies on a file system that several machines share, where SQLite's write-ahead log loses data. Move it to a
    /// disk of this machine.
    #[error("{} is on a network file system ({kind}); a database needs a disk of this machine", path.display())]
    NetworkFileSystem {
        /// The file.
        path: PathBuf,
        /// The type of the file system, as the kernel names it.
        kind: String,
    },
    /// The file or its directory cannot be written.
    #[error("{} cannot be written", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// There is a write-ahead log without the database that it belongs to. Put the database back beside it, or remove both
    /// `-wal` and `-shm`.
    #[error("{} is missing, and its write-ahead log is there", path.display())]
    MissingDatabase {
        /// The file.
        path: PathBuf,
    },
    /// The path is a link to a file that is not there. Remove the link, or put the file back.
    #[error("{} is a link to a file that is not there", path.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
    },
    /// The file has several names (hard links). The lock and the write-ahead log lie beside one of them only, so that by another name
    /// the database would be opened twice, and torn. Remove the other names.
    #[error("{} has {names} names; a database must have one", path.display())]
    SeveralNames {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        names: u64,
    },
    /// Others may read the file, which holds in the clear what is its owner's alone. Take their rights away, as with `chmod 600`, and ask
    /// who read it.
    #[error("{} may be read by others (mode {mode:o}); only its owner may: `chmod 600` it", path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file, which holds in the clear what is its owner's alone, is another user's, who is not the superuser.
    #[error("{} is another user's, who may read it", path.display())]
    OtherOwner {
        /// The file.
        path: PathBuf,
    },
    /// The database is another application's.
    #[error("{} is a database of another application (its application_id is {found:#x})", path.display())]
    OtherApplication {
        /// The file.
        path: PathBuf,
        /// What the file says whose it is; 0 if it says nothing.
        found: i32,
    },
    /// A later version has written the database. Use that version.
    #[error("{} has schema {found}, and this version knows {known} at most", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: i32,
        /// The latest schema that this version knows.
        known: i32,
    },
    /// Another one, of this process or of another one, has the database open. Wait with [`Candidate::wait`](crate::Candidate::wait).
    #[error("{} is in use", path.display())]
    Held {
        /// The file.
        path: PathBuf,
    },
    /// An earlier version wrote the database, and it is opened to be read only. Open it once where it may be written.
    #[error("{} has schema {found}, which is brought up to date where it may be written", path.display())]
    OlderSchema {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: i32,
    },
    /// A process died, and what it wrote last lies in a log that only somebody who may write the file recovers. Open it once where it
    /// may be written.
    #[error("{} has a log that needs recovery", path.display())]
    LogUnread {
        /// The file.
        path: PathBuf,
    },
    /// The SQLite that the program was linked with can lose data. Build with rusqlite's feature `bundled`.
    #[error("SQLite {found} can lose data; 3.51.3 is the oldest that is accepted")]
    OldSqlite {
        /// The version that is linked.
        found: &'static str,
    },
    /// A setting did not take effect, on which durability or erasure depends.
    #[error("{pragma} is {found} and not {wanted} after it was set")]
    Setting {
        /// The name of the setting.
        pragma: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// The database was closed while it was waited for.
    #[error("the wait for {} was given up", path.display())]
    GivenUp {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused something else.
    #[error("{} cannot be opened: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// SQLite refused something else.
    #[error("{} cannot be opened: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said. Held as text, because versions of rusqlite are not part of this interface.
        source: SqliteError,
    },
}

/// What SQLite said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SqliteError(String);

impl From<&rusqlite::Error> for SqliteError {
    fn from(error: &rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl OpenError {
    /// What the file system says about a file: that it may not be written, or something else.
    pub fn file(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path }
            }
            _ => Self::File { path, source },
        }
    }

    pub(crate) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            _ => Self::Sqlite {
                path,
                source: SqliteError::from(&source),
            },
        }
    }
}
