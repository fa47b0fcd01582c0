//! How the reply of an attempt is received: whole, or streamed into a sink. The loop is the same for both.

use std::borrow::Borrow;
use std::future::Future;
use std::io;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio::time::error::Elapsed;

use super::answer::{conclude, is_whole, unread};
use super::deadline::within;
use super::downloaded::Downloaded;
use super::sink::ContentSink;
use crate::error::{Error, ErrorKind, Outcome};
use crate::resilience::Clock;
use crate::transport::{ExchangeLimits, StreamedResponse, Transport};
use crate::wire::TransportError;
use crate::wire::{
    Authenticity, Body, ContentHead, Endpoint, Provider, RawResponse, ReplyHead,
    StreamVerification, Verified,
};

/// The result of one exchange, or its time-out.
pub(crate) type Sent<R> = Result<Result<R, TransportError>, Elapsed>;

/// How the reply of an attempt is received.
pub(crate) trait Receive<E: Endpoint>: Send {
    /// The result of an exchange.
    type Reply: Borrow<RawResponse> + Send;
    /// The result of the call.
    type Value: Send;
    /// Whether the call ends with [`IntoSink::commit`] and not with its reply.
    const COMMITS: bool;

    /// Prepares for an attempt, before its request is sent, within the call's deadline.
    fn begin(
        &mut self,
        deadline: Option<Instant>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Sends the request and receives the reply.
    fn exchange(
        &mut self,
        around: Around<'_, E::Provider>,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> impl Future<Output = Result<Self::Reply, TransportError>> + Send;

    /// Turns an exchange into a result. Pure.
    fn conclude(
        &mut self,
        provider: &E::Provider,
        endpoint: &E,
        sent: Sent<Self::Reply>,
        now: Timestamp,
    ) -> Result<(Self::Value, Verified), Error>;
}

/// The context of one exchange.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a, P> {
    pub(crate) transport: &'a dyn Transport,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) provider: &'a P,
}

/// Receives the reply whole.
pub(crate) struct Whole;

impl<E: Endpoint> Receive<E> for Whole {
    type Reply = RawResponse;
    type Value = E::Output;
    const COMMITS: bool = false;

    async fn begin(&mut self, _: Option<Instant>) -> Result<(), Error> {
        Ok(())
    }

    // No state of its own: the transport's future is the exchange.
    fn exchange(
        &mut self,
        around: Around<'_, E::Provider>,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> impl Future<Output = Result<RawResponse, TransportError>> + Send {
        around.transport.send(request, limits)
    }

    fn conclude(
        &mut self,
        provider: &E::Provider,
        endpoint: &E,
        sent: Sent<RawResponse>,
        now: Timestamp,
    ) -> Result<(E::Output, Verified), Error> {
        conclude(provider, endpoint, sent, now)
    }
}

/// Streams content into a sink, and receives everything else whole.
pub(crate) struct IntoSink<'s> {
    sink: &'s mut dyn ContentSink,
    /// The description of the content in the reply's head.
    content: ContentHead,
    /// Content that was received whole and verified, and is not in the sink yet.
    pending: Option<Bytes>,
    /// Whether the sink is writing: a deadline that ends then says nothing about the provider.
    writing: bool,
}

impl<'s> IntoSink<'s> {
    /// The largest body of a 2xx reply that is not the content, such as a refusal or an error page.
    const MAX_OTHER_BYTES: usize = 1024 * 1024;

    pub(crate) fn new(sink: &'s mut dyn ContentSink) -> Self {
        Self {
            sink,
            content: ContentHead::default(),
            pending: None,
            writing: false,
        }
    }

    /// Keeps the call's result, within its deadline.
    pub(crate) async fn commit(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        let storing = async {
            if let Some(content) = self.pending.take() {
                self.sink.write(content).await?;
            }
            self.sink.commit(&self.content).await
        };
        // The provider did its part.
        stored_within(deadline, storing, Outcome::Done).await
    }

    /// Feeds the content of a 2xx reply to the verifier and the sink.
    async fn store<P: Provider>(
        &mut self,
        mut reply: StreamedResponse,
        content: ContentHead,
        content_types: &[&str],
        around: Around<'_, P>,
    ) -> Result<Received, TransportError> {
        let verification = around
            .provider
            .verify_stream(reply.head(), around.clock.now());
        let mut verifier = match verification {
            Ok(StreamVerification::Whole) => return reply.collect().await.map(Received::whole),
            Ok(StreamVerification::Unsigned) => None,
            Ok(StreamVerification::Incremental(verifier)) => Some(verifier),
            Err(error) => return Ok(Received::failed(reply.into_head(), error.into())),
        };
        if content.may_be_untold_json(content_types) && reply.begins_like_json().await? {
            let reply = reply.limited_to(Self::MAX_OTHER_BYTES);
            return reply.collect().await.map(Received::whole);
        }
        let mut size = 0_u64;
        while let Some(piece) = reply.next_piece().await? {
            size = size.saturating_add(piece.len() as u64);
            if let Some(verifier) = &mut verifier {
                verifier.update(&piece);
            }
            self.writing = true;
            let written = self.sink.write(piece).await;
            self.writing = false;
            if let Err(error) = written {
                // The provider did its part.
                let error = not_stored(error, Outcome::Done);
                return Ok(Received::failed(reply.into_head(), error));
            }
        }
        let authenticity = match verifier.map_or(Ok(Authenticity::Unsigned), |v| v.finish()) {
            Ok(authenticity) => authenticity,
            Err(error) => return Ok(Received::failed(reply.into_head(), error.into())),
        };
        if size == 0 {
            // There is no content; the endpoint finds out why.
            return Ok(Received::whole(RawResponse::from_parts(
                reply.into_head(),
                Bytes::new(),
            )));
        }
        let value = Downloaded::new(content, size);
        Ok(Received {
            head: RawResponse::from_parts(reply.into_head(), Bytes::new()),
            end: End::Stored(value, authenticity),
        })
    }
}

