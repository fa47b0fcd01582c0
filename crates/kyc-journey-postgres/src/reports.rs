//! Reports that find their journey, or wait for it; and journeys that are forgotten.

use deadpool_postgres::Pool;
use kyc_journey::{Bodies, Event, JourneyId, Lookup, Provider};
use tokio_postgres::types::ToSql;

use crate::database::{Outcome, Request, Transaction, at_once, persistently};
use crate::group::{LOCK, lock_of};
use crate::reads::{ask, id};

/// The journey that is known by what a report names, the surest first.
pub(crate) async fn whose(
    pool: &Pool,
    bodies: &Bodies,
    provider: Provider,
    event: &Event,
) -> Outcome<Option<JourneyId>> {
    let digests = digests(bodies, provider, event);
    if digests.is_empty() {
        return Ok(None);
    }
    let digests: Vec<Vec<u8>> = digests.iter().map(|digest| digest.to_vec()).collect();
    let rows = ask(pool, WHOSE, &[&digests]).await?;
    rows.first().map(|row| id(row, 0)).transpose()
}

const WHOSE: &str = "SELECT id FROM unnest($1::bytea[]) WITH ORDINALITY AS asked (digest, place)
                     JOIN reference ON reference.digest = asked.digest JOIN journey ON number = journey
                     ORDER BY place LIMIT 1";

fn digests(bodies: &Bodies, provider: Provider, event: &Event) -> Vec<[u8; 32]> {
    let lookups = Lookup::of(provider, &event.fact);
    lookups.iter().map(|lookup| bodies.lookup(lookup)).collect()
}

/// Parks a report, unless a journey has become known by what it names: then that one.
pub(crate) async fn park(
    pool: &Pool,
    bodies: &Bodies,
    provider: Provider,
    event: &Event,
) -> Outcome<Option<JourneyId>> {
    let report = bodies.park(provider, event)?;
    let digests = digests(bodies, provider, event);
    let mut locks: Vec<i64> = digests.iter().map(lock_of).collect();
    locks.sort_unstable();
    locks.dedup();
    let digests: Vec<Vec<u8>> = digests.iter().map(|digest| digest.to_vec()).collect();
    let key = report.key.to_vec();
    let token = report.token.map(|digest| digest.to_vec());
    let reference = report.reference.map(|digest| digest.to_vec());
    let (at, oldest) = (report.at.as_microsecond(), report.oldest.as_microsecond());
    persistently(|| async {
        let database = Transaction::on(pool).await?;
        let lock = database.prepare(LOCK).await?;
        let find = database.prepare(WHOSE).await?;
        let (locks, digests): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 1]) =
            ([&locks], [&digests]);
        let begin: Request<'_, _> = Box::pin(async {
            database.run("BEGIN").await?;
            Ok(Vec::new())
        });
        let requests: Vec<Request<'_, _>> = vec![
            begin,
            Box::pin(database.query(&lock, &locks)),
            Box::pin(database.query(&find, &digests)),
        ];
        let rows = at_once(requests).await?.pop().unwrap_or_default();
        if let Some(row) = rows.first() {
            let found = id(row, 0)?;
            database.roll_back().await;
            return Ok(Some(found));
        }
        let expire = database.prepare("DELETE FROM parked WHERE at < $1").await?;
        let insert = database
            .prepare(
                "INSERT INTO parked (key, token, reference, at, body) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT DO NOTHING",
            )
            .await?;
        let too_old: [&(dyn ToSql + Sync); 1] = [&oldest];
        let parked: [&(dyn ToSql + Sync); 5] = [&key, &token, &reference, &at, &report.body];
        let requests: Vec<Request<'_, ()>> = vec![
            Box::pin(async { database.execute(&expire, &too_old).await.map(drop) }),
            Box::pin(async { database.execute(&insert, &parked).await.map(drop) }),
            Box::pin(database.run("COMMIT")),
        ];
        at_once(requests).await?;
        database.ended();
        Ok(None)
    })
    .await
}

/// Removes a journey with everything that is stored for it.
pub(crate) async fn forget(pool: &Pool, journey: &JourneyId) -> Outcome<()> {
    persistently(|| async {
        let database = Transaction::on(pool).await?;
        let lock = "SELECT number FROM journey WHERE id = $1 FOR UPDATE";
        let lock = database.prepare(lock).await?;
        let id = journey.as_str();
        let values: [&(dyn ToSql + Sync); 1] = [&id];
        let begin: Request<'_, _> = Box::pin(async {
            database.run("BEGIN").await?;
            Ok(Vec::new())
        });
        let requests: Vec<Request<'_, _>> = vec![begin, Box::pin(database.query(&lock, &values))];
        let rows = at_once(requests).await?.pop().unwrap_or_default();
        let Some(row) = rows.first() else {
            database.roll_back().await;
            return Ok(());
        };
        let number: i64 = row.try_get(0)?;
        let number: [&(dyn ToSql + Sync); 1] = [&number];
        let mut requests: Vec<Request<'_, ()>> = Vec::new();
        for statement in [
            "DELETE FROM reference WHERE journey = $1",
            "DELETE FROM effect WHERE journey = $1",
            "DELETE FROM event WHERE journey = $1",
            "DELETE FROM journey WHERE number = $1",
        ] {
            let statement = database.prepare(statement).await?;
            let (database, number) = (&database, &number);
            requests.push(Box::pin(async move {
                database.execute(&statement, number).await.map(drop)
            }));
        }
        requests.push(Box::pin(database.run("COMMIT")));
        at_once(requests).await?;
        database.ended();
        Ok(())
    })
    .await
}
