//! Where people were sent back to, from outside.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

use super::{Refusal, reply};
use crate::sandbox::Sandbox;

pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    reply(match sandbox.digilocker_return(&id) {
        Some(url) => Ok(json!({"url": url})),
        None => Err(Refusal::not_found(
            "id",
            "nobody was sent back from this session",
        )),
    })
}
