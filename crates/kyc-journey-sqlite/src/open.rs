//! Opening a database: everything that speaks against it is found before anything is written.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use kyc_journey::point;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::mounts;

/// Marks a file as a database of journeys: `KYCJ`.
const APPLICATION: i32 = 0x4b59_434a;

/// The schema that this version writes.
const SCHEMA: i32 = 1;

/// The first SQLite whose write-ahead log is not reset under a reader's feet: 3.51.3.
const OLDEST: i32 = 3_051_003;

/// Why a database was not opened. Nothing was written to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file lies on a file system that several machines share, where SQLite's write-ahead log loses data. Move it to a
    /// disk of this machine, or use the Postgres engine.
    #[error("{} is on a network file system ({kind}); journeys need a disk of this machine", path.display())]
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
    /// Another engine, of this process or of another one, has the database open. Wait with
    /// [`SqliteEngine::stand_by`](crate::SqliteEngine::stand_by).
    #[error("{} is run by another engine", path.display())]
    Held {
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

/// A database that this engine alone writes, for as long as the lock lives.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) writer: Connection,
    pub(crate) reader: Connection,
    pub(crate) lock: File,
    pub(crate) path: PathBuf,
}

/// A database that may be opened, and the file whose lock says who does.
#[derive(Debug)]
pub(crate) struct Candidate {
    path: PathBuf,
    lock: File,
}

impl Candidate {
    /// Checks everything that can be checked while another engine has the database, and writes nothing but the lock's file.
    pub(crate) fn new(path: &Path) -> Result<Self, OpenError> {
        Self::among(&mounts(), path)
    }

    /// Finds what speaks against a file, and writes nothing.
    pub(crate) fn check(path: &Path) -> Result<(), OpenError> {
        Self::checked(&mounts(), path).map(drop)
    }

    fn checked(mounts: &str, path: &Path) -> Result<PathBuf, OpenError> {
        check_version(rusqlite::version_number(), rusqlite::version())?;
        let path = absolute(path)?;
        if let Some(kind) = mounts::network(mounts, &path) {
            let kind = kind.to_owned();
            return Err(OpenError::NetworkFileSystem { path, kind });
        }
        writable(&path)?;
        one_name(&path)?;
        inspect(&path)?;
        Ok(path)
    }

    fn among(mounts: &str, path: &Path) -> Result<Self, OpenError> {
        let path = Self::checked(mounts, path)?;
        let lock = beside(&path, ".lock");
        let lock = for_the_owner()
            .create(true)
            .truncate(false)
            .write(true)
            .open(lock)
            .map_err(|source| OpenError::file(&path, source))?;
        Ok(Self { path, lock })
    }

    /// Opens the database, unless another engine has it.
    pub(crate) fn open(self) -> Result<Opened, OpenError> {
        match self.lock.try_lock() {
            Ok(()) => self.locked(),
            Err(TryLockError::WouldBlock) => Err(OpenError::Held { path: self.path }),
            Err(TryLockError::Error(source)) => Err(OpenError::file(&self.path, source)),
        }
    }

    /// Waits until no other engine has the database, then opens it. Blocks the thread.
    pub(crate) fn wait(self) -> Result<Opened, OpenError> {
        let locked = self.lock.lock();
        locked.map_err(|source| OpenError::file(&self.path, source))?;
        self.locked()
    }

    fn locked(self) -> Result<Opened, OpenError> {
        let Self { path, lock } = self;
        let sqlite = |source| OpenError::sqlite(&path, source);
        // The one that had it may have been a later version.
        one_name(&path)?;
        inspect(&path)?;
        if is_empty(&path) {
            create(&path)?;
        }
        let writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
        // As the log tells it, which `inspect` did not read.
        identify(&writer, &path)?;
        configure(&writer, &path)?;
        let reader = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite)?;
        Ok(Opened {
            writer,
            reader,
            lock,
            path,
        })
    }
}

impl OpenError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path }
            }
            _ => Self::File { path, source },
        }
    }

    fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
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

