//! FinPro: a consent at an aggregator, then data.

mod data;
mod left_open;

use jiff::{SignedDuration, Timestamp};
use provider_core::capability::{AggregatorId, ProviderReference};
use serde::{Deserialize, Serialize};

use crate::machine::attempts::{Attempts, Belongs};
use crate::machine::calls::{Calls, Heard, may_be_done};
use crate::machine::schedule::set_look_up;
use crate::machine::settle::{LostRequest, LostRequests, Unsettled};
use crate::machine::step::Step;
use crate::values::{
    AccountsPlan, AggregatorReturn, Answer, Blame, ConsentNews, ConsentQuery, ConsentState,
    DataClass, Event, Fact, LedgerEntry, Leg, LegStatus, Notice, Operation, OperatorTask,
    ProfileStanding, Readiness, Reason, Refusal, Return, Stop, TimerName, TimerPurpose, later,
};
use data::Data;

const LEG: Leg = Leg::Accounts;

/// A person waits for the aggregator that is chosen by it.
const DISCOVERY: SignedDuration = SignedDuration::from_mins(2);

/// How long the last consent is asked for before another one is requested: the person waits for that, too.
const LOOK_BEFORE: SignedDuration = SignedDuration::from_mins(2);

/// How long a look-up is tried.
const LOOK_UP: SignedDuration = SignedDuration::from_hours(24);

