//! What was handled before.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::event_key::EventKey;

/// An error of a store or of a handler.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The answer to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claim {
    /// It is the caller's to handle, who then commits it or gives it back.
    Granted,
    /// Somebody else is handling it.
    InFlight,
    /// It was handled.
    Seen,
}

/// Remembers which events were handled, so that a repeat changes nothing, 64 at once included.
///
/// An event is claimed before it is handled, and then committed, or given back if the handler failed, so that it is tried again.
/// Of claims for one key at the same time exactly one is granted: a unique constraint, a compare-and-set.
///
/// A store that outlives the process has to let a claim lapse that was neither committed nor given back, because the process
/// may have ended in between; a [`RecentEvents`] ends with it. Where the effect is a row of a database, write
/// [`Meta::key`](super::Meta) under a unique constraint in the same transaction: then a repeat after a restart changes nothing
/// either.
#[async_trait]
pub trait SeenEvents: fmt::Debug + Send + Sync + 'static {
    /// Claims an event.
    ///
    /// # Errors
    ///
    /// The store is down. The event is not handled, and the sender tries again.
    async fn claim(&self, key: EventKey) -> Result<Claim, BoxError>;

    /// Records that an event was handled.
    ///
    /// # Errors
    ///
    /// The store is down. The event was handled all the same.
    async fn commit(&self, key: EventKey) -> Result<(), BoxError>;

    /// Gives an event back that was not handled.
    ///
    /// # Errors
    ///
    /// The store is down.
    async fn give_back(&self, key: EventKey) -> Result<(), BoxError>;
}

/// The last events that this process handled, in memory: bounded, and gone with the process.
#[derive(Debug)]
pub struct RecentEvents {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether it was handled; it is in flight otherwise.
    events: HashMap<EventKey, bool>,
    /// Those that were handled, the oldest first.
    handled: VecDeque<EventKey>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events", self.events.len())
    }
}

/// More events are in flight than the store holds.
#[derive(Debug, thiserror::Error)]
#[error("more events are in flight than are remembered")]
struct Full;

impl RecentEvents {
    /// Remembers this many events, of about 100 bytes each. The oldest one that was handled is forgotten first; one in flight
    /// never is.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Each change is complete before the next can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 65,536 events.
impl Default for RecentEvents {
    fn default() -> Self {
        Self::new(65_536)
    }
}

#[async_trait]
impl SeenEvents for RecentEvents {
    async fn claim(&self, key: EventKey) -> Result<Claim, BoxError> {
        let mut state = self.state();
        match state.events.get(&key) {
            Some(true) => return Ok(Claim::Seen),
            Some(false) => return Ok(Claim::InFlight),
            None => {}
        }
        if state.events.len() >= self.capacity {
            let oldest = state.handled.pop_front().ok_or(Full)?;
            state.events.remove(&oldest);
        }
        state.events.insert(key, false);
        Ok(Claim::Granted)
    }

    async fn commit(&self, key: EventKey) -> Result<(), BoxError> {
        let mut state = self.state();
        if state.events.insert(key, true) != Some(true) {
            state.handled.push_back(key);
        }
        Ok(())
    }

    async fn give_back(&self, key: EventKey) -> Result<(), BoxError> {
        let mut state = self.state();
        if state.events.get(&key) == Some(&false) {
            state.events.remove(&key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> EventKey {
        EventKey::of("test", &[&[number]])
    }

    #[tokio::test]
    async fn an_event_is_granted_once_and_again_if_it_was_given_back() {
        let store = RecentEvents::default();
        assert_eq!(store.claim(key(1)).await.unwrap(), Claim::Granted);
        assert_eq!(store.claim(key(1)).await.unwrap(), Claim::InFlight);
        assert_eq!(store.claim(key(2)).await.unwrap(), Claim::Granted);
        store.give_back(key(1)).await.unwrap();
        assert_eq!(store.claim(key(1)).await.unwrap(), Claim::Granted);
        store.commit(key(1)).await.unwrap();
        store.give_back(key(1)).await.unwrap();
        assert_eq!(store.claim(key(1)).await.unwrap(), Claim::Seen);
    }

    #[tokio::test]
    async fn the_oldest_handled_event_is_forgotten_and_none_in_flight() {
        let store = RecentEvents::new(2);
        for number in [1, 2, 3] {
            assert_eq!(store.claim(key(number)).await.unwrap(), Claim::Granted);
            store.commit(key(number)).await.unwrap();
            store.commit(key(number)).await.unwrap();
        }
        assert_eq!(store.claim(key(3)).await.unwrap(), Claim::Seen);
        assert_eq!(store.claim(key(1)).await.unwrap(), Claim::Granted);
        assert_eq!(store.claim(key(4)).await.unwrap(), Claim::Granted);
        assert!(store.claim(key(5)).await.is_err());
        assert_eq!(store.claim(key(1)).await.unwrap(), Claim::InFlight);
        assert_eq!(store.state().handled.len(), 0);
    }
}
