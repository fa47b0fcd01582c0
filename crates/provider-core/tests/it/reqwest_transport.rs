//! The transport on reqwest.

pub(crate) type Tested = provider_core::ReqwestTransport;

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
