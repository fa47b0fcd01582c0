//! The engine: one writer, one reader, one lock.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use kyc_journey::{
    Due, Effect, EffectId, EngineError, EngineErrorKind, Event, HistoryEntry, JourneyEngine,
    JourneyFilter, JourneyId, JourneyPage, JourneyRecord, Lane, Machine, Outbox, PageToken,
    Payload, Provider, Reported, RunLease, Sealer, Seq, Submitted, apply,
};
use rusqlite::{Connection, ErrorCode};
use sqlite_file::{Candidate, OpenError, Opened, SqliteError};
use tokio::sync::{Notify, oneshot};

use crate::application::JOURNEYS;
use crate::tables::{Recent, Tables};
use crate::writer::{Failure, NotWritten, Writer};

/// How many writes may wait for their commit.
const WAITING: usize = 8_192;

/// Journeys in one file of SQLite.
///
/// A write is acknowledged once it is on the disk; what is submitted meanwhile shares the next commit. One engine at a time has the
/// file, which a lock beside it says; it goes with the process, however that ends. The file is closed, and whatever was submitted is
/// committed, when the engine is dropped, which may block for a moment.
#[derive(Debug)]
pub struct SqliteEngine {
    // In this order: the database is closed before the lock is given up.
    /// None of an engine that only reads.
    writer: Option<Writer>,
    reader: Arc<Mutex<Connection>>,
    _lock: Option<File>,
    tables: Tables,
    changed: Notify,
    is_run: Arc<AtomicBool>,
}

impl SqliteEngine {
    /// Opens the database, or makes one where there is no file or an empty one. Bodies are sealed with `sealer`; use the same one for as
    /// long as the database is used. Blocks the thread for as long as a disk takes.
    ///
    /// # Errors
    ///
    /// The file is held by another engine, is something else, or lies where journeys cannot be kept; nothing was written then.
    pub fn open(path: impl AsRef<Path>, sealer: Arc<dyn Sealer>) -> Result<Self, OpenError> {
        Self::start(
            Candidate::new(path.as_ref(), &JOURNEYS)?.open()?,
            sealer,
            apply,
        )
    }

    /// Opens a database that is there to read it, which needs no right to write: nothing is written to it, and what would write is refused
    /// as [`WrongStore`](EngineErrorKind::WrongStore). It does not wait for whoever has the file.
    ///
    /// # Errors
    ///
    /// As for [`sqlite_file::open_to_read`].
    pub fn open_to_read(
        path: impl AsRef<Path>,
        sealer: Arc<dyn Sealer>,
    ) -> Result<Self, OpenError> {
        let reader = sqlite_file::open_to_read(path.as_ref(), &JOURNEYS)?;
        Ok(Self {
            writer: None,
            reader: Arc::new(Mutex::new(reader)),
            _lock: None,
            tables: Tables::new(sealer, apply, Recent::default()),
            changed: Notify::new(),
            is_run: Arc::default(),
        })
    }

    /// Finds what speaks against a file that is to be opened or made, and writes nothing: before something is made that belongs to it,
    /// such as a key.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), but for what only the database itself tells, and for [`Held`](OpenError::Held).
    pub fn check(path: impl AsRef<Path>) -> Result<(), OpenError> {
        Candidate::check(path.as_ref(), &JOURNEYS)
    }

