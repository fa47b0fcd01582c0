//! The response to a call.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::request_id::RequestId;
use super::verified::{Authenticity, Verified};

/// The reply to a call: the typed value, the verified bytes it was read from, and the exchange.
#[derive(Clone)]
pub struct Response<T> {
    pub(crate) value: T,
    pub(crate) verified: Verified,
    pub(crate) request_id: RequestId,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
}

impl<T> Response<T> {
    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value alone, by value.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The HTTP status, 2xx.
    pub fn status(&self) -> StatusCode {
        self.verified.status()
    }

    /// The response's headers.
    pub fn headers(&self) -> &HeaderMap {
        self.verified.headers()
    }

    /// What authenticates it: a verified signature, or TLS alone.
    pub fn authenticity(&self) -> Authenticity {
        self.verified.authenticity()
    }

    /// The body, byte for byte as it was verified: for a field that the typed value does not have, or for archiving. It may
    /// hold personal data; do not log it.
    pub fn body(&self) -> &Bytes {
        self.verified.raw().body()
    }

    /// The call's id.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The number of attempts, from 1.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The duration of the call, back-off included.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The same exchange with another value.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Response<U> {
        Response {
            value: map(self.value),
            verified: self.verified,
            request_id: self.request_id,
            attempts: self.attempts,
            elapsed: self.elapsed,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status().as_u16())
            .field("request_id", &self.request_id)
            .field("attempts", &self.attempts)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}
