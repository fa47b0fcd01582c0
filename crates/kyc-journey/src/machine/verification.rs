//! Who the person is, by Veriff.

use jiff::{SignedDuration, Timestamp};
use provider_core::capability::ProviderReference;
use serde::{Deserialize, Serialize};

use super::attempts::Attempts;
use super::calls::{Calls, Heard, may_be_done};
use super::schedule::set_look_up;
use super::settle::{LostRequest, LostRequests, Unsettled};
use super::step::Step;
use crate::values::{
    Answer, Blame, DataClass, Event, Fact, Leg, LegStatus, Notice, Operation, OperatorTask, Reason,
    Refusal, Screening, SessionNews, SessionState, Stop, TimerName, TimerPurpose, VerificationPlan,
    later,
};

const LEG: Leg = Leg::Verification;

/// How long a look-up is tried.
const LOOK_UP: SignedDuration = SignedDuration::from_hours(24);

/// How long a deletion is tried, before an operator deletes by hand: Veriff allows 5 an hour and 10 a day.
const DELETION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many of Veriff's attempts that are over are remembered: a session has at most 10.
const MOST_OVER: usize = 16;

/// The leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Verification {
    state: State,
    attempts: Attempts,
    /// Veriff's attempt within the session.
    attempt: Option<ProviderReference>,
    attempts_over: Vec<ProviderReference>,
    /// An attempt that is under way before its predecessor's end has been heard of.
    early: Option<EarlyAttempt>,
    resubmissions: u32,
    /// The provider's time of the decision.
    decided_at: Option<Timestamp>,
    hand_in: HandIn,
    code: OneTimeCode,
    reconciles: u32,
    /// Requests of attempts that were replaced before it was known whether there is a session.
    #[serde(skip_serializing_if = "LostRequests::is_empty")]
    lost: LostRequests,
    /// Whether the sessions were deleted at Veriff, or an operator was asked to.
    is_deleted: bool,
    calls: Calls,
    stop: Option<Stop>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    #[default]
    Idle,
    Creating,
    Unsettled(Unsettled),
    Session(Session),
    Approved,
    Declined,
    Expired,
    Abandoned,
    Failed(Blame),
}

/// An open session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Session {
    Created,
    Started,
    Submitted,
    Review,
    Resubmission,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct EarlyAttempt {
    attempt: ProviderReference,
    session: Session,
}

/// What becomes of handing in what was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HandIn {
    #[default]
    No,
    Asked,
    Unsettled(Unsettled),
}

/// What becomes of a one-time code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OneTimeCode {
    #[default]
    No,
    Sending,
    /// It was sent, or may have been: the person types it, or asks for another one.
    Sent,
    Checking,
    Checked,
}

impl Verification {
    pub(crate) fn status(&self) -> LegStatus {
        let status = match &self.state {
            State::Idle => LegStatus::Waiting,
            State::Approved => LegStatus::Ready,
            State::Declined => LegStatus::Rejected,
            _ if self.calls.is_blocked() => LegStatus::NeedsOperator,
            State::Session(_) => match &self.hand_in {
                HandIn::Unsettled(unsettled) => unsettled.status(),
                _ => LegStatus::Open,
            },
            State::Creating => LegStatus::Open,
            State::Unsettled(unsettled) => unsettled.status(),
            State::Expired | State::Abandoned => LegStatus::NeedsPerson,
            State::Failed(blame) => blame.status(),
        };
        match self.stop {
            Some(stop) if !status.is_well() && status != LegStatus::Rejected => stop.status(),
            _ => status,
        }
    }

    pub(crate) fn phase(&self) -> &'static str {
        match &self.state {
            State::Idle => "idle",
            State::Creating => "creating",
            State::Unsettled(_) => "unsettled",
            State::Session(Session::Created) => "created",
            State::Session(Session::Started) => "started",
            State::Session(Session::Submitted) => "submitted",
            State::Session(Session::Review) => "review",
            State::Session(Session::Resubmission) => "resubmission",
            State::Approved => "approved",
            State::Declined => "declined",
            State::Expired => "expired",
            State::Abandoned => "abandoned",
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
        match (&self.state, &self.hand_in) {
            (State::Unsettled(unsettled), _) | (_, HandIn::Unsettled(unsettled)) => {
                Some(unsettled.operation())
            }
            _ => None,
        }
    }

