//! Injected failures and delays.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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
pub struct Failure {
    status: u16,
    first: Option<u64>,
    after_effect: bool,
    gateway_page: bool,
}

impl Failure {
    /// Replies to every request with this status and the provider's error body for it, before anything is checked or
    /// done. A status outside HTTP's range becomes 500.
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

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn is_after_effect(&self) -> bool {
        self.after_effect
    }

    pub(super) fn is_gateway_page(&self) -> bool {
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
