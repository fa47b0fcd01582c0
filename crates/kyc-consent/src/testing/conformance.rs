//! What every store must do, whatever it stores in.
//!
//! A check opens a store that holds nothing, and opens it again as the next process does.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use provider_core::Mobile;

use super::{
    Life, Mortal, Moved, after, code, consenting, memory_keys, mobile, need, notice, provider,
    terms,
};
use crate::{
    Artefact, Change, Class, ConsentLedger, Digest, EndReason, Entry, EntryKind, Erased,
    ErasureOrder, ErasureReason, Follower, Head, KeyError, KeyRow, KeyStore, KeyWrapper as _, Keys,
    LedgerError, LedgerId, LedgerStore, MemoryStore, Receipt, Refusal, Scope, StoreError, Subject,
    Wrapped,
};

/// Opens what a check began with again, as another process does.
pub type Opens<S> = Box<dyn Fn() -> Arc<S> + Send + Sync>;

/// Checks that a [`LedgerStore`] does what each must. `new` gives a store that holds nothing, as what opens it, for each check.
pub fn ledger_store(new: impl Fn() -> Opens<dyn LedgerStore>) {
    everything_is_there_for_the_next_process(&new().into());
    a_change_for_another_head_is_refused(&new().into());
    two_processes_write_one_chain(&new().into());
    many_processes_append_and_none_is_turned_away(&new().into());
    a_receipt_and_its_follower_are_written_at_once(&new().into());
    a_withdrawal_owes_whatever_follows_its_receipts_a_word(&new().into());
    a_follower_of_a_renewed_receipt_follows_the_new_one(&new().into());
    nobody_follows_what_is_another_s_or_over(&new().into());
    what_has_a_name_is_recorded_once(&new().into());
    an_artefact_that_is_over_is_not_to_be_revoked(&new().into());
    entries_come_in_order_and_in_part(&new().into());
}

/// Checks that a [`KeyStore`] does what each must. `new` gives a store that holds nothing, as what opens it, for each check.
pub fn key_store(new: impl Fn() -> Opens<dyn KeyStore>) {
    keys_are_of_one_ledger(&*new());
    rows_are_inserted_all_or_none_and_found(&*new());
    a_row_is_replaced_if_it_is_still_as_it_was(&*new());
    all_rows_are_wrapped_again_or_none(&*new());
    keys_of_several_processes_are_the_same(&*new());
    one_process_rotates_at_a_time(&*new());
    an_erasure_that_dies_in_any_call_is_finished_and_told(&*new());
}

/// A store, and keys that outlive its processes.
struct World {
    opens: Opens<dyn LedgerStore>,
    keys: Keys,
    clock: Moved,
}

impl From<Opens<dyn LedgerStore>> for World {
    fn from(opens: Opens<dyn LedgerStore>) -> Self {
        Self {
            opens,
            keys: memory_keys(),
            clock: Moved::default(),
        }
    }
}

impl World {
    /// The ledger, as the next process opens it.
    fn open(&self) -> ConsentLedger {
        let clock = Arc::new(self.clock.clone());
        ConsentLedger::open_with_clock((self.opens)(), self.keys.clone(), clock).unwrap()
    }
}

fn names(followers: Vec<Follower>) -> Vec<String> {
    let names = followers.into_iter().map(|follower| follower.name);
    names.collect()
}

fn untold(ledger: &ConsentLedger) -> Vec<String> {
    names(ledger.untold("").unwrap())
}

fn artefact(id: &str) -> Artefact {
    Artefact {
        provider: provider("finpro"),
        id: id.to_owned(),
        text: Some(Digest::of(b"signed")),
    }
}

