//! The time that goes into replies.

use std::time::{SystemTime, UNIX_EPOCH};

/// The instant that every reply shows when ids are deterministic: 2030-01-01T00:00:00.000Z.
const FIXED_MS: i64 = 1_893_456_000_000;

/// Wall-clock time in Unix milliseconds, or one fixed instant.
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

    /// The same instant as FinPro writes it: ISO 8601, UTC, milliseconds.
    pub(crate) fn now_iso(self) -> String {
        let now = jiff::Timestamp::from_millisecond(self.now_ms()).unwrap_or_default();
        format!("{now:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_time_is_written_with_milliseconds() {
        assert_eq!(WireClock::new(true).now_iso(), "2030-01-01T00:00:00.000Z");
    }
}
