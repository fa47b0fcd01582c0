//! The rate limiter for one process: several windows at once, and the provider's own figures.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::rate_limiter::{RateLimiter, Window};
use crate::values::InvalidRequest;
use crate::wire::Allowance;

/// Keeps a client below every window of a published rate limit, and waits for the next window when the provider reports
/// that nothing is left.
///
/// A sliding log: no interval as long as a window ever has more attempts than the window allows, wherever the provider
/// starts to count, and an attempt is admitted as soon as that permits. So a whole window may be used at once, and the next
/// attempt then waits until the first of them is as old as the window. Combine a long window with a shorter one to spread
/// its requests, as most plans do: 2 a second, 100 a minute.
///
/// It counts attempts when they are sent. They may arrive closer together than they were sent; a 429 that results from it
/// is waited out.
///
/// Memory is bounded: a window of up to 4,096 requests stores each attempt's time; a larger one counts attempts in 4,096
/// parts of its length, and all attempts of a part expire with its last one.
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
    windows: usize,
    longest: Duration,
    state: Mutex<State>,
}

struct State {
    logs: Vec<Log>,
    closed_until: Option<Instant>,
}

impl RateLimits {
    /// The longest time for which a provider's report that nothing is left is trusted, where no window is longer.
    const LONGEST_TRUSTED: Duration = Duration::from_secs(60);

