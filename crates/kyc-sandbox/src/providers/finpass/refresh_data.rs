//! Refresh Data: requests new data under the consent of an open session.
//!
//! The route, the id in the reply, and the id's prefix are documented. The field names and the refusal are those reported
//! for a sister product; the rest is the sandbox's own choice, by settings: every refresh gets a new id.

use super::options::RefreshScope;
use super::{Finpass, Session, required, success};
use crate::exchange::{ExtraFields, ReceivedRequest, Reply};
use crate::state::AggregatorConsentStatus;

/// The newest refreshes of a session whose reports can be fetched, and one.
const MAX_REFRESHES: usize = 99;

pub(super) fn handle(finpass: &Finpass, request: &ReceivedRequest) -> Reply {
    use AggregatorConsentStatus::{Active, Expired, Paused, Pending, Rejected, Revoked};

    let client_id = match parse(finpass, request) {
        Ok(client_id) => client_id,
        Err(message) => return finpass.invalid(&message),
    };
    let any = *finpass.settings.refresh_scope() == RefreshScope::AnySession;
    let session = finpass.session(&client_id);
    let may_be = |session: &Session| any || session.is_listed || session.monitoring;
    let Some(session) = session.filter(may_be) else {
        return finpass.invalid_client_id();
    };
    match finpass.consent_status(&client_id) {
        None | Some(Active) => {}
        // Nothing can come of the session any more.
        Some(Rejected | Revoked | Expired) => return finpass.invalid_client_id(),
        Some(status @ (Pending | Paused)) => {
            let message = format!("The consent is {}.", status.word());
            let code = finpass.settings.inactive_consent_code();
            let http_status = *finpass.settings.inactive_consent_status();
            return finpass
                .refusal(http_status, &message, code)
                .because("new data is requested under an active consent only");
        }
    }
    // Only the prefix is documented; the length is the sandbox's own choice.
    let id = finpass.simulation.ids.hex();
    let (_, tail) = id.split_at(12);
    let request_id = format!("account_aggregator_v2_{tail}");
    if !session.is_listed {
        finpass.sessions.update(client_id.into(), |known| {
            let mut session = known.cloned().unwrap_or(session);
            session.refreshes.truncate(MAX_REFRESHES);
            session.refreshes.insert(0, request_id.clone());
            session
        });
    }
    success(vec![("request_id", request_id.as_str().into())]).with_effect(request_id)
}

fn parse(finpass: &Finpass, request: &ReceivedRequest) -> Result<String, String> {
    let body = finpass.object(request)?;
    let client_id = required(&body, "client_id")?;
    if client_id.is_empty() {
        return Err("client_id must not be empty.".to_owned());
    }
    if body.len() > 1 && *finpass.settings.extra_fields() == ExtraFields::Refused {
        return Err("The request body has unknown fields.".to_owned());
    }
    Ok(client_id)
}
