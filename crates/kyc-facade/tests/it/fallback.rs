//! Fallbacks: which failures are passed on, what is reported, and how the deadline is shared.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::http::{HeaderMap, StatusCode};
use kyc_facade::provider_core::{
    CallOptions, DecodeError, Error, ErrorKind, Fault, FaultClass, Idempotency, Mobile, Outcome,
    RawResponse,
};
use kyc_facade::{Applicant, Fallback, Kyc};

use crate::fakes::Fake;

const SECOND: Duration = Duration::from_secs(1);

fn consent() -> ConsentStatement {
    ConsentStatement::new(
        "s-1",
        ConsentKind::Aadhaar,
        ConsentAnswer::Approved,
        "I agree.",
    )
}

fn documents() -> DocumentAccessRequest {
    DocumentAccessRequest::new(
        AccessConsent::given_by_person(),
        "KYC",
        "https://lender.example.test",
    )
}

fn mobile() -> Mobile {
    Mobile::parse("9000000001").unwrap()
}

fn query() -> AggregatorQuery {
    AggregatorQuery::new(mobile(), "ref-1")
}

fn consent_request() -> AggregatorConsentRequest {
    AggregatorConsentRequest::new(mobile(), ConsentPurpose::LoanUnderwriting)
}

fn recorders(first: &Fake, others: &[&Fake]) -> Fallback<dyn ConsentRecorder> {
    let fallback = Fallback::<dyn ConsentRecorder>::new(Arc::new(first.clone()));
    others.iter().fold(fallback, |fallback, other| {
        fallback.or(Arc::new((*other).clone()))
    })
}

fn discoveries(first: &Fake, others: &[&Fake]) -> Fallback<dyn AggregatorDiscovery> {
    let fallback = Fallback::<dyn AggregatorDiscovery>::new(Arc::new(first.clone()));
    others.iter().fold(fallback, |fallback, other| {
        fallback.or(Arc::new((*other).clone()))
    })
}

/// Calls each capability with a first provider that fails like this and a second that serves. Returns which one served, if
/// any.
async fn served(failure: &Error) -> [Option<&'static str>; 5] {
    let first = Fake::failing_with(failure.clone()).named("first");
    let second = Fake::default()
        .named("second")
        .finding(&[("a", Readiness::Ready)]);
    let options = CallOptions::new;
    let access =
        Fallback::<dyn DocumentAccess>::new(Arc::new(first.clone())).or(Arc::new(second.clone()));
    let opener = Fallback::<dyn AggregatorConsent>::new(Arc::new(first.clone()))
        .or(Arc::new(second.clone()));
    let verification = Fallback::<dyn IdentityVerification>::new(Arc::new(first.clone()))
        .or(Arc::new(second.clone()));
    let verified = verification
        .open_verification(VerificationRequest::new(), options())
        .await;
    let recorded = recorders(&first, &[&second])
        .record_consent(consent(), options())
        .await;
    let opened = access.open_session(documents(), options()).await;
    let granted = opener.open_consent(consent_request(), options()).await;
    let discovered = discoveries(&first, &[&second])
        .discover(query(), options())
        .await;
    [
        recorded.ok().and_then(|recorded| recorded.provider),
        opened.ok().and_then(|session| session.provider),
        granted.ok().and_then(|session| session.provider),
        verified.ok().and_then(|session| session.provider),
        discovered.ok().and_then(|standings| standings[0].provider),
    ]
}

