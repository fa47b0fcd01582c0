//! The provider trait: what differs between companies.

use std::fmt;

use http::request::Parts;
use jiff::Timestamp;

use super::allowance::Allowance;
use super::attempt::Attempt;
use super::base_url::BaseUrl;
use super::fault::Fault;
use super::raw_response::RawResponse;
use super::reply_head::ReplyHead;
use super::streaming::StreamVerification;
use super::verified::{Authenticity, VerificationError};
use crate::values::InvalidRequest;

/// A company's API: its address, how a request is authorised, and how a reply is verified.
///
/// No security decision has a default body: a provider that does not check something has to say so explicitly.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// The company's name in errors, logs and fixtures, in lower case.
    const NAME: &'static str;
    /// Whether every request is signed. If so, an operation that does not declare what it signs is a compile error.
    const SIGNS_REQUESTS: bool;
    /// Members at the top of the company's own replies by which an unsigned 2xx that cannot be read is known as its own. One
    /// with none of them is [`ErrorKind::Unrecognized`](crate::ErrorKind::Unrecognized): a gateway may have sent it. Names
    /// that anybody's JSON has, such as `message`, do not belong here.
    const ENVELOPE: &'static [&'static str];

    /// The HTTP statuses that the company documents, of successes and refusals; a reply with another one is a drift. Empty if
    /// none are.
    const STATUSES: &'static [u16] = &[];

    /// The provider's address.
    fn base_url(&self) -> &BaseUrl;

    /// Adds credentials and signature to the head of a finished request. It fetches nothing: the crate's front page shows how
    /// a token that expires is renewed, with [`Client::replace_provider`](crate::Client::replace_provider).
    ///
    /// `signed` are the bytes that the operation declares as signed, exactly as they are sent: its body or a segment of its
    /// path; `None` if it signs nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] when the request cannot be authorised as it stands; the client sends nothing.
    fn authorize(
        &self,
        head: &mut Parts,
        signed: Option<&[u8]>,
        attempt: &Attempt,
    ) -> Result<(), InvalidRequest>;

    /// Checks that a 2xx response is authentic, on its raw bytes, before anything parses them.
    ///
    /// A provider that signs nothing returns [`Authenticity::Unsigned`]. `now` is the wall-clock time when the response had
    /// arrived, for secrets that expire.
    ///
    /// # Errors
    ///
    /// [`VerificationError`]; the response is not decoded and the request is not retried.
    fn verify(
        &self,
        response: &RawResponse,
        now: Timestamp,
    ) -> Result<Authenticity, VerificationError>;

    /// Starts to verify a 2xx response whose body is streamed, before its first byte is read.
    ///
    /// It must check everything that [`verify`](Self::verify) checks: the head at once, the body with the verifier that it
    /// returns. A provider that signs nothing returns [`StreamVerification::Unsigned`]. With the default implementation,
    /// replies are read whole and checked by `verify` before anything is stored, which costs their size in memory. `now` is
    /// the wall-clock time when the head had arrived.
    ///
    /// # Errors
    ///
    /// [`VerificationError`]; the body is not read and the request is not retried.
    fn verify_stream(
        &self,
        head: &ReplyHead,
        now: Timestamp,
    ) -> Result<StreamVerification, VerificationError> {
        let _ = (head, now);
        Ok(StreamVerification::Whole)
    }

    /// Reads from a response how much of the rate limit is left. Called only if the client has a rate limiter.
    ///
    /// The response is not verified, and that of a download has no body. `None` if it has no figure in a known form. `now` is
    /// the reply's own `Date` where it has one, so that a moment in it is read by the clock that wrote it.
    fn allowance(&self, response: &RawResponse, now: Timestamp) -> Option<Allowance>;

    /// Reads the provider's code and message from a refusal: a non-2xx response, or a 2xx that could not be decoded.
    ///
    /// The response is not verified: a gateway may have answered in the provider's place. It affects only the error message
    /// and the decision to retry. `None` if the body is not in a documented form.
    fn fault(&self, response: &RawResponse) -> Option<Fault>;
}
