//! Stored exchanges: `fixtures/<provider>/<operation>/<case>.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scripted::{ScriptedTransport, Sent, Step};
use crate::call::{CallOptions, CatalogueEntry, Client};
use crate::error::Error;
use crate::resilience::RetryPolicy;
use crate::wire::{Provider, RawResponse, Response};

/// An exchange: the request, the reply, and the client's result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fixture {
    /// The source of the fixture.
    pub source: Source,
    /// The recorded exchanges that are made before this one, if it is recorded: `<operation>/<case>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// The request as the client accepts it, where that differs from the body: path segments and query parameters are
    /// members of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The HTTP request; absent where the documentation shows only the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The HTTP reply.
    pub response: Reply,
    /// The client's result.
    pub expected: Expected,
    /// The file's name without its extension.
    #[serde(skip)]
    pub case: String,
    /// The file, below the directory of all fixtures: `<provider>/<operation>/<case>.json`.
    #[serde(skip)]
    pub file: String,
}

/// The source of a fixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Who wrote it.
    pub kind: SourceKind,
    /// The provider's page and mark, or the command that recorded it.
    pub reference: String,
}

/// Who wrote a fixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Entered from the provider's documentation; never regenerated.
    Documented,
    /// Written by `cargo xtask fixtures` from the sandbox.
    Recorded,
}

/// A stored request. The values of secret headers are replaced by `<sensitive>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path below the base URL.
    pub path: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The JSON body; null if there is none.
    #[serde(default)]
    pub body: Value,
}

/// A stored reply: `body` for JSON, `body_text` where the exact bytes matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The relevant headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The exact text of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_text: Option<String>,
    /// The exact bytes of the body in hexadecimal digits, where they are not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_hex: Option<String>,
}

/// The client's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// The decoded value, encoded again.
    Value(Value),
    /// The error.
    Error(ExpectedError),
}

/// The part of an error that a fixture fixes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedError {
    /// [`ErrorKind::as_str`](crate::ErrorKind::as_str).
    pub kind: String,
    /// [`Outcome::as_str`](crate::Outcome::as_str).
    pub outcome: String,
    /// The provider's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Fixture {
    /// Reads all fixtures of an operation, by name. `directory` is `fixtures/<provider>/<operation>`.
    pub fn all(directory: impl AsRef<Path>) -> Vec<Self> {
        let directory = directory.as_ref();
        let mut paths: Vec<PathBuf> = fs::read_dir(directory)
            .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .collect();
        paths.sort();
        assert!(!paths.is_empty(), "{}: no fixture", directory.display());
        paths.iter().map(Self::read).collect()
    }

    /// Reads one fixture.
    pub fn read(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let text =
            fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut fixture: Self = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        fixture.case = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
            .to_owned();
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        let below = parts.get(parts.len().saturating_sub(3)..);
        fixture.file = below.unwrap_or_default().join("/");
        fixture
    }

    /// The reply as a step of a [`ScriptedTransport`].
    pub fn step(&self) -> Step {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.response.headers {
            headers.insert(
                HeaderName::from_bytes(name.as_bytes())
                    .unwrap_or_else(|error| panic!("{}: header {name}: {error}", self.file)),
                HeaderValue::from_str(value)
                    .unwrap_or_else(|error| panic!("{}: header {name}: {error}", self.file)),
            );
        }
        let reply = &self.response;
        let body = match (&reply.body_hex, &reply.body_text, &reply.body) {
            (Some(digits), _, _) => hex::decode(digits)
                .unwrap_or_else(|error| panic!("{}: body_hex: {error}", self.file)),
            (None, Some(text), _) => text.clone().into_bytes(),
            (None, None, Some(value)) => value.to_string().into_bytes(),
            (None, None, None) => Vec::new(),
        };
        let status = StatusCode::from_u16(self.response.status)
            .unwrap_or_else(|error| panic!("{}: status: {error}", self.file));
        Step::Respond(RawResponse::new(status, headers, body.into()))
    }

    /// The request as the client accepts it; `None` where the documentation shows only the reply.
    pub fn input(&self) -> Option<&Value> {
        self.input
            .as_ref()
            .or_else(|| self.request.as_ref().map(|request| &request.body))
    }

    /// The request as an operation reads it and writes it again.
    ///
    /// # Panics
    ///
    /// It is not in the operation's form.
    pub fn read_input<P: Provider>(&self, entry: &CatalogueEntry<P>, input: Value) -> Value {
        let absent = match (&self.input, &self.request) {
            (None, Some(_)) => ", which is absent, so that the body of `request` is taken for it",
            (None, None) => ", which is absent, so that the test's own is taken",
            (Some(_), _) => "",
        };
        entry.read(input).unwrap_or_else(|error| {
            panic!(
                "{}: `input`{absent}: no request of {}: {error}",
                self.file,
                entry.operation()
            )
        })
    }

    /// What is different between the expected and the actual result, a line a path.
    pub fn check<T: Serialize>(&self, result: &Result<Response<T>, Error>) -> Vec<String> {
        let in_json = |expected| match expected {
            Expected::Value(value) => value,
            Expected::Error(error) => serde_json::to_value(error).expect("plain strings"),
        };
        differences(&in_json(self.expected.clone()), &in_json(observe(result)))
            .into_iter()
            .map(|line| format!("{}: {line}", self.file))
            .collect()
    }

    /// Lists the differences between the stored request and the one that was sent, one path per line. Empty if no request
    /// is stored.
    pub fn check_request(&self, sent: &Sent) -> Vec<String> {
        let Some(request) = &self.request else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        if request.method != sent.method.as_str() || !sent.uri.path().ends_with(&request.path) {
            lines.push(format!(
                "{}: sent {} {}",
                self.file,
                sent.method,
                sent.uri.path()
            ));
        }
        for (name, value) in &request.headers {
            let found = sent.headers.get_all(name).iter().collect::<Vec<_>>();
            let matches = match found.as_slice() {
                [one] if one.is_sensitive() => value == "<sensitive>",
                [one] => one.as_bytes() == value.as_bytes(),
                _ => false,
            };
            if !matches {
                lines.push(format!(
                    "{}: header {name}, sent {} times, differs",
                    self.file,
                    found.len()
                ));
            }
        }
        let body = if sent.body.is_empty() {
            Value::Null
        } else {
            sent.json()
        };
        lines.extend(
            differences(&request.body, &body)
                .into_iter()
                .map(|line| format!("{}: body {line}", self.file)),
        );
        lines
    }
}

