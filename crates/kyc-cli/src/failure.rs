//! What goes wrong, and the exit code that says so.

use kyc_facade::provider_core::{Error, ErrorKind, InvalidRequest};

/// Invalid input or configuration; clap uses the same code.
pub(crate) const EXIT_INVALID: u8 = 2;

/// Why a command gave no answer.
#[derive(Debug)]
pub(crate) struct Failure(Error);

impl Failure {
    /// A setting or flag that breaks a rule.
    pub(crate) fn configuration(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self(InvalidRequest::new(field.into(), rule.into()).into())
    }

    pub(crate) fn error(&self) -> &Error {
        &self.0
    }

    pub(crate) fn exit_code(&self) -> u8 {
        exit_code(&self.0)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<InvalidRequest> for Failure {
    fn from(error: InvalidRequest) -> Self {
        Self(error.into())
    }
}

/// The exit code of an error's kind.
pub(crate) fn exit_code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::InvalidRequest => EXIT_INVALID,
        ErrorKind::Credentials => 3,
        ErrorKind::Api => 4,
        ErrorKind::Verification => 6,
        ErrorKind::Decode => 7,
        // Connect, Timeout, Transport, RateLimited, and whatever kind comes later.
        _ => 5,
    }
}

/// What to do about an error, in one sentence.
pub(crate) fn advice(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::InvalidRequest => "Nothing was sent. Correct it and try again.",
        ErrorKind::Credentials => "Check the credentials, and that they belong to this address.",
        ErrorKind::Connect => "Nothing was sent. Check the address and the network.",
        ErrorKind::Timeout | ErrorKind::Transport => match error.outcome() {
            kyc_facade::provider_core::Outcome::NotSent => "Nothing was sent. Try again.",
            _ => "It may have been done: find out with the request id before you try again.",
        },
        ErrorKind::Verification => {
            "Do not trust the answer. Check the shared secret, and what stands between."
        }
        ErrorKind::RateLimited => "Nothing was done. Try again later.",
        ErrorKind::Api => "The provider's code says why.",
        ErrorKind::Decode => {
            "It was done. Do not repeat it; report the place that was not understood."
        }
        _ => "See the causes.",
    }
}
