//! The engine's journeys and the ledger in one transaction.

use std::sync::{Arc, Mutex};

use kyc_consent::{Code, ConsentLedger, Follower, LedgerError, Scope, Subject, Withdrawal};
use kyc_journey::{EffectId, EngineError, EngineErrorKind, Event, JourneyId, LedgerEntry};

use super::entries::{Entries, Withdrawing};
use super::store::PostgresStore;
use crate::engine::PostgresEngine;
use crate::error::{NotWithdrawn, OpenError};

impl PostgresEngine {
    /// Writes what journeys say to the ledger in the transactions of the events that say it, from now on: each is there once the event is
    /// acknowledged, and no runner has to carry it. `enter` writes an entry to the ledger that it gets, under the effect's id, so that one
    /// that is written already is not written again. What it cannot write, because the keys cannot be had now, say, is left to a runner.
    ///
    /// `ledger` is the one in `store`. A second call changes nothing.
    ///
    /// # Errors
    ///
    /// [`OtherDatabase`](crate::OpenError::OtherDatabase) if the journeys lie elsewhere; or the database cannot be read.
    pub async fn write_ledger(
        &self,
        store: &PostgresStore,
        ledger: &ConsentLedger,
        enter: impl Fn(&ConsentLedger, &EffectId, &LedgerEntry) -> Result<(), LedgerError>
        + Send
        + Sync
        + 'static,
    ) -> Result<(), OpenError> {
        store.is_beside(&self.pool).await?;
        let _has_one = self.groups.keep_book(Entries {
            store: store.clone(),
            ledger: ledger.clone(),
            enter: Arc::new(enter),
        });
        Ok(())
    }

    /// Withdraws a person's consent at the ledger, and applies the events that tell the journeys under it, in one transaction, which notes
    /// in the ledger that they have been told: those that took their event, and those that are unknown here. What journeys then say to
    /// the ledger is left to a runner. `ledger` is the one in `store`.
    ///
    /// # Errors
    ///
    /// [`NotWithdrawn`](crate::NotWithdrawn), and nothing was written: also if by now other receipts are followed than those that the
    /// events are about.
    pub async fn withdraw(
        &self,
        (store, ledger): (&PostgresStore, &ConsentLedger),
        subject: Subject,
        scope: Scope,
        channel: &Code,
        tell: Vec<(Follower, Event)>,
    ) -> Result<Withdrawal, NotWithdrawn> {
        self.open()?;
        store.is_beside(&self.pool).await?;
        let (mut followers, mut events) = (Vec::new(), Vec::new());
        for (follower, event) in tell {
            let journey = JourneyId::parse(&follower.name);
            let unknown = |_| EngineError::new(EngineErrorKind::UnknownJourney);
            events.push((journey.map_err(unknown)?, event));
            followers.push(follower);
        }
        let withdrawing = Withdrawing {
            store: store.clone(),
            ledger: ledger.clone(),
            subject,
            scope,
            channel: channel.clone(),
            followers,
            said: Mutex::default(),
        };
        let done = self.groups.together(events, &withdrawing).await;
        match (done, withdrawing.into_said()) {
            (Ok(_), Some(Ok(withdrawal))) => Ok(withdrawal),
            (_, Some(Err(error))) => Err(error.into()),
            (Err(failure), _) => Err(EngineError::from(failure).into()),
            (Ok(_), None) => Err(EngineError::new(EngineErrorKind::Unavailable).into()),
        }
    }
}
