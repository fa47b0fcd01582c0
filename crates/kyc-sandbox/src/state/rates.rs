//! Rate limits over fixed windows.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Several limits, each over its own window; a request needs room in all of them.
#[derive(Debug)]
pub(crate) struct RateWindows(Mutex<Vec<Window>>);

#[derive(Debug)]
struct Window {
    length: Duration,
    limit: u64,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    started: Instant,
    reset_ms: i64,
    used: u64,
}

/// The quota after one request; with several windows, that of the tightest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) allowed: bool,
    pub(crate) remaining: u64,
    pub(crate) reset_ms: i64,
}

impl RateWindows {
    pub(crate) fn new(limits: &[(Duration, u64)]) -> Self {
        Self(Mutex::new(
            limits
                .iter()
                .map(|&(length, limit)| Window {
                    length,
                    limit,
                    open: None,
                })
                .collect(),
        ))
    }

    /// Counts one request. A refused one counts only if `count_refused`.
    ///
    /// `now_ms` is the time in the reply; the windows run on tokio's clock, so that tests can advance it.
    pub(crate) fn take(&self, now_ms: i64, count_refused: bool) -> Quota {
        let now = Instant::now();
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut allowed = true;
        for window in windows.iter_mut() {
            let length_ms = i64::try_from(window.length.as_millis()).unwrap_or(i64::MAX);
            let expired = window
                .open
                .is_none_or(|open| now.saturating_duration_since(open.started) >= window.length);
            if expired {
                window.open = Some(Open {
                    started: now,
                    reset_ms: now_ms.saturating_add(length_ms),
                    used: 0,
                });
            }
            allowed &= window.open.is_none_or(|open| open.used < window.limit);
        }
        let mut quota = Quota {
            allowed,
            remaining: u64::MAX,
            reset_ms: now_ms,
        };
        for window in windows.iter_mut() {
            let Some(open) = window.open.as_mut() else {
                continue;
            };
            if allowed || count_refused {
                open.used = open.used.saturating_add(1);
            }
            let remaining = window.limit.saturating_sub(open.used);
            if remaining < quota.remaining {
                quota.remaining = remaining;
                quota.reset_ms = open.reset_ms;
            }
        }
        quota
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_window_fills_refuses_and_opens_again() {
        let windows = RateWindows::new(&[(Duration::from_secs(60), 2)]);
        assert_eq!(
            windows.take(1_000, true),
            Quota {
                allowed: true,
                remaining: 1,
                reset_ms: 61_000
            }
        );
        assert!(windows.take(1_000, true).allowed);
        let refused = windows.take(2_000, true);
        assert_eq!(
            refused,
            Quota {
                allowed: false,
                remaining: 0,
                reset_ms: 61_000
            }
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(windows.take(61_000, true).allowed);
    }

    #[tokio::test(start_paused = true)]
    async fn the_tightest_window_decides_and_refused_requests_may_be_free() {
        let windows =
            RateWindows::new(&[(Duration::from_secs(1), 1), (Duration::from_secs(60), 2)]);
        assert!(windows.take(0, false).allowed);
        assert!(!windows.take(0, false).allowed);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(windows.take(0, false).allowed);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!windows.take(0, false).allowed, "the minute is full");
    }
}
