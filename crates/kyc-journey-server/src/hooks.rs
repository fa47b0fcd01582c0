//! `POST /hooks/{provider}/{token}`: what providers report becomes facts.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use kyc_journey::{Correlation, Provider};
use kyc_journey_performer::Webhooks;
use provider_core::http::StatusCode;
use provider_core::webhook::{Refusal, read_post};

use crate::guard::InPath;
use crate::problem::Problem;
use crate::state::{Inner, Shared};

/// A provider is answered within this time; Veriff waits for 5 seconds.
const RECEIVE_WITHIN: Duration = Duration::from_secs(4);

pub(crate) async fn without_token(
    State(server): State<Shared>,
    InPath(provider): InPath<String>,
    request: Request,
) -> Response {
    take(&server, &provider, None, request).await
}

pub(crate) async fn with_token(
    State(server): State<Shared>,
    InPath((provider, token)): InPath<(String, String)>,
    request: Request,
) -> Response {
    match Correlation::parse(&token) {
        Ok(about) => take(&server, &provider, Some(about), request).await,
        Err(_) => Problem::no_route().into_response(),
    }
}

async fn take(
    server: &Inner,
    provider: &str,
    about: Option<Correlation>,
    request: Request,
) -> Response {
    let provider: Option<Provider> = provider.parse().ok();
    // Deepvue sends none.
    let Some(provider) = provider.filter(|provider| *provider != Provider::Deepvue) else {
        return Problem::no_route().into_response();
    };
    if !Webhooks::are_signed(provider)
        && let Err(problem) = vouched_for(server, about)
    {
        return problem.into_response();
    }
    match receive(server, provider, about, request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(status) => status.into_response(),
    }
}

/// Stores what a provider reports; the status for the provider otherwise, which is told no reason.
async fn receive(
    server: &Inner,
    provider: Provider,
    about: Option<Correlation>,
    request: Request,
) -> Result<(), StatusCode> {
    let refused = |refusal: Refusal| {
        let provider = provider.as_str();
        tracing::warn!(provider, %refusal, "a webhook was refused");
        refusal.status()
    };
    let headers = request.headers().clone();
    let body = read_post(request, Webhooks::MAX_BODY_BYTES, RECEIVE_WITHIN).await;
    let body = body.map_err(refused)?;
    let now = server.clock.now();
    let event = server
        .webhooks
        .event(provider, about, &headers, &body, now)
        .map_err(refused)?;
    // Acknowledged once it is stored; what the journey made of it is in its history.
    match server.engine.report(provider, event).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let provider = provider.as_str();
            tracing::error!(provider, %error, "a webhook was not stored");
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// Only the token in the address vouches for it: one that was not given out here is nobody's, and nothing is stored.
pub(crate) fn vouched_for(server: &Inner, about: Option<Correlation>) -> Result<(), Problem> {
    let about = about.filter(|about| server.digests.is_ours(&about.token));
    let about = about.ok_or_else(Problem::no_route)?;
    match server.unsigned.take(about.token.expose().as_str()) {
        true => Ok(()),
        false => Err(Problem::too_many(60)),
    }
}
