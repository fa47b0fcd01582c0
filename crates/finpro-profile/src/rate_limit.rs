//! FinPro's rate-limit headers.

use provider_core::Allowance;
use provider_core::http::HeaderMap;
use provider_core::jiff::Timestamp;

/// The rest of the current window: 1000 requests for Check Profile; the window's length is not documented.
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
    /// Reads the headers of a response, or of the refusal in an error. A value that is absent or not a number is `None`.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        Self {
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset"),
        }
    }

    /// Converts the headers for a rate limiter. The unit of `reset` is not documented, so its size decides (`[derived]`):
    /// a moment of this century in seconds or in milliseconds. Any other number is ignored.
    pub(crate) fn allowance(self, now: Timestamp) -> Option<Allowance> {
        const SECONDS: std::ops::Range<u64> = 946_684_800..4_102_444_800;
        let allowance = Allowance::new(self.remaining?);
        let moment = |reset: u64| match reset {
            _ if SECONDS.contains(&reset) => Timestamp::from_second(reset.try_into().ok()?).ok(),
            _ if SECONDS.contains(&(reset / 1_000)) => {
                Timestamp::from_millisecond(reset.try_into().ok()?).ok()
            }
            _ => None,
        };
        Some(match self.reset.and_then(moment) {
            Some(moment) => allowance.resetting_at(moment, now),
            None => allowance,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_end_of_the_window_is_understood_in_seconds_and_in_milliseconds() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let allowance = |remaining, reset| RateLimit { remaining, reset }.allowance(now);
        let resets_in = |reset| allowance(Some(0), Some(reset)).unwrap().resets_in;
        assert_eq!(resets_in(1_790_000_060), Some(Duration::from_secs(60)));
        assert_eq!(
            resets_in(1_790_000_060_500),
            Some(Duration::from_millis(60_500))
        );
        // In the past, too small for a date, and beyond all dates.
        for reset in [
            1_789_999_999,
            0,
            60,
            4_102_444_800_000,
            1_790_000_060_500_000,
            u64::MAX,
        ] {
            assert_eq!(resets_in(reset), None, "{reset}");
        }
        assert_eq!(allowance(Some(7), None).unwrap().remaining, 7);
        assert_eq!(allowance(None, Some(1_790_000_060)), None);
    }
}
