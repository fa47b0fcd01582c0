//! Errors of commands, and their exit codes.

use std::error::Error as _;
use std::io;

use kyc_facade::provider_core::{
    Error, ErrorKind, FaultClass, InvalidRequest, Outcome, RequestId, TransportError,
    TransportErrorKind,
};

/// Invalid input or configuration; clap uses the same code.
pub(crate) const EXIT_INVALID: u8 = 2;

/// Done, but the reply could not be decoded or written.
pub(crate) const EXIT_UNREAD: u8 = 7;

/// Ended by Ctrl-C, as shells number it, or by SIGTERM.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call failed, or nothing could be sent.
    Error(Error),
    /// It was done, and the reply could not be written to stdout.
    Unwritten(Option<RequestId>),
    /// It was done, and the answer is not in its file but here.
    Elsewhere(RequestId, String),
}

impl Failure {
    /// A setting or flag that breaks a rule.
    pub(crate) fn configuration(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Error(InvalidRequest::new(field.into(), rule.into()).into())
    }

    /// A file that cannot be used, of which the flag tells.
    pub(crate) fn file(flag: &str, done: &str, error: &io::Error) -> Self {
        Self::configuration(flag, format!("cannot be {done}: {}", reason(error.kind())))
    }

    /// The system gives no signals.
    pub(crate) fn no_signals(_: io::Error) -> Self {
        Self::configuration("runtime", "the system gives no signals")
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Error(error) => exit_code(error),
            Self::Unwritten(_) | Self::Elsewhere(..) => EXIT_UNREAD,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<InvalidRequest> for Failure {
    fn from(error: InvalidRequest) -> Self {
        Self::Error(error.into())
    }
}

/// The exit code of an error.
pub(crate) fn exit_code(error: &Error) -> u8 {
    exit_code_of(error.kind().as_str())
}

/// The exit code of an [`ErrorKind`], by its name.
pub(crate) fn exit_code_of(kind: &str) -> u8 {
    match kind {
        "invalid_request" => EXIT_INVALID,
        "credentials" => 3,
        "api" => 4,
        "verification" => 6,
        "decode" => EXIT_UNREAD,
        // Unavailable, Connect, Timeout, Transport, RateLimited, and kinds added later.
        _ => 5,
    }
}

/// Why a file or an address cannot be used, in the words of the system; a path or a system's own text is not repeated.
pub(crate) fn reason(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "address not available".to_owned(),
        io::ErrorKind::InvalidFilename => "the name is too long".to_owned(),
        kind => kind.to_string(),
    }
}

/// What to do about an error, in one sentence. What may have been done comes first, whatever went wrong.
pub(crate) fn advice(error: &Error) -> &'static str {
    if error.kind() == ErrorKind::Verification {
        return "Do not trust the reply. Check the shared secret, and any proxy in between.";
    }
    if is_too_large(error) && !error.is_unsettled() {
        return "Report it: the reply is longer than is read for this operation.";
    }
    if error.is_unsettled() {
        return match error.outcome() {
            Outcome::Done => "Do not send it again; report the place that could not be decoded.",
            _ => "Find out whether it was processed before you try again.",
        };
    }
    match error.kind() {
        ErrorKind::InvalidRequest => "Nothing was sent. Correct it and try again.",
        ErrorKind::Credentials => "Check the credentials, and that they belong to this address.",
        ErrorKind::Connect => "Check the address and the network, and try again.",
        ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::RateLimited => "Try again later.",
        ErrorKind::Decode => "Report the place that was not understood.",
        _ if is_explained(error) => "Do what the message says; until then it fails again.",
        _ if error.is_retryable() => "Try again later.",
        _ => "Nothing was done. Correct the request.",
    }
}

/// Whether the refusal's own meaning says what to do, and waiting does not help.
fn is_explained(error: &Error) -> bool {
    error.is_retryable()
        && error.fault().is_some_and(|fault| {
            fault.meaning().is_some() && fault.class() != FaultClass::Transient
        })
}

/// Whether the reply was longer than the limit.
fn is_too_large(error: &Error) -> bool {
    let transport = error
        .source()
        .and_then(|source| source.downcast_ref::<TransportError>());
    transport.is_some_and(|error| error.kind() == TransportErrorKind::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_over_the_limit_is_no_reason_to_try_again() {
        let error = Error::from(TransportError::new(TransportErrorKind::TooLarge));
        assert!(
            error.to_string().contains("longer than the limit"),
            "{error}"
        );
        assert!(is_too_large(&error));
        let error = Error::from(TransportError::new(TransportErrorKind::Interrupted));
        assert!(!is_too_large(&error));
    }

    #[test]
    fn reasons_are_those_that_people_know() {
        assert_eq!(reason(io::ErrorKind::NotFound), "no such file or directory");
        assert_eq!(reason(io::ErrorKind::AddrInUse), "address already in use");
        assert_eq!(reason(io::ErrorKind::PermissionDenied), "permission denied");
    }
}
