//! How the hyper transport connects: directly or through a proxy, in plain text or over TLS, within a time limit.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::vec;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::builder::TransportBuilder;
use super::connecting::{self, BoxError, time_to_connect};
use super::interim::InterimResponses;
use super::resolver::Resolver;
use crate::values::InvalidRequest;

/// Opens connections for hyper's pool, which clones it for each request.
#[derive(Clone)]
pub(crate) struct Connector {
    settings: Arc<Settings>,
    one_exchange: bool,
}

struct Settings {
    tcp: HttpConnector<Names>,
    tls: Tls,
    proxy: Option<Uri>,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new<T>(settings: &TransportBuilder<T>) -> Result<Self, InvalidRequest> {
        let mut tcp = HttpConnector::new_with_resolver(Names(settings.resolver.clone()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(15)));
        Ok(Self {
            settings: Arc::new(Settings {
                tcp,
                tls: Tls::new(settings)?,
                proxy: settings.proxy.as_deref().map(proxy).transpose()?,
                timeout: settings.connect_timeout,
            }),
            one_exchange: false,
        })
    }

    /// The same connector, whose HTTP/1.1 connections carry one exchange each: the pool takes none of them back.
    pub(crate) fn for_one_exchange(&self) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            one_exchange: true,
        }
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.settings.tls.is_enabled()
    }
}

impl Settings {
    async fn connect(
        self: Arc<Self>,
        uri: Uri,
        time: Duration,
    ) -> Result<TokioIo<Stream>, BoxError> {
        let mut tcp = self.tcp.clone();
        // Shared among the addresses of the name: one that is not reachable must not use up the time of all others.
        tcp.set_connect_timeout(Some(time));
        let secured = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().unwrap_or_default().to_owned();
        let proxied = self.proxy.is_some();
        let first = self.proxy.as_ref().unwrap_or(&uri).clone();
        poll_fn(|context| tcp.poll_ready(context)).await?;
        let tcp: BoxIo = Box::new(tcp.call(first).await?.into_inner());
        let (io, is_http2) = match (secured, proxied) {
            (false, _) => (tcp, false),
            (true, false) => self.tls.secure(&host, tcp).await?,
            (true, true) => {
                let through = tunnel(tcp, &uri).await?;
                self.tls.secure(&host, through).await?
            }
        };
        // A plain-text request is sent to the proxy itself.
        let mut stream = Stream::new(io, proxied && !secured);
        if is_http2 {
            stream.inner_mut().interim = None;
        }
        Ok(stream)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    /// The connector is made ready when it connects.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let time = time_to_connect(self.settings.timeout);
        let (settings, one_exchange) = (Arc::clone(&self.settings), self.one_exchange);
        Box::pin(connecting::within(time, async move {
            let mut stream = settings.connect(uri, time).await?;
            stream.inner_mut().one_exchange = one_exchange;
            Ok(stream)
        }))
    }
}

/// Resolves names by the transport's resolver, or by the operating system's.
#[derive(Clone)]
struct Names(Option<Arc<dyn Resolver>>);

impl Service<Name> for Names {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.0.clone();
        Box::pin(async move {
            // The port is that of the URL.
            let addresses: Vec<_> = match resolver {
                Some(resolver) => {
                    let addresses = resolver.resolve(name.as_str()).await?.into_iter();
                    addresses.map(|ip| SocketAddr::new(ip, 0)).collect()
                }
                None => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
            };
            Ok(addresses.into_iter())
        })
    }
}

/// An `http` URL of a host and nothing else.
fn proxy(text: &str) -> Result<Uri, InvalidRequest> {
    let refused = |rule| Err(InvalidRequest::new("proxy", rule));
    let Ok(uri) = text.parse::<Uri>() else {
        return refused("must be an http URL");
    };
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    if uri.scheme() != Some(&Scheme::HTTP) || uri.host().is_none_or(str::is_empty) {
        return refused("must be an http URL; the reqwest transport takes others");
    }
    if authority.contains('@') {
        return refused("has a user name; the reqwest transport takes one");
    }
    if uri
        .path_and_query()
        .is_some_and(|path| path.as_str() != "/")
    {
        return refused("must have neither path nor query");
    }
    Ok(uri)
}

