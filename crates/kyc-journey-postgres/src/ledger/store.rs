//! The ledger of consents.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool_postgres::Pool;
use kyc_consent::{
    Change, Digest, Entry, Follower, Head, LedgerId, LedgerStore, ReceiptRow, Reservation,
    StoreError, Subject, SubjectState,
};
use tokio::runtime::Handle;
use tokio_postgres::Row;

use super::tables::{
    Statement, Tables, artefact, ask, bytes, entry, failed, follower, get, hold, receipts, unsigned,
};
use super::thread::Connected;
use crate::database::{Outcome, Transaction, within};
use crate::error::OpenError;
use crate::open::{LEDGER, PostgresOptions};

/// All of it as of one moment.
const ONE_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A [ledger](kyc_consent::ConsentLedger) in a PostgreSQL database, which any number of processes share: each appends where the others
/// have left the chain, one at a time.
///
/// Its methods wait for the server and are not async. Its connections have a thread of their own, so that they may be called anywhere;
/// but where a runtime's threads have others to serve, call them by `spawn_blocking`.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    tables: Tables,
    on: On,
}

/// Where statements run.
enum On {
    /// On connections of the store's own, in transactions of its own.
    Connections {
        pool: Pool,
        /// A transaction that has the ledger's lock, for the next commit.
        reserved: Box<Mutex<Option<Transaction>>>,
        thread: Connected,
    },
    /// In somebody's transaction, whose runtime drives its connection. Whoever asks is on a thread that may wait.
    Transaction(Arc<Transaction>, Handle),
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("tables", &self.0.tables)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects, checks the database, and makes the ledger's tables if there are none, in the schema `kyc_consent` unless the options name
    /// another one. It waits for that: see [`PostgresStore`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresOptions::connect`].
    pub fn open(options: PostgresOptions) -> Result<Self, OpenError> {
        let thread = Connected::start().map_err(OpenError::Thread)?;
        let opened = thread.wait(async move {
            let (pool, schema) = options.open(&LEDGER).await?;
            let whose = "SELECT id FROM ledger";
            let row = pool.get().await.map_err(|_| OpenError::gone())?;
            let row = row.query_one(whose, &[]).await?;
            Ok::<_, OpenError>((pool, schema, row))
        });
        let (pool, schema, row) = opened.unwrap_or_else(|| Err(OpenError::gone()))?;
        let id = bytes(&row, 0).map_err(|_| OpenError::OtherApplication {
            schema: schema.clone(),
        })?;
        Ok(Self(Arc::new(Inner {
            tables: Tables::of(&schema, LedgerId::from_bytes(id)),
            on: On::Connections {
                pool,
                reserved: Box::default(),
                thread,
            },
        })))
    }

    /// Checks that the connections of this pool lead to this ledger, too.
    pub(crate) async fn is_beside(&self, pool: &Pool) -> Result<(), OpenError> {
        let client = pool.get().await.map_err(|_| OpenError::gone())?;
        let found = self.0.tables.find(&client).await?;
        match found == Some(self.0.tables.ledger()) {
            true => Ok(()),
            false => Err(OpenError::OtherDatabase),
        }
    }

    /// The same ledger in somebody's transaction, which this gives the ledger's lock: whoever has it is the only one to append until the
    /// transaction ends. What is committed here is committed by that.
    pub(crate) async fn within(&self, database: Arc<Transaction>) -> Outcome<Self> {
        let tables = self.0.tables.clone();
        ask(&database, None, &[tables.lock()], None).await?;
        let on = On::Transaction(database, Handle::current());
        Ok(Self(Arc::new(Inner { tables, on })))
    }

    /// Does it where the connections are driven, within the deadline.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = match &self.0.on {
            On::Connections { thread, .. } => thread.wait(within(work)),
            On::Transaction(_, runtime) => Some(runtime.block_on(within(work))),
        };
        let gone = || StoreError::Unreachable("the store has ended".to_owned());
        done.ok_or_else(gone)?.map_err(failed)
    }

    /// Asks all of them, as of one moment if they are several.
    fn ask_all(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, StoreError> {
        match &self.0.on {
            On::Connections { pool, .. } => {
                let pool = pool.clone();
                let (before, after) = match statements.len() {
                    0 | 1 => (None, None),
                    _ => (Some(ONE_MOMENT), Some("COMMIT")),
                };
                self.wait(async move {
                    let database = Transaction::on(&pool).await?;
                    let answers = ask(&database, before, &statements, after).await?;
                    database.ended();
                    Ok(answers)
                })
            }
            On::Transaction(database, _) => {
                let database = Arc::clone(database);
                self.wait(async move { ask(&database, None, &statements, None).await })
            }
        }
    }

    fn ask(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let answers = self.ask_all(vec![statement])?;
        Ok(answers.into_iter().next().unwrap_or_default())
    }
}

