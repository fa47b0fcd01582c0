//! A provider's own figures about its rate limit.

use std::time::Duration;

use jiff::Timestamp;

/// How much of its rate limit a provider reports as left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// Requests left in the current window.
    pub remaining: u64,
    /// The time until the window ends, if the provider reported it in a known form.
    pub resets_in: Option<Duration>,
}

impl Allowance {
    /// This many requests left, and an unknown end of the window.
    pub const fn new(remaining: u64) -> Self {
        Self {
            remaining,
            resets_in: None,
        }
    }

    /// The window ends after this time.
    #[must_use]
    pub const fn resetting_in(mut self, wait: Duration) -> Self {
        self.resets_in = Some(wait);
        self
    }

    /// The window ends at this moment; a moment in the past is ignored.
    #[must_use]
    pub fn resetting_at(mut self, moment: Timestamp, now: Timestamp) -> Self {
        self.resets_in = Duration::try_from(moment.duration_since(now)).ok();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_has_ended_is_ignored() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let allowance = |seconds| Allowance::new(0).resetting_at(at(seconds), at(100));
        assert_eq!(allowance(160).resets_in, Some(Duration::from_secs(60)));
        assert_eq!(allowance(100).resets_in, Some(Duration::ZERO));
        assert_eq!(allowance(99).resets_in, None);
        assert_eq!(Allowance::new(7).remaining, 7);
    }
}
