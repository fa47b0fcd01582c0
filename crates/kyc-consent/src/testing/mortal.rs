//! A process that dies in any call to the keys or to what wraps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use zeroize::Zeroizing;

use crate::{
    KeyError, KeyRow, KeyStore, KeyWrapper, LedgerError, LedgerId, Reservation, StoreError, Wrapped,
};

/// How many calls a process lives for, and whether the one after them is done before it dies in it.
#[derive(Debug, Clone)]
pub struct Life(Arc<(AtomicUsize, AtomicBool)>);

impl Life {
    /// One that does not end.
    pub fn endless() -> Self {
        Self(Arc::new((usize::MAX.into(), false.into())))
    }

    /// Ends it in the next call but so many, which is done, or not.
    pub fn ends_after(&self, calls: usize, is_last_done: bool) {
        self.0.0.store(calls, Ordering::SeqCst);
        self.0.1.store(is_last_done, Ordering::SeqCst);
    }

    fn call<T, E>(&self, dead: E, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let less = |left: usize| left.checked_sub(1);
        let left = &self.0.0;
        let spent = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if spent.is_err() {
            if self.0.1.swap(false, Ordering::SeqCst) {
                drop(call()?);
            }
            return Err(dead);
        }
        call()
    }

    fn at_the_store<T>(
        &self,
        call: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.call(StoreError::Conflict, call)
    }

    fn at_the_wrapper<T>(&self, call: impl FnOnce() -> Result<T, KeyError>) -> Result<T, KeyError> {
        self.call(KeyError::Randomness, call)
    }
}

/// What a process of this life has: once it is over, every call fails.
#[derive(Debug)]
pub struct Mortal<T: ?Sized>(pub Arc<T>, pub Life);

impl<T: KeyStore + ?Sized> KeyStore for Mortal<T> {
    fn ledger(&self) -> Result<Option<LedgerId>, StoreError> {
        self.1.at_the_store(|| self.0.ledger())
    }

    fn tie(&self, ledger: LedgerId) -> Result<(), StoreError> {
        self.1.at_the_store(|| self.0.tie(ledger))
    }

    fn get(&self, name: &[u8]) -> Result<Option<KeyRow>, StoreError> {
        self.1.at_the_store(|| self.0.get(name))
    }

    fn list(&self, prefix: &[u8]) -> Result<Vec<KeyRow>, StoreError> {
        self.1.at_the_store(|| self.0.list(prefix))
    }

    fn insert(&self, rows: &[KeyRow]) -> Result<bool, StoreError> {
        self.1.at_the_store(|| self.0.insert(rows))
    }

    fn replace(&self, old: &KeyRow, new: &KeyRow) -> Result<bool, StoreError> {
        self.1.at_the_store(|| self.0.replace(old, new))
    }

    fn delete(&self, names: &[Vec<u8>]) -> Result<(), StoreError> {
        self.1.at_the_store(|| self.0.delete(names))
    }

    fn rewrap(
        &self,
        rewrap: &mut dyn FnMut(&Wrapped) -> Result<Wrapped, KeyError>,
    ) -> Result<(), LedgerError> {
        let dead = LedgerError::Store(StoreError::Conflict);
        self.1.call(dead, || self.0.rewrap(rewrap))
    }

    fn reserve_rotation(&self) -> Result<Option<Reservation<'_>>, StoreError> {
        self.1.at_the_store(|| self.0.reserve_rotation())
    }

    fn persons(&self) -> Result<u64, StoreError> {
        self.1.at_the_store(|| self.0.persons())
    }
}

impl<T: KeyWrapper + ?Sized> KeyWrapper for Mortal<T> {
    fn key_id(&self) -> Result<String, KeyError> {
        self.1.at_the_wrapper(|| self.0.key_id())
    }

    fn wrap(&self, secret: &[u8]) -> Result<Wrapped, KeyError> {
        self.1.at_the_wrapper(|| self.0.wrap(secret))
    }

    fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.1.at_the_wrapper(|| self.0.unwrap(wrapped))
    }

    fn rotate(&self) -> Result<(), KeyError> {
        self.1.at_the_wrapper(|| self.0.rotate())
    }

    fn destroy_earlier(&self) -> Result<(), KeyError> {
        self.1.at_the_wrapper(|| self.0.destroy_earlier())
    }
}
