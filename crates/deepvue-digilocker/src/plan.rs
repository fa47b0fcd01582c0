//! The rate limits that Deepvue publishes.

use provider_core::Window;

/// A Deepvue plan. Its limits apply to an API key, over all operations (`[docs: /rate-limits]`).
///
/// ```no_run
/// # #[cfg(feature = "rate-limits")] {
/// use std::sync::Arc;
/// use deepvue_digilocker::{ClientId, ClientSecret, Deepvue, DigilockerClient, Plan};
/// use deepvue_digilocker::provider_core::{RateLimits, WhenLimited};
///
/// let deepvue = Deepvue::new(ClientId::new("made-up")?, ClientSecret::new("made-up-too")?);
/// let client = DigilockerClient::builder(deepvue)
///     .rate_limiter(Arc::new(RateLimits::new(Plan::Starter.windows())?))
///     .when_limited(WhenLimited::Refuse) // or wait, within the deadline
///     .build()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Plan {
    /// 1 a second, 30 a minute, 1,000 a day.
    Starter,
    /// 2 a second, 100 a minute, 10,000 a day.
    Business,
    /// 5 a second, 500 a minute, 20,000 a day.
    Growth,
    /// 17 a second, 1,000 a minute, 50,000 a day.
    Enterprise,
}

impl Plan {
    /// The three windows, all of which apply.
    pub const fn windows(self) -> [Window; 3] {
        let (second, minute, day) = match self {
            Self::Starter => (1, 30, 1_000),
            Self::Business => (2, 100, 10_000),
            Self::Growth => (5, 500, 20_000),
            Self::Enterprise => (17, 1_000, 50_000),
        };
        [
            Window::per_second(second),
            Window::per_minute(minute),
            Window::per_day(day),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deepvue's table, page rate-limits.
    #[test]
    fn each_plan_has_three_windows() {
        for (plan, second, minute, day) in [
            (Plan::Starter, 1, 30, 1_000),
            (Plan::Business, 2, 100, 10_000),
            (Plan::Growth, 5, 500, 20_000),
            (Plan::Enterprise, 17, 1_000, 50_000),
        ] {
            let windows = plan
                .windows()
                .map(|window| (window.requests, window.per.as_secs()));
            assert_eq!(
                windows,
                [(second, 1), (minute, 60), (day, 86_400)],
                "{plan:?}"
            );
        }
    }
}
