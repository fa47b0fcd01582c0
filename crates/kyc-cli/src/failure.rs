//! Errors of commands, and their exit codes.

use std::error::Error as _;
use std::io;

use kyc_facade::provider_core::http::StatusCode;
use kyc_facade::provider_core::webhook::Refusal;
use kyc_facade::provider_core::{
    DecodeErrorCategory, Error, ErrorKind, FaultClass, InvalidRequest, Outcome, RequestId,
    TransportError, TransportErrorKind, VerificationError,
};

/// Invalid input or configuration; clap uses the same code.
pub(crate) const EXIT_INVALID: u8 = 2;

/// Not authentic.
pub(crate) const EXIT_UNTRUSTED: u8 = 6;

/// The reply could not be decoded, or what was to be printed not be written.
pub(crate) const EXIT_UNREAD: u8 = 7;

/// A disk refused: a file of journeys, a ledger or an export could not be read or written.
pub(crate) const EXIT_UNSTORED: u8 = 8;

/// Not reached.
pub(crate) const EXIT_UNREACHED: u8 = 5;

/// Ended by Ctrl-C, as shells number it, or by SIGTERM, SIGHUP or SIGQUIT.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call failed, or nothing could be sent.
    Error(Error),
    /// Nothing was sent, and what was to be printed could not be written to stdout, for this reason.
    Unprinted(io::ErrorKind),
    /// It was done, and the reply could not be written to stdout, for this reason.
    Unwritten(Option<RequestId>, io::ErrorKind),
    /// The running sandbox refused what it was asked to do.
    RefusedBySandbox(InvalidRequest),
    /// A server that is no provider, the sandbox's or that of a database, was not reached or let nobody in: why, and what became of what
    /// it was asked to do.
    Server(ErrorKind, String, Outcome),
    /// A webhook is not authentic, and what to check.
    Refused(Refusal, &'static str),
    /// A file, such as that of journeys or a ledger, can be neither read nor written now, and why not. What it holds is kept. What had
    /// been sent by then.
    Unstored(String, String, Outcome),
    /// Another process has the file, and what to do meanwhile: nothing is wrong with what was given.
    InUse(InvalidRequest, &'static str),
    /// It was done, and the answer is not where it was to be, for this reason: what went wrong, and where the answer is.
    Elsewhere(RequestId, String, io::ErrorKind),
}

impl Failure {
    /// A setting or flag that breaks a rule.
    pub(crate) fn configuration(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Error(InvalidRequest::new(field.into(), rule.into()).into())
    }

    /// A file that can be neither read nor written now, in the words of the system or of the database.
    pub(crate) fn unstored(file: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Unstored(file.into(), cause.into(), Outcome::Unknown)
    }

    /// What cannot be put into its form, so that nothing is printed.
    pub(crate) fn unprintable() -> Self {
        Self::Unprinted(io::ErrorKind::InvalidData)
    }

    /// A server that did not answer.
    pub(crate) fn unreached(message: impl Into<String>, outcome: Outcome) -> Self {
        Self::Server(ErrorKind::Connect, message.into(), outcome)
    }

    /// A file that cannot be used, of which the flag tells.
    pub(crate) fn file(flag: &str, done: &str, error: &io::Error) -> Self {
        if is_the_disk(error.kind()) {
            return Self::unstored(flag, reason(error.kind()));
        }
        Self::configuration(flag, format!("cannot be {done}: {}", reason(error.kind())))
    }

    /// A file that cannot be used, found out before anything was sent.
    #[must_use]
    pub(crate) fn before_sending(self) -> Self {
        match self {
            Self::Unstored(file, cause, _) => Self::Unstored(file, cause, Outcome::NotSent),
            other => other,
        }
    }

    /// What the running sandbox refused, as the flag that it came from.
    #[must_use]
    pub(crate) fn for_field(self, flag: &'static str) -> Self {
        match self {
            Self::RefusedBySandbox(refused) => Self::RefusedBySandbox(refused.for_field(flag)),
            other => other,
        }
    }

    /// The system gives no event loop, no thread or no signals.
    pub(crate) fn system(error: &io::Error) -> Self {
        const TOO_MANY_OPEN_FILES: i32 = 24;
        let rule = match error.raw_os_error() {
            Some(TOO_MANY_OPEN_FILES) => {
                "allows too few open files; raise the limit, as with ulimit -n 256".to_owned()
            }
            _ => format!(
                "gives no event loop or no signals: {}",
                reason(error.kind())
            ),
        };
        Self::configuration("system", rule)
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Error(error) => exit_code(error),
            Self::RefusedBySandbox(_) | Self::InUse(..) => EXIT_INVALID,
            Self::Unstored(..) => EXIT_UNSTORED,
            Self::Server(kind, ..) => exit_code_of(kind.as_str()),
            Self::Refused(..) => EXIT_UNTRUSTED,
            Self::Unprinted(kind) | Self::Unwritten(_, kind) | Self::Elsewhere(.., kind) => {
                exit_code_of_writing(*kind)
            }
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
        "verification" => EXIT_UNTRUSTED,
        "decode" | "storage" => EXIT_UNREAD,
        // Unavailable, Connect, Timeout, Transport, RateLimited, and kinds added later.
        _ => EXIT_UNREACHED,
    }
}

/// The exit code of what could not be written for this reason, to a file or to stdout.
pub(crate) fn exit_code_of_writing(kind: io::ErrorKind) -> u8 {
    match is_the_disk(kind) {
        true => EXIT_UNSTORED,
        false => EXIT_UNREAD,
    }
}

/// Whether a disk refused, and not what the caller named.
pub(crate) fn is_the_disk(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::WriteZero
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Why a file or an address cannot be used, in the words of the system; a path or a system's own text is not repeated.
pub(crate) fn reason(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "address not available".to_owned(),
        io::ErrorKind::InvalidFilename => "the name is too long".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        kind => kind.to_string(),
    }
}

/// What to do about an error, in one sentence. What may have been done comes first, whatever went wrong.
pub(crate) fn advice(error: &Error) -> &'static str {
    if error.kind() == ErrorKind::Verification {
        return untrusted(error.verification());
    }
    if is_too_large(error) && !error.is_unsettled() {
        return "Report it: the reply is longer than is read for this operation.";
    }
    if error.is_unsettled() {
        return match error.outcome() {
            Outcome::Done if is_without_data(error) => {
                "Do not send it again; ask the provider for what is missing, with the request id."
            }
            Outcome::Done => "Do not send it again; report the place that could not be decoded.",
            _ => "Find out whether it was processed before you try again.",
        };
    }
    match error.kind() {
        ErrorKind::InvalidRequest => "Nothing was sent. Correct it and try again.",
        ErrorKind::Credentials => {
            "Check the credentials, that they belong to this address, and that no proxy in between drops headers: some \
             drop names with underscores."
        }
        ErrorKind::Unrecognized => unrecognized(error.status().unwrap_or_default()),
        ErrorKind::Connect => "Check the address and the network, and try again.",
        ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::RateLimited => "Try again later.",
        ErrorKind::Decode => "Report the place that could not be decoded.",
        _ if is_of(error, FaultClass::Counted) => {
            "It counts as one of the few attempts that there are, and nothing else was done. Ask the person again."
        }
        _ if is_of(error, FaultClass::AlreadyDone) => {
            "It was done before, and nothing was done now."
        }
        _ if is_of(error, FaultClass::TooEarly) => "Nothing was done. Try again later, as it is.",
        _ if error.is_to_be_corrected() => "Do what the message says; until then it fails again.",
        _ if error.is_retryable() => "Try again later.",
        _ if error.status() == Some(StatusCode::CONFLICT) => {
            "Nothing was done. Wait if it came too early, or correct the request."
        }
        _ => "Nothing was done. Correct the request.",
    }
}

