//! The seam of the engines that store journeys and carry out their effects.

mod memory;
mod outbox;
mod recording;
mod seal;
mod stored;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::machine::Journey;
use crate::values::{
    Effect, EffectId, EffectKind, Event, EventKey, Fact, Failure, JourneyId, JourneyStatus,
    LedgerEntry, Leg, Notice, Operation, Payload, Provider, Reason, Seq, Verdict,
};

pub use memory::MemoryEngine;
pub use outbox::{Due, Lane, Outbox, RunLease};
pub use recording::{Lookup, Machine, Recording, Settles};
pub use seal::{BodyKind, Domain, Place, SealError, Sealer};
pub use stored::{Bodies, PAGE, PARKED, ParkedReport, SealedRecording, not_before};

/// Stores journeys and drives their effects.
///
/// Every engine promises: the events of one journey are applied one at a time, each key once; state, history, effects and timers of a
/// transition are committed together, and so is the payload that it keeps; [safe](provider_core::Idempotency::Safe) and
/// [repeatable](provider_core::Idempotency::Repeatable) calls are made at least once, [unsafe](provider_core::Idempotency::Unsafe) ones
/// at most once, and one that was begun and has no result becomes [`Fact::Interrupted`]; timers are never early, late after
/// a jump of the clock, and never lost.
#[async_trait]
pub trait JourneyEngine: fmt::Debug + Send + Sync {
    /// Applies an event. It is durable when this returns. A journey begins with [`Fact::Start`].
    ///
    /// # Errors
    ///
    /// [`UnknownJourney`](EngineErrorKind::UnknownJourney) if it has not started; otherwise nothing was stored, and the event can be
    /// submitted again.
    async fn submit(&self, journey: &JourneyId, event: Event) -> Result<Submitted, EngineError>;

    /// Applies what a provider or a browser reports to the journey that it is about: found by the token that our request carried, or by
    /// the provider's id. What belongs to no journey yet is parked, durably, and applied in the transaction in which a journey begins to
    /// be known by what it names; after 30 days it is dropped.
    ///
    /// # Errors
    ///
    /// Nothing was stored, and the report can be submitted again.
    async fn report(&self, provider: Provider, event: Event) -> Result<Reported, EngineError>;

    /// Reads a journey; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn read(&self, journey: &JourneyId) -> Result<Option<JourneyRecord>, EngineError>;

