//! Delete Session: a session that is gone for every operation.
//!
//! The limits, the two refusals and their numeric status are documented; which statuses they stand for is not, and the
//! message of the second was cut off.

use super::Veriff;
use super::options::Deletion;
use crate::exchange::{Json, ProviderApi, ReceivedRequest, Reply};
use crate::state::DecisionStatus;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let deletion = *veriff.settings.deletion();
    if deletion == Deletion::NotEnabled {
        return veriff.error(403);
    }
    let (text, id) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let refusal = |code: &str, message: &str| {
        let members = vec![
            ("status", 400_u16.into()),
            ("code", code.into()),
            ("message", message.into()),
        ];
        Reply::json(400, &Json::Object(members))
    };
    match veriff.decision(id) {
        Some((DecisionStatus::Review, _)) => return refusal("1306", "Session is in progress."),
        None if veriff.is_submitted(id) => {
            return refusal("1305", "Session is not in a completed status.");
        }
        _ => {}
    }
    let limited = deletion == Deletion::Limited;
    if limited
        && !veriff
            .deletions
            .take(veriff.simulation.clock.now_ms(), false)
            .allowed
    {
        return veriff.error(429);
    }
    let mut deleted_before = false;
    veriff.sessions.update(id, |session| {
        let mut session = session.cloned().unwrap_or_default();
        deleted_before = std::mem::replace(&mut session.deleted, true);
        session
    });
    if deleted_before {
        return veriff.error(404);
    }
    let verification = Json::Object(vec![("id", text.into())]);
    veriff
        .success(vec![
            ("status", "success".into()),
            ("verification", verification),
        ])
        .with_effect(text.to_owned())
}