/// What is mounted where. Only Linux tells it; elsewhere a network file system is not noticed.
fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()
}

fn check_version(number: i32, name: &'static str) -> Result<(), OpenError> {
    if number < OLDEST {
        return Err(OpenError::OldSqlite { found: name });
    }
    Ok(())
}

/// The path without links and `..`, so that one file has one lock.
fn absolute(path: &Path) -> Result<PathBuf, OpenError> {
    let file = |source| OpenError::file(path, source);
    match path.canonicalize() {
        Ok(path) => return Ok(path),
        // Making the database would put it in the place of the link.
        Err(none) if none.kind() == std::io::ErrorKind::NotFound && path.is_symlink() => {
            let path = path.to_owned();
            return Err(OpenError::DanglingLink { path });
        }
        Err(_) => {}
    }
    let whole = std::path::absolute(path).map_err(file)?;
    let (Some(parent), Some(name)) = (whole.parent(), whole.file_name()) else {
        return Err(OpenError::NotADatabase { path: whole });
    };
    Ok(parent.canonicalize().map_err(file)?.join(name))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Refuses a file with several names: what lies beside it, the lock and the log, is found by one of them only.
fn one_name(path: &Path) -> Result<(), OpenError> {
    #[cfg(unix)]
    {
        let names =
            fs::metadata(path).map_or(1, |file| std::os::unix::fs::MetadataExt::nlink(&file));
        if names > 1 {
            let path = path.to_owned();
            return Err(OpenError::SeveralNames { path, names });
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn is_empty(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |file| file.len() == 0)
}

/// Refuses a file that is marked as read-only, also for a user whom marks do not stop, and what is no file: a device is as long as
/// an empty one.
fn writable(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(file) if !file.is_file() => Err(OpenError::NotADatabase {
            path: path.to_owned(),
        }),
        Ok(file) if file.permissions().readonly() => Err(OpenError::ReadOnly {
            path: path.to_owned(),
        }),
        Ok(_) => Ok(()),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(OpenError::file(path, source)),
    }
}

/// Looks into the file without a lock, a log or a write. Not with [`File`]: closing one would release the locks that this
/// process holds on the database through SQLite.
fn inspect(path: &Path) -> Result<(), OpenError> {
    if is_empty(path) {
        return match is_empty(&beside(path, "-wal")) {
            true => Ok(()),
            false => Err(OpenError::MissingDatabase {
                path: path.to_owned(),
            }),
        };
    }
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let database = Connection::open_with_flags(uri, flags);
    let database = database.map_err(|source| OpenError::sqlite(path, source))?;
    match identify(&database, path) {
        // A power cut while the log was moved into the file: the log is whole, and says whose the database is once it is read.
        Err(OpenError::Sqlite { .. }) if !is_empty(&beside(path, "-wal")) => Ok(()),
        other => other,
    }
}

/// Whose the database is, and of which schema.
fn identify(database: &Connection, path: &Path) -> Result<(), OpenError> {
    let number = |pragma| {
        let number = database.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
        number.map_err(|source| OpenError::sqlite(path, source))
    };
    let path = path.to_owned();
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, 1..=SCHEMA) => Ok(()),
        (APPLICATION, found) => Err(OpenError::NewerSchema {
            path,
            found,
            known: SCHEMA,
        }),
        (found, _) => Err(OpenError::OtherApplication { path, found }),
    }
}

