//! What is read from a file or from standard input: a whole request as JSON, or the file that a member carries.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kyc_facade::openapi::{FileEncoding, FileMember};
use kyc_facade::provider_core::{
    InvalidRequest, MAX_INPUT_BYTES, input_from_json, value_from_json,
};
use kyc_facade::veriff_sessions::MediaType;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// Reads the members of the request; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let json = bounded(path, MAX_INPUT_BYTES);
    let json = json.map_err(|error| Failure::file("--data", "read", &error).before_sending())?;
    if json.trim_ascii().is_empty() {
        return Err(Failure::configuration("--data", "is empty"));
    }
    let value = input_from_json(&json).map_err(whole)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Failure::configuration("--data", "must be a JSON object")),
    }
}

/// Reads the value of a member from a file; `-` is standard input.
pub(super) fn file(member: &str, given: &str, how: FileMember) -> Result<Value, Failure> {
    let refused = |rule: &str| Failure::configuration(member, rule);
    let (name, path) = match how.encoding {
        FileEncoding::NamedPdf => given
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| refused("must be NAME=FILE, the name of the member that has the PDF"))?,
        _ => ("", given),
    };
    let read = bounded(path.as_ref(), how.max_bytes);
    let bytes = read.map_err(|error| Failure::file(member, "read", &error).before_sending())?;
    if bytes.len() > how.max_bytes {
        let rule = format!("must be at most {} bytes", how.max_bytes);
        return Err(refused(&rule));
    }
    match how.encoding {
        FileEncoding::Text => match String::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(refused("must be UTF-8")),
        },
        FileEncoding::Json => {
            Ok(value_from_json(&bytes).map_err(|error| in_member(member, error))?)
        }
        FileEncoding::DataUri => {
            let kind = MediaType::of_file(&bytes);
            let kind = kind.ok_or_else(|| {
                refused("must be a file in JPEG, PNG, WebP, HEIF, HEIC or PDF, and begins like none of them")
            })?;
            let mut uri = format!("data:{};base64,", kind.as_str());
            STANDARD.encode_string(&bytes, &mut uri);
            Ok(uri.into())
        }
        FileEncoding::NamedPdf if !bytes.starts_with(b"%PDF-") => Err(refused("must be a PDF")),
        FileEncoding::NamedPdf => Ok(json!([{ (name): STANDARD.encode(&bytes) }])),
    }
}

/// Names the place within the member's file.
pub(super) fn in_member(member: &str, error: InvalidRequest) -> InvalidRequest {
    let field = match error.field() {
        "request" => member.to_owned(),
        field if field.starts_with('[') => format!("{member}{field}"),
        field => format!("{member}.{field}"),
    };
    error.for_field(field)
}

/// Reads at most one byte more than allowed.
pub(crate) fn bounded(path: &Path, most: usize) -> io::Result<Vec<u8>> {
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
