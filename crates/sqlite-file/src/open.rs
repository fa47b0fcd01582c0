//! Opening a database: everything that speaks against it is found before anything is written.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::OpenError;
use crate::mounts;

/// What tells one application's files from all others, and how they are made.
#[derive(Debug, Clone, Copy)]
pub struct Application {
    /// Marks a file in its header. Not 0, by which a file says nothing.
    pub id: i32,
    /// What makes each version of the schema of the one before it; of nothing, the first.
    pub schemas: &'static [&'static str],
    /// The settings of a connection that writes, in order: the name, the word to set it to, and what it must be then.
    pub settings: &'static [(&'static str, &'static str, &'static str)],
    /// Whether it holds in the clear what nobody but its owner may read: a file that others may read is refused then, by the rule for files
    /// that hold a secret. What is sealed needs no such rule.
    pub is_clear: bool,
    /// Called before and after a new file has its name: for tests that end the process there.
    pub step: fn(&'static str),
}

impl Application {
    fn schema(&self) -> i32 {
        i32::try_from(self.schemas.len()).unwrap_or(i32::MAX)
    }
}

/// How long the header of a database is.
const HEADER: u64 = 100;

/// The first SQLite whose write-ahead log is not reset under a reader's feet: 3.51.3.
const OLDEST: i32 = 3_051_003;

/// A database that whoever has this alone opens, for as long as the lock lives.
#[derive(Debug)]
pub struct Opened {
    /// Reads, and does not wait for the writer. Close it first: whoever closes the file last moves the log into it.
    pub reader: Connection,
    /// Writes.
    pub writer: Connection,
    /// Held on the file beside the database. Drop it once the database is open if several processes may have it.
    pub lock: File,
    /// The database, without links.
    pub path: PathBuf,
}

/// A database that may be opened, and the file whose lock says who does.
#[derive(Debug)]
pub struct Candidate {
    path: PathBuf,
    application: Application,
    lock: File,
}

impl Candidate {
    /// Checks everything that can be checked while another one has the database, and writes nothing but the lock's file.
    ///
    /// # Errors
    ///
    /// What speaks against the file, and then nothing is written.
    pub fn new(path: &Path, application: &Application) -> Result<Self, OpenError> {
        Self::among(&mounts(), path, application)
    }

    /// Finds what speaks against a file, and writes nothing.
    ///
    /// # Errors
    ///
    /// What speaks against it.
    pub fn check(path: &Path, application: &Application) -> Result<(), OpenError> {
        checked(&mounts(), path, application).map(drop)
    }

    fn among(mounts: &str, path: &Path, application: &Application) -> Result<Self, OpenError> {
        let path = checked(mounts, path, application)?;
        let lock = beside(&path, ".lock");
        let lock = for_the_owner()
            .create(true)
            .truncate(false)
            .write(true)
            .open(lock)
            .map_err(|source| OpenError::file(&path, source))?;
        Ok(Self {
            path,
            application: *application,
            lock,
        })
    }

    /// Opens the database, unless another one has it.
    ///
    /// # Errors
    ///
    /// [`OpenError::Held`], or what speaks against the file now.
    pub fn open(self) -> Result<Opened, OpenError> {
        match self.lock.try_lock() {
            Ok(()) => self.locked(),
            Err(TryLockError::WouldBlock) => Err(OpenError::Held { path: self.path }),
            Err(TryLockError::Error(source)) => Err(OpenError::file(&self.path, source)),
        }
    }

    /// Waits until no other one has the database, then opens it. Blocks the thread.
    ///
    /// # Errors
    ///
    /// What speaks against the file now.
    pub fn wait(self) -> Result<Opened, OpenError> {
        let locked = self.lock.lock();
        locked.map_err(|source| OpenError::file(&self.path, source))?;
        self.locked()
    }

    fn locked(self) -> Result<Opened, OpenError> {
        let Self {
            path,
            application,
            lock,
        } = self;
        let sqlite = |source| OpenError::sqlite(&path, source);
        // The one that had it may have been a later version.
        one_name(&path)?;
        inspect(&path, &application)?;
        owners_alone(&path, &application)?;
        if is_empty(&path) {
            create(&path, &application)?;
        }
        let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
        // As the log tells it, which `inspect` did not read.
        if identify(&writer, &path, &application)? < application.schema() {
            upgrade(&mut writer, &application).map_err(sqlite)?;
        }
        configure(&writer, &path, &application)?;
        let reader = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite)?;
        Ok(Opened {
            writer,
            reader,
            lock,
            path,
        })
    }
}

