//! The default transport: reqwest with everything that surprises turned off.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::uri::{Authority, Scheme};
use http::{Request, Uri};
use reqwest::Url;

use crate::base_url::is_loopback;
use crate::{
    Body, Error, InvalidRequest, RawResponse, Transport, TransportError, TransportErrorKind,
};

/// HTTP/1.1 over a kept pool of connections, made for calls that cost money and carry personal data.
///
/// | | |
/// |---|---|
/// | redirects | never followed: key headers and body would travel along |
/// | repeats | none of its own |
/// | plain `http` | to loopback only and not through a proxy, unless [`allow_plain_http`](ReqwestTransportBuilder::allow_plain_http) |
/// | proxy | none, unless [`proxy`](ReqwestTransportBuilder::proxy) or `system_proxy` |
/// | compression | not asked for, not decoded |
/// | connect | at most 5 s |
/// | response body | at most 8 MiB |
/// | idle connections | dropped after 4 s: a server that closes first loses the next POST |
/// | TLS | rustls with the ring provider, chosen here and not from the process default; platform roots |
///
/// Cheap to clone through an [`Arc`](std::sync::Arc); share one between clients.
pub struct ReqwestTransport {
    client: reqwest::Client,
    addresses: RwLock<Vec<Address>>,
    max_body_bytes: usize,
    allow_plain_http: bool,
    proxied: bool,
    tls: bool,
}

/// An address that was checked and parsed before: doing it again costs more than anything else in a call.
struct Address {
    uri: Uri,
    url: Url,
}

impl Address {
    /// Byte by byte: another spelling of the same address is only parsed for nothing.
    fn has_origin(&self, uri: &Uri) -> bool {
        self.uri.authority().map(Authority::as_str) == uri.authority().map(Authority::as_str)
            && self.uri.scheme() == uri.scheme()
    }
}

/// How many addresses a transport remembers; beyond that it parses.
const ADDRESSES_KEPT: usize = 16;

/// How many addresses of one host: enough for operations whose path is fixed. Where an id stands in the path each
/// address is another one, and only the host is worth remembering.
const ADDRESSES_OF_A_HOST_KEPT: usize = 4;

impl ReqwestTransport {
    /// A transport with the settings of the table above.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when TLS cannot be set up, for instance on a
    /// machine without root certificates. There is no fallback.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A transport that trusts the given certificate authorities only, in PEM, and not the platform's.
    ///
    /// # Errors
    ///
    /// As [`new`](ReqwestTransport::new); also when `pem` holds no certificate.
    pub fn with_root_certificates(pem: &[u8]) -> Result<Self, Error> {
        Self::builder().root_certificates(pem).build()
    }

    /// Begins a transport with settings of its own.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }

    /// The request as reqwest takes it. Sends nothing yet.
    fn prepare(&self, request: Request<Body>) -> Result<reqwest::Request, TransportError> {
        let (parts, body) = request.into_parts();
        let mut request = reqwest::Request::new(parts.method, self.url(&parts.uri)?);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(body.into_bytes().into());
        Ok(request)
    }

    fn url(&self, uri: &Uri) -> Result<Url, TransportError> {
        let addresses = self.addresses.read();
        let addresses = addresses.unwrap_or_else(PoisonError::into_inner);
        let kept = addresses.len();
        let mut kept_of_host = 0;
        let mut of_host = None;
        for address in addresses.iter().filter(|address| address.has_origin(uri)) {
            if address.uri.path_and_query() == uri.path_and_query() {
                return Ok(address.url.clone());
            }
            kept_of_host += 1;
            of_host = Some(address);
        }
        let of_host = of_host.map(|address| address.url.clone());
        drop(addresses);
        let mut url = match of_host {
            Some(url) => url,
            None => self.origin(uri)?,
        };
        url.set_path(uri.path());
        url.set_query(uri.query());
        // The URL parser resolves dots and drops control characters; what it changed must not be sent.
        if url.path() != uri.path() || url.query() != uri.query() {
            return Err(invalid("url", "its path does not survive parsing"));
        }
        if kept_of_host < ADDRESSES_OF_A_HOST_KEPT && kept < ADDRESSES_KEPT {
            self.remember(uri, &url);
        }
        Ok(url)
    }

    #[cold]
    fn remember(&self, uri: &Uri, url: &Url) {
        let addresses = self.addresses.write();
        let mut addresses = addresses.unwrap_or_else(PoisonError::into_inner);
        // Calls at the same time may have added some meanwhile.
        if addresses.len() < ADDRESSES_KEPT {
            addresses.push(Address {
                uri: uri.clone(),
                url: url.clone(),
            });
        }
    }

