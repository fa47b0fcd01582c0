//! Whose requests are answered.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use provider_core::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use provider_core::http::request::Parts;
use provider_core::http::{HeaderMap, Uri};

use serde::de::DeserializeOwned;

use crate::limits::Rate;
use crate::problem::Problem;
use crate::state::{Inner, Shared};

/// Lets in what is for this server and from no other site's page.
pub(crate) async fn own(State(server): State<Shared>, request: Request, next: Next) -> Response {
    match check(&server, request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Lets in callers with the token.
pub(crate) async fn token(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let given = text(request.headers(), &AUTHORIZATION);
    let given = given.and_then(|value| value.split_once(' '));
    // The scheme's name has no case (RFC 9110, 11.1).
    let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let given = given.map(|(_, token)| token);
    let is_caller = given.is_some_and(|given| server.token.is(given));
    // Whoever has no token takes nothing from callers' share.
    let rate = match is_caller {
        true => &server.api_rate,
        false => &server.outside_rate,
    };
    match within(rate) {
        Ok(()) if is_caller => next.run(request).await,
        Ok(()) => Problem::unauthorized().into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// Lets in what comes from outside no faster than may be. Strangers use up nothing of the share of an operator who has signed in.
pub(crate) async fn outside(
    State(server): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let rate = match server.sessions.csrf(request.headers()) {
        Some(_) => &server.api_rate,
        None => &server.outside_rate,
    };
    match within(rate) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn within(rate: &Rate) -> Result<(), Problem> {
    rate.take().map_err(|wait| Problem::too_many(seconds(wait)))
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs()
        .saturating_add(u64::from(wait.subsec_nanos() > 0))
}

fn check(server: &Inner, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let host = host(headers, uri).ok_or_else(Problem::misdirected)?;
    if !is_own(server, &host) {
        return Err(Problem::misdirected());
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let origin = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    // Another port of this machine is another site.
    let is_own = |origin: &str| origin == host || server.hosts.iter().any(|known| known == origin);
    match origin.is_some_and(is_own) {
        true => Ok(()),
        false => Err(Problem::foreign_origin()),
    }
}

/// What the request is for, in lower case; `None` if it names nothing, or several.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if let Some(named) = uri.authority() {
        return Some(named.as_str().to_ascii_lowercase());
    }
    let mut named = headers.get_all(HOST).iter();
    let only = named.next()?;
    match named.next() {
        None => Some(only.to_str().ok()?.to_ascii_lowercase()),
        Some(_) => None,
    }
}

fn is_own(server: &Inner, host: &str) -> bool {
    is_loopback(host) || server.hosts.iter().any(|known| known == host)
}

/// Whether a host is a name of this machine, at whatever port.
pub(crate) fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix("[::1]") {
        Some(rest) => ("[::1]", rest),
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let is_port = |port: &str| {
        port.strip_prefix(':')
            .is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") && (port.is_empty() || is_port(port))
}

/// Parts of the path; an address in which they are no text leads nowhere.
pub(crate) struct InPath<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(found)) => Ok(Self(found)),
            Err(_) => Err(Problem::no_route()),
        }
    }
}

/// A header that is text; `None` if it is not there, or comes twice.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let only = values.next()?;
    match values.next() {
        None => only.to_str().ok(),
        Some(_) => None,
    }
}

/// The whole body, within the limits of the API.
pub(crate) async fn body(server: &Inner, body: Body) -> Result<Bytes, Problem> {
    let most = server.limits.body_bytes;
    let read = Limited::new(body, most).collect();
    match tokio::time::timeout(server.limits.body_time, read).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(most)),
        Ok(Err(_)) | Err(_) => Err(Problem::too_slow()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_three_names() {
        for own in [
            "localhost",
            "localhost:8088",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8088",
        ] {
            assert!(is_loopback(own), "{own}");
        }
        for other in [
            "",
            "localhost.example.test",
            "127.0.0.1.example.test",
            "localhost:",
            "localhost:80@example.test",
            "127.0.0.2",
            "[::1]example.test",
            "[::2]",
            "example.test",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
