//! Finpass: no status call, and a webhook that nobody vouches for, so that every report is a hint to fetch.

use jiff::SignedDuration;
use provider_core::capability::ProviderReference;
use serde::{Deserialize, Serialize};

use crate::machine::attempts::Attempts;
use crate::machine::calls::{Calls, Heard};
use crate::machine::schedule::{doubling, next, set_look_up};
use crate::machine::settle::Unsettled;
use crate::machine::step::Step;
use crate::values::{
    AccountsPlan, Answer, Blame, DataClass, Event, Fact, FinpassFlow, Leg, LegStatus, Notice,
    Operation, OperatorTask, Reason, Refusal, Source, Stop, TimerName, TimerPurpose, later,
};

const LEG: Leg = Leg::Accounts;

/// How long reports are waited for once the person is back.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// The leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Finpass {
    state: State,
    attempts: Attempts,
    /// The refresh that the reports are of.
    request: Option<ProviderReference>,
    /// A hint came before the reply that has the client id.
    is_hinted: bool,
    /// Reports have been fetched before.
    has_reports: bool,
    purpose_is_met: bool,
    reconciles: u32,
    polls: u32,
    calls: Calls,
    stop: Option<Stop>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    #[default]
    Idle,
    Opening,
    Unsettled(Unsettled),
    AwaitPerson,
    Abandoned,
    Refreshing,
    /// Of a refresh it is not known whether it was begun.
    RefreshUnsettled(Unsettled),
    Fetching,
    Ready,
    Partial,
    Failed(Blame),
}

impl Finpass {
    pub(crate) fn status(&self) -> LegStatus {
        let status = match &self.state {
            State::Idle => LegStatus::Waiting,
            _ if self.calls.is_blocked() => LegStatus::NeedsOperator,
            State::Opening | State::AwaitPerson | State::Refreshing | State::Fetching => {
                LegStatus::Open
            }
            State::Unsettled(unsettled) | State::RefreshUnsettled(unsettled) => unsettled.status(),
            State::Abandoned => LegStatus::NeedsPerson,
            State::Ready => LegStatus::Ready,
            State::Partial => LegStatus::Partial,
            State::Failed(blame) => blame.status(),
        };
        match self.stop {
            Some(stop) if !status.is_well() => stop.status(),
            _ => status,
        }
    }

    pub(crate) fn phase(&self) -> &'static str {
        match &self.state {
            State::Idle => "idle",
            State::Opening => "opening",
            State::Unsettled(_) | State::RefreshUnsettled(_) => "unsettled",
            State::AwaitPerson => "await_person",
            State::Abandoned => "abandoned",
            State::Refreshing => "refreshing",
            State::Fetching => "fetching",
            State::Ready => "ready",
            State::Partial => "partial",
            State::Failed(_) => "failed",
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
        match &self.state {
            State::Unsettled(unsettled) | State::RefreshUnsettled(unsettled) => {
                Some(unsettled.operation())
            }
            _ => None,
        }
    }

    /// Opens a session: the first, or another one in place of the last.
    pub(crate) fn begin(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        let was_unsettled = matches!(self.state, State::Unsettled(_));
        self.halt(step);
        self.attempts.begin(was_unsettled);
        (self.request, self.stop) = (None, None);
        (self.is_hinted, self.has_reports, self.purpose_is_met) = (false, false, false);
        self.state = State::Opening;
        let correlation = step.correlation(LEG, self.attempts.number());
        let until = step.at;
        self.calls.begin(
            step,
            Operation::OpenAccounts {
                correlation,
                flow: plan.flow,
            },
            until,
        );
    }

    fn begin_again(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        match self.attempts.may_begin() {
            true => self.begin(step, plan),
            false => step.discarded(Reason::TooManyAttempts),
        }
    }

