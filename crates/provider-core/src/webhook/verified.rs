//! A webhook that was verified, which may be parsed and handled.

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::deadline::after;
use super::event_key::EventKey;
use super::refusal::Unreadable;
use super::reply::Reply;
use super::scheme::{Authentic, Scheme};
use super::seen::{BoxError, Claim, SeenEvents};

/// A webhook whose raw bytes are authentic. Only a [`Receiver`](super::Receiver) makes one.
///
/// `Debug` prints nothing of the bytes.
#[must_use = "it is handled with `once`"]
pub struct Verified<P> {
    raw: Bytes,
    secret: usize,
    received_at: Timestamp,
    key: OnceLock<EventKey>,
    seen: Arc<dyn SeenEvents>,
    answer_by: AnswerBy,
    of: PhantomData<fn() -> P>,
}

/// When the sender has to be answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum AnswerBy {
    /// It was received over HTTP: counted from its head.
    Deadline(Instant),
    /// Headers and bytes were handed over: counted from the handling.
    Within(Duration),
}

/// What is known of a verified webhook beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// The provider.
    pub provider: &'static str,
    /// The position of the secret that matched, from 0. When none but the first has matched for as long as the sender tries
    /// again, a rotation is over.
    pub secret: usize,
    /// When it was verified, by the receiver's clock.
    pub received_at: Timestamp,
    /// What tells this event from others, the same for each of its deliveries.
    pub key: EventKey,
}

impl<P: Scheme> Verified<P> {
    pub(super) fn new(
        raw: Bytes,
        authentic: Authentic,
        received_at: Timestamp,
        seen: Arc<dyn SeenEvents>,
        answer_by: AnswerBy,
    ) -> Self {
        Self {
            raw,
            secret: authentic.secret,
            received_at,
            key: OnceLock::new(),
            seen,
            answer_by,
            of: PhantomData,
        }
    }

    /// The raw bytes, exactly as they were signed. They hold personal data.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// What is known of it beside its bytes.
    pub fn meta(&self) -> Meta {
        Meta {
            provider: P::PROVIDER,
            secret: self.secret,
            received_at: self.received_at,
            key: *self.key.get_or_init(|| P::key(&self.raw)),
        }
    }

    /// What it says. One of an unknown kind, or that cannot be read, is logged.
    ///
    /// # Errors
    ///
    /// [`Unreadable`]: it is authentic, and the sender would send the same again. Keep the bytes, and report the place.
    pub fn parse(&self) -> Result<P::Event, Unreadable> {
        let parsed = P::parse(&self.raw);
        let provider = P::PROVIDER;
        match &parsed {
            Ok(event) if P::is_known(event) => {}
            Ok(_) => tracing::warn!(provider, "a verified webhook is of an unknown kind"),
            Err(unreadable) => {
                let place = tracing::field::display(unreadable.decode());
                tracing::warn!(provider, place, "a verified webhook cannot be read");
            }
        }
        parsed
    }

    /// Handles the event once: a repeat, also one that arrives at the same time, does not run `handle`. If it fails or panics, the
    /// event is given back and handled at the next delivery.
    ///
    /// `handle` should store and return: the sender waits for the answer, Veriff for 5 seconds. It runs as a task of its own, so
    /// that it comes to its end when the sender hangs up; if it is not done in time, the answer is 503 and it goes on.
    pub async fn once<F, E>(self, handle: impl FnOnce(Bytes, Meta) -> F + Send + 'static) -> Reply
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let meta = self.meta();
        let deadline = match self.answer_by {
            AnswerBy::Deadline(deadline) => deadline,
            AnswerBy::Within(time) => after(Instant::now(), time),
        };
        let (raw, seen) = (self.raw, self.seen);
        let handling = async move {
            match seen.claim(meta.key).await {
                Ok(Claim::Granted) => {}
                Ok(Claim::Seen) => return Reply::Repeated,
                Ok(Claim::InFlight) => return Reply::InFlight,
                Err(error) => return Reply::StoreDown(error),
            }
            let handled = unless_it_panics(async move {
                let handled: Result<(), E> = handle(raw, meta).await;
                handled.map_err(Into::<BoxError>::into)
            })
            .await;
            let (reply, stored) = match handled {
                // It was handled, whatever the store says now.
                Some(Ok(())) => (Reply::Handled, seen.commit(meta.key).await),
                Some(Err(error)) => {
                    let reply = Reply::HandlerFailed(error);
                    (reply, seen.give_back(meta.key).await)
                }
                None => (Reply::HandlerPanicked, seen.give_back(meta.key).await),
            };
            if stored.is_err() {
                let provider = P::PROVIDER;
                tracing::warn!(provider, "the store did not learn what became of a webhook");
            }
            reply
        };
        let handling = tokio::spawn(handling.in_current_span());
        let reply = match timeout_at(deadline, handling).await {
            Ok(Ok(reply)) => reply,
            // The store panicked, or the runtime ends.
            Ok(Err(_)) => Reply::StoreDown("the store did not answer".into()),
            Err(_) => Reply::HandlerSlow,
        };
        reply.log(P::PROVIDER);
        reply
    }
}

/// The future's output; `None` if it panics.
async fn unless_it_panics<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        poll.map_or(Poll::Ready(None), |poll| poll.map(Some))
    })
    .await
}

impl<P: Scheme> fmt::Debug for Verified<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("provider", &P::PROVIDER)
            .field("bytes", &self.raw.len())
            .field("secret", &self.secret)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}
