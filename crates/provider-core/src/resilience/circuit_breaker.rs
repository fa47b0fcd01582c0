//! The circuit breaker: stops calling an operation whose recent calls failed, and probes when it works again.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a client stops calling a failing operation, and how soon it tries again.
///
/// **Open**: a number of attempts in a row failed, without an answer or with a transient failure (a broken connection, a
/// time-out, 408, 5xx). Calls end at once with [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): nothing was sent,
/// and [`Error::retry_after`](crate::Error::retry_after) is the time until the next probe.
///
/// **Half-open**: one attempt per [`pause`](Self::with_pause) probes the provider, whether or not the previous probe has
/// ended, so a slow probe blocks nobody. A probe that ends without evidence frees its slot for the next caller.
///
/// **Closed**: the first answer of any kind closes the circuit.
///
/// Each operation of a client has its own circuit, shared by the client's clones. A retry counts as an attempt. An attempt
/// acquires its permit last, after the rate limiter and once its request is built, so that a request that is never sent
/// uses up no probe.
///
/// **Silence.** An attempt that ends without an answer, because a deadline expired or the call's future was dropped, is a
/// failure only if it lasted for the circuit's *patience*: two fifths of the operation's deadline, or of the client's
/// [`timeout`](crate::ClientBuilder::timeout) if that is shorter, unless [set](Self::with_patience). An operation's
/// deadline has room for two attempts and the back-off between them; two fifths is what one of them may take. So impatient
/// callers do not open the circuit of a healthy provider, and a silent provider is detected whoever sets the deadline: the
/// call, a flow, or a timer around the future. A shorter attempt returns its permit, as if it had not been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitBreaker {
    failures: u32,
    pause: Duration,
    patience: Option<Duration>,
}

impl CircuitBreaker {
    /// A circuit breaker that opens after ten failures in a row and probes once a second.
    pub const fn standard() -> Self {
        Self {
            failures: 10,
            pause: Duration::from_secs(1),
            patience: None,
        }
    }

    /// A circuit breaker that never opens: for a caller with a circuit breaker of its own.
    pub const fn never() -> Self {
        Self {
            failures: u32::MAX,
            ..Self::standard()
        }
    }

    /// Sets after how many failures in a row the circuit opens; 0 counts as 1.
    #[must_use]
    pub const fn with_failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// Sets the time between probes while the circuit is open. After an outage, calls are refused for this long at most.
    #[must_use]
    pub const fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Counts an attempt that is unanswered for this long as a failure, for every operation, instead of two fifths of its
    /// deadline: for a client whose callers all set short deadlines of their own. Choose a time within which a healthy
    /// provider always answers.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// How long an attempt of an operation with this deadline may stay unanswered before it counts as a failure.
    pub(crate) fn patience_for(&self, deadline: Duration) -> Duration {
        let two_fifths = || {
            let fifth = deadline.checked_div(5).unwrap_or_default();
            fifth.saturating_mul(2)
        };
        self.patience.unwrap_or_else(two_fifths)
    }

    fn after(&self, now: Instant) -> Instant {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        let next = now.checked_add(self.pause);
        next.or_else(|| now.checked_add(YEAR)).unwrap_or(now)
    }
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::standard()
    }
}

/// The circuits of a client's operations, each created at the operation's first call.
///
/// A hash table whose lists are append-only: a lookup takes no lock and, after the first one, allocates nothing.
pub(crate) struct Circuits {
    settings: CircuitBreaker,
    buckets: [OnceLock<Box<Node>>; Self::BUCKETS],
}

struct Node {
    operation: &'static str,
    circuit: Circuit,
    next: OnceLock<Box<Node>>,
}

impl Circuits {
    const BUCKETS: usize = 16;

    pub(crate) fn new(settings: CircuitBreaker) -> Self {
        Self {
            settings,
            buckets: Default::default(),
        }
    }

