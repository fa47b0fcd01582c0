//! The ledger's keys, wrapped.

use std::fmt;

use deadpool_postgres::Pool;
use kyc_consent::{
    KeyError, KeyRow, KeyStore, LedgerError, LedgerId, Refusal, Reservation, StoreError, Wrapped,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::tables::{bytes, failed, get, time, unsigned};
use super::thread::Connected;
use crate::database::{Outcome, Transaction, within};
use crate::error::OpenError;
use crate::open::{KEYS, PostgresOptions};

/// How many keys are wrapped again at once.
const PAGE: i64 = 1_000;

/// Wrapped [keys](kyc_consent::Keys) in a PostgreSQL database, for every process that has the ledger, and each needs the same
/// key-encryption keys: by a [`KeyWrapper`](kyc_consent::KeyWrapper) for a service, or by a file that all of them see.
///
/// The bytes of a key that was deleted, and of one that was wrapped again, stay in the table's file until it is vacuumed, and in the
/// write-ahead log and backups until those go. They open nothing any more: the key-encryption key that they are wrapped under is
/// destroyed in the same erasure. So it must never lie in this database.
///
/// Its methods wait, as those of [`PostgresStore`](crate::PostgresStore) do.
pub struct PostgresKeyStore {
    pool: Pool,
    thread: Connected,
}

impl fmt::Debug for PostgresKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresKeyStore").finish_non_exhaustive()
    }
}

/// What a process locks that rotates the key-encryption key, beside the schema's name: `KYCR`.
const ROTATION: i32 = 0x4b59_4352;

/// Values that are sent elsewhere.
type Values = Vec<Box<dyn ToSql + Sync + Send>>;

impl PostgresKeyStore {
    /// Connects, checks the database, and makes the tables if there are none, in the schema `kyc_consent_keys` unless the options name
    /// another one. It waits for that.
    ///
    /// # Errors
    ///
    /// As for [`PostgresOptions::connect`].
    pub fn open(options: PostgresOptions) -> Result<Self, OpenError> {
        let thread = Connected::start().map_err(OpenError::Thread)?;
        let opened = thread.wait(async move { options.open(&KEYS).await });
        let (pool, _) = opened.unwrap_or_else(|| Err(OpenError::gone()))?;
        Ok(Self { pool, thread })
    }

    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.thread.wait(within(work));
        let gone = || StoreError::Unreachable("the store has ended".to_owned());
        done.ok_or_else(gone)?.map_err(failed)
    }

    /// One statement on a connection of its own, which is a transaction.
    fn ask(&self, words: &'static str, values: Values) -> Result<Vec<Row>, StoreError> {
        let pool = self.pool.clone();
        self.wait(async move {
            let database = Transaction::on(&pool).await?;
            let rows = query(&database, words, &values).await?;
            database.ended();
            Ok(rows)
        })
    }

    /// Wraps page after page again, in a transaction that is passed on from one to the next. Where it fails, the server rolls back, because
    /// the connection is closed.
    fn rewrap_in(
        &self,
        database: Transaction,
        rewrap: &mut dyn FnMut(&Wrapped) -> Result<Wrapped, KeyError>,
    ) -> Result<Transaction, LedgerError> {
        let mut database = database;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let from = after.take();
            let asked = self.wait(async move {
                let next = "SELECT name, key_id, wrapped, since FROM secret
                            WHERE $1::bytea IS NULL OR name > $1 ORDER BY name LIMIT $2";
                let values: Values = vec![Box::new(from), Box::new(PAGE)];
                let rows = query(&database, next, &values).await?;
                Ok((database, rows))
            });
            let (taken, rows) = asked?;
            let rows = rows.iter().map(key_row).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = rows.last() else {
                return Ok(taken);
            };
            after = Some(last.name.clone());
            let (mut names, mut key_ids, mut all) = (Vec::new(), Vec::new(), Vec::new());
            for row in rows {
                let wrapped = rewrap(&row.wrapped)?;
                names.push(row.name);
                key_ids.push(wrapped.key_id);
                all.push(wrapped.bytes);
            }
            let changed = self.wait(async move {
                let change = "UPDATE secret SET key_id = new.key_id, wrapped = new.wrapped
                              FROM unnest($1::bytea[], $2::text[], $3::bytea[]) AS new (name, key_id, wrapped)
                              WHERE secret.name = new.name";
                let values: Values = vec![Box::new(names), Box::new(key_ids), Box::new(all)];
                query(&taken, change, &values).await?;
                Ok(taken)
            });
            database = changed?;
        }
    }
}

async fn query(database: &Transaction, words: &str, values: &Values) -> Outcome<Vec<Row>> {
    let statement = database.prepare(words).await?;
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
    database.query(&statement, &values).await
}

impl KeyStore for PostgresKeyStore {
    fn ledger(&self) -> Result<Option<LedgerId>, StoreError> {
        let rows = self.ask("SELECT id FROM ledger", Vec::new())?;
        let id = rows.first().map(|row| bytes(row, 0)).transpose()?;
        Ok(id.map(LedgerId::from_bytes))
    }

    fn tie(&self, ledger: LedgerId) -> Result<(), StoreError> {
        let insert = "INSERT INTO ledger (one, id) VALUES (true, $1) ON CONFLICT DO NOTHING";
        self.ask(insert, vec![Box::new(ledger.as_bytes().to_vec())])?;
        match self.ledger()? {
            Some(tied) if tied == ledger => Ok(()),
            _ => Err(StoreError::Refused(Refusal::OtherLedger)),
        }
    }

