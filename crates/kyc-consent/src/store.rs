//! Where a ledger lies: the seam, and one in memory.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError, RwLock};

use jiff::Timestamp;

use crate::chain::Head;
use crate::entry::Entry;
use crate::error::StoreError;
use crate::ids::{
    DataKind, Digest, HoldId, LedgerId, ProviderName, Purpose, ReceiptId, Rule, Subject,
};
use crate::receipt::{Basis, Receipt};
use crate::retention::Hold;

/// Why a receipt does not count any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The person withdrew it.
    Withdrawn,
    /// Another receipt replaced it.
    Renewed,
    /// Its time was over, and that was recorded.
    Expired,
}

impl EndReason {
    /// The number that is stored, from 1.
    pub const fn number(self) -> u8 {
        (self as u8).saturating_add(1)
    }

    /// The reason of this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Withdrawn),
            2 => Some(Self::Renewed),
            3 => Some(Self::Expired),
            _ => None,
        }
    }
}

/// What of a receipt is not sealed, because calls are decided by it: codes and times, under a pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Which receipt.
    pub id: ReceiptId,
    /// Whose.
    pub subject: Subject,
    /// The entry whose body has all of it.
    pub entry: u64,
    /// The rule, if it rests on a legal duty and not on consent.
    pub rule: Option<Rule>,
    /// The purposes.
    pub purposes: Vec<Purpose>,
    /// The kinds of data.
    pub kinds: Vec<DataKind>,
    /// The providers that receive data.
    pub providers: Vec<ProviderName>,
    /// When it was given.
    pub given_at: Timestamp,
    /// Until when it is valid.
    pub expires_at: Timestamp,
    /// When and why it ended before.
    pub ended: Option<(Timestamp, EndReason)>,
}

impl ReceiptRow {
    pub(crate) fn of(receipt: &Receipt, entry: u64) -> Self {
        let providers = receipt.recipients().iter();
        Self {
            id: receipt.id(),
            subject: receipt.subject(),
            entry,
            rule: match receipt.basis() {
                Basis::Consent => None,
                Basis::LegalDuty(rule) => Some(rule.clone()),
            },
            purposes: receipt.purposes().to_vec(),
            kinds: receipt.kinds().to_vec(),
            providers: providers
                .map(|recipient| recipient.provider.clone())
                .collect(),
            given_at: receipt.given_at(),
            expires_at: receipt.expires_at(),
            ended: None,
        }
    }

    /// Whether it counts at this time.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.given_at <= now && now < self.expires_at
    }
}

/// What the ledger knows of a person without opening a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectState {
    /// How often receipts of this person ended. A proof of an earlier epoch does not count.
    pub epoch: u64,
    /// The receipts, in the order in which they were given.
    pub receipts: Vec<ReceiptRow>,
    /// The holds that were not released.
    pub holds: Vec<Hold>,
    /// The entries of consent artefacts, with receipt and provider.
    pub artefacts: Vec<(u64, ReceiptId, ProviderName)>,
}

/// What one transaction writes, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The head that it was planned for. If the store's head is another one by now, nothing is written.
    pub expected: Head,
    /// The entries to append, chained from there.
    pub entries: Vec<Entry>,
    /// New receipts.
    pub receipts: Vec<ReceiptRow>,
    /// Receipts that end.
    pub ended: Vec<(ReceiptId, Timestamp, EndReason)>,
    /// The person's next epoch.
    pub epoch: Option<(Subject, u64)>,
    /// A new hold.
    pub held: Option<Hold>,
    /// A hold that ends.
    pub released: Option<(Subject, HoldId)>,
    /// A new artefact: its entry, receipt and provider.
    pub artefact: Option<(u64, ReceiptId, ProviderName)>,
    /// The entry of an artefact that is over.
    pub ended_artefact: Option<(Subject, u64)>,
    /// What goes on for a person from now on, in place of what the same follower was.
    pub follower: Option<Follower>,
    /// The followers of these receipts follow another one from now on.
    pub moved: Option<(ReceiptId, ReceiptId)>,
    /// The followers of these receipts are to be told that they were withdrawn.
    pub owed: Vec<ReceiptId>,
    /// A follower that has been told.
    pub told: Option<String>,
    /// By which name the caller knows the entries, which are written once.
    pub source: Option<Digest>,
}

/// Something that goes on for a person under a receipt and has to end when that is withdrawn, such as a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// Its name, which says nothing about anybody: 1 to 64 letters, digits, `-` and `_`.
    pub name: String,
    /// The person.
    pub subject: Subject,
    /// The receipt; `None` until consent is given.
    pub receipt: Option<ReceiptId>,
}

