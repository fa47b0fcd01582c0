//! *Revoke consent*.

use finpro_profile::Envelope;
use provider_core::lenient::Read;
use provider_core::{
    DecodeError, Fault, FaultClass, Idempotency, InvalidRequest, Label, Mark, Operation,
    ResponseError, Verified,
};
use serde::{Deserialize, Serialize};

use crate::ConsentId;
use crate::endpoint::post;
use crate::values::{self, is_same};

/// A consent's revocation (`[docs]`): from ACTIVE or PAUSED only, irreversible, and scheduled fetches stop.
///
/// Whether a `CONSENT_REVOKED` webhook follows is not documented (`[unknown]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct RevokeConsent {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; not its handle
    #[serde(rename = "consentID")]
    consent_id: ConsentId,
}

provider_core::request! { RevokeConsent }

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
pub struct Revoked {
    // Said on no page: compared with the envelope and the request, and not handed on.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, skip_serializing, deserialize_with = "Read::text")]
    status: Read<Label>,
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(
        alias = "consentID",
        alias = "consentId",
        default,
        skip_serializing,
        deserialize_with = "values::id"
    )]
    consent_id: Option<ConsentId>,
}

impl Revoked {
    /// Refuses a success whose data is about another consent, or says that it is not revoked.
    fn answers(&self, request: &RevokeConsent) -> Result<(), ResponseError> {
        is_same(self.consent_id.as_ref(), Some(&request.consent_id))?;
        let is_revoked = match &self.status {
            Read::Absent => true,
            Read::Value(status) => ["success", "revoked"]
                .iter()
                .any(|word| status.trim().eq_ignore_ascii_case(word)),
            Read::Unreadable(_) => false,
        };
        match is_revoked {
            true => Ok(()),
            false => Err(Fault::new()
                .with_meaning(Some("a success whose data has another status"))
                .with_class(FaultClass::Contradictory)
                .into()),
        }
    }
}

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
        .settled_by("list the consent: its status says whether it is revoked"),
    answer: |request, revoked| revoked.data.answers(request)
);
