//! The journey: routes events to its parts, and combines what they say.

use std::fmt;

use jiff::Timestamp;
use provider_core::capability::ProviderReference;
use serde::{Deserialize, Serialize};

use super::accounts::Accounts;
use super::attempts::Attempts;
use super::calls::Calls;
use super::consent::Consent;
use super::documents::Documents;
use super::settle::LostRequest;
use super::step::{Fired, SetTimer, Step, Timers};
use super::verification::Verification;
use crate::values::{
    Correlation, CorrelationToken, DataClass, DocumentKind, Effect, EffectId, EffectKind, Event,
    EventKey, Fact, JourneyId, JourneyStatus, LedgerEntry, Leg, LegStatus, Notice, Operation,
    OperatorTask, Plan, Provider, Reason, ReceiptId, Refusal, Schema, Seq, Stop, TimerName,
    TimerPurpose, Verdict,
};

/// The state of a journey. It holds references and no personal value. As JSON it names its schema version, and one of a newer version
/// is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    schema: Schema,
    id: JourneyId,
    seq: Seq,
    status: JourneyStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<Box<Started>>,
}

/// What a journey has from its start on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Started {
    token: CorrelationToken,
    plan: Plan,
    /// The event whose payload says who it is about, until that is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<Seq>,
    #[serde(default)]
    consent: Consent,
    #[serde(default)]
    timers: Timers,
    #[serde(default)]
    legs: Legs,
    /// Keys of the latest commands, each of which may have begun something that must not begin twice.
    #[serde(default)]
    handled: Vec<EventKey>,
    /// What is left to a person to do at a provider, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by_hand: Vec<(Leg, OperatorTask)>,
    /// Requests that it takes to find what is left, until it is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lost: Vec<(Leg, OperatorTask, LostRequest)>,
    /// What was, and was done, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resolved: Vec<(Leg, OperatorTask)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Legs {
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<Documents>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Accounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
}

/// How many keys of commands are remembered. An engine remembers all keys; this is for one that applies a command twice.
const MOST_HANDLED: usize = 64;

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
    /// The leg that the event turned out to be about, which a result, for instance, does not name; `None`: the journey, or nothing.
    pub leg: Option<Leg>,
    /// Whether the event's payload is stored, under this leg and in the transition's own transaction. If not, it must not reach
    /// a disk.
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

/// A request to a provider of which nobody knows whether it opened something there. A person finds it out by what it carried.
///
/// Its text and its JSON (`task`, `attempt`, `carried`, `at`) have that [abbreviated](Correlation::abbreviated).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "ShownRequest")]
#[non_exhaustive]
pub struct UnknownRequest {
    /// What the request carried, as it stands at the provider: FinPro's `accountID`, Veriff's `vendorData`. It names no person, but it
    /// holds the journey's token.
    pub carried: Correlation,
    /// When the journey last heard of it. It was made before that.
    pub at: Timestamp,
    /// What is to be done with what it opened.
    pub task: OperatorTask,
}

impl fmt::Display for UnknownRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attempt, carried) = (self.carried.attempt, self.carried.abbreviated());
        let at = self.at;
        write!(
            f,
            "the outcome of attempt {attempt} is unknown, requested before {at:.0} as {carried}"
        )
    }
}

/// A request of which nobody knows whether it opened something at the provider.
#[derive(Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(provider_core::schemars::JsonSchema),
    schemars(crate = "provider_core::schemars")
)]
struct ShownRequest {
    /// What is to be done with what it opened.
    task: OperatorTask,
    /// Which attempt of the leg it was.
    attempt: u32,
    /// What it carried, abbreviated because it holds the journey's token: FinPro's `accountID` or Veriff's `vendorData` begins and ends so.
    carried: String,
    /// When the journey last heard of it. It was made before that.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    at: Timestamp,
}

#[cfg(feature = "schema")]
impl provider_core::schemars::JsonSchema for UnknownRequest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UnknownRequest".into()
    }

    fn json_schema(
        generator: &mut provider_core::schemars::SchemaGenerator,
    ) -> provider_core::schemars::Schema {
        ShownRequest::json_schema(generator)
    }
}

impl From<UnknownRequest> for ShownRequest {
    fn from(request: UnknownRequest) -> Self {
        Self {
            task: request.task,
            attempt: request.carried.attempt,
            carried: request.carried.abbreviated(),
            at: request.at,
        }
    }
}

