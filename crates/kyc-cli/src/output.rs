//! Answers on stdout, errors on stderr; for people or, with `--json`, for machines.

use std::io::{self, Write as _};

use kyc_facade::provider_core::Error;
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Failure, advice};

/// How a command speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints an answer: as JSON with its wire names, or one field a line.
    pub(crate) fn answer<T: Serialize>(self, answer: &T) -> Result<(), Failure> {
        let value = serde_json::to_value(answer).map_err(|_| {
            Failure::configuration("stdout", "the answer cannot be written as JSON")
        })?;
        if self.json {
            self.line(&format!("{value:#}"))
        } else {
            let mut lines = Vec::new();
            flatten("", &value, &mut lines);
            let width = lines
                .iter()
                .map(|(name, _)| name.len())
                .max()
                .unwrap_or_default();
            lines
                .iter()
                .try_for_each(|(name, value)| self.line(&format!("{name:width$}  {value}")))
        }
    }

    /// Prints a line on stdout. A closed pipe ends the output and is no failure.
    pub(crate) fn line(self, line: &str) -> Result<(), Failure> {
        match writeln!(io::stdout(), "{line}") {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::configuration("stdout", "cannot be written"))
            }
            _ => Ok(()),
        }
    }

    /// Prints an error on stderr, without any value of a personal field.
    pub(crate) fn failure(self, failure: &Failure) {
        let error = failure.error();
        let text = if self.json {
            error_json(error).to_string()
        } else {
            let mut text = format!("error: {}\n", error.report());
            if let Some(id) = error.request_id() {
                text.push_str(&format!("  request id: {id}\n"));
            }
            text + "  " + advice(error)
        };
        // Nothing is left to tell it to if stderr is closed.
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// An error for machines. `message` is our own line; the provider's text is not repeated.
pub(crate) fn error_json(error: &Error) -> Value {
    let named = |name: &'static str| (!name.is_empty()).then_some(name);
    json!({
        "kind": error.kind().as_str(),
        "provider": named(error.provider()),
        "operation": named(error.operation()),
        "status": error.status().map(|status| status.as_u16()),
        "code": error.fault().and_then(|fault| fault.printable_code()),
        "message": error.to_string(),
        "request_id": error.request_id().map(|id| id.as_str()),
        "outcome": error.outcome().as_str(),
    })
}

fn flatten(name: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let below = |key: &str| {
        if name.is_empty() {
            key.to_owned()
        } else {
            format!("{name}.{key}")
        }
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| flatten(&below(key), value, lines)),
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(at, value)| flatten(&format!("{name}[{at}]"), value, lines));
        }
        Value::String(text) => lines.push((name.to_owned(), text.clone())),
        other => lines.push((name.to_owned(), other.to_string())),
    }
}
