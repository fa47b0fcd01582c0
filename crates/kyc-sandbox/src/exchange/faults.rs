//! Injected failures and delays.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::status;
use crate::state::{JourneyId, Provider, Room, Store};

/// An injected error that has no cause in the request.
///
/// ```
/// use kyc_sandbox::{FinpassSettings, settings::Failure};
///
/// // The first two requests of any operation take effect, and the reply is 503 all the same.
/// let settings =
///     FinpassSettings::default().with_failure(Some(Failure::new(503).first(2).after_effect()));
/// // The refreshes time out at the gateway; sessions open as before.
/// let settings = settings.fail_operation("refresh-data", Failure::new(504).gateway_page());
/// # let _ = settings;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub struct Failure {
    status: u16,
    first: Option<u64>,
    after_effect: bool,
    gateway_page: bool,
}

impl Failure {
    /// Replies to every request with this status and the provider's error body for it, before anything is checked or
    /// done. A status is from 200 to 599, and none of 204, 205 and 304, whose replies have no body; in settings another one
    /// becomes 500, and [`Sandbox::switch_fault_on`](crate::Sandbox::switch_fault_on) refuses it.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            first: None,
            after_effect: false,
            gateway_page: false,
        }
    }

    /// Fails only the first `count` requests.
    #[must_use]
    pub fn first(mut self, count: u64) -> Self {
        self.first = Some(count);
        self
    }

    /// Checks and processes the request first; the failure replaces only a success. The caller cannot tell the difference;
    /// the [ledger](crate::Ledger) can.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    /// Sends an HTML page, as a gateway in front of the provider does, instead of the provider's error body.
    #[must_use]
    pub fn gateway_page(mut self) -> Self {
        self.gateway_page = true;
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn is_after_effect(&self) -> bool {
        self.after_effect
    }

    pub(crate) fn is_gateway_page(&self) -> bool {
        self.gateway_page
    }
}

/// The failures and delays of one provider: for all of its operations, and for single ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults<'s> {
    pub(crate) failure: Option<&'s Failure>,
    pub(crate) reply_delay: Duration,
    pub(crate) operation_failures: &'s BTreeMap<String, Failure>,
    pub(crate) operation_delays: &'s BTreeMap<String, Duration>,
}

impl<'s> Faults<'s> {
    /// The delay of an operation's replies.
    pub(super) fn delay(&self, operation: &str) -> Duration {
        self.operation_delays
            .get(operation)
            .copied()
            .unwrap_or(self.reply_delay)
    }

    /// The failure of an operation: its own, or the provider's.
    pub(super) fn failure(&self, operation: &str) -> Option<Scoped<'s>> {
        match self.operation_failures.get_key_value(operation) {
            Some((operation, failure)) => Some(Scoped { operation, failure }),
            None => self.failure.map(|failure| Scoped {
                operation: "",
                failure,
            }),
        }
    }
}

/// A failure and its operation; the name is empty for the whole provider's failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scoped<'s> {
    operation: &'s str,
    pub(super) failure: &'s Failure,
}

/// How often each failure with a limit was injected.
#[derive(Debug, Default)]
pub(super) struct Injected(Mutex<BTreeMap<String, u64>>);

impl Injected {
    /// Whether a failure may be injected once more; counts it if so.
    pub(super) fn take(&self, scoped: Scoped<'_>) -> bool {
        let Some(limit) = scoped.failure.first else {
            return true;
        };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(scoped.operation.to_owned()).or_default();
        let allowed = *count < limit;
        *count = count.saturating_add(u64::from(allowed));
        allowed
    }
}

/// The id of a fault that was switched on, such as `f_2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub struct FaultId(u64);

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f_{}", self.0)
    }
}

/// A text that is no fault's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fault's id is `f_` and a number")]
pub struct ParseFaultIdError(());

impl FromStr for FaultId {
    type Err = ParseFaultIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("f_").ok_or(ParseFaultIdError(()))?;
        Ok(Self(digits.parse().map_err(|_| ParseFaultIdError(()))?))
    }
}

