//! Forms with files: `multipart/form-data`, RFC 7578.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;

use crate::values::InvalidRequest;

/// A form of text and file parts, for [`RequestBuilder::multipart`](crate::RequestBuilder::multipart).
///
/// The parts keep their order. Names and file names are escaped as browsers do (WHATWG): a quote, a carriage return and a
/// line feed are percent-encoded, everything else is UTF-8. The boundary depends only on the content and occurs in no part,
/// so the same form always encodes to the same bytes. `Debug` prints names and sizes.
///
/// ```
/// use provider_core::Form;
/// use provider_core::http::HeaderValue;
///
/// let form = Form::new()
///     .text("reference_id", "upload-1")
///     .file("file", "consents.csv", HeaderValue::from_static("text/csv"), "consentId\nc-1\n");
/// let (content_type, body) = form.encode()?;
/// assert_eq!(content_type, "multipart/form-data; boundary=provider-core-0000000000000000");
/// assert!(body.ends_with(b"--provider-core-0000000000000000--\r\n"));
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Form {
    parts: Vec<Part>,
    invalid: Option<InvalidRequest>,
}

#[derive(Clone)]
struct Part {
    /// The headers with the empty line after them.
    head: Vec<u8>,
    name: String,
    content: Bytes,
}

impl Form {
    /// A form without parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text part.
    pub fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.part(name, None, None, Bytes::from(text.into()))
    }

    /// Adds a text part if there is a text.
    pub fn optional_text(self, name: &str, text: Option<impl Into<String>>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// Adds a value as JSON, in a part of the type `application/json`.
    pub fn json<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => {
                let content_type = HeaderValue::from_static("application/json");
                self.part(name, None, Some(content_type), Bytes::from(json))
            }
            Err(_) => {
                self.refuse("a part cannot be written as JSON");
                self
            }
        }
    }

    /// Adds a file part. The name is sent to the provider, and need not be that of a file on this machine.
    pub fn file(
        self,
        name: &str,
        file_name: &str,
        content_type: HeaderValue,
        content: impl Into<Bytes>,
    ) -> Self {
        self.part(name, Some(file_name), Some(content_type), content.into())
    }

    /// Encodes the form: the content type, which names the boundary, and the body.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] for `body`: no part, a name or a file name with another control character than a line break, or
    /// a value that JSON cannot write.
    pub fn encode(&self) -> Result<(HeaderValue, Bytes), InvalidRequest> {
        if let Some(invalid) = &self.invalid {
            return Err(invalid.clone());
        }
        if self.parts.is_empty() {
            return Err(InvalidRequest::new("body", "a form needs a part"));
        }
        let boundary = self.boundary();
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let content_type = HeaderValue::try_from(content_type)
            .map_err(|_| InvalidRequest::new("body", "the boundary cannot be written"))?;
        let around = boundary.len().saturating_add(8);
        let length = self.parts.iter().fold(around, |length, part| {
            length
                .saturating_add(around)
                .saturating_add(part.head.len())
                .saturating_add(part.content.len())
        });
        let mut body = Vec::with_capacity(length);
        for part in &self.parts {
            for bytes in [
                b"--",
                boundary.as_bytes(),
                b"\r\n",
                &part.head,
                &part.content,
                b"\r\n",
            ] {
                body.extend_from_slice(bytes);
            }
        }
        for bytes in [b"--", boundary.as_bytes(), b"--\r\n"] {
            body.extend_from_slice(bytes);
        }
        Ok((content_type, Bytes::from(body)))
    }

    fn part(
        mut self,
        name: &str,
        file_name: Option<&str>,
        content_type: Option<HeaderValue>,
        content: Bytes,
    ) -> Self {
        let mut head = b"content-disposition: form-data; name=\"".to_vec();
        self.escape(name, &mut head);
        if let Some(file_name) = file_name {
            head.extend_from_slice(b"\"; filename=\"");
            self.escape(file_name, &mut head);
        }
        head.extend_from_slice(b"\"\r\n");
        if let Some(content_type) = content_type {
            head.extend_from_slice(b"content-type: ");
            head.extend_from_slice(content_type.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        self.parts.push(Part {
            head,
            name: name.to_owned(),
            content,
        });
        self
    }

    fn escape(&mut self, text: &str, into: &mut Vec<u8>) {
        for byte in text.bytes() {
            match byte {
                b'"' => into.extend_from_slice(b"%22"),
                b'\r' => into.extend_from_slice(b"%0D"),
                b'\n' => into.extend_from_slice(b"%0A"),
                byte if byte.is_ascii_control() => {
                    self.refuse("the name of a part must have no control characters");
                }
                byte => into.push(byte),
            }
        }
    }

    fn refuse(&mut self, rule: &'static str) {
        self.invalid
            .get_or_insert_with(|| InvalidRequest::new("body", rule));
    }

    /// The first boundary of a fixed series that occurs in no part, found in one pass over the content.
    fn boundary(&self) -> String {
        let mut taken = BTreeSet::new();
        for part in &self.parts {
            for bytes in [&part.head[..], &part.content] {
                taken.extend(boundaries_in(bytes));
            }
        }
        // The set is ordered, so the first number that differs from its index is free.
        let number = taken
            .iter()
            .zip(0_u64..)
            .find_map(|(taken, number)| (*taken != number).then_some(number))
            .unwrap_or(taken.len() as u64);
        format!("{PREFIX}{number:016x}")
    }
}

const PREFIX: &str = "provider-core-";
const DIGITS: usize = 16;

/// The numbers of the boundaries in these bytes.
fn boundaries_in(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let length = PREFIX.len().saturating_add(DIGITS);
    bytes.windows(length).filter_map(|window| {
        let digits = window.strip_prefix(PREFIX.as_bytes())?;
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let digits = Some(digits).filter(|digits| digits.iter().all(is_digit))?;
        u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    })
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self
            .parts
            .iter()
            .map(|part| (&part.name, part.content.len()));
        f.debug_map().entries(parts).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: HeaderValue = HeaderValue::from_static("text/csv");

    fn encoded(form: &Form) -> (String, String) {
        let (content_type, body) = form.encode().unwrap();
        let content_type = content_type.to_str().unwrap();
        let boundary = content_type
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();
        (
            boundary.to_owned(),
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    #[test]
    fn a_form_encodes_to_the_expected_bytes() {
        let form = Form::new()
            .text("reference_id", "upload-1")
            .optional_text("tracking_id", None::<String>)
            .json("global_config", &serde_json::json!({"retry": true}))
            .file("file", "consents.csv", CSV, "consentId\nc-1\n");
        let (boundary, body) = encoded(&form);
        assert_eq!(boundary, "provider-core-0000000000000000");
        assert_eq!(
            body,
            "--provider-core-0000000000000000\r\n\
             content-disposition: form-data; name=\"reference_id\"\r\n\r\n\
             upload-1\r\n\
             --provider-core-0000000000000000\r\n\
             content-disposition: form-data; name=\"global_config\"\r\n\
             content-type: application/json\r\n\r\n\
             {\"retry\":true}\r\n\
             --provider-core-0000000000000000\r\n\
             content-disposition: form-data; name=\"file\"; filename=\"consents.csv\"\r\n\
             content-type: text/csv\r\n\r\n\
             consentId\nc-1\n\r\n\
             --provider-core-0000000000000000--\r\n"
        );
        assert_eq!(
            format!("{form:?}"),
            r#"{"reference_id": 8, "global_config": 14, "file": 14}"#
        );
    }

    #[test]
    fn a_name_cannot_close_its_quotes_or_end_its_line() {
        let evil = "a\"; filename=\"b\r\nx-evil: 1\r\n\r\n";
        let (_, body) = encoded(&Form::new().file(evil, "Bücher \"1\".csv", CSV, ""));
        let line = body.lines().nth(1).unwrap();
        assert_eq!(
            line,
            "content-disposition: form-data; \
             name=\"a%22; filename=%22b%0D%0Ax-evil: 1%0D%0A%0D%0A\"; filename=\"Bücher %221%22.csv\""
        );
        for form in [
            Form::new().text("a\0b", ""),
            Form::new().file("a", "b\u{7f}", CSV, ""),
            Form::new(),
            Form::new().json(
                "a",
                &std::collections::BTreeMap::from([(vec![1_u8], "keys must be text")]),
            ),
        ] {
            assert_eq!(form.encode().unwrap_err().field(), "body");
        }
    }

    #[test]
    fn the_boundary_occurs_in_no_part() {
        let boundary = |texts: &[&str]| {
            let form = texts
                .iter()
                .fold(Form::new(), |form, text| form.text("text", *text));
            let (boundary, body) = encoded(&form);
            let uses = texts.len() + 1;
            assert_eq!(body.matches(&boundary).count(), uses, "{texts:?}");
            boundary
        };
        let numbered = |number: u64| format!("provider-core-{number:016x}");
        assert_eq!(boundary(&["x"]), numbered(0));
        assert_eq!(boundary(&[&numbered(0)]), numbered(1));
        assert_eq!(boundary(&[&numbered(1)]), numbered(0));
        let many: String = (0..300).map(numbered).collect();
        assert_eq!(boundary(&[&numbered(u64::MAX), &many]), numbered(300));
        // A longer number contains a shorter one.
        assert_eq!(boundary(&[&format!("{}77", numbered(0))]), numbered(1));
        // A name counts too.
        let (found, _) = encoded(&Form::new().text(&numbered(0), ""));
        assert_eq!(found, numbered(1));
    }
}