/// Where a leg stands, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LegView<'a> {
    /// Where it stands, whatever its provider.
    pub status: LegStatus,
    /// The name of its state.
    pub phase: &'static str,
    /// How often it was begun.
    pub attempt: u32,
    /// The call whose outcome is unknown.
    pub unsettled: Option<&'a Operation>,
    /// How often something was asked for again of which it is not known whether it was billed.
    pub maybe_billed: u32,
    /// Documents: those that were wanted and are not there, once the leg has ended with a part.
    pub missing: &'a [DocumentKind],
    /// Verification: how often the person had to try again in the same session.
    pub resubmissions: u32,
    /// What is left to a person to do at the provider, until somebody says that it was done.
    pub by_hand: Vec<OperatorTask>,
    /// Requests by which that is found at the provider, where nobody knows what they opened.
    pub unknown_requests: Vec<UnknownRequest>,
    /// The calls that give something back and [wait for an operator](Journey::held).
    pub held: Vec<&'a Operation>,
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
            started: None,
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
        self.started.as_ref().map(|started| &started.token)
    }

    /// Its plan, once it has started.
    pub fn plan(&self) -> Option<&Plan> {
        self.started.as_ref().map(|started| &started.plan)
    }

    /// The event whose [payload](DataClass::Person) says who it is about; `None` if the start had none, and once it is erased: the person
    /// refused or withdrew the consent, or its time is over.
    pub fn person(&self) -> Option<Seq> {
        self.started.as_ref().and_then(|started| started.person)
    }

    /// The receipt of the consent under which it runs, while there is one.
    pub fn receipt(&self) -> Option<&ReceiptId> {
        self.started
            .as_ref()
            .and_then(|started| started.consent.receipt())
    }

    /// Whether the consent was renewed within a day before this time, and another renewal has not been asked for since: its end is not near,
    /// and no call waits for a consent that covers it. A person who renews it then says again what was said.
    pub fn is_renewed(&self, at: Timestamp) -> bool {
        self.started.as_ref().is_some_and(|started| {
            let is_renewed = started.consent.is_renewed(started.timers.set(), at);
            is_renewed && !started.legs.are_uncovered()
        })
    }

    /// Where a leg stands.
    pub fn leg_status(&self, leg: Leg) -> LegStatus {
        match &self.started {
            Some(started) => started.legs.status(leg),
            None => LegStatus::NotPlanned,
        }
    }

    /// Where a leg stands, for people; `None` if it is not planned.
    pub fn leg(&self, leg: Leg) -> Option<LegView<'_>> {
        let legs = &self.started.as_ref()?.legs;
        let (phase, unsettled) = match leg {
            Leg::Documents => legs
                .documents
                .as_ref()
                .map(|leg| (leg.phase(), leg.unsettled()))?,
            Leg::Accounts => legs
                .accounts
                .as_ref()
                .map(|leg| (leg.phase(), leg.unsettled()))?,
            Leg::Verification => legs
                .verification
                .as_ref()
                .map(|leg| (leg.phase(), leg.unsettled()))?,
        };
        let attempts = legs.attempts(leg)?;
        let documents = legs.documents.as_ref().filter(|_| leg == Leg::Documents);
        let verification = legs
            .verification
            .as_ref()
            .filter(|_| leg == Leg::Verification);
        Some(LegView {
            status: legs.status(leg),
            phase,
            attempt: attempts.number(),
            unsettled,
            maybe_billed: attempts.maybe_billed(),
            missing: documents.map_or(&[], Documents::missing),
            resubmissions: verification.map_or(0, Verification::resubmissions),
            by_hand: self
                .by_hand()
                .filter_map(|(of, task)| (of == leg).then_some(task))
                .collect(),
            unknown_requests: self.unknown_requests(leg),
            held: self
                .held()
                .filter_map(|(of, call)| (of == leg).then_some(call))
                .collect(),
        })
    }

    /// What is left to a person to do at providers, such as to revoke a consent whose revocation failed, until
    /// [somebody says](Fact::Resolved) that it was done; each leg's once.
    pub fn by_hand(&self) -> impl Iterator<Item = (Leg, OperatorTask)> {
        let started = self.started.iter();
        started.flat_map(|started| started.by_hand.iter().copied())
    }

    fn unknown_requests(&self, leg: Leg) -> Vec<UnknownRequest> {
        let started = self.started.iter();
        let lost =
            started.flat_map(|started| started.lost.iter().map(|lost| (started.token, lost)));
        let of_it = lost.filter(|(_, (of, ..))| *of == leg);
        let request = |(token, (leg, task, request)): (
            CorrelationToken,
            &(Leg, OperatorTask, LostRequest),
        )| {
            UnknownRequest {
                carried: Correlation {
                    token,
                    leg: *leg,
                    attempt: request.attempt,
                },
                at: request.at,
                task: *task,
            }
        };
        of_it.map(request).collect()
    }

    /// What was left to a person to do at providers, and was done, unless it is left again.
    pub fn resolved(&self) -> impl Iterator<Item = (Leg, OperatorTask)> {
        let started = self.started.iter();
        started.flat_map(|started| started.resolved.iter().copied())
    }

    /// When consents that the person may yet approve, and that nobody wants any more, are looked for to be revoked: the next time and the
    /// last; `None` if none are. It goes on after the journey's end.
    pub fn looks(&self) -> Option<(Timestamp, Timestamp)> {
        let started = self.started.as_ref()?;
        let mut timers = started.timers.set().iter();
        let next = timers
            .find(|timer| timer.name.purpose == TimerPurpose::LeftOpen)?
            .at;
        let accounts = started.legs.accounts.as_ref()?;
        Some((next, accounts.last_look(next)))
    }

    /// The calls that give something back and wait for an operator, because the credentials were refused or the consent did not cover
    /// them, also after the journey's end: they are made again by [`Resume`](Fact::Resume), and by nothing else.
    pub fn held(&self) -> impl Iterator<Item = (Leg, &Operation)> {
        let started = self.started.iter();
        let legs = started.flat_map(|started| Leg::ALL.iter().map(|leg| (*leg, &started.legs)));
        let calls = legs.filter_map(|(leg, legs)| Some((leg, legs.calls(leg)?)));
        let held = calls.flat_map(|(leg, calls)| calls.held().map(move |call| (leg, call)));
        // A timer repeats the others.
        held.filter(|(_, call)| call.is_clean_up() && !call.is_look())
    }

    /// The command that lets a leg go on for which somebody has to act; `None` if it waits for nobody. Of a journey that has ended, a leg
    /// may have a call that gives something back and waits for an operator.
    pub fn resuming(&self, leg: Leg) -> Option<Fact> {
        let calls = self.started.as_ref().and_then(|it| it.legs.calls(leg));
        let has_ended = self.status.is_end();
        match self.leg_status(leg) {
            _ if calls.is_some_and(Calls::is_blocked) => Some(Fact::Resume),
            // Who asks again knows that the last time may have been billed.
            LegStatus::NeedsPerson | LegStatus::Expired if !has_ended => Some(Fact::AskAgain),
            LegStatus::NeedsOperator => Some(Fact::Resume),
            _ => None,
        }
    }

    /// What providers' reports may name instead of the token, those of replaced attempts included. An engine compares it with the
    /// state before to learn what has been added.
    pub fn references(&self) -> Vec<Reference> {
        let Some(started) = &self.started else {
            return Vec::new();
        };
        let mut references = Vec::new();
        for leg in started.plan.legs() {
            let provider = started.plan.provider(leg);
            let opened = started
                .legs
                .attempts(leg)
                .into_iter()
                .flat_map(Attempts::references);
            let further = started
                .legs
                .accounts
                .as_ref()
                .filter(|_| leg == Leg::Accounts);
            let further = further.into_iter().flat_map(Accounts::further_references);
            references.extend(opened.chain(further).map(|id| Reference {
                provider,
                leg,
                id: id.clone(),
            }));
        }
        references
    }

    /// The timers that are set.
    pub fn timers(&self) -> Vec<SetTimer> {
        self.started
            .as_ref()
            .map_or_else(Vec::new, |started| started.timers.set().to_vec())
    }
}

