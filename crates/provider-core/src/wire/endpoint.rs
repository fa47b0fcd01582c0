//! One operation of one provider, as pure functions.

use super::fault::Fault;
use super::json::DecodeError;
use super::operation::Operation;
use super::provider::Provider;
use super::request::{BuiltRequest, RequestBuilder};
use super::verified::{VerificationError, Verified};
use crate::lint::Findings;
use crate::values::InvalidRequest;

/// Why a verified 2xx response has no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResponseError {
    /// It could not be decoded.
    Decode(DecodeError),
    /// It is a refusal in the provider's own form, despite its status.
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

/// One operation of one provider: a request value that can build its HTTP request and read the reply.
///
/// All functions are pure. The client calls [`request`](Endpoint::request) again for every attempt.
pub trait Endpoint: Send + Sync {
    /// The provider that it belongs to: sending it to another one does not compile.
    type Provider: Provider;
    /// The value of a success.
    type Output: Send;
    /// The operation's declaration.
    const OPERATION: Operation;

    /// Builds the request, without credentials.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] when the inputs do not fit together; the client sends nothing.
    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Self::Provider>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest>;

    /// Hands the fields over that rules of [`lint`](crate::lint) are about. The default has none.
    ///
    /// The client asks for it once a call, before the first attempt.
    fn lint(&self, findings: &mut Findings<'_>) {
        let _ = findings;
    }

    /// Reads a verified 2xx response.
    ///
    /// # Errors
    ///
    /// [`ResponseError`]: the body cannot be decoded, is a refusal inside a success, or is the reply to another request.
    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError>;

    /// Why a value must not be taken at its word although it was read: two of its members contradict each other, or what decides
    /// is not documented. One sentence, without a value; the value's own type says the same to a program, such as a verdict that
    /// is unclear. The default has no doubt.
    fn doubt(value: &Self::Output) -> Option<&'static str> {
        let _ = value;
        None
    }
}