impl Change {
    /// One that writes nothing yet.
    pub fn after(expected: Head) -> Self {
        Self {
            expected,
            entries: Vec::new(),
            receipts: Vec::new(),
            ended: Vec::new(),
            epoch: None,
            held: None,
            released: None,
            artefact: None,
            ended_artefact: None,
            follower: None,
            moved: None,
            owed: Vec::new(),
            told: None,
            source: None,
        }
    }

    /// The head once it is written.
    pub fn head(&self) -> Head {
        self.entries.last().map_or(self.expected, |last| Head {
            seq: last.seq,
            digest: last.digest,
            ..self.expected
        })
    }
}

/// Where a ledger lies. It stores what it is given and decides nothing.
pub trait LedgerStore: fmt::Debug + Send + Sync + 'static {
    /// The head.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn head(&self) -> Result<Head, StoreError>;

    /// What is known of a person; nothing is the default value.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn subject(&self, subject: Subject) -> Result<SubjectState, StoreError>;

    /// A person's epoch and receipts, as in [`subject`](Self::subject), and no more: it is asked before each call.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn receipts(&self, subject: Subject) -> Result<(u64, Vec<ReceiptRow>), StoreError>;

    /// Writes a change in one transaction. Durable when it returns, as far as the store is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the head is not the expected one, or the store failed. Nothing was written.
    fn commit(&self, change: &Change) -> Result<(), StoreError>;

    /// Keeps everybody else from committing until what it returns is dropped, so that what is planned meanwhile is not overtaken. The
    /// ledger asks for it once it was. A store whose writers wait for each other anyway reserves nothing.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn reserve(&self) -> Result<Reservation<'_>, StoreError> {
        Ok(Reservation::default())
    }

    /// At most `limit` entries after this place, in order.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// The entries about a person, in order.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn entries_of(&self, subject: Subject) -> Result<Vec<Entry>, StoreError>;

    /// How many persons have entries.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn persons(&self) -> Result<u64, StoreError>;

    /// The last entry that was written under this name of the caller's.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn written(&self, source: &Digest) -> Result<Option<u64>, StoreError>;

    /// The follower of this name.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError>;

    /// The followers of a person, in the order of their names.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn followers(&self, subject: Subject) -> Result<Vec<Follower>, StoreError>;

    /// At most `limit` followers that have not been told of a withdrawal, after this name, in the order of their names.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn untold(&self, after: &str, limit: usize) -> Result<Vec<Follower>, StoreError>;
}

/// The next commit, or the next rotation of keys, as long as it is held.
#[derive(Default)]
pub struct Reservation<'s>(Option<Box<dyn FnOnce() + Send + 's>>);

impl<'s> Reservation<'s> {
    /// One that is given up by this, whether what was reserved came or not.
    pub fn until(given_up: impl FnOnce() + Send + 's) -> Self {
        Self(Some(Box::new(given_up)))
    }
}

impl fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reservation(..)")
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if let Some(give_up) = self.0.take() {
            give_up();
        }
    }
}

/// A ledger in memory, gone with the process.
#[derive(Debug)]
pub struct MemoryStore {
    ledger: LedgerId,
    entries: Mutex<Vec<Entry>>,
    subjects: RwLock<Subjects>,
    followers: Mutex<Followers>,
}

#[derive(Debug, Default)]
struct Followers {
    /// With whether each is to be told.
    all: BTreeMap<String, (Follower, bool)>,
    sources: HashMap<Digest, u64>,
}

impl Followers {
    fn apply(&mut self, change: &Change) {
        if let Some(follower) = &change.follower {
            let entry = self.all.entry(follower.name.clone());
            entry.or_insert((follower.clone(), false)).0 = follower.clone();
        }
        for (follower, is_owed) in self.all.values_mut() {
            if let Some((from, to)) = change.moved
                && follower.receipt == Some(from)
            {
                follower.receipt = Some(to);
            }
            *is_owed |= follower
                .receipt
                .is_some_and(|receipt| change.owed.contains(&receipt));
            *is_owed &= change.told.as_ref() != Some(&follower.name);
        }
        let last = change.head().seq;
        self.sources
            .extend(change.source.map(|source| (source, last)));
    }
}

#[derive(Debug, Default)]
struct Subjects {
    states: HashMap<Subject, SubjectState>,
    owners: HashMap<ReceiptId, Subject>,
}

impl MemoryStore {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// The system provides no randomness for its id.
    pub fn new() -> Result<Self, provider_core::InvalidRequest> {
        Ok(Self {
            ledger: LedgerId::random()?,
            entries: Mutex::default(),
            subjects: RwLock::default(),
            followers: Mutex::default(),
        })
    }

    fn head_of(&self, entries: &[Entry]) -> Head {
        entries
            .last()
            .map_or(Head::of_empty(self.ledger), |last| Head {
                ledger: self.ledger,
                seq: last.seq,
                digest: last.digest,
            })
    }