/// Applies an event to a journey. Total: every event has an answer in every state. It reads no clock and does no IO, so the same
/// event on the same state gives the same transition.
///
/// The number of the event in the new state is the next one, unless the verdict is [`Duplicate`](Verdict::Duplicate).
pub fn apply(journey: &Journey, event: &Event) -> Transition {
    let handled = journey.started.as_ref().map(|started| &started.handled);
    // Another start is about a journey of its own: whoever asked for it is told, and this one's history has nothing of it.
    let has_started = handled.is_some() && matches!(event.fact, Fact::Start { .. });
    if has_started || handled.is_some_and(|handled| handled.contains(&event.key)) {
        return Transition {
            state: journey.clone(),
            effects: Vec::new(),
            verdict: Verdict::Duplicate,
            reason: has_started.then_some(Reason::AlreadyStarted),
            leg: None,
            keeps_payload: false,
        };
    }
    let mut state = journey.clone();
    state.seq = journey.seq.next();
    let mut timers = match &mut state.started {
        Some(started) => std::mem::take(&mut started.timers),
        None => Timers::default(),
    };
    let mut step = Step::new(&journey.id, state.seq, event, &mut timers);
    match (&mut state.started, &event.fact) {
        (None, Fact::Start { plan, token }) => match plan.check() {
            Ok(()) => {
                let mut started = Started::new(plan, *token);
                step.keep_payload();
                started.person = step.keeps_payload.then_some(step.seq);
                started.consent.ask(&mut step, plan);
                state.status = JourneyStatus::AwaitConsent;
                step.notify(Notice::Status(state.status));
                state.started = Some(Box::new(started));
            }
            Err(_) => step.discarded(Reason::InvalidPlan),
        },
        (None, _) => step.discarded(Reason::NotStarted),
        (Some(started), _) => {
            step.token = started.token;
            step.call_deadline = started.plan.call_deadline;
            started.run(&mut state.status, &mut step, event);
        }
    }
    let Step {
        effects,
        verdict,
        reason,
        leg,
        keeps_payload,
        lost,
        ..
    } = step;
    if let Some(started) = &mut state.started {
        started.timers = timers;
        for effect in &effects {
            if let EffectKind::Notify(Notice::Operator {
                leg: Some(leg),
                task,
            }) = &effect.kind
                && task.is_by_hand()
                && !started.by_hand.contains(&(*leg, *task))
            {
                started.by_hand.push((*leg, *task));
                started.resolved.retain(|done| *done != (*leg, *task));
            }
        }
        for request in lost {
            started.lost.retain(|known| {
                (known.0, known.1, known.2.attempt) != (request.0, request.1, request.2.attempt)
            });
            started.lost.push(request);
        }
        if verdict == Verdict::Applied && event.fact.is_command() {
            if started.handled.len() >= MOST_HANDLED {
                started.handled.remove(0);
            }
            started.handled.push(event.key.clone());
        }
    }
    Transition {
        state,
        effects,
        verdict,
        reason,
        leg,
        keeps_payload,
    }
}

