//! The frame of the console's pages: the strip, and what every page brings.

use axum::response::Response;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, html};

use super::viewer::Viewer;
use super::{SCRIPT_PATH, STYLE_PATH};
use crate::control::webhooks::outcome;
use crate::credentials::BaseUrls;
use crate::pages::layout::respond;
use crate::sandbox::Sandbox;
use crate::state::iso;
use crate::time::mode_words;

/// Only what the sandbox itself serves; the script may be asked for, none may stand in a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; \
form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How often a page without script is loaded again, in seconds.
const RELOAD: u32 = 10;

/// A page of the console.
pub(super) struct Page<'p> {
    pub(super) title: &'p str,
    /// Whether it changes by itself, so that without script it is loaded again.
    pub(super) reloads: Option<u32>,
    pub(super) content: Markup,
}

/// The whole page.
pub(super) fn page(sandbox: &Sandbox, viewer: &Viewer, page: &Page<'_>) -> Response {
    document(
        viewer,
        StatusCode::OK,
        page.title,
        page.reloads,
        &html! {
            header.strip { (strip(sandbox, viewer)) }
            (page.content)
            (keys())
        },
    )
}

/// A page that says why there is none.
pub(super) fn problem(viewer: &Viewer, status: StatusCode, title: &str, words: &str) -> Response {
    again(viewer, status, title, words, &html! {})
}

/// A page that says why something was not done, and has the form for another try.
pub(super) fn again(
    viewer: &Viewer,
    status: StatusCode,
    title: &str,
    words: &str,
    form: &Markup,
) -> Response {
    let content = html! {
        main.alone {
            h1 { (title) }
            p role="alert" { (words) }
            (form)
            p { a data-back href="/" { "To the console" } }
        }
    };
    document(viewer, status, title, None, &content)
}

fn document(
    viewer: &Viewer,
    status: StatusCode,
    title: &str,
    reloads: Option<u32>,
    content: &Markup,
) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" data-theme=[viewer.theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(viewer.theme.unwrap_or("light dark"));
                title { (title) " – KYC sandbox" }
                link rel="stylesheet" href=(STYLE_PATH);
                script src=(SCRIPT_PATH) defer {}
                @if let Some(seconds) = reloads {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
            }
            body { (content) }
        }
    };
    let mut response = respond(status, "text/html; charset=utf-8", page.into_string());
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// For pages that show what changes.
pub(super) fn changing() -> Option<u32> {
    Some(RELOAD)
}

/// What stands above every page.
fn strip(sandbox: &Sandbox, viewer: &Viewer) -> Markup {
    let back = viewer.back();
    html! {
        div.line {
            a.home href="/" { b { "KYC sandbox" } }
            span { "Invented people. Do not type real data." }
            span.space {}
            span #live role="status" {}
            // Without a choice the style sheet shows the one that the system has not.
            a.to-dark href={ "/console/theme/dark?back=" (back) } { "Dark" }
            a.to-light href={ "/console/theme/light?back=" (back) } { "Light" }
        }
        div.line #state { (state(sandbox, viewer)) }
        @if !viewer.is_known {
            p.line { "You see and cannot act: open the link with the token that the sandbox printed." }
        }
    }
}

/// What of the strip changes.
pub(super) fn state(sandbox: &Sandbox, viewer: &Viewer) -> Markup {
    let back = viewer.back();
    let faults = sandbox.faults();
    let urls = sandbox.webhook_urls();
    let last = sandbox.simulation().outbox.last_attempt();
    html! {
        span { "It is " time #now { (iso(sandbox.now_ms())) } "; the clock " (mode_words(sandbox.clock_mode())) "." }
        span {
            @match faults.len() {
                0 => "No fault is on.",
                1 => strong { "1 fault is on." },
                count => strong { (count) " faults are on." },
            }
        }
        span {
            @if urls.is_empty() {
                "Webhooks go where callers say."
            } @else {
                "Webhooks go to "
                @for (place, (provider, url)) in urls.iter().enumerate() {
                    @if place > 0 { ", " }
                    (address(url)) " (" (provider) ")"
                }
                "."
            }
            @if let Some((event, delivery)) = last {
                " The last one, " (event) ", was " (outcome(delivery)) "."
            }
        }
        span {
            @if viewer.masks_all {
                "Everything is masked. "
                a data-mask href={ "/console/mask/kinds?back=" (back) } { "Show what is invented" }
            } @else {
                "Personal data is masked. "
                a data-mask href={ "/console/mask/all?back=" (back) } { "Mask everything" }
            }
        }
    }
}

/// A URL without what may be personal.
fn address(url: &str) -> &str {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    url.get(..end).unwrap_or_default()
}

/// The base URLs, to copy.
pub(super) fn urls(viewer: &Viewer) -> Markup {
    let urls = BaseUrls::below(&viewer.origin);
    html! {
        details {
            summary { "Base URLs" }
            dl {
                dt { "Finpass" } dd { code { (urls.finpass) } }
                dt { "FinPro" } dd { code { (urls.finpro) } }
                dt { "Veriff" } dd { code { (urls.veriff) } }
                dt { "Deepvue" } dd { code { (urls.deepvue) } }
            }
        }
    }
}

fn keys() -> Markup {
    html! {
        footer {
            details #keys {
                summary { "Keys" }
                dl {
                    dt { kbd { "j" } " " kbd { "k" } } dd { "next and previous row" }
                    dt { kbd { "Enter" } } dd { "detail of the row" }
                    dt { kbd { "Esc" } } dd { "back" }
                    dt { kbd { "/" } } dd { "filter" }
                    dt { kbd { "p" } } dd { "pause and go on" }
                    dt { kbd { "r" } } dd { "to the button that replays; nothing is sent before it is pressed" }
                    dt { kbd { "c" } } dd { "copy as curl" }
                    dt { kbd { "m" } } dd { "mask everything, or only what may be personal" }
                    dt { kbd { "g" } " " kbd { "l" } } dd { "latest call" }
                    dt { kbd { "?" } } dd { "this list" }
                }
                p.muted { "They need the page's script, and are not heard while you type in a field." }
            }
        }
    }
}
