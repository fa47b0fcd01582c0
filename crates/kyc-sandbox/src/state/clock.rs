//! The sandbox's one clock: it runs with the real one, stands still, or runs faster, and can be moved forward.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::store::Room;

/// How far India is ahead of UTC, all the year.
const INDIA: SignedDuration = SignedDuration::from_mins(330);

/// Where the clock stands when ids are deterministic: 2030-01-01T00:00:00.000Z.
const FIXED_MS: i64 = 1_893_456_000_000;

/// How the sandbox's clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ClockMode {
    /// As fast as the real one. How far it was moved ahead is kept.
    Real,
    /// Not at all, until it is moved.
    Frozen,
    /// So many times as fast as the real one.
    Fast(u32),
}

/// The time of everything that the sandbox says and does: times in bodies, expiry, the lives of links, the dates of data.
/// Sockets and the `date` header have the real time. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    room: Room,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
struct State {
    mode: ClockMode,
    /// The virtual and the real time, in Unix milliseconds, of the last change.
    virtual_ms: i64,
    real_ms: i64,
}

impl State {
    fn at(self, real_ms: i64) -> i64 {
        let passed = real_ms.saturating_sub(self.real_ms).max(0);
        let factor = match self.mode {
            ClockMode::Real => 1,
            ClockMode::Frozen => 0,
            ClockMode::Fast(factor) => i64::from(factor),
        };
        self.virtual_ms
            .saturating_add(passed.saturating_mul(factor))
            .min(last_ms())
    }

    /// After the sandbox was down. Meanwhile a clock that stands still stood still, and any other ran as the real one: nobody
    /// saw it run faster.
    fn resumed(self, real_ms: i64) -> Self {
        let meanwhile = match self.mode {
            ClockMode::Frozen => ClockMode::Frozen,
            ClockMode::Real | ClockMode::Fast(_) => ClockMode::Real,
        };
        let down = Self {
            mode: meanwhile,
            ..self
        };
        Self {
            virtual_ms: down.at(real_ms),
            real_ms,
            ..self
        }
    }
}

impl Clock {
    /// Goes on as the one that was kept in the room. Without one it runs with the real clock, and stands still at a time, if one
    /// is given, and with deterministic ids.
    pub(crate) fn new(fixed: Option<SystemTime>, deterministic: bool, room: Room) -> Self {
        let fixed_ms = fixed.and_then(unix_ms);
        let fixed_ms = fixed_ms.or(deterministic.then_some(FIXED_MS));
        let real_ms = real_ms();
        let kept = room.take::<(), State>().pop();
        let new = || State {
            mode: match fixed_ms {
                Some(_) => ClockMode::Frozen,
                None => ClockMode::Real,
            },
            virtual_ms: fixed_ms.unwrap_or(real_ms),
            real_ms,
        };
        Self {
            state: Arc::new(Mutex::new(
                kept.map_or_else(new, |(_, kept)| kept.resumed(real_ms)),
            )),
            room,
        }
    }

    /// Keeps the time that it shows, before which it is never again.
    pub(crate) fn keep(&self) {
        let real_ms = real_ms();
        let state = self.lock();
        let shown = State {
            virtual_ms: state.at(real_ms),
            real_ms,
            ..*state
        };
        self.room.put(&(), &shown);
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.lock().at(real_ms())
    }

    /// The day in India.
    pub(crate) fn today(&self) -> Date {
        day_in_india(self.now_ms())
    }

    /// The time when a reply with this delay is sent. A clock that stands still does not change.
    pub(crate) fn after_ms(&self, wait: Duration) -> i64 {
        let state = *self.lock();
        let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        state.at(real_ms().saturating_add(wait))
    }

    pub(crate) fn mode(&self) -> ClockMode {
        self.lock().mode
    }

    pub(crate) fn set_mode(&self, mode: ClockMode) {
        self.change(|state, now_ms| State {
            mode,
            virtual_ms: now_ms,
            ..state
        });
    }

    /// Moves the clock to this time, never backwards, and no further than its end.
    pub(crate) fn move_to(&self, ms: i64) {
        self.change(|state, now_ms| State {
            virtual_ms: ms.min(last_ms()).max(now_ms),
            ..state
        });
    }