    /// Waits until no other engine has the database, on this machine, then opens it: at once if the one that had it dies.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), but for [`Held`](OpenError::Held). What speaks against the file is found before the wait, and again
    /// after it.
    pub async fn stand_by(
        path: impl AsRef<Path>,
        sealer: Arc<dyn Sealer>,
    ) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let candidate = Candidate::new(&path, &JOURNEYS)?;
        let (opened, wait) = oneshot::channel();
        // A thread of its own: the runtime would wait for one of its own when it ends. Given up, it lets the lock go at once.
        std::thread::Builder::new()
            .name("kyc-journey-sqlite-standby".to_owned())
            .spawn(move || {
                let _ = opened.send(candidate.wait());
            })
            .map_err(|source| OpenError::file(&path, source))?;
        let opened = wait.await.unwrap_or(Err(OpenError::GivenUp { path }))?;
        Self::start(opened, sealer, apply)
    }

    fn start(opened: Opened, sealer: Arc<dyn Sealer>, machine: Machine) -> Result<Self, OpenError> {
        let Opened {
            writer,
            reader,
            lock,
            path,
        } = opened;
        let recent = Recent::default();
        let tables = Tables::new(sealer, machine, recent.clone());
        let writer = Writer::start(writer, WAITING, move || recent.clear());
        Ok(Self {
            writer: Some(writer.map_err(|source| OpenError::file(&path, source))?),
            reader: Arc::new(Mutex::new(reader)),
            _lock: Some(lock),
            tables,
            changed: Notify::new(),
            is_run: Arc::default(),
        })
    }

    /// Lets at most this many writes wait for their commit; 8,192 by default. A further one is refused as
    /// [`Overloaded`](EngineErrorKind::Overloaded).
    #[must_use]
    pub fn with_waiting(self, writes: usize) -> Self {
        if let Some(writer) = &self.writer {
            writer.set_capacity(writes);
        }
        self
    }

    /// How many transactions were committed since the engine was opened: each has made everything durable that it acknowledged.
    pub fn commits(&self) -> u64 {
        self.writer.as_ref().map_or(0, Writer::commits)
    }

    /// How many calls of these journeys are to be made or were interrupted, whether their bodies open or not; those that have none are
    /// left out.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn waiting_calls(
        &self,
        journeys: &[JourneyId],
    ) -> Result<HashMap<JourneyId, usize>, EngineError> {
        self.calls(journeys, false).await
    }

    /// How many of those calls do not open, so that nobody makes them.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn unreadable_calls(
        &self,
        journeys: &[JourneyId],
    ) -> Result<HashMap<JourneyId, usize>, EngineError> {
        self.calls(journeys, true).await
    }

    async fn calls(
        &self,
        journeys: &[JourneyId],
        only_unreadable: bool,
    ) -> Result<HashMap<JourneyId, usize>, EngineError> {
        let ids = journeys.to_vec();
        self.ask(move |tables, database| tables.waiting_calls(database, &ids, only_unreadable))
            .await
    }

    /// Applies events by another machine than [`apply`].
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_machine(mut self, machine: Machine) -> Self {
        self.tables.set_machine(machine);
        self
    }

    /// Runs a statement that returns no row on the writer's connection, such as one that makes the disk small.
    ///
    /// # Errors
    ///
    /// SQLite refuses it.
    #[cfg(feature = "testing")]
    pub fn execute(&self, statement: &str) -> Result<(), EngineError> {
        let run = |database: &Connection| database.execute_batch(statement);
        self.writer()?.alone(run).map_err(not_written)
    }

    fn writer(&self) -> Result<&Writer, EngineError> {
        let only_reads = || EngineError::new(EngineErrorKind::WrongStore);
        self.writer.as_ref().ok_or_else(only_reads)
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnMut(&Tables, &Connection) -> Result<T, Failure<EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.write_large(0, change).await
    }

    /// Of an event whose payload has so many bytes.
    async fn write_large<T: Send + 'static>(
        &self,
        bytes: usize,
        mut change: impl FnMut(&Tables, &Connection) -> Result<T, Failure<EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let tables = self.tables.clone();
        let make = move |database: &Connection| change(&tables, database);
        let written = self.writer()?.write(bytes, make);
        written
            .await
            .unwrap_or_else(|failed| Err(not_written(failed)))
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Tables, &Connection) -> Result<T, Failure<EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (tables, reader) = (self.tables.clone(), Arc::clone(&self.reader));
        let asked = tokio::task::spawn_blocking(move || {
            let database = reader.lock().unwrap_or_else(PoisonError::into_inner);
            question(&tables, &database)
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failure::Refused(error))) => Err(error),
            Ok(Err(Failure::Database(error))) => Err(failed(&error)),
            Err(_) => Err(EngineError::new(EngineErrorKind::Closed)),
        }
    }
}

fn not_written(why: NotWritten) -> EngineError {
    match why {
        NotWritten::Full => EngineError::new(EngineErrorKind::Overloaded),
        NotWritten::Closed => EngineError::new(EngineErrorKind::Closed),
        NotWritten::Database(error) => failed(&error),
    }
}

fn failed(error: &rusqlite::Error) -> EngineError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => EngineErrorKind::Corrupt,
        _ => EngineErrorKind::Unavailable,
    };
    EngineError::new(kind).with_source(SqliteError::from(error))
}

#[async_trait]
impl JourneyEngine for SqliteEngine {
    async fn submit(&self, journey: &JourneyId, event: Event) -> Result<Submitted, EngineError> {
        let id = journey.clone();
        let written = self.write_large(event.payload_bytes(), move |tables, database| {
            tables.submit(database, &id, &event)
        });
        let (submitted, has_effects) = written.await?;
        if has_effects {
            self.changed.notify_one();
        }
        Ok(submitted)
    }

