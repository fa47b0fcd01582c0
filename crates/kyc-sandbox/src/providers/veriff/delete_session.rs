//! Delete Session: a session that is gone for every operation.
//!
//! The limits, the two refusals and their numeric status are documented; which statuses they stand for is not, and the
//! message of the second was cut off.

use super::Veriff;
use super::options::Deletion;
use crate::exchange::{Json, ProviderApi, ReceivedRequest, Reply};
use crate::state::{DecisionStatus, Phase};

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
    let found = veriff.find(id);
    match found.verification.phase() {
        Phase::Decided(decided) if decided.status == DecisionStatus::Review => {
            return refusal("1306", "Session is in progress.").of_journey(found.journey);
        }
        Phase::Submitted(_) => {
            return refusal("1305", "Session is not in a completed status.")
                .of_journey(found.journey);
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
    // Whom nobody decided about yet is told of.
    if found.verification.is_open() {
        let now_ms = veriff.simulation.now_ms();
        veriff.conclude(now_ms, id, found.verification.left_status(), None);
    }
    let deleted_before = veriff.change(id, |session| std::mem::replace(&mut session.deleted, true));
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
        .of_journey(found.journey)
        .with_change("deleted the session")
}