    /// How long the real clock runs until this time, unless the clock stands still.
    pub(crate) fn real_time_until(&self, ms: i64) -> Option<Duration> {
        let left = u64::try_from(ms.saturating_sub(self.now_ms())).unwrap_or(0);
        match self.mode() {
            ClockMode::Real => Some(Duration::from_millis(left)),
            ClockMode::Frozen => None,
            ClockMode::Fast(factor) => Some(Duration::from_millis(
                left.div_ceil(u64::from(factor.max(1))),
            )),
        }
    }

    fn change(&self, change: impl FnOnce(State, i64) -> State) {
        let real_ms = real_ms();
        let mut state = self.lock();
        *state = State {
            real_ms,
            ..change(*state, state.at(real_ms))
        };
        self.room.put(&(), &*state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the clock ends, in Unix milliseconds: the last second that can be written.
pub(crate) fn last_ms() -> i64 {
    Timestamp::MAX.as_second().saturating_mul(1000)
}

/// The real time in Unix milliseconds.
fn real_ms() -> i64 {
    unix_ms(SystemTime::now()).unwrap_or(FIXED_MS)
}

/// Unix milliseconds; none before 1970.
fn unix_ms(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// The clock's face in India.
pub(crate) fn in_india(time: Timestamp) -> DateTime {
    let shifted = time.saturating_add(INDIA).unwrap_or(time);
    TimeZone::UTC.to_datetime(shifted)
}

/// The day in India.
pub(crate) fn day_in_india(ms: i64) -> Date {
    in_india(Timestamp::from_millisecond(ms).unwrap_or_default()).date()
}

/// Formats an instant in ISO 8601, UTC, with milliseconds.
pub(crate) fn iso(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or_default();
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_fixed_time_stands_still_and_is_written_with_milliseconds() {
        let clock = Clock::new(None, true, Room::default());
        assert_eq!(clock.after_ms(Duration::from_secs(1)), clock.now_ms());
        assert_eq!(iso(clock.now_ms()), "2030-01-01T00:00:00.000Z");
        assert_eq!(clock.real_time_until(FIXED_MS + 1), None);
    }

    #[test]
    fn a_day_in_india_begins_at_half_past_six_in_the_evening_of_utc() {
        for (second, day) in [(66_599, 27), (66_600, 28)] {
            // 2026-11-27T00:00:00Z and so many seconds.
            let time = UNIX_EPOCH + Duration::from_secs(1_795_737_600 + second);
            let clock = Clock::new(Some(time), true, Room::default());
            assert_eq!(clock.today(), date(2026, 11, day));
        }
    }

    #[test]
    fn a_clock_is_moved_forward_only_and_keeps_its_time_when_its_mode_changes() {
        let clock = Clock::new(None, true, Room::default());
        clock.move_to(FIXED_MS + 5_000);
        clock.move_to(FIXED_MS);
        assert_eq!(clock.now_ms(), FIXED_MS + 5_000);
        clock.set_mode(ClockMode::Fast(1_000));
        assert!(clock.now_ms() >= FIXED_MS + 5_000);
        clock.set_mode(ClockMode::Frozen);
        assert!(clock.now_ms() >= FIXED_MS + 5_000);
    }

    #[test]
    fn time_passes_by_the_mode() {
        let at = |mode| {
            State {
                mode,
                virtual_ms: 100,
                real_ms: 10,
            }
            .at(13)
        };
        assert_eq!(
            [
                at(ClockMode::Real),
                at(ClockMode::Frozen),
                at(ClockMode::Fast(60))
            ],
            [103, 100, 280]
        );
        assert_eq!(
            State {
                mode: ClockMode::Real,
                virtual_ms: 100,
                real_ms: 10
            }
            .at(9),
            100
        );
    }

    #[test]
    fn while_it_was_down_a_clock_stood_still_or_ran_as_the_real_one() {
        let resumed = |mode| {
            let state = State {
                mode,
                virtual_ms: 100,
                real_ms: 10,
            };
            let resumed = state.resumed(13);
            (resumed.mode == mode, resumed.at(13), resumed.at(14))
        };
        assert_eq!(resumed(ClockMode::Real), (true, 103, 104));
        assert_eq!(resumed(ClockMode::Frozen), (true, 100, 100));
        assert_eq!(resumed(ClockMode::Fast(60)), (true, 103, 163));
    }
}
