//! Documents from DigiLocker, by Deepvue.

use jiff::SignedDuration;
use provider_core::capability::ProviderReference;
use serde::{Deserialize, Serialize};

use super::attempts::Attempts;
use super::calls::{Calls, Heard};
use super::settle::Unsettled;
use super::step::Step;
use crate::values::{
    Answer, Blame, DataClass, DocumentKind, DocumentsPlan, Event, Fact, FoundFile, Leg, LegStatus,
    Notice, Operation, OperatorTask, Reason, Return, ReturnEnd, Seq, Stop, TimerName, TimerPurpose,
    Verdict, later,
};

const LEG: Leg = Leg::Documents;

/// How long the token lives that the provider holds after the authorisation.
const ACCESS: SignedDuration = SignedDuration::from_hours(1);

/// How many documents of a list are fetched: nobody has as many of the wanted kinds.
const MOST_FILES: usize = 64;

/// The leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Documents {
    state: State,
    attempts: Attempts,
    calls: Calls,
    /// A return that came before the session's id.
    early: Option<EarlyReturn>,
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
    Exchanging,
    Probing,
    Fetching(Fetching),
    Refused,
    Abandoned,
    /// The code did not work.
    CodeFailed,
    Ready,
    Partial {
        missing: Vec<DocumentKind>,
    },
    Failed(Blame),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct EarlyReturn {
    end: ReturnEnd,
    /// The event whose payload is the code.
    code: Option<Seq>,
}

/// What is fetched after the authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Fetching {
    /// What is on its way: the list (`None`), or a document of it.
    left: Vec<Part>,
    got: Vec<DocumentKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    List,
    EAadhaar,
    File { item: u32, kind: DocumentKind },
}

impl Documents {
    pub(crate) fn status(&self) -> LegStatus {
        let status = match &self.state {
            State::Idle => LegStatus::Waiting,
            _ if self.calls.is_blocked() => LegStatus::NeedsOperator,
            State::Opening
            | State::AwaitPerson
            | State::Exchanging
            | State::Probing
            | State::Fetching(_) => LegStatus::Open,
            State::Unsettled(unsettled) => unsettled.status(),
            State::Refused => LegStatus::Rejected,
            State::Abandoned | State::CodeFailed => LegStatus::NeedsPerson,
            State::Ready => LegStatus::Ready,
            State::Partial { .. } => LegStatus::Partial,
            State::Failed(blame) => blame.status(),
        };
        match self.stop {
            Some(stop) if !status.is_well() && status != LegStatus::Rejected => stop.status(),
            _ => status,
        }
    }

