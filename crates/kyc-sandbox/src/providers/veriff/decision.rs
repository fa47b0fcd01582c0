//! Decision: the outcome of a verification session.
//!
//! The envelope, `null` until there is a decision, the pairs of status and code, and seven members of `verification` are
//! documented. The other members are those that clients of Veriff report; the values are invented.

use uuid::Uuid;

use super::Veriff;
use super::options::SESSION_DECISIONS;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::{DecisionStatus, WireClock};

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (text, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let listed = |(id, _): &&(&str, _)| Uuid::try_parse(id) == Ok(session);
    let made = veriff.decisions.get(&session).or_else(|| {
        let (_, decision) = SESSION_DECISIONS.iter().find(listed)?;
        Some((*decision, veriff.started_ms))
    });
    veriff.success(vec![
        ("status", "success".into()),
        (
            "verification",
            made.map_or(Json::Null, |made| verification(text, made)),
        ),
    ])
}

fn verification(session: &str, (decision, decided_ms): (DecisionStatus, i64)) -> Json {
    let (status, code) = decision.pair();
    let submitted = !matches!(
        decision,
        DecisionStatus::Expired | DecisionStatus::Abandoned
    );
    let known = |value: &'static str| Json::from(submitted.then_some(value));
    let (reason_code, reason) = match decision {
        DecisionStatus::Declined => (Some(101_u16), Some("Declined by the sandbox")),
        DecisionStatus::ResubmissionRequested => (Some(201), Some("Try again, says the sandbox")),
        _ => (None, None),
    };
    Json::Object(vec![
        ("id", session.into()),
        ("attemptId", "00000000-0000-4000-8000-0000000000a1".into()),
        (
            "acceptanceTime",
            WireClock::iso(decided_ms.saturating_sub(60_000)).into(),
        ),
        (
            "decisionTime",
            submitted.then(|| WireClock::iso(decided_ms)).into(),
        ),
        ("code", code.into()),
        ("vendorData", Json::Null),
        ("endUserId", Json::Null),
        ("status", status.into()),
        ("reason", reason.into()),
        ("reasonCode", reason_code.into()),
        (
            "person",
            Json::Object(vec![
                ("firstName", known("Sample")),
                ("lastName", known("Person")),
                ("dateOfBirth", known("1990-01-01")),
                ("nationality", known("IN")),
            ]),
        ),
        (
            "document",
            Json::Object(vec![
                ("number", known("SAMPLE0001")),
                ("type", known("PASSPORT")),
                ("country", known("IN")),
            ]),
        ),
    ])
}
