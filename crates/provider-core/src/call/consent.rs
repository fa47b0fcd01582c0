//! The seam to whoever knows what people have consented to: asked before each attempt, if a client is given one.
//!
//! The core knows a trait and an opaque value; what a proof is, the ledger alone knows. So a client without a gate pays one
//! comparison, and nobody else can make what the gate believes.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::values::MissingConsent;
use crate::wire::Operation;

/// Decides before each attempt whether a person's consent, or a legal duty, covers the call. Opt-in, see
/// [`ClientBuilder::consent_gate`](crate::ClientBuilder::consent_gate).
///
/// It is asked twice for each attempt: before the rate limiter, so that a call without consent is not charged to a limit,
/// and once more when the request is built, right before it is handed to the transport. It is not awaited, so it answers
/// from memory, quickly. `kyc-consent` has one over its ledger.
///
/// ```
/// use std::sync::Arc;
/// use provider_core::{ConsentEvidence, ConsentGate, GatedCall, MissingConsent};
///
/// /// What an application hands out when somebody has consented.
/// struct Agreed;
///
/// #[derive(Debug)]
/// struct Gate;
///
/// impl ConsentGate for Gate {
///     fn admit(&self, call: &GatedCall<'_>) -> Result<(), MissingConsent> {
///         match call.evidence.and_then(ConsentEvidence::downcast_ref::<Agreed>) {
///             Some(Agreed) => Ok(()),
///             None => Err(MissingConsent::new("onboarding", "no consent was shown")),
///         }
///     }
/// }
/// # let operation = provider_core::Operation::new("open", "POST /v1/x", provider_core::Idempotency::Safe);
/// # let call = GatedCall::new("acme", &operation, provider_core::jiff::Timestamp::UNIX_EPOCH);
/// # assert!(Gate.admit(&call).is_err());
/// # let shown = ConsentEvidence::new(Arc::new(Agreed));
/// # assert!(Gate.admit(&call.showing(&shown)).is_ok());
/// ```
pub trait ConsentGate: fmt::Debug + Send + Sync + 'static {
    /// Lets one attempt through.
    ///
    /// # Errors
    ///
    /// Which purpose lacks a live consent. The call ends with [`ErrorKind::NoConsent`](crate::ErrorKind::NoConsent), and
    /// this attempt is not sent.
    fn admit(&self, call: &GatedCall<'_>) -> Result<(), MissingConsent>;
}

/// The attempt that a [`ConsentGate`] decides about.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct GatedCall<'c> {
    /// The provider's name.
    pub provider: &'static str,
    /// The operation.
    pub operation: &'c Operation,
    /// What the call shows, see [`CallOptions::with_consent`](crate::CallOptions::with_consent).
    pub evidence: Option<&'c ConsentEvidence>,
    /// The time by the client's clock.
    pub now: Timestamp,
}

impl<'c> GatedCall<'c> {
    /// An attempt that shows nothing.
    pub fn new(provider: &'static str, operation: &'c Operation, now: Timestamp) -> Self {
        Self {
            provider,
            operation,
            evidence: None,
            now,
        }
    }

    /// The same attempt, showing this.
    #[must_use]
    pub fn showing(mut self, evidence: &'c ConsentEvidence) -> Self {
        self.evidence = Some(evidence);
        self
    }
}

/// What a call shows to a [`ConsentGate`]: a value of the gate's own, which nobody else can look into. `Debug` prints nothing
/// of it; two are equal if they are clones of one.
#[derive(Clone)]
pub struct ConsentEvidence(Arc<dyn Any + Send + Sync>);

impl ConsentEvidence {
    /// Carries `proof`, for the gate that knows its type.
    pub fn new<T: Send + Sync + 'static>(proof: Arc<T>) -> Self {
        Self(proof)
    }

    /// The proof, if it is of this type.
    pub fn downcast_ref<T: 'static>(&self) -> Option<&T> {
        (*self.0).downcast_ref()
    }
}

impl fmt::Debug for ConsentEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsentEvidence(..)")
    }
}

impl PartialEq for ConsentEvidence {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ConsentEvidence {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_opaque_and_equal_to_its_clones_only() {
        let evidence = ConsentEvidence::new(Arc::new("CANARY"));
        assert_eq!(format!("{evidence:?}"), "ConsentEvidence(..)");
        assert_eq!(evidence, evidence.clone());
        assert_ne!(evidence, ConsentEvidence::new(Arc::new("CANARY")));
        assert_eq!(evidence.downcast_ref::<&str>(), Some(&"CANARY"));
        assert_eq!(evidence.downcast_ref::<String>(), None);
    }
}
