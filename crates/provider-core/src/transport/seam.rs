//! The transport trait, the seam below the client: one request in, one response out.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use tokio::time::Instant;

use super::streamed::StreamedResponse;
use crate::wire::{Body, RawResponse, TransportError};

tokio::task_local! {
    /// The deadline of the call that an exchange belongs to. Connection pools call their connectors inside the exchange, and pass
    /// nothing else on to them.
    pub(crate) static DEADLINE: Option<Instant>;
}

/// Sends one request and returns one response: the only place where a call touches the network.
///
/// A transport does exactly one exchange. It follows no redirect, retries nothing, decodes nothing, and limits how much it
/// reads. A non-2xx status is a response, not a [`TransportError`].
///
/// The client drops the future when the deadline expires, so an implementation must leave no background work behind when it
/// is dropped.
///
/// A transport that keeps HTTP/1.1 connections must respect
/// [`ExchangeLimits::may_reuse_connection`].
///
/// # A transport of your own
///
/// ```
/// use bytes::Bytes;
/// use http::{HeaderMap, Request, StatusCode};
/// use provider_core::{
///     Body, ExchangeLimits, RawResponse, Transport, TransportError, TransportErrorKind,
/// };
///
/// /// Answers every request with the same body, as a gateway in maintenance does.
/// #[derive(Debug)]
/// struct Maintenance;
///
/// #[async_trait::async_trait]
/// impl Transport for Maintenance {
///     async fn send(
///         &self,
///         request: Request<Body>,
///         _limits: ExchangeLimits,
///     ) -> Result<RawResponse, TransportError> {
///         if request.uri().host().is_none() {
///             return Err(TransportError::new(TransportErrorKind::InvalidRequest));
///         }
///         Ok(RawResponse::new(
///             StatusCode::SERVICE_UNAVAILABLE,
///             HeaderMap::new(),
///             Bytes::from_static(b"closed for maintenance"),
///         ))
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and reads the whole response.
    ///
    /// The client enforces the deadline in `limits` by dropping the future, and refuses a body that is over the limit; a
    /// transport should read no further than that.
    ///
    /// # Errors
    ///
    /// [`TransportError`] with the kind that says how far the request got. The kind decides whether the request is retried;
    /// when in doubt, return [`TransportErrorKind::Interrupted`](crate::TransportErrorKind::Interrupted).
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError>;

    /// Sends `request` and reads the head of the response; the caller reads the body.
    ///
    /// Used for downloads. The default implementation reads the whole response with [`send`](Self::send) and returns it as
    /// one piece: correct, at the cost of its size in memory. [`ExchangeLimits::max_reply_bytes`] is the download's own
    /// limit. The client refuses a 2xx body over that limit while it arrives, and reads only the beginning of any other; a
    /// transport needs to enforce only its own limit.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    async fn open(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<StreamedResponse, TransportError> {
        self.send(request, limits).await.map(StreamedResponse::from)
    }
}

/// The limits of one exchange: how long it may take and how much of the reply is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExchangeLimits {
    /// The time left until the call's deadline.
    pub time_left: Duration,
    /// The largest body of the reply in bytes, as the operation declares it.
    pub max_reply_bytes: usize,
    /// Whether an HTTP/1.1 connection may carry another exchange before this one or after it. If not, a reply that a broken
    /// intermediary sends twice could be taken for the reply to the next request, and nobody would notice: see
    /// [`Operation::reply_is_correlated`](crate::Operation::reply_is_correlated). An HTTP/2 connection may be shared, because
    /// each reply belongs to its request's own stream.
    pub may_reuse_connection: bool,
}

impl ExchangeLimits {
    /// Creates the limits of one exchange on a connection of its own.
    pub const fn new(time_left: Duration, max_reply_bytes: usize) -> Self {
        Self {
            time_left,
            max_reply_bytes,
            may_reuse_connection: false,
        }
    }

    /// The same limits, on a connection that others may have used and may use again, or not.
    #[must_use]
    pub const fn with_connection_reuse(mut self, reuse: bool) -> Self {
        self.may_reuse_connection = reuse;
        self
    }

    /// The largest body in bytes, where a transport has a limit of its own.
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn of_body(self, own: Option<usize>) -> usize {
        own.map_or(self.max_reply_bytes, |own| own.min(self.max_reply_bytes))
    }
}
