//! Files that people write, in TOML or JSON.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use kyc_facade::provider_core::{InvalidRequest, input_from_json};
use serde_json::Value;

use crate::failure::Failure;

/// The largest file, in bytes.
const MOST: u64 = 64 * 1024;

/// The text of a file, and whether it is JSON: it is if the name ends so, and TOML otherwise.
pub(crate) fn read(flag: &str, path: &Path) -> Result<(String, bool), Failure> {
    let failed = |error: &io::Error| Failure::file(flag, "read", error);
    let file = fs::File::open(path).map_err(|error| failed(&error))?;
    let mut text = String::new();
    let read = file.take(MOST.saturating_add(1)).read_to_string(&mut text);
    read.map_err(|error| failed(&error))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MOST {
        return Err(Failure::configuration(flag, "must be 64 KiB at most"));
    }
    let end = path.extension();
    let is_json = end.is_some_and(|end| end.eq_ignore_ascii_case("json"));
    Ok((text, is_json))
}

/// What a text says, or where it is none of its form, or has a member twice; no value of it.
pub(crate) fn value(text: &str, is_json: bool) -> Result<Value, InvalidRequest> {
    match is_json {
        true => input_from_json(text.as_bytes()),
        false => toml::from_str(text).map_err(|error| {
            let told = error.span().unwrap_or_default();
            let before = text.get(..told.start).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            match (error.message(), text.get(told)) {
                ("duplicate key", Some(name)) => InvalidRequest::new(
                    name.to_owned(),
                    format!("must not appear twice, as at line {line}"),
                ),
                _ => InvalidRequest::new("request", format!("is not TOML at line {line}")),
            }
        }),
    }
}

/// The table and the field that break a rule, and the rule.
pub(crate) fn place(error: &InvalidRequest) -> String {
    let rule = error.rule();
    match (error.field(), error.field().split_once('.')) {
        ("request", _) => rule.to_owned(),
        (_, Some((table, field))) => format!("[{table}] {field}: {rule}"),
        (field, None) => format!("{field}: {rule}"),
    }
}
