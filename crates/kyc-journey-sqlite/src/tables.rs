//! What stands in the tables, and what an event changes there.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kyc_journey::{
    Bodies, DataClass, Due, Effect, EffectId, EffectKind, EngineError, EngineErrorKind, Event,
    Fact, HistoryEntry, Journey, JourneyFilter, JourneyId, JourneyPage, JourneyRecord,
    JourneySummary, Lane, Leg, Lookup, Machine, PAGE, PageToken, Payload, Place, Provider,
    Recording, Reported, SealedRecording, Sealer, Seq, Settles, Submitted, TimerName, Verdict,
    not_before,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use crate::writer::Failure;

type Outcome<T> = Result<T, Failure<EngineError>>;

impl From<EngineError> for Failure<EngineError> {
    fn from(error: EngineError) -> Self {
        Self::Refused(error)
    }
}

/// The tables of a database, and what seals their bodies. Reads need any connection, changes the writer's.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    bodies: Bodies,
    machine: Machine,
    recent: Recent,
}

pub(crate) const READ: &str = "SELECT state, created_at, updated_at FROM journey WHERE id = ?1";

/// The names are bound as a list in JSON, so that one statement does for any number of them.
pub(crate) const LISTED: &str = "SELECT id, state, created_at, updated_at FROM journey
    WHERE id IN (SELECT value FROM json_each(?1))";

const CALLS: &str =
    "SELECT id, effect.seq, ordinal, body FROM effect JOIN journey ON number = journey
    WHERE id IN (SELECT value FROM json_each(?1)) AND lane = ?2";

/// How many journeys are kept at hand, opened and read.
const RECENT: usize = 4_096;

/// Journeys that changed lately, as the writer's transaction has them: nobody else writes. Emptied whenever one is rolled back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recent(Arc<Mutex<HashMap<JourneyId, Known>>>);

impl Recent {
    fn journeys(&self) -> MutexGuard<'_, HashMap<JourneyId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clear(&self) {
        self.journeys().clear();
    }

    fn keep(&self, number: i64, state: Journey) {
        let mut journeys = self.journeys();
        // What is asked for is worth keeping; what was asked for long ago is read again.
        if journeys.len() >= RECENT && !journeys.contains_key(state.id()) {
            journeys.clear();
        }
        journeys.insert(state.id().clone(), Known { number, state });
    }
}

/// A journey and its number in the tables.
#[derive(Debug, Clone)]
struct Known {
    number: i64,
    state: Journey,
}