/// A reply whose content, if any, is in the sink.
pub(crate) struct Received {
    /// The reply, without its body if that was stored.
    head: RawResponse,
    end: End,
}

enum End {
    /// The body was received whole and is not verified.
    Whole,
    /// The body is in the sink and verified.
    Stored(Downloaded, Authenticity),
    /// The body is not authentic, or cannot be stored.
    Failed(Error),
}

impl Received {
    fn whole(response: RawResponse) -> Self {
        Self {
            head: response,
            end: End::Whole,
        }
    }

    fn failed(head: ReplyHead, error: Error) -> Self {
        Self {
            head: RawResponse::from_parts(head, Bytes::new()),
            end: End::Failed(error),
        }
    }
}

impl Borrow<RawResponse> for Received {
    fn borrow(&self) -> &RawResponse {
        &self.head
    }
}

impl<E: Endpoint> Receive<E> for IntoSink<'_> {
    type Reply = Received;
    type Value = Downloaded;
    const COMMITS: bool = true;

    async fn begin(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        self.pending = None;
        self.writing = false;
        stored_within(deadline, self.sink.begin(), Outcome::NotSent).await
    }

    async fn exchange(
        &mut self,
        around: Around<'_, E::Provider>,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<Received, TransportError> {
        let reply = around.transport.open(request, limits).await?;
        if !is_whole(reply.head().status(), reply.head().headers()) {
            return reply.beginning(Error::BODY_KEPT).await.map(Received::whole);
        }
        let reply = reply.limited_to(limits.max_reply_bytes);
        let content = ContentHead::of(reply.head().headers());
        if content.is_one_of(E::OPERATION.content_types) {
            self.store(reply, content, E::OPERATION.content_types, around)
                .await
        } else {
            let reply = reply.limited_to(Self::MAX_OTHER_BYTES);
            reply.collect().await.map(Received::whole)
        }
    }

    fn conclude(
        &mut self,
        provider: &E::Provider,
        endpoint: &E,
        sent: Sent<Received>,
        now: Timestamp,
    ) -> Result<(Downloaded, Verified), Error> {
        let received = match sent {
            Ok(Ok(received)) => received,
            Ok(Err(error)) => return Err(error.into()),
            Err(_) if self.writing => return Err(too_slow(Outcome::Unknown)),
            Err(_) => return Err(Error::new(ErrorKind::Timeout, Outcome::Unknown)),
        };
        match received.end {
            End::Stored(value, authenticity) => {
                self.content = value.head().clone();
                Ok((value, Verified::new(received.head, authenticity)))
            }
            End::Failed(error) => Err(error.with_response(received.head)),
            End::Whole => {
                let sent = Ok(Ok(received.head));
                let (_, verified) = conclude(provider, endpoint, sent, now)?;
                // An endpoint may accept a reply that its operation does not accept as content.
                let content = match verified.content() {
                    Ok(content) => content,
                    Err(error) => return Err(unread(provider, error.into(), verified)),
                };
                let authenticity = verified.authenticity();
                let (head, _) = verified.into_raw().into_parts();
                self.content = ContentHead::of(head.headers());
                let value = Downloaded::new(self.content.clone(), content.size());
                self.pending = Some(content.into_bytes());
                let head = RawResponse::from_parts(head, Bytes::new());
                Ok((value, Verified::new(head, authenticity)))
            }
        }
    }
}

/// What a sink does, within the call's deadline.
async fn stored_within(
    deadline: Option<Instant>,
    storing: impl Future<Output = io::Result<()>>,
    outcome: Outcome,
) -> Result<(), Error> {
    let stored = within(deadline, storing).await;
    let stored = stored.map_err(|_| too_slow(outcome))?;
    stored.map_err(|error| not_stored(error, outcome))
}

/// The sink did not take it within the call's deadline.
fn too_slow(outcome: Outcome) -> Error {
    Error::new(ErrorKind::Storage, outcome)
        .with_source("the sink did not take it within the call's deadline")
}

fn not_stored(error: io::Error, outcome: Outcome) -> Error {
    Error::new(ErrorKind::Storage, outcome).with_source(error)
}