    /// The URL of the host alone, if this transport may talk to it.
    #[cold]
    fn origin(&self, uri: &Uri) -> Result<Url, TransportError> {
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
        Url::parse(&format!("{scheme}://{authority}/"))
            .map_err(|_| invalid("base URL", "its host is not legal"))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Bytes, TransportError> {
        let too_large = || {
            TransportError::new(TransportErrorKind::TooLarge).with_message(format!(
                "the response body is longer than {} bytes",
                self.max_body_bytes
            ))
        };
        let announced = response.content_length();
        if announced.is_some_and(|length| length > self.max_body_bytes as u64) {
            return Err(too_large());
        }
        let Some(first) = response.chunk().await.map_err(classify)? else {
            return Ok(Bytes::new());
        };
        if announced == Some(first.len() as u64) {
            return Ok(first);
        }
        if first.len() > self.max_body_bytes {
            return Err(too_large());
        }
        let mut body = BytesMut::from(first);
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            if chunk.len() > self.max_body_bytes.saturating_sub(body.len()) {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: Request<Body>,
        _time_left: Duration,
    ) -> Result<RawResponse, TransportError> {
        let sending = self.client.execute(self.prepare(request)?);
        let mut response = sending.await.map_err(classify)?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let body = self.read(response).await?;
        Ok(RawResponse::new(status, headers, body))
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("max_body_bytes", &self.max_body_bytes)
            .field("allow_plain_http", &self.allow_plain_http)
            .finish_non_exhaustive()
    }
}

fn invalid(field: &'static str, rule: &'static str) -> TransportError {
    TransportError::from(InvalidRequest::new(field, rule))
}

/// Decides from the chain of causes how far the request got, and strips the URL.
fn classify(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if let Some(reason) = refused_certificate(&error) {
        // Without the cause: rustls prints the names in the certificate, and those are the peer's.
        return TransportError::new(TransportErrorKind::Certificate)
            .with_message(format!("the peer's TLS certificate was refused: {reason}"));
    }
    let kind = if error.is_connect() || never_begun(&error) {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_builder() {
        TransportErrorKind::InvalidRequest
    } else {
        TransportErrorKind::Interrupted
    };
    TransportError::new(kind).with_source(error)
}

/// Whether the connection was closed before any of the request was written to it: one that was kept for too long, as a
/// rule. hyper calls that cancelled, and says so for no other reason.
fn never_begun(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_canceled();
        }
        cause = error.source();
    }
    false
}

/// Why the connection's certificate was refused, if that is the cause.
#[cfg(feature = "rustls")]
fn refused_certificate(error: &reqwest::Error) -> Option<&'static str> {
    use rustls::{CertificateError as Reason, Error as Tls};

    let mut cause = Some(error as &(dyn StdError + 'static)).filter(|_| error.is_connect());
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<Tls>() {
            return match tls {
                Tls::NoCertificatesPresented => Some("there is none"),
                Tls::InvalidCertificate(reason) => Some(match reason {
                    Reason::Expired
                    | Reason::ExpiredContext { .. }
                    | Reason::NotValidYet
                    | Reason::NotValidYetContext { .. } => "it is not valid at this time",
                    Reason::NotValidForName | Reason::NotValidForNameContext { .. } => {
                        "it is for another name"
                    }
                    Reason::UnknownIssuer | Reason::BadSignature => {
                        "no trusted authority signed it"
                    }
                    Reason::Revoked => "it was revoked",
                    _ => "it is not valid",
                }),
                _ => None,
            };
        }
        // An io::Error gives its inner error, often another io::Error, through get_ref and skips it in source.
        cause = match error.downcast_ref::<std::io::Error>() {
            Some(error) => error
                .get_ref()
                .map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(not(feature = "rustls"))]
fn refused_certificate(_error: &reqwest::Error) -> Option<&'static str> {
    // The operating system's library does not tell a refused certificate from a broken handshake.
    None
}

/// Settings of a [`ReqwestTransport`] before it is built.
#[derive(Clone)]
pub struct ReqwestTransportBuilder {
    connect_timeout: Duration,
    idle_timeout: Duration,
    max_body_bytes: usize,
    allow_plain_http: bool,
    proxy: Option<String>,
    #[cfg(feature = "system-proxy")]
    system_proxy: bool,
    roots: Roots,
}

#[derive(Clone)]
enum Roots {
    Platform,
    #[cfg_attr(
        not(any(feature = "rustls", feature = "native-tls")),
        expect(dead_code, reason = "refused whatever it holds")
    )]
    Pem(Vec<u8>),
    None,
}