    /// Reads what happened after an event, the oldest first; [`Seq::ZERO`] for everything. Empty if there is no such journey.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn history(
        &self,
        journey: &JourneyId,
        after: Seq,
    ) -> Result<Vec<HistoryEntry>, EngineError>;

    /// Reads the payload that was kept with an event; `None` if none was, or it has been erased.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or the payload cannot be opened.
    async fn payload(&self, journey: &JourneyId, seq: Seq) -> Result<Option<Payload>, EngineError>;

    /// Lists journeys, the one that changed last first.
    ///
    /// # Errors
    ///
    /// The store cannot be read; [`InvalidPage`](EngineErrorKind::InvalidPage) if the page is not one that was given out.
    async fn list(
        &self,
        filter: &JourneyFilter,
        page: PageToken,
    ) -> Result<JourneyPage, EngineError>;

    /// Reads the journeys of a list, by one question where the store has one for it. Those whose state cannot be opened are left out: they
    /// are listed nevertheless.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn read_listed(
        &self,
        journeys: &[JourneyId],
    ) -> Result<HashMap<JourneyId, JourneyRecord>, EngineError> {
        let mut found = HashMap::with_capacity(journeys.len());
        for id in journeys {
            match self.read(id).await {
                Ok(record) => found.extend(record.map(|record| (id.clone(), record))),
                Err(error) if error.kind() == EngineErrorKind::Corrupt => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Removes a journey with everything stored for it, its effects and timers included. Removing one that is not there is no error.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    async fn forget(&self, journey: &JourneyId) -> Result<(), EngineError>;
}

/// Makes the calls to providers. Engines drive it: for an unsafe call, after a mark that it is begun is durable.
///
/// It proves the consent by itself, for each call that it makes and just before it: so the proof is always made after the mark, whatever
/// the engine, and is never older than the call. What it finds out is the call's [failure](Failure::without_consent).
#[async_trait]
pub trait Performer: fmt::Debug + Send + Sync {
    /// Makes a call and says what came of it. It returns a result for every failure; it does not repeat an unsafe call whose outcome is
    /// unknown.
    async fn perform(&self, call: &EffectCall) -> Performed;

    /// Delivers a notice: at least once, because a process that dies in between is asked again.
    ///
    /// # Errors
    ///
    /// It was not taken, and is delivered again later.
    async fn notify(&self, id: &EffectId, notice: &Notice) -> Result<(), Undelivered>;

    /// Writes an entry of the consent ledger: at least once, so that whoever keeps the ledger ignores an id that it has.
    ///
    /// # Errors
    ///
    /// It was not taken, and is written again later.
    async fn record(&self, id: &EffectId, entry: &LedgerEntry) -> Result<(), Undelivered>;
}

/// A notice or an entry was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was not taken")]
pub struct Undelivered;

/// A call to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectCall {
    /// The effect.
    pub id: EffectId,
    /// The call.
    pub operation: Operation,
    /// The payload of the event that the call [names](Operation::payload); `None` if it names none, or it has been erased.
    pub payload: Option<Payload>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// The answer, or why there is none.
    pub result: Result<crate::values::Answer, Failure>,
    /// What is personal in the answer.
    pub payload: Option<Payload>,
}

impl Performed {
    /// The event that this is.
    pub fn into_event(self, effect: EffectId, at: Timestamp) -> Event {
        let key = EventKey::answer(&effect);
        let fact = match self.result {
            Ok(answer) => Fact::Answered { effect, answer },
            Err(failure) => Fact::Failed { effect, failure },
        };
        Event::new(key, at, None, fact).set_payload(self.payload)
    }
}

impl Effect {
    /// The operation, if the effect is a call.
    pub const fn operation(&self) -> Option<&Operation> {
        match &self.kind {
            EffectKind::Call(operation) => Some(operation),
            _ => None,
        }
    }
}

impl Operation {
    /// The event whose payload the call needs.
    pub const fn payload(&self) -> Option<Seq> {
        match self {
            Self::CompleteAuthorization { code, .. } | Self::CheckOneTimeCode { code, .. } => {
                Some(*code)
            }
            Self::FetchFile { list, .. } => Some(*list),
            Self::DecryptReturn { returned } => Some(*returned),
            _ => None,
        }
    }
}

/// What became of a submitted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The number of the event; for a [`Duplicate`](Verdict::Duplicate), of the one that was recorded, or of the last one if that is not
    /// known.
    pub seq: Seq,
    /// What became of it; [`Duplicate`](Verdict::Duplicate) if its key has been seen, or, with the reason
    /// [`AlreadyStarted`](Reason::AlreadyStarted), if another start began the journey.
    pub verdict: Verdict,
    /// Why it changed nothing.
    pub reason: Option<Reason>,
    /// Where the journey stands now.
    pub status: JourneyStatus,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// It was submitted to the journey that it is about.
    Submitted(JourneyId, Submitted),
    /// No journey is known by what it names. It is kept until one is.
    Parked,
}

/// A stored journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JourneyRecord {
    /// Its state.
    pub state: Journey,
    /// When its first event was received.
    pub created_at: Timestamp,
    /// When its last event was received.
    pub updated_at: Timestamp,
}

/// An event as it is kept, without its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its number.
    pub seq: Seq,
    /// Its key.
    pub key: EventKey,
    /// When it was received.
    pub at: Timestamp,
    /// The leg that it named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<Leg>,
    /// What happened.
    pub fact: Fact,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What it asked for.
    #[serde(default)]
    pub effects: Vec<Effect>,
}

