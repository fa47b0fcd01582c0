//! FinPro's consents that nobody wants any more and that the person may yet approve: they are looked for, to be given back.

use jiff::Timestamp;
use provider_core::capability::ProviderReference;

use super::{Consent, FinPro, LEG, LOOK_UP};
use crate::machine::schedule::{last_look_up, set_look_up};
use crate::machine::settle::LostRequest;
use crate::machine::step::Step;
use crate::values::{
    AccountsPlan, ConsentNews, ConsentState, Correlation, Operation, OperatorTask, TimerName,
    TimerPurpose, later,
};

/// How often consents that were left open are looked for, by the times of a pending one: within eight days of the last.
const LOOKS_FOR_LEFT_OPEN: u32 = 12;

/// The next look for them.
const LEFT_OPEN: TimerName = TimerName::leg(LEG, TimerPurpose::LeftOpen);

impl FinPro {
    /// Nobody wants the consent any more, and the person may yet approve it at the aggregator: it is looked for, because no report may
    /// come.
    pub(super) fn leave_open(&mut self, step: &mut Step<'_>) {
        let attempt = self.attempts.number();
        match (&self.consent, self.attempts.reference().cloned()) {
            (_, Some(handle)) if self.is_open() => self.look_for(step, handle),
            // What was looked up in vain is not looked for in vain, unless nobody is left who would ask again.
            (Consent::Unsettled(unsettled), None)
                if self.stop.is_some() || !unsettled.is_absent() =>
            {
                let at = unsettled.since(step);
                self.lose(step, LostRequest { attempt, at });
            }
            _ => {}
        }
    }

    /// Nobody waits for a request any more that may have made a consent: it is looked for by what it carried. That takes the person's
    /// name, so that a person has to, once nobody may say it.
    pub(super) fn lose(&mut self, step: &mut Step<'_>, request: LostRequest) {
        if self.stop.is_some_and(|stop| !stop.may_name_person()) {
            return step.leave_request(LEG, OperatorTask::RevokeByHand, request);
        }
        if !self.lost.has(request.attempt) {
            self.lost.add(request);
            self.looks = 0;
            set_look_up(step, LEG, TimerPurpose::LeftOpen, &mut self.looks);
        }
    }

    /// No call may name the person any more: a person has to look.
    pub(crate) fn forget_person(&mut self, step: &mut Step<'_>) {
        let looks =
            |operation: &Operation| matches!(operation, Operation::FindRequestedConsent { .. });
        self.calls.give_up(step, LEG, self.attempts.number(), looks);
        for request in self.lost.take_if(|_| true) {
            step.leave_request(LEG, OperatorTask::RevokeByHand, request);
        }
        self.stop_looking(step);
    }

    /// Nothing is looked for any more, if nothing is left to be.
    pub(super) fn stop_looking(&mut self, step: &mut Step<'_>) {
        if self.left_open.is_empty() && self.lost.is_empty() {
            step.cancel_timer(LEFT_OPEN);
        }
    }

    pub(super) fn look_for(&mut self, step: &mut Step<'_>, handle: ProviderReference) {
        if !self.left_open.contains(&handle) {
            self.left_open.push(handle);
        }
        self.looks = 0;
        set_look_up(step, LEG, TimerPurpose::LeftOpen, &mut self.looks);
    }

    /// Looks for all that were left open, whatever the last look met.
    pub(super) fn find(&mut self, step: &mut Step<'_>) {
        let until = later(step.at, LOOK_UP);
        for handle in self.left_open.clone() {
            let look = Operation::FindConsent { handle };
            self.calls.begin_or_repeat(step, look, until);
        }
        for attempt in self.lost.attempts() {
            let correlation = step.correlation(LEG, attempt);
            let look = Operation::FindRequestedConsent { correlation };
            self.calls.begin_or_repeat(step, look, until);
        }
        if self.looks < LOOKS_FOR_LEFT_OPEN {
            set_look_up(step, LEG, TimerPurpose::LeftOpen, &mut self.looks);
        }
    }