fn everything_is_there_for_the_next_process(world: &World) {
    let ledger = world.open();
    assert_eq!(ledger.head().unwrap(), Head::of_empty(ledger.id()));
    let (subject, receipt) = consenting(&ledger);
    let entry = ledger.record_artefact(subject, receipt.id(), &artefact("made-up"));
    let entry = entry.unwrap();
    let (until, none) = (Some(after(9)), None);
    let hold = |class, reason, until| {
        let by = code("legal-team");
        ledger
            .hold(subject, class, code(reason), by, until)
            .unwrap()
    };
    let first = hold(Class::Documents, "court-order", until);
    let released = hold(Class::Evidence, "audit", none);
    let last = hold(Class::Identity, "audit", none);
    ledger.release(subject, released.id).unwrap();
    let withdrawal = ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    let again = Receipt::new(subject, terms()).unwrap();
    ledger.give(&again).unwrap();
    let before = ledger.state(subject).unwrap();
    let ledger = world.open();
    let state = ledger.state(subject).unwrap();
    assert_eq!(state, before);
    let store = (world.opens)();
    let of_calls = (state.epoch, state.receipts.clone());
    assert_eq!(store.receipts(subject).unwrap(), of_calls);
    assert_eq!((state.epoch, state.holds), (1, vec![first, last]));
    let artefacts = [(entry, receipt.id(), provider("finpro"))];
    assert_eq!(state.artefacts, artefacts);
    let ended: Vec<_> = state.receipts.iter().map(|row| row.ended).collect();
    let withdrawn = Some((after(0), EndReason::Withdrawn));
    assert_eq!(ended, [withdrawn, None]);
    assert_eq!(ledger.receipt(subject, receipt.id()).unwrap(), receipt);
    let follows = ledger.aftermath(subject).unwrap();
    assert_eq!(follows.receipts, withdrawal.receipts);
    assert!(ledger.prove(&need(subject)).is_ok());
    assert_eq!(ledger.history(subject).unwrap().len(), 8);
    assert_eq!(ledger.verify(&[]).unwrap().seq, 8);
    let stranger = Subject::random().unwrap();
    assert_eq!(ledger.state(stranger).unwrap(), Default::default());
    assert!(ledger.history(stranger).unwrap().is_empty());
}

fn a_change_for_another_head_is_refused(world: &World) {
    let ledger = world.open();
    let (subject, receipt) = consenting(&ledger);
    let earlier = ledger.head().unwrap();
    ledger.request(subject, &notice()).unwrap();
    let (before, head) = (ledger.state(subject).unwrap(), ledger.head().unwrap());
    let store = (world.opens)();
    let follower = Follower {
        name: "a".to_owned(),
        subject,
        receipt: Some(receipt.id()),
    };
    let entry = Entry {
        seq: 2,
        ..ledger.history(subject).unwrap()[0].0.clone()
    };
    let another = Head {
        ledger: LedgerId::random().unwrap(),
        ..head
    };
    for expected in [earlier, another, Head::of_empty(ledger.id())] {
        let change = Change {
            entries: vec![entry.clone()],
            ended: vec![(receipt.id(), after(1), EndReason::Withdrawn)],
            epoch: Some((subject, 7)),
            follower: Some(follower.clone()),
            source: Some(Digest::of(b"once")),
            ..Change::after(expected)
        };
        assert_eq!(store.commit(&change), Err(StoreError::Conflict));
    }
    assert_eq!(store.head().unwrap(), head);
    assert_eq!(ledger.state(subject).unwrap(), before);
    assert_eq!(store.follower("a").unwrap(), None);
    assert_eq!(store.written(&Digest::of(b"once")).unwrap(), None);
    // Also one without an entry.
    let change = Change {
        follower: Some(follower.clone()),
        ..Change::after(earlier)
    };
    assert_eq!(store.commit(&change), Err(StoreError::Conflict));
    let change = Change {
        expected: head,
        ..change
    };
    store.commit(&change).unwrap();
    assert_eq!(store.follower("a").unwrap(), Some(follower));
}

