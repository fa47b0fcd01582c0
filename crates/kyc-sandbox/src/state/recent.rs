//! A bounded list that forgets its oldest entries.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The newest entries, oldest first.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    capacity: usize,
    entries: Mutex<VecDeque<T>>,
}

impl<T: Clone> Recent<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Mutex::default(),
        }
    }

    pub(crate) fn add(&self, entry: T) {
        let mut entries = self.lock();
        entries.push_back(entry);
        if entries.len() > self.capacity {
            entries.pop_front();
        }
    }

    /// The entries for which this holds, oldest first.
    pub(crate) fn filter(&self, holds: impl Fn(&T) -> bool) -> Vec<T> {
        self.lock()
            .iter()
            .filter(|entry| holds(entry))
            .cloned()
            .collect()
    }

    /// The newest entry for which this holds.
    pub(crate) fn find(&self, which: impl Fn(&T) -> bool) -> Option<T> {
        self.lock().iter().rev().find(|entry| which(entry)).cloned()
    }

    /// Changes the newest entry for which this holds.
    pub(crate) fn change<R>(
        &self,
        which: impl Fn(&T) -> bool,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        self.lock()
            .iter_mut()
            .rev()
            .find(|entry| which(entry))
            .map(change)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn the_oldest_is_forgotten_and_the_newest_is_changed() {
        let recent = Recent::new(2);
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