    async fn report(&self, provider: Provider, event: Event) -> Result<Reported, EngineError> {
        let written = self.write_large(event.payload_bytes(), move |tables, database| {
            tables.report(database, provider, &event)
        });
        let (reported, has_effects) = written.await?;
        if has_effects {
            self.changed.notify_one();
        }
        Ok(reported)
    }

    async fn read(&self, journey: &JourneyId) -> Result<Option<JourneyRecord>, EngineError> {
        let id = journey.clone();
        self.ask(move |tables, database| tables.read(database, &id))
            .await
    }

    async fn read_listed(
        &self,
        journeys: &[JourneyId],
    ) -> Result<HashMap<JourneyId, JourneyRecord>, EngineError> {
        let ids = journeys.to_vec();
        self.ask(move |tables, database| tables.read_listed(database, &ids))
            .await
    }

    async fn history(
        &self,
        journey: &JourneyId,
        after: Seq,
    ) -> Result<Vec<HistoryEntry>, EngineError> {
        let id = journey.clone();
        self.ask(move |tables, database| tables.history(database, &id, after))
            .await
    }

    async fn payload(&self, journey: &JourneyId, seq: Seq) -> Result<Option<Payload>, EngineError> {
        let id = journey.clone();
        self.ask(move |tables, database| tables.payload(database, &id, seq))
            .await
    }

    async fn list(
        &self,
        filter: &JourneyFilter,
        page: PageToken,
    ) -> Result<JourneyPage, EngineError> {
        let filter = filter.clone();
        self.ask(move |tables, database| tables.list(database, &filter, &page))
            .await
    }

    async fn forget(&self, journey: &JourneyId) -> Result<(), EngineError> {
        let id = journey.clone();
        self.write(move |tables, database| tables.forget(database, &id))
            .await
    }
}

#[async_trait]
impl Outbox for SqliteEngine {
    fn begin(&self) -> Result<RunLease, EngineError> {
        RunLease::take(&self.is_run)
    }

    async fn interrupted(&self) -> Result<Vec<Effect>, EngineError> {
        self.ask(|tables, database| tables.interrupted(database))
            .await
    }

    async fn due(
        &self,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Result<Due, EngineError> {
        let (room, under_way) = (room.to_vec(), under_way.clone());
        self.ask(move |tables, database| tables.due(database, now, &room, &under_way))
            .await
    }

    async fn mark(&self, effect: &EffectId) -> Result<bool, EngineError> {
        let effect = effect.clone();
        self.write(move |tables, database| tables.mark(database, &effect))
            .await
    }

    async fn is_waiting(&self, effect: &EffectId) -> Result<bool, EngineError> {
        let effect = effect.clone();
        self.ask(move |tables, database| tables.is_waiting(database, &effect))
            .await
    }

    async fn done(&self, effect: &EffectId) -> Result<(), EngineError> {
        let effect = effect.clone();
        self.write(move |tables, database| tables.done(database, &effect))
            .await
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use kyc_journey::testing::{ClearText, scripted};
    use kyc_journey::{CorrelationToken, EventKey, Fact, Plan};
    use rusqlite::StatementStatus;

    use super::*;
    use crate::tables::{LISTED, READ};

    #[tokio::test]
    async fn a_list_s_journeys_are_read_by_one_statement() {
        let directory = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(directory.path().join("kyc.db"), Arc::new(ClearText));
        let engine = engine.unwrap().with_machine(scripted);
        let ids: Vec<_> = (1..=30).map(JourneyId::from_bits).collect();
        for (id, bits) in ids.iter().zip(1..) {
            let fact = Fact::Start {
                plan: Box::new(Plan::new()),
                token: CorrelationToken::from_bits(bits),
            };
            let key = EventKey::command("start").unwrap();
            let start = Event::new(key, Timestamp::UNIX_EPOCH, None, fact);
            engine.submit(id, start).await.unwrap();
        }
        let listed = engine.read_listed(&ids).await.unwrap();
        assert_eq!(listed.len(), ids.len());
        let reader = engine.reader.lock().unwrap();
        let runs = |statement| {
            let cached = reader.prepare_cached(statement).unwrap();
            cached.get_status(StatementStatus::Run)
        };
        assert_eq!((runs(LISTED), runs(READ)), (1, 0));
    }
}
