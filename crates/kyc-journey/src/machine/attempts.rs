//! Attempts of a leg, and which of them a report is about.

use provider_core::capability::ProviderReference;
use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::values::{Leg, Reason, Source};

/// The attempts of a leg: the current one, and what the replaced ones opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Attempts {
    number: u32,
    reference: Option<ProviderReference>,
    replaced: Vec<ProviderReference>,
    /// How often something was asked for again of which it is not known whether it was counted.
    maybe_billed: u32,
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// The current attempt.
    Current,
    /// Nothing of the current attempt, for this reason.
    Not(Reason),
}

impl Attempts {
    /// More attempts than a person makes: what would ask for another one is broken.
    const MOST: u32 = 50;

    /// An attempt opens one thing, and a provider that names more for it is broken, too.
    const MOST_REPLACED: usize = 2 * 50;

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn reference(&self) -> Option<&ProviderReference> {
        self.reference.as_ref()
    }

    pub(crate) fn maybe_billed(&self) -> u32 {
        self.maybe_billed
    }

    /// The current reference and those that it replaced.
    pub(crate) fn references(&self) -> impl Iterator<Item = &ProviderReference> {
        self.reference.iter().chain(&self.replaced)
    }

    pub(crate) fn may_begin(&self) -> bool {
        self.number < Self::MOST
    }

    /// Begins the next attempt.
    pub(crate) fn begin(&mut self, was_unsettled: bool) {
        self.number = self.number.saturating_add(1);
        self.maybe_billed = self.maybe_billed.saturating_add(u32::from(was_unsettled));
        self.replaced.extend(self.reference.take());
    }

    /// What the current attempt opened.
    pub(crate) fn adopt(&mut self, reference: &ProviderReference) {
        if self.reference.is_none() {
            self.reference = Some(reference.clone());
        }
    }

    /// What a replaced attempt opened, of which was heard only now.
    pub(crate) fn adopt_replaced(&mut self, reference: &ProviderReference) {
        let is_full = self.replaced.len() >= Self::MOST_REPLACED;
        if !is_full && !self.references().any(|known| known == reference) {
            self.replaced.push(reference.clone());
        }
    }

    /// Whether a report is about the current attempt; if not, that is the verdict on it.
    pub(crate) fn is_current(&self, step: &mut Step<'_>, leg: Leg, source: &Source) -> bool {
        match self.belongs(step, leg, source) {
            Belongs::Current => return true,
            Belongs::Not(reason @ Reason::ReplacedAttempt) => step.late(reason),
            Belongs::Not(reason) => step.discarded(reason),
        }
        false
    }

    /// What a report is about. One with our token names the attempt; one without has only the provider's id.
    pub(crate) fn belongs(&self, step: &Step<'_>, leg: Leg, source: &Source) -> Belongs {
        let reference = source.reference.as_ref();
        let is_replaced = reference.is_some_and(|named| self.replaced.contains(named));
        let is_current = reference.is_some_and(|named| self.reference.as_ref() == Some(named));
        let Some(correlation) = &source.correlation else {
            return match (is_current, is_replaced) {
                (true, _) => Belongs::Current,
                (false, true) => Belongs::Not(Reason::ReplacedAttempt),
                (false, false) => Belongs::Not(Reason::ForeignSession),
            };
        };
        if correlation.token != step.token {
            return Belongs::Not(Reason::ForeignToken);
        }
        if correlation.leg != leg || correlation.attempt > self.number {
            return Belongs::Not(Reason::ForeignSession);
        }
        if correlation.attempt < self.number || is_replaced {
            return Belongs::Not(Reason::ReplacedAttempt);
        }
        match reference.is_none() || self.reference.is_none() || is_current {
            true => Belongs::Current,
            false => Belongs::Not(Reason::ForeignSession),
        }
    }
}