/// What a fault does to the replies that it meets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum FaultKind {
    /// They are failures. The failure's own count of requests is that of the fault.
    Failure(Failure),
    /// They come so much later.
    Delay(Duration),
}

/// A fault that is switched on while the sandbox runs.
///
/// ```
/// use kyc_sandbox::settings::Failure;
/// use kyc_sandbox::{Fault, FaultKind, Provider, Sandbox};
///
/// let sandbox = Sandbox::default();
/// // The next three answers of Finpass are 503, and the work is done all the same.
/// let failure = Failure::new(503).first(3).after_effect();
/// let id = sandbox.switch_fault_on(Fault::new(Provider::Finpass, FaultKind::Failure(failure)))?;
/// assert!(sandbox.switch_fault_off(id));
/// # Ok::<(), kyc_sandbox::FaultError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub struct Fault {
    provider: Provider,
    kind: FaultKind,
    operation: Option<String>,
    journey: Option<JourneyId>,
    percent: u8,
    seed: u64,
    /// How far the draws that begin at the seed are.
    draw: u64,
    left: Option<u64>,
}

/// A fault that cannot be switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct FaultError {
    field: &'static str,
    rule: &'static str,
}

impl FaultError {
    pub(crate) fn new(field: &'static str, rule: &'static str) -> Self {
        Self { field, rule }
    }

    /// What of the fault is wrong: `status`, `percent`, `operation`, `journey` or `first`.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What it has to be.
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

impl Fault {
    /// Whether it can meet anything.
    pub(crate) fn check(&self) -> Result<(), FaultError> {
        let wrong = |field, rule| Err(FaultError::new(field, rule));
        if let FaultKind::Failure(failure) = &self.kind
            && !status::is_sendable(failure.status)
        {
            return wrong("status", status::RULE);
        }
        if !matches!(self.percent, 1..=100) {
            return wrong("percent", "must be from 1 to 100");
        }
        if let Some(operation) = &self.operation {
            let mut known = crate::Sandbox::operations().into_iter();
            if !known.any(|one| one.provider == self.provider && one.name == operation) {
                return wrong("operation", "is none of this provider's");
            }
        }
        match self.left {
            Some(0) => wrong("first", "must be 1 or more"),
            _ => Ok(()),
        }
    }

    /// A fault of every operation of a provider.
    pub fn new(provider: Provider, kind: FaultKind) -> Self {
        let left = match &kind {
            FaultKind::Failure(failure) => failure.first,
            FaultKind::Delay(_) => None,
        };
        Self {
            provider,
            kind,
            operation: None,
            journey: None,
            percent: 100,
            seed: 1,
            draw: 1,
            left,
        }
    }

    /// Meets one operation only, named as in [`Sandbox::operations`](crate::Sandbox::operations).
    #[must_use]
    pub fn of_operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Meets one journey only.
    #[must_use]
    pub fn of_journey(mut self, journey: JourneyId) -> Self {
        self.journey = Some(journey);
        self
    }

    /// Meets so many of a hundred requests, from 1 to 100, at random; the same seed meets the same ones.
    #[must_use]
    pub fn at_rate(mut self, percent: u8, seed: u64) -> Self {
        (self.percent, self.seed, self.draw) = (percent, seed, seed);
        self
    }

    /// Meets so many requests, and then none.
    #[must_use]
    pub fn first(mut self, count: u64) -> Self {
        self.left = Some(count);
        self
    }

    /// Whose replies it meets.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// What it does.
    pub fn kind(&self) -> &FaultKind {
        &self.kind
    }

    /// The one operation that it meets, if it is one.
    pub fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// The one journey that it meets, if it is one.
    pub fn journey(&self) -> Option<JourneyId> {
        self.journey
    }

    /// How many of a hundred requests it meets, and the seed of the draw; `None` if it meets each.
    pub fn rate(&self) -> Option<(u8, u64)> {
        (self.percent < 100).then_some((self.percent, self.seed))
    }

