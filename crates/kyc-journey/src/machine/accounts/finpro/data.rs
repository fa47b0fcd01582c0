//! FinPro's data sessions, under a consent that is active.

use jiff::SignedDuration;
use provider_core::capability::ProviderReference;
use serde::{Deserialize, Serialize};

use super::{Consent, FinPro, LEG, LOOK_UP};
use crate::machine::schedule::{doubling, next};
use crate::machine::settle::Unsettled;
use crate::machine::step::Step;
use crate::values::{
    AccountsPlan, Blame, ConsentNews, ConsentState, DataNews, DataState, LegStatus, Operation,
    OperatorTask, Reason, Source, TimerName, TimerPurpose, later,
};

/// How long after a failed session another one is requested.
const AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// How long a session may live that may have been opened.
const SESSION: SignedDuration = SignedDuration::from_hours(24);

/// How many sessions are requested in place of failed ones.
const MOST_AGAIN: u8 = 3;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Data {
    #[default]
    Idle,
    Asking,
    Unsettled(Unsettled),
    Waiting,
    Fetching,
    /// A timer is set for another session.
    Again,
    Ready,
    Partial,
    Denied,
    Failed(Blame),
}

impl Data {
    pub(super) fn status(&self) -> LegStatus {
        match self {
            Self::Idle | Self::Asking | Self::Waiting | Self::Fetching | Self::Again => {
                LegStatus::Open
            }
            Self::Unsettled(unsettled) => unsettled.status(),
            Self::Ready => LegStatus::Ready,
            Self::Partial => LegStatus::Partial,
            Self::Denied => LegStatus::NeedsPerson,
            Self::Failed(blame) => blame.status(),
        }
    }
}

impl FinPro {
    pub(super) fn is_active(&self) -> bool {
        self.consent == Consent::Active && self.stop.is_none()
    }

    /// The session is over, and what is said of it later is about a replaced one.
    pub(super) fn retire_session(&mut self) {
        const REMEMBERED: usize = 64;
        if self.past_sessions.len() >= REMEMBERED {
            self.past_sessions.remove(0);
        }
        self.past_sessions.extend(self.session.take());
    }

    pub(super) fn request_data(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        let Some(consent) = self.consent_id.clone() else {
            return;
        };
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
        let since = later(step.at, SignedDuration::from_hours(-30 * 24));
        self.requested_at.retain(|at| *at > since);
        let count = u32::try_from(self.requested_at.len()).unwrap_or(u32::MAX);
        if plan.sessions_a_month.is_some_and(|most| count >= most) {
            step.tell_operator(LEG, OperatorTask::FairUse);
            return self.fail_data(step, Blame::Operator);
        }
        if plan.sessions_a_month.is_some() {
            self.requested_at.push(step.at);
        }
        self.retire_session();
        self.is_partial = false;
        self.data = Data::Asking;
        let until = step.at;
        self.calls
            .begin(step, Operation::RequestData { consent }, until);
    }

    /// A session is under way.
    pub(super) fn wait(&mut self, step: &mut Step<'_>, session: Option<&ProviderReference>) {
        for purpose in [TimerPurpose::Settle, TimerPurpose::Again] {
            step.cancel_timer(TimerName::leg(LEG, purpose));
        }
        if let Some(session) = session {
            self.session = Some(session.clone());
        }
        self.data = Data::Waiting;
        self.polls = 0;
        self.poll_later(step);
    }

