//! Providers, a person and an operator as a script, and a ledger of what was done there: the other side, which no engine knows.
//!
//! What a provider has done is a line of the ledger, in memory and, where processes are killed, in a file, by one write each.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use fastrand::Rng;
use kyc_journey::provider_core::capability::ProviderReference;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{Clock as _, Idempotency, Masked};
use kyc_journey::testing::{HandClock, plans};
use kyc_journey::{
    AggregatorReturn, Answer, ConsentNews, ConsentQuery, ConsentState, Correlation,
    CorrelationToken, DataClass, DataNews, DataState, EffectCall, EffectId, Event, EventKey, Fact,
    Failure, JourneyEngine, JourneyId, JourneyRecord, LedgerEntry, Leg, LegStatus, Notice,
    Operation, Payload, Performed, Performer, Provider, Refusal, Return, ReturnEnd, SessionNews,
    SessionState, Source, Undelivered,
};
use tokio::sync::Notify;

/// Of a hundred calls and reports, how many go wrong.
const FAULTS: u32 = 30;

/// What comes with every answer and every report.
pub(super) const CANARY: &str = "qzvkwmtrxjlhnpcbdfgs";

/// The token of a journey, by which the script also names what it opens.
pub(super) fn token(journey: &JourneyId) -> CorrelationToken {
    CorrelationToken::from_bits(u128::from_str_radix(journey.as_str(), 16).unwrap() << 1)
}

/// What is said to a journey.
pub(super) enum Said {
    Command(Event),
    Report(Provider, Event),
}

pub(super) struct World {
    script: Mutex<Script>,
    pub(super) clock: Arc<HandClock>,
    engine: OnceLock<Arc<dyn JourneyEngine>>,
    /// Somebody who makes a call is gone, if processes are not killed from outside.
    pub(super) crashed: Option<Notify>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

struct Script {
    rng: Rng,
    lines: HashMap<String, u32>,
    file: Option<File>,
    late: Vec<(JourneyId, Provider, Fact, Option<DataClass>)>,
    /// Tells the keys of this process's commands from those of others.
    commands: u64,
    faulty: u64,
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    NotSent,
    Refused(Refusal),
    /// Nobody hears of it; whether it was done.
    Lost(bool),
    /// Whoever makes it is gone; whether it was done.
    Crash(bool),
    Unreadable,
}

impl World {
    /// A world with chance from `seed`. What was done stands in `directory`, if there is one.
    pub(super) fn new(seed: u64, directory: Option<&Path>) -> Result<Self> {
        let path = directory.map(|directory| directory.join("ledger"));
        let mut lines = HashMap::new();
        for line in path.as_ref().map(fs::read_to_string).into_iter().flatten() {
            for line in line.lines() {
                *lines.entry(line.to_owned()).or_default() += 1;
            }
        }
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        let script = Script {
            rng: Rng::with_seed(seed),
            lines,
            file: path.map(open).transpose()?,
            late: Vec::new(),
            commands: seed << 16,
            faulty: 0,
        };
        Ok(Self {
            script: Mutex::new(script),
            clock: Arc::default(),
            engine: OnceLock::new(),
            crashed: directory.is_none().then(Notify::new),
        })
    }

    /// The time at which it goes on.
    pub(super) fn at(mut self, now: Option<Timestamp>) -> Self {
        self.clock = Arc::new(now.map_or_else(HandClock::default, HandClock::at));
        self
    }

