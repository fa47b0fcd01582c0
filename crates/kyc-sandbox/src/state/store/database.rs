//! The file: an SQLite database with one table, in which each record is a row of JSON.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};
use sqlite_file::{Application, Candidate, OpenError, Opened};

use super::file::Change;

/// `kycs`, by which the file says whose it is. What is in its bodies is checked when they are read.
const STATE: Application = Application {
    id: i32::from_be_bytes(*b"kycs"),
    schemas: &["CREATE TABLE entry (
    place INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (room, key)
) STRICT"],
    settings: &[
        ("journal_mode", "WAL", "wal"),
        // What was written survives the end of the process at any moment; a power failure may take the last answers.
        ("synchronous", "NORMAL", "1"),
    ],
    is_clear: true,
    step: |_| {},
};

const PUT: &str = "INSERT INTO entry (place, room, key, body) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (room, key) DO UPDATE
    SET body = excluded.body, place = iif(?5, excluded.place, place)";

const REMOVE: &str = "DELETE FROM entry WHERE room = ?1 AND key = ?2";

/// Why a state file cannot be used, or could not be written. A file that is refused is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
    /// There is something else of this name, such as a directory.
    #[error("the state file is not a file")]
    NotAFile,
    /// It must not be written.
    #[error("the state file is read-only")]
    ReadOnly,
    /// Others may read it, and it holds unmasked what the sandbox was told. Take their rights away, as with `chmod 600`.
    #[error(
        "the state file may be read by others (mode {mode:o}); only its owner may: `chmod 600` it"
    )]
    OpenToOthers {
        /// Its mode.
        mode: u32,
    },
    /// It is another user's, who may read what the sandbox was told, and is not the superuser.
    #[error("the state file is another user's, who may read it; it must be your own")]
    OtherUser,
    /// It is something else than an SQLite database.
    #[error("the state file is not an SQLite database")]
    NotSqlite,
    /// It is a database, but no sandbox's.
    #[error("the state file is another application's database")]
    OtherApplication,
    /// It was begun for another owner, or for none.
    #[error("the state file belongs to something else")]
    OtherOwner,
    /// A newer version wrote it.
    #[error(
        "the state file is a newer version's: it has schema {schema}, and this one knows {known}"
    )]
    Newer {
        /// The schema that it has.
        schema: i32,
        /// The latest schema that this version knows.
        known: i32,
    },
    /// Another sandbox keeps its state in it, or another program has it open.
    #[error("the state file is open in another sandbox or program")]
    InUse,
    /// It holds something that this version cannot read: another version wrote it, or it was changed by hand.
    #[error("the state file holds `{room}` that this version cannot read")]
    Unreadable {
        /// Which part of the state.
        room: String,
    },
    /// SQLite loses data there, such as in a file with several names or on a network's file system.
    #[error("the state file cannot be used: {reason}")]
    Unsuitable {
        /// Why.
        reason: String,
    },
    /// It could not be created.
    #[error("the state file could not be created")]
    Create(#[source] io::Error),
    /// SQLite refused, such as where the disk is full.
    #[error("the state file could not be read or written: {reason}")]
    Sqlite {
        /// SQLite's words.
        reason: String,
    },
}

impl From<rusqlite::Error> for StateFileError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotSqlite,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Sqlite {
                reason: error.to_string(),
            },
        }
    }
}

impl From<OpenError> for StateFileError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotADatabase { path } if path.exists() && !path.is_file() => Self::NotAFile,
            OpenError::NotADatabase { .. } => Self::NotSqlite,
            OpenError::ReadOnly { .. } => Self::ReadOnly,
            OpenError::OtherApplication { .. } => Self::OtherApplication,
            OpenError::NewerSchema { found, known, .. } => Self::Newer {
                schema: found,
                known,
            },
            OpenError::OpenToOthers { mode, .. } => Self::OpenToOthers { mode },
            OpenError::OtherOwner { .. } => Self::OtherUser,
            OpenError::Held { .. } => Self::InUse,
            OpenError::File { source, .. } => Self::Create(source),
            OpenError::Sqlite { source, .. } => Self::Sqlite {
                reason: source.to_string(),
            },
            other => Self::Unsuitable {
                reason: other.to_string(),
            },
        }
    }
}

/// A row as it was found.
pub(super) struct Row {
    pub(super) place: i64,
    pub(super) room: String,
    pub(super) key: String,
    pub(super) body: String,
}

pub(super) struct Database {
    connection: Connection,
    /// Nothing is written before, so that a file that is refused is not changed.
    has_begun: bool,
    /// Let go once the connection is closed.
    _lock: File,
}

impl Database {
    /// Opens a file for this process alone and reads it, in the order of places.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Row>), StateFileError> {
        let Opened {
            reader,
            writer,
            lock,
            ..
        } = Candidate::new(path, &STATE)?.open()?;
        drop(reader);
        // Whoever else has it open keeps it open, so there is nothing to wait for.
        writer.busy_timeout(Duration::ZERO)?;
        let rows = rows(&writer)?;
        let opened = Self {
            connection: writer,
            has_begun: false,
            _lock: lock,
        };
        Ok((opened, rows))
    }

    /// Begins to write.
    pub(super) fn begin(&mut self) {
        self.has_begun = true;
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Writes all of these, or none.
    pub(super) fn write(
        &mut self,
        rows: &BTreeMap<(&'static str, String), Change>,
    ) -> Result<(), StateFileError> {
        let all = self.connection.transaction()?;
        {
            let mut put = all.prepare(PUT)?;
            let mut remove = all.prepare(REMOVE)?;
            for ((room, key), change) in rows {
                match change {
                    Change::Put { place, moves, body } => {
                        put.execute(params![place, room, key, body, moves])?
                    }
                    Change::Removed => remove.execute(params![room, key])?,
                };
            }
        }
        Ok(all.commit()?)
    }
}

#[cfg(test)]
impl Database {
    pub(super) fn execute_for_tests(&self, statement: &str) {
        assert_eq!(self.connection.execute_batch(statement), Ok(()));
    }
}

fn rows(connection: &Connection) -> Result<Vec<Row>, StateFileError> {
    let all = "SELECT place, room, key, body FROM entry ORDER BY place";
    let mut all = connection.prepare(all)?;
    let rows = all.query_map([], |row| {
        Ok(Row {
            place: row.get(0)?,
            room: row.get(1)?,
            key: row.get(2)?,
            body: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
