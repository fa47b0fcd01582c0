//! How a suite reaches a peer, makes it fail, and what every call must do then.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use crate::call::CallOptions;
use crate::error::{Error, ErrorKind, Outcome};
use crate::transport::{ExchangeLimits, Transport};
use crate::wire::{
    Body, Idempotency, RawResponse, RequestId, TransportError, TransportErrorKind,
    VerificationError,
};

/// The id that each call of a suite is made with, and that each request must have.
const REQUEST_ID: &str = "conformance";
/// How long a call may take. Let the test's time be paused, so that nobody waits for it.
const DEADLINE: Duration = Duration::from_secs(30);

/// An implementation of the capability `C`, and a peer that can be made to fail.
///
/// Each check has a client of its own, so that a circuit that one of them opens is not the next one's.
pub struct Setup<C: ?Sized> {
    connect: Box<dyn Fn(Arc<dyn Transport>) -> Arc<C>>,
    answering: Arc<dyn Transport>,
    refusing: Arc<dyn Transport>,
    failing: Arc<dyn Transport>,
    replies_say_whose: bool,
}

impl<C: ?Sized> fmt::Debug for Setup<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").finish_non_exhaustive()
    }
}

impl<C: ?Sized + fmt::Debug> Setup<C> {
    /// A peer in three moods, and what connects an implementation to one of them: it `answers`, `refuses` every request in the
    /// provider's form as one that breaks a rule, or `fails`: does what is asked, and replies HTTP 503.
    pub fn new(
        answers: Arc<dyn Transport>,
        refuses: Arc<dyn Transport>,
        fails: Arc<dyn Transport>,
        connect: impl Fn(Arc<dyn Transport>) -> Arc<C> + 'static,
    ) -> Self {
        Self {
            connect: Box::new(connect),
            answering: answers,
            refusing: refuses,
            failing: fails,
            replies_say_whose: true,
        }
    }

    /// States that nothing in the provider's replies says which request they answer, so that a reply to another one cannot be
    /// noticed. Without it, one must be refused.
    #[must_use]
    pub fn replies_say_nothing(mut self) -> Self {
        self.replies_say_whose = false;
        self
    }

    /// Lets the peer that fails be the one that answers: it does what is asked, and a gateway replies HTTP 503. For calls that
    /// name what was made at that peer before, which another one does not know.
    #[must_use]
    pub fn fails_where_it_answers(mut self) -> Self {
        self.failing = Arc::new(Fault::Loses(Arc::clone(&self.answering)));
        self
    }

    /// A client of the peer that answers.
    pub(super) fn client(&self) -> Arc<C> {
        (self.connect)(Arc::clone(&self.answering))
    }

    fn watched(&self, below: impl Transport) -> (Arc<C>, Arc<Watched>) {
        self.watching(Arc::new(below))
    }

    fn watching(&self, below: Arc<dyn Transport>) -> (Arc<C>, Arc<Watched>) {
        let watched = Arc::new(Watched {
            below,
            seen: Mutex::default(),
        });
        let transport: Arc<dyn Transport> = Arc::new(Shared(Arc::clone(&watched)));
        ((self.connect)(transport), watched)
    }

