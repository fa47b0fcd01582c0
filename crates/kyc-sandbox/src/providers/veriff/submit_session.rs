//! Submit Session: hands in a session, once.
//!
//! The body and the codes are documented. That media were uploaded before is not checked: which ones a session needs is
//! agreed with Veriff.

use super::Veriff;
use crate::exchange::{ProviderApi, ReceivedRequest, Reply};

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
    let decided = veriff.decision(id).is_some();
    let mut before = None;
    veriff.sessions.update(id, |session| {
        before = session.cloned();
        let mut session = session.cloned().unwrap_or_default();
        session.submitted |= !decided;
        session
    });
    let mut session = before.unwrap_or_default();
    if decided || session.submitted {
        return veriff.refusal(400, "1304", "The transition to this status is not allowed");
    }
    session.submitted = true;
    veriff
        .session_reply(200, text, &session)
        .with_effect(text.to_owned())
}
