//! The pages on which a person acts: rendered here, without scripts and without anything from elsewhere.

pub(crate) mod aggregator;
pub(crate) mod browser;
pub(crate) mod digilocker;
pub(crate) mod files;
pub(crate) mod forms;
pub(crate) mod layout;
pub(crate) mod veriff;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::StatusCode;

use self::forms::plain;
use self::layout::Frame;
use crate::exchange::is_own_host;
use crate::state::{Simulation, iso};

/// Keeps pages from being read under a name that somebody else lets lead here, unless other machines may reach them.
pub(crate) fn guarded(pages: Router, simulation: Simulation, is_open: bool) -> Router {
    pages.layer(from_fn_with_state((simulation, is_open), check_host))
}

async fn check_host(
    State((simulation, is_open)): State<(Simulation, bool)>,
    request: Request,
    next: Next,
) -> Response {
    if is_own_host(&request, is_open) {
        return next.run(request).await;
    }
    let now = iso(simulation.now_ms());
    let frame = Frame {
        title: "This is not the sandbox's address",
        service: "Sandbox",
        now: &now,
        message: None,
    };
    let words = "The sandbox is not reached under this name. Use the address that it printed.";
    plain(StatusCode::MISDIRECTED_REQUEST, &frame, &[words], None)
}
