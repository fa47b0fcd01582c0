//! Which aggregator an onboarding goes on with.

use kyc_facade::{ChoiceReason, choose_aggregator};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use provider_core::capability::{AggregatorId, AggregatorStanding, Readiness};

use crate::failure::Result;

/// Few names, so that some are named twice and some are the same in several lists.
fn name() -> impl Strategy<Value = AggregatorId> {
    select(vec!["a", "b", "c", "d", "e"]).prop_map(|name| AggregatorId::parse(name).unwrap())
}

fn standing() -> impl Strategy<Value = AggregatorStanding> {
    let readiness = select(vec![
        Readiness::Ready,
        Readiness::NeedsLinking,
        Readiness::NeedsRegistration,
        Readiness::Undetermined,
    ]);
    (name(), readiness).prop_map(|(name, readiness)| AggregatorStanding::new(name, readiness))
}

pub(super) fn the_most_ready_aggregator_is_chosen(runner: &mut TestRunner) -> Result<()> {
    let standings = vec(standing(), 0..6);
    let shuffled = standings.prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()));
    let cases = (shuffled, vec(name(), 0..4), option::of(name()));
    runner.run(&cases, |((rows, shuffled), preferred, default)| {
        let choice = choose_aggregator(&rows, &preferred, default.as_ref());
        let again = choose_aggregator(&rows, &preferred, default.as_ref());
        prop_assert_eq!(&choice, &again);
        let moved = choose_aggregator(&shuffled, &preferred, default.as_ref());
        prop_assert_eq!(choice.reason, moved.reason);

        let best = rows
            .iter()
            .map(|row| row.readiness)
            .filter(|readiness| *readiness != Readiness::Undetermined)
            .min();
        let Some(best) = best else {
            let reason = match default {
                Some(_) => ChoiceReason::Default,
                None => ChoiceReason::LeftToProvider,
            };
            prop_assert_eq!((choice.aggregator, choice.reason), (default, reason));
            return Ok(());
        };
        prop_assert_eq!(choice.reason, ChoiceReason::Readiness(best));
        let equals: Vec<_> = rows
            .iter()
            .filter(|row| row.readiness == best)
            .map(|row| &row.aggregator)
            .collect();
        let favourite = preferred.iter().find(|id| equals.contains(id));
        prop_assert_eq!(
            choice.aggregator.as_ref(),
            favourite.or(equals.first().copied())
        );
        // The order of the rows decides only where no preference does.
        if favourite.is_some() {
            prop_assert_eq!(choice.aggregator, moved.aggregator);
        }
        Ok(())
    })?;
    Ok(())
}
