//! Visits to pages, and the parts that their forms share.

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use maud::{Markup, html};
use uuid::Uuid;

use super::layout::{Frame, page};
use crate::exchange::{ConnectionInfo, body, decoded};
use crate::state::JourneyId;

/// The longest form.
const FORM_BYTES: usize = 16 * 1024;
/// The field with what a flow's forms carry.
pub(crate) const TOKEN: &str = "token";

/// A request for a page, or a form that was sent.
#[derive(Debug)]
pub(crate) struct Visit {
    method: Method,
    /// Scheme and authority, for links that are shown.
    pub(crate) origin: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    cookies: String,
    is_same_origin: bool,
}

impl Visit {
    /// Reads a request; `None` if its form is too long, late or no form.
    pub(crate) async fn read(request: Request) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let connection = parts.extensions.get::<ConnectionInfo>();
        let timeout = connection.and_then(|connection| connection.body_read_timeout);
        let body = body::read(body, FORM_BYTES, timeout, &parts.headers).await;
        let body = body.ok()?;
        let cookies = parts.headers.get_all(header::COOKIE).iter();
        let cookies: Vec<&str> = cookies.filter_map(|value| value.to_str().ok()).collect();
        let authority = parts.uri.authority().map(ToString::to_string);
        Some(Self {
            origin: connection.map_or_else(String::new, |known| known.origin.to_string()),
            query: pairs(parts.uri.query().unwrap_or_default())?,
            form: pairs(std::str::from_utf8(&body).ok()?)?,
            cookies: cookies.join(";"),
            is_same_origin: is_same_origin(&parts.headers, authority.as_deref()),
            method: parts.method,
        })
    }

    pub(crate) fn is_form(&self) -> bool {
        self.method == Method::POST
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }

    /// The value of a field; empty if there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        value(&self.form, name).unwrap_or_default().trim()
    }

    /// The values of a field, in order.
    pub(crate) fn fields<'v>(&'v self, name: &'v str) -> impl Iterator<Item = &'v str> {
        let named = self.form.iter().filter(move |(found, _)| found == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The values of a field that are numbers.
    pub(crate) fn numbers(&self, name: &str) -> Vec<usize> {
        let values = self.fields(name);
        values.filter_map(|text| text.parse().ok()).collect()
    }

    /// Whether it comes from a page of this sandbox, as far as its browser says.
    pub(crate) fn is_same_origin(&self) -> bool {
        self.is_same_origin
    }

    /// Whether a box with this value is ticked.
    pub(crate) fn is_ticked(&self, name: &str, value: &str) -> bool {
        let mut fields = self.form.iter();
        fields.any(|(found, ticked)| found == name && ticked == value)
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let mut cookies = self.cookies.split(';');
        cookies.find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether the form is one of this flow's own pages.
    pub(crate) fn may_act(&self, token: Option<Uuid>) -> bool {
        let sent = Uuid::try_parse(self.field(TOKEN)).ok();
        self.is_same_origin && token.is_some() && sent == token
    }
}

fn value<'v>(pairs: &'v [(String, String)], name: &str) -> Option<&'v str> {
    let mut found = pairs.iter().filter(|(found, _)| found == name);
    found.next().map(|(_, value)| value.as_str())
}

fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// Whether a form comes from a page of the host that it is sent to. Programs that are no browsers name no origin.
fn is_same_origin(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or(authority).unwrap_or_default();
    let is_ours = |origin: &str| {
        let origin = origin.split_once("://");
        origin.is_some_and(|(scheme, found)| matches!(scheme, "http" | "https") && found == host)
    };
    match headers.get(header::ORIGIN) {
        Some(_) => text(header::ORIGIN).is_some_and(is_ours),
        None => matches!(
            headers.get("sec-fetch-site").map(|site| site.as_bytes()),
            None | Some(b"same-origin" | b"none")
        ),
    }
}

/// What is wrong with a form, in words, above the field that it is about. The page opens there.
pub(crate) fn error(words: Option<&str>) -> Markup {
    html! {
        @if let Some(words) = words {
            p.error #error role="alert" tabindex="-1" autofocus { (words) }
        }
    }
}

/// A form of this flow.
pub(crate) fn form(token: Uuid, content: &Markup) -> Markup {
    html! {
        form method="post" {
            input type="hidden" name=(TOKEN) value=(token);
            (content)
        }
    }
}