/// Makes the database elsewhere and moves it to its place, so that what stands there is complete.
fn create(path: &Path) -> Result<(), OpenError> {
    let new = beside(path, ".new");
    let file = |source| OpenError::file(path, source);
    let sqlite = |source| OpenError::sqlite(path, source);
    for left in [new.clone(), beside(&new, "-journal")] {
        match fs::remove_file(left) {
            Err(other) if other.kind() != std::io::ErrorKind::NotFound => return Err(file(other)),
            _ => {}
        }
    }
    private(&new).map_err(file)?;
    let database = connect(&new, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
    let schema = include_str!("schema.sql");
    // The mark is in the main file from the start, where it is found without the log.
    let made = database.execute_batch(&format!(
        "PRAGMA synchronous = EXTRA;
         BEGIN IMMEDIATE;
         PRAGMA application_id = {APPLICATION};
         PRAGMA user_version = {SCHEMA};
         {schema}
         COMMIT;"
    ));
    made.map_err(sqlite)?;
    database.close().map_err(|(_, source)| sqlite(source))?;
    point("before a database is in its place");
    fs::rename(&new, path).map_err(file)?;
    sync_directory(path).map_err(file)?;
    point("after a database is in its place");
    Ok(())
}

/// Makes an empty file that only its owner reads; SQLite gives its log the same rights.
fn private(path: &Path) -> std::io::Result<()> {
    let made = for_the_owner().write(true).create_new(true).open(path);
    made.map(drop)
}

/// A file that this makes is the owner's alone.
fn for_the_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a new name in a directory durable.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let database = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // A reader of another process may hold up a checkpoint for a moment.
    database.busy_timeout(std::time::Duration::from_secs(10))?;
    database.set_prepared_statement_cache_capacity(64);
    // Without it SQLite parses and plans a statement again whenever another lane or time is bound to it, which took a quarter of the
    // processor time of journeys.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(database)
}

