//! Where what journeys say goes.

use std::fmt;

use async_trait::async_trait;
use kyc_journey::{EffectId, LedgerEntry, Notice, Undelivered};

/// Takes the notices of journeys: a link for the person, something for an operator, the status for whoever follows. A link is not in the
/// notice: it is the payload of the event that the notice names.
#[async_trait]
pub trait Notices: fmt::Debug + Send + Sync {
    /// Takes a notice. It comes at least once, each time with the same id.
    ///
    /// # Errors
    ///
    /// It was not taken, and comes again.
    async fn notify(&self, id: &EffectId, notice: &Notice) -> Result<(), Undelivered>;
}

/// Keeps what became of the consents of journeys.
#[async_trait]
pub trait ConsentLog: fmt::Debug + Send + Sync {
    /// Writes an entry, unless there is one with this id.
    ///
    /// # Errors
    ///
    /// It was not written, and comes again.
    async fn record(&self, id: &EffectId, entry: &LedgerEntry) -> Result<(), Undelivered>;
}