    /// What it does, in words.
    pub(crate) fn words(&self) -> String {
        let mut words = self.provider.to_string();
        if let Some(operation) = &self.operation {
            words = format!("{words} {operation}");
        }
        if let Some(journey) = self.journey {
            words = format!("{words} of {journey}");
        }
        words = match &self.kind {
            FaultKind::Failure(failure) => {
                let after = if failure.after_effect {
                    ", after the effect"
                } else {
                    ""
                };
                let page = if failure.gateway_page {
                    ", as a gateway's page"
                } else {
                    ""
                };
                format!("{words} answers {}{after}{page}", failure.status)
            }
            FaultKind::Delay(delay) => format!("{words} is {} ms late", delay.as_millis()),
        };
        if let Some((percent, seed)) = self.rate() {
            words = format!("{words}, {percent} % of requests, seed {seed}");
        }
        match self.left {
            Some(left) => format!("{words}, {left} more times"),
            None => words,
        }
    }

    /// How many requests it will still meet, if there is an end.
    pub fn left(&self) -> Option<u64> {
        self.left
    }

    /// Whether it meets a request; counts it if so.
    fn take(&mut self, provider: Provider, operation: &str, journey: Option<JourneyId>) -> bool {
        let meets = self.provider == provider
            && self.left != Some(0)
            && self
                .operation
                .as_deref()
                .is_none_or(|name| name == operation)
            && self.journey.is_none_or(|only| Some(only) == journey)
            && self.is_drawn();
        if meets {
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        meets
    }

    /// Draws by xorshift, which is random enough for faults and the same everywhere.
    fn is_drawn(&mut self) -> bool {
        if self.percent >= 100 {
            return true;
        }
        let mut draw = self.draw.max(1);
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        self.draw = draw;
        draw.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 57
            < u64::from(self.percent).saturating_mul(128) / 100
    }
}

/// The faults that are switched on. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct ActiveFaults {
    room: Room,
    /// Of how many were made.
    made: Room,
    faults: Arc<Mutex<(u64, BTreeMap<FaultId, Fault>)>>,
}

impl ActiveFaults {
    /// Those that were kept.
    pub(crate) fn new(store: &Store) -> Self {
        let (room, made) = (store.room("faults"), store.room("faults made"));
        let number = made.take().pop().map_or(0, |((), made)| made);
        let kept = room.take().into_iter().collect();
        Self {
            room,
            made,
            faults: Arc::new(Mutex::new((number, kept))),
        }
    }

    pub(crate) fn add(&self, fault: Fault) -> FaultId {
        let (made, faults) = &mut *self.lock();
        *made = made.saturating_add(1);
        let id = FaultId(*made);
        self.made.put(&(), made);
        self.room.put(&id, &fault);
        faults.insert(id, fault);
        id
    }

    pub(crate) fn remove(&self, id: FaultId) -> Option<Fault> {
        let mut active = self.lock();
        self.room.remove(&id);
        active.1.remove(&id)
    }

    pub(crate) fn all(&self) -> Vec<(FaultId, Fault)> {
        let active = self.lock();
        active
            .1
            .iter()
            .map(|(id, fault)| (*id, fault.clone()))
            .collect()
    }

    /// The first failure and the longest delay that meet a request. `journey` is asked only if a fault wants to know.
    pub(super) fn take(
        &self,
        provider: Provider,
        operation: &str,
        journey: impl Fn() -> Option<JourneyId>,
    ) -> (Option<Failure>, Duration) {
        let mut active = self.lock();
        let wants_journey = active.1.values().any(|fault| fault.journey.is_some());
        let journey = wants_journey.then(journey).flatten();
        let (mut failure, mut delay) = (None, Duration::ZERO);
        for (id, fault) in &mut active.1 {
            let before = (fault.draw, fault.left);
            match &fault.kind {
                FaultKind::Failure(_) if failure.is_some() => continue,
                FaultKind::Failure(found) => {
                    let found = found.clone();
                    failure = fault.take(provider, operation, journey).then_some(found);
                }
                FaultKind::Delay(found) => {
                    let found = *found;
                    if fault.take(provider, operation, journey) {
                        delay = delay.max(found);
                    }
                }
            }
            if (fault.draw, fault.left) != before {
                self.room.put(id, fault);
            }
        }
        // Those that have met their last request are off.
        active.1.retain(|id, fault| {
            let is_on = fault.left != Some(0);
            if !is_on {
                self.room.remove(id);
            }
            is_on
        });
        (failure, delay)
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<FaultId, Fault>)> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(status: u16) -> Fault {
        Fault::new(Provider::Finpass, FaultKind::Failure(Failure::new(status)))
    }