    pub(super) fn set_engine(&self, engine: Arc<dyn JourneyEngine>) {
        assert!(self.engine.set(engine).is_ok(), "a world has one engine");
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// How often this was done.
    pub(super) fn count(&self, line: &str) -> u32 {
        self.script().count(line)
    }

    pub(super) fn note(&self, line: String) {
        self.script().note(line);
    }

    /// Everything that was done, in no order.
    pub(super) fn lines(&self) -> Vec<(String, u32)> {
        let script = self.script();
        script
            .lines
            .iter()
            .map(|(line, count)| (line.clone(), *count))
            .collect()
    }

    pub(super) fn faulty(&self) -> u64 {
        self.script().faulty
    }

    /// One minute to this many.
    pub(super) fn minutes(&self, most: i64) -> SignedDuration {
        SignedDuration::from_mins(self.script().rng.i64(1..=most))
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.script().late.is_empty()
    }

    fn event(&self, key: &str, leg: Option<Leg>, fact: Fact, class: Option<DataClass>) -> Event {
        let key = EventKey::parse(key).unwrap();
        Event::new(key, self.clock.now(), leg, fact).set_payload(class.map(payload))
    }

    pub(super) fn command(&self, key: &str, leg: Option<Leg>, fact: Fact) -> Event {
        self.event(&format!("command:{key}"), leg, fact, None)
    }

    /// A way takes a while, where a process may be killed meanwhile.
    async fn under_way(&self) {
        if self.crashed.is_none() {
            let wait = self.script().rng.u64(..3_000);
            tokio::time::sleep(Duration::from_micros(wait)).await;
        }
    }

    /// What the person, an operator and the providers say now.
    pub(super) fn turn(&self, record: &JourneyRecord) -> Vec<Said> {
        let mut script = self.script();
        let (commands, reports) = script.turn(record);
        let number = script.commands;
        script.commands += commands.len() as u64;
        drop(script);
        let commands = (number..).zip(commands).map(|(number, (leg, fact))| {
            Said::Command(self.command(&number.to_string(), leg, fact))
        });
        let reports = reports.into_iter().map(|(provider, fact, class)| {
            let key = format!("hook:{}:{}", provider.as_str(), digest(&fact));
            Said::Report(provider, self.event(&key, None, fact, class))
        });
        commands.chain(reports).collect()
    }
}

/// What tells a report from others of its journey.
fn digest(fact: &Fact) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    format!("{fact:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn payload(class: DataClass) -> Payload {
    let content = Masked::from(CANARY);
    Payload { class, content }
}

fn reference(text: impl Into<String>) -> ProviderReference {
    ProviderReference::parse(text.into()).unwrap()
}

/// What a consent was asked for by.
fn asked_for(consent: &ProviderReference) -> &str {
    consent.as_str().trim_start_matches("consent-")
}

/// A report that carries what our request carried, and may name what it is about.
fn source(about: &str, is_named: bool) -> Source {
    let named = is_named.then(|| reference(about));
    Source::new(named, Correlation::parse(about).ok())
}

type Report = (Provider, Fact, Option<DataClass>);

impl Script {
    fn count(&self, line: &str) -> u32 {
        self.lines.get(line).copied().unwrap_or_default()
    }

    fn has(&self, what: &str, about: &str) -> bool {
        self.count(&format!("{what} {about}")) > 0
    }

