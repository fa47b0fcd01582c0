//! Who may see and steer a sandbox.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::json_reply;
use crate::exchange::{ConnectionInfo, body, is_own_host};

/// The longest body.
const BODY_BYTES: usize = 1024 * 1024;
const NEEDS_TOKEN: &str = "needs the token that the sandbox printed, as `authorization: Bearer …` or in the console's link";

/// The name of the cookie by which a browser is known. A browser sends it to each port of a machine, so that sandboxes on two of
/// them have two names.
pub(crate) fn cookie_name(headers: &HeaderMap) -> String {
    const NAME: &str = "kyc_sandbox";
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let port = host.and_then(|host| host.rsplit_once(':')?.1.parse::<u16>().ok());
    port.map_or_else(|| NAME.to_owned(), |port| format!("{NAME}_{port}"))
}

/// Lets in whoever knows the token; others may read, on this machine and by its own name.
#[derive(Clone)]
pub(crate) struct Guard {
    token: Arc<str>,
    /// What a browser keeps: made of the token, which it does not tell.
    cookie: Arc<str>,
    /// Whether other machines can reach the sandbox, so that reading needs the token too.
    is_open: bool,
}

impl Guard {
    pub(crate) fn new(token: Arc<str>, is_open: bool) -> Self {
        let kept = format!("the console's cookie of {token}");
        Self {
            cookie: hex::encode(Sha256::digest(kept)).into(),
            token,
            is_open,
        }
    }

    /// Whether a token is the right one. Digests are compared, so that time tells nothing.
    pub(crate) fn accepts(&self, token: &str) -> bool {
        is_same(token, &self.token)
    }

    /// What a browser that brought the token keeps.
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Whether a request brings the token, in a header or in the cookie.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let cookies = text(COOKIE).into_iter().flat_map(|value| value.split("; "));
        let name = cookie_name(headers);
        let mut cookies =
            cookies.filter_map(|cookie| cookie.strip_prefix(&*name)?.strip_prefix('='));
        bearer.is_some_and(|token| self.accepts(token))
            || cookies.any(|value| is_same(value, &self.cookie))
    }

    /// Why a request is refused, if it is: one that a page elsewhere makes, by a name that is not this machine's, or one
    /// that changes something without the token.
    pub(crate) fn refusal(&self, request: &Request) -> Option<(StatusCode, &'static str)> {
        let headers = request.headers();
        if !is_own_host(request, self.is_open) {
            return Some((
                StatusCode::MISDIRECTED_REQUEST,
                "the host header is not the sandbox's own",
            ));
        }
        if !is_own_origin(headers) {
            return Some((
                StatusCode::FORBIDDEN,
                "the origin header is not the sandbox's own",
            ));
        }
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if (!is_read || self.is_open) && !self.is_known(headers) {
            return Some((StatusCode::UNAUTHORIZED, NEEDS_TOKEN));
        }
        None
    }
}

fn is_same(told: &str, secret: &str) -> bool {
    Sha256::digest(told) == Sha256::digest(secret)
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.refusal(&request) {
        Some((status, rule)) => refused(status, rule),
        None => match with_whole_body(request).await {
            Ok(request) => next.run(request).await,
            Err((status, rule)) => refused(status, rule),
        },
    }
}

/// Lets nobody in without the token, to read either: what is shown is not masked.
pub(super) async fn check_known(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    match guard.is_known(request.headers()) {
        true => next.run(request).await,
        false => refused(StatusCode::UNAUTHORIZED, NEEDS_TOKEN),
    }
}

fn refused(status: StatusCode, rule: &str) -> Response {
    json_reply(
        status,
        &json!({"error": {"field": "request", "rule": rule}}),
    )
}

