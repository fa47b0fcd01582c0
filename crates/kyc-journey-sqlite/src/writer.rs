//! One writer, whose commits take in everything that was submitted while the last one was being made durable.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use kyc_journey::point;
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How many writes one commit takes in at most.
const GROUP: usize = 1_024;

/// How many bytes of payloads one commit takes in at most, unless one write alone has more: others wait for it, and the log grows by it.
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// How many the writer answers by itself: another thread would take as long to begin.
const FEW: usize = 8;

/// After how many commits of one write each the next caller commits by itself: two changes of threads take as long as a commit.
const ALONE: u64 = 16;

/// Why a write was not made.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    /// The write was refused before it changed anything; the others of its group are made.
    Refused(E),
    /// The database failed, and the whole group is rolled back.
    Database(rusqlite::Error),
}

impl<E> From<rusqlite::Error> for Failure<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Why nothing was stored.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// As many writes wait as may wait.
    Full,
    /// The writer has ended.
    Closed,
    /// The database failed: disk full, input and output, read-only.
    Database(rusqlite::Error),
}

/// A write that waits for its commit. It may be made again after a rollback.
trait Waiting: Send {
    fn write(&mut self, database: &Connection) -> rusqlite::Result<()>;
    fn settle(self: Box<Self>, committed: Result<(), NotWritten>);
    /// How large its payload is. Everything else is small.
    fn bytes(&self) -> usize;
    /// Where whoever waits for it is run.
    fn runtime(&self) -> Option<Handle>;
}

type Outcome<T, E> = Result<Result<T, E>, NotWritten>;

struct Write<F, T, E> {
    make: F,
    made: Option<Result<T, E>>,
    bytes: usize,
    reply: oneshot::Sender<Outcome<T, E>>,
    runtime: Option<Handle>,
}

impl<F, T: Send, E: Send> Waiting for Write<F, T, E>
where
    F: FnMut(&Connection) -> Result<T, Failure<E>> + Send,
{
    fn write(&mut self, database: &Connection) -> rusqlite::Result<()> {
        self.made = Some(made(&mut self.make, database)?);
        Ok(())
    }

    fn settle(self: Box<Self>, committed: Result<(), NotWritten>) {
        let Self { made, reply, .. } = *self;
        let outcome = committed.and_then(|()| made.ok_or(NotWritten::Closed));
        // Whoever asked may have given up; what is written stays written.
        let _ = reply.send(outcome);
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn runtime(&self) -> Option<Handle> {
        self.runtime.clone()
    }
}

fn made<T, E>(
    make: &mut impl FnMut(&Connection) -> Result<T, Failure<E>>,
    database: &Connection,
) -> rusqlite::Result<Result<T, E>> {
    match make(database) {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Refused(error)) => Ok(Err(error)),
        Err(Failure::Database(error)) => Err(error),
    }
}

struct Queue {
    writes: VecDeque<Box<dyn Waiting>>,
    capacity: usize,
    closed: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    /// Taken for as long as a commit takes; its holder alone writes.
    database: Mutex<Connection>,
    /// How many transactions were committed.
    commits: AtomicU64,
    /// How many of the latest groups had one write only.
    alone: AtomicU64,
    /// Told of every transaction that was not.
    rolled_back: Box<dyn Fn() + Send + Sync>,
}

