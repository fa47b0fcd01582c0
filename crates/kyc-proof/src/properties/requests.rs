//! The requests of every operation: what is taken is sent, all of it and nothing else.

use anyhow::Result;
use kyc_proof::catalogue::with_exchanges;
use kyc_proof::checks::request_is_sent_as_taken;
use kyc_proof::companies::SANDBOX;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use provider_core::testing::tolerance::{Mutation, pointers};

use super::Trial;
use super::values::{email, mobile, pan, path_id, shaped, text};
use crate::planted::texts;

pub(super) fn requests_are_sent_as_they_are_taken(trial: &Trial) -> Result<()> {
    let subjects = with_exchanges();
    let value = prop_oneof![
        text(20),
        mobile(),
        pan(),
        email(),
        path_id(),
        shaped("[A-Za-z0-9]{2,50}"),
        Just(String::new()),
    ];
    let edits = vec((any::<Index>(), value), 1..4);
    let omissions = vec(any::<Index>(), 0..3);
    let cases = (any::<Index>(), edits, omissions);
    let says = "a request is sent as it is taken, or nothing is sent";
    trial.holds(says, cases, |(which, edits, omissions)| {
        let (subject, exchange) = which.get(&subjects);
        let mut input = exchange.input.clone();
        for at in omissions {
            let places = pointers(&input);
            input = Mutation::Dropped
                .apply(&input, &places[at.index(places.len())])
                .unwrap_or(input);
        }
        for (at, text) in edits {
            let texts = texts(&input);
            if !texts.is_empty() {
                let (at, _) = &texts[at.index(texts.len())];
                *input.pointer_mut(at).unwrap() = text.into();
            }
        }
        request_is_sent_as_taken(subject, &input).map_err(TestCaseError::fail)?;
        // The rule is the same whatever the value: it holds none of it.
        let (client, _) = subject.scripted(SANDBOX, []);
        if let Err(error) = client.check(input.clone()) {
            let printed = format!("{error:?} {}", error.report());
            for (_, text) in texts(&input) {
                let printed = text.chars().count() >= 12 && printed.contains(&text);
                prop_assert!(!printed, "{:?}", error);
            }
        }
        Ok(())
    })
}
