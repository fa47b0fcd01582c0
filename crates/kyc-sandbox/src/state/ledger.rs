//! The requests that the sandbox answered, and their effects.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::recent::push;

/// One of the four providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Finpass, Self::Finpro, Self::Veriff, Self::Deepvue];

    /// The name in lower case, which is also the path prefix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finpass => "finpass",
            Self::Finpro => "finpro",
            Self::Veriff => "veriff",
            Self::Deepvue => "deepvue",
        }
    }

    /// The one of this [name](Self::as_str).
    pub(crate) fn of(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|provider| provider.as_str() == name)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request that a provider's route table answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    sequence: u64,
    provider: Provider,
    operation: &'static str,
    method: &'static str,
    status: u16,
    request_id: Option<Box<str>>,
    /// In memory once, with what it names.
    effect: Option<Arc<str>>,
}

impl Entry {
    pub(crate) fn new(
        provider: Provider,
        operation: &'static str,
        method: &'static str,
        status: u16,
        request_id: Option<String>,
        effect: Option<Arc<str>>,
    ) -> Self {
        Self {
            sequence: 0,
            provider,
            operation,
            method,
            status,
            request_id: request_id.map(String::into_boxed_str),
            effect,
        }
    }

    /// The position in the order of answers, from 1.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The provider whose route table answered.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The operation's name, one of [`Sandbox::operations`](crate::Sandbox::operations), or `other` for a path or a
    /// method below the provider's prefix that no route has.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The request's method, or `other` for one that RFC 9110 does not name.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The HTTP status that was sent.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `x-request-id` header of the request, if it was sent with 1 to 128 visible ASCII characters.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether the request had an effect: a session opened, a refresh started, a consent recorded. Reads, such as FinPro's
    /// profile check and Veriff's decision, have none.
    pub fn had_effect(&self) -> bool {
        self.effect.is_some()
    }

    /// The id of the effect: Finpass's `client_id` or `request_id`, Veriff's consent id, Deepvue's `transaction_id`. It is
    /// present even when a fault replaced the reply.
    pub fn effect_id(&self) -> Option<&str> {
        self.effect.as_deref()
    }
}

/// Counts of requests, effects and statuses.
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

/// The requests that the sandbox answered and their effects, for tests that compare them with a client's reports.
///
/// An entry is written when the reply is decided, which is the moment of the effect and before any reply delay: a request
/// that is cancelled while it waits for the reply still has an entry. An entry holds no mobile number, no name, no text and
/// no credential. A `Ledger` is a handle; all clones share their entries.
///
/// Requests that never reach a provider's route table have no entry: those with other path prefixes, and those that the
/// HTTP layer refuses.
#[derive(Clone)]
pub struct Ledger(Arc<Mutex<Inner>>);

struct Inner {
    capacity: usize,
    written: u64,
    entries: VecDeque<Entry>,
    /// By operation.
    counts: BTreeMap<(Provider, &'static str), Counts>,
}

impl Ledger {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            capacity,
            written: 0,
            entries: VecDeque::new(),
            counts: BTreeMap::new(),
        })))
    }

    pub(crate) fn write(&self, mut entry: Entry) {
        let mut inner = self.inner();
        inner.written = inner.written.saturating_add(1);
        entry.sequence = inner.written;
        inner
            .counts
            .entry((entry.provider, entry.operation))
            .or_default()
            .add(entry.status, entry.effect.is_some());
        if inner.capacity == 0 {
            return;
        }
        let capacity = inner.capacity;
        if inner.entries.len() == capacity {
            inner.entries.pop_front();
        }
        push(&mut inner.entries, entry, capacity);
    }

    /// The kept entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.inner().entries.iter().cloned().collect()
    }

    /// The kept entries of one `x-request-id`, oldest first: the attempts of one call.
    pub fn entries_for(&self, request_id: &str) -> Vec<Entry> {
        self.inner()
            .entries
            .iter()
            .filter(|entry| entry.request_id() == Some(request_id))
            .cloned()
            .collect()
    }

    /// Counts of one provider. Exact, even if entries were dropped.
    pub fn counts(&self, provider: Provider) -> Counts {
        self.sum(|(of, _)| *of == provider)
    }

    /// Counts of one operation, by the name in [`Entry::operation`].
    pub fn operation_counts(&self, provider: Provider, operation: &str) -> Counts {
        self.sum(|key| *key == (provider, operation))
    }

    /// Counts of all providers together.
    pub fn total(&self) -> Counts {
        self.sum(|_| true)
    }

    fn sum(&self, included: impl Fn(&(Provider, &'static str)) -> bool) -> Counts {
        let inner = self.inner();
        let mut sum = Counts::default();
        for (_, counts) in inner.counts.iter().filter(|(key, _)| included(key)) {
            sum.requests = sum.requests.saturating_add(counts.requests);
            sum.effects = sum.effects.saturating_add(counts.effects);
            for (status, count) in &counts.by_status {
                sum.add_status(*status, *count);
            }
        }
        sum
    }

    /// How many entries are no longer kept because of
    /// [`Settings::with_ledger_capacity`](crate::Settings::with_ledger_capacity).
    pub fn dropped(&self) -> u64 {
        let inner = self.inner();
        inner
            .written
            .saturating_sub(u64::try_from(inner.entries.len()).unwrap_or(u64::MAX))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("Ledger")
            .field("written", &inner.written)
            .field("kept", &inner.entries.len())
            .finish()
    }
}