/// What submits to the writer. The thread ends, and the database is closed, when it is dropped.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread. At most `capacity` writes wait. `rolled_back` is called after each transaction that was not committed, before the
    /// next one begins.
    pub(crate) fn start(
        database: Connection,
        capacity: usize,
        rolled_back: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue {
                writes: VecDeque::new(),
                capacity,
                closed: false,
            }),
            filled: Condvar::new(),
            database: Mutex::new(database),
            commits: AtomicU64::new(0),
            alone: AtomicU64::new(0),
            rolled_back: Box::new(rolled_back),
        });
        let here = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("kyc-journey-sqlite".to_owned())
            .spawn(move || here.run())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Lets at most this many writes wait.
    pub(crate) fn set_capacity(&self, writes: usize) {
        lock(&self.shared.queue).capacity = writes;
    }

    /// Runs something outside of a transaction, between two commits; what is known of the tables is forgotten. Blocks for as long as a commit takes.
    #[cfg(feature = "testing")]
    pub(crate) fn alone(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), NotWritten> {
        let database = lock(&self.shared.database);
        (self.shared.rolled_back)();
        run(&database).map_err(NotWritten::Database)
    }

    /// How many transactions were committed since the start.
    pub(crate) fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Makes a write and answers after its commit. `make` is called within a transaction, and again if that one failed; it
    /// must not refuse after it changed something. `bytes` is how large its payload is.
    pub(crate) async fn write<T, E>(
        &self,
        bytes: usize,
        make: impl FnMut(&Connection) -> Result<T, Failure<E>> + Send + 'static,
    ) -> Outcome<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write = Box::new(Write {
            make,
            made: None,
            bytes,
            reply,
            runtime: Handle::try_current().ok(),
        });
        match self.shared.alone() {
            Some(database) => self.shared.commit_here(&database, write),
            None => self.shared.enqueue(write)?,
        }
        answer.await.unwrap_or(Err(NotWritten::Closed))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.filled.notify_one();
        // What was submitted is committed first, and the database is closed when this returns.
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the writer of journeys panicked");
        }
        // The reader is closed last and may not write, so SQLite itself would leave the log, and what was erased in it.
        let database = lock(&self.shared.database);
        let moved = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| {
            row.get::<_, i64>(0)
        });
        if moved != Ok(0) {
            tracing::warn!(
                "the log of journeys was not moved into the database when it was closed"
            );
        }
    }
}

impl Shared {
    fn enqueue(&self, write: Box<dyn Waiting>) -> Result<(), NotWritten> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(NotWritten::Closed);
        }
        if queue.writes.len() >= queue.capacity {
            return Err(NotWritten::Full);
        }
        queue.writes.push_back(write);
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// The database, for a caller that commits by itself: nobody has submitted at the same time for a while, nothing waits, and the
    /// thread is one of several, so that others go on meanwhile.
    fn alone(&self) -> Option<MutexGuard<'_, Connection>> {
        if self.alone.load(Ordering::Relaxed) < ALONE {
            return None;
        }
        let runtime = Handle::try_current().ok()?;
        let may_wait = runtime.metrics().num_workers() > 1;
        let database = self.database.try_lock().ok().filter(|_| may_wait)?;
        let queue = lock(&self.queue);
        (queue.writes.is_empty() && !queue.closed).then_some(database)
    }

    fn commit_here(&self, database: &Connection, write: Box<dyn Waiting>) {
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(database, vec![write])));
        if committed.is_err() {
            // As where the writer's thread panics.
            drop(Closing(self));
            tracing::error!("the writer of journeys panicked");
        }
    }

    /// Commits group after group until the queue is closed and empty.
    fn run(&self) {
        // Whatever ends the thread, nobody waits for it afterwards.
        let _closing = Closing(self);
        while self.is_filled() {
            // What comes until the database is free shares the commit.
            let database = lock(&self.database);
            let group = self.group();
            match group.len() {
                1 => self.alone.fetch_add(1, Ordering::Relaxed),
                _ => self.alone.swap(0, Ordering::Relaxed),
            };
            self.commit(&database, group);
        }
    }

    /// Commits a group, or, if the database fails, each write alone, so that one that is too large holds up no other.
    fn commit(&self, database: &Connection, mut group: Vec<Box<dyn Waiting>>) {
        let mut failure = transaction(database, &mut group).err();
        match failure {
            None => {
                self.commits.fetch_add(1, Ordering::Relaxed);
            }
            Some(_) => (self.rolled_back)(),
        }
        let alone = group.len() == 1;
        if failure.is_none() {
            Committed(group).settle();
            return;
        }
        for write in group {
            match failure.take() {
                Some(error) if alone => write.settle(Err(NotWritten::Database(error))),
                error => {
                    failure = error;
                    self.commit(database, vec![write]);
                }
            }
        }
    }

    /// Waits until something waits; `false` if nothing will.
    fn is_filled(&self) -> bool {
        let mut queue = lock(&self.queue);
        while queue.writes.is_empty() {
            if queue.closed {
                return false;
            }
            queue = self
                .filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Everything that waits, up to the size of a group.
    fn group(&self) -> Vec<Box<dyn Waiting>> {
        let mut queue = lock(&self.queue);
        let (mut size, mut bytes) = (0_usize, 0_usize);
        for write in queue.writes.iter().take(GROUP) {
            bytes = bytes.saturating_add(write.bytes());
            if bytes > GROUP_BYTES && size > 0 {
                break;
            }
            size = size.saturating_add(1);
        }
        queue.writes.drain(..size).collect()
    }
}

/// Writes that are durable. Each is answered, at the latest when this is dropped.
struct Committed(Vec<Box<dyn Waiting>>);

impl Committed {
    /// Answers them: many of them on a thread of those who wait, so that the writer goes on.
    fn settle(self) {
        let runtime = match self.0.len() {
            0..=FEW => None,
            _ => self.0.first().and_then(|write| write.runtime()),
        };
        if let Some(runtime) = runtime {
            // A runtime that has ended drops it at once.
            runtime.spawn(async move { drop(self) });
        }
    }
}

impl Drop for Committed {
    fn drop(&mut self) {
        for write in self.0.drain(..) {
            write.settle(Ok(()));
        }
    }
}

struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.0.queue);
        queue.closed = true;
        queue.writes.clear();
    }
}