    fn note(&mut self, line: String) {
        if let Some(file) = &mut self.file {
            file.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        *self.lines.entry(line).or_default() += 1;
    }

    fn chance(&mut self, of_a_hundred: u32) -> bool {
        self.rng.u32(..100) < of_a_hundred
    }

    fn fate(&mut self, operation: &Operation, crashes: bool) -> Fate {
        if !self.chance(FAULTS) {
            return Fate::Answered;
        }
        self.faulty += 1;
        let done = self.rng.bool();
        match self.rng.u32(..100) {
            0..25 => Fate::NotSent,
            25..35 => Fate::Refused(Refusal::RateLimited),
            35..38 => Fate::Refused(Refusal::Credentials),
            38..42 => Fate::Refused(Refusal::Other),
            42..70 => Fate::Lost(done),
            70..95 if crashes => Fate::Crash(done),
            70..95 => Fate::Lost(done),
            _ if operation.idempotency() == Idempotency::Unsafe => Fate::Unreadable,
            _ => Fate::Lost(true),
        }
    }

    /// Does what a call asks for, and says what the provider answers: as where nothing fails, but for what depends on what was done
    /// before.
    fn serve(&mut self, call: &EffectCall) -> Result<(Answer, Option<DataClass>), Refusal> {
        let plain = plans::answered(call);
        let name = call.operation.name();
        let answer = match &call.operation {
            Operation::OpenDocuments { correlation, .. }
            | Operation::RequestConsent { correlation, .. }
            | Operation::OpenAccounts { correlation, .. }
            | Operation::CreateSession { correlation } => {
                let about = correlation.expose();
                self.note(format!("open {about}"));
                let reference = reference(about);
                Some(Answer::Opened { reference })
            }
            Operation::CompleteAuthorization { session, .. } => {
                self.do_once(name, session.as_str(), Refusal::Code)?;
                None
            }
            Operation::ListIssuedFiles { session } => {
                let is_authorized = self.has("complete-authorization", session.as_str());
                is_authorized.then_some(()).ok_or(Refusal::Other)?;
                None
            }
            Operation::FetchEAadhaar { session }
            | Operation::FetchFile { session, .. }
            | Operation::RecordConsent { session }
            | Operation::DeleteSession { session } => {
                self.note(format!("{name} {}", session.as_str()));
                None
            }
            Operation::ListConsents { .. }
            | Operation::FindConsent { .. }
            | Operation::FindRequestedConsent { .. } => {
                let about = match &call.operation {
                    Operation::FindConsent { handle } => handle.as_str().to_owned(),
                    Operation::FindRequestedConsent { correlation } => correlation.expose(),
                    Operation::ListConsents { by } => match by {
                        ConsentQuery::Person { correlation } => correlation.expose(),
                        ConsentQuery::Handle(handle) => handle.as_str().to_owned(),
                        ConsentQuery::Id(id) => asked_for(id).to_owned(),
                        _ => unreachable!("a query of another kind"),
                    },
                    _ => unreachable!("another operation"),
                };
                let is_open = self.has("open", &about);
                let consent = is_open.then(|| self.consent(&about, self.consent_state(&about)));
                let consents = consent.into_iter().collect();
                Some(Answer::Consents { consents })
            }
            Operation::DecryptReturn { .. } => {
                let end = AggregatorReturn::LeftPending;
                self.chance(20).then_some(Answer::ReturnRead { end })
            }
            Operation::RequestData { consent } => {
                let about = asked_for(consent);
                if self.consent_state(about) != ConsentState::Active {
                    return Err(Refusal::Consent);
                }
                self.note(format!("{name} {about}"));
                let session = self.data_session(about);
                Some(Answer::DataRequested { session })
            }
            Operation::DataStatus { consent, .. } => {
                let about = asked_for(consent);
                if !self.has("request-data", about) {
                    return Err(Refusal::NotFound);
                }
                let news = Box::new(self.data(about));
                Some(Answer::DataStatus { news })
            }
            Operation::FetchData { consent, session } => {
                let about = asked_for(consent);
                let session = session.clone().unwrap_or_else(|| self.data_session(about));
                if self.consent_state(about) != ConsentState::Active {
                    return Err(Refusal::Consent);
                }
                if !self.has("ready", session.as_str()) || self.chance(5) {
                    return Err(Refusal::NotYet);
                }
                self.note(format!("{name} {about}"));
                None
            }
            Operation::RevokeConsent { consent } => {
                self.do_once(name, asked_for(consent), Refusal::AlreadySo)?;
                None
            }
            Operation::FetchReports { client, .. } => {
                if !self.has("person approved", client.as_str()) {
                    return Err(Refusal::NotYet);
                }
                let is_pending = self.chance(30);
                if !is_pending {
                    self.note(format!("{name} {}", client.as_str()));
                }
                is_pending.then_some(Answer::Reports {
                    ready: 0,
                    pending: 1,
                    failed: 0,
                })
            }
            Operation::RefreshData { client } => {
                let about = client.as_str();
                self.note(format!("{name} {about}"));
                let request = format!("refresh-{}", self.count(&format!("{name} {about}")));
                let request = reference(request);
                Some(Answer::Refreshing { request })
            }
            Operation::ReadDecision { session } | Operation::ListAttempts { session } => {
                let state = self.session_state(session.as_str());
                let news = Box::new(self.session(session.as_str(), state));
                Some(Answer::SessionState { news })
            }
            Operation::SubmitSession { session } => {
                self.do_once(name, session.as_str(), Refusal::AlreadySo)?;
                None
            }
            _ => None,
        };
        let class = plain.payload.map(|payload| payload.class);
        let answer = answer.map_or_else(|| plain.result.map_err(|_| Refusal::Other), Ok)?;
        Ok((answer, class))
    }

    /// What a provider does once, and refuses to do again.
    fn do_once(&mut self, name: &str, about: &str, again: Refusal) -> Result<(), Refusal> {
        if self.has(name, about) {
            return Err(again);
        }
        self.note(format!("{name} {about}"));
        Ok(())
    }

    fn consent_state(&self, about: &str) -> ConsentState {
        let has = |what| self.has(what, about);
        match () {
            () if has("revoke-consent") || has("person revoked") => ConsentState::Revoked,
            () if has("person approved") => ConsentState::Active,
            () if has("person denied") => ConsentState::Rejected,
            () => ConsentState::Pending,
        }
    }

    fn consent(&self, about: &str, state: ConsentState) -> ConsentNews {
        let has_id = !matches!(state, ConsentState::Pending | ConsentState::Rejected);
        ConsentNews::new(source(about, true), state)
            .set_consent(has_id.then(|| reference(format!("consent-{about}"))))
    }

    /// The latest data session under a consent.
    fn data_session(&self, about: &str) -> ProviderReference {
        reference(format!(
            "data-{}-{about}",
            self.count(&format!("request-data {about}"))
        ))
    }

    /// How far the latest data session has come by now.
    fn data(&mut self, about: &str) -> DataNews {
        let session = self.data_session(about);
        let has = |script: &Self, what| script.has(what, session.as_str());
        if !has(self, "ready") && !has(self, "failed") {
            match self.rng.u32(..10) {
                0 => self.note(format!("failed {}", session.as_str())),
                1..4 => {}
                _ => self.note(format!("ready {}", session.as_str())),
            }
        }
        let state = match (has(self, "ready"), has(self, "failed")) {
            (true, _) => DataState::Ready,
            (_, true) => DataState::Failed,
            _ => DataState::Pending,
        };
        DataNews::new(source(about, true), state)
            .set_consent(Some(reference(format!("consent-{about}"))))
            .set_session(Some(session))
            .set_delivered(1, 1)
    }

    fn session_state(&self, about: &str) -> SessionState {
        let has = |what| self.has(what, about);
        match () {
            () if has("person approved") => SessionState::Approved,
            () if has("person denied") => SessionState::Declined,
            () if has("person left") => SessionState::Abandoned,
            () if has("submit-session") => SessionState::Submitted,
            () => SessionState::Created,
        }
    }

    fn session(&mut self, about: &str, state: SessionState) -> SessionNews {
        let is_signed = !self.chance(20);
        SessionNews::new(source(about, true), state).set_is_signed(is_signed)
    }

    fn turn(&mut self, record: &JourneyRecord) -> (Vec<(Option<Leg>, Fact)>, Vec<Report>) {
        let (mut commands, mut reports) = (Vec::new(), Vec::new());
        let id = record.state.id();
        let (late, kept) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|late| late.0 == *id);
        self.late = kept;
        let late: Vec<_> = late;
        for (id, provider, fact, class) in late {
            match self.chance(50) {
                true => self.late.push((id, provider, fact, class)),
                false => reports.push((provider, fact, class)),
            }
        }
        if record.state.status().is_end() {
            // What gives something back may still wait for the credentials.
            let [told, resumed] =
                ["operator credentials", "resumed"].map(|line| self.count(&format!("{line} {id}")));
            if told > resumed {
                self.note(format!("resumed {id}"));
                commands.push((None, Fact::Resume));
            }
            if self.chance(2) {
                commands.push((None, Fact::Withdrawn));
            }
            return (commands, reports);
        }
        if self.chance(1) {
            let end = if self.rng.bool() {
                Fact::Withdrawn
            } else {
                Fact::Cancel
            };
            commands.push((None, end));
        }
        for leg in record.state.plan().into_iter().flat_map(|plan| plan.legs()) {
            let Some(view) = record.state.leg(leg) else {
                continue;
            };
            let about = Correlation {
                token: token(id),
                leg,
                attempt: view.attempt,
            }
            .expose();
            if view.status == LegStatus::NeedsPerson && self.chance(60) {
                commands.push((Some(leg), Fact::AskAgain));
                // By the first link, which still opens, and no report comes of it.
                let known = record.state.references();
                let may_approve = known
                    .iter()
                    .any(|known| known.provider == Provider::FinPro && known.id.as_str() == about);
                if may_approve && !self.has_acted(&about) && self.chance(30) {
                    self.note(format!("person approved {about}"));
                }
            }
            if view.status == LegStatus::NeedsOperator && self.chance(60) {
                let done = match view.unsettled {
                    Some(Operation::RefreshData { client }) => {
                        Some(self.has("refresh-data", client.as_str()))
                    }
                    Some(Operation::SubmitSession { session }) => {
                        Some(self.has("submit-session", session.as_str()))
                    }
                    // Whoever knows that there is one has it looked up again.
                    Some(Operation::RequestConsent { correlation, .. })
                        if self.has("open", &correlation.expose()) =>
                    {
                        None
                    }
                    Some(_) => Some(false),
                    None => None,
                };
                commands.push((
                    Some(leg),
                    done.map_or(Fact::Resume, |done| Fact::Settled { done }),
                ));
            }
            if !view.status.has_ended() && self.has("open", &about) {
                let provider = record.state.plan().map(|plan| plan.provider(leg)).unwrap();
                // Without the link only those who open something at the provider by themselves go on.
                let knows = record
                    .state
                    .references()
                    .iter()
                    .any(|known| known.id.as_str() == about);
                if knows || self.chance(10) {
                    self.person(provider, &about, &mut commands);
                    for (fact, class) in self.happened(provider, &about) {
                        self.report(id, (provider, fact, class), &mut reports);
                    }
                }
            }
        }
        (commands, reports)
    }

