//! Keeps retries from piling up on a provider that is down.

use std::sync::atomic::{AtomicU32, Ordering};

/// Retries that a client may still make, shared by all its clones. A retry costs one, an answer pays a tenth back.
///
/// The limit of attempts bounds one call; this bounds all of them: while a provider answers nothing, a client retries
/// [`RetryBudget::CAPACITY`] times in all, and then makes one attempt a call.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    tenths: AtomicU32,
}

impl RetryBudget {
    /// The most retries that can be saved up.
    pub(crate) const CAPACITY: u32 = 20;
    const REPEAT: u32 = 10;
    const ANSWER: u32 = 1;

    /// Takes one retry, if there is one.
    pub(crate) fn take(&self) -> bool {
        let take = |tenths: u32| tenths.checked_sub(Self::REPEAT);
        self.tenths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    /// Pays for an answer.
    pub(crate) fn refill(&self) {
        let full = Self::CAPACITY * Self::REPEAT;
        // Nearly always full: then nothing is written, and no core waits for another.
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
            tenths: AtomicU32::new(Self::CAPACITY * Self::REPEAT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RetryBudget;

    /// Takes until there is nothing left.
    fn spend(budget: &RetryBudget) -> usize {
        (0..1_000).take_while(|_| budget.take()).count()
    }

    #[test]
    fn it_is_spent_and_paid_back_by_answers() {
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
    fn it_is_never_more_than_full() {
        let budget = RetryBudget::default();
        for _ in 0..2 {
            for _ in 0..1_000 {
                budget.refill();
            }
            assert_eq!(spend(&budget), 20);
        }
    }
}
