//! The seam of what seals the bodies that an engine stores.

use std::fmt;

use crate::values::{DataClass, JourneyId, Seq};

/// Seals what an engine stores, and makes the digests by which it finds what it must not store in the clear.
///
/// An engine has no default: whoever opens one says how it seals. A call is made within a transaction of the engine's one writer, so
/// it neither waits for a network nor blocks for long; a key that lies elsewhere is fetched before.
pub trait Sealer: fmt::Debug + Send + Sync {
    /// Seals a body for its place. The same body may be sealed differently each time.
    ///
    /// # Errors
    ///
    /// There is no key for it, such as after an erasure. Nothing is stored then.
    fn seal(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError>;

    /// Opens what [`seal`](Self::seal) made for the same place.
    ///
    /// # Errors
    ///
    /// It was made for another place, was changed, or its key is gone.
    fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError>;

    /// A keyed digest, the same for the same text at any time, that nobody without the key can compute. `domain` tells what is digested,
    /// so that equal texts of different kinds differ.
    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32];
}

/// Where a sealed body is stored. What is moved to another place does not open there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Whose it is; `None`: it belongs to no journey yet.
    pub journey: Option<&'a JourneyId>,
    /// What it is.
    pub body: BodyKind,
    /// The event that it belongs to; [`Seq::ZERO`] if it belongs to none.
    pub seq: Seq,
    /// The class of a payload, by which it is erased; `None`: it is no payload.
    pub class: Option<DataClass>,
}

impl<'a> Place<'a> {
    /// The state of a journey.
    pub const fn state(journey: &'a JourneyId) -> Self {
        Self::of(Some(journey), BodyKind::State, Seq::ZERO, None)
    }

    /// An entry of a journey's history.
    pub const fn history(journey: &'a JourneyId, seq: Seq) -> Self {
        Self::of(Some(journey), BodyKind::History, seq, None)
    }

    /// The payload of an event.
    pub const fn payload(journey: &'a JourneyId, seq: Seq, class: DataClass) -> Self {
        Self::of(Some(journey), BodyKind::Payload, seq, Some(class))
    }

    /// An effect of an event.
    pub const fn effect(journey: &'a JourneyId, seq: Seq) -> Self {
        Self::of(Some(journey), BodyKind::Effect, seq, None)
    }

    /// An event that belongs to no journey yet, with its payload.
    pub const fn parked() -> Place<'static> {
        Place::of(None, BodyKind::Parked, Seq::ZERO, None)
    }

    const fn of(
        journey: Option<&'a JourneyId>,
        body: BodyKind,
        seq: Seq,
        class: Option<DataClass>,
    ) -> Self {
        Self {
            journey,
            body,
            seq,
            class,
        }
    }
}

/// A kind of sealed body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyKind {
    /// The state of a journey.
    State,
    /// An entry of its history.
    History,
    /// A payload.
    Payload,
    /// An effect that is to be carried out.
    Effect,
    /// An event that waits for its journey.
    Parked,
}

impl BodyKind {
    /// The name, as it is bound into what is sealed. It never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::History => "history",
            Self::Payload => "payload",
            Self::Effect => "effect",
            Self::Parked => "parked",
        }
    }
}

/// What a digest is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Domain {
    /// The key of an event.
    EventKey,
    /// What a provider's report finds its journey by.
    Reference,
}

impl Domain {
    /// The name, as it is bound into the digest. It never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventKey => "event-key",
            Self::Reference => "reference",
        }
    }
}

/// Why a body was not sealed or opened. It names nothing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is no key, or no more: the person's data was erased, or the file of keys is another one.
    #[error("there is no key for it")]
    NoKey,
    /// It was changed, moved from another place, or sealed by something else.
    #[error("it is not what was sealed here")]
    Altered,
    /// What holds the keys cannot be asked.
    #[error("the keys cannot be reached")]
    Unavailable,
}
