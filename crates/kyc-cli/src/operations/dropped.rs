//! What became of a call that was interrupted.

use std::sync::{Mutex, PoisonError};

use kyc_facade::provider_core::{CallEvent, CallObserver, CallStage, Idempotency, Outcome};

use crate::terminal::output::READ_BROKEN_OFF;

/// Observes one call, and keeps the outcome if its future is dropped.
#[derive(Debug, Default)]
pub(super) struct Dropped(Mutex<Option<Outcome>>);

impl Dropped {
    /// What to say of the call. Before its first attempt nothing has been observed, and nothing was sent.
    pub(super) fn words(&self, idempotency: Idempotency) -> &'static str {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None | Some(Outcome::NotSent) => "was not sent",
            Some(Outcome::Refused) => "was refused, and was to be sent again",
            // A read changes nothing.
            Some(Outcome::Unknown) if idempotency == Idempotency::Safe => READ_BROKEN_OFF,
            Some(Outcome::Unknown) => "may have been done",
            Some(Outcome::Done) => "was done",
        }
    }
}

impl CallObserver for Dropped {
    fn observe(&self, event: &CallEvent<'_>) {
        if event.stage == CallStage::Dropped {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = event.outcome;
        }
    }
}
