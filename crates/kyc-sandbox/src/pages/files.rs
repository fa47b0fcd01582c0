//! The files to which replies lead by a link that is signed, so that whoever has it needs no credentials.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};

use super::forms::Visit;
use crate::exchange::settle;
use crate::providers::{deepvue, finpass, finpro};
use crate::time::Providers;

/// The routes of the providers that reply with links.
pub(crate) fn routes(providers: Providers) -> Router {
    Router::new()
        .route(
            &format!("{}/{{client_id}}/{{file}}", finpass::STATEMENTS),
            get(statement),
        )
        .route(&format!("{}/{{file}}", finpro::REPORTS), get(report))
        .route(
            &format!("{}/{{id}}/{{file}}", deepvue::DOCUMENTS),
            get(document),
        )
        .with_state(providers)
}

async fn statement(
    State(providers): State<Providers>,
    Path((client_id, file)): Path<(String, String)>,
) -> Response {
    settle(&*providers.finpass);
    let pdf = providers.finpass.statement(&client_id, &file);
    reply(pdf, "application/pdf")
}

async fn document(
    State(providers): State<Providers>,
    Path((id, file)): Path<(String, String)>,
) -> Response {
    settle(&*providers.deepvue);
    let pdf = providers.deepvue.document(&id, &file);
    reply(pdf, "application/pdf")
}

async fn report(
    State(providers): State<Providers>,
    Path(file): Path<String>,
    request: Request,
) -> Response {
    settle(&*providers.finpro);
    let visit = Visit::read(request).await;
    let links = visit.as_ref().and_then(|visit| visit.query("links"));
    let links: Vec<&str> = links.into_iter().flat_map(|all| all.split(',')).collect();
    reply(providers.finpro.report(&file, &links), finpro::XLSX)
}

fn reply(file: Option<Vec<u8>>, content_type: &'static str) -> Response {
    let Some(file) = file else {
        let words = "There is no such file, or it is not there yet.\n";
        return (StatusCode::NOT_FOUND, words).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Body::from(file)).into_response()
}
