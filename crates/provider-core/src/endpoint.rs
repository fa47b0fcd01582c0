//! One operation of one provider, as two pure functions.

use std::fmt;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Uri};
use jiff::Timestamp;
use serde::Serialize;

use crate::{Body, DecodeError, Fault, InvalidRequest, Provider, VerificationError, Verified};

/// What a repeat of an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// A read: a repeat changes nothing.
    Safe,
    /// A repeat does no harm and costs nothing.
    Repeatable,
    /// Opens, bills or sends something each time.
    Unsafe,
}

impl Idempotency {
    /// The word in snake case, for logs and machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Repeatable => "repeatable",
            Self::Unsafe => "unsafe",
        }
    }
}

/// What is fixed about an operation: its name, where it goes and what a repeat does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The operation's name in errors, logs and fixtures, in kebab case: `check-profile`.
    pub name: &'static str,
    /// Method and path with placeholders, `POST /v1/sessions/{id}/consents`: what is logged instead of a URL.
    pub route: &'static str,
    /// What a repeat does; it decides which failures are repeated.
    pub idempotency: Idempotency,
    /// How long a call may take, attempts and pauses together, unless the client or the call says otherwise.
    pub timeout: Duration,
}

impl Operation {
    /// An operation with a deadline of 30 seconds.
    pub const fn new(name: &'static str, route: &'static str, idempotency: Idempotency) -> Self {
        Self {
            name,
            route,
            idempotency,
            timeout: Duration::from_secs(30),
        }
    }

    /// The same operation with another default deadline.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// What a provider may use to sign one attempt. Made anew for every attempt, after the pause before it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// The wall clock at the start of this attempt.
    pub now: Timestamp,
    /// 128 random bits of this attempt's own.
    pub nonce: u128,
}

impl Attempt {
    /// An attempt, for tests of [`Endpoint::request`] and [`Provider::authorize`].
    pub fn new(number: u32, now: Timestamp, nonce: u128) -> Self {
        Self { number, now, nonce }
    }
}

/// Why a verified 2xx response holds no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResponseError {
    /// It was not understood.
    Decode(DecodeError),
    /// It says no, in the provider's own form, in spite of its status.
    Fault(Fault),
    /// It does not belong to the request.
    Verification(VerificationError),
}

impl From<DecodeError> for ResponseError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<Fault> for ResponseError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<VerificationError> for ResponseError {
    fn from(error: VerificationError) -> Self {
        Self::Verification(error)
    }
}

/// One operation of one provider: a request value that knows how to become bytes and how to read the answer.
///
/// Both functions are pure. The client calls [`request`](Endpoint::request) again for every attempt.
pub trait Endpoint: Send + Sync {
    /// The provider it belongs to: sending it to another one does not compile.
    type Provider: Provider;
    /// What a success holds.
    type Output: Send;
    /// What is fixed about it.
    const OPERATION: Operation;

    /// Builds the request, without credentials.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] when the inputs do not fit together; the client sends nothing.
    fn request(
        &self,
        provider: &Self::Provider,
        attempt: &Attempt,
    ) -> Result<Request<Body>, InvalidRequest>;

    /// Reads a verified 2xx response.
    ///
    /// # Errors
    ///
    /// [`ResponseError`]: not understood, a refusal inside a success, or a reply to another request.
    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError>;
}

/// A POST with a JSON body: the value is serialised once, and those bytes are signed and sent.
///
/// # Errors
///
/// The value cannot be serialised, which a struct of strings and numbers always can.
pub fn post_json<T: Serialize + ?Sized>(
    uri: Uri,
    value: &T,
) -> Result<Request<Body>, InvalidRequest> {
    let mut bytes = Vec::with_capacity(512);
    serde_json::to_writer(&mut bytes, value)
        .map_err(|_| InvalidRequest::new("body", "the request cannot be written as JSON"))?;
    let mut request = Request::new(Body::from(bytes));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    request.headers_mut().reserve(7);
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(request)
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Idempotency;

    #[test]
    fn an_operation_prints_its_name() {
        let operation = Operation::new("record-consent", "POST /v1/x", Idempotency::Safe);
        assert_eq!(operation.to_string(), "record-consent");
    }

    #[test]
    fn an_operation_has_half_a_minute_unless_it_says_otherwise() {
        let operation = Operation::new("check", "POST /v1/x", Idempotency::Safe);
        assert_eq!(operation.timeout, Duration::from_secs(30));
        let longer = operation.with_timeout(Duration::from_secs(70));
        assert_eq!(longer.timeout, Duration::from_secs(70));
        assert_eq!(
            (longer.name, longer.route),
            (operation.name, operation.route)
        );
    }
}
