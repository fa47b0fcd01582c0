//! The decisions on Veriff's verification sessions.

use std::fmt;

use uuid::{Builder, Uuid};

use super::Bounded;

/// What was decided about a session, and the number that goes with it.
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
    /// The documented `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::ResubmissionRequested => "resubmission_requested",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
            Self::Review => "review",
        }
    }

    /// The documented `code`.
    pub fn code(self) -> u16 {
        match self {
            Self::Approved => 9001,
            Self::Declined => 9102,
            Self::ResubmissionRequested => 9103,
            Self::Expired | Self::Abandoned => 9104,
            Self::Review => 9121,
        }
    }

    /// Whether the end-user handed in what a person and a document are read from.
    pub(crate) fn has_person(self) -> bool {
        !matches!(self, Self::Expired | Self::Abandoned)
    }
}

/// A decision for [`Sandbox::decide`](crate::Sandbox::decide) and
/// [`VeriffSettings::with_decisions`](crate::VeriffSettings::with_decisions).
///
/// The person and the document in the reply are invented and always the same.
///
/// ```
/// use kyc_sandbox::{Decision, DecisionStatus};
///
/// let declined = Decision::new(DecisionStatus::Declined).with_reason(106, "made-up text");
/// assert_eq!(declined.status().code(), 9102);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Decision {
    status: DecisionStatus,
    reason: Option<(u16, String)>,
    vendor_data: Option<String>,
    end_user_id: Option<String>,
}

impl Decision {
    /// A decision without `vendorData` and `endUserId`. The documented tables give declined and resubmission decisions a
    /// reason code: here the first of each table, 101 and 201, with a made-up text.
    pub fn new(status: DecisionStatus) -> Self {
        let reason = match status {
            DecisionStatus::Declined => Some((101, "Declined by the sandbox".to_owned())),
            DecisionStatus::ResubmissionRequested => {
                Some((201, "Resubmission requested by the sandbox".to_owned()))
            }
            _ => None,
        };
        Self {
            status,
            reason,
            vendor_data: None,
            end_user_id: None,
        }
    }

    /// Sets `reasonCode` and `reason`.
    #[must_use]
    pub fn with_reason(mut self, code: u16, text: &str) -> Self {
        self.reason = Some((code, text.to_owned()));
        self
    }

    /// Sets `vendorData`.
    #[must_use]
    pub fn with_vendor_data(mut self, vendor_data: &str) -> Self {
        self.vendor_data = Some(vendor_data.to_owned());
        self
    }

    /// Sets `endUserId`, a UUID at Veriff; the sandbox sends any text.
    #[must_use]
    pub fn with_end_user_id(mut self, end_user_id: &str) -> Self {
        self.end_user_id = Some(end_user_id.to_owned());
        self
    }

    /// What was decided.
    pub fn status(&self) -> DecisionStatus {
        self.status
    }

    pub(crate) fn reason(&self) -> Option<(u16, &str)> {
        self.reason
            .as_ref()
            .map(|(code, text)| (*code, text.as_str()))
    }

    pub(crate) fn vendor_data(&self) -> Option<&str> {
        self.vendor_data.as_deref()
    }

    pub(crate) fn end_user_id(&self) -> Option<&str> {
        self.end_user_id.as_deref()
    }
}

/// Hides what could name a person.
impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A decision as it was made about one session.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) decision: Decision,
    /// Another one for each decision about the same session.
    pub(crate) attempt: Uuid,
    pub(crate) decided_ms: i64,
    count: u128,
}

impl Made {
    /// The first decision about a session.
    pub(crate) fn first(session: Uuid, decision: Decision, decided_ms: i64) -> Self {
        Self::new(session, decision, decided_ms, 1)
    }

    fn new(session: Uuid, decision: Decision, decided_ms: i64, count: u128) -> Self {
        let bytes = (session.as_u128() ^ count).to_be_bytes();
        Self {
            decision,
            attempt: Builder::from_random_bytes(bytes).into_uuid(),
            decided_ms,
            count,
        }
    }
}

/// The decisions by session; the oldest sessions are forgotten beyond the capacity.
#[derive(Debug)]
pub(crate) struct Decisions(Bounded<Uuid, Made>);

impl Decisions {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Bounded::new(capacity))
    }

    /// Replaces the decision about a session.
    pub(crate) fn decide(&self, session: Uuid, decision: Decision, now_ms: i64) {
        self.0.update(session, |previous| {
            let count = previous.map_or(1, |made| made.count.wrapping_add(1));
            Made::new(session, decision, now_ms, count)
        });
    }

    pub(crate) fn of(&self, session: Uuid) -> Option<Made> {
        self.0.get(&session)
    }
}