    /// How often the person had to try again in this session.
    pub(crate) fn resubmissions(&self) -> u32 {
        self.resubmissions
    }

    /// Creates a session: the first, or another one in place of the last.
    pub(crate) fn begin(&mut self, step: &mut Step<'_>) {
        let was_unsettled = matches!(self.state, State::Unsettled(_));
        self.lose(step);
        self.halt(step);
        self.attempts.begin(was_unsettled);
        (self.attempt, self.decided_at, self.stop) = (None, None, None);
        self.attempts_over.clear();
        self.early = None;
        (self.resubmissions, self.reconciles) = (0, 0);
        (self.hand_in, self.code) = (HandIn::No, OneTimeCode::No);
        self.is_deleted = false;
        self.state = State::Creating;
        let correlation = step.correlation(LEG, self.attempts.number());
        let until = step.at;
        self.calls
            .begin(step, Operation::CreateSession { correlation }, until);
    }

    /// Nobody waits for this attempt's request any more. If nobody knows whether there is a session, it is lost: Veriff tells of one by
    /// its id alone.
    fn lose(&mut self, step: &Step<'_>) {
        if let State::Unsettled(unsettled) = &self.state
            && self.attempts.reference().is_none()
        {
            let (attempt, at) = (self.attempts.number(), unsettled.since(step));
            self.lost.add(LostRequest { attempt, at });
        }
    }

    fn begin_again(&mut self, step: &mut Step<'_>) {
        match self.attempts.may_begin() {
            true => self.begin(step),
            false => step.discarded(Reason::TooManyAttempts),
        }
    }

