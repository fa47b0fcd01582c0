//! The same calls over the sandbox, as a journey makes them in turn.

use std::sync::Arc;
use std::time::Duration;

use kyc_journey::{
    AggregatorReturn, Answer, ConsentQuery, ConsentState, DataClass, DataState, DocumentKind, Fact,
    Failure, FinpassFlow, Leg, Operation, Payload, Performed, Performer as _, Provider, Readiness,
    Refusal, ReturnEnd, Seq, SessionState,
};
use kyc_journey_performer::{ProviderClients, Returns};
use kyc_sandbox::{Provider as At, Sandbox};
use provider_core::SystemClock;
use provider_core::capability::{AggregatorId, ProviderReference};
use provider_core::jiff::Timestamp;

use crate::people::Somebody;
use crate::{call, correlation, performer, token};

/// The performer over a sandbox whose person follows the script of this number.
fn over(sandbox: &Sandbox, mobile: &str) -> ProviderClients {
    // Where DigiLocker's person is found, too.
    let base = format!("https://lender.example.test/{mobile}");
    let somebody = Somebody::with_mobile(mobile, &base);
    performer(sandbox.transport(), somebody, Arc::new(SystemClock))
}

async fn made(clients: &ProviderClients, operation: Operation) -> Performed {
    clients.perform(&call(operation, None)).await
}

async fn answered(clients: &ProviderClients, operation: Operation) -> (Answer, Option<Payload>) {
    let name = operation.name();
    let Performed { result, payload } = made(clients, operation).await;
    (
        result.unwrap_or_else(|failure| panic!("{name}: {failure:?}")),
        payload,
    )
}

