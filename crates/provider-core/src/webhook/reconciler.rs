//! Asks the provider where a webhook does not come within its time.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::deadline::after;
use super::seen::BoxError;
use crate::values::InvalidRequest;

/// What the provider said when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// What was expected has happened: it is not asked again.
    Settled,
    /// Not yet: it is asked again, an interval later.
    Open,
}

/// How one provider is asked, and what becomes of what is never settled. `K` is what the caller knows it by, such as the id of a
/// session or the handle of a consent.
#[async_trait]
pub trait Ask<K>: Send + Sync + 'static {
    /// Asks the provider with an operation that changes nothing there, and does with the answer what is done with the webhook, which
    /// may have come meanwhile: let the same state machine take both.
    ///
    /// It is dropped after an interval, and when [`Reconciler::run`] is.
    ///
    /// # Errors
    ///
    /// The answer is not known. It counts as an ask, and it is asked again an interval later. The error is not logged: it may hold
    /// anything.
    async fn ask(&self, key: &K) -> Result<Asked, BoxError>;

    /// It was asked as often as it may be, and is no longer expected: tell a person, or expect it again with more time. An interval
    /// has passed since the last ask.
    async fn given_up(&self, key: K);
}

/// How often is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    interval: Duration,
    most_asks: u32,
    budget: usize,
    capacity: usize,
}

impl Pace {
    /// Asks for each key once per interval, at most 24 times, and for all keys together at most 60 times per interval; expects at
    /// most 65,536.
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            most_asks: 24,
            budget: 60,
            capacity: 65_536,
        }
    }

    /// Gives a key up after this many asks, those that failed included.
    #[must_use]
    pub fn with_most_asks(self, most_asks: u32) -> Self {
        Self { most_asks, ..self }
    }

    /// Asks at most this often, for all keys together, in any time as long as the interval. An ask beyond it waits its turn.
    #[must_use]
    pub fn with_budget(self, budget: usize) -> Self {
        Self { budget, ..self }
    }

    /// Expects at most this many keys, of about 200 bytes each. One that was asked for takes its place until the interval is over,
    /// although it is settled.
    #[must_use]
    pub fn with_capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    fn check(self) -> Result<Self, InvalidRequest> {
        let rules = [
            ("interval", self.interval.is_zero()),
            ("most_asks", self.most_asks == 0),
            ("budget", self.budget == 0),
            ("capacity", self.capacity == 0),
        ];
        match rules.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((field, _)) => Err(InvalidRequest::new(field, "must be more than zero")),
            None => Ok(self),
        }
    }
}

/// As much is expected as a [`Pace`] permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no more webhooks can be expected at the same time")]
pub struct TooManyExpected;

/// Asks the provider instead, where a webhook does not come within its time.
///
/// [`expect`](Self::expect) says what should come, and by when; [`told`](Self::told) that it came, and it is never asked for.
/// Otherwise the provider is asked once per interval, however many callers and webhooks there are: never twice at the same time
/// for one key, and for all keys together within a budget. What has been asked as often as it may be is given up, and reported.
///
/// It lives in memory, counts on tokio's clock and ends with the process: at the start, expect what your own store knows to be
/// unsettled. Clones share everything. Nothing that is logged names a key.
///
/// ```
/// use std::time::Duration;
/// use provider_core::async_trait;
/// use provider_core::webhook::{Ask, Asked, BoxError, Pace, Reconciler};
///
/// struct Payments;
///
/// #[async_trait]
/// impl Ask<u64> for Payments {
///     async fn ask(&self, number: &u64) -> Result<Asked, BoxError> {
///         // A client's call, and the state machine that webhooks go to.
///         Ok(if *number == 7 { Asked::Settled } else { Asked::Open })
///     }
///     async fn given_up(&self, _: u64) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let payments = Reconciler::new("acme", Pace::every(Duration::from_secs(600)))?;
/// let running = payments.clone();
/// let running = tokio::spawn(async move { running.run(Payments).await });
///
/// // When a payment begins.
/// payments.expect(7, Duration::from_secs(300))?;
/// payments.expect(8, Duration::from_secs(300))?;
/// // In the webhook's handler.
/// payments.told(&8);
///
/// tokio::time::sleep(Duration::from_secs(301)).await;
/// assert_eq!(payments.expected(), 0, "7 was asked for");
/// running.abort();
/// # Ok(())
/// # }
/// ```
pub struct Reconciler<K>(Arc<Shared<K>>);

struct Shared<K> {
    provider: &'static str,
    pace: Pace,
    state: Mutex<State<K>>,
    changed: Notify,
}