impl Default for ReqwestTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(4),
            max_body_bytes: 8 * 1024 * 1024,
            allow_plain_http: false,
            proxy: None,
            #[cfg(feature = "system-proxy")]
            system_proxy: false,
            roots: Roots::Platform,
        }
    }
}

impl ReqwestTransportBuilder {
    /// How long a connection may take to be made, TLS included.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a connection is kept without use. Keep it below the server's own limit.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// The most bytes of a response body that are read.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sends over plain HTTP to other machines too, and through proxies: keys and personal data in clear.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    /// Sends everything through this proxy.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Sends through the proxy that the environment names, if it names one.
    #[cfg(feature = "system-proxy")]
    #[must_use]
    pub fn system_proxy(mut self) -> Self {
        self.system_proxy = true;
        self
    }

    /// Trusts these certificate authorities only, in PEM, and not the platform's.
    #[must_use]
    pub fn root_certificates(mut self, pem: &[u8]) -> Self {
        self.roots = Roots::Pem(pem.to_vec());
        self
    }

    /// Sets up no TLS: `https` is refused, and no root certificates are needed or read. For a sandbox on this machine.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.roots = Roots::None;
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) that names `proxy` or `root certificates`.
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // The limit says it once more, and spares a copy of each request.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .referer(false)
            // Another crate of the same build may turn these features of reqwest on.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .http1_only()
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.idle_timeout);
        #[cfg(feature = "system-proxy")]
        let environment = self.system_proxy;
        #[cfg(not(feature = "system-proxy"))]
        let environment = false;
        if !environment {
            builder = builder.no_proxy();
        }
        if let Some(proxy) = &self.proxy {
            // reqwest's error repeats the URL, which may hold a password.
            let proxy = reqwest::Proxy::all(proxy)
                .map_err(|_| InvalidRequest::new("proxy", "must be an http or https URL"))?;
            builder = builder.proxy(proxy);
        }
        let (builder, tls) = tls::configure(builder, &self.roots)?;
        let client = builder.build().map_err(|error| {
            let cause = StdError::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| "no cause given".to_owned());
            InvalidRequest::new("transport", format!("cannot be set up: {cause}"))
        })?;
        Ok(ReqwestTransport {
            client,
            addresses: RwLock::default(),
            max_body_bytes: self.max_body_bytes,
            allow_plain_http: self.allow_plain_http,
            proxied: environment || self.proxy.is_some(),
            tls,
        })
    }
}

impl fmt::Debug for ReqwestTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("allow_plain_http", &self.allow_plain_http)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "rustls")]
mod tls {
    use std::sync::Arc;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::BuilderVerifierExt;

    use super::Roots;
    use crate::{Error, InvalidRequest};

    pub(super) fn configure(
        builder: reqwest::ClientBuilder,
        roots: &Roots,
    ) -> Result<(reqwest::ClientBuilder, bool), Error> {
        let unusable = |rule: &'static str| InvalidRequest::new("root certificates", rule);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| unusable("no TLS version is available"))?;
        let config = match roots {
            Roots::Platform => config.with_platform_verifier().map_err(|_| {
                unusable("this machine has none; install ca-certificates or give your own")
            })?,
            Roots::Pem(pem) => config.with_root_certificates(store(pem)?),
            Roots::None => config.with_root_certificates(RootCertStore::empty()),
        };
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok((
            builder.tls_backend_preconfigured(config),
            !matches!(roots, Roots::None),
        ))
    }

    fn store(pem: &[u8]) -> Result<RootCertStore, InvalidRequest> {
        let unusable = |rule: &'static str| InvalidRequest::new("root certificates", rule);
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| unusable("not PEM"))?;
            store
                .add(certificate)
                .map_err(|_| unusable("not a certificate authority"))?;
        }
        if store.is_empty() {
            return Err(unusable("no certificate in the PEM text"));
        }
        Ok(store)
    }
}

#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
mod tls {
    use super::Roots;
    use crate::{Error, InvalidRequest};

    pub(super) fn configure(
        builder: reqwest::ClientBuilder,
        roots: &Roots,
    ) -> Result<(reqwest::ClientBuilder, bool), Error> {
        let unusable = |rule: &'static str| InvalidRequest::new("root certificates", rule);
        let builder = builder.tls_backend_native();
        match roots {
            Roots::Platform => Ok((builder, true)),
            Roots::None => Ok((builder, false)),
            Roots::Pem(pem) => {
                let certificates =
                    reqwest::Certificate::from_pem_bundle(pem).map_err(|_| unusable("not PEM"))?;
                if certificates.is_empty() {
                    return Err(unusable("no certificate in the PEM text").into());
                }
                Ok((builder.tls_certs_only(certificates), true))
            }
        }
    }
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
mod tls {
    use super::Roots;
    use crate::{Error, InvalidRequest};