/// Opens a database that is there to read it, which needs no right to write: nothing is written to it, and its log must need no
/// recovery. It does not wait for whoever has the lock.
///
/// # Errors
///
/// What speaks against the file; [`OpenError::OlderSchema`] and [`OpenError::LogUnread`], of files that have to be opened once where they
/// may be written.
pub fn open_to_read(path: &Path, application: &Application) -> Result<Connection, OpenError> {
    check_version(rusqlite::version_number(), rusqlite::version())?;
    let path = absolute(path)?;
    if is_empty(&path) {
        return Err(OpenError::NotADatabase { path });
    }
    inspect(&path, application)?;
    owners_alone(&path, application)?;
    let sqlite = |source| OpenError::sqlite(&path, source);
    let opened = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite);
    let opened = opened.and_then(|database| {
        let schema = identify(&database, &path, application)?;
        Ok((database, schema))
    });
    let (database, found) = match opened {
        Ok(opened) => opened,
        Err(OpenError::Sqlite { .. } | OpenError::ReadOnly { .. }) => {
            if !is_empty(&beside(&path, "-wal")) {
                return Err(OpenError::LogUnread { path });
            }
            // Where nothing may be made beside the file and there is no log, nobody writes it, and all of it is in it.
            let database = immutable(&path).map_err(sqlite)?;
            let schema = identify(&database, &path, application)?;
            (database, schema)
        }
        Err(other) => return Err(other),
    };
    match found < application.schema() {
        true => Err(OpenError::OlderSchema { path, found }),
        false => Ok(database),
    }
}

