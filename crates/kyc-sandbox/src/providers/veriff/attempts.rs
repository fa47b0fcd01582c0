//! Attempts: those of a session, newest first.
//!
//! The members are documented, the values invented. Each session has one attempt, or two after a requested resubmission.

use super::Veriff;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::iso;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (_, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let decision = veriff.decision(session).map(|(decision, _)| decision);
    let status = match decision {
        Some(decision) => decision.pair().0,
        None if veriff.is_submitted(session) => "submitted",
        None => "created",
    };
    let created = || iso(veriff.started_ms);
    let attempt = |number: u8, status: &'static str| {
        let id = Veriff::attempt(session, number).to_string();
        Json::Object(vec![
            ("id", id.into()),
            ("status", status.into()),
            ("createdTime", created().into()),
        ])
    };
    let mut attempts = vec![attempt(1, status)];
    if veriff.attempts(session) == 2 {
        attempts.insert(0, attempt(2, "created"));
    }
    veriff.success(vec![
        ("status", "success".into()),
        ("verifications", Json::List(attempts)),
    ])
}
