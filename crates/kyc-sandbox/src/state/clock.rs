//! The time in replies.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far India is ahead of UTC, all the year.
const INDIA: SignedDuration = SignedDuration::from_mins(330);

/// The instant in every reply when ids are deterministic: 2030-01-01T00:00:00.000Z.
const FIXED_MS: i64 = 1_893_456_000_000;

/// The wall clock in Unix milliseconds, or one fixed instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WireClock {
    fixed_ms: Option<i64>,
}

impl WireClock {
    /// Stands still at a time, if one is given, and with deterministic ids.
    pub(crate) fn new(fixed: Option<SystemTime>, deterministic: bool) -> Self {
        let fixed_ms = fixed.and_then(unix_ms);
        Self {
            fixed_ms: fixed_ms.or(deterministic.then_some(FIXED_MS)),
        }
    }

    pub(crate) fn now_ms(self) -> i64 {
        self.fixed_ms
            .or_else(|| unix_ms(SystemTime::now()))
            .unwrap_or(FIXED_MS)
    }

    /// The day in India.
    pub(crate) fn today(self) -> Date {
        let now = Timestamp::from_millisecond(self.now_ms()).unwrap_or_default();
        Self::in_india(now).date()
    }

    /// The clock's face in India.
    pub(crate) fn in_india(time: Timestamp) -> DateTime {
        let shifted = time.saturating_add(INDIA).unwrap_or(time);
        TimeZone::UTC.to_datetime(shifted)
    }

    /// The time when a reply with this delay is sent. The fixed instant does not change.
    pub(crate) fn after_ms(self, wait: Duration) -> i64 {
        if let Some(fixed_ms) = self.fixed_ms {
            return fixed_ms;
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

/// Unix milliseconds; none before 1970.
fn unix_ms(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_in_india_begins_at_half_past_six_in_the_evening_of_utc() {
        for (second, day) in [(66_599, 27), (66_600, 28)] {
            // 2026-11-27T00:00:00Z and so many seconds.
            let time = UNIX_EPOCH + Duration::from_secs(1_795_737_600 + second);
            let clock = WireClock::new(Some(time), true);
            assert_eq!(clock.today(), date(2026, 11, day));
        }
    }

    #[test]
    fn fixed_time_is_written_with_milliseconds() {
        let clock = WireClock::new(None, true);
        assert_eq!(clock.after_ms(Duration::from_secs(1)), clock.now_ms());
        assert_eq!(WireClock::iso(clock.now_ms()), "2030-01-01T00:00:00.000Z");
    }
}
