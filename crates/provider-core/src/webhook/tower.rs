//! The receiver as a layer: a service of verified webhooks becomes one of requests.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Empty;
use tower_layer::Layer;
use tower_service::Service;

use super::receiver::Receiver;
use super::reply::Reply;
use super::scheme::Scheme;
use super::seen::BoxError;
use super::verified::Meta;

/// Answers requests, and has the inner service handle each event once.
pub struct WebhookService<P, S> {
    receiver: Receiver<P>,
    handler: S,
}

// Derived, it would require the same of `P`.
impl<P, S: Clone> Clone for WebhookService<P, S> {
    fn clone(&self) -> Self {
        Self {
            receiver: self.receiver.clone(),
            handler: self.handler.clone(),
        }
    }
}

/// `S` is a service of `(Bytes, Meta)`, which stores and returns: see [`Verified::once`](super::Verified::once).
impl<P, S> Layer<S> for Receiver<P> {
    type Service = WebhookService<P, S>;

    fn layer(&self, handler: S) -> WebhookService<P, S> {
        let receiver = self.clone();
        WebhookService { receiver, handler }
    }
}

impl<P, S, B> Service<Request<B>> for WebhookService<P, S>
where
    P: Scheme,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    S: Service<(Bytes, Meta), Response = ()> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response<Empty<Bytes>>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    /// Always: the handler's readiness is awaited once there is an event for it, and a refused request takes none of it.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let receiver = self.receiver.clone();
        let mut handler = self.handler.clone();
        Box::pin(async move {
            let handle = move |raw, meta| async move {
                poll_fn(|context| handler.poll_ready(context))
                    .await
                    .map_err(Into::<BoxError>::into)?;
                handler.call((raw, meta)).await.map_err(Into::into)
            };
            let reply: Reply = receiver.handle(request, handle).await;
            Ok(reply.to_response())
        })
    }
}

impl<P: fmt::Debug, S> fmt::Debug for WebhookService<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookService")
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}
