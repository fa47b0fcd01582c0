//! What travels between the callers, Restate and the worker. What is in the clear: random ids, numbers, times, names of states, legs
//! and classes, and keyed digests.

use jiff::Timestamp;
use kyc_journey::{
    DataClass, EffectId, EngineError, EngineErrorKind, Event, JourneyId, JourneyStatus, Leg, Place,
    Reason, Reported, Seq, Submitted, TimerName, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::sealed::{Seal, Sealed, SealedPayload, arriving, arriving_payload};

/// An event on its way to its journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parcel {
    /// The digest of its key.
    pub(crate) key: String,
    pub(crate) contents: Contents,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contents {
    /// For this journey, so that its keys, and the class's, erase it.
    Addressed {
        event: Sealed,
        payload: Option<SealedPayload>,
    },
    /// For whichever journey it is about.
    Parked(Sealed),
}

impl Parcel {
    pub(crate) fn addressed(
        seal: &Seal,
        journey: &JourneyId,
        mut event: Event,
    ) -> Result<Self, EngineError> {
        let payload = event.payload.take();
        let payload = payload
            .map(|payload| {
                let place = arriving_payload(journey, payload.class);
                seal.seal_payload(&place, &payload)
            })
            .transpose()?;
        Ok(Self {
            key: seal.key(&event.key),
            contents: Contents::Addressed {
                event: seal.seal(&arriving(journey), &event)?,
                payload,
            },
        })
    }

    pub(crate) fn parked(seal: &Seal, event: &Event) -> Result<Self, EngineError> {
        Ok(Self {
            key: seal.key(&event.key),
            contents: Contents::Parked(seal.seal(&Place::parked(), event)?),
        })
    }

    pub(crate) fn open(&self, seal: &Seal, journey: &JourneyId) -> Result<Event, EngineError> {
        match &self.contents {
            Contents::Addressed { event, payload } => {
                let event: Event = seal.open(&arriving(journey), event)?;
                let Some(SealedPayload { class, body }) = payload else {
                    return Ok(event);
                };
                let place = arriving_payload(journey, *class);
                Ok(event.set_payload(seal.open_payload(&place, body)?))
            }
            Contents::Parked(event) => seal.open(&Place::parked(), event),
        }
    }
}

/// What a handler answers: a refusal is an answer too, because an error of Restate's has a text that is stored in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer<T> {
    Done(T),
    Refused(Refusal),
}

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    UnknownJourney,
    Unavailable,
    Corrupt,
}

impl<T> Answer<T> {
    pub(crate) fn into_result(self) -> Result<T, EngineError> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Refused(refusal) => Err(EngineError::new(match refusal {
                Refusal::UnknownJourney => EngineErrorKind::UnknownJourney,
                Refusal::Unavailable => EngineErrorKind::Unavailable,
                Refusal::Corrupt => EngineErrorKind::Corrupt,
            })),
        }
    }
}

impl From<&EngineError> for Refusal {
    fn from(error: &EngineError) -> Self {
        match error.kind() {
            EngineErrorKind::UnknownJourney => Self::UnknownJourney,
            EngineErrorKind::Corrupt => Self::Corrupt,
            _ => Self::Unavailable,
        }
    }
}

/// [`Submitted`], as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    seq: Seq,
    verdict: Verdict,
    reason: Option<Reason>,
    status: JourneyStatus,
}

impl From<Submitted> for Receipt {
    fn from(submitted: Submitted) -> Self {
        let Submitted {
            seq,
            verdict,
            reason,
            status,
        } = submitted;
        Self {
            seq,
            verdict,
            reason,
            status,
        }
    }
}

impl From<Receipt> for Submitted {
    fn from(receipt: Receipt) -> Self {
        let Receipt {
            seq,
            verdict,
            reason,
            status,
        } = receipt;
        Self {
            seq,
            verdict,
            reason,
            status,
        }
    }
}

/// A report, and the digests of what it is found by, the surest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) lookups: Vec<String>,
    pub(crate) at: Timestamp,
    pub(crate) parcel: Parcel,
}

/// What became of a report; `None`: it is parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found(pub(crate) Option<(JourneyId, Receipt)>);

impl From<Found> for Reported {
    fn from(found: Found) -> Self {
        found.0.map_or(Self::Parked, |(journey, receipt)| {
            Self::Submitted(journey, receipt.into())
        })
    }
}

/// A report that waits under what it is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parked {
    pub(crate) at: Timestamp,
    pub(crate) parcel: Parcel,
    /// Under what else it waits.
    pub(crate) also: Vec<String>,
}

/// An effect of a journey. `born` tells the journey from an earlier one of the same id, which was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) born: u64,
    pub(crate) seq: Seq,
    pub(crate) ordinal: u32,
    /// The event whose payload the call needs.
    pub(crate) payload: Option<Seq>,
}

impl Mark {
    pub(crate) fn effect(&self, journey: &JourneyId) -> EffectId {
        EffectId {
            journey: journey.clone(),
            seq: self.seq,
            ordinal: self.ordinal,
        }
    }
}

/// The leave to make a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) payload: Option<SealedPayload>,
}

/// Something to carry out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) journey: JourneyId,
    pub(crate) mark: Mark,
    pub(crate) effect: Sealed,
}

/// A notice or an entry of the ledger to deliver, and how often that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) task: Task,
    pub(crate) attempt: u32,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settle {
    pub(crate) born: u64,
    pub(crate) parcel: Parcel,
}

/// A timer that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    pub(crate) born: u64,
    pub(crate) name: TimerName,
    pub(crate) generation: u64,
    pub(crate) at: Timestamp,
}

/// A journey as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) state: Sealed,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// The classes and places of payloads that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) seq: Seq,
    pub(crate) leg: Option<Leg>,
    pub(crate) class: DataClass,
}
