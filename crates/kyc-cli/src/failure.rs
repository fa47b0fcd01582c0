//! Errors of commands, and their exit codes.

use kyc_facade::provider_core::{Error, ErrorKind, InvalidRequest, Outcome, RequestId};

/// Invalid input or configuration; clap uses the same code.
pub(crate) const EXIT_INVALID: u8 = 2;

/// Done, but the answer was not understood, or could not be written.
pub(crate) const EXIT_UNREAD: u8 = 7;

/// Ended by Ctrl-C, as shells number it.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Why a command gave no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call failed, or nothing could be sent.
    Error(Error),
    /// It was done, and the answer could not be written to stdout.
    Unwritten(Option<RequestId>),
}

impl Failure {
    /// A setting or flag that breaks a rule.
    pub(crate) fn configuration(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Error(InvalidRequest::new(field.into(), rule.into()).into())
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Error(error) => exit_code(error),
            Self::Unwritten(_) => EXIT_UNREAD,
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
        // Unavailable, Connect, Timeout, Transport, RateLimited, and whatever kind comes later.
        _ => 5,
    }
}

/// What to do about an error, in one sentence. What may have been done comes first, whatever went wrong.
pub(crate) fn advice(error: &Error) -> &'static str {
    if error.kind() == ErrorKind::Verification {
        return "Do not trust the answer. Check the shared secret, and what stands between.";
    }
    if error.is_unsettled() {
        return match error.outcome() {
            Outcome::Done => "Do not repeat it; report the place that was not understood.",
            _ => "Find out with the request id whether it was, before you try again.",
        };
    }
    match error.kind() {
        ErrorKind::InvalidRequest => "Nothing was sent. Correct it and try again.",
        ErrorKind::Credentials => "Check the credentials, and that they belong to this address.",
        ErrorKind::Connect => "Check the address and the network, and try again.",
        ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::RateLimited => "Try again later.",
        ErrorKind::Decode => "Report the place that was not understood.",
        _ if error.is_retryable() => "Try again later.",
        _ => "Nothing was done. Correct what the provider refused.",
    }
}
