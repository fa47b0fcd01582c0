//! The journey: routes events to its parts, and combines what they say.

use jiff::Timestamp;
use provider_core::capability::ProviderReference;
use serde::{Deserialize, Serialize};

use crate::effect::{Effect, EffectKind, Notice, TimerName, TimerPurpose};
use crate::event::{Event, Reason, Verdict};
use crate::fact::Fact;
use crate::id::{CorrelationToken, EffectId, JourneyId, Seq};
use crate::leg::{Leg, LegStatus};
use crate::plan::{Plan, Provider, later};
use crate::schema::Schema;
use crate::status::JourneyStatus;

/// The state of a journey. It holds references and no personal value. As JSON it names its schema version, and one of a newer version
/// is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    schema: Schema,
    id: JourneyId,
    seq: Seq,
    status: JourneyStatus,
    #[serde(default)]
    token: Option<CorrelationToken>,
    #[serde(default)]
    plan: Option<Box<Plan>>,
}

/// What an event does to a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The state afterwards.
    pub state: Journey,
    /// What is asked of the world, in order.
    pub effects: Vec<Effect>,
    /// What became of the event.
    pub verdict: Verdict,
    /// Why the event changed nothing, or not what it could have; `None` if there is nothing to say.
    pub reason: Option<Reason>,
    /// Whether the event's payload is stored, in the transition's own transaction. If not, it must not reach a disk.
    pub keeps_payload: bool,
}

/// Something at a provider by which its reports find the journey.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Whose id it is.
    pub provider: Provider,
    /// The leg.
    pub leg: Leg,
    /// The id.
    pub id: ProviderReference,
}

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetTimer {
    /// The name.
    pub name: TimerName,
    /// Which of the timers of this name.
    pub generation: u64,
    /// When it fires.
    pub at: Timestamp,
}

impl Journey {
    /// The version of the stored form that this crate writes.
    pub const SCHEMA: u32 = Schema::CURRENT;

    /// A journey that has not started.
    pub fn new(id: JourneyId) -> Self {
        Self {
            schema: Schema,
            id,
            seq: Seq::ZERO,
            status: JourneyStatus::New,
            token: None,
            plan: None,
        }
    }

    /// Its id.
    pub fn id(&self) -> &JourneyId {
        &self.id
    }

    /// The number of the last event that was recorded.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Where it stands.
    pub fn status(&self) -> JourneyStatus {
        self.status
    }

    /// Its token, once it has started.
    pub fn token(&self) -> Option<&CorrelationToken> {
        self.token.as_ref()
    }

    /// Its plan, once it has started.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_deref()
    }

    /// Where a leg stands.
    pub fn leg_status(&self, leg: Leg) -> LegStatus {
        match self.plan.as_ref().is_some_and(|plan| plan.has(leg)) {
            true => LegStatus::Waiting,
            false => LegStatus::NotPlanned,
        }
    }

    /// What providers' reports may name instead of the token, those of replaced attempts included. An engine compares it with the
    /// state before to learn what has been added.
    pub fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    /// The timers that are set.
    pub fn timers(&self) -> Vec<SetTimer> {
        Vec::new()
    }
}

/// Applies an event to a journey. Total: every event has an answer in every state. It reads no clock and does no IO, so the same
/// event on the same state gives the same transition.
///
/// The number of the event in the new state is the next one, unless the verdict is [`Duplicate`](Verdict::Duplicate).
pub fn apply(journey: &Journey, event: &Event) -> Transition {
    let mut state = journey.clone();
    state.seq = journey.seq.next();
    let mut effects = Vec::new();
    let (verdict, reason) = match (&event.fact, journey.status) {
        (Fact::Start { plan, .. }, JourneyStatus::New) if plan.check().is_err() => {
            (Verdict::Discarded, Some(Reason::InvalidPlan))
        }
        (Fact::Start { plan, token }, JourneyStatus::New) => {
            state.status = JourneyStatus::AwaitConsent;
            state.token = Some(*token);
            state.plan = Some(plan.clone());
            effects.push(EffectKind::Timer {
                name: TimerName::journey(TimerPurpose::Notice),
                generation: state.seq.get(),
                at: later(event.at, plan.notice),
            });
            effects.push(EffectKind::Notify(Notice::Status(state.status)));
            (Verdict::Applied, None)
        }
        (Fact::Start { .. }, _) => (Verdict::Late, Some(Reason::AlreadyStarted)),
        (_, JourneyStatus::New) => (Verdict::Discarded, Some(Reason::NotStarted)),
        _ => (Verdict::Kept, Some(Reason::NotExpected)),
    };
    let numbered = (0..).zip(effects).map(|(ordinal, kind)| Effect {
        id: EffectId {
            journey: state.id.clone(),
            seq: state.seq,
            ordinal,
        },
        kind,
    });
    Transition {
        effects: numbered.collect(),
        state,
        verdict,
        reason,
        keeps_payload: false,
    }
}
