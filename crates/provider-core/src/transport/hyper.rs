//! The default transport: hyper's client and its pool, without the layers that a KYC call never uses.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONNECTION;
use http::response::Parts;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::builder::TransportBuilder;
use super::builder::{Destinations, invalid};
use super::connection_failure::{never_begun, refused_certificate};
use super::connector::Connector;
use super::reply_body::{MAX_HEAD_BYTES, ResponseBody, limit_head};
use super::seam::{ExchangeLimits, Transport};
use super::streamed::{ReplyBody, StreamedResponse};
use crate::error::Error;
use crate::wire::{Body, RawResponse, ReplyHead, TransportError, TransportErrorKind};

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// HTTP/1.1 over a connection pool, and with the feature `http2` HTTP/2 where a server offers it over TLS, for calls that cost money and carry personal data.
///
/// | | |
/// |---|---|
/// | redirects | never followed: they would pass credentials and body on |
/// | retries | none, except for a request that was never written to a pooled connection |
/// | plain `http` | to loopback only and not through a proxy, unless [`allow_plain_http`](TransportBuilder::allow_plain_http) |
/// | proxy | none, unless [`proxy`](TransportBuilder::proxy): an `http` one, without a password |
/// | compression | not requested, not decoded |
/// | connecting | at most 5 s, name and TLS included, shared among the addresses of the name; not past the deadline |
/// | response head | at most 64 KiB and 100 headers; as much of interim responses before it, which are not limited over HTTP/2 |
/// | response body | as much as the operation allows, 8 MiB unless it says otherwise |
/// | connections | of HTTP/1.1 used again only where a reply can be tied to its request, see [`ExchangeLimits::may_reuse_connection`]; of HTTP/2 shared, because a stream ties them |
/// | idle connections | closed after 4 s: if the server closes first, the next POST is lost; closed when the peer sends anything |
/// | TLS | rustls with the ring provider, independent of the process default; platform roots |
///
/// Cheap to clone through an [`Arc`](std::sync::Arc); share one between clients. `ReqwestTransport` gives the same
/// guarantees and also supports proxies with a password, proxies from the environment, and the operating system's TLS.
pub struct HyperTransport {
    /// Keeps its connections.
    client: Client<Connector, Full<Bytes>>,
    /// Opens an HTTP/1.1 connection for each request, never one that another exchange has used. Keeps those of HTTP/2.
    fresh: Client<Connector, Full<Bytes>>,
    max_body_bytes: Option<usize>,
    destinations: Destinations,
}

impl HyperTransport {
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
    /// As for [`new`](HyperTransport::new); also when `pem` holds no certificate.
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
    ) -> Result<(Parts, Incoming), TransportError> {
        self.destinations.check(request.uri())?;
        if !is_plain(request.uri()) {
            return Err(invalid("url", "its path would be changed by URL parsing"));
        }
        let mut request = request.map(|body| Full::new(body.into_bytes()));
        let client = match limits.may_reuse_connection {
            true => &self.client,
            false => {
                request.headers_mut().insert(CONNECTION, CLOSE);
                &self.fresh
            }
        };
        let (head, body) = client
            .request(request)
            .await
            .map_err(classify)?
            .into_parts();
        limit_head(&head.headers)?;
        Ok((head, body))
    }

    async fn read(&self, mut incoming: Incoming, limit: usize) -> Result<Bytes, TransportError> {
        let mut body = ResponseBody::new(limit, incoming.size_hint().exact())?;
        while !body.is_whole()
            && let Some(frame) = incoming.frame().await
        {
            if let Ok(piece) = frame.map_err(broken)?.into_data() {
                body.push(piece)?;
            }
        }
        Ok(body.into_bytes())
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let (head, body) = self.begin(request, limits).await?;
        let body = self.read(body, limits.of_body(self.max_body_bytes)).await?;
        Ok(RawResponse::new(head.status, head.headers, body))
    }

    async fn open(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<StreamedResponse, TransportError> {
        let (head, body) = self.begin(request, limits).await?;
        let announced = body.size_hint().exact();
        let head = ReplyHead::new(head.status, head.headers);
        let response = StreamedResponse::new(head, announced, Pieces(body));
        Ok(response.limited_to(self.max_body_bytes.unwrap_or(usize::MAX)))
    }
}

