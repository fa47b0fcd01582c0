//! The calls that a leg waits for, and what their failures mean for it.

use jiff::{SignedDuration, Timestamp};
use provider_core::{Idempotency, Outcome};
use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::values::{
    Answer, EffectId, Fact, Failure, Leg, Operation, OperatorTask, Refusal, Seq, TimerName,
    TimerPurpose, later,
};

/// How often a call of which nothing was sent is made again (G5).
const MOST_TRIES: u32 = 6;

/// The calls of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Calls {
    waited_for: Vec<Call>,
    /// Calls that may have begun and are no longer waited for; their answers may still name what they opened.
    given_up: Vec<GivenUp>,
    slot: u32,
}

/// A call that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Call {
    /// Tells its retry timer from others.
    slot: u32,
    operation: Operation,
    seq: Seq,
    ordinal: u32,
    tries: u32,
    until: Timestamp,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// An effect.
    Asked,
    /// A timer is set for the next try.
    Waits,
    /// The credentials were refused.
    Blocked,
    /// The consent does not cover it.
    Uncovered,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct GivenUp {
    seq: Seq,
    ordinal: u32,
    attempt: u32,
    /// Whether it opens something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_opening: bool,
}

/// What the result of a call means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is not this leg's.
    Foreign,
    /// It is of a call of this attempt that is no longer waited for.
    GivenUp { attempt: u32, is_opening: bool },
    /// It changed nothing but the calls: another try comes, or an operator has to look.
    Handled,
    /// The answer.
    Answered(Operation, Answer),
    /// The provider refused it.
    Refused(Operation, Refusal),
    /// It is unsafe, and may have been done.
    Unsettled(Operation),
    /// It failed until its time was over, or too often.
    Failed(Operation),
}

impl Calls {
    /// Asks for a call, which is made again after failures until this time.
    pub(crate) fn begin(&mut self, step: &mut Step<'_>, operation: Operation, until: Timestamp) {
        self.slot = self.slot.saturating_add(1);
        let effect = step.call(operation.clone());
        self.waited_for.push(Call {
            slot: self.slot,
            operation,
            seq: effect.seq,
            ordinal: effect.ordinal,
            tries: 0,
            until,
            phase: Phase::Asked,
        });
    }

    /// As [`begin`](Self::begin), unless the same call is waited for. One that waits for an operator is made again, too.
    pub(crate) fn begin_or_repeat(
        &mut self,
        step: &mut Step<'_>,
        operation: Operation,
        until: Timestamp,
    ) {
        let mut calls = self.waited_for.iter_mut();
        match calls.find(|call| call.operation == operation) {
            Some(call) => {
                call.until = until;
                if call.is_held() {
                    call.tries = 0;
                    call.ask(step);
                }
            }
            None => self.begin(step, operation, until),
        }
    }

    /// As [`begin`](Self::begin), unless a call of the same name is waited for.
    pub(crate) fn begin_once(
        &mut self,
        step: &mut Step<'_>,
        operation: Operation,
        until: Timestamp,
    ) {
        if !self.waits_for(operation.name()) {
            self.begin(step, operation, until);
        }
    }

    /// Whether an effect is one of these calls, given up or not.
    pub(crate) fn knows(&self, effect: &EffectId) -> bool {
        let is_it = |seq: Seq, ordinal: u32| seq == effect.seq && ordinal == effect.ordinal;
        let mut calls = self.waited_for.iter();
        calls.any(|call| call.phase == Phase::Asked && is_it(call.seq, call.ordinal))
            || self
                .given_up
                .iter()
                .any(|past| is_it(past.seq, past.ordinal))
    }

    pub(crate) fn waits_for(&self, name: &str) -> bool {
        self.any(|operation| operation.name() == name)
    }

    /// Whether such a call is waited for.
    pub(crate) fn any(&self, which: impl Fn(&Operation) -> bool) -> bool {
        self.waited_for.iter().any(|call| which(&call.operation))
    }

    /// Whether this call goes on by itself: it is under way, or its next try is set.
    pub(crate) fn goes_on(&self, operation: &Operation) -> bool {
        let mut calls = self.waited_for.iter();
        calls.any(|call| call.operation == *operation && !call.is_held())
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.waited_for.iter().any(Call::is_held)
    }

