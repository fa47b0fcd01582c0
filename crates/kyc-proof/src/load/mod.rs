//! Calls to a sandbox behind a network that fails, before or after the provider has done what it was asked.

pub(crate) mod chance;

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_core::bytes::Bytes;
use provider_core::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use provider_core::{
    Body, ExchangeLimits, RawResponse, Transport, TransportError, TransportErrorKind,
};

/// Ways in which an exchange breaks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// No connection.
    Unreachable,
    /// The peer is not who it should be.
    Impostor,
    /// The request is lost, and so is the connection.
    RequestLost,
    /// Nothing ever comes back; the request did not arrive.
    SilenceBefore,
    /// A gateway's word or refusal, which says nothing of what was done. Nothing was.
    FailureBefore(u16),
    /// Too many requests, with a wait or without.
    Limited(Option<&'static str>),
    /// It was done, and the connection breaks.
    ReplyLost,
    /// It was done, and nothing ever comes back.
    SilenceAfter,
    /// It was done, and a gateway says something else.
    FailureAfter(u16),
    /// It was done, and the reply is cut somewhere.
    Cut,
    /// It was done, and the reply is something else.
    Garbage,
    /// It was done, and the reply's signature is wrong. Garbage where nothing is signed.
    Forged,
}

const SIGNATURES: [HeaderName; 2] = [
    HeaderName::from_static("x-hmac-signature"),
    HeaderName::from_static("vrf-hmac-signature"),
];

/// What becomes of one exchange.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passage {
    pub(crate) fault: Option<Fault>,
    /// How long the request and the reply are on their way.
    pub(crate) out: Duration,
    pub(crate) back: Duration,
    /// The share of a cut reply that arrives.
    pub(crate) share: f64,
}

/// A transport that asks before each exchange what becomes of it.
pub(crate) struct FailingTransport<F> {
    pub(crate) inner: Arc<dyn Transport>,
    pub(crate) passage: F,
}

impl<F> fmt::Debug for FailingTransport<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FailingTransport")
    }
}

#[async_trait]
impl<F: Fn() -> Passage + Send + Sync + 'static> Transport for FailingTransport<F> {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let failed = |kind| Err(TransportError::new(kind));
        let passage = (self.passage)();
        let fault = passage.fault;
        match fault {
            Some(Fault::Unreachable) => return failed(TransportErrorKind::Connect),
            Some(Fault::SilenceBefore) => pending().await,
            _ => tokio::time::sleep(passage.out).await,
        }
        match fault {
            Some(Fault::Impostor) => return failed(TransportErrorKind::Certificate),
            Some(Fault::RequestLost) => return failed(TransportErrorKind::Interrupted),
            Some(Fault::FailureBefore(status)) => return Ok(page(status)),
            Some(Fault::Limited(wait)) => return Ok(limited(wait)),
            _ => {}
        }
        let reply = self.inner.send(request, limits).await;
        tokio::time::sleep(passage.back).await;
        let reply = match fault {
            Some(Fault::ReplyLost) => return failed(TransportErrorKind::Interrupted),
            Some(Fault::SilenceAfter) => pending().await,
            Some(Fault::FailureAfter(status)) => return Ok(page(status)),
            _ => reply?,
        };
        // Only what was done is garbled: a broken refusal inside a 2xx looks as a broken success does.
        if !reply.status().is_success() || is_refusal(reply.body()) {
            return Ok(reply);
        }
        Ok(match fault {
            Some(Fault::Cut) => {
                let end = (reply.body().len() as f64 * passage.share) as usize;
                with_body(&reply, reply.body().slice(..end))
            }
            Some(Fault::Forged) if reply.headers().contains_key(&SIGNATURES[0]) => forged(&reply),
            Some(Fault::Garbage | Fault::Forged) => {
                with_body(&reply, Bytes::from_static(b"<html>It works!</html>"))
            }
            _ => reply,
        })
    }
}

fn is_refusal(body: &[u8]) -> bool {
    let says_no = br#""success":false"#;
    body.windows(says_no.len()).any(|window| window == says_no)
}

fn page(status: u16) -> RawResponse {
    RawResponse::new(
        StatusCode::from_u16(status).unwrap(),
        HeaderMap::new(),
        Bytes::from_static(b"<html>the gateway's own page</html>"),
    )
}

fn limited(wait: Option<&'static str>) -> RawResponse {
    let mut headers = HeaderMap::new();
    if let Some(wait) = wait {
        headers.insert("retry-after", HeaderValue::from_static(wait));
    }
    RawResponse::new(StatusCode::TOO_MANY_REQUESTS, headers, Bytes::new())
}

fn with_body(reply: &RawResponse, body: Bytes) -> RawResponse {
    RawResponse::new(reply.status(), reply.headers().clone(), body)
}

fn forged(reply: &RawResponse) -> RawResponse {
    let mut headers = reply.headers().clone();
    for name in &SIGNATURES {
        if let Some(value) = headers.get_mut(name) {
            *value = HeaderValue::from_str(&"0".repeat(64)).unwrap();
        }
    }
    RawResponse::new(reply.status(), headers, reply.body().clone())
}
