//! Keeps nothing: all state is in memory. The form is that of [`file`](super::file).

/// Why something could not be written: never.
pub(crate) use std::convert::Infallible as Unwritten;

/// What can be kept.
pub(crate) trait Stored {}

impl<T> Stored for T {}

/// By what something that is kept is found.
pub(crate) trait Key {}

impl<T: ?Sized> Key for T {}

#[derive(Debug, Clone, Default)]
pub(crate) struct Store(());

impl Store {
    pub(crate) fn room(&self, _name: &'static str) -> Room {
        Room(())
    }

    pub(crate) fn is_kept(&self) -> bool {
        false
    }

    pub(crate) fn has_changes(&self) -> bool {
        false
    }

    pub(crate) fn write(&self) -> Result<(), Unwritten> {
        Ok(())
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Room(());

impl Room {
    pub(crate) fn is_kept(&self) -> bool {
        false
    }

    pub(crate) fn take<K, V>(&self) -> Vec<(K, V)> {
        Vec::new()
    }

    pub(crate) fn put<K: ?Sized, V: ?Sized>(&self, _key: &K, _value: &V) {}

    pub(crate) fn remove<K: ?Sized>(&self, _key: &K) {}
}