async fn opened(clients: &ProviderClients, operation: Operation) -> ProviderReference {
    let (answer, link) = answered(clients, operation).await;
    assert_eq!(link.map(|link| link.class), Some(DataClass::Links));
    match answer {
        Answer::Opened { reference } => reference,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn documents_are_fetched_once_the_person_came_back() {
    let sandbox = Sandbox::default();
    let clients = over(&sandbox, "9001000000");
    let correlation = correlation(Leg::Documents);
    let session = opened(
        &clients,
        Operation::OpenDocuments {
            correlation,
            wanted: DocumentKind::ALL.to_vec(),
        },
    )
    .await;
    let url = sandbox.digilocker_return(session.as_str()).unwrap();
    assert!(
        url.contains(&format!("/return/{}?", token(Leg::Documents))),
        "{url}"
    );
    let event = Returns::new().event(Provider::Deepvue, correlation, &url, Timestamp::UNIX_EPOCH);
    let event = event.unwrap();
    let Fact::Returned(returned) = event.fact else {
        panic!("{event:?}");
    };
    assert_eq!(returned.source.reference.as_ref(), Some(&session));
    assert_eq!(returned.end, ReturnEnd::Approved);

    let complete = || {
        let code = Seq::new(2);
        let session = session.clone();
        call(
            Operation::CompleteAuthorization { session, code },
            event.payload.clone(),
        )
    };
    let completed = clients.perform(&complete()).await;
    assert!(
        matches!(
            completed.result,
            Ok(Answer::Authorized {
                has_e_aadhaar: true,
                ..
            })
        ),
        "{completed:?}"
    );
    // The code works once.
    let again = clients.perform(&complete()).await;
    assert_eq!(again.result, Err(Failure::refused(Refusal::Code)));

    let list = Operation::ListIssuedFiles {
        session: session.clone(),
    };
    let (answer, list) = answered(&clients, list).await;
    let Answer::Files { found } = answer else {
        panic!("{answer:?}");
    };
    let pan = found
        .iter()
        .find(|file| file.kind == DocumentKind::Pan)
        .unwrap();
    let fetch = Operation::FetchFile {
        session: session.clone(),
        list: Seq::new(4),
        item: pan.item,
    };
    let file = clients.perform(&call(fetch, list)).await;
    assert_eq!(file.result, Ok(Answer::File));
    assert_eq!(file.payload.unwrap().class, DataClass::Documents);
    let (answer, record) = answered(&clients, Operation::FetchEAadhaar { session }).await;
    assert_eq!(answer, Answer::File);
    assert!(record.unwrap().content.expose().contains("masked_uid"));
}

#[tokio::test(start_paused = true)]
async fn accounts_by_finpro_are_fetched_once_the_person_approved() {
    let sandbox = Sandbox::default();
    let clients = over(&sandbox, "9001000000");
    let correlation = correlation(Leg::Accounts);
    let aggregator = AggregatorId::parse("onemoney").unwrap();
    let aggregators = vec![aggregator.clone()];
    let (answer, _) = answered(&clients, Operation::CheckProfile { aggregators }).await;
    let Answer::Profiles { standings } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(standings[0].aggregator, aggregator);
    assert_eq!(standings[0].readiness, Readiness::Ready);

    let request = Operation::RequestConsent {
        correlation,
        aggregator: Some(aggregator),
    };
    let handle = opened(&clients, request).await;
    let list = |by| Operation::ListConsents { by };
    let of_person = || list(ConsentQuery::Person { correlation });
    for look in [of_person(), Operation::FindRequestedConsent { correlation }] {
        let (answer, _) = answered(&clients, look).await;
        let Answer::Consents { consents } = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(consents.len(), 1);
        assert_eq!(consents[0].source.reference.as_ref(), Some(&handle));
        assert_eq!(consents[0].source.correlation, Some(correlation));
        assert_eq!(consents[0].state, ConsentState::Pending);
    }

    sandbox.advance(Duration::from_secs(600)).await;
    let (answer, _) = answered(&clients, list(ConsentQuery::Handle(handle.clone()))).await;
    let Answer::Consents { consents } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(consents[0].state, ConsentState::Active);
    let consent = consents[0].consent.clone().unwrap();
    let url = sandbox.consent_return_url(handle.as_str()).unwrap();
    assert!(
        url.contains(&format!("/return/{}", token(Leg::Accounts))),
        "{url}"
    );
    let event = Returns::new().event(Provider::FinPro, correlation, &url, Timestamp::UNIX_EPOCH);
    let decrypt = Operation::DecryptReturn {
        returned: Seq::new(4),
    };
    let read = clients
        .perform(&call(decrypt, event.unwrap().payload))
        .await;
    let end = AggregatorReturn::Accepted;
    assert_eq!(read.result, Ok(Answer::ReturnRead { end }));

    let request = Operation::RequestData {
        consent: consent.clone(),
    };
    let (answer, _) = answered(&clients, request).await;
    let Answer::DataRequested { session } = answer else {
        panic!("{answer:?}");
    };
    sandbox.advance(Duration::from_secs(60)).await;
    let status = Operation::DataStatus {
        consent: consent.clone(),
        session: Some(session.clone()),
    };
    let (answer, _) = answered(&clients, status).await;
    let Answer::DataStatus { news } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(
        (news.state, news.session.as_ref()),
        (DataState::Ready, Some(&session))
    );
    assert!(
        news.accounts > 0 && news.delivered == news.accounts,
        "{news:?}"
    );
    let fetch = Operation::FetchData {
        consent: consent.clone(),
        session: Some(session),
    };
    let (answer, data) = answered(&clients, fetch).await;
    assert_eq!(answer, Answer::AccountData);
    assert_eq!(data.unwrap().class, DataClass::AccountData);
    let revoke = || Operation::RevokeConsent {
        consent: consent.clone(),
    };
    assert_eq!(answered(&clients, revoke()).await.0, Answer::Done);
    let again = made(&clients, revoke()).await;
    assert_eq!(again.result, Err(Failure::refused(Refusal::AlreadySo)));
}

#[tokio::test(start_paused = true)]
async fn accounts_by_finpass_are_pending_until_the_person_approved() {
    for flow in [FinpassFlow::Underwriting, FinpassFlow::Analyzer] {
        let sandbox = Sandbox::default();
        let clients = over(&sandbox, "9001000000");
        let correlation = correlation(Leg::Accounts);
        let client = opened(&clients, Operation::OpenAccounts { correlation, flow }).await;
        let fetch = || Operation::FetchReports {
            client: client.clone(),
            request: None,
            flow,
        };
        let (answer, _) = answered(&clients, fetch()).await;
        let pending = Answer::Reports {
            ready: 0,
            pending: 1,
            failed: 0,
        };
        assert_eq!(answer, pending, "{flow:?}");
        sandbox.advance(Duration::from_secs(3600)).await;
        let (answer, reports) = answered(&clients, fetch()).await;
        let Answer::Reports {
            ready,
            pending: 0,
            failed: 0,
        } = answer
        else {
            panic!("{flow:?}: {answer:?}");
        };
        assert!(ready > 0, "{flow:?}");
        assert_eq!(reports.unwrap().class, DataClass::AccountData);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_at_veriff_is_followed_to_its_decision_and_deleted() {
    let sandbox = Sandbox::default();
    let clients = over(&sandbox, "9001000000");
    let correlation = correlation(Leg::Verification);
    let session = opened(&clients, Operation::CreateSession { correlation }).await;
    let record = Operation::RecordConsent {
        session: session.clone(),
    };
    assert_eq!(answered(&clients, record).await.0, Answer::Done);
    let consents = sandbox.consents(session.as_str());
    assert_eq!(consents.len(), 1);
    let read = || Operation::ReadDecision {
        session: session.clone(),
    };
    let (answer, evidence) = answered(&clients, read()).await;
    assert_eq!((answer, evidence), (Answer::Done, None));
    sandbox.advance(Duration::from_secs(3600)).await;
    let (answer, evidence) = answered(&clients, read()).await;
    let Answer::SessionState { news } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(news.state, SessionState::Approved);
    assert!(news.is_signed);
    assert_eq!(news.source.reference.as_ref(), Some(&session));
    assert_eq!(news.source.correlation, Some(correlation));
    assert_eq!(evidence.unwrap().class, DataClass::Evidence);
    let delete = || Operation::DeleteSession {
        session: session.clone(),
    };
    assert_eq!(answered(&clients, delete()).await.0, Answer::Done);
    let again = made(&clients, delete()).await;
    assert_eq!(again.result, Err(Failure::refused(Refusal::NotFound)));
}

/// The one id of a call is in the sandbox's ledger, as it is in a journey's history.
#[tokio::test(start_paused = true)]
async fn an_effect_is_found_in_the_providers_ledger_by_its_id() {
    let sandbox = Sandbox::default();
    let clients = over(&sandbox, "9001000000");
    let correlation = correlation(Leg::Verification);
    opened(&clients, Operation::CreateSession { correlation }).await;
    let id = "00000000000000000000000000000011-3-1";
    assert_eq!(sandbox.ledger().entries_for(id).len(), 1);
    assert_eq!(sandbox.ledger().counts(At::Veriff).effects, 1);
}
