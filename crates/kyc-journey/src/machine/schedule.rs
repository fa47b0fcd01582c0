//! When the provider is asked: about something of which nothing was heard, again, and by the calendar.

use jiff::{SignedDuration, Timestamp};

use super::step::Step;
use crate::values::{CalendarUnit, Frequency, Leg, TimerName, TimerPurpose, later};

/// After the first, second … time: 2 and 10 minutes, 1, 6 and 24 hours, then daily.
const MINUTES: [i64; 5] = [2, 10, 60, 6 * 60, 24 * 60];

/// Sets the timer of the next look-up, and counts it.
pub(crate) fn set_look_up(step: &mut Step<'_>, leg: Leg, purpose: TimerPurpose, done: &mut u32) {
    let wait = minutes(*done);
    *done = done.saturating_add(1);
    step.set_timer_after(
        TimerName::leg(leg, purpose),
        SignedDuration::from_mins(wait),
    );
}

/// When the last of so many look-ups is due, if the next one is due then and so many have been set.
pub(crate) fn last_look_up(next: Timestamp, done: u32, most: u32) -> Timestamp {
    let left = (done..most).map(minutes).sum();
    later(next, SignedDuration::from_mins(left))
}

/// How long the next look-up is waited for after so many.
fn minutes(done: u32) -> i64 {
    let index = usize::try_from(done).unwrap_or(usize::MAX);
    MINUTES.get(index).copied().unwrap_or(24 * 60)
}

/// A wait that doubles from its first to its longest, in seconds.
pub(crate) fn doubling(first: i64, longest: i64, done: u32) -> SignedDuration {
    let factor = 2_i64.saturating_pow(done.min(30));
    SignedDuration::from_secs(first.saturating_mul(factor).min(longest))
}

/// The next time by the calendar of India, whose clocks are never changed.
pub(crate) fn next(at: Timestamp, every: Frequency) -> Timestamp {
    let india = jiff::tz::Offset::from_seconds(19_800).unwrap_or(jiff::tz::Offset::UTC);
    let count = i64::from(every.count);
    let span = jiff::Span::new();
    let span = match every.unit {
        CalendarUnit::Day => span.try_days(count),
        CalendarUnit::Week => span.try_weeks(count),
        CalendarUnit::Month => span.try_months(count),
        CalendarUnit::Year => span.try_years(count),
    };
    let then = span.and_then(|span| india.to_datetime(at).checked_add(span));
    then.and_then(|then| india.to_timestamp(then))
        .unwrap_or(Timestamp::MAX)
}
