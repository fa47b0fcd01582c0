//! How an unknown outcome of an unsafe call is settled. It is never settled by making the call again unasked, but for data sessions.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::values::{
    Leg, LegStatus, Notice, Operation, OperatorTask, TimerName, TimerPurpose, later,
};

/// How the unknown outcome of an operation is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settlement {
    /// Whether the provider can be asked.
    pub(crate) looks_up: bool,
    /// How long what the provider or the person reports is waited for, where the provider cannot be asked.
    pub(crate) waits: SignedDuration,
    /// What comes then.
    pub(crate) then: Then,
}

/// What comes if nothing has settled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The person may ask for it again.
    Person,
    /// An operator has to find out.
    Operator,
    /// It is made again once the session that may have been opened is over.
    Again,
}

/// How often a look-up has to find nothing: once may be too early.
const MISSES: u8 = 2;

/// How long after a call's deadline it may still reach the provider.
const UNDER_WAY: SignedDuration = SignedDuration::from_secs(60);

/// The table.
pub(crate) fn settlement(operation: &Operation) -> Settlement {
    let (looks_up, minutes, then) = match operation {
        // No look-up without the client id. A webhook or a return on our token settles it.
        Operation::OpenAccounts { .. } => (false, 15, Then::Person),
        // The fetch with the known id.
        Operation::RefreshData { .. } => (true, 0, Then::Operator),
        // The person's consents, by our `accountID`.
        Operation::RequestConsent { .. } => (true, 0, Then::Person),
        // The status of the consent's data session.
        Operation::RequestData { .. } => (true, 0, Then::Again),
        // The session's attempts.
        Operation::SubmitSession { .. } => (true, 0, Then::Operator),
        // What was issued: it can be listed only after the authorisation.
        Operation::CompleteAuthorization { .. } => (true, 0, Then::Person),
        // The person never got the link; an event with our `vendorData` may settle it meanwhile; a code may have come.
        Operation::OpenDocuments { .. }
        | Operation::CreateSession { .. }
        | Operation::SendOneTimeCode { .. }
        | Operation::CheckOneTimeCode { .. } => (false, 0, Then::Person),
        _ => (false, 0, Then::Operator),
    };
    Settlement {
        looks_up,
        waits: SignedDuration::from_mins(minutes),
        then,
    }
}

/// A request of which nobody knows whether it opened something, and for which nobody waits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LostRequest {
    /// Whose.
    pub(crate) attempt: u32,
    /// When it was heard of last.
    pub(crate) at: Timestamp,
}

/// Such requests of a leg, at most one an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct LostRequests(Vec<LostRequest>);

impl LostRequests {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, attempt: u32) -> bool {
        self.0.iter().any(|lost| lost.attempt == attempt)
    }

    /// Adds a request; the first that is heard of an attempt stays.
    pub(crate) fn add(&mut self, request: LostRequest) {
        if !self.has(request.attempt) {
            self.0.push(request);
        }
    }

    /// It is known now what became of an attempt's request.
    pub(crate) fn remove(&mut self, attempt: u32) {
        self.0.retain(|lost| lost.attempt != attempt);
    }

    /// The attempts, oldest first.
    pub(crate) fn attempts(&self) -> Vec<u32> {
        self.0.iter().map(|lost| lost.attempt).collect()
    }

    /// Takes those out that are over, oldest first.
    pub(crate) fn take_if(
        &mut self,
        is_over: impl FnMut(&LostRequest) -> bool,
    ) -> Vec<LostRequest> {
        let (over, left) = std::mem::take(&mut self.0).into_iter().partition(is_over);
        self.0 = left;
        over
    }
}

/// An unsafe call with an unknown outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unsettled {
    operation: Operation,
    /// From when on a look-up that finds nothing counts.
    counts_from: Timestamp,
    #[serde(default)]
    misses: u8,
    /// Nothing has settled it, and the next move is somebody's.
    #[serde(default)]
    is_over: bool,
    /// No look-up was answered, so nobody but an operator can say.
    #[serde(default)]
    is_unanswered: bool,
}

