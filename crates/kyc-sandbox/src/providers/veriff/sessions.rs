//! The sessions as they go on: by requests, by their person's pages, by script, and by the passing of time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::options::{Reviews, SESSION_DECISIONS, Screening};
use super::{TOKEN, Veriff, mfa};
use crate::state::{
    ATTEMPT_MS, Decided, DecisionStatus, JourneyId, MobileScript, NOTICE_HELD_MS, NameScript,
    PeopleAct, Phase, Planned, Progress, Provider, RESUBMISSIONS, Room, SCREENED_AGAIN_MS, Through,
    Timer, Verification, VerificationStep,
};

/// Who is to be verified, as far as the caller said.
#[derive(Debug, Default)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Given {
    pub(crate) vendor_data: Option<String>,
    pub(crate) end_user_id: Option<String>,
    pub(crate) callback: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) date_of_birth: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) document: Option<String>,
}

/// A status that somebody gave a session in the portal.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct PortalStatus {
    pub(crate) attempt: usize,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) at_ms: i64,
}

/// What screening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Screened {
    pub(crate) at_ms: i64,
    pub(crate) is_match: bool,
    pub(crate) is_update: bool,
}

/// What is remembered of a session.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Session {
    pub(crate) given: Arc<Given>,
    pub(crate) script: Option<NameScript>,
    /// What the mobile number says that the caller gave.
    pub(crate) mobile: Option<MobileScript>,
    pub(crate) verification: Verification,
    pub(crate) journey: Option<JourneyId>,
    pub(crate) deleted: bool,
    /// What was uploaded, with the number of its attempt, oldest first.
    pub(crate) media: Vec<(usize, Uuid)>,
    pub(super) passwords: mfa::Passwords,
    pub(super) screened: Option<Screened>,
    pub(crate) portal_statuses: Vec<PortalStatus>,
    /// What the forms of the session's pages carry; none before the first page.
    pub(crate) form_token: Option<Uuid>,
}

impl Session {
    pub(crate) fn new(opened_ms: i64) -> Self {
        Self {
            given: Arc::default(),
            script: None,
            mobile: None,
            verification: Verification::new(opened_ms),
            journey: None,
            deleted: false,
            media: Vec::new(),
            passwords: mfa::Passwords::default(),
            screened: None,
            portal_statuses: Vec::new(),
            form_token: None,
        }
    }

    /// The names of the person: as given, else invented.
    pub(crate) fn names(&self) -> (&str, &str) {
        let given = &self.given;
        match (&given.first_name, &given.last_name) {
            (None, None) => ("Sample", "Person"),
            (first, last) => (
                first.as_deref().unwrap_or("Sample"),
                last.as_deref().unwrap_or("Person"),
            ),
        }
    }

    /// The country and the kind of the document: as chosen, else as given, else invented.
    pub(crate) fn document(&self) -> (&str, &str) {
        let chosen = self.verification.progress().and_then(|p| p.document);
        chosen.unwrap_or((
            self.given.country.as_deref().unwrap_or("IN"),
            self.given.document.as_deref().unwrap_or("PASSPORT"),
        ))
    }
}

/// When sessions end, and of which journeys they are, earliest first.
#[derive(Debug)]
pub(super) struct Ends {
    room: Room,
    ends: Mutex<VecDeque<End>>,
}

type End = (i64, Option<JourneyId>, Uuid);

impl Ends {
    /// Those that were kept in the room.
    pub(super) fn new(room: Room) -> Self {
        let kept = room.take::<(i64, Uuid), Option<JourneyId>>().into_iter();
        let ends = kept.map(|((at_ms, session), journey)| (at_ms, journey, session));
        Self {
            ends: Mutex::new(ends.collect()),
            room,
        }
    }

    /// Whether it is the only one. The oldest are forgotten beyond the capacity.
    fn add(&self, at_ms: i64, journey: Option<JourneyId>, session: Uuid, capacity: usize) -> bool {
        let mut ends = self.lock();
        self.room.put(&(at_ms, session), &journey);
        ends.push_back((at_ms, journey, session));
        if ends.len() > capacity {
            self.pop(&mut ends);
        }
        ends.len() == 1
    }

    fn take_due(&self, now_ms: i64) -> Option<Uuid> {
        let mut ends = self.lock();
        let is_due = ends.front().is_some_and(|(at_ms, ..)| *at_ms <= now_ms);
        let due = is_due.then(|| self.pop(&mut ends)).flatten();
        due.map(|(.., id)| id)
    }

    fn pop(&self, ends: &mut VecDeque<End>) -> Option<End> {
        let end = ends.pop_front()?;
        self.room.remove(&(end.0, end.2));
        Some(end)
    }

