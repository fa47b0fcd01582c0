//! Watchlist Screening: whether a verified person may be on a list.
//!
//! The names of the members are documented, those in a hit are of a client; the values are invented.

use uuid::Uuid;

use super::Veriff;
use super::options::Screening;
use super::sessions::{Screened, Session};
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::iso;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (text, id) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let session = veriff.find(id);
    // Sessions that were decided from the start were screened then.
    let screened = session.screened.unwrap_or(Screened {
        at_ms: veriff.started_ms,
        is_match: *veriff.settings.screening() == Screening::PossibleMatch,
        is_update: false,
    });
    let data = Veriff::went_through(&session).then(|| data(text, id, &session, screened));
    veriff
        .success(vec![("status", "success".into()), ("data", data.into())])
        .of_journey(session.journey)
}

/// The same as a webhook tells it.
pub(super) fn body(text: &str, id: Uuid, session: &Session, screened: Screened) -> Json {
    let data = data(text, id, session, screened);
    Json::Object(vec![("status", "success".into()), ("data", data)])
}

fn data(text: &str, id: Uuid, session: &Session, screened: Screened) -> Json {
    let hits = match screened.is_match {
        true => vec![hit(session)],
        false => Vec::new(),
    };
    let found = match screened.is_match {
        true => "possible_match",
        false => "no_match",
    };
    let check = match screened.is_update {
        true => "updated_result",
        false => "initial_result",
    };
    let term = vec![
        ("name", name(session).into()),
        ("year", year(session).into()),
    ];
    let number = session
        .verification
        .decision()
        .map_or(1, |(number, _)| number);
    Json::Object(vec![
        ("attemptId", Veriff::attempt(id, number).to_string().into()),
        ("sessionId", text.into()),
        ("vendorData", session.given.vendor_data.clone().into()),
        ("checkType", check.into()),
        ("matchStatus", found.into()),
        ("searchTerm", Json::Object(term)),
        ("totalHits", u16::from(screened.is_match).into()),
        ("createdAt", iso(screened.at_ms).into()),
        ("hits", Json::List(hits)),
    ])
}

fn name(session: &Session) -> String {
    let (first, last) = session.names();
    format!("{first} {last}")
}

fn year(session: &Session) -> String {
    let birth = session.given.date_of_birth.as_deref();
    birth
        .and_then(|date| date.get(..4))
        .unwrap_or("1990")
        .to_owned()
}

/// Somebody on a list who may be the person.
pub(super) fn hit(session: &Session) -> Json {
    let listing = vec![
        ("sourceName", "a list of the sandbox".into()),
        ("sourceUrl", "https://list.example.test".into()),
        ("date", Json::Null),
    ];
    let none = || Json::List(Vec::new());
    let listings = vec![
        ("warnings", none()),
        ("sanctions", Json::List(vec![Json::Object(listing)])),
        ("fitnessProbity", none()),
        ("pep", none()),
        ("adverseMedia", none()),
    ];
    Json::Object(vec![
        ("matchedName", name(session).into()),
        ("countries", Json::List(vec!["IN".into()])),
        ("dateOfBirth", year(session).into()),
        ("dateOfDeath", Json::Null),
        ("matchTypes", Json::List(vec!["name_exact".into()])),
        ("aka", none()),
        ("associates", none()),
        ("listingsRelatedToMatch", Json::Object(listings)),
    ])
}
