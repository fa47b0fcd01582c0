//! Person: who was verified.
//!
//! That there are names, a birth and lists of matches is documented; the members are those of a client, the values invented.

use super::Veriff;
use crate::exchange::{Json, ReceivedRequest, Reply};

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (_, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let person = veriff.went_through(session).then(|| {
        Json::Object(vec![
            ("id", Veriff::attempt(session, 0xf).to_string().into()),
            ("firstName", "Sample".into()),
            ("lastName", "Person".into()),
            ("idCode", Json::Null),
            ("dateOfBirth", "1990-01-01".into()),
            ("gender", Json::Null),
            ("nationality", "IN".into()),
            ("placeOfBirth", Json::Null),
            ("citizenships", Json::List(vec!["IN".into()])),
            ("pepSanctionMatches", Json::List(Vec::new())),
        ])
    });
    veriff.success(vec![
        ("status", "success".into()),
        ("person", person.into()),
    ])
}
