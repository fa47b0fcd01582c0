//! Reads one exchange: pure functions from bytes to a value or an error.

use http::header::CONTENT_RANGE;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use tokio::time::error::Elapsed;

use crate::error::{Error, ErrorKind, Outcome};
use crate::resilience::retry_after;
use crate::wire::{Authenticity, ContentHead, Recognized, VerificationError, recognize};
use crate::wire::{Endpoint, Fault, FaultClass, Provider, RawResponse, ResponseError, Verified};
use crate::wire::{TransportError, TransportErrorKind};

/// Turns the result of an exchange, or its time-out, into a value or an error.
pub(crate) fn conclude<E: Endpoint>(
    provider: &E::Provider,
    endpoint: &E,
    sent: Result<Result<RawResponse, TransportError>, Elapsed>,
    now: Timestamp,
) -> Result<(E::Output, Verified), Error> {
    let response = sent.map_err(|_| Error::new(ErrorKind::Timeout, Outcome::Unknown))??;
    if response.body().len() > E::OPERATION.max_reply_bytes {
        return Err(TransportError::body_over(E::OPERATION.max_reply_bytes).into());
    }
    if !is_whole(response.status(), response.headers()) {
        return Err(refused(provider, response, now));
    }
    let verified = match provider.verify(&response, now) {
        Ok(authenticity) => {
            Verified::new(response, authenticity).replying_with(E::OPERATION.content_types)
        }
        Err(error) => return Err(unverified(error, E::OPERATION.content_types, response)),
    };
    match endpoint.response(&verified) {
        Ok(value) => Ok((value, verified)),
        Err(error) => Err(unread(provider, error, verified)),
    }
}

/// Whether a reply is a success and all of it: nobody asks for a range or a difference, so a part of one is a cache's mistake, and
/// 205 has no body.
pub(super) fn is_whole(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_other = matches!(
        status,
        StatusCode::RESET_CONTENT | StatusCode::PARTIAL_CONTENT | StatusCode::IM_USED
    );
    status.is_success() && !is_other && !headers.get_all(CONTENT_RANGE).iter().any(is_part)
}

/// Whether a range of bytes is not all of them. Of other units, such as the rows of a list, a reply may be whole.
fn is_part(range: &HeaderValue) -> bool {
    let text = range.to_str().unwrap_or("bytes").trim_start();
    let Some((unit, rest)) = text.split_at_checked("bytes".len()) else {
        return false;
    };
    let all = || {
        let (range, size) = rest.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        Some(number(first)? == 0 && number(last)?.checked_add(1)? == number(size)?)
    };
    unit.eq_ignore_ascii_case("bytes") && all() != Some(true)
}

/// Turns a 2xx response that is not authentic into an error. One without a signature that is neither an object of JSON nor a
/// file of a kind that the operation replies with, such as a page or nothing, is no forgery: it was sent in the provider's
/// place.
fn unverified(error: VerificationError, content_types: &[&str], response: RawResponse) -> Error {
    let body = response.body();
    let is_file = || {
        !content_types.is_empty() && ContentHead::of(response.headers()).is_one_of(content_types)
    };
    let in_form = !body.is_empty() && (body.trim_ascii_start().starts_with(b"{") || is_file());
    let error = if error == VerificationError::MissingSignature && !in_form {
        Error::new(ErrorKind::Unrecognized, Outcome::Unknown).with_source(error)
    } else {
        Error::from(error)
    };
    error.with_response(response)
}

/// Turns a response that is not 2xx, or a part of one, into an error. Its body is an unverified hint.
fn refused<P: Provider>(provider: &P, response: RawResponse, now: Timestamp) -> Error {
    let status = response.status();
    let recognized = recognize(P::ENVELOPE, response.body());
    let fault = match recognized {
        Recognized::AsItsOwn | Recognized::AsRefusal => provider.fault(&response),
        Recognized::No => None,
    };
    let refuses = !status.is_success() && !status.is_server_error();
    let fault = match fault.is_none() && recognized == Recognized::AsItsOwn && refuses {
        true => Some(
            Fault::new()
                .with_class(FaultClass::Contradictory)
                .with_meaning(Some("the status refuses, and the body does not")),
        ),
        false => fault,
    };
    let class = fault
        .as_ref()
        .map(|fault| fault.class())
        .unwrap_or_default();
    let contradicts = class == FaultClass::Contradictory;
    let kind = match status {
        _ if contradicts => ErrorKind::Api,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        // A failure of a server, whoever it is.
        StatusCode::REQUEST_TIMEOUT if fault.is_none() => ErrorKind::Api,
        _ if fault.is_none() && !status.is_server_error() => ErrorKind::Unrecognized,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Credentials,
        _ if class == FaultClass::Credentials => ErrorKind::Credentials,
        _ => ErrorKind::Api,
    };
    // The status decides: an unverified body must not turn "unknown" into "nothing was done", only the other way round.
    let outcome = match status {
        _ if contradicts => Outcome::Unknown,
        // A redirect hands the request on unchanged, so this server did not process it.
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => Outcome::Refused,
        // Servers and gateways send it both before and after they have read the whole request.
        StatusCode::REQUEST_TIMEOUT => Outcome::Unknown,
        _ if status.is_client_error() => Outcome::Refused,
        _ => Outcome::Unknown,
    };
    let wait = retry_after(response.headers(), now);
    Error::new(kind, outcome)
        .with_retry_after(wait)
        .with_fault(fault)
        .with_response(response)
}