    pub(crate) fn on(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, event: &Event) {
        match &event.fact {
            Fact::Hint(source) => self.hinted(step, plan, source),
            Fact::Returned(returned) => self.hinted(step, plan, &returned.source),
            Fact::AskAgain => {
                let may = match &self.state {
                    State::Unsettled(unsettled) => unsettled.may_ask_again(),
                    State::Abandoned | State::Failed(Blame::Person) => true,
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
            Fact::Settled { done } => match (&self.state, done) {
                (State::Unsettled(_), false) => self.begin_again(step, plan),
                (State::RefreshUnsettled(_), false) => self.refresh(step),
                (State::RefreshUnsettled(_), true) => self.start_fetching(step, plan),
                _ => step.kept(Reason::NotExpected),
            },
            Fact::Resume if self.looks_again(step) => self.fetch(step, plan),
            Fact::Resume if self.state == State::Failed(Blame::Operator) => {
                self.begin_again(step, plan)
            }
            Fact::PurposeMet if self.status().is_well() && !self.purpose_is_met => {
                self.purpose_is_met = true;
                step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Periodic));
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

    /// Whether an operator lets the refresh be looked up again of which nobody knows whether it was begun.
    fn looks_again(&mut self, step: &mut Step<'_>) -> bool {
        match &mut self.state {
            State::RefreshUnsettled(unsettled) => unsettled.look_again(step, LEG),
            _ => false,
        }
    }

    /// A webhook or a return: it says that something may have happened, and never what.
    fn hinted(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, source: &Source) {
        if !self.attempts.is_current(step, LEG, source) {
            return;
        }
        if self.stop.is_some() {
            return step.discarded(Reason::LegEnded);
        }
        match (&self.state, &source.reference) {
            (State::Opening | State::Unsettled(_), Some(client)) => {
                // It has what the reply to our request would have had.
                self.calls
                    .give_up(step, LEG, self.attempts.number(), |_| true);
                step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
                self.attempts.adopt(client);
                self.came_back(step, plan);
            }
            (State::Opening | State::Unsettled(_), None) if !self.is_hinted => {
                self.is_hinted = true
            }
            (State::AwaitPerson | State::Abandoned, _) => self.came_back(step, plan),
            _ => step.late(Reason::Known),
        }
    }

    /// The person seems to be done.
    fn came_back(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if self.state == State::AwaitPerson {
            step.erase(Some(LEG), DataClass::Links);
        }
        match plan.flow {
            // A report of a monitored loan is always one of a refresh.
            FinpassFlow::Monitoring => self.refresh(step),
            _ => self.start_fetching(step, plan),
        }
    }

    fn refresh(&mut self, step: &mut Step<'_>) {
        self.halt(step);
        let Some(client) = self.attempts.reference().cloned() else {
            return;
        };
        self.state = State::Refreshing;
        let until = step.at;
        self.calls
            .begin(step, Operation::RefreshData { client }, until);
    }

    fn start_fetching(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        self.halt(step);
        self.state = State::Fetching;
        self.polls = 0;
        step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Access), PATIENCE);
        self.fetch(step, plan);
    }

    fn fetch(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if let Some(client) = self.attempts.reference().cloned() {
            let request = self.request.clone();
            let until = later(step.at, PATIENCE);
            let operation = Operation::FetchReports {
                client,
                request,
                flow: plan.flow,
            };
            self.calls.begin_once(step, operation, until);
        }
    }

    fn heard(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, heard: Heard, fact: &Fact) {
        match heard {
            Heard::Handled => {}
            Heard::Foreign => step.late(Reason::UnknownEffect),
            Heard::GivenUp { attempt, .. } => self.given_up(step, plan, attempt, fact),
            Heard::Answered(operation, answer) => self.answered(step, plan, &operation, &answer),
            Heard::Refused(operation, refusal) => self.refused(step, plan, &operation, refusal),
            Heard::Unsettled(operation) => match operation {
                Operation::RefreshData { .. } => {
                    self.state = State::RefreshUnsettled(Unsettled::begin(step, LEG, operation));
                    self.fetch(step, plan);
                }
                operation => {
                    self.state = State::Unsettled(Unsettled::begin(step, LEG, operation));
                }
            },
            Heard::Failed(operation) => match (&operation, &mut self.state) {
                (Operation::FetchReports { .. }, State::RefreshUnsettled(unsettled)) => {
                    unsettled.is_not_answered(step, LEG);
                }
                (Operation::FetchReports { .. }, State::Fetching) => self.out_of_time(step),
                (Operation::FetchReports { .. }, _) => {}
                _ => {
                    step.tell_operator(LEG, OperatorTask::Failing);
                    self.end(step, plan, State::Failed(Blame::Operator));
                }
            },
        }
    }

    fn given_up(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, attempt: u32, fact: &Fact) {
        let Fact::Answered { answer, .. } = fact else {
            return step.late(Reason::UnknownEffect);
        };
        let is_current = attempt == self.attempts.number();
        match (answer, &self.state) {
            (Answer::Opened { reference }, _) if !is_current => {
                self.attempts.adopt_replaced(reference)
            }
            (Answer::Opened { reference }, State::Unsettled(_)) if self.stop.is_none() => {
                return self.opened(step, plan, reference);
            }
            (Answer::Refreshing { request }, State::RefreshUnsettled(_))
                if is_current && self.stop.is_none() =>
            {
                self.request = Some(request.clone());
                return self.start_fetching(step, plan);
            }
            _ => {}
        }
        step.expected_no_more(self.status());
    }

    fn answered(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        operation: &Operation,
        answer: &Answer,
    ) {
        match (operation, answer) {
            (Operation::OpenAccounts { .. }, Answer::Opened { reference }) => {
                self.opened(step, plan, reference);
            }
            (Operation::RefreshData { .. }, Answer::Refreshing { request }) => {
                self.request = Some(request.clone());
                self.start_fetching(step, plan);
            }
            (
                Operation::FetchReports { .. },
                Answer::Reports {
                    ready,
                    pending,
                    failed,
                },
            ) => {
                self.reported(step, plan, *ready, *pending, *failed);
            }
            _ => step.kept(Reason::UnknownWord),
        }
    }

    fn refused(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        operation: &Operation,
        _refusal: Refusal,
    ) {
        match operation {
            // What it says before there is a report is not documented, so every refusal may be that.
            Operation::FetchReports { .. } => self.reported(step, plan, 0, 1, 0),
            // Nothing was begun: the hint may have been early.
            Operation::RefreshData { .. } if !self.has_reports => self.await_person(step, plan),
            Operation::RefreshData { .. } => {
                step.tell_operator(LEG, OperatorTask::Refused);
                self.end(step, plan, State::Ready);
            }
            _ => {
                step.tell_operator(LEG, OperatorTask::Refused);
                self.end(step, plan, State::Failed(Blame::Operator));
            }
        }
    }

    fn opened(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, reference: &ProviderReference) {
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
        self.attempts.adopt(reference);
        if self.is_hinted {
            return self.came_back(step, plan);
        }
        step.keep_payload();
        let link = step.keeps_payload.then_some(step.seq);
        step.notify(Notice::Link { leg: LEG, link });
        self.await_person(step, plan);
    }

    fn await_person(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        self.state = State::AwaitPerson;
        step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Link), plan.link);
        self.reconciles = 0;
        set_look_up(step, LEG, TimerPurpose::Reconcile, &mut self.reconciles);
    }

    fn reported(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        ready: u32,
        pending: u32,
        failed: u32,
    ) {
        let is_pending = pending > 0 || ready == 0 && failed == 0;
        match &mut self.state {
            State::Fetching if is_pending => {
                let wait = doubling(30, 3_600, self.polls);
                self.polls = self.polls.saturating_add(1);
                step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Poll), wait);
            }
            // A look-up before anything was heard, or of a refresh: nothing yet.
            State::AwaitPerson | State::Abandoned
                if is_pending || plan.flow == FinpassFlow::Monitoring => {}
            State::RefreshUnsettled(unsettled) if is_pending => unsettled.miss(step, LEG),
            State::Fetching
            | State::AwaitPerson
            | State::Abandoned
            | State::RefreshUnsettled(_) => {
                let state = match (ready, failed) {
                    (0, _) => State::Failed(Blame::Person),
                    (_, 0) => State::Ready,
                    _ => State::Partial,
                };
                if ready > 0 {
                    step.keep_payload();
                    self.has_reports = true;
                }
                self.end(step, plan, state);
            }
            _ => step.late(Reason::Known),
        }
    }

    /// The reports did not come.
    fn out_of_time(&mut self, step: &mut Step<'_>) {
        self.halt(step);
        self.state = State::Failed(Blame::Person);
    }

    /// The leg has ended for now.
    fn end(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, state: State) {
        self.halt(step);
        if self.state == State::AwaitPerson {
            step.erase(Some(LEG), DataClass::Links);
        }
        self.state = state;
        if !self.status().is_well() {
            return;
        }
        if let (true, Some(life)) = (self.has_reports, plan.data_life) {
            step.set_timer_after(TimerName::leg(LEG, TimerPurpose::DataLife), life);
        }
        if let (FinpassFlow::Monitoring, Some(every)) = (plan.flow, plan.every) {
            step.set_timer(
                TimerName::leg(LEG, TimerPurpose::Periodic),
                next(step.at, every),
            );
        }
    }

    pub(crate) fn timer(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        purpose: TimerPurpose,
    ) {
        match (purpose, &mut self.state) {
            (TimerPurpose::Retry(slot), _) if self.calls.retry(step, slot) => {}
            (TimerPurpose::Link, State::AwaitPerson) => {
                self.end(step, plan, State::Abandoned);
                step.notify(Notice::Reminder { leg: LEG });
            }
            (TimerPurpose::Reconcile, State::AwaitPerson) => {
                if plan.flow != FinpassFlow::Monitoring {
                    self.fetch(step, plan);
                }
                set_look_up(step, LEG, TimerPurpose::Reconcile, &mut self.reconciles);
            }
            (TimerPurpose::Settle, State::Unsettled(unsettled)) => {
                unsettled.is_due(step, LEG);
            }
            (TimerPurpose::Settle, State::RefreshUnsettled(unsettled)) => {
                if unsettled.is_due(step, LEG) {
                    self.fetch(step, plan);
                }
            }
            (TimerPurpose::Poll, State::Fetching) => self.fetch(step, plan),
            (TimerPurpose::Access, State::Fetching) => self.out_of_time(step),
            (TimerPurpose::Periodic, State::Ready | State::Partial) => self.refresh(step),
            _ => step.late(Reason::NotExpected),
        }
    }

    fn halt(&mut self, step: &mut Step<'_>) {
        self.calls
            .give_up(step, LEG, self.attempts.number(), |_| true);
        step.cancel_timers_of(LEG);
    }

    pub(crate) fn stop(&mut self, step: &mut Step<'_>, stop: Stop) {
        let is_open = !self.status().has_ended();
        self.halt(step);
        self.stop = Some(stop);
        if is_open && !stop.erases() {
            step.erase(Some(LEG), DataClass::Links);
        }
    }

    pub(crate) fn revive(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if self.stop == Some(Stop::Rejected) {
            match self.status() == LegStatus::Stopped && self.state != State::Idle {
                true => self.begin_again(step, plan),
                false => self.stop = None,
            }
        }
    }
}
