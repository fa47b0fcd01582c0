//! What a caller may say about one call.

use std::time::Duration;

use crate::resilience::{RetryPolicy, WhenLimited};
use crate::wire::RequestId;

/// What a caller may say about one call. Capabilities take it too, so that a deadline and a request id reach the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// The call's deadline, attempts and pauses together; the client's or the operation's own if absent.
    pub timeout: Option<Duration>,
    /// What is left of a deadline from outside, such as a flow's: whatever deadline the call has is cut to it.
    pub time_limit: Option<Duration>,
    /// The policy by which it is repeated; the client's if absent.
    pub retry: Option<RetryPolicy>,
    /// What it does when the client's rate limiter lets nothing through; as the client says if absent.
    pub when_limited: Option<WhenLimited>,
    /// The id it is sent with; a random one if absent.
    pub request_id: Option<RequestId>,
}

impl CallOptions {
    /// Nothing said.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the call its own deadline, attempts and pauses together.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Cuts the call's deadline, whoever set it, to what is left of one from outside.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Repeats the call by another policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Waits, or refuses at once, when the client's rate limiter lets nothing through.
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
}
