//! Extracts verified webhooks in axum 0.8.

use axum_core::extract::{FromRef, FromRequest, Request};
use axum_core::response::{IntoResponse, Response};

use super::receiver::Receiver;
use super::reply::Reply;
use super::scheme::Scheme;
use super::verified::Verified;

/// Takes the request's body, so axum lets it be the last extractor only. The state is the [`Receiver`], or has one by `FromRef`.
impl<P, S> FromRequest<S> for Verified<P>
where
    P: Scheme,
    Receiver<P>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Reply;

    async fn from_request(request: Request, state: &S) -> Result<Self, Reply> {
        let receiver = Receiver::from_ref(state);
        let received = receiver.receive(request).await;
        received.map_err(Reply::Refused)
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.to_response()
    }
}
