//! Replies that are files instead of JSON.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::json::encoding;

/// A verified file: its bytes, its type, and its name if the provider sends one. Returned by
/// [`Verified::content`](crate::Verified::content).
///
/// `Debug` prints the size. It serialises as `{"content_type", "file_name", "size"}`, never as the bytes: a picture of a
/// person must not reach a log or a terminal because a reply was written as JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    head: ContentHead,
    bytes: Bytes,
}

impl Content {
    pub(super) fn new(head: ContentHead, bytes: Bytes) -> Self {
        Self { head, bytes }
    }

    /// The bytes. They are personal data; do not log them.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes, by value and without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The type as `type/subtype` in lower case, without parameters; `None` if the reply has none.
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type()
    }

    /// The `charset` that the reply's type names, see [`ContentHead::charset`].
    pub fn charset(&self) -> Option<&str> {
        self.head.charset()
    }

    /// The file name from the reply, see [`ContentHead::file_name`].
    pub fn file_name(&self) -> Option<&str> {
        self.head.file_name()
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.bytes.len())
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize("Content", &self.head, self.size(), serializer)
    }
}

/// Serialises the description of a file.
pub(crate) fn serialize<S: Serializer>(
    name: &'static str,
    head: &ContentHead,
    size: u64,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut members = serializer.serialize_struct(name, 3)?;
    members.serialize_field("content_type", &head.content_type)?;
    members.serialize_field("file_name", &head.file_name)?;
    members.serialize_field("size", &size)?;
    members.end()
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Content {
    fn schema_name() -> Cow<'static, str> {
        "Content".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "A file; its bytes are the body of the reply.",
            "properties": {
                "content_type": {
                    "type": ["string", "null"],
                    "description": "The type as type/subtype, without parameters.",
                },
                "file_name": {
                    "type": ["string", "null"],
                    "description": "The name that the provider gives the file.",
                },
                "size": {"type": "integer", "minimum": 0, "description": "The size in bytes."},
            },
            "required": ["content_type", "file_name", "size"],
        })
    }
}

/// The description of a file in a reply's head. `Debug` prints neither type nor name.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ContentHead {
    content_type: Option<String>,
    /// A type is told that cannot be read, or more than one.
    unclear_type: bool,
    /// The parameter `charset` of the type.
    charset: Option<String>,
    /// The body is compressed, although no request accepts that.
    encoding: Option<&'static str>,
    file_name: Option<String>,
}

impl ContentHead {
    /// Reads `content-type` and `content-disposition`. What is malformed is not given, nor is a type that is told twice; a
    /// reply with such a type is not taken for a file.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut content_types = headers.get_all(CONTENT_TYPE).iter();
        let only = match (content_types.next(), content_types.next()) {
            (Some(only), None) => Some(only.as_bytes()),
            _ => None,
        };
        let content_type = only.and_then(essence);
        let disposition = headers.get(CONTENT_DISPOSITION);
        Self {
            unclear_type: content_type.is_none() && headers.contains_key(CONTENT_TYPE),
            charset: only.and_then(charset),
            content_type,
            encoding: encoding(headers, b""),
            file_name: disposition.and_then(|value| file_name(value.as_bytes())),
        }
    }

    /// The type as `type/subtype` in lower case, without parameters; `None` if the reply has none.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The `charset` that the type names. Text of several names is none that is known.
    pub fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
    }

    /// The file name that the provider sent, made safe to create in a private directory: its last component without control
    /// characters, separators, characters that Windows reserves, and dots at either end; at most 128 bytes. It may hold
    /// personal data.
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// The content encoding of the body, if it has one.
    pub(crate) fn encoding(&self) -> Option<&'static str> {
        self.encoding
    }

    /// Whether the type is one of these, such as `application/pdf`, `image/*` or `*/*`, and the body is not compressed. A
    /// reply that tells no type may be any, unless [its body says otherwise](Self::is_untold_json).
    pub(crate) fn is_one_of(&self, content_types: &[&str]) -> bool {
        if self.encoding.is_some() {
            return false;
        }
        let Some(content_type) = &self.content_type else {
            return !self.unclear_type;
        };
        content_types.is_empty()
            || content_types.iter().any(|expected| {
                *expected == "*/*"
                    || expected.eq_ignore_ascii_case(content_type)
                    || expected.strip_suffix('*').is_some_and(|kind| {
                        content_type
                            .get(..kind.len())
                            .is_some_and(|found| found.eq_ignore_ascii_case(kind))
                    })
            })
    }

    /// Whether a reply that tells no type, and whose body begins like this, is JSON where files of these types are expected:
    /// a refusal, most likely.
    pub(crate) fn is_untold_json(&self, body: &[u8], content_types: &[&str]) -> bool {
        self.may_be_untold_json(content_types) && begins_like_json(body) == Some(true)
    }

    /// Whether only the body can tell that it is [JSON instead of a file](Self::is_untold_json).
    pub(crate) fn may_be_untold_json(&self, content_types: &[&str]) -> bool {
        let takes_json = |expected: &&str| expected.eq_ignore_ascii_case("application/json");
        self.content_type.is_none()
            && !content_types.is_empty()
            && !content_types.iter().any(takes_json)
    }
}