impl Started {
    fn new(plan: &Plan, token: CorrelationToken) -> Self {
        Self {
            token,
            person: None,
            consent: Consent::None,
            timers: Timers::default(),
            legs: Legs {
                documents: plan.documents.as_ref().map(|_| Documents::default()),
                accounts: plan.accounts.as_ref().map(Accounts::new),
                verification: plan.verification.as_ref().map(|_| Verification::default()),
            },
            plan: plan.clone(),
            handled: Vec::new(),
            by_hand: Vec::new(),
            lost: Vec::new(),
            resolved: Vec::new(),
        }
    }

    fn run(&mut self, status: &mut JourneyStatus, step: &mut Step<'_>, event: &Event) {
        let correlation = event
            .fact
            .source()
            .and_then(|source| source.correlation.as_ref());
        if correlation.is_some_and(|correlation| correlation.token != self.token) {
            return step.discarded(Reason::ForeignToken);
        }
        // A timer may be late. Whatever comes after the consent's end finds it over.
        let is_expiry = matches!(&event.fact, Fact::TimerFired { timer, .. } if *timer == EXPIRY);
        if self.consent.is_over(step.at) && !is_expiry {
            self.consent_over(status, step);
        }
        match &event.fact {
            Fact::ConsentGiven {
                receipt,
                expires_at,
            } => match *status {
                JourneyStatus::AwaitConsent => {
                    match self.consent.give(step, &self.plan, receipt, *expires_at) {
                        true => {
                            step.set_timer_after(DEADLINE, self.plan.deadline);
                            self.set_status(status, step, JourneyStatus::Running);
                        }
                        false => step.discarded(Reason::NoConsent),
                    }
                }
                _ if self.consent.receipt().is_some() => step.late(Reason::Known),
                _ => step.discarded(Reason::JourneyEnded),
            },
            Fact::ConsentRenewed {
                receipt,
                expires_at,
            } => {
                if !self.consent.is_live(step.at) {
                    step.discarded(Reason::NoConsent);
                } else if self.consent.is(receipt, *expires_at) {
                    step.late(Reason::Known);
                } else if self.consent.give(step, &self.plan, receipt, *expires_at) {
                    self.legs.consent_renewed(step);
                } else {
                    step.discarded(Reason::NoConsent);
                }
            }
            Fact::ConsentRefused => match *status {
                JourneyStatus::AwaitConsent => {
                    self.consent
                        .end(step, Consent::Refused, LedgerEntry::Refused);
                    self.erase_person(step);
                    self.end(status, step, JourneyStatus::Refused, Stop::Cancelled);
                }
                _ => step.discarded(Reason::NotExpected),
            },
            Fact::ConsentExpired => match self.consent.receipt().is_some() {
                true => self.consent_over(status, step),
                false => step.late(Reason::NoConsent),
            },
            Fact::Withdrawn => match *status {
                JourneyStatus::Withdrawn | JourneyStatus::Refused => {
                    step.late(Reason::JourneyEnded)
                }
                _ => self.withdrawn(status, step),
            },
            Fact::Cancel => match status.is_end() {
                true => step.discarded(Reason::JourneyEnded),
                false => self.end(status, step, JourneyStatus::Cancelled, Stop::Cancelled),
            },
            Fact::AskAgain | Fact::Reopen => self.reopen(status, step, event),
            Fact::Resolved { task } => self.resolve(step, event, *task),
            Fact::TimerFired { timer, generation } => match step.fire(timer, *generation) {
                Fired::Due => self.timer(status, step, timer),
                Fired::Early => step.kept(Reason::EarlyTimer),
                Fired::Replaced => step.late(Reason::ReplacedTimer),
            },
            Fact::Answered { effect, .. }
            | Fact::Failed { effect, .. }
            | Fact::Interrupted { effect } => {
                let is_over = match &event.fact {
                    Fact::Failed { failure, .. } if failure.is_without_consent() => {
                        step.is_of_journey(effect) && self.legs.needs_consent(effect)
                    }
                    _ => false,
                };
                self.result(*status, step, event, effect);
                let is_withdrawn = matches!(
                    &event.fact,
                    Fact::Failed { failure, .. } if failure.refusal == Some(Refusal::Withdrawn)
                );
                match is_over && self.consent.receipt().is_some() {
                    true if is_withdrawn => self.withdrawn(status, step),
                    true => self.consent_over(status, step),
                    false => {}
                }
            }
            Fact::Noted(_) => step.kept(Reason::NotExpected),
            Fact::Unrecognized(_) => step.kept(Reason::UnknownWord),
            _ => self.route(*status, step, event),
        }
        self.combine(status, step);
    }

