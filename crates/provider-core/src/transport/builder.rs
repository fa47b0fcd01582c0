//! The settings that the socket transports have in common.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;

use super::resolver::Resolver;
use crate::values::{InvalidRequest, is_loopback};
use crate::wire::TransportError;

/// How often an HTTP/2 connection with requests in flight is asked whether it is alive, and how long its answer may take.
#[cfg(feature = "http2")]
pub(crate) const HTTP2_PING: Duration = Duration::from_secs(5);

/// The largest head that HTTP/2 decodes.
#[cfg(feature = "http2")]
pub(crate) const HTTP2_HEAD: u32 = 64 * 1024;

/// The settings of a `HyperTransport` or a `ReqwestTransport` before it is built.
#[derive(Clone)]
pub struct TransportBuilder<T> {
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_body_bytes: Option<usize>,
    pub(crate) allow_plain_http: bool,
    pub(crate) proxy: Option<String>,
    pub(crate) resolver: Option<Arc<dyn Resolver>>,
    #[cfg(feature = "reqwest")]
    pub(crate) system_proxy: bool,
    pub(crate) roots: Roots,
    transport: PhantomData<fn() -> T>,
}

/// The certificate authorities that TLS trusts.
#[derive(Clone)]
pub(crate) enum Roots {
    Platform,
    #[cfg_attr(
        not(any(feature = "rustls", feature = "native-tls")),
        expect(dead_code, reason = "refused whatever its value")
    )]
    Pem(Vec<u8>),
    None,
}

impl<T> Default for TransportBuilder<T> {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(4),
            max_body_bytes: None,
            allow_plain_http: false,
            proxy: None,
            resolver: None,
            #[cfg(feature = "reqwest")]
            system_proxy: false,
            roots: Roots::Platform,
            transport: PhantomData,
        }
    }
}

impl<T> TransportBuilder<T> {
    /// Sets how long connecting may take, resolving the name and TLS handshake included. The time is shared among the addresses
    /// of a name: a quarter of it for each of four.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long an idle connection is kept. Stay below the server's own limit.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Limits every response's body, where an operation allows a longer one.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = Some(bytes);
        self
    }

    /// Allows plain HTTP to other machines and through proxies: keys and personal data then travel unencrypted.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    /// Resolves the names of hosts with `resolver` instead of the operating system.
    #[must_use]
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Sends all requests through this proxy.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Trusts only these certificate authorities, in PEM, instead of the platform's.
    #[must_use]
    pub fn root_certificates(mut self, pem: &[u8]) -> Self {
        self.roots = Roots::Pem(pem.to_vec());
        self
    }

    /// Disables TLS: `https` is refused, and no root certificates are needed or read. For a sandbox on this machine.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.roots = Roots::None;
        self
    }
}

impl<T> fmt::Debug for TransportBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("allow_plain_http", &self.allow_plain_http)
            .finish_non_exhaustive()
    }
}

/// Which addresses a transport may send to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destinations {
    pub(crate) allow_plain_http: bool,
    pub(crate) proxied: bool,
    pub(crate) tls: bool,
}

impl Destinations {
    /// Refuses an address that is not absolute, plain HTTP to another machine, and `https` without TLS.
    pub(crate) fn check(self, uri: &Uri) -> Result<(), TransportError> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(invalid("url", "is not absolute"));
        };
        if *scheme == Scheme::HTTP {
            if !self.allow_plain_http && !is_loopback(authority.host()) {
                return Err(invalid(
                    "base URL",
                    "plain http is allowed to this machine only; use https, or allow plain http explicitly",
                ));
            }
            if !self.allow_plain_http && self.proxied {
                return Err(invalid(
                    "base URL",
                    "plain http through a proxy can leave this machine; use https, or allow plain http explicitly",
                ));
            }
        } else if !self.tls {
            return Err(invalid(
                "base URL",
                "https needs a transport with TLS; enable the `rustls` or `native-tls` feature",
            ));
        }
        Ok(())
    }
}

/// Why a build without TLS accepts no root certificates.
#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
pub(crate) fn roots_without_tls() -> InvalidRequest {
    InvalidRequest::new(
        "root certificates",
        "this build has no TLS; enable the `rustls` or `native-tls` feature",
    )
}

pub(crate) fn invalid(field: &'static str, rule: &'static str) -> TransportError {
    TransportError::from(InvalidRequest::new(field, rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let builder = TransportBuilder::<()>::default();
        assert_eq!(builder.connect_timeout, Duration::from_secs(5));
        assert_eq!(builder.idle_timeout, Duration::from_secs(4));
        assert_eq!(builder.max_body_bytes, None);
        assert!(!builder.allow_plain_http);
        #[cfg(feature = "reqwest")]
        assert!(!builder.system_proxy);
        assert!(builder.proxy.is_none());
        assert!(matches!(builder.roots, Roots::Platform));
    }
}
