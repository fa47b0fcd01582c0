//! Attempts: those of a session, newest first.
//!
//! The members are documented, the values invented. Each requested resubmission opens one more attempt.

use super::Veriff;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::iso;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (_, id) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let session = veriff.find(id);
    let numbered = session.verification.attempts().iter().enumerate();
    let attempts = numbered.rev().map(|(index, attempt)| {
        let number = index.saturating_add(1);
        let mut members = vec![
            ("id", Veriff::attempt(id, number).to_string().into()),
            ("status", attempt.phase.as_str().into()),
        ];
        let given = session.portal_statuses.iter();
        let given = given.filter(|given| given.attempt == number);
        let given: Vec<_> = given.map(|given| given.members()).collect();
        if !given.is_empty() {
            members.push(("userDefinedData", Json::List(given)));
        }
        members.push(("createdTime", iso(attempt.opened_ms).into()));
        Json::Object(members)
    });
    let attempts = Json::List(attempts.collect());
    veriff
        .success(vec![
            ("status", "success".into()),
            ("verifications", attempts),
        ])
        .of_journey(session.journey)
}
