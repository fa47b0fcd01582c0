//! What was asked and what was done.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One of the four providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// Finpass.
    Finpass,
    /// MoneyOne FinPro.
    Finpro,
    /// Veriff.
    Veriff,
    /// Deepvue.
    Deepvue,
}

impl Provider {
    /// The name in lower case, which is also the path prefix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finpass => "finpass",
            Self::Finpro => "finpro",
            Self::Veriff => "veriff",
            Self::Deepvue => "deepvue",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request that a provider's routes answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    sequence: u64,
    provider: Provider,
    operation: &'static str,
    status: u16,
    request_id: Option<String>,
    effect: Option<String>,
}

impl Entry {
    pub(crate) fn new(
        provider: Provider,
        operation: &'static str,
        status: u16,
        request_id: Option<String>,
        effect: Option<String>,
    ) -> Self {
        Self {
            sequence: 0,
            provider,
            operation,
            status,
            request_id,
            effect,
        }
    }

    /// The position in the order of answers, from 1.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whose routes answered.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// `account_aggregator_init`, `profile`, `session_consents`, `digilocker_initiate_session`, or `other` for a path
    /// or method below the provider's prefix that is none of these.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The HTTP status that was sent.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `x-request-id` header of the request, if it was sent with 1 to 128 visible ASCII characters.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether something was done: a session opened, a consent recorded. A profile check never has an effect.
    pub fn had_effect(&self) -> bool {
        self.effect.is_some()
    }

    /// The id of what was done: Finpass's `client_id`, Veriff's consent id, Deepvue's `transaction_id`. It is there even
    /// when the reply did not say so, because a fault replaced it.
    pub fn effect_id(&self) -> Option<&str> {
        self.effect.as_deref()
    }
}

/// How many requests, effects and statuses there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Requests answered.
    pub requests: u64,
    /// Requests that had an effect.
    pub effects: u64,
    /// Requests by the HTTP status sent.
    pub by_status: BTreeMap<u16, u64>,
}

impl Counts {
    fn add(&mut self, status: u16, effect: bool) {
        self.requests = self.requests.saturating_add(1);
        self.effects = self.effects.saturating_add(u64::from(effect));
        self.add_status(status, 1);
    }

    fn add_status(&mut self, status: u16, count: u64) {
        let counted = self.by_status.entry(status).or_default();
        *counted = counted.saturating_add(count);
    }
}

/// What the sandbox was asked and what it did, for a test to compare with what its client believes.
///
/// An entry is written when the answer is decided, which is the moment of the effect and before any reply delay: a
/// caller that goes away while it waits for the reply leaves an entry all the same. It holds no mobile number, no name, no
/// text and no credential. A `Ledger` is a handle; all clones show the same.
///
/// Requests that never reach a provider's route have no entry: other path prefixes, and what the HTTP layer refuses.
#[derive(Clone)]
pub struct Ledger(Arc<Mutex<Book>>);

struct Book {
    capacity: usize,
    written: u64,
    entries: VecDeque<Entry>,
    counts: BTreeMap<Provider, Counts>,
}

impl Ledger {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(Book {
            capacity,
            written: 0,
            entries: VecDeque::new(),
            counts: BTreeMap::new(),
        })))
    }

    pub(crate) fn write(&self, mut entry: Entry) {
        let mut book = self.book();
        book.written = book.written.saturating_add(1);
        entry.sequence = book.written;
        book.counts
            .entry(entry.provider)
            .or_default()
            .add(entry.status, entry.effect.is_some());
        if book.capacity == 0 {
            return;
        }
        if book.entries.len() == book.capacity {
            book.entries.pop_front();
        }
        book.entries.push_back(entry);
    }

    /// The kept entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.book().entries.iter().cloned().collect()
    }

    /// The kept entries of one `x-request-id`, oldest first: the attempts of one call.
    pub fn entries_for(&self, request_id: &str) -> Vec<Entry> {
        self.book()
            .entries
            .iter()
            .filter(|entry| entry.request_id() == Some(request_id))
            .cloned()
            .collect()
    }

    /// Counts of one provider. Exact, whatever was dropped from the entries.
    pub fn counts(&self, provider: Provider) -> Counts {
        self.book()
            .counts
            .get(&provider)
            .cloned()
            .unwrap_or_default()
    }

    /// Counts of all providers together.
    pub fn total(&self) -> Counts {
        let book = self.book();
        let mut total = Counts::default();
        for counts in book.counts.values() {
            total.requests = total.requests.saturating_add(counts.requests);
            total.effects = total.effects.saturating_add(counts.effects);
            for (status, count) in &counts.by_status {
                total.add_status(*status, *count);
            }
        }
        total
    }

    /// How many entries are no longer kept because of
    /// [`Settings::with_ledger_capacity`](crate::Settings::with_ledger_capacity).
    pub fn dropped(&self) -> u64 {
        let book = self.book();
        book.written
            .saturating_sub(u64::try_from(book.entries.len()).unwrap_or(u64::MAX))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = self.book();
        f.debug_struct("Ledger")
            .field("written", &book.written)
            .field("kept", &book.entries.len())
            .finish()
    }
}
