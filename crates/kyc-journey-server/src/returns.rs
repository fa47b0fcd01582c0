//! `GET /return/{token}`: the person's browser comes back.

use axum::extract::State;
use axum::response::Response;
use kyc_journey::{Correlation, Leg, Provider};
use maud::html;
use provider_core::http::{HeaderMap, Method, StatusCode, Uri};

use crate::guard::InPath;
use crate::hooks::vouched_for;
use crate::page::frame::{self, Page};
use crate::state::Shared;

pub(crate) async fn come_back(
    State(server): State<Shared>,
    InPath(token): InPath<String>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let about = Correlation::parse(&token).ok();
    let about = match vouched_for(&server, about) {
        Ok(()) => about,
        Err(problem) => {
            let words = "This address leads nowhere. Please go back to where you began.";
            return page(&server, problem.status(), "Nothing here", words);
        }
    };
    // A browser that only looks ahead has nobody before it.
    let looks_ahead = method == Method::HEAD
        || headers
            .get("sec-purpose")
            .is_some_and(|purpose| purpose.as_bytes().starts_with(b"prefetch"));
    if let Some(about) = about.filter(|_| !looks_ahead) {
        // Who carries the accounts out, the journey knows: what FinPro adds is kept for it, and for nobody else.
        let provider = match about.leg {
            Leg::Documents => Provider::Deepvue,
            Leg::Accounts => Provider::FinPro,
            Leg::Verification => Provider::Veriff,
        };
        let now = server.clock.now();
        let event = server.returns.event(provider, about, &uri.to_string(), now);
        if let Some(event) = event
            && let Err(error) = server.engine.report(provider, event).await
        {
            tracing::error!(%error, "a return was not stored");
            let words =
                "We could not take note of your return. Please load this page again in a moment.";
            return page(
                &server,
                StatusCode::SERVICE_UNAVAILABLE,
                "Please try again",
                words,
            );
        }
    }
    // The same for everybody: what it was good for is nobody's business who has only the address.
    let words = "You can close this page and go on where you began.";
    page(&server, StatusCode::OK, "Thank you", words)
}

fn page(server: &Shared, status: StatusCode, title: &str, words: &str) -> Response {
    let content = html! {
        main.alone {
            h1 { (title) }
            p { (words) }
        }
    };
    frame::document(
        server,
        &Page {
            status,
            title,
            content,
        },
    )
}
