//! Staying below a provider's rate limit instead of running into it.

use std::fmt;
use std::time::Duration;

use crate::wire::Allowance;

/// Decides whether an attempt may be sent now. Shared by all clones of a client, and by as many clients as it is handed to.
///
/// `RateLimits` (feature `rate-limits`) keeps the windows that a provider publishes, within one process. Where several
/// processes share one key, implement this over what they share.
///
/// ```
/// use std::time::Duration;
/// use provider_core::{Allowance, RateLimiter};
///
/// /// Sends nothing while an operator has switched the provider off.
/// #[derive(Debug)]
/// struct Switch(std::sync::atomic::AtomicBool);
///
/// impl RateLimiter for Switch {
///     fn acquire(&self) -> Result<(), Duration> {
///         let on = self.0.load(std::sync::atomic::Ordering::Relaxed);
///         if on { Ok(()) } else { Err(Duration::from_secs(1)) }
///     }
///     fn learn(&self, _: Allowance) {}
/// }
/// ```
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Acquires permission for one attempt.
    ///
    /// # Errors
    ///
    /// How long until permission may be acquired. Nothing was taken.
    fn acquire(&self) -> Result<(), Duration>;

    /// Learns what the provider says is left, from one of its answers.
    fn learn(&self, allowance: Allowance);
}

/// One window of a published rate limit: so many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Requests in any such stretch of time.
    pub requests: u32,
    /// The stretch of time.
    pub per: Duration,
}

impl Window {
    /// This many requests a second.
    pub const fn per_second(requests: u32) -> Self {
        Self {
            requests,
            per: Duration::from_secs(1),
        }
    }

    /// This many requests a minute.
    pub const fn per_minute(requests: u32) -> Self {
        Self {
            requests,
            per: Duration::from_secs(60),
        }
    }

    /// This many requests in 24 hours.
    pub const fn per_day(requests: u32) -> Self {
        Self {
            requests,
            per: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What a call does when its client's rate limiter lets nothing through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenLimited {
    /// Waits within its deadline.
    #[default]
    Wait,
    /// Ends at once: [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited), not sent, with the wait as
    /// [`Error::retry_after`](crate::Error::retry_after).
    Refuse,
}
