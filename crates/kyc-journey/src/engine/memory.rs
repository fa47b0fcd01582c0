//! An engine that keeps journeys in memory: for tests, simulations, and runs that need not outlive their process.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::outbox::{Due, Lane, Outbox, RunLease};
use super::recording::{Lookup, Machine, Recording, Settles};
use super::stored::{PAGE, PARKED};
use super::{
    EngineError, EngineErrorKind, HistoryEntry, JourneyEngine, JourneyFilter, JourneyPage,
    JourneyRecord, JourneySummary, PageToken, Reported, Submitted,
};
use crate::machine::{Journey, apply};
use crate::values::{
    DataClass, Effect, EffectId, EffectKind, Event, EventKey, Fact, JourneyId, Leg, Payload,
    Provider, Seq, TimerName, Verdict,
};

/// An engine that keeps everything in the memory of the process. It promises what every engine promises, except that nothing
/// outlives the process. Clones share what is stored.
#[derive(Clone)]
pub struct MemoryEngine {
    store: Arc<Mutex<Store>>,
    changed: Arc<Notify>,
    is_run: Arc<AtomicBool>,
    machine: Machine,
}

impl fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEngine").finish_non_exhaustive()
    }
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryEngine {
    /// An engine without journeys.
    pub fn new() -> Self {
        Self {
            store: Arc::default(),
            changed: Arc::default(),
            is_run: Arc::default(),
            machine: apply,
        }
    }

    /// Applies events by another machine than [`apply`].
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_machine(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is stored, and tells the runner.
    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let changed = change(&mut self.store());
        self.changed.notify_one();
        changed
    }
}

#[derive(Debug, Default)]
struct Store {
    journeys: BTreeMap<JourneyId, Stored>,
    /// What is still to be done, by lane and time.
    outbox: BTreeMap<Waiting, Pending>,
    /// Where each effect stands in the outbox.
    waiting: HashMap<EffectId, Waiting>,
    references: HashMap<Lookup, JourneyId>,
    parked: Vec<(Vec<Lookup>, Event)>,
}

#[derive(Debug)]
struct Stored {
    state: Journey,
    created_at: Timestamp,
    updated_at: Timestamp,
    keys: HashMap<EventKey, Seq>,
    history: Vec<HistoryEntry>,
    payloads: BTreeMap<Seq, (Option<Leg>, Payload)>,
    timers: HashMap<TimerName, (u64, EffectId)>,
}

/// The place of an effect in the outbox.
type Waiting = (Lane, Timestamp, JourneyId, Seq, u32);

#[derive(Debug)]
struct Pending {
    effect: Effect,
    is_begun: bool,
}

impl Store {
    fn submit(
        &mut self,
        machine: Machine,
        id: &JourneyId,
        event: Event,
    ) -> Result<Submitted, EngineError> {
        let fresh = matches!(event.fact, Fact::Start { .. }).then(|| Journey::new(id.clone()));
        let known = self.journeys.get(id);
        let seen = known.and_then(|journey| journey.keys.get(&event.key));
        if let (Some(journey), Some(seq)) = (known, seen) {
            return Ok(Submitted {
                seq: *seq,
                verdict: Verdict::Duplicate,
                reason: None,
                status: journey.state.status(),
            });
        }
        let before = known.map(|journey| journey.state.clone()).or(fresh);
        let before = before.ok_or_else(|| EngineError::new(EngineErrorKind::UnknownJourney))?;
        let recording = Recording::of(machine, &before, event);
        let submitted = Submitted {
            seq: recording.entry.seq,
            verdict: recording.entry.verdict,
            reason: recording.entry.reason,
            status: recording.state.status(),
        };
        // The machine remembers some keys by itself.
        if submitted.verdict == Verdict::Duplicate {
            return Ok(submitted);
        }
        let added = recording.added.clone();
        self.keep(id, recording);
        self.adopt(machine, id, added)?;
        Ok(submitted)
    }