fn two_processes_write_one_chain(world: &World) {
    let (one, two) = (world.open(), world.open());
    let (subject, _) = consenting(&one);
    assert_eq!(two.find(&mobile()).unwrap(), Some(subject));
    two.request(subject, &notice()).unwrap();
    one.request(subject, &notice()).unwrap();
    one.prove(&need(subject)).unwrap();
    two.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert!(one.prove(&need(subject)).is_err());
    assert_eq!(one.verify(&[]).unwrap(), two.verify(&[]).unwrap());
    assert_eq!(one.head().unwrap().seq, 4);
}

/// Each plans for the head that it saw, and most are overtaken.
fn many_processes_append_and_none_is_turned_away(world: &World) {
    const PROCESSES: u32 = 8;
    const EACH: u32 = 12;
    let ledgers: Vec<_> = (0..PROCESSES).map(|_| world.open()).collect();
    std::thread::scope(|scope| {
        for (last, ledger) in ledgers.iter().enumerate() {
            scope.spawn(move || {
                let mobile = Mobile::parse(&format!("900000001{last}")).unwrap();
                let subject = ledger.subject(&mobile).unwrap();
                for _ in 0..EACH {
                    ledger.request(subject, &notice()).unwrap();
                }
            });
        }
    });
    let ledger = world.open();
    let head = ledger.verify(&[]).unwrap();
    assert_eq!(head.seq, u64::from(PROCESSES * EACH));
    let store = (world.opens)();
    assert_eq!(store.persons().unwrap(), u64::from(PROCESSES));
    // What was reserved and not used is free again.
    drop(store.reserve().unwrap());
    ledger
        .request(Subject::random().unwrap(), &notice())
        .unwrap();
}

fn a_receipt_and_its_follower_are_written_at_once(world: &World) {
    let ledger = world.open();
    let (subject, first) = consenting(&ledger);
    let receipt = Receipt::new(subject, terms()).unwrap();
    let unknown = ledger.give_to("a", &receipt).unwrap_err();
    assert!(matches!(unknown, LedgerError::Unknown("follower")));
    ledger.follow("a", subject, Some(first.id())).unwrap();
    for _ in 0..2 {
        ledger.give_to("a", &receipt).unwrap();
    }
    assert_eq!(ledger.head().unwrap().seq, 2);
    let follower = ledger.follower("a").unwrap().unwrap();
    assert_eq!(follower.receipt, Some(receipt.id()));
    let scope = Scope::Receipt(receipt.id());
    ledger.withdraw(subject, scope, &code("app")).unwrap();
    assert_eq!(untold(&ledger), ["a"]);
    let ended = ledger.give_to("a", &receipt).unwrap_err();
    assert!(matches!(ended, LedgerError::State(_)), "{ended}");
    let stranger = Receipt::new(Subject::random().unwrap(), terms()).unwrap();
    let other = ledger.give_to("a", &stranger).unwrap_err();
    assert!(matches!(other, LedgerError::State(_)), "{other}");
}

fn a_withdrawal_owes_whatever_follows_its_receipts_a_word(world: &World) {
    let ledger = world.open();
    let (subject, receipt) = consenting(&ledger);
    let other = Receipt::new(subject, terms()).unwrap();
    ledger.give(&other).unwrap();
    for (name, receipt) in [
        ("b", Some(receipt.id())),
        ("_", Some(receipt.id())),
        ("C", Some(receipt.id())),
        ("c", Some(other.id())),
        ("d", None),
    ] {
        ledger.follow(name, subject, receipt).unwrap();
        // Again, as after a crash.
        ledger.follow(name, subject, receipt).unwrap();
    }
    assert_eq!(ledger.head().unwrap().seq, 2, "followers are no entries");
    assert!(untold(&ledger).is_empty());
    let scope = Scope::Receipt(receipt.id());
    ledger.withdraw(subject, scope, &code("app")).unwrap();
    // Whoever was to tell them died: the next one finds them, in the order of the bytes of their names.
    let ledger = world.open();
    assert_eq!(untold(&ledger), ["C", "_", "b"]);
    let owed = ledger.untold("C").unwrap();
    assert_eq!((owed.len(), owed[0].name.as_str()), (2, "_"));
    let store = (world.opens)();
    assert_eq!(names(store.untold("", 2).unwrap()), ["C", "_"]);
    ledger.told(&owed[0]).unwrap();
    ledger.told(&owed[0]).unwrap();
    assert_eq!(untold(&ledger), ["C", "b"]);
    // A second withdrawal finds nothing more to withdraw, and owes nobody twice.
    ledger.withdraw(subject, scope, &code("app")).unwrap();
    assert_eq!(untold(&ledger), ["C", "b"]);
    let followers = names(ledger.followers(subject).unwrap());
    assert_eq!(followers, ["C", "_", "b", "c", "d"]);
    ledger.verify(&[]).unwrap();
}

