//! Where a session is, from facts that arrive twice, late or in another order: a pure state machine.

use std::fmt;

use provider_core::lenient::Printable;

use super::SessionStatus;
use crate::decision::Verdict;

/// A state of a session (`[docs]`: verification session status codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// It exists, and the person has not entered it.
    Created,
    /// The person has entered it: 7001.
    Started,
    /// The data were handed in: 7002.
    Submitted,
    /// A person at Veriff decides: 9121.
    Review,
    /// The person tries again: 9103. Another attempt follows.
    ResubmissionRequested,
    /// Final and positive: 9001.
    Approved,
    /// Final and negative: 9102.
    Declined,
    /// Final, never started within 7 days: 9104.
    Expired,
    /// Final, started and not finished within 7 days: 9104.
    Abandoned,
}

impl SessionState {
    /// The state that a status and a code tell as a pair; where one is absent, the other decides. `None` if they contradict
    /// each other, or tell none: code 9104 alone is two of them.
    pub fn of(status: Option<&SessionStatus>, code: Option<u16>) -> Option<Self> {
        use SessionState::{
            Abandoned, Approved, Created, Declined, Expired, ResubmissionRequested, Review,
            Started, Submitted,
        };

        match (status, code) {
            (Some(SessionStatus::Created), None) => Some(Created),
            (Some(SessionStatus::Started), Some(7001) | None) | (None, Some(7001)) => Some(Started),
            (Some(SessionStatus::Submitted), Some(7002) | None) | (None, Some(7002)) => {
                Some(Submitted)
            }
            (Some(SessionStatus::Approved), Some(9001) | None) | (None, Some(9001)) => {
                Some(Approved)
            }
            (Some(SessionStatus::Declined), Some(9102) | None) | (None, Some(9102)) => {
                Some(Declined)
            }
            (Some(SessionStatus::ResubmissionRequested), Some(9103) | None)
            | (None, Some(9103)) => Some(ResubmissionRequested),
            (Some(SessionStatus::Expired), Some(9104) | None) => Some(Expired),
            (Some(SessionStatus::Abandoned), Some(9104) | None) => Some(Abandoned),
            (Some(SessionStatus::Review), Some(9121) | None) | (None, Some(9121)) => Some(Review),
            _ => None,
        }
    }

    /// The state that a decision tells; `None` if it is not clear.
    pub fn decided(verdict: Verdict) -> Option<Self> {
        Some(match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::Declined => Self::Declined,
            Verdict::ResubmissionRequested => Self::ResubmissionRequested,
            Verdict::Expired => Self::Expired,
            Verdict::Abandoned => Self::Abandoned,
            Verdict::Review => Self::Review,
            Verdict::ExpiredOrAbandoned | Verdict::Unclear => return None,
        })
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        self.next().is_empty()
    }

    /// The table: what may follow. A session that is not deleted earlier expires or is abandoned after 7 days; one that is
    /// deleted does so at once, from `resubmission_requested` too.
    fn next(self) -> &'static [Self] {
        use SessionState::{
            Abandoned, Approved, Created, Declined, Expired, ResubmissionRequested, Review,
            Started, Submitted,
        };

        match self {
            Created => &[Started, Submitted, Expired],
            Started => &[Submitted, Abandoned],
            Submitted => &[Review, Approved, Declined, ResubmissionRequested],
            Review => &[Approved, Declined, ResubmissionRequested],
            ResubmissionRequested => &[Started, Submitted, Expired, Abandoned],
            Approved | Declined | Expired | Abandoned => &[],
        }
    }

    /// Whether `later` follows from here within one attempt, in any number of steps of the table. Another attempt begins
    /// where its resubmission was requested, so there is no way back.
    fn leads_to(self, later: Self) -> bool {
        let resumes = |next: Self| {
            self == Self::ResubmissionRequested && matches!(next, Self::Started | Self::Submitted)
        };
        let mut next = self.next().iter().filter(|next| !resumes(**next));
        next.any(|next| *next == later || next.leads_to(later))
    }
}

