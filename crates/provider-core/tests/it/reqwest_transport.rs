//! The transport on reqwest.

pub(crate) type Tested = provider_core::ReqwestTransport;

use std::time::Duration;

use provider_core::{Client, ErrorKind};

use crate::server::{End, Reply, Server};
use crate::toy::{Toy, UnsafeOrder};

/// reqwest hands over no connection whose bytes could be counted: the deadline is what limits a flood.
#[tokio::test]
async fn a_flood_of_interim_responses_ends_at_the_deadline() {
    let server = Server::start([Reply::Interim(usize::MAX)]).await;
    let transport = Tested::builder().without_tls().build().unwrap();
    let client =
        Client::builder(Toy::at(&server.url(""))).transport(std::sync::Arc::new(transport));
    let client = client.build().unwrap();
    let call = client.call(UnsafeOrder::new());
    let error = call.with_timeout(Duration::from_millis(100)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
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
