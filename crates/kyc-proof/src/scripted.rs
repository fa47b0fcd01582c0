//! Calls whose reply is made up beforehand. They are ready at once, so they need neither a runtime nor a socket.
#![allow(
    clippy::expect_used,
    reason = "a call that waits for something is a mistake of the proof"
)]

use std::future::IntoFuture;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use provider_core::http::{HeaderMap, StatusCode};
use provider_core::testing::{FixedClock, ScriptedTransport, Step};
use provider_core::{Client, Endpoint, Error, Provider, RawResponse, Response, RetryPolicy};

/// A reply without headers.
pub fn reply(status: StatusCode, body: impl Into<Vec<u8>>) -> RawResponse {
    RawResponse::new(status, HeaderMap::new(), body.into().into())
}

/// A client that gets this reply to its only request, and the transport that keeps the request.
///
/// Nothing is repeated and there is no deadline, so nothing asks for a timer.
pub fn client<P: Provider>(provider: P, reply: RawResponse) -> (Client<P>, ScriptedTransport) {
    let transport = ScriptedTransport::new([Step::Respond(reply)]);
    let client = Client::builder(provider)
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::default()))
        .retry(RetryPolicy::never())
        .timeout(Duration::MAX)
        .build()
        .expect("a client with a transport");
    (client, transport)
}

/// What the call of `endpoint` gives when `reply` comes back: verified, decoded, or the error.
///
/// # Errors
///
/// What the call fails with.
pub fn answer<E: Endpoint>(
    provider: E::Provider,
    endpoint: E,
    reply: RawResponse,
) -> Result<Response<E::Output>, Error> {
    let (client, _) = client(provider, reply);
    ready(client.call(endpoint))
}

/// The output of a future that has nothing to wait for.
///
/// # Panics
///
/// It waits for something.
pub fn ready<F: IntoFuture>(future: F) -> F::Output {
    let mut future = pin!(future.into_future());
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
    .expect("a future that is ready")
}