fn held(reserved: &Mutex<Option<Transaction>>) -> MutexGuard<'_, Option<Transaction>> {
    reserved.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LedgerStore for PostgresStore {
    fn head(&self) -> Result<Head, StoreError> {
        let tables = &self.0.tables;
        tables.head_of(&self.ask(tables.head())?)
    }

    fn subject(&self, subject: Subject) -> Result<SubjectState, StoreError> {
        let tables = &self.0.tables;
        let statements = vec![
            tables.receipts(subject),
            tables.holds(subject),
            tables.artefacts(subject),
        ];
        let mut found = self.ask_all(statements)?.into_iter();
        let mut rows = || found.next().unwrap_or_default();
        let (epoch, receipts) = receipts(subject, &rows())?;
        let holds = rows();
        let holds = holds.iter().map(|row| hold(subject, row));
        let artefacts = rows();
        Ok(SubjectState {
            epoch,
            receipts,
            holds: holds.collect::<Result<_, _>>()?,
            artefacts: artefacts.iter().map(artefact).collect::<Result<_, _>>()?,
        })
    }

    fn receipts(&self, subject: Subject) -> Result<(u64, Vec<ReceiptRow>), StoreError> {
        receipts(subject, &self.ask(self.0.tables.receipts(subject))?)
    }

    fn commit(&self, change: &Change) -> Result<(), StoreError> {
        let tables = self.0.tables.clone();
        let (change, writes) = (change.clone(), tables.writes(change)?);
        match &self.0.on {
            On::Connections { pool, reserved, .. } => {
                let (pool, reserved) = (pool.clone(), held(reserved).take());
                self.wait(async move {
                    let (database, begin) = match reserved {
                        Some(database) => (database, None),
                        None => (Transaction::on(&pool).await?, Some("BEGIN")),
                    };
                    let written = tables.write(&database, &change, &writes, begin, Some("COMMIT"));
                    match written.await {
                        Ok(()) => {
                            database.ended();
                            Ok(())
                        }
                        Err(failure) => {
                            database.roll_back().await;
                            Err(failure)
                        }
                    }
                })
            }
            On::Transaction(database, _) => {
                let database = Arc::clone(database);
                self.wait(async move {
                    let written = tables.write(&database, &change, &writes, None, None);
                    written.await
                })
            }
        }
    }

    /// Takes the ledger's lock, behind those who asked before.
    fn reserve(&self) -> Result<Reservation<'_>, StoreError> {
        let On::Connections { pool, reserved, .. } = &self.0.on else {
            // Whose transaction it is has the lock already.
            return Ok(Reservation::default());
        };
        let (pool, tables) = (pool.clone(), self.0.tables.clone());
        let taken = self.wait(async move {
            let database = Transaction::on(&pool).await?;
            ask(&database, Some("BEGIN"), &[tables.lock()], None).await?;
            Ok(database)
        })?;
        *held(reserved) = Some(taken);
        Ok(Reservation::until(|| {
            if let Some(unused) = held(reserved).take() {
                // What is not rolled back ends with its connection.
                let _given_up = self.wait(async move {
                    unused.roll_back().await;
                    Ok(())
                });
            }
        }))
    }

    fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let rows = self.ask(self.0.tables.entries(after, limit)?)?;
        rows.iter().map(entry).collect()
    }

    fn entries_of(&self, subject: Subject) -> Result<Vec<Entry>, StoreError> {
        let rows = self.ask(self.0.tables.entries_of(subject))?;
        rows.iter().map(entry).collect()
    }

    fn persons(&self) -> Result<u64, StoreError> {
        let rows = self.ask(self.0.tables.persons())?;
        let row = rows.first();
        unsigned(get(row.ok_or(StoreError::Unreadable("a count"))?, 0)?)
    }

    fn written(&self, source: &Digest) -> Result<Option<u64>, StoreError> {
        let rows = self.ask(self.0.tables.written(source))?;
        let row = rows.first();
        row.map(|row| unsigned(get(row, 0)?)).transpose()
    }

    fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError> {
        let rows = self.ask(self.0.tables.follower(name))?;
        rows.first().map(follower).transpose()
    }

    fn followers(&self, subject: Subject) -> Result<Vec<Follower>, StoreError> {
        let rows = self.ask(self.0.tables.followers(subject))?;
        rows.iter().map(follower).collect()
    }

    fn untold(&self, after: &str, limit: usize) -> Result<Vec<Follower>, StoreError> {
        let rows = self.ask(self.0.tables.untold(after, limit))?;
        rows.iter().map(follower).collect()
    }
}
