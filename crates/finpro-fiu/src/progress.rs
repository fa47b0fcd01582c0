//! The states of consents and of data sessions, and what a new fact means for them.

use provider_core::jiff::Timestamp;

use crate::ConsentStatus;

/// What a fact did to a [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Observation {
    /// The state is the fact's now, by a transition of the table.
    Moved,
    /// The same, by a transition that no page lists and that is accepted (`[derived]`).
    MovedUnlisted,
    /// The same, over states in between of which no fact came.
    MovedAcross,
    /// It was so before.
    Unchanged,
    /// The state is later than the fact, which arrived late. Nothing changed.
    Late,
    /// The table leads neither from the state to the fact nor back: report it. Nothing changed.
    Contradiction,
}

/// A state with its table of transitions.
pub trait State: Copy + PartialEq + Default + 'static {
    /// From, to, and whether a page lists it.
    const TABLE: &'static [(Self, Self, bool)];

    /// The state that a fact means where this one is reached, if that is another.
    #[must_use]
    fn read_as(self, fact: Self, _is_newer: Option<bool>) -> Self {
        fact
    }
}

/// The state of a consent or of a session as far as facts have told it: webhooks, lists and status calls, which arrive in any
/// order.
///
/// Which of two facts is the newer one is decided by the table: a state from which the other can be reached is the older.
/// Only where the table leads both ways, as between a pause and its end, do the facts' own times decide, and where one of
/// them has none, the order of arrival.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress<S> {
    state: S,
    since: Option<Timestamp>,
}

impl<S: State> Progress<S> {
    /// The state; pending at first.
    pub fn state(&self) -> S {
        self.state
    }

    /// The time of the fact that told the state, if it had one.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Takes a fact, with its own time if it has one.
    pub fn observe(&mut self, fact: S, at: Option<Timestamp>) -> Observation {
        let is_newer = self.since.zip(at).map(|(since, at)| since <= at);
        let fact = self.state.read_as(fact, is_newer);
        if fact == self.state {
            return Observation::Unchanged;
        }
        let (forwards, backwards) = (reaches(self.state, fact), reaches(fact, self.state));
        let observation = match (forwards, backwards) {
            (false, false) => return Observation::Contradiction,
            (false, true) => return Observation::Late,
            (true, true) if is_newer == Some(false) => return Observation::Late,
            (true, _) => step(self.state, fact),
        };
        *self = Self {
            state: fact,
            since: at,
        };
        observation
    }
}

fn step<S: State>(from: S, to: S) -> Observation {
    let mut transitions = S::TABLE.iter();
    match transitions.find(|transition| (transition.0, transition.1) == (from, to)) {
        Some((_, _, true)) => Observation::Moved,
        Some((_, _, false)) => Observation::MovedUnlisted,
        None => Observation::MovedAcross,
    }
}

/// Whether the table leads from one state to another, in one step or more.
fn reaches<S: State>(from: S, to: S) -> bool {
    let mut reached = vec![from];
    let mut next = 0;
    while let Some(state) = reached.get(next).copied() {
        for (_, after, _) in S::TABLE.iter().filter(|(before, _, _)| *before == state) {
            if *after == to {
                return true;
            }
            if !reached.contains(after) {
                reached.push(*after);
            }
        }
        next = next.saturating_add(1);
    }
    false
}

/// The state of a consent (`[docs]`).
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
