//! What an engine stores for an event, worked out once for every engine.

use jiff::Timestamp;
use provider_core::capability::ProviderReference;

use super::HistoryEntry;
use crate::machine::{Journey, Transition};
use crate::values::{
    CorrelationToken, Effect, EffectId, EffectKind, Event, Fact, Leg, Payload, Provider, TimerName,
};

/// What applies an event: [`apply`](crate::apply), unless a test puts another one in its place.
pub type Machine = fn(&Journey, &Event) -> Transition;

/// What an engine stores for an event, all of it in one transaction, in this order: what the event settles is removed, then each
/// effect of the entry is stored or, if it cancels or erases, carried out, then the payload is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The journey afterwards.
    pub state: Journey,
    /// The entry of the history.
    pub entry: HistoryEntry,
    /// The payload to be kept, and the leg by which it is erased.
    pub payload: Option<(Option<Leg>, Payload)>,
    /// By what the journey is found from now on, besides what it was found by before.
    pub added: Vec<Lookup>,
    /// What is no longer waiting because of the event.
    pub settles: Option<Settles>,
}

/// What an event settles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settles {
    /// An effect of the same journey.
    Effect(EffectId),
    /// The timer of this name, if it is of this generation.
    Timer(TimerName, u64),
}

impl Recording {
    /// Applies an event that has not been seen.
    pub fn of(machine: Machine, journey: &Journey, event: Event) -> Self {
        let Transition {
            state,
            effects,
            verdict,
            reason,
            leg,
            keeps_payload,
        } = machine(journey, &event);
        let settles = match &event.fact {
            Fact::TimerFired { timer, generation } => {
                Some(Settles::Timer(timer.clone(), *generation))
            }
            fact => fact
                .effect()
                .filter(|effect| effect.journey == *journey.id())
                .map(|effect| Settles::Effect(effect.clone())),
        };
        let payload = event.payload.filter(|_| keeps_payload);
        Self {
            added: added(journey, &state),
            entry: HistoryEntry {
                seq: state.seq(),
                key: event.key,
                at: event.at,
                leg: event.leg,
                fact: event.fact,
                verdict,
                reason,
                effects,
            },
            state,
            payload: payload.map(|payload| (leg, payload)),
            settles,
        }
    }
}

fn added(before: &Journey, after: &Journey) -> Vec<Lookup> {
    let known = before.references();
    let token = match before.token() {
        None => after.token().copied().map(Lookup::Token),
        Some(_) => None,
    };
    let references = after
        .references()
        .into_iter()
        .filter(|reference| !known.contains(reference))
        .map(|reference| Lookup::Reference(reference.provider, reference.id));
    token.into_iter().chain(references).collect()
}

/// Something by which a report finds its journey.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// The journey's token.
    Token(CorrelationToken),
    /// A provider's id.
    Reference(Provider, ProviderReference),
}

impl Lookup {
    /// What the report of a provider may be found by, the surest first.
    pub fn of(provider: Provider, fact: &Fact) -> Vec<Self> {
        let Some(source) = fact.source() else {
            return Vec::new();
        };
        let token = source.correlation.map(|about| Self::Token(about.token));
        let reference = source.reference.clone();
        let reference = reference.map(|id| Self::Reference(provider, id));
        token.into_iter().chain(reference).collect()
    }

    /// The text of which a store keeps the keyed digest. It never changes.
    pub fn text(&self) -> String {
        match self {
            Self::Token(token) => format!("token:{}", token.expose()),
            Self::Reference(provider, id) => format!("{}:{}", provider.as_str(), id.as_str()),
        }
    }
}

impl Effect {
    /// When it is to be carried out: a timer at its time, everything else at once.
    pub const fn due(&self, now: Timestamp) -> Timestamp {
        match &self.kind {
            EffectKind::Timer { at, .. } => *at,
            _ => now,
        }
    }
}
