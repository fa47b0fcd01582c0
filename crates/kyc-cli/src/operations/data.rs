//! What is read from a file or from standard input: a whole request as JSON, or the text of one member.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kyc_facade::provider_core::{InvalidRequest, MAX_INPUT_BYTES, input_from_json};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// Reads the members of the request; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let json = bounded(path, MAX_INPUT_BYTES);
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

/// Reads the text of a member; `-` is standard input. One byte more than `most` is read at most, and refused by the member.
pub(super) fn text(member: &str, path: &Path, most: usize) -> Result<String, Failure> {
    let bytes = bounded(path, most).map_err(|error| Failure::file(member, "read", &error))?;
    String::from_utf8(bytes).map_err(|_| Failure::configuration(member, "must be UTF-8"))
}

/// Reads at most one byte more than allowed.
fn bounded(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes)?,
        false => File::open(path)?.take(most).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// Names the argument if the error is about the whole request.
fn whole(error: InvalidRequest) -> InvalidRequest {
    match error.field() {
        "request" => error.for_field("--data"),
        _ => error,
    }
}
