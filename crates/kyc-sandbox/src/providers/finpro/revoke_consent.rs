//! Revoke consent: allowed from ACTIVE and PAUSED.
//!
//! That other statuses are refused is documented; the code is what an integrator reports, and the HTTP status is a setting.

use super::Finpro;
use crate::exchange::{ReceivedRequest, Reply};
use crate::state::AggregatorConsentStatus;

pub(super) fn handle(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let id = body.required("consentID")?;
        let now_ms = finpro.simulation.clock.now_ms();
        let revoked = finpro.consents.change(
            |consent| consent.approved_id() == Some(id),
            |consent| consent.become_status(AggregatorConsentStatus::Revoked, now_ms),
        );
        match revoked {
            Some(Ok(())) => {
                let message = vec![("message", "Consent revoked".into())];
                Ok(finpro.success(message).with_effect(id.to_owned()))
            }
            None => Err(("InvalidConsentId", "No such consent")),
            Some(Err(_)) => Err(("InvalidStatus", "The consent is not active")),
        }
    })
}
