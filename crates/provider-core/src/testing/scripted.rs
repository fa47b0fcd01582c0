//! A transport that follows a script and records the requests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};

use crate::transport::{ExchangeLimits, ReplyBody, StreamedResponse, Transport};
use crate::wire::{Body, RawResponse, ReplyHead, TransportError, TransportErrorKind};

/// What happens to one request.
#[derive(Debug)]
pub enum Step {
    /// The peer answers.
    Respond(RawResponse),
    /// The transport fails.
    Fail(TransportErrorKind),
    /// The peer never answers.
    Hang,
    /// The peer answers with a body in these pieces, without announcing its length; the body ends as given.
    Stream(ReplyHead, Vec<Bytes>, StreamEnd),
}

/// How a streamed body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// The body is complete.
    Whole,
    /// The transport fails.
    Fail(TransportErrorKind),
    /// No more data arrives.
    Hang,
}

impl Step {
    /// An answer with this status and body.
    pub fn respond(status: u16, body: impl Into<Bytes>) -> Self {
        Self::respond_with(status, &[], body)
    }

    /// An answer with this status, headers and body.
    pub fn respond_with(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a legal header name"),
                HeaderValue::from_str(value).expect("a legal header value"),
            );
        }
        let status = StatusCode::from_u16(status).expect("a legal status");
        Self::Respond(RawResponse::new(status, map, body.into()))
    }

    /// A 200 with these headers, whose body is streamed in pieces.
    pub fn stream<B: Into<Bytes>>(
        headers: &[(&str, &str)],
        pieces: impl IntoIterator<Item = B>,
        end: StreamEnd,
    ) -> Self {
        let Self::Respond(response) = Self::respond_with(200, headers, "") else {
            panic!("an answer");
        };
        let (head, _) = response.into_parts();
        Self::Stream(head, pieces.into_iter().map(Into::into).collect(), end)
    }
}

/// One request as a transport received it. `Debug` prints neither header values nor body.
#[derive(Clone)]
pub struct Sent {
    /// The method.
    pub method: Method,
    /// The full address.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The exact body bytes.
    pub body: Bytes,
}

impl Sent {
    /// A header's text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The request as text for a golden snapshot: request line, sorted headers, body. Values of sensitive headers are
    /// replaced, so that a snapshot also proves that they are marked.
    pub fn golden(&self) -> String {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| {
                let value = if value.is_sensitive() {
                    "<sensitive>"
                } else {
                    value.to_str().unwrap_or("<opaque>")
                };
                format!("{name}: {value}")
            })
            .collect();
        headers.sort();
        format!(
            "{} {}\n{}\n\n{}",
            self.method,
            self.uri,
            headers.join("\n"),
            String::from_utf8_lossy(&self.body)
        )
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Sent({} {}, {} bytes)",
            self.method,
            self.uri.path(),
            self.body.len()
        )
    }
}

/// A transport that plays one [`Step`] per request, in order. A request beyond the script panics.
#[derive(Debug, Clone, Default)]
pub struct ScriptedTransport {
    steps: Arc<Mutex<VecDeque<Step>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl ScriptedTransport {
    /// A transport with this script. Clones share it.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: Arc::new(Mutex::new(steps.into_iter().collect())),
            sent: Arc::default(),
        }
    }

    /// The requests so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Records the request and takes the next step.
    fn take(&self, request: Request<Body>) -> Step {
        let (parts, body) = request.into_parts();
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Sent {
                method: parts.method,
                uri: parts.uri,
                headers: parts.headers,
                body: body.into_bytes(),
            });
        let step = self
            .steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        step.expect("a request beyond the script")
    }

    /// Returns the only request that was sent.
    pub fn only(&self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "requests sent");
        sent.remove(0)
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        self.open(request, limits).await?.collect().await
    }

    async fn open(
        &self,
        request: Request<Body>,
        _limits: ExchangeLimits,
    ) -> Result<StreamedResponse, TransportError> {
        match self.take(request) {
            Step::Respond(response) => Ok(response.into()),
            Step::Fail(kind) => Err(TransportError::new(kind)),
            Step::Hang => std::future::pending().await,
            Step::Stream(head, pieces, end) => {
                let body = Script(pieces.into(), end);
                Ok(StreamedResponse::new(head, None, body))
            }
        }
    }
}

struct Script(VecDeque<Bytes>, StreamEnd);

#[async_trait]
impl ReplyBody for Script {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        match (self.0.pop_front(), self.1) {
            (Some(piece), _) => Ok(Some(piece)),
            (None, StreamEnd::Whole) => Ok(None),
            (None, StreamEnd::Fail(kind)) => Err(TransportError::new(kind)),
            (None, StreamEnd::Hang) => std::future::pending().await,
        }
    }
}
