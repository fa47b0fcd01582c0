//! Ids of sessions and records.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::store::Room;

/// How many bytes of an id are random; the others tell that it is one of these.
const RANDOM: usize = 10;

/// Random ids, or ids from a counter for reproducible fixtures. Clones share the counter.
///
/// An id tells whether it was made here, without being remembered: its last bytes are a digest of the others and of a key.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    deterministic: bool,
    room: Room,
    next: Arc<Mutex<u64>>,
    key: Uuid,
}

impl Ids {
    /// Those that go on where the ones in the room ended.
    pub(crate) fn new(deterministic: bool, room: Room) -> Self {
        let kept = room.take::<(), (Uuid, u64)>().pop();
        let (key, next) = kept.map_or_else(|| (Uuid::new_v4(), 1), |(_, kept)| kept);
        let ids = Self {
            deterministic,
            room,
            next: Arc::new(Mutex::new(next)),
            key,
        };
        ids.keep(next);
        ids
    }

    fn keep(&self, next: u64) {
        self.room.put(&(), &(self.key, next));
    }

    /// Whether they are counted.
    pub(crate) fn are_deterministic(&self) -> bool {
        self.deterministic
    }

    /// A version 4 UUID, also when counted.
    pub(crate) fn uuid(&self) -> Uuid {
        if self.deterministic {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let count = u128::from(*next);
            *next = next.saturating_add(1);
            self.keep(*next);
            Builder::from_random_bytes(count.to_be_bytes()).into_uuid()
        } else {
            self.signed(Uuid::new_v4())
        }
    }

    /// Whether an id was made here, or by nobody: those that are nearly all zeros name special cases.
    pub(crate) fn made(&self, id: Uuid) -> bool {
        const NAMED: &[u8] = &[0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0];
        id.as_bytes().starts_with(NAMED) || self.signed(id) == id
    }

    fn signed(&self, id: Uuid) -> Uuid {
        let mut bytes = id.into_bytes();
        let (random, digest) = bytes.split_at_mut(RANDOM);
        let made = Sha256::new().chain_update(self.key).chain_update(random);
        for (byte, of) in digest.iter_mut().zip(made.finalize()) {
            *byte = of;
        }
        Uuid::from_bytes(bytes)
    }

    /// 32 lower-case hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        self.uuid().simple().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_whether_it_was_made_here() {
        let ids = Ids::new(false, Room::default());
        let id = ids.uuid();
        assert_eq!(id.get_version_num(), 4);
        assert!(ids.made(id) && ids.clone().made(id));
        assert!(Uuid::try_parse(&ids.hex()).is_ok_and(|id| ids.made(id)));
        assert!(!Ids::new(false, Room::default()).made(id));
        assert!(!ids.made(Uuid::new_v4()));
        let counted = Ids::new(true, Room::default());
        assert!(counted.made(counted.uuid()));
    }
}
