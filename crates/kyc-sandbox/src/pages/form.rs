//! Forms of pages: only a page of this sandbox can send one.

use axum::extract::Request;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use maud::html;

use super::layout::{Frame, page};
use crate::exchange::{ConnectionInfo, decoded};

/// The longest form, in bytes.
const FORM_BYTES: usize = 16 * 1024;
/// The most fields that a form has.
const FIELDS: usize = 200;

/// What a form says.
#[derive(Debug, Default)]
pub(crate) struct PageForm(Vec<(String, String)>);

impl PageForm {
    /// The first field of this name; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        let mut all = self.0.iter();
        let first = all.find(|(found, _)| found == name);
        first.map_or("", |(_, value)| value)
    }

    /// The fields of this name, in order.
    pub(crate) fn texts<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        let named = self.0.iter().filter(move |(found, _)| found == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The fields of this name that are numbers.
    pub(crate) fn numbers(&self, name: &str) -> Vec<usize> {
        self.texts(name)
            .filter_map(|text| text.parse().ok())
            .collect()
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let fields = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        });
        let fields: Vec<_> = fields
            .take(FIELDS.saturating_add(1))
            .collect::<Option<_>>()?;
        (fields.len() <= FIELDS).then_some(Self(fields))
    }
}

/// Whether a request names this sandbox as its host: a name of this machine, unless others may reach it. Names of elsewhere that
/// lead here are a way to read a page from another one.
pub(crate) fn names_this_host(headers: &HeaderMap, uri: &Uri, any_host: bool) -> bool {
    let host = headers.get(HOST).map(|host| host.to_str().ok());
    let authority = match host {
        Some(host) => host,
        None => uri.authority().map(http::uri::Authority::as_str),
    };
    any_host || authority.is_none_or(|authority| is_local(host_of(authority)))
}

/// The host in an authority.
fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_local(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether a request comes from a page of the same origin, as far as its browser says.
fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return false;
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = host.or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    matches!((origin, authority), (Some((_, origin)), Some(authority)) if origin == authority)
}

/// Reads a form that a page of this sandbox sent, or answers with what is wrong.
pub(crate) async fn read_form(
    request: Request,
    any_host: bool,
    now: &str,
) -> Result<PageForm, Response> {
    let (parts, body) = request.into_parts();
    let refuse = |status, words| refusal(status, words, now);
    if !names_this_host(&parts.headers, &parts.uri, any_host)
        || !is_same_origin(&parts.headers, &parts.uri)
    {
        let words =
            "This form was sent from a page that is not this sandbox's. Nothing was changed.";
        return Err(refuse(StatusCode::FORBIDDEN, words));
    }
    let is_form = parts.headers.get(CONTENT_TYPE).is_some_and(|content_type| {
        let content_type = content_type.as_bytes();
        let essence = content_type.split(|byte| *byte == b';').next();
        let essence = essence.unwrap_or_default().trim_ascii();
        essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    });
    if !is_form {
        let words = "This is not a form. Nothing was changed.";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
    }
    let connection = parts.extensions.get::<ConnectionInfo>();
    let timeout = connection.and_then(|connection| connection.body_read_timeout);
    let read = Limited::new(body, FORM_BYTES).collect();
    let read = match timeout {
        None => read.await,
        Some(timeout) => match tokio::time::timeout(timeout, read).await {
            Ok(read) => read,
            Err(_) => {
                let words = "The form did not arrive in time. Nothing was changed.";
                return Err(refuse(StatusCode::REQUEST_TIMEOUT, words));
            }
        },
    };
    let form = read.ok().and_then(|body| PageForm::parse(&body.to_bytes()));
    form.ok_or_else(|| {
        let words = "The form is too long or cannot be read. Nothing was changed.";
        refuse(StatusCode::BAD_REQUEST, words)
    })
}

/// A page that says why something was refused.
pub(crate) fn refusal(status: StatusCode, words: &str, now: &str) -> Response {
    let frame = Frame {
        title: "That did not work",
        service: "Sandbox",
        now,
        message: None,
    };
    page(status, &frame, &html! { p.error role="alert" { (words) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn a_form_is_read_field_by_field() {
        let form = PageForm::parse(b"a=1&b=x+y&a=%3Cb%3E&c&n=2&n=z").unwrap();
        assert_eq!(form.texts("a").collect::<Vec<_>>(), ["1", "<b>"]);
        assert_eq!(
            (form.text("b"), form.text("c"), form.text("d")),
            ("x y", "", "")
        );
        assert_eq!(form.numbers("n"), [2]);
        for broken in [&b"a=%"[..], b"a=%ff", b"\xff", &b"a&".repeat(201)] {
            assert!(PageForm::parse(broken).is_none());
        }
    }

    #[test]
    fn only_names_of_this_machine_are_its_host() {
        for (host, is) in [
            ("127.0.0.1:8787", true),
            ("localhost:1", true),
            ("[::1]:8787", true),
            ("LOCALHOST", true),
            ("localhost.example.test", false),
            ("example.test:8787", false),
            ("10.0.0.1:8787", false),
            ("", false),
        ] {
            let headers = headers(&[("host", host)]);
            assert_eq!(
                names_this_host(&headers, &Uri::default(), false),
                is,
                "{host}"
            );
            assert!(names_this_host(&headers, &Uri::default(), true));
        }
        let uri = Uri::from_static("http://localhost/aa/me");
        assert!(names_this_host(&HeaderMap::new(), &uri, false));
    }

    #[test]
    fn a_form_comes_from_the_same_origin() {
        let host = ("host", "127.0.0.1:8787");
        for (more, is) in [
            (&[][..], true),
            (&[("origin", "http://127.0.0.1:8787")], true),
            (&[("origin", "http://127.0.0.1:8788")], false),
            (&[("origin", "https://example.test")], false),
            (&[("origin", "null")], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
        ] {
            let headers = headers(&[&[host], more].concat());
            assert_eq!(is_same_origin(&headers, &Uri::default()), is, "{more:?}");
        }
    }
}