    /// Stores what an event did.
    fn keep(&mut self, id: &JourneyId, recording: Recording) {
        let Recording {
            state,
            entry,
            payload,
            settles,
            ..
        } = recording;
        let at = entry.at;
        let journey = self.journeys.entry(id.clone()).or_insert_with(|| Stored {
            state: state.clone(),
            created_at: at,
            updated_at: at,
            keys: HashMap::new(),
            history: Vec::new(),
            payloads: BTreeMap::new(),
            timers: HashMap::new(),
        });
        journey.state = state;
        journey.updated_at = at;
        journey.keys.insert(entry.key.clone(), entry.seq);
        let settled = match settles {
            Some(Settles::Effect(effect)) => Some(effect),
            Some(Settles::Timer(name, fired)) => match journey.timers.get(&name) {
                Some((generation, _)) if *generation == fired => {
                    journey.timers.remove(&name).map(|(_, effect)| effect)
                }
                _ => None,
            },
            None => None,
        };
        let mut gone: Vec<EffectId> = settled.into_iter().collect();
        let mut new = Vec::new();
        for effect in &entry.effects {
            match &effect.kind {
                EffectKind::Timer {
                    name, generation, ..
                } => {
                    let timer = (*generation, effect.id.clone());
                    let replaced = journey.timers.insert(name.clone(), timer);
                    gone.extend(replaced.map(|(_, effect)| effect));
                }
                EffectKind::CancelCall(call) if call.journey == *id => {
                    let waiting = self.waiting.get(call);
                    let pending = waiting.and_then(|waiting| self.outbox.get(waiting));
                    let is_begun = pending.is_some_and(|pending| pending.is_begun);
                    gone.extend((!is_begun).then(|| call.clone()));
                }
                EffectKind::CancelTimer(name) => {
                    let cancelled = journey.timers.remove(name);
                    gone.extend(cancelled.map(|(_, effect)| effect));
                }
                EffectKind::Erase { leg, class } => journey.erase(*leg, *class),
                _ => {}
            }
            if Lane::of(&effect.kind).is_some() {
                new.push(effect.clone());
            }
        }
        if let Some(payload) = payload {
            journey.payloads.insert(entry.seq, payload);
        }
        journey.history.push(entry);
        for effect in new {
            self.enqueue(effect, at);
        }
        for effect in gone {
            self.remove(&effect);
        }
    }

    fn enqueue(&mut self, effect: Effect, at: Timestamp) {
        let Some(lane) = Lane::of(&effect.kind) else {
            return;
        };
        let id = effect.id.clone();
        let waiting = (lane, effect.due(at), id.journey.clone(), id.seq, id.ordinal);
        self.waiting.insert(id, waiting.clone());
        let is_begun = false;
        self.outbox.insert(waiting, Pending { effect, is_begun });
    }

    fn remove(&mut self, effect: &EffectId) {
        if let Some(waiting) = self.waiting.remove(effect) {
            self.outbox.remove(&waiting);
        }
    }

    /// Makes a journey known by these, and applies what was parked for it.
    fn adopt(
        &mut self,
        machine: Machine,
        id: &JourneyId,
        added: Vec<Lookup>,
    ) -> Result<(), EngineError> {
        for lookup in added {
            // A reference that two journeys claim stays the first one's.
            self.references
                .entry(lookup.clone())
                .or_insert_with(|| id.clone());
            let parked = std::mem::take(&mut self.parked);
            let (found, others) = parked
                .into_iter()
                .partition(|(lookups, _)| lookups.contains(&lookup));
            self.parked = others;
            let found: Vec<(Vec<Lookup>, Event)> = found;
            for (_, event) in found {
                self.submit(machine, id, event)?;
            }
        }
        Ok(())
    }

    fn forget(&mut self, id: &JourneyId) {
        self.journeys.remove(id);
        self.references.retain(|_, journey| journey != id);
        let waiting: Vec<EffectId> = self
            .waiting
            .keys()
            .filter(|effect| effect.journey == *id)
            .cloned()
            .collect();
        for effect in waiting {
            self.remove(&effect);
        }
    }

    fn due(&self, now: Timestamp, room: &[(Lane, usize)], under_way: &HashSet<EffectId>) -> Due {
        let mut due = Due::default();
        for (lane, room) in room {
            let of_lane = self
                .outbox
                .iter()
                .filter(|((waiting, ..), _)| waiting == lane);
            let mut free = *room;
            for ((_, at, ..), pending) in of_lane {
                // What is no timer is due at once, also after the clock was set back.
                if *lane == Lane::Timers && *at > now {
                    due.next = Some(*at);
                    break;
                }
                if free > 0 && !pending.is_begun && !under_way.contains(&pending.effect.id) {
                    due.effects.push(pending.effect.clone());
                    free = free.saturating_sub(1);
                }
            }
        }
        due
    }

