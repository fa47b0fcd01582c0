//! An erasure whose process dies at any call to the keys or to what wraps them: the next one finishes and records it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kyc_consent::{
    Class, ConsentLedger, Detail, EntryKind, ErasureOrder, ErasureReason, KeyError, KeyRow,
    KeyStore, KeyWrapper, Keys, LedgerError, LedgerId, MemoryKeyStore, MemoryKeyWrapper,
    MemoryStore, Place, Reservation, SealError, StoreError, Subject, Wrapped,
};
use zeroize::Zeroizing;

use crate::support::{Moved, YEAR, consenting, mobile};

const ALL: ErasureOrder = ErasureOrder {
    reason: ErasureReason::Request,
    classes: None,
    relationship_ended: None,
};

/// How many calls a process lives for.
#[derive(Debug, Clone)]
struct Life(Arc<AtomicUsize>);

impl Life {
    fn of(calls: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(calls)))
    }

    fn spend(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        let spent = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        spent.is_ok()
    }

    fn at_the_store(&self) -> Result<(), StoreError> {
        let is_alive = self.spend();
        is_alive.then_some(()).ok_or(StoreError::Conflict)
    }

    fn at_the_wrapper(&self) -> Result<(), KeyError> {
        let is_alive = self.spend();
        is_alive.then_some(()).ok_or(KeyError::Randomness)
    }
}

#[derive(Debug)]
struct Mortal<T>(Arc<T>, Life);

impl KeyStore for Mortal<MemoryKeyStore> {
    fn ledger(&self) -> Result<Option<LedgerId>, StoreError> {
        self.1.at_the_store()?;
        self.0.ledger()
    }
    fn tie(&self, ledger: LedgerId) -> Result<(), StoreError> {
        self.1.at_the_store()?;
        self.0.tie(ledger)
    }
    fn get(&self, name: &[u8]) -> Result<Option<KeyRow>, StoreError> {
        self.1.at_the_store()?;
        self.0.get(name)
    }
    fn list(&self, prefix: &[u8]) -> Result<Vec<KeyRow>, StoreError> {
        self.1.at_the_store()?;
        self.0.list(prefix)
    }
    fn insert(&self, rows: &[KeyRow]) -> Result<bool, StoreError> {
        self.1.at_the_store()?;
        self.0.insert(rows)
    }
    fn replace(&self, old: &KeyRow, new: &KeyRow) -> Result<bool, StoreError> {
        self.1.at_the_store()?;
        self.0.replace(old, new)
    }
    fn delete(&self, names: &[Vec<u8>]) -> Result<(), StoreError> {
        self.1.at_the_store()?;
        self.0.delete(names)
    }
    fn rewrap(
        &self,
        rewrap: &mut dyn FnMut(&Wrapped) -> Result<Wrapped, KeyError>,
    ) -> Result<(), LedgerError> {
        self.1.at_the_store()?;
        self.0.rewrap(rewrap)
    }
    fn reserve_rotation(&self) -> Result<Option<Reservation<'_>>, StoreError> {
        self.1.at_the_store()?;
        self.0.reserve_rotation()
    }
    fn persons(&self) -> Result<u64, StoreError> {
        self.1.at_the_store()?;
        self.0.persons()
    }
}

impl KeyWrapper for Mortal<MemoryKeyWrapper> {
    fn key_id(&self) -> Result<String, KeyError> {
        self.1.at_the_wrapper()?;
        self.0.key_id()
    }
    fn wrap(&self, secret: &[u8]) -> Result<Wrapped, KeyError> {
        self.1.at_the_wrapper()?;
        self.0.wrap(secret)
    }
    fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.1.at_the_wrapper()?;
        self.0.unwrap(wrapped)
    }
    fn rotate(&self) -> Result<(), KeyError> {
        self.1.at_the_wrapper()?;
        self.0.rotate()
    }
    fn destroy_earlier(&self) -> Result<(), KeyError> {
        self.1.at_the_wrapper()?;
        self.0.destroy_earlier()
    }
}

/// What outlives a process.
struct Disk {
    store: Arc<MemoryStore>,
    keys: Arc<MemoryKeyStore>,
    wrapper: Arc<MemoryKeyWrapper>,
    clock: Moved,
}

impl Disk {
    fn new() -> Self {
        Self {
            store: Arc::new(MemoryStore::new().unwrap()),
            keys: Arc::new(MemoryKeyStore::new()),
            wrapper: Arc::new(MemoryKeyWrapper::new().unwrap()),
            clock: Moved::default(),
        }
    }

