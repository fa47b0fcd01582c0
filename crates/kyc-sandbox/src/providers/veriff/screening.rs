//! Watchlist Screening: whether a verified person may be on a list.
//!
//! The names of the members are documented, those in a hit are of a client; the values are invented.

use super::Veriff;
use super::options::Screening;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::iso;

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (text, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let listed = *veriff.settings.screening() == Screening::PossibleMatch;
    let hits = if listed { vec![hit()] } else { Vec::new() };
    let found = if listed { "possible_match" } else { "no_match" };
    let term = vec![("name", "Sample Person".into()), ("year", "1990".into())];
    let data = veriff.went_through(session).then(|| {
        Json::Object(vec![
            ("attemptId", Veriff::attempt(session, 1).to_string().into()),
            ("sessionId", text.into()),
            ("vendorData", veriff.vendor_data(session).into()),
            ("checkType", "initial_result".into()),
            ("matchStatus", found.into()),
            ("searchTerm", Json::Object(term)),
            ("totalHits", u16::from(listed).into()),
            ("createdAt", iso(veriff.started_ms).into()),
            ("hits", Json::List(hits)),
        ])
    });
    veriff.success(vec![("status", "success".into()), ("data", data.into())])
}

fn hit() -> Json {
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
        ("matchedName", "Sample Person".into()),
        ("countries", Json::List(vec!["IN".into()])),
        ("dateOfBirth", "1990".into()),
        ("dateOfDeath", Json::Null),
        ("matchTypes", Json::List(vec!["name_exact".into()])),
        ("aka", none()),
        ("associates", none()),
        ("listingsRelatedToMatch", Json::Object(listings)),
    ])
}
