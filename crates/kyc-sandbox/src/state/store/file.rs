//! Keeps each change until the next answer, and writes all of them in one transaction.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::{Database, Row, StateFileError};

/// What can be kept.
pub(crate) trait Stored: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Stored for T {}

/// By what something that is kept is found.
pub(crate) trait Key: Serialize {}

impl<T: Serialize + ?Sized> Key for T {}

/// A file of the state, or none. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Store(Option<Arc<File>>);

struct File {
    /// Locked before the changes, so that whoever finds none waits until they are written.
    database: Mutex<Database>,
    changes: Mutex<Changes>,
}

#[derive(Default)]
struct Changes {
    /// What was found, until its collection takes it.
    found: BTreeMap<String, Vec<(String, String)>>,
    /// The first room with something that could not be read or written.
    unreadable: Option<String>,
    /// The place of the next row: they are read in the order in which they were first put.
    next_place: i64,
    rows: BTreeMap<(&'static str, String), Change>,
}

/// What becomes of a row.
pub(super) enum Change {
    Put {
        place: i64,
        /// Whether the row gets a new place, because it was removed meanwhile.
        moves: bool,
        body: String,
    },
    Removed,
}

impl Change {
    /// The change after an earlier one of the same row.
    fn after(self, earlier: &Self) -> Self {
        match (self, earlier) {
            (Self::Put { place, body, .. }, Self::Removed) => Self::Put {
                place,
                moves: true,
                body,
            },
            (Self::Put { body, .. }, Self::Put { place, moves, .. }) => Self::Put {
                place: *place,
                moves: *moves,
                body,
            },
            (Self::Removed, _) => Self::Removed,
        }
    }
}

impl Store {
    /// Opens the file, or makes it. No row is written before [`begin`](Self::begin).
    pub(crate) fn open(path: &Path) -> Result<Self, StateFileError> {
        let (database, rows) = Database::open(path)?;
        let mut changes = Changes::default();
        for Row {
            place,
            room,
            key,
            body,
        } in rows
        {
            changes.next_place = changes.next_place.max(place.saturating_add(1));
            changes.found.entry(room).or_default().push((key, body));
        }
        Ok(Self(Some(Arc::new(File {
            database: Mutex::new(database),
            changes: Mutex::new(changes),
        }))))
    }

    /// Begins to write, if every collection could read what was kept of it.
    pub(crate) fn begin(&self) -> Result<(), StateFileError> {
        let Some(file) = &self.0 else {
            return Ok(());
        };
        let mut changes = file.changes();
        let left = changes.found.keys().next().cloned();
        if let Some(room) = changes.unreadable.take().or(left) {
            return Err(StateFileError::Unreadable { room });
        }
        drop(changes);
        file.database().begin();
        Ok(())
    }

    /// The room of this name, which each collection has for itself.
    pub(crate) fn room(&self, name: &'static str) -> Room {
        let file = self.0.clone();
        Room(file.map(|file| (file, name)))
    }

    /// Whether nothing was found that no collection has taken.
    pub(crate) fn is_empty(&self) -> bool {
        let file = self.0.as_ref();
        file.is_none_or(|file| file.changes().found.is_empty())
    }

    /// Whether there is a file.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn has_changes(&self) -> bool {
        let file = self.0.as_ref();
        file.is_some_and(|file| !file.changes().rows.is_empty())
    }

