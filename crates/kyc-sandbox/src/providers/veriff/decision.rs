//! Decision: the outcome of a verification session.
//!
//! Documented are the envelope, `null` while nothing is decided, the pairs of status and code, and seven members of
//! `verification`. The other members are those that clients of Veriff report; the values are invented.

use uuid::Uuid;

use super::options::{DecisionReplyBody, SESSION_DECISIONS};
use super::{ANOTHER_SESSION, Veriff};
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::{Decision, Made, WireClock};

/// How long the invented end-user took.
const FLOW_MS: i64 = 60_000;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (text, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let mut members = vec![("status", Json::from("success"))];
    match made(veriff, session) {
        None => members.push(("verification", Json::Null)),
        Some(made) => {
            let body = *veriff.settings.decision_body();
            members.push(("verification", verification(body, text, &made)));
            if body != DecisionReplyBody::DocumentedOnly {
                let ip = Json::Object(vec![("ip", "192.0.2.1".into())]);
                members.push(("technicalData", ip));
            }
        }
    }
    veriff.success(members)
}

/// The decision that was set, or that the session id stands for.
fn made(veriff: &Veriff, session: Uuid) -> Option<Made> {
    veriff.decisions.of(session).or_else(|| {
        let (_, status) = SESSION_DECISIONS
            .iter()
            .find(|(listed, _)| Uuid::try_parse(listed) == Ok(session))?;
        Some(Made::first(
            session,
            Decision::new(*status),
            veriff.started_ms,
        ))
    })
}

fn verification(body: DecisionReplyBody, session_text: &str, made: &Made) -> Json {
    let decision = &made.decision;
    let status = decision.status();
    let submitted = status.has_person();
    let named = match body {
        DecisionReplyBody::AnotherSession => ANOTHER_SESSION,
        _ => session_text,
    };
    let accepted = WireClock::iso(made.decided_ms.saturating_sub(FLOW_MS));
    let decided = submitted.then(|| WireClock::iso(made.decided_ms));
    let mut members: Vec<(&'static str, Json)> = vec![
        ("id", named.into()),
        ("attemptId", made.attempt.to_string().into()),
        ("acceptanceTime", accepted.into()),
        ("decisionTime", decided.into()),
        ("code", status.code().into()),
        ("vendorData", decision.vendor_data().into()),
        ("endUserId", decision.end_user_id().into()),
        ("status", status.as_str().into()),
    ];
    if body == DecisionReplyBody::DocumentedOnly {
        return Json::Object(members);
    }
    let (code, reason) = decision.reason().unzip();
    members.extend([
        ("reason", reason.into()),
        ("reasonCode", code.into()),
        ("person", person(submitted)),
        ("document", document(submitted)),
        ("additionalVerifiedData", Json::Object(Vec::new())),
        ("riskLabels", Json::List(Vec::new())),
        ("comments", Json::List(Vec::new())),
    ]);
    if body == DecisionReplyBody::ExtraFields {
        let nested = Json::Object(vec![("nested", Json::List(vec![1_u16.into()]))]);
        members.push(("extra", nested));
    }
    Json::Object(members)
}

/// An object whose members are all there, with their values or with `null`.
fn object(known: bool, members: &[(&'static str, Option<&str>)]) -> Vec<(&'static str, Json)> {
    members
        .iter()
        .map(|(name, value)| (*name, value.filter(|_| known).into()))
        .collect()
}

fn person(known: bool) -> Json {
    let mut members = object(
        known,
        &[
            ("firstName", Some("Sample")),
            ("lastName", Some("Person")),
            ("fullName", Some("Sample Person")),
            ("dateOfBirth", Some("1990-01-01")),
            ("yearOfBirth", Some("1990")),
            ("gender", Some("F")),
            ("idNumber", Some("SAMPLE000001")),
            ("nationality", Some("IN")),
            ("placeOfBirth", None),
            ("citizenship", None),
        ],
    );
    let address = Json::Object(vec![
        ("fullAddress", "1 Sample Street, Sample City".into()),
        (
            "parsedAddress",
            Json::Object(object(
                known,
                &[
                    ("street", Some("Sample Street")),
                    ("houseNumber", Some("1")),
                    ("unit", None),
                    ("city", Some("Sample City")),
                    ("state", None),
                    ("postcode", Some("000000")),
                    ("country", Some("IN")),
                ],
            )),
        ),
    ]);
    let addresses = if known { vec![address] } else { Vec::new() };
    members.push(("addresses", Json::List(addresses)));
    Json::Object(members)
}

fn document(known: bool) -> Json {
    Json::Object(object(
        known,
        &[
            ("number", Some("SAMPLE0001")),
            ("type", Some("PASSPORT")),
            ("country", Some("IN")),
            ("state", None),
            ("validFrom", Some("2020-01-01")),
            ("validUntil", Some("2035-01-01")),
            ("firstIssue", None),
            ("placeOfIssue", None),
            ("issuedBy", None),
        ],
    ))
}