/// What a fact changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The session is in this state now. States between may have been skipped, because no fact of them arrived yet.
    Now(SessionState),
    /// It is what was known.
    Known,
    /// It is older than what is known, by the table or because its attempt is over.
    Late,
    /// The table has no way from one to the other, or the fact is about an attempt whose place among the others is not known:
    /// nothing is changed. Read the attempts and the decision.
    Undocumented {
        /// The state of the session.
        from: SessionState,
        /// The state that the fact tells.
        to: SessionState,
    },
}

/// Where a session is. Facts may arrive twice and in any order: the newest one by the table wins.
///
/// ```
/// use veriff_sessions::{Change, SessionProgress, SessionState};
///
/// let mut session = SessionProgress::new();
/// assert_eq!(session.observe(Some("attempt-1"), SessionState::Submitted), Change::Now(SessionState::Submitted));
/// assert_eq!(session.observe(Some("attempt-1"), SessionState::Started), Change::Late);
/// assert_eq!(session.state(), SessionState::Submitted);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SessionProgress {
    state: SessionState,
    attempt: Option<String>,
    /// The attempts that are over, oldest first.
    over: Vec<String>,
}

impl SessionProgress {
    /// How many attempts that are over are remembered: a session has at most 9 resubmissions (`[docs]`).
    const MOST_OVER: usize = 16;

    /// A session that was created.
    pub fn new() -> Self {
        Self {
            state: SessionState::Created,
            attempt: None,
            over: Vec::new(),
        }
    }

    /// Where it is.
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// The attempt that [`state`](Self::state) is about, if a fact named one.
    pub fn attempt(&self) -> Option<&str> {
        self.attempt.as_deref()
    }

    /// Takes notice of a fact: that the session is, or was, in this state, with this attempt.
    ///
    /// Name the attempt where the fact does, as webhooks and decisions do: without it a fact is about the current attempt, and
    /// a `started` after a requested resubmission is an old one.
    pub fn observe(&mut self, attempt: Option<&str>, state: SessionState) -> Change {
        let (from, to) = (self.state, state);
        if attempt.is_some_and(|attempt| self.over.iter().any(|over| over == attempt)) {
            return Change::Late;
        }
        let resumable = from == SessionState::ResubmissionRequested && to != SessionState::Created;
        match (attempt, self.attempt()) {
            (Some(attempt), Some(current)) if attempt != current => match resumable {
                true => self.resume(Some(attempt), to),
                // Its resubmission was not seen, or this is an attempt before it.
                false => Change::Undocumented { from, to },
            },
            _ if from == to => {
                self.name(attempt);
                Change::Known
            }
            _ if from.leads_to(to) => {
                self.name(attempt);
                self.state = to;
                Change::Now(to)
            }
            _ if to == SessionState::Created || to.leads_to(from) => Change::Late,
            // Only another attempt can have led there.
            (None, _) if resumable => self.resume(None, to),
            _ => Change::Undocumented { from, to },
        }
    }

    fn name(&mut self, attempt: Option<&str>) {
        if self.attempt.is_none() {
            self.attempt = attempt.map(str::to_owned);
        }
    }

    fn resume(&mut self, attempt: Option<&str>, to: SessionState) -> Change {
        self.over.extend(self.attempt.take());
        let excess = self.over.len().saturating_sub(Self::MOST_OVER);
        self.over.drain(..excess);
        self.name(attempt);
        self.state = to;
        Change::Now(to)
    }
}

impl Default for SessionProgress {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints the attempt's id if it looks like one.
impl fmt::Debug for SessionProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionProgress")
            .field("state", &self.state)
            .field("attempt", &self.attempt.as_deref().map(Printable))
            .finish_non_exhaustive()
    }
}
