//! A journey of every plan, by the machine itself: what the person does, what the providers answer, and what must hold in the end.

use jiff::Timestamp;
use provider_core::capability::{AggregatorId, ProviderReference};
use provider_core::{Idempotency, Masked};

use super::crash::Ledger;
use crate::engine::{EffectCall, JourneyEngine, JourneyRecord, Performed};
use crate::values::{
    AccountsPlan, AggregatorReturn, Answer, ConsentNews, ConsentState, Correlation,
    CorrelationToken, DataClass, DataNews, DataState, DocumentKind, DocumentsPlan, EffectKind,
    Event, EventKey, Fact, FoundFile, JourneyId, JourneyStatus, Leg, LegStatus, Operation, Payload,
    Plan, ProfileStanding, Provider, Readiness, ReceiptId, Return, ReturnEnd, Seq, SessionNews,
    SessionState, Source, VerificationPlan,
};

/// One journey a plan.
pub fn plans() -> Vec<(JourneyId, Plan)> {
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

fn reference(call: &EffectCall) -> ProviderReference {
    let text = format!("at-{}-{}", call.id.seq, call.id.ordinal);
    ProviderReference::parse(text).expect("an id")
}

/// What a provider answers where nothing fails.
pub fn answered(call: &EffectCall) -> Performed {
    let (answer, class) = answer(call);
    Performed {
        result: Ok(answer),
        payload: class.map(payload),
    }
}

/// Something that comes with a fact.
fn payload(class: DataClass) -> Payload {
    Payload {
        class,
        content: Masked::from("what came with it"),
    }
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
        Operation::CheckProfile { aggregators } => {
            let standing = |aggregator: &AggregatorId| ProfileStanding {
                aggregator: aggregator.clone(),
                readiness: Readiness::Ready,
            };
            let standings = aggregators.iter().map(standing).collect();
            (Answer::Profiles { standings }, None)
        }
        Operation::ReadLink { .. } => (Answer::Link, Some(DataClass::Links)),
        Operation::ListConsents { .. }
        | Operation::FindConsent { .. }
        | Operation::FindRequestedConsent { .. } => {
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
        Operation::RefreshData { .. } => (Answer::Refreshing { request: reference }, None),
        Operation::ReadDecision { .. } | Operation::ListAttempts { .. } => {
            let news = SessionNews::new(Source::default(), SessionState::Approved);
            let news = Box::new(news);
            (Answer::SessionState { news }, Some(DataClass::Evidence))
        }
        _ => (Answer::Done, None),
    }
}

async fn submit(
    engine: &dyn JourneyEngine,
    at: Timestamp,
    id: &JourneyId,
    key: &str,
    leg: Option<Leg>,
    (fact, class): Said,
) {
    let key = EventKey::command(key).expect("a key");
    let event = Event::new(key, at, leg, fact).set_payload(class.map(payload));
    engine.submit(id, event).await.expect("it is stored");
}

/// Submits a journey's start and consent, which are the same ones however often.
pub async fn begin(engine: &dyn JourneyEngine, at: Timestamp, id: &JourneyId, plan: &Plan) {
    let start = Fact::Start {
        plan: Box::new(plan.clone()),
        // What is known by a token is one journey.
        token: CorrelationToken::parse(id.as_str()).expect("a token"),
    };
    submit(engine, at, id, "start", None, (start, None)).await;
    let given = Fact::ConsentGiven {
        receipt: ReceiptId::parse("receipt").expect("an id"),
        expires_at: None,
    };
    submit(engine, at, id, "given", None, (given, None)).await;
}

/// Submits what the person and the providers do about each leg that has not ended well. `turn` is another one each time.
pub async fn go_on(engine: &dyn JourneyEngine, at: Timestamp, record: &JourneyRecord, turn: &str) {
    for leg in record.state.plan().into_iter().flat_map(Plan::legs) {
        if let Some(said) = next(record, leg) {
            let key = format!("{turn}-{}", leg.as_str());
            submit(engine, at, record.state.id(), &key, Some(leg), said).await;
        }
    }
}

/// What must hold of each journey in the end: it is completed, each call that was not cancelled has one result, and no unsafe call was
/// made twice. `how` begins what a failure says.
pub async fn check(engine: &dyn JourneyEngine, ledger: &Ledger, how: &str) {
    let calls = ledger.counts("call");
    for (id, plan) in plans() {
        let record = engine.read(&id).await.expect("the store can be read");
        let status = record.expect("a journey").state.status();
        assert_eq!(status, JourneyStatus::Completed, "{how}: {plan:?}");
        let history = engine.history(&id, Seq::ZERO).await;
        let history = history.expect("the store can be read");
        let effects = || history.iter().flat_map(|entry| &entry.effects);
        for effect in effects() {
            let Some(operation) = effect.operation() else {
                continue;
            };
            let name = format!("{how}: {} {}", effect.id, operation.name());
            let results = history
                .iter()
                .filter(|entry| entry.fact.effect() == Some(&effect.id));
            let is_cancelled = effects()
                .any(|other| matches!(&other.kind, EffectKind::CancelCall(id) if *id == effect.id));
            match results.count() {
                0 => assert!(is_cancelled, "{name} is lost"),
                results => assert_eq!(results, 1, "{name}"),
            }
            let made = calls.get(&effect.id.to_string()).copied();
            let made = made.unwrap_or_default();
            let is_unsafe = operation.idempotency() == Idempotency::Unsafe;
            assert!(!is_unsafe || made <= 1, "{name} was made {made} times");
        }
    }
}

/// A fact, and the class of what comes with it.
type Said = (Fact, Option<DataClass>);

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
        token: *record.state.token()?,
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
