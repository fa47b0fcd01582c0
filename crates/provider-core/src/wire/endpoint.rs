//! One operation of one provider, as two pure functions.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Uri};
use serde::Serialize;

use super::attempt::Attempt;
use super::body::Body;
use super::fault::Fault;
use super::json::DecodeError;
use super::operation::Operation;
use super::provider::Provider;
use super::verified::{VerificationError, Verified};
use crate::values::InvalidRequest;

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
