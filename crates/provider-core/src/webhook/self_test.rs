//! Whether the layers around a receiver leave the bytes alone.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method, Request, Uri};

use super::diagnosis;
use super::refusal::MismatchCause;
use crate::resilience::Clock;
use crate::values::InvalidRequest;

/// Carries the random number of a self-test in progress.
const HEADER: HeaderName = HeaderName::from_static("x-webhook-self-test");

/// What a parser that prints again cannot keep: spaces, order, escapes, `1.0`, a repeated member, a newline at the end.
const JSON: &[u8] = b"{ \"b\":1.0, \"a\" : \"\\u00e9\\/\", \"a\": [1,\t2], \"c\":1e2 }\r\n";

/// `{}` as gzip: a layer that decompresses changes it.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xab, 0xae, 0x05, 0x00, 0x43, 0xbf,
    0xa6, 0xa3, 0x02, 0x00, 0x00, 0x00,
];

/// Not UTF-8: a layer that makes a text of it changes it, or refuses it.
const BINARY: &[u8] = b"\xef\xbb\xbf{\"a\":\"\xff\x00\"}";

/// What a self-test found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelfTestFailure {
    /// The receiver has no secret.
    #[error("the receiver has no secret")]
    Unconfigured,
    /// The request did not reach the receiver: another route, or a layer that answered instead.
    #[error("the request did not reach the receiver")]
    NotReached,
    /// The body was read before it reached the receiver.
    #[error("the body was read before it reached the receiver")]
    BodyConsumed,
    /// The body arrived changed.
    #[error("the body of {sent} bytes arrived changed, with {received} bytes")]
    BytesChanged {
        /// Its length.
        sent: usize,
        /// The length that arrived.
        received: usize,
        /// What was done to it, if it shows.
        cause: Option<MismatchCause>,
    },
    /// No randomness is available, so that anybody could forge the request of a self-test.
    #[error("no randomness is available")]
    NoRandomness,
}

impl From<InvalidRequest> for SelfTestFailure {
    fn from(_: InvalidRequest) -> Self {
        Self::NoRandomness
    }
}

#[derive(Debug, Default)]
pub(super) struct SelfTest(Mutex<Option<Probe>>);

/// A request of a self-test under way, and the body that arrived.
#[derive(Debug)]
struct Probe {
    number: String,
    arrived: Option<Bytes>,
}

impl SelfTest {
    fn probe(&self) -> std::sync::MutexGuard<'_, Option<Probe>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request is this receiver's own, which is then noted. Its number is random and used once.
    pub(super) fn observe(&self, headers: &HeaderMap, body: &Bytes) -> bool {
        let Some(number) = headers.get(HEADER) else {
            return false;
        };
        let mut probe = self.probe();
        match &mut *probe {
            Some(probe)
                if probe.arrived.is_none() && probe.number.as_bytes() == number.as_bytes() =>
            {
                probe.arrived = Some(body.clone());
                true
            }
            _ => false,
        }
    }

    pub(super) async fn run<F: Future>(
        &self,
        path: &Uri,
        clock: &dyn Clock,
        mut send: impl FnMut(Request<Bytes>) -> F,
    ) -> Result<(), SelfTestFailure> {
        for (body, encoding) in [(JSON, None), (GZIP, Some("gzip")), (BINARY, None)] {
            let number = format!("{:032x}", clock.random()?);
            *self.probe() = Some(Probe {
                number: number.clone(),
                arrived: None,
            });
            let mut request = Request::builder()
                .method(Method::POST)
                .uri(path.clone())
                .header(CONTENT_TYPE, "application/json")
                .header(CONTENT_LENGTH, body.len())
                .header(HEADER, number);
            if let Some(encoding) = encoding {
                request = request.header(CONTENT_ENCODING, encoding);
            }
            // All of its parts are valid.
            let Ok(request) = request.body(Bytes::from_static(body)) else {
                return Err(SelfTestFailure::NotReached);
            };
            send(request).await;
            let probe = self.probe().take();
            let arrived = probe.and_then(|probe| probe.arrived);
            let arrived = arrived.ok_or(SelfTestFailure::NotReached)?;
            if arrived.is_empty() {
                return Err(SelfTestFailure::BodyConsumed);
            }
            if arrived != body {
                let cause = match encoding {
                    Some(_) => Some(MismatchCause::ContentEncoding),
                    None => diagnosis::change(body, &arrived),
                };
                return Err(SelfTestFailure::BytesChanged {
                    sent: body.len(),
                    received: arrived.len(),
                    cause,
                });
            }
        }
        Ok(())
    }
}
