//! Receives one provider's webhooks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body::Body;
use jiff::Timestamp;
use tokio::time::Instant;

use super::body::read_body;
use super::deadline::after;
use super::diagnosis;
use super::refusal::Refusal;
use super::reply::Reply;
use super::scheme::Scheme;
use super::seen::{BoxError, RecentEvents, SeenEvents};
use super::self_test::{SelfTest, SelfTestFailure};
use super::verified::{AnswerBy, Meta, Verified};
use crate::resilience::{Clock, SystemClock};

/// Receives one provider's webhooks. Clones share everything.
pub struct Receiver<P>(Arc<Inner<P>>);

struct Inner<P> {
    scheme: Arc<P>,
    max_body_bytes: usize,
    answer_within: Duration,
    clock: Arc<dyn Clock>,
    seen: Arc<dyn SeenEvents>,
    self_test: Arc<SelfTest>,
}

// Derived implementations would require the same of `P`.
impl<P> Clone for Receiver<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P> Clone for Inner<P> {
    fn clone(&self) -> Self {
        Self {
            scheme: Arc::clone(&self.scheme),
            clock: Arc::clone(&self.clock),
            seen: Arc::clone(&self.seen),
            self_test: Arc::clone(&self.self_test),
            ..*self
        }
    }
}

impl<P: Scheme> Receiver<P> {
    /// The largest body by default: 1 MiB.
    pub const MAX_BODY_BYTES: usize = 1024 * 1024;
    /// The time for an answer by default. Veriff waits for 5 seconds.
    pub const ANSWER_WITHIN: Duration = Duration::from_secs(4);

    /// A receiver with these secrets, which remembers what it handled in memory.
    ///
    /// Without a secret it refuses everything, and says so in the log at once.
    pub fn new(scheme: P) -> Self {
        if !scheme.is_configured() {
            let provider = P::PROVIDER;
            tracing::error!(provider, "no secret: every webhook will be refused");
        }
        Self(Arc::new(Inner {
            scheme: Arc::new(scheme),
            max_body_bytes: Self::MAX_BODY_BYTES,
            answer_within: Self::ANSWER_WITHIN,
            clock: Arc::new(SystemClock),
            seen: Arc::new(RecentEvents::default()),
            self_test: Arc::default(),
        }))
    }

    fn with(self, change: impl FnOnce(&mut Inner<P>)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Refuses a body that is longer.
    #[must_use]
    pub fn with_max_body_bytes(self, bytes: usize) -> Self {
        self.with(|inner| inner.max_body_bytes = bytes)
    }

    /// Answers within this time of the webhook's head: its body has to have arrived by then, and the handler to be done.
    #[must_use]
    pub fn with_answer_within(self, time: Duration) -> Self {
        self.with(|inner| inner.answer_within = time)
    }

    /// Reads the time from this clock: which secrets have ended, and how old a webhook is.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|inner| inner.clock = clock)
    }

    /// Remembers what was handled in this store.
    #[must_use]
    pub fn with_seen_events(self, seen: Arc<dyn SeenEvents>) -> Self {
        self.with(|inner| inner.seen = seen)
    }

    /// Verifies headers and raw bytes, in any framework. Pure but for the copy of the bytes.
    ///
    /// # Errors
    ///
    /// [`Refusal`], each cause its own: answer with [`Refusal::status`].
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified<P>, Refusal> {
        self.authentic(headers, body, now).map(|authentic| {
            let body = Bytes::copy_from_slice(body);
            self.verified(body, authentic, now, AnswerBy::Within(self.0.answer_within))
        })
    }

    fn authentic(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<super::Authentic, Refusal> {
        if !self.0.scheme.is_configured() {
            return Err(Refusal::Unconfigured);
        }
        if body.is_empty() && diagnosis::announced(headers).is_some_and(|length| length > 0) {
            return Err(Refusal::BodyConsumed);
        }
        let verified = self.0.scheme.verify(headers, body, now);
        verified.map_err(|refusal| match refusal {
            Refusal::Mismatch(None) => Refusal::Mismatch(diagnosis::by_head(headers, body)),
            refusal => refusal,
        })
    }

    fn verified(
        &self,
        body: Bytes,
        authentic: super::Authentic,
        now: Timestamp,
        answer_by: AnswerBy,
    ) -> Verified<P> {
        let seen = Arc::clone(&self.0.seen);
        Verified::new(body, authentic, now, seen, answer_by)
    }

    /// Reads and verifies a request, of any framework whose bodies are `http_body`'s. The cap and the deadline hold whatever the
    /// framework does.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: answer with [`Reply::Refused`].
    pub async fn receive<B>(&self, request: Request<B>) -> Result<Verified<P>, Refusal>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let received = self.read(request).await;
        if let Err(refusal) = received {
            Reply::Refused(refusal).log(P::PROVIDER);
        }
        received
    }

    async fn read<B>(&self, request: Request<B>) -> Result<Verified<P>, Refusal>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let deadline = after(Instant::now(), self.0.answer_within);
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return Err(Refusal::Method);
        }
        if !self.0.scheme.is_configured() {
            return Err(Refusal::Unconfigured);
        }
        let body = read_body(&head.headers, body, self.0.max_body_bytes, deadline).await?;
        if self.0.self_test.observe(&head.headers, &body) {
            return Err(Refusal::SelfTest);
        }
        let now = self.0.clock.now();
        let authentic = self.authentic(&head.headers, &body, now)?;
        Ok(self.verified(body, authentic, now, AnswerBy::Deadline(deadline)))
    }

    /// Receives a request, handles its event once, and says what to answer: see [`Verified::once`].
    pub async fn handle<B, F, E>(
        &self,
        request: Request<B>,
        handle: impl FnOnce(Bytes, Meta) -> F + Send + 'static,
    ) -> Reply
    where
        B: Body,
        B::Error: Into<BoxError>,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        match self.receive(request).await {
            Ok(event) => event.once(handle).await,
            Err(refusal) => Reply::Refused(refusal),
        }
    }

    /// Sends requests through the service around this receiver, and checks that their bytes arrive unchanged: call it once at
    /// the start. It finds layers that decompress, parse and print again, trim, or read the body first, before the first webhook
    /// is lost to them. No handler runs.
    ///
    /// `send` puts the request through the service as the server does, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`SelfTestFailure`]: what was done to the bytes, as far as it shows.
    pub async fn self_test<F: Future>(
        &self,
        path: http::Uri,
        send: impl FnMut(Request<Bytes>) -> F,
    ) -> Result<(), SelfTestFailure> {
        if !self.0.scheme.is_configured() {
            return Err(SelfTestFailure::Unconfigured);
        }
        self.0.self_test.run(&path, &*self.0.clock, send).await
    }
}

/// Prints no secret.
impl<P: fmt::Debug> fmt::Debug for Receiver<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("scheme", &self.0.scheme)
            .field("max_body_bytes", &self.0.max_body_bytes)
            .field("answer_within", &self.0.answer_within)
            .finish_non_exhaustive()
    }
}
