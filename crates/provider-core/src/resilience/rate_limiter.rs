//! The rate limiter: stays below a provider's rate limit instead of running into it.

use std::fmt;
use std::time::Duration;

use crate::wire::{Allowance, BoxFuture};

/// Decides whether an attempt may be sent now. Shared by all clones of a client, and by every client that it is passed to.
///
/// `RateLimits` (feature `rate-limits`) enforces the windows that a provider publishes, within one process. Where several
/// processes share one key, ask a store that they share, for each attempt ([`acquire_async`](Self::acquire_async)) or for a lease
/// of several: the crate's front page shows how.
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
    /// The time until permission may be acquired. Nothing was acquired.
    fn acquire(&self) -> Result<(), Duration>;

    /// Acquires permission for one attempt from somebody else, such as a store that several processes share. `None`, the
    /// default: [`acquire`](Self::acquire) answers from memory.
    ///
    /// Awaited within the call's deadline, and dropped with the call or at the deadline; then nothing is sent. Where it is
    /// never `None`, `acquire` is not called.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire). Where the store does not answer, return the time after which it is asked again.
    fn acquire_async(&self) -> Option<BoxFuture<'_, Result<(), Duration>>> {
        None
    }

    /// Learns from one of the provider's answers how many requests are left.
    fn learn(&self, allowance: Allowance);

    /// Learns that an attempt that had acquired permission has ended: called once for each, after [`learn`](Self::learn) if its
    /// answer had figures, and also if its call was dropped. `may_count` is true if the provider may have counted it and no
    /// figure of its answer says so.
    ///
    /// A limiter that shares what is left among the attempts under way needs it; the default implementation does nothing.
    fn ended(&self, may_count: bool) {
        let _ = may_count;
    }
}

/// An attempt that has acquired permission. Its limiter learns when it ends, be it dropped.
#[derive(Debug)]
pub(crate) struct UnderWay<'l> {
    limiter: Option<&'l dyn RateLimiter>,
    may_count: bool,
}

impl<'l> UnderWay<'l> {
    pub(crate) fn new(limiter: Option<&'l dyn RateLimiter>) -> Self {
        Self {
            limiter,
            may_count: false,
        }
    }

    /// Records whether the provider may have counted it without a figure that says so.
    pub(crate) fn may_count(&mut self, may_count: bool) {
        self.may_count = may_count;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(limiter) = self.limiter {
            limiter.ended(self.may_count);
        }
    }
}

/// One window of a published rate limit: a number of requests in a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The number of requests in any window.
    pub requests: u32,
    /// The length of the window.
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

/// What a call does when its client's rate limiter refuses permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenLimited {
    /// Waits within its deadline.
    #[default]
    Wait,
    /// Fails at once: [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited), not sent, with the wait as
    /// [`Error::retry_after`](crate::Error::retry_after).
    Refuse,
}