    /// The circuit of the operation with this name.
    pub(crate) fn of(&self, operation: &'static str) -> &Circuit {
        let add = |hash: u8, byte| hash.wrapping_mul(31).wrapping_add(byte);
        let bucket = usize::from(operation.bytes().fold(0, add)) % Self::BUCKETS;
        let mut slot = self.buckets.get(bucket).unwrap_or(&self.buckets[0]);
        loop {
            let node = slot.get_or_init(|| {
                Box::new(Node {
                    operation,
                    circuit: Circuit::new(self.settings),
                    next: OnceLock::new(),
                })
            });
            if node.operation == operation {
                return &node.circuit;
            }
            slot = &node.next;
        }
    }
}

impl fmt::Debug for Circuits {
    /// Prints the operations that were called, with their failures in a row.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.buckets.iter().flat_map(|bucket| {
            let first = bucket.get();
            std::iter::successors(first, |node| node.next.get())
        });
        let failures = |node: &Node| node.circuit.failures.load(Ordering::Relaxed);
        f.debug_map()
            .entries(nodes.map(|node| (node.operation, failures(node))))
            .finish()
    }
}

/// The state of one operation's circuit.
#[derive(Debug)]
pub(crate) struct Circuit {
    settings: CircuitBreaker,
    /// The number of failures in a row. Nearly always 0, and then nothing is written and no lock is taken.
    failures: AtomicU32,
    /// When the next probe may be sent, while the circuit is open.
    next: Mutex<Option<Instant>>,
}

impl Circuit {
    fn new(settings: CircuitBreaker) -> Self {
        Self {
            settings,
            failures: AtomicU32::new(0),
            next: Mutex::new(None),
        }
    }

    /// Acquires the permit for one attempt that is about to be sent. While the circuit is open, the attempt is a probe.
    ///
    /// # Errors
    ///
    /// How long until the next probe may be sent.
    pub(crate) fn acquire(&self, now: Instant, patience: Duration) -> Result<Permit<'_>, Duration> {
        let probe = match self.may_be_open() {
            true => self.probe(now)?,
            false => None,
        };
        Ok(Permit {
            circuit: self,
            silent_from: now.checked_add(patience),
            probe,
        })
    }

    /// How long an attempt would be refused from `then` on, if at all. Acquires nothing.
    pub(crate) fn refusal(&self, then: impl FnOnce() -> Option<Instant>) -> Option<Duration> {
        if !self.may_be_open() {
            return None;
        }
        let (next, then) = ((*self.next())?, then()?);
        (then < next).then(|| next.saturating_duration_since(then))
    }

    /// Acquires the slot of the next probe; `None` if the circuit has closed meanwhile.
    fn probe(&self, now: Instant) -> Result<Option<Instant>, Duration> {
        let mut next = self.next();
        match *next {
            Some(at) if now < at => Err(at.saturating_duration_since(now)),
            Some(_) => {
                *next = Some(self.settings.after(now));
                Ok(*next)
            }
            None => Ok(None),
        }
    }

    fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            let mut next = self.next();
            self.failures.store(0, Ordering::Relaxed);
            *next = None;
        }
    }

    fn failed(&self, now: Instant) {
        let count = |failures: u32| Some(failures.saturating_add(1));
        let _ = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
        if self.may_be_open() {
            let mut next = self.next();
            // Unless an answer closed it in between. Attempts that were in flight when it opened may fail later: they do
            // not delay the next probe.
            if self.may_be_open() {
                next.get_or_insert_with(|| self.settings.after(now));
            }
        }
    }

    /// Frees the slot of a probe, unless a later one has been sent since.
    fn free(&self, probe: Instant, now: Instant) {
        let mut next = self.next();
        if *next == Some(probe) {
            *next = Some(now);
        }
    }

    fn may_be_open(&self) -> bool {
        let opens_at = self.settings.failures;
        opens_at != u32::MAX && self.failures.load(Ordering::Relaxed) >= opens_at.max(1)
    }

    fn next(&self) -> MutexGuard<'_, Option<Instant>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Permission to send one attempt. It records how the attempt ended. If it is dropped before that, the attempt counts as a
