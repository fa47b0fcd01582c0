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
mod steering;
mod stream;
mod viewer;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use self::masking::Provenance;
use crate::control::Guard;
use crate::pages::layout::respond;
use crate::sandbox::Sandbox;

const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");
const STYLE_PATH: &str = "/console.css";
const SCRIPT_PATH: &str = "/console.js";

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
        .route("/console/clock", post(steering::clock))
        .route("/console/faults", post(steering::fault_on))
        .route("/console/faults/off", post(steering::fault_off))
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
