//! The error type of the core, the providers and the capabilities.

mod read_back;
mod serialized;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::values::{InvalidRequest, MissingConsent};
use crate::wire::{
    DecodeError, DecodeErrorCategory, Fault, FaultClass, Idempotency, RawResponse, RequestId,
    VerificationError,
};
use crate::wire::{TransportError, TransportErrorKind};

/// Why a call returned no value. Eight bytes wide. [`kind`](Error::kind) says what went wrong, [`outcome`](Error::outcome)
/// whether the request may have been processed.
///
/// `Display` is one line without the cause; [`report`](Error::report) prints the whole chain. Neither they nor `Debug`
/// print a secret, a personal value, a URL or a body. It can be written down as JSON and read back, which its
/// implementation of `Deserialize` documents.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    provider: &'static str,
    operation: &'static str,
    outcome: Outcome,
    idempotency: Option<Idempotency>,
    settling: Option<Cow<'static, str>>,
    status: Option<StatusCode>,
    fault: Option<Fault>,
    retry_after: Option<Duration>,
    request_id: Option<RequestId>,
    attempts: u32,
    elapsed: Duration,
    response: Option<RawResponse>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    also_failed: Vec<Error>,
    /// How one that was read back was printed, its causes included, which it has no longer.
    printed: Option<String>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An input or a setting is invalid, so no request could be built. Correct the field that the cause names.
    InvalidRequest,
    /// The provider refused the credentials. Check them, and which environment they belong to.
    Credentials,
    /// The circuit of the operation is open: its recent calls failed. Nothing was sent; [`Error::retry_after`] is the time
    /// until the next probe.
    Unavailable,
    /// The server was never reached. Retried for every operation; check address, network and DNS.
    Connect,
    /// The deadline expired. Whether the request was processed is unknown unless [`Outcome`] says otherwise.
    Timeout,
    /// The connection failed during the exchange. Whether the request was processed is unknown unless [`Outcome`] says
    /// otherwise.
    Transport,
    /// The response, or the peer itself, is not authentic. Never retried; find out why first.
    Verification,
    /// Too many requests (HTTP 429). [`Error::retry_after`] has the wait if the provider sent one.
    RateLimited,
    /// The provider refused the request; [`Error::fault`] has its code and message. Also 408 and 5xx without them: a server
    /// failed, whoever it was; and a refusal that contradicts its status or what stands beside it.
    Api,
    /// The reply is not in the provider's form: a page, an empty body, a redirect, a part of a reply, a plain 403 or 404. One whose
    /// body is in the provider's own form is not among them, whatever its status: that is [`Api`](Self::Api). A gateway, a proxy or a
    /// firewall may have sent it in the provider's place, so it says nothing about the request, the person or the
    /// credentials. Retried for `Safe` and `Repeatable` operations; check the address, and what stands in between.
    Unrecognized,
    /// An authentic reply that could not be decoded; the cause has the place, never the value.
    Decode,
    /// The client's [`ConsentGate`](crate::ConsentGate) found no live consent for the call; [`Error::missing_consent`] has the
    /// purpose. The attempt was not sent, and is not retried. Obtain the consent, or prove it again.
    NoConsent,
    /// What had to be stored on this machine, such as a downloaded file, could not be; the cause says why. Never retried.
    Storage,
}

crate::named_enum! {
    ErrorKind("kind") {
        InvalidRequest = "invalid_request",
        Credentials = "credentials",
        Unavailable = "unavailable",
        Connect = "connect",
        Timeout = "timeout",
        Transport = "transport",
        Verification = "verification",
        RateLimited = "rate_limited",
        Api = "api",
        Unrecognized = "unrecognized",
        Decode = "decode",
        NoConsent = "no_consent",
        Storage = "storage",
    }
}

/// What became of the request, over all attempts of the call: whether calling again may be billed twice depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing left this machine. Calling again is safe.
    NotSent,
    /// The provider refused it. Nothing was done, but that it may have been counted as an attempt: see
    /// [`FaultClass::Counted`].
    Refused,
    /// It may have been processed. Find out before calling again, unless the operation is `Safe` or `Repeatable`.
    Unknown,
    /// The provider processed it, and its answer could not be read. Do not call again to find out.
    Done,
}