/// failure if it lasted for the circuit's patience, otherwise the permit is returned.
///
/// The time is measured from when the permit was acquired. So a future that is not polled for that long and is then dropped
/// counts too, although its answer may have arrived: it takes several of these in a row to open the circuit, and one probe
/// closes it again.
#[derive(Debug)]
#[must_use = "a permit that is dropped is returned"]
pub(crate) struct Permit<'c> {
    circuit: &'c Circuit,
    /// When the attempt will have lasted for the circuit's patience; `None` if the clock cannot represent that moment.
    silent_from: Option<Instant>,
    /// Until when this attempt holds the slot for probes, if it is one.
    probe: Option<Instant>,
}

impl Permit<'_> {
    /// The provider answered.
    pub(crate) fn answered(self) {
        self.circuit.answered();
        std::mem::forget(self);
    }

    /// The attempt failed in a way that indicates an outage.
    pub(crate) fn failed(self) {
        self.circuit.failed(Instant::now());
        std::mem::forget(self);
    }

    /// The request did not reach the provider.
    pub(crate) fn release(self) {
        self.give_back(Instant::now());
        std::mem::forget(self);
    }

    fn give_back(&self, now: Instant) {
        if let Some(probe) = self.probe {
            self.circuit.free(probe, now);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        if self.silent_from.is_some_and(|silent| silent <= now) {
            self.circuit.failed(now);
        } else {
            self.give_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);
    const PATIENCE: Duration = Duration::from_secs(10);

    fn circuit() -> Circuit {
        Circuit::new(
            CircuitBreaker::standard()
                .with_failures(3)
                .with_pause(PAUSE),
        )
    }

    fn fail(circuit: &Circuit, times: u32, now: Instant) {
        (0..times).for_each(|_| circuit.failed(now));
    }

    /// Sends an attempt that never ends.
    fn send(circuit: &Circuit, now: Instant) -> Result<(), Duration> {
        circuit.acquire(now, PATIENCE).map(std::mem::forget)
    }

    fn refusal(circuit: &Circuit, then: Instant) -> Option<Duration> {
        circuit.refusal(|| Some(then))
    }

    #[test]
    fn it_opens_only_after_failures_in_a_row() {
        let (circuit, now) = (circuit(), Instant::now());
        fail(&circuit, 2, now);
        circuit.answered();
        fail(&circuit, 2, now);
        assert_eq!(send(&circuit, now), Ok(()));
        assert_eq!(refusal(&circuit, now), None);
        fail(&circuit, 1, now);
        assert_eq!(send(&circuit, now), Err(PAUSE));
        assert_eq!(refusal(&circuit, now), Some(PAUSE));
        assert_eq!(circuit.refusal(|| None), None, "past the end of the clock");
    }

    #[test]
    fn while_open_one_attempt_per_pause_is_admitted_even_if_none_ends() {
        let (circuit, now) = (circuit(), Instant::now());
        fail(&circuit, 3, now);
        let half = now + PAUSE / 2;
        assert_eq!(send(&circuit, half), Err(PAUSE / 2));
        for pause in 1..5 {
            let then = now + PAUSE * pause;
            // A check acquires nothing.
            assert_eq!(refusal(&circuit, then), None);
            assert_eq!(refusal(&circuit, then), None);
            assert_eq!(send(&circuit, then), Ok(()));
            assert_eq!(send(&circuit, then), Err(PAUSE));
        }
    }

    #[test]
    fn an_answer_closes_it_and_a_late_failure_does_not_delay_the_next_probe() {
        let (circuit, now) = (circuit(), Instant::now());
        fail(&circuit, 3, now);
        fail(&circuit, 1, now + PAUSE / 2);
        assert_eq!(send(&circuit, now + PAUSE), Ok(()));
        fail(&circuit, 1, now + PAUSE);
        assert_eq!(send(&circuit, now + PAUSE), Err(PAUSE));
        circuit.answered();
        assert_eq!(send(&circuit, now + PAUSE), Ok(()));
        fail(&circuit, 2, now + PAUSE);
        assert_eq!(send(&circuit, now + PAUSE), Ok(()));
    }

    #[test]
    fn a_disabled_breaker_never_opens_and_zero_failures_count_as_one() {
        let now = Instant::now();
        let never = Circuit::new(CircuitBreaker::never());
        fail(&never, 1_000, now);
        assert_eq!(send(&never, now), Ok(()));
        never.failures.store(u32::MAX, Ordering::Relaxed);
        never.failed(now);
        assert_eq!(send(&never, now), Ok(()));
        let at_once = Circuit::new(CircuitBreaker::standard().with_failures(0));
        assert_eq!(send(&at_once, now), Ok(()));
        fail(&at_once, 1, now);
        assert_eq!(send(&at_once, now), Err(Duration::from_secs(1)));
    }

    #[test]
    fn an_unrepresentable_pause_keeps_it_open() {
        let now = Instant::now();
        let settings = CircuitBreaker::standard().with_failures(1);
        let circuit = Circuit::new(settings.with_pause(Duration::MAX));
        fail(&circuit, 1, now);
        assert!(send(&circuit, now + PAUSE).is_err());
        let later = now + Duration::from_secs(400 * 24 * 60 * 60);
        assert_eq!(send(&circuit, later), Ok(()));
        assert!(send(&circuit, later).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_permit_counts_once_the_patience_is_over() {
        let circuit = circuit();
        for (waited, opens) in [
            (PATIENCE - Duration::from_millis(1), false),
            (PATIENCE, true),
        ] {
            let permits: Vec<_> = (0..3)
                .map(|_| circuit.acquire(Instant::now(), PATIENCE).unwrap())
                .collect();
            tokio::time::advance(waited).await;
            drop(permits);
            assert_eq!(send(&circuit, Instant::now()).is_err(), opens, "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_evidence_frees_only_its_own_slot() {
        let circuit = circuit();
        fail(&circuit, 3, Instant::now());
        let probe = || circuit.acquire(Instant::now(), PATIENCE);
        tokio::time::advance(PAUSE).await;
        let dropped = probe().unwrap();
        assert_eq!(probe().unwrap_err(), PAUSE);
        tokio::time::advance(PAUSE / 4).await;
        drop(dropped);
        probe().unwrap().release();
        let first = probe().unwrap();
        tokio::time::advance(PAUSE).await;
        let second = probe().unwrap();
        drop(first);
        assert_eq!(probe().unwrap_err(), PAUSE, "the second one's");
        second.failed();
        assert_eq!(probe().unwrap_err(), PAUSE, "a failure frees nothing");
        tokio::time::advance(PAUSE).await;
        probe().unwrap().answered();
        assert_eq!(circuit.failures.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn patience_is_two_fifths_of_the_deadline_unless_set() {
        let seconds = Duration::from_secs;
        let standard = CircuitBreaker::standard();
        assert_eq!(standard.patience_for(seconds(15)), seconds(6));
        assert!(standard.patience_for(Duration::MAX) > seconds(u64::MAX / 3));
        let set = standard.with_patience(seconds(2));
        assert_eq!(set.patience_for(seconds(15)), seconds(2));
    }

    #[test]
    fn each_operation_has_one_circuit_of_its_own() {
        const NAMES: [&str; 40] = {
            let mut names = [""; 40];
            let text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
            let mut length = 0;
            while length < names.len() {
                names[length] = text.split_at(length).0;
                length += 1;
            }
            names
        };
        let circuits = Circuits::new(CircuitBreaker::standard().with_failures(1));
        let now = Instant::now();
        circuits.of(NAMES[7]).failed(now);
        for name in NAMES {
            let open = refusal(circuits.of(name), now).is_some();
            assert_eq!(open, name == NAMES[7], "{name}");
            // The same circuit again, also for an equal name at another address.
            let copy: &'static str = Box::leak(Box::<str>::from(name));
            assert!(std::ptr::eq(circuits.of(name), circuits.of(copy)));
        }
        let printed = format!("{circuits:?}");
        assert_eq!(printed.matches(": 0").count(), NAMES.len() - 1, "{printed}");
        assert!(printed.contains("\"aaaaaaa\": 1"), "{printed}");
    }
}