    /// What the last look for a consent said is its end: one that the person has not approved is looked for no more.
    pub(super) fn looked(
        &mut self,
        step: &mut Step<'_>,
        handle: &ProviderReference,
        consents: &[ConsentNews],
    ) {
        let is_it = |news: &&ConsentNews| news.source.reference.as_ref() == Some(handle);
        let is_undecided = |news: &ConsentNews| news.state == ConsentState::Pending;
        let is_last = !step.is_set(LEFT_OPEN);
        if is_last && consents.iter().find(is_it).is_none_or(is_undecided) {
            self.closed(step, handle);
        }
    }

    /// What a look for a request said: the consent that it made, which is looked for by its handle from now on, or none.
    pub(super) fn looked_for_request(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        correlation: Correlation,
        consents: &[ConsentNews],
    ) {
        let attempt = correlation.attempt;
        let is_it = |news: &&ConsentNews| {
            news.source.correlation == Some(correlation) && news.source.reference.is_some()
        };
        let found = consents.iter().find(is_it);
        let is_last = !step.is_set(LEFT_OPEN);
        if found.is_some() || is_last {
            self.lost.remove(attempt);
        }
        let Some((news, handle)) = found.and_then(|it| Some((it, it.source.reference.clone()?)))
        else {
            return self.stop_looking(step);
        };
        // One that has ended is open to nobody.
        match news.state {
            ConsentState::Rejected | ConsentState::Revoked | ConsentState::Expired => {
                self.stop_looking(step);
            }
            _ => self.look_for(step, handle.clone()),
        }
        match attempt == self.attempts.number() {
            true => {
                self.attempts.adopt(&handle);
                self.observe_consent(step, plan, news);
            }
            false => {
                self.attempts.adopt_replaced(&handle);
                self.observe_replaced(step, news);
            }
        }
    }

    /// After the last look, what nobody could look up, or revoke because it had no id, is a person's to revoke.
    pub(super) fn end_looks(&mut self, step: &mut Step<'_>) {
        if step.is_set(LEFT_OPEN) {
            return;
        }
        let calls = &self.calls;
        let goes_on = |handle: &ProviderReference| {
            let handle = handle.clone();
            calls.goes_on(&Operation::FindConsent { handle })
        };
        let (kept, unknown): (Vec<_>, Vec<_>) = std::mem::take(&mut self.left_open)
            .into_iter()
            .partition(goes_on);
        self.left_open = kept;
        if !unknown.is_empty() {
            step.tell_operator(LEG, OperatorTask::RevokeByHand);
        }
        let lost = self.lost.take_if(|request| {
            let correlation = step.correlation(LEG, request.attempt);
            !calls.goes_on(&Operation::FindRequestedConsent { correlation })
        });
        for request in lost {
            step.leave_request(LEG, OperatorTask::RevokeByHand, request);
        }
        // A look that is held would be made again by an operator.
        let (left_open, lost) = (&self.left_open, &self.lost);
        let looks = |operation: &Operation| match operation {
            Operation::FindConsent { handle } => !left_open.contains(handle),
            Operation::FindRequestedConsent { correlation } => !lost.has(correlation.attempt),
            _ => false,
        };
        self.calls.give_up(step, LEG, self.attempts.number(), looks);
    }

    /// When consents that were left open are looked for the last time, if the next time is then.
    pub(crate) fn last_look(&self, next: Timestamp) -> Timestamp {
        last_look_up(next, self.looks, LOOKS_FOR_LEFT_OPEN)
    }

    /// What became of this attempt's consent is known.
    pub(super) fn own_closed(&mut self, step: &mut Step<'_>) {
        if let Some(handle) = self.attempts.reference().cloned() {
            self.closed(step, &handle);
        }
    }

    /// A consent that was left open is known to be approved or over.
    pub(super) fn closed(&mut self, step: &mut Step<'_>, handle: &ProviderReference) {
        self.left_open.retain(|open| open != handle);
        // A look that waits has nothing to find any more.
        let looks = |operation: &Operation| matches!(operation, Operation::FindConsent { handle: open } if open == handle);
        self.calls.give_up(step, LEG, self.attempts.number(), looks);
        self.stop_looking(step);
    }
}
