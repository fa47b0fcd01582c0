//! What an event changes in Restate, worked out in one step, which is recorded before anything is changed: a handler that is run again
//! after a crash repeats what was worked out, sealed bytes included, and does not work it out anew.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kyc_journey::provider_core::{Clock, Idempotency};
use kyc_journey::{
    Effect, EffectKind, EngineError, EngineErrorKind, Event, EventKey, Fact, Journey, JourneyId,
    Machine, Place, Recording, Submitted, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::book::Book;
use crate::message::{Kept, Mark, Receipt, Task, Timer};
use crate::sealed::{Seal, Sealed};

/// What works out changes.
#[derive(Debug, Clone)]
pub(crate) struct Transitions {
    pub(crate) seal: Seal,
    pub(crate) machine: Machine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) longest_sleep: Duration,
}

/// A journey as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) book: Book,
    pub(crate) state: Sealed,
}

/// What is changed, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    pub(crate) receipt: Receipt,
    /// `None`: nothing is stored.
    pub(crate) stored: Option<Box<Values>>,
    pub(crate) sends: Vec<Send>,
    /// The digests of what the journey is found by from now on.
    pub(crate) claims: Vec<String>,
}

/// The values of a journey that are written and removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Values {
    pub(crate) book: Book,
    pub(crate) state: Sealed,
    pub(crate) entry: Sealed,
    /// The digest of the event's key.
    pub(crate) key: String,
    pub(crate) payload: Option<Sealed>,
    pub(crate) erased: Vec<kyc_journey::Seq>,
}

/// An effect that is handed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Send {
    Once(Task),
    Repeat(Task),
    Deliver(Task),
    Timer {
        timer: Timer,
        mark: Mark,
        after: Duration,
    },
}

/// What becomes of a timer that was heard of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fired {
    /// It fires.
    Due(Box<Changes>),
    /// It is early by the worker's clock, and is heard of again after this time.
    Early(Duration),
}

impl Transitions {
    /// Applies an event that has not been seen. `born` numbers the journey, if it begins.
    pub(crate) fn apply(
        &self,
        id: &JourneyId,
        stored: Option<Stored>,
        born: u64,
        event: Event,
    ) -> Result<Changes, EngineError> {
        let key = self.seal.key(&event.key);
        let (book, before) = match stored {
            Some(Stored { book, state }) => {
                let state = self.seal.open(&Place::state(id), &state)?;
                (Some(book), state)
            }
            None if matches!(event.fact, Fact::Start { .. }) => (None, Journey::new(id.clone())),
            None => return Err(EngineError::new(EngineErrorKind::UnknownJourney)),
        };
        let recording = Recording::of(self.machine, &before, event);
        let receipt = Receipt::from(Submitted {
            seq: recording.entry.seq,
            verdict: recording.entry.verdict,
            reason: recording.entry.reason,
            status: recording.state.status(),
        });
        // The machine remembers some keys by itself.
        if recording.entry.verdict == Verdict::Duplicate {
            return Ok(Changes {
                receipt,
                stored: None,
                sends: Vec::new(),
                claims: Vec::new(),
            });
        }
        let book =
            book.unwrap_or_else(|| Book::new(born, recording.state.status(), recording.entry.at));
        self.record(id, book, recording, key, receipt)
    }

