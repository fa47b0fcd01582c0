//! The operator's page: which journeys there are, what happened in one, and three buttons. No script, nothing from elsewhere.

pub(crate) mod frame;
mod journey;
mod list;
mod sign_in;

use axum::Router;
use axum::routing::{get, post};

use crate::state::Shared;

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(list::show))
        .route("/page.css", get(frame::style))
        .route("/sign-in", post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/journeys/{id}", get(journey::show))
        .route("/journeys/{id}/resume", post(journey::resume))
        .route("/journeys/{id}/resolve", post(journey::resolve))
        .route("/journeys/{id}/cancel", post(journey::cancel))
}
