//! A journey, and what the world does to it.

use kyc_journey::provider_core::Masked;
use kyc_journey::provider_core::capability::ProviderReference;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::{
    AccountsPlan, Answer, ConsentNews, ConsentState, Correlation, CorrelationToken, DataClass,
    DataNews, DataState, DocumentKind, DocumentsPlan, Effect, EffectId, EffectKind, Event,
    EventKey, Fact, Failure, Journey, JourneyId, JourneyStatus, LedgerEntry, Leg, LegStatus,
    Notice, Operation, OperatorTask, Payload, Plan, Provider, ReceiptId, Return, ReturnEnd,
    SessionNews, SessionState, Source, TimerPurpose, Transition, Verdict, VerificationPlan, apply,
};

pub(crate) const TOKEN: CorrelationToken = CorrelationToken::from_bits(0x70ce);

pub(crate) fn reference(text: &str) -> ProviderReference {
    ProviderReference::parse(text).unwrap()
}

/// A report that our token came back in.
pub(crate) fn ours(leg: Leg, attempt: u32, named: Option<&str>) -> Source {
    let correlation = Correlation {
        token: TOKEN,
        leg,
        attempt,
    };
    Source::new(named.map(reference), Some(correlation))
}

/// A report that names what it is about by the provider's id alone.
pub(crate) fn by_id(named: &str) -> Source {
    Source::new(Some(reference(named)), None)
}

pub(crate) fn returned(source: Source, end: ReturnEnd) -> Fact {
    Fact::Returned(Return::new(source, end))
}

pub(crate) fn consent(named: &str, state: ConsentState) -> ConsentNews {
    let approved = !matches!(state, ConsentState::Pending | ConsentState::Rejected);
    ConsentNews::new(by_id(named), state).set_consent(approved.then(|| reference("consent-1")))
}

pub(crate) fn data(session: &str, state: DataState) -> DataNews {
    DataNews::new(by_id("handle-1"), state).set_session(Some(reference(session)))
}

pub(crate) fn session(state: SessionState) -> SessionNews {
    SessionNews::new(by_id("session-1"), state).set_is_signed(true)
}

pub(crate) fn documents() -> Plan {
    let wanted = [DocumentKind::EAadhaar, DocumentKind::Pan];
    Plan::new().set_documents(Some(DocumentsPlan::new(wanted)))
}

pub(crate) fn finpro() -> Plan {
    Plan::new().set_accounts(Some(AccountsPlan::new(Provider::FinPro)))
}

pub(crate) fn finpass() -> Plan {
    Plan::new().set_accounts(Some(AccountsPlan::new(Provider::Finpass)))
}

pub(crate) fn verification() -> Plan {
    Plan::new().set_verification(Some(VerificationPlan::new()))
}

