//! Keeps recorded fixtures equal to what the sandbox and the client actually exchange.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::fixture::{Fixture, Reply, Request, Source, SourceKind, observe};
use crate::error::Error;
use crate::transport::{ExchangeLimits, ReplyBody, StreamedResponse, Transport};
use crate::wire::{Body, RawResponse, ReplyHead, Response, TransportError};

/// What [`Recorder::finish`] does with an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Compares it with the file.
    Check,
    /// Writes the file.
    Write,
}

impl Mode {
    /// [`Mode::Write`] if the variable `FIXTURES` is `write`, as `cargo xtask fixtures` sets it; else [`Mode::Check`].
    pub fn from_environment() -> Self {
        if std::env::var("FIXTURES").is_ok_and(|mode| mode == "write") {
            Self::Write
        } else {
            Self::Check
        }
    }
}

/// A transport that forwards one exchange and records it.
#[derive(Debug, Clone)]
pub struct Recorder {
    inner: Arc<dyn Transport>,
    exchange: Arc<Mutex<Option<Exchange>>>,
}

#[derive(Debug)]
struct Exchange {
    request: Request,
    head: ReplyHead,
    body: Vec<u8>,
}

impl Recorder {
    /// Records the exchange of `inner`.
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            exchange: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Exchange>> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, exchange: Exchange) {
        *self.lock() = Some(exchange);
    }

    /// Compares the exchange and its result with `directory/case.json`, or writes that file.
    ///
    /// # Panics
    ///
    /// The file differs, or nothing was exchanged.
    pub fn finish<T: Serialize>(
        &self,
        mode: Mode,
        directory: impl AsRef<Path>,
        case: &str,
        input: &impl Serialize,
        result: &Result<Response<T>, Error>,
    ) {
        let Exchange {
            request,
            head,
            body,
        } = self.lock().take().expect("an exchange");
        let response = reply(&head, body);
        let input = serde_json::to_value(input).expect("a request that serialises");
        let fixture = Fixture {
            input: Some(input).filter(|input| *input != request.body),
            source: Source {
                kind: SourceKind::Recorded,
                reference: "cargo xtask fixtures, from the sandbox with fixed ids".to_owned(),
            },
            request: Some(request),
            response,
            expected: observe(result),
            case: case.to_owned(),
            file: format!("{case}.json"),
        };
        file(mode, directory.as_ref(), case, &fixture);
    }
}

/// Compares what was recorded with `directory/case.json`, or writes that file.
pub(super) fn file(mode: Mode, directory: &Path, case: &str, recorded: &impl Serialize) {
    let mut text = serde_json::to_string_pretty(recorded).expect("a fixture that serialises");
    text.push('\n');
    let path = directory.join(format!("{case}.json"));
    match mode {
        Mode::Write => {
            fs::create_dir_all(directory).expect("a writable fixtures directory");
            fs::write(&path, text).expect("a writable fixtures directory");
        }
        Mode::Check => {
            let on_file = fs::read_to_string(&path).unwrap_or_default();
            // Compared by value: a crate in the build may have made serde_json keep the order of members.
            let value = |text: &str| serde_json::from_str::<Value>(text).ok();
            assert!(
                value(&on_file) == value(&text),
                "fixtures: {case}.json differs from what is recorded now; run `cargo xtask fixtures`, then review the change"
            );
        }
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn send(
        &self,
        request: http::Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let recorded = recorded(&request);
        let response = self.inner.send(request, limits).await?;
        let (head, body) = response.clone().into_parts();
        self.keep(Exchange {
            request: recorded,
            head,
            body: body.to_vec(),
        });
        Ok(response)
    }

    async fn open(
        &self,
        request: http::Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<StreamedResponse, TransportError> {
        let recorded = recorded(&request);
        let response = self.inner.open(request, limits).await?;
        let head = response.head().clone();
        self.keep(Exchange {
            request: recorded,
            head: head.clone(),
            body: Vec::new(),
        });
        let pieces = Pieces {
            inner: response,
            recorder: self.clone(),
        };
        Ok(StreamedResponse::new(head, None, pieces))
    }
}

/// A body that is being received, and a copy of it.
struct Pieces {
    inner: StreamedResponse,
    recorder: Recorder,
}

#[async_trait]
impl ReplyBody for Pieces {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        let piece = self.inner.next_piece().await?;
        let mut exchange = self.recorder.lock();
        if let (Some(piece), Some(exchange)) = (&piece, &mut *exchange) {
            exchange.body.extend_from_slice(piece);
        }
        Ok(piece)
    }
}

fn recorded(request: &http::Request<Body>) -> Request {
    Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        // The user agent contains the version, which is not part of the exchange.
        headers: headers(request.headers(), |name| name != "user-agent"),
        body: serde_json::from_slice(request.body().as_ref()).unwrap_or(Value::Null),
    }
}

fn reply(head: &ReplyHead, body: Vec<u8>) -> Reply {
    let (body_text, body_hex) = match String::from_utf8(body) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(hex::encode(error.as_bytes()))),
    };
    Reply {
        status: head.status().as_u16(),
        headers: headers(head.headers(), |name| {
            name != "date" && name != "content-length"
        }),
        body: None,
        body_text,
        body_hex,
    }
}

fn headers(headers: &http::HeaderMap, kept: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    headers
        .iter()
        .filter(|(name, _)| kept(name.as_str()))
        .map(|(name, value)| {
            let text = if value.is_sensitive() {
                "<sensitive>"
            } else {
                value.to_str().unwrap_or("<opaque>")
            };
            (name.as_str().to_owned(), text.to_owned())
        })
        .collect()
}