/// Whether a text begins like an object or a list of JSON; `None` while there is nothing but white space.
pub(crate) fn begins_like_json(text: &[u8]) -> Option<bool> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace())?;
    Some(matches!(first, b'{' | b'['))
}

impl fmt::Debug for ContentHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentHead(***)")
    }
}

/// `type/subtype` in lower case.
fn essence(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text.split(';').next().unwrap_or_default().trim();
    let (kind, subtype) = text.split_once('/')?;
    let is_token = |text: &str| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    (is_token(kind) && is_token(subtype)).then(|| text.to_ascii_lowercase())
}

/// The parameter `charset`, of a type that is told twice all of them.
fn charset(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let parameters = parameters(&text).into_iter();
    let mut named = parameters.filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
    let (_, first) = named.next()?;
    Some(named.fold(first, |all, (_, next)| format!("{all}, {next}")))
}

/// The name in a `content-disposition`: `filename*` before `filename` (RFC 6266).
fn file_name(value: &[u8]) -> Option<String> {
    // Names outside ASCII are sent as UTF-8 or as Latin-1, whose bytes are the first 256 characters.
    let text = match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.iter().copied().map(char::from).collect::<String>()),
    };
    let mut plain = None;
    let mut extended = None;
    for (name, value) in parameters(&text) {
        if name.eq_ignore_ascii_case("filename*") {
            extended = extended.or_else(|| decoded(&value));
        } else if name.eq_ignore_ascii_case("filename") {
            plain.get_or_insert(value);
        }
    }
    let extended = extended.as_deref().and_then(safe_file_name);
    extended.or_else(|| plain.as_deref().and_then(safe_file_name))
}

/// The parameters after the first `;`, unquoted.
fn parameters(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let mut value = String::new();
        let mut chars = after.char_indices();
        let quoted = after.starts_with('"');
        if quoted {
            chars.next();
        }
        let mut end = after.len();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' if quoted => {
                    end = at.saturating_add(1);
                    break;
                }
                ';' if !quoted => {
                    end = at;
                    break;
                }
                '\\' if quoted => value.extend(chars.next().map(|(_, char)| char)),
                char => value.push(char),
            }
        }
        let name = name.trim().trim_start_matches(';').trim();
        let value = if quoted {
            value
        } else {
            value.trim().to_owned()
        };
        found.push((name, value));
        rest = after.get(end..).unwrap_or_default();
        rest = rest.split_once(';').map_or("", |(_, rest)| rest);
    }
    found
}

