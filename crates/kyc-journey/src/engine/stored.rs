//! The forms in which engines over a database store what they keep: the same in every one of them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::outbox::Lane;
use super::recording::{Lookup, Recording};
use super::seal::{Domain, Place, SealError, Sealer};
use super::{EngineError, EngineErrorKind, PageToken};
use crate::values::{Effect, EffectId, Event, EventKey, JourneyId, Payload, Provider};

/// How many journeys a page of a list has.
pub const PAGE: usize = 100;

/// How long a report waits for its journey: 30 days.
pub const PARKED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Makes the stored forms of what an engine keeps, and reads them back: bodies as sealed JSON, and keyed digests to find them by.
#[derive(Debug, Clone)]
pub struct Bodies(Arc<dyn Sealer>);

/// The bodies that an event adds, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecording {
    /// Of the journey's state.
    pub state: Vec<u8>,
    /// Of the entry of its history.
    pub entry: Vec<u8>,
    /// Of the payload that is kept.
    pub payload: Option<Vec<u8>>,
    /// Of each effect of the entry; `None`: the store carries it out, and keeps nothing of it.
    pub effects: Vec<Option<Vec<u8>>>,
}

/// A report that belongs to no journey yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedReport {
    /// The digest of its key: a report is parked once.
    pub key: [u8; 32],
    /// The digest of the token that it names.
    pub token: Option<[u8; 32]>,
    /// The digest of the provider's id that it names.
    pub reference: Option<[u8; 32]>,
    /// When it was received.
    pub at: Timestamp,
    /// Reports that were received before this are dropped.
    pub oldest: Timestamp,
    /// The event, sealed.
    pub body: Vec<u8>,
}

impl Bodies {
    /// Seals with this.
    pub fn new(sealer: Arc<dyn Sealer>) -> Self {
        Self(sealer)
    }

    /// The digest of an event's key.
    pub fn key(&self, key: &EventKey) -> [u8; 32] {
        self.0.digest(Domain::EventKey, key.as_str().as_bytes())
    }

    /// The digest of what a report finds its journey by.
    pub fn lookup(&self, lookup: &Lookup) -> [u8; 32] {
        self.0.digest(Domain::Reference, lookup.text().as_bytes())
    }

    /// Seals everything that an event adds, so that what can be refused is refused before the first change.
    ///
    /// # Errors
    ///
    /// As for [`seal`](Self::seal).
    pub fn seal_recording(
        &self,
        id: &JourneyId,
        recording: &Recording,
    ) -> Result<SealedRecording, EngineError> {
        let entry = &recording.entry;
        let payload = match &recording.payload {
            Some((_, payload)) => {
                Some(self.seal(&Place::payload(id, entry.seq, payload.class), payload)?)
            }
            None => None,
        };
        let effect = |effect: &Effect| match Lane::of(&effect.kind) {
            Some(_) => self.seal(&Place::effect(id, entry.seq), effect).map(Some),
            None => Ok(None),
        };
        Ok(SealedRecording {
            state: self.seal(&Place::state(id), &recording.state)?,
            entry: self.seal(&Place::history(id, entry.seq), entry)?,
            payload,
            effects: entry.effects.iter().map(effect).collect::<Result<_, _>>()?,
        })
    }

    /// Seals a report that belongs to no journey yet.
    ///
    /// # Errors
    ///
    /// As for [`seal`](Self::seal).
    pub fn park(&self, provider: Provider, event: &Event) -> Result<ParkedReport, EngineError> {
        let lookups = Lookup::of(provider, &event.fact);
        let digest = |is_token: bool| {
            let found = lookups
                .iter()
                .find(|lookup| matches!(lookup, Lookup::Token(_)) == is_token);
            found.map(|lookup| self.lookup(lookup))
        };
        Ok(ParkedReport {
            key: self.key(&event.key),
            token: digest(true),
            reference: digest(false),
            at: event.at,
            oldest: event.at.checked_sub(PARKED).unwrap_or(Timestamp::MIN),
            body: self.seal(&Place::parked(), event)?,
        })
    }