/// The request once all of its body is there, or why it is not: it may take as long as a provider's.
pub(crate) async fn with_whole_body(
    request: Request,
) -> Result<Request, (StatusCode, &'static str)> {
    let connection = request.extensions().get::<ConnectionInfo>();
    let timeout = connection.and_then(|connection| connection.body_read_timeout);
    let (parts, body) = request.into_parts();
    let read = body::read(body, BODY_BYTES, timeout, &parts.headers).await;
    let body = read.map_err(|status| match status {
        408 => (StatusCode::REQUEST_TIMEOUT, "takes too long to end"),
        _ => {
            let rule = "has a body that breaks off, or is longer than 1 MiB";
            (StatusCode::PAYLOAD_TOO_LARGE, rule)
        }
    })?;
    Ok(Request::from_parts(parts, body.into()))
}

/// Whether a request comes from the sandbox's own pages, or from no page. The host was checked before.
pub(crate) fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    match text(ORIGIN) {
        None => true,
        Some(origin) => {
            origin.strip_prefix("http://").is_some() && origin.strip_prefix("http://") == text(HOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::exchange::ConnectionInfo;

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri("/sandbox/clock");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap_or_default();
        request.extensions_mut().insert(ConnectionInfo {
            origin: Arc::from("http://127.0.0.1:8787"),
            body_read_timeout: None,
        });
        request
    }

    fn status(is_open: bool, method: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let guard = Guard::new(Arc::from("right"), is_open);
        let refusal = guard.refusal(&request(method, headers));
        refusal.map(|(status, _)| status.as_u16())
    }

    #[test]
    fn other_hosts_and_origins_stay_out_and_changes_need_the_token() {
        const HOST: (&str, &str) = ("host", "127.0.0.1:8787");
        fn bearer(token: &str) -> (&str, &str) {
            ("authorization", token)
        }
        assert_eq!(status(false, "GET", &[HOST]), None);
        assert_eq!(status(false, "GET", &[("host", "localhost:8787")]), None);
        for host in [
            "rebound.example.test:8787",
            "127.0.0.1:8788",
            "localhost",
            "127.0.0.1",
            "",
        ] {
            assert_eq!(status(false, "GET", &[("host", host)]), Some(421), "{host}");
        }
        let mut elsewhere = request("GET", &[HOST]);
        *elsewhere.uri_mut() =
            http::Uri::from_static("http://rebound.example.test:8787/sandbox/clock");
        assert!(
            !is_own_host(&elsewhere, false),
            "an absolute form names the host"
        );
        assert_eq!(status(false, "POST", &[HOST]), Some(401));
        assert_eq!(
            status(false, "POST", &[HOST, bearer("Bearer wrong")]),
            Some(401)
        );
        assert_eq!(status(false, "POST", &[HOST, bearer("Bearer right")]), None);
        let kept = Guard::new(Arc::from("right"), false).cookie().to_owned();
        let cookies = |cookies: &str| {
            let cookies = cookies.replace('*', &kept);
            status(false, "POST", &[HOST, ("cookie", &cookies)])
        };
        assert_eq!(cookies("kyc_sandbox_8788=x; kyc_sandbox_8787=*"), None);
        for unknown in [
            "other_kyc_sandbox_8787=*",
            "kyc_sandbox_8788=*",
            "kyc_sandbox=*",
            "kyc_sandbox_8787=right",
        ] {
            assert_eq!(cookies(unknown), Some(401), "{unknown}");
        }
        let kept = format!("Bearer {kept}");
        assert_eq!(status(false, "POST", &[HOST, bearer(&kept)]), Some(401));
        let own = ("origin", "http://127.0.0.1:8787");
        assert_eq!(
            status(false, "POST", &[HOST, bearer("Bearer right"), own]),
            None
        );
        for origin in [
            "http://127.0.0.1:3000",
            "https://127.0.0.1:8787",
            "null",
            "",
        ] {
            let headers = [HOST, bearer("Bearer right"), ("origin", origin)];
            assert_eq!(status(false, "POST", &headers), Some(403), "{origin}");
            assert_eq!(
                status(false, "GET", &[HOST, ("origin", origin)]),
                Some(403),
                "{origin}"
            );
        }
        assert_eq!(status(true, "GET", &[("host", "10.0.0.7:8787")]), Some(401));
        assert_eq!(
            status(
                true,
                "GET",
                &[("host", "10.0.0.7:8787"), bearer("Bearer right")]
            ),
            None
        );
    }
}