/// A journey and its history.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) journey: Journey,
    pub(crate) last: Transition,
    pub(crate) at: Timestamp,
    pub(crate) effects: Vec<Effect>,
    answered: Vec<EffectId>,
    events: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let journey = Journey::new(JourneyId::from_bits(1));
        let last = Transition {
            state: journey.clone(),
            effects: Vec::new(),
            verdict: Verdict::Applied,
            reason: None,
            leg: None,
            keeps_payload: false,
        };
        let at = "2026-01-31T06:00:00Z".parse().unwrap();
        Self {
            journey,
            last,
            at,
            effects: Vec::new(),
            answered: Vec::new(),
            events: 0,
        }
    }

    pub(crate) fn started(plan: Plan) -> Self {
        let mut world = Self::new();
        world.submit(Fact::Start {
            plan: Box::new(plan),
            token: TOKEN,
        });
        assert_eq!(
            world.last.verdict,
            Verdict::Applied,
            "{:?}",
            world.last.reason
        );
        world
    }

    /// With the consent given, so that the legs have begun.
    pub(crate) fn given(plan: Plan) -> Self {
        let mut world = Self::started(plan);
        world.submit(Fact::ConsentGiven {
            receipt: ReceiptId::parse("receipt-1").unwrap(),
            expires_at: None,
        });
        world
    }

    pub(crate) fn submit(&mut self, fact: Fact) -> &mut Self {
        self.submit_to(None, fact, None)
    }

    pub(crate) fn submit_with(&mut self, fact: Fact, class: DataClass) -> &mut Self {
        self.submit_to(None, fact, Some(class))
    }

    pub(crate) fn submit_to(
        &mut self,
        leg: Option<Leg>,
        fact: Fact,
        payload: Option<DataClass>,
    ) -> &mut Self {
        self.events += 1;
        let key = match &fact {
            Fact::Answered { effect, .. } | Fact::Failed { effect, .. } => EventKey::answer(effect),
            Fact::Interrupted { effect } => EventKey::interrupted(effect),
            Fact::TimerFired { timer, generation } => EventKey::timer(timer, *generation),
            _ => EventKey::command(&self.events.to_string()).unwrap(),
        };
        let payload = payload.map(|class| Payload {
            class,
            content: Masked::new("CANARY"),
        });
        self.apply(&Event::new(key, self.at, leg, fact).set_payload(payload));
        assert!(!format!("{:?}", self.last).contains("CANARY"));
        self
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        self.last = apply(&self.journey, event);
        self.journey = self.last.state.clone();
        self.effects.extend(self.last.effects.iter().cloned());
        if !matches!(event.fact, Fact::Interrupted { .. }) {
            self.answered.extend(event.fact.effect().cloned());
        }
    }

    /// The latest call of this name.
    pub(crate) fn call(&self, name: &str) -> EffectId {
        let mut calls = self.effects.iter().rev();
        let found = calls.find(|effect| effect.operation().is_some_and(|call| call.name() == name));
        found
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.names()))
            .id
            .clone()
    }

    /// The calls that have been asked for, and neither cancelled nor answered.
    pub(crate) fn pending(&self) -> Vec<(EffectId, &'static str)> {
        let is_cancelled = |id: &EffectId| {
            let mut effects = self.effects.iter();
            effects.any(|effect| matches!(&effect.kind, EffectKind::CancelCall(cancelled) if cancelled == id))
        };
        let calls = self
            .effects
            .iter()
            .filter_map(|effect| Some((&effect.id, effect.operation()?.name())));
        let pending = calls.filter(|(id, _)| !self.answered.contains(id) && !is_cancelled(id));
        pending.map(|(id, name)| (id.clone(), name)).collect()
    }

    pub(crate) fn operation(&self, name: &str) -> Operation {
        let id = self.call(name);
        let effect = self.effects.iter().find(|effect| effect.id == id).unwrap();
        effect.operation().unwrap().clone()
    }

    pub(crate) fn answer(&mut self, name: &str, answer: Answer) -> &mut Self {
        let effect = self.call(name);
        self.submit(Fact::Answered { effect, answer })
    }

    pub(crate) fn answer_with(
        &mut self,
        name: &str,
        answer: Answer,
        class: DataClass,
    ) -> &mut Self {
        let effect = self.call(name);
        self.submit_with(Fact::Answered { effect, answer }, class)
    }

    pub(crate) fn open(&mut self, name: &str, named: &str) -> &mut Self {
        self.answer_with(
            name,
            Answer::Opened {
                reference: reference(named),
            },
            DataClass::Links,
        )
    }

    pub(crate) fn fail(&mut self, name: &str, failure: Failure) -> &mut Self {
        let effect = self.call(name);
        self.submit(Fact::Failed { effect, failure })
    }

    pub(crate) fn interrupt(&mut self, name: &str) -> &mut Self {
        let effect = self.call(name);
        self.submit(Fact::Interrupted { effect })
    }

    pub(crate) fn is_set(&self, purpose: TimerPurpose) -> bool {
        self.due(purpose).is_some()
    }

    pub(crate) fn due(&self, purpose: TimerPurpose) -> Option<SignedDuration> {
        let timer = self
            .journey
            .timers()
            .into_iter()
            .find(|timer| timer.name.purpose == purpose)?;
        Some(timer.at.duration_since(self.at))
    }

    /// Lets the timer for this fire, when it is due.
    pub(crate) fn fire(&mut self, purpose: TimerPurpose) -> &mut Self {
        let timers = self.journey.timers();
        let timer = timers.iter().find(|timer| timer.name.purpose == purpose);
        let timer = timer
            .unwrap_or_else(|| panic!("no {purpose:?} in {timers:?}"))
            .clone();
        self.at = self.at.max(timer.at);
        self.submit(Fact::TimerFired {
            timer: timer.name,
            generation: timer.generation,
        })
    }

    /// Lets the timer of the only retry fire.
    pub(crate) fn retry(&mut self) -> &mut Self {
        let timers = self.journey.timers();
        let is_retry = |purpose| matches!(purpose, TimerPurpose::Retry(_));
        let purpose = timers
            .iter()
            .map(|timer| timer.name.purpose)
            .find(|purpose| is_retry(*purpose));
        self.fire(purpose.unwrap())
    }

    pub(crate) fn pass(&mut self, time: SignedDuration) -> &mut Self {
        self.at = self.at.checked_add(time).unwrap();
        self
    }

    pub(crate) fn status(&self) -> JourneyStatus {
        self.journey.status()
    }

    pub(crate) fn leg(&self) -> LegStatus {
        self.journey.leg_status(self.only())
    }

    pub(crate) fn phase(&self) -> &'static str {
        self.journey.leg(self.only()).unwrap().phase
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.journey.leg(self.only()).unwrap().attempt
    }

    fn only(&self) -> Leg {
        self.journey.plan().unwrap().legs().next().unwrap()
    }

    /// The names of all calls so far.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        calls(&self.effects)
    }

    /// The names of the calls that the last event asked for.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        calls(&self.last.effects)
    }

    /// Whether the last event asked for this.
    pub(crate) fn asked_for(&self, which: impl Fn(&EffectKind) -> bool) -> bool {
        self.last.effects.iter().any(|effect| which(&effect.kind))
    }

    pub(crate) fn notified(&self, notice: &Notice) -> bool {
        self.asked_for(|kind| matches!(kind, EffectKind::Notify(found) if found == notice))
    }

    pub(crate) fn told_operator(&self, wanted: OperatorTask) -> bool {
        self.asked_for(|kind| matches!(kind, EffectKind::Notify(Notice::Operator { task, .. }) if *task == wanted))
    }

    /// What was left to a person to do, after the state was stored and read again.
    pub(crate) fn by_hand(&self) -> Vec<OperatorTask> {
        let stored = serde_json::to_string(&self.last.state).unwrap();
        let read: Journey = serde_json::from_str(&stored).unwrap();
        read.by_hand().map(|(_, task)| task).collect()
    }

    /// What of it was done, after the state was stored and read again.
    pub(crate) fn resolved(&self) -> Vec<OperatorTask> {
        let stored = serde_json::to_string(&self.last.state).unwrap();
        let read: Journey = serde_json::from_str(&stored).unwrap();
        read.resolved().map(|(_, task)| task).collect()
    }

    pub(crate) fn entered(&self, entry: &LedgerEntry) -> bool {
        self.asked_for(|kind| matches!(kind, EffectKind::Ledger(found) if found == entry))
    }

    pub(crate) fn erased(&self, wanted: DataClass) -> bool {
        self.asked_for(|kind| matches!(kind, EffectKind::Erase { class, .. } if *class == wanted))
    }

    /// Asserts the verdict on the last event.
    pub(crate) fn was(&self, verdict: Verdict) -> &Self {
        assert_eq!(self.last.verdict, verdict, "{:?}", self.last.reason);
        self
    }
}

/// Whether another consent is requested although the person may have approved the last one, and nobody asked.
pub(crate) fn replaces_unasked(old: &World, new: &World) -> bool {
    let was = old.journey.leg(Leg::Accounts).map(|leg| leg.phase);
    let is_given_up = matches!(was, Some("pending" | "abandoned"));
    is_given_up && calls(&new.last.effects).contains(&"request-consent")
}

fn calls(effects: &[Effect]) -> Vec<&'static str> {
    effects
        .iter()
        .filter_map(|effect| effect.operation().map(Operation::name))
        .collect()
}
