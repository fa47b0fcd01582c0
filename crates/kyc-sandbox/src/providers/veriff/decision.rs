//! Decision: the outcome of a verification session.
//!
//! The envelope, `null` until there is a decision, the pairs of status and code, and seven members of `verification` are
//! documented. The other members are those that clients of Veriff report; the values are invented.

use super::Veriff;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::{DecisionStatus, iso};

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (text, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let attempt = Veriff::attempt(session, 1).to_string();
    let made = veriff.decision(session);
    let made = made.map(|(decision, at)| verification(text, attempt, decision, at));
    veriff.success(vec![
        ("status", "success".into()),
        ("verification", made.into()),
    ])
}

fn verification(session: &str, attempt: String, decision: DecisionStatus, decided_ms: i64) -> Json {
    use DecisionStatus::{Abandoned, Declined, Expired, ResubmissionRequested};

    let (status, code) = decision.pair();
    let submitted = !matches!(decision, Expired | Abandoned);
    let known = |value: &'static str| submitted.then_some(value).into();
    let (reason_code, reason) = match decision {
        Declined => (Some(101_u16), Some("Declined by the sandbox")),
        ResubmissionRequested => (Some(201), Some("Try again, says the sandbox")),
        _ => (None, None),
    };
    let accepted = iso(decided_ms.saturating_sub(60_000));
    let decided = submitted.then(|| iso(decided_ms));
    let person = vec![
        ("firstName", known("Sample")),
        ("lastName", known("Person")),
        ("dateOfBirth", known("1990-01-01")),
        ("nationality", known("IN")),
    ];
    let document = vec![
        ("number", known("SAMPLE0001")),
        ("type", known("PASSPORT")),
        ("country", known("IN")),
    ];
    Json::Object(vec![
        ("id", session.into()),
        ("attemptId", attempt.into()),
        ("acceptanceTime", accepted.into()),
        ("decisionTime", decided.into()),
        ("code", code.into()),
        ("vendorData", Json::Null),
        ("endUserId", Json::Null),
        ("status", status.into()),
        ("reason", reason.into()),
        ("reasonCode", reason_code.into()),
        ("person", Json::Object(person)),
        ("document", Json::Object(document)),
    ])
}