/// Asks the proxy to connect to the host of `uri`.
///
/// Uses the same types as the pool, so that hyper's client is compiled for them once.
async fn tunnel(tcp: BoxIo, uri: &Uri) -> Result<BoxIo, BoxError> {
    let port = uri.port_u16().unwrap_or(443);
    let target = format!("{}:{port}", uri.host().unwrap_or_default());
    let mut request = Request::new(Full::<Bytes>::default());
    *request.method_mut() = Method::CONNECT;
    request
        .headers_mut()
        .insert(http::header::HOST, target.parse()?);
    *request.uri_mut() = target.parse()?;
    let stream = Stream::new(tcp, true);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    // The task ends with the tunnel, or with this future.
    tokio::spawn(connection.with_upgrades());
    let response = sender.send_request(request).await?;
    if !response.status().is_success() {
        let status = response.status().as_u16();
        return Err(format!("the proxy refused the tunnel: HTTP {status}").into());
    }
    let upgraded = hyper::upgrade::on(response).await?;
    Ok(Box::new(TokioIo::new(upgraded)))
}

#[cfg(feature = "rustls")]
#[derive(Clone)]
struct Tls(Option<tokio_rustls::TlsConnector>);

#[cfg(feature = "rustls")]
impl Tls {
    fn new<T>(settings: &TransportBuilder<T>) -> Result<Self, InvalidRequest> {
        let config = super::tls::client_config(&settings.roots)?;
        Ok(Self(
            config.map(|config| std::sync::Arc::new(config).into()),
        ))
    }

    fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// The stream over TLS, and whether the server has chosen HTTP/2.
    async fn secure(&self, host: &str, stream: BoxIo) -> Result<(BoxIo, bool), BoxError> {
        let Some(connector) = &self.0 else {
            return Err("there is no TLS".into());
        };
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let name = rustls::pki_types::ServerName::try_from(name.to_owned())?;
        let stream = connector.connect(name, stream).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Box::new(stream), is_http2))
    }
}

#[cfg(not(feature = "rustls"))]
#[derive(Clone)]
struct Tls;

#[cfg(not(feature = "rustls"))]
impl Tls {
    fn new<T>(settings: &TransportBuilder<T>) -> Result<Self, InvalidRequest> {
        match settings.roots {
            super::builder::Roots::Pem(_) => Err(super::builder::roots_without_tls()),
            _ => Ok(Self),
        }
    }

    fn is_enabled(&self) -> bool {
        false
    }

    async fn secure(&self, _: &str, _: BoxIo) -> Result<(BoxIo, bool), BoxError> {
        Err("there is no TLS".into())
    }
}

/// Any stream of bytes.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

type BoxIo = Box<dyn Io>;

/// A connection in hyper's pool.
pub(crate) struct Stream {
    io: BoxIo,
    proxied: bool,
    one_exchange: bool,
    /// `None` for HTTP/2, whose frames are not counted here.
    interim: Option<InterimResponses>,
}

impl Stream {
    fn new(io: BoxIo, proxied: bool) -> TokioIo<Self> {
        TokioIo::new(Self {
            io,
            proxied,
            one_exchange: false,
            interim: Some(InterimResponses::default()),
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied);
        if self.interim.is_none() {
            return connected.negotiated_h2();
        }
        if self.one_exchange {
            connected.poison();
        }
        connected
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(match &mut self.interim {
            Some(interim) => interim.read(read),
            None => Ok(()),
        })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(interim) = &mut self.interim {
            interim.written();
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(interim) = &mut self.interim {
            interim.written();
        }
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_only_a_host() {
        for text in ["http://forward.example.test:3128", "http://127.0.0.1:1/"] {
            assert!(proxy(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "canary",
            "https://canary.example.test",
            "socks5://canary.example.test",
            "http://person:canary@forward.example.test",
            "http://person:canary@",
            "http://forward.example.test/canary",
            "http://forward.example.test?canary",
        ] {
            let error = proxy(text).unwrap_err();
            assert_eq!(error.field(), "proxy", "{text}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
