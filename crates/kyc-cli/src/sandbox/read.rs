//! Reads what a sandbox says: its members are there, or the sandbox is another version.

use serde_json::Value;

use crate::failure::Failure;

/// An id as one segment of a path, whatever is in it.
pub(super) fn segment(field: &'static str, id: &str) -> Result<String, Failure> {
    // Of dots alone it would lead to another path.
    if id.bytes().all(|byte| byte == b'.') {
        return Err(Failure::configuration(field, "must be an id"));
    }
    let encoded = id.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    Ok(encoded.collect())
}

/// A member's text, or nothing.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// A member's number, or nothing.
pub(super) fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name)?.as_u64()
}

/// The items of a member, or none.
pub(super) fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let items = value.get(name).and_then(Value::as_array);
    items.map(Vec::as_slice).unwrap_or_default()
}