    /// The name of its state, for people.
    pub(crate) fn phase(&self) -> &'static str {
        match &self.state {
            State::Idle => "idle",
            State::Opening => "opening",
            State::Unsettled(_) => "unsettled",
            State::AwaitPerson => "await_person",
            State::Exchanging => "exchanging",
            State::Probing => "probing",
            State::Fetching(_) => "fetching",
            State::Refused => "refused",
            State::Abandoned => "abandoned",
            State::CodeFailed => "code_failed",
            State::Ready => "ready",
            State::Partial { .. } => "partial",
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
            State::Unsettled(unsettled) => Some(unsettled.operation()),
            _ => None,
        }
    }

    pub(crate) fn missing(&self) -> &[DocumentKind] {
        match &self.state {
            State::Partial { missing } => missing,
            _ => &[],
        }
    }

    /// Opens a session: the first, or another one in place of the last.
    pub(crate) fn begin(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan) {
        let was_unsettled = matches!(self.state, State::Unsettled(_));
        self.calls
            .give_up(step, LEG, self.attempts.number(), |_| true);
        step.cancel_timers_of(LEG);
        self.attempts.begin(was_unsettled);
        self.early = None;
        self.stop = None;
        self.state = State::Opening;
        let correlation = step.correlation(LEG, self.attempts.number());
        let until = step.at;
        let operation = Operation::OpenDocuments {
            correlation,
            wanted: plan.wanted.clone(),
        };
        self.calls.begin(step, operation, until);
    }

    pub(crate) fn on(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, event: &Event) {
        match &event.fact {
            Fact::Returned(returned) => self.returned(step, plan, returned),
            Fact::AskAgain => self.ask_again(step, plan),
            Fact::Reopen => match self.status().has_ended() {
                true => self.begin_again(step, plan),
                false => step.kept(Reason::NotExpected),
            },
            Fact::Resume if self.calls.resume(step) => {}
            // A leg that was stopped goes on by a reopening only.
            fact if fact.is_command() && self.stop.is_some() => {
                step.discarded(Reason::LegEnded);
            }
            Fact::Settled { done: false } if matches!(self.state, State::Unsettled(_)) => {
                self.begin_again(step, plan);
            }
            Fact::Resume if self.state == State::Failed(Blame::Operator) => {
                self.begin_again(step, plan)
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

    fn begin_again(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan) {
        match self.attempts.may_begin() {
            true => {
                self.end_link(step);
                self.begin(step, plan);
            }
            false => step.discarded(Reason::TooManyAttempts),
        }
    }

    fn ask_again(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan) {
        let may = match &self.state {
            State::Unsettled(unsettled) => unsettled.may_ask_again(),
            State::Abandoned | State::Refused | State::CodeFailed => true,
            State::Failed(blame) => *blame == Blame::Person,
            _ => false,
        };
        match may {
            true => self.begin_again(step, plan),
            false => step.kept(Reason::NotExpected),
        }
    }

    fn heard(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, heard: Heard, fact: &Fact) {
        match heard {
            Heard::Handled => {}
            Heard::Foreign => step.late(Reason::UnknownEffect),
            Heard::GivenUp { attempt, .. } => self.given_up(step, plan, attempt, fact),
            _ if self.stop.is_some() => step.discarded(Reason::LegEnded),
            Heard::Answered(operation, answer) => self.answered(step, plan, &operation, &answer),
            Heard::Refused(operation, _) => self.refused(step, plan, &operation),
            Heard::Unsettled(operation) => match operation {
                Operation::CompleteAuthorization { session, .. } => {
                    self.state = State::Probing;
                    let until = later(step.at, ACCESS);
                    self.calls
                        .begin(step, Operation::ListIssuedFiles { session }, until);
                }
                operation => {
                    self.state = State::Unsettled(Unsettled::begin(step, LEG, operation));
                }
            },
            Heard::Failed(operation) => match operation {
                Operation::OpenDocuments { .. } => {
                    step.tell_operator(LEG, OperatorTask::Failing);
                    self.end(step, plan, State::Failed(Blame::Operator));
                }
                Operation::CompleteAuthorization { .. } => {
                    self.end(step, plan, State::Failed(Blame::Person));
                }
                operation => self.refused(step, plan, &operation),
            },
        }
    }

    /// The answer to a call that is not waited for any more: what it opened is known by now, or was replaced.
    fn given_up(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, attempt: u32, fact: &Fact) {
        let Fact::Answered { answer, .. } = fact else {
            return step.late(Reason::UnknownEffect);
        };
        let is_current = attempt == self.attempts.number();
        if let Answer::Opened { reference } = answer {
            if !is_current {
                self.attempts.adopt_replaced(reference);
            } else if self.stop.is_none() && matches!(self.state, State::Unsettled(_)) {
                return self.opened(step, plan, reference);
            }
        }
        if let Answer::Authorized { has_e_aadhaar, .. } = answer
            && is_current
            && self.stop.is_none()
            && matches!(self.state, State::Probing)
        {
            self.calls.give_up(step, LEG, attempt, |_| true);
            return self.authorized(step, plan, *has_e_aadhaar);
        }
        step.expected_no_more(self.status());
    }

    fn answered(
        &mut self,
        step: &mut Step<'_>,
        plan: &DocumentsPlan,
        operation: &Operation,
        answer: &Answer,
    ) {
        match (operation, answer) {
            (Operation::OpenDocuments { .. }, Answer::Opened { reference }) => {
                self.opened(step, plan, reference);
            }
            (Operation::CompleteAuthorization { .. }, Answer::Authorized { has_e_aadhaar, .. }) => {
                self.authorized(step, plan, *has_e_aadhaar);
            }
            (Operation::ListIssuedFiles { .. }, Answer::Files { found }) => {
                if matches!(self.state, State::Probing) {
                    self.authorized_by_probe(step, plan);
                }
                self.listed(step, plan, found);
            }
            (Operation::FetchEAadhaar { .. }, Answer::File) => {
                self.fetched(step, plan, Part::EAadhaar, Some(DocumentKind::EAadhaar));
            }
            (Operation::FetchFile { item, .. }, Answer::File) => {
                let kind = self.kind_of(*item);
                if let Some(kind) = kind {
                    self.fetched(step, plan, Part::File { item: *item, kind }, Some(kind));
                }
            }
            _ => step.kept(Reason::UnknownWord),
        }
    }

    fn refused(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, operation: &Operation) {
        match operation {
            Operation::OpenDocuments { .. } => {
                step.tell_operator(LEG, OperatorTask::Refused);
                self.end(step, plan, State::Failed(Blame::Operator));
            }
            Operation::CompleteAuthorization { .. } => self.end(step, plan, State::CodeFailed),
            Operation::ListIssuedFiles { .. } if matches!(self.state, State::Probing) => {
                self.end(step, plan, State::CodeFailed);
            }
            Operation::ListIssuedFiles { .. } => self.fetched(step, plan, Part::List, None),
            Operation::FetchEAadhaar { .. } => self.fetched(step, plan, Part::EAadhaar, None),
            Operation::FetchFile { item, .. } => {
                if let Some(kind) = self.kind_of(*item) {
                    self.fetched(step, plan, Part::File { item: *item, kind }, None);
                }
            }
            _ => {}
        }
    }

    fn opened(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, reference: &ProviderReference) {
        step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
        self.attempts.adopt(reference);
        self.state = State::AwaitPerson;
        step.keep_payload();
        let link = step.keeps_payload.then_some(step.seq);
        step.notify(Notice::Link { leg: LEG, link });
        step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Link), plan.link);
        if let Some(early) = self.early.take() {
            self.came_back(step, plan, early.end, early.code);
        }
    }

    fn returned(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, returned: &Return) {
        if !self.attempts.is_current(step, LEG, &returned.source) {
            if step.verdict == Verdict::Discarded && self.stop.is_none() {
                step.tell_operator(LEG, OperatorTask::ForeignReturn);
            }
            return;
        }
        if self.stop.is_some() {
            return step.discarded(Reason::LegEnded);
        }
        let named = returned.source.reference.as_ref();
        if plan.return_names_session && named.is_none() {
            return step.kept(Reason::UnknownWord);
        }
        match (returned.end, step.has_payload) {
            (ReturnEnd::Approved, true) | (ReturnEnd::Denied, _) => {}
            _ => return step.kept(Reason::UnknownWord),
        }
        let is_code = returned.end == ReturnEnd::Approved;
        let code = is_code.then_some(step.seq);
        match &self.state {
            State::Opening | State::Unsettled(_) => match named {
                // The reply to our request is still to come, or never will.
                Some(session) => {
                    self.calls
                        .give_up(step, LEG, self.attempts.number(), |_| true);
                    step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Settle));
                    self.attempts.adopt(session);
                    self.state = State::AwaitPerson;
                    self.came_back(step, plan, returned.end, code);
                }
                None if matches!(self.state, State::Opening) && self.early.is_none() => {
                    self.early = Some(EarlyReturn {
                        end: returned.end,
                        code,
                    });
                }
                None => return step.late(Reason::NotExpected),
            },
            State::AwaitPerson | State::Abandoned => {
                self.came_back(step, plan, returned.end, code);
            }
            _ => return step.late(Reason::Known),
        }
        if is_code {
            step.keep_payload();
        }
    }

    fn came_back(
        &mut self,
        step: &mut Step<'_>,
        plan: &DocumentsPlan,
        end: ReturnEnd,
        code: Option<Seq>,
    ) {
        let session = self.attempts.reference().cloned();
        match (end, session, code) {
            (ReturnEnd::Approved, Some(session), Some(code)) => {
                step.cancel_timer(TimerName::leg(LEG, TimerPurpose::Link));
                self.end_link(step);
                self.state = State::Exchanging;
                let until = step.at;
                self.calls.begin(
                    step,
                    Operation::CompleteAuthorization { session, code },
                    until,
                );
            }
            (ReturnEnd::Denied, _, _) => self.end(step, plan, State::Refused),
            _ => {}
        }
    }

    /// The authorisation is complete: what is wanted is fetched.
    fn authorized(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, has_e_aadhaar: bool) {
        self.start_fetching(step, plan, has_e_aadhaar);
        let lists = plan
            .wanted
            .iter()
            .any(|kind| *kind != DocumentKind::EAadhaar);
        if let (true, Some(session)) = (lists, self.attempts.reference().cloned()) {
            self.add(Part::List);
            let until = later(step.at, ACCESS);
            self.calls
                .begin(step, Operation::ListIssuedFiles { session }, until);
        }
        self.finish_if_done(step, plan);
    }

    /// The list was answered, so the authorisation was complete; whether there is an e-Aadhaar was said by the reply that is lost.
    fn authorized_by_probe(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan) {
        self.start_fetching(step, plan, true);
        self.add(Part::List);
    }

    fn start_fetching(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, has_e_aadhaar: bool) {
        step.erase(Some(LEG), DataClass::Codes);
        step.set_timer_after(TimerName::leg(LEG, TimerPurpose::Access), ACCESS);
        self.state = State::Fetching(Fetching::default());
        let wants = has_e_aadhaar && plan.wanted.contains(&DocumentKind::EAadhaar);
        if let (true, Some(session)) = (wants, self.attempts.reference().cloned()) {
            self.add(Part::EAadhaar);
            let until = later(step.at, ACCESS);
            self.calls
                .begin(step, Operation::FetchEAadhaar { session }, until);
        }
    }

    fn add(&mut self, part: Part) {
        if let State::Fetching(fetching) = &mut self.state {
            fetching.left.push(part);
        }
    }

    fn kind_of(&self, item: u32) -> Option<DocumentKind> {
        let State::Fetching(fetching) = &self.state else {
            return None;
        };
        fetching.left.iter().find_map(|part| match part {
            Part::File { item: wanted, kind } if *wanted == item => Some(*kind),
            _ => None,
        })
    }

    /// The list is there: one call for each document of a wanted kind.
    fn listed(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, found: &[FoundFile]) {
        step.keep_payload();
        let list = step.seq;
        if let Some(session) = self.attempts.reference().cloned() {
            let is_wanted = |file: &&FoundFile| {
                file.kind != DocumentKind::EAadhaar && plan.wanted.contains(&file.kind)
            };
            let mut items: Vec<u32> = Vec::new();
            for file in found.iter().filter(is_wanted) {
                if items.contains(&file.item) || items.len() >= MOST_FILES {
                    continue;
                }
                items.push(file.item);
                self.add(Part::File {
                    item: file.item,
                    kind: file.kind,
                });
                let (session, item) = (session.clone(), file.item);
                let until = later(step.at, ACCESS);
                self.calls.begin(
                    step,
                    Operation::FetchFile {
                        session,
                        list,
                        item,
                    },
                    until,
                );
            }
        }
        self.done_with(step, plan, Part::List, None);
    }

    fn fetched(
        &mut self,
        step: &mut Step<'_>,
        plan: &DocumentsPlan,
        part: Part,
        got: Option<DocumentKind>,
    ) {
        if got.is_some() {
            step.keep_payload();
        }
        self.done_with(step, plan, part, got);
    }

    fn done_with(
        &mut self,
        step: &mut Step<'_>,
        plan: &DocumentsPlan,
        part: Part,
        got: Option<DocumentKind>,
    ) {
        if let State::Fetching(fetching) = &mut self.state {
            fetching.left.retain(|left| *left != part);
            fetching.got.extend(got);
        }
        self.finish_if_done(step, plan);
    }

    fn finish_if_done(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan) {
        if matches!(&self.state, State::Fetching(fetching) if fetching.left.is_empty()) {
            self.finish(step, plan);
        }
    }

    /// Nothing more comes: what is there decides.
    fn finish(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan) {
        let State::Fetching(fetching) = &self.state else {
            return;
        };
        let kinds = plan.wanted.iter().copied();
        let missing: Vec<DocumentKind> =
            kinds.filter(|kind| !fetching.got.contains(kind)).collect();
        let state = match (missing.is_empty(), fetching.got.is_empty()) {
            (true, _) => State::Ready,
            (false, false) => State::Partial { missing },
            (false, true) => State::Failed(Blame::Person),
        };
        self.end(step, plan, state);
    }

    pub(crate) fn timer(
        &mut self,
        step: &mut Step<'_>,
        plan: &DocumentsPlan,
        purpose: TimerPurpose,
    ) {
        match (purpose, &self.state) {
            (TimerPurpose::Retry(slot), _) if self.calls.retry(step, slot) => {}
            (TimerPurpose::Link, State::AwaitPerson) => {
                self.end(step, plan, State::Abandoned);
                step.notify(Notice::Reminder { leg: LEG });
            }
            (TimerPurpose::Access, State::Fetching(_)) => self.finish(step, plan),
            _ => step.late(Reason::NotExpected),
        }
    }

    /// The leg has ended for now.
    fn end(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, state: State) {
        self.calls
            .give_up(step, LEG, self.attempts.number(), |_| true);
        step.cancel_timers_of(LEG);
        self.end_link(step);
        if !matches!(self.state, State::Fetching(_)) {
            step.erase(Some(LEG), DataClass::Codes);
        }
        self.state = state;
        if let (true, Some(life)) = (self.status().is_well(), plan.data_life) {
            step.set_timer_after(TimerName::leg(LEG, TimerPurpose::DataLife), life);
        }
    }

    /// The link has done its work.
    fn end_link(&mut self, step: &mut Step<'_>) {
        if matches!(self.state, State::AwaitPerson) {
            step.erase(Some(LEG), DataClass::Links);
        }
    }

    /// The leg is stopped from outside. What it has fetched is the journey's to erase.
    pub(crate) fn stop(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan, stop: Stop) {
        let is_open = !self.status().has_ended();
        self.calls
            .give_up(step, LEG, self.attempts.number(), |_| true);
        step.cancel_timers_of(LEG);
        self.early = None;
        self.stop = Some(stop);
        let has_data = matches!(&self.state, State::Fetching(fetching) if !fetching.got.is_empty());
        if is_open && !stop.erases() {
            step.erase(Some(LEG), DataClass::Links);
            step.erase(Some(LEG), DataClass::Codes);
            if let (true, Some(life)) = (has_data, plan.data_life) {
                step.set_timer_after(TimerName::leg(LEG, TimerPurpose::DataLife), life);
            }
        }
    }

    /// The journey is reopened: what another leg's rejection stopped goes on, with another attempt.
    pub(crate) fn revive(&mut self, step: &mut Step<'_>, plan: &DocumentsPlan) {
        if self.stop == Some(Stop::Rejected) {
            match self.status() == LegStatus::Stopped && self.state != State::Idle {
                true => self.begin_again(step, plan),
                false => self.stop = None,
            }
        }
    }
}