    /// Seals a body for its place.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](EngineErrorKind::Unavailable) if the keys cannot be reached, [`Corrupt`](EngineErrorKind::Corrupt) if there is
    /// none for it.
    pub fn seal(&self, place: &Place<'_>, body: &impl Serialize) -> Result<Vec<u8>, EngineError> {
        let body = serde_json::to_vec(body);
        let body = body.map_err(|error| corrupt().with_source(error))?;
        self.0.seal(place, &body).map_err(sealing)
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](EngineErrorKind::Unavailable) if the keys cannot be reached, [`Corrupt`](EngineErrorKind::Corrupt) if it does not
    /// open, or is not what stands there.
    pub fn open<T: DeserializeOwned>(
        &self,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<T, EngineError> {
        let body = self.0.open(place, sealed).map_err(sealing)?;
        read(&body)
    }

    /// Opens an effect; `None`: it does not open, or is another one than stands there, such as after a key was lost. That is logged by the
    /// effect's number, and holds up no other effect: it is left in the store.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](EngineErrorKind::Unavailable) if the keys cannot be reached: it may open later.
    pub fn open_effect(&self, id: &EffectId, sealed: &[u8]) -> Result<Option<Effect>, EngineError> {
        let opened = self.open(&Place::effect(&id.journey, id.seq), sealed);
        let opened = opened.and_then(|effect: Effect| match effect.id == *id {
            true => Ok(effect),
            false => Err(corrupt()),
        });
        match opened {
            Ok(effect) => Ok(Some(effect)),
            Err(error) if error.kind() == EngineErrorKind::Corrupt => {
                tracing::error!(effect = %id, %error, "an effect cannot be opened and is left");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a payload; `None`: its person was erased, and the row is what is left.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_payload(
        &self,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Option<Payload>, EngineError> {
        match self.0.open(place, sealed) {
            Err(SealError::NoKey) => Ok(None),
            Err(error) => Err(sealing(error)),
            Ok(body) => read(&body).map(Some),
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, EngineError> {
    // What JSON says about itself may repeat what is stored.
    serde_json::from_slice(body).map_err(|_| corrupt())
}

impl PageToken {
    /// The page after this journey, which changed last at this time.
    pub fn after(updated_at: Timestamp, id: &JourneyId) -> Self {
        Self::new(format!("{}:{id}", updated_at.as_nanosecond()))
    }

    /// The journey before the page; `None`: it is the first page.
    ///
    /// # Errors
    ///
    /// [`InvalidPage`](EngineErrorKind::InvalidPage) if it is not one that [`after`](Self::after) made.
    pub fn place(&self) -> Result<Option<(Timestamp, JourneyId)>, EngineError> {
        if self.as_str().is_empty() {
            return Ok(None);
        }
        let place = || {
            let (at, id) = self.as_str().split_once(':')?;
            let at = Timestamp::from_nanosecond(at.parse().ok()?).ok()?;
            Some((at, JourneyId::parse(id).ok()?))
        };
        match place() {
            Some(place) => Ok(Some(place)),
            None => Err(EngineError::new(EngineErrorKind::InvalidPage)),
        }
    }
}

/// The first microsecond since 1970 that is not before a time, so that no timer is early in a store that keeps microseconds.
pub fn not_before(at: Timestamp) -> i64 {
    let whole = at.as_microsecond();
    let is_exact = Timestamp::from_microsecond(whole).is_ok_and(|whole| whole >= at);
    whole.saturating_add(i64::from(!is_exact))
}

fn corrupt() -> EngineError {
    EngineError::new(EngineErrorKind::Corrupt)
}

fn sealing(error: SealError) -> EngineError {
    let kind = match error {
        SealError::Unavailable => EngineErrorKind::Unavailable,
        _ => EngineErrorKind::Corrupt,
    };
    EngineError::new(kind).with_source(error)
}
