//! Verified responses, which may be decoded.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::content::{Content, ContentHead};
use super::json::DecodeError;
use super::raw_response::RawResponse;

/// How a response was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authenticity {
    /// By a verified signature over its bytes.
    Signed,
    /// By TLS alone: the provider signs nothing, or this reply was accepted without a signature.
    Unsigned,
}

/// A verified response, the only kind that can be decoded. Only the client creates one.
#[derive(Debug, Clone)]
pub struct Verified {
    response: RawResponse,
    authenticity: Authenticity,
    /// The content types that the operation replies with.
    content_types: &'static [&'static str],
}

impl Verified {
    pub(crate) fn new(response: RawResponse, authenticity: Authenticity) -> Self {
        Self {
            response,
            authenticity,
            content_types: &[],
        }
    }

    /// The same response, to an operation that replies with files of these types.
    pub(crate) fn replying_with(mut self, content_types: &'static [&'static str]) -> Self {
        self.content_types = content_types;
        self
    }

    /// How it was authenticated.
    pub fn authenticity(&self) -> Authenticity {
        self.authenticity
    }

    /// Decodes the body as JSON, borrowing from it where `T` does. What can be read was not encoded, whatever a `content-encoding`
    /// says; of a [file](Self::content) nobody can tell, so there the label decides.
    ///
    /// The place in an error consists of field names. If `T` has a map, or denies unknown fields, it may contain a key that
    /// the peer chose; a key that does not look like a field name is printed as `*`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the place and the category, never the value.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, DecodeError> {
        super::json::decode_plain(self.headers(), self.response.body())
    }

    /// Returns the body as a file, without a copy.
    ///
    /// ```
    /// # use provider_core::{Content, ResponseError, Verified};
    /// fn response(response: &Verified) -> Result<Content, ResponseError> {
    ///     Ok(response.content()?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`]: no byte, a content encoding, which no request accepts, or a type that is none of the operation's
    /// [`content_types`](crate::Operation::content_types), a malformed or repeated one, or none and a body that begins like
    /// JSON: an error page, a refusal. The client then asks the provider whether it is a refusal.
    pub fn content(&self) -> Result<Content, DecodeError> {
        let head = ContentHead::of(self.headers());
        let body = self.response.body();
        if let Some(encoding) = head.encoding() {
            return Err(DecodeError::encoded(encoding));
        }
        if !head.is_one_of(self.content_types) || head.is_untold_json(body, self.content_types) {
            return Err(DecodeError::content_type());
        }
        if self.response.body().is_empty() {
            return Err(DecodeError::missing_data("$"));
        }
        Ok(Content::new(head, self.response.body().clone()))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The verified response, by value.
    pub(crate) fn into_raw(self) -> RawResponse {
        self.response
    }

    /// The verified response.
    pub fn raw(&self) -> &RawResponse {
        &self.response
    }
}

/// Why verification of a response failed. The response is never decoded and the request never retried.
///
/// Treat the outcome as unknown: the provider may have processed the request. Find out the reason before calling again: an
/// intermediary that re-encodes bodies, a secret that was rotated on one side, or a forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum VerificationError {
    /// No signature where the provider documents one.
    #[error("the response carries no signature")]
    MissingSignature,
    /// A signature that is not of the documented form.
    #[error("the response's signature is malformed")]
    MalformedSignature,
    /// No configured secret produces this signature over these bytes.
    #[error("no configured secret matches the response's signature")]
    SignatureMismatch,
    /// A header of the signature, or of whom the response is for, came more than once, with equal values or not: an
    /// intermediary that adds headers.
    #[error("a signature header came more than once")]
    RepeatedHeader,
    /// Several headers that should agree and do not.
    #[error("the response's signature headers disagree")]
    ConflictingHeaders,
    /// It is addressed to another client.
    #[error("the response is addressed to another client")]
    OtherClient,
    /// It is authentic but answers another request.
    #[error("the response answers another request")]
    OtherRequest,
    /// The peer's TLS certificate was refused.
    #[error("the peer's TLS certificate was refused")]
    Certificate,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_verified_response_is_unchanged() {
        let mut headers = HeaderMap::new();
        headers.insert("x-left", HeaderValue::from_static("7"));
        let body = Bytes::from_static(b"[1]");
        let raw = RawResponse::new(StatusCode::ACCEPTED, headers.clone(), body.clone());
        let verified = Verified::new(raw, Authenticity::Unsigned);
        assert_eq!(verified.status(), 202);
        assert_eq!(verified.headers(), &headers);
        assert_eq!(verified.authenticity(), Authenticity::Unsigned);
        assert_eq!(verified.json::<Vec<u8>>().unwrap(), [1]);
        assert_eq!(verified.raw().body(), &body);
        assert_eq!(verified.into_raw().status(), 202);
    }
}
