//! `kyc consent withdraw`.

use std::sync::Arc;

use kyc_consent::{Detail, Effect, Follower, ProviderName, ReceiptId, Scope, Subject, Withdrawal};
use kyc_facade::provider_core::SystemClock;
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_journey::JourneyId;
use serde_json::json;

use super::class_name;
use crate::arguments::ConsentWithdraw;
use crate::failure::Failure;
use crate::journey::{Store, looks, untold};
use crate::storage::ledger::{Ledger, channel, failed, not_withdrawn};
use crate::storage::place::Place;
use crate::terminal::output::Output;

pub(crate) async fn run(arguments: &ConsentWithdraw, output: Output) -> Result<(), Failure> {
    let place = Place::of(&arguments.store)?;
    let ledger = Ledger::existing(&place)?;
    let subject = ledger.someone(&arguments.whose)?;
    let receipt = arguments.receipt.as_deref().map(ReceiptId::parse);
    let scope = match receipt.transpose() {
        Ok(receipt) => receipt.map_or(Scope::All, Scope::Receipt),
        Err(error) => return Err(error.for_field("--receipt").into()),
    };
    let (withdrawn, told, store) = match &place {
        Place::File(_) => at_the_ledger(&ledger, &place, subject, scope).await?,
        Place::Database(_) => match Store::existing(&place).await {
            Ok(store) => {
                let withdrawals = store.withdrawals(Arc::new(SystemClock));
                let withdrawn = withdrawals.withdraw(subject, scope, &channel()?).await;
                let withdrawn = withdrawn.map_err(not_withdrawn)?;
                let followers = ledger.0.followers(subject);
                let followers = followers.map_err(|error| failed(&error))?;
                let untold = ledger.0.untold("").map_err(|error| failed(&error))?;
                let is_told = |follower: &&Follower| {
                    let is_over = |receipt| withdrawn.receipts.contains(&receipt);
                    let is_untold = |other: &Follower| other.name == follower.name;
                    follower.receipt.is_some_and(is_over) && !untold.iter().any(is_untold)
                };
                let told = followers.iter().filter(is_told).count();
                (withdrawn, Some(told), Some(store))
            }
            // Without the journeys' key, say.
            Err(_) => at_the_ledger(&ledger, &place, subject, scope).await?,
        },
    };
    let Left {
        giving_back,
        looking,
        damaged,
    } = match &store {
        Some(store) => left(store, &ledger, subject).await?,
        None => Left::default(),
    };
    let what_to_do = match (&store, giving_back.is_empty()) {
        (Some(store), false) => store.what_to_do(&giving_back).await?,
        _ => String::new(),
    };
    let giving_back: Vec<_> = giving_back.iter().map(ToString::to_string).collect();
    let looks = match &store {
        Some(store) => store.looks_of(&looking).await?,
        None => None,
    };
    let looking: Vec<_> = looking.iter().map(|(id, _)| id.to_string()).collect();
    if !damaged.is_empty() {
        output.tell(&untold(&damaged));
    }
    let receipts: Vec<String> = withdrawn.receipts.iter().map(ToString::to_string).collect();
    let used = used(&ledger, subject)?;
    let follows = withdrawn.effects.iter().filter(|effect| match effect {
        Effect::Delete { provider } => used.has(provider),
        _ => true,
    });
    let erase = place.command(&format!("erase {subject}"));
    let follows = follows.filter_map(|effect| words(effect, &erase));
    let follows: Vec<String> = follows.collect();
    if output.json {
        let answer = json!({
            "subject": subject.to_string(),
            "receipts": receipts,
            "journeys_told": told,
            "journeys_giving_back": giving_back,
            "journeys_looking": looking,
            "journeys_damaged": damaged,
            "follows": follows,
        });
        return output.answer(&answer, None);
    }
    match receipts.as_slice() {
        [] => output.told("nothing was left to withdraw")?,
        receipts => {
            for receipt in receipts {
                output.told(&format!("withdrawn {receipt}"))?;
            }
        }
    }
    match told {
        Some(told) => output.told(&format!("journeys told: {told}"))?,
        None => output.tell(
            "the journeys could not be notified yet, and make no further calls; a server that has them notifies them in a moment, otherwise whoever opens them next does",
        ),
    }
    if !giving_back.is_empty() {
        let journeys = giving_back.join(", ");
        output.told(&format!(
            "journeys with clean-up calls outstanding: {journeys}; {what_to_do}"
        ))?;
    }
    for line in looks.into_iter().chain(follows) {
        output.told(&format!("to be done: {line}"))?;
    }
    Ok(())
}