/// How long a revocation is tried, before an operator revokes it by hand.
const REVOCATION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FinPro {
    consent: Consent,
    attempts: Attempts,
    /// The id that the aggregator gave the consent.
    consent_id: Option<ProviderReference>,
    /// Consents that were given back, or are to be: at most one an attempt.
    given_back: Vec<ProviderReference>,
    /// The provider's time of the newest fact about the consent.
    consent_at: Option<Timestamp>,
    aggregator: Option<AggregatorId>,
    /// Aggregators that did not work for the person.
    tried: Vec<AggregatorId>,
    standings: Vec<ProfileStanding>,
    reconciles: u32,
    /// Another consent was asked for, and is requested once it is known that the person did not approve the last one after all.
    asks_again: bool,
    /// Handles of consents that nobody wants any more and that the person may yet approve, by a link that still opens: those of
    /// attempts that were replaced, and of the last one once the journey has ended. At most one an attempt.
    left_open: Vec<ProviderReference>,
    /// Requests of such attempts, of which nobody knows whether there is a consent: they are looked for, too, while the person may be
    /// named.
    #[serde(skip_serializing_if = "LostRequests::is_empty")]
    lost: LostRequests,
    /// How often they were looked for since the last of them was left.
    looks: u32,
    data: Data,
    session: Option<ProviderReference>,
    past_sessions: Vec<ProviderReference>,
    /// A data session was heard of before the consent's approval.
    is_fetched_unasked: bool,
    /// Only a part of the accounts was delivered.
    is_partial: bool,
    again: u8,
    polls: u32,
    requested_at: Vec<Timestamp>,
    calls: Calls,
    stop: Option<Stop>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Consent {
    #[default]
    Idle,
    Discovering,
    Requesting,
    Unsettled(Unsettled),
    Pending {
        /// Why the person came back without a decision.
        reason: Option<AggregatorReturn>,
    },
    Abandoned,
    Active,
    Paused,
    Rejected,
    /// Its time is over.
    Expired,
    /// The person revoked it at the aggregator.
    RevokedThere,
    /// We give it back.
    Revoking,
    /// We gave it back.
    Revoked,
    Failed(Blame),
}

impl FinPro {
    pub(crate) fn status(&self) -> LegStatus {
        let data = self.data.status();
        let status = match &self.consent {
            Consent::Idle => LegStatus::Waiting,
            _ if data.is_well() && self.consent != Consent::RevokedThere => data,
            _ if self.calls.is_blocked() => LegStatus::NeedsOperator,
            _ if self.asks_again => LegStatus::Open,
            Consent::Discovering | Consent::Requesting | Consent::Pending { reason: None } => {
                LegStatus::Open
            }
            Consent::Unsettled(unsettled) => unsettled.status(),
            Consent::Pending { reason: Some(_) } | Consent::Abandoned => LegStatus::NeedsPerson,
            Consent::Active | Consent::Paused => data,
            Consent::Rejected => LegStatus::Rejected,
            Consent::Expired => LegStatus::Expired,
            Consent::RevokedThere | Consent::Revoking | Consent::Revoked => LegStatus::Stopped,
            Consent::Failed(blame) => blame.status(),
        };
        match self.stop {
            Some(stop) if !status.is_well() && status != LegStatus::Rejected => stop.status(),
            _ => status,
        }
    }

    pub(crate) fn phase(&self) -> &'static str {
        match (&self.consent, &self.data) {
            (Consent::Idle, _) => "idle",
            _ if self.asks_again => "looking_up",
            (Consent::Discovering, _) => "discovering",
            (Consent::Requesting, _) => "requesting",
            (Consent::Unsettled(_), _) | (Consent::Active, Data::Unsettled(_)) => "unsettled",
            (Consent::Pending { .. }, _) => "pending",
            (Consent::Abandoned, _) => "abandoned",
            (Consent::Paused, _) => "paused",
            (Consent::Rejected, _) => "rejected",
            (Consent::Expired, _) => "expired",
            (Consent::RevokedThere, _) => "revoked_at_aggregator",
            (Consent::Revoking, _) => "revoking",
            (Consent::Revoked, _) => "revoked",
            (Consent::Failed(_), _) => "failed",
            (Consent::Active, Data::Idle) => "active",
            (Consent::Active, Data::Asking) => "asking",
            (Consent::Active, Data::Waiting) => "waiting",
            (Consent::Active, Data::Fetching) => "fetching",
            (Consent::Active, Data::Again) => "again",
            (Consent::Active, Data::Ready) => "ready",
            (Consent::Active, Data::Partial) => "partial",
            (Consent::Active, Data::Denied) => "denied",
            (Consent::Active, Data::Failed(_)) => "failed",
        }
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    pub(crate) fn calls_mut(&mut self) -> &mut Calls {
        &mut self.calls
    }

    pub(crate) fn unsettled(&self) -> Option<&Operation> {
        match (&self.consent, &self.data) {
            (Consent::Unsettled(unsettled), _) | (_, Data::Unsettled(unsettled)) => {
                Some(unsettled.operation())
            }
            _ => None,
        }
    }

    pub(crate) fn further_references(&self) -> Vec<&ProviderReference> {
        self.consent_id
            .iter()
            .chain(&self.session)
            .chain(&self.past_sessions)
            .collect()
    }

    pub(crate) fn begin(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if plan.aggregators.is_empty() {
            self.aggregator = plan.default_aggregator.clone();
            return self.request_consent(step);
        }
        self.consent = Consent::Discovering;
        let aggregators = plan.aggregators.clone();
        let until = later(step.at, DISCOVERY);
        self.calls
            .begin(step, Operation::CheckProfile { aggregators }, until);
    }

    /// Requests a consent: the first, or another one in place of the last.
    fn request_consent(&mut self, step: &mut Step<'_>) {
        let was_unsettled = matches!(self.consent, Consent::Unsettled(_));
        self.halt(step);
        self.attempts.begin(was_unsettled);
        self.retire_session();
        (self.consent_id, self.consent_at, self.stop) = (None, None, None);
        (self.is_fetched_unasked, self.is_partial) = (false, false);
        (self.reconciles, self.again, self.polls) = (0, 0, 0);
        self.data = Data::Idle;
        self.consent = Consent::Requesting;
        let correlation = step.correlation(LEG, self.attempts.number());
        let aggregator = self.aggregator.clone();
        let until = step.at;
        self.calls.begin(
            step,
            Operation::RequestConsent {
                correlation,
                aggregator,
            },
            until,
        );
    }

    /// The readiest aggregator that has not failed the person, in the plan's order among equals; the default if none answered.
    fn choose(&self, plan: &AccountsPlan) -> Option<AggregatorId> {
        let rank = |aggregator: &AggregatorId| {
            let of = |standing: &&ProfileStanding| standing.aggregator == *aggregator;
            let standing = self.standings.iter().find(of);
            standing.map_or(Readiness::Undetermined, |standing| standing.readiness)
        };
        let left = plan
            .aggregators
            .iter()
            .filter(|aggregator| !self.tried.contains(aggregator));
        let best = left.min_by_key(|aggregator| rank(aggregator));
        let default = || {
            let default = plan.default_aggregator.as_ref();
            default.filter(|aggregator| !self.tried.contains(aggregator))
        };
        match best {
            Some(best) if rank(best) != Readiness::Undetermined => Some(best),
            _ => default().or(best),
        }
        .or(plan.default_aggregator.as_ref())
        .or(plan.aggregators.first())
        .cloned()
    }

    fn begin_again(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if !self.attempts.may_begin() {
            return step.discarded(Reason::TooManyAttempts);
        }
        if self.asks_again {
            return step.late(Reason::Known);
        }
        let is_pending = matches!(self.consent, Consent::Pending { .. } | Consent::Abandoned);
        match is_pending || self.is_open() && self.attempts.reference().is_some() {
            true => self.look_before(step),
            false => self.begin_next(step, plan),
        }
    }

    /// The person may have approved by a link that was given up, of which no report need come. To ask is free, and another consent may be
    /// billed.
    fn look_before(&mut self, step: &mut Step<'_>) {
        self.stop = None;
        self.asks_again = true;
        // The last look may wait an hour for its next try.
        let looks = |operation: &Operation| matches!(operation, Operation::ListConsents { .. });
        self.calls.give_up(step, LEG, self.attempts.number(), looks);
        self.list_consents(step, LOOK_BEFORE);
    }

    /// Begins the next attempt: the last consent is not the person's, or nobody can say.
    fn begin_next(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if matches!(self.consent, Consent::Pending { reason: Some(_) }) {
            self.tried.extend(self.aggregator.take());
        }
        // Two consents of one person for one purpose are one too many.
        self.leave_open(step);
        self.give_back(step);
        self.aggregator = self.choose(plan);
        self.request_consent(step);
    }

    pub(crate) fn on(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, event: &Event) {
        match &event.fact {
            Fact::Consent(news) => match self.attempts.is_current(step, LEG, &news.source) {
                true => self.observe_consent(step, plan, news),
                false if step.reason == Some(Reason::ReplacedAttempt) => {
                    self.observe_replaced(step, news);
                }
                false => {}
            },
            Fact::Data(news) => {
                if self.attempts.is_current(step, LEG, &news.source) {
                    self.observe_data(step, plan, news);
                }
            }
            Fact::Returned(returned) => self.returned(step, returned),
            Fact::AskAgain => {
                let may = match (&self.consent, &self.data) {
                    _ if self.status().is_well() => false,
                    (Consent::Unsettled(unsettled), _) => unsettled.may_ask_again(),
                    (Consent::Pending { reason: Some(_) }, _)
                    | (
                        Consent::Abandoned
                        | Consent::Rejected
                        | Consent::Expired
                        | Consent::RevokedThere,
                        _,
                    )
                    | (Consent::Failed(Blame::Person), _)
                    | (Consent::Active, Data::Denied | Data::Failed(Blame::Person)) => true,
                    _ => false,
                };
                match may {
                    true => self.begin_again(step, plan),
                    false => step.kept(Reason::NotExpected),
                }
            }
            Fact::Reopen => match self.status().has_ended() {
                true => self.begin_again(step, plan),
                false => step.kept(Reason::NotExpected),
            },
            Fact::Resume if self.calls.resume(step) => {}
            // A leg that was stopped goes on by a reopening only.
            fact if fact.is_command() && self.stop.is_some() => {
                step.discarded(Reason::LegEnded);
            }
            Fact::Settled { done: false } if matches!(self.consent, Consent::Unsettled(_)) => {
                if let Consent::Unsettled(unsettled) = &mut self.consent {
                    unsettled.was_not_done();
                }
                self.begin_again(step, plan);
            }
            Fact::Settled { done: false }
                if self.is_active() && matches!(self.data, Data::Unsettled(_)) =>
            {
                self.request_data(step, plan);
            }
            Fact::Resume if self.looks_up_again(step) => {}
            Fact::Resume if self.consent == Consent::Failed(Blame::Operator) => {
                self.begin_again(step, plan);
            }
            Fact::Resume if self.is_active() && self.data == Data::Failed(Blame::Operator) => {
                self.request_data(step, plan);
            }
            Fact::PurposeMet if matches!(self.consent, Consent::Active | Consent::Paused) => {
                self.halt(step);
                self.give_back(step);
            }
            fact => match fact.effect() {
                Some(effect) => {
                    let attempt = self.attempts.number();
                    let heard = self.calls.hear(step, LEG, attempt, effect, fact);
                    self.heard(step, plan, heard, fact);
                }
                None => step.kept(Reason::NotExpected),
            },
        }
    }

    /// An operator lets what is unsettled be looked up again; whether anything is.
    fn looks_up_again(&mut self, step: &mut Step<'_>) -> bool {
        let is_active = self.is_active() || self.consent == Consent::Paused;
        let looks_again = match (&mut self.consent, &mut self.data) {
            (Consent::Unsettled(unsettled), _) => unsettled.look_again(step, LEG),
            (_, Data::Unsettled(unsettled)) => is_active && unsettled.look_again(step, LEG),
            _ => false,
        };
        match (&self.consent, looks_again) {
            (_, false) => {}
            (Consent::Unsettled(_), true) => self.look_up_consent(step),
            (_, true) => self.ask_status(step),
        }
        looks_again
    }

    fn heard(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, heard: Heard, fact: &Fact) {
        match heard {
            Heard::Handled => {}
            Heard::Foreign => step.late(Reason::UnknownEffect),
            Heard::GivenUp {
                attempt,
                is_opening,
            } => self.given_up(step, plan, (attempt, is_opening), fact),
            Heard::Answered(operation, answer) => self.answered(step, plan, operation, &answer),
            Heard::Refused(
                Operation::FindConsent { handle },
                Refusal::NotFound | Refusal::NotYet,
            ) => {
                self.looked(step, &handle, &[]);
            }
            Heard::Refused(
                Operation::FindRequestedConsent { correlation },
                Refusal::NotFound | Refusal::NotYet,
            ) => self.looked_for_request(step, plan, correlation, &[]),
            Heard::Refused(operation, refusal) => self.refused(step, plan, operation, refusal),
            Heard::Unsettled(operation) => match operation {
                Operation::RequestConsent { .. } => {
                    self.consent = Consent::Unsettled(Unsettled::begin(step, LEG, operation));
                    self.look_up_consent(step);
                }
                _ => {
                    self.data = Data::Unsettled(Unsettled::begin(step, LEG, operation));
                    self.ask_status(step);
                }
            },
            Heard::Failed(operation) => self.failed(step, plan, operation),
        }
        self.end_looks(step);
    }

    fn given_up(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        (attempt, is_opening): (u32, bool),
        fact: &Fact,
    ) {
        let is_current = attempt == self.attempts.number();
        let Fact::Answered { answer, .. } = fact else {
            let is_wanted = is_current && self.stop.is_none();
            let is_known = is_current && self.attempts.reference().is_some();
            if is_opening && !is_wanted && !is_known && may_be_done(fact) {
                let at = step.at;
                self.lose(step, LostRequest { attempt, at });
            } else if is_opening && !may_be_done(fact) {
                // It is certain now that nothing was opened.
                self.lost.remove(attempt);
                self.stop_looking(step);
            }
            return step.late(Reason::UnknownEffect);
        };
        if is_opening {
            self.lost.remove(attempt);
        }
        match answer {
            Answer::Opened { reference } if !is_current => {
                self.attempts.adopt_replaced(reference);
                self.look_for(step, reference.clone());
            }
            // A consent that is approved after all is given back.
            Answer::Opened { reference } if self.stop.is_some() => {
                self.attempts.adopt(reference);
                self.leave_open(step);
            }
            Answer::Opened { reference } if matches!(self.consent, Consent::Unsettled(_)) => {
                return self.requested(step, plan, reference);
            }
            Answer::DataRequested { session }
                if is_current && self.stop.is_none() && matches!(self.data, Data::Unsettled(_)) =>
            {
                return self.wait(step, Some(session));
            }
            _ => {}
        }
        step.expected_no_more(self.status());
    }

    fn answered(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        operation: Operation,
        answer: &Answer,
    ) {
        match (&operation, answer) {
            (Operation::RevokeConsent { consent }, Answer::Done) => self.revoked(step, consent),
            (Operation::CheckProfile { .. }, Answer::Profiles { standings }) => {
                let asked = standings
                    .iter()
                    .filter(|standing| plan.aggregators.contains(&standing.aggregator));
                self.standings = asked.take(plan.aggregators.len()).cloned().collect();
                self.discovered(step, plan);
            }
            (Operation::RequestConsent { .. }, Answer::Opened { reference }) => {
                self.requested(step, plan, reference);
            }
            (Operation::ReadLink { .. }, Answer::Link) => self.show_link(step),
            (Operation::FindConsent { handle }, Answer::Consents { consents }) => {
                match self.attempts.reference() == Some(handle) {
                    true => self.listed(step, plan, consents),
                    false => self.found(step, handle, consents),
                }
                self.looked(step, handle, consents);
            }
            (Operation::FindRequestedConsent { correlation }, Answer::Consents { consents }) => {
                self.looked_for_request(step, plan, *correlation, consents);
            }
            (Operation::ListConsents { .. }, Answer::Consents { consents }) => {
                self.listed(step, plan, consents);
            }
            (Operation::DecryptReturn { .. }, Answer::ReturnRead { end }) => {
                self.return_read(step, *end);
            }
            (Operation::RequestData { .. }, Answer::DataRequested { session }) => {
                self.wait(step, Some(session));
            }
            (Operation::DataStatus { .. }, Answer::DataStatus { news }) => {
                self.status_read(step, plan, news);
            }
            (Operation::FetchData { .. }, Answer::AccountData) => self.fetched(step, plan),
            _ => step.kept(Reason::UnknownWord),
        }
    }

    fn refused(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        operation: Operation,
        refusal: Refusal,
    ) {
        match (&operation, refusal) {
            (Operation::RevokeConsent { consent }, Refusal::AlreadySo) => {
                self.revoked(step, consent)
            }
            (Operation::RequestConsent { .. }, _) => {
                step.tell_operator(LEG, OperatorTask::Refused);
                self.halt(step);
                self.consent = Consent::Failed(Blame::Operator);
            }
            // Nothing is known of it there.
            (Operation::ListConsents { .. }, Refusal::NotFound | Refusal::NotYet) => {
                self.listed(step, plan, &[]);
            }
            (Operation::DataStatus { .. }, _) => self.status_missed(step),
            (Operation::FetchData { .. }, Refusal::NotYet) => self.wait(step, None),
            (Operation::FetchData { .. }, Refusal::Deleted) => self.data_deleted(step, plan),
            (Operation::FetchData { .. } | Operation::RequestData { .. }, Refusal::Consent) => {
                // It has ended, or is paused: what is known of it is old.
                self.look_up_consent(step);
                self.fail_data(step, Blame::Operator);
                step.tell_operator(LEG, OperatorTask::Refused);
            }
            (Operation::FetchData { .. } | Operation::RequestData { .. }, _) => {
                self.fail_data(step, Blame::Operator);
                step.tell_operator(LEG, OperatorTask::Refused);
            }
            _ => self.failed(step, plan, operation),
        }
    }

    /// A call failed for good.
    fn failed(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, operation: Operation) {
        match operation {
            Operation::RevokeConsent { .. } => step.tell_operator(LEG, OperatorTask::RevokeByHand),
            // No answer is not "not registered": the default is asked.
            Operation::CheckProfile { .. } => self.discovered(step, plan),
            Operation::RequestConsent { .. } => {
                step.tell_operator(LEG, OperatorTask::Failing);
                self.halt(step);
                self.consent = Consent::Failed(Blame::Operator);
            }
            Operation::ListConsents { .. } if self.asks_again => self.begin_next(step, plan),
            Operation::ListConsents { .. } => {
                if let Consent::Unsettled(unsettled) = &mut self.consent {
                    unsettled.is_not_answered(step, LEG);
                }
            }
            Operation::DecryptReturn { .. } => self.return_read(step, AggregatorReturn::Unclear),
            Operation::DataStatus { .. } => match &mut self.data {
                Data::Unsettled(unsettled) => unsettled.is_not_answered(step, LEG),
                Data::Waiting => self.poll_later(step),
                _ => {}
            },
            Operation::RequestData { .. } | Operation::FetchData { .. } => {
                step.tell_operator(LEG, OperatorTask::Failing);
                self.fail_data(step, Blame::Operator);
            }
            _ => {}
        }
    }

    fn discovered(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if matches!(self.consent, Consent::Discovering) {
            self.aggregator = self.choose(plan);
            self.request_consent(step);
        }
    }

    /// The consent is requested, and this is its handle.
    fn requested(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, handle: &ProviderReference) {
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
        self.attempts.adopt(handle);
        self.consent = Consent::Pending { reason: None };
        self.show_link(step);
        self.await_person(step, plan);
    }

    fn show_link(&mut self, step: &mut Step<'_>) {
        step.keep_payload();
        let link = step.keeps_payload.then_some(step.seq);
        step.notify(Notice::Link { leg: LEG, link });
    }

    fn await_person(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Link), plan.link);
        self.reconciles = 0;
        set_look_up(step, LEG, TimerPurpose::Reconcile, &mut self.reconciles);
    }

    fn look_up_consent(&mut self, step: &mut Step<'_>) {
        self.list_consents(step, LOOK_UP);
    }

    fn list_consents(&mut self, step: &mut Step<'_>, time: SignedDuration) {
        let by = match (&self.consent_id, self.attempts.reference()) {
            (Some(id), _) => ConsentQuery::Id(id.clone()),
            (None, Some(handle)) => ConsentQuery::Handle(handle.clone()),
            (None, None) => ConsentQuery::Person {
                correlation: step.correlation(LEG, self.attempts.number()),
            },
        };
        let until = later(step.at, time);
        self.calls
            .begin_once(step, Operation::ListConsents { by }, until);
    }

    /// What a list says: about the consent of this attempt, or nothing.
    fn listed(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, consents: &[ConsentNews]) {
        let ours = consents.iter().find(|news| {
            let names_it = self.consent_id.is_some() && news.consent == self.consent_id;
            names_it || self.attempts.belongs(step, LEG, &news.source) == Belongs::Current
        });
        let is_undecided = |news: &ConsentNews| {
            matches!(news.state, ConsentState::Pending | ConsentState::Unknown)
        };
        match (ours, &mut self.consent) {
            _ if self.asks_again && ours.is_none_or(is_undecided) => self.begin_next(step, plan),
            (Some(news), _) => self.observe_consent(step, plan, news),
            (None, Consent::Unsettled(unsettled)) if self.stop.is_none() => {
                unsettled.miss(step, LEG);
            }
            (None, _) => step.late(Reason::NotExpected),
        }
    }

    /// What a list says about a consent of an attempt that was replaced.
    fn found(&mut self, step: &mut Step<'_>, handle: &ProviderReference, consents: &[ConsentNews]) {
        let is_it = |news: &&ConsentNews| news.source.reference.as_ref() == Some(handle);
        match consents.iter().find(is_it) {
            Some(news) => self.observe_replaced(step, news),
            None => step.late(Reason::NotExpected),
        }
    }

    fn returned(&mut self, step: &mut Step<'_>, returned: &Return) {
        if !self.attempts.is_current(step, LEG, &returned.source) {
            return;
        }
        if self.stop.is_some() {
            return step.discarded(Reason::LegEnded);
        }
        match &self.consent {
            _ if !step.has_payload => step.kept(Reason::UnknownWord),
            Consent::Requesting
            | Consent::Unsettled(_)
            | Consent::Pending { .. }
            | Consent::Abandoned => {
                step.keep_payload();
                let until = later(step.at, DISCOVERY);
                self.calls
                    .begin(step, Operation::DecryptReturn { returned: step.seq }, until);
            }
            _ => step.late(Reason::Known),
        }
    }

    fn return_read(&mut self, step: &mut Step<'_>, end: AggregatorReturn) {
        step.erase(Some(LEG), DataClass::Codes);
        if !self.is_open() {
            return step.late(Reason::Known);
        }
        match end {
            // The return proves its form only.
            AggregatorReturn::Accepted | AggregatorReturn::Rejected | AggregatorReturn::Unclear => {
                self.look_up_consent(step);
            }
            reason => {
                if matches!(self.consent, Consent::Pending { .. }) {
                    self.consent = Consent::Pending {
                        reason: Some(reason),
                    };
                }
                step.notify(Notice::OtherAggregator);
            }
        }
    }

    /// What a webhook or a list says about the consent of this attempt.
    fn observe_consent(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, news: &ConsentNews) {
        let asks_again = self.asks_again;
        self.observe(step, plan, news);
        let is_over = matches!(
            self.consent,
            Consent::Rejected | Consent::Expired | Consent::RevokedThere
        );
        if asks_again && is_over {
            self.begin_next(step, plan);
        }
    }

    fn observe(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, news: &ConsentNews) {
        if news.state == ConsentState::Unknown {
            return step.kept(Reason::UnknownWord);
        }
        if let Some(handle) = &news.source.reference {
            self.attempts.adopt(handle);
        }
        if self.stop.is_some() {
            return self.observe_when_stopped(step, news);
        }
        let (state, is_older) = (news.state, self.is_older(news.at));
        match (&self.consent, state) {
            (Consent::Idle | Consent::Discovering, _) => step.discarded(Reason::NotExpected),
            (Consent::Requesting | Consent::Unsettled(_), ConsentState::Pending) => {
                self.adopted(step);
                self.consent = Consent::Pending { reason: None };
                // The reply that had the link is lost.
                if let Some(handle) = self.attempts.reference().cloned() {
                    let until = later(step.at, plan.link);
                    self.calls
                        .begin(step, Operation::ReadLink { handle }, until);
                }
                self.await_person(step, plan);
            }
            (Consent::Pending { .. } | Consent::Abandoned, ConsentState::Pending) => {
                step.late(Reason::Known)
            }
            (
                Consent::Requesting
                | Consent::Unsettled(_)
                | Consent::Pending { .. }
                | Consent::Abandoned,
                _,
            ) => {
                self.adopted(step);
                let is_approved = matches!(state, ConsentState::Active | ConsentState::Paused);
                if is_approved && news.consent.is_none() {
                    return self.needs_id(step, plan);
                }
                self.own_closed(step);
                match state {
                    ConsentState::Active => self.activate(step, plan, news),
                    ConsentState::Paused => {
                        self.approved(step, news);
                        self.consent = Consent::Paused;
                    }
                    ConsentState::Rejected => {
                        self.halt(step);
                        self.consent = Consent::Rejected;
                    }
                    ConsentState::Revoked => self.revoked_there(step, news),
                    _ => {
                        self.halt(step);
                        self.consent = Consent::Expired;
                    }
                }
            }
            (Consent::Active, ConsentState::Active) | (Consent::Paused, ConsentState::Paused) => {
                // What lies between the two is older.
                self.note_time(news);
                step.late(Reason::Known);
            }
            (Consent::Active | Consent::Paused, ConsentState::Pending) => {
                step.late(Reason::LowerRank)
            }
            (Consent::Active | Consent::Paused, ConsentState::Active | ConsentState::Paused)
                if is_older =>
            {
                step.late(Reason::OlderTime);
            }
            (Consent::Active, ConsentState::Paused) => {
                self.note_time(news);
                self.consent = Consent::Paused;
                self.pause(step);
            }
            (Consent::Paused, ConsentState::Active) => {
                self.note_time(news);
                self.consent = Consent::Active;
                self.go_on(step, plan);
            }
            (
                Consent::Active | Consent::Paused | Consent::Revoking | Consent::Revoked,
                ConsentState::Rejected,
            ) => {
                step.kept(Reason::Conflict);
                step.tell_operator(LEG, OperatorTask::Conflict);
            }
            (Consent::Active | Consent::Paused, ConsentState::Revoked) => {
                self.revoked_there(step, news)
            }
            (Consent::Active | Consent::Paused, _) => {
                self.halt(step);
                self.end_artefact(step);
                self.consent = Consent::Expired;
            }
            (Consent::Revoking, ConsentState::Revoked | ConsentState::Expired) => {
                self.is_revoked(step)
            }
            _ => step.late(Reason::LowerRank),
        }
    }

    /// A consent that is approved after its journey has ended is given back.
    fn observe_when_stopped(&mut self, step: &mut Step<'_>, news: &ConsentNews) {
        let is_open = self.is_open();
        match news.state {
            ConsentState::Active | ConsentState::Paused if is_open => match &news.consent {
                Some(_) => {
                    self.approved(step, news);
                    self.own_closed(step);
                    self.give_back(step);
                    step.reason = Some(Reason::LegEnded);
                }
                // The next look finds the id.
                None => step.kept(Reason::LegEnded),
            },
            ConsentState::Rejected | ConsentState::Revoked | ConsentState::Expired if is_open => {
                self.consent = Consent::Expired;
                self.own_closed(step);
                step.reason = Some(Reason::LegEnded);
            }
            ConsentState::Revoked | ConsentState::Expired if self.consent == Consent::Revoking => {
                self.is_revoked(step);
            }
            _ => step.discarded(Reason::LegEnded),
        }
    }

    /// What became of a consent whose attempt was replaced: one that the person approved is given back, and nobody fetches under it.
    fn observe_replaced(&mut self, step: &mut Step<'_>, news: &ConsentNews) {
        let is_live = matches!(news.state, ConsentState::Active | ConsentState::Paused);
        let is_waiting = matches!(news.state, ConsentState::Pending | ConsentState::Unknown);
        // One that has no id yet is found by the next look.
        if is_waiting || is_live && news.consent.is_none() {
            return;
        }
        if let Some(handle) = &news.source.reference {
            self.closed(step, handle);
        }
        let Some(consent) = &news.consent else {
            return;
        };
        if !is_live {
            let revokes = |operation: &Operation| matches!(operation, Operation::RevokeConsent { consent: of } if of == consent);
            if self.calls.any(revokes) {
                self.revoked(step, consent);
            }
            return;
        }
        if self.consent_id.as_ref() == Some(consent) || self.given_back.contains(consent) {
            return;
        }
        self.given_back.push(consent.clone());
        step.ledger(LedgerEntry::Artefact {
            consent: consent.clone(),
            digest: news.digest.clone(),
        });
        self.revoke(step, consent.clone());
    }

    /// A report says that the person approved, and not the consent's id, which a list has.
    fn needs_id(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if matches!(self.consent, Consent::Requesting | Consent::Unsettled(_)) {
            self.consent = Consent::Pending { reason: None };
            self.await_person(step, plan);
        }
        self.asks_again = false;
        self.look_up_consent(step);
    }

    /// A report took the place of our request's reply.
    fn adopted(&mut self, step: &mut Step<'_>) {
        let of_request =
            |operation: &Operation| matches!(operation, Operation::RequestConsent { .. });
        self.calls
            .give_up(step, LEG, self.attempts.number(), of_request);
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
    }

    /// Whether a report is not newer than what is known. One without a time is not known to be.
    fn is_older(&self, at: Option<Timestamp>) -> bool {
        match (self.consent_at, at) {
            (Some(known), Some(at)) => at < known,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn note_time(&mut self, news: &ConsentNews) {
        self.consent_at = news.at.max(self.consent_at);
    }

    /// The person approved.
    fn approved(&mut self, step: &mut Step<'_>, news: &ConsentNews) {
        self.note_time(news);
        self.halt(step);
        self.consent_id.clone_from(&news.consent);
        if let Some(consent) = self.consent_id.clone() {
            step.ledger(LedgerEntry::Artefact {
                consent,
                digest: news.digest.clone(),
            });
        }
    }

    fn activate(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, news: &ConsentNews) {
        self.approved(step, news);
        self.consent = Consent::Active;
        self.go_on(step, plan);
    }

    /// The consent is active: data is asked for, or asked about, unless it is there.
    fn go_on(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        match &self.data {
            Data::Idle if plan.fetches_by_itself || self.is_fetched_unasked => {
                self.wait(step, None);
                self.ask_status(step);
            }
            Data::Idle | Data::Again => self.request_data(step, plan),
            Data::Waiting => self.ask_status(step),
            Data::Fetching => self.fetch(step),
            Data::Ready | Data::Partial => self.set_periodic(step, plan),
            _ => {}
        }
    }

    fn pause(&mut self, step: &mut Step<'_>) {
        let fetches = |operation: &Operation| {
            matches!(
                operation,
                Operation::FetchData { .. } | Operation::DataStatus { .. }
            )
        };
        self.calls
            .give_up(step, LEG, self.attempts.number(), fetches);
        for purpose in [
            TimerPurpose::Poll,
            TimerPurpose::Again,
            TimerPurpose::Periodic,
        ] {
            step.cancel_timer(TimerName::leg(LEG, purpose));
        }
    }

    /// Nothing more is asked for in this state of the consent.
    fn halt(&mut self, step: &mut Step<'_>) {
        self.asks_again = false;
        self.calls
            .give_up(step, LEG, self.attempts.number(), |operation| {
                !operation.is_clean_up()
            });
        step.cancel_timers_of(LEG);
        if matches!(self.consent, Consent::Pending { .. }) {
            step.erase(Some(LEG), DataClass::Links);
        }
    }

    fn revoked_there(&mut self, step: &mut Step<'_>, news: &ConsentNews) {
        self.note_time(news);
        self.halt(step);
        self.consent_id = self.consent_id.take().or_else(|| news.consent.clone());
        self.end_artefact(step);
        self.consent = Consent::RevokedThere;
        step.erase(Some(LEG), DataClass::AccountData);
        step.ledger(LedgerEntry::Erased {
            class: DataClass::AccountData,
        });
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::DataLife));
    }

    fn end_artefact(&mut self, step: &mut Step<'_>) {
        if let Some(consent) = self.consent_id.clone() {
            step.ledger(LedgerEntry::ArtefactEnded { consent });
        }
    }

    /// Revokes the consent, if there is one to revoke.
    fn give_back(&mut self, step: &mut Step<'_>) {
        let is_revocable =
            self.is_open() || matches!(self.consent, Consent::Active | Consent::Paused);
        if let (true, Some(consent)) = (is_revocable, self.consent_id.clone()) {
            self.consent = Consent::Revoking;
            self.given_back.push(consent.clone());
            self.revoke(step, consent);
        }
    }

    fn revoke(&mut self, step: &mut Step<'_>, consent: ProviderReference) {
        let until = later(step.at, REVOCATION);
        self.calls
            .begin(step, Operation::RevokeConsent { consent }, until);
    }

    /// A consent that was given back is revoked: this attempt's, or that of a replaced one.
    fn revoked(&mut self, step: &mut Step<'_>, consent: &ProviderReference) {
        step.ledger(LedgerEntry::ArtefactEnded {
            consent: consent.clone(),
        });
        let is_own = self.consent == Consent::Revoking && self.consent_id.as_ref() == Some(consent);
        // What is given back of other attempts goes on.
        let is_over = |operation: &Operation| match operation {
            Operation::RevokeConsent { consent: of } => of == consent,
            operation => is_own && !operation.is_clean_up(),
        };
        self.calls
            .give_up(step, LEG, self.attempts.number(), is_over);
        if is_own {
            self.consent = Consent::Revoked;
        }
    }

    /// A report says so.
    fn is_revoked(&mut self, step: &mut Step<'_>) {
        if let Some(consent) = self.consent_id.clone() {
            self.revoked(step, &consent);
        }
    }

    pub(crate) fn timer(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        purpose: TimerPurpose,
    ) {
        let is_pending = matches!(self.consent, Consent::Pending { .. } | Consent::Abandoned);
        match (purpose, &mut self.consent, &mut self.data) {
            (TimerPurpose::Retry(slot), _, _) if self.calls.retry(step, slot) => {}
            (TimerPurpose::LeftOpen, _, _) => self.find(step),
            (TimerPurpose::Link, Consent::Pending { .. }, _) => {
                step.erase(Some(LEG), DataClass::Links);
                self.consent = Consent::Abandoned;
                step.notify(Notice::Reminder { leg: LEG });
            }
            (TimerPurpose::Reconcile, _, _) if is_pending => {
                self.look_up_consent(step);
                set_look_up(step, LEG, TimerPurpose::Reconcile, &mut self.reconciles);
            }
            (TimerPurpose::Settle, Consent::Unsettled(unsettled), _) => {
                if unsettled.is_due(step, LEG) {
                    self.look_up_consent(step);
                }
            }
            (TimerPurpose::Settle, _, Data::Unsettled(unsettled)) => {
                if unsettled.is_due(step, LEG) {
                    self.ask_status(step);
                }
            }
            (TimerPurpose::Poll, Consent::Active, Data::Waiting) => self.ask_status(step),
            (TimerPurpose::Again, Consent::Active, Data::Again)
            | (TimerPurpose::Periodic, Consent::Active, Data::Ready | Data::Partial) => {
                match plan.fetches_by_itself && purpose == TimerPurpose::Periodic {
                    true => self.set_periodic(step, plan),
                    false => self.request_data(step, plan),
                }
            }
            (TimerPurpose::DataExpiry, _, Data::Fetching) => self.data_deleted(step, plan),
            _ => step.late(Reason::NotExpected),
        }
    }

    pub(crate) fn stop(&mut self, step: &mut Step<'_>, stop: Stop) {
        let is_open = !self.status().has_ended();
        self.halt(step);
        self.stop = Some(stop);
        if is_open && !stop.erases() {
            step.erase(Some(LEG), DataClass::Codes);
        }
        if !stop.may_name_person() {
            self.forget_person(step);
        }
        self.leave_open(step);
        self.give_back(step);
    }

    /// Whether the person may yet approve.
    fn is_open(&self) -> bool {
        matches!(
            self.consent,
            Consent::Requesting
                | Consent::Unsettled(_)
                | Consent::Pending { .. }
                | Consent::Abandoned
        )
    }

    pub(crate) fn revive(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if self.stop == Some(Stop::Rejected) {
            match self.status() == LegStatus::Stopped && self.consent != Consent::Idle {
                true => self.begin_again(step, plan),
                false => self.stop = None,
            }
        }
    }
}
