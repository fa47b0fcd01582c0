//! The seam below the client: one request in, one response out.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::Request;

use super::streamed::StreamedResponse;
use crate::wire::{Body, RawResponse, TransportError};

/// Sends one request and returns one response: the only place where a call touches the network.
///
/// A transport does exactly one exchange. It follows no redirect, repeats nothing, decodes nothing, and
/// limits how much it reads. A non-2xx status is a response, not a [`TransportError`].
///
/// The client drops the future when the time for the call is up, so an implementation must leave no
/// background work behind when it is dropped.
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
    /// The client enforces the time in `limits` by dropping the future, and refuses a body that is over its limit; a
    /// transport should read no further than that.
    ///
    /// # Errors
    ///
    /// [`TransportError`] with the kind that says how far the request got; it decides whether the request is
    /// repeated, so when in doubt answer [`TransportErrorKind::Interrupted`].
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError>;

    /// Sends `request` and reads the head of the response; the body is read by whoever takes it.
    ///
    /// For downloads. A transport that says nothing reads the response by [`send`](Self::send) and gives it as one piece:
    /// correct, at the cost of its size in memory, and [`ExchangeLimits::max_reply_bytes`] is the download's own. The client
    /// refuses a 2xx body over that limit as it comes and reads the beginning of any other; a transport has to keep no limit
    /// but its own.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    async fn open(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<StreamedResponse, TransportError> {
        self.send(request, limits).await.map(StreamedResponse::from)
    }
}

/// How long one exchange may take and how much of the reply is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExchangeLimits {
    /// What is left of the call's deadline.
    pub time_left: Duration,
    /// The most bytes of the reply's body, as the operation declares it.
    pub max_reply_bytes: usize,
}

impl ExchangeLimits {
    /// Limits of one exchange.
    pub const fn new(time_left: Duration, max_reply_bytes: usize) -> Self {
        Self {
            time_left,
            max_reply_bytes,
        }
    }

    /// The most bytes of a body, where a transport has a limit of its own.
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn of_body(self, own: Option<usize>) -> usize {
        own.map_or(self.max_reply_bytes, |own| own.min(self.max_reply_bytes))
    }
}
