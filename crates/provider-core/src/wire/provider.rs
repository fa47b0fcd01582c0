//! The provider trait: what differs between companies.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

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

/// Names of members at the top of a company's replies.
///
/// A body without a signature is taken for the company's own if it is an object with one of its
/// [own](Self::own) members or with two of the [common](Self::common) ones. Any other is
/// [`ErrorKind::Unrecognized`](crate::ErrorKind::Unrecognized), refusals too: a gateway may have sent it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct KnownMembers {
    /// Names that no gateway uses. Each suffices.
    pub own: &'static [&'static str],
    /// Names that others use too, such as `data`. It takes two of them; those that anybody's JSON has, such as `message`, do
    /// not belong here at all.
    pub common: &'static [&'static str],
    /// Names of which one suffices for a refusal, because a refusal has no other member. It does not vouch for anything else.
    pub refusing: &'static [&'static str],
}

impl KnownMembers {
    /// The members of a company.
    pub const fn new(own: &'static [&'static str], common: &'static [&'static str]) -> Self {
        Self {
            own,
            common,
            refusing: &[],
        }
    }

    /// The same members, and those that suffice for a refusal.
    #[must_use]
    pub const fn with_refusing(mut self, refusing: &'static [&'static str]) -> Self {
        self.refusing = refusing;
        self
    }
}

/// A future on the heap, which can be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A company's API: its address, how a request is authorised, and how a reply is verified.
///
/// No security decision has a default body: a provider that does not check something has to say so explicitly.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// The company's name in errors, logs and fixtures, in lower case.
    const NAME: &'static str;
    /// Whether every request is signed. If so, an operation that does not declare what it signs is a compile error.
    const SIGNS_REQUESTS: bool;
    /// Members at the top of the company's own replies, by which one that nobody signed is known as its own.
    const ENVELOPE: KnownMembers;

    /// The HTTP statuses that the company documents, of successes and refusals; a reply with another one is a drift. Empty if
    /// none are.
    const STATUSES: &'static [u16] = &[];

    /// The provider's address.
    fn base_url(&self) -> &BaseUrl;

    /// Makes ready what [`authorize`](Self::authorize) needs, where that takes somebody else: fetches a token in place of one that
    /// has expired. `None`, the default: all is at hand.
    ///
    /// Awaited before each attempt, retries included, within the call's deadline, and dropped with the call or at the deadline;
    /// then nothing is sent. Calls that come together ask together: let one of them fetch, and the others wait for it.
    ///
    /// # Errors
    ///
    /// Why nothing can be authorised. It is the cause of the call's own error, whose outcome is
    /// [`NotSent`](crate::Outcome::NotSent), and whose kind is that of an [`Error`](crate::Error), such as that of the call for
    /// the token, and otherwise [`Credentials`](crate::ErrorKind::Credentials). It must hold no secret and no personal value.
    fn refresh(&self) -> Option<BoxFuture<'_, Result<(), Box<dyn Error + Send + Sync>>>> {
        None
    }

    /// Adds credentials and signature to the head of a finished request. It fetches nothing: see [`refresh`](Self::refresh).
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
    /// and the decision to retry, and is asked only about a body that [`ENVELOPE`](Self::ENVELOPE) recognises. `None` if the
    /// body is not a refusal in a documented form. One whose own words contradict the status (a success, a server's failure)
    /// has the class [`Contradictory`](super::FaultClass::Contradictory).
    fn fault(&self, response: &RawResponse) -> Option<Fault>;
}
