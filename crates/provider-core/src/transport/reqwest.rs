//! The transport on reqwest, with everything turned off that a KYC call does not expect.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONNECTION;
use http::uri::Authority;
use http::{HeaderValue, Request, Uri};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower_layer::Layer;
use tower_service::Service;

use super::builder::TransportBuilder;
use super::builder::{Destinations, Roots, invalid};
use super::connecting::{self, BoxError, time_to_connect};
use super::connection_failure::{never_begun, refused_certificate};
use super::reply_body::{ResponseBody, limit_head};
use super::resolver::Resolver;
use super::seam::{ExchangeLimits, Transport};
use super::streamed::{ReplyBody, StreamedResponse};
use crate::error::Error;
use crate::values::InvalidRequest;
use crate::wire::{Body, RawResponse, ReplyHead, TransportError, TransportErrorKind};

/// HTTP/1.1 over a connection pool, and with the feature `http2` HTTP/2 where a server offers it over TLS, for calls that cost money and carry personal data.
///
/// | | |
/// |---|---|
/// | redirects | never followed: they would pass credentials and body on |
/// | retries | none of its own |
/// | plain `http` | to loopback only and not through a proxy, unless [`allow_plain_http`](TransportBuilder::allow_plain_http) |
/// | proxy | none, unless [`proxy`](TransportBuilder::proxy) or `system_proxy` |
/// | compression | not requested, not decoded |
/// | connecting | at most 5 s, shared among the addresses of a name; not past the deadline |
/// | response head | at most 64 KiB and 100 headers; interim responses before it are not limited |
/// | response body | as much as the operation allows, 8 MiB unless it says otherwise |
/// | connections | of HTTP/1.1 used again only where a reply can be tied to its request, see [`ExchangeLimits::may_reuse_connection`]; of HTTP/2 shared, because a stream ties them |
/// | idle connections | closed after 4 s: if the server closes first, the next POST is lost; closed when the peer sends anything |
/// | TLS | rustls with the ring provider, independent of the process default; platform roots |
///
/// Cheap to clone through an [`Arc`](std::sync::Arc); share one between clients.
pub struct ReqwestTransport {
    /// Keeps its connections.
    client: reqwest::Client,
    /// Opens an HTTP/1.1 connection for each request, never one that another exchange has used. Keeps those of HTTP/2.
    fresh: reqwest::Client,
    addresses: RwLock<Vec<Address>>,
    max_body_bytes: Option<usize>,
    destinations: Destinations,
}

/// A cached address, checked and parsed: parsing it again would cost more than anything else in a call.
struct Address {
    uri: Uri,
    url: Url,
}

impl Address {
    /// Compares bytes: another spelling of the same address is merely parsed again.
    fn has_origin(&self, uri: &Uri) -> bool {
        self.uri.authority().map(Authority::as_str) == uri.authority().map(Authority::as_str)
            && self.uri.scheme() == uri.scheme()
    }
}

/// How many addresses a transport caches; beyond that it parses.
const ADDRESSES_KEPT: usize = 16;

/// How many addresses of one host are cached: enough for operations with a fixed path. With an id in the path every address
/// differs, and only the host is worth caching.
const ADDRESSES_OF_A_HOST_KEPT: usize = 4;

impl ReqwestTransport {
    /// Creates a transport with the settings of the table above.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when TLS cannot be set up, for instance on a
    /// machine without root certificates. There is no fallback.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Creates a transport that trusts only the given certificate authorities, in PEM, instead of the platform's.
    ///
    /// # Errors
    ///
    /// As for [`new`](ReqwestTransport::new); also when `pem` holds no certificate.
    pub fn with_root_certificates(pem: &[u8]) -> Result<Self, Error> {
        Self::builder().root_certificates(pem).build()
    }

    /// Starts building a transport with settings of its own.
    pub fn builder() -> TransportBuilder<Self> {
        TransportBuilder::default()
    }