    /// Writes what has changed since the last time, all or nothing. What could not be written is tried again the next time.
    pub(crate) fn write(&self) -> Result<(), StateFileError> {
        match &self.0 {
            Some(file) => file.write(),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("is_kept", &self.is_kept())
            .finish_non_exhaustive()
    }
}

impl File {
    fn write(&self) -> Result<(), StateFileError> {
        let mut database = self.database();
        if !database.has_begun() {
            return Ok(());
        }
        let mut changes = self.changes();
        if let Some(room) = changes.unreadable.clone() {
            return Err(StateFileError::Unreadable { room });
        }
        let rows = mem::take(&mut changes.rows);
        drop(changes);
        if rows.is_empty() {
            return Ok(());
        }
        let written = database.write(&rows);
        if written.is_err() {
            let mut changes = self.changes();
            for (row, earlier) in rows {
                let change = match changes.rows.remove(&row) {
                    Some(later) => later.after(&earlier),
                    None => earlier,
                };
                changes.rows.insert(row, change);
            }
        }
        written
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Whoever was answered was told of an error; nobody is left to be told now.
        let _written = self.write();
    }
}

/// What is kept of one collection, in the order in which it was first put.
#[derive(Clone, Default)]
pub(crate) struct Room(Option<(Arc<File>, &'static str)>);

impl Room {
    /// Whether there is a file.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// What was kept of it when the file was opened. The second time there is nothing.
    pub(crate) fn take<K: Stored, V: Stored>(&self) -> Vec<(K, V)> {
        let Some((file, name)) = &self.0 else {
            return Vec::new();
        };
        let mut changes = file.changes();
        let found = changes.found.remove(*name).unwrap_or_default();
        let read = |(key, body): &(String, String)| {
            Ok((serde_json::from_str(key)?, serde_json::from_str(body)?))
        };
        let read: Result<Vec<_>, serde_json::Error> = found.iter().map(read).collect();
        read.unwrap_or_else(|_| {
            changes.unreadable.get_or_insert_with(|| (*name).to_owned());
            Vec::new()
        })
    }

    /// Keeps a value instead of the one that it replaces.
    pub(crate) fn put<K: Key + ?Sized, V: Serialize + ?Sized>(&self, key: &K, value: &V) {
        let Some((file, name)) = &self.0 else {
            return;
        };
        let body = serde_json::to_string(value);
        file.change(name, key, |place| {
            Ok(Change::Put {
                place,
                moves: false,
                body: body?,
            })
        });
    }

    /// Keeps a value no longer.
    pub(crate) fn remove<K: Key + ?Sized>(&self, key: &K) {
        if let Some((file, name)) = &self.0 {
            file.change(name, key, |_| Ok(Change::Removed));
        }
    }
}

impl File {
    fn change<K: Key + ?Sized>(
        &self,
        room: &'static str,
        key: &K,
        change: impl FnOnce(i64) -> serde_json::Result<Change>,
    ) {
        let key = serde_json::to_string(key);
        let mut changes = self.changes();
        let place = changes.next_place;
        match key.and_then(|key| Ok((key, change(place)?))) {
            Ok((key, change)) => {
                changes.next_place = place.saturating_add(1);
                let row = (room, key);
                let change = match changes.rows.get(&row) {
                    Some(earlier) => change.after(earlier),
                    None => change,
                };
                changes.rows.insert(row, change);
            }
            Err(_) => {
                changes.unreadable.get_or_insert_with(|| room.to_owned());
            }
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.as_ref().map(|(_, name)| *name);
        f.debug_tuple("Room").field(&name).finish()
    }
}

#[cfg(test)]
mod tests {
    use provider_core::{Body, ExchangeLimits, Transport as _};
    use tempfile::TempDir;

    use super::*;
    use crate::state::{Bounded, Ids, Recent};
    use crate::{ClockMode, Sandbox, Settings};

    fn opened(directory: &TempDir) -> Store {
        Store::open(&directory.path().join("state")).unwrap()
    }

    #[test]
    fn rows_are_kept_in_their_order_whatever_was_changed_between() {
        let directory = TempDir::new().unwrap();
        let map = |store: &Store, capacity| {
            let map = Bounded::<String, u8>::new(capacity, store.room("map"));
            let list = Recent::<u8>::new(capacity, store.room("list"));
            store.begin().unwrap();
            (map, list)
        };
        let all = |map: &Bounded<String, u8>| map.filter(|_| true);
        let entries = |pairs: &[(&str, u8)]| -> Vec<_> {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| ((*key).to_owned(), *value))
                .collect()
        };
        {
            let store = opened(&directory);
            let (map, list) = map(&store, 3);
            for (key, value) in entries(&[("a", 1), ("b", 2), ("c", 3)]) {
                map.update(key, |_| value);
                list.add(value);
            }
            store.write().unwrap();
            // Forgotten and made again before anything is written: it is the newest now.
            for (key, value) in entries(&[("d", 4), ("a", 5), ("c", 6)]) {
                map.update(key, |_| value);
                list.add(value);
            }
            list.change(|entry| *entry == 5, |entry| *entry = 7);
        }
        let store = opened(&directory);
        let (kept, list) = map(&store, 3);
        assert_eq!(all(&kept), entries(&[("c", 6), ("d", 4), ("a", 5)]));
        assert_eq!(list.filter(|_| true), [4, 7, 6]);
        drop((kept, list, store));
        // With less space the oldest are forgotten, and for good.
        for _ in 0..2 {
            let store = opened(&directory);
            let (kept, list) = map(&store, 1);
            assert_eq!(all(&kept), entries(&[("a", 5)]));
            assert_eq!(list.filter(|_| true), [6]);
        }
    }

    #[test]
    fn an_id_is_known_again() {
        let directory = TempDir::new().unwrap();
        let ids = || {
            let store = opened(&directory);
            let ids = Ids::new(false, store.room("ids"));
            store.begin().unwrap();
            ids
        };
        let id = ids().uuid();
        assert!(ids().made(id));
        assert!(!ids().made(uuid::Uuid::new_v4()));
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_not_answered_and_is_written_later() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("state");
        let sandbox = Sandbox::open(Settings::default(), &path).unwrap();
        let Some(file) = &sandbox.simulation().store.0 else {
            unreachable!("it is kept");
        };
        let change = |statement| file.database().execute_for_tests(statement);
        let clock = async || {
            let uri = "http://localhost/sandbox/clock";
            let request = http::Request::get(uri).body(Body::default()).unwrap();
            let limits = ExchangeLimits::new(std::time::Duration::from_secs(1), 1024);
            let reply = sandbox.transport().send(request, limits).await.unwrap();
            let body = String::from_utf8_lossy(reply.body()).into_owned();
            (reply.status().as_u16(), body)
        };
        change("ALTER TABLE entry RENAME TO away");
        sandbox.set_clock_mode(ClockMode::Frozen);
        for _ in 0..2 {
            let (status, body) = clock().await;
            assert_eq!(status, 500);
            assert!(body.contains("the state file could not be read or written"));
        }
        change("ALTER TABLE away RENAME TO entry");
        assert_eq!(clock().await.0, 200);
        // As if the process ended here, without a farewell.
        file.changes().rows.clear();
        drop(sandbox);
        let sandbox = Sandbox::open(Settings::default(), &path).unwrap();
        assert_eq!(sandbox.clock_mode(), ClockMode::Frozen);
    }
}
