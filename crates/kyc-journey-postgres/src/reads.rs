//! What is asked of the tables.

use std::collections::HashMap;

use deadpool_postgres::{Object, Pool};
use jiff::Timestamp;
use kyc_journey::{
    Bodies, EffectId, EngineErrorKind, HistoryEntry, JourneyFilter, JourneyId, JourneyPage,
    JourneyRecord, JourneyStatus, JourneySummary, Lane, PAGE, PageToken, Payload, Place, Seq,
};
use tokio_postgres::{Error, Row};

use crate::changes::{ordinal, stored};
use crate::database::{DEADLINE, Failure, Outcome, Values, may_wait};
use crate::group::{corrupt, number};

/// Asks once, on a connection of its own.
pub(crate) async fn ask(pool: &Pool, question: &str, values: Values<'_>) -> Outcome<Vec<Row>> {
    alone(pool, async |database| {
        let question = database.prepare_cached(question).await?;
        database.query(&question, values).await
    })
    .await
}

/// Changes something by one statement, which is a transaction of its own.
pub(crate) async fn change(pool: &Pool, statement: &str, values: Values<'_>) -> Outcome<u64> {
    alone(pool, async |database| {
        let statement = database.prepare_cached(statement).await?;
        database.execute(&statement, values).await
    })
    .await
}

async fn alone<T>(
    pool: &Pool,
    request: impl AsyncFnOnce(&Object) -> Result<T, Error>,
) -> Outcome<T> {
    let database = pool.get().await?;
    match tokio::time::timeout(DEADLINE, request(&database)).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            // What comes on it next would wait for this answer too.
            drop(Object::take(database));
            Err(Failure::Pool("the server did not answer in time"))
        }
    }
}

pub(crate) async fn record(
    pool: &Pool,
    bodies: &Bodies,
    id: &JourneyId,
) -> Outcome<Option<JourneyRecord>> {
    let question = "SELECT state, created_at, updated_at FROM journey WHERE id = $1";
    let rows = ask(pool, question, &[&id.as_str()]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(JourneyRecord {
        state: bodies.open(&Place::state(id), row.try_get(0)?)?,
        created_at: time(row.try_get(1)?)?,
        updated_at: time(row.try_get(2)?)?,
    }))
}

/// The journeys of a list that can be opened and read.
pub(crate) async fn listed(
    pool: &Pool,
    bodies: &Bodies,
    ids: &[JourneyId],
) -> Outcome<HashMap<JourneyId, JourneyRecord>> {
    let question = "SELECT id, state, created_at, updated_at FROM journey WHERE id = ANY ($1)";
    let rows = ask(pool, question, &[&names(ids)]).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        match listed_one(bodies, row) {
            Err(Failure::Refused(error)) if error.kind() == EngineErrorKind::Corrupt => {}
            listed => found.extend([listed?]),
        }
    }
    Ok(found)
}

fn listed_one(bodies: &Bodies, row: &Row) -> Outcome<(JourneyId, JourneyRecord)> {
    let id = id(row, 0)?;
    let record = JourneyRecord {
        state: bodies.open(&Place::state(&id), row.try_get(1)?)?,
        created_at: time(row.try_get(2)?)?,
        updated_at: time(row.try_get(3)?)?,
    };
    Ok((id, record))
}

fn names(ids: &[JourneyId]) -> Vec<&str> {
    ids.iter().map(JourneyId::as_str).collect()
}

pub(crate) async fn history(
    pool: &Pool,
    bodies: &Bodies,
    id: &JourneyId,
    after: Seq,
) -> Outcome<Vec<HistoryEntry>> {
    let question = "SELECT event.seq, body FROM event JOIN journey ON number = journey
                    WHERE id = $1 AND event.seq > $2 ORDER BY event.seq";
    let rows = ask(pool, question, &[&id.as_str(), &stored(after)]).await?;
    let entry = |row: &Row| {
        let seq = number(row.try_get(0)?)?;
        Ok(bodies.open(&Place::history(id, seq), row.try_get(1)?)?)
    };
    rows.iter().map(entry).collect()
}

