//! Conformance suites: what every implementation of a capability must do, and the rules for credentials.
//!
//! A capability's suite takes a [`Setup`]: an implementation, and a peer that answers, refuses or fails, such as the in-process
//! sandbox. Besides what the capability promises it checks for each call that
//!
//! - a refusal is `Api` and `Refused`, and final: no second request;
//! - a peer that cannot be reached is `Connect` and `NotSent`;
//! - silence until the deadline, a connection that breaks and a failing server leave open what was done, unless the call is a
//!   read, and what may not be repeated is not;
//! - the reply to another call is refused, and an input that breaks a rule is not sent;
//! - the request id is passed on, and no answer, error or client prints a personal value.
//!
//! Run it with tokio's time paused: it waits for deadlines and back-off.

mod setup;
mod shared_documents;
mod shared_identity;

pub use setup::Setup;
pub use shared_documents::shared_documents;
pub use shared_identity::shared_identity;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use jiff::Timestamp;

use self::setup::{Does, options, prints_nothing};
use crate::call::CallOptions;
use crate::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorData, AggregatorDiscovery,
    AggregatorQuery, BrowserUrl, ConsentAnswer, ConsentRecorder, ConsentStanding, ConsentStatement,
    DataRange, DataReadiness, DocumentAccess, DocumentAccessRequest, IdentityVerification,
    ProviderReference, Readiness, SessionReference, Verdict, VerificationRequest,
};
use crate::error::{ErrorKind, Outcome};
use crate::values::Masked;
use crate::wire::{Attempt, Provider, RawResponse};

