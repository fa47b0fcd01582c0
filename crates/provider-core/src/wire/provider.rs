//! What differs between companies, and nothing else.

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

/// A company's API: where it is, how a request proves who sent it, how a reply proves who answered.
///
/// No function that decides has a default body: what a provider does not check, it says so in writing.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// The company's name in errors, logs and fixtures, in lower case.
    const NAME: &'static str;
    /// Whether every request is signed. Then an operation that does not say what it signs is an error of compilation.
    const SIGNS_REQUESTS: bool;

    /// Where it is.
    fn base_url(&self) -> &BaseUrl;

    /// Adds credentials and signature to the head of a finished request.
    ///
    /// `signed` is what the operation declares as signed, byte for byte as it is sent: its body or a segment of its path;
    /// `None` if it signs nothing.
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

    /// Checks that a 2xx response is authentic, on its raw bytes, before anything reads them.
    ///
    /// A provider that signs nothing answers [`Authenticity::Unsigned`], which says so. `now` is the wall clock when the
    /// response had arrived, for what is valid until a date.
    ///
    /// # Errors
    ///
    /// [`VerificationError`]; the response is neither read nor repeated.
    fn verify(
        &self,
        response: &RawResponse,
        now: Timestamp,
    ) -> Result<Authenticity, VerificationError>;

    /// Begins to check a 2xx response whose body is stored and not kept in memory, before the first byte of it is read.
    ///
    /// Checks all that [`verify`](Self::verify) checks: what the head can tell at once, the body by the verifier that it
    /// answers. A provider that signs nothing answers [`StreamVerification::Unsigned`]. One that says nothing has its replies
    /// read whole and checked by `verify` before anything is stored, which costs their size in memory. `now` is the wall
    /// clock when the head had arrived.
    ///
    /// # Errors
    ///
    /// [`VerificationError`]; the body is not read and the request not repeated.
    fn verify_stream(
        &self,
        head: &ReplyHead,
        now: Timestamp,
    ) -> Result<StreamVerification, VerificationError> {
        let _ = (head, now);
        Ok(StreamVerification::Whole)
    }

    /// Reads what the provider says is left of its rate limit. A client asks only if it has a rate limiter.
    ///
    /// The response is not verified, and of a download it has no body. `None` when it tells nothing that is understood.
    fn allowance(&self, response: &RawResponse, now: Timestamp) -> Option<Allowance>;

    /// Reads the provider's own words from a refusal: a non-2xx response, or a 2xx that was not understood.
    ///
    /// The response is not verified: gateways answer in a provider's place. It informs the message and the decision to
    /// repeat, nothing else. `None` when the body is not in a documented form.
    fn fault(&self, response: &RawResponse) -> Option<Fault>;
}