    /// A command or a report, to its leg.
    fn route(&mut self, status: JourneyStatus, step: &mut Step<'_>, event: &Event) {
        let leg = match &event.fact {
            Fact::Consent(_) | Fact::Data(_) | Fact::Hint(_) | Fact::PurposeMet => {
                Some(Leg::Accounts)
            }
            Fact::Session(_)
            | Fact::Screened(_)
            | Fact::HandIn
            | Fact::OneTimeCodeWanted
            | Fact::OneTimeCodeTyped => Some(Leg::Verification),
            Fact::Returned(returned) => returned
                .source
                .correlation
                .map(|correlation| correlation.leg)
                .or(event.leg),
            Fact::Resume if event.leg.is_none() => return self.resume(step, event),
            _ => self.named(event),
        };
        let Some(leg) = leg else {
            return step.discarded(Reason::NoLeg);
        };
        let is_report = event.fact.source().is_some();
        // What gives something back goes on after the end.
        let is_resumption = event.fact == Fact::Resume;
        let provider = event.fact.provider();
        match self.plan.has(leg) {
            true if provider.is_some_and(|provider| provider != self.plan.provider(leg)) => {
                step.discarded(Reason::NotPlanned);
            }
            true if is_report || is_resumption || !is_over(status) => {
                self.pass_to(leg, step, event)
            }
            true => step.discarded(Reason::JourneyEnded),
            false => step.discarded(Reason::NotPlanned),
        }
    }

    /// The leg that an event names, or the only one.
    fn named(&self, event: &Event) -> Option<Leg> {
        let mut legs = self.plan.legs();
        event.leg.or(match (legs.next(), legs.next()) {
            (Some(leg), None) => Some(leg),
            _ => None,
        })
    }

    /// Every leg that waits for an operator goes on.
    fn resume(&mut self, step: &mut Step<'_>, event: &Event) {
        let legs: Vec<Leg> = self.plan.legs().collect();
        let mut is_applied = false;
        for leg in legs {
            self.pass_to(leg, step, event);
            is_applied |= step.verdict == Verdict::Applied;
            (step.verdict, step.reason, step.leg) = (Verdict::Applied, None, None);
        }
        if !is_applied {
            step.kept(Reason::NotExpected);
        }
    }

    fn result(
        &mut self,
        status: JourneyStatus,
        step: &mut Step<'_>,
        event: &Event,
        effect: &EffectId,
    ) {
        let is_known = |leg: &Leg| {
            self.legs
                .calls(*leg)
                .is_some_and(|calls| calls.knows(effect))
        };
        match Leg::ALL.iter().copied().find(is_known) {
            Some(leg) if step.is_of_journey(effect) => self.pass_to(leg, step, event),
            _ if is_over(status) || !step.is_of_journey(effect) => {
                step.discarded(Reason::UnknownEffect);
            }
            _ => step.late(Reason::UnknownEffect),
        }
    }

    fn pass_to(&mut self, leg: Leg, step: &mut Step<'_>, event: &Event) {
        let (legs, plan) = (&mut self.legs, &self.plan);
        step.leg = Some(leg);
        match leg {
            Leg::Documents => {
                if let (Some(leg), Some(plan)) = (&mut legs.documents, &plan.documents) {
                    leg.on(step, plan, event);
                }
            }
            Leg::Accounts => {
                if let (Some(leg), Some(plan)) = (&mut legs.accounts, &plan.accounts) {
                    leg.on(step, plan, event);
                }
            }
            Leg::Verification => {
                if let (Some(leg), Some(plan)) = (&mut legs.verification, &plan.verification) {
                    leg.on(step, plan, event);
                }
            }
        }
    }