    pub(super) fn configure(
        builder: reqwest::ClientBuilder,
        roots: &Roots,
    ) -> Result<(reqwest::ClientBuilder, bool), Error> {
        match roots {
            Roots::Platform | Roots::None => Ok((builder, false)),
            Roots::Pem(_) => Err(InvalidRequest::new(
                "root certificates",
                "this build has no TLS; enable the `rustls` or `native-tls` feature",
            )
            .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport() -> ReqwestTransport {
        let builder = ReqwestTransport::builder().without_tls();
        builder.build().unwrap()
    }

    #[test]
    fn a_remembered_address_is_the_one_that_parsing_gives() {
        let transport = transport();
        for _ in 0..3 {
            for host in [
                "127.0.0.1:1",
                "127.0.0.1:2",
                "LOCALHOST",
                "localhost",
                "[::1]:3",
            ] {
                for path in ["/", "/a", "/a/b?c=d", "/a/b", "/e", "/f%20g?", "/h"] {
                    let text = format!("http://{host}{path}");
                    let url = transport.url(&text.parse().unwrap()).unwrap();
                    assert_eq!(url, Url::parse(&text).unwrap());
                }
            }
        }
    }

    #[test]
    fn what_is_refused_is_not_remembered() {
        let transport = transport();
        for _ in 0..2 {
            for text in [
                "http://example.test/a",
                "https://localhost/a",
                "http://localhost/a/../b",
                "http://localhost/a/%2e%2E/b",
                "/a",
            ] {
                assert!(transport.url(&text.parse().unwrap()).is_err(), "{text}");
            }
            assert_eq!(transport.addresses.read().unwrap().len(), 0);
        }
        transport
            .url(&"http://localhost/a".parse().unwrap())
            .unwrap();
        assert!(
            transport
                .url(&"http://localhost/../a".parse().unwrap())
                .is_err()
        );
        assert!(
            transport
                .url(&"http://localhost:1/../a".parse().unwrap())
                .is_err()
        );
        assert!(
            transport
                .url(&"https://localhost/a".parse().unwrap())
                .is_err()
        );
    }

    #[test]
    fn few_addresses_are_remembered() {
        let transport = transport();
        let kept = |text: String| {
            transport.url(&text.parse().unwrap()).unwrap();
            transport.addresses.read().unwrap().len()
        };
        for id in 0..10 {
            let kept = kept(format!("http://localhost/sessions/{id}"));
            assert!(kept <= ADDRESSES_OF_A_HOST_KEPT);
        }
        for port in 1..50 {
            let kept = kept(format!("http://localhost:{port}/a"));
            assert!(kept <= ADDRESSES_KEPT);
        }
    }

    /// The error of a request on a connection whose server closes it, before the request or after reading it.
    async fn broken(read_first: bool) -> hyper::Error {
        use http_body_util::Full;
        use hyper_util::rt::TokioIo;
        use tokio::io::AsyncReadExt as _;

        let (near, mut far) = tokio::io::duplex(1024);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        sender.ready().await.unwrap();
        let request = Request::new(Full::new(Bytes::from_static(b"body")));
        if read_first {
            let sending = tokio::spawn(sender.send_request(request));
            far.read_u8().await.unwrap();
            drop(far);
            return sending.await.unwrap().unwrap_err();
        }
        drop(far);
        let _ = connection.await.unwrap();
        sender.send_request(request).await.unwrap_err()
    }

    #[tokio::test]
    async fn what_a_closed_connection_never_took_is_told_from_what_it_may_have() {
        assert!(never_begun(&broken(false).await));
        assert!(!never_begun(&broken(true).await));
        let deeper = TransportError::new(TransportErrorKind::Interrupted);
        assert!(never_begun(&deeper.with_source(broken(false).await)));
        assert!(!never_begun(&TransportError::new(
            TransportErrorKind::Interrupted
        )));
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let builder = ReqwestTransport::builder();
        assert_eq!(builder.connect_timeout, Duration::from_secs(5));
        assert_eq!(builder.idle_timeout, Duration::from_secs(4));
        assert_eq!(builder.max_body_bytes, 8 * 1024 * 1024);
        assert!(!builder.allow_plain_http);
        assert!(builder.proxy.is_none());
    }
}
