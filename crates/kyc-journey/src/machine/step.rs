//! One step of the machine: what the parts of a journey ask of the world, and what they say about the event.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::settle::LostRequest;
use crate::values::{
    Correlation, CorrelationToken, DataClass, Effect, EffectId, EffectKind, Event, JourneyId,
    LedgerEntry, Leg, LegStatus, Notice, Operation, OperatorTask, Reason, Seq, TimerName,
    TimerPurpose, Verdict, later,
};

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTimer {
    /// The name.
    pub name: TimerName,
    /// Which of the timers of this name.
    pub generation: u64,
    /// When it fires.
    pub at: Timestamp,
}

/// The timers that are set, and how many have been.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Timers {
    set: Vec<SetTimer>,
    generation: u64,
}

impl Timers {
    pub(crate) fn set(&self) -> &[SetTimer] {
        &self.set
    }

    fn find(&self, name: &TimerName) -> Option<&SetTimer> {
        self.set.iter().find(|timer| timer.name == *name)
    }
}

/// What a timer that fired means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fired {
    /// It is due.
    Due,
    /// It is not the one that is set.
    Replaced,
    /// It fired before its time, and is set again.
    Early,
}

/// A step: the event's own facts, and what is gathered while the parts of the journey look at it.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// The journey's clock.
    pub(crate) at: Timestamp,
    /// The number of the event.
    pub(crate) seq: Seq,
    /// The journey's token.
    pub(crate) token: CorrelationToken,
    /// How long a call may take.
    pub(crate) call_deadline: SignedDuration,
    /// Whether the event has a payload.
    pub(crate) has_payload: bool,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<Reason>,
    pub(crate) leg: Option<Leg>,
    pub(crate) keeps_payload: bool,
    pub(crate) effects: Vec<Effect>,
    /// What is left to a person to find at a provider, and by which task.
    pub(crate) lost: Vec<(Leg, OperatorTask, LostRequest)>,
    timers: &'a mut Timers,
    journey: &'a JourneyId,
}

impl<'a> Step<'a> {
    pub(crate) fn new(
        journey: &'a JourneyId,
        seq: Seq,
        event: &Event,
        timers: &'a mut Timers,
    ) -> Self {
        Self {
            at: event.at,
            seq,
            token: CorrelationToken::from_bits(0),
            call_deadline: SignedDuration::ZERO,
            has_payload: event.payload.is_some(),
            verdict: Verdict::Applied,
            reason: None,
            leg: None,
            keeps_payload: false,
            effects: Vec::new(),
            lost: Vec::new(),
            timers,
            journey,
        }
    }

    fn push(&mut self, kind: EffectKind) -> EffectId {
        let id = EffectId {
            journey: self.journey.clone(),
            seq: self.seq,
            ordinal: u32::try_from(self.effects.len()).unwrap_or(u32::MAX),
        };
        self.effects.push(Effect {
            id: id.clone(),
            kind,
        });
        id
    }

    pub(crate) fn is_of_journey(&self, effect: &EffectId) -> bool {
        effect.journey == *self.journey
    }

    /// Asks for a call.
    pub(crate) fn call(&mut self, operation: Operation) -> EffectId {
        self.push(EffectKind::Call(operation))
    }

    /// A call is no longer wanted.
    pub(crate) fn cancel_call(&mut self, seq: Seq, ordinal: u32) {
        let journey = self.journey.clone();
        self.push(EffectKind::CancelCall(EffectId {
            journey,
            seq,
            ordinal,
        }));
    }

    /// Sets a timer, in place of one of the same name.
    pub(crate) fn set_timer(&mut self, name: TimerName, at: Timestamp) {
        self.timers.set.retain(|timer| timer.name != name);
        self.timers.generation = self.timers.generation.saturating_add(1);
        let generation = self.timers.generation;
        self.timers.set.push(SetTimer {
            name: name.clone(),
            generation,
            at,
        });
        self.push(EffectKind::Timer {
            name,
            generation,
            at,
        });
    }

