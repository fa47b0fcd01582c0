//! Person: who was verified.
//!
//! That there are names, a birth and lists of matches is documented; the members are those of a client, the values those
//! that the caller gave, or invented.

use super::{Veriff, screening};
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::iso;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (_, id) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let session = veriff.find(id);
    let (first_name, last_name) = session.names();
    let birth = session.given.date_of_birth.as_deref();
    let (country, _) = session.document();
    let matches = match session.screened {
        Some(screened) if screened.is_match => vec![Json::Object(vec![
            ("provider", "sandbox".into()),
            ("numberOfMatches", 1_u16.into()),
            ("date", iso(screened.at_ms).into()),
            ("hits", Json::List(vec![screening::hit(&session)])),
        ])],
        _ => Vec::new(),
    };
    let person = Veriff::went_through(&session).then(|| {
        Json::Object(vec![
            ("id", Veriff::attempt(id, 0xf).to_string().into()),
            ("firstName", first_name.into()),
            ("lastName", last_name.into()),
            ("idCode", Json::Null),
            ("dateOfBirth", birth.unwrap_or("1990-01-01").into()),
            ("gender", Json::Null),
            ("nationality", country.into()),
            ("placeOfBirth", Json::Null),
            ("citizenships", Json::List(vec![country.into()])),
            ("pepSanctionMatches", Json::List(matches)),
        ])
    });
    veriff
        .success(vec![
            ("status", "success".into()),
            ("person", person.into()),
        ])
        .of_journey(session.journey)
}
