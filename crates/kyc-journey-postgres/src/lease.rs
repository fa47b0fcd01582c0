//! Several runners on one database: who carries out which effects, and until when.
//!
//! A run is a row whose end it moves on as long as it lives. What it takes up names it, so that a mark or a removal by a run that has
//! lost its row finds nothing: whoever takes a run's place changes the name on its effects in the transaction that removes it.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::Timestamp;
use kyc_journey::{Bodies, Due, Effect, EffectId, EngineError, EngineErrorKind, JourneyId, Lane};
use tokio::sync::Notify;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use crate::changes::{ordinal, stored};
use crate::database::{Failure, Outcome, Request, Transaction, at_once, persistently};
use crate::group::{corrupt, number};
use crate::reads::{ask, change, id, is_waiting, time};

/// The run of an engine, if it has one.
#[derive(Clone)]
pub(crate) struct Leases(Arc<Shared>);

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases").finish_non_exhaustive()
    }
}

struct Shared {
    pool: Pool,
    bodies: Bodies,
    /// How long a run may be silent.
    lease: Duration,
    run: Mutex<Run>,
    /// Held while a run is written down, so that it is once.
    beginning: tokio::sync::Mutex<()>,
    /// Effects of which nobody knows whether they were marked, because the connection was lost.
    unsure: Mutex<HashSet<EffectId>>,
    /// Something may have been taken up whose list was lost with the connection.
    may_have_more: AtomicBool,
    /// What was taken up again while this engine was still at it, since before it lost a lease.
    still_at: Mutex<HashSet<EffectId>>,
}

#[derive(Default)]
struct Run {
    /// Its number in the database; `None`: it has none, or has lost it.
    number: Option<i64>,
    /// Runs of this engine that are over, and whose rows may still say otherwise.
    over: BTreeSet<i64>,
    /// The journey that it is for; `None`: for all.
    only: Option<JourneyId>,
    /// Told when the run that has the number ends.
    ended: Arc<Notify>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const TAKE_UP: &str = "
    WITH free AS MATERIALIZED (
        SELECT journey, seq, ordinal FROM effect
        WHERE lane = $2 AND due <= $3 AND runner IS NULL AND NOT marked
        AND ($5::text IS NULL OR journey = (SELECT number FROM journey WHERE id = $5))
        ORDER BY due LIMIT $4 FOR UPDATE SKIP LOCKED)
    UPDATE effect SET runner = $1 FROM free, journey
    WHERE effect.journey = free.journey AND effect.seq = free.seq AND effect.ordinal = free.ordinal
    AND journey.number = effect.journey
    RETURNING journey.id, effect.seq, effect.ordinal, effect.body, effect.due";

impl Leases {
    pub(crate) fn new(pool: Pool, bodies: Bodies, lease: Duration) -> Self {
        Self(Arc::new(Shared {
            pool,
            bodies,
            lease,
            run: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            unsure: Mutex::default(),
            may_have_more: AtomicBool::new(false),
            still_at: Mutex::default(),
        }))
    }

    /// Begins a run of this engine; what tells that it has ended. It has a row once it first asks for something.
    pub(crate) fn begin(&self, only: Option<&JourneyId>) -> Arc<Notify> {
        let mut run = lock(&self.0.run);
        let before = run.number.take();
        run.over.extend(before);
        run.only = only.cloned();
        run.ended = Arc::default();
        lock(&self.0.unsure).clear();
        lock(&self.0.still_at).clear();
        Arc::clone(&run.ended)
    }

    /// The number of the run, if it has one.
    pub(crate) fn current(&self) -> Option<i64> {
        lock(&self.0.run).number
    }

