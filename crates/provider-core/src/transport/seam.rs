//! The seam below the client: one request in, one response out.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::Request;

use super::streamed::StreamedResponse;
use crate::values::InvalidRequest;
use crate::wire::{Body, RawResponse};

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

/// How far a request got before the transport failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request breaks a rule of the transport, such as plain HTTP to another machine. Not sent, not repeated.
    InvalidRequest,
    /// No connection was made, or the request never entered one. Not sent; repeated for every operation.
    Connect,
    /// The peer's TLS certificate was refused. Not sent, never repeated.
    Certificate,
    /// A limit of the transport's own ran out after the request started. Whether it was processed is unknown;
    /// repeated for `Safe` and `Repeatable` operations.
    Timeout,
    /// The connection broke after the request started. Whether it was processed is unknown; repeated for `Safe`
    /// and `Repeatable` operations.
    Interrupted,
    /// The response is longer than the transport reads. Not repeated: the next one would be as long.
    TooLarge,
}

/// A failure of the exchange itself, without any part of the URL, the headers or the body in it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    kind: TransportErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    /// A failure of this kind, with the kind's own description.
    pub fn new(kind: TransportErrorKind) -> Self {
        let message = match kind {
            TransportErrorKind::InvalidRequest => "the transport refused the request",
            TransportErrorKind::Connect => "no connection could be made",
            TransportErrorKind::Certificate => "the peer's TLS certificate was refused",
            TransportErrorKind::Timeout => "the peer was too slow",
            TransportErrorKind::Interrupted => {
                "the connection broke before the response was complete"
            }
            TransportErrorKind::TooLarge => "the response is longer than the limit",
        };
        Self {
            kind,
            message: message.to_owned(),
            source: None,
        }
    }

    /// Replaces the description. It goes into logs, so it must hold nothing that came from the wire.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds the cause. Its `Display` goes into error reports, so strip URLs from it first.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// How far the request got.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// The rule that the request breaks, if the transport named it; else the error again.
    pub(crate) fn into_invalid_request(mut self) -> Result<InvalidRequest, Self> {
        match self.source.take().map(|source| source.downcast()) {
            Some(Ok(invalid)) if self.kind == TransportErrorKind::InvalidRequest => Ok(*invalid),
            Some(Ok(invalid)) => Err(self.with_source(*invalid)),
            Some(Err(source)) => Err(self.with_source(source)),
            None => Err(self),
        }
    }
}

impl From<InvalidRequest> for TransportError {
    /// A request that breaks a rule of the transport; the caller gets the rule as
    /// [`Error::invalid_request`](crate::Error::invalid_request).
    fn from(error: InvalidRequest) -> Self {
        Self::new(TransportErrorKind::InvalidRequest).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_that_breaks_a_rule_is_the_caller_s_mistake() {
        let rule = || InvalidRequest::new("url", "must be https");
        let broken = TransportError::from(rule());
        assert_eq!(broken.into_invalid_request().unwrap(), rule());

        // A custom transport may say what it likes about a connection that failed: it stays one.
        let failed = TransportError::new(TransportErrorKind::Connect).with_source(rule());
        let failed = failed.into_invalid_request().unwrap_err();
        assert_eq!(failed.kind(), TransportErrorKind::Connect);
        assert!(std::error::Error::source(&failed).is_some());

        let other = TransportError::new(TransportErrorKind::InvalidRequest).with_source("no");
        let other = other.into_invalid_request().unwrap_err();
        assert!(std::error::Error::source(&other).is_some());
    }
}