fn checked(mounts: &str, path: &Path, application: &Application) -> Result<PathBuf, OpenError> {
    check_version(rusqlite::version_number(), rusqlite::version())?;
    let path = absolute(path)?;
    if let Some(kind) = mounts::network(mounts, &path) {
        let kind = kind.to_owned();
        return Err(OpenError::NetworkFileSystem { path, kind });
    }
    writable(&path)?;
    one_name(&path)?;
    inspect(&path, application)?;
    owners_alone(&path, application)?;
    Ok(path)
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

/// Refuses a file in the clear, or its log, that others may read, write or execute, or that is another user's, the superuser's excepted.
fn owners_alone(path: &Path, application: &Application) -> Result<(), OpenError> {
    #[cfg(unix)]
    if application.is_clear && !is_empty(path) {
        use std::os::unix::fs::MetadataExt as _;

        const SUPERUSER: u32 = 0;
        let ours = rustix::process::geteuid().as_raw();
        for there in [path.to_owned(), beside(path, "-wal")] {
            let Ok(found) = fs::metadata(&there) else {
                continue;
            };
            let (path, mode) = (there, found.mode() & 0o777);
            if ![ours, SUPERUSER].contains(&found.uid()) {
                return Err(OpenError::OtherOwner { path });
            }
            if mode & 0o077 != 0 {
                return Err(OpenError::OpenToOthers { path, mode });
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (path, application);
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
fn inspect(path: &Path, application: &Application) -> Result<(), OpenError> {
    if is_empty(path) {
        return match is_empty(&beside(path, "-wal")) {
            true => Ok(()),
            false => Err(OpenError::MissingDatabase {
                path: path.to_owned(),
            }),
        };
    }
    // SQLite takes what is shorter than its header for an empty one.
    if fs::metadata(path).is_ok_and(|file| file.len() < HEADER) {
        let path = path.to_owned();
        return Err(OpenError::NotADatabase { path });
    }
    let database = immutable(path).map_err(|source| OpenError::sqlite(path, source))?;
    match identify(&database, path, application) {
        // A power cut while the log was moved into the file: the log is whole, and says whose the database is once it is read.
        Err(OpenError::Sqlite { .. }) if !is_empty(&beside(path, "-wal")) => Ok(()),
        other => other.map(drop),
    }
}

/// Opens the file as it is, without a lock and a log.
fn immutable(path: &Path) -> rusqlite::Result<Connection> {
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
    connect(Path::new(&uri), flags)
}

/// Whose the database is, and of which schema.
fn identify(
    database: &Connection,
    path: &Path,
    application: &Application,
) -> Result<i32, OpenError> {
    let number = |pragma| {
        let number = database.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
        number.map_err(|source| OpenError::sqlite(path, source))
    };
    let path = path.to_owned();
    let known = application.schema();
    match (number("application_id")?, number("user_version")?) {
        (id, found) if id == application.id && (1..=known).contains(&found) => Ok(found),
        (id, found) if id == application.id => Err(OpenError::NewerSchema { path, found, known }),
        (found, _) => Err(OpenError::OtherApplication { path, found }),
    }
}

/// Makes the current schema of an earlier one, or of nothing.
fn upgrade(database: &mut Connection, application: &Application) -> rusqlite::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let from: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    for schema in application.schemas.iter().skip(from) {
        transaction.execute_batch(schema)?;
    }
    transaction.pragma_update(None, "application_id", application.id)?;
    transaction.pragma_update(None, "user_version", application.schema())?;
    transaction.commit()
}

/// Makes the database elsewhere and moves it to its place, so that what stands there is complete.
fn create(path: &Path, application: &Application) -> Result<(), OpenError> {
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
    let mut database = connect(&new, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
    // The mark is in the main file from the start, where it is found without the log.
    let synced = database.pragma_update(None, "synchronous", "EXTRA");
    let made = synced.and_then(|()| upgrade(&mut database, application));
    made.map_err(sqlite)?;
    database.close().map_err(|(_, source)| sqlite(source))?;
    (application.step)("before a database is in its place");
    fs::rename(&new, path).map_err(file)?;
    sync_directory(path).map_err(file)?;
    (application.step)("after a database is in its place");
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
    // Or else SQLite 3.51 compiles many a cached statement anew whenever a parameter of its conditions is bound, which took a quarter of the
    // processor time of journeys.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(database)
}

/// Sets what durability and erasure depend on, and reads it back: a word that SQLite does not know is silently another one.
fn configure(
    database: &Connection,
    path: &Path,
    application: &Application,
) -> Result<(), OpenError> {
    for (pragma, word, wanted) in application.settings {
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
        if found != *wanted {
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

    const PARKED: Application = Application {
        id: 0x4b59_434a,
        schemas: &["CREATE TABLE parked (key BLOB, at INTEGER, body BLOB) STRICT"],
        settings: &[
            ("journal_mode", "WAL", "wal"),
            ("synchronous", "FULL", "2"),
            ("secure_delete", "ON", "1"),
        ],
        is_clear: false,
        step: |_| {},
    };

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
        let refused = Candidate::among(mounts, &directory.join("kyc.db"), &PARKED)
            .expect_err("the database is refused");
        assert_eq!(everything(directory), before, "nothing is written");
        refused
    }

    fn open(directory: &Path) -> Result<Opened, OpenError> {
        Candidate::among("", &directory.join("kyc.db"), &PARKED)?.open()
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
            configure(&memory, Path::new("memory"), &PARKED),
            Err(OpenError::Setting {
                pragma: "journal_mode",
                wanted: "wal",
                ..
            })
        ));
    }

    #[test]
    fn a_network_file_system_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().canonicalize().expect("a directory");
        let mounts = format!("1 0 0:1 / {} rw - nfs4 server:/ rw\n", place.display());
        let error = refused(directory.path(), &mounts);
        assert!(matches!(&error, OpenError::NetworkFileSystem { kind, .. } if kind == "nfs4"));
        assert!(error.to_string().ends_with(
            "is on a network file system (nfs4); a database needs a disk of this machine"
        ));
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
        let error = Candidate::among("", &path, &PARKED).expect_err("a directory is refused");
        assert!(matches!(error, OpenError::NotADatabase { .. }));

        // Neither is what is as long as an empty file: a socket, a device, and a link to one.
        #[cfg(unix)]
        {
            let socket = directory.path().join("socket");
            let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
            let link = directory.path().join("link");
            std::os::unix::fs::symlink(&socket, &link).expect("a link");
            for path in [&socket, &link] {
                let error = Candidate::among("", path, &PARKED).expect_err("it is no file");
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
        let error = Candidate::among("", &path, &PARKED).expect_err("a link to nothing is refused");
        assert!(matches!(error, OpenError::DanglingLink { .. }));
        assert!(path.is_symlink() && !other.exists());
        fs::remove_file(&path).expect("the link");

        let first = open(directory.path()).expect("a database");
        // A link has the lock of its file.
        symlink(&path, &other).expect("a link");
        let linked = Candidate::among("", &other, &PARKED).and_then(Candidate::open);
        assert!(matches!(linked, Err(OpenError::Held { .. })));
        fs::remove_file(&other).expect("the link");
        fs::hard_link(&path, &other).expect("another name");
        for path in [&path, &other] {
            let error = Candidate::check(path, &PARKED).expect_err("two names");
            assert!(matches!(error, OpenError::SeveralNames { names: 2, .. }));
        }
        assert!(!directory.path().join("other.db.lock").exists());
        // Whoever waits is told once the wait is over.
        fs::remove_file(&other).expect("the other name");
        let waiting = Candidate::among("", &path, &PARKED).expect("a candidate");
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
        let newer = format!("PRAGMA user_version = {}", 2);
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
            Candidate::among("", &path, &PARKED)
                .and_then(Candidate::open)
                .expect("a database");
        }
    }

    #[test]
    fn an_earlier_schema_is_brought_up_to_date_and_loses_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let opened = open(directory.path()).expect("a database");
        let row = "INSERT INTO parked (at) VALUES (7)";
        opened.writer.execute(row, ()).expect("a row");
        drop(opened);
        const LATER: Application = Application {
            schemas: &[
                PARKED.schemas[0],
                "ALTER TABLE parked ADD COLUMN since INTEGER NOT NULL DEFAULT 3",
            ],
            ..PARKED
        };
        let path = directory.path().join("kyc.db");
        let older = open_to_read(&path, &LATER).expect_err("an older schema");
        assert!(matches!(older, OpenError::OlderSchema { found: 1, .. }));
        for _ in 0..2 {
            let later = Candidate::among("", &path, &LATER).and_then(Candidate::open);
            let sum = later.expect("a database").reader.query_row(
                "SELECT at + since FROM parked",
                (),
                |row| row.get::<_, i64>(0),
            );
            assert_eq!(sum, Ok(10));
        }
        assert!(matches!(
            refused(directory.path(), ""),
            OpenError::NewerSchema { .. }
        ));
    }

    #[test]
    fn a_file_is_read_beside_whoever_writes_it_and_not_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("kyc.db");
        let none = open_to_read(&path, &PARKED).expect_err("no file");
        assert!(matches!(none, OpenError::NotADatabase { .. }));
        assert!(everything(directory.path()).is_empty());
        let opened = open(directory.path()).expect("a database");
        let row = "INSERT INTO parked (at) VALUES (7)";
        opened.writer.execute(row, ()).expect("a row");
        let reader = open_to_read(&path, &PARKED).expect("a database");
        let at = reader.query_row("SELECT at FROM parked", (), |row| row.get::<_, i64>(0));
        assert_eq!(at, Ok(7));
        assert!(reader.execute(row, ()).is_err());
        drop((opened, reader));
        let other = Application { id: 5, ..PARKED };
        let error = open_to_read(&path, &other).expect_err("another application's");
        assert!(matches!(error, OpenError::OtherApplication { .. }));
    }

    #[test]
    fn a_file_that_is_shorter_than_a_header_is_no_database() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("kyc.db"), "short").expect("a file");
        let error = refused(directory.path(), "");
        assert!(matches!(error, OpenError::NotADatabase { .. }));
    }

    #[test]
    fn a_cached_statement_is_compiled_once() {
        use rusqlite::StatementStatus;

        let directory = tempfile::tempdir().expect("a directory");
        let opened = open(directory.path()).expect("a database");
        // Of several rows SQLite would like to know what is bound.
        let table =
            "CREATE TABLE found (key BLOB, at INTEGER, PRIMARY KEY (key, at)) WITHOUT ROWID";
        opened.writer.execute_batch(table).expect("a table");
        for database in [&opened.writer, &opened.reader] {
            let find =
                || database.prepare_cached("SELECT at FROM found WHERE key = ?1 ORDER BY at");
            for key in 0..3_u8 {
                let mut found = find().expect("a statement");
                assert_eq!(found.exists([[key].as_slice()]), Ok(false));
            }
            let statement = find().expect("a statement");
            assert_eq!(statement.get_status(StatementStatus::Run), 3);
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
    }
}