    /// What was left to a person is done. It is told of a journey that has ended, too: that is when most is left.
    fn resolve(&mut self, step: &mut Step<'_>, event: &Event, task: OperatorTask) {
        let Some(leg) = self.named(event) else {
            return step.discarded(Reason::NoLeg);
        };
        if !self.plan.has(leg) {
            return step.discarded(Reason::NotPlanned);
        }
        step.leg = Some(leg);
        let left = (leg, task);
        match self.by_hand.contains(&left) {
            true => {
                self.by_hand.retain(|other| *other != left);
                self.lost.retain(|lost| (lost.0, lost.1) != left);
                self.resolved.push(left);
            }
            false if self.resolved.contains(&left) => step.late(Reason::Known),
            false => step.discarded(Reason::NotExpected),
        }
    }

    /// A leg is begun again, and a journey that had ended for it goes on.
    fn reopen(&mut self, status: &mut JourneyStatus, step: &mut Step<'_>, event: &Event) {
        let Some(leg) = self.named(event) else {
            return step.discarded(Reason::NoLeg);
        };
        if !self.plan.has(leg) {
            return step.discarded(Reason::NotPlanned);
        }
        if is_over(*status) {
            return step.discarded(Reason::JourneyEnded);
        }
        if !self.consent.is_live(step.at) {
            return step.discarded(Reason::NoConsent);
        }
        self.pass_to(leg, step, event);
        if step.verdict != Verdict::Applied {
            return;
        }
        if status.is_end() {
            if *status == JourneyStatus::Rejected {
                self.legs.revive(step, &self.plan, leg);
            }
            step.set_timer_after(DEADLINE, self.plan.deadline);
            self.set_status(status, step, JourneyStatus::Running);
        }
    }

    fn timer(&mut self, status: &mut JourneyStatus, step: &mut Step<'_>, timer: &TimerName) {
        let (legs, plan) = (&mut self.legs, &self.plan);
        step.leg = timer.leg;
        match (timer.leg, timer.purpose) {
            (None, TimerPurpose::Notice) => {
                self.consent
                    .end(step, Consent::Expired, LedgerEntry::Expired);
                self.erase_person(step);
                self.end(status, step, JourneyStatus::Expired, Stop::Expired);
            }
            (None, TimerPurpose::Renewal) => match legs.any_goes_on(plan) {
                true => step.notify(Notice::RenewConsent),
                false => step.late(Reason::LegEnded),
            },
            (None, TimerPurpose::ConsentExpiry) => self.consent_over(status, step),
            (None, TimerPurpose::Deadline) if *status == JourneyStatus::Completed => {
                for leg in self.plan.legs().filter(|leg| !self.plan.is_required(*leg)) {
                    if !self.legs.status(leg).has_ended() {
                        self.legs.stop(leg, step, &self.plan, Stop::Expired);
                    }
                }
            }
            (None, TimerPurpose::Deadline) => {
                self.end(status, step, JourneyStatus::Expired, Stop::Expired);
            }
            (Some(leg), TimerPurpose::DataLife) => {
                let class = class_of(leg);
                step.erase(Some(leg), class);
                step.ledger(LedgerEntry::Erased { class });
            }
            (Some(Leg::Documents), purpose) => {
                if let (Some(leg), Some(plan)) = (&mut legs.documents, &plan.documents) {
                    leg.timer(step, plan, purpose);
                }
            }
            (Some(Leg::Accounts), purpose) => {
                if let (Some(leg), Some(plan)) = (&mut legs.accounts, &plan.accounts) {
                    leg.timer(step, plan, purpose);
                }
            }
            (Some(Leg::Verification), purpose) => {
                if let (Some(leg), Some(plan)) = (&mut legs.verification, &plan.verification) {
                    leg.timer(step, plan, purpose);
                }
            }
            (None, _) => step.late(Reason::NotExpected),
        }
    }

    /// The person withdrew the consent (G9).
    fn withdrawn(&mut self, status: &mut JourneyStatus, step: &mut Step<'_>) {
        self.consent
            .end(step, Consent::Withdrawn, LedgerEntry::Withdrawn);
        self.end(status, step, JourneyStatus::Withdrawn, Stop::Withdrawn);
    }