    fn record(
        &self,
        id: &JourneyId,
        mut book: Book,
        recording: Recording,
        key: String,
        receipt: Receipt,
    ) -> Result<Changes, EngineError> {
        let Recording {
            state,
            entry,
            payload,
            added,
            settles,
        } = recording;
        book.status = state.status();
        book.seq = entry.seq;
        book.updated_at = entry.at;
        if let Some(settles) = &settles {
            book.settle(settles);
        }
        let mut erased = Vec::new();
        let mut sends = Vec::new();
        for effect in &entry.effects {
            match &effect.kind {
                EffectKind::Call(operation) => {
                    book.add_call(&effect.id, operation.leg());
                    let task = self.task(id, &book, effect)?;
                    sends.push(match operation.idempotency() {
                        Idempotency::Unsafe => Send::Once(task),
                        _ => Send::Repeat(task),
                    });
                }
                EffectKind::Timer {
                    name,
                    generation,
                    at,
                } => {
                    book.set_timer(name, *generation);
                    let timer = Timer {
                        born: book.born,
                        name: name.clone(),
                        generation: *generation,
                        at: *at,
                    };
                    let mark = mark(&book, effect);
                    let after = self.sleep_until(*at);
                    sends.push(Send::Timer { timer, mark, after });
                }
                EffectKind::Notify(_) | EffectKind::Ledger(_) => {
                    sends.push(Send::Deliver(self.task(id, &book, effect)?));
                }
                EffectKind::CancelCall(call) if call.journey == *id => book.cancel_call(call),
                EffectKind::CancelTimer(name) => book.cancel_timer(name),
                EffectKind::Erase { leg, class } => erased.extend(book.erase(*leg, *class)),
                _ => {}
            }
        }
        let payload = match payload {
            Some((leg, payload)) => {
                let (seq, class) = (entry.seq, payload.class);
                book.keep(Kept { seq, leg, class });
                let place = Place::payload(id, seq, class);
                Some(self.seal.seal(&place, &payload)?)
            }
            None => None,
        };
        let claims: Vec<String> = added.iter().map(|added| self.seal.lookup(added)).collect();
        book.lookups.extend(claims.iter().cloned());
        Ok(Changes {
            receipt,
            sends,
            claims,
            stored: Some(Box::new(Values {
                state: self.seal.seal(&Place::state(id), &state)?,
                entry: self.seal.seal(&Place::history(id, entry.seq), &entry)?,
                book,
                key,
                payload,
                erased,
            })),
        })
    }

    /// Lets a timer fire that runs.
    pub(crate) fn fire(
        &self,
        id: &JourneyId,
        stored: Stored,
        timer: &Timer,
    ) -> Result<Fired, EngineError> {
        let now = self.clock.now();
        if now < timer.at {
            return Ok(Fired::Early(self.sleep_until(timer.at)));
        }
        let born = stored.book.born;
        let fact = Fact::TimerFired {
            timer: timer.name.clone(),
            generation: timer.generation,
        };
        let key = EventKey::timer(&timer.name, timer.generation);
        let event = Event::new(key, now, timer.name.leg, fact);
        let changes = self.apply(id, Some(stored), born, event)?;
        Ok(Fired::Due(Box::new(changes)))
    }

    /// The event by which a journey is told that a call has no result and is not repeated.
    pub(crate) fn interrupted(&self, id: &JourneyId, mark: &Mark, leg: kyc_journey::Leg) -> Event {
        let effect = mark.effect(id);
        let key = EventKey::interrupted(&effect);
        let fact = Fact::Interrupted { effect };
        Event::new(key, self.clock.now(), Some(leg), fact)
    }

    fn task(&self, id: &JourneyId, book: &Book, effect: &Effect) -> Result<Task, EngineError> {
        Ok(Task {
            journey: id.clone(),
            mark: mark(book, effect),
            effect: self.seal.seal(&Place::effect(id, effect.id.seq), effect)?,
        })
    }

    /// How long until a time, and not longer than until the clock is looked at again.
    fn sleep_until(&self, at: Timestamp) -> Duration {
        let wait = at.duration_since(self.clock.now());
        // Restate counts in milliseconds: a part of one must not be cut off.
        let wait = Duration::try_from(wait).unwrap_or_default();
        let whole = Duration::from_millis(1).saturating_add(wait);
        whole.min(self.longest_sleep)
    }
}

fn mark(book: &Book, effect: &Effect) -> Mark {
    Mark {
        born: book.born,
        seq: effect.id.seq,
        ordinal: effect.id.ordinal,
        payload: effect.operation().and_then(|operation| operation.payload()),
    }
}