fn a_follower_of_a_renewed_receipt_follows_the_new_one(world: &World) {
    let ledger = world.open();
    let (subject, receipt) = consenting(&ledger);
    ledger.follow("a", subject, Some(receipt.id())).unwrap();
    let renewed = Receipt::new(subject, terms()).unwrap();
    ledger.renew(receipt.id(), &renewed).unwrap();
    let follower = ledger.follower("a").unwrap().unwrap();
    assert_eq!(follower.receipt, Some(renewed.id()));
    assert!(untold(&ledger).is_empty());
    // Whoever begins it again, as after a crash, takes nothing from it.
    ledger.follow("a", subject, None).unwrap();
    assert_eq!(ledger.follower("a").unwrap(), Some(follower));
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert_eq!(untold(&ledger), ["a"]);
}

fn nobody_follows_what_is_another_s_or_over(world: &World) {
    let ledger = world.open();
    let (subject, receipt) = consenting(&ledger);
    let other = Mobile::parse("9000000002").unwrap();
    let other = ledger.subject(&other).unwrap();
    let not_theirs = ledger.follow("a", other, Some(receipt.id()));
    assert!(matches!(not_theirs, Err(LedgerError::Unknown(_))));
    ledger.follow("a", subject, None).unwrap();
    let taken = ledger.follow("a", other, None);
    assert!(matches!(taken, Err(LedgerError::State(_))));
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    let over = ledger.follow("a", subject, Some(receipt.id()));
    assert!(matches!(over, Err(LedgerError::State(_))));
    for name in ["", "a b", &"a".repeat(65)] {
        let error = ledger.follow(name, subject, None).unwrap_err();
        assert!(error.to_string().contains("follower"), "{error}");
    }
}

fn what_has_a_name_is_recorded_once(world: &World) {
    let ledger = world.open();
    let (subject, receipt) = consenting(&ledger);
    let record = |ledger: &ConsentLedger| {
        let once = |place| ledger.once(place);
        once("j/1/0").request(subject, &notice()).unwrap();
        let entry = once("j/2/1").record_artefact(subject, receipt.id(), &artefact("made-up"));
        entry.unwrap()
    };
    let entry = record(&ledger);
    assert_eq!(record(&ledger), entry);
    let ledger = world.open();
    assert_eq!(record(&ledger), entry);
    assert_eq!(ledger.artefact(entry).unwrap(), artefact("made-up"));
    let kinds: Vec<_> = ledger.history(subject).unwrap();
    let kinds: Vec<_> = kinds.iter().map(|(entry, _)| entry.kind).collect();
    let once = [EntryKind::Given, EntryKind::Requested, EntryKind::Artefact];
    assert_eq!(kinds, once);
    // Another name is another thing.
    ledger.once("j/3/0").request(subject, &notice()).unwrap();
    assert_eq!(ledger.verify(&[]).unwrap().seq, 4);
}

fn an_artefact_that_is_over_is_not_to_be_revoked(world: &World) {
    let ledger = world.open();
    let (subject, receipt) = consenting(&ledger);
    let finpro = provider("finpro");
    for id in ["one", "other"] {
        let recorded = ledger.record_artefact(subject, receipt.id(), &artefact(id));
        recorded.unwrap();
    }
    ledger.end_artefact(subject, &finpro, "one").unwrap();
    ledger.end_artefact(subject, &finpro, "one").unwrap();
    ledger.end_artefact(subject, &finpro, "unknown").unwrap();
    let ledger = world.open();
    let left = ledger.state(subject).unwrap().artefacts;
    assert_eq!(left.len(), 1);
    assert_eq!(ledger.artefact(left[0].0).unwrap().id, "other");
    assert_eq!(ledger.verify(&[]).unwrap().seq, 4);
}

