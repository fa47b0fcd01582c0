//! A value with what came along.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::{Authenticity, Clock as _, InvalidRequest, SystemClock};

/// The id of one call, sent as `x-request-id` with each of its attempts and kept in its answer or error.
///
/// No provider documents this header; they and the gateways between may log it. Quote it to support together with the
/// provider's own transaction id where there is one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The header it is sent in.
    pub const HEADER: http::HeaderName = http::HeaderName::from_static("x-request-id");

    /// An id of the caller's own: 1 to 128 characters of `A-Z a-z 0-9 _ -`.
    ///
    /// # Errors
    ///
    /// Empty, longer, or another character. Do not put personal data into it: it is sent and logged.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let id = crate::PathId::parse("request_id", text)?;
        HeaderValue::from_str(id.as_str())
            .map(Self)
            .map_err(|_| InvalidRequest::new("request_id", "must be printable ASCII"))
    }

    /// A random id.
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn random() -> Result<Self, InvalidRequest> {
        SystemClock.nonce().map(Self::from_nonce)
    }

    pub(crate) fn from_nonce(nonce: u128) -> Self {
        let mut digits = [0; 32];
        // 16 bytes are 32 digits and digits are a legal header; neither step can fail.
        let _ = hex::encode_to_slice(nonce.to_be_bytes(), &mut digits);
        Self(HeaderValue::from_bytes(&digits).unwrap_or_else(|_| HeaderValue::from_static("-")))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.as_str())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a call answered: the value, and the exchange it came from.
#[derive(Clone)]
pub struct Response<T> {
    pub(crate) value: T,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) authenticity: Authenticity,
    pub(crate) request_id: RequestId,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
}

impl<T> Response<T> {
    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The HTTP status, 2xx.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The response's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What vouches for it: a signature that was checked, or TLS alone.
    pub fn authenticity(&self) -> Authenticity {
        self.authenticity
    }

    /// The call's id.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// How many attempts it took, from 1.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long it took, pauses included.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The same exchange with another value.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Response<U> {
        Response {
            value: map(self.value),
            status: self.status,
            headers: self.headers,
            authenticity: self.authenticity,
            request_id: self.request_id,
            attempts: self.attempts,
            elapsed: self.elapsed,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status.as_u16())
            .field("request_id", &self.request_id)
            .field("attempts", &self.attempts)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_request_id_is_a_legal_one_that_nobody_has() {
        let (one, other) = (RequestId::random().unwrap(), RequestId::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(RequestId::parse(one.as_str()).unwrap(), one);
        assert_eq!(one.as_str().len(), 32);
    }

    #[test]
    fn a_request_id_prints_as_it_is_sent() {
        let id = RequestId::parse("order-7").unwrap();
        assert_eq!(format!("{id} {id:?}"), "order-7 RequestId(order-7)");
        assert_eq!(id.header_value(), "order-7");
        assert_eq!(
            RequestId::from_nonce(0x2a).as_str(),
            format!("{:032x}", 0x2a)
        );
    }
}
