//! A bounded map that evicts its oldest entries.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Holds at most `capacity` entries; inserting a new key into a full map removes the oldest one.
pub(crate) struct Bounded<K, V> {
    capacity: usize,
    entries: Mutex<Entries<K, V>>,
}

struct Entries<K, V> {
    by_key: HashMap<K, V>,
    /// Each key once, in the order of insertion.
    order: VecDeque<K>,
}

impl<K: Clone + Eq + Hash, V: Clone> Bounded<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Mutex::new(Entries {
                by_key: HashMap::new(),
                order: VecDeque::new(),
            }),
        }
    }

    /// Replaces the value of a key with the result of `value`, which receives the previous one.
    pub(crate) fn update(&self, key: K, value: impl FnOnce(Option<&V>) -> V) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = entries.by_key.get(&key);
        let is_new = previous.is_none();
        let value = value(previous);
        if is_new {
            if self.capacity == 0 {
                return;
            }
            if entries.order.len() == self.capacity
                && let Some(oldest) = entries.order.pop_front()
            {
                entries.by_key.remove(&oldest);
            }
            entries.order.push_back(key.clone());
        }
        entries.by_key.insert(key, value);
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.by_key.get(key).cloned()
    }
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    /// The keys of the values for which this holds, oldest first.
    pub(crate) fn keys_with(&self, holds: impl Fn(&V) -> bool) -> Vec<K> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = Vec::new();
        for key in &entries.order {
            if entries.by_key.get(key).is_some_and(&holds) {
                keys.push(key.clone());
            }
        }
        keys
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
        let map = Bounded::<&str, u8>::new(2);
        map.update("a", |_| 1);
        map.update("b", |_| 1);
        map.update("a", |previous| previous.map_or(0, |value| value + 1));
        assert_eq!((map.get("a"), map.get("b")), (Some(2), Some(1)));
        map.update("c", |_| 1);
        assert_eq!((map.get("a"), map.get("c")), (None, Some(1)));
        assert_eq!(map.keys_with(|value| *value == 1), ["b", "c"]);

        let none = Bounded::<&str, u8>::new(0);
        none.update("a", |_| 1);
        assert_eq!(none.get("a"), None);
    }
}
