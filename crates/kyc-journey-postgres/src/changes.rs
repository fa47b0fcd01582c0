//! What events change in the tables, column by column: each kind of change is one statement, however many events there are.

use kyc_journey::{
    DataClass, Effect, EffectId, EffectKind, JourneyId, Lane, Leg, Recording, SealedRecording, Seq,
    Settles, not_before,
};
use tokio_postgres::types::ToSql;

use crate::database::{Outcome, Request, Transaction};

/// An event that was applied, and what is stored of it.
pub(crate) struct Planned {
    pub(crate) id: JourneyId,
    /// The journey's number; `None`: it begins with this event.
    pub(crate) number: Option<i64>,
    pub(crate) key: [u8; 32],
    pub(crate) recording: Recording,
    pub(crate) sealed: SealedRecording,
}

/// Effects, by their places.
#[derive(Default)]
struct Places {
    journey: Vec<i64>,
    seq: Vec<i64>,
    ordinal: Vec<i32>,
}

impl Places {
    fn push(&mut self, journey: i64, effect: &EffectId) {
        self.journey.push(journey);
        self.seq.push(stored(effect.seq));
        self.ordinal.push(ordinal(effect));
    }
}

/// An entry of the ledger that an event asks for, and its body as it is stored where the ledger is not written with the event.
pub(crate) struct Said {
    journey: i64,
    pub(crate) effect: Effect,
    due: i64,
    body: Vec<u8>,
}

/// What the events of several journeys change, one event of each.
#[derive(Default)]
pub(crate) struct Changes {
    states: States,
    events: Events,
    effects: Effects,
    settled: Places,
    cancelled: Places,
    fired: (Vec<i64>, Vec<String>, Vec<i64>),
    timers: (Vec<i64>, Vec<String>),
    erased: (Vec<i64>, Vec<Option<&'static str>>, Vec<&'static str>),
}

#[derive(Default)]
struct States {
    number: Vec<i64>,
    seq: Vec<i64>,
    status: Vec<&'static str>,
    at: Vec<i64>,
    state: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Events {
    journey: Vec<i64>,
    seq: Vec<i64>,
    key: Vec<Vec<u8>>,
    body: Vec<Vec<u8>>,
    leg: Vec<Option<&'static str>>,
    class: Vec<Option<&'static str>>,
    payload: Vec<Option<Vec<u8>>>,
}

#[derive(Default)]
struct Effects {
    places: Places,
    lane: Vec<i16>,
    due: Vec<i64>,
    timer: Vec<Option<String>>,
    generation: Vec<Option<i64>>,
    body: Vec<Vec<u8>>,
}

/// An effect that an event asks for, and its body.
type Asked = (Lane, Effect, Vec<u8>);

/// The journeys that begin, as [`BEGIN_JOURNEYS`] takes them.
#[derive(Default)]
pub(crate) struct Beginnings {
    pub(crate) id: Vec<String>,
    seq: Vec<i64>,
    status: Vec<&'static str>,
    at: Vec<i64>,
    state: Vec<Vec<u8>>,
}

/// Returns the numbers of those that had not begun.
const BEGIN_JOURNEYS: &str = "INSERT INTO journey (id, seq, status, created_at, updated_at, state)
    SELECT id, seq, status, at, at, state
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bytea[])
         AS new (id, seq, status, at, state)
    ON CONFLICT (id) DO NOTHING RETURNING id, number";

impl Beginnings {
    pub(crate) fn push(&mut self, planned: &Planned) {
        self.id.push(planned.id.as_str().to_owned());
        self.seq.push(stored(planned.recording.entry.seq));
        self.status.push(planned.recording.state.status().as_str());
        self.at.push(planned.recording.entry.at.as_microsecond());
        self.state.push(planned.sealed.state.clone());
    }

    /// Stores them, and returns their numbers by their ids.
    pub(crate) async fn store(&self, database: &Transaction) -> Outcome<Vec<(String, i64)>> {
        let statement = database.prepare(BEGIN_JOURNEYS).await?;
        let values: [&(dyn ToSql + Sync); 5] =
            [&self.id, &self.seq, &self.status, &self.at, &self.state];
        let rows = database.query(&statement, &values).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }
}

