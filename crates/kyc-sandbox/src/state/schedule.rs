//! What is going to happen, in order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::store::Room;
use super::{AggregatorConsentStatus, JourneyId, WebhookId};

/// Something that happens by itself at its time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Timer {
    /// The person takes the next step of a flow, named by the id that opened it.
    Person { id: Arc<str> },
    /// A link or a session ends unless it was used.
    LinkExpires { id: Arc<str> },
    /// A consent at an aggregator, named by its handle, changes.
    Consent {
        handle: Arc<str>,
        status: AggregatorConsentStatus,
    },
    /// The data of a session arrives, or will not.
    Data { session: Arc<str> },
    /// A session at Veriff goes on, unless another step was taken since this turn.
    Verification {
        session: Uuid,
        turn: u32,
        step: VerificationStep,
    },
    /// Sessions at Veriff end whose person did not finish in time.
    VerificationsEnd,
    /// An attempt to deliver a webhook.
    Delivery(WebhookId),
}

/// How many timers are kept of one schedule; beyond that those that were made first are forgotten, as what they are about is:
/// the ones furthest away are those of the newest.
const TIMERS: usize = 20_000;
/// How many are forgotten at once, so that they are rarely looked for.
const FORGOTTEN: usize = 1_000;

/// How a session at Veriff goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum VerificationStep {
    /// The person takes the next step, or Veriff decides.
    Next,
    /// The notice of a requested resubmission is sent, unless this attempt was handed in.
    TellResubmission { attempt: u8 },
    /// The person is screened again, whatever happened since.
    ScreenAgain,
}

/// Timers in the order of time, then of journeys, then of their making.
#[derive(Debug)]
pub(crate) struct Schedule {
    room: Room,
    timers: Mutex<Timers>,
}

#[derive(Debug, Default)]
struct Timers {
    made: u64,
    by_time: BTreeMap<Place, Timer>,
}

/// Time, journey and number.
type Place = (i64, Option<JourneyId>, u64);

/// A timer that was taken and is kept until it is done.
#[derive(Debug)]
#[must_use]
pub(crate) struct Taken(u64);

impl Schedule {
    /// The timers that were kept in the room.
    pub(crate) fn new(room: Room) -> Self {
        let mut timers = Timers::default();
        for (number, (at_ms, journey, timer)) in room.take::<u64, (_, _, Timer)>() {
            timers.made = timers.made.max(number);
            timers.by_time.insert((at_ms, journey, number), timer);
        }
        Self {
            room,
            timers: Mutex::new(timers),
        }
    }

    pub(crate) fn add(&self, at_ms: i64, journey: Option<JourneyId>, timer: Timer) {
        let mut timers = self.lock();
        timers.made = timers.made.saturating_add(1);
        let key = (at_ms, journey, timers.made);
        self.room.put(&timers.made, &(at_ms, journey, &timer));
        timers.by_time.insert(key, timer);
        if timers.by_time.len() > TIMERS {
            timers.forget(|number| self.room.remove(number));
        }
    }

    /// The time of the next timer.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        let timers = self.lock();
        timers.by_time.keys().next().map(|(at_ms, ..)| *at_ms)
    }

    /// The timers of a journey, or all, in order.
    pub(crate) fn of(&self, journey: Option<JourneyId>) -> Vec<(i64, Option<JourneyId>, Timer)> {
        let timers = self.lock();
        let all = timers.by_time.iter();
        all.filter(|((_, of, _), _)| journey.is_none() || *of == journey)
            .map(|((at_ms, of, _), timer)| (*at_ms, *of, timer.clone()))
            .collect()
    }

    /// Takes the next timer that is due at this time, with its own time.
    pub(crate) fn take_due(&self, now_ms: i64) -> Option<(i64, Option<JourneyId>, Timer)> {
        let ((at_ms, journey, number), timer) = self.lock().take_due(now_ms)?;
        self.room.remove(&number);
        Some((at_ms, journey, timer))
    }

    /// The same, for a timer that takes time: a process that ends before it is [done](Self::done) begins with it again.
    pub(crate) fn begin_due(&self, now_ms: i64) -> Option<(Option<JourneyId>, Timer, Taken)> {
        let ((_, journey, number), timer) = self.lock().take_due(now_ms)?;
        Some((journey, timer, Taken(number)))
    }

    pub(crate) fn done(&self, taken: Taken) {
        self.room.remove(&taken.0);
    }

    /// Takes the next timer of a journey until this time.
    pub(crate) fn take_of(&self, journey: JourneyId, until_ms: i64) -> Option<Timer> {
        let mut timers = self.lock();
        let of = |key: &&Place| key.1 == Some(journey);
        let key = *timers
            .by_time
            .keys()
            .take_while(|key| key.0 <= until_ms)
            .find(of)?;
        self.room.remove(&key.2);
        timers.by_time.remove(&key)
    }

    /// Takes these timers out.
    pub(crate) fn forget(&self, timer: &Timer) {
        self.lock().by_time.retain(|(.., number), planned| {
            let is_kept = planned != timer;
            if !is_kept {
                self.room.remove(number);
            }
            is_kept
        });
    }

    fn lock(&self) -> MutexGuard<'_, Timers> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timers {
    /// Forgets those that were made first.
    fn forget(&mut self, forgotten: impl Fn(&u64)) {
        let mut numbers: Vec<u64> = self.by_time.keys().map(|(.., number)| *number).collect();
        let (first, next, _) = numbers.select_nth_unstable(FORGOTTEN);
        let next = *next;
        first.iter().for_each(forgotten);
        self.by_time.retain(|(.., number), _| *number >= next);
    }

    fn take_due(&mut self, now_ms: i64) -> Option<(Place, Timer)> {
        let first = self.by_time.first_entry()?;
        (first.key().0 <= now_ms).then(|| first.remove_entry())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_in_the_order_of_time_journey_and_making() {
        let schedule = Schedule::new(Room::default());
        let timer = |name: &str| Timer::Data {
            session: name.into(),
        };
        let journey = |number| Some(JourneyId::new(number));
        schedule.add(20, journey(1), timer("d"));
        schedule.add(10, journey(2), timer("b"));
        schedule.add(10, journey(2), timer("c"));
        schedule.add(10, journey(1), timer("a"));
        assert_eq!(schedule.next_ms(), Some(10));
        let order: Vec<_> = std::iter::from_fn(|| schedule.take_due(15))
            .map(|(_, _, timer)| timer)
            .collect();
        assert_eq!(order, [timer("a"), timer("b"), timer("c")]);
        assert_eq!(schedule.next_ms(), Some(20));
    }

    #[test]
    fn a_full_schedule_forgets_what_was_planned_first() {
        let schedule = Schedule::new(Room::default());
        let timer = |name: i64| Timer::Data {
            session: name.to_string().into(),
        };
        let full = i64::try_from(TIMERS).unwrap();
        for at_ms in 0..=full {
            schedule.add(at_ms, None, timer(at_ms));
        }
        assert_eq!(schedule.next_ms(), Some(1_000));
        let all = schedule.of(None);
        assert_eq!(all.len(), TIMERS + 1 - FORGOTTEN);
        assert_eq!(all.last(), Some(&(full, None, timer(full))));
    }
}
