//! Options of a single call.

use std::time::Duration;

use super::consent::ConsentEvidence;
use crate::resilience::{RetryPolicy, WhenLimited};
use crate::wire::RequestId;

/// Options of a single call. Capabilities take them too, so that a deadline and a request id reach the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// The call's deadline, attempts and back-off included; the client's or the operation's own if absent.
    pub timeout: Option<Duration>,
    /// The time left of an outer deadline, such as a flow's: the call's own deadline is shortened to it.
    pub time_limit: Option<Duration>,
    /// The retry policy; the client's if absent.
    pub retry: Option<RetryPolicy>,
    /// What the call does when the client's rate limiter refuses permission; the client's setting if absent.
    pub when_limited: Option<WhenLimited>,
    /// The id that the call is sent with; a random one if absent.
    pub request_id: Option<RequestId>,
    /// What the call shows to the client's consent gate, if it has one.
    pub consent: Option<ConsentEvidence>,
}

impl CallOptions {
    /// No option set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the call's own deadline, attempts and back-off included.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Shortens the call's deadline, wherever it was set, to the time left of an outer deadline.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Retries the call according to another policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Sets whether the call waits or fails at once when the client's rate limiter refuses permission.
    #[must_use]
    pub fn with_when_limited(mut self, when_limited: WhenLimited) -> Self {
        self.when_limited = Some(when_limited);
        self
    }

    /// Sends this id instead of a random one.
    #[must_use]
    pub fn with_request_id(mut self, request_id: RequestId) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// Shows a consent to the client's [`ConsentGate`](crate::ConsentGate), before each attempt.
    #[must_use]
    pub fn with_consent(mut self, consent: impl Into<ConsentEvidence>) -> Self {
        self.consent = Some(consent.into());
        self
    }
}
