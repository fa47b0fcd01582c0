//! Keeps recorded fixtures equal to what the sandbox and the client really exchange.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::fixture::{Fixture, Reply, Request, Source, SourceKind, observe};
use crate::error::Error;
use crate::transport::{ExchangeLimits, Transport};
use crate::wire::TransportError;
use crate::wire::{Body, RawResponse, Response};

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

/// A transport that passes one exchange on and keeps it.
#[derive(Debug, Clone)]
pub struct Recorder {
    inner: Arc<dyn Transport>,
    exchange: Arc<Mutex<Option<(Request, Reply)>>>,
}

impl Recorder {
    /// Records what goes through `inner`.
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            exchange: Arc::default(),
        }
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
        let exchange = self
            .exchange
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let (request, response) = exchange.expect("an exchange");
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
        };
        let mut text = serde_json::to_string_pretty(&fixture).expect("a fixture that serialises");
        text.push('\n');
        let path: PathBuf = directory.as_ref().join(format!("{case}.json"));
        match mode {
            Mode::Write => {
                fs::create_dir_all(directory.as_ref()).expect("a writable fixtures directory");
                fs::write(&path, text).expect("a writable fixtures directory");
            }
            Mode::Check => {
                let on_file = fs::read_to_string(&path).unwrap_or_default();
                // By value: a crate of the build may ask serde_json to keep the order of members.
                let value = |text: &str| serde_json::from_str::<Value>(text).ok();
                assert!(
                    value(&on_file) == value(&text),
                    "fixtures: {case}.json differs from what is exchanged now; run `cargo xtask fixtures`, then read the change"
                );
            }
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
        let recorded = Request {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            // The user agent has the version in it, which is no part of the exchange.
            headers: headers(request.headers(), |name| name != "user-agent"),
            body: serde_json::from_slice(request.body().as_ref()).unwrap_or(Value::Null),
        };
        let response = self.inner.send(request, limits).await?;
        let reply = Reply {
            status: response.status().as_u16(),
            headers: headers(response.headers(), |name| {
                name != "date" && name != "content-length"
            }),
            body: None,
            body_text: Some(String::from_utf8_lossy(response.body()).into_owned()),
        };
        *self.exchange.lock().unwrap_or_else(PoisonError::into_inner) = Some((recorded, reply));
        Ok(response)
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