    /// Sets a timer that fires after this long.
    pub(crate) fn set_timer_after(&mut self, name: TimerName, after: SignedDuration) {
        self.set_timer(name, later(self.at, after));
    }

    /// Whether a timer of this name is set.
    pub(crate) fn is_set(&self, name: TimerName) -> bool {
        self.timers.find(&name).is_some()
    }

    /// Cancels a timer, if it is set.
    pub(crate) fn cancel_timer(&mut self, name: TimerName) {
        if self.timers.find(&name).is_some() {
            self.timers.set.retain(|timer| timer.name != name);
            self.push(EffectKind::CancelTimer(name));
        }
    }

    /// Cancels the timers for which this holds.
    pub(crate) fn cancel_timers(&mut self, which: impl Fn(&TimerName) -> bool) {
        let names = self.timers.set.iter().map(|timer| timer.name.clone());
        let names: Vec<TimerName> = names.filter(|name| which(name)).collect();
        for name in names {
            self.cancel_timer(name);
        }
    }

    /// Cancels a leg's timers, but for the one that ends the life of its data, the one of what was left open, and those of calls, which
    /// go with their calls.
    pub(crate) fn cancel_timers_of(&mut self, leg: Leg) {
        let stays = |purpose| {
            use TimerPurpose::{DataLife, LeftOpen, Retry};
            matches!(purpose, DataLife | LeftOpen | Retry(_))
        };
        self.cancel_timers(|name| name.leg == Some(leg) && !stays(name.purpose));
    }

    /// A timer fired: whether it is the one that is set, which is then no longer so.
    pub(crate) fn fire(&mut self, name: &TimerName, generation: u64) -> Fired {
        let set = self
            .timers
            .find(name)
            .filter(|timer| timer.generation == generation);
        let Some(at) = set.map(|timer| timer.at) else {
            return Fired::Replaced;
        };
        // An engine that fires it has forgotten it.
        if self.at < at {
            self.set_timer(name.clone(), at);
            return Fired::Early;
        }
        self.timers.set.retain(|timer| timer.name != *name);
        Fired::Due
    }

    pub(crate) fn notify(&mut self, notice: Notice) {
        self.push(EffectKind::Notify(notice));
    }

    pub(crate) fn tell_operator(&mut self, leg: Leg, task: OperatorTask) {
        self.notify(Notice::Operator {
            leg: Some(leg),
            task,
        });
    }

    /// A person has to find out what a request opened, and to give it back.
    pub(crate) fn leave_request(&mut self, leg: Leg, task: OperatorTask, request: LostRequest) {
        self.tell_operator(leg, task);
        self.lost.push((leg, task, request));
    }

    pub(crate) fn ledger(&mut self, entry: LedgerEntry) {
        self.push(EffectKind::Ledger(entry));
    }

    pub(crate) fn erase(&mut self, leg: Option<Leg>, class: DataClass) {
        self.push(EffectKind::Erase { leg, class });
    }

    /// What an opening request of this attempt carries.
    pub(crate) fn correlation(&self, leg: Leg, attempt: u32) -> Correlation {
        Correlation {
            token: self.token,
            leg,
            attempt,
        }
    }

    /// The event's payload is stored with its transition.
    pub(crate) fn keep_payload(&mut self) {
        self.keeps_payload = self.has_payload;
    }

    pub(crate) fn kept(&mut self, reason: Reason) {
        self.conclude(Verdict::Kept, reason);
    }

    pub(crate) fn late(&mut self, reason: Reason) {
        self.conclude(Verdict::Late, reason);
    }

    pub(crate) fn discarded(&mut self, reason: Reason) {
        self.conclude(Verdict::Discarded, reason);
    }

    /// A result that a leg in this state does not wait for.
    pub(crate) fn expected_no_more(&mut self, leg: LegStatus) {
        match leg.has_ended() {
            true => self.discarded(Reason::LegEnded),
            false => self.late(Reason::UnknownEffect),
        }
    }

    fn conclude(&mut self, verdict: Verdict, reason: Reason) {
        self.verdict = verdict;
        self.reason = Some(reason);
        self.keeps_payload = false;
    }
}