    fn has_acted(&self, about: &str) -> bool {
        let mut ends = ["approved", "denied", "left"].iter();
        ends.any(|end| self.has(&format!("person {end}"), about))
    }

    /// What the person does with a session, once.
    fn person(&mut self, provider: Provider, about: &str, commands: &mut Vec<(Option<Leg>, Fact)>) {
        if self.has_acted(about) {
            if provider == Provider::FinPro && self.chance(1) && !self.has("person revoked", about)
            {
                self.note(format!("person revoked {about}"));
            }
            return;
        }
        if provider == Provider::Veriff && self.chance(20) {
            commands.push((Some(Leg::Verification), Fact::HandIn));
        }
        let end = match self.rng.u32(..100) {
            0..60 => "approved",
            60..65 => "denied",
            65..68 => "left",
            _ => return,
        };
        self.note(format!("person {end} {about}"));
    }

    /// What there is to tell about a session.
    fn happened(&mut self, provider: Provider, about: &str) -> Vec<(Fact, Option<DataClass>)> {
        let codes = Some(DataClass::Codes);
        let back = |end| Fact::Returned(Return::new(source(about, true), end));
        let has = |script: &Self, what: &str| script.has(&format!("person {what}"), about);
        match provider {
            Provider::Deepvue if has(self, "approved") => vec![(back(ReturnEnd::Approved), codes)],
            Provider::Deepvue if has(self, "denied") => vec![(back(ReturnEnd::Denied), codes)],
            Provider::FinPro => {
                let state = self.consent_state(about);
                let mut said = vec![(Fact::Consent(self.consent(about, state)), None)];
                if self.chance(20) {
                    said.push((back(ReturnEnd::Unclear), codes));
                }
                if self.has("request-data", about) {
                    said.push((Fact::Data(self.data(about)), None));
                }
                said
            }
            Provider::Finpass if has(self, "approved") => {
                vec![(Fact::Hint(source(about, true)), None)]
            }
            Provider::Veriff => {
                let news = self.session(about, self.session_state(about));
                vec![(Fact::Session(news), Some(DataClass::Evidence))]
            }
            _ => vec![],
        }
    }

