//! The states of consents and of data sessions, and what a new fact means for them.

use provider_core::State;

use crate::ConsentStatus;

/// The state of a consent (`[docs]`).
///
/// ```
/// use finpro_fiu::{ConsentState, Observation, Progress};
///
/// let mut consent = Progress::<ConsentState>::default();
/// assert_eq!(consent.observe(ConsentState::Revoked, None), Observation::MovedAcross);
/// assert_eq!(consent.observe(ConsentState::Active, None), Observation::Late);
/// assert_eq!(consent.observe(ConsentState::Rejected, None), Observation::Contradiction);
/// assert_eq!(consent.state(), ConsentState::Revoked);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ConsentState {
    /// The customer has not decided.
    #[default]
    Pending,
    /// Approved.
    Active,
    /// Paused.
    Paused,
    /// Active again. Lists call it active, too.
    Resumed,
    /// Declined; final.
    Rejected,
    /// Withdrawn; final.
    Revoked,
    /// Its time is over; final.
    Expired,
}

impl State for ConsentState {
    const TABLE: &'static [(Self, Self, bool)] = &[
        (Self::Pending, Self::Active, true),
        (Self::Pending, Self::Rejected, true),
        (Self::Pending, Self::Expired, false),
        (Self::Active, Self::Paused, true),
        (Self::Active, Self::Revoked, true),
        (Self::Active, Self::Expired, true),
        (Self::Paused, Self::Resumed, true),
        (Self::Paused, Self::Revoked, true),
        (Self::Paused, Self::Expired, false),
        (Self::Resumed, Self::Paused, true),
        (Self::Resumed, Self::Revoked, true),
        (Self::Resumed, Self::Expired, true),
    ];

    /// Lists have no word for a consent that is active again.
    fn read_as(self, fact: Self, is_newer: Option<bool>) -> Self {
        match (self, fact) {
            (Self::Resumed, Self::Active) => Self::Resumed,
            (Self::Paused, Self::Active) if is_newer == Some(true) => Self::Resumed,
            _ => fact,
        }
    }
}

impl ConsentState {
    /// The state that a list names; `None` for a word that is not documented.
    pub fn of_status(status: &ConsentStatus) -> Option<Self> {
        Some(match status {
            ConsentStatus::Pending => Self::Pending,
            ConsentStatus::Active => Self::Active,
            ConsentStatus::Paused => Self::Paused,
            ConsentStatus::Resumed => Self::Resumed,
            ConsentStatus::Rejected => Self::Rejected,
            ConsentStatus::Revoked => Self::Revoked,
            ConsentStatus::Expired => Self::Expired,
            ConsentStatus::Unknown(_) => return None,
        })
    }

    /// The state after a webhook's `eventStatus`, such as `CONSENT_APPROVED`; `None` for a word that is not documented.
    pub fn of_event(event_status: &str) -> Option<Self> {
        Some(match event_status {
            "CONSENT_APPROVED" => Self::Active,
            "CONSENT_REJECTED" => Self::Rejected,
            "CONSENT_PAUSED" => Self::Paused,
            "CONSENT_RESUMED" => Self::Resumed,
            "CONSENT_REVOKED" => Self::Revoked,
            "CONSENT_EXPIRED" => Self::Expired,
            _ => return None,
        })
    }

    /// Whether data may be requested.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Active | Self::Resumed)
    }
}

/// The state of a data session: names `[docs]`, arrangement `[derived]`. After a failure or an expiry another session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SessionState {
    /// The institutions have not answered.
    #[default]
    Pending,
    /// Data can be read, of some accounts at least.
    Ready,
    /// Refused.
    Denied,
    /// Failed, often for a while only.
    Failed,
    /// Its time ran out.
    Expired,
    /// The data was there, and is no more.
    Deleted,
}

impl State for SessionState {
    const TABLE: &'static [(Self, Self, bool)] = &[
        (Self::Pending, Self::Ready, true),
        (Self::Pending, Self::Denied, true),
        (Self::Pending, Self::Failed, true),
        (Self::Pending, Self::Expired, true),
        (Self::Ready, Self::Deleted, true),
    ];
}