    fn get(&self, name: &[u8]) -> Result<Option<KeyRow>, StoreError> {
        let one = "SELECT name, key_id, wrapped, since FROM secret WHERE name = $1";
        let rows = self.ask(one, vec![Box::new(name.to_vec())])?;
        rows.first().map(key_row).transpose()
    }

    fn list(&self, prefix: &[u8]) -> Result<Vec<KeyRow>, StoreError> {
        let all = "SELECT name, key_id, wrapped, since FROM secret
                   WHERE name >= $1 AND ($2::bytea IS NULL OR name < $2) ORDER BY name";
        let values: Values = vec![Box::new(prefix.to_vec()), Box::new(behind(prefix))];
        self.ask(all, values)?.iter().map(key_row).collect()
    }

    fn insert(&self, rows: &[KeyRow]) -> Result<bool, StoreError> {
        let (mut names, mut key_ids) = (Vec::new(), Vec::new());
        let (mut wrapped, mut since) = (Vec::new(), Vec::new());
        for row in rows {
            names.push(row.name.clone());
            key_ids.push(row.wrapped.key_id.clone());
            wrapped.push(row.wrapped.bytes.clone());
            since.push(row.since.as_microsecond());
        }
        let (pool, count) = (self.pool.clone(), rows.len());
        self.wait(async move {
            let database = Transaction::on(&pool).await?;
            database.run("BEGIN").await?;
            let insert = "INSERT INTO secret (name, key_id, wrapped, since)
                          SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::bigint[])
                          ON CONFLICT DO NOTHING RETURNING 1";
            let values: Values = vec![
                Box::new(names),
                Box::new(key_ids),
                Box::new(wrapped),
                Box::new(since),
            ];
            if query(&database, insert, &values).await?.len() < count {
                database.roll_back().await;
                return Ok(false);
            }
            database.run("COMMIT").await?;
            database.ended();
            Ok(true)
        })
    }

    fn replace(&self, old: &KeyRow, new: &KeyRow) -> Result<bool, StoreError> {
        let update = "UPDATE secret SET key_id = $4, wrapped = $5
                      WHERE name = $1 AND key_id = $2 AND wrapped = $3 RETURNING 1";
        let values: Values = vec![
            Box::new(old.name.clone()),
            Box::new(old.wrapped.key_id.clone()),
            Box::new(old.wrapped.bytes.clone()),
            Box::new(new.wrapped.key_id.clone()),
            Box::new(new.wrapped.bytes.clone()),
        ];
        Ok(self.ask(update, values)?.len() == 1)
    }

    fn delete(&self, names: &[Vec<u8>]) -> Result<(), StoreError> {
        let delete = "DELETE FROM secret WHERE name = ANY($1::bytea[])";
        self.ask(delete, vec![Box::new(names.to_vec())]).map(drop)
    }

    fn rewrap(
        &self,
        rewrap: &mut dyn FnMut(&Wrapped) -> Result<Wrapped, KeyError>,
    ) -> Result<(), LedgerError> {
        let pool = self.pool.clone();
        let database = self.wait(async move {
            let database = Transaction::on(&pool).await?;
            // Whoever inserts meanwhile waits, and notices then that the key-encryption key is another one.
            let alone = "BEGIN; LOCK TABLE secret IN SHARE ROW EXCLUSIVE MODE";
            database.run(alone).await?;
            Ok(database)
        })?;
        let database = self.rewrap_in(database, rewrap)?;
        Ok(self.wait(async move {
            database.run("COMMIT").await?;
            database.ended();
            Ok(())
        })?)
    }

    /// The server gives it up, too, when the connection ends.
    fn reserve_rotation(&self) -> Result<Option<Reservation<'_>>, StoreError> {
        let pool = self.pool.clone();
        let taken = self.wait(async move {
            let database = Transaction::on(&pool).await?;
            let lock = "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))";
            let rows = query(&database, lock, &vec![Box::new(ROTATION)]).await?;
            let is_taken = rows
                .first()
                .map(|row| row.try_get::<_, bool>(0))
                .transpose()?;
            match is_taken {
                Some(true) => Ok(Some(database)),
                _ => {
                    database.ended();
                    Ok(None)
                }
            }
        })?;
        Ok(taken.map(|database| {
            Reservation::until(move || {
                // What is not given up so ends with its connection.
                let _given_up = self.wait(async move {
                    let give_up = "SELECT pg_advisory_unlock($1, hashtext(current_schema()))";
                    query(&database, give_up, &vec![Box::new(ROTATION)]).await?;
                    database.ended();
                    Ok(())
                });
            })
        }))
    }

    fn persons(&self) -> Result<u64, StoreError> {
        // A data key's name is a `d`, the person and the class.
        let count = "SELECT count(DISTINCT substring(name FROM 2 FOR 16)) FROM secret
                     WHERE name >= 'd'::bytea AND name < 'e'::bytea";
        let rows = self.ask(count, Vec::new())?;
        let row = rows.first();
        unsigned(get(row.ok_or(StoreError::Unreadable("a count"))?, 0)?)
    }
}

/// The first name that is behind all those with this beginning; `None` if there is none.
fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

fn key_row(row: &Row) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        name: get(row, 0)?,
        wrapped: Wrapped {
            key_id: get(row, 1)?,
            bytes: get(row, 2)?,
        },
        since: time(get(row, 3)?)?,
    })
}