    /// Those of a journey, or all.
    fn of(&self, journey: Option<JourneyId>) -> Vec<(i64, Uuid)> {
        let ends = self.lock();
        let ends = ends
            .iter()
            .filter(|(_, of, _)| journey.is_none() || *of == journey);
        ends.map(|(at_ms, _, id)| (*at_ms, *id)).collect()
    }

    fn next_ms(&self) -> Option<i64> {
        self.lock().front().map(|(at_ms, ..)| *at_ms)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<End>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Veriff {
    /// The time on the sandbox's clock.
    pub(crate) fn now_ms(&self) -> i64 {
        self.simulation.now_ms()
    }

    /// The session whose page has this token, and what the page's forms carry. None for one that was not opened, or was deleted.
    pub(crate) fn open_page(&self, token: &str) -> Option<(Uuid, Uuid)> {
        let id = Uuid::try_parse(token.strip_prefix(TOKEN)?).ok()?;
        let opened = self.sessions.get(&id)?;
        // Not of the ids that replies have.
        let new = || Uuid::new_v4();
        (!opened.deleted).then(|| {
            let token = self.change(id, |session| *session.form_token.get_or_insert_with(new));
            (id, token)
        })
    }

    /// The session of this id, which every UUID has; whether it may be spoken of is another question.
    pub(crate) fn find(&self, id: Uuid) -> Session {
        self.sessions.get(&id).unwrap_or_else(|| self.untouched(id))
    }

    /// A session that nobody has done anything about.
    fn untouched(&self, id: Uuid) -> Session {
        let mut session = Session::new(self.started_ms);
        let listed = |(listed, _): &&(&str, _)| Uuid::try_parse(listed) == Ok(id);
        if let Some((_, decision)) = SESSION_DECISIONS.iter().find(listed) {
            let verification = &mut session.verification;
            verification.decide(self.started_ms, *decision, None);
        }
        session
    }

    pub(super) fn change<R>(&self, id: Uuid, change: impl FnOnce(&mut Session) -> R) -> R {
        self.sessions.replace(id, |known| {
            let mut session = known.cloned().unwrap_or_else(|| self.untouched(id));
            let result = change(&mut session);
            (session, result)
        })
    }

    /// Opens a session.
    pub(super) fn open(&self, id: Uuid, session: Session) {
        let at_ms = self.simulation.now_ms();
        self.sessions.update(id, |_| session.clone());
        self.ends_after(at_ms, session.journey, id);
        self.plan(at_ms, id, &session);
    }

    fn ends_after(&self, at_ms: i64, journey: Option<JourneyId>, id: Uuid) {
        let end_ms = at_ms.saturating_add(ATTEMPT_MS);
        let capacity = *self.settings.consent_capacity();
        if self.ends.add(end_ms, journey, id, capacity) {
            self.at(end_ms, None, Timer::VerificationsEnd);
        }
    }

    fn at(&self, at_ms: i64, journey: Option<JourneyId>, timer: Timer) {
        self.simulation.at(at_ms, Provider::Veriff, journey, timer);
    }

    fn step_at(&self, at_ms: i64, id: Uuid, session: &Session, step: VerificationStep) {
        let timer = Timer::Verification {
            session: id,
            turn: session.verification.turn(),
            step,
        };
        self.at(at_ms, session.journey, timer);
    }

    /// Plans what happens next by itself.
    fn plan(&self, at_ms: i64, id: Uuid, session: &Session) {
        let verification = &session.verification;
        let phase = verification.phase();
        let plain_ms = match self.settings.decision_after() {
            Some(after) => i64::try_from(after.as_millis()).ok(),
            None => None,
        };
        let after_ms = match phase {
            Phase::Created | Phase::Started => session
                .script
                .filter(|_| self.acts_by_script())
                .and_then(|script| script.next_step_ms(phase, verification.number())),
            Phase::Submitted(_) => {
                let outcome = verification.outcome(session.script, plain_ms.unwrap_or(0));
                (session.script.is_some() || plain_ms.is_some()).then_some(outcome.after_ms)
            }
            Phase::Decided(decided) => session
                .script
                .and_then(|script| script.changes_later(decided))
                .map(|(after_ms, ..)| after_ms),
        };
        if let Some(after_ms) = after_ms {
            let at_ms = at_ms.saturating_add(after_ms);
            self.step_at(at_ms, id, session, VerificationStep::Next);
        }
    }

    /// Whether scripted persons act by themselves.
    fn acts_by_script(&self) -> bool {
        self.simulation.people_act == PeopleAct::ByScript
    }

    /// The person comes.
    pub(crate) fn start(&self, at_ms: i64, id: Uuid) -> bool {
        let (started, session) = self.change(id, |session| {
            (session.verification.start(), session.clone())
        });
        if started {
            let journey = session.journey;
            self.simulation
                .step(Provider::Veriff, journey, "opened the verification");
            self.tell_event(id, &session, 7001, "started");
            self.plan(at_ms, id, &session);
        }
        started
    }

    /// The person says more on the pages.
    pub(crate) fn proceed(
        &self,
        id: Uuid,
        words: &str,
        change: impl FnOnce(&mut Progress),
    ) -> bool {
        let (proceeded, journey) = self.change(id, |session| {
            (session.verification.proceed(change), session.journey)
        });
        if proceeded {
            self.simulation.step(Provider::Veriff, journey, words);
        }
        proceeded
    }

    /// Everything is handed in. `false` if it was before.
    pub(crate) fn submit(&self, at_ms: i64, id: Uuid, through: Through) -> bool {
        let (submitted, session) = self.change(id, |session| {
            (session.verification.submit(through), session.clone())
        });
        if submitted {
            self.submitted(at_ms, id, &session);
        }
        submitted
    }

    /// What follows once everything was handed in.
    pub(super) fn submitted(&self, at_ms: i64, id: Uuid, session: &Session) {
        let number = session.verification.number();
        let words = format!("handed in attempt {number}");
        self.simulation
            .step(Provider::Veriff, session.journey, &words);
        self.tell_event(id, session, 7002, "submitted");
        let reviewed = session.script == Some(NameScript::Review);
        if reviewed && *self.settings.reviews() == Reviews::Told {
            self.conclude(at_ms, id, DecisionStatus::Review, None);
        } else {
            self.plan(at_ms, id, session);
        }
    }

    /// Decides, and tells of it.
    pub(super) fn conclude(
        &self,
        at_ms: i64,
        id: Uuid,
        status: DecisionStatus,
        reason_code: Option<u16>,
    ) {
        let (before, decided, mut session) = self.change(id, |session| {
            let before = session.verification.phase();
            let decided = session.verification.decide(at_ms, status, reason_code);
            (before, decided, session.clone())
        });
        let words = format!("decided: {}", decided.status.pair().0);
        self.simulation
            .change(Provider::Veriff, session.journey, &words);
        let again = decided.status == DecisionStatus::ResubmissionRequested;
        if again {
            self.ends_after(at_ms, session.journey, id);
        }
        if again && before == Phase::Submitted(Through::Pages) {
            let told_ms = at_ms.saturating_add(NOTICE_HELD_MS);
            let attempt = u8::try_from(session.verification.number()).unwrap_or(u8::MAX);
            let step = VerificationStep::TellResubmission { attempt };
            self.step_at(told_ms, id, &session, step);
        } else if session.script != Some(NameScript::Silent) {
            self.tell_decision(id, &session);
        }
        if matches!(
            decided.status,
            DecisionStatus::Approved | DecisionStatus::Declined
        ) {
            self.screen(at_ms, id, &mut session);
        }
        match decided.status {
            // What it is after the review.
            DecisionStatus::Review if session.script == Some(NameScript::Review) => {
                let outcome = session.verification.outcome(session.script, 0);
                let at_ms = at_ms.saturating_add(outcome.after_ms);
                self.step_at(at_ms, id, &session, VerificationStep::Next);
            }
            _ => self.plan(at_ms, id, &session),
        }
    }

    /// Screens the person, once a session.
    fn screen(&self, at_ms: i64, id: Uuid, session: &mut Session) {
        if session.screened.is_some() {
            return;
        }
        let screened = Screened {
            at_ms,
            is_match: *self.settings.screening() == Screening::PossibleMatch
                || session.script == Some(NameScript::Watch),
            is_update: false,
        };
        self.change(id, |session| session.screened = Some(screened));
        session.screened = Some(screened);
        self.tell_screening(id, session);
        if session.script == Some(NameScript::Rewatch) {
            let again_ms = at_ms.saturating_add(SCREENED_AGAIN_MS);
            self.step_at(again_ms, id, session, VerificationStep::ScreenAgain);
        }
    }

    /// What comes of a timer, but of the one by which [sessions end](Self::planned_ends).
    pub(super) fn comes_of(&self, timer: &Timer) -> Option<&'static str> {
        let Timer::Verification {
            session,
            turn,
            step,
        } = timer
        else {
            return None;
        };
        let session = self.find(*session);
        let verification = &session.verification;
        let comes = match step {
            VerificationStep::ScreenAgain => Some("screened"),
            VerificationStep::TellResubmission { attempt } => {
                let is_told =
                    verification.number() == usize::from(*attempt) && verification.is_open();
                is_told.then_some("notice")
            }
            VerificationStep::Next if verification.turn() != *turn => None,
            VerificationStep::Next if verification.is_open() => Some("step"),
            VerificationStep::Next => Some("decision"),
        };
        comes.filter(|_| !session.deleted)
    }

    /// When the sessions of a journey, or all, end whose person does nothing more, earliest first.
    pub(crate) fn planned_ends(&self, journey: Option<JourneyId>) -> impl Iterator<Item = Planned> {
        self.ends.of(journey).into_iter().filter_map(|(at_ms, id)| {
            let session = self.sessions.get(&id)?;
            let status = session.verification.lapses(at_ms)?;
            (!session.deleted).then_some(Planned {
                at_ms,
                journey: session.journey,
                event: status.pair().0,
            })
        })
    }

    /// What happens when a timer is due.
    pub(super) fn timer_due(&self, at_ms: i64, timer: &Timer) {
        let (id, turn, step) = match *timer {
            Timer::VerificationsEnd => return self.end_due(at_ms),
            Timer::Verification {
                session,
                turn,
                step,
            } => (session, turn, step),
            _ => return,
        };
        let session = self.find(id);
        if session.deleted {
            return;
        }
        let is_next = session.verification.turn() == turn;
        match step {
            VerificationStep::ScreenAgain => {
                let screened = Screened {
                    at_ms,
                    is_match: true,
                    is_update: true,
                };
                let session = self.change(id, |session| {
                    session.screened = Some(screened);
                    session.clone()
                });
                let words = "screened again: a possible match";
                self.simulation
                    .change(Provider::Veriff, session.journey, words);
                self.tell_screening(id, &session);
            }
            // Whoever has handed in again needs no notice.
            VerificationStep::TellResubmission { attempt }
                if session.verification.number() == usize::from(attempt)
                    && session.verification.is_open() =>
            {
                self.tell_decision(id, &session);
            }
            VerificationStep::Next if is_next => self.go_on(at_ms, id, &session),
            _ => {}
        }
    }

    fn go_on(&self, at_ms: i64, id: Uuid, session: &Session) {
        let outcome = || session.verification.outcome(session.script, 0);
        match session.verification.phase() {
            Phase::Created => {
                self.start(at_ms, id);
            }
            Phase::Started => {
                self.submit(at_ms, id, Through::Pages);
            }
            Phase::Submitted(_) => {
                let outcome = outcome();
                self.conclude(at_ms, id, outcome.status, outcome.reason_code);
            }
            Phase::Decided(Decided {
                status: DecisionStatus::Review,
                ..
            }) => self.conclude(at_ms, id, outcome().status, None),
            Phase::Decided(decided) => {
                let later = session.script.and_then(|s| s.changes_later(decided));
                if let Some((_, status, reason_code)) = later {
                    self.conclude(at_ms, id, status, Some(reason_code));
                }
            }
        }
    }

    /// Ends the sessions whose person did not come, or did not finish.
    fn end_due(&self, now_ms: i64) {
        while let Some(id) = self.ends.take_due(now_ms) {
            let session = self.sessions.get(&id).filter(|session| !session.deleted);
            let status = session.and_then(|session| session.verification.lapses(now_ms));
            if let Some(status) = status {
                self.conclude(now_ms, id, status, None);
            }
        }
        if let Some(next_ms) = self.ends.next_ms() {
            self.at(next_ms, None, Timer::VerificationsEnd);
        }
    }

    /// Gives a session a status of the portal's, and tells of it.
    pub(crate) fn set_portal_status(
        &self,
        session_id: &str,
        status: &str,
        reason: Option<&str>,
    ) -> bool {
        let Some(id) = self.known(session_id) else {
            return false;
        };
        let at_ms = self.simulation.now_ms();
        let (made, session) = self.change(id, |session| {
            let made = PortalStatus {
                attempt: session.verification.number(),
                status: status.to_owned(),
                reason: reason.map(str::to_owned),
                at_ms,
            };
            session.portal_statuses.push(made.clone());
            (made, session.clone())
        });
        self.tell_portal_status(id, &session, &made);
        true
    }

    /// Where the person of a session came back to, once an attempt was handed in.
    pub(crate) fn returned(&self, session_id: &str) -> Option<String> {
        let session = self.find(self.known(session_id)?);
        let is_back = session.verification.was_handed_in();
        is_back.then(|| session.given.callback.clone()).flatten()
    }

    /// The session of this id, unless it is no UUID or was deleted.
    pub(super) fn known(&self, session_id: &str) -> Option<Uuid> {
        let id = Uuid::try_parse(session_id).ok()?;
        (!self.find(id).deleted).then_some(id)
    }

    /// Which attempt of which session has this id.
    pub(super) fn session_of(&self, attempt: Uuid) -> (Uuid, usize) {
        // The operation that makes an attempt of a session makes a session of an attempt.
        let last = RESUBMISSIONS.saturating_add(1);
        let of = |number| (Self::attempt(attempt, number), number);
        let has = |(session, number): &(Uuid, usize)| {
            self.find(*session).verification.number() >= *number
        };
        (2..=last).rev().map(of).find(has).unwrap_or_else(|| of(1))
    }
}
