//! What is waited for of a journey.

use kyc_facade::provider_core::jiff::Timestamp;
use kyc_journey::{Journey, Leg, LegStatus, SetTimer, TimerPurpose};

/// The timers that are waited for. Whoever has to act waits for the look-ups of calls whose outcome is unknown; of a journey that has
/// ended, calls that give something back are made again.
pub(super) fn awaited(state: &Journey) -> impl Iterator<Item = SetTimer> {
    let (is_end, rests) = (state.status().is_end(), rests(state));
    let is_awaited = move |timer: &SetTimer| match timer.name.purpose {
        TimerPurpose::Retry(_) => !rests || is_end,
        TimerPurpose::Settle => !is_end,
        _ => !rests,
    };
    state.timers().into_iter().filter(is_awaited)
}

/// When consents that a journey left open at its end are looked for: the next time and the last. Nobody waits for that, and the clock is
/// not moved to it.
pub(crate) fn looks(state: &Journey) -> Option<(Timestamp, Timestamp)> {
    state.looks().filter(|_| state.status().is_end())
}

/// Whether no leg goes on by itself: it has ended, or each leg has and somebody has to act.
fn rests(state: &Journey) -> bool {
    let is_open = |leg: &Leg| state.leg_status(*leg) == LegStatus::Open;
    state.status().is_end() || !Leg::ALL.iter().any(is_open)
}

/// Whether there is something to follow: nobody has to act first.
pub(super) fn goes_on(state: &Journey) -> bool {
    awaited(state).next().is_some()
}
