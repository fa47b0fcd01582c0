//! A bounded map that evicts its oldest entries.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::recent::push;
use super::store::{Key, Room, Stored};

/// Holds at most `capacity` entries; inserting a new key into a full map removes the oldest one.
pub(crate) struct Bounded<K, V> {
    capacity: usize,
    room: Room,
    entries: Mutex<Entries<K, V>>,
}

struct Entries<K, V> {
    by_key: HashMap<K, V>,
    /// Each key once, in the order of insertion.
    order: VecDeque<K>,
}

impl<K: Clone + Eq + Hash + Stored, V: Clone + Stored> Bounded<K, V> {
    /// What was kept in the room, as far as there is space.
    pub(crate) fn new(capacity: usize, room: Room) -> Self {
        let kept: Vec<(K, V)> = room.take();
        let mut order: VecDeque<K> = kept.iter().map(|(key, _)| key.clone()).collect();
        let mut by_key: HashMap<K, V> = kept.into_iter().collect();
        while order.len() > capacity
            && let Some(oldest) = order.pop_front()
        {
            by_key.remove(&oldest);
            room.remove(&oldest);
        }
        Self {
            capacity,
            room,
            entries: Mutex::new(Entries { by_key, order }),
        }
    }

    /// Replaces the value of a key with the result of `value`, which receives the previous one.
    pub(crate) fn update(&self, key: K, value: impl FnOnce(Option<&V>) -> V) {
        self.replace(key, |previous| (value(previous), ()));
    }

    /// The same, and hands out what else `value` results in.
    pub(crate) fn replace<R>(&self, key: K, value: impl FnOnce(Option<&V>) -> (V, R)) -> R {
        let mut entries = self.lock();
        let previous = entries.by_key.get(&key);
        let is_new = previous.is_none();
        let (value, result) = value(previous);
        if is_new {
            if self.capacity == 0 {
                return result;
            }
            if entries.order.len() == self.capacity
                && let Some(oldest) = entries.order.pop_front()
            {
                entries.by_key.remove(&oldest);
                self.room.remove(&oldest);
                entries.tidy(self.capacity);
            }
            push(&mut entries.order, key.clone(), self.capacity);
        }
        self.room.put(&key, &value);
        entries.by_key.insert(key, value);
        result
    }

    /// Forgets the oldest entries until the others weigh no more than this.
    pub(crate) fn trim(&self, weight: impl Fn(&V) -> usize, most: usize) {
        let mut entries = self.lock();
        let weights = entries.by_key.values().map(&weight);
        let mut total = weights.fold(0_usize, usize::saturating_add);
        while total > most
            && let Some(oldest) = entries.order.pop_front()
        {
            let removed = entries.by_key.remove(&oldest);
            self.room.remove(&oldest);
            total = total.saturating_sub(removed.as_ref().map_or(0, &weight));
        }
    }

    /// Changes the value of a key, if there is one.
    pub(crate) fn change<Q, R>(&self, key: &Q, change: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + Key + ?Sized,
    {
        let mut entries = self.lock();
        let value = entries.by_key.get_mut(key)?;
        let result = change(value);
        self.room.put(key, value);
        Some(result)
    }

    /// The values for which this holds, oldest first.
    pub(crate) fn filter(&self, holds: impl Fn(&V) -> bool) -> Vec<(K, V)> {
        let entries = self.lock();
        let all = entries.order.iter();
        all.filter_map(|key| Some((key, entries.by_key.get(key)?)))
            .filter(|(_, value)| holds(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.lock();
        entries.by_key.get(key).cloned()
    }
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    /// The keys of the values for which this holds, oldest first.
    pub(crate) fn keys_with(&self, holds: impl Fn(&V) -> bool) -> Vec<K> {
        let entries = self.lock();
        let mut keys = Vec::new();
        for key in &entries.order {
            if entries.by_key.get(key).is_some_and(&holds) {
                keys.push(key.clone());
            }
        }
        keys
    }
}

impl<K: Eq + Hash, V> Entries<K, V> {
    /// Makes the table anew where it has no place left but those of what was removed from it, for which it would be doubled.
    fn tidy(&mut self, capacity: usize) {
        if self.by_key.len() == self.by_key.capacity() {
            let kept = mem::take(&mut self.by_key);
            // With some places more, so that this is rare.
            self.by_key = HashMap::with_capacity(capacity.saturating_add(capacity / 8));
            self.by_key.extend(kept);
        }
    }
}

impl<K, V> Bounded<K, V> {
    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for Bounded<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_key_is_evicted_and_an_update_is_not_a_new_key() {
        let map = Bounded::<String, u8>::new(2, Room::default());
        map.update("a".to_owned(), |_| 1);
        map.update("b".to_owned(), |_| 1);
        map.update("a".to_owned(), |previous| {
            previous.map_or(0, |value| value + 1)
        });
        assert_eq!((map.get("a"), map.get("b")), (Some(2), Some(1)));
        map.update("c".to_owned(), |_| 1);
        assert_eq!((map.get("a"), map.get("c")), (None, Some(1)));
        assert_eq!(map.keys_with(|value| *value == 1), ["b", "c"]);

        map.update("b".to_owned(), |_| 5);
        map.trim(|value| usize::from(*value), 5);
        assert_eq!((map.get("b"), map.get("c")), (None, Some(1)));

        let none = Bounded::<String, u8>::new(0, Room::default());
        none.update("a".to_owned(), |_| 1);
        assert_eq!(none.get("a"), None);
    }

    #[test]
    fn a_map_does_not_grow_for_what_it_has_forgotten() {
        let map = Bounded::<u32, u32>::new(1_000, Room::default());
        for key in 0..50_000 {
            map.update(key, |_| key);
        }
        assert_eq!(map.get(&49_000), Some(49_000));
        assert_eq!(map.filter(|_| true).len(), 1_000);
        let entries = map.lock();
        assert!(entries.by_key.capacity() < 2_000);
    }
}
