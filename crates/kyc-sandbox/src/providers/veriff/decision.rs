//! Decision: the outcome of a verification session.
//!
//! The envelope, `null` until there is a decision, the pairs of status and code, and seven members of `verification` are
//! documented. The other members are those that clients of Veriff report; the values are those that the caller gave, or invented.

use uuid::Uuid;

use super::Veriff;
use super::sessions::Session;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::{Decided, DecisionStatus, iso};

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (text, id) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let session = veriff.find(id);
    let made = session.verification.decision();
    let made = made.map(|(number, decided)| verification(text, id, &session, number, decided));
    let reason = match &made {
        Some(_) => "",
        None => "nothing is decided yet",
    };
    veriff
        .success(vec![
            ("status", "success".into()),
            ("verification", made.into()),
        ])
        .of_journey(session.journey)
        .because(reason)
}

/// A decision as it is told, by reply or webhook.
pub(super) fn verification(
    text: &str,
    id: Uuid,
    session: &Session,
    number: usize,
    decided: Decided,
) -> Json {
    use DecisionStatus::{Abandoned, Declined, Expired, ResubmissionRequested};

    let (status, code) = decided.status.pair();
    let submitted = !matches!(decided.status, Expired | Abandoned);
    let known = |value: &str| -> Json { submitted.then(|| value.to_owned()).into() };
    let reason = match decided.status {
        Declined => Some("Declined by the sandbox"),
        ResubmissionRequested => Some("Try again, says the sandbox"),
        _ => None,
    };
    let opened_ms = session.verification.attempts().first();
    let opened_ms = opened_ms.map(|attempt| attempt.opened_ms);
    let accepted_ms = opened_ms.filter(|opened_ms| *opened_ms < decided.at_ms);
    let accepted = iso(accepted_ms.unwrap_or(decided.at_ms.saturating_sub(60_000)));
    let decision_time = submitted.then(|| iso(decided.at_ms));
    let (first_name, last_name) = session.names();
    let birth = session.given.date_of_birth.as_deref();
    let (country, kind) = session.document();
    let person = vec![
        ("firstName", known(first_name)),
        ("lastName", known(last_name)),
        ("dateOfBirth", known(birth.unwrap_or("1990-01-01"))),
        ("nationality", known(country)),
    ];
    let document = vec![
        ("number", known("SAMPLE0001")),
        ("type", known(kind)),
        ("country", known(country)),
    ];
    Json::Object(vec![
        ("id", text.into()),
        ("attemptId", Veriff::attempt(id, number).to_string().into()),
        ("acceptanceTime", accepted.into()),
        ("decisionTime", decision_time.into()),
        ("code", code.into()),
        ("vendorData", session.given.vendor_data.clone().into()),
        ("endUserId", session.given.end_user_id.clone().into()),
        ("status", status.into()),
        ("reason", reason.into()),
        ("reasonCode", decided.reason_code.into()),
        ("person", Json::Object(person)),
        ("document", Json::Object(document)),
    ])
}
