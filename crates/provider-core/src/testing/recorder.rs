//! Keeps recorded fixtures equal to what the sandbox and the client actually exchange.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GivenOut;
use super::fixture::{Expected, Fixture, Reply, Request, Source, SourceKind, observe};
use crate::call::{CallOptions, CatalogueEntry, Client};
use crate::error::Error;
use crate::transport::{ExchangeLimits, ReplyBody, StreamedResponse, Transport};
use crate::wire::{Body, Provider, RawResponse, ReplyHead, Response, TransportError};

/// What is done with a recorded exchange.
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

    /// The exchange of the last call and its result, as a fixture without a name.
    ///
    /// # Panics
    ///
    /// Nothing was exchanged.
    pub fn fixture<T: Serialize>(
        &self,
        input: &impl Serialize,
        result: &Result<Response<T>, Error>,
    ) -> Fixture {
        let input = serde_json::to_value(input).expect("a request that serialises");
        let Exchange {
            request,
            head,
            body,
        } = self.lock().take().expect("an exchange");
        Fixture {
            after: Vec::new(),
            input: Some(input).filter(|input| *input != request.body),
            source: Source {
                kind: SourceKind::Recorded,
                reference: "cargo xtask fixtures, from the sandbox with fixed ids".to_owned(),
            },
            request: Some(request),
            response: reply(&head, body),
            expected: observe(result),
            case: String::new(),
            file: String::new(),
        }
    }
}

/// The part of a recorded fixture that says how it is made.
#[derive(Deserialize)]
struct Recipe {
    #[serde(default)]
    after: Vec<String>,
    input: Option<Value>,
    request: Option<Request>,
    expected: Option<Expected>,
}

impl Recipe {
    /// Reads `directory/<operation>/<case>.json`.
    fn read(directory: &Path, name: &str) -> Self {
        let path = directory.join(format!("{name}.json"));
        let read = fs::read_to_string(&path).map_err(|error| error.to_string());
        let recipe =
            read.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        recipe.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn input(&self) -> Value {
        let body = || self.request.as_ref().map(|request| request.body.clone());
        self.input.clone().or_else(body).unwrap_or_default()
    }
}

/// Makes every recorded exchange of a catalogue anew, each in a world of its own, and compares it with its file or writes that file.
///
/// `directory` is `fixtures/<provider>`. A file `<operation>/recorded-<case>.json` holds the `input` of the call, where it is not the
/// body of the `request`, and in `after` the recorded exchanges to be made before it, such as `initialize/recorded-full`: what these
/// gave out when they were recorded stands for [what they give out now](GivenOut). The rest is what came of it: a new file needs none.
/// `client` returns a client of the world in which an exchange of this name is made, with its recorder.
///
/// # Panics
///
/// A file differs; or a success would be written as an error.
pub async fn record_catalogue<P: Provider>(
    catalogue: &[CatalogueEntry<P>],
    directory: impl AsRef<Path>,
    client: impl Fn(&str) -> (Client<P>, Recorder),
) {
    let (mode, directory) = (Mode::from_environment(), directory.as_ref());
    // As they are before the first one is written.
    let recipes = recipes(catalogue, directory);
    let of = |name: &str| {
        let found = recipes.get(name);
        found.unwrap_or_else(|| panic!("{name}: nothing of this name is recorded"))
    };
    for (name, (entry, recipe)) in &recipes {
        let (client, recorder) = client(name);
        let mut given = GivenOut::default();
        for before in &recipe.after {
            let (entry, recipe) = of(before);
            let input = given.fill(&recipe.input());
            let now = entry.call(&client, input, CallOptions::new()).await;
            // One that is refused gives nothing out.
            if let (Some(Expected::Value(recorded)), Ok(now)) = (&recipe.expected, now) {
                given.note(recorded, now.value());
            }
        }
        let input = given.fill(&recipe.input());
        let written = entry.read(input.clone());
        let written = written.unwrap_or_else(|error| panic!("{name}: `input`: {error}"));
        let result = entry.call(&client, input, CallOptions::new()).await;
        let was_value = matches!(recipe.expected, Some(Expected::Value(_)));
        if let (Mode::Write, true, Err(error)) = (mode, was_value, &result) {
            panic!("{name} was a success: {}", error.report());
        }
        let fixture = Fixture {
            after: recipe.after.clone(),
            ..recorder.fixture(&written, &result)
        };
        file(mode, directory, name, &fixture);
    }
}

type Recipes<'c, P> = BTreeMap<String, (&'c CatalogueEntry<P>, Recipe)>;

/// The recipe of every `<operation>/recorded-<case>` that there is.
fn recipes<'c, P: Provider>(
    catalogue: &'c [CatalogueEntry<P>],
    directory: &Path,
) -> Recipes<'c, P> {
    let mut recipes = BTreeMap::new();
    for entry in catalogue {
        let operation = entry.operation().name;
        let files = fs::read_dir(directory.join(operation));
        let files = files.unwrap_or_else(|error| panic!("{operation}: {error}"));
        let files = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        let cases = files.filter_map(|file| Some(file.strip_suffix(".json")?.to_owned()));
        for case in cases.filter(|case| case.starts_with("recorded-")) {
            let name = format!("{operation}/{case}");
            let recipe = Recipe::read(directory, &name);
            recipes.insert(name, (entry, recipe));
        }
    }
    assert!(
        !recipes.is_empty(),
        "{}: nothing is recorded",
        directory.display()
    );
    recipes
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
