//! Decodes JSON. An error has the reason and the place, never the value.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};

use super::document::DocumentFlaw;
use super::provider::KnownMembers;

/// Why an authentic reply could not be decoded. Holds a place and a category, never a value.
///
/// The request was processed. Keep the request id, and report the place to the provider or to this project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    category: DecodeErrorCategory,
    path: String,
    line: usize,
    column: usize,
}

/// The kind of a decode error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorCategory {
    /// Not JSON: an HTML page, trailing text.
    #[error("not JSON")]
    Syntax,
    /// JSON that is nested deeper than 127.
    #[error("nested deeper than 127")]
    Depth,
    /// JSON that ends early.
    #[error("truncated JSON")]
    Truncated,
    /// JSON of another shape: a missing field, another type, a duplicate key.
    #[error("unexpected shape")]
    Shape,
    /// A success without its required data.
    #[error("success without data")]
    MissingData,
    /// A file of a type that the operation does not reply with, such as an HTML page.
    #[error("unexpected content type")]
    ContentType,
    /// A document of XML that declares its type, and may so declare entities: external ones, or those that expand without
    /// end. No reply needs one. Nothing was parsed.
    #[error("XML with a document type declaration")]
    DocumentType,
    /// A PDF, a spreadsheet or XML without its end: it was cut off on its way. Ask again.
    #[error("truncated document")]
    TruncatedDocument,
    /// A body in this encoding, which the request did not accept: `gzip`, `UTF-16`, or `an unknown encoding`. Nothing is
    /// decompressed; look for the gateway that compresses.
    #[error("encoded as {0}, which the request did not accept")]
    Encoded(&'static str),
}

impl std::error::Error for DecodeError {}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.category, self.path)?;
        match self.line {
            0 => Ok(()),
            line => write!(f, " (line {line}, column {})", self.column),
        }
    }
}

impl DecodeError {
    /// A success without its required data at `path`.
    pub fn missing_data(path: &'static str) -> Self {
        Self {
            category: DecodeErrorCategory::MissingData,
            path: path.to_owned(),
            line: 0,
            column: 0,
        }
    }

    /// A file of a type that the operation does not reply with.
    pub fn content_type() -> Self {
        Self {
            category: DecodeErrorCategory::ContentType,
            ..Self::missing_data("$")
        }
    }

    /// A body in an encoding that the request did not accept.
    pub(super) fn encoded(encoding: &'static str) -> Self {
        Self {
            category: DecodeErrorCategory::Encoded(encoding),
            ..Self::missing_data("$")
        }
    }

    /// The kind of a decode error.
    pub fn category(&self) -> DecodeErrorCategory {
        self.category
    }

    /// The place as a JSON path such as `$.data[0].aaId`; `$` if the JSON itself is malformed.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The line, from 1; 0 if only the path is known.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1; 0 if only the path is known.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl From<DocumentFlaw> for DecodeError {
    fn from(flaw: DocumentFlaw) -> Self {
        let category = match flaw {
            DocumentFlaw::OtherFormat | DocumentFlaw::Encoding => DecodeErrorCategory::ContentType,
            DocumentFlaw::Truncated => DecodeErrorCategory::TruncatedDocument,
            DocumentFlaw::DocumentType => DecodeErrorCategory::DocumentType,
        };
        Self {
            category,
            ..Self::missing_data("$")
        }
    }
}

/// Decodes a body, and only if that fails decodes it again to find the place.
fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, DecodeError> {
    let body = without_padding(body);
    // One UTF-8 check of the whole text is cheaper than one for each string.
    let decoded = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
    decoded.map_err(|error| locate::<T>(body, &error))
}

/// Decodes a body, and names the encoding of one that is not plain.
pub(crate) fn decode_plain<'a, T: Deserialize<'a>>(
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<T, DecodeError> {
    decode(body).map_err(|error| encoded(headers, body).unwrap_or(error))
}

#[cold]
fn encoded(headers: &HeaderMap, body: &[u8]) -> Option<DecodeError> {
    encoding(headers, body).map(DecodeError::encoded)
}

/// What a body begins like. It may be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recognized {
    /// An object of the company's.
    AsItsOwn,
    /// An object that may be a refusal of the company's.
    AsRefusal,
    /// Anything else.
    No,
}