/// Turns a verified 2xx response without a value into an error.
pub(super) fn unread<P: Provider>(provider: &P, error: ResponseError, verified: Verified) -> Error {
    let signed = verified.authenticity() == Authenticity::Signed;
    let raw = verified.into_raw();
    let recognized = recognize(P::ENVELOPE, raw.body());
    let vouched = signed || recognized == Recognized::AsItsOwn;
    let may_refuse = vouched || recognized == Recognized::AsRefusal;
    let error = match error {
        ResponseError::Decode(decode) if may_refuse => match provider.fault(&raw) {
            Some(fault) => ResponseError::Fault(fault),
            None => ResponseError::Decode(decode),
        },
        other => other,
    };
    let error = match error {
        // It was done, or refused, only if somebody vouches for the bytes.
        ResponseError::Decode(decode) if vouched => Error::from(decode),
        ResponseError::Decode(decode) => {
            Error::new(ErrorKind::Unrecognized, Outcome::Unknown).with_source(decode)
        }
        ResponseError::Verification(verification) => Error::from(verification),
        ResponseError::Fault(_) if !may_refuse => {
            Error::new(ErrorKind::Unrecognized, Outcome::Unknown)
        }
        ResponseError::Fault(fault) => {
            let (kind, outcome) = match fault.class() {
                FaultClass::Credentials => (ErrorKind::Credentials, Outcome::Refused),
                FaultClass::ByStatus
                | FaultClass::Counted
                | FaultClass::TooEarly
                | FaultClass::AlreadyDone => (ErrorKind::Api, Outcome::Refused),
                // Treated as a 5xx: the provider failed while it handled the request, or nobody knows.
                FaultClass::Transient | FaultClass::Contradictory => {
                    (ErrorKind::Api, Outcome::Unknown)
                }
            };
            Error::new(kind, outcome).with_fault(Some(fault))
        }
    };
    // The whole body: nobody should have to pay for a second call because one field could not be read.
    error.with_whole_response(raw)
}

/// Whether a retry would fail in the same way.
pub(crate) fn is_permanent(error: &Error) -> bool {
    use std::error::Error as _;

    error
        .source()
        .and_then(|source| source.downcast_ref::<TransportError>())
        .is_some_and(|error| error.kind() == TransportErrorKind::TooLarge)
}

/// What a failed attempt reveals about the provider's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// It answered.
    Answered,
    /// It answered with a transient failure.
    Failing,
    /// It did not answer, or the answer was incomplete.
    NoAnswer,
    /// No request reached it.
    None,
}

/// Classifies a failed attempt by what it reveals about the provider's health.
pub(crate) fn evidence(error: &Error) -> Evidence {
    match error.kind() {
        ErrorKind::InvalidRequest | ErrorKind::Unavailable | ErrorKind::NoConsent => Evidence::None,
        ErrorKind::Storage if error.outcome() == Outcome::NotSent => Evidence::None,
        // The peer is not the provider, so nothing was sent.
        ErrorKind::Verification if error.outcome() == Outcome::NotSent => Evidence::None,
        ErrorKind::Connect | ErrorKind::Timeout => Evidence::NoAnswer,
        ErrorKind::Transport if !is_permanent(error) => Evidence::NoAnswer,
        ErrorKind::Api if error.is_transient() => Evidence::Failing,
        ErrorKind::Unrecognized => Evidence::Failing,
        ErrorKind::Transport
        | ErrorKind::Api
        | ErrorKind::Credentials
        | ErrorKind::Verification
        | ErrorKind::RateLimited
        | ErrorKind::Decode
        | ErrorKind::Storage => Evidence::Answered,
    }
}
