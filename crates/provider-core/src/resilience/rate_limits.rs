//! The rate limiter for one process: several windows at once, and the provider's own figures.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::rate_limiter::{RateLimiter, Window};
use crate::values::InvalidRequest;
use crate::wire::Allowance;

/// Keeps a client below every window of a published rate limit, and below what the provider reports as left.
///
/// What is left is shared among the attempts under way: while as many are under way, the next one waits for an answer, and for
/// the next window once nothing is left. A new window admits at once no more than was ever reported, until an answer tells
/// what is left of it. A figure without the end of its window is ignored.
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
    /// What the provider reported, or what its next window is assumed to admit.
    left: Option<Left>,
    /// The most requests that a window was reported to have.
    most: u64,
    under_way: u64,
}

/// How many requests are left, those under way included.
#[derive(Clone, Copy)]
struct Left {
    requests: u64,
    until: Instant,
    reported: bool,
}

impl RateLimits {
    /// The longest time for which a provider's report that nothing is left is trusted, where no window is longer.
    const LONGEST_TRUSTED: Duration = Duration::from_secs(60);
    /// How long an attempt waits for the answers of those under way before it asks for permission again.
    const NEXT_ANSWER: Duration = Duration::from_millis(20);

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
                left: None,
                most: 0,
                under_way: 0,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimiter for RateLimits {
    fn acquire(&self) -> Result<(), Duration> {
        let state = &mut *self.state();
        let now = Instant::now();
        let shared = state.wait(now);
        // The longest of all waits, so that the next try succeeds.
        let logs = state.logs.iter_mut();
        let wait = logs.map(|log| log.wait(now)).fold(shared, Duration::max);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        state.logs.iter_mut().for_each(|log| log.record(now));
        state.under_way = state.under_way.saturating_add(1);
        Ok(())
    }

    fn learn(&self, allowance: Allowance) {
        let (requests, Some(resets_in)) = (allowance.remaining, allowance.resets_in) else {
            return;
        };
        let now = Instant::now();
        // A wrong or hostile moment must not stop a client for good.
        let Some(until) = now.checked_add(resets_in.min(self.longest)) else {
            return;
        };
        let state = &mut *self.state();
        if requests > 0 {
            // The attempt that was answered is no longer among them.
            state.most = state.most.max(requests.saturating_add(1));
        }
        let known = state.left.filter(|left| left.reported && left.until > now);
        // Answers overtake each other: the smaller figure is the later one, and no answer ends a wait that another one asked for.
        state.left = match known {
            Some(known) if known.requests < requests => Some(known),
            known => Some(Left {
                requests,
                until: known.map_or(until, |known| known.until.max(until)),
                reported: true,
            }),
        };
    }

    fn ended(&self, may_count: bool) {
        let state = &mut *self.state();
        state.under_way = state.under_way.saturating_sub(1);
        if may_count && let Some(left) = &mut state.left {
            left.requests = left.requests.saturating_sub(left.reported.into());
        }
    }
}

impl State {
    /// The time until what is left has room for another attempt.
    fn wait(&mut self, now: Instant) -> Duration {
        let Some(mut left) = self.left else {
            return Duration::ZERO;
        };
        if left.until <= now {
            let next = now.checked_add(RateLimits::LONGEST_TRUSTED);
            self.left = next
                .filter(|_| left.reported && self.most > 0)
                .map(|until| Left {
                    requests: self.most,
                    until,
                    reported: false,
                });
            match self.left {
                Some(next) => left = next,
                None => return Duration::ZERO,
            }
        }
        let end = left.until.saturating_duration_since(now);
        match left.requests {
            0 => end,
            requests if requests <= self.under_way => end.min(RateLimits::NEXT_ANSWER),
            _ => Duration::ZERO,
        }
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
    use std::cell::{Cell, RefCell};

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

    fn left(remaining: u64, seconds: u64) -> Allowance {
        Allowance::new(remaining).resetting_in(Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn the_limiter_waits_for_the_window_when_the_provider_reports_that_nothing_is_left() {
        let limits = RateLimits::new([]).unwrap();
        limits.learn(left(1, 30));
        limits.learn(Allowance::new(0));
        assert_eq!(limits.acquire(), Ok(()));
        limits.learn(left(0, 30));
        limits.ended(false);
        assert_eq!(limits.acquire(), Err(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(limits.acquire(), Ok(()));
        // Nobody is stopped for years, and a late answer ends no wait, whatever it says.
        limits.learn(left(0, u64::MAX));
        for late in [left(0, 0), left(0, 1), left(9, 1), left(9, u64::MAX)] {
            limits.learn(late);
            assert_eq!(limits.acquire(), Err(Duration::from_secs(60)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_shared_among_the_attempts_under_way() {
        let limits = RateLimits::new([]).unwrap();
        for _ in 0..4 {
            limits.acquire().unwrap();
        }
        // The answer to one of four: two more may be under way, and it tells so before the next one is admitted.
        limits.learn(left(5, 30));
        limits.ended(false);
        assert_eq!(limits.acquire(), Ok(()));
        assert_eq!(limits.acquire(), Ok(()));
        assert_eq!(limits.acquire(), Err(RateLimits::NEXT_ANSWER));
        // One was never sent, and one may have been counted, although no answer says so.
        limits.ended(false);
        assert_eq!(limits.acquire(), Ok(()));
        limits.ended(true);
        assert_eq!(limits.acquire(), Err(RateLimits::NEXT_ANSWER));
        // Answers that overtook each other.
        limits.learn(left(2, 29));
        limits.ended(false);
        limits.learn(left(3, 29));
        limits.ended(false);
        assert_eq!(limits.acquire(), Err(RateLimits::NEXT_ANSWER));
    }

    /// A provider with windows of ten requests a minute, and forty callers, whose answers overtake each other.
    #[tokio::test(start_paused = true)]
    async fn many_callers_stay_within_what_the_provider_reports() {
        const LIMIT: u64 = 10;
        let limits = RateLimits::new([]).unwrap();
        let (start, served, refused) = (Instant::now(), RefCell::new([0; 5]), Cell::new(0));
        let call = async |caller: u64| {
            while start.elapsed() < 5 * MINUTE {
                if let Err(wait) = limits.acquire() {
                    tokio::time::sleep(wait).await;
                    continue;
                }
                tokio::time::sleep(Duration::from_millis(caller * 37 % 101)).await;
                let minute = start.elapsed().as_secs() / 60;
                let Some(counted) = served.borrow_mut().get_mut(minute as usize).map(|counted| {
                    *counted += 1;
                    *counted
                }) else {
                    return;
                };
                refused.set(refused.get() + u64::from(counted > LIMIT));
                let end =
                    MINUTE - Duration::from_millis(start.elapsed().as_millis() as u64 % 60_000);
                tokio::time::sleep(Duration::from_millis(caller * 53 % 89)).await;
                limits.learn(Allowance::new(LIMIT.saturating_sub(counted)).resetting_in(end));
                limits.ended(false);
            }
        };
        // The first minute is warmed up by a single caller: before any answer, nothing is known.
        limits.acquire().unwrap();
        served.borrow_mut()[0] = 1;
        limits.learn(left(LIMIT - 1, 60));
        limits.ended(false);
        futures_util::future::join_all((0..40).map(call)).await;
        assert_eq!(refused.get(), 0);
        assert!(
            served.borrow().iter().all(|served| *served == LIMIT),
            "{served:?}"
        );
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
