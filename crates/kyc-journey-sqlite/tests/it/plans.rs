//! A journey of every plan, by the machine itself, ends as planned however often its process is killed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::provider_core::capability::ProviderReference;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{Clock as _, Idempotency, Masked, async_trait};
use kyc_journey::testing::{ClearText, HandClock, POINTS};
use kyc_journey::{
    AccountsPlan, AggregatorReturn, Answer, ConsentNews, ConsentState, Correlation,
    CorrelationToken, DataClass, DataNews, DataState, DocumentKind, DocumentsPlan, EffectCall,
    EffectId, EffectKind, Event, EventKey, Fact, FoundFile, JourneyEngine, JourneyFilter,
    JourneyId, JourneyRecord, JourneyStatus, Lane, LedgerEntry, Leg, LegStatus, Notice, Operation,
    Outbox as _, PageToken, Payload, Performed, Performer, Plan, Provider, ReceiptId, Return,
    ReturnEnd, Runner, Seq, SessionNews, SessionState, Source, Undelivered, VerificationPlan,
};
use kyc_journey_sqlite::SqliteEngine;

use crate::crash::{DIRECTORY, Ledger, directory, is_killed};

const TOKEN: CorrelationToken = CorrelationToken::from_bits(0x70ce);

/// One journey a plan.
pub(crate) fn plans() -> Vec<(JourneyId, Plan)> {
    let wanted = [DocumentKind::EAadhaar, DocumentKind::Pan];
    let documents = || Some(DocumentsPlan::new(wanted));
    let accounts = |provider| Some(AccountsPlan::new(provider));
    let all = AccountsPlan::new(Provider::FinPro).set_after([Leg::Documents]);
    let plans = [
        Plan::new().set_documents(documents()),
        Plan::new().set_accounts(accounts(Provider::FinPro)),
        Plan::new().set_accounts(accounts(Provider::Finpass)),
        Plan::new().set_verification(Some(VerificationPlan::new())),
        Plan::new()
            .set_documents(documents())
            .set_accounts(Some(all))
            .set_verification(Some(VerificationPlan::new())),
    ];
    (1..).map(JourneyId::from_bits).zip(plans).collect()
}

/// What the providers answer, and the count of what they were asked.
#[derive(Debug)]
pub(crate) struct Providers(pub(crate) Ledger);

fn reference(call: &EffectCall) -> ProviderReference {
    let text = format!("at-{}-{}", call.id.seq, call.id.ordinal);
    ProviderReference::parse(text).unwrap()
}

fn answer(call: &EffectCall) -> (Answer, Option<DataClass>) {
    let reference = reference(call);
    let news =
        |state| ConsentNews::new(Source::default(), state).set_consent(Some(reference.clone()));
    match &call.operation {
        Operation::OpenDocuments { .. }
        | Operation::RequestConsent { .. }
        | Operation::OpenAccounts { .. }
        | Operation::CreateSession { .. } => (Answer::Opened { reference }, Some(DataClass::Links)),
        Operation::CompleteAuthorization { .. } => {
            let answer = Answer::Authorized {
                has_e_aadhaar: true,
                consent_until: None,
            };
            (answer, None)
        }
        Operation::ListIssuedFiles { .. } => {
            let kind = DocumentKind::Pan;
            let found = vec![FoundFile { item: 0, kind }];
            (Answer::Files { found }, Some(DataClass::Documents))
        }
        Operation::FetchEAadhaar { .. } | Operation::FetchFile { .. } => {
            (Answer::File, Some(DataClass::Documents))
        }
        Operation::CheckProfile { .. } => (Answer::Profiles { standings: vec![] }, None),
        Operation::ListConsents { .. } => {
            let consents = vec![news(ConsentState::Active)];
            (Answer::Consents { consents }, None)
        }
        Operation::DecryptReturn { .. } => {
            let end = AggregatorReturn::Accepted;
            (Answer::ReturnRead { end }, None)
        }
        Operation::RequestData { .. } => (Answer::DataRequested { session: reference }, None),
        Operation::DataStatus { session, .. } => {
            let news = DataNews::new(Source::default(), DataState::Ready);
            let news = Box::new(news.set_session(session.clone()).set_delivered(1, 1));
            (Answer::DataStatus { news }, None)
        }
        Operation::FetchData { .. } => (Answer::AccountData, Some(DataClass::AccountData)),
        Operation::FetchReports { .. } => {
            let answer = Answer::Reports {
                ready: 1,
                pending: 0,
                failed: 0,
            };
            (answer, Some(DataClass::AccountData))
        }
        Operation::ReadDecision { .. } => {
            let news = SessionNews::new(Source::default(), SessionState::Approved);
            let news = Box::new(news);
            (Answer::SessionState { news }, Some(DataClass::Evidence))
        }
        _ => (Answer::Done, None),
    }
}

