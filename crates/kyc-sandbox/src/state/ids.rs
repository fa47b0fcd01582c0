//! Ids of sessions and records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

/// Random ids, or ids from a counter for reproducible fixtures. Clones share the counter.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    deterministic: bool,
    next: Arc<AtomicU64>,
}

impl Ids {
    pub(crate) fn new(deterministic: bool) -> Self {
        Self {
            deterministic,
            next: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Whether they are counted.
    pub(crate) fn are_deterministic(&self) -> bool {
        self.deterministic
    }

    /// A version 4 UUID, also when counted.
    pub(crate) fn uuid(&self) -> Uuid {
        if self.deterministic {
            let count = u128::from(self.next.fetch_add(1, Ordering::Relaxed));
            Builder::from_random_bytes(count.to_be_bytes()).into_uuid()
        } else {
            Uuid::new_v4()
        }
    }

    /// 32 lower-case hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        self.uuid().simple().to_string()
    }
}
