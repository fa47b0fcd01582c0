//! The retry budget: keeps retries from piling up on a provider that is down.

use std::sync::atomic::{AtomicU32, Ordering};

/// The number of retries that a client may still make, shared by all its clones. A retry costs one; an answer earns a
/// tenth.
///
/// The maximum number of attempts bounds one call; the budget bounds all calls: while a provider does not answer, a client
/// retries [`RetryBudget::CAPACITY`] times in total, and then makes one attempt per call.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    tenths: AtomicU32,
}

impl RetryBudget {
    /// The largest number of retries that can be saved up.
    pub(crate) const CAPACITY: u32 = 20;
    const RETRY: u32 = 10;
    const ANSWER: u32 = 1;

    /// Spends one retry, if one is left.
    pub(crate) fn take(&self) -> bool {
        let take = |tenths: u32| tenths.checked_sub(Self::RETRY);
        self.tenths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    /// Earns a tenth of a retry for an answer.
    pub(crate) fn refill(&self) {
        let full = Self::CAPACITY * Self::RETRY;
        // The budget is nearly always full: then nothing is written, and no core waits for another.
        if self.tenths.load(Ordering::Relaxed) < full {
            let add = |tenths: u32| Some(tenths.saturating_add(Self::ANSWER).min(full));
            let _ = self
                .tenths
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }
}

impl Default for RetryBudget {
    /// Full.
    fn default() -> Self {
        Self {
            tenths: AtomicU32::new(Self::CAPACITY * Self::RETRY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RetryBudget;

    /// Spends retries until none is left.
    fn spend(budget: &RetryBudget) -> usize {
        (0..1_000).take_while(|_| budget.take()).count()
    }

    #[test]
    fn retries_spend_it_and_answers_refill_it() {
        let budget = RetryBudget::default();
        assert_eq!(spend(&budget), 20);
        for _ in 0..9 {
            budget.refill();
        }
        assert!(!budget.take());
        budget.refill();
        assert!(budget.take());
        assert!(!budget.take());
    }

    #[test]
    fn it_never_exceeds_its_capacity() {
        let budget = RetryBudget::default();
        for _ in 0..2 {
            for _ in 0..1_000 {
                budget.refill();
            }
            assert_eq!(spend(&budget), 20);
        }
    }
}
