//! The default transport, on hyper.

pub(crate) type Tested = provider_core::HyperTransport;

use provider_core::http::Request;
use provider_core::{Body, ExchangeLimits, Transport as _, TransportErrorKind};

use crate::server::{End, PATIENCE, Reply, Server};

/// A deadline would end it too: only the flood's own limit can be the reason before the minute is over.
#[tokio::test]
async fn a_flood_of_interim_responses_is_given_up() {
    let server = Server::start([Reply::Interim(usize::MAX)]).await;
    let transport = Tested::builder().without_tls().build().unwrap();
    let mut request = Request::new(Body::default());
    *request.uri_mut() = server.url("/v1").parse().unwrap();
    let limits = ExchangeLimits::new(PATIENCE, 1024);
    let error = transport.send(request, limits).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Interrupted);
    assert_eq!(server.end().await, End::Client);
    assert_eq!(server.requests().len(), 1);
}

#[allow(
    clippy::duplicate_mod,
    reason = "the same tests run for each transport"
)]
#[path = "socket_transport.rs"]
mod socket_transport;

#[allow(
    clippy::duplicate_mod,
    reason = "the same tests run for each transport"
)]
#[path = "socket_downloads.rs"]
mod socket_downloads;