    fn with_followers<T>(&self, f: impl FnOnce(&mut Followers) -> T) -> T {
        let followers = self.followers.lock();
        f(&mut followers.unwrap_or_else(PoisonError::into_inner))
    }

    fn with_entries<T>(&self, f: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
        f(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LedgerStore for MemoryStore {
    fn head(&self) -> Result<Head, StoreError> {
        Ok(self.with_entries(|entries| self.head_of(entries)))
    }

    fn subject(&self, subject: Subject) -> Result<SubjectState, StoreError> {
        let subjects = self.subjects.read().unwrap_or_else(PoisonError::into_inner);
        Ok(subjects.states.get(&subject).cloned().unwrap_or_default())
    }

    fn receipts(&self, subject: Subject) -> Result<(u64, Vec<ReceiptRow>), StoreError> {
        let subjects = self.subjects.read().unwrap_or_else(PoisonError::into_inner);
        let state = subjects.states.get(&subject);
        Ok(state
            .map(|state| (state.epoch, state.receipts.clone()))
            .unwrap_or_default())
    }

    fn commit(&self, change: &Change) -> Result<(), StoreError> {
        self.with_entries(|entries| {
            if self.head_of(entries) != change.expected {
                return Err(StoreError::Conflict);
            }
            let mut subjects = self
                .subjects
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let Subjects { states, owners } = &mut *subjects;
            for row in &change.receipts {
                owners.insert(row.id, row.subject);
                let receipts = &mut states.entry(row.subject).or_default().receipts;
                // Most people have one.
                receipts.reserve_exact(1);
                receipts.push(row.clone());
            }
            for (id, at, reason) in &change.ended {
                let owner = owners.get(id).and_then(|subject| states.get_mut(subject));
                let mut receipts = owner.into_iter().flat_map(|state| &mut state.receipts);
                if let Some(row) = receipts.find(|row| row.id == *id) {
                    row.ended = Some((*at, *reason));
                }
            }
            if let Some((subject, epoch)) = change.epoch {
                states.entry(subject).or_default().epoch = epoch;
            }
            if let Some(hold) = &change.held {
                states
                    .entry(hold.subject)
                    .or_default()
                    .holds
                    .push(hold.clone());
            }
            if let Some((subject, id)) = change.released {
                let holds = &mut states.entry(subject).or_default().holds;
                holds.retain(|hold| hold.id != id);
            }
            if let Some(artefact) = &change.artefact
                && let Some(owner) = owners.get(&artefact.1)
            {
                states
                    .entry(*owner)
                    .or_default()
                    .artefacts
                    .push(artefact.clone());
            }
            if let Some((subject, ended)) = change.ended_artefact {
                let artefacts = &mut states.entry(subject).or_default().artefacts;
                artefacts.retain(|(entry, ..)| *entry != ended);
            }
            entries.extend(change.entries.iter().cloned());
            self.with_followers(|followers| followers.apply(change));
            Ok(())
        })
    }

    fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.with_entries(|entries| {
            let rest = entries.get(skipped..).unwrap_or_default();
            rest.iter().take(limit).cloned().collect()
        }))
    }

    fn entries_of(&self, subject: Subject) -> Result<Vec<Entry>, StoreError> {
        Ok(self.with_entries(|entries| {
            let of = entries.iter().filter(|entry| entry.subject == subject);
            of.cloned().collect()
        }))
    }

    fn persons(&self) -> Result<u64, StoreError> {
        let mut persons: Vec<Subject> =
            self.with_entries(|entries| entries.iter().map(|entry| entry.subject).collect());
        persons.sort_unstable();
        persons.dedup();
        Ok(u64::try_from(persons.len()).unwrap_or(u64::MAX))
    }

    fn written(&self, source: &Digest) -> Result<Option<u64>, StoreError> {
        Ok(self.with_followers(|followers| followers.sources.get(source).copied()))
    }

    fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError> {
        Ok(self.with_followers(|followers| {
            let found = followers.all.get(name);
            found.map(|(follower, _)| follower.clone())
        }))
    }

    fn followers(&self, subject: Subject) -> Result<Vec<Follower>, StoreError> {
        Ok(self.with_followers(|followers| {
            let all = followers.all.values().map(|(follower, _)| follower);
            let of = all.filter(|follower| follower.subject == subject);
            of.cloned().collect()
        }))
    }

    fn untold(&self, after: &str, limit: usize) -> Result<Vec<Follower>, StoreError> {
        Ok(self.with_followers(|followers| {
            let rest = followers
                .all
                .values()
                .filter(|(follower, is_owed)| *is_owed && follower.name.as_str() > after);
            let rest = rest.take(limit).map(|(follower, _)| follower.clone());
            rest.collect()
        }))
    }
}
