//! A document as text, whose encoding no page tells: what it is, and the original.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use provider_core::capability::{DocumentError, DocumentFormat};
use provider_core::lint::mask_aadhaar;
use provider_core::{DocumentFlaw, Masked, check_pdf, check_web_url, check_xml, lenient};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Padding may be missing, because some encoders leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A document as Deepvue sent it: text whose encoding no page tells (`[unknown]`). [`expose`](Self::expose) is the original, byte for
/// byte; [`format`](Self::format) is what it looks like; the other functions decode it, or say why it is not what was asked for.
///
/// `Debug` prints `***`. It serialises as the text, in which a whole Aadhaar number is hidden but for its last four digits, in XML and
/// other text also below base64. A PDF and a picture are not searched.
///
/// ```
/// use deepvue_digilocker::{DocumentError, DocumentFormat, DocumentText};
///
/// let document = DocumentText::new("<Certificate/>");
/// assert_eq!(document.format(), DocumentFormat::Xml);
/// assert_eq!(document.xml()?, "<Certificate/>");
/// let asked = document.pdf();
/// assert_eq!(asked, Err(DocumentError::OtherFormat(DocumentFormat::Xml)));
/// # Ok::<(), DocumentError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentText(Masked);

impl DocumentText {
    /// Wraps a document, byte for byte.
    pub fn new(text: impl Into<Masked>) -> Self {
        Self(text.into())
    }

    /// The original, byte for byte and unmasked. It is personal data; do not log it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What it looks like. Nothing is decoded but the beginning.
    pub fn format(&self) -> DocumentFormat {
        const BEGINNING: usize = 64;
        let text = plain(self.expose());
        if text.starts_with('<') {
            return of_bytes(text.as_bytes());
        }
        if check_web_url("document", text.trim_end()).is_ok() {
            return DocumentFormat::Link;
        }
        let beginning = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
        let beginning: Vec<u8> = beginning.take(BEGINNING).collect();
        // Whole groups of four.
        let (whole, _) = beginning.as_chunks::<4>();
        match BASE64.decode(whole.as_flattened()) {
            Ok(bytes) => of_bytes(&bytes),
            Err(_) => DocumentFormat::Other,
        }
    }

    /// The PDF.
    ///
    /// # Errors
    ///
    /// It looks like something else, is not base64, or has no end.
    pub fn pdf(&self) -> Result<Vec<u8>, DocumentError> {
        let bytes = self.bytes_of(&[DocumentFormat::Pdf])?;
        match check_pdf(plain_bytes(&bytes)) {
            Ok(()) => Ok(bytes),
            Err(flaw) => Err(Self::error(flaw)),
        }
    }

    /// The picture, a JPEG or a PNG.
    ///
    /// # Errors
    ///
    /// It looks like something else, or is not base64.
    pub fn picture(&self) -> Result<Vec<u8>, DocumentError> {
        self.bytes_of(&[DocumentFormat::Jpeg, DocumentFormat::Png])
    }

    /// The XML, not parsed, and safe to parse: it has no document type, and so no entities but XML's own, and is UTF-8.
    ///
    /// # Errors
    ///
    /// It looks like something else, is not base64 or UTF-8, says that it has another encoding, has a document type, or has no
    /// end.
    pub fn xml(&self) -> Result<String, DocumentError> {
        let text = plain(self.expose());
        let xml = match text.starts_with('<') {
            true => {
                self.is_one_of(&[DocumentFormat::Xml])?;
                text.to_owned()
            }
            false => {
                let bytes = self.bytes_of(&[DocumentFormat::Xml])?;
                let text = String::from_utf8(bytes).map_err(|_| DocumentError::Encoding)?;
                plain(&text).to_owned()
            }
        };
        match check_xml(&xml, None) {
            Ok(()) => Ok(xml),
            Err(flaw) => Err(Self::error(flaw)),
        }
    }

    /// Where the document is, an absolute `http` or `https` URL.
    ///
    /// # Errors
    ///
    /// It looks like something else.
    pub fn link(&self) -> Result<&str, DocumentError> {
        self.is_one_of(&[DocumentFormat::Link])?;
        Ok(plain(self.expose()).trim_end())
    }