crate::named_enum! {
    Outcome("outcome") {
        NotSent = "not_sent",
        Refused = "refused",
        Unknown = "unknown",
        Done = "done",
    }
}

impl Error {
    /// The largest body of an unverified response that an error keeps, in bytes.
    pub const BODY_KEPT: usize = 64 * 1024;

    /// The version of the error's form in JSON, which its implementation of `Serialize` documents.
    pub const JSON_VERSION: u32 = 1;

    /// Creates an error of this kind, for implementations of the capability traits and for mocks.
    ///
    /// ```
    /// use provider_core::{Error, ErrorKind, Outcome};
    ///
    /// let error = Error::new(ErrorKind::Timeout, Outcome::Unknown).at("acme", "open-consent");
    /// assert_eq!(error.to_string(), "acme open-consent: no answer in time; it may have been processed");
    /// ```
    pub fn new(kind: ErrorKind, outcome: Outcome) -> Self {
        Self(Box::new(Inner {
            kind,
            provider: "",
            operation: "",
            outcome,
            idempotency: None,
            settling: None,
            status: None,
            fault: None,
            retry_after: None,
            request_id: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            response: None,
            source: None,
            also_failed: Vec::new(),
            printed: None,
        }))
    }

    /// Names the provider and the operation.
    #[must_use]
    pub fn at(mut self, provider: &'static str, operation: &'static str) -> Self {
        self.0.provider = provider;
        self.0.operation = operation;
        self
    }

    /// Adds the cause. Its `Display` is printed by [`report`](Error::report).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds the failures of other providers that were tried after this one; everything else stays as this error has it.
    #[must_use]
    pub fn with_also_failed(mut self, errors: Vec<Error>) -> Self {
        self.0.also_failed = errors;
        self
    }

    /// Adds the provider's code and message.
    #[must_use]
    pub fn with_fault(mut self, fault: Option<Fault>) -> Self {
        self.0.fault = fault;
        self
    }

    /// Adds the response, whose body is cut to [`BODY_KEPT`](Error::BODY_KEPT) bytes.
    #[must_use]
    pub fn with_response(mut self, response: RawResponse) -> Self {
        self.0.status = Some(response.status());
        self.0.response = Some(response.truncated(Self::BODY_KEPT));
        self
    }

    /// Adds a verified response with its whole body, whose size the operation limits.
    pub(crate) fn with_whole_response(mut self, response: RawResponse) -> Self {
        self.0.status = Some(response.status());
        self.0.response = Some(response);
        self
    }

