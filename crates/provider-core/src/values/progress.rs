//! What facts that arrive in any order tell about the state of something at a provider.

use jiff::Timestamp;

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

/// The state of something at a provider, as far as facts have told it: webhooks, lists and status calls, which arrive in any
/// order.
///
/// Which of two facts is the newer one is decided by the table: a state from which the other can be reached is the older.
/// Only where the table leads both ways, as between a pause and its end, do the facts' own times decide, and where one of
/// them has none, the order of arrival.
///
/// ```
/// use provider_core::{Observation, Progress, State};
///
/// #[derive(Debug, Clone, Copy, PartialEq, Default)]
/// enum Parcel {
///     #[default]
///     Packed,
///     Sent,
///     Delivered,
///     Cancelled,
/// }
///
/// impl State for Parcel {
///     const TABLE: &'static [(Self, Self, bool)] = &[
///         (Self::Packed, Self::Sent, true),
///         (Self::Sent, Self::Delivered, true),
///         (Self::Packed, Self::Cancelled, true),
///     ];
/// }
///
/// let mut parcel = Progress::<Parcel>::default();
/// assert_eq!(parcel.observe(Parcel::Delivered, None), Observation::MovedAcross);
/// assert_eq!(parcel.observe(Parcel::Sent, None), Observation::Late);
/// assert_eq!(parcel.observe(Parcel::Cancelled, None), Observation::Contradiction);
/// assert_eq!(parcel.state(), Parcel::Delivered);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress<S> {
    state: S,
    since: Option<Timestamp>,
}

impl<S: State> Progress<S> {
    /// The state; its default at first.
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