/// Whether a body begins like a JSON object that has a company's members, whatever follows.
#[cold]
pub(crate) fn recognize(known: KnownMembers, body: &[u8]) -> Recognized {
    struct Search<'n>(KnownMembers, &'n mut HashSet<&'static str>);

    impl<'de> Visitor<'de> for Search<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
            let Self(known, found) = self;
            while let Some(name) = members.next_key::<Cow<'_, str>>()? {
                let known = [known.own, known.common, known.refusing];
                let known = known.into_iter().flatten();
                found.extend(known.filter(|known| **known == name));
                members.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    let mut found = HashSet::new();
    // What cannot be read ends the search.
    let _ = serde_json::Deserializer::from_slice(without_padding(body))
        .deserialize_map(Search(known, &mut found));
    let count = |names: &[&str]| names.iter().filter(|name| found.contains(**name)).count();
    let (own, common) = (count(known.own), count(known.common));
    match count(known.refusing) {
        _ if own > 0 || common > 1 => Recognized::AsItsOwn,
        0 => Recognized::No,
        _ => Recognized::AsRefusal,
    }
}

/// The body of a reply without a byte order mark before the JSON and NULs after it, which some servers write and no value contains: as it
/// is decoded. For code that reads the JSON of a reply itself.
pub fn without_padding(body: &[u8]) -> &[u8] {
    let mut body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    while let [rest @ .., 0] = body {
        body = rest;
    }
    body
}

/// The encoding of a body that is not plain: named by its head, or recognised by its first bytes.
pub(super) fn encoding(headers: &HeaderMap, body: &[u8]) -> Option<&'static str> {
    const KNOWN: [&str; 5] = ["gzip", "deflate", "br", "zstd", "compress"];
    let named = headers.get_all(CONTENT_ENCODING).iter();
    let named = named.map(|value| value.as_bytes().trim_ascii());
    let mut named =
        named.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"));
    if let Some(name) = named.next() {
        let name = name.strip_prefix(b"x-").unwrap_or(name);
        let mut known = KNOWN.into_iter();
        let known = known.find(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        return Some(known.unwrap_or("an unknown encoding"));
    }
    match body {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ => None,
    }
}

#[cold]
fn locate<'a, T: Deserialize<'a>>(body: &'a [u8], error: &serde_json::Error) -> DecodeError {
    use serde_json::error::Category;

    let category = match error.classify() {
        // serde_json has no other name for it.
        _ if error.to_string().starts_with("recursion limit exceeded") => {
            DecodeErrorCategory::Depth
        }
        Category::Eof => DecodeErrorCategory::Truncated,
        Category::Data => DecodeErrorCategory::Shape,
        Category::Syntax | Category::Io => DecodeErrorCategory::Syntax,
    };
    // The path of a shape error consists of the type's own field names, unless the type has a map. Malformed JSON can be
    // below any key that the peer chose, and a key can be personal data.
    let path = if category == DecodeErrorCategory::Shape {
        shape_path::<T>(body)
    } else {
        "$".to_owned()
    };
    DecodeError {
        category,
        path,
        line: error.line(),
        column: error.column(),
    }
}

fn shape_path<'a, T: Deserialize<'a>>(body: &'a [u8]) -> String {
    use std::fmt::Write as _;

    use serde_path_to_error::Segment;

    let mut path = "$".to_owned();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    if let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        for segment in error.path() {
            // Writing to a String cannot fail.
            let _ = match segment {
                Segment::Map { key } | Segment::Enum { variant: key }
                    if looks_like_a_field(key) =>
                {
                    write!(path, ".{key}")
                }
                Segment::Map { .. } | Segment::Enum { .. } => write!(path, ".*"),
                Segment::Seq { index } => write!(path, "[{index}]"),
                Segment::Unknown => Ok(()),
            };
        }
    }
    path
}