/// No lock is held while a caller's code runs that could leave something half done: the transaction is rolled back then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn transaction(database: &Connection, group: &mut [Box<dyn Waiting>]) -> rusqlite::Result<()> {
    let all = || {
        if !database.is_autocommit() {
            database.execute_batch("ROLLBACK")?;
        }
        database.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        for write in group {
            write.write(database)?;
            point("in a transaction");
        }
        point("before a commit");
        database.prepare_cached("COMMIT")?.execute(())?;
        point("after a commit");
        Ok(())
    };
    let outcome = all();
    // Some failures end the transaction by themselves.
    if outcome.is_err() && !database.is_autocommit() {
        database.execute_batch("ROLLBACK")?;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn table() -> Connection {
        let database = Connection::open_in_memory().expect("a database");
        let made = database.execute_batch("CREATE TABLE t (a INTEGER UNIQUE, b BLOB) STRICT");
        made.expect("a table");
        database
    }

    fn insert(
        a: i64,
        size: usize,
    ) -> impl FnMut(&Connection) -> Result<i64, Failure<&'static str>> {
        move |database| {
            let bytes = vec![1; size];
            database.execute("INSERT INTO t VALUES (?1, ?2)", (a, bytes))?;
            Ok(a)
        }
    }

    /// What is in the table, and the number of transactions that put it there, as far as they can be told.
    async fn rows(writer: &Writer) -> Vec<i64> {
        let read = |database: &Connection| {
            let mut rows = database.prepare("SELECT a FROM t ORDER BY a")?;
            let rows = rows
                .query_map((), |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok::<_, Failure<()>>(rows)
        };
        writer.write(0, read).await.expect("a read").expect("rows")
    }

    /// Holds the writer in a write, so that what is submitted meanwhile becomes one group.
    struct Held {
        release: mpsc::Sender<()>,
        done: tokio::task::JoinHandle<()>,
    }

    async fn hold(writer: &Arc<Writer>) -> Held {
        let (release, released) = mpsc::channel::<()>();
        let (began, begun) = oneshot::channel();
        let mut began = Some(began);
        let holding = Arc::clone(writer);
        let done = tokio::spawn(async move {
            let wait = move |_: &Connection| {
                if let Some(began) = began.take() {
                    began.send(()).expect("somebody waits");
                    released.recv().expect("a release");
                }
                Ok::<_, Failure<()>>(())
            };
            holding
                .write(0, wait)
                .await
                .expect("a commit")
                .expect("a write");
        });
        begun.await.expect("the writer is held");
        Held { release, done }
    }

    impl Held {
        async fn release(self) {
            self.release.send(()).expect("the writer waits");
            self.done.await.expect("the writer goes on");
        }
    }

    /// Submits all of these and returns once they wait.
    async fn submit(
        writer: &Arc<Writer>,
        rows: &[(i64, usize)],
    ) -> Vec<tokio::task::JoinHandle<Outcome<i64, &'static str>>> {
        let mut submitted = Vec::new();
        for (a, size) in rows.iter().copied() {
            let writer = Arc::clone(writer);
            submitted.push(tokio::spawn(async move {
                writer.write(size, insert(a, size)).await
            }));
        }
        // One thread runs all tasks: each submits before this one is asked often enough.
        while lock(&writer.shared.queue).writes.len() < rows.len() {
            tokio::task::yield_now().await;
        }
        submitted
    }

    #[tokio::test]
    async fn what_was_submitted_during_a_commit_is_one_group() {
        let writer = Arc::new(Writer::start(table(), 4_096, || ()).expect("a thread"));
        let held = hold(&writer).await;
        let all: Vec<_> = (0..1_500).map(|a| (a, 1)).collect();
        let submitted = submit(&writer, &all).await;
        held.release().await;
        for one in submitted {
            assert!(matches!(one.await, Ok(Ok(Ok(_)))));
        }
        assert_eq!(writer.commits(), 3, "the held one, 1,024, and the rest");
    }

    #[tokio::test]
    async fn a_group_of_large_writes_has_an_end_and_one_that_is_larger_is_alone() {
        const PART: usize = GROUP_BYTES / 5 * 2;

        let writer = Arc::new(Writer::start(table(), 4_096, || ()).expect("a thread"));
        let held = hold(&writer).await;
        let sizes = [
            (1, PART),
            (2, PART),
            (3, PART),
            (4, GROUP_BYTES + 1),
            (5, 1),
            (6, PART),
        ];
        let submitted = submit(&writer, &sizes).await;
        held.release().await;
        for one in submitted {
            assert!(matches!(one.await, Ok(Ok(Ok(_)))));
        }
        assert_eq!(writer.commits(), 5, "the held one, 1 and 2, 3, 4, 5 and 6");
        assert_eq!(rows(&writer).await, [1, 2, 3, 4, 5, 6]);
    }

    #[tokio::test]
    async fn a_write_that_fails_takes_no_other_with_it() {
        let writer = Arc::new(Writer::start(table(), 4_096, || ()).expect("a thread"));
        let held = hold(&writer).await;
        // The third breaks a rule of the table.
        let submitted = submit(&writer, &[(1, 1), (2, 1), (2, 1), (3, 1)]).await;
        held.release().await;
        let mut outcomes = Vec::new();
        for one in submitted {
            outcomes.push(one.await.expect("an outcome").is_ok());
        }
        assert_eq!(outcomes, [true, true, false, true]);
        assert_eq!(rows(&writer).await, [1, 2, 3]);
    }

    #[tokio::test]
    async fn what_is_refused_is_told_and_the_group_is_committed() {
        let writer = Arc::new(Writer::start(table(), 4_096, || ()).expect("a thread"));
        let held = hold(&writer).await;
        let submitted = submit(&writer, &[(1, 1)]).await;
        let other = Arc::clone(&writer);
        let refused = tokio::spawn(async move {
            let no = |_: &Connection| Err::<(), _>(Failure::Refused("no"));
            other.write(0, no).await
        });
        tokio::task::yield_now().await;
        held.release().await;
        assert!(matches!(refused.await, Ok(Ok(Err("no")))));
        for one in submitted {
            assert!(matches!(one.await, Ok(Ok(Ok(1)))));
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_loses_nothing() {
        let database = table();
        database
            .execute_batch("PRAGMA max_page_count = 20")
            .expect("a small disk");
        let writer = Arc::new(Writer::start(database, 4_096, || ()).expect("a thread"));
        assert!(matches!(
            writer.write(0, insert(1, 10_000)).await,
            Ok(Ok(1))
        ));
        let held = hold(&writer).await;
        // The large one does not fit; the small ones do, also in its group.
        let submitted = submit(&writer, &[(2, 10), (3, 1_000_000), (4, 10)]).await;
        held.release().await;
        let mut full = 0;
        for one in submitted {
            match one.await.expect("an outcome") {
                Ok(Ok(_)) => {}
                Err(NotWritten::Database(error)) => {
                    assert_eq!(
                        error.sqlite_error_code(),
                        Some(rusqlite::ErrorCode::DiskFull)
                    );
                    full += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(full, 1);
        assert_eq!(rows(&writer).await, [1, 2, 4]);
    }

    #[tokio::test]
    async fn a_disk_that_turned_read_only_is_told_and_loses_nothing() {
        let writer = Arc::new(Writer::start(table(), 4_096, || ()).expect("a thread"));
        assert!(matches!(writer.write(0, insert(1, 1)).await, Ok(Ok(1))));
        let turn = |word: &'static str| {
            let writer = Arc::clone(&writer);
            async move {
                let turned = lock(&writer.shared.database).pragma_update(None, "query_only", word);
                turned.expect("a setting");
            }
        };
        turn("ON").await;
        let refused = writer.write(0, insert(2, 1)).await;
        assert!(matches!(
            refused,
            Err(NotWritten::Database(error)) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly)
        ));
        turn("OFF").await;
        assert!(matches!(writer.write(0, insert(3, 1)).await, Ok(Ok(3))));
        assert_eq!(rows(&writer).await, [1, 3]);
    }

    /// Whoever waits on another thread is answered though the runtime of the first of the group has ended.
    #[tokio::test]
    async fn a_runtime_that_ended_takes_no_answer_with_it() {
        let writer = Arc::new(Writer::start(table(), 64, || ()).expect("a thread"));
        let held = hold(&writer).await;
        let other = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .expect("a runtime");
        let first = Arc::clone(&writer);
        other.spawn(async move { first.write(0, insert(0, 1)).await });
        while lock(&writer.shared.queue).writes.is_empty() {
            tokio::task::yield_now().await;
        }
        let rows: Vec<_> = (1..20).map(|a| (a, 1)).collect();
        let submitted = submit(&writer, &rows).await;
        other.shutdown_background();
        held.release().await;
        for one in submitted {
            assert!(matches!(one.await, Ok(Ok(Ok(_)))));
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_closed_one_too() {
        let writer = Arc::new(Writer::start(table(), 2, || ()).expect("a thread"));
        let held = hold(&writer).await;
        let submitted = submit(&writer, &[(1, 1), (2, 1)]).await;
        assert!(matches!(
            writer.write(0, insert(3, 1)).await,
            Err(NotWritten::Full)
        ));
        held.release().await;
        for one in submitted {
            assert!(matches!(one.await, Ok(Ok(Ok(_)))));
        }
        lock(&writer.shared.queue).closed = true;
        assert!(matches!(
            writer.write(0, insert(4, 1)).await,
            Err(NotWritten::Closed)
        ));
    }

    /// The thread that asked has written, once nobody has submitted at the same time for a while.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_caller_that_is_alone_commits_by_itself() {
        let writer = Arc::new(Writer::start(table(), 64, || ()).expect("a thread"));
        let who = async || {
            let on = |_: &Connection| Ok::<_, Failure<()>>(std::thread::current().id());
            let on = writer
                .write(0, on)
                .await
                .expect("a commit")
                .expect("a write");
            on == std::thread::current().id()
        };
        for _ in 0..ALONE {
            assert!(!who().await, "the writer's thread");
        }
        // Whoever woke it may have been answered before the writer let the database go.
        while !who().await {}
        let held = hold(&writer).await;
        let submitted = submit(&writer, &[(1, 1), (2, 1)]).await;
        held.release().await;
        for one in submitted {
            assert!(matches!(one.await, Ok(Ok(Ok(_)))));
        }
        assert!(!who().await, "others submit at the same time");
        assert_eq!(rows(&writer).await, [1, 2]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_caller_that_panics_as_it_commits_closes_the_writer() {
        let writer = Arc::new(Writer::start(table(), 16, || ()).expect("a thread"));
        for a in 0..2 * i64::try_from(ALONE).expect("few") {
            assert!(matches!(writer.write(0, insert(a, 1)).await, Ok(Ok(_))));
        }
        let wrong = |_: &Connection| -> Result<(), Failure<()>> { panic!("on purpose") };
        assert!(matches!(
            writer.write(0, wrong).await,
            Err(NotWritten::Closed)
        ));
        assert!(matches!(
            writer.write(0, insert(-1, 1)).await,
            Err(NotWritten::Closed)
        ));
    }

    #[tokio::test]
    async fn a_writer_that_panics_leaves_nobody_waiting() {
        let writer = Arc::new(Writer::start(table(), 16, || ()).expect("a thread"));
        let wrong = |_: &Connection| -> Result<(), Failure<()>> { panic!("on purpose") };
        assert!(matches!(
            writer.write(0, wrong).await,
            Err(NotWritten::Closed)
        ));
        assert!(matches!(
            writer.write(0, insert(1, 1)).await,
            Err(NotWritten::Closed)
        ));
    }
}