#[tokio::test(start_paused = true)]
async fn which_failures_are_passed_on_is_a_table() {
    use ErrorKind::*;
    use Outcome::*;

    let transient =
        |error: Error| error.with_fault(Some(Fault::new().with_class(FaultClass::Transient)));
    let http_503 = |error: Error| {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        error.with_response(RawResponse::new(status, HeaderMap::new(), "".into()))
    };
    let repeatable = |error: Error| error.with_idempotency(Idempotency::Repeatable);
    let safe = |error: Error| error.with_idempotency(Idempotency::Safe);
    // The failure, and whether it is passed on for an operation with effects, and for a read.
    let table = [
        (Error::new(Connect, NotSent), true, true),
        (Error::new(Connect, Unknown), false, true),
        (Error::new(Unavailable, NotSent), true, true),
        (Error::new(Unavailable, Unknown), false, true),
        (Error::new(RateLimited, NotSent), true, true),
        (Error::new(RateLimited, Refused), true, true),
        (Error::new(RateLimited, Unknown), false, true),
        (Error::new(Timeout, NotSent), true, true),
        (Error::new(Timeout, Unknown), false, true),
        (repeatable(Error::new(Timeout, Unknown)), false, true),
        (safe(Error::new(Timeout, Unknown)), true, true),
        (Error::new(Transport, NotSent), true, true),
        (Error::new(Transport, Unknown), false, true),
        (Error::new(Unrecognized, Refused), true, true),
        (Error::new(Unrecognized, Unknown), false, true),
        (Error::new(Api, Refused), false, false),
        (transient(Error::new(Api, Refused)), true, true),
        (transient(Error::new(Api, Unknown)), false, true),
        (http_503(Error::new(Api, Unknown)), false, true),
        (Error::new(Credentials, Refused), false, false),
        (Error::new(Verification, NotSent), false, false),
        (Error::new(Verification, Unknown), false, false),
        (Error::new(Decode, Done), false, true),
        (repeatable(Error::new(Decode, Done)), false, true),
        (Error::new(InvalidRequest, NotSent), false, false),
        (Error::new(InvalidRequest, Unknown), false, false),
    ];
    for (failure, changing, reading) in table {
        let by = |yes: bool| yes.then_some("second");
        assert_eq!(
            served(&failure).await,
            [
                by(changing),
                by(changing),
                by(changing),
                by(changing),
                by(reading)
            ],
            "{failure:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_first_provider_that_serves_is_called() {
    let (first, second) = (
        Fake::default().named("first"),
        Fake::default().named("second"),
    );
    let recorded = recorders(&first, &[&second])
        .record_consent(consent(), CallOptions::new())
        .await
        .unwrap();
    assert_eq!(recorded.provider, Some("first"));
    assert_eq!((first.asked().len(), second.asked().len()), (1, 0));
}

/// What was opened at one provider means nothing to another, so no other one is asked, whatever happens.
#[tokio::test(start_paused = true)]
async fn a_session_is_read_at_the_provider_that_opened_it_only() {
    let first = Fake::failing(ErrorKind::Connect, Outcome::NotSent).named("first");
    let second = Fake::default().named("second");
    let either = Fallback::<dyn IdentityVerification>::new(Arc::new(first.clone()))
        .or(Arc::new(second.clone()));
    let opened = either
        .open_verification(VerificationRequest::new(), CallOptions::new())
        .await
        .unwrap();
    let session = SessionReference::from(&opened);
    assert_eq!(session.provider.as_deref(), Some("second"));
    let read =
        async |session: SessionReference| either.read_verdict(session, CallOptions::new()).await;
    let decision = read(session.clone()).await.unwrap();
    assert_eq!(decision.provider, Some("second"));
    assert_eq!(second.asked(), ["verification", "verdict of r-1"]);

    for provider in [None, Some("first")] {
        let error = read(session.clone().set_provider(provider)).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Connect);
    }
    let error = read(session.set_provider(Some("third"))).await.unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "provider");
    assert_eq!((first.asked().len(), second.asked().len()), (3, 2));
}

/// The same of documents: a grant is sent to the provider whose return it is of, and to no other.
#[tokio::test(start_paused = true)]
async fn documents_are_read_at_the_provider_that_opened_the_session_only() {
    let first = Fake::failing(ErrorKind::Connect, Outcome::NotSent).named("first");
    let second = Fake::default().named("second");
    let access =
        Fallback::<dyn DocumentAccess>::new(Arc::new(first.clone())).or(Arc::new(second.clone()));
    let either =
        Fallback::<dyn SharedDocuments>::new(Arc::new(first.clone())).or(Arc::new(second.clone()));
    let identity =
        Fallback::<dyn SharedIdentity>::new(Arc::new(first.clone())).or(Arc::new(second.clone()));
    let opened = access.open_session(documents(), CallOptions::new()).await;
    let opened = opened.unwrap();
    let at = |provider: Option<&str>| {
        let session = SessionReference::from(&opened).set_provider(provider);
        SessionAccess::new(AccessConsent::given_by_person(), "KYC", session)
    };
    let own = at(opened.provider);
    either.check_access(&own).unwrap();
    identity.check_identity(&own).unwrap();
    let returned = either.read_return(&own.session, &"?code".into()).unwrap();
    let AccessReturn::Granted(grant) = returned else {
        panic!("a grant");
    };
    let key = || DocumentReference::new("d-1");
    let calls = async |access: &SessionAccess| {
        let options = CallOptions::new;
        let completed = either.complete_access(access.clone(), grant.clone(), options());
        let completed = completed.await.map(|granted| granted.provider);
        let listed = either.list_documents(access.clone(), options()).await;
        let read = either.read_document(access.clone(), key(), options()).await;
        let record = identity.read_identity(access.clone(), options()).await;
        [
            completed,
            listed.map(|listed| listed.provider),
            read.map(|read| read.provider),
            record.map(|record| record.provider),
        ]
    };
    for served in calls(&own).await {
        assert_eq!(served.unwrap(), Some("second"));
    }
    let asked = [
        "documents for KYC",
        "return ?code",
        "complete with c-1",
        "documents of r-1",
        "document d-1",
        "identity of r-1",
    ];
    assert_eq!(second.asked(), asked);

    for provider in [None, Some("first")] {
        for served in calls(&at(provider)).await {
            assert_eq!(served.unwrap_err().kind(), ErrorKind::Connect);
        }
    }
    let unknown = at(Some("third"));
    for served in calls(&unknown).await {
        let error = served.unwrap_err();
        assert_eq!(error.invalid_request().unwrap().field(), "provider");
    }
    for error in [
        either.check_access(&unknown).unwrap_err(),
        identity.check_identity(&unknown).unwrap_err(),
        either
            .read_return(&unknown.session, &"?code".into())
            .unwrap_err(),
    ] {
        assert_eq!(error.invalid_request().unwrap().field(), "provider");
    }
    assert_eq!((first.asked().len(), second.asked().len()), (9, 6));
}