impl Changes {
    /// Adds what an event changes. `is_new`: its journey has been stored with its state already. What it says to the ledger is put aside if
    /// there is somewhere to put it.
    pub(crate) fn push(
        &mut self,
        journey: i64,
        is_new: bool,
        planned: Planned,
        mut said: Option<&mut Vec<Said>>,
    ) {
        let Planned {
            id,
            key,
            recording,
            sealed,
            ..
        } = planned;
        let entry = recording.entry;
        let at = entry.at;
        if !is_new {
            self.states.number.push(journey);
            self.states.seq.push(stored(entry.seq));
            self.states.status.push(recording.state.status().as_str());
            self.states.at.push(at.as_microsecond());
            self.states.state.push(sealed.state);
        }
        match recording.settles {
            Some(Settles::Effect(effect)) => self.settled.push(journey, &effect),
            Some(Settles::Timer(name, generation)) => {
                self.fired.0.push(journey);
                self.fired.1.push(name.to_string());
                self.fired.2.push(stored_number(generation));
            }
            None => {}
        }
        let mut asked: Vec<Asked> = Vec::new();
        for (effect, body) in entry.effects.into_iter().zip(sealed.effects) {
            self.cancel(journey, &id, &effect.kind, &mut asked);
            if let (Some(lane), Some(body)) = (Lane::of(&effect.kind), body) {
                asked.push((lane, effect, body));
            }
        }
        for (lane, effect, body) in asked {
            let due = not_before(effect.due(at));
            match (lane, &mut said) {
                (Lane::Ledger, Some(said)) => said.push(Said {
                    journey,
                    effect,
                    due,
                    body,
                }),
                _ => self.wait(lane, journey, &effect, due, body),
            }
        }
        self.events.journey.push(journey);
        self.events.seq.push(stored(entry.seq));
        self.events.key.push(key.to_vec());
        self.events.body.push(sealed.entry);
        let payload = recording.payload;
        let leg = payload.as_ref().and_then(|(leg, _)| *leg);
        self.events.leg.push(leg.map(Leg::as_str));
        let class = payload.map(|(_, payload)| payload.class);
        self.events.class.push(class.map(DataClass::as_str));
        self.events.payload.push(sealed.payload);
    }

    /// Adds an effect that waits for a runner.
    fn wait(&mut self, lane: Lane, journey: i64, effect: &Effect, due: i64, body: Vec<u8>) {
        let (name, generation) = timer(&effect.kind).unzip();
        self.effects.places.push(journey, &effect.id);
        self.effects.lane.push(lane.number());
        self.effects.due.push(due);
        self.effects.timer.push(name);
        self.effects.generation.push(generation);
        self.effects.body.push(body);
    }

    /// Entries that a runner writes to the ledger.
    pub(crate) fn of_unsaid(said: Vec<Said>) -> Self {
        let mut changes = Self::default();
        for said in said {
            let Said {
                journey,
                effect,
                due,
                body,
            } = said;
            changes.wait(Lane::Ledger, journey, &effect, due, body);
        }
        changes
    }

    /// Cancels and erases what an effect says: of what is stored, and of what the same event asked for before it.
    fn cancel(&mut self, journey: i64, id: &JourneyId, kind: &EffectKind, asked: &mut Vec<Asked>) {
        match kind {
            EffectKind::Timer { name, .. } | EffectKind::CancelTimer(name) => {
                let name = name.to_string();
                asked.retain(|(_, effect, _)| {
                    timer(&effect.kind).is_none_or(|(other, _)| other != name)
                });
                self.timers.0.push(journey);
                self.timers.1.push(name);
            }
            EffectKind::CancelCall(call) if call.journey == *id => {
                asked.retain(|(_, effect, _)| effect.id != *call);
                self.cancelled.push(journey, call);
            }
            EffectKind::Erase { leg, class } => {
                self.erased.0.push(journey);
                self.erased.1.push(leg.map(Leg::as_str));
                self.erased.2.push(class.as_str());
            }
            _ => {}
        }
    }

