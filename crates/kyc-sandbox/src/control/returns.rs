//! Where people were sent back to, from outside.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

use super::{Refusal, reply};
use crate::sandbox::Sandbox;

pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let returned = sandbox
        .digilocker_return(&id)
        .or_else(|| sandbox.consent_return_url(&id))
        .or_else(|| sandbox.verification_return(&id));
    reply(match returned {
        Some(url) => Ok(json!({"url": url})),
        None => Err(Refusal::not_found(
            "id",
            "is of no session or consent from which somebody was sent back",
        )),
    })
}