#[async_trait]
impl Performer for Providers {
    async fn perform(&self, call: &EffectCall) -> Performed {
        self.0.write("call", &call.id);
        let (answer, class) = answer(call);
        Performed {
            result: Ok(answer),
            payload: class.map(|class| Payload {
                class,
                content: Masked::from("what came with it"),
            }),
        }
    }

    async fn notify(&self, id: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        self.0.write("notice", id);
        Ok(())
    }

    async fn record(&self, id: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        self.0.write("entry", id);
        Ok(())
    }
}

/// A fact, and the class of what comes with it.
type Said = (Fact, Option<DataClass>);

/// What the person and the providers do about a leg that has not ended well.
fn next(record: &JourneyRecord, leg: Leg) -> Option<Said> {
    let view = record.state.leg(leg)?;
    match view.status {
        LegStatus::Open => {}
        LegStatus::NeedsPerson => return Some((Fact::AskAgain, None)),
        LegStatus::NeedsOperator => return Some((Fact::Resume, None)),
        _ => return None,
    }
    if view.unsettled.is_some() {
        return Some((Fact::AskAgain, None));
    }
    let correlation = Correlation {
        token: TOKEN,
        leg,
        attempt: view.attempt,
    };
    let references = record.state.references();
    let named = references
        .iter()
        .rev()
        .find(|reference| reference.leg == leg);
    let source = Source::new(
        named.map(|reference| reference.id.clone()),
        Some(correlation),
    );
    Some(match (leg, record.state.plan()?.accounts.as_ref()) {
        (Leg::Documents, _) => {
            let back = Return::new(source, ReturnEnd::Approved);
            (Fact::Returned(back), Some(DataClass::Codes))
        }
        (Leg::Accounts, Some(plan)) if plan.provider == Provider::FinPro => {
            let active = ConsentNews::new(source, ConsentState::Active);
            let id = ProviderReference::parse("consent");
            (Fact::Consent(active.set_consent(id.ok())), None)
        }
        (Leg::Accounts, _) => (Fact::Hint(source), None),
        (Leg::Verification, _) => {
            let approved = SessionNews::new(source, SessionState::Approved);
            (Fact::Session(approved.set_is_signed(true)), None)
        }
    })
}

async fn read(engine: &SqliteEngine, id: &JourneyId) -> JourneyRecord {
    engine.read(id).await.unwrap().unwrap()
}

/// Whether nothing is under way, and nothing is due.
async fn is_quiet(engine: &SqliteEngine, now: Timestamp) -> bool {
    let room = Lane::ALL.map(|lane| (lane, 1));
    let due = engine.due(now, &room, &HashSet::new()).await.unwrap();
    due.effects.is_empty() && engine.interrupted().await.unwrap().is_empty()
}

/// The process that is killed: takes each journey to its end, whatever was done before.
#[test]
#[ignore = "the process that the other test kills"]
fn process() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("started by the other test"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText));
        run_to_the_end(Arc::new(engine.unwrap()), &directory).await;
    });
}

/// A command with this key, as it comes at this time.
async fn submit(
    engine: &SqliteEngine,
    at: Timestamp,
    id: &JourneyId,
    key: &str,
    leg: Option<Leg>,
    said: Said,
) {
    let (fact, class) = said;
    let payload = class.map(|class| Payload {
        class,
        content: Masked::from("what came with it"),
    });
    let key = EventKey::command(key).unwrap();
    let event = Event::new(key, at, leg, fact).set_payload(payload);
    engine.submit(id, event).await.unwrap();
}

