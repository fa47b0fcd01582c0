//! The console: what happens in a sandbox, as it happens, for people.
//!
//! Every page is complete without its one script, which adds rows as they come and keys. The console is read by whoever may read the
//! sandbox, masked; whoever acts needs the token. The token comes in the query of a link that the sandbox prints, is exchanged for a
//! cookie that scripts cannot read, and leaves the address at once. In the fragment it would not reach the server, so that a
//! script would have to hold it.

mod actions;
mod copies;
mod detail;
mod filter;
mod form;
mod frame;
mod journeys;
mod list;
mod masking;
mod nearest;
mod people;
mod row;
mod signature;
mod stream;
mod viewer;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use self::masking::Provenance;
use crate::control::Guard;
use crate::pages::layout::respond;
use crate::sandbox::Sandbox;

/// How long a masked value is shown once somebody wants to see it.
const UNMASKED: Duration = Duration::from_secs(30);
/// How many values are shown at once.
const MOST_UNMASKED: usize = 100;

const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");
const STYLE_PATH: &str = "/console.css";
const SCRIPT_PATH: &str = "/console.js";

/// What the console remembers.
#[derive(Debug, Default)]
pub(crate) struct Console {
    /// The values that are shown although they are masked: page, place on it, and until when.
    unmasked: Mutex<Vec<(String, String, Instant)>>,
}

impl Console {
    /// Shows a value of a page for a while.
    fn unmask(&self, page: &str, place: &str) {
        let mut unmasked = self.unmasked();
        if unmasked.len() >= MOST_UNMASKED {
            unmasked.remove(0);
        }
        let until = Instant::now() + UNMASKED;
        unmasked.push((page.to_owned(), place.to_owned(), until));
    }

    /// The places of a page whose values are shown.
    fn shown(&self, page: &str) -> Vec<String> {
        let unmasked = self.unmasked();
        let of_page = unmasked.iter().filter(|(of, ..)| of == page);
        of_page.map(|(_, place, _)| place.clone()).collect()
    }

    /// Those that are still shown.
    fn unmasked(&self) -> MutexGuard<'_, Vec<(String, String, Instant)>> {
        let mut unmasked = self.unmasked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        unmasked.retain(|(.., until)| *until > now);
        unmasked
    }
}

/// The console's routes.
pub(crate) fn router(guard: Guard) -> Router<Sandbox> {
    Router::new()
        .route("/", get(list::index))
        .route("/latest", get(list::latest))
        .route("/j/{id}", get(detail::journey))
        .route("/j/{id}/act", post(actions::act))
        .route("/r/{number}", get(detail::call))
        .route("/r/{number}/unmask", post(actions::unmask_call))
        .route("/r/{number}/replay", post(actions::replay))
        .route("/r/{number}/edit", get(detail::edit).post(actions::edit))
        .route("/w/{id}", get(detail::webhook))
        .route("/w/{id}/unmask", post(actions::unmask_webhook))
        .route("/w/{id}/resend", post(actions::resend))
        .route("/console/clock", post(actions::clock))
        .route("/console/faults", post(actions::fault_on))
        .route("/console/faults/off", post(actions::fault_off))
        .route("/console/run", post(actions::run))
        .route("/console/theme/{theme}", get(viewer::theme))
        .route("/console/mask/{mask}", get(viewer::mask))
        .route("/sandbox/stream", get(stream::rows))
        .layer(axum::middleware::from_fn_with_state(guard, viewer::check))
        // Before anybody is known, a page may have its looks.
        .route(STYLE_PATH, get(style))
        .route(SCRIPT_PATH, get(script))
}

async fn style(State(_): State<Sandbox>) -> Response {
    respond(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned())
}

async fn script(State(_): State<Sandbox>) -> Response {
    let javascript = "text/javascript; charset=utf-8";
    respond(StatusCode::OK, javascript, SCRIPT.to_owned())
}

/// What a sandbox knows of where values come from.
struct Own<'s>(&'s Sandbox);

impl Provenance for Own<'_> {
    fn is_own_id(&self, id: &str) -> bool {
        let simulation = self.0.simulation();
        // Finpass's begin with `aa_` and have another such joint.
        let bare = id.strip_prefix("aa_").unwrap_or(id).replace('_', "");
        uuid::Uuid::try_parse(&bare).is_ok_and(|id| simulation.ids.made(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_values_are_shown_and_only_on_their_page() {
        let console = Console::default();
        console.unmask("/r/1", "request-body:3");
        assert_eq!(console.shown("/r/1"), ["request-body:3"]);
        assert!(console.shown("/r/2").is_empty());
        for place in 0..MOST_UNMASKED {
            console.unmask("/r/2", &place.to_string());
        }
        assert!(console.shown("/r/1").is_empty());
        assert_eq!(console.shown("/r/2").len(), MOST_UNMASKED);
    }
}