/// Sets what durability and erasure depend on, and reads it back: a word that SQLite does not know is silently another one.
fn configure(database: &Connection, path: &Path) -> Result<(), OpenError> {
    let settings = [
        ("journal_mode", "WAL", "wal"),
        ("synchronous", "FULL", "2"),
        ("secure_delete", "ON", "1"),
        ("foreign_keys", "ON", "1"),
        // Pages that change again and again are written back to the database once: after 16 MiB of log instead of 4.
        ("wal_autocheckpoint", "4000", "4000"),
        // 16 MiB: pages of what is under way are not read again.
        ("cache_size", "-16384", "-16384"),
    ];
    for (pragma, word, wanted) in settings {
        let sqlite = |source| OpenError::sqlite(path, source);
        let set = database.pragma_update(None, pragma, word);
        set.map_err(sqlite)?;
        let found = database.pragma_query_value(None, pragma, |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => other.as_str()?.to_owned(),
            })
        });
        let found = found.map_err(sqlite)?;
        if found != wanted {
            return Err(OpenError::Setting {
                pragma,
                wanted,
                found,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    /// The directory's files, and what they hold.
    fn everything(directory: &Path) -> Vec<(OsString, Vec<u8>)> {
        let entries = fs::read_dir(directory).expect("a directory");
        let mut all: Vec<_> = entries
            .map(|entry| {
                let entry = entry.expect("an entry");
                (entry.file_name(), fs::read(entry.path()).expect("a file"))
            })
            .collect();
        all.sort();
        all
    }

    /// Opens what must not be opened, and checks that nothing changed.
    fn refused(directory: &Path, mounts: &str) -> OpenError {
        let before = everything(directory);
        let refused = Candidate::among(mounts, &directory.join("kyc.db"))
            .expect_err("the database is refused");
        assert_eq!(everything(directory), before, "nothing is written");
        refused
    }

    fn open(directory: &Path) -> Result<Opened, OpenError> {
        Candidate::among("", &directory.join("kyc.db"))?.open()
    }

    #[test]
    fn a_database_is_made_once_and_opened_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(directory.path()).expect("a new database");
        assert!(matches!(
            open(directory.path()),
            Err(OpenError::Held { .. })
        ));
        first
            .writer
            .execute(
                "INSERT INTO parked (key, at, body) VALUES (x'00', 1, x'00')",
                (),
            )
            .expect("a row");
        drop(first);
        let second = open(directory.path()).expect("the same database");
        let rows = second
            .reader
            .query_row("SELECT count(*) FROM parked", (), |row| {
                row.get::<_, i64>(0)
            });
        assert_eq!(rows, Ok(1));
        let strict = second.reader.query_row(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict",
            (),
            |row| row.get::<_, i64>(0),
        );
        assert_eq!(strict, Ok(5), "five tables, each strict");
        #[cfg(unix)]
        for name in ["kyc.db", "kyc.db-wal", "kyc.db-shm", "kyc.db.lock"] {
            use std::os::unix::fs::PermissionsExt as _;
            let file = fs::metadata(directory.path().join(name)).expect("a file");
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn an_empty_file_becomes_a_database_and_what_a_crash_left_is_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("kyc.db"), "").expect("a file");
        fs::write(directory.path().join("kyc.db.new"), "half a database").expect("a file");
        fs::write(
            directory.path().join("kyc.db.new-journal"),
            "and its journal",
        )
        .expect("a file");
        open(directory.path()).expect("a database");
    }

    #[test]
    fn a_log_without_its_database_is_not_taken_for_ours() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("kyc.db-wal"), "a log").expect("a file");
        let error = refused(directory.path(), "");
        assert!(matches!(error, OpenError::MissingDatabase { .. }));
    }

    #[test]
    fn settings_are_read_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let opened = open(directory.path()).expect("a database");
        let number = |pragma| {
            opened
                .writer
                .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
        };
        assert_eq!(number("synchronous"), Ok(2), "FULL");
        assert_eq!(number("secure_delete"), Ok(1));
        // A database in memory has no write-ahead log, and says so only when it is asked.
        let memory = Connection::open_in_memory().expect("a database");
        assert!(matches!(
            configure(&memory, Path::new("memory")),
            Err(OpenError::Setting {
                pragma: "journal_mode",
                wanted: "wal",
                ..
            })
        ));
    }

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound() {
        let directory = tempfile::tempdir().expect("a directory");
        let opened = open(directory.path()).expect("a database");
        for database in [&opened.writer, &opened.reader] {
            let mut statement = database
                .prepare("SELECT min(due) FROM effect WHERE lane = ?1 AND due > ?2")
                .expect("a statement");
            for number in [0, 2, 1, 3] {
                assert_eq!(statement.exists([number, number]), Ok(true));
            }
            let planned_again = statement.get_status(StatementStatus::RePrepare);
            assert_eq!(planned_again, 0);
        }
    }

    #[test]
    fn a_network_file_system_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().canonicalize().expect("a directory");
        let mounts = format!("1 0 0:1 / {} rw - nfs4 server:/ rw\n", place.display());
        let error = refused(directory.path(), &mounts);
        assert!(matches!(&error, OpenError::NetworkFileSystem { kind, .. } if kind == "nfs4"));
        assert!(
            error.to_string().ends_with(
                "is on a network file system (nfs4); journeys need a disk of this machine"
            )
        );
    }

    #[test]
    fn what_is_not_ours_is_refused_and_unchanged() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("kyc.db");
        fs::write(
            &path,
            "this is a letter, and long enough for a header of a database".repeat(9),
        )
        .expect("a file");
        assert!(matches!(
            refused(directory.path(), ""),
            OpenError::NotADatabase { .. }
        ));

        for (application, found) in [(0, 0), (0x0f05_5112, 0x0f05_5112)] {
            fs::remove_file(&path).expect("the file before");
            let other = Connection::open(&path).expect("a database");
            let made = format!("CREATE TABLE t (a); PRAGMA application_id = {application}");
            other.execute_batch(&made).expect("a table");
            other.close().expect("a closed database");
            assert!(matches!(
                refused(directory.path(), ""),
                OpenError::OtherApplication { found: told, .. } if told == found
            ));
        }
        fs::remove_file(&path).expect("the file before");
        fs::create_dir(&path).expect("a directory");
        let error = Candidate::among("", &path).expect_err("a directory is refused");
        assert!(matches!(error, OpenError::NotADatabase { .. }));

        // Neither is what is as long as an empty file: a socket, a device, and a link to one.
        #[cfg(unix)]
        {
            let socket = directory.path().join("socket");
            let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
            let link = directory.path().join("link");
            std::os::unix::fs::symlink(&socket, &link).expect("a link");
            for path in [&socket, &link] {
                let error = Candidate::among("", path).expect_err("it is no file");
                assert!(matches!(error, OpenError::NotADatabase { .. }));
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_by_another_name_or_a_link_to_none_is_refused() {
        use std::os::unix::fs::symlink;

        let directory = tempfile::tempdir().expect("a directory");
        let (path, other) = (
            directory.path().join("kyc.db"),
            directory.path().join("other.db"),
        );
        symlink(&other, &path).expect("a link");
        let error = Candidate::among("", &path).expect_err("a link to nothing is refused");
        assert!(matches!(error, OpenError::DanglingLink { .. }));
        assert!(path.is_symlink() && !other.exists());
        fs::remove_file(&path).expect("the link");

        let first = open(directory.path()).expect("a database");
        // A link has the lock of its file.
        symlink(&path, &other).expect("a link");
        let linked = Candidate::among("", &other).and_then(Candidate::open);
        assert!(matches!(linked, Err(OpenError::Held { .. })));
        fs::remove_file(&other).expect("the link");
        fs::hard_link(&path, &other).expect("another name");
        for path in [&path, &other] {
            let error = Candidate::check(path).expect_err("two names");
            assert!(matches!(error, OpenError::SeveralNames { names: 2, .. }));
        }
        assert!(!directory.path().join("other.db.lock").exists());
        // Whoever waits is told once the wait is over.
        fs::remove_file(&other).expect("the other name");
        let waiting = Candidate::among("", &path).expect("a candidate");
        fs::hard_link(&path, &other).expect("another name");
        drop(first);
        assert!(matches!(
            waiting.wait(),
            Err(OpenError::SeveralNames { .. })
        ));
    }

    #[test]
    fn another_applications_open_log_is_not_touched() {
        let directory = tempfile::tempdir().expect("a directory");
        let other = Connection::open(directory.path().join("kyc.db")).expect("a database");
        other
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
            )
            .expect("a log");
        assert!(matches!(
            refused(directory.path(), ""),
            OpenError::OtherApplication { .. }
        ));
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let opened = open(directory.path()).expect("a database");
        let newer = format!("PRAGMA user_version = {}", SCHEMA + 1);
        opened.writer.execute_batch(&newer).expect("a version");
        // While it is only in the log, SQLite itself must find it.
        let Opened {
            writer,
            reader,
            lock,
            ..
        } = opened;
        drop(lock);
        let error = open(directory.path()).expect_err("a newer schema");
        assert!(matches!(
            error,
            OpenError::NewerSchema {
                found: 2,
                known: 1,
                ..
            }
        ));
        drop((writer, reader));
        assert!(matches!(
            refused(directory.path(), ""),
            OpenError::NewerSchema {
                found: 2,
                known: 1,
                ..
            }
        ));
    }

    #[test]
    fn a_file_that_is_marked_read_only_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        drop(open(directory.path()).expect("a database"));
        let path = directory.path().join("kyc.db");
        let mut marks = fs::metadata(&path).expect("a file").permissions();
        marks.set_readonly(true);
        fs::set_permissions(&path, marks).expect("a mark");
        let error = refused(directory.path(), "");
        assert!(matches!(error, OpenError::ReadOnly { .. }), "{error}");
        assert!(error.to_string().ends_with("kyc.db cannot be written"));
    }

    #[test]
    fn an_old_sqlite_is_refused() {
        assert!(matches!(
            check_version(3_051_002, "3.51.2"),
            Err(OpenError::OldSqlite { found: "3.51.2" })
        ));
        assert!(check_version(OLDEST, "3.51.3").is_ok());
    }

    #[test]
    fn a_path_with_any_character_is_opened() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a %41?b#c é.db");
        for _ in 0..2 {
            Candidate::among("", &path)
                .and_then(Candidate::open)
                .expect("a database");
        }
    }
}
