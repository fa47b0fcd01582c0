//! Submit Session: hands in a session, once.
//!
//! The body and the codes are documented. That media were uploaded before is not checked: which ones a session needs is
//! agreed with Veriff.

use super::Veriff;
use crate::exchange::{ProviderApi, ReceivedRequest, Reply};
use crate::state::Through;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let Ok(body) = request.json_object(*veriff.settings.content_type()) else {
        return veriff.error(400);
    };
    let status = body
        .get("verification")
        .and_then(|found| found.get("status"));
    match status.map(|status| status.as_str()) {
        Some(Some("submitted")) => {}
        Some(_) => return veriff.refusal(400, "1303", "The status is invalid"),
        None => return veriff.refusal(400, "1102", "Mandatory parameters are missing"),
    }
    let (text, id) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    if !veriff.submit(veriff.simulation.now_ms(), id, Through::Api) {
        return veriff
            .refusal(400, "1304", "The transition to this status is not allowed")
            .of_journey(veriff.find(id).journey)
            .because("the session is handed in or decided");
    }
    let session = veriff.find(id);
    veriff
        .session_reply(200, request, text, &session)
        .with_effect(text.to_owned())
        .of_journey(session.journey)
        .with_change("handed in the session")
}