    /// A process, and how long it lives.
    fn open(&self) -> (ConsentLedger, Life) {
        let life = Life::of(usize::MAX);
        let keys = Keys::new(
            Arc::new(Mortal(self.keys.clone(), life.clone())),
            Arc::new(Mortal(self.wrapper.clone(), life.clone())),
        );
        let clock = Arc::new(self.clock.clone());
        let ledger = ConsentLedger::open_with_clock(self.store.clone(), keys, clock).unwrap();
        (ledger, life)
    }
}

fn place(subject: Subject) -> Place<'static> {
    Place {
        table: "data",
        row: b"1",
        subject,
        class: Class::AccountData,
        version: 0,
    }
}

/// The process dies after so many calls of the erasure; `false`: it lived to the end.
fn dies_after(calls: usize, years: i64) -> bool {
    let disk = Disk::new();
    let (ledger, life) = disk.open();
    let (subject, _) = consenting(&ledger);
    let sealed = ledger.seal(&place(subject), b"data").unwrap();
    disk.clock.by(years * YEAR);
    let would = ledger.would_erase(subject, &ALL).unwrap();
    assert!(would.unlinked);
    let rows = disk.keys.list(b"").unwrap();
    life.0.store(calls, Ordering::SeqCst);
    let died = ledger.erase(subject, &ALL).is_err();
    drop(ledger);

    // The next process, which asks for nothing.
    let (ledger, _) = disk.open();
    // Whoever asks again by the number, which leads to nobody any more, can be told.
    let found = ledger.cut_off_erasure_of(&mobile()).unwrap();
    let is_finished = died && ledger.find(&mobile()).unwrap().is_none();
    assert_eq!(found.is_some(), is_finished, "{calls}");
    assert!(found.is_none_or(|found| found.subject == subject && found.erasure == would));
    if ledger.find(&mobile()).unwrap().is_some() {
        // Nothing was begun.
        assert!(died, "{calls}");
        assert_eq!(*ledger.unseal(&place(subject), &sealed).unwrap(), b"data");
        ledger.erase(subject, &ALL).unwrap();
    }
    let gone = ledger.unseal(&place(subject), &sealed).unwrap_err();
    assert!(matches!(gone, LedgerError::Seal(SealError::Erased)));
    assert_eq!(ledger.find(&mobile()).unwrap(), None);
    let history = ledger.history(subject).unwrap().into_iter();
    let erased: Vec<_> = history
        .filter(|(entry, _)| entry.kind == EntryKind::Erased)
        .map(|(_, says)| says)
        .collect();
    // Once, with all that is gone; what it says is gone too if the ledger's own class is.
    let said = Detail::Erased {
        erased: would.erased.clone(),
        kept: would.kept.clone(),
    };
    let said = (years == 0).then_some(said);
    assert_eq!(erased, [said], "{calls}");
    let classes = ledger.keys().classes(subject).unwrap();
    assert_eq!(classes.len(), would.kept.len(), "no new key: {classes:?}");
    // No copy of the keys from before opens.
    let copied = |row: &KeyRow| disk.wrapper.unwrap(&row.wrapped).is_err();
    assert!(rows.iter().all(copied), "{calls}");
    ledger.verify(&[]).unwrap();
    // And nothing is left to be done.
    let after = (ledger.head().unwrap(), disk.keys.list(b"").unwrap());
    drop(ledger);
    let (ledger, _) = disk.open();
    let again = (ledger.head().unwrap(), disk.keys.list(b"").unwrap());
    assert_eq!(again, after, "{calls}");
    died
}

#[test]
fn an_erasure_that_was_killed_anywhere_is_finished_and_recorded_once() {
    for years in [0, 8] {
        let calls = (0..).find(|calls| !dies_after(*calls, years)).unwrap();
        assert!(calls > 10, "{calls}");
    }
}

/// The disk failed, and the process went on.
#[test]
fn an_erasure_that_failed_is_finished_before_the_next_one() {
    let disk = Disk::new();
    let (ledger, life) = disk.open();
    let (subject, _) = consenting(&ledger);
    ledger.seal(&place(subject), b"data").unwrap();
    let would = ledger.would_erase(subject, &ALL).unwrap();
    let mut calls = 0;
    // Until the keys are deleted, and nothing is recorded.
    while ledger.keys().classes(subject).unwrap().len() > would.kept.len() {
        life.0.store(calls, Ordering::SeqCst);
        ledger.erase(subject, &ALL).unwrap_err();
        life.0.store(usize::MAX, Ordering::SeqCst);
        calls += 1;
    }
    ledger.erase(subject, &ALL).unwrap();
    let history = ledger.history(subject).unwrap().into_iter();
    let erased: Vec<_> = history
        .filter_map(|(_, says)| match says {
            Some(Detail::Erased { erased, .. }) => Some(erased),
            _ => None,
        })
        .filter(|erased| !erased.is_empty())
        .collect();
    assert_eq!(erased.first(), Some(&would.erased));
    ledger.verify(&[]).unwrap();
}
