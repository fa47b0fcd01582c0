//! The choice of an aggregator, as a pure function.

use provider_core::capability::{AggregatorId, AggregatorStanding, Readiness};

/// The aggregator that an onboarding continues with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AggregatorChoice {
    /// The aggregator; `None` leaves the choice to the provider of the consent.
    pub aggregator: Option<AggregatorId>,
    /// Why it was chosen.
    pub reason: ChoiceReason,
}

/// Why an aggregator was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChoiceReason {
    /// It answered with this readiness, the best of all answers.
    Readiness(Readiness),
    /// No aggregator answered, or none was asked: the configured default.
    Default,
    /// As for [`Default`](ChoiceReason::Default), but no default is configured.
    LeftToProvider,
}

impl ChoiceReason {
    /// The reason in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Readiness(readiness) => readiness.as_str(),
            Self::Default => "default",
            Self::LeftToProvider => "left_to_provider",
        }
    }
}

/// Chooses by readiness: ready, then needs linking, then needs registration, then `default`. Ties are broken by the order
/// of `preferred`, then of `standings`. An undetermined aggregator is never chosen for its standing.
pub fn choose_aggregator(
    standings: &[AggregatorStanding],
    preferred: &[AggregatorId],
    default: Option<&AggregatorId>,
) -> AggregatorChoice {
    let preference = |standing: &AggregatorStanding| {
        preferred
            .iter()
            .position(|id| *id == standing.aggregator)
            .unwrap_or(usize::MAX)
    };
    let best = standings
        .iter()
        .filter(|standing| standing.readiness != Readiness::Undetermined)
        .min_by_key(|standing| (standing.readiness, preference(standing)));
    match (best, default) {
        (Some(best), _) => AggregatorChoice {
            aggregator: Some(best.aggregator.clone()),
            reason: ChoiceReason::Readiness(best.readiness),
        },
        (None, Some(default)) => AggregatorChoice {
            aggregator: Some(default.clone()),
            reason: ChoiceReason::Default,
        },
        (None, None) => AggregatorChoice {
            aggregator: None,
            reason: ChoiceReason::LeftToProvider,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Readiness::{NeedsLinking, NeedsRegistration, Ready, Undetermined};

    fn id(text: &str) -> AggregatorId {
        AggregatorId::parse(text).unwrap()
    }

    fn choose(
        standings: &[(&str, Readiness)],
        preferred: &[&str],
        default: Option<&str>,
    ) -> (String, ChoiceReason) {
        let standings: Vec<_> = standings
            .iter()
            .map(|(aggregator, readiness)| AggregatorStanding::new(id(aggregator), *readiness))
            .collect();
        let preferred: Vec<_> = preferred.iter().map(|text| id(text)).collect();
        let choice = choose_aggregator(&standings, &preferred, default.map(id).as_ref());
        (
            choice
                .aggregator
                .map(|id| id.as_str().to_owned())
                .unwrap_or_default(),
            choice.reason,
        )
    }

    #[test]
    fn the_best_readiness_wins() {
        let all = [
            ("a", Undetermined),
            ("b", NeedsRegistration),
            ("c", NeedsLinking),
            ("d", Ready),
        ];
        for (count, expected, readiness) in [
            (4, "d", Ready),
            (3, "c", NeedsLinking),
            (2, "b", NeedsRegistration),
        ] {
            assert_eq!(
                choose(&all[..count], &[], Some("z")),
                (expected.to_owned(), ChoiceReason::Readiness(readiness))
            );
        }
    }

    #[test]
    fn an_undetermined_aggregator_is_never_chosen_for_its_standing() {
        assert_eq!(
            choose(&[("a", Undetermined)], &["a"], Some("z")),
            ("z".to_owned(), ChoiceReason::Default)
        );
        assert_eq!(
            choose(&[("a", Undetermined)], &["a"], None),
            (String::new(), ChoiceReason::LeftToProvider)
        );
        assert_eq!(
            choose(&[], &[], Some("z")),
            ("z".to_owned(), ChoiceReason::Default)
        );
    }

    #[test]
    fn preference_only_breaks_ties() {
        let equals = [("a", NeedsLinking), ("b", NeedsLinking)];
        assert_eq!(choose(&equals, &[], None).0, "a");
        assert_eq!(choose(&equals, &["b", "a"], None).0, "b");
        assert_eq!(
            choose(&[("a", Ready), ("b", NeedsLinking)], &["b"], None).0,
            "a"
        );
    }
}