    /// Limits with these windows. Without any window the limiter only follows the provider's own figures.
    ///
    /// # Errors
    ///
    /// A window without requests or without length.
    pub fn new(windows: impl IntoIterator<Item = Window>) -> Result<Self, InvalidRequest> {
        let logs = windows
            .into_iter()
            .map(Log::new)
            .collect::<Result<Vec<_>, _>>()?;
        let longest = logs.iter().map(|log| log.window.per).max();
        Ok(Self {
            windows: logs.len(),
            longest: longest.unwrap_or_default().max(Self::LONGEST_TRUSTED),
            state: Mutex::new(State {
                logs,
                closed_until: None,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimiter for RateLimits {
    fn acquire(&self) -> Result<(), Duration> {
        let State { logs, closed_until } = &mut *self.state();
        let now = Instant::now();
        let closed =
            closed_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        // The longest of all waits, so that the next try succeeds.
        let wait = logs
            .iter_mut()
            .map(|log| log.wait(now))
            .fold(closed, Duration::max);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        *closed_until = None;
        logs.iter_mut().for_each(|log| log.record(now));
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
        // A wrong or hostile moment must not stop a client for good, nor end a wait that another reply asked for.
        let until = Instant::now().checked_add(resets_in.min(self.longest));
        let state = &mut *self.state();
        state.closed_until = state.closed_until.max(until);
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits")
            .field("windows", &self.windows)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

/// The attempts of one window that still count.
struct Log {
    window: Window,
    /// Attempts within this time of an entry's first attempt share the entry.
    grain: Duration,
    /// The oldest first.
    entries: VecDeque<Entry>,
    counted: u32,
}

struct Entry {
    first: Instant,
    last: Instant,
    attempts: u32,
}

impl Log {
    const MOST_ENTRIES: u32 = 4_096;

    fn new(window: Window) -> Result<Self, InvalidRequest> {
        if window.requests == 0 || window.per.is_zero() {
            let rule = "needs at least one request and a length";
            return Err(InvalidRequest::new("window", rule));
        }
        let grain = match window.requests <= Self::MOST_ENTRIES {
            true => Duration::ZERO,
            false => window
                .per
                .checked_div(Self::MOST_ENTRIES)
                .unwrap_or_default(),
        };
        Ok(Self {
            window,
            grain,
            entries: VecDeque::new(),
            counted: 0,
        })
    }

    /// The time until another attempt fits into the window.
    fn wait(&mut self, now: Instant) -> Duration {
        let age = |entry: &Entry| now.saturating_duration_since(entry.last);
        while let Some(entry) = self.entries.front()
            && age(entry) >= self.window.per
        {
            self.counted = self.counted.saturating_sub(entry.attempts);
            self.entries.pop_front();
        }
        match self.entries.front() {
            Some(oldest) if self.counted >= self.window.requests => {
                self.window.per.saturating_sub(age(oldest))
            }
            _ => Duration::ZERO,
        }
    }

    fn record(&mut self, now: Instant) {
        self.counted = self.counted.saturating_add(1);
        match self.entries.back_mut() {
            Some(entry) if now.saturating_duration_since(entry.first) <= self.grain => {
                entry.last = now;
                entry.attempts = entry.attempts.saturating_add(1);
            }
            _ => self.entries.push_back(Entry {
                first: now,
                last: now,
                attempts: 1,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn debug_prints_the_number_of_windows() {
        let limits = RateLimits::new([Window::per_second(5), Window::per_day(9)]).unwrap();
        assert!(format!("{limits:?}").starts_with("RateLimits { windows: 2, longest: 86400s"));
    }

    /// The times at which attempts are admitted when they are requested without a break.
    async fn admitted(limits: &RateLimits, length: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let mut moments = Vec::new();
        while start.elapsed() < length {
            match limits.acquire() {
                Ok(()) => moments.push(start.elapsed()),
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
        moments
    }

    /// The largest number of them in any interval of this length.
    fn most_in(moments: &[Duration], stretch: Duration) -> usize {
        let within = |(at, from): (usize, &Duration)| {
            let end = from.saturating_add(stretch);
            moments[at..].partition_point(|moment| *moment < end)
        };
        moments.iter().enumerate().map(within).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_is_used_fully_and_never_exceeded() {
        for requests in [1, 2, 3, 10, 17, 100] {
            let limits = RateLimits::new([Window::per_second(requests)]).unwrap();
            let moments = admitted(&limits, 5 * SECOND).await;
            assert_eq!(most_in(&moments, SECOND), requests as usize);
            assert_eq!(moments.len(), 5 * requests as usize);
        }
    }

    /// Deepvue Business.
    #[tokio::test(start_paused = true)]
    async fn the_first_minute_admits_as_many_as_the_minute_allows() {
        let windows = [
            Window::per_second(2),
            Window::per_minute(100),
            Window::per_day(10_000),
        ];
        let limits = RateLimits::new(windows).unwrap();
        let moments = admitted(&limits, 10 * MINUTE).await;
        let first = moments.iter().filter(|moment| **moment < MINUTE).count();
        assert_eq!(first, 100);
        assert_eq!(moments.len(), 1_000);
        assert_eq!(most_in(&moments, SECOND), 2);
        assert_eq!(most_in(&moments, MINUTE), 100);
    }

    /// Requests at irregular times are never admitted too early, and use what has become free.
    #[tokio::test(start_paused = true)]
    async fn all_windows_hold_at_once_at_irregular_times() {
        let windows = [
            Window::per_day(1_000),
            Window::per_second(1),
            Window::per_minute(30),
        ];
        let limits = RateLimits::new(windows).unwrap();
        let (start, mut moments) = (Instant::now(), Vec::new());
        let mut step = 1;
        while start.elapsed() < 60 * MINUTE {
            let before = start.elapsed();
            match limits.acquire() {
                Ok(()) => moments.push(before),
                Err(wait) => assert!(wait > Duration::ZERO && wait <= 86_400 * SECOND),
            }
            step = step * 31 % 1_009;
            tokio::time::advance(Duration::from_millis(step)).await;
        }
        assert_eq!(most_in(&moments, SECOND), 1);
        assert_eq!(most_in(&moments, MINUTE), 30);
        assert_eq!(moments.len(), 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_uses_up_nothing_of_any_window() {
        let windows = [Window::per_second(5), Window::per_minute(6)];
        let limits = RateLimits::new(windows).unwrap();
        assert_eq!(admitted(&limits, SECOND).await.len(), 5);
        for _ in 0..100 {
            let _ = limits.acquire();
        }
        assert_eq!(limits.acquire(), Err(59 * SECOND), "the sixth was taken");
        tokio::time::advance(59 * SECOND).await;
        assert_eq!(admitted(&limits, SECOND).await.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_window_takes_little_memory_and_is_used_almost_whole() {
        let requests = 100_000;
        let limits = RateLimits::new([Window::per_minute(requests)]).unwrap();
        let (start, mut moments) = (Instant::now(), Vec::new());
        while start.elapsed() < 3 * MINUTE {
            // First at a steady rate, then as many as there is room for.
            let most = if start.elapsed() < MINUTE { 3 } else { 1_000 };
            for _ in 0..most {
                if limits.acquire().is_err() {
                    break;
                }
                moments.push(start.elapsed());
            }
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(most_in(&moments, MINUTE), requests as usize);
        assert!(moments.len() > 299_000, "{}", moments.len());
        let entries = limits.state().logs[0].entries.len();
        assert!(entries <= 4_097, "{entries}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_limiter_waits_for_the_window_when_the_provider_reports_that_nothing_is_left() {
        let limits = RateLimits::new([]).unwrap();
        let allowance = |remaining, seconds| Allowance {
            remaining,
            resets_in: Some(Duration::from_secs(seconds)),
        };
        limits.learn(allowance(1, 30));
        limits.learn(Allowance::new(0));
        assert_eq!(limits.acquire(), Ok(()));
        limits.learn(allowance(0, 30));
        assert_eq!(limits.acquire(), Err(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(limits.acquire(), Ok(()));
        // Nobody is stopped for years, and a shorter wait does not end a longer one.
        limits.learn(allowance(0, u64::MAX));
        limits.learn(allowance(0, 0));
        assert_eq!(limits.acquire(), Err(Duration::from_secs(60)));
    }

    #[test]
    fn an_empty_window_is_refused() {
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
