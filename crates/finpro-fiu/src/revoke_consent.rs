//! *Revoke consent*.

use finpro_profile::Envelope;
use provider_core::{
    DecodeError, Idempotency, InvalidRequest, Mark, Operation, ResponseError, Verified,
};
use serde::{Deserialize, Serialize};

use crate::ConsentId;
use crate::endpoint::post;

/// A consent's revocation (`[docs]`): from ACTIVE or PAUSED only, irreversible, and scheduled fetches stop.
///
/// Whether a `CONSENT_REVOKED` webhook follows is not documented (`[unknown]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokeConsent {
    /// The aggregator's id of the consent, not its handle
    #[serde(rename = "consentID")]
    consent_id: ConsentId,
}

impl RevokeConsent {
    /// Creates a request that revokes this consent.
    pub fn new(consent: ConsentId) -> Self {
        Self {
            consent_id: consent,
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.consent_id.check()
    }
}

/// What a revocation says besides its envelope; more is not documented (`[unknown]`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Revoked {}

/// The reply: only a `status` of `success` says that data flows no more.
fn read(response: &Verified) -> Result<Envelope<Revoked>, ResponseError> {
    let revoked: Envelope<Revoked> = Envelope::read_flat(response)?;
    match revoked.status.as_deref() {
        Some(status) if status.eq_ignore_ascii_case("success") => Ok(revoked),
        _ => Err(DecodeError::missing_data("$.status").into()),
    }
}

post!(
    RevokeConsent, Self::check, read => Envelope<Revoked>,
    // Again it is refused and changes nothing.
    Operation::new("revoke-consent", "POST /revokeconsent", Idempotency::Repeatable)
        .documented(Mark::Docs)
        .settled_by("list the consent: its status says whether it is revoked")
);
