//! Revoke consent: allowed from ACTIVE and PAUSED.
//!
//! That other statuses are refused is documented; the code is what an integrator reports, and the HTTP status is a setting.

use super::Finpro;
use crate::exchange::{ReceivedRequest, Reply};

pub(super) fn handle(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let id = body.required("consentID")?;
        let consent = finpro.consent(id)?;
        match finpro.revoke(&consent.handle) {
            Some(Ok(_)) => {
                let message = vec![("message", "Consent revoked".into())];
                Ok(finpro
                    .success(message)
                    .with_effect(id.to_owned())
                    .of_journey(consent.journey)
                    .with_change("consent revoked"))
            }
            None => Err(("InvalidConsentId", "No such consent")),
            Some(Err(_)) => Err(("InvalidStatus", "The consent is not active")),
        }
    })
}
