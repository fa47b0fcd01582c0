//! Errors of commands, and their exit codes.

use kyc_facade::provider_core::{Error, ErrorKind, InvalidRequest, Outcome, RequestId};

/// Invalid input or configuration; clap uses the same code.
pub(crate) const EXIT_INVALID: u8 = 2;

/// Done, but the reply could not be decoded or written.
pub(crate) const EXIT_UNREAD: u8 = 7;

/// Ended by Ctrl-C, as shells number it.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call failed, or nothing could be sent.
    Error(Error),
    /// It was done, and the reply could not be written to stdout.
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
        // Unavailable, Connect, Timeout, Transport, RateLimited, and kinds added later.
        _ => 5,
    }
}

/// What to do about an error, in one sentence. An unsettled outcome takes precedence over the kind.
pub(crate) fn advice(error: &Error) -> &'static str {
    if error.kind() == ErrorKind::Verification {
        return "Do not trust the reply. Check the shared secret, and any proxy in between.";
    }
    if error.is_unsettled() {
        return match error.outcome() {
            Outcome::Done => "Do not send it again; report the place that could not be decoded.",
            _ => "Use the request id to find out whether it was processed before you try again.",
        };
    }
    match error.kind() {
        ErrorKind::InvalidRequest => "Nothing was sent. Correct it and try again.",
        ErrorKind::Credentials => "Check the credentials, and that they belong to this address.",
        ErrorKind::Connect => "Check the address and the network, and try again.",
        ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::RateLimited => "Try again later.",
        ErrorKind::Decode => "Report the place that could not be decoded.",
        _ if error.is_retryable() => "Try again later.",
        _ => "Nothing was done. Correct the request.",
    }
}