    fn is_one_of(&self, formats: &[DocumentFormat]) -> Result<(), DocumentError> {
        match self.format() {
            found if formats.contains(&found) => Ok(()),
            DocumentFormat::Html => Err(DocumentError::Page),
            DocumentFormat::Other if self.decoded().is_err() => Err(DocumentError::NotBase64),
            found => Err(DocumentError::OtherFormat(found)),
        }
    }

    fn bytes_of(&self, formats: &[DocumentFormat]) -> Result<Vec<u8>, DocumentError> {
        self.is_one_of(formats)?;
        self.decoded()
    }

    fn error(flaw: DocumentFlaw) -> DocumentError {
        match flaw {
            DocumentFlaw::Truncated => DocumentError::Truncated,
            DocumentFlaw::Encoding => DocumentError::Encoding,
            DocumentFlaw::DocumentType => DocumentError::DocumentType,
            _ => DocumentError::OtherFormat(DocumentFormat::Other),
        }
    }

    fn decoded(&self) -> Result<Vec<u8>, DocumentError> {
        let text = plain(self.expose()).bytes();
        let text: Vec<u8> = text.filter(|byte| !byte.is_ascii_whitespace()).collect();
        BASE64.decode(text).map_err(|_| DocumentError::NotBase64)
    }
}

/// The text without a byte order mark and white space before it.
fn plain(text: &str) -> &str {
    text.trim_start_matches(|char: char| char == '\u{feff}' || char.is_ascii_whitespace())
}

fn plain_bytes(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.trim_ascii_start()
}

fn begins_with(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
}

/// What bytes are, by their beginning.
fn of_bytes(bytes: &[u8]) -> DocumentFormat {
    let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let text = plain(text);
    match bytes {
        [0xff, 0xd8, 0xff, ..] => DocumentFormat::Jpeg,
        [0x89, b'P', b'N', b'G', ..] => DocumentFormat::Png,
        _ if text.starts_with("%PDF-") => DocumentFormat::Pdf,
        _ if begins_with(text, "<!doctype html") || begins_with(text, "<html") => {
            DocumentFormat::Html
        }
        _ if text.starts_with('<') => DocumentFormat::Xml,
        _ => DocumentFormat::Other,
    }
}

/// A text with its Aadhaar numbers hidden, in the encoding in which it came; `None` if it has none. In an encoding of one byte for
/// each character it is searched as well.
fn masked_text(bytes: &[u8]) -> Option<Vec<u8>> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let masked = mask_aadhaar(text);
        return (masked != text).then(|| masked.into_owned().into_bytes());
    }
    let text: String = bytes.iter().copied().map(char::from).collect();
    let masked = mask_aadhaar(&text);
    let bytes = || {
        let chars = masked.chars();
        chars.filter_map(|char| u8::try_from(char).ok()).collect()
    };
    (masked != text).then(bytes)
}

/// Reads a document that may be missing.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DocumentText>, D::Error> {
    let text: Option<Masked> = lenient::text(deserializer)?;
    let text = text.filter(|text| !text.expose().is_empty());
    Ok(text.map(DocumentText))
}

impl fmt::Debug for DocumentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DocumentText(***)")
    }
}

impl Serialize for DocumentText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.expose();
        if plain(text).starts_with('<') {
            return serializer.serialize_str(&mask_aadhaar(text));
        }
        let masked = match self.format() {
            DocumentFormat::Link => None,
            // Digits of base64 are no number, and to hide them would break the document.
            DocumentFormat::Pdf | DocumentFormat::Jpeg | DocumentFormat::Png => {
                return serializer.serialize_str(text);
            }
            _ => self.decoded().ok().and_then(|bytes| masked_text(&bytes)),
        };
        match (masked, self.format()) {
            (Some(masked), _) => serializer.serialize_str(&BASE64.encode(masked)),
            (None, DocumentFormat::Xml | DocumentFormat::Html) => serializer.serialize_str(text),
            (None, _) => serializer.serialize_str(&mask_aadhaar(text)),
        }
    }
}