pub(crate) async fn payload(
    pool: &Pool,
    bodies: &Bodies,
    id: &JourneyId,
    seq: Seq,
) -> Outcome<Option<Payload>> {
    let question = "SELECT class, payload FROM event JOIN journey ON number = journey
                    WHERE id = $1 AND event.seq = $2 AND payload IS NOT NULL";
    let rows = ask(pool, question, &[&id.as_str(), &stored(seq)]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let class: &str = row.try_get(0)?;
    let class = class.parse().map_err(|_| corrupt())?;
    let sealed: Vec<u8> = row.try_get(1)?;
    let (bodies, id) = (bodies.clone(), id.clone());
    let opened = may_wait(move || bodies.open_payload(&Place::payload(&id, seq, class), &sealed));
    Ok(opened.await?)
}

pub(crate) async fn list(
    pool: &Pool,
    filter: &JourneyFilter,
    page: &PageToken,
) -> Outcome<JourneyPage> {
    let after = page.place()?;
    let statuses: Vec<&str> = match filter.statuses.is_empty() {
        true => JourneyStatus::ALL
            .iter()
            .map(|status| status.as_str())
            .collect(),
        false => filter
            .statuses
            .iter()
            .map(|status| status.as_str())
            .collect(),
    };
    let until = filter
        .unchanged_since
        .map_or(i64::MAX, Timestamp::as_microsecond);
    let (at, id) = match &after {
        Some((at, id)) => (at.as_microsecond(), id.as_str()),
        // No journey changed so late.
        None => (i64::MAX, ""),
    };
    let (above, below) = gaps(filter.statuses.is_empty());
    let most = i64::try_from(PAGE).unwrap_or(i64::MAX).saturating_add(1);
    // The index has each state's journeys in this order, so that a page costs the same however many there are.
    let question = "SELECT found.id, found.status, found.seq, found.created_at, found.updated_at
                    FROM (SELECT DISTINCT name FROM unnest($1::text[]) AS asked (name)) AS asked
                    CROSS JOIN LATERAL (
                        SELECT id, status, seq, created_at, updated_at FROM journey
                        WHERE status = asked.name AND updated_at <= $2 AND (updated_at, id) < ($3, $4)
                        ORDER BY updated_at DESC, id DESC LIMIT $5) AS found
                    UNION ALL
                    SELECT odd.id, odd.status, odd.seq, odd.created_at, odd.updated_at
                    FROM unnest($6::text[], $7::text[]) AS gap (above, below)
                    CROSS JOIN LATERAL (
                        SELECT id, status, seq, created_at, updated_at FROM journey
                        WHERE status > gap.above COLLATE \"C\" AND status < gap.below COLLATE \"C\"
                        AND updated_at <= $2 AND (updated_at, id) < ($3, $4)
                        ORDER BY updated_at DESC, id DESC LIMIT $5) AS odd
                    ORDER BY updated_at DESC, id DESC LIMIT $5";
    let values: Values<'_> = &[&statuses, &until, &at, &id, &most, &above, &below];
    let rows = ask(pool, question, values).await?;
    let mut found = JourneyPage::default();
    for row in &rows {
        if found.journeys.len() == PAGE {
            let last = found.journeys.last();
            found.next = last.map(|last| PageToken::after(last.updated_at, &last.id));
            break;
        }
        found.journeys.push(summary(row)?);
    }
    Ok(found)
}

/// Between which names a status is none that is known, so that one that is damaged is found by the index, too: where any state is asked for.
fn gaps(any: bool) -> (Vec<&'static str>, Vec<&'static str>) {
    if !any {
        return (Vec::new(), Vec::new());
    }
    let known = JourneyStatus::ALL.iter().map(|status| status.as_str());
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    let above = std::iter::once("").chain(known.iter().copied()).collect();
    let below = known.iter().copied().chain(["\u{10ffff}"]).collect();
    (above, below)
}

pub(crate) async fn is_waiting(pool: &Pool, runner: i64, effect: &EffectId) -> Outcome<bool> {
    let question = "SELECT FROM effect JOIN journey ON number = journey
                    WHERE id = $1 AND effect.seq = $2 AND ordinal = $3 AND runner = $4";
    let id = effect.journey.as_str();
    let values: Values<'_> = &[&id, &stored(effect.seq), &ordinal(effect), &runner];
    Ok(!ask(pool, question, values).await?.is_empty())
}

/// How many calls wait, of those journeys that have any.
pub(crate) async fn waiting_calls(
    pool: &Pool,
    ids: &[JourneyId],
) -> Outcome<HashMap<JourneyId, usize>> {
    let question = "SELECT id, count(*) FROM effect JOIN journey ON number = journey
                    WHERE id = ANY ($1) AND lane = $2 GROUP BY id";
    let rows = ask(pool, question, &[&names(ids), &Lane::Calls.number()]).await?;
    let counted = |row: &Row| {
        let count: i64 = row.try_get(1)?;
        let count = usize::try_from(count).map_err(|_| corrupt())?;
        Ok((id(row, 0)?, count))
    };
    rows.iter().map(counted).collect()
}

/// How many of those calls do not open.
pub(crate) async fn unreadable_calls(
    pool: &Pool,
    bodies: &Bodies,
    ids: &[JourneyId],
) -> Outcome<HashMap<JourneyId, usize>> {
    let question =
        "SELECT id, effect.seq, ordinal, body FROM effect JOIN journey ON number = journey
                    WHERE id = ANY ($1) AND lane = $2";
    let rows = ask(pool, question, &[&names(ids), &Lane::Calls.number()]).await?;
    let mut found = HashMap::<_, usize>::new();
    for row in &rows {
        let ordinal: i32 = row.try_get(2)?;
        let effect = EffectId {
            journey: id(row, 0)?,
            seq: number(row.try_get(1)?)?,
            ordinal: u32::try_from(ordinal).map_err(|_| corrupt())?,
        };
        if bodies.open_effect(&effect, row.try_get(3)?)?.is_none() {
            let of_it = found.entry(effect.journey).or_default();
            *of_it = of_it.saturating_add(1);
        }
    }
    Ok(found)
}

pub(crate) async fn is_carried_out_elsewhere(
    pool: &Pool,
    id: &JourneyId,
    own: Option<i64>,
) -> Outcome<bool> {
    let question = "SELECT EXISTS (
                        SELECT FROM effect JOIN journey ON journey.number = effect.journey
                        JOIN runner ON runner.number = effect.runner
                        WHERE id = $1 AND until > clock_timestamp() AND runner.number IS DISTINCT FROM $2)";
    let rows = ask(pool, question, &[&id.as_str(), &own]).await?;
    Ok(rows.first().ok_or_else(corrupt)?.try_get(0)?)
}

/// Whose a report is.
pub(crate) fn id(row: &Row, column: usize) -> Outcome<JourneyId> {
    let id: &str = row.try_get(column)?;
    JourneyId::parse(id).map_err(|_| corrupt())
}

pub(crate) fn time(microseconds: i64) -> Outcome<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(|_| corrupt())
}

fn summary(row: &Row) -> Outcome<JourneySummary> {
    let (created_at, updated_at) = (row.try_get(3)?, row.try_get(4)?);
    let status: &str = row.try_get(1)?;
    let seq = row.try_get(2)?;
    Ok(JourneySummary::stored(
        id(row, 0)?,
        status,
        seq,
        created_at,
        updated_at,
    ))
}