/// From its session to its accounts: what each answer is followed by names the provider too.
#[tokio::test(start_paused = true)]
async fn a_consent_is_followed_at_the_provider_that_opened_it_only() {
    let first = Fake::failing(ErrorKind::Connect, Outcome::NotSent).named("first");
    let second = Fake::default().named("second");
    let consents = Fallback::<dyn AggregatorConsent>::new(Arc::new(first.clone()))
        .or(Arc::new(second.clone()));
    let data =
        Fallback::<dyn AggregatorData>::new(Arc::new(first.clone())).or(Arc::new(second.clone()));
    let options = CallOptions::new;
    let opened = consents.open_consent(consent_request(), options()).await;
    let session = SessionReference::from(&opened.unwrap());
    let followed = data.follow_consent(session.clone(), options()).await;
    let consent = followed.unwrap().consent.unwrap();
    let requested = data.request_data(consent.clone(), None, options()).await;
    let requested = requested.unwrap();
    for named in [&session, &consent, &requested] {
        assert_eq!(named.provider.as_deref(), Some("second"));
    }
    let ready = data.data_readiness(requested.clone(), options()).await;
    assert_eq!(ready.unwrap(), DataReadiness::Ready);
    let read = data.read_accounts(consent, options()).await;
    assert_eq!(read.unwrap().len(), 1);
    let asked = second.asked();
    let expected = [
        "consent of r-1",
        "data of r-1",
        "readiness of r-1",
        "accounts of r-1",
    ];
    assert_eq!(asked[1..], expected);
    assert_eq!(first.asked().len(), 1);

    // Nothing goes on to another one, and a provider that is not among them is none.
    for (provider, kind) in [
        (None, ErrorKind::Connect),
        (Some("first"), ErrorKind::Connect),
        (Some("third"), ErrorKind::InvalidRequest),
    ] {
        let session = session.clone().set_provider(provider);
        let followed = data.follow_consent(session.clone(), options()).await;
        let requested = data.request_data(session.clone(), None, options()).await;
        let ready = data.data_readiness(session.clone(), options()).await;
        let read = data.read_accounts(session, options()).await;
        let errors = [
            followed.unwrap_err(),
            requested.unwrap_err(),
            ready.unwrap_err(),
            read.unwrap_err(),
        ];
        assert_eq!(errors.map(|error| error.kind()), [kind; 4], "{provider:?}");
    }
    assert_eq!((first.asked().len(), second.asked().len()), (9, 5));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_not_passed_on_is_returned_unchanged() {
    let dead = Fake::failing(ErrorKind::Connect, Outcome::NotSent);
    for kind in [ErrorKind::Timeout, ErrorKind::InvalidRequest] {
        let lost = Fake::failing_with(Error::new(kind, Outcome::Unknown).at("lost", "act"));
        let third = Fake::default();
        let error = recorders(&dead, &[&lost, &third])
            .record_consent(consent(), CallOptions::new())
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.provider()), (kind, "lost"));
        assert!(error.is_unsettled() && error.source().is_none());
        assert!(third.asked().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn if_all_fail_the_first_failure_is_returned_and_lists_the_others() {
    let failing = |kind, name| Error::new(kind, Outcome::NotSent).at(name, "act");
    let first =
        Fake::failing_with(failing(ErrorKind::Connect, "one").with_source("name not found"));
    let second = Fake::failing_with(failing(ErrorKind::Unavailable, "two"));
    let third = Fake::failing_with(failing(ErrorKind::InvalidRequest, "three"));
    let fourth = Fake::failing_with(failing(ErrorKind::RateLimited, "four"));
    let observed = Arc::new(Mutex::new(Vec::new()));
    let observer = Arc::clone(&observed);
    let error = recorders(&first, &[&second, &third, &fourth])
        .with_observer(move |error| observer.lock().unwrap().push(error.provider()))
        .record_consent(consent(), CallOptions::new())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.provider()),
        (ErrorKind::Connect, "one")
    );
    let others: Vec<_> = error.also_failed().iter().map(Error::provider).collect();
    assert_eq!(others, ["two", "three", "four"]);
    assert_eq!(
        error.report(),
        "one act: the server could not be reached\n  \
         caused by: name not found\n  \
         also failed: two act: circuit open: recent calls failed, nothing was sent\n  \
         also failed: three act: invalid request\n  \
         also failed: four act: too many requests"
    );
    assert_eq!(
        *observed.lock().unwrap(),
        ["one", "two", "three"],
        "each that another made good"
    );
}

