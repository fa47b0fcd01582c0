//! A journey of every plan, by the machine itself: what the person does, and what the providers answer.

use provider_core::Masked;
use provider_core::capability::ProviderReference;

use crate::effect::DataClass;
use crate::engine::{EffectCall, JourneyRecord, Performed};
use crate::event::Payload;
use crate::fact::{
    AggregatorReturn, Answer, ConsentNews, ConsentState, DataNews, DataState, Fact, FoundFile,
    Return, ReturnEnd, SessionNews, SessionState, Source,
};
use crate::id::{Correlation, CorrelationToken, JourneyId};
use crate::leg::{Leg, LegStatus};
use crate::operation::Operation;
use crate::plan::{AccountsPlan, DocumentKind, DocumentsPlan, Plan, Provider, VerificationPlan};

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

/// What the person and the providers do about a leg that has not ended well. `token` is the journey's.
pub fn next(
    record: &JourneyRecord,
    token: CorrelationToken,
    leg: Leg,
) -> Option<(Fact, Option<Payload>)> {
    let (fact, class) = said(record, token, leg)?;
    Some((fact, class.map(payload)))
}

fn said(
    record: &JourneyRecord,
    token: CorrelationToken,
    leg: Leg,
) -> Option<(Fact, Option<DataClass>)> {
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
        token,
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