/// A round choice.
pub(crate) fn radio(name: &str, value: &str, is_chosen: bool, label: &Markup) -> Markup {
    html! {
        label.choice {
            input type="radio" name=(name) value=(value) checked[is_chosen] required;
            span { (label) }
        }
    }
}

/// A button at the end of a form.
pub(crate) fn submit(label: &str) -> Markup {
    html! { button.primary type="submit" { (label) } }
}

/// The ways out that every screen has.
pub(crate) fn exits(back: Option<&str>, leave: &str, journey: Option<JourneyId>) -> Markup {
    html! {
        nav aria-label="Other ways" {
            p {
                @if let Some(back) = back {
                    a href=(back) { "Back" }
                    " · "
                }
                a href=(leave) { "Leave" }
                @if let Some(journey) = journey {
                    " · "
                    (console_link(journey))
                }
            }
        }
    }
}

/// A link to what is known about a person.
pub(crate) fn console_link(journey: JourneyId) -> Markup {
    html! { a href={ "/j/" (journey) } { "Open " (journey) " in the console" } }
}

/// A page that says how things are, with one next step if there is one.
pub(crate) fn plain(
    status: StatusCode,
    frame: &Frame<'_>,
    words: &[&str],
    next: Option<(&str, &str)>,
) -> Response {
    let content = html! {
        @for words in words {
            p { (words) }
        }
        @if let Some((label, address)) = next {
            p { a.button.primary href=(address) { (label) } }
        }
    };
    page(status, frame, &content)
}

/// The host that a person is sent back to, to be named.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Whether a URL may be the address of a link: nothing that would run.
pub(crate) fn is_web_address(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn visit(headers: &[(&str, &str)], body: &str) -> Option<Visit> {
        let mut request = Request::post("http://127.0.0.1:8787/page?at=x%20y&at=z");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(axum::body::Body::from(body.to_owned()));
        Visit::read(request.ok()?).await
    }

    #[tokio::test]
    async fn a_form_is_read() {
        let headers = [("cookie", "a=1; flow=abc"), ("host", "127.0.0.1:8787")];
        let visit = visit(&headers, "doc=pan&doc=dl&name=+%3Cb%3E+&empty&at=2&at=z").await;
        let Some(visit) = visit else {
            return assert!(visit.is_some());
        };
        assert_eq!(
            (visit.query("at"), visit.query("none")),
            (Some("x y"), None)
        );
        assert_eq!((visit.field("name"), visit.field("empty")), ("<b>", ""));
        assert!(visit.is_ticked("doc", "dl") && !visit.is_ticked("doc", "aadhaar"));
        assert_eq!(visit.fields("doc").collect::<Vec<_>>(), ["pan", "dl"]);
        assert_eq!(visit.numbers("at"), [2]);
        assert_eq!(
            (visit.cookie("flow"), visit.cookie("flo")),
            (Some("abc"), None)
        );
    }

    #[tokio::test]
    async fn what_is_no_form_is_not_read() {
        let long = "x".repeat(FORM_BYTES.saturating_add(1));
        for body in ["%ff=1", "a=%zz", &long] {
            assert!(visit(&[], body).await.is_none());
        }
    }

    #[tokio::test]
    async fn only_a_form_of_the_same_origin_with_the_token_may_act() {
        let token = Uuid::from_u128(7);
        let body = format!("token={token}");
        let host = ("host", "127.0.0.1:8787");
        for (headers, may) in [
            (vec![host], true),
            (vec![host, ("origin", "http://127.0.0.1:8787")], true),
            (vec![host, ("origin", "http://127.0.0.1:3000")], false),
            (vec![host, ("origin", "http://evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "same-site")], false),
        ] {
            let found = visit(&headers, &body).await;
            let found = found.is_some_and(|visit| visit.may_act(Some(token)));
            assert_eq!(found, may, "{headers:?}");
        }
        for (body, token) in [
            ("", Some(token)),
            ("token=", Some(token)),
            ("token=00000000-0000-0000-0000-000000000008", Some(token)),
            (body.as_str(), None),
            ("", None),
        ] {
            let visit = visit(&[host], body).await;
            assert!(!visit.is_some_and(|visit| visit.may_act(token)));
        }
    }

    #[test]
    fn only_web_addresses_are_linked_to() {
        assert!(is_web_address("HTTPS://app.example.test/back"));
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//x",
            "",
            "ftp://x",
        ] {
            assert!(!is_web_address(url), "{url}");
        }
        assert_eq!(
            host_of("https://app.example.test/back?x"),
            "app.example.test"
        );
    }
}
