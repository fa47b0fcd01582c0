//! The frame of every page.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

/// Where the style sheet is.
pub(crate) const STYLE_PATH: &str = "/style.css";
/// The style sheet of all pages.
pub(crate) const STYLE: &str = include_str!("style.css");

/// Nothing from elsewhere, no scripts, no frames.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
base-uri 'none'; frame-ancestors 'none'";

/// What stands above and around a page's content.
pub(crate) struct Frame<'a> {
    /// What the page is for, also in the window's title.
    pub(crate) title: &'a str,
    /// Whose screen it shows, such as `DigiLocker`.
    pub(crate) service: &'a str,
    /// The time on the sandbox's clock.
    pub(crate) now: &'a str,
    /// What a real service would send to the person's phone, if anything.
    pub(crate) message: Option<&'a str>,
}

/// A page of this content.
pub(crate) fn page(status: StatusCode, frame: &Frame<'_>, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (frame.title) " – " (frame.service) " (sandbox)" }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body {
                header.strip {
                    p { strong { "Sandbox." } " Invented people. Do not type real data." }
                    p { "It is " time { (frame.now) } "." }
                    @if let Some(message) = frame.message {
                        p { (message) }
                    }
                }
                main {
                    p.service { (frame.service) }
                    h1 { (frame.title) }
                    (content)
                }
            }
        }
    };
    respond(status, "text/html; charset=utf-8", page.into_string())
}

/// A reply that no page elsewhere can embed or read.
pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        // With `no-referrer` browsers would send `Origin: null` with a form of this very page.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// After a form was sent, the page that shows what came of it.
pub(crate) fn see_other(location: &str) -> Response {
    let mut response = respond(
        StatusCode::SEE_OTHER,
        "text/plain; charset=utf-8",
        String::new(),
    );
    // One that is no header's value leads nowhere; to the front page instead.
    let location = HeaderValue::from_str(location);
    let location = location.unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_is_shown_as_text() {
        let frame = Frame {
            title: "<script>alert(1)</script>",
            service: "A & B",
            now: "now",
            message: Some("<b>bold</b>"),
        };
        let response = page(StatusCode::OK, &frame, &html! { p { "<i>" } });
        let policy = response.headers().get(header::CONTENT_SECURITY_POLICY);
        assert_eq!(policy.and_then(|policy| policy.to_str().ok()), Some(POLICY));
        let rendered = html! { (frame.title) (frame.service) }.into_string();
        assert_eq!(rendered, "&lt;script&gt;alert(1)&lt;/script&gt;A &amp; B");
    }
}