    fn list(&self, filter: &JourneyFilter, after: Option<(Timestamp, JourneyId)>) -> JourneyPage {
        let matches = |journey: &&Stored| {
            let status = journey.state.status();
            let stale = |since| journey.updated_at <= since;
            (filter.statuses.is_empty() || filter.statuses.contains(&status))
                && filter.unchanged_since.is_none_or(stale)
        };
        let order: BTreeSet<_> = self
            .journeys
            .values()
            .filter(matches)
            .map(|journey| (journey.updated_at, journey.state.id().clone()))
            .collect();
        let mut places = order
            .into_iter()
            .rev()
            .filter(|place| after.as_ref().is_none_or(|after| place < after));
        let mut page = JourneyPage::default();
        let mut last = None;
        for place in places.by_ref().take(PAGE) {
            page.journeys
                .extend(self.journeys.get(&place.1).map(Stored::summary));
            last = Some(place);
        }
        page.next = places
            .next()
            .and(last)
            .map(|(at, id)| PageToken::after(at, &id));
        page
    }
}

impl Stored {
    fn erase(&mut self, leg: Option<Leg>, class: DataClass) {
        self.payloads.retain(|_, (of_leg, payload)| {
            payload.class != class || leg.is_some() && *of_leg != leg
        });
    }

    fn summary(&self) -> JourneySummary {
        JourneySummary {
            id: self.state.id().clone(),
            status: self.state.status(),
            seq: self.state.seq(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

#[async_trait]
impl JourneyEngine for MemoryEngine {
    async fn submit(&self, journey: &JourneyId, event: Event) -> Result<Submitted, EngineError> {
        self.change(|store| store.submit(self.machine, journey, event))
    }

    async fn report(&self, provider: Provider, event: Event) -> Result<Reported, EngineError> {
        let lookups = Lookup::of(provider, &event.fact);
        self.change(|store| {
            let found = lookups
                .iter()
                .find_map(|lookup| store.references.get(lookup).cloned());
            if let Some(id) = found {
                let submitted = store.submit(self.machine, &id, event)?;
                return Ok(Reported::Submitted(id, submitted));
            }
            let oldest = event.at.checked_sub(PARKED).unwrap_or(Timestamp::MIN);
            let parked = &mut store.parked;
            parked.retain(|(_, other)| other.at >= oldest && other.key != event.key);
            parked.push((lookups, event));
            Ok(Reported::Parked)
        })
    }

    async fn read(&self, journey: &JourneyId) -> Result<Option<JourneyRecord>, EngineError> {
        let store = self.store();
        Ok(store.journeys.get(journey).map(|journey| JourneyRecord {
            state: journey.state.clone(),
            created_at: journey.created_at,
            updated_at: journey.updated_at,
        }))
    }

    async fn history(
        &self,
        journey: &JourneyId,
        after: Seq,
    ) -> Result<Vec<HistoryEntry>, EngineError> {
        let store = self.store();
        let history = store
            .journeys
            .get(journey)
            .map_or(&[][..], |journey| &journey.history);
        Ok(history
            .iter()
            .filter(|entry| entry.seq > after)
            .cloned()
            .collect())
    }

    async fn payload(&self, journey: &JourneyId, seq: Seq) -> Result<Option<Payload>, EngineError> {
        let store = self.store();
        let journey = store.journeys.get(journey);
        let kept = journey.and_then(|journey| journey.payloads.get(&seq));
        Ok(kept.map(|(_, payload)| payload.clone()))
    }

    async fn list(
        &self,
        filter: &JourneyFilter,
        page: PageToken,
    ) -> Result<JourneyPage, EngineError> {
        let after = page.place()?;
        Ok(self.store().list(filter, after))
    }

    async fn forget(&self, journey: &JourneyId) -> Result<(), EngineError> {
        self.change(|store| store.forget(journey));
        Ok(())
    }
}

#[async_trait]
impl Outbox for MemoryEngine {
    fn begin(&self) -> Result<RunLease, EngineError> {
        RunLease::take(&self.is_run)
    }

    async fn interrupted(&self) -> Result<Vec<Effect>, EngineError> {
        let store = self.store();
        let begun = store.outbox.values().filter(|pending| pending.is_begun);
        Ok(begun.map(|pending| pending.effect.clone()).collect())
    }

    async fn due(
        &self,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Result<Due, EngineError> {
        Ok(self.store().due(now, room, under_way))
    }

    async fn mark(&self, effect: &EffectId) -> Result<bool, EngineError> {
        let mut store = self.store();
        let store = &mut *store;
        let pending = store
            .waiting
            .get(effect)
            .and_then(|waiting| store.outbox.get_mut(waiting));
        Ok(pending.is_some_and(|pending| !std::mem::replace(&mut pending.is_begun, true)))
    }

    async fn is_waiting(&self, effect: &EffectId) -> Result<bool, EngineError> {
        Ok(self.store().waiting.contains_key(effect))
    }

    async fn done(&self, effect: &EffectId) -> Result<(), EngineError> {
        self.store().remove(effect);
        Ok(())
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}
