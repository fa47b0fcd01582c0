//! When an attempt is sent, retried, or refused: circuit breaker, rate limits, retries.

mod circuit_breaker;
mod clock;
mod rate_limiter;
#[cfg(feature = "rate-limits")]
mod rate_limits;
mod retry;
mod retry_after;
mod retry_budget;

pub use circuit_breaker::CircuitBreaker;
pub(crate) use circuit_breaker::{Circuit, Circuits};
pub use clock::{Clock, SystemClock};
pub(crate) use rate_limiter::UnderWay;
pub use rate_limiter::{RateLimiter, WhenLimited, Window};
#[cfg(feature = "rate-limits")]
pub use rate_limits::RateLimits;
pub use retry::{Failure, RetryDecision, RetryPolicy};
pub(crate) use retry_after::{retry_after, sent_at};
pub(crate) use retry_budget::RetryBudget;