    /// The consent's time is over (G9).
    fn consent_over(&mut self, status: &mut JourneyStatus, step: &mut Step<'_>) {
        self.consent
            .end(step, Consent::Expired, LedgerEntry::Expired);
        match *status {
            JourneyStatus::Completed | JourneyStatus::Rejected => {
                self.erase_person(step);
                // What was fetched in time has a life of its own.
                for leg in Leg::ALL {
                    self.legs
                        .stop(*leg, step, &self.plan, Stop::ConsentOverLater);
                }
            }
            _ if status.is_end() => self.legs.forget_person(step),
            _ => self.end(status, step, JourneyStatus::Expired, Stop::ConsentOver),
        }
    }

    /// The journey ends, and every leg with it.
    fn end(
        &mut self,
        status: &mut JourneyStatus,
        step: &mut Step<'_>,
        end: JourneyStatus,
        stop: Stop,
    ) {
        for leg in Leg::ALL {
            self.legs.stop(*leg, step, &self.plan, stop);
        }
        step.cancel_timers(|name| name.leg.is_none());
        if stop.erases() {
            self.erase_person(step);
            step.cancel_timers(|name| name.purpose == TimerPurpose::DataLife);
            for class in [
                DataClass::Links,
                DataClass::Codes,
                DataClass::Documents,
                DataClass::AccountData,
                DataClass::Evidence,
            ] {
                step.erase(None, class);
            }
            for leg in self.plan.legs() {
                step.ledger(LedgerEntry::Erased {
                    class: class_of(leg),
                });
            }
        }
        self.set_status(status, step, end);
    }

    /// Without a consent there is nothing to know of the person. Calls that name no person go on.
    fn erase_person(&mut self, step: &mut Step<'_>) {
        if self.person.take().is_some() {
            step.erase(None, DataClass::Person);
        }
    }

    fn set_status(&self, status: &mut JourneyStatus, step: &mut Step<'_>, new: JourneyStatus) {
        if *status != new {
            *status = new;
            step.notify(Notice::Status(new));
        }
    }

    /// Begins what may begin, and says where the journey stands.
    fn combine(&mut self, status: &mut JourneyStatus, step: &mut Step<'_>) {
        if !is_running(*status) && *status != JourneyStatus::Completed {
            return;
        }
        let planned: Vec<Leg> = self.plan.legs().collect();
        for leg in &planned {
            let is_done = |before: &Leg| {
                let status = self.legs.status(*before);
                status.is_well() || status.has_ended() && !self.plan.is_required(*before)
            };
            let may_begin = self.plan.after(*leg).iter().all(is_done);
            if may_begin && self.legs.status(*leg) == LegStatus::Waiting {
                self.legs.begin(*leg, step, &self.plan);
            }
        }
        let all_ended = planned.iter().all(|leg| self.legs.status(*leg).has_ended());
        if *status == JourneyStatus::Completed {
            if all_ended {
                step.cancel_timer(DEADLINE);
            }
            return;
        }
        let required = planned
            .iter()
            .copied()
            .filter(|leg| self.plan.is_required(*leg));
        let statuses: Vec<LegStatus> = required.map(|leg| self.legs.status(leg)).collect();
        let any = |which: fn(LegStatus) -> bool| statuses.iter().copied().any(which);
        let new = if any(|status| status == LegStatus::Rejected) {
            JourneyStatus::Rejected
        } else if !any(|status| !status.is_well()) && (!statuses.is_empty() || all_ended) {
            JourneyStatus::Completed
        } else if any(|status| status == LegStatus::NeedsOperator) {
            JourneyStatus::NeedsOperator
        } else if any(|status| status.has_ended() && !status.is_well()) {
            JourneyStatus::NeedsPerson
        } else {
            JourneyStatus::Running
        };
        if new == JourneyStatus::Rejected {
            // Nothing more is fetched about the person.
            step.cancel_timer(DEADLINE);
            for leg in planned {
                if self.legs.status(leg) != LegStatus::Rejected {
                    self.legs.stop(leg, step, &self.plan, Stop::Rejected);
                }
            }
        }
        if new == JourneyStatus::Completed && all_ended {
            step.cancel_timer(DEADLINE);
        }
        self.set_status(status, step, new);
    }
}

impl Legs {
    fn status(&self, leg: Leg) -> LegStatus {
        let status = match leg {
            Leg::Documents => self.documents.as_ref().map(Documents::status),
            Leg::Accounts => self.accounts.as_ref().map(Accounts::status),
            Leg::Verification => self.verification.as_ref().map(Verification::status),
        };
        status.unwrap_or(LegStatus::NotPlanned)
    }

    fn attempts(&self, leg: Leg) -> Option<&Attempts> {
        match leg {
            Leg::Documents => self.documents.as_ref().map(Documents::attempts),
            Leg::Accounts => self.accounts.as_ref().map(Accounts::attempts),
            Leg::Verification => self.verification.as_ref().map(Verification::attempts),
        }
    }

