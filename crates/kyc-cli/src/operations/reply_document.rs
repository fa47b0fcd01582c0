//! `--document`: the document that a reply has as text, decoded.

use std::path::Path;

use kyc_facade::deepvue_digilocker::{DocumentError, DocumentFormat, DocumentText};
use serde_json::Value;

/// The document at this place of a reply's body, from its own bytes: the printed reply hides Aadhaar numbers in it.
///
/// # Errors
///
/// There is none, or it is of another type than the name of its file says, or is none that is known.
pub(super) fn document(body: &[u8], pointer: &str, path: &Path) -> Result<Vec<u8>, String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = body.pointer(pointer).and_then(Value::as_str);
    let text = text.filter(|text| !text.trim().is_empty());
    let text = DocumentText::new(text.ok_or("the reply has no document")?);
    let found = text.format();
    let decoded = match found {
        DocumentFormat::Xml => text.xml().map(String::into_bytes),
        DocumentFormat::Jpeg | DocumentFormat::Png => text.picture(),
        DocumentFormat::Link => Err(DocumentError::OtherFormat(DocumentFormat::Link)),
        // Of what is no document, this says what is wrong with it.
        _ => text.pdf(),
    };
    let bytes = decoded.map_err(|error| error.to_string())?;
    let asked = path.extension().and_then(|name| name.to_str());
    let asked = match &*asked.unwrap_or_default().to_ascii_lowercase() {
        "pdf" => Some(DocumentFormat::Pdf),
        "xml" => Some(DocumentFormat::Xml),
        "jpg" | "jpeg" => Some(DocumentFormat::Jpeg),
        "png" => Some(DocumentFormat::Png),
        _ => None,
    };
    match asked.is_some_and(|asked| asked != found) {
        true => Err(DocumentError::OtherFormat(found).to_string()),
        false => Ok(bytes),
    }
}

/// The printed reply without the document, which is in its file.
pub(super) fn without(json: &str, pointer: &str) -> String {
    let mut reply: Value = serde_json::from_str(json).unwrap_or_default();
    if let Some((object, member)) = pointer.rsplit_once('/')
        && let Some(object) = reply.pointer_mut(object).and_then(Value::as_object_mut)
    {
        object.remove(member);
    }
    serde_json::to_string_pretty(&reply).unwrap_or_default()
}
