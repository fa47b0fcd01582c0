//! The sessions in which FinPro fetches a consent's data.

use jiff::Timestamp;

/// How a session ends, as FinPro's status call tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataOutcome {
    /// `DATA_READY`, with every account delivered.
    Ready,
    /// `DATA_READY`, with the first account delivered and the others timed out.
    Partial,
    /// `TIMEOUT`: no account is delivered.
    Timeout,
}

/// A session. It is pending for so many questions, and then it has its outcome.
#[derive(Debug, Clone)]
pub(crate) struct DataSession {
    pub(crate) id: String,
    pub(crate) consent_id: String,
    pub(crate) outcome: DataOutcome,
    pub(crate) pending_polls: u32,
    pub(crate) first: bool,
    pub(crate) requested_ms: i64,
    /// The transactions that it fetches.
    pub(crate) range: Range,
}

/// From when until when, both included; without an end on a side where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

impl DataSession {
    /// The outcome, unless it is pending; counts the question.
    pub(crate) fn poll(&mut self) -> Option<DataOutcome> {
        let pending = self.pending_polls > 0;
        self.pending_polls = self.pending_polls.saturating_sub(1);
        (!pending).then_some(self.outcome)
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
            Some(DataOutcome::Timeout) => ("TIMEOUT", "TIMEOUT"),
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
            pending_polls: 2,
            first: true,
            requested_ms: 0,
            range: Range::default(),
        };
        let polled: Vec<_> = (0..4).map(|_| session.poll()).collect();
        assert_eq!(
            polled,
            [
                None,
                None,
                Some(DataOutcome::Partial),
                Some(DataOutcome::Partial)
            ]
        );
        let words = |account| DataSession::words(Some(DataOutcome::Partial), account);
        assert_eq!(
            [words(0), words(1)],
            [("DATA_READY", "DELIVERED"), ("DATA_READY", "TIMEOUT")]
        );
    }
}
