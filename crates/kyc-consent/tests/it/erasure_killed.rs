//! An erasure whose process dies at any call to the keys or to what wraps them: the next one finishes and records it.

use std::sync::Arc;

use kyc_consent::{
    Class, ConsentLedger, Detail, EntryKind, Erasure, ErasureOrder, ErasureReason, KeyError,
    KeyRow, KeyStore as _, KeyWrapper as _, Keys, LedgerError, MemoryKeyStore, MemoryKeyWrapper,
    MemoryStore, Place, SealError, Subject,
};
use provider_core::Mobile;

use crate::support::{Life, Mortal, Moved, YEAR, consenting, mobile};

const ALL: ErasureOrder = ErasureOrder {
    reason: ErasureReason::Request,
    classes: None,
    relationship_ended: None,
};

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
        let life = Life::endless();
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

/// The process dies after so many calls of the erasure, or in the next one; `false`: it lived to the end.
fn dies_after(calls: usize, is_last_done: bool, years: i64) -> bool {
    let disk = Disk::new();
    let (ledger, life) = disk.open();
    let (subject, _) = consenting(&ledger);
    let sealed = ledger.seal(&place(subject), b"data").unwrap();
    disk.clock.by(years * YEAR);
    let would = ledger.would_erase(subject, &ALL).unwrap();
    assert!(would.unlinked);
    let rows = disk.keys.list(b"").unwrap();
    life.ends_after(calls, is_last_done);
    let died = ledger.erase(subject, &ALL).is_err();
    drop(ledger);

    // The next process, which asks for nothing.
    let (ledger, _) = disk.open();
    // Whoever asks again by the number, which leads to nobody any more, can be told.
    let found = ledger.cut_off_erasure_of(&mobile()).unwrap();
    assert!(found.is_none_or(|found| found.subject == subject && found.erasure == would));
    let was_cut_off = found.is_some();
    // Also if this process finished it, and did not ask.
    let (another, _) = disk.open();
    let recent = another.recent_erasure_of(&mobile()).unwrap();
    let is_finished = another.find(&mobile()).unwrap().is_none();
    assert_eq!(recent.is_some(), is_finished, "{calls}");
    assert!(is_finished || (died && !was_cut_off), "{calls}");
    let classes_of = recent.map(|recent| (recent.erased, recent.kept));
    assert!(classes_of.is_none_or(|told| told == classes_in(&would)));
    drop(another);
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

fn classes_in(erasure: &Erasure) -> (Vec<Class>, Vec<Class>) {
    let erased = erasure.erased.iter().map(|erased| erased.class);
    let kept = erasure.kept.iter().map(|kept| kept.class);
    (erased.collect(), kept.collect())
}

#[test]
fn an_erasure_that_was_killed_anywhere_is_finished_and_recorded_once() {
    for (years, is_last_done) in [(0, false), (0, true), (8, false), (8, true)] {
        let lives = |calls: &usize| !dies_after(*calls, is_last_done, years);
        let calls = (0..).find(lives).unwrap();
        assert!(calls > 10, "{calls}");
    }
}

/// It says that somebody with this number was erased, and not who: neither the keys nor a copy of them leads to the person.
#[test]
fn an_erasure_is_told_again_for_a_day_and_of_a_number_that_is_nobodys() {
    let disk = Disk::new();
    let (ledger, _) = disk.open();
    let (subject, _) = consenting(&ledger);
    ledger.erase(subject, &ALL).unwrap();
    let told = |ledger: &ConsentLedger| ledger.recent_erasure_of(&mobile()).unwrap().is_some();
    assert!(told(&ledger));
    let other = Mobile::parse("9000000002").unwrap();
    assert_eq!(ledger.recent_erasure_of(&other).unwrap(), None);
    let rows = disk.keys.list(b"s").unwrap();
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|found| found == part);
    let said = disk.wrapper.unwrap(&row.wrapped).unwrap();
    for text in [
        subject.as_bytes().as_slice(),
        subject.to_string().as_bytes(),
    ] {
        assert!(!has(&row.name, text) && !has(&said, text));
    }
    assert!(!has(&said, b"until") && !has(&said, b"since"));
    disk.clock.by(24 * 60 * 60);
    assert!(told(&ledger));
    disk.clock.by(1);
    assert!(!told(&ledger));
    // And then nothing is left of it.
    drop(ledger);
    drop(disk.open());
    assert_eq!(disk.keys.list(b"s").unwrap(), []);
}

/// As the one who rotates dies after the ledger was opened beside it.
#[test]
fn what_another_process_left_is_finished_once_it_rotates_no_more() {
    let disk = Disk::new();
    let (ledger, life) = disk.open();
    let (subject, _) = consenting(&ledger);
    let would = ledger.would_erase(subject, &ALL).unwrap();
    let calls = (0..).find(|calls| {
        life.ends_after(*calls, false);
        ledger.erase(subject, &ALL).unwrap_err();
        life.ends_after(usize::MAX, false);
        ledger.find(&mobile()).unwrap().is_none()
    });
    assert!(calls.is_some());
    let rotating = disk.keys.reserve_rotation().unwrap().unwrap();
    let (beside, _) = disk.open();
    assert_eq!(beside.cut_off_erasures(), []);
    let refused = beside.finish_cut_off().unwrap_err();
    assert!(
        matches!(refused, LedgerError::Keys(KeyError::Rotating)),
        "{refused}"
    );
    drop(rotating);
    beside.finish_cut_off().unwrap();
    let found = beside.cut_off_erasure_of(&mobile()).unwrap().unwrap();
    assert_eq!((found.subject, &found.erasure), (subject, &would));
    beside.verify(&[]).unwrap();
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
        life.ends_after(calls, false);
        ledger.erase(subject, &ALL).unwrap_err();
        life.ends_after(usize::MAX, false);
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