    /// A report arrives, or not, or twice, or later.
    fn report(&mut self, id: &JourneyId, report: Report, reports: &mut Vec<Report>) {
        let (provider, fact, class) = report;
        let again = (provider, fact.clone(), class);
        if !self.chance(FAULTS) {
            return reports.push(again);
        }
        self.faulty += 1;
        match self.rng.u32(..3) {
            0 => {}
            1 => reports.extend([again, (provider, fact, class)]),
            _ => self.late.push((id.clone(), provider, fact, class)),
        }
    }
}

#[async_trait]
impl Performer for World {
    async fn perform(&self, call: &EffectCall) -> Performed {
        let failed = |failure| Performed {
            result: Err(failure),
            payload: None,
        };
        let (operation, id) = (&call.operation, &call.id);
        let fate = {
            let mut script = self.script();
            if script.has("withdrawn", id.journey.as_str()) && operation.needs_consent() {
                script.note(format!("AFTER A WITHDRAWAL {id} {}", operation.name()));
            }
            let fate = script.fate(operation, self.crashed.is_some());
            if fate != Fate::NotSent {
                script.note(format!("call {id}"));
            }
            fate
        };
        self.under_way().await;
        let (served, early, withdraws) = {
            let mut script = self.script();
            let is_done = !matches!(
                fate,
                Fate::NotSent | Fate::Refused(_) | Fate::Lost(false) | Fate::Crash(false)
            );
            let served = is_done.then(|| script.serve(call));
            // Somebody else hears of it before we do.
            let opened = match &served {
                Some(Ok((Answer::Opened { reference }, _))) if script.chance(10) => {
                    Some(reference.as_str().to_owned())
                }
                _ => None,
            };
            let early = opened.map(|about| script.happened(operation.provider(), &about));
            let withdraws = self.crashed.is_some() && script.rng.u32(..300) == 0;
            (served, early, withdraws)
        };
        self.under_way().await;
        let engine = self.engine.get().expect("an engine");
        for (fact, class) in early.into_iter().flatten() {
            let key = format!("hook:{}:{}", operation.provider().as_str(), digest(&fact));
            // A store that is away is not told again: a report that is lost.
            let _ = engine
                .report(operation.provider(), self.event(&key, None, fact, class))
                .await;
        }
        if withdraws {
            // The call is under way already.
            let withdrawn = self.command(&format!("at-{id}"), None, Fact::Withdrawn);
            if engine.submit(&id.journey, withdrawn).await.is_ok() {
                self.note(format!("withdrawn {}", id.journey.as_str()));
            }
        }
        match (fate, served) {
            (Fate::NotSent, _) => failed(Failure::not_sent()),
            (Fate::Refused(refusal), _) => failed(Failure::refused(refusal)),
            (Fate::Lost(_), _) => failed(Failure::unknown()),
            (Fate::Crash(_), _) => {
                self.crashed.as_ref().expect("it crashes").notify_one();
                std::future::pending().await
            }
            (Fate::Unreadable, Some(Ok(_))) => failed(Failure::unreadable()),
            (_, Some(Err(refusal))) => failed(Failure::refused(refusal)),
            (_, Some(Ok((answer, class)))) => Performed {
                result: Ok(answer),
                payload: class.map(payload),
            },
            (Fate::Answered | Fate::Unreadable, None) => unreachable!("it was served"),
        }
    }

    async fn notify(&self, id: &EffectId, notice: &Notice) -> Result<(), Undelivered> {
        if let Notice::Operator { task, .. } = notice {
            self.note(format!(
                "operator {} {}",
                task.as_str(),
                id.journey.as_str()
            ));
        }
        Ok(())
    }

    async fn record(&self, id: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        self.note(format!("entry {id}"));
        Ok(())
    }
}