/// Which journeys to list: those that match everything that is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct JourneyFilter {
    /// In one of these states; empty: in any.
    pub statuses: Vec<JourneyStatus>,
    /// Unchanged since this time.
    pub unchanged_since: Option<Timestamp>,
}

impl JourneyFilter {
    /// Every journey.
    pub fn new() -> Self {
        Self::default()
    }

    /// In one of these states.
    #[must_use]
    pub fn set_statuses(mut self, statuses: impl IntoIterator<Item = JourneyStatus>) -> Self {
        self.statuses = statuses.into_iter().collect();
        self
    }

    /// Unchanged since this time.
    #[must_use]
    pub fn set_unchanged_since(mut self, at: Option<Timestamp>) -> Self {
        self.unchanged_since = at;
        self
    }
}

/// A place in a list: the first page by default, and opaque otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(String);

impl PageToken {
    /// The token as an engine made it, or as a caller got it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text; empty for the first page.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JourneyPage {
    /// The journeys.
    pub journeys: Vec<JourneySummary>,
    /// The next page; `None`: this is the last one.
    pub next: Option<PageToken>,
}

/// A journey in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JourneySummary {
    /// Its id.
    pub id: JourneyId,
    /// Where it stands.
    pub status: JourneyStatus,
    /// The number of its last event.
    pub seq: Seq,
    /// When its first event was received.
    pub created_at: Timestamp,
    /// When its last event was received.
    pub updated_at: Timestamp,
}

impl JourneySummary {
    /// A journey as a database lists it, with times in microseconds since 1970. What is damaged closes no list: a status that is none is
    /// one that somebody has to look at, a number that is none is zero, and a time that is none is the nearest.
    pub fn stored(id: JourneyId, status: &str, seq: i64, created_at: i64, updated_at: i64) -> Self {
        let nearest = |microseconds: i64| {
            let outside = match microseconds.is_negative() {
                true => Timestamp::MIN,
                false => Timestamp::MAX,
            };
            Timestamp::from_microsecond(microseconds).unwrap_or(outside)
        };
        Self {
            id,
            status: status.parse().unwrap_or(JourneyStatus::NeedsOperator),
            seq: u64::try_from(seq).map_or(Seq::ZERO, Seq::new),
            created_at: nearest(created_at),
            updated_at: nearest(updated_at),
        }
    }
}

/// Why an engine did not do something.
#[derive(Debug, Clone)]
pub struct EngineError {
    kind: EngineErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_text())
    }
}

impl StdError for EngineError {
    // The cause itself, so that its type can be asked for: an `Arc` is an error of its own.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref();
        source.map(|source| source as &(dyn StdError + 'static))
    }
}

/// What kept an engine from doing something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineErrorKind {
    /// There is no such journey.
    UnknownJourney,
    /// The store cannot be reached, read or written, such as a full disk. Try again.
    Unavailable,
    /// More waits to be stored than may wait. Try again, later.
    Overloaded,
    /// The store is a newer version's, another application's, or not where an engine may keep it. Nothing was written.
    WrongStore,
    /// Another runner has the store. Nothing was written.
    InUse,
    /// The engine is shutting down.
    Closed,
    /// The page is not one that was given out.
    InvalidPage,
    /// What is stored cannot be opened or read.
    Corrupt,
}

impl EngineErrorKind {
    const fn as_text(self) -> &'static str {
        match self {
            Self::UnknownJourney => "there is no such journey",
            Self::Unavailable => "the store is unavailable",
            Self::Overloaded => "the store has more to do than may wait",
            Self::WrongStore => "the store is not one that this engine may use",
            Self::InUse => "another runner has the store",
            Self::Closed => "the engine is shutting down",
            Self::InvalidPage => "the page is not one that was given out",
            Self::Corrupt => "what is stored cannot be read",
        }
    }
}

impl EngineError {
    /// An error without a cause.
    pub fn new(kind: EngineErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Adds the cause, which must not print what is stored.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What kept the engine from it.
    pub fn kind(&self) -> EngineErrorKind {
        self.kind
    }
}