    /// The calls that are made again once an operator says so.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Operation> {
        let held = self.waited_for.iter().filter(|call| call.is_held());
        held.map(|call| &call.operation)
    }

    /// Whether there is a call that the consent does not cover.
    pub(crate) fn is_uncovered(&self) -> bool {
        let mut calls = self.waited_for.iter();
        calls.any(|call| call.phase == Phase::Uncovered)
    }

    /// Whether an effect is a call that is waited for and needs a live consent, as [`Operation::needs_consent`] says.
    pub(crate) fn needs_consent(&self, effect: &EffectId) -> bool {
        self.waited_for.iter().any(|call| {
            call.phase == Phase::Asked
                && (call.seq, call.ordinal) == (effect.seq, effect.ordinal)
                && call.operation.needs_consent()
        })
    }

    /// The calls whose credentials were refused, and those that the consent did not cover, are made again.
    pub(crate) fn resume(&mut self, step: &mut Step<'_>) -> bool {
        let was_blocked = self.is_blocked();
        self.ask_again(step, Call::is_held);
        was_blocked
    }

    /// There is another consent: the calls that the last one did not cover are made again.
    pub(crate) fn consent_renewed(&mut self, step: &mut Step<'_>) {
        self.ask_again(step, |call| call.phase == Phase::Uncovered);
    }

    fn ask_again(&mut self, step: &mut Step<'_>, which: impl Fn(&Call) -> bool) {
        for call in &mut self.waited_for {
            if which(call) {
                call.tries = 0;
                call.ask(step);
            }
        }
    }

    /// Nothing of these is waited for any more. Those that have not begun are not made.
    pub(crate) fn give_up(
        &mut self,
        step: &mut Step<'_>,
        leg: Leg,
        attempt: u32,
        which: impl Fn(&Operation) -> bool,
    ) {
        let (given_up, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waited_for)
            .into_iter()
            .partition(|call| which(&call.operation));
        self.waited_for = kept;
        for call in given_up {
            match call.phase {
                Phase::Asked => {
                    step.cancel_call(call.seq, call.ordinal);
                    self.note_given_up(&call, attempt);
                }
                Phase::Waits => step.cancel_timer(retry(leg, call.slot)),
                Phase::Blocked | Phase::Uncovered => {}
            }
        }
    }

    fn note_given_up(&mut self, call: &Call, attempt: u32) {
        const REMEMBERED: usize = 32;
        if self.given_up.len() >= REMEMBERED {
            self.given_up.remove(0);
        }
        self.given_up.push(GivenUp {
            seq: call.seq,
            ordinal: call.ordinal,
            attempt,
            is_opening: call.operation.is_opening(),
        });
    }

    /// What a timer for another try leads to; whether there is such a call.
    pub(crate) fn retry(&mut self, step: &mut Step<'_>, slot: u32) -> bool {
        let mut calls = self.waited_for.iter_mut();
        match calls.find(|call| call.slot == slot && call.phase == Phase::Waits) {
            Some(call) => {
                call.ask(step);
                true
            }
            None => false,
        }
    }

    /// Takes the result of an effect.
    pub(crate) fn hear(
        &mut self,
        step: &mut Step<'_>,
        leg: Leg,
        attempt: u32,
        effect: &EffectId,
        fact: &Fact,
    ) -> Heard {
        let is_it = |seq: Seq, ordinal: u32| seq == effect.seq && ordinal == effect.ordinal;
        let mut calls = self.waited_for.iter();
        let Some(index) =
            calls.position(|call| call.phase == Phase::Asked && is_it(call.seq, call.ordinal))
        else {
            let mut past = self.given_up.iter();
            let Some(index) = past.position(|past| is_it(past.seq, past.ordinal)) else {
                return Heard::Foreign;
            };
            let past = self.given_up.get(index);
            let (attempt, is_opening) =
                past.map_or((attempt, false), |past| (past.attempt, past.is_opening));
            // An interruption is not the last word.
            if !matches!(fact, Fact::Interrupted { .. }) {
                self.given_up.remove(index);
            }
            return Heard::GivenUp {
                attempt,
                is_opening,
            };
        };
        let mut call = self.waited_for.remove(index);
        let failure = match fact {
            Fact::Answered { answer, .. } if call.operation.is_answered_by(answer) => {
                return Heard::Answered(call.operation, answer.clone());
            }
            // An answer to something else: it was done, and is not readable.
            Fact::Answered { .. } => Failure::unreadable(),
            Fact::Failed { failure, .. } => failure.clone(),
            _ => Failure::unknown(),
        };
        let is_unsafe = call.operation.idempotency() == Idempotency::Unsafe;
        match (failure.outcome, failure.refusal) {
            (Outcome::Refused, Some(Refusal::Credentials)) => {
                call.phase = Phase::Blocked;
                self.waited_for.push(call);
                step.tell_operator(leg, OperatorTask::Credentials);
                return Heard::Handled;
            }
            // The journey itself says what follows.
            (Outcome::NotSent, Some(Refusal::Consent | Refusal::Withdrawn))
                if call.operation.needs_consent() =>
            {
                return Heard::Handled;
            }
            (
                Outcome::NotSent,
                Some(Refusal::Consent | Refusal::Withdrawn | Refusal::NotCovered),
            ) => {
                call.phase = Phase::Uncovered;
                self.waited_for.push(call);
                step.tell_operator(leg, OperatorTask::Consent);
                return Heard::Handled;
            }
            (Outcome::Refused, Some(Refusal::RateLimited)) => {}
            (Outcome::Refused, refusal) => {
                return Heard::Refused(call.operation, refusal.unwrap_or(Refusal::Other));
            }
            (Outcome::Unknown | Outcome::Done, _) if is_unsafe => {
                // The answer may still come, from whoever was interrupted.
                self.note_given_up(&call, attempt);
                return Heard::Unsettled(call.operation);
            }
            (Outcome::NotSent | Outcome::Unknown | Outcome::Done, _) => {}
        }
        call.tries = call.tries.saturating_add(1);
        let wait = back_off(call.tries, failure.retry_after);
        // Of an opening somebody waits for the end; what gives something back has its time.
        let is_over = match is_unsafe && !call.operation.is_clean_up() {
            true => call.tries > MOST_TRIES,
            false => later(step.at, wait) > call.until,
        };
        if is_over {
            return Heard::Failed(call.operation);
        }
        call.phase = Phase::Waits;
        step.set_timer_after(retry(leg, call.slot), wait);
        self.waited_for.push(call);
        Heard::Handled
    }
}