    /// The number of the run, which gets one if it has none.
    async fn number(&self) -> Outcome<i64> {
        let shared = &self.0;
        let _beginning = shared.beginning.lock().await;
        let (over, ended) = {
            let run = lock(&shared.run);
            if let Some(number) = run.number {
                return Ok(number);
            }
            let over: Vec<i64> = run.over.iter().copied().collect();
            (over, Arc::clone(&run.ended))
        };
        if !over.is_empty() {
            change(&shared.pool, GIVE_UP, &[&over]).await?;
            lock(&shared.run)
                .over
                .retain(|number| !over.contains(number));
        }
        let begin = "INSERT INTO runner (until)
                     VALUES (clock_timestamp() + make_interval(secs => $1)) RETURNING number";
        let rows = ask(&shared.pool, begin, &[&shared.lease.as_secs_f64()]).await?;
        let number: i64 = rows.first().ok_or_else(corrupt)?.try_get(0)?;
        let mut run = lock(&shared.run);
        if !Arc::ptr_eq(&run.ended, &ended) {
            // Another run has begun meanwhile.
            run.over.insert(number);
            return Err(Failure::Refused(EngineError::new(
                EngineErrorKind::Unavailable,
            )));
        }
        run.number = Some(number);
        drop(run);
        let leases = self.clone();
        tokio::spawn(async move { leases.keep(number, ended).await });
        Ok(number)
    }

    /// Moves the end of a run on until it ends, then gives up what it had.
    async fn keep(&self, number: i64, ended: Arc<Notify>) {
        let shared = &self.0;
        let often = shared.lease.checked_div(3).unwrap_or(shared.lease);
        let seconds = shared.lease.as_secs_f64();
        loop {
            tokio::select! {
                biased;
                () = ended.notified() => break,
                () = tokio::time::sleep(often) => {}
            }
            let move_on = "UPDATE runner SET until = clock_timestamp() + make_interval(secs => $2)
                           WHERE number = $1";
            match change(&shared.pool, move_on, &[&number, &seconds]).await {
                Ok(0) => {
                    tracing::warn!("a run lost its lease: another one took its place");
                    self.lose(number);
                    return;
                }
                Ok(_) => {}
                Err(failure) => {
                    let error = EngineError::from(failure);
                    tracing::warn!(%error, "a lease cannot be renewed");
                }
            }
        }
        {
            let mut run = lock(&shared.run);
            if run.number == Some(number) {
                run.number = None;
            }
            run.over.insert(number);
        }
        if let Err(failure) = self.give_up().await {
            let error = EngineError::from(failure);
            tracing::warn!(%error, "a lease cannot be given up and ends by itself");
        }
    }

    /// Lets others take the place of the runs of this engine that are over.
    async fn give_up(&self) -> Outcome<()> {
        let over: Vec<i64> = lock(&self.0.run).over.iter().copied().collect();
        if !over.is_empty() {
            change(&self.0.pool, GIVE_UP, &[&over]).await?;
            lock(&self.0.run)
                .over
                .retain(|number| !over.contains(number));
        }
        Ok(())
    }

    /// Ends the run and gives up what it had.
    pub(crate) async fn close(&self) -> Outcome<()> {
        let ended = self.begin(None);
        ended.notify_one();
        self.give_up().await
    }

    fn lose(&self, number: i64) {
        let mut run = lock(&self.0.run);
        if run.number == Some(number) {
            run.number = None;
        }
    }

    fn only(&self) -> Option<String> {
        let run = lock(&self.0.run);
        run.only.as_ref().map(|only| only.as_str().to_owned())
    }

    /// The unsafe calls of runs that are over, which this one takes the place of. Nothing of this run is under way yet.
    pub(crate) async fn interrupted(&self) -> Outcome<Vec<Effect>> {
        let number = self.number().await?;
        self.take_over(number).await?;
        let mine = self.mine(number, &HashSet::new()).await?;
        Ok(mine.interrupted)
    }