impl<K> Clone for Reconciler<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> Reconciler<K> {
    /// Expects nothing yet. The provider's name is for the log, as in `Provider::NAME`.
    ///
    /// # Errors
    ///
    /// A figure of the pace is zero.
    pub fn new(provider: &'static str, pace: Pace) -> Result<Self, InvalidRequest> {
        Ok(Self(Arc::new(Shared {
            provider,
            pace: pace.check()?,
            state: Mutex::new(State::default()),
            changed: Notify::new(),
        })))
    }

    /// Expects a webhook within this time; then the provider is asked. One that is expected already stays as it is.
    ///
    /// # Errors
    ///
    /// [`TooManyExpected`]: nothing was changed.
    pub fn expect(&self, key: K, within: Duration) -> Result<(), TooManyExpected> {
        let now = Instant::now();
        self.0
            .change(|state, pace| state.expect(key, after(now, within), now, pace))
    }

    /// Notes that the webhook came, and returns whether it was expected. Call it when the event was handled, so that one whose
    /// handler fails is asked for.
    pub fn told(&self, key: &K) -> bool {
        let now = Instant::now();
        self.0.change(|state, pace| state.told(key, now, pace))
    }

    /// Asks sooner, for a hint that something may have happened, as Finpass's webhooks are, and returns whether it is expected. Still
    /// once per interval; what is asked before its time is not counted, so that false hints bring nothing closer to being given up.
    pub fn hinted(&self, key: &K) -> bool {
        let now = Instant::now();
        self.0.change(|state, pace| state.hinted(key, now, pace))
    }

    /// How many are expected.
    pub fn expected(&self) -> usize {
        let state = self.0.state();
        state.entries.values().filter(|one| one.expected).count()
    }

    /// Asks, until it is dropped, which drops the asks in flight too: what is expected stays so. One task runs it for all keys.
    pub async fn run(&self, ask: impl Ask<K>) {
        let ask = Arc::new(ask);
        let mut asking = JoinSet::new();
        loop {
            while let Some(ended) = asking.try_join_next() {
                if ended.is_err() {
                    let provider = self.0.provider;
                    tracing::warn!(provider, "asking instead of a webhook panicked");
                }
            }
            // Not in the `match`, which would hold the lock.
            let next = self.0.state().next(Instant::now(), self.0.pace);
            match next {
                Next::Ask(key) => {
                    let (ask, shared) = (Arc::clone(&ask), Arc::clone(&self.0));
                    // Its end is noted however it comes: by a panic, or because this is dropped before it began.
                    let mut in_flight = InFlight {
                        shared,
                        key,
                        settled: false,
                    };
                    asking.spawn(async move {
                        let interval = in_flight.shared.pace.interval;
                        let asked = timeout(interval, ask.ask(&in_flight.key)).await;
                        in_flight.settled = matches!(asked, Ok(Ok(Asked::Settled)));
                        let provider = in_flight.shared.provider;
                        if !matches!(asked, Ok(Ok(_))) {
                            tracing::debug!(provider, "asking instead of a webhook failed");
                        }
                    });
                }
                Next::GiveUp(key, asks) => {
                    let provider = self.0.provider;
                    tracing::warn!(
                        provider,
                        asks,
                        "a webhook never came and asking is given up"
                    );
                    let ask = Arc::clone(&ask);
                    asking.spawn(async move { ask.given_up(key).await });
                }
                Next::Wait(Some(until)) => {
                    // Either may have come.
                    let _ = timeout_at(until, self.0.changed.notified()).await;
                }
                Next::Wait(None) => self.0.changed.notified().await,
            }
        }
    }
}

/// Prints no key.
impl<K> fmt::Debug for Reconciler<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler")
            .field("provider", &self.0.provider)
            .field("pace", &self.0.pace)
            .finish_non_exhaustive()
    }
}

impl<K> Shared<K> {
    fn state(&self) -> MutexGuard<'_, State<K>> {
        // Of a change that panicked, in the caller's `Hash`, at most its key is lost.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State<K>, Pace) -> T) -> T {
        let changed = change(&mut self.state(), self.pace);
        self.changed.notify_one();
        changed
    }
}

/// An ask in flight.
struct InFlight<K: Eq + Hash + Clone> {
    shared: Arc<Shared<K>>,
    key: K,
    settled: bool,
}

impl<K: Eq + Hash + Clone> Drop for InFlight<K> {
    fn drop(&mut self) {
        let (key, settled, now) = (&self.key, self.settled, Instant::now());
        self.shared
            .change(|state, pace| state.ended(key, settled, now, pace));
    }
}

/// What is to be done next.
enum Next<K> {
    Ask(K),
    GiveUp(K, u32),
    Wait(Option<Instant>),
}

/// What is expected and what was asked: pure, told the time.
struct State<K> {
    entries: HashMap<K, Entry>,
    /// When each entry but those in flight is looked at next, in the order of the numbers they drew.
    due: BTreeMap<(Instant, u64), K>,
    drawn: u64,
    /// When the last asks began, the oldest first; at most as many as the budget.
    asks: VecDeque<Instant>,
}

