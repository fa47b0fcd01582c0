//! Journeys: what the four providers know about one person, found by any of their ids.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::store::{Room, Store};
use super::{Bounded, people};

/// How many journeys are found by their ids; each has several.
const IDS: usize = 40_000;
/// Of how many it is known whose they are.
const PEOPLE: usize = 10_000;

/// The id of a journey, such as `j_19`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub struct JourneyId(NonZeroU64);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl JourneyId {
    pub(crate) fn new(number: u64) -> Self {
        Self(NonZeroU64::new(number).unwrap())
    }
}

impl fmt::Display for JourneyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "j_{}", self.0)
    }
}

/// A text that is no journey's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a journey's id is `j_` and a number from 1 on")]
pub struct ParseJourneyIdError(());

impl FromStr for JourneyId {
    type Err = ParseJourneyIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("j_").ok_or(ParseJourneyIdError(()))?;
        let number = digits.parse().map_err(|_| ParseJourneyIdError(()))?;
        Ok(Self(number))
    }
}

/// Which journey an id belongs to. A person is a journey, named by the mobile number where a provider sees it; an id that
/// no person is known for is a journey of its own.
#[derive(Debug)]
pub(crate) struct Journeys {
    opened: AtomicU64,
    /// Of how many were opened.
    room: Room,
    by_id: Bounded<Arc<str>, JourneyId>,
    /// The mobile numbers of journeys that have one.
    mobiles: Bounded<JourneyId, u64>,
}

impl Journeys {
    pub(crate) fn new(store: &Store) -> Self {
        let room = store.room("journeys opened");
        let opened = room.take().pop().map_or(0, |((), opened)| opened);
        Self {
            opened: AtomicU64::new(opened),
            room,
            by_id: Bounded::new(IDS, store.room("journeys by id")),
            mobiles: Bounded::new(PEOPLE, store.room("mobile numbers of journeys")),
        }
    }

    /// The journey of a mobile number or of a provider's id; a new one where there is none.
    pub(crate) fn of(&self, id: &str) -> JourneyId {
        self.of_shared(Arc::from(id))
    }

    /// The same, for an id that is in memory once.
    pub(crate) fn of_shared(&self, id: Arc<str>) -> JourneyId {
        let journey = self.by_id.replace(Arc::clone(&id), |known| {
            let found = known.copied().unwrap_or_else(|| {
                let before = self.opened.fetch_add(1, Ordering::Relaxed);
                let opened = NonZeroU64::MIN.saturating_add(before);
                self.room.put(&(), &opened);
                JourneyId(opened)
            });
            (found, found)
        });
        self.remember_mobile(journey, &id);
        journey
    }

    fn remember_mobile(&self, journey: JourneyId, id: &str) {
        if people::is_mobile_number(id)
            && let Ok(number) = id.parse()
        {
            self.mobiles.update(journey, |_| number);
        }
    }

    /// The mobile number of a journey's person, if it has one.
    pub(crate) fn mobile(&self, journey: JourneyId) -> Option<String> {
        let number = self.mobiles.get(&journey)?;
        Some(format!("{number:010}"))
    }

    /// The ids by which a journey is found, oldest first.
    pub(crate) fn ids(&self, journey: JourneyId) -> Vec<String> {
        let ids = self.by_id.keys_with(|of| *of == journey);
        ids.iter().map(|id| (**id).to_owned()).collect()
    }

    /// From now on this id is found in this journey.
    pub(crate) fn name(&self, journey: JourneyId, id: &str) {
        if self.find(id) != Some(journey) {
            self.rename(journey, Arc::from(id));
        }
    }

    /// The same, for an id that is in memory once.
    pub(crate) fn name_shared(&self, journey: JourneyId, id: Arc<str>) {
        if self.find(&id) != Some(journey) {
            self.rename(journey, id);
        }
    }

    fn rename(&self, journey: JourneyId, id: Arc<str>) {
        self.remember_mobile(journey, &id);
        self.by_id.update(id, |_| journey);
    }

    /// Whether there was such a journey, however long ago.
    pub(crate) fn has(&self, journey: JourneyId) -> bool {
        journey.0.get() <= self.opened.load(Ordering::Relaxed)
    }

    /// The journey of an id, if there is one.
    pub(crate) fn find(&self, id: &str) -> Option<JourneyId> {
        self.by_id.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journey_is_found_by_each_of_its_ids() {
        let journeys = Journeys::new(&Store::default());
        let first = journeys.of("9000000001");
        journeys.name(first, "handle");
        assert_eq!(journeys.of("9000000001"), first);
        assert_eq!(journeys.find("handle"), Some(first));
        assert_ne!(journeys.of("9000000002"), first);
        assert_eq!(journeys.find("nobody"), None);
        assert!(journeys.has(JourneyId::new(2)));
        assert!(!journeys.has(JourneyId::new(3)));
        assert!("j_0".parse::<JourneyId>().is_err());
        assert_eq!(journeys.ids(first), ["9000000001", "handle"]);
        assert_eq!(journeys.mobile(first).as_deref(), Some("9000000001"));
        assert_eq!(journeys.mobile(journeys.of("a session")), None);
        assert_eq!(first.to_string().parse(), Ok(first));
        assert!("j_".parse::<JourneyId>().is_err());
    }
}
