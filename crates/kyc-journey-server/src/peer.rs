//! Who is at the other end of a connection.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use provider_core::http::request::Parts;

/// Whoever is at the other end of the connection, as far as shares tell them apart: by address, of IPv6 by the network, of which one
/// machine has every address. `None`: whoever serves the router does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Peer(Option<IpAddr>);

impl Peer {
    fn of(address: IpAddr) -> Self {
        /// The first 64 bits.
        const NETWORK: u128 = !(u64::MAX as u128);

        Self(Some(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
            address => address,
        }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let told = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(told.map_or(Self(None), |ConnectInfo(peer)| Self::of(peer.ip())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_an_address_or_a_network() {
        let peer = |text: &str| text.parse().map(Peer::of).ok();
        assert_ne!(peer("203.0.113.7"), peer("203.0.113.8"));
        assert_eq!(peer("203.0.113.7"), peer("::ffff:203.0.113.7"));
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:0:0:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
    }
}
