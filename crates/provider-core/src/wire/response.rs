//! A value with what came along.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::request_id::RequestId;
use super::verified::Authenticity;

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
