//! The sessions in which FinPro fetches a consent's data.

use jiff::Timestamp;

use super::MobileScript;

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum DataOutcome {
    /// `DATA_READY`, with every account delivered.
    Ready,
    /// `DATA_READY`, with the first account delivered and the others timed out.
    Partial,
    /// The institution did not answer: `TIMEOUT`, and the webhook `SESSION_FAILED`. No account is delivered.
    Timeout,
    /// The session's time ran out: `TIMEOUT`, and the webhook `SESSION_EXPIRED`.
    Expired,
    /// `DATA_DENIED`.
    Denied,
}

/// How long a session waits for its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Pending {
    /// For so many questions.
    Polls(u32),
    /// Until its timer is due.
    Timer,
}

/// A session. It is pending, and then it has its outcome.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct DataSession {
    pub(crate) id: String,
    pub(crate) consent_id: String,
    pub(crate) outcome: DataOutcome,
    pub(crate) pending: Pending,
    pub(crate) first: bool,
    pub(crate) requested_ms: i64,
    /// When the data is deleted.
    pub(crate) expires_ms: i64,
    /// The transactions that it fetches.
    pub(crate) range: Range,
}

/// From when until when, both included; without an end on a side where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Range {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

impl DataSession {
    pub(crate) fn is_pending(&self) -> bool {
        self.pending != Pending::Polls(0)
    }

    /// The outcome, unless it is pending, and whether this question was the last one that it was pending for; counts the
    /// question.
    pub(crate) fn poll(&mut self) -> (Option<DataOutcome>, bool) {
        match &mut self.pending {
            Pending::Timer => (None, false),
            Pending::Polls(0) => (Some(self.outcome), false),
            Pending::Polls(left) => {
                *left = left.saturating_sub(1);
                (None, *left == 0)
            }
        }
    }

    /// The words for the session and for its accounts in order.
    pub(crate) fn words(
        outcome: Option<DataOutcome>,
        account: usize,
    ) -> (&'static str, &'static str) {
        match outcome {
            None => ("PENDING", "PENDING"),
            Some(DataOutcome::Ready) => ("DATA_READY", "DELIVERED"),
            Some(DataOutcome::Partial) if account == 0 => ("DATA_READY", "DELIVERED"),
            Some(DataOutcome::Partial) => ("DATA_READY", "TIMEOUT"),
            Some(DataOutcome::Timeout | DataOutcome::Expired) => ("TIMEOUT", "TIMEOUT"),
            Some(DataOutcome::Denied) => ("DATA_DENIED", "DENIED"),
        }
    }
}

/// What the data digit of a person's number makes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataScript {
    pub(crate) outcome: DataOutcome,
    /// After how many milliseconds it has its outcome, if ever.
    pub(crate) after_ms: Option<i64>,
    /// For how many milliseconds the data is kept, where that differs.
    pub(crate) life_ms: Option<i64>,
}

impl DataScript {
    /// Everything is there after five seconds.
    pub(crate) const READY: Self = Self {
        outcome: DataOutcome::Ready,
        after_ms: Some(5000),
        life_ms: None,
    };
}

impl MobileScript {
    /// What becomes of the person's data.
    pub(crate) fn data(self) -> DataScript {
        const MINUTE_MS: i64 = 60 * 1000;
        let ready = DataScript::READY;
        let ends = |outcome| DataScript { outcome, ..ready };
        match self.data {
            1 => ends(DataOutcome::Partial),
            2 => DataScript {
                after_ms: Some(5 * MINUTE_MS),
                ..ready
            },
            3 => ends(DataOutcome::Timeout),
            4 => ends(DataOutcome::Expired),
            5 => ends(DataOutcome::Denied),
            6 => DataScript {
                life_ms: Some(60 * MINUTE_MS),
                ..ready
            },
            7 => DataScript {
                after_ms: None,
                ..ready
            },
            _ => ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_pending_for_so_many_questions() {
        let mut session = DataSession {
            id: "s".to_owned(),
            consent_id: "c".to_owned(),
            outcome: DataOutcome::Partial,
            pending: Pending::Polls(2),
            first: true,
            requested_ms: 0,
            range: Range::default(),
            expires_ms: 0,
        };
        let polled: Vec<_> = (0..4).map(|_| session.poll()).collect();
        let partial = (Some(DataOutcome::Partial), false);
        assert_eq!(polled, [(None, false), (None, true), partial, partial]);
        session.pending = Pending::Timer;
        assert_eq!(session.poll(), (None, false));
        assert!(session.is_pending());
        let words = |account| DataSession::words(Some(DataOutcome::Partial), account);
        assert_eq!(
            [words(0), words(1)],
            [("DATA_READY", "DELIVERED"), ("DATA_READY", "TIMEOUT")]
        );
    }
}
