//! Conformance suites: what every implementation of a capability must do, and the rules for credentials.
//!
//! Pass each function an implementation that is connected to a peer which answers, such as the in-process sandbox.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use jiff::Timestamp;

use crate::call::CallOptions;
use crate::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorDiscovery, AggregatorQuery,
    ConsentAnswer, ConsentRecorder, ConsentStatement, DocumentAccess, DocumentAccessRequest,
    Readiness,
};
use crate::error::{Error, ErrorKind, Outcome};
use crate::wire::{Attempt, Provider, RawResponse, RequestId};

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
/// `consent` must be one that the implementation accepts.
pub async fn consent_recorder(recorder: &dyn ConsentRecorder, consent: ConsentStatement) {
    let name = recorder.provider_name();
    assert!(!name.is_empty());
    recorder
        .check_consent(&consent)
        .expect("a consent that can be sent");
    let approved = recorder
        .record_consent(consent.clone(), options())
        .await
        .expect("an approval is recorded");
    let refusal = ConsentStatement {
        answer: ConsentAnswer::Refused,
        ..consent.clone()
    };
    let refused = recorder
        .record_consent(refusal, options())
        .await
        .expect("a refusal is recorded too");
    assert_ne!(
        approved.reference, refused.reference,
        "each consent has a distinct reference"
    );

    let nowhere = ConsentStatement {
        session: "../elsewhere".to_owned(),
        ..consent.clone()
    };
    assert_nothing_sent(name, recorder.check_consent(&nowhere));
    assert_nothing_sent(name, recorder.record_consent(nowhere, options()).await);
    let silent = ConsentStatement {
        text: "".into(),
        ..consent
    };
    assert_nothing_sent(name, recorder.check_consent(&silent));
    assert_nothing_sent(name, recorder.record_consent(silent, options()).await);
}

/// Document access opens a new session on each call, for some documents and for all, and opens none without consent.
///
/// `request` must be one that the implementation accepts.
pub async fn document_access(access: &dyn DocumentAccess, request: DocumentAccessRequest) {
    let name = access.provider_name();
    assert!(!name.is_empty());
    access
        .check_session(&request)
        .expect("a request that can be sent");
    let all = DocumentAccessRequest {
        documents: Vec::new(),
        ..request.clone()
    };
    let first = access
        .open_session(request.clone(), options())
        .await
        .expect("a session is opened");
    let second = access
        .open_session(all, options())
        .await
        .expect("a session for all documents is opened");
    assert_ne!(
        first.reference, second.reference,
        "each session has a distinct reference"
    );
    assert!(!first.url.expose().is_empty());

    let aimless = DocumentAccessRequest {
        purpose: String::new(),
        ..request
    };
    assert_nothing_sent(name, access.check_session(&aimless));
    assert_nothing_sent(name, access.open_session(aimless, options()).await);
}

/// Discovery returns one standing for each requested aggregator, and never takes silence for "no".
///
/// `query` names two aggregators that know the person; `silent` is a query whose aggregators do not answer.
pub async fn aggregator_discovery(
    discovery: &dyn AggregatorDiscovery,
    query: AggregatorQuery,
    silent: AggregatorQuery,
) {
    let name = discovery.provider_name();
    assert!(!name.is_empty());
    let standings = discovery
        .discover(query.clone(), options())
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

    let standings = discovery
        .discover(silent, options())
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
    let without_id = AggregatorQuery {
        query_id: String::new(),
        ..query
    };
    assert_nothing_sent(name, discovery.check_query(&without_id));
    assert_nothing_sent(name, discovery.discover(without_id, options()).await);
}

/// Aggregator consent opens a new session on each call and returns a URL.
///
/// `request` must be one that the implementation accepts.
pub async fn aggregator_consent(
    consent: &dyn AggregatorConsent,
    request: AggregatorConsentRequest,
) {
    let name = consent.provider_name();
    assert!(!name.is_empty());
    consent
        .check_request(&request)
        .expect("a request that can be sent");
    let first = consent
        .open_consent(request.clone(), options())
        .await
        .expect("a consent session is opened");
    let second = consent
        .open_consent(request.clone(), options())
        .await
        .expect("another one is opened");
    assert_ne!(
        first.reference, second.reference,
        "each session has a distinct reference"
    );
    assert!(!first.url.expose().is_empty());
    if let Some(aggregator) = &first.aggregator {
        assert_eq!(
            Some(aggregator),
            request.aggregator.as_ref(),
            "no other aggregator than the requested one"
        );
    }
}

fn assert_nothing_sent<T: std::fmt::Debug>(provider: &str, result: Result<T, Error>) {
    let error = result.expect_err("an input that cannot be sent is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(error.provider(), provider, "the error names who refused");
    assert!(
        error.invalid_request().is_some(),
        "the error names the field and the rule"
    );
}

/// The options of each call of a suite: a request id, which the implementation has to pass on.
fn options() -> CallOptions {
    let request_id = RequestId::parse("conformance").expect("a legal id");
    CallOptions::new().with_request_id(request_id)
}