struct Entry {
    /// Otherwise it is kept for what was asked, until an interval after it.
    expected: bool,
    /// The end of the webhook's time.
    from: Instant,
    /// The asks after that.
    asks: u32,
    asked_at: Option<Instant>,
    in_flight: bool,
    /// Whether the ask in flight was made for what is expected now.
    counts: bool,
    /// Its place among those that are due.
    due: Option<(Instant, u64)>,
}

impl<K> Default for State<K> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            due: BTreeMap::new(),
            drawn: 0,
            asks: VecDeque::new(),
        }
    }
}

impl Entry {
    /// When it may be asked again.
    fn rested(&self, now: Instant, pace: Pace) -> Instant {
        let asked = self.asked_at.map(|asked| after(asked, pace.interval));
        asked.map_or(now, |rested| rested.max(now))
    }
}

impl<K: Eq + Hash + Clone> State<K> {
    fn expect(
        &mut self,
        key: K,
        from: Instant,
        now: Instant,
        pace: Pace,
    ) -> Result<(), TooManyExpected> {
        let is_full = self.entries.len() >= pace.capacity;
        match self.entries.get_mut(&key) {
            Some(entry) if entry.expected => return Ok(()),
            Some(entry) => {
                (entry.expected, entry.from, entry.asks) = (true, from, 0);
                entry.counts = false;
            }
            None if is_full => return Err(TooManyExpected),
            None => {
                let entry = Entry {
                    expected: true,
                    from,
                    asks: 0,
                    asked_at: None,
                    in_flight: false,
                    counts: false,
                    due: None,
                };
                self.entries.insert(key.clone(), entry);
            }
        }
        self.place(&key, from, now, pace);
        Ok(())
    }

    fn told(&mut self, key: &K, now: Instant, pace: Pace) -> bool {
        let told = self.entries.get_mut(key);
        let told = told.is_some_and(|entry| std::mem::take(&mut entry.expected));
        if told {
            self.place(key, now, now, pace);
        }
        told
    }

    fn hinted(&mut self, key: &K, now: Instant, pace: Pace) -> bool {
        let Some(entry) = self.entries.get(key).filter(|entry| entry.expected) else {
            return false;
        };
        let sooner = entry
            .due
            .is_some_and(|(due, _)| entry.rested(now, pace) < due);
        if sooner {
            self.place(key, now, now, pace);
        }
        true
    }

    fn ended(&mut self, key: &K, settled: bool, now: Instant, pace: Pace) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.in_flight = false;
            entry.expected &= !(settled && entry.counts);
            let from = entry.from;
            self.place(key, from, now, pace);
        }
    }

    /// Gives an entry its place among those that are due: at `from`, but an interval after the last ask. One that is kept for nothing
    /// is removed.
    fn place(&mut self, key: &K, from: Instant, now: Instant, pace: Pace) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if let Some(due) = entry.due.take() {
            self.due.remove(&due);
        }
        if entry.in_flight {
            return;
        }
        let rested = entry.rested(now, pace);
        let due = match entry.expected {
            true => from.max(rested),
            false if rested > now => rested,
            false => {
                self.entries.remove(key);
                return;
            }
        };
        self.drawn = self.drawn.wrapping_add(1);
        let place = (due, self.drawn);
        entry.due = Some(place);
        self.due.insert(place, key.clone());
    }

    fn next(&mut self, now: Instant, pace: Pace) -> Next<K> {
        while let Some(((due, _), key)) = self.due.first_key_value() {
            if *due > now {
                return Next::Wait(Some(*due));
            }
            let key = key.clone();
            let entry = self.entries.get_mut(&key);
            match entry.filter(|entry| entry.expected) {
                None => self.remove_first(),
                Some(entry) if entry.asks >= pace.most_asks => {
                    let asks = entry.asks;
                    self.remove_first();
                    return Next::GiveUp(key, asks);
                }
                Some(entry) => {
                    let free = |asked: &Instant| after(*asked, pace.interval);
                    while self.asks.front().map(free).is_some_and(|free| free <= now) {
                        self.asks.pop_front();
                    }
                    if self.asks.len() >= pace.budget {
                        return Next::Wait(self.asks.front().map(free));
                    }
                    self.asks.push_back(now);
                    if now >= entry.from {
                        entry.asks = entry.asks.saturating_add(1);
                    }
                    (entry.asked_at, entry.due) = (Some(now), None);
                    (entry.in_flight, entry.counts) = (true, true);
                    self.due.pop_first();
                    return Next::Ask(key);
                }
            }
        }
        Next::Wait(None)
    }

    fn remove_first(&mut self) {
        if let Some((_, key)) = self.due.pop_first() {
            self.entries.remove(&key);
        }
    }
}
