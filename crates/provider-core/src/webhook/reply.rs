//! What the sender is answered.

use std::fmt;

use http::header::ALLOW;
use http::{HeaderValue, Response, StatusCode};

use super::refusal::Refusal;
use super::seen::BoxError;

/// What became of a webhook, and so the answer. Its body is empty: the sender is told no reason.
///
/// | case | status | the sender |
/// |---|---|---|
/// | handled, also as an unknown kind or as one that cannot be read | 200 | is done |
/// | handled before | 200 | is done |
/// | being handled at this moment, from another delivery | 503 | tries again |
/// | the handler failed or panicked, took too long, or the store is down | 503 | tries again |
/// | refused: no secret on this side; the body was read before | 503 | tries again |
/// | refused: missing, malformed, repeated, other, expired, late | 401 | |
/// | refused: over the cap; too slow; incomplete | 413, 408, 400 | |
/// | not a POST | 405 | |
///
/// A handler that takes too long runs to its end; if it succeeds, the repeat is answered with 200.
#[non_exhaustive]
pub enum Reply {
    /// It was handled.
    Handled,
    /// It was handled before; nothing was done.
    Repeated,
    /// Another delivery of it is being handled.
    InFlight,
    /// It was refused; nothing was done.
    Refused(Refusal),
    /// The handler failed. It is tried again when the sender does.
    HandlerFailed(BoxError),
    /// The handler panicked. It is tried again when the sender does.
    HandlerPanicked,
    /// The handler has not come to its end in time, and goes on.
    HandlerSlow,
    /// The store of seen events is down; the handler did not run.
    StoreDown(BoxError),
}

impl Reply {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Handled | Self::Repeated => StatusCode::OK,
            Self::Refused(refusal) => refusal.status(),
            Self::InFlight
            | Self::HandlerFailed(_)
            | Self::HandlerPanicked
            | Self::HandlerSlow
            | Self::StoreDown(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer, with an empty body of any type.
    pub fn to_response<B: Default>(&self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status();
        if matches!(self, Self::Refused(Refusal::Method)) {
            let post = HeaderValue::from_static("POST");
            response.headers_mut().insert(ALLOW, post);
        }
        response
    }

    /// The error of the handler or of the store.
    pub fn error(&self) -> Option<&BoxError> {
        match self {
            Self::HandlerFailed(error) | Self::StoreDown(error) => Some(error),
            _ => None,
        }
    }
}

/// One line, without the errors of handler and store, which are not ours and may hold anything.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handled => "handled",
            Self::Repeated => "handled before",
            Self::InFlight => "another delivery of it is being handled",
            Self::Refused(refusal) => return write!(f, "refused: {refusal}"),
            Self::HandlerFailed(_) => "the handler failed",
            Self::HandlerPanicked => "the handler panicked",
            Self::HandlerSlow => "the handler has not come to its end in time",
            Self::StoreDown(_) => "the store of seen events is down",
        })
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({self})")
    }
}

impl Reply {
    /// Logs what somebody has to look at: not what a stranger can cause at will, but for signatures that do not match.
    pub(super) fn log(&self, provider: &'static str) {
        let outcome = tracing::field::display(self);
        match self {
            Self::Handled
            | Self::Repeated
            | Self::InFlight
            | Self::Refused(
                Refusal::Method
                | Refusal::TooLarge
                | Refusal::TooSlow
                | Refusal::Incomplete
                | Refusal::SelfTest,
            ) => tracing::debug!(provider, outcome, "a webhook was answered"),
            _ => tracing::warn!(provider, outcome, "a webhook was answered"),
        }
    }
}
