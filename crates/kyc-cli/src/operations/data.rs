//! `--data`: a whole request as JSON, from a file or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kyc_facade::provider_core::{InvalidRequest, MAX_INPUT_BYTES, input_from_json};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// Reads the members of the request; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let json = match path.as_os_str() == "-" {
        true => bounded(io::stdin().lock()),
        false => File::open(path).and_then(bounded),
    };
    let json = json.map_err(|error| Failure::file("--data", "read", &error))?;
    if json.trim_ascii().is_empty() {
        return Err(Failure::configuration("--data", "is empty"));
    }
    let value = input_from_json(&json).map_err(whole)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Failure::configuration("--data", "must be a JSON object")),
    }
}

/// Reads at most one byte more than a request may have.
fn bounded(input: impl Read) -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    let most = u64::try_from(MAX_INPUT_BYTES).unwrap_or(u64::MAX);
    input.take(most.saturating_add(1)).read_to_end(&mut json)?;
    Ok(json)
}

/// Names the argument if the error is about the whole request.
fn whole(error: InvalidRequest) -> InvalidRequest {
    match error.field() {
        "request" => error.for_field("--data"),
        _ => error,
    }
}