/// `UTF-8''na%C3%AFve.pdf` (RFC 8187).
fn decoded(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let mut byte = [0];
            hex::decode_to_slice(after.get(..2)?, &mut byte).ok()?;
            bytes.extend(byte);
            rest = after.get(2..)?;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

const MAX_FILE_NAME: usize = 128;

/// The name without path components and characters that are special to a file system.
fn safe_file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut safe = String::new();
    for char in last.chars() {
        // Marks that change the direction of writing display `exe.jpg` as `gpj.exe`.
        let turns = matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if char.is_control() || turns {
            continue;
        }
        let char = if "<>:\"|?*".contains(char) { '_' } else { char };
        if safe.len().saturating_add(char.len_utf8()) > MAX_FILE_NAME {
            break;
        }
        safe.push(char);
    }
    let safe = safe.trim_matches(|char: char| char == '.' || char.is_whitespace());
    let stem = safe.split('.').next().unwrap_or_default().trim_end();
    let upper = stem.to_ascii_uppercase();
    let is_device = matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (upper.len() == 4
            && (upper.starts_with("COM") || upper.starts_with("LPT"))
            && upper.ends_with(|char: char| char.is_ascii_digit()));
    match (safe.is_empty(), is_device) {
        (true, _) => None,
        (_, true) => Some(format!("_{safe}")),
        _ => Some(safe.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn head(content_type: &[u8], disposition: &[u8]) -> ContentHead {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_bytes(content_type).unwrap());
        headers.insert(
            CONTENT_DISPOSITION,
            HeaderValue::from_bytes(disposition).unwrap(),
        );
        ContentHead::of(&headers)
    }

    #[test]
    fn a_charset_is_read_as_it_is_told() {
        for (value, charset) in [
            ("application/xml", None),
            ("application/xml; charset=utf-7", Some("utf-7")),
            ("text/xml;x=1; CharSet=\"UTF-8\"", Some("UTF-8")),
            (
                "text/xml; charset=utf-8; charset=utf-7",
                Some("utf-8, utf-7"),
            ),
        ] {
            assert_eq!(head(value.as_bytes(), b"").charset(), charset, "{value}");
        }
    }

    fn named(disposition: &str) -> Option<String> {
        head(b"a/b", disposition.as_bytes()).file_name
    }

    #[test]
    fn a_type_is_normalised_to_lower_case_without_parameters() {
        for (value, read) in [
            ("image/jpeg", Some("image/jpeg")),
            ("IMAGE/JPEG", Some("image/jpeg")),
            (" application/pdf ; x=\"y\"", Some("application/pdf")),
            ("application/vnd.ms-excel", Some("application/vnd.ms-excel")),
            ("", None),
            ("pdf", None),
            ("a/", None),
            ("a/b c", None),
            ("a/b/c", None),
        ] {
            let head = head(value.as_bytes(), b"");
            assert_eq!(head.content_type(), read, "{value}");
        }
        assert_eq!(head(b"a/\xff", b"").content_type(), None);
        assert_eq!(ContentHead::of(&HeaderMap::new()), ContentHead::default());
    }

    #[test]
    fn a_type_matches_the_expected_ones() {
        let jpeg = head(b"image/jpeg", b"");
        for expected in [
            &["image/jpeg"][..],
            &["image/*"],
            &["a/b", "IMAGE/*"],
            &["*/*"],
            &[],
        ] {
            assert!(jpeg.is_one_of(expected), "{expected:?}");
        }
        for expected in [
            &["image/png"][..],
            &["video/*"],
            &["image/jpe"],
            &["imag/*"],
        ] {
            assert!(!jpeg.is_one_of(expected), "{expected:?}");
        }
        assert!(ContentHead::default().is_one_of(&["image/*"]));
    }

    #[test]
    fn a_type_that_cannot_be_read_or_is_told_twice_is_none_that_is_expected() {
        for told in [
            &["json"][..],
            &["application/json/x"],
            &[""],
            &["image/png", "application/json"],
            &["image/png", "image/png"],
        ] {
            let mut headers = HeaderMap::new();
            for value in told {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
            }
            let head = ContentHead::of(&headers);
            assert_eq!(head.content_type(), None, "{told:?}");
            for expected in [&["image/*"][..], &["*/*"], &[]] {
                assert!(!head.is_one_of(expected), "{told:?} {expected:?}");
            }
        }
    }

    #[test]
    fn a_reply_without_a_type_is_a_file_unless_it_begins_like_json() {
        let untold = ContentHead::default();
        for (body, is_json) in [
            (&b"{\"code\":1}"[..], true),
            (b" \r\n\t[1]", true),
            (b"\xef\xbb\xbf{}", true),
            (b"\xff\xd8{", false),
            (b"%PDF", false),
            (b" ", false),
            (b"", false),
        ] {
            assert_eq!(untold.is_untold_json(body, &["image/*"]), is_json);
            assert_eq!(untold.is_untold_json(body, &["*/*"]), is_json);
            assert!(!untold.is_untold_json(body, &["application/JSON"]));
            assert!(!untold.is_untold_json(body, &[]));
            assert!(!head(b"image/png", b"").is_untold_json(body, &["image/*"]));
        }
    }

    #[test]
    fn a_file_name_is_read_as_it_is_written() {
        for (disposition, name) in [
            (
                "attachment; filename=\"statement.pdf\"",
                Some("statement.pdf"),
            ),
            ("attachment; filename=statement.pdf", Some("statement.pdf")),
            ("attachment;FileName=a.pdf ; size=7", Some("a.pdf")),
            ("inline; size=7; filename=\"a;b=c.pdf\"", Some("a;b=c.pdf")),
            (
                r#"attachment; filename="say \"hi\".pdf""#,
                Some("say _hi_.pdf"),
            ),
            (
                "attachment; filename=\"a.pdf\"; filename*=UTF-8''na%C3%AFve.pdf",
                Some("na\u{ef}ve.pdf"),
            ),
            (
                "attachment; filename*=utf-8'en'b.pdf; filename=a.pdf",
                Some("b.pdf"),
            ),
            (
                "attachment; filename*=ISO-8859-1''b.pdf; filename=a.pdf",
                Some("a.pdf"),
            ),
            (
                "attachment; filename*=UTF-8''%zz; filename=a.pdf",
                Some("a.pdf"),
            ),
            (
                "attachment; filename*=UTF-8''%; filename=\"a.pdf\"",
                Some("a.pdf"),
            ),
            ("attachment; filename=\"open", Some("open")),
            ("attachment", None),
            ("attachment; filename=", None),
            ("", None),
        ] {
            assert_eq!(named(disposition).as_deref(), name, "{disposition}");
        }
        let latin = head(b"a/b", b"attachment; filename=\"na\xefve.pdf\"");
        assert_eq!(latin.file_name(), Some("na\u{ef}ve.pdf"));
    }

    #[test]
    fn a_file_name_cannot_leave_its_directory() {
        for (name, safe) in [
            ("../../etc/passwd", Some("passwd")),
            ("C:\\\\Windows\\\\a.dll", Some("a.dll")),
            ("/", None),
            ("..", None),
            (". .", None),
            (".bashrc", Some("bashrc")),
            ("a.pdf. ", Some("a.pdf")),
            ("a:b?.pdf", Some("a_b_.pdf")),
            ("nul", Some("_nul")),
            ("COM1.pdf", Some("_COM1.pdf")),
            ("COMA.pdf", Some("COMA.pdf")),
            ("fdp\u{202e}gpj.exe", Some("fdpgpj.exe")),
        ] {
            let found = named(&format!("attachment; filename=\"{name}\""));
            assert_eq!(found.as_deref(), safe, "{name}");
        }
        let encoded = named("attachment; filename*=UTF-8''..%2F..%5Ca%00%0Ab.pdf");
        assert_eq!(encoded.as_deref(), Some("ab.pdf"));
        let long = named(&format!(
            "attachment; filename=\"{}\"",
            "\u{e9}".repeat(200)
        ));
        assert_eq!(long.unwrap().len(), 128);
    }

    #[test]
    fn content_is_described_and_never_printed() {
        let content = Content::new(
            head(b"image/png", b"attachment; filename=CANARY.png"),
            Bytes::from_static(b"CANARY"),
        );
        assert_eq!(
            format!("{content:?} {:?}", content.head),
            "Content(6 bytes) ContentHead(***)"
        );
        assert_eq!(
            serde_json::to_value(&content).unwrap(),
            serde_json::json!({"content_type": "image/png", "file_name": "CANARY.png", "size": 6})
        );
        assert_eq!((content.size(), content.bytes().len()), (6, 6));
        assert_eq!(
            (content.content_type(), content.file_name()),
            (Some("image/png"), Some("CANARY.png"))
        );
        assert_eq!(content.into_bytes(), "CANARY");
    }
}
