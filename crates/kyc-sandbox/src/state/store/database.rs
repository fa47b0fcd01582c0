//! The file: an SQLite database with one table, in which each record is a row of JSON.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use super::file::Change;

/// `kycs`, by which the file says whose it is.
const APPLICATION: i32 = i32::from_be_bytes(*b"kycs");
/// Of the table. What is in its bodies is checked when they are read.
const SCHEMA: i32 = 1;

const TABLE: &str = "CREATE TABLE entry (
    place INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (room, key)
) STRICT";

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
        "the state file is a newer version's: it has schema {schema}, and this one knows {SCHEMA}"
    )]
    Newer {
        /// The schema that it has.
        schema: i32,
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

/// A row as it was found.
pub(super) struct Row {
    pub(super) place: i64,
    pub(super) room: String,
    pub(super) key: String,
    pub(super) body: String,
}

pub(super) struct Database {
    connection: Connection,
    is_new: bool,
    /// Nothing is written before, nor to a file that is refused.
    has_begun: bool,
}

impl Database {
    /// Opens a file for this process alone and reads it, in the order of places.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Row>), StateFileError> {
        // SQLite takes some names for something else than a file.
        let path = std::path::absolute(path).map_err(StateFileError::Create)?;
        create(&path)?;
        // What a program left in its log, which closing the file would write, stays there if the file is refused.
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let has_log = Path::new(&log).exists();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        // Whoever has it open keeps it open, so there is nothing to wait for.
        connection.busy_timeout(Duration::ZERO)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
        set(&connection, "locking_mode", "EXCLUSIVE", "exclusive")?;
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
        let (application, schema): (i32, i32) =
            (number("application_id")?, number("user_version")?);
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(tables, [], |row| row.get(0))?;
        let is_new = (application, schema, tables) == (0, 0, 0);
        if !is_new && application != APPLICATION {
            return Err(StateFileError::OtherApplication);
        }
        if schema > SCHEMA {
            return Err(StateFileError::Newer { schema });
        }
        if connection.is_readonly("main")? {
            return Err(StateFileError::ReadOnly);
        }
        let rows = match is_new {
            true => Vec::new(),
            false => rows(&connection)?,
        };
        let opened = Self {
            connection,
            is_new,
            has_begun: false,
        };
        Ok((opened, rows))
    }

    /// Begins to write.
    pub(super) fn begin(&mut self) -> Result<(), StateFileError> {
        set(&self.connection, "journal_mode", "WAL", "wal")?;
        // What was written survives the end of the process at any moment; a power failure may take the last answers.
        set(&self.connection, "synchronous", "NORMAL", "1")?;
        if self.is_new {
            let new = self.connection.transaction()?;
            new.execute(TABLE, [])?;
            new.pragma_update(None, "application_id", APPLICATION)?;
            new.pragma_update(None, "user_version", SCHEMA)?;
            new.commit()?;
        }
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        self.has_begun = true;
        Ok(())
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

/// Makes the file for its owner alone, unless there is one.
fn create(path: &Path) -> Result<(), StateFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(StateFileError::Create(error)),
    }
    // It is not opened but by SQLite: closing it would end the locks that this process may have on it.
    let found = fs::metadata(path).map_err(StateFileError::Create)?;
    match (found.is_file(), found.permissions().readonly()) {
        (false, _) => Err(StateFileError::NotAFile),
        (true, true) => Err(StateFileError::ReadOnly),
        (true, false) => Ok(()),
    }
}

/// Changes a setting of SQLite's, and sees to it that it was: where it cannot, SQLite says so in no other way.
fn set(
    connection: &Connection,
    pragma: &str,
    value: &str,
    expected: &str,
) -> Result<(), StateFileError> {
    connection.pragma_update(None, pragma, value)?;
    let found = connection.pragma_query_value(None, pragma, |row| {
        let value = row.get_ref(0)?;
        Ok(match value.as_i64() {
            Ok(number) => number.to_string(),
            Err(_) => value.as_str()?.to_owned(),
        })
    })?;
    match found == expected {
        true => Ok(()),
        false => Err(StateFileError::Sqlite {
            reason: format!("{pragma} stays {found}"),
        }),
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