    /// What this run has and is not at: its list was lost with a connection.
    async fn mine(&self, number: i64, under_way: &HashSet<EffectId>) -> Outcome<Due> {
        let mine = "SELECT id, effect.seq, ordinal, body, due, marked FROM effect JOIN journey ON number = journey
                    WHERE runner = $1 ORDER BY due, effect.seq, ordinal";
        let rows = ask(&self.0.pool, mine, &[&number]).await?;
        let mut due = Due::default();
        for row in &rows {
            let id = effect_id(row)?;
            if under_way.contains(&id) {
                continue;
            }
            match (self.effect(&id, row)?, row.try_get(5)?) {
                (Some(effect), true) => due.interrupted.push(effect),
                (Some(effect), false) => due.effects.push(effect),
                (None, _) => due.unreadable.push(id),
            }
        }
        Ok(due)
    }

    /// Takes the place of runs whose end has come: frees what they had not begun, and returns the unsafe calls that they had.
    async fn take_over(&self, number: i64) -> Outcome<Vec<Effect>> {
        let only = self.only();
        let rows = persistently(|| async {
            let database = Transaction::on(&self.0.pool).await?;
            let find = database
                .prepare(
                    "SELECT number FROM runner WHERE until <= clock_timestamp() AND number <> $1
                     FOR UPDATE SKIP LOCKED",
                )
                .await?;
            let mine: [&(dyn ToSql + Sync); 1] = [&number];
            let begin: Request<'_, _> = Box::pin(async {
                database.run("BEGIN").await?;
                Ok(Vec::new())
            });
            let requests: Vec<Request<'_, _>> =
                vec![begin, Box::pin(database.query(&find, &mine))];
            let found = at_once(requests).await?.pop().unwrap_or_default();
            let over: Vec<i64> = found
                .iter()
                .map(|row| row.try_get(0))
                .collect::<Result<_, _>>()?;
            if over.is_empty() {
                database.roll_back().await;
                return Ok(Vec::new());
            }
            let free = database
                .prepare(
                    "UPDATE effect SET runner = NULL WHERE runner = ANY($1::bigint[]) AND NOT marked
                     AND ($2::text IS NULL OR journey = (SELECT number FROM journey WHERE id = $2))",
                )
                .await?;
            let take = database
                .prepare(
                    "UPDATE effect SET runner = $3 FROM journey
                     WHERE runner = ANY($1::bigint[]) AND marked AND number = journey
                     AND ($2::text IS NULL OR id = $2)
                     RETURNING id, effect.seq, ordinal, body, due",
                )
                .await?;
            let remove = database
                .prepare(
                    // A run for one journey leaves the others of a dead one to others.
                    "DELETE FROM runner WHERE number = ANY($1::bigint[]) AND $2::text IS NULL",
                )
                .await?;
            let of_them: [&(dyn ToSql + Sync); 2] = [&over, &only];
            let to_me: [&(dyn ToSql + Sync); 3] = [&over, &only, &number];
            let requests: Vec<Request<'_, Vec<Row>>> = vec![
                Box::pin(database.query(&free, &of_them)),
                Box::pin(database.query(&take, &to_me)),
                Box::pin(database.query(&remove, &of_them)),
                Box::pin(async {
                    database.run("COMMIT").await?;
                    Ok(Vec::new())
                }),
            ];
            let mut answers = at_once(requests).await?.into_iter();
            database.ended();
            Ok(answers.nth(1).unwrap_or_default())
        })
        .await?;
        let mut effects = Vec::new();
        for row in in_order(&rows)? {
            effects.extend(self.effect(&effect_id(row)?, row)?);
        }
        Ok(effects)
    }

    /// Takes up what is due and nobody has.
    pub(crate) async fn due(
        &self,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Outcome<Due> {
        let due = self.all_due(now, room, under_way).await;
        let may_have_more = &self.0.may_have_more;
        may_have_more.store(due.is_err(), Ordering::Release);
        due
    }

    async fn all_due(
        &self,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Outcome<Due> {
        // Once again, with a number of its own, if another run took this one's place.
        for _ in 0..2 {
            let number = self.number().await?;
            let has_left = self.has_left(under_way);
            let mut all = match has_left || self.0.may_have_more.load(Ordering::Acquire) {
                true => self.mine(number, under_way).await?,
                false => Due::default(),
            };
            match self.take_up(number, now, room, under_way).await {
                Ok(due) => {
                    all.effects.extend(due.effects);
                    all.interrupted.extend(due.interrupted);
                    all.next = due.next;
                    return Ok(all);
                }
                Err(Failure::Overtaken) => self.lose(number),
                Err(Failure::Database(error))
                    if error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION) =>
                {
                    self.lose(number);
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::Overtaken)
    }

    /// Whether the engine has come to the end of something that was taken up again meanwhile. Where that had not begun it, because it
    /// was another run's then, this run begins it.
    fn has_left(&self, under_way: &HashSet<EffectId>) -> bool {
        let mut still_at = lock(&self.0.still_at);
        let before = still_at.len();
        still_at.retain(|effect| under_way.contains(effect));
        still_at.len() < before
    }

    async fn take_up(
        &self,
        number: i64,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Outcome<Due> {
        let only = self.only();
        let now = now.as_microsecond();
        let wanted: Vec<(i16, i64, i64)> = room
            .iter()
            .filter(|(_, room)| *room > 0)
            .map(|(lane, room)| {
                // What is no timer is due at once, also after the clock was set back.
                let until = match lane {
                    Lane::Timers => now,
                    _ => i64::MAX,
                };
                let room = i64::try_from(*room).unwrap_or(i64::MAX);
                (lane.number(), until, room)
            })
            .collect();
        let timers = Lane::Timers.number();
        let (rows, is_over, next) = crate::database::within(async {
            let database = Transaction::on(&self.0.pool).await?;
            let take = database.prepare(TAKE_UP).await?;
            let next = database
                .prepare(
                    "SELECT min(due) FROM effect WHERE lane = $1 AND due > $2 AND runner IS NULL AND NOT marked
                     AND ($3::text IS NULL OR journey = (SELECT number FROM journey WHERE id = $3))",
                )
                .await?;
            let over = database
                .prepare(
                    "SELECT EXISTS (SELECT FROM runner WHERE until <= clock_timestamp() AND number <> $1),
                            EXISTS (SELECT FROM runner WHERE number = $1)",
                )
                .await?;
            let next_values: [&(dyn ToSql + Sync); 3] = [&timers, &now, &only];
            let mine: [&(dyn ToSql + Sync); 1] = [&number];
            // A lease that is lost with the server's machine is taken again; only a mark must be durable.
            let begin: Request<'_, Vec<Row>> = Box::pin(async {
                database
                    .run("BEGIN; SET LOCAL synchronous_commit = off")
                    .await?;
                Ok(Vec::new())
            });
            let mut requests = vec![begin];
            for (lane, until, room) in &wanted {
                let (database, take, only, number) = (&database, &take, &only, &number);
                requests.push(Box::pin(async move {
                    let values: [&(dyn ToSql + Sync); 5] = [number, lane, until, room, only];
                    database.query(take, &values).await
                }));
            }
            requests.push(Box::pin(database.query(&next, &next_values)));
            requests.push(Box::pin(database.query(&over, &mine)));
            requests.push(Box::pin(async {
                database.run("COMMIT").await?;
                Ok(Vec::new())
            }));
            let answers = match at_once(requests).await {
                Ok(answers) => answers,
                Err(failure) => {
                    database.roll_back().await;
                    return Err(failure);
                }
            };
            database.ended();
            let mut answers = answers.into_iter().skip(1);
            let mut rows = Vec::new();
            for _ in &wanted {
                rows.extend(answers.next().unwrap_or_default());
            }
            let next = answers.next().unwrap_or_default();
            let next: Option<i64> = next.first().ok_or_else(corrupt)?.try_get(0)?;
            let over = answers.next().unwrap_or_default();
            let over = over.first().ok_or_else(corrupt)?;
            if !over.try_get::<_, bool>(1)? {
                return Err(Failure::Overtaken);
            }
            let is_over: bool = over.try_get(0)?;
            Ok((rows, is_over, next))
        })
        .await?;
        let mut due = Due {
            next: next.map(time).transpose()?,
            ..Due::default()
        };
        for row in in_order(&rows)? {
            let id = effect_id(row)?;
            // What this engine is still at since it lost a lease ends by itself.
            if under_way.contains(&id) {
                lock(&self.0.still_at).insert(id);
                continue;
            }
            match self.effect(&id, row)? {
                Some(effect) => due.effects.push(effect),
                None => due.unreadable.push(id),
            }
        }
        if is_over {
            due.interrupted = self.take_over(number).await?;
        }
        Ok(due)
    }

    fn effect(&self, id: &EffectId, row: &Row) -> Outcome<Option<Effect>> {
        Ok(self.0.bodies.open_effect(id, row.try_get(3)?)?)
    }

    /// Marks an unsafe call that this run has taken up.
    pub(crate) async fn mark(&self, effect: &EffectId) -> Outcome<bool> {
        let Some(number) = lock(&self.0.run).number else {
            return Ok(false);
        };
        let is_unsure = lock(&self.0.unsure).contains(effect);
        let mark = "UPDATE effect SET marked = true FROM journey
                    WHERE number = journey AND id = $1 AND effect.seq = $2 AND ordinal = $3 AND runner = $4
                    AND (NOT marked OR $5)";
        let id = effect.journey.as_str();
        let (seq, ordinal) = (stored(effect.seq), ordinal(effect));
        let values: [&(dyn ToSql + Sync); 5] = [&id, &seq, &ordinal, &number, &is_unsure];
        match change(&self.0.pool, mark, &values).await {
            Ok(marked) => {
                lock(&self.0.unsure).remove(effect);
                Ok(marked == 1)
            }
            Err(failure) => {
                // It may have been marked by this. A run marks an effect once, so it is this run's mark that is found then.
                lock(&self.0.unsure).insert(effect.clone());
                Err(failure)
            }
        }
    }

    pub(crate) async fn is_waiting(&self, effect: &EffectId) -> Outcome<bool> {
        let Some(number) = lock(&self.0.run).number else {
            return Ok(false);
        };
        is_waiting(&self.0.pool, number, effect).await
    }

    /// Removes an effect that this run has taken up and carried out.
    pub(crate) async fn done(&self, effect: &EffectId) -> Outcome<()> {
        let Some(number) = lock(&self.0.run).number else {
            return Ok(());
        };
        let done = "DELETE FROM effect USING journey
                    WHERE number = journey AND id = $1 AND effect.seq = $2 AND ordinal = $3 AND runner = $4";
        let id = effect.journey.as_str();
        let (seq, ordinal) = (stored(effect.seq), ordinal(effect));
        let values: [&(dyn ToSql + Sync); 4] = [&id, &seq, &ordinal, &number];
        change(&self.0.pool, done, &values).await.map(drop)
    }
}

/// The effect of a row that begins with the journey's id, the event's number and the ordinal.
fn effect_id(row: &Row) -> Outcome<EffectId> {
    Ok(EffectId {
        journey: id(row, 0)?,
        seq: number(row.try_get(1)?)?,
        ordinal: u32::try_from(row.try_get::<_, i32>(2)?).map_err(|_| corrupt())?,
    })
}

/// Rows of effects, the longest due first.
fn in_order(rows: &[Row]) -> Outcome<Vec<&Row>> {
    let mut ordered = Vec::new();
    for row in rows {
        let place: (i64, i64, i32) = (row.try_get(4)?, row.try_get(1)?, row.try_get(2)?);
        ordered.push((place, row));
    }
    ordered.sort_by_key(|(place, _)| *place);
    Ok(ordered.into_iter().map(|(_, row)| row).collect())
}

/// Whoever comes next takes the place of these runs.
const GIVE_UP: &str = "UPDATE runner SET until = '-infinity' WHERE number = ANY($1::bigint[])";
