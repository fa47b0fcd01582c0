//! Transport errors: how an exchange fails, and how far the request got.

use crate::values::InvalidRequest;

/// How far a request got before the transport failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request breaks a rule of the transport, such as plain HTTP to another machine. Not sent, not retried.
    InvalidRequest,
    /// No connection was made, or the request was never written to one. Not sent; retried for every operation.
    Connect,
    /// The peer's TLS certificate was refused. Not sent, never retried.
    Certificate,
    /// A time limit of the transport expired after the request started. Whether it was processed is unknown; retried for
    /// `Safe` and `Repeatable` operations.
    Timeout,
    /// The connection broke after the request started. Whether it was processed is unknown; retried for `Safe` and
    /// `Repeatable` operations.
    Interrupted,
    /// The response is longer than the transport reads. Not retried: the next one would be as long.
    TooLarge,
}

/// A failure of the exchange itself. It contains no part of the URL, the headers or the body.
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

    /// A response whose body is over the limit.
    pub(crate) fn body_over(limit: usize) -> Self {
        Self::new(TransportErrorKind::TooLarge)
            .with_message(format!("the response body is longer than {limit} bytes"))
    }

    /// Replaces the description. It is logged, so it must contain nothing from the wire.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds the cause. Its `Display` is printed in error reports, so strip URLs from it first.
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

    /// The rule that the request breaks, if the transport named it; otherwise the error itself.
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
    /// A request that breaks a rule of the transport; the rule is available as
    /// [`Error::invalid_request`](crate::Error::invalid_request).
    fn from(error: InvalidRequest) -> Self {
        Self::new(TransportErrorKind::InvalidRequest).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_that_breaks_a_rule_is_an_invalid_request() {
        let rule = || InvalidRequest::new("url", "must be https");
        let broken = TransportError::from(rule());
        assert_eq!(broken.into_invalid_request().unwrap(), rule());

        // Whatever source a custom transport attaches to a failed connection, it stays a failed connection.
        let failed = TransportError::new(TransportErrorKind::Connect).with_source(rule());
        let failed = failed.into_invalid_request().unwrap_err();
        assert_eq!(failed.kind(), TransportErrorKind::Connect);
        assert!(std::error::Error::source(&failed).is_some());

        let other = TransportError::new(TransportErrorKind::InvalidRequest).with_source("no");
        let other = other.into_invalid_request().unwrap_err();
        assert!(std::error::Error::source(&other).is_some());
    }
}
