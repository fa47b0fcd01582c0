//! Which browser a session is of: once a person has begun, no other one goes on with it.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use uuid::Uuid;

use super::forms::{Visit, plain};
use super::layout::{Frame, see_other};

/// The cookie with a browser's name, for the pages of one session.
const COOKIE: &str = "browser";
/// The title of the page that another browser gets.
const OF_ANOTHER: &str = "Session of another person";

/// The name that a browser was given. The nil name is of people by script, who are at none.
fn known(visit: &Visit) -> Option<Uuid> {
    let sent = visit.cookie(COOKIE)?;
    Uuid::try_parse(sent).ok().filter(|name| !name.is_nil())
}

/// Whether a visit is by the browser with this name.
pub(crate) fn is_by(visit: &Visit, name: Option<Uuid>) -> bool {
    name.is_some() && known(visit) == name
}

/// Whether somebody began with a browser, and the visit is by another one.
pub(crate) fn is_by_another(visit: &Visit, name: Option<Uuid>) -> bool {
    name.is_some() && !is_by(visit, name)
}

/// The name of the browser: a new one for one that has none. Not of the ids that replies have.
pub(crate) fn name_of(visit: &Visit) -> Uuid {
    known(visit).unwrap_or_else(Uuid::new_v4)
}

/// Leads the browser to the session's page, as the one with this name.
pub(crate) fn see_other_as(name: Uuid, path: &str) -> Response {
    let mut response = see_other(path);
    let cookie = format!("{COOKIE}={name}; Path={path}; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What another browser gets: how things are, with one next step if there is one.
pub(crate) fn refuse(
    service: &str,
    now: &str,
    words: &str,
    next: Option<(&str, &str)>,
) -> Response {
    let frame = Frame {
        title: OF_ANOTHER,
        service,
        now,
        message: None,
    };
    plain(StatusCode::CONFLICT, &frame, &[words], next)
}