    /// Sends the request, and reads the head of the response.
    async fn begin(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<reqwest::Response, TransportError> {
        let (parts, body) = request.into_parts();
        let mut request = reqwest::Request::new(parts.method, self.url(&parts.uri)?);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(body.into_bytes().into());
        let client = match limits.may_reuse_connection {
            true => &self.client,
            false => {
                let close = HeaderValue::from_static("close");
                request.headers_mut().insert(CONNECTION, close);
                &self.fresh
            }
        };
        let response = client.execute(request).await.map_err(classify)?;
        limit_head(response.headers())?;
        Ok(response)
    }

    fn url(&self, uri: &Uri) -> Result<Url, TransportError> {
        let addresses = self.addresses.read();
        let addresses = addresses.unwrap_or_else(PoisonError::into_inner);
        let kept = addresses.len();
        let mut kept_of_host = 0_usize;
        let mut of_host = None;
        for address in addresses.iter().filter(|address| address.has_origin(uri)) {
            if address.uri.path_and_query() == uri.path_and_query() {
                return Ok(address.url.clone());
            }
            kept_of_host = kept_of_host.saturating_add(1);
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
        // The URL parser resolves dots and drops control characters; a changed path must not be sent.
        if url.path() != uri.path() || url.query() != uri.query() {
            return Err(invalid("url", "its path would be changed by URL parsing"));
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
        // Concurrent calls may have added some meanwhile.
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
        self.destinations.check(uri)?;
        let (scheme, authority) = (uri.scheme_str(), uri.authority());
        let text = format!(
            "{}://{}/",
            scheme.unwrap_or_default(),
            authority.map(Authority::as_str).unwrap_or_default()
        );
        Url::parse(&text).map_err(|_| invalid("base URL", "its host is not legal"))
    }

    async fn read(
        &self,
        mut response: reqwest::Response,
        limit: usize,
    ) -> Result<Bytes, TransportError> {
        let mut body = ResponseBody::new(limit, response.content_length())?;
        while !body.is_whole()
            && let Some(piece) = response.chunk().await.map_err(classify)?
        {
            body.push(piece)?;
        }
        Ok(body.into_bytes())
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let mut response = self.begin(request, limits).await?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let body = self
            .read(response, limits.of_body(self.max_body_bytes))
            .await?;
        Ok(RawResponse::new(status, headers, body))
    }

    async fn open(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<StreamedResponse, TransportError> {
        let mut response = self.begin(request, limits).await?;
        let announced = response.content_length();
        let headers = std::mem::take(response.headers_mut());
        let head = ReplyHead::new(response.status(), headers);
        let response = StreamedResponse::new(head, announced, Pieces(response));
        Ok(response.limited_to(self.max_body_bytes.unwrap_or(usize::MAX)))
    }
}

struct Pieces(reqwest::Response);

#[async_trait]
impl ReplyBody for Pieces {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        self.0.chunk().await.map_err(classify)
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("max_body_bytes", &self.max_body_bytes)
            .field("destinations", &self.destinations)
            .finish_non_exhaustive()
    }
}

/// Finds out from the error chain how far the request got, and strips the URL.
fn classify(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if let Some(reason) = Some(&error)
        .filter(|error| error.is_connect())
        .and_then(|error| refused_certificate(error))
    {
        // Without the cause: rustls prints the names in the certificate, which the peer chose.
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

impl TransportBuilder<ReqwestTransport> {
    /// Uses the proxy that the environment names, if it names one.
    #[cfg(feature = "system-proxy")]
    #[must_use]
    pub fn system_proxy(mut self) -> Self {
        self.system_proxy = true;
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) that names `proxy` or `root certificates`.
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        let (client, tls) = self.client(usize::MAX)?;
        // An HTTP/1.1 connection whose request says `close` is not taken back; one of HTTP/2 is.
        let (fresh, _) = self.client(if cfg!(feature = "http2") {
            usize::MAX
        } else {
            0
        })?;
        Ok(ReqwestTransport {
            client,
            fresh,
            addresses: RwLock::default(),
            max_body_bytes: self.max_body_bytes,
            destinations: Destinations {
                allow_plain_http: self.allow_plain_http,
                proxied: self.system_proxy || self.proxy.is_some(),
                tls,
            },
        })
    }

    /// A client that keeps this many idle connections to a host, and whether it has TLS.
    fn client(&self, idle_connections: usize) -> Result<(reqwest::Client, bool), Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // The limit states it once more, and avoids a copy of each request.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .referer(false)
            // Another crate in the build may turn these features of reqwest on.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .connect_timeout(self.connect_timeout)
            .connector_layer(WithinDeadline(self.connect_timeout))
            .pool_max_idle_per_host(idle_connections)
            .pool_idle_timeout(self.idle_timeout);
        #[cfg(not(feature = "http2"))]
        {
            builder = builder.http1_only();
        }
        #[cfg(feature = "http2")]
        {
            builder = builder
                // A connection that is dead without a word would fail every request that shares it.
                .http2_keep_alive_interval(super::builder::HTTP2_PING)
                .http2_keep_alive_timeout(super::builder::HTTP2_PING)
                .http2_max_header_list_size(super::builder::HTTP2_HEAD);
        }
        if let Some(resolver) = &self.resolver {
            builder = builder.dns_resolver(Names(Arc::clone(resolver)));
        }
        if !self.system_proxy {
            builder = builder.no_proxy();
        }
        if let Some(proxy) = &self.proxy {
            // reqwest's error contains the URL, which may hold a password.
            let proxy = reqwest::Proxy::all(proxy)
                .map_err(|_| InvalidRequest::new("proxy", "must be an http or https URL"))?;
            builder = builder.proxy(proxy);
        }
        let (builder, tls) = with_tls(builder, &self.roots)?;
        let client = builder.build().map_err(|error| {
            let cause = StdError::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| "no cause given".to_owned());
            InvalidRequest::new("transport", format!("cannot be set up: {cause}"))
        })?;
        Ok((client, tls))
    }
}

/// Ends connecting before the call's deadline.
#[derive(Clone)]
struct WithinDeadline(Duration);

impl<S> Layer<S> for WithinDeadline {
    type Service = ConnectWithinDeadline<S>;

    fn layer(&self, connector: S) -> ConnectWithinDeadline<S> {
        ConnectWithinDeadline {
            limit: self.0,
            connector: Arc::new(connector),
        }
    }
}

/// Shares its connector: reqwest clones the layers several times for each request, and few requests connect.
struct ConnectWithinDeadline<S> {
    limit: Duration,
    connector: Arc<S>,
}

impl<S> Clone for ConnectWithinDeadline<S> {
    fn clone(&self) -> Self {
        Self {
            limit: self.limit,
            connector: Arc::clone(&self.connector),
        }
    }
}

impl<S, R> Service<R> for ConnectWithinDeadline<S>
where
    S: Service<R, Response: 'static, Error = BoxError, Future: Send + 'static>,
    S: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    /// The connector is made ready when it connects.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: R) -> Self::Future {
        let time = time_to_connect(self.limit);
        let mut connector = S::clone(&self.connector);
        Box::pin(connecting::within(time, async move {
            poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(target).await
        }))
    }
}

