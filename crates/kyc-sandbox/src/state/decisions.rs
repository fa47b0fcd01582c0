//! The decisions on Veriff's verification sessions.

/// What was decided about a session, and the number that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
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
