//! A performer that keeps count.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::engine::{EffectCall, Performed, Performer, Undelivered};
use crate::values::{Answer, EffectId, JourneyId, LedgerEntry, Notice};

/// How a [`Witness`] takes calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It answers.
    Answers,
    /// It makes the call and never returns, as a process that dies in between.
    Hangs,
    /// It makes the call and panics.
    Panics,
}

/// A performer that makes every call by writing it down, so that a test sees which were made, and how often. It outlives the
/// engines that it works for.
#[derive(Debug, Clone)]
pub struct Witness {
    seen: Arc<watch::Sender<Seen>>,
    mood: Arc<Mutex<Mood>>,
}

#[derive(Debug, Default)]
struct Seen {
    calls: Vec<EffectCall>,
    notices: Vec<(EffectId, Notice)>,
    entries: Vec<(EffectId, LedgerEntry)>,
    refuses: u32,
}

impl Default for Witness {
    fn default() -> Self {
        Self {
            seen: Arc::new(watch::Sender::new(Seen::default())),
            mood: Arc::new(Mutex::new(Mood::Answers)),
        }
    }
}

impl Witness {
    /// How it takes calls from now on.
    pub fn set_mood(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// Lets it refuse this many notices and entries.
    pub fn refuse(&self, times: u32) {
        self.seen.send_modify(|seen| seen.refuses = times);
    }

    /// The calls that were made, in order.
    pub fn calls(&self) -> Vec<EffectCall> {
        self.seen.borrow().calls.clone()
    }

    /// How often a call was made.
    pub fn count(&self, effect: &EffectId) -> usize {
        let seen = self.seen.borrow();
        seen.calls.iter().filter(|call| call.id == *effect).count()
    }

    /// Waits until this many calls were made, since the first one.
    pub async fn until_called(&self, times: usize) {
        self.until(|seen| seen.calls.len() >= times).await;
    }

    /// Waits until this many notices about a journey were delivered, since the first one. One that is delivered again is not counted.
    pub async fn until_told(&self, journey: &JourneyId, notices: usize) {
        self.until(|seen| distinct(&seen.notices, journey) >= notices)
            .await;
    }

    /// Waits until this many entries about a journey were written, since the first one. One that is written again is not counted.
    pub async fn until_recorded(&self, journey: &JourneyId, entries: usize) {
        self.until(|seen| distinct(&seen.entries, journey) >= entries)
            .await;
    }

    /// Waits until as much was refused as should be.
    pub async fn until_refused(&self) {
        self.until(|seen| seen.refuses == 0).await;
    }

    async fn until(&self, condition: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        // The sender lives as long as this does.
        let _ = seen.wait_for(|seen| condition(seen)).await;
    }

    fn take(&self, take: impl FnOnce(&mut Seen)) -> Result<(), Undelivered> {
        let mut taken = Err(Undelivered);
        self.seen
            .send_modify(|seen| match seen.refuses.checked_sub(1) {
                Some(fewer) => seen.refuses = fewer,
                None => {
                    take(seen);
                    taken = Ok(());
                }
            });
        taken
    }
}

fn distinct<T>(effects: &[(EffectId, T)], journey: &JourneyId) -> usize {
    let of_journey = effects.iter().filter(|(id, _)| id.journey == *journey);
    let places: BTreeSet<_> = of_journey.map(|(id, _)| (id.seq, id.ordinal)).collect();
    places.len()
}

#[async_trait]
impl Performer for Witness {
    async fn perform(&self, call: &EffectCall) -> Performed {
        // Before anybody is told of the call, and may change it.
        let mood = *self.mood.lock().unwrap_or_else(PoisonError::into_inner);
        self.seen.send_modify(|seen| seen.calls.push(call.clone()));
        match mood {
            Mood::Answers => Performed {
                result: Ok(Answer::Done),
                payload: None,
            },
            Mood::Hangs => std::future::pending().await,
            Mood::Panics => panic!("on purpose"),
        }
    }

    async fn notify(&self, id: &EffectId, notice: &Notice) -> Result<(), Undelivered> {
        self.take(|seen| seen.notices.push((id.clone(), notice.clone())))
    }

    async fn record(&self, id: &EffectId, entry: &LedgerEntry) -> Result<(), Undelivered> {
        self.take(|seen| seen.entries.push((id.clone(), entry.clone())))
    }
}
