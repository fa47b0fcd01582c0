//! When the provider is asked about something of which nothing was heard.

use jiff::SignedDuration;

use crate::effect::{TimerName, TimerPurpose};
use crate::leg::Leg;
use crate::step::Step;

/// After the first, second … time: 2 and 10 minutes, 1, 6 and 24 hours, then daily.
const MINUTES: [i64; 5] = [2, 10, 60, 6 * 60, 24 * 60];

/// Sets the timer of the next look-up, and counts it.
pub(crate) fn set_reconcile(step: &mut Step<'_>, leg: Leg, done: &mut u32) {
    let index = usize::try_from(*done).unwrap_or(usize::MAX);
    let minutes = MINUTES.get(index).copied().unwrap_or(24 * 60);
    *done = done.saturating_add(1);
    step.set_timer_after(
        TimerName::leg(leg, TimerPurpose::Reconcile),
        SignedDuration::from_mins(minutes),
    );
}

/// A wait that doubles from its first to its longest, in seconds.
pub(crate) fn doubling(first: i64, longest: i64, done: u32) -> SignedDuration {
    let factor = 2_i64.saturating_pow(done.min(30));
    SignedDuration::from_secs(first.saturating_mul(factor).min(longest))
}