fn entries_come_in_order_and_in_part(world: &World) {
    let ledger = world.open();
    let (subject, _) = consenting(&ledger);
    let other = Subject::random().unwrap();
    for _ in 0..3 {
        ledger.request(other, &notice()).unwrap();
        ledger.request(subject, &notice()).unwrap();
    }
    let store = (world.opens)();
    let seqs = |entries: Vec<Entry>| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    assert_eq!(
        seqs(store.entries(0, usize::MAX).unwrap()),
        [1, 2, 3, 4, 5, 6, 7]
    );
    assert_eq!(seqs(store.entries(2, 3).unwrap()), [3, 4, 5]);
    assert!(store.entries(7, 1).unwrap().is_empty());
    assert_eq!(seqs(store.entries_of(other).unwrap()), [2, 4, 6]);
    assert_eq!(store.persons().unwrap(), 2);
    let mut lines = Vec::new();
    ledger.export(true, &mut lines).unwrap();
    assert_eq!(crate::verify_export(lines.as_slice(), &[]).unwrap().seq, 7);
}

fn row(name: &[u8], key_id: &str) -> KeyRow {
    KeyRow {
        name: name.to_vec(),
        wrapped: Wrapped {
            key_id: key_id.to_owned(),
            bytes: [name, key_id.as_bytes()].concat(),
        },
        since: after(1),
    }
}

fn keys_are_of_one_ledger(open: &dyn Fn() -> Arc<dyn KeyStore>) {
    let (store, ledger) = (open(), LedgerId::random().unwrap());
    assert_eq!(store.ledger(), Ok(None));
    store.tie(ledger).unwrap();
    store.tie(ledger).unwrap();
    let store = open();
    assert_eq!(store.ledger(), Ok(Some(ledger)));
    let other = store.tie(LedgerId::random().unwrap()).unwrap_err();
    assert_eq!(other, StoreError::Refused(Refusal::OtherLedger));
    assert_eq!(open().ledger(), Ok(Some(ledger)));
}

fn rows_are_inserted_all_or_none_and_found(open: &dyn Fn() -> Arc<dyn KeyStore>) {
    let store = open();
    let person = |last: u8, class: u8| [b"d".as_slice(), &[last; 16], &[class]].concat();
    let [a, b, c] = [person(0, 1), person(0, 2), person(0xff, 1)].map(|name| row(&name, "k"));
    assert!(store.insert(&[a.clone(), c.clone()]).unwrap());
    // The second one's name is taken.
    assert!(!store.insert(&[b.clone(), a.clone()]).unwrap());
    let store = open();
    assert_eq!(store.get(&b.name).unwrap(), None);
    assert!(store.insert(std::slice::from_ref(&b)).unwrap());
    assert_eq!(store.get(&a.name).unwrap().as_ref(), Some(&a));
    let highest = row(&[0xff, 0xff], "k");
    assert!(store.insert(std::slice::from_ref(&highest)).unwrap());
    let all = [a.clone(), b.clone(), c.clone(), highest.clone()];
    assert_eq!(store.list(b"").unwrap(), all);
    assert_eq!(store.list(&[0xff]).unwrap(), [highest]);
    assert_eq!(store.list(&a.name[..17]).unwrap(), [a.clone(), b.clone()]);
    assert!(store.list(b"e").unwrap().is_empty());
    assert_eq!(store.persons().unwrap(), 2);
    let gone = [a.name.clone(), b"nothing".to_vec(), c.name];
    store.delete(&gone).unwrap();
    store.delete(&gone).unwrap();
    assert_eq!(open().list(b"d").unwrap(), [b]);
}