impl Unsettled {
    /// The outcome of a call is unknown.
    pub(crate) fn begin(step: &mut Step<'_>, leg: Leg, operation: Operation) -> Self {
        let settlement = settlement(&operation);
        let counts_from = later(later(step.at, step.call_deadline), UNDER_WAY);
        let mut unsettled = Self {
            operation,
            counts_from,
            misses: 0,
            is_over: false,
            is_unanswered: false,
        };
        let timer = TimerName::leg(leg, TimerPurpose::Settle);
        if settlement.looks_up {
            step.set_timer(timer, counts_from);
        } else if settlement.waits.is_positive() {
            step.set_timer_after(timer, settlement.waits);
        } else {
            unsettled.give_up(step, leg);
        }
        unsettled
    }

    pub(crate) fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Since when its outcome has been unknown.
    pub(crate) fn since(&self, step: &Step<'_>) -> Timestamp {
        let passed = step.call_deadline.saturating_add(UNDER_WAY);
        let since = self.counts_from.checked_sub(passed);
        since.unwrap_or(self.counts_from)
    }

    /// Whether look-ups, or an operator, say that it was not done.
    pub(crate) fn is_absent(&self) -> bool {
        self.is_over && !self.is_unanswered && self.misses >= MISSES
    }

    /// An operator says that it was not done.
    pub(crate) fn was_not_done(&mut self) {
        (self.is_over, self.is_unanswered, self.misses) = (true, false, MISSES);
    }

    /// Its timer fired. Whether the provider is to be asked now.
    pub(crate) fn is_due(&mut self, step: &mut Step<'_>, leg: Leg) -> bool {
        match settlement(&self.operation).looks_up && !self.is_over {
            true => true,
            false => {
                self.give_up(step, leg);
                false
            }
        }
    }

    /// A look-up found nothing.
    pub(crate) fn miss(&mut self, step: &mut Step<'_>, leg: Leg) {
        if self.is_over || step.at < self.counts_from {
            return;
        }
        self.misses = self.misses.saturating_add(1);
        match self.misses < MISSES {
            true => step.set_timer_after(TimerName::leg(leg, TimerPurpose::Settle), UNDER_WAY),
            false => self.give_up(step, leg),
        }
    }

    /// No look-up was answered.
    pub(crate) fn is_not_answered(&mut self, step: &mut Step<'_>, leg: Leg) {
        self.is_unanswered = true;
        self.give_up(step, leg);
    }

    /// An operator has mended what kept the look-ups from an answer, or the provider knows more by now: whether it is to be asked again.
    pub(crate) fn look_again(&mut self, step: &mut Step<'_>, leg: Leg) -> bool {
        let may = settlement(&self.operation).looks_up && self.status() == LegStatus::NeedsOperator;
        if may {
            (self.is_over, self.is_unanswered, self.misses) = (false, false, 0);
            // What is not found at once does not count yet.
            if step.at < self.counts_from {
                step.set_timer(TimerName::leg(leg, TimerPurpose::Settle), self.counts_from);
            }
        }
        may
    }

    fn give_up(&mut self, step: &mut Step<'_>, leg: Leg) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        step.cancel_timer(TimerName::leg(leg, TimerPurpose::Settle));
        match self.then() {
            Then::Person => step.notify(Notice::AskAgain { leg }),
            Then::Operator => step.tell_operator(leg, OperatorTask::Unsettled),
            Then::Again => {}
        }
    }

    fn then(&self) -> Then {
        match self.is_unanswered {
            true => Then::Operator,
            false => settlement(&self.operation).then,
        }
    }

    /// Whether the person may ask again.
    pub(crate) fn may_ask_again(&self) -> bool {
        self.is_over && self.then() == Then::Person
    }

    /// Whether it is to be made again.
    pub(crate) fn is_to_be_repeated(&self) -> bool {
        self.is_over && self.then() == Then::Again
    }

    /// Where its leg stands.
    pub(crate) fn status(&self) -> LegStatus {
        match (self.is_over, self.then()) {
            (true, Then::Person) => LegStatus::NeedsPerson,
            (true, Then::Operator) => LegStatus::NeedsOperator,
            _ => LegStatus::Open,
        }
    }
}