/// Withdraws, and has the journeys told after it, of which it says how many were; `None`: they could not be.
async fn at_the_ledger(
    ledger: &Ledger,
    place: &Place,
    subject: Subject,
    scope: Scope,
) -> Result<(Withdrawal, Option<usize>, Option<Store>), Failure> {
    // The ledger first: from here on no call begins, whatever becomes of the journeys' file.
    let withdrawn = ledger.0.withdraw(subject, scope, &channel()?);
    let withdrawn = withdrawn.map_err(|error| failed(&error))?;
    let untold = ledger.0.untold("").map_err(|error| failed(&error))?;
    // Whoever opens the file tells them, and asks the ledger before each call until then.
    let store = Store::existing(place).await.ok();
    let told = store
        .as_ref()
        .map(|store| untold.len().saturating_sub(store.untold().len()));
    Ok((withdrawn, told, store))
}

/// What the person's journeys have to do after their end.
#[derive(Default)]
struct Left {
    giving_back: Vec<JourneyId>,
    /// Those that look for a consent that they left open, and until when.
    looking: Vec<(JourneyId, Timestamp)>,
    /// The names of those that cannot be read.
    damaged: Vec<String>,
}

async fn left(store: &Store, ledger: &Ledger, subject: Subject) -> Result<Left, Failure> {
    let followers = ledger.0.followers(subject);
    let followers = followers.map_err(|error| failed(&error))?;
    let mut left = Left::default();
    for standing in store.journeys_of(followers).await? {
        match &standing.record {
            None => left.damaged.push(standing.follower.name),
            Some(record) => {
                if store.waiting_of(&standing.id, Some(record)).await? > 0 {
                    left.giving_back.push(standing.id.clone());
                }
                if let Some((_, last)) = looks(&record.state) {
                    left.looking.push((standing.id, last));
                }
            }
        }
    }
    Ok(left)
}

/// The providers that got anything of a person. A consent names those of every plan, and most have nothing.
struct Used {
    providers: Vec<ProviderName>,
    /// An entry is erased, so that it may have been any.
    is_erased: bool,
}

impl Used {
    fn has(&self, provider: &ProviderName) -> bool {
        self.is_erased || self.providers.contains(provider)
    }
}

fn used(ledger: &Ledger, subject: Subject) -> Result<Used, Failure> {
    let history = ledger.0.history(subject).map_err(|error| failed(&error))?;
    let mut used = Used {
        providers: Vec::new(),
        is_erased: false,
    };
    for (_, says) in history {
        match says {
            Some(Detail::Used(entry)) => used.providers.push(entry.provider),
            Some(Detail::Artefact(artefact)) => used.providers.push(artefact.provider),
            Some(_) => {}
            None => used.is_erased = true,
        }
    }
    Ok(used)
}

/// What has to follow. What journeys opened they give back themselves.
fn words(effect: &Effect, erase: &str) -> Option<String> {
    Some(match effect {
        Effect::Revoke {
            provider, entry, ..
        } => format!("revoke the artefact of entry {entry} at {provider}"),
        Effect::Delete { provider } => format!("have {provider} delete what it has"),
        Effect::Erase { classes } => {
            let classes: Vec<_> = classes.iter().map(|class| class_name(*class)).collect();
            format!("erase {}, by `{erase}`", classes.join(", "))
        }
        Effect::Confirm { .. } => "send the person a receipt of the withdrawal".to_owned(),
        _ => return None,
    })
}
