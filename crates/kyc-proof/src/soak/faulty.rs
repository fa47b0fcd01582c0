//! A transport that breaks a share of the exchanges, before or after the provider has done what it was asked.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::bytes::Bytes;
use provider_core::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use provider_core::{
    Body, ExchangeLimits, RawResponse, Transport, TransportError, TransportErrorKind,
};

use super::chance::{draw, is_storm};

/// Of a hundred exchanges.
const FAULTY: u32 = 30;

/// Ways to break. Each is as likely as the others, but for the silence: it costs a whole deadline.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// No connection.
    Unreachable,
    /// The peer is not who it should be.
    Impostor,
    /// The request is lost, and so is the connection.
    RequestLost,
    /// Nothing ever comes back; the request did not arrive.
    SilenceBefore,
    /// A gateway's word, which says nothing of what was done. Nothing was.
    FailureBefore(u16),
    /// A gateway's refusal.
    Refusal(u16),
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

const FAILURES: [u16; 5] = [408, 500, 502, 503, 504];
const REFUSALS: [u16; 6] = [307, 400, 401, 404, 413, 422];
const WAITS: [Option<&str>; 3] = [None, Some("0"), Some("1")];
const SIGNATURES: [HeaderName; 2] = [
    HeaderName::from_static("x-hmac-signature"),
    HeaderName::from_static("vrf-hmac-signature"),
];

impl Fault {
    fn draw(storm: bool, random: &mut fastrand::Rng) -> Option<Self> {
        if storm {
            return Some(Self::in_a_storm(random.u32(..4)));
        }
        if random.u32(..100) >= FAULTY {
            return None;
        }
        let mut one_of = |statuses: &[u16]| statuses[random.usize(..statuses.len())];
        let (failure, refusal) = (one_of(&FAILURES), one_of(&REFUSALS));
        let wait = WAITS[random.usize(..WAITS.len())];
        // Twenty each of eleven, and one of each silence.
        Some(match random.u32(..222) {
            0..20 => Self::Unreachable,
            20..40 => Self::Impostor,
            40..60 => Self::RequestLost,
            60..80 => Self::FailureBefore(failure),
            80..100 => Self::Refusal(refusal),
            100..120 => Self::Limited(wait),
            120..140 => Self::ReplyLost,
            140..160 => Self::FailureAfter(failure),
            160..180 => Self::Cut,
            180..200 => Self::Garbage,
            200..220 => Self::Forged,
            220 => Self::SilenceBefore,
            _ => Self::SilenceAfter,
        })
    }

    /// What a circuit breaker counts: no answer, or none of the provider's.
    fn in_a_storm(choice: u32) -> Self {
        match choice {
            0 => Self::Unreachable,
            1 => Self::ReplyLost,
            2 => Self::FailureBefore(503),
            _ => Self::FailureAfter(503),
        }
    }
}

/// How often what was done.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) attempts: AtomicU64,
    pub(super) faults: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Faulty {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) count: Arc<Count>,
    /// The longest that a request or a reply is on its way.
    pub(super) longest_way: Duration,
}

#[async_trait]
impl Transport for Faulty {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let failed = |kind| Err(TransportError::new(kind));
        let storm = is_storm();
        let (fault, out, back) =
            draw(|random| (Fault::draw(storm, random), random.f64(), random.f64()));
        self.count.attempts.fetch_add(1, Ordering::Relaxed);
        if fault.is_some() {
            self.count.faults.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(self.longest_way.mul_f64(out)).await;
        match fault {
            Some(Fault::Unreachable) => return failed(TransportErrorKind::Connect),
            Some(Fault::Impostor) => return failed(TransportErrorKind::Certificate),
            Some(Fault::RequestLost) => return failed(TransportErrorKind::Interrupted),
            Some(Fault::SilenceBefore) => pending().await,
            Some(Fault::FailureBefore(status) | Fault::Refusal(status)) => return Ok(page(status)),
            Some(Fault::Limited(wait)) => return Ok(limited(wait)),
            _ => {}
        }
        let reply = self.inner.send(request, limits).await;
        tokio::time::sleep(self.longest_way.mul_f64(back)).await;
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
                let end = draw(|random| random.usize(..reply.body().len()));
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
