//! Events, and what a transition says about them.

use jiff::Timestamp;
use provider_core::Masked;
use serde::{Deserialize, Serialize};

use super::effect::DataClass;
use super::fact::Fact;
use super::id::EventKey;
use super::leg::Leg;

/// Something that happened to a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its key: an engine applies one event a key.
    pub key: EventKey,
    /// When it was received: the machine's only clock.
    pub at: Timestamp,
    /// The leg that it is about; `None`: the journey, or whichever leg the fact itself names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<Leg>,
    /// What happened.
    pub fact: Fact,
    /// What came with it that is personal or secret. An engine stores it, sealed, only if the transition
    /// [keeps](crate::Transition::keeps_payload) it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
}

impl Event {
    /// An event without a payload.
    pub fn new(key: EventKey, at: Timestamp, leg: Option<Leg>, fact: Fact) -> Self {
        Self {
            key,
            at,
            leg,
            fact,
            payload: None,
        }
    }

    /// Adds what came with it.
    #[must_use]
    pub fn set_payload(mut self, payload: Option<Payload>) -> Self {
        self.payload = payload;
        self
    }

    /// How long its payload is: an engine takes in so many bytes at once. Everything else of an event is small.
    pub fn payload_bytes(&self) -> usize {
        let payload = self.payload.as_ref();
        payload.map_or(0, |payload| payload.content.expose().len())
    }
}

/// What came with an event that is personal or secret: a link, a code, a document. The machine never looks at it; effects name it by
/// the number of its event. `Debug` does not print it, and its memory is wiped on drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The class, by which it is sealed and erased.
    pub class: DataClass,
    /// The content, text or base64: whoever stores it does not read it.
    pub content: Masked,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It changed something.
    Applied,
    /// It is kept for the record and changed nothing: a word or a kind that is not known, or a fact that an operator has to judge.
    Kept,
    /// It says less than is known, or is about what has been replaced.
    Late,
    /// It has been seen, or it starts a journey that has started: nothing is recorded.
    Duplicate,
    /// It means nothing here: another person's session, a foreign token, an ended leg. Its payload is dropped.
    Discarded,
}

provider_core::named_enum! {
    Verdict("verdict") {
        Applied = "applied",
        Kept = "kept",
        Late = "late",
        Duplicate = "duplicate",
        Discarded = "discarded",
    }
}

/// Why an event changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The journey has not started.
    NotStarted,
    /// The journey has started before, by another event.
    AlreadyStarted,
    /// The plan cannot be carried out.
    InvalidPlan,
    /// The plan has no such leg.
    NotPlanned,
    /// The event names no leg, and has to.
    NoLeg,
    /// There is no consent, or it is over.
    NoConsent,
    /// The journey has ended.
    JourneyEnded,
    /// The leg has ended.
    LegEnded,
    /// Nothing here waits for it.
    NotExpected,
    /// Its token is not this journey's.
    ForeignToken,
    /// It is about a session that is not this journey's.
    ForeignSession,
    /// It is about an attempt that has been replaced.
    ReplacedAttempt,
    /// More is known than it says.
    LowerRank,
    /// Something newer is known.
    OlderTime,
    /// What it says is known.
    Known,
    /// The effect is not one that is waited for.
    UnknownEffect,
    /// The timer was set anew, or is not wanted any more.
    ReplacedTimer,
    /// The timer fired before its time, and was set again.
    EarlyTimer,
    /// A word that is not known.
    UnknownWord,
    /// It contradicts what was decided; an operator has been told.
    Conflict,
    /// The leg has been tried too often.
    TooManyAttempts,
}

provider_core::named_enum! {
    Reason("reason") {
        NotStarted = "not_started",
        AlreadyStarted = "already_started",
        InvalidPlan = "invalid_plan",
        NotPlanned = "not_planned",
        NoLeg = "no_leg",
        NoConsent = "no_consent",
        JourneyEnded = "journey_ended",
        LegEnded = "leg_ended",
        NotExpected = "not_expected",
        ForeignToken = "foreign_token",
        ForeignSession = "foreign_session",
        ReplacedAttempt = "replaced_attempt",
        LowerRank = "lower_rank",
        OlderTime = "older_time",
        Known = "known",
        UnknownEffect = "unknown_effect",
        ReplacedTimer = "replaced_timer",
        EarlyTimer = "early_timer",
        UnknownWord = "unknown_word",
        Conflict = "conflict",
        TooManyAttempts = "too_many_attempts",
    }
}