    /// Adds the wait that the provider asked for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// Adds the operation's idempotency.
    #[must_use]
    pub fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.0.idempotency = Some(idempotency);
        self
    }

    /// Adds how the operation is reconciled, see [`settling`](Self::settling).
    #[must_use]
    pub fn with_settling(mut self, advice: Option<&'static str>) -> Self {
        self.0.settling = advice.map(Cow::Borrowed);
        self
    }

    /// Adds the call's id.
    #[must_use]
    pub fn with_request_id(mut self, request_id: RequestId) -> Self {
        self.0.request_id = Some(request_id);
        self
    }

    /// Adds the duration of the call.
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        self.0.elapsed = elapsed;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32, outcome: Outcome) -> Self {
        self.0.attempts = attempts;
        self.0.outcome = outcome;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What became of the request, over all attempts.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The operation's idempotency; `None` if the error did not come from a call.
    pub fn idempotency(&self) -> Option<Idempotency> {
        self.0.idempotency
    }

    /// Whether the caller must find out what was done before calling again: the outcome is `Unknown` or `Done`, and the
    /// operation is not a read.
    pub fn is_unsettled(&self) -> bool {
        matches!(self.0.outcome, Outcome::Unknown | Outcome::Done)
            && self.0.idempotency != Some(Idempotency::Safe)
    }

    /// How to find out what was done, if the error is [unsettled](Self::is_unsettled) and its operation
    /// [says so](crate::Operation::settling). No provider documents a look-up by request id, so it differs by operation.
    pub fn settling(&self) -> Option<&str> {
        self.0.settling.as_deref().filter(|_| self.is_unsettled())
    }

    /// The provider's name; empty for an input that was refused before a provider was involved.
    pub fn provider(&self) -> &'static str {
        self.0.provider
    }

    /// The operation's name; empty for an input that was refused before an operation was involved.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The HTTP status of the last response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The provider's code and message, if its refusal was in a documented form.
    pub fn fault(&self) -> Option<&Fault> {
        self.0.fault.as_ref()
    }

    /// The wait that the provider asked for, if any.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The call's id, if there was an attempt.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// The number of attempts.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The duration of the call, back-off included.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The last response. Its body is complete if it was verified, otherwise cut to [`BODY_KEPT`](Error::BODY_KEPT). The
    /// body may hold personal data.
    pub fn raw_response(&self) -> Option<&RawResponse> {
        self.0.response.as_ref()
    }

    /// The input or setting to correct, for [`ErrorKind::InvalidRequest`].
    pub fn invalid_request(&self) -> Option<&InvalidRequest> {
        self.source_as()
    }

    /// Why the response failed verification, for [`ErrorKind::Verification`].
    pub fn verification(&self) -> Option<&VerificationError> {
        match self.source_as::<TransportError>() {
            Some(error) if error.kind() == TransportErrorKind::Certificate => {
                Some(&VerificationError::Certificate)
            }
            _ => self.source_as(),
        }
    }

    /// The place that could not be decoded, for [`ErrorKind::Decode`], and for a 2xx that is [`ErrorKind::Unrecognized`].
    pub fn decode(&self) -> Option<&DecodeError> {
        self.source_as()
    }

    /// The purpose that lacks a live consent, for [`ErrorKind::NoConsent`].
    pub fn missing_consent(&self) -> Option<&MissingConsent> {
        self.source_as()
    }

    /// The failures of the other providers, in order, where several were tried in turn.
    pub fn also_failed(&self) -> &[Error] {
        &self.0.also_failed
    }

    /// Whether the caller may call again later: nothing was sent or done, or the operation is a read, and the failure is
    /// transient.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Unavailable
            | ErrorKind::Connect
            | ErrorKind::RateLimited
            | ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::Unrecognized => !self.is_unsettled(),
            ErrorKind::Api => {
                let is_early = self.has_fault_of(FaultClass::TooEarly);
                !self.is_unsettled() && (is_early || self.is_transient())
            }
            _ => false,
        }
    }

    /// Whether the provider's documented refusal says what somebody has to correct, although its status is that of a transient
    /// failure: whatever repeats it fails again until that is done.
    pub fn is_to_be_corrected(&self) -> bool {
        let may_pass = self.has_passing_fault() || self.has_fault_of(FaultClass::TooEarly);
        let is_explained = |fault: &Fault| fault.meaning().is_some() && !may_pass;
        self.0.kind == ErrorKind::Api
            && self.is_retryable()
            && self.0.fault.as_ref().is_some_and(is_explained)
    }

    fn has_fault_of(&self, class: FaultClass) -> bool {
        let fault = self.0.fault.as_ref();
        fault.is_some_and(|fault| fault.class() == class)
    }

    fn has_passing_fault(&self) -> bool {
        self.has_fault_of(FaultClass::Transient) || self.has_fault_of(FaultClass::Contradictory)
    }

    /// Whether a refusal is transient: 408, 5xx, or a fault of that class or a contradictory one.
    pub(crate) fn is_transient(&self) -> bool {
        self.has_passing_fault()
            || self.0.status.is_some_and(|status| {
                status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
            })
    }

    /// The error and its causes, one per line, followed by how to [reconcile](Self::settling) it and those that
    /// [also failed](Self::also_failed).
    pub fn report(&self) -> String {
        let mut report = self.to_string();
        for cause in self.causes() {
            report.push_str("\n  caused by: ");
            report.push_str(&cause.to_string());
        }
        if let Some(advice) = self.settling() {
            report.push_str("\n  to reconcile it: ");
            report.push_str(advice);
        }
        for error in self.also_failed() {
            report.push_str("\n  also failed: ");
            report.push_str(&error.report().replace('\n', "\n  "));
        }
        report
    }

    /// The error, its causes and those that [also failed](Self::also_failed) in one line.
    pub fn report_line(&self) -> String {
        let mut line = self.to_string();
        for cause in self.causes() {
            line.push_str(": ");
            line.push_str(&cause.to_string());
        }
        line.push_str(&Self::others_in_line(self.also_failed()));
        line
    }

    /// How the others that failed are printed behind an error, in one line.
    fn others_in_line(errors: &[Self]) -> String {
        let others = errors.iter().map(Self::report_line);
        others
            .map(|error| format!("; also failed: {error}"))
            .collect()
    }

    /// The causes below the first line; an invalid request and a missing consent are part of that line already, as all are of an
    /// error that was read back.
    fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let in_line = self.invalid_request().is_some()
            || self.missing_consent().is_some()
            || self.0.printed.is_some();
        let first = self.source().filter(|_| !in_line);
        std::iter::successors(first, |&error| error.source())
    }

    /// What is known, in one sentence, and not what is likely.
    fn sentence(&self) -> &'static str {
        let status = self.0.status.unwrap_or_default();
        let caused_by = |kind| {
            self.source_as::<TransportError>()
                .is_some_and(|error| error.kind() == kind)
        };
        match self.0.kind {
            ErrorKind::InvalidRequest => "invalid request",
            ErrorKind::Credentials => "the credentials were refused",
            ErrorKind::Unavailable => "circuit open: recent calls failed, nothing was sent",
            ErrorKind::Connect => "the server could not be reached",
            ErrorKind::Timeout => "no answer in time",
            ErrorKind::Transport if caused_by(TransportErrorKind::TooLarge) => {
                "the reply is longer than the limit"
            }
            ErrorKind::Transport => "the connection broke during the exchange",
            ErrorKind::Verification if caused_by(TransportErrorKind::Certificate) => {
                "the server's certificate was refused, nothing was sent"
            }
            ErrorKind::Verification => "the reply is not authentic",
            ErrorKind::RateLimited => "too many requests",
            // Whatever the body says beside it.
            ErrorKind::Api if status.is_server_error() => "the server failed",
            ErrorKind::Api if self.has_fault_of(FaultClass::Contradictory) => {
                "the reply contradicts itself"
            }
            ErrorKind::Api if status == StatusCode::REQUEST_TIMEOUT => {
                "the server did not receive the request in time"
            }
            ErrorKind::Api => "the provider refused the request",
            ErrorKind::Unrecognized if status.is_redirection() => {
                "the server redirects elsewhere, which is not followed"
            }
            ErrorKind::Unrecognized if status.is_client_error() => {
                "refused, and not in the provider's form"
            }
            ErrorKind::Unrecognized => "the reply is not in the provider's form",
            ErrorKind::Decode
                if self
                    .decode()
                    .is_some_and(|error| error.category() == DecodeErrorCategory::MissingData) =>
            {
                "the reply is a success without what was asked for"
            }
            ErrorKind::Decode => "the reply could not be decoded",
            ErrorKind::NoConsent => "no live consent, so this attempt was not sent",
            ErrorKind::Storage => "the file could not be stored",
        }
    }

    fn source_as<T: StdError + 'static>(&self) -> Option<&T> {
        self.0
            .source
            .as_deref()
            .and_then(|source| source.downcast_ref())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(printed) = &inner.printed {
            return f.write_str(printed);
        }
        if !inner.provider.is_empty() {
            write!(f, "{} {}: ", inner.provider, inner.operation)?;
        }
        f.write_str(self.sentence())?;
        if let Some(status) = inner.status {
            write!(f, " (HTTP {})", status.as_u16())?;
        }
        // The field to correct is part of the line; other causes are in the report.
        if let Some(invalid) = self.invalid_request() {
            write!(f, ": {invalid}")?;
        }
        if let Some(missing) = self.missing_consent() {
            write!(f, ": {missing}")?;
        }
        if let Some(fault) = &inner.fault {
            write!(f, ": {fault}")?;
        }
        match inner.outcome {
            _ if !self.is_unsettled() => Ok(()),
            Outcome::Done => f.write_str("; it was processed"),
            _ => f.write_str("; it may have been processed"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut fields = f.debug_struct("Error");
        fields
            .field("kind", &inner.kind)
            .field("provider", &inner.provider)
            .field("operation", &inner.operation)
            .field("outcome", &inner.outcome)
            .field("status", &inner.status.map(|status| status.as_u16()))
            .field("fault", &inner.fault)
            .field("retry_after", &inner.retry_after)
            .field("request_id", &inner.request_id)
            .field("attempts", &inner.attempts)
            .field("elapsed", &inner.elapsed)
            .field("source", &inner.source);
        if !inner.also_failed.is_empty() {
            fields.field("also_failed", &inner.also_failed);
        }
        if let Some(printed) = &inner.printed {
            fields.field("printed", printed);
        }
        fields.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<InvalidRequest> for Error {
    fn from(error: InvalidRequest) -> Self {
        Self::new(ErrorKind::InvalidRequest, Outcome::NotSent).with_source(error)
    }
}

impl From<MissingConsent> for Error {
    fn from(missing: MissingConsent) -> Self {
        Self::new(ErrorKind::NoConsent, Outcome::NotSent).with_source(missing)
    }
}

impl From<VerificationError> for Error {
    fn from(error: VerificationError) -> Self {
        Self::new(ErrorKind::Verification, Outcome::Unknown).with_source(error)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorKind::Decode, Outcome::Done).with_source(error)
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let error = match error.into_invalid_request() {
            Ok(invalid) => return Self::from(invalid),
            Err(error) => error,
        };
        let (kind, outcome) = match error.kind() {
            TransportErrorKind::InvalidRequest => (ErrorKind::InvalidRequest, Outcome::NotSent),
            TransportErrorKind::Connect => (ErrorKind::Connect, Outcome::NotSent),
            TransportErrorKind::Certificate => (ErrorKind::Verification, Outcome::NotSent),
            TransportErrorKind::Timeout => (ErrorKind::Timeout, Outcome::Unknown),
            TransportErrorKind::Interrupted | TransportErrorKind::TooLarge => {
                (ErrorKind::Transport, Outcome::Unknown)
            }
        };
        Self::new(kind, outcome).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_wide_and_travels() {
        fn travels<T: Clone + Send + Sync + 'static>() {}
        travels::<Error>();
        assert_eq!(size_of::<Error>(), 8);
    }

    #[test]
    fn display_is_one_line_and_report_has_the_chain() {
        let error = Error::from(InvalidRequest::new(
            "aaId[1]",
            "must be 2 to 50 letters and digits",
        ));
        assert_eq!(
            error.to_string(),
            "invalid request: aaId[1]: must be 2 to 50 letters and digits"
        );
        let error = Error::from(
            TransportError::new(TransportErrorKind::Interrupted).with_source("reset by peer"),
        )
        .at("acme", "open");
        assert_eq!(
            error.to_string(),
            "acme open: the connection broke during the exchange; it may have been processed"
        );
        assert_eq!(
            error.report(),
            "acme open: the connection broke during the exchange; it may have been processed\n  \
             caused by: the connection broke before the response was complete\n  \
             caused by: reset by peer"
        );
    }

    #[test]
    fn other_failures_are_reported_and_change_nothing_else() {
        let error = |at| Error::from(InvalidRequest::new("pan", "is wrong")).at(at, "open");
        let broken = Error::new(ErrorKind::Decode, Outcome::Done)
            .at("two", "open")
            .with_source("made up");
        let all = error("one").with_also_failed(vec![broken, error("three")]);
        assert_eq!(all.to_string(), error("one").to_string());
        assert_eq!(all.invalid_request().unwrap().field(), "pan");
        let others: Vec<_> = all.also_failed().iter().map(Error::provider).collect();
        assert_eq!(others, ["two", "three"]);
        assert_eq!(
            all.report(),
            "one open: invalid request: pan: is wrong\n  \
             also failed: two open: the reply could not be decoded; it was processed\n    \
             caused by: made up\n  \
             also failed: three open: invalid request: pan: is wrong"
        );
        let printed = |error: &Error| format!("{error:?}").contains("also_failed");
        assert!(printed(&all) && !printed(&error("one")));
    }

    #[test]
    fn a_long_body_is_cut() {
        let response = RawResponse::new(
            StatusCode::BAD_GATEWAY,
            http::HeaderMap::new(),
            vec![b'x'; Error::BODY_KEPT * 2].into(),
        );
        let error = Error::new(ErrorKind::Api, Outcome::Unknown).with_response(response);
        assert_eq!(error.status(), Some(StatusCode::BAD_GATEWAY));
        assert_eq!(Error::BODY_KEPT, 65_536);
        assert_eq!(error.raw_response().unwrap().body().len(), Error::BODY_KEPT);
    }

    #[test]
    fn only_a_harmless_retry_is_called_retryable() {
        let retryable = |kind, outcome| Error::new(kind, outcome).is_retryable();
        assert!(retryable(ErrorKind::Connect, Outcome::NotSent));
        assert!(retryable(ErrorKind::RateLimited, Outcome::Refused));
        assert!(!retryable(ErrorKind::Timeout, Outcome::Unknown));
        assert!(!retryable(ErrorKind::Api, Outcome::Refused));
        let transient = Fault::new().with_class(FaultClass::Transient);
        let passing =
            |outcome| Error::new(ErrorKind::Api, outcome).with_fault(Some(transient.clone()));
        assert!(passing(Outcome::Refused).is_retryable());
        assert!(!passing(Outcome::Unknown).is_retryable());
        let late = |idempotency| {
            let response = RawResponse::new(
                StatusCode::REQUEST_TIMEOUT,
                http::HeaderMap::new(),
                bytes::Bytes::new(),
            );
            Error::new(ErrorKind::Api, Outcome::Unknown)
                .with_response(response)
                .with_idempotency(idempotency)
        };
        assert!(late(Idempotency::Safe).is_retryable());
        assert!(!late(Idempotency::Unsafe).is_retryable());
        assert!(!retryable(ErrorKind::Verification, Outcome::NotSent));
    }

    #[test]
    fn a_documented_refusal_is_to_be_corrected_whatever_its_status() {
        let refused = |status: u16, fault| {
            let status = StatusCode::from_u16(status).unwrap();
            let response = RawResponse::new(status, http::HeaderMap::new(), bytes::Bytes::new());
            let error = Error::new(ErrorKind::Api, Outcome::Refused).with_fault(Some(fault));
            error.with_response(response).is_to_be_corrected()
        };
        let documented = Fault::new().with_meaning(Some("something is switched off"));
        assert!(refused(500, documented.clone()));
        assert!(!refused(500, Fault::new()));
        assert!(!refused(400, documented.clone()), "it is not retried");
        assert!(!refused(500, documented.with_class(FaultClass::Transient)));
    }

    #[test]
    fn every_kind_and_outcome_has_a_name_and_a_text() {
        for (kind, name, sentence) in [
            (
                ErrorKind::InvalidRequest,
                "invalid_request",
                "invalid request",
            ),
            (
                ErrorKind::Credentials,
                "credentials",
                "the credentials were refused",
            ),
            (
                ErrorKind::Unavailable,
                "unavailable",
                "circuit open: recent calls failed, nothing was sent",
            ),
            (
                ErrorKind::Connect,
                "connect",
                "the server could not be reached",
            ),
            (ErrorKind::Timeout, "timeout", "no answer in time"),
            (
                ErrorKind::Transport,
                "transport",
                "the connection broke during the exchange",
            ),
            (
                ErrorKind::Verification,
                "verification",
                "the reply is not authentic",
            ),
            (ErrorKind::RateLimited, "rate_limited", "too many requests"),
            (ErrorKind::Api, "api", "the provider refused the request"),
            (
                ErrorKind::Unrecognized,
                "unrecognized",
                "the reply is not in the provider's form",
            ),
            (
                ErrorKind::Decode,
                "decode",
                "the reply could not be decoded",
            ),
            (
                ErrorKind::NoConsent,
                "no_consent",
                "no live consent, so this attempt was not sent",
            ),
        ] {
            assert_eq!(kind.as_str(), name);
            assert_eq!(Error::new(kind, Outcome::NotSent).to_string(), sentence);
        }
        for (outcome, name, end) in [
            (Outcome::NotSent, "not_sent", ""),
            (Outcome::Refused, "refused", ""),
            (Outcome::Unknown, "unknown", "; it may have been processed"),
            (Outcome::Done, "done", "; it was processed"),
        ] {
            assert_eq!(outcome.as_str(), name);
            let error = Error::new(ErrorKind::Api, outcome);
            assert_eq!(
                error.to_string(),
                format!("the provider refused the request{end}")
            );
            // A read leaves nothing to reconcile.
            let question = error.with_idempotency(Idempotency::Safe);
            assert_eq!(question.to_string(), "the provider refused the request");
        }
    }

    #[test]
    fn a_message_names_what_is_known() {
        let with = |kind, status| {
            let status = StatusCode::from_u16(status).unwrap();
            let response = RawResponse::new(status, http::HeaderMap::new(), bytes::Bytes::new());
            let error = Error::new(kind, Outcome::Refused).with_response(response);
            error.to_string()
        };
        for (kind, status, expected) in [
            (
                ErrorKind::Unrecognized,
                302,
                "the server redirects elsewhere, which is not followed (HTTP 302)",
            ),
            (
                ErrorKind::Unrecognized,
                403,
                "refused, and not in the provider's form (HTTP 403)",
            ),
            (
                ErrorKind::Unrecognized,
                200,
                "the reply is not in the provider's form (HTTP 200)",
            ),
            (ErrorKind::Api, 503, "the server failed (HTTP 503)"),
            (
                ErrorKind::Api,
                408,
                "the server did not receive the request in time (HTTP 408)",
            ),
            (
                ErrorKind::Api,
                422,
                "the provider refused the request (HTTP 422)",
            ),
        ] {
            assert_eq!(with(kind, status), expected);
        }
        let fault = Fault::new().with_class(FaultClass::Contradictory);
        let said = |status| {
            let response = RawResponse::new(status, http::HeaderMap::new(), bytes::Bytes::new());
            let error = Error::new(ErrorKind::Api, Outcome::Refused).with_response(response);
            error.with_fault(Some(fault.clone())).to_string()
        };
        let broke = said(StatusCode::INTERNAL_SERVER_ERROR);
        assert!(broke.starts_with("the server failed (HTTP 500)"), "{broke}");
        let contradicts = said(StatusCode::OK);
        assert!(contradicts.starts_with("the reply contradicts itself (HTTP 200)"));
        assert_eq!(
            Error::from(TransportError::new(TransportErrorKind::Certificate)).to_string(),
            "the server's certificate was refused, nothing was sent"
        );
        assert_eq!(
            Error::from(DecodeError::missing_data("$.data.url")).to_string(),
            "the reply is a success without what was asked for; it was processed"
        );
    }

    #[test]
    fn details_can_be_read_back_and_are_printed() {
        let error = Error::new(ErrorKind::RateLimited, Outcome::Refused)
            .at("acme", "open")
            .with_request_id(RequestId::parse("order-7").unwrap())
            .with_retry_after(Some(Duration::from_secs(7)))
            .with_elapsed(Duration::from_secs(2))
            .with_attempts(3, Outcome::Refused)
            .with_source("made up");
        assert_eq!((error.provider(), error.operation()), ("acme", "open"));
        assert_eq!(error.request_id().map(RequestId::as_str), Some("order-7"));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(error.elapsed(), Duration::from_secs(2));
        assert_eq!(error.attempts(), 3);
        assert_eq!(
            error.source().map(ToString::to_string),
            Some("made up".to_owned())
        );
        let printed = format!("{error:?}");
        for part in [
            "RateLimited",
            "acme",
            "open",
            "Refused",
            "order-7",
            "7s",
            "2s",
            "attempts: 3",
        ] {
            assert!(printed.contains(part), "{part}: {printed}");
        }
    }

    #[test]
    fn each_transport_failure_has_a_kind_and_an_outcome() {
        use TransportErrorKind::{
            Certificate, Connect, Interrupted, InvalidRequest, Timeout, TooLarge,
        };

        for (failure, kind, outcome) in [
            (InvalidRequest, ErrorKind::InvalidRequest, Outcome::NotSent),
            (Connect, ErrorKind::Connect, Outcome::NotSent),
            (Certificate, ErrorKind::Verification, Outcome::NotSent),
            (Timeout, ErrorKind::Timeout, Outcome::Unknown),
            (Interrupted, ErrorKind::Transport, Outcome::Unknown),
            (TooLarge, ErrorKind::Transport, Outcome::Unknown),
        ] {
            let error = Error::from(TransportError::new(failure));
            assert_eq!(
                (error.kind(), error.outcome()),
                (kind, outcome),
                "{failure:?}"
            );
            let untrusted = (failure == Certificate).then_some(&VerificationError::Certificate);
            assert_eq!(error.verification(), untrusted, "{failure:?}");
        }
    }
}
