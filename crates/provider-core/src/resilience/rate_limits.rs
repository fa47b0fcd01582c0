//! The rate limiter for one process: several windows at once, and what the provider says is left.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter as Governor};
use tokio::time::Instant;

use super::rate_limiter::{RateLimiter, Window};
use crate::values::InvalidRequest;
use crate::wire::Allowance;

/// Keeps a client below every window of a published rate limit, and waits for the next one when the provider says that
/// nothing is left.
///
/// No stretch of time as long as a window ever has more attempts than the window has requests, wherever the provider
/// begins to count: a tenth of them may come at once, the others are spread over the window.
///
/// ```
/// use provider_core::{RateLimiter, RateLimits, Window};
///
/// let limits = RateLimits::new([Window::per_second(1), Window::per_minute(30), Window::per_day(1_000)])?;
/// assert!(limits.acquire().is_ok());
/// assert!(limits.acquire().is_err(), "one a second");
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
pub struct RateLimits {
    /// The shortest first: what is taken from a short window in vain comes back soon.
    windows: Vec<Governor<NotKeyed, InMemoryState, SinceStart, NoOpMiddleware<Duration>>>,
    longest: Duration,
    closed_until: Mutex<Option<Instant>>,
}

impl RateLimits {
    /// Longest time that a provider's word that nothing is left is believed where no window is longer.
    const LONGEST_BELIEVED: Duration = Duration::from_secs(60);

    /// Limits with these windows. None at all is a limiter that only listens to the provider.
    ///
    /// # Errors
    ///
    /// A window without requests or without length.
    pub fn new(windows: impl IntoIterator<Item = Window>) -> Result<Self, InvalidRequest> {
        let clock = SinceStart(Instant::now());
        let mut windows: Vec<Window> = windows.into_iter().collect();
        windows.sort_by_key(|window| window.per);
        let longest = windows.last().map_or(Duration::ZERO, |window| window.per);
        let windows = windows
            .into_iter()
            .map(|window| Ok(Governor::direct_with_clock(quota(window)?, clock)))
            .collect::<Result<_, InvalidRequest>>()?;
        Ok(Self {
            windows,
            longest: longest.max(Self::LONGEST_BELIEVED),
            closed_until: Mutex::new(None),
        })
    }

    fn closed_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.closed_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimiter for RateLimits {
    fn acquire(&self) -> Result<(), Duration> {
        let mut closed = self.closed_until();
        if let Some(until) = *closed {
            let left = until.saturating_duration_since(Instant::now());
            if left > Duration::ZERO {
                return Err(left);
            }
            *closed = None;
        }
        drop(closed);
        for window in &self.windows {
            window
                .check()
                .map_err(|until| until.wait_time_from(window.clock().now()))?;
        }
        Ok(())
    }

    fn learn(&self, allowance: Allowance) {
        let Allowance {
            remaining: 0,
            resets_in: Some(resets_in),
        } = allowance
        else {
            return;
        };
        // A wrong or hostile moment must not stop a client for good.
        *self.closed_until() = Instant::now().checked_add(resets_in.min(self.longest));
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits")
            .field("windows", &self.windows.len())
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

/// A burst and a pace that together stay within the window wherever it begins: at most `burst` at once, and in the
/// window's length `requests - burst` more.
fn quota(window: Window) -> Result<Quota, InvalidRequest> {
    let invalid = || InvalidRequest::new("window", "needs at least one request and a length");
    let burst = NonZeroU32::new(window.requests.div_ceil(10)).ok_or_else(invalid)?;
    let spread = window.requests.saturating_sub(burst.get()).max(1);
    let pace = window.per.checked_div(spread).ok_or_else(invalid)?;
    Quota::with_period(pace)
        .map(|quota| quota.allow_burst(burst))
        .ok_or_else(invalid)
}

/// Tokio's clock, which tests can pause.
#[derive(Debug, Clone, Copy)]
struct SinceStart(Instant);

impl Clock for SinceStart {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_print_how_many_they_are() {
        let limits = RateLimits::new([Window::per_second(5), Window::per_day(9)]).unwrap();
        assert!(format!("{limits:?}").starts_with("RateLimits { windows: 2, longest: 86400s"));
    }

    /// When attempts come through, asked for without a break.
    async fn admitted(limits: &RateLimits, length: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let mut moments = Vec::new();
        while start.elapsed() < length {
            match limits.acquire() {
                Ok(()) => moments.push(start.elapsed()),
                Err(wait) => tokio::time::sleep(wait.max(Duration::from_millis(1))).await,
            }
        }
        moments
    }

    /// The most of them in any stretch of this length.
    fn most_in(moments: &[Duration], stretch: Duration) -> usize {
        let within = |from: &Duration| {
            let end = from.saturating_add(stretch);
            moments
                .iter()
                .filter(|moment| (*from..end).contains(*moment))
                .count()
        };
        moments.iter().map(within).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn no_stretch_as_long_as_a_window_has_more_than_the_window() {
        for requests in [1, 2, 3, 10, 17, 100] {
            let limits = RateLimits::new([Window::per_second(requests)]).unwrap();
            let moments = admitted(&limits, Duration::from_secs(5)).await;
            let most = most_in(&moments, Duration::from_secs(1));
            assert!(most <= requests as usize, "{requests} a second: {most}");
            let spread = (requests - requests.div_ceil(10)).max(1) as usize;
            assert!(moments.len() >= 5 * spread * 9 / 10, "{}", moments.len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_windows_hold_at_once() {
        let windows = [
            Window::per_day(1_000),
            Window::per_second(1),
            Window::per_minute(30),
        ];
        let limits = RateLimits::new(windows).unwrap();
        let moments = admitted(&limits, Duration::from_secs(3_600)).await;
        assert_eq!(most_in(&moments, Duration::from_secs(1)), 1);
        let minute = most_in(&moments, Duration::from_secs(60));
        assert!((27..=30).contains(&minute), "{minute}");
        // A day's tenth, and in this hour a twenty-fourth of the rest.
        assert!((130..=140).contains(&moments.len()), "{}", moments.len());
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_provider_says_that_nothing_is_left_the_window_is_waited_for() {
        let limits = RateLimits::new([]).unwrap();
        let told = |remaining, seconds| Allowance {
            remaining,
            resets_in: Some(Duration::from_secs(seconds)),
        };
        limits.learn(told(1, 30));
        limits.learn(Allowance::new(0));
        assert_eq!(limits.acquire(), Ok(()));
        limits.learn(told(0, 30));
        assert_eq!(limits.acquire(), Err(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(limits.acquire(), Ok(()));
        // Nobody is stopped for years.
        limits.learn(told(0, u64::MAX));
        assert_eq!(limits.acquire(), Err(Duration::from_secs(60)));
    }

    #[test]
    fn a_window_of_nothing_is_refused() {
        let nothing = [
            Window::per_second(0),
            Window {
                requests: 1,
                per: Duration::ZERO,
            },
        ];
        for window in nothing {
            assert!(RateLimits::new([window]).is_err(), "{window:?}");
        }
    }
}