/// Checks the fixtures of every operation of a catalogue: the client sends the stored request, decodes the reply to the
/// expected value or error, and loses no field.
///
/// `directory` is `fixtures/<provider>`; `default_input` returns the request of an operation where the documentation shows
/// only the reply. `client` receives the fixture for the settings that it needs.
pub async fn check_catalogue<P: Provider>(
    catalogue: &[CatalogueEntry<P>],
    directory: impl AsRef<Path>,
    default_input: impl Fn(&str) -> Value,
    client: impl Fn(&Fixture, ScriptedTransport) -> Client<P>,
) {
    let mut lines = Vec::new();
    for entry in catalogue {
        let name = entry.operation().name;
        for fixture in Fixture::all(directory.as_ref().join(name)) {
            let transport = ScriptedTransport::new([fixture.step()]);
            let client = client(&fixture, transport.clone());
            let input = match fixture.input() {
                Some(input) => input.clone(),
                None => default_input(name),
            };
            let written = fixture.read_input(entry, input.clone());
            let differences = differences(&input, &written).into_iter();
            lines.extend(differences.map(|line| format!("{}: input {line}", fixture.file)));
            let options = CallOptions::new().with_retry(RetryPolicy::never());
            let result = entry.call(&client, input, options).await;
            lines.extend(fixture.check(&result));
            if fixture.source.kind == SourceKind::Documented {
                lines.extend(fixture.check_request(&transport.only()));
            }
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// A result in a fixture's form.
pub(super) fn observe<T: Serialize>(result: &Result<Response<T>, Error>) -> Expected {
    match result {
        Ok(response) => Expected::Value(
            serde_json::to_value(response.value()).expect("a value that serialises"),
        ),
        Err(error) => Expected::Error(ExpectedError {
            kind: error.kind().as_str().to_owned(),
            outcome: error.outcome().as_str().to_owned(),
            code: error
                .fault()
                .and_then(|fault| fault.code())
                .map(str::to_owned),
            message: error
                .fault()
                .and_then(|fault| fault.message())
                .map(str::to_owned),
        }),
    }
}

/// Lists where two JSON values differ, one path per line; a field that only one of them has is a difference.
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("$", Some(expected), Some(found), &mut lines);
    lines
}

fn compare(path: &str, expected: Option<&Value>, found: Option<&Value>, lines: &mut Vec<String>) {
    match (expected, found) {
        (Some(Value::Object(expected)), Some(Value::Object(found))) => {
            let keys: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
            for key in keys {
                compare(
                    &format!("{path}.{key}"),
                    expected.get(key),
                    found.get(key),
                    lines,
                );
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(found))) => {
            for index in 0..expected.len().max(found.len()) {
                compare(
                    &format!("{path}[{index}]"),
                    expected.get(index),
                    found.get(index),
                    lines,
                );
            }
        }
        (Some(expected), Some(found)) if expected == found => {}
        (Some(expected), Some(found)) => {
            lines.push(format!("{path}: expected {expected}, found {found}"))
        }
        (Some(expected), None) => lines.push(format!("{path}: expected {expected}, found nothing")),
        (None, Some(found)) => lines.push(format!("{path}: expected nothing, found {found}")),
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn a_lost_an_added_and_a_changed_field_are_differences() {
        let expected = json!({"a": 1, "b": [1, 2], "c": null});
        assert!(differences(&expected, &expected).is_empty());
        assert_eq!(
            differences(&expected, &json!({"a": 2, "b": [1], "d": true})),
            [
                "$.a: expected 1, found 2",
                "$.b[1]: expected 2, found nothing",
                "$.c: expected null, found nothing",
                "$.d: expected nothing, found true",
            ]
        );
    }
}