    /// 5, 10, 20 s …, at most 10 minutes.
    pub(super) fn poll_later(&mut self, step: &mut Step<'_>) {
        let wait = doubling(5, 600, self.polls);
        self.polls = self.polls.saturating_add(1);
        step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Poll), wait);
    }

    pub(super) fn ask_status(&mut self, step: &mut Step<'_>) {
        if let Some(consent) = self.consent_id.clone() {
            let session = self.session.clone();
            let until = later(step.at, LOOK_UP);
            self.calls
                .begin_once(step, Operation::DataStatus { consent, session }, until);
        }
    }

    /// What a status call says. It says where the session is; a report that has said more is believed.
    pub(super) fn status_read(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        news: &DataNews,
    ) {
        match (&mut self.data, news.state) {
            (Data::Waiting, DataState::Pending | DataState::Unknown) => {
                self.session = self.session.take().or_else(|| news.session.clone());
                if news.state == DataState::Unknown {
                    step.kept(Reason::UnknownWord);
                }
                self.poll_later(step);
            }
            // A session of before the request whose outcome is unknown says nothing about it.
            (Data::Unsettled(unsettled), state)
                if state == DataState::Unknown
                    || match &news.session {
                        Some(session) => self.past_sessions.contains(session),
                        None => !self.past_sessions.is_empty(),
                    } =>
            {
                unsettled.miss(step, LEG);
                self.repeat_if_over(step);
            }
            (Data::Unsettled(_), DataState::Pending) => self.wait(step, news.session.as_ref()),
            _ => self.observe_data(step, plan, news),
        }
    }

    pub(super) fn status_missed(&mut self, step: &mut Step<'_>) {
        match &mut self.data {
            Data::Unsettled(unsettled) => {
                unsettled.miss(step, LEG);
                self.repeat_if_over(step);
            }
            Data::Waiting => self.poll_later(step),
            _ => {}
        }
    }

    pub(super) fn repeat_if_over(&mut self, step: &mut Step<'_>) {
        if matches!(&self.data, Data::Unsettled(unsettled) if unsettled.is_to_be_repeated()) {
            self.data = Data::Again;
            step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Again), SESSION);
        }
    }

    /// What a webhook or a status call says about a data session of this attempt's consent.
    pub(super) fn observe_data(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        news: &DataNews,
    ) {
        if news.state == DataState::Unknown {
            return step.kept(Reason::UnknownWord);
        }
        if self.stop.is_some() {
            return step.discarded(Reason::LegEnded);
        }
        if let Some(handle) = &news.source.reference {
            self.attempts.adopt(handle);
        }
        match &self.consent {
            Consent::Active | Consent::Paused => {}
            Consent::Requesting
            | Consent::Unsettled(_)
            | Consent::Pending { .. }
            | Consent::Abandoned => {
                // Data is fetched by a consent that has been approved.
                self.adopted(step);
                self.is_fetched_unasked = true;
                let Some(consent) = &news.consent else {
                    return self.needs_id(step, plan);
                };
                let approval = ConsentNews::new(Source::default(), ConsentState::Active)
                    .set_consent(Some(consent.clone()));
                self.approved(step, &approval);
                self.consent = Consent::Active;
                self.wait(step, None);
            }
            Consent::Idle | Consent::Discovering => return step.discarded(Reason::NotExpected),
            _ => return step.late(Reason::LegEnded),
        }
        let other = match (&news.session, &self.session) {
            (Some(session), _) if self.past_sessions.contains(session) => {
                return step.late(Reason::ReplacedAttempt);
            }
            (Some(session), Some(known)) => session != known,
            _ => false,
        };
        let is_there = news.state == DataState::Ready
            || news.state == DataState::TimedOut && news.delivered > 0;
        let mut is_known = true;
        let is_repeated = plan.every.is_some() || plan.fetches_by_itself;
        match &self.data {
            // A session that nobody here asked for is as good as another, once it has data.
            Data::Asking | Data::Unsettled(_) | Data::Idle => {
                let requests = |operation: &Operation| {
                    matches!(
                        operation,
                        Operation::RequestData { .. } | Operation::DataStatus { .. }
                    )
                };
                self.calls
                    .give_up(step, LEG, self.attempts.number(), requests);
                self.wait(step, news.session.as_ref());
                is_known = false;
            }
            Data::Waiting | Data::Again if !other || is_there => {}
            Data::Fetching if !other && news.state == DataState::Deleted => {
                return self.data_deleted(step, plan);
            }
            Data::Fetching if !other => return step.late(Reason::LowerRank),
            Data::Ready | Data::Partial if other && is_there && is_repeated => {}
            Data::Ready | Data::Partial => return step.late(Reason::Known),
            Data::Denied | Data::Failed(_) if is_there => {}
            Data::Denied | Data::Failed(_) => return step.late(Reason::LowerRank),
            _ => return step.kept(Reason::ForeignSession),
        }
        if other {
            self.retire_session();
        }
        self.session = self.session.take().or_else(|| news.session.clone());
        match news.state {
            _ if is_there => {
                let is_short = news.accounts > 0 && news.delivered < news.accounts;
                self.is_partial = news.state == DataState::TimedOut || is_short;
                self.calls
                    .give_up(step, LEG, self.attempts.number(), |operation| {
                        matches!(operation, Operation::DataStatus { .. })
                    });
                if let Some(until) = news.until {
                    step.set_timer(TimerName::leg(LEG, TimerPurpose::DataExpiry), until);
                }
                self.fetch(step);
            }
            DataState::Pending if is_known => step.late(Reason::Known),
            DataState::Pending => {}
            _ if matches!(self.data, Data::Again) => step.late(Reason::Known),
            DataState::Denied => {
                self.end_data(step);
                self.data = Data::Denied;
            }
            _ => self.session_failed(step),
        }
    }

    pub(super) fn fetch(&mut self, step: &mut Step<'_>) {
        for purpose in [
            TimerPurpose::Poll,
            TimerPurpose::Again,
            TimerPurpose::Periodic,
        ] {
            step.cancel_timer(TimerName::leg(LEG, purpose));
        }
        self.data = Data::Fetching;
        if let (true, Some(consent)) = (self.is_active(), self.consent_id.clone()) {
            let session = self.session.clone();
            let until = later(step.at, LOOK_UP);
            self.calls
                .begin_once(step, Operation::FetchData { consent, session }, until);
        }
    }

    /// A session failed, or ran out of time: another one is requested after a while.
    pub(super) fn session_failed(&mut self, step: &mut Step<'_>) {
        self.again = self.again.saturating_add(1);
        self.end_data(step);
        match self.again <= MOST_AGAIN {
            true => {
                self.data = Data::Again;
                step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Again), AGAIN);
            }
            false => self.fail_data(step, Blame::Person),
        }
    }

    /// The provider has deleted what it held for us.
    pub(super) fn data_deleted(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        self.again = self.again.saturating_add(1);
        self.end_data(step);
        match &self.consent {
            _ if self.again > MOST_AGAIN => self.fail_data(step, Blame::Person),
            Consent::Active => self.request_data(step, plan),
            // When it is active again.
            Consent::Paused => self.data = Data::Again,
            _ => self.fail_data(step, Blame::Person),
        }
    }

    pub(super) fn fail_data(&mut self, step: &mut Step<'_>, blame: Blame) {
        self.end_data(step);
        self.data = Data::Failed(blame);
    }

    pub(super) fn end_data(&mut self, step: &mut Step<'_>) {
        self.calls
            .give_up(step, LEG, self.attempts.number(), |operation| {
                matches!(
                    operation,
                    Operation::RequestData { .. }
                        | Operation::DataStatus { .. }
                        | Operation::FetchData { .. }
                )
            });
        for purpose in [
            TimerPurpose::Poll,
            TimerPurpose::Again,
            TimerPurpose::DataExpiry,
            TimerPurpose::Settle,
            TimerPurpose::Periodic,
        ] {
            step.cancel_timer(TimerName::leg(LEG, purpose));
        }
    }

    pub(super) fn fetched(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if !matches!(self.data, Data::Fetching) {
            return step.late(Reason::Known);
        }
        step.keep_payload();
        self.end_data(step);
        self.again = 0;
        self.data = match self.is_partial {
            true => Data::Partial,
            false => Data::Ready,
        };
        if let Some(life) = plan.data_life {
            step.set_timer_after(TimerName::leg(LEG, TimerPurpose::DataLife), life);
        }
        self.set_periodic(step, plan);
    }

    pub(super) fn set_periodic(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        if let Some(every) = plan.every {
            step.set_timer(
                TimerName::leg(LEG, TimerPurpose::Periodic),
                next(step.at, every),
            );
        }
    }
}