fn a_row_is_replaced_if_it_is_still_as_it_was(open: &dyn Fn() -> Arc<dyn KeyStore>) {
    let store = open();
    let [one, two, three] = ["1", "2", "3"].map(|key_id| row(b"name", key_id));
    assert!(!store.replace(&one, &two).unwrap());
    assert!(store.insert(std::slice::from_ref(&one)).unwrap());
    assert!(store.replace(&one, &two).unwrap());
    assert!(!store.replace(&one, &three).unwrap());
    assert_eq!(open().get(b"name").unwrap(), Some(two));
}

fn all_rows_are_wrapped_again_or_none(open: &dyn Fn() -> Arc<dyn KeyStore>) {
    const ROWS: u16 = 1_500;
    let store = open();
    let rows: Vec<_> = (0..ROWS)
        .map(|number| row(&number.to_be_bytes(), "old"))
        .collect();
    assert!(store.insert(&rows).unwrap());
    let again = |wrapped: &Wrapped| Wrapped {
        key_id: "new".to_owned(),
        bytes: wrapped.bytes.clone(),
    };
    let mut left = ROWS / 2;
    let failed = store.rewrap(&mut |wrapped| {
        left = left.checked_sub(1).ok_or(KeyError::Gone)?;
        Ok(again(wrapped))
    });
    assert!(matches!(failed, Err(LedgerError::Keys(KeyError::Gone))));
    assert_eq!(open().list(b"").unwrap(), rows);
    let mut seen = BTreeSet::new();
    let rewrapped = store.rewrap(&mut |wrapped| {
        assert!(seen.insert(wrapped.bytes.clone()), "a row comes once");
        Ok(again(wrapped))
    });
    rewrapped.unwrap();
    let expected = rows.into_iter().map(|row| KeyRow {
        wrapped: again(&row.wrapped),
        ..row
    });
    assert_eq!(open().list(b"").unwrap(), expected.collect::<Vec<_>>());
}