impl Tables {
    /// `recent` is emptied by whoever rolls a transaction back.
    pub(crate) fn new(sealer: Arc<dyn Sealer>, machine: Machine, recent: Recent) -> Self {
        Self {
            bodies: Bodies::new(sealer),
            machine,
            recent,
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn set_machine(&mut self, machine: Machine) {
        self.machine = machine;
    }

    /// Applies an event, once. `true` besides if there may be something to carry out.
    pub(crate) fn submit(
        &self,
        database: &Connection,
        id: &JourneyId,
        event: &Event,
    ) -> Outcome<(Submitted, bool)> {
        let known = self.known(database, id)?;
        let key = self.bodies.key(&event.key);
        let (number, before) = match known {
            Some(Known { number, state }) => {
                if let Some(seq) = seen(database, number, &key)? {
                    let submitted = Submitted {
                        seq,
                        verdict: Verdict::Duplicate,
                        reason: None,
                        status: state.status(),
                    };
                    return Ok((submitted, false));
                }
                (Some(number), state)
            }
            None if matches!(event.fact, Fact::Start { .. }) => (None, Journey::new(id.clone())),
            None => return Err(refused(EngineErrorKind::UnknownJourney)),
        };
        let recording = Recording::of(self.machine, &before, event.clone());
        let entry = &recording.entry;
        let submitted = Submitted {
            seq: entry.seq,
            verdict: entry.verdict,
            reason: entry.reason,
            status: recording.state.status(),
        };
        // The machine remembers some keys by itself.
        if submitted.verdict == Verdict::Duplicate {
            return Ok((submitted, false));
        }
        // Everything that can be refused comes before the first change.
        let sealed = self.bodies.seal_recording(id, &recording)?;
        let number = store_state(database, id, number, &recording, &sealed.state)?;
        store_event(database, id, number, &key, &recording, &sealed)?;
        // What was adopted may have asked for something too.
        let may_ask = !entry.effects.is_empty() || !recording.added.is_empty();
        self.recent.keep(number, recording.state);
        for lookup in &recording.added {
            self.adopt(database, id, number, lookup)?;
        }
        Ok((submitted, may_ask))
    }

    /// Applies a report to its journey, or parks it.
    pub(crate) fn report(
        &self,
        database: &Connection,
        provider: Provider,
        event: &Event,
    ) -> Outcome<(Reported, bool)> {
        let lookups = Lookup::of(provider, &event.fact);
        for lookup in &lookups {
            if let Some(id) = self.whose(database, lookup)? {
                let (submitted, more) = self.submit(database, &id, event)?;
                return Ok((Reported::Submitted(id, submitted), more));
            }
        }
        let parked = self.bodies.park(provider, event)?;
        database
            .prepare_cached("DELETE FROM parked WHERE at < ?1")?
            .execute([parked.oldest.as_microsecond()])?;
        database
            .prepare_cached(
                "INSERT INTO parked (key, token, reference, at, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                parked.key,
                parked.token,
                parked.reference,
                parked.at.as_microsecond(),
                parked.body
            ])?;
        Ok((Reported::Parked, false))
    }

    /// Makes a journey known by something, and applies what was parked for it.
    fn adopt(
        &self,
        database: &Connection,
        id: &JourneyId,
        number: i64,
        lookup: &Lookup,
    ) -> Outcome<()> {
        let digest = self.bodies.lookup(lookup);
        // What two journeys claim stays the first one's.
        database
            .prepare_cached(
                "INSERT INTO reference (digest, journey) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![digest, number])?;
        let parked: Vec<(Vec<u8>, Vec<u8>)> = database
            .prepare_cached(
                "SELECT key, body FROM parked WHERE token = ?1 OR reference = ?1 ORDER BY at",
            )?
            .query_map([digest], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (key, body) in parked {
            let applied = self
                .bodies
                .open(&Place::parked(), &body)
                .map_err(Failure::Refused)
                .and_then(|event: Event| self.submit(database, id, &event));
            match applied {
                Ok(_) => {
                    database
                        .prepare_cached("DELETE FROM parked WHERE key = ?1")?
                        .execute([&key])?;
                }
                Err(Failure::Database(error)) => return Err(Failure::Database(error)),
                Err(Failure::Refused(error)) => {
                    tracing::error!(journey = %id, %error, "a parked report cannot be applied and stays parked");
                }
            }
        }
        Ok(())
    }

    /// Removes a journey with everything that is stored for it.
    pub(crate) fn forget(&self, database: &Connection, id: &JourneyId) -> Outcome<()> {
        let number: Option<i64> = database
            .prepare_cached("SELECT number FROM journey WHERE id = ?1")?
            .query_row([id.as_str()], |row| row.get(0))
            .optional()?;
        let Some(number) = number else {
            return Ok(());
        };
        self.recent.journeys().remove(id);
        for statement in [
            "DELETE FROM reference WHERE journey = ?1",
            "DELETE FROM effect WHERE journey = ?1",
            "DELETE FROM event WHERE journey = ?1",
            "DELETE FROM journey WHERE number = ?1",
        ] {
            database.prepare_cached(statement)?.execute([number])?;
        }
        Ok(())
    }

    /// Marks an unsafe call as begun; `false` if it is not waiting any more.
    pub(crate) fn mark(&self, database: &Connection, effect: &EffectId) -> Outcome<bool> {
        let marked = database
            .prepare_cached(
                "UPDATE effect SET mark = 1 WHERE mark = 0 AND seq = :seq AND ordinal = :ordinal
                 AND journey = (SELECT number FROM journey WHERE id = :id)",
            )?
            .execute(named_params! {
                ":id": effect.journey.as_str(),
                ":seq": stored(effect.seq),
                ":ordinal": effect.ordinal,
            })?;
        Ok(marked == 1)
    }

    /// Removes an effect that has no result.
    pub(crate) fn done(&self, database: &Connection, effect: &EffectId) -> Outcome<()> {
        database
            .prepare_cached(
                "DELETE FROM effect WHERE seq = :seq AND ordinal = :ordinal
                 AND journey = (SELECT number FROM journey WHERE id = :id)",
            )?
            .execute(named_params! {
                ":id": effect.journey.as_str(),
                ":seq": stored(effect.seq),
                ":ordinal": effect.ordinal,
            })?;
        Ok(())
    }

    pub(crate) fn is_waiting(&self, database: &Connection, effect: &EffectId) -> Outcome<bool> {
        let waiting = database
            .prepare_cached(
                "SELECT 1 FROM effect WHERE seq = :seq AND ordinal = :ordinal
                 AND journey = (SELECT number FROM journey WHERE id = :id)",
            )?
            .exists(named_params! {
                ":id": effect.journey.as_str(),
                ":seq": stored(effect.seq),
                ":ordinal": effect.ordinal,
            })?;
        Ok(waiting)
    }

    pub(crate) fn read(
        &self,
        database: &Connection,
        id: &JourneyId,
    ) -> Outcome<Option<JourneyRecord>> {
        let found = database
            .prepare_cached(READ)?
            .query_row([id.as_str()], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((state, created_at, updated_at)) = found else {
            return Ok(None);
        };
        Ok(Some(JourneyRecord {
            state: self.bodies.open(&Place::state(id), &state)?,
            created_at: time(created_at)?,
            updated_at: time(updated_at)?,
        }))
    }

    /// The journeys of a list that can be opened and read.
    pub(crate) fn read_listed(
        &self,
        database: &Connection,
        ids: &[JourneyId],
    ) -> Outcome<HashMap<JourneyId, JourneyRecord>> {
        let mut journeys = database.prepare_cached(LISTED)?;
        let mut rows = journeys.query([names(ids)?])?;
        let mut found = HashMap::with_capacity(ids.len());
        while let Some(row) = rows.next()? {
            match self.listed(row) {
                Err(Failure::Refused(error)) if error.kind() == EngineErrorKind::Corrupt => {}
                listed => found.extend([listed?]),
            }
        }
        Ok(found)
    }

    fn listed(&self, row: &Row<'_>) -> Outcome<(JourneyId, JourneyRecord)> {
        let id = journey_id(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
        let state = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let record = JourneyRecord {
            state: self.bodies.open(&Place::state(&id), state)?,
            created_at: time(row.get(2)?)?,
            updated_at: time(row.get(3)?)?,
        };
        Ok((id, record))
    }

    /// How many calls of these journeys wait or were interrupted, whether they can be opened or not. With `only_unreadable`, how many cannot
    /// be. Those that have none are left out.
    pub(crate) fn waiting_calls(
        &self,
        database: &Connection,
        ids: &[JourneyId],
        only_unreadable: bool,
    ) -> Outcome<HashMap<JourneyId, usize>> {
        let mut calls = database.prepare_cached(CALLS)?;
        let mut rows = calls.query(params![names(ids)?, Lane::Calls.number()])?;
        let mut found = HashMap::<_, usize>::new();
        while let Some(row) = rows.next()? {
            let id = effect_id(row)?;
            if only_unreadable && self.effect(&id, row)?.is_some() {
                continue;
            }
            let of_it = found.entry(id.journey).or_default();
            *of_it = of_it.saturating_add(1);
        }
        Ok(found)
    }

    pub(crate) fn history(
        &self,
        database: &Connection,
        id: &JourneyId,
        after: Seq,
    ) -> Outcome<Vec<HistoryEntry>> {
        let mut entries = database.prepare_cached(
            "SELECT seq, body FROM event
             WHERE journey = (SELECT number FROM journey WHERE id = ?1) AND seq > ?2 ORDER BY seq",
        )?;
        let mut rows = entries.query(params![id.as_str(), stored(after)])?;
        let mut history = Vec::new();
        while let Some(row) = rows.next()? {
            let seq = number(row.get(0)?)?;
            history.push(self.bodies.open(
                &Place::history(id, seq),
                row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?,
            )?);
        }
        Ok(history)
    }

    pub(crate) fn payload(
        &self,
        database: &Connection,
        id: &JourneyId,
        seq: Seq,
    ) -> Outcome<Option<Payload>> {
        let found = database
            .prepare_cached(
                "SELECT class, payload FROM event WHERE payload IS NOT NULL AND seq = ?2
                 AND journey = (SELECT number FROM journey WHERE id = ?1)",
            )?
            .query_row(params![id.as_str(), stored(seq)], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        let Some((class, payload)) = found else {
            return Ok(None);
        };
        let class = class.parse().map_err(|_| Failure::Refused(corrupt()))?;
        let place = Place::payload(id, seq, class);
        Ok(self.bodies.open_payload(&place, &payload)?)
    }

    pub(crate) fn list(
        &self,
        database: &Connection,
        filter: &JourneyFilter,
        page: &PageToken,
    ) -> Outcome<JourneyPage> {
        let after = page.place()?;
        // Only words of ours are put together; what a caller says is bound.
        let mut conditions = vec!["TRUE".to_owned()];
        let mut values: Vec<Value> = Vec::new();
        if !filter.statuses.is_empty() {
            let marks = vec!["?"; filter.statuses.len()].join(", ");
            conditions.push(format!("status IN ({marks})"));
            let names = filter.statuses.iter().map(|status| status.as_str());
            values.extend(names.map(|name| Value::Text(name.to_owned())));
        }
        if let Some(since) = filter.unchanged_since {
            conditions.push("updated_at <= ?".to_owned());
            values.push(since.as_microsecond().into());
        }
        if let Some((at, id)) = after {
            conditions.push("(updated_at, id) < (?, ?)".to_owned());
            values.extend([
                at.as_microsecond().into(),
                Value::Text(id.as_str().to_owned()),
            ]);
        }
        let mut journeys = database.prepare(&format!(
            "SELECT id, status, seq, created_at, updated_at FROM journey WHERE {}
             ORDER BY updated_at DESC, id DESC LIMIT {}",
            conditions.join(" AND "),
            PAGE.saturating_add(1),
        ))?;
        let mut rows = journeys.query(rusqlite::params_from_iter(values))?;
        let mut found = JourneyPage::default();
        let mut last = None;
        while let Some(row) = rows.next()? {
            if found.journeys.len() == PAGE {
                found.next = last.map(|(at, id)| PageToken::after(at, &id));
                break;
            }
            let summary = summary(row)?;
            last = Some((summary.updated_at, summary.id.clone()));
            found.journeys.push(summary);
        }
        Ok(found)
    }

    /// The unsafe calls that were begun and have no result: one query.
    pub(crate) fn interrupted(&self, database: &Connection) -> Outcome<Vec<Effect>> {
        let mut effects = database.prepare_cached(
            "SELECT id, effect.seq, ordinal, body FROM effect JOIN journey ON number = journey
             WHERE mark = 1 ORDER BY due",
        )?;
        let mut rows = effects.query(())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.extend(self.effect(&effect_id(row)?, row)?);
        }
        Ok(found)
    }

    pub(crate) fn due(
        &self,
        database: &Connection,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Outcome<Due> {
        let mut due = Due::default();
        for (lane, room) in room {
            // What is no timer is due at once, also after the clock was set back.
            let until = match lane {
                Lane::Timers => now.as_microsecond(),
                _ => i64::MAX,
            };
            self.due_in(database, *lane, until, *room, under_way, &mut due)?;
        }
        let next: Option<i64> = database
            .prepare_cached("SELECT min(due) FROM effect WHERE lane = ?1 AND due > ?2")?
            .query_row(
                params![Lane::Timers.number(), now.as_microsecond()],
                |row| row.get(0),
            )?;
        due.next = next.map(time).transpose()?;
        Ok(due)
    }

    fn due_in(
        &self,
        database: &Connection,
        lane: Lane,
        until: i64,
        room: usize,
        under_way: &HashSet<EffectId>,
        due: &mut Due,
    ) -> Outcome<()> {
        if room == 0 {
            return Ok(());
        }
        let mut effects = database.prepare_cached(
            "SELECT id, effect.seq, ordinal, body FROM effect JOIN journey ON number = journey
             WHERE lane = ?1 AND due <= ?2 AND mark = 0 ORDER BY due",
        )?;
        let mut rows = effects.query(params![lane.number(), until])?;
        let mut free = room;
        while let Some(row) = rows.next()?.filter(|_| free > 0) {
            let id = effect_id(row)?;
            if under_way.contains(&id) {
                continue;
            }
            match self.effect(&id, row)? {
                Some(effect) => {
                    due.effects.push(effect);
                    free = free.saturating_sub(1);
                }
                None => due.unreadable.push(id),
            }
        }
        Ok(())
    }

    /// The journey as the writer's transaction has it.
    fn known(&self, database: &Connection, id: &JourneyId) -> Outcome<Option<Known>> {
        if let Some(known) = self.recent.journeys().get(id) {
            return Ok(Some(known.clone()));
        }
        let found = database
            .prepare_cached("SELECT number, state FROM journey WHERE id = ?1")?
            .query_row([id.as_str()], |row| {
                Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        let Some((number, state)) = found else {
            return Ok(None);
        };
        let state = self.bodies.open(&Place::state(id), &state)?;
        Ok(Some(Known { number, state }))
    }

    fn effect(&self, id: &EffectId, row: &Row<'_>) -> Outcome<Option<Effect>> {
        let body = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        Ok(self.bodies.open_effect(id, body)?)
    }

    fn whose(&self, database: &Connection, lookup: &Lookup) -> Outcome<Option<JourneyId>> {
        let id = database
            .prepare_cached(
                "SELECT id FROM reference JOIN journey ON number = journey WHERE digest = ?1",
            )?
            .query_row([self.bodies.lookup(lookup)], |row| row.get::<_, String>(0))
            .optional()?;
        id.map(|id| journey_id(&id)).transpose()
    }
}

/// The number of the event that was recorded under this key.
fn seen(database: &Connection, journey: i64, key: &[u8; 32]) -> Outcome<Option<Seq>> {
    let seq = database
        .prepare_cached("SELECT seq FROM event WHERE journey = ?1 AND key = ?2")?
        .query_row(params![journey, key], |row| row.get(0))
        .optional()?;
    seq.map(number).transpose()
}

/// Stores the state, and returns the journey's number.
fn store_state(
    database: &Connection,
    id: &JourneyId,
    number: Option<i64>,
    recording: &Recording,
    state: &[u8],
) -> rusqlite::Result<i64> {
    let (seq, status) = (
        stored(recording.entry.seq),
        recording.state.status().as_str(),
    );
    let at = recording.entry.at.as_microsecond();
    if let Some(number) = number {
        database
            .prepare_cached(
                "UPDATE journey SET seq = ?2, status = ?3, updated_at = ?4, state = ?5 WHERE number = ?1",
            )?
            .execute(params![number, seq, status, at, state])?;
        return Ok(number);
    }
    database
        .prepare_cached(
            "INSERT INTO journey (id, seq, status, created_at, updated_at, state)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
        )?
        .execute(params![id.as_str(), seq, status, at, state])?;
    Ok(database.last_insert_rowid())
}

/// Stores the event, what it settles and what it asks for, in the order that [`Recording`] gives.
fn store_event(
    database: &Connection,
    id: &JourneyId,
    journey: i64,
    key: &[u8; 32],
    recording: &Recording,
    sealed: &SealedRecording,
) -> rusqlite::Result<()> {
    match &recording.settles {
        Some(Settles::Effect(effect)) => remove(database, journey, effect, "TRUE")?,
        Some(Settles::Timer(name, generation)) => {
            database
                .prepare_cached(
                    "DELETE FROM effect WHERE journey = ?1 AND timer = ?2 AND generation = ?3",
                )?
                .execute(params![
                    journey,
                    name.to_string(),
                    stored_number(*generation)
                ])?;
        }
        None => {}
    }
    let entry = &recording.entry;
    for (effect, body) in entry.effects.iter().zip(&sealed.effects) {
        match &effect.kind {
            EffectKind::Timer { name, .. } | EffectKind::CancelTimer(name) => {
                cancel_timer(database, journey, name)?;
            }
            EffectKind::CancelCall(call) if call.journey == *id => {
                remove(database, journey, call, "mark = 0")?;
            }
            EffectKind::Erase { leg, class } => erase(database, journey, *leg, *class)?,
            _ => {}
        }
        if let (Some(lane), Some(body)) = (Lane::of(&effect.kind), body) {
            store_effect(database, journey, lane, effect, entry.at, body)?;
        }
    }
    let payload = recording.payload.as_ref();
    database
        .prepare_cached(
            "INSERT INTO event (journey, seq, key, body, leg, class, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            journey,
            stored(entry.seq),
            key,
            sealed.entry,
            payload.and_then(|(leg, _)| *leg).map(Leg::as_str),
            payload.map(|(_, payload)| payload.class.as_str()),
            sealed.payload,
        ])?;
    Ok(())
}

fn store_effect(
    database: &Connection,
    journey: i64,
    lane: Lane,
    effect: &Effect,
    at: Timestamp,
    body: &[u8],
) -> rusqlite::Result<()> {
    let timer = match &effect.kind {
        EffectKind::Timer {
            name, generation, ..
        } => Some((name.to_string(), stored_number(*generation))),
        _ => None,
    };
    let (timer, generation) = timer.unzip();
    database
        .prepare_cached(
            "INSERT INTO effect (journey, seq, ordinal, lane, due, timer, generation, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            journey,
            stored(effect.id.seq),
            effect.id.ordinal,
            lane.number(),
            not_before(effect.due(at)),
            timer,
            generation,
            body
        ])?;
    Ok(())
}

/// Removes an effect under a condition of ours.
fn remove(
    database: &Connection,
    journey: i64,
    effect: &EffectId,
    condition: &str,
) -> rusqlite::Result<()> {
    database
        .prepare_cached(&format!(
            "DELETE FROM effect WHERE journey = ?1 AND seq = ?2 AND ordinal = ?3 AND {condition}"
        ))?
        .execute(params![journey, stored(effect.seq), effect.ordinal])?;
    Ok(())
}

fn cancel_timer(database: &Connection, journey: i64, name: &TimerName) -> rusqlite::Result<()> {
    database
        .prepare_cached("DELETE FROM effect WHERE journey = ?1 AND timer = ?2")?
        .execute(params![journey, name.to_string()])?;
    Ok(())
}

fn erase(
    database: &Connection,
    journey: i64,
    leg: Option<Leg>,
    class: DataClass,
) -> rusqlite::Result<()> {
    database
        .prepare_cached(
            "UPDATE event SET payload = NULL, class = NULL, leg = NULL
             WHERE journey = ?1 AND class = ?2 AND (?3 IS NULL OR leg = ?3)",
        )?
        .execute(params![journey, class.as_str(), leg.map(Leg::as_str)])?;
    Ok(())
}

fn summary(row: &Row<'_>) -> Outcome<JourneySummary> {
    let id = journey_id(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
    let status = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
    let (created_at, updated_at) = (row.get(3)?, row.get(4)?);
    Ok(JourneySummary::stored(
        id,
        status,
        row.get(2)?,
        created_at,
        updated_at,
    ))
}

fn names(ids: &[JourneyId]) -> Outcome<String> {
    let names: Vec<&str> = ids.iter().map(JourneyId::as_str).collect();
    serde_json::to_string(&names).map_err(|_| Failure::Refused(corrupt()))
}

fn effect_id(row: &Row<'_>) -> Outcome<EffectId> {
    Ok(EffectId {
        journey: journey_id(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?,
        seq: number(row.get(1)?)?,
        ordinal: row.get(2)?,
    })
}

fn journey_id(text: &str) -> Outcome<JourneyId> {
    JourneyId::parse(text).map_err(|_| Failure::Refused(corrupt()))
}

fn time(microseconds: i64) -> Outcome<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(|_| Failure::Refused(corrupt()))
}

fn number(seq: i64) -> Outcome<Seq> {
    let number = u64::try_from(seq).map(Seq::new);
    number.map_err(|_| Failure::Refused(corrupt()))
}

fn stored(seq: Seq) -> i64 {
    stored_number(seq.get())
}

/// No journey has so many events.
fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn refused(kind: EngineErrorKind) -> Failure<EngineError> {
    Failure::Refused(EngineError::new(kind))
}

fn corrupt() -> EngineError {
    EngineError::new(EngineErrorKind::Corrupt)
}