    fn take(active: &ActiveFaults, provider: Provider, operation: &str) -> Option<u16> {
        let journey = || Some(JourneyId::new(7));
        let (failure, _) = active.take(provider, operation, journey);
        failure.map(|failure| failure.status())
    }

    #[test]
    fn a_fault_meets_its_provider_operation_and_journey_so_often() {
        let active = ActiveFaults::new(&Store::default());
        active.add(failing(503).of_operation("initialize").first(2));
        assert_eq!(take(&active, Provider::Finpro, "initialize"), None);
        assert_eq!(take(&active, Provider::Finpass, "refresh-data"), None);
        assert_eq!(take(&active, Provider::Finpass, "initialize"), Some(503));
        assert_eq!(take(&active, Provider::Finpass, "initialize"), Some(503));
        assert_eq!(take(&active, Provider::Finpass, "initialize"), None);
        assert!(
            active.all().is_empty(),
            "a fault that met its last request is off"
        );

        let other = active.add(failing(500).of_journey(JourneyId::new(8)));
        assert_eq!(take(&active, Provider::Finpass, "initialize"), None);
        assert!(active.remove(other).is_some());
        active.add(failing(504).of_journey(JourneyId::new(7)));
        assert_eq!(take(&active, Provider::Finpass, "initialize"), Some(504));
    }

    #[test]
    fn a_rate_is_about_kept_and_the_same_seed_meets_the_same_requests() {
        let draw = |seed| -> Vec<bool> {
            let active = ActiveFaults::new(&Store::default());
            active.add(failing(503).at_rate(10, seed));
            (0..2_000)
                .map(|_| take(&active, Provider::Finpass, "x").is_some())
                .collect()
        };
        let drawn = draw(42);
        let met = drawn.iter().filter(|met| **met).count();
        assert!((140..260).contains(&met), "{met}");
        assert_eq!(drawn, draw(42));
        assert_ne!(drawn, draw(43));
    }

    #[test]
    fn all_that_was_switched_on_is_said() {
        let failure = Failure::new(502).gateway_page().after_effect();
        let mut fault = Fault::new(Provider::Finpro, FaultKind::Failure(failure))
            .of_operation("fi-request")
            .of_journey(JourneyId::new(7))
            .at_rate(10, 4)
            .first(3);
        fault.is_drawn();
        assert_eq!(
            fault.words(),
            "finpro fi-request of j_7 answers 502, after the effect, as a gateway's page, 10 % of requests, seed 4, 3 more times"
        );
        assert_eq!(failing(503).words(), "finpass answers 503");
    }

    #[test]
    fn the_oldest_failure_that_meets_a_request_answers() {
        let active = ActiveFaults::new(&Store::default());
        active.add(failing(503).of_operation("refresh-data"));
        active.add(failing(504).first(1));
        active.add(failing(500));
        assert_eq!(take(&active, Provider::Finpass, "initialize"), Some(504));
        assert_eq!(take(&active, Provider::Finpass, "initialize"), Some(500));
        assert_eq!(take(&active, Provider::Finpass, "refresh-data"), Some(503));
    }

    #[test]
    fn delays_do_not_add_up() {
        let active = ActiveFaults::new(&Store::default());
        for seconds in [1, 3, 2] {
            active.add(Fault::new(
                Provider::Veriff,
                FaultKind::Delay(Duration::from_secs(seconds)),
            ));
        }
        let (_, delay) = active.take(Provider::Veriff, "decision", || None);
        assert_eq!(delay, Duration::from_secs(3));
    }
}