/// Whether a key looks like a field name. The peer chooses the keys of a map: a number, an address or a line break must not
/// get into an error.
pub(super) fn looks_like_a_field(key: &str) -> bool {
    key.len() <= 64
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && key.bytes().filter(u8::is_ascii_digit).count() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Reply {
        data: Vec<Row>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Row {
        count: u32,
    }

    #[test]
    fn a_shape_error_names_the_path_and_not_the_value() {
        let error = decode::<Reply>(br#"{"data":[{"count":1},{"count":"CANARY"}]}"#).unwrap_err();
        assert_eq!(error.category(), DecodeErrorCategory::Shape);
        assert_eq!(error.path(), "$.data[1].count");
        assert!(!format!("{error} {error:?}").contains("CANARY"));
        assert_eq!((error.line(), error.column()), (1, 38));
        assert_eq!(
            error.to_string(),
            "unexpected shape at $.data[1].count (line 1, column 38)"
        );
    }

    #[test]
    fn a_path_goes_through_enum_variants() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        enum Answer {
            Found(Row),
        }
        let error = decode::<Answer>(br#"{"Found":{"count":"x"}}"#).unwrap_err();
        assert_eq!(error.path(), "$.Found.count");
        let error = decode::<Answer>(br#"{"9000000001":{}}"#).unwrap_err();
        assert_eq!(error.path(), "$");
    }

    #[test]
    fn missing_data_is_reported_with_its_path_only() {
        let error = DecodeError::missing_data("$.data.id");
        assert_eq!((error.line(), error.column()), (0, 0));
        assert_eq!(error.to_string(), "success without data at $.data.id");
    }

    #[test]
    fn text_that_is_not_utf_8_is_not_json() {
        let error = decode::<String>(b"\"\xff\"").unwrap_err();
        assert_eq!(error.category(), DecodeErrorCategory::Syntax);
    }

    #[test]
    fn a_company_is_recognised_by_what_can_be_read() {
        let known = KnownMembers::new(&["data", "id"], &["code", "status"]);
        let known = known.with_refusing(&["detail"]);
        let found = |body: &str| recognize(known, body.as_bytes()) == Recognized::AsItsOwn;
        let refusal = recognize(known, br#"{"detail":"","code":1}"#);
        assert_eq!(refusal, Recognized::AsRefusal);
        for body in [
            r#"{"data":1}"#,
            r#" {"x":[{"y":1e999}],"\u0064ata":{"a":"#,
            r#"{"id":NaN"#,
            r#"{"id":null} and more"#,
            r#"{"code":1,"x":2,"status":null}"#,
            r#"{"status":"x","code":"#,
        ] {
            assert!(found(body), "{body}");
        }
        for body in [
            "",
            "<html>data</html>",
            r#"["data"]"#,
            r#"{"x":{"data":1}}"#,
            r#"{"x":NaN,"data":1}"#,
            r#"{"Data":1}"#,
            r#""data""#,
            r#"{"code":1,"message":"x"}"#,
            r#"{"status":1,"status":2}"#,
        ] {
            assert!(!found(body), "{body}");
        }
    }

    #[test]
    fn a_byte_order_mark_before_and_nuls_after_json_are_no_part_of_it() {
        for body in [
            &b"\xef\xbb\xbf{\"data\":[]}"[..],
            b"{\"data\":[]}\0",
            b"\xef\xbb\xbf {\"data\":[]}\r\n\0\0\0",
        ] {
            assert_eq!(decode::<Reply>(body).unwrap().data.len(), 0);
        }
        for body in [
            &b"\xef\xbb\xbf\xef\xbb\xbf{\"data\":[]}"[..],
            b"\0{\"data\":[]}",
            b"{\"data\":[]}\0x",
            b"{\"data\"\0:[]}",
        ] {
            let error = decode::<Reply>(body).unwrap_err();
            assert_eq!(error.category(), DecodeErrorCategory::Syntax, "{body:?}");
        }
        let error = decode::<Reply>(b"\xef\xbb\xbf\0").unwrap_err();
        assert_eq!(error.category(), DecodeErrorCategory::Truncated);
    }

    #[test]
    fn an_encoding_is_named_from_the_head_or_from_the_first_bytes() {
        let by_head = |value: &str| {
            let value = http::HeaderValue::try_from(value).unwrap();
            encoding(&HeaderMap::from_iter([(CONTENT_ENCODING, value)]), b"{}")
        };
        for (value, name) in [
            ("gzip", Some("gzip")),
            (" GZIP ", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("deflate", Some("deflate")),
            ("br", Some("br")),
            ("CANARY", Some("an unknown encoding")),
            ("gzip, br", Some("an unknown encoding")),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(by_head(value), name, "{value}");
        }
        let by_body = |body: &[u8]| encoding(&HeaderMap::new(), body);
        assert_eq!(by_body(b"\x1f\x8b\x08"), Some("gzip"));
        assert_eq!(by_body(b"\x28\xb5\x2f\xfd"), Some("zstd"));
        assert_eq!(by_body(b"\xff\xfe{\0}\0"), Some("UTF-16"));
        assert_eq!(by_body(b"<html>"), None);
        assert_eq!(
            DecodeError::encoded("gzip").to_string(),
            "encoded as gzip, which the request did not accept at $"
        );
    }

    #[test]
    fn malformed_json_below_a_foreign_key_names_no_key() {
        let error = decode::<Reply>(br#"{"CANARY":[1,}"#).unwrap_err();
        assert_eq!(error.category(), DecodeErrorCategory::Syntax);
        assert_eq!(error.path(), "$");
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }

    #[test]
    fn a_map_key_that_is_not_a_field_name_is_not_printed() {
        type Map = std::collections::BTreeMap<String, u32>;
        for key in ["9000000001", "person@example.test", "AAAAA0000A", "a\\nb"] {
            let body = format!("{{\"{key}\":\"x\"}}");
            let error = decode::<Map>(body.as_bytes()).unwrap_err();
            assert_eq!(error.path(), "$.*", "{key}");
        }
        let long = "a".repeat(65);
        for (key, path) in [
            ("aaId", "$.aaId"),
            ("aa-id_1", "$.aa-id_1"),
            ("a1b2c3", "$.a1b2c3"),
            ("a1b2c3d4", "$.*"),
            (&long[..64], &*format!("$.{}", &long[..64])),
            (&long, "$.*"),
        ] {
            let body = format!("{{\"{key}\":\"x\"}}");
            let error = decode::<Map>(body.as_bytes()).unwrap_err();
            assert_eq!(error.path(), path, "{key}");
        }
    }

    #[test]
    fn nesting_past_the_limit_has_a_category_of_its_own() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            decode::<serde_json::Value>(format!("{open}{close}").as_bytes())
        };
        nested(127).unwrap();
        for depth in [128, 100_000] {
            let error = nested(depth).unwrap_err();
            assert_eq!(error.category(), DecodeErrorCategory::Depth);
            let text = "nested deeper than 127 at $ (line 1, column 128)";
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn categories_distinguish_truncation_from_garbage() {
        assert_eq!(
            decode::<Reply>(b"").unwrap_err().category(),
            DecodeErrorCategory::Truncated
        );
        assert_eq!(
            decode::<Reply>(b"{\"data\":[").unwrap_err().category(),
            DecodeErrorCategory::Truncated
        );
        assert_eq!(
            decode::<Reply>(b"<html>").unwrap_err().category(),
            DecodeErrorCategory::Syntax
        );
        assert_eq!(
            decode::<Reply>(b"{\"data\":[]} x").unwrap_err().category(),
            DecodeErrorCategory::Syntax
        );
        let deep = format!("{{\"data\":{}", "[".repeat(10_000));
        assert_eq!(
            decode::<Reply>(deep.as_bytes()).unwrap_err().category(),
            DecodeErrorCategory::Shape
        );
        let duplicate = decode::<Reply>(br#"{"data":[],"data":[]}"#).unwrap_err();
        assert_eq!(duplicate.category(), DecodeErrorCategory::Shape);
    }
}