struct Pieces(Incoming);

#[async_trait]
impl ReplyBody for Pieces {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        while let Some(frame) = self.0.frame().await {
            // A frame without data is a trailer.
            if let Ok(piece) = frame.map_err(broken)?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

fn broken(error: hyper::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Interrupted).with_source(error)
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("max_body_bytes", &self.max_body_bytes)
            .field("destinations", &self.destinations)
            .finish_non_exhaustive()
    }
}

impl TransportBuilder<HyperTransport> {
    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) that names `proxy` or `root certificates`.
    pub fn build(self) -> Result<HyperTransport, Error> {
        let connector = Connector::new(&self)?;
        let destinations = Destinations {
            allow_plain_http: self.allow_plain_http,
            proxied: self.proxy.is_some(),
            tls: connector.has_tls(),
        };
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout)
            .http1_max_buf_size(MAX_HEAD_BYTES);
        #[cfg(feature = "http2")]
        builder
            .timer(TokioTimer::new())
            // A connection that is dead without a word would fail every request that shares it.
            .http2_keep_alive_interval(super::builder::HTTP2_PING)
            .http2_keep_alive_timeout(super::builder::HTTP2_PING)
            .http2_max_header_list_size(super::builder::HTTP2_HEAD);
        let client = builder.build(connector.clone());
        // Without HTTP/2 there is nothing that it could keep.
        if cfg!(not(feature = "http2")) {
            builder.pool_max_idle_per_host(0);
        }
        Ok(HyperTransport {
            client,
            fresh: builder.build(connector.for_one_exchange()),
            max_body_bytes: self.max_body_bytes,
            destinations,
        })
    }
}

/// Finds out from the error chain how far the request got.
fn classify(error: legacy::Error) -> TransportError {
    if error.is_connect()
        && let Some(reason) = refused_certificate(&error)
    {
        // Without the cause: rustls prints the names in the certificate, which the peer chose.
        return TransportError::new(TransportErrorKind::Certificate)
            .with_message(format!("the peer's TLS certificate was refused: {reason}"));
    }
    let kind = if error.is_connect() || never_begun(&error) {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Interrupted
    };
    TransportError::new(kind).with_source(error)
}

/// Whether every parser reads path and query in the same way: only characters that RFC 3986 allows there, and no dot
/// segment in any spelling. Some parsers drop, re-encode or resolve others.
fn is_plain(uri: &Uri) -> bool {
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    // Nearly all paths have neither a dot nor a percent sign, and so no dot segment.
    let mut may_climb = false;
    path.bytes().all(|byte| {
        may_climb |= matches!(byte, b'.' | b'%');
        is_legal(byte) || byte == b'\''
    }) && query.bytes().all(|byte| is_legal(byte) || byte == b'?')
        && !(may_climb && path.split('/').any(is_dot_segment))
}

/// A legal character of both path and query: not `'` and `?`, which mean something else in one of them.
fn is_legal(byte: u8) -> bool {
    matches!(byte,
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~'
        | b'/' | b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'%')
}

fn is_dot_segment(segment: &str) -> bool {
    let rest = |text: &'_ str| -> Option<usize> {
        match text.as_bytes() {
            [b'.', ..] => Some(1),
            [b'%', b'2', b'e' | b'E', ..] => Some(3),
            _ => None,
        }
    };
    let mut left = segment;
    let mut dots = 0_u8;
    while let Some(length) = rest(left) {
        left = left.get(length..).unwrap_or_default();
        dots = dots.saturating_add(1);
    }
    left.is_empty() && matches!(dots, 1 | 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_has_legal_characters_and_no_dot_segments() {
        let plain = |text: &str| is_plain(&text.parse().unwrap());
        for text in [
            "/",
            "/v1/sessions/a-b_c.d~e",
            "/a%20b/c;d?q=1&r=%2F?",
            "/...",
            "/.a/b./..c/%2e%2ea",
            "/it's",
            "http://localhost",
        ] {
            assert!(plain(text), "{text}");
        }
        for text in [
            "/.",
            "/..",
            "/a/../b",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/%2E/b",
            "/é",
            "/\"a\"",
            "/a|b",
            "/?q='a'",
        ] {
            assert!(!plain(text), "{text}");
        }
    }
}