/// Each credential appears in its header once, whatever the header held before and however often a request is authorised:
/// credentials are inserted, not appended. `credentials` are header names with the values for an empty body.
pub fn credentials_replace_existing_header_values(
    provider: &impl Provider,
    credentials: &[(&'static str, &str)],
) {
    let (mut head, ()) = Request::new(()).into_parts();
    for (name, _) in credentials {
        for _ in 0..2 {
            head.headers
                .append(*name, HeaderValue::from_static("other"));
        }
    }
    let attempt = Attempt::new(1, Timestamp::UNIX_EPOCH, 1);
    for _ in 0..2 {
        provider
            .authorize(&mut head, Some(b""), &attempt)
            .expect("a request that can be authorised");
    }
    for (name, value) in credentials {
        let found: Vec<_> = head.headers.get_all(*name).iter().collect();
        assert_eq!(found, [value], "{name}");
    }
}

/// A provider that documents no rate-limit headers ignores them: those of another provider, or of a gateway in between,
/// must not stop a client.
pub fn rate_limit_headers_are_ignored(provider: &impl Provider) {
    let mut headers = HeaderMap::new();
    for name in [
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "ratelimit",
        "retry-after",
    ] {
        headers.insert(name, HeaderValue::from_static("0"));
    }
    let response = RawResponse::new(StatusCode::OK, headers, Bytes::new());
    assert_eq!(provider.allowance(&response, Timestamp::UNIX_EPOCH), None);
}

/// A recorder records an approval and a refusal, returns a distinct reference for each, and refuses inputs that it cannot
/// send.
///
/// `consent` must be one that the implementation accepts, and `other` another one, of another session.
pub async fn consent_recorder(
    setup: &Setup<dyn ConsentRecorder>,
    consent: ConsentStatement,
    other: ConsentStatement,
) {
    let recorder = setup.client();
    assert!(!recorder.provider_name().is_empty());
    recorder
        .check_consent(&consent)
        .expect("a consent that can be sent");
    let record = |consent: &ConsentStatement| {
        let consent = consent.clone();
        async move |recorder: Arc<dyn ConsentRecorder>, options: CallOptions| {
            recorder.record_consent(consent.clone(), options).await
        }
    };
    let approved = record(&consent)(Arc::clone(&recorder), options())
        .await
        .expect("an approval is recorded");
    let refusal = ConsentStatement {
        answer: ConsentAnswer::Refused,
        ..consent.clone()
    };
    let refused = record(&refusal)(recorder, options())
        .await
        .expect("a refusal is recorded too");
    assert_ne!(
        approved.reference, refused.reference,
        "each consent has a distinct reference"
    );

    let personal = [consent.text.expose()];
    prints_nothing(&personal, &format!("{consent:?}"));
    setup
        .every_failure(Does::Act, &personal, record(&consent))
        .await;
    setup.another_reply(record(&other), record(&consent)).await;

    let nowhere = ConsentStatement {
        session: "../elsewhere".to_owned(),
        ..consent.clone()
    };
    let silent = ConsentStatement {
        text: "".into(),
        ..consent
    };
    for wrong in [nowhere, silent] {
        setup
            .nothing_is_sent(
                |recorder| recorder.provider_name(),
                Some(&|recorder| recorder.check_consent(&wrong)),
                record(&wrong),
            )
            .await;
    }
}

/// Document access opens a new session on each call, for some documents and for all, and opens none without a purpose.
///
/// `request` must be one that the implementation accepts, and `other` another one.
pub async fn document_access(
    setup: &Setup<dyn DocumentAccess>,
    request: DocumentAccessRequest,
    other: DocumentAccessRequest,
) {
    let access = setup.client();
    assert!(!access.provider_name().is_empty());
    access
        .check_session(&request)
        .expect("a request that can be sent");
    let open = |request: &DocumentAccessRequest| {
        let request = request.clone();
        async move |access: Arc<dyn DocumentAccess>, options: CallOptions| {
            access.open_session(request.clone(), options).await
        }
    };
    let all = DocumentAccessRequest {
        documents: Vec::new(),
        ..request.clone()
    };
    let first = open(&request)(Arc::clone(&access), options())
        .await
        .expect("a session is opened");
    let second = open(&all)(access, options())
        .await
        .expect("a session for all documents is opened");
    assert_ne!(
        first.reference, second.reference,
        "each session has a distinct reference"
    );
    assert_url(&first.url, &format!("{first:?}"));

    let personal = [request.return_url.expose()];
    prints_nothing(&personal, &format!("{request:?}"));
    setup
        .every_failure(Does::Act, &personal, open(&request))
        .await;
    setup.another_reply(open(&other), open(&request)).await;

    let aimless = DocumentAccessRequest {
        purpose: String::new(),
        ..request.clone()
    };
    let lost = DocumentAccessRequest {
        return_url: "elsewhere".into(),
        ..request
    };
    for wrong in [aimless, lost] {
        setup
            .nothing_is_sent(
                |access| access.provider_name(),
                Some(&|access| access.check_session(&wrong)),
                open(&wrong),
            )
            .await;
    }
}

/// Discovery returns one standing for each requested aggregator, and never takes silence for "no".
///
/// `query` names two aggregators that know the person; `silent` is a query about another person whose aggregators do not answer.
pub async fn aggregator_discovery(
    setup: &Setup<dyn AggregatorDiscovery>,
    query: AggregatorQuery,
    silent: AggregatorQuery,
) {
    let discovery = setup.client();
    assert!(!discovery.provider_name().is_empty());
    let discover = |query: &AggregatorQuery| {
        let query = query.clone();
        async move |discovery: Arc<dyn AggregatorDiscovery>, options: CallOptions| {
            discovery.discover(query.clone(), options).await
        }
    };
    let standings = discover(&query)(Arc::clone(&discovery), options())
        .await
        .expect("an answer");
    let mut asked: Vec<_> = query.aggregators.iter().map(|id| id.as_str()).collect();
    let mut answered: Vec<_> = standings
        .iter()
        .map(|standing| standing.aggregator.as_str())
        .collect();
    asked.sort_unstable();
    answered.sort_unstable();
    assert_eq!(
        asked, answered,
        "one standing for each requested aggregator"
    );
    assert!(
        standings
            .iter()
            .all(|standing| standing.readiness != Readiness::Undetermined)
    );

    let standings = discover(&silent)(Arc::clone(&discovery), options())
        .await
        .expect("an aggregator's silence is no error");
    assert!(!standings.is_empty());
    assert!(
        standings
            .iter()
            .all(|standing| standing.readiness == Readiness::Undetermined)
    );

    discovery
        .check_query(&query)
        .expect("a query that can be sent");
    let personal = [query.mobile.expose()];
    prints_nothing(&personal, &format!("{query:?}"));
    setup
        .every_failure(Does::Read, &personal, discover(&query))
        .await;
    setup
        .another_reply(discover(&silent), discover(&query))
        .await;

    let wrong = AggregatorQuery {
        query_id: String::new(),
        ..query
    };
    setup
        .nothing_is_sent(
            |discovery| discovery.provider_name(),
            Some(&|discovery| discovery.check_query(&wrong)),
            discover(&wrong),
        )
        .await;
}

/// Aggregator consent opens a new session on each call and returns a URL.
///
/// `request` must be one that the implementation accepts, and `other` one about another person.
pub async fn aggregator_consent(
    setup: &Setup<dyn AggregatorConsent>,
    request: AggregatorConsentRequest,
    other: AggregatorConsentRequest,
) {
    let consent = setup.client();
    assert!(!consent.provider_name().is_empty());
    consent
        .check_request(&request)
        .expect("a request that can be sent");
    let open = |request: &AggregatorConsentRequest| {
        let request = request.clone();
        async move |consent: Arc<dyn AggregatorConsent>, options: CallOptions| {
            consent.open_consent(request.clone(), options).await
        }
    };
    let first = open(&request)(Arc::clone(&consent), options())
        .await
        .expect("a consent session is opened");
    let second = open(&request)(consent, options())
        .await
        .expect("another one is opened");
    assert_ne!(
        first.reference, second.reference,
        "each session has a distinct reference"
    );
    assert_url(&first.url, &format!("{first:?}"));
    if let Some(aggregator) = &first.aggregator {
        assert_eq!(
            Some(aggregator),
            request.aggregator.as_ref(),
            "no other aggregator than the requested one"
        );
    }

    let personal = [
        request.mobile.expose(),
        request.pan.as_ref().map_or("", |pan| pan.expose()),
        request.email.as_ref().map_or("", |email| email.expose()),
        exposed(request.webhook_url.as_ref()),
        exposed(request.return_url.as_ref()),
    ];
    prints_nothing(&personal, &format!("{request:?}"));
    setup
        .every_failure(Does::Act, &personal, open(&request))
        .await;
    setup.another_reply(open(&other), open(&request)).await;

    let wrong = AggregatorConsentRequest {
        return_url: Some("elsewhere".into()),
        ..request.clone()
    };
    setup
        .nothing_is_sent(
            |consent| consent.provider_name(),
            Some(&|consent| consent.check_request(&wrong)),
            open(&wrong),
        )
        .await;
}

/// Identity verification opens a new session on each call, and reads of each what was decided about it and of no other.
///
/// `request` must be one that the implementation accepts. `decide` decides about a session at the peer, and returns whether
/// the peer knows such a verdict; it must know approval and refusal.
pub async fn identity_verification(
    setup: &Setup<dyn IdentityVerification>,
    request: VerificationRequest,
    decide: impl Fn(&ProviderReference, &Verdict) -> bool,
) {
    let verification = setup.client();
    let name = verification.provider_name();
    assert!(!name.is_empty());
    verification
        .check_verification(&request)
        .expect("a request that can be sent");
    let open = |request: &VerificationRequest| {
        let request = request.clone();
        async move |verification: Arc<dyn IdentityVerification>, options: CallOptions| {
            verification
                .open_verification(request.clone(), options)
                .await
        }
    };
    let read = |session: &SessionReference| {
        let session = session.clone();
        async move |verification: Arc<dyn IdentityVerification>, options: CallOptions| {
            verification.read_verdict(session.clone(), options).await
        }
    };
    let opened = async || {
        let session = open(&request)(setup.client(), options()).await;
        session.expect("a session is opened")
    };
    let (first, second) = (opened().await, opened().await);
    assert_ne!(
        first.reference, second.reference,
        "each session has a distinct reference"
    );
    assert_url(&first.url, &format!("{first:?}"));
    let session = SessionReference::new(first.reference.clone()).set_provider(Some(name));
    let other = SessionReference::new(second.reference.clone());

    let verdict = async |session: &SessionReference| {
        let decision = read(session)(setup.client(), options()).await;
        decision.expect("a verdict, or none yet").verdict
    };
    assert_eq!(verdict(&session).await, Verdict::Pending);
    for decided in [
        Verdict::ResubmissionRequested,
        Verdict::Review,
        Verdict::Expired,
        Verdict::Declined,
        Verdict::Approved,
    ] {
        if decide(&first.reference, &decided) {
            assert_eq!(verdict(&session).await, decided);
            assert_eq!(
                verdict(&other).await,
                Verdict::Pending,
                "of another session"
            );
        } else {
            assert!(!matches!(decided, Verdict::Declined | Verdict::Approved));
        }
    }

    let members = [
        &request.first_name,
        &request.last_name,
        &request.date_of_birth,
        &request.own_reference,
        &request.return_url,
    ];
    let personal = members.map(|member| exposed(member.as_ref()));
    prints_nothing(&personal, &format!("{request:?}"));
    setup
        .every_failure(Does::Act, &personal, open(&request))
        .await;
    setup
        .every_failure(Does::Read, &personal, read(&session))
        .await;
    assert!(decide(&second.reference, &Verdict::Approved));
    setup.another_reply(read(&other), read(&session)).await;

    let undated = VerificationRequest {
        date_of_birth: Some("1 January 1990".into()),
        ..request.clone()
    };
    let lost = VerificationRequest {
        return_url: Some("elsewhere".into()),
        ..request
    };
    for wrong in [undated, lost] {
        setup
            .nothing_is_sent(
                |verification| verification.provider_name(),
                Some(&|verification| verification.check_verification(&wrong)),
                open(&wrong),
            )
            .await;
    }
    let elsewhere = session.clone().set_provider(Some("another"));
    setup
        .nothing_is_sent(
            |verification| verification.provider_name(),
            None,
            read(&elsewhere),
        )
        .await;
}

/// Aggregator data follows a consent from opening to its end, takes nothing but a grant for one, and reads the accounts under
/// it.
///
/// `sessions` are consents of three people on which nobody has decided, and `personal` texts of theirs that nothing may print.
/// `decide` decides about a consent at the peer, and returns whether the peer knows such a standing and may go on to it; it must
/// know a grant, a refusal and a withdrawal. A reply with accounts need not say whose they are.
pub async fn aggregator_data(
    setup: &Setup<dyn AggregatorData>,
    sessions: [SessionReference; 3],
    personal: &[&str],
    decide: impl Fn(&ProviderReference, &ConsentStanding) -> bool,
) {
    let name = setup.client().provider_name();
    assert!(!name.is_empty());
    let [session, other, declined] = sessions.map(|session| session.set_provider(Some(name)));
    let follow = |session: &SessionReference| {
        let session = session.clone();
        async move |data: Arc<dyn AggregatorData>, options: CallOptions| {
            data.follow_consent(session.clone(), options).await
        }
    };
    let request = |consent: &SessionReference, range: Option<DataRange>| {
        let consent = consent.clone();
        async move |data: Arc<dyn AggregatorData>, options: CallOptions| {
            data.request_data(consent.clone(), range, options).await
        }
    };
    let readiness = |requested: &SessionReference| {
        let requested = requested.clone();
        async move |data: Arc<dyn AggregatorData>, options: CallOptions| {
            data.data_readiness(requested.clone(), options).await
        }
    };
    let accounts = |consent: &SessionReference| {
        let consent = consent.clone();
        async move |data: Arc<dyn AggregatorData>, options: CallOptions| {
            data.read_accounts(consent.clone(), options).await
        }
    };
    let followed = async |session: &SessionReference| {
        let followed = follow(session)(setup.client(), options()).await;
        followed.expect("a consent, wherever it is")
    };
    let requested =
        async |consent: &SessionReference| request(consent, None)(setup.client(), options()).await;
    for undecided in [&session, &other, &declined] {
        let found = followed(undecided).await;
        assert_eq!(found.standing, ConsentStanding::Pending);
        assert_eq!(found.consent, None, "nothing is granted");
    }
    assert!(decide(&declined.reference, &ConsentStanding::Rejected));
    let found = followed(&declined).await;
    assert_eq!(found.standing, ConsentStanding::Rejected);
    assert_eq!(found.consent, None, "nothing is granted");

    assert!(decide(&session.reference, &ConsentStanding::Active));
    let granted = followed(&session).await;
    assert!(granted.standing.is_active() && !granted.standing.is_final());
    let consent = granted.consent.expect("what data is requested by");
    assert_eq!(
        followed(&other).await.standing,
        ConsentStanding::Pending,
        "of another consent"
    );
    let early = accounts(&consent)(setup.client(), options()).await;
    early.expect_err("no accounts before their data is requested");

    let data = requested(&consent).await.expect("data is requested");
    let again = requested(&consent).await.expect("it is requested again");
    assert_ne!(data.reference, again.reference, "each has a reference");
    let ready = readiness(&again)(setup.client(), options()).await;
    assert_eq!(ready.expect("a readiness"), DataReadiness::Ready);
    let read = accounts(&consent)(setup.client(), options()).await;
    let read = read.expect("accounts");
    assert!(!read.is_empty());
    for account in &read {
        let json = account.json.expose();
        let parsed = serde_json::from_str::<serde_json::Map<_, _>>(json);
        assert!(parsed.is_ok_and(|members| !members.is_empty()));
        prints_nothing(&[json], &format!("{account:?}"));
    }

    setup
        .every_failure(Does::Read, personal, follow(&session))
        .await;
    setup
        .every_failure(Does::Act, personal, request(&consent, None))
        .await;
    setup
        .every_failure(Does::Read, personal, readiness(&again))
        .await;
    setup
        .every_failure(Does::Read, personal, accounts(&consent))
        .await;

    assert!(decide(&other.reference, &ConsentStanding::Active));
    let others = followed(&other).await.consent;
    let others = others.expect("what data is requested by");
    setup.another_reply(follow(&other), follow(&session)).await;
    setup
        .another_reply(request(&others, None), request(&consent, None))
        .await;
    setup
        .another_reply(readiness(&data), readiness(&again))
        .await;

    let elsewhere = |of: &SessionReference| of.clone().set_provider(Some("another"));
    let name_of = |data: &(dyn AggregatorData + 'static)| data.provider_name();
    setup
        .nothing_is_sent(name_of, None, follow(&elsewhere(&session)))
        .await;
    let backwards = DataRange {
        from: Timestamp::MAX,
        to: Timestamp::UNIX_EPOCH,
    };
    for wrong in [
        request(&elsewhere(&consent), None),
        request(&consent, Some(backwards)),
    ] {
        setup.nothing_is_sent(name_of, None, wrong).await;
    }
    setup
        .nothing_is_sent(name_of, None, readiness(&elsewhere(&again)))
        .await;
    setup
        .nothing_is_sent(name_of, None, accounts(&elsewhere(&consent)))
        .await;

    for (of, consent, ends) in [
        (
            &session,
            &consent,
            [ConsentStanding::Paused, ConsentStanding::Revoked],
        ),
        (
            &other,
            &others,
            [ConsentStanding::Paused, ConsentStanding::Expired],
        ),
    ] {
        for standing in ends {
            if !decide(&of.reference, &standing) {
                assert_ne!(standing, ConsentStanding::Revoked);
                continue;
            }
            assert_eq!(followed(of).await.standing, standing);
            let error = requested(consent).await.map(drop);
            let error = error.expect_err("no data of a consent that is not active");
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Api, Outcome::Refused)
            );
        }
    }
}

/// A session has a URL, and does not print it.
fn assert_url(url: &BrowserUrl, printed: &str) {
    assert!(!url.expose().is_empty(), "the person needs a URL");
    prints_nothing(&[url.expose()], printed);
}

fn exposed(text: Option<&Masked>) -> &str {
    text.map_or("", Masked::expose)
}