/// Resolves names by the transport's resolver.
struct Names(Arc<dyn Resolver>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await?.into_iter();
            // The port is that of the URL.
            let addresses = addresses.map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// The builder with TLS, and whether TLS is available.
#[cfg(feature = "rustls")]
fn with_tls(
    builder: reqwest::ClientBuilder,
    roots: &Roots,
) -> Result<(reqwest::ClientBuilder, bool), InvalidRequest> {
    Ok(match super::tls::client_config(roots)? {
        Some(config) => (builder.tls_backend_preconfigured(config), true),
        // Set even without TLS: otherwise reqwest would look for the platform's roots.
        None => (
            builder.tls_backend_preconfigured(super::tls::without_roots()?),
            false,
        ),
    })
}

#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
fn with_tls(
    builder: reqwest::ClientBuilder,
    roots: &Roots,
) -> Result<(reqwest::ClientBuilder, bool), InvalidRequest> {
    let unusable = |rule: &'static str| InvalidRequest::new("root certificates", rule);
    let builder = builder.tls_backend_native();
    match roots {
        Roots::Platform => Ok((builder, true)),
        Roots::None => Ok((builder, false)),
        Roots::Pem(pem) => {
            let certificates =
                reqwest::Certificate::from_pem_bundle(pem).map_err(|_| unusable("not PEM"))?;
            if certificates.is_empty() {
                return Err(unusable("no certificate in the PEM text"));
            }
            Ok((builder.tls_certs_only(certificates), true))
        }
    }
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn with_tls(
    builder: reqwest::ClientBuilder,
    roots: &Roots,
) -> Result<(reqwest::ClientBuilder, bool), InvalidRequest> {
    match roots {
        Roots::Platform | Roots::None => Ok((builder, false)),
        Roots::Pem(_) => Err(super::builder::roots_without_tls()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport() -> ReqwestTransport {
        let builder = ReqwestTransport::builder().without_tls();
        builder.build().unwrap()
    }

    #[tokio::test]
    async fn reqwest_s_own_failures_keep_their_kind() {
        let client = transport().client;
        let unsent = client.get("no address").send().await.unwrap_err();
        assert_eq!(classify(unsent).kind(), TransportErrorKind::InvalidRequest);

        // Accepts the request and never answers.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/CANARY", listener.local_addr().unwrap());
        let request = client.get(address).timeout(Duration::from_millis(1));
        let late = classify(request.send().await.unwrap_err());
        assert_eq!(late.kind(), TransportErrorKind::Timeout);
        assert!(!format!("{late:?}").contains("CANARY"), "{late:?}");
    }

    #[test]
    fn a_cached_address_is_the_parsed_one() {
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
    fn a_refused_address_is_not_cached() {
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
    fn the_number_of_cached_addresses_is_bounded() {
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
}