    /// Makes one call against the peer in every mood, and checks what became of it. `personal` are texts that nothing may
    /// print.
    pub(super) async fn every_failure<T: fmt::Debug>(
        &self,
        does: Does,
        personal: &[&str],
        call: impl AsyncFn(Arc<C>, CallOptions) -> Result<T, Error>,
    ) {
        let (client, watched) = self.watching(Arc::clone(&self.answering));
        let answer = call(Arc::clone(&client), options()).await;
        let answer = answer.expect("the peer answers");
        watched.assert_request_ids();
        prints_nothing(personal, &format!("{answer:?} {client:?}"));

        let failed = async |client: Arc<C>| {
            let error = call(client, options()).await.map(drop);
            let error = error.expect_err("the peer fails");
            prints_nothing(
                personal,
                &format!(
                    "{error:?} {error} {} {}",
                    error.report(),
                    error.report_line()
                ),
            );
            assert!(!error.provider().is_empty(), "{error:?}");
            assert_eq!(
                error.request_id().map(RequestId::as_str),
                Some(REQUEST_ID),
                "the error has the call's id"
            );
            error
        };

        let (client, watched) = self.watching(Arc::clone(&self.refusing));
        let error = failed(client).await;
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Api, Outcome::Refused),
            "a refusal is one: {error:?}"
        );
        assert_eq!(watched.requests(), 1, "a refusal is final");
        assert!(!error.is_unsettled() && !error.is_retryable());

        let (client, _) = self.watched(Fault::Fails(TransportErrorKind::Connect));
        let error = failed(client).await;
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Connect, Outcome::NotSent),
            "nothing was sent: {error:?}"
        );
        assert!(!error.is_unsettled());

        let (client, watched) = self.watched(Fault::Silent);
        let error = failed(client).await;
        assert_eq!(
            error.kind(),
            ErrorKind::Timeout,
            "silence until the deadline: {error:?}"
        );
        does.assert_open(&error, &watched);

        let (client, watched) = self.watched(Fault::Fails(TransportErrorKind::Interrupted));
        let error = failed(client).await;
        assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");
        does.assert_open(&error, &watched);

        let (client, watched) = self.watching(Arc::clone(&self.failing));
        let error = failed(client).await;
        assert!(
            matches!(error.kind(), ErrorKind::Api | ErrorKind::Unrecognized),
            "{error:?}"
        );
        does.assert_open(&error, &watched);
    }

    /// The reply to one call, given to another, is refused.
    pub(super) async fn another_reply<T: fmt::Debug>(
        &self,
        other: impl AsyncFn(Arc<C>, CallOptions) -> Result<T, Error>,
        own: impl AsyncFn(Arc<C>, CallOptions) -> Result<T, Error>,
    ) {
        if !self.replies_say_whose {
            return;
        }
        let (client, watched) = self.watching(Arc::clone(&self.answering));
        other(client, options()).await.expect("the peer answers");
        let (client, _) = self.watched(Fault::Replies(watched.last_reply()));
        let error = own(client, options())
            .await
            .expect_err("a reply to another call is refused");
        assert_eq!(error.kind(), ErrorKind::Verification, "{error:?}");
        assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
    }

    /// An input that breaks a rule is refused, by the check and by the call, and nothing is sent.
    pub(super) async fn nothing_is_sent<T: fmt::Debug>(
        &self,
        name: impl Fn(&C) -> &'static str,
        check: Option<&Check<'_, C>>,
        call: impl AsyncFn(Arc<C>, CallOptions) -> Result<T, Error>,
    ) {
        let (client, watched) = self.watching(Arc::clone(&self.answering));
        let refused = |error: Error| {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
            assert_eq!(error.outcome(), Outcome::NotSent);
            assert_eq!(
                error.provider(),
                name(&client),
                "the error names who refused"
            );
            assert!(
                error.invalid_request().is_some(),
                "the error names the field and the rule"
            );
        };
        if let Some(check) = check {
            refused(check(&client).expect_err("an input that breaks a rule"));
        }
        let sent = call(Arc::clone(&client), options()).await;
        refused(sent.expect_err("an input that breaks a rule"));
        assert_eq!(watched.requests(), 0, "requests sent");
    }
}

/// Checks an input without sending anything.
pub(super) type Check<'c, C> = dyn Fn(&C) -> Result<(), Error> + 'c;

/// What a call does at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Nothing.
    Read,
    /// Something that would be done twice.
    Act,
}

impl Does {
    /// A call that ended without an answer leaves open what was done, unless it does nothing; and one that would be done twice
    /// is not sent twice.
    fn assert_open(self, error: &Error, watched: &Watched) {
        assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
        assert_eq!(error.is_unsettled(), self == Self::Act, "{error:?}");
        if self == Self::Act {
            assert!(error.settling().is_some(), "{error:?}");
        }
        if error.idempotency() == Some(Idempotency::Unsafe) {
            assert_eq!(watched.requests(), 1, "{error:?}");
        }
    }
}

/// The options of each call of a suite.
pub(super) fn options() -> CallOptions {
    let request_id = RequestId::parse(REQUEST_ID).expect("a legal id");
    CallOptions::new()
        .with_request_id(request_id)
        .with_timeout(DEADLINE)
}

/// No text of these is printed.
pub(super) fn prints_nothing(personal: &[&str], printed: &str) {
    for text in personal.iter().filter(|text| !text.is_empty()) {
        assert!(!printed.contains(text), "a personal value is printed");
    }
}

/// A transport that counts requests and keeps the last reply.
#[derive(Debug)]
struct Watched {
    below: Arc<dyn Transport>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    request_ids: Vec<Option<String>>,
    last_reply: Option<RawResponse>,
}

impl Watched {
    fn seen<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn requests(&self) -> usize {
        self.seen(|seen| seen.request_ids.len())
    }

    fn last_reply(&self) -> RawResponse {
        self.seen(|seen| seen.last_reply.clone()).expect("a reply")
    }

    fn assert_request_ids(&self) {
        self.seen(|seen| {
            assert!(!seen.request_ids.is_empty(), "a request was sent");
            for id in &seen.request_ids {
                assert_eq!(id.as_deref(), Some(REQUEST_ID), "the id is passed on");
            }
        });
    }
}

#[derive(Debug)]
struct Shared(Arc<Watched>);

#[async_trait]
impl Transport for Shared {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let id = request.headers().get(RequestId::HEADER);
        let id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        self.0.seen(|seen| seen.request_ids.push(id));
        let reply = self.0.below.send(request, limits).await?;
        self.0.seen(|seen| seen.last_reply = Some(reply.clone()));
        Ok(reply)
    }
}

/// A peer that fails in one way, whatever is asked.
#[derive(Debug)]
enum Fault {
    Silent,
    Fails(TransportErrorKind),
    Replies(RawResponse),
    Loses(Arc<dyn Transport>),
}

#[async_trait]
impl Transport for Fault {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        match self {
            Self::Silent => std::future::pending().await,
            Self::Fails(kind) => Err(TransportError::new(*kind)),
            Self::Replies(reply) => Ok(reply.clone()),
            Self::Loses(peer) => {
                peer.send(request, limits).await?;
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Ok(RawResponse::new(status, HeaderMap::new(), Bytes::new()))
            }
        }
    }
}
