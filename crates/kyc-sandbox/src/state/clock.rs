//! The time in replies.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The instant in every reply when ids are deterministic: 2030-01-01T00:00:00.000Z.
const FIXED_MS: i64 = 1_893_456_000_000;

/// The wall clock in Unix milliseconds, or one fixed instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WireClock {
    fixed: bool,
}

impl WireClock {
    pub(crate) fn new(fixed: bool) -> Self {
        Self { fixed }
    }

    pub(crate) fn now_ms(self) -> i64 {
        if self.fixed {
            return FIXED_MS;
        }
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok())
            .unwrap_or(FIXED_MS)
    }

    /// The time when a reply with this delay is sent. The fixed instant does not change.
    pub(crate) fn after_ms(self, wait: Duration) -> i64 {
        if self.fixed {
            return FIXED_MS;
        }
        let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        self.now_ms().saturating_add(wait)
    }

    /// Formats an instant in ISO 8601, UTC, with milliseconds.
    pub(crate) fn iso(ms: i64) -> String {
        let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
        format!("{time:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_time_is_written_with_milliseconds() {
        let clock = WireClock::new(true);
        assert_eq!(clock.after_ms(Duration::from_secs(1)), clock.now_ms());
        assert_eq!(WireClock::iso(clock.now_ms()), "2030-01-01T00:00:00.000Z");
    }
}