/// An error keeps its details when other providers fail too.
#[tokio::test(start_paused = true)]
async fn the_first_failure_keeps_its_cause_when_the_others_fail_too() {
    let decode = DecodeError::missing_data("$.data");
    let misread = Fake::failing_with(Error::from(decode).at("one", "act"));
    let dead = Fake::failing(ErrorKind::Connect, Outcome::NotSent);
    let error = discoveries(&misread, &[&dead])
        .discover(query(), CallOptions::new())
        .await
        .unwrap_err();
    assert_eq!(error.also_failed().len(), 1);
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.decode().unwrap().path(), "$.data");
    let cause = error.source().unwrap();
    assert!(cause.is::<DecodeError>(), "{cause:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_provider_checks_inputs() {
    let refusing = Fake {
        refuses_input: true,
        ..Fake::default()
    };
    let fine = Fake::default().named("fine");
    assert!(
        recorders(&fine, &[&refusing])
            .check_consent(&consent())
            .is_ok()
    );
    let error = recorders(&refusing, &[&fine])
        .check_consent(&consent())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(recorders(&fine, &[&refusing]).provider_name(), "fine");
}

/// A provider that waits and then fails.
fn slow(seconds: u64, kind: ErrorKind, outcome: Outcome) -> Fake {
    Fake {
        delay: seconds as u32 * SECOND,
        ..Fake::failing(kind, outcome)
    }
}

fn limits(fake: &Fake) -> Vec<(Option<Duration>, Option<Duration>)> {
    let options = fake.options.lock().unwrap();
    options
        .iter()
        .map(|options| (options.timeout, options.time_limit))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_operation_with_effects_gets_all_of_the_time_and_the_next_provider_the_rest() {
    let first = slow(4, ErrorKind::Connect, Outcome::NotSent);
    let second = Fake::default();
    let options = CallOptions::new()
        .with_time_limit(10 * SECOND)
        .with_timeout(9 * SECOND);
    recorders(&first, &[&second])
        .record_consent(consent(), options)
        .await
        .unwrap();
    assert_eq!(limits(&first), [(Some(9 * SECOND), Some(10 * SECOND))]);
    assert_eq!(limits(&second), [(Some(5 * SECOND), Some(6 * SECOND))]);
}

#[tokio::test(start_paused = true)]
async fn a_read_leaves_time_for_the_next_provider() {
    let hanging = slow(4, ErrorKind::Timeout, Outcome::Unknown);
    let (second, third) = (
        slow(1, ErrorKind::Timeout, Outcome::Unknown),
        Fake::default(),
    );
    let options = CallOptions::new().with_time_limit(12 * SECOND);
    discoveries(&hanging, &[&second, &third])
        .discover(query(), options)
        .await
        .unwrap();
    let limit = |seconds| [(None, Some(seconds * SECOND))];
    assert_eq!(limits(&hanging), limit(4), "a third of twelve");
    assert_eq!(limits(&second), limit(4), "half of eight");
    assert_eq!(limits(&third), limit(7), "all that is left");
}

#[tokio::test(start_paused = true)]
async fn without_time_left_no_other_provider_is_called() {
    let first = slow(4, ErrorKind::Connect, Outcome::NotSent);
    let second = Fake::default();
    let options = CallOptions::new().with_time_limit(4 * SECOND);
    let error = recorders(&first, &[&second])
        .with_observer(|_| panic!("there is no fallback"))
        .record_consent(consent(), options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.source().is_none() && second.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_onboarding_names_the_provider_that_served() {
    let dead = Fake::failing(ErrorKind::Connect, Outcome::NotSent).named("dead");
    let alive = Fake::default()
        .named("alive")
        .finding(&[("a", Readiness::Ready)]);
    let kyc = Kyc::builder()
        .consent_recorder(Arc::new(recorders(&dead, &[&alive])))
        .aggregator_discovery(Arc::new(discoveries(&dead, &[&alive])))
        .document_access(Arc::new(alive.clone()))
        .build();
    let applicant = Applicant::new(mobile())
        .set_consent(consent())
        .set_documents(documents())
        .set_query_id("ref-1");
    let report = kyc.onboard(applicant).await;
    let printed = format!("{report:?}");
    assert_eq!(
        printed.matches("provider: \"alive\"").count(),
        3,
        "{printed}"
    );
    assert!(!printed.contains("\"dead\""));
}
