//! What is fixed about an operation.

use std::fmt;
use std::time::Duration;

/// What a repeat of an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// A read: a repeat changes nothing.
    Safe,
    /// A repeat does no harm and costs nothing.
    Repeatable,
    /// Opens, bills or sends something each time.
    Unsafe,
}

impl Idempotency {
    /// The word in snake case, for logs and machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Repeatable => "repeatable",
            Self::Unsafe => "unsafe",
        }
    }
}

/// What is fixed about an operation: its name, where it goes and what a repeat does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The operation's name in errors, logs and fixtures, in kebab case: `check-profile`.
    pub name: &'static str,
    /// Method and path with placeholders, `POST /v1/sessions/{id}/consents`: what is logged instead of a URL.
    pub route: &'static str,
    /// What a repeat does; it decides which failures are repeated.
    pub idempotency: Idempotency,
    /// How long a call may take, attempts and pauses together, unless the client or the call says otherwise.
    pub timeout: Duration,
}

impl Operation {
    /// An operation with a deadline of 30 seconds.
    pub const fn new(name: &'static str, route: &'static str, idempotency: Idempotency) -> Self {
        Self {
            name,
            route,
            idempotency,
            timeout: Duration::from_secs(30),
        }
    }

    /// The same operation with another default deadline.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_prints_its_name() {
        let operation = Operation::new("record-consent", "POST /v1/x", Idempotency::Safe);
        assert_eq!(operation.to_string(), "record-consent");
    }

    #[test]
    fn an_operation_has_half_a_minute_unless_it_says_otherwise() {
        let operation = Operation::new("check", "POST /v1/x", Idempotency::Safe);
        assert_eq!(operation.timeout, Duration::from_secs(30));
        let longer = operation.with_timeout(Duration::from_secs(70));
        assert_eq!(longer.timeout, Duration::from_secs(70));
        assert_eq!(
            (longer.name, longer.route),
            (operation.name, operation.route)
        );
    }
}