    pub(crate) fn on(&mut self, step: &mut Step<'_>, plan: &VerificationPlan, event: &Event) {
        match &event.fact {
            Fact::Session(news) => match (
                self.attempts.is_current(step, LEG, &news.source),
                &news.source.reference,
            ) {
                (true, _) => self.observe(step, plan, news, false),
                (false, Some(session)) if step.reason == Some(Reason::ReplacedAttempt) => {
                    if let Some(of) = &news.source.correlation {
                        self.lost.remove(of.attempt);
                    }
                    self.found(step, plan, session, false);
                }
                (false, _) => {}
            },
            Fact::Screened(screening) => self.screened(step, screening),
            // The person is back: whatever they say, Veriff is asked.
            Fact::Returned(returned) => {
                if self.attempts.is_current(step, LEG, &returned.source) {
                    match (&self.state, self.stop) {
                        (_, Some(_)) => step.discarded(Reason::LegEnded),
                        (State::Session(_), None) => self.look_up(step),
                        _ => step.late(Reason::NotExpected),
                    }
                }
            }
            Fact::AskAgain => {
                let may = match &self.state {
                    State::Unsettled(unsettled) => unsettled.may_ask_again(),
                    State::Expired | State::Abandoned | State::Failed(Blame::Person) => true,
                    _ => false,
                };
                match may {
                    true => self.begin_again(step),
                    false => step.kept(Reason::NotExpected),
                }
            }
            Fact::Reopen => match self.status().has_ended() {
                true => self.begin_again(step),
                false => step.kept(Reason::NotExpected),
            },
            Fact::Resume if self.calls.resume(step) => {}
            // A leg that was stopped goes on by a reopening only.
            fact if fact.is_command() && self.stop.is_some() => {
                step.discarded(Reason::LegEnded);
            }
            Fact::Settled { done } => self.settled(step, *done),
            Fact::Resume if self.looks_again(step) => self.list_attempts(step),
            Fact::Resume if self.state == State::Failed(Blame::Operator) => self.begin_again(step),
            Fact::HandIn => self.hand_in(step),
            Fact::OneTimeCodeWanted => self.want_code(step),
            Fact::OneTimeCodeTyped => self.check_code(step),
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

    /// Whether an operator lets the hand-in be looked up again of which nobody knows whether it was done.
    fn looks_again(&mut self, step: &mut Step<'_>) -> bool {
        match (&self.state, &mut self.hand_in) {
            (State::Session(_), HandIn::Unsettled(unsettled)) => unsettled.look_again(step, LEG),
            _ => false,
        }
    }

    fn session(&self) -> Option<ProviderReference> {
        match (&self.state, self.stop) {
            (State::Session(_), None) => self.attempts.reference().cloned(),
            _ => None,
        }
    }

    fn settled(&mut self, step: &mut Step<'_>, done: bool) {
        match (&self.state, &self.hand_in, done) {
            (State::Unsettled(_), _, false) => {
                let attempt = self.attempts.number();
                self.begin_again(step);
                self.lost.remove(attempt);
            }
            (State::Session(_), HandIn::Unsettled(_), true) => self.handed_in(step),
            (State::Session(_), HandIn::Unsettled(_), false) => {
                self.hand_in = HandIn::No;
                step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
                self.hand_in(step);
            }
            _ => step.kept(Reason::NotExpected),
        }
    }

    /// Everything is uploaded.
    fn hand_in(&mut self, step: &mut Step<'_>) {
        let may = matches!(
            self.state,
            State::Session(Session::Created | Session::Started | Session::Resubmission)
        );
        match (self.session(), &self.hand_in) {
            (Some(session), HandIn::No) if may => {
                self.hand_in = HandIn::Asked;
                let until = step.at;
                self.calls
                    .begin(step, Operation::SubmitSession { session }, until);
            }
            _ => step.kept(Reason::NotExpected),
        }
    }

    fn handed_in(&mut self, step: &mut Step<'_>) {
        self.hand_in = HandIn::No;
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
        if let State::Session(
            session @ (Session::Created | Session::Started | Session::Resubmission),
        ) = &mut self.state
        {
            *session = Session::Submitted;
        }
    }

    fn want_code(&mut self, step: &mut Step<'_>) {
        match (self.session(), self.code) {
            (Some(session), OneTimeCode::No | OneTimeCode::Sent) => {
                self.code = OneTimeCode::Sending;
                let until = step.at;
                self.calls
                    .begin(step, Operation::SendOneTimeCode { session }, until);
            }
            _ => step.kept(Reason::NotExpected),
        }
    }

    fn check_code(&mut self, step: &mut Step<'_>) {
        match (self.session(), self.code) {
            // A code that the person has was sent, whatever the reply was.
            (Some(session), OneTimeCode::Sent | OneTimeCode::Sending) if step.has_payload => {
                let sends =
                    |operation: &Operation| matches!(operation, Operation::SendOneTimeCode { .. });
                self.calls.give_up(step, LEG, self.attempts.number(), sends);
                step.keep_payload();
                self.code = OneTimeCode::Checking;
                let (code, until) = (step.seq, step.at);
                self.calls
                    .begin(step, Operation::CheckOneTimeCode { session, code }, until);
            }
            _ => step.kept(Reason::NotExpected),
        }
    }

    fn heard(&mut self, step: &mut Step<'_>, plan: &VerificationPlan, heard: Heard, fact: &Fact) {
        match heard {
            Heard::Handled => {}
            Heard::Foreign => step.late(Reason::UnknownEffect),
            Heard::GivenUp {
                attempt,
                is_opening,
            } => self.given_up(step, plan, (attempt, is_opening), fact),
            Heard::Answered(operation, answer) => self.answered(step, plan, &operation, &answer),
            Heard::Refused(operation, refusal) => self.refused(step, &operation, refusal),
            Heard::Unsettled(operation) => match operation {
                Operation::SubmitSession { session } => {
                    let operation = Operation::SubmitSession {
                        session: session.clone(),
                    };
                    self.hand_in = HandIn::Unsettled(Unsettled::begin(step, LEG, operation));
                    self.list_attempts(step);
                }
                Operation::SendOneTimeCode { .. } | Operation::CheckOneTimeCode { .. } => {
                    self.uncertain_code(step);
                }
                Operation::DeleteSession { .. } => {
                    step.tell_operator(LEG, OperatorTask::DeleteByHand)
                }
                operation => {
                    self.state = State::Unsettled(Unsettled::begin(step, LEG, operation));
                }
            },
            Heard::Failed(operation) => self.failed(step, &operation, OperatorTask::Failing),
        }
    }

    /// What was found is evidence, and changes no decision.
    fn screened(&mut self, step: &mut Step<'_>, screening: &Screening) {
        let is_current = self.attempts.is_current(step, LEG, &screening.source);
        // An attempt that was replaced is of the same person.
        if !is_current && step.reason != Some(Reason::ReplacedAttempt) {
            return;
        }
        if self.stop.is_some() {
            return step.discarded(Reason::LegEnded);
        }
        if is_current {
            step.keep_payload();
        }
        if screening.needs_review {
            step.tell_operator(LEG, OperatorTask::Screening);
        }
    }

    /// The person types the code if it came, and asks for another one otherwise.
    fn uncertain_code(&mut self, step: &mut Step<'_>) {
        if matches!(self.code, OneTimeCode::Sending | OneTimeCode::Checking) {
            self.code = OneTimeCode::Sent;
            step.notify(Notice::AskAgain { leg: LEG });
        }
    }

    fn given_up(
        &mut self,
        step: &mut Step<'_>,
        plan: &VerificationPlan,
        (attempt, is_opening): (u32, bool),
        fact: &Fact,
    ) {
        let is_current = attempt == self.attempts.number();
        let Fact::Answered { answer, .. } = fact else {
            let is_unknown = !is_current || self.attempts.reference().is_none();
            if is_opening {
                let at = step.at;
                let request = LostRequest { attempt, at };
                match (is_unknown && may_be_done(fact), self.erases(plan)) {
                    // It is certain now that nothing was opened.
                    (false, _) => self.lost.remove(attempt),
                    (true, true) => step.leave_request(LEG, OperatorTask::DeleteByHand, request),
                    (true, false) if is_current => {}
                    (true, false) => self.lost.add(request),
                }
            }
            return step.late(Reason::UnknownEffect);
        };
        if is_opening {
            self.lost.remove(attempt);
        }
        match answer {
            Answer::Opened { reference } if self.stop.is_some() => {
                self.found(step, plan, reference, is_current);
            }
            Answer::Opened { reference } if !is_current => self.attempts.adopt_replaced(reference),
            Answer::Opened { reference } if matches!(self.state, State::Unsettled(_)) => {
                return self.created(step, plan, reference);
            }
            // A resubmission began after a report; the link is still the one.
            Answer::Opened { .. } if matches!(self.state, State::Session(Session::Created)) => {
                return self.show_link(step);
            }
            _ => {}
        }
        step.expected_no_more(self.status());
    }

    fn answered(
        &mut self,
        step: &mut Step<'_>,
        plan: &VerificationPlan,
        operation: &Operation,
        answer: &Answer,
    ) {
        match (operation, answer) {
            (Operation::CreateSession { .. }, Answer::Opened { reference }) => {
                self.created(step, plan, reference);
            }
            (Operation::ReadDecision { .. }, Answer::Done) => {
                step.late(Reason::Known);
            }
            (Operation::SubmitSession { .. }, _) => self.handed_in(step),
            (Operation::ListAttempts { .. }, Answer::SessionState { news }) => {
                match (&mut self.hand_in, news.state) {
                    (
                        HandIn::Unsettled(unsettled),
                        SessionState::Created | SessionState::Started | SessionState::Unknown,
                    ) => unsettled.miss(step, LEG),
                    (HandIn::Unsettled(_), _) => {
                        self.handed_in(step);
                        self.observe(step, plan, news, true);
                    }
                    _ => self.observe(step, plan, news, true),
                }
            }
            (Operation::ReadDecision { .. }, Answer::SessionState { news }) => {
                self.observe(step, plan, news, true);
            }
            (Operation::SendOneTimeCode { .. }, _) if self.code == OneTimeCode::Sending => {
                self.code = OneTimeCode::Sent;
            }
            (Operation::CheckOneTimeCode { .. }, _) => {
                step.erase(Some(LEG), DataClass::Codes);
                self.code = OneTimeCode::Checked;
            }
            (Operation::RecordConsent { .. } | Operation::DeleteSession { .. }, _) => {}
            _ => step.late(Reason::Known),
        }
    }

    fn refused(&mut self, step: &mut Step<'_>, operation: &Operation, refusal: Refusal) {
        match (operation, refusal) {
            (Operation::DeleteSession { .. }, Refusal::NotFound) => {}
            // Submitted before: the repeat of one whose reply is lost.
            (Operation::SubmitSession { .. }, Refusal::AlreadySo) => self.handed_in(step),
            // No decision yet, or the session is gone: the next look-up or an event says more.
            (Operation::ReadDecision { .. }, _) => step.late(Reason::Known),
            (Operation::ListAttempts { .. }, _) => {
                if let HandIn::Unsettled(unsettled) = &mut self.hand_in {
                    unsettled.miss(step, LEG);
                }
            }
            (Operation::CheckOneTimeCode { .. }, _) => {
                step.erase(Some(LEG), DataClass::Codes);
                self.code = OneTimeCode::Sent;
                step.notify(Notice::AskAgain { leg: LEG });
            }
            _ => self.failed(step, operation, OperatorTask::Refused),
        }
    }

    /// A call failed for good, or was refused.
    fn failed(&mut self, step: &mut Step<'_>, operation: &Operation, task: OperatorTask) {
        match operation {
            Operation::DeleteSession { .. } => step.tell_operator(LEG, OperatorTask::DeleteByHand),
            Operation::CreateSession { .. } => {
                step.tell_operator(LEG, task);
                self.halt(step);
                self.state = State::Failed(Blame::Operator);
            }
            Operation::SubmitSession { .. } => {
                step.tell_operator(LEG, task);
                self.hand_in = HandIn::No;
            }
            Operation::SendOneTimeCode { .. } => {
                self.code = OneTimeCode::No;
                step.notify(Notice::AskAgain { leg: LEG });
            }
            Operation::CheckOneTimeCode { .. } => self.uncertain_code(step),
            Operation::ListAttempts { .. } => {
                if let HandIn::Unsettled(unsettled) = &mut self.hand_in {
                    unsettled.is_not_answered(step, LEG);
                }
            }
            Operation::RecordConsent { .. } => step.tell_operator(LEG, task),
            _ => {}
        }
    }

    /// The session exists, and this is its id.
    fn created(
        &mut self,
        step: &mut Step<'_>,
        plan: &VerificationPlan,
        reference: &ProviderReference,
    ) {
        self.entered(step, plan, reference);
        self.show_link(step);
    }

    fn show_link(&mut self, step: &mut Step<'_>) {
        step.keep_payload();
        let link = step.keeps_payload.then_some(step.seq);
        step.notify(Notice::Link { leg: LEG, link });
    }

    fn entered(
        &mut self,
        step: &mut Step<'_>,
        plan: &VerificationPlan,
        reference: &ProviderReference,
    ) {
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
        self.attempts.adopt(reference);
        self.state = State::Session(Session::Created);
        if let (true, Some(session)) = (plan.records_consent, self.attempts.reference().cloned()) {
            let until = later(step.at, LOOK_UP);
            self.calls
                .begin(step, Operation::RecordConsent { session }, until);
        }
        self.reconciles = 0;
        set_look_up(step, LEG, TimerPurpose::Reconcile, &mut self.reconciles);
    }

    fn look_up(&mut self, step: &mut Step<'_>) {
        if let Some(session) = self.attempts.reference().cloned() {
            let until = later(step.at, LOOK_UP);
            self.calls
                .begin_once(step, Operation::ReadDecision { session }, until);
        }
    }

    fn list_attempts(&mut self, step: &mut Step<'_>) {
        if let Some(session) = self.session() {
            let until = later(step.at, LOOK_UP);
            self.calls
                .begin_once(step, Operation::ListAttempts { session }, until);
        }
    }

    /// What a webhook or a call says about the session of this attempt. A call says where it is now.
    fn observe(
        &mut self,
        step: &mut Step<'_>,
        plan: &VerificationPlan,
        news: &SessionNews,
        is_call: bool,
    ) {
        if news.state == SessionState::Unknown {
            return step.kept(Reason::UnknownWord);
        }
        if self.stop.is_some() {
            if let Some(session) = &news.source.reference {
                self.found(step, plan, session, true);
            }
            return step.discarded(Reason::LegEnded);
        }
        match &self.state {
            State::Idle => return step.discarded(Reason::NotExpected),
            State::Creating | State::Unsettled(_) => match &news.source.reference {
                Some(session) => {
                    let creates = |operation: &Operation| {
                        matches!(operation, Operation::CreateSession { .. })
                    };
                    self.calls
                        .give_up(step, LEG, self.attempts.number(), creates);
                    self.entered(step, plan, session);
                }
                None => return step.kept(Reason::NotExpected),
            },
            _ => {}
        }
        let is_over = |attempt: &ProviderReference| self.attempts_over.contains(attempt);
        if news.attempt.as_ref().is_some_and(is_over) {
            return step.late(Reason::ReplacedAttempt);
        }
        let needs_confirmation = !is_call
            && !news.is_signed
            && !matches!(
                news.state,
                SessionState::Created | SessionState::Started | SessionState::Submitted
            );
        if needs_confirmation {
            return self.look_up(step);
        }
        let is_other =
            news.attempt.is_some() && self.attempt.is_some() && news.attempt != self.attempt;
        match &self.state {
            State::Session(Session::Resubmission) if is_other => self.next_attempt(news),
            // A call says where the session is now; a webhook may be of an attempt before.
            State::Session(_) if is_other && is_call => self.next_attempt(news),
            State::Session(_) if is_other => {
                // It may be of an attempt before or after this one. Veriff is asked, and the end of this one tells, too.
                let session = match news.state {
                    SessionState::Started => Some(Session::Started),
                    SessionState::Submitted => Some(Session::Submitted),
                    _ => None,
                };
                if let (Some(session), Some(attempt)) = (session, news.attempt.clone()) {
                    self.early = Some(EarlyAttempt { attempt, session });
                }
                step.kept(Reason::NotExpected);
                return self.look_up(step);
            }
            State::Session(_) => {}
            _ => return self.observe_when_decided(step, news),
        }
        if self.attempt.is_none() {
            self.attempt.clone_from(&news.attempt);
        }
        self.advance(step, plan, news, is_other);
    }

    /// The current attempt is over, and another one has begun.
    fn next_attempt(&mut self, news: &SessionNews) {
        if self.attempts_over.len() < MOST_OVER {
            self.attempts_over.extend(self.attempt.take());
        }
        self.attempt.clone_from(&news.attempt);
        self.early = None;
        if !matches!(self.state, State::Session(Session::Resubmission)) {
            self.resubmissions = self.resubmissions.saturating_add(1);
        }
        self.state = State::Session(Session::Created);
    }

    /// The session goes on, within its current attempt.
    fn advance(
        &mut self,
        step: &mut Step<'_>,
        plan: &VerificationPlan,
        news: &SessionNews,
        is_other: bool,
    ) {
        let State::Session(session) = self.state else {
            return;
        };
        let rank = |session: Session| match session {
            Session::Created => 0,
            Session::Started => 1,
            Session::Submitted => 2,
            Session::Review => 3,
            Session::Resubmission => 4,
        };
        let next = match news.state {
            SessionState::Created => Session::Created,
            SessionState::Started => Session::Started,
            SessionState::Submitted => Session::Submitted,
            SessionState::Review => Session::Review,
            SessionState::ResubmissionRequested => Session::Resubmission,
            SessionState::Approved => return self.decided(step, news, State::Approved),
            SessionState::Declined => return self.decided(step, news, State::Declined),
            SessionState::Expired => return self.decided(step, news, State::Expired),
            SessionState::Abandoned => return self.decided(step, news, State::Abandoned),
            SessionState::Unknown => return,
        };
        if rank(next) == rank(session) {
            return match is_other {
                true => {}
                false => step.late(Reason::Known),
            };
        }
        if rank(next) < rank(session) {
            return step.late(Reason::LowerRank);
        }
        self.state = State::Session(next);
        if rank(next) >= rank(Session::Submitted) {
            self.hand_in = HandIn::No;
            step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
        }
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Review));
        match next {
            Session::Review => {
                step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Review), plan.review);
            }
            Session::Resubmission => {
                self.resubmissions = self.resubmissions.saturating_add(1);
                match self.early.take() {
                    Some(early) => {
                        self.attempts_over
                            .extend(self.attempt.replace(early.attempt));
                        self.state = State::Session(early.session);
                    }
                    None => step.notify(Notice::TryAgain { leg: LEG }),
                }
            }
            _ => {}
        }
    }

    fn decided(&mut self, step: &mut Step<'_>, news: &SessionNews, state: State) {
        self.halt(step);
        step.keep_payload();
        step.erase(Some(LEG), DataClass::Links);
        self.decided_at = news.at;
        self.state = state;
    }

    /// A report after the decision. It never changes it.
    fn observe_when_decided(&mut self, step: &mut Step<'_>, news: &SessionNews) {
        let says = match &self.state {
            State::Approved => SessionState::Approved,
            State::Declined => SessionState::Declined,
            State::Expired => SessionState::Expired,
            _ => SessionState::Abandoned,
        };
        let is_decision = !matches!(
            news.state,
            SessionState::Created
                | SessionState::Started
                | SessionState::Submitted
                | SessionState::Review
        );
        let is_older = self
            .decided_at
            .zip(news.at)
            .is_some_and(|(known, at)| at < known);
        match (is_decision, news.state == says) {
            (_, true) => step.late(Reason::Known),
            (false, _) => step.late(Reason::LowerRank),
            (true, _) if is_older => step.late(Reason::OlderTime),
            // A resubmission comes before a decision, unless its time says otherwise.
            (true, _) if news.state == SessionState::ResubmissionRequested && news.at.is_none() => {
                step.late(Reason::LowerRank);
            }
            (true, _) => {
                step.kept(Reason::Conflict);
                step.tell_operator(LEG, OperatorTask::Conflict);
            }
        }
    }

    pub(crate) fn timer(
        &mut self,
        step: &mut Step<'_>,
        _plan: &VerificationPlan,
        purpose: TimerPurpose,
    ) {
        match (purpose, &mut self.state) {
            (TimerPurpose::Retry(slot), _) if self.calls.retry(step, slot) => {}
            (TimerPurpose::Reconcile, State::Session(_)) => {
                self.look_up(step);
                set_look_up(step, LEG, TimerPurpose::Reconcile, &mut self.reconciles);
            }
            (TimerPurpose::Review, State::Session(Session::Review)) => {
                step.tell_operator(LEG, OperatorTask::Review);
            }
            (TimerPurpose::Settle, State::Unsettled(unsettled)) => {
                unsettled.is_due(step, LEG);
            }
            (TimerPurpose::Settle, State::Session(_)) => {
                let is_due = match &mut self.hand_in {
                    HandIn::Unsettled(unsettled) => unsettled.is_due(step, LEG),
                    _ => false,
                };
                if is_due {
                    self.list_attempts(step);
                }
            }
            _ => step.late(Reason::NotExpected),
        }
    }

    fn halt(&mut self, step: &mut Step<'_>) {
        self.calls
            .give_up(step, LEG, self.attempts.number(), |operation| {
                !operation.is_clean_up()
            });
        step.cancel_timers_of(LEG);
    }

    pub(crate) fn stop(&mut self, step: &mut Step<'_>, plan: &VerificationPlan, stop: Stop) {
        let is_open = !self.status().has_ended();
        self.halt(step);
        self.stop = Some(stop);
        if is_open && !stop.erases() {
            step.erase(Some(LEG), DataClass::Links);
            step.erase(Some(LEG), DataClass::Codes);
        }
        if self.erases(plan) && !self.is_deleted {
            self.is_deleted = true;
            // Those of replaced attempts have something of the person, too.
            let sessions: Vec<_> = self.attempts.references().cloned().collect();
            for session in sessions {
                self.delete(step, session);
            }
            self.lose(step);
            for request in self.lost.take_if(|_| true) {
                step.leave_request(LEG, OperatorTask::DeleteByHand, request);
            }
        }
    }

    /// A session was opened after all, by an attempt that was replaced or stopped: it is deleted with the others.
    fn found(
        &mut self,
        step: &mut Step<'_>,
        plan: &VerificationPlan,
        session: &ProviderReference,
        is_current: bool,
    ) {
        if self.attempts.references().any(|known| known == session) {
            return;
        }
        match is_current && self.attempts.reference().is_none() {
            true => self.attempts.adopt(session),
            false => self.attempts.adopt_replaced(session),
        }
        if self.erases(plan) {
            self.delete(step, session.clone());
        }
    }

    /// Whether what is at Veriff is deleted, as what is stored here is erased.
    fn erases(&self, plan: &VerificationPlan) -> bool {
        self.stop.is_some_and(Stop::erases) && plan.deletes_session
    }

    fn delete(&mut self, step: &mut Step<'_>, session: ProviderReference) {
        let until = later(step.at, DELETION);
        self.calls
            .begin(step, Operation::DeleteSession { session }, until);
    }

    pub(crate) fn revive(&mut self, step: &mut Step<'_>) {
        if self.stop == Some(Stop::Rejected) {
            match self.status() == LegStatus::Stopped && self.state != State::Idle {
                true => self.begin_again(step),
                false => self.stop = None,
            }
        }
    }
}
