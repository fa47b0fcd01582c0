//! Under which name a request reaches the sandbox.

use axum::extract::Request;
use http::header::HOST;

use super::request::ConnectionInfo;

/// Whether the host is the address that the sandbox listens on, or `localhost` at its port. A name that somebody else lets
/// point here is not. Where other machines may reach it, it has names that it cannot know.
pub(crate) fn is_own_host(request: &Request, is_open: bool) -> bool {
    if is_open {
        return true;
    }
    let Some(info) = request.extensions().get::<ConnectionInfo>() else {
        return false;
    };
    let own = info.origin.strip_prefix("http://").unwrap_or_default();
    let port = own.rsplit_once(':').map_or("", |(_, port)| port);
    let header = request.headers().get(HOST);
    let named = header.and_then(|host| host.to_str().ok());
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    let host = target.or(named);
    host.is_some_and(|host| host == own || host.strip_prefix("localhost:") == Some(port))
}
