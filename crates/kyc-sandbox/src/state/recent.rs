//! A bounded list that forgets its oldest entries.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::store::{Room, Stored};

/// Appends to a list that has at most so many entries. It grows as any list does, and to no more than it needs.
pub(super) fn push<T>(entries: &mut VecDeque<T>, entry: T, capacity: usize) {
    let length = entries.len();
    if length == entries.capacity() {
        let left = capacity.saturating_sub(length).max(1);
        entries.reserve_exact(left.min(length.max(16)));
    }
    entries.push_back(entry);
}

/// The newest entries, oldest first.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    capacity: usize,
    room: Room,
    entries: Mutex<Entries<T>>,
}

#[derive(Debug)]
struct Entries<T> {
    /// The number of the next one; they follow on each other.
    next: u64,
    kept: VecDeque<T>,
}

impl<T: Clone + Stored> Recent<T> {
    /// What was kept in the room, as far as there is space.
    pub(crate) fn new(capacity: usize, room: Room) -> Self {
        let mut entries = Entries {
            next: 0,
            kept: VecDeque::new(),
        };
        for (number, entry) in room.take::<u64, T>() {
            entries.next = number.saturating_add(1);
            entries.kept.push_back(entry);
        }
        let recent = Self {
            capacity,
            room,
            entries: Mutex::new(entries),
        };
        recent.forget(&mut recent.lock());
        recent
    }

    pub(crate) fn add(&self, entry: T) {
        let mut entries = self.lock();
        self.room.put(&entries.next, &entry);
        entries.next = entries.next.saturating_add(1);
        // One more than there may be, before the oldest goes.
        push(&mut entries.kept, entry, self.capacity.saturating_add(1));
        self.forget(&mut entries);
    }

    fn forget(&self, entries: &mut Entries<T>) {
        while entries.kept.len() > self.capacity {
            self.room.remove(&entries.number(0));
            entries.kept.pop_front();
        }
    }

    /// The entries for which this holds, oldest first.
    pub(crate) fn filter(&self, holds: impl Fn(&T) -> bool) -> Vec<T> {
        let entries = self.lock();
        let kept = entries.kept.iter();
        kept.filter(|entry| holds(entry)).cloned().collect()
    }

    /// The newest entry for which this holds.
    pub(crate) fn find(&self, which: impl Fn(&T) -> bool) -> Option<T> {
        let entries = self.lock();
        let mut newest = entries.kept.iter().rev();
        newest.find(|entry| which(entry)).cloned()
    }

    /// Changes the newest entry for which this holds.
    pub(crate) fn change<R>(
        &self,
        which: impl Fn(&T) -> bool,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let mut entries = self.lock();
        let place = entries.kept.iter().rposition(which)?;
        let number = entries.number(place);
        let entry = entries.kept.get_mut(place)?;
        let result = change(entry);
        self.room.put(&number, entry);
        Some(result)
    }
}

impl<T> Recent<T> {
    fn lock(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Entries<T> {
    /// The number of the entry at this place.
    fn number(&self, place: usize) -> u64 {
        let after = self.kept.len().saturating_sub(place);
        let after = u64::try_from(after).unwrap_or(u64::MAX);
        self.next.saturating_sub(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_no_more_memory_than_its_entries_need() {
        let mut entries = VecDeque::new();
        for entry in 0..1_000 {
            if entries.len() == 300 {
                entries.pop_front();
            }
            push(&mut entries, entry, 300);
        }
        assert_eq!((entries.len(), entries.capacity()), (300, 300));
        // A capacity that nobody reaches costs nothing.
        let mut few = VecDeque::new();
        push(&mut few, 1, usize::MAX);
        assert!(few.capacity() < 100);
    }

    #[test]
    fn the_oldest_is_forgotten_and_the_newest_is_changed() {
        let recent = Recent::new(2, Room::default());
        for entry in [1, 2, 3] {
            recent.add(entry);
        }
        assert_eq!(recent.filter(|_| true), [2, 3]);
        assert_eq!(
            recent.change(|_| true, |entry| std::mem::replace(entry, 7)),
            Some(3)
        );
        assert_eq!(recent.filter(|entry| *entry > 2), [7]);
        assert_eq!(recent.change(|entry| *entry == 9, |_| ()), None);
    }
}