    /// The statements, in the order that [`Recording`] gives.
    pub(crate) async fn requests<'a>(
        &'a self,
        database: &'a Transaction,
    ) -> Outcome<Vec<Request<'a, ()>>> {
        let mut requests: Vec<Request<'a, ()>> = Vec::new();
        for (is_wanted, words, values) in self.statements() {
            if is_wanted {
                let statement = database.prepare(words).await?;
                requests.push(Box::pin(async move {
                    database.execute(&statement, &values).await.map(drop)
                }));
            }
        }
        Ok(requests)
    }

    fn statements(&self) -> Vec<(bool, &'static str, Vec<&(dyn ToSql + Sync)>)> {
        let Self {
            states,
            events,
            effects,
            settled,
            cancelled,
            fired,
            timers,
            erased,
        } = self;
        vec![
            (
                !states.number.is_empty(),
                "UPDATE journey SET seq = new.seq, status = new.status, updated_at = new.at, state = new.state
                 FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bytea[])
                      AS new (number, seq, status, at, state)
                 WHERE journey.number = new.number",
                vec![
                    &states.number,
                    &states.seq,
                    &states.status,
                    &states.at,
                    &states.state,
                ],
            ),
            (
                !settled.journey.is_empty(),
                "DELETE FROM effect USING unnest($1::bigint[], $2::bigint[], $3::integer[])
                      AS gone (journey, seq, ordinal)
                 WHERE effect.journey = gone.journey AND effect.seq = gone.seq AND effect.ordinal = gone.ordinal",
                vec![&settled.journey, &settled.seq, &settled.ordinal],
            ),
            (
                !fired.0.is_empty(),
                "DELETE FROM effect USING unnest($1::bigint[], $2::text[], $3::bigint[])
                      AS fired (journey, timer, generation)
                 WHERE effect.journey = fired.journey AND effect.timer = fired.timer
                 AND effect.generation = fired.generation",
                vec![&fired.0, &fired.1, &fired.2],
            ),
            (
                !timers.0.is_empty(),
                "DELETE FROM effect USING unnest($1::bigint[], $2::text[]) AS gone (journey, timer)
                 WHERE effect.journey = gone.journey AND effect.timer = gone.timer",
                vec![&timers.0, &timers.1],
            ),
            (
                !cancelled.journey.is_empty(),
                "DELETE FROM effect USING unnest($1::bigint[], $2::bigint[], $3::integer[])
                      AS gone (journey, seq, ordinal)
                 WHERE effect.journey = gone.journey AND effect.seq = gone.seq AND effect.ordinal = gone.ordinal
                 AND NOT marked",
                vec![&cancelled.journey, &cancelled.seq, &cancelled.ordinal],
            ),
            (
                !erased.0.is_empty(),
                "UPDATE event SET payload = NULL, class = NULL, leg = NULL
                 FROM unnest($1::bigint[], $2::text[], $3::text[]) AS gone (journey, leg, class)
                 WHERE event.journey = gone.journey AND event.class = gone.class
                 AND (gone.leg IS NULL OR event.leg = gone.leg)",
                vec![&erased.0, &erased.1, &erased.2],
            ),
            (
                !effects.lane.is_empty(),
                "INSERT INTO effect (journey, seq, ordinal, lane, due, timer, generation, body)
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[], $5::bigint[],
                                      $6::text[], $7::bigint[], $8::bytea[])",
                vec![
                    &effects.places.journey,
                    &effects.places.seq,
                    &effects.places.ordinal,
                    &effects.lane,
                    &effects.due,
                    &effects.timer,
                    &effects.generation,
                    &effects.body,
                ],
            ),
            (
                !events.journey.is_empty(),
                "INSERT INTO event (journey, seq, key, body, leg, class, payload)
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[],
                                      $5::text[], $6::text[], $7::bytea[])",
                vec![
                    &events.journey,
                    &events.seq,
                    &events.key,
                    &events.body,
                    &events.leg,
                    &events.class,
                    &events.payload,
                ],
            ),
        ]
    }
}

fn timer(kind: &EffectKind) -> Option<(String, i64)> {
    match kind {
        EffectKind::Timer {
            name, generation, ..
        } => Some((name.to_string(), stored_number(*generation))),
        _ => None,
    }
}

pub(crate) fn stored(seq: Seq) -> i64 {
    stored_number(seq.get())
}

/// No journey has so many events.
fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// No event asks for so many effects.
pub(crate) fn ordinal(effect: &EffectId) -> i32 {
    i32::try_from(effect.ordinal).unwrap_or(i32::MAX)
}
