//! What one exchange comes to: pure functions from bytes to a value or an error.

use http::StatusCode;
use jiff::Timestamp;
use tokio::time::error::Elapsed;

use crate::error::{Error, ErrorKind, Outcome};
use crate::resilience::retry_after;
use crate::transport::{TransportError, TransportErrorKind};
use crate::wire::{Endpoint, FaultClass, Provider, RawResponse, ResponseError, Verified};

/// What an exchange, or its time-out, comes to.
pub(crate) fn conclude<E: Endpoint>(
    provider: &E::Provider,
    endpoint: &E,
    sent: Result<Result<RawResponse, TransportError>, Elapsed>,
    now: Timestamp,
) -> Result<(E::Output, Verified), Error> {
    let response = sent.map_err(|_| Error::new(ErrorKind::Timeout, Outcome::Unknown))??;
    if response.body().len() > E::OPERATION.max_reply_bytes {
        return Err(TransportError::new(TransportErrorKind::TooLarge).into());
    }
    if !response.status().is_success() {
        return Err(refused(provider, response, now));
    }
    let verified = match provider.verify(&response, now) {
        Ok(authenticity) => {
            Verified::new(response, authenticity).replying_with(E::OPERATION.content_types)
        }
        Err(error) => return Err(Error::from(error).with_response(response)),
    };
    match endpoint.response(&verified) {
        Ok(value) => Ok((value, verified)),
        Err(error) => Err(unread(provider, error, verified)),
    }
}

/// What a response that is not 2xx means. Its body is a hint: nobody vouches for it.
fn refused<P: Provider>(provider: &P, response: RawResponse, now: Timestamp) -> Error {
    let status = response.status();
    let fault = provider.fault(&response);
    let class = fault
        .as_ref()
        .map(|fault| fault.class())
        .unwrap_or_default();
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Credentials,
        _ if class == FaultClass::Credentials => ErrorKind::Credentials,
        _ => ErrorKind::Api,
    };
    // By the status alone: words that nobody vouches for must not turn "unknown" into "nothing was done".
    let outcome = match status {
        // Another address handles the request unchanged, so this one did not.
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => Outcome::Refused,
        // Servers and gateways send it before and after they have the whole request.
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

/// What a verified 2xx response without a value means.
fn unread<P: Provider>(provider: &P, error: ResponseError, verified: Verified) -> Error {
    let raw = verified.into_raw();
    let error = match error {
        ResponseError::Decode(decode) => match provider.fault(&raw) {
            Some(fault) => ResponseError::Fault(fault),
            None => ResponseError::Decode(decode),
        },
        other => other,
    };
    let error = match error {
        ResponseError::Decode(decode) => Error::from(decode),
        ResponseError::Verification(verification) => Error::from(verification),
        ResponseError::Fault(fault) => {
            let (kind, outcome) = match fault.class() {
                FaultClass::Credentials => (ErrorKind::Credentials, Outcome::Refused),
                FaultClass::ByStatus => (ErrorKind::Api, Outcome::Refused),
                // As a 5xx: it broke somewhere on the way.
                FaultClass::Transient => (ErrorKind::Api, Outcome::Unknown),
            };
            Error::new(kind, outcome).with_fault(Some(fault))
        }
    };
    // All of it: a reply that cost money is not asked for again because of one field.
    error.with_whole_response(raw)
}

/// Whether the next attempt would end the same way.
pub(crate) fn is_permanent(error: &Error) -> bool {
    use std::error::Error as _;

    error
        .source()
        .and_then(|source| source.downcast_ref::<TransportError>())
        .is_some_and(|error| error.kind() == TransportErrorKind::TooLarge)
}

/// Whether an attempt tells of an outage; `None` when the provider was not asked.
pub(crate) fn tells_of_an_outage(error: &Error) -> Option<bool> {
    match error.kind() {
        ErrorKind::InvalidRequest | ErrorKind::Unavailable => None,
        ErrorKind::Storage if error.outcome() == Outcome::NotSent => None,
        // Nothing was sent to a peer that is not the provider.
        ErrorKind::Verification if error.outcome() == Outcome::NotSent => None,
        ErrorKind::Connect | ErrorKind::Timeout => Some(true),
        ErrorKind::Transport => Some(!is_permanent(error)),
        ErrorKind::Api => Some(error.is_transient()),
        ErrorKind::Credentials
        | ErrorKind::Verification
        | ErrorKind::RateLimited
        | ErrorKind::Decode
        | ErrorKind::Storage => Some(false),
    }
}
