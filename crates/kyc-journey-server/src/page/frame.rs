//! What every page has.

use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use provider_core::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use provider_core::http::{HeaderValue, StatusCode};

use crate::problem::Problem;
use crate::state::Shared;

/// Only what this server serves, and no script.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("page.css");

/// A page.
pub(crate) struct Page<'p> {
    pub(crate) status: StatusCode,
    pub(crate) title: &'p str,
    pub(crate) content: Markup,
}

/// The whole page.
pub(crate) fn document(server: &Shared, page: &Page<'_>) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " – KYC journeys" }
                link rel="stylesheet" href={ (server.path) "/page.css" };
            }
            body { (page.content) }
        }
    };
    let mut response = (page.status, markup.into_string()).into_response();
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        // The address of a return opens it again.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page that says why there is none.
pub(crate) fn problem(server: &Shared, problem: &Problem) -> Response {
    let content = html! {
        main.alone {
            h1 { (problem.title()) }
            @if let (Some(field), Some(rule)) = (problem.field(), problem.rule()) {
                p { (field) " " (rule) "." }
            }
            p { a href={ (server.path) "/" } { "To the journeys" } }
        }
    };
    document(
        server,
        &Page {
            status: problem.status(),
            title: problem.title(),
            content,
        },
    )
}

/// What stands above the pages of somebody who has signed in.
pub(super) fn strip(server: &Shared, csrf: &str) -> Markup {
    html! {
        header.strip {
            a.home href={ (server.path) "/" } { "KYC journeys" }
            form method="post" action={ (server.path) "/sign-out" } {
                input type="hidden" name="csrf" value=(csrf);
                button type="submit" { "Sign out" }
            }
        }
    }
}

pub(super) async fn style() -> Response {
    let mut response = STYLE.into_response();
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
