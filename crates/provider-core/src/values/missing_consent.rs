//! The error of a call that no consent covers.

use std::borrow::Cow;

/// Why a call has no live consent: the cause of [`ErrorKind::NoConsent`](crate::ErrorKind::NoConsent). It names a purpose
/// and a reason and nobody's data. Obtain the consent, or prove it again, and call again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("purpose {purpose}: {reason}")]
pub struct MissingConsent {
    purpose: Cow<'static, str>,
    reason: Cow<'static, str>,
}

impl MissingConsent {
    /// No live consent for `purpose`, because of `reason`. Neither may contain a personal value.
    pub fn new(
        purpose: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            purpose: purpose.into(),
            reason: reason.into(),
        }
    }

    /// The name of the purpose that the call needs.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// What is missing.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