impl<'de> Deserialize<'de> for DocumentText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Masked::deserialize(deserializer).map(Self)
    }
}

provider_core::text_schema! { DocumentText, "A document as text: a PDF or a picture in base64, XML, or the URL of a document." }

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(bytes: impl AsRef<[u8]>) -> String {
        BASE64.encode(bytes)
    }

    const PDF: &[u8] = b"%PDF-1.4\nmade up\n%%EOF\n";

    #[test]
    fn a_format_is_seen_by_its_first_characters() {
        let lines = base64(PDF)
            .as_bytes()
            .chunks(4)
            .fold(String::new(), |mut text, chunk| {
                text.push_str(std::str::from_utf8(chunk).unwrap());
                text + "\r\n"
            });
        for (text, format) in [
            (base64(PDF), DocumentFormat::Pdf),
            (lines, DocumentFormat::Pdf),
            (
                base64(PDF).trim_end_matches('=').to_owned(),
                DocumentFormat::Pdf,
            ),
            (base64("<?xml version=\"1.0\"?><a/>"), DocumentFormat::Xml),
            ("<a/>".to_owned(), DocumentFormat::Xml),
            ("\u{feff}\n <a/>".to_owned(), DocumentFormat::Xml),
            ("<!DOCTYPE a><a/>".to_owned(), DocumentFormat::Xml),
            ("<!doctype HTML><p>".to_owned(), DocumentFormat::Html),
            (base64("<HTML><body>"), DocumentFormat::Html),
            (base64([0xff, 0xd8, 0xff, 0xe0]), DocumentFormat::Jpeg),
            (base64(b"\x89PNG\r\n\x1a\n"), DocumentFormat::Png),
            (
                "https://documents.example.test/a".to_owned(),
                DocumentFormat::Link,
            ),
            ("javascript:alert(1)".to_owned(), DocumentFormat::Other),
            ("file:///etc/passwd".to_owned(), DocumentFormat::Other),
            ("made up".to_owned(), DocumentFormat::Other),
            (base64("made up"), DocumentFormat::Other),
            (String::new(), DocumentFormat::Other),
        ] {
            let document = DocumentText::new(text.clone());
            assert_eq!(document.format(), format, "{text}");
            assert_eq!(document.expose(), text);
        }
    }

    #[test]
    fn what_is_not_what_was_asked_for_is_an_error_of_its_own() {
        let pdf = |text: &str| DocumentText::new(text).pdf();
        assert_eq!(pdf(&base64(PDF)).unwrap(), PDF);
        for (text, error) in [
            (base64(b"%PDF-1.4\nmade up"), DocumentError::Truncated),
            ("<html></html>".to_owned(), DocumentError::Page),
            (base64("<html></html>"), DocumentError::Page),
            (
                "<a/>".to_owned(),
                DocumentError::OtherFormat(DocumentFormat::Xml),
            ),
            (
                base64([0xff, 0xd8, 0xff]),
                DocumentError::OtherFormat(DocumentFormat::Jpeg),
            ),
            (
                "https://documents.example.test/a".to_owned(),
                DocumentError::OtherFormat(DocumentFormat::Link),
            ),
            (
                base64("made up"),
                DocumentError::OtherFormat(DocumentFormat::Other),
            ),
            ("made up!".to_owned(), DocumentError::NotBase64),
            (format!("{}!", base64(PDF)), DocumentError::NotBase64),
            (format!("{}\u{e9}", base64(PDF)), DocumentError::NotBase64),
        ] {
            assert_eq!(pdf(&text).unwrap_err(), error, "{text}");
            assert!(!format!("{error} {error:?}").contains("made up"));
        }
        let picture = |text: &str| DocumentText::new(text).picture();
        assert_eq!(
            picture(&base64([0xff, 0xd8, 0xff])).unwrap(),
            [0xff, 0xd8, 0xff]
        );
        let other = DocumentError::OtherFormat(DocumentFormat::Pdf);
        assert_eq!(picture(&base64(PDF)).unwrap_err(), other);
        let link = DocumentText::new(" https://documents.example.test/a\n");
        assert_eq!(link.link(), Ok("https://documents.example.test/a"));
        let other = DocumentError::OtherFormat(DocumentFormat::Xml);
        assert_eq!(DocumentText::new("<a/>").link().unwrap_err(), other);
    }

    #[test]
    fn xml_that_could_hurt_its_parser_is_refused() {
        let xml = |text: &str| DocumentText::new(text).xml();
        let fine = "<?xml version='1.0' encoding = \"UTF-8\" ?><a>&lt;!DOCTYPE</a>";
        assert_eq!(xml(fine).unwrap(), fine);
        assert_eq!(xml(&base64(fine)).unwrap(), fine);
        let laughs = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
        let external = "<!doctype a SYSTEM \"file:///etc/passwd\"><a/>";
        for text in [laughs, external, "<a><!EnTiTy x \"y\"></a>"] {
            for text in [text.to_owned(), base64(text)] {
                assert_eq!(
                    xml(&text).unwrap_err(),
                    DocumentError::DocumentType,
                    "{text}"
                );
            }
        }
        let utf16: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [
            base64(utf16),
            base64(b"<a>\xe9</a>"),
            "<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADw-+ACE-DOCTYPE".to_owned(),
            "<?xml version=\"1.0\" encoding='utf-16'?><a/>".to_owned(),
            "<a>\0</a>".to_owned(),
        ] {
            assert_eq!(xml(&text).unwrap_err(), DocumentError::Encoding, "{text}");
        }
        assert_eq!(xml("<a><b></b></a>").unwrap(), "<a><b></b></a>");
        for torn in ["<a><b>", "<a><b></b>", "<a>text", "<a/>rest"] {
            assert_eq!(xml(torn).unwrap_err(), DocumentError::Truncated, "{torn}");
            let torn = base64(torn);
            assert_eq!(xml(&torn).unwrap_err(), DocumentError::Truncated);
        }
        assert_eq!(xml("<a><b").unwrap_err(), DocumentError::Truncated);
        assert_eq!(xml("<html><p>").unwrap_err(), DocumentError::Page);
    }

    #[test]
    fn digits_of_base64_are_no_number_and_those_of_text_may_be() {
        let with = |last: u64| format!("{}{last}", "2".repeat(11));
        let mut numbers = (0..10).map(with);
        let number = numbers.find(|text| mask_aadhaar(text) != *text).unwrap();
        let written = |text: &str| serde_json::to_value(DocumentText::new(text)).unwrap();
        let pdf = format!("{}+{number}+", base64(b"%PDF-1.4\nabc"));
        assert_eq!(written(&pdf), *pdf);
        let utf_16 =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let latin = |text: &str| [b"<a>\xe9 ", text.as_bytes(), b"</a>"].concat();
        let hidden = format!("xxxxxxxx{}", &number[8..]);
        for (document, masked) in [
            (
                base64(format!("<a>{number}</a>")),
                base64(format!("<a>{hidden}</a>")),
            ),
            (base64(&number), base64(&hidden)),
            (base64(utf_16(&number)), base64(utf_16(&hidden))),
            (base64(latin(&number)), base64(latin(&hidden))),
        ] {
            assert_eq!(written(&document), *masked);
        }
        let fine = base64("<a>made up</a>");
        assert_eq!(written(&fine), *fine);
        for text in [
            number.clone(),
            format!("<a>{number}</a>"),
            format!("https://a.test/{number}"),
        ] {
            let masked = text.replace(&number[..8], "xxxxxxxx");
            assert_eq!(written(&text), *masked);
        }
    }

    #[test]
    fn the_original_is_kept_and_not_printed() {
        let document = DocumentText::new("CANARY");
        assert_eq!(format!("{document:?}"), "DocumentText(***)");
        assert_eq!(serde_json::to_string(&document).unwrap(), "\"CANARY\"");
        let read: DocumentText = serde_json::from_str("\" CANARY\\n\"").unwrap();
        assert_eq!(read.expose(), " CANARY\n");
    }
}
