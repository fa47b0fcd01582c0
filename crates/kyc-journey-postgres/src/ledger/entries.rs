//! What is written to the ledger in a transaction of journeys: what they say, and a withdrawal that ends them.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kyc_consent::{
    Code, ConsentLedger, EndReason, Follower, LedgerError, Scope, Subject, Withdrawal,
};
use kyc_journey::{EffectId, EffectKind, EngineErrorKind, LedgerEntry};
use tokio::runtime::Handle;

use super::store::PostgresStore;
use crate::changes::Said;
use crate::database::{Failure, Outcome, Transaction};
use crate::group::{Answer, Book, Written};

/// How many entries one transaction writes at most: it has the ledger's lock meanwhile. Others are left to a runner.
const MOST: usize = 32;

/// Writes an entry to the ledger that it gets, unless it is written.
pub(crate) type Enter =
    dyn Fn(&ConsentLedger, &EffectId, &LedgerEntry) -> Result<(), LedgerError> + Send + Sync;

/// The ledger of the same database.
pub(crate) struct Entries {
    pub(crate) store: PostgresStore,
    pub(crate) ledger: ConsentLedger,
    pub(crate) enter: Arc<Enter>,
}

#[async_trait]
impl Book for Entries {
    async fn write(
        &self,
        database: &Arc<Transaction>,
        mut said: Vec<Said>,
        _: &[Answer],
    ) -> Outcome<Written> {
        let store = self.store.within(Arc::clone(database)).await?;
        let (ledger, enter) = (self.ledger.clone(), Arc::clone(&self.enter));
        let (database, runtime) = (Arc::clone(database), Handle::current());
        let work = move || {
            let run = |words| runtime.block_on(database.run(words));
            let within = ledger.within(Arc::new(store));
            let within = within.map_err(|_| Failure::Pool("the ledger cannot be read"))?;
            let mut left = said.split_off(said.len().min(MOST));
            for said in said {
                let EffectKind::Ledger(entry) = &said.effect.kind else {
                    continue;
                };
                run("SAVEPOINT entry")?;
                let entered = enter(&within, &said.effect.id, entry);
                if let Err(error) = entered {
                    // A key that cannot be had now must not hold up the journey.
                    tracing::warn!(effect = %said.effect.id, %error, "the ledger was not written with the event");
                    run("ROLLBACK TO SAVEPOINT entry")?;
                    left.push(said);
                }
            }
            // Until the transaction has ended: nothing is proved of what it has ended.
            Ok::<_, Failure>((left, Box::new(within) as Box<dyn Send>))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or(Err(Failure::Pool("writing the ledger ended early")))
    }
}

/// A withdrawal, and those who are told of it in its transaction, in the order of their events.
pub(crate) struct Withdrawing {
    pub(crate) store: PostgresStore,
    pub(crate) ledger: ConsentLedger,
    pub(crate) subject: Subject,
    pub(crate) scope: Scope,
    pub(crate) channel: Code,
    pub(crate) followers: Vec<Follower>,
    /// What the ledger said.
    pub(crate) said: Mutex<Option<Result<Withdrawal, LedgerError>>>,
}

impl Withdrawing {
    /// What the ledger said, if it was asked.
    pub(crate) fn into_said(self) -> Option<Result<Withdrawal, LedgerError>> {
        let said = self.said.into_inner();
        said.unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None`: what follows the receipts is not what the events were made for.
fn withdraw(
    ledger: &ConsentLedger,
    (subject, scope, channel): (Subject, Scope, &Code),
    told: &[Follower],
) -> Result<Option<Withdrawal>, LedgerError> {
    let withdrawal = ledger.withdraw(subject, scope, channel)?;
    let receipts = ledger.state(subject)?.receipts;
    for follower in told {
        let is_as_it_was = ledger.follower(&follower.name)?.as_ref() == Some(follower);
        let is_withdrawn = receipts.iter().any(|row| {
            let ended = row.ended.map(|(_, reason)| reason);
            follower.receipt == Some(row.id) && ended == Some(EndReason::Withdrawn)
        });
        if !(is_as_it_was && is_withdrawn) {
            return Ok(None);
        }
        ledger.told(follower)?;
    }
    Ok(Some(withdrawal))
}

#[async_trait]
impl Book for Withdrawing {
    async fn write(
        &self,
        database: &Arc<Transaction>,
        said: Vec<Said>,
        answers: &[Answer],
    ) -> Outcome<Written> {
        let store = self.store.within(Arc::clone(database)).await?;
        // One that never began, or was forgotten, makes no call.
        let has_heard = |answer: &Answer| match answer {
            Ok(_) => true,
            Err(error) => error.kind() == EngineErrorKind::UnknownJourney,
        };
        let followers = self.followers.iter().zip(answers);
        let told = followers.filter(|(_, answer)| has_heard(answer));
        let told: Vec<Follower> = told.map(|(follower, _)| follower.clone()).collect();
        let ledger = self.ledger.clone();
        let (subject, scope, channel) = (self.subject, self.scope, self.channel.clone());
        let work = move || {
            let within = ledger.within(Arc::new(store))?;
            let withdrawn = withdraw(&within, (subject, scope, &channel), &told)?;
            Ok::<_, LedgerError>((withdrawn, within))
        };
        let done = tokio::task::spawn_blocking(work).await;
        let done = done.map_err(|_| Failure::Pool("writing the ledger ended early"))?;
        let (answer, written) = match done {
            Ok((Some(withdrawal), within)) => (Ok(withdrawal), Ok(within)),
            Ok((None, _)) => {
                return Err(Failure::Pool(
                    "what follows the consent has changed meanwhile",
                ));
            }
            Err(error) => (Err(error), Err(Failure::Pool("the ledger was not written"))),
        };
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        Ok((said, Box::new(written?)))
    }

    fn has_its_own(&self) -> bool {
        true
    }
}