fn keys_of_several_processes_are_the_same(open: &dyn Fn() -> Arc<dyn KeyStore>) {
    let wrapper = Arc::new(crate::MemoryKeyWrapper::new().unwrap());
    let keys = || Keys::new(open(), wrapper.clone());
    let now = Timestamp::UNIX_EPOCH;
    let subjects: BTreeSet<Subject> = std::thread::scope(|scope| {
        let asked = (0..4).map(|_| {
            let keys = keys();
            scope.spawn(move || keys.subject(&mobile(), now).unwrap())
        });
        let asked: Vec<_> = asked.collect();
        asked
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    assert_eq!(subjects.len(), 1);
    let subject = *subjects.first().unwrap();
    let (one, two) = (keys(), keys());
    let key = |keys: &Keys| {
        *keys
            .data_key(subject, Class::Documents, now)
            .unwrap()
            .expose()
    };
    assert_eq!(key(&one), key(&two));
    one.rotate().unwrap();
    assert_eq!(key(&one), key(&two));
    let erased = |since| Erased {
        class: Class::Documents,
        since,
    };
    // One that is younger than what is to be destroyed stays.
    two.destroy(subject, &[erased(after(0))], false).unwrap();
    assert!(one.existing(subject, Class::Documents).unwrap().is_some());
    two.destroy(subject, &[erased(now)], true).unwrap();
    assert!(one.existing(subject, Class::Documents).unwrap().is_none());
    assert_eq!(one.find(&mobile()).unwrap(), None);
}

/// Two at once would each destroy the key under which the other one has just wrapped something.
fn one_process_rotates_at_a_time(open: &dyn Fn() -> Arc<dyn KeyStore>) {
    let wrapper = Arc::new(crate::MemoryKeyWrapper::new().unwrap());
    let chain = Arc::new(MemoryStore::new().unwrap());
    let keys = || Keys::new(open(), wrapper.clone());
    let ledger = || ConsentLedger::open(chain.clone(), keys()).unwrap();
    let subject = ledger().subject(&mobile()).unwrap();
    let order = ErasureOrder {
        reason: ErasureReason::Request,
        classes: None,
        relationship_ended: None,
    };
    let is_refused = |refused: Result<(), LedgerError>| {
        matches!(refused, Err(LedgerError::Keys(KeyError::Rotating)))
    };
    let (one, two) = (open(), open());
    let rotating = one.reserve_rotation().unwrap();
    assert!(rotating.is_some());
    assert!(two.reserve_rotation().unwrap().is_none());
    // As it does that has made its key, and has wrapped nothing under it yet.
    wrapper.rotate().unwrap();
    let (rows, key_id) = (two.list(b"").unwrap(), wrapper.key_id().unwrap());
    assert!(is_refused(keys().rotate()));
    assert!(is_refused(keys().destroy(subject, &[], true)));
    let opened = ledger();
    assert!(is_refused(opened.erase(subject, &order).map(drop)));
    assert_eq!(two.list(b"").unwrap(), rows);
    assert_eq!(wrapper.key_id().unwrap(), key_id);
    for row in &rows {
        wrapper.unwrap(&row.wrapped).unwrap();
    }
    drop(rotating);
    // It has died: whoever opens the ledger next finishes it.
    let opened = ledger();
    assert_eq!(opened.find(&mobile()).unwrap(), Some(subject));
    assert!(
        wrapper
            .unwrap(&rows.first().unwrap().wrapped)
            .is_err_and(|error| error == KeyError::Gone)
    );
    opened.erase(subject, &order).unwrap();
    keys().rotate().unwrap();
    assert_eq!(keys().find(&mobile()).unwrap(), None);
}

/// Its own command finds it, by a number that leads to nobody any more, whoever finished it.
fn an_erasure_that_dies_in_any_call_is_finished_and_told(open: &dyn Fn() -> Arc<dyn KeyStore>) {
    let wrapper = Arc::new(crate::MemoryKeyWrapper::new().unwrap());
    let chain = Arc::new(MemoryStore::new().unwrap());
    let process = |life: &Life| {
        let store = Arc::new(Mortal(open(), life.clone()));
        let keys = Keys::new(store, wrapper.clone());
        ConsentLedger::open(chain.clone(), keys).unwrap()
    };
    let order = ErasureOrder {
        reason: ErasureReason::Request,
        classes: None,
        relationship_ended: None,
    };
    let mut people = 9_000_000_001_u64..;
    for is_last_done in [false, true] {
        let mut calls = 0;
        loop {
            let mobile = people.next().unwrap().to_string();
            let mobile = Mobile::parse(&mobile).unwrap();
            let life = Life::endless();
            let ledger = process(&life);
            let subject = ledger.subject(&mobile).unwrap();
            ledger.request(subject, &notice()).unwrap();
            let data = (subject, Class::AccountData, Timestamp::UNIX_EPOCH);
            ledger.keys().data_key(data.0, data.1, data.2).unwrap();
            life.ends_after(calls, is_last_done);
            let is_dead = ledger.erase(subject, &order).is_err();
            drop(ledger);
            let ledger = process(&Life::endless());
            let is_begun = ledger.find(&mobile).unwrap().is_none();
            let found = ledger.cut_off_erasure_of(&mobile).unwrap();
            let recent = ledger.recent_erasure_of(&mobile).unwrap();
            assert!(is_begun || is_dead, "{calls}");
            assert!(found.is_none_or(|found| found.subject == subject && is_dead));
            assert_eq!(recent.is_some(), is_begun, "{calls}");
            let recent = recent.is_none_or(|recent| recent.erased == [Class::AccountData]);
            assert!(recent, "{calls}");
            let classes = ledger.keys().classes(subject).unwrap();
            assert_eq!(classes.len(), if is_begun { 1 } else { 2 }, "{calls}");
            if !is_dead {
                break;
            }
            calls += 1;
        }
        assert!(calls > 5, "{calls}");
    }
}
