//! What a form of the console sends.

use axum::body::Body;

use crate::exchange::decoded;

/// The longest form: an edited body of a request.
const BYTES: usize = 512 * 1024;

/// The fields of a form, decoded.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form; what is too long or no form has no fields.
    pub(super) async fn read(body: Body) -> Self {
        let bytes = axum::body::to_bytes(body, BYTES).await.unwrap_or_default();
        Self::parse(std::str::from_utf8(&bytes).unwrap_or_default())
    }

    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .filter_map(|(name, value)| Some((decoded(name)?, decoded(value)?)))
                .collect(),
        )
    }

    /// A field, without spaces around it; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.exact(name).trim()
    }

    /// As [`text`](Self::text); the default if there is no such field.
    pub(super) fn text_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        match self.0.iter().any(|(found, _)| found == name) {
            true => self.text(name),
            false => default,
        }
    }

    /// A field as it was sent.
    pub(super) fn exact(&self, name: &str) -> &str {
        let mut fields = self.0.iter();
        let found = fields.find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }
}

/// A text as a value in a query.
pub(super) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_encoded() {
        let form = Form::parse("by=+7d&body=%7B%22a%22%3A1%7D%0A&bad=%zz&x");
        assert_eq!(
            (form.text("by"), form.text("bad"), form.text("x")),
            ("7d", "", "")
        );
        assert_eq!(form.exact("body"), "{\"a\":1}\n");
        for text in ["status:>=400 is:retry", "a&b=c", "é/\u{905}"] {
            assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
        }
    }
}
