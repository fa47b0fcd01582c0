//! Where what journeys say goes.

use std::fmt;

use async_trait::async_trait;
use kyc_journey::{EffectId, LedgerEntry, Notice, Undelivered};
use provider_core::ConsentEvidence;

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

/// A call to a provider. A journey's call is one of these, or several in turn.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ProviderCall<'c> {
    /// The journey's call that it is for.
    pub effect: &'c EffectId,
    /// The provider's name.
    pub provider: &'static str,
    /// The name of the operation, as the client has it.
    pub operation: &'static str,
    /// Whether it gives something back: a consent is revoked, a session deleted.
    pub gives_back: bool,
}

impl<'c> ProviderCall<'c> {
    /// A call of this operation, which gives nothing back.
    pub fn new(effect: &'c EffectId, provider: &'static str, operation: &'static str) -> Self {
        Self {
            effect,
            provider,
            operation,
            gives_back: false,
        }
    }

    /// Whether it gives something back.
    #[must_use]
    pub fn set_gives_back(mut self, gives_back: bool) -> Self {
        self.gives_back = gives_back;
        self
    }
}

/// Proves for each call that a consent covers it. With the feature `consent` there is one over a ledger, `LedgerConsents`.
#[async_trait]
pub trait Consents: fmt::Debug + Send + Sync {
    /// Proves that a live consent covers this call, or, for one that gives something back, that one is over. The call is made at once,
    /// and what is returned is shown to the client's gate. `None`: the call is about no person.
    ///
    /// # Errors
    ///
    /// There is none. The call is not made.
    async fn prove(&self, call: &ProviderCall<'_>) -> Result<Option<ConsentEvidence>, Unproved>;

    /// Writes that a call was made under what was proved, with its outcome's name, or `ok`. A call of which nothing was sent is not told.
    ///
    /// # Errors
    ///
    /// It was not written. The call's result counts nevertheless, and the gap is logged with the call's effect.
    async fn used(
        &self,
        call: &ProviderCall<'_>,
        shown: &ConsentEvidence,
        outcome: &'static str,
    ) -> Result<(), Undelivered>;
}

/// Why no consent was proved for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unproved {
    /// It was withdrawn: the journey ends as by the withdrawal, of which it hears later.
    Withdrawn,
    /// It has expired: the journey ends as at the consent's end.
    Expired,
    /// None was given for this provider, purpose or kind of data: the call waits for another consent, or for an operator.
    NotCovered,
    /// The ledger cannot be asked now: the journey tries again later.
    Unavailable,
}

impl fmt::Display for Unproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Withdrawn => "the consent was withdrawn",
            Self::Expired => "the consent has expired",
            Self::NotCovered => "no consent covers it",
            Self::Unavailable => "the ledger of consents cannot be asked now",
        })
    }
}

impl std::error::Error for Unproved {}

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
