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
use kyc_journey::provider_core::capability::{AggregatorId, ProviderReference};
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{Clock as _, Idempotency, Masked};
use kyc_journey::testing::HandClock;
use kyc_journey::{
    AggregatorReturn, Answer, ConsentNews, ConsentQuery, ConsentState, Correlation,
    CorrelationToken, DataClass, DataNews, DataState, DocumentKind, EffectCall, EffectId, Event,
    EventKey, Fact, Failure, FoundFile, JourneyEngine, JourneyId, JourneyRecord, LedgerEntry, Leg,
    LegStatus, Notice, Operation, Payload, Performed, Performer, ProfileStanding, Provider,
    Readiness, Refusal, Return, ReturnEnd, SessionNews, SessionState, Source, Undelivered,
};
use tokio::sync::Notify;

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
    /// Of a hundred calls and reports this many go wrong.
    faults: u32,
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
    /// A world with chance from `seed`, in which of a hundred calls and reports `faults` go wrong. What was done stands in `directory`,
    /// if there is one.
    pub(super) fn new(seed: u64, faults: u32, directory: Option<&Path>) -> Result<Self> {
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
            faults,
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

    /// As `of_a_hundred`, in a world with faults.
    fn mishap(&mut self, of_a_hundred: u32) -> bool {
        self.faults > 0 && self.chance(of_a_hundred)
    }

    fn fate(&mut self, operation: &Operation, crashes: bool) -> Fate {
        if self.rng.u32(..100) >= self.faults {
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

    /// Does what a call asks for, and says what the provider answers.
    fn serve(&mut self, operation: &Operation) -> Result<(Answer, Option<DataClass>), Refusal> {
        let name = operation.name();
        let done = |script: &mut Self, about: &str| script.note(format!("{name} {about}"));
        Ok(match operation {
            Operation::OpenDocuments { correlation }
            | Operation::RequestConsent { correlation, .. }
            | Operation::OpenAccounts { correlation, .. }
            | Operation::CreateSession { correlation } => {
                let about = correlation.expose();
                self.note(format!("open {about}"));
                (
                    Answer::Opened {
                        reference: reference(about),
                    },
                    Some(DataClass::Links),
                )
            }
            Operation::CompleteAuthorization { session, .. } => {
                if self.has(name, session.as_str()) {
                    return Err(Refusal::Code);
                }
                done(self, session.as_str());
                let answer = Answer::Authorized {
                    has_e_aadhaar: true,
                    consent_until: None,
                };
                (answer, None)
            }
            Operation::ListIssuedFiles { session } => {
                if !self.has("complete-authorization", session.as_str()) {
                    return Err(Refusal::Other);
                }
                let found = vec![FoundFile {
                    item: 0,
                    kind: DocumentKind::Pan,
                }];
                (Answer::Files { found }, Some(DataClass::Documents))
            }
            Operation::FetchEAadhaar { session } | Operation::FetchFile { session, .. } => {
                done(self, session.as_str());
                (Answer::File, Some(DataClass::Documents))
            }
            Operation::CheckProfile { aggregators } => {
                let standing = |aggregator: &AggregatorId| ProfileStanding {
                    aggregator: aggregator.clone(),
                    readiness: Readiness::Ready,
                };
                let standings = aggregators.iter().map(standing).collect();
                (Answer::Profiles { standings }, None)
            }
            Operation::ReadLink { .. } => (Answer::Link, Some(DataClass::Links)),
            Operation::ListConsents { by } => {
                let about = match by {
                    ConsentQuery::Person { correlation } => correlation.expose(),
                    ConsentQuery::Handle(handle) => handle.as_str().to_owned(),
                    ConsentQuery::Id(id) => id.as_str().trim_start_matches("consent-").to_owned(),
                    _ => unreachable!("a query of another kind"),
                };
                let consents = match self.has("open", &about) {
                    true => vec![self.consent(&about, self.consent_state(&about))],
                    false => vec![],
                };
                (Answer::Consents { consents }, None)
            }
            Operation::DecryptReturn { .. } => {
                let end = match self.mishap(20) {
                    true => AggregatorReturn::LeftPending,
                    false => AggregatorReturn::Accepted,
                };
                (Answer::ReturnRead { end }, None)
            }
            Operation::RequestData { consent } => {
                let about = consent.as_str().trim_start_matches("consent-");
                if self.consent_state(about) != ConsentState::Active {
                    return Err(Refusal::Consent);
                }
                done(self, about);
                (
                    Answer::DataRequested {
                        session: self.data_session(about),
                    },
                    None,
                )
            }
            Operation::DataStatus { consent, .. } => {
                let about = consent.as_str().trim_start_matches("consent-").to_owned();
                if !self.has("request-data", &about) {
                    return Err(Refusal::NotFound);
                }
                let news = Box::new(self.data(&about));
                (Answer::DataStatus { news }, None)
            }
            Operation::FetchData { consent, session } => {
                let about = consent.as_str().trim_start_matches("consent-");
                let session = session.clone().unwrap_or_else(|| self.data_session(about));
                if self.consent_state(about) != ConsentState::Active {
                    return Err(Refusal::Consent);
                }
                if !self.has("ready", session.as_str()) || self.mishap(5) {
                    return Err(Refusal::NotYet);
                }
                done(self, about);
                (Answer::AccountData, Some(DataClass::AccountData))
            }
            Operation::RevokeConsent { consent } => {
                let about = consent.as_str().trim_start_matches("consent-");
                if self.has(name, about) {
                    return Err(Refusal::AlreadySo);
                }
                done(self, about);
                (Answer::Done, None)
            }
            Operation::FetchReports { client, .. } => {
                let [ready, pending] = match self.has("person approved", client.as_str()) {
                    true if self.mishap(30) => [0, 1],
                    true => [1, 0],
                    false => return Err(Refusal::NotYet),
                };
                if ready > 0 {
                    done(self, client.as_str());
                }
                let failed = 0;
                (
                    Answer::Reports {
                        ready,
                        pending,
                        failed,
                    },
                    Some(DataClass::AccountData),
                )
            }
            Operation::RefreshData { client } => {
                done(self, client.as_str());
                let request = format!(
                    "refresh-{}",
                    self.count(&format!("{name} {}", client.as_str()))
                );
                (
                    Answer::Refreshing {
                        request: reference(request),
                    },
                    None,
                )
            }
            Operation::ReadDecision { session } | Operation::ListAttempts { session } => {
                let news =
                    Box::new(self.session(session.as_str(), self.session_state(session.as_str())));
                (Answer::SessionState { news }, Some(DataClass::Evidence))
            }
            Operation::SubmitSession { session } => {
                if self.has(name, session.as_str()) {
                    return Err(Refusal::AlreadySo);
                }
                done(self, session.as_str());
                (Answer::Done, None)
            }
            Operation::RecordConsent { session } | Operation::DeleteSession { session } => {
                done(self, session.as_str());
                (Answer::Done, None)
            }
            _ => (Answer::Done, None),
        })
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
                0 if self.faults > 0 => self.note(format!("failed {}", session.as_str())),
                1..4 if self.faults > 0 => {}
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
        let is_signed = !self.mishap(20);
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
            match self.mishap(50) {
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
            if self.mishap(2) {
                commands.push((None, Fact::Withdrawn));
            }
            return (commands, reports);
        }
        if self.mishap(1) {
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
            }
            if view.status == LegStatus::NeedsOperator && self.chance(60) {
                let done = match view.unsettled {
                    Some(Operation::RefreshData { client }) => {
                        Some(self.has("refresh-data", client.as_str()))
                    }
                    Some(Operation::SubmitSession { session }) => {
                        Some(self.has("submit-session", session.as_str()))
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
                if knows || self.mishap(10) {
                    self.person(provider, &about, &mut commands);
                    for (fact, class) in self.happened(provider, &about) {
                        self.report(id, (provider, fact, class), &mut reports);
                    }
                }
            }
        }
        (commands, reports)
    }

    /// What the person does with a session, once.
    fn person(&mut self, provider: Provider, about: &str, commands: &mut Vec<(Option<Leg>, Fact)>) {
        if ["approved", "denied", "left"]
            .iter()
            .any(|end| self.has(&format!("person {end}"), about))
        {
            if provider == Provider::FinPro && self.mishap(1) && !self.has("person revoked", about)
            {
                self.note(format!("person revoked {about}"));
            }
            return;
        }
        if provider == Provider::Veriff && self.mishap(20) {
            commands.push((Some(Leg::Verification), Fact::HandIn));
        }
        let end = match self.rng.u32(..100) {
            _ if self.faults == 0 => "approved",
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
                if self.mishap(20) {
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
        if self.rng.u32(..100) >= self.faults {
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
            if script.has("withdrawn", id.journey.as_str()) && !operation.is_clean_up() {
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
            let served = is_done.then(|| script.serve(operation));
            // Somebody else hears of it before we do.
            let opened = match &served {
                Some(Ok((Answer::Opened { reference }, _))) if script.mishap(10) => {
                    Some(reference.as_str().to_owned())
                }
                _ => None,
            };
            let early = opened.map(|about| script.happened(operation.provider(), &about));
            let withdraws =
                self.crashed.is_some() && script.faults > 0 && script.rng.u32(..300) == 0;
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