impl Call {
    /// Whether it waits for an operator.
    fn is_held(&self) -> bool {
        matches!(self.phase, Phase::Blocked | Phase::Uncovered)
    }

    fn ask(&mut self, step: &mut Step<'_>) {
        let effect = step.call(self.operation.clone());
        (self.seq, self.ordinal) = (effect.seq, effect.ordinal);
        self.phase = Phase::Asked;
    }
}

/// Whether an unsafe call of which this is heard may have been done, and nobody says what it opened.
pub(crate) fn may_be_done(fact: &Fact) -> bool {
    match fact {
        Fact::Failed { failure, .. } => matches!(failure.outcome, Outcome::Unknown | Outcome::Done),
        Fact::Interrupted { .. } => true,
        _ => false,
    }
}

impl Operation {
    /// Whether an answer is one to this operation.
    pub(crate) const fn is_answered_by(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (
                Self::OpenDocuments { .. }
                    | Self::RequestConsent { .. }
                    | Self::OpenAccounts { .. }
                    | Self::CreateSession { .. },
                Answer::Opened { .. }
            ) | (
                Self::CompleteAuthorization { .. },
                Answer::Authorized { .. }
            ) | (Self::ListIssuedFiles { .. }, Answer::Files { .. })
                | (
                    Self::FetchEAadhaar { .. } | Self::FetchFile { .. },
                    Answer::File
                )
                | (Self::CheckProfile { .. }, Answer::Profiles { .. })
                | (Self::ReadLink { .. }, Answer::Link)
                | (
                    Self::ListConsents { .. }
                        | Self::FindConsent { .. }
                        | Self::FindRequestedConsent { .. },
                    Answer::Consents { .. }
                )
                | (Self::DecryptReturn { .. }, Answer::ReturnRead { .. })
                | (Self::RequestData { .. }, Answer::DataRequested { .. })
                | (Self::DataStatus { .. }, Answer::DataStatus { .. })
                | (Self::FetchData { .. }, Answer::AccountData)
                | (Self::FetchReports { .. }, Answer::Reports { .. })
                | (Self::RefreshData { .. }, Answer::Refreshing { .. })
                | (
                    Self::ReadDecision { .. }
                        | Self::ListAttempts { .. }
                        | Self::SubmitSession { .. },
                    Answer::SessionState { .. }
                )
                | (
                    Self::RevokeConsent { .. }
                        | Self::RecordConsent { .. }
                        | Self::ReadDecision { .. }
                        | Self::SubmitSession { .. }
                        | Self::SendOneTimeCode { .. }
                        | Self::CheckOneTimeCode { .. }
                        | Self::DeleteSession { .. },
                    Answer::Done
                )
        )
    }
}

fn retry(leg: Leg, slot: u32) -> TimerName {
    TimerName::leg(leg, TimerPurpose::Retry(slot))
}

/// 30 s, doubled with each try, 1 h at most, and no less than the provider asked for.
fn back_off(tries: u32, retry_after: Option<u32>) -> SignedDuration {
    let doubled = 30_i64.saturating_mul(2_i64.saturating_pow(tries.saturating_sub(1).min(7)));
    let asked = retry_after.map_or(0, |seconds| i64::from(seconds.min(24 * 3_600)));
    SignedDuration::from_secs(doubled.min(3_600).max(asked))
}