/// What to check when a reply, or the server, is not authentic.
fn untrusted(reason: Option<&VerificationError>) -> &'static str {
    match reason {
        Some(VerificationError::Certificate) => {
            "Check the address, the time and the root certificates of this machine, and whether a proxy in between \
             inspects TLS."
        }
        Some(VerificationError::MissingSignature) => {
            "Do not trust the reply. Check the address, and whether a proxy in between drops headers or answers itself."
        }
        Some(VerificationError::SignatureMismatch) => {
            "Do not trust the reply. Check the shared secret, and whether a proxy in between changes replies."
        }
        Some(VerificationError::MalformedSignature | VerificationError::ConflictingHeaders) => {
            "Do not trust the reply. Check whether a proxy in between changes or repeats headers."
        }
        Some(VerificationError::OtherClient) => {
            "Do not trust the reply. Check the API key, and whose address this is."
        }
        Some(VerificationError::OtherRequest) => {
            "Do not trust the reply. Check whether a proxy or a cache in between mixes up replies."
        }
        _ => {
            "Do not trust the reply. Check what answers at this address, and any proxy in between."
        }
    }
}

/// What to check when somebody answers who is perhaps not the provider, and nothing was done.
fn unrecognized(status: StatusCode) -> &'static str {
    if status.is_redirection() {
        "Check the address: redirects are not followed, because the credentials would go with them."
    } else if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        "Check whether a firewall or a proxy in between refuses it, or drops headers such as those with underscores in \
         their names; then the credentials."
    } else {
        "Check the address, and whether a gateway or a proxy in between answers itself; try again later."
    }
}

