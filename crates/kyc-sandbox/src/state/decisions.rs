//! The decisions on Veriff's verification sessions.

use std::fmt;

/// The status of a decision, and its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecisionStatus {
    /// `approved`, 9001.
    Approved,
    /// `declined`, 9102.
    Declined,
    /// `resubmission_requested`, 9103: not final.
    ResubmissionRequested,
    /// `expired`, 9104: never started.
    Expired,
    /// `abandoned`, 9104 as well: started and not finished.
    Abandoned,
    /// `review`, 9121: a human decides later.
    Review,
}

impl DecisionStatus {
    /// The documented pair of `status` and `code`.
    pub fn pair(self) -> (&'static str, u16) {
        match self {
            Self::Approved => ("approved", 9001),
            Self::Declined => ("declined", 9102),
            Self::ResubmissionRequested => ("resubmission_requested", 9103),
            Self::Expired => ("expired", 9104),
            Self::Abandoned => ("abandoned", 9104),
            Self::Review => ("review", 9121),
        }
    }
}

/// A decision for [`Sandbox::decide`](crate::Sandbox::decide). The person and the document in the reply are invented and
/// always the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Decision {
    pub(crate) status: DecisionStatus,
    pub(crate) reason: Option<(u16, String)>,
}

impl Decision {
    /// A decision without a reason.
    pub fn new(status: DecisionStatus) -> Self {
        let reason = None;
        Self { status, reason }
    }

    /// Sets `reasonCode` and `reason`.
    #[must_use]
    pub fn with_reason(mut self, code: u16, text: &str) -> Self {
        self.reason = Some((code, text.to_owned()));
        self
    }
}

/// Hides the reason, which could name a person.
impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decision({:?})", self.status)
    }
}