pub(crate) async fn begin(engine: &SqliteEngine, at: Timestamp, id: &JourneyId, plan: &Plan) {
    let start = Fact::Start {
        plan: Box::new(plan.clone()),
        token: TOKEN,
    };
    submit(engine, at, id, "start", None, (start, None)).await;
    let given = Fact::ConsentGiven {
        receipt: ReceiptId::parse("receipt").unwrap(),
        expires_at: None,
    };
    submit(engine, at, id, "given", None, (given, None)).await;
}

/// Takes every journey to its end, whatever was done before.
pub(crate) async fn run_to_the_end(engine: Arc<SqliteEngine>, directory: &Path) {
    // The clock goes on where it stood.
    let all = JourneyFilter::new();
    let every = engine.list(&all, PageToken::default());
    let last = every
        .await
        .unwrap()
        .journeys
        .first()
        .map(|last| last.updated_at);
    let clock = Arc::new(last.map_or_else(HandClock::default, HandClock::at));
    let performer = Arc::new(Providers(Ledger::new(directory)));
    let runner = Runner::new(Arc::clone(&engine) as _, performer);
    let runner = runner
        .with_clock(Arc::clone(&clock) as _)
        .with_patience(Duration::ZERO);
    let run = tokio::spawn(runner.run(std::future::pending()));
    let process = std::process::id();
    for (id, plan) in plans() {
        begin(&engine, clock.now(), &id, &plan).await;
        let mut turn = 0;
        loop {
            let record = read(&engine, &id).await;
            let is_over = record.state.status().is_end();
            let is_quiet = is_quiet(&engine, clock.now()).await;
            if is_over && is_quiet {
                break;
            }
            if !is_quiet {
                assert!(!run.is_finished(), "the run ended first");
                tokio::task::yield_now().await;
                continue;
            }
            turn += 1;
            assert!(turn < 500, "{id} does not end: {record:?}");
            for leg in plan.legs() {
                if let Some(said) = next(&record, leg) {
                    let key = format!("{process}-{turn}-{}", leg.as_str());
                    submit(&engine, clock.now(), &id, &key, Some(leg), said).await;
                }
            }
            clock.advance(SignedDuration::from_mins(1));
        }
    }
    run.abort();
    // Whether it was ended or had ended, it is over.
    let _ = run.await;
}

pub(crate) async fn check(directory: &Path, how: &str) {
    let engine = SqliteEngine::open(directory.join("kyc.db"), Arc::new(ClearText)).unwrap();
    let calls = Ledger::new(directory).counts("call");
    for (id, plan) in plans() {
        let record = read(&engine, &id).await;
        assert_eq!(
            record.state.status(),
            JourneyStatus::Completed,
            "{how}: {plan:?}"
        );
        let history = engine.history(&id, Seq::ZERO).await.unwrap();
        let effects: Vec<_> = history.iter().flat_map(|entry| &entry.effects).collect();
        for effect in &effects {
            let Some(operation) = effect.operation() else {
                continue;
            };
            let name = format!("{how}: {} {}", effect.id, operation.name());
            let results = history
                .iter()
                .filter(|entry| entry.fact.effect() == Some(&effect.id));
            let is_cancelled = effects
                .iter()
                .any(|other| matches!(&other.kind, EffectKind::CancelCall(id) if *id == effect.id));
            match results.count() {
                0 => assert!(is_cancelled, "{name} is lost"),
                results => assert_eq!(results, 1, "{name}"),
            }
            let made = calls.get(&effect.id.to_string()).copied().unwrap_or(0);
            if operation.idempotency() == Idempotency::Unsafe {
                assert!(made <= 1, "{name} was made {made} times");
            }
        }
    }
}

#[tokio::test]
async fn every_plan_ends_however_often_its_process_is_killed() {
    let whole = directory();
    assert!(!is_killed("plans::process", whole.path(), ""));
    check(whole.path(), "never killed").await;
    let mut kills = 0;
    for name in POINTS {
        let directory = directory();
        // One process after the other dies, each a passing later than the one before, until one comes to the end.
        for passing in 1.. {
            let kill_at = format!("{name}#{passing}");
            if !is_killed("plans::process", directory.path(), &kill_at) {
                break;
            }
            kills += 1;
        }
        check(directory.path(), name).await;
    }
    println!("{kills} kills");
    assert!(kills > 30, "{kills}");
}