/// Whether the provider's refusal is of this class.
fn is_of(error: &Error, class: FaultClass) -> bool {
    let fault = error.fault();
    fault.is_some_and(|fault| fault.class() == class)
}

/// Whether the provider says more of a refusal than is printed.
pub(crate) fn says_more(error: &Error) -> bool {
    let fault = error.fault();
    fault.is_some_and(|fault| fault.meaning().is_none() && fault.message().is_some())
}

/// Whether it is a success without what was asked for.
fn is_without_data(error: &Error) -> bool {
    let decode = error.decode();
    decode.is_some_and(|decode| decode.category() == DecodeErrorCategory::MissingData)
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
    use kyc_facade::provider_core::RawResponse;
    use kyc_facade::provider_core::http::HeaderMap;

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
    fn advice_names_what_to_check_and_not_what_is_likely() {
        let replied = |kind, status| {
            let status = StatusCode::from_u16(status).unwrap();
            let response = RawResponse::new(status, HeaderMap::new(), Default::default());
            Error::new(kind, Outcome::Refused).with_response(response)
        };
        let certificate = Error::from(TransportError::new(TransportErrorKind::Certificate));
        for (error, says) in [
            (
                replied(ErrorKind::Unrecognized, 302),
                "redirects are not followed",
            ),
            (replied(ErrorKind::Unrecognized, 403), "firewall"),
            (replied(ErrorKind::Unrecognized, 401), "underscores"),
            (replied(ErrorKind::Unrecognized, 404), "gateway"),
            (replied(ErrorKind::Credentials, 401), "underscores"),
            (certificate, "root certificates"),
            (VerificationError::MissingSignature.into(), "drops headers"),
            (VerificationError::OtherRequest.into(), "cache"),
        ] {
            let advice = advice(&error);
            assert!(advice.contains(says), "{advice}");
            assert!(!advice.contains("secret"), "{advice}");
        }
        let mismatch = Error::from(VerificationError::SignatureMismatch);
        assert!(advice(&mismatch).contains("shared secret"));
    }

    #[test]
    fn reasons_are_those_that_people_know() {
        assert_eq!(reason(io::ErrorKind::NotFound), "no such file or directory");
        assert_eq!(reason(io::ErrorKind::AddrInUse), "address already in use");
        assert_eq!(reason(io::ErrorKind::PermissionDenied), "permission denied");
    }

    #[test]
    fn a_disk_that_is_full_or_read_only_refuses_and_a_directory_does_not() {
        for (kind, code) in [
            (io::ErrorKind::StorageFull, EXIT_UNSTORED),
            (io::ErrorKind::ReadOnlyFilesystem, EXIT_UNSTORED),
            (io::ErrorKind::PermissionDenied, EXIT_INVALID),
            (io::ErrorKind::IsADirectory, EXIT_INVALID),
        ] {
            let failure = Failure::file("--out", "written", &kind.into());
            assert_eq!(failure.exit_code(), code, "{kind}");
        }
    }
}
