//! What FinPro says about its rate limit.

use provider_core::http::HeaderMap;

/// What is left of the current window: 1000 requests for Check Profile; the window's length is not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RateLimit {
    /// Requests left, `X-RateLimit-Remaining` (`[seed]`).
    pub remaining: Option<u64>,
    /// When the window ends, `X-RateLimit-Reset` (`[seed]`): a Unix timestamp on a sibling page (`[docs]`), in seconds
    /// or milliseconds (`[unknown]`).
    pub reset: Option<u64>,
}

impl RateLimit {
    /// Reads the headers of a response, or of the refusal that an error carries. What is absent or not a number is `None`.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        Self {
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset"),
        }
    }
}
