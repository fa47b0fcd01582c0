//! The seam below the client: one request in, one response out.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use serde::de::DeserializeOwned;

use crate::InvalidRequest;

/// The bytes of a request. `Debug` prints how many, never which.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(Bytes);

impl Body {
    /// The bytes, shared without a copy.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, given away without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// What came back, untouched and not yet trusted: status, headers and the exact body bytes.
///
/// `Debug` prints the status and sizes only.
#[derive(Clone)]
pub struct RawResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl RawResponse {
    /// A response as a transport received it. The body must be the bytes on the wire, not re-encoded.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers, in the order the peer sent repeated ones.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The exact body bytes. They may hold personal data; do not log them.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn into_headers(self) -> HeaderMap {
        self.headers
    }

    /// Reads the body of a response that nobody verified, as a hint for an error report only.
    ///
    /// `None` when the body is not that JSON: an error page is no reason to fail differently.
    pub fn untrusted_hint<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The same response with at most `limit` bytes of body: what an error carries along.
    pub(crate) fn truncated(mut self, limit: usize) -> Self {
        if self.body.len() > limit {
            // A copy: a shortened view would keep the whole body alive for as long as the error lives.
            self.body = Bytes::copy_from_slice(&self.body.slice(..limit));
        }
        self
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status.as_u16())
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

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
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http::{HeaderMap, Request, StatusCode};
/// use provider_core::{Body, RawResponse, Transport, TransportError, TransportErrorKind};
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
///         _time_left: Duration,
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
    /// `time_left` is what remains of the call's deadline: a hint for limits of the transport's own. The client
    /// enforces it by dropping the future.
    ///
    /// # Errors
    ///
    /// [`TransportError`] with the kind that says how far the request got; it decides whether the request is
    /// repeated, so when in doubt answer [`TransportErrorKind::Interrupted`].
    async fn send(
        &self,
        request: Request<Body>,
        time_left: Duration,
    ) -> Result<RawResponse, TransportError>;
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
    use http::HeaderValue;

    #[test]
    fn a_body_is_its_bytes_and_prints_their_number() {
        for body in [
            Body::from(Bytes::from_static(b"CANARY")),
            Body::from(b"CANARY".to_vec()),
        ] {
            assert_eq!(format!("{body:?}"), "Body(6 bytes)");
            assert_eq!(
                (&body.bytes()[..], body.as_ref()),
                (&b"CANARY"[..], &b"CANARY"[..])
            );
            assert_eq!(body.into_bytes(), "CANARY");
        }
    }

    #[test]
    fn a_response_prints_sizes_and_hints_at_its_body() {
        let mut headers = HeaderMap::new();
        headers.insert("x-canary", HeaderValue::from_static("CANARY"));
        let response =
            RawResponse::new(StatusCode::OK, headers.clone(), Bytes::from_static(b"[7]"));
        let printed = format!("{response:?}");
        assert_eq!(
            printed,
            "RawResponse { status: 200, headers: 1, body_bytes: 3 }"
        );
        assert_eq!(response.headers(), &headers);
        assert_eq!(response.untrusted_hint::<Vec<u8>>(), Some(vec![7]));
        assert_eq!(response.untrusted_hint::<String>(), None);
        assert_eq!(response.clone().truncated(2).body(), "[7");
        assert_eq!(response.clone().truncated(3).body(), "[7]");
        assert_eq!(response.into_headers(), headers);
    }

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
