//! A bounded map that evicts its oldest entries.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;

use super::recent::push;
use super::store::{Key, Room, Stored};

/// Holds at most `capacity` entries; inserting a new key into a full map removes the oldest one.
pub(crate) struct Bounded<K, V> {
    capacity: usize,
    room: Room,
    entries: Mutex<Entries<K, V>>,
}

/// Each key is in memory once, and so is its value: the table has their numbers only.
struct Entries<K, V> {
    hasher: RandomState,
    /// The numbers of the entries, by their keys.
    numbers: HashTable<u32>,
    /// The number of the oldest; those of the others follow on it, after the highest one from 0 again.
    first: u32,
    /// In the order of insertion.
    kept: VecDeque<(K, V)>,
}

impl<K: Clone + Eq + Hash + Stored, V: Clone + Stored> Bounded<K, V> {
    /// What was kept in the room, as far as there is space.
    pub(crate) fn new(capacity: usize, room: Room) -> Self {
        let mut entries = Entries {
            hasher: RandomState::new(),
            numbers: HashTable::new(),
            first: 0,
            kept: VecDeque::new(),
        };
        for (key, value) in room.take() {
            entries.insert(key, value, capacity);
            if entries.kept.len() > capacity
                && let Some((oldest, _)) = entries.pop_oldest()
            {
                room.remove(&oldest);
            }
        }
        Self {
            capacity,
            room,
            entries: Mutex::new(entries),
        }
    }

    /// Replaces the value of a key with the result of `value`, which receives the previous one.
    pub(crate) fn update(&self, key: K, value: impl FnOnce(Option<&V>) -> V) {
        self.replace(key, |previous| (value(previous), ()));
    }

    /// The same, and hands out what else `value` results in.
    pub(crate) fn replace<R>(&self, key: K, value: impl FnOnce(Option<&V>) -> (V, R)) -> R {
        let mut entries = self.lock();
        if let Some((key, previous)) = entries.get_mut(&key) {
            let (value, result) = value(Some(previous));
            self.room.put(key, &value);
            *previous = value;
            return result;
        }
        let (value, result) = value(None);
        if self.capacity == 0 {
            return result;
        }
        if entries.kept.len() == self.capacity
            && let Some((oldest, _)) = entries.pop_oldest()
        {
            self.room.remove(&oldest);
        }
        self.room.put(&key, &value);
        entries.insert(key, value, self.capacity);
        result
    }

    /// Forgets the oldest entries until the others weigh no more than this.
    pub(crate) fn trim(&self, weight: impl Fn(&V) -> usize, most: usize) {
        let mut entries = self.lock();
        let weights = entries.kept.iter().map(|(_, value)| weight(value));
        let mut total = weights.fold(0_usize, usize::saturating_add);
        while total > most
            && let Some((oldest, removed)) = entries.pop_oldest()
        {
            self.room.remove(&oldest);
            total = total.saturating_sub(weight(&removed));
        }
    }

    /// Changes the value of a key, if there is one.
    pub(crate) fn change<Q, R>(&self, key: &Q, change: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + Key + ?Sized,
    {
        let mut entries = self.lock();
        let (_, value) = entries.get_mut(key)?;
        let result = change(value);
        self.room.put(key, value);
        Some(result)
    }

    /// The values for which this holds, oldest first.
    pub(crate) fn filter(&self, holds: impl Fn(&V) -> bool) -> Vec<(K, V)> {
        let entries = self.lock();
        let all = entries.kept.iter();
        all.filter(|(_, value)| holds(value)).cloned().collect()
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.lock();
        let (_, value) = entries.kept.get(entries.place(key)?)?;
        Some(value.clone())
    }
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    /// The keys of the values for which this holds, oldest first.
    pub(crate) fn keys_with(&self, holds: impl Fn(&V) -> bool) -> Vec<K> {
        let entries = self.lock();
        let found = entries.kept.iter().filter(|(_, value)| holds(value));
        found.map(|(key, _)| key.clone()).collect()
    }
}

impl<K: Eq + Hash, V> Entries<K, V> {
    /// Where the entry of a key is kept.
    fn place<Q>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let at = |number: u32| usize::try_from(number.wrapping_sub(self.first)).ok();
        let is = |number: &u32| {
            let entry = at(*number).and_then(|place| self.kept.get(place));
            entry.is_some_and(|(known, _)| known.borrow() == key)
        };
        at(*self.numbers.find(self.hasher.hash_one(key), is)?)
    }

    fn get_mut<Q>(&mut self, key: &Q) -> Option<(&K, &mut V)>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let place = self.place(key)?;
        let (key, value) = self.kept.get_mut(place)?;
        Some((key, value))
    }

    /// Adds an entry whose key is not there.
    fn insert(&mut self, key: K, value: V, capacity: usize) {
        if self.numbers.len() == self.numbers.capacity() {
            self.make_place(capacity);
        }
        let hash = self.hasher.hash_one(&key);
        let number = self.number_of(self.kept.len());
        // The table has a place for it, so that no entry is looked at for its hash.
        self.numbers.insert_unique(hash, number, |_| hash);
        push(&mut self.kept, (key, value), capacity.saturating_add(1));
    }

    fn pop_oldest(&mut self) -> Option<(K, V)> {
        let (key, value) = self.kept.pop_front()?;
        let first = self.first;
        let hash = self.hasher.hash_one(&key);
        if let Ok(found) = self.numbers.find_entry(hash, |number| *number == first) {
            found.remove();
        }
        self.first = first.wrapping_add(1);
        Some((key, value))
    }

    /// Fills the table anew where it has no place left, but for those of what was removed from it. It grows to what the capacity
    /// needs and some places more, so that this is rare.
    fn make_place(&mut self, capacity: usize) {
        let most = capacity.saturating_add(capacity / 8).saturating_add(1);
        let twice = self.kept.len().saturating_mul(2).max(16).min(most);
        if twice > self.numbers.capacity() {
            self.numbers = HashTable::with_capacity(twice);
        } else {
            self.numbers.clear();
        }
        for (place, (key, _)) in self.kept.iter().enumerate() {
            let hash = self.hasher.hash_one(key);
            let number = self.number_of(place);
            self.numbers.insert_unique(hash, number, |_| hash);
        }
    }

    fn number_of(&self, place: usize) -> u32 {
        // No list is so long.
        self.first
            .wrapping_add(u32::try_from(place).unwrap_or(u32::MAX))
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
        assert!(entries.numbers.capacity() < 2_000 && entries.kept.capacity() <= 1_001);
    }

    #[test]
    fn entries_are_found_when_their_numbers_begin_again() {
        let map = Bounded::<u32, u32>::new(3, Room::default());
        map.lock().first = u32::MAX - 1;
        for key in 0..10 {
            map.update(key, |_| key);
            assert_eq!(map.change(&key, |value| *value += 100), Some(()));
        }
        assert_eq!(map.get(&6), None);
        assert_eq!(map.filter(|_| true), [(7, 107), (8, 108), (9, 109)]);
    }
}