    fn calls(&self, leg: Leg) -> Option<&Calls> {
        match leg {
            Leg::Documents => self.documents.as_ref().map(Documents::calls),
            Leg::Accounts => self.accounts.as_ref().map(Accounts::calls),
            Leg::Verification => self.verification.as_ref().map(Verification::calls),
        }
    }

    fn needs_consent(&self, effect: &EffectId) -> bool {
        let mut calls = Leg::ALL.iter().filter_map(|leg| self.calls(*leg));
        calls.any(|calls| calls.needs_consent(effect))
    }

    fn are_uncovered(&self) -> bool {
        let mut calls = Leg::ALL.iter().filter_map(|leg| self.calls(*leg));
        calls.any(Calls::is_uncovered)
    }

    fn consent_renewed(&mut self, step: &mut Step<'_>) {
        let documents = self.documents.as_mut().map(Documents::calls_mut);
        let accounts = self.accounts.as_mut().map(Accounts::calls_mut);
        let verification = self.verification.as_mut().map(Verification::calls_mut);
        let all = [documents, accounts, verification];
        for calls in all.into_iter().flatten() {
            calls.consent_renewed(step);
        }
    }

    fn begin(&mut self, leg: Leg, step: &mut Step<'_>, plan: &Plan) {
        match leg {
            Leg::Documents => {
                if let (Some(leg), Some(plan)) = (&mut self.documents, &plan.documents) {
                    leg.begin(step, plan);
                }
            }
            Leg::Accounts => {
                if let (Some(leg), Some(plan)) = (&mut self.accounts, &plan.accounts) {
                    leg.begin(step, plan);
                }
            }
            Leg::Verification => {
                if let Some(leg) = &mut self.verification {
                    leg.begin(step);
                }
            }
        }
    }

    fn stop(&mut self, leg: Leg, step: &mut Step<'_>, plan: &Plan, stop: Stop) {
        match leg {
            Leg::Documents => {
                if let (Some(leg), Some(plan)) = (&mut self.documents, &plan.documents) {
                    leg.stop(step, plan, stop);
                }
            }
            Leg::Accounts => {
                if let Some(leg) = &mut self.accounts {
                    leg.stop(step, stop);
                }
            }
            Leg::Verification => {
                if let (Some(leg), Some(plan)) = (&mut self.verification, &plan.verification) {
                    leg.stop(step, plan, stop);
                }
            }
        }
    }

    /// The consent of a journey that had ended is over: no call names the person any more.
    fn forget_person(&mut self, step: &mut Step<'_>) {
        if let Some(leg) = &mut self.accounts {
            leg.forget_person(step);
        }
    }

    /// What another leg's rejection stopped goes on.
    fn revive(&mut self, step: &mut Step<'_>, plan: &Plan, but: Leg) {
        if let (Some(leg), Some(plan)) = (&mut self.documents, &plan.documents)
            && but != Leg::Documents
        {
            leg.revive(step, plan);
        }
        if let (Some(leg), Some(plan)) = (&mut self.accounts, &plan.accounts)
            && but != Leg::Accounts
        {
            leg.revive(step, plan);
        }
        if let Some(leg) = self
            .verification
            .as_mut()
            .filter(|_| but != Leg::Verification)
        {
            leg.revive(step);
        }
    }

    /// Whether a leg is open, or fetches again and again, so that it needs the consent to go on.
    fn any_goes_on(&self, plan: &Plan) -> bool {
        let repeats = plan
            .accounts
            .as_ref()
            .is_some_and(|plan| plan.every.is_some());
        plan.legs().any(|leg| {
            let status = self.status(leg);
            !status.has_ended() || leg == Leg::Accounts && repeats && status.is_well()
        })
    }
}

/// Whether the journey's legs go on.
const fn is_running(status: JourneyStatus) -> bool {
    matches!(
        status,
        JourneyStatus::Running | JourneyStatus::NeedsPerson | JourneyStatus::NeedsOperator
    )
}

/// Whether no command reaches a leg any more.
const fn is_over(status: JourneyStatus) -> bool {
    matches!(
        status,
        JourneyStatus::New
            | JourneyStatus::AwaitConsent
            | JourneyStatus::Refused
            | JourneyStatus::Expired
            | JourneyStatus::Withdrawn
            | JourneyStatus::Cancelled
    )
}

/// The class of what a leg stores.
const fn class_of(leg: Leg) -> DataClass {
    match leg {
        Leg::Documents => DataClass::Documents,
        Leg::Accounts => DataClass::AccountData,
        Leg::Verification => DataClass::Evidence,
    }
}

const DEADLINE: TimerName = TimerName::journey(TimerPurpose::Deadline);
const EXPIRY: TimerName = TimerName::journey(TimerPurpose::ConsentExpiry);
