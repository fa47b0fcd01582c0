//! Documents that are handed over unparsed: whether they are whole, and safe to parse.

/// Why a document is not handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DocumentFlaw {
    /// It does not begin as documents of this format do.
    OtherFormat,
    /// It has no end: it was cut off on its way.
    Truncated,
    /// XML that says that it is in another encoding than UTF-8: a parser that believes it reads other characters than were
    /// checked.
    Encoding,
    /// XML with a document type declaration. In it, and nowhere else, entities are declared: external ones, and those that expand
    /// to gigabytes.
    DocumentType,
}

/// Checks that a document is a PDF and has an end.
///
/// # Errors
///
/// [`DocumentFlaw::OtherFormat`] or [`DocumentFlaw::Truncated`].
pub fn check_pdf(document: &[u8]) -> Result<(), DocumentFlaw> {
    // Writers leave a line or some padding after the mark of the end.
    const TAIL: usize = 1024;
    if !document.starts_with(b"%PDF-") {
        return Err(DocumentFlaw::OtherFormat);
    }
    match last(document, TAIL).windows(5).any(|seen| seen == b"%%EOF") {
        true => Ok(()),
        false => Err(DocumentFlaw::Truncated),
    }
}

/// Checks that a document is a spreadsheet and has an end: today's format, a ZIP with its directory, or the one before, of whole
/// sectors.
///
/// # Errors
///
/// [`DocumentFlaw::OtherFormat`] or [`DocumentFlaw::Truncated`].
pub fn check_spreadsheet(document: &[u8]) -> Result<(), DocumentFlaw> {
    /// The end of a ZIP's directory, without the comment after it, whose length is its last two bytes.
    const END: usize = 22;
    const MOST_COMMENT: usize = 65_535;
    const SECTOR: usize = 512;
    let is_whole = if document.starts_with(b"PK\x03\x04") {
        let tail = last(document, END.saturating_add(MOST_COMMENT));
        let mut ends = tail.windows(END).enumerate();
        ends.any(|(at, end)| match end {
            [b'P', b'K', 5, 6, .., low, high] => {
                let comment = usize::from(u16::from_le_bytes([*low, *high]));
                at.saturating_add(END).saturating_add(comment) <= tail.len()
            }
            _ => false,
        })
    } else if document.starts_with(b"\xd0\xcf\x11\xe0") {
        document.len() > SECTOR && document.len().is_multiple_of(SECTOR)
    } else {
        return Err(DocumentFlaw::OtherFormat);
    };
    match is_whole {
        true => Ok(()),
        false => Err(DocumentFlaw::Truncated),
    }
}

/// Checks that a text is XML whose elements are closed, that declares no type, and no other encoding than UTF-8 or ASCII.
///
/// `charset` is the one in the reply's content type, if it has one. Names, attributes and references are not looked at: that is
/// the parser's part.
///
/// ```
/// use provider_core::{DocumentFlaw, check_xml};
///
/// assert_eq!(check_xml("<?xml version='1.0' encoding='UTF-8'?><a><b/></a>", None), Ok(()));
/// assert_eq!(check_xml("<a><b>", None), Err(DocumentFlaw::Truncated));
/// assert_eq!(check_xml("<!DOCTYPE a><a/>", None), Err(DocumentFlaw::DocumentType));
/// assert_eq!(check_xml("<a/>", Some("utf-7")), Err(DocumentFlaw::Encoding));
/// ```
///
/// # Errors
///
/// [`DocumentFlaw`].
pub fn check_xml(xml: &str, charset: Option<&str>) -> Result<(), DocumentFlaw> {
    let text = xml.strip_prefix('\u{feff}').unwrap_or(xml).trim_start();
    if text.contains('\0') || charset.is_some_and(|charset| !is_utf8(charset)) {
        return Err(DocumentFlaw::Encoding);
    }
    let mut rest = text;
    let (mut depth, mut rooted) = (0_usize, false);
    loop {
        let at_markup = rest.find('<').unwrap_or(rest.len());
        let (between, markup) = rest.split_at(at_markup);
        if depth == 0 && !between.trim_ascii().is_empty() {
            // In another encoding not even the first element looks like one.
            return Err(match rooted {
                true => DocumentFlaw::Truncated,
                false => DocumentFlaw::OtherFormat,
            });
        }
        let is_first = markup.len() == text.len();
        let after = if let Some(instruction) = markup.strip_prefix("<?") {
            let end = ending(instruction, "?>")?;
            let (inner, _) = instruction.split_at(end.saturating_sub(2));
            let is_declaration = (inner.split(|c: char| c.is_ascii_whitespace()).next())
                .is_some_and(|target| target.eq_ignore_ascii_case("xml"));
            if is_declaration && !(is_first && declares_utf8(inner)) {
                return Err(DocumentFlaw::Encoding);
            }
            instruction.get(end..)
        } else if let Some(comment) = markup.strip_prefix("<!--") {
            comment.get(ending(comment, "-->")?..)
        } else if let Some(text) = markup.strip_prefix("<![CDATA[").filter(|_| depth > 0) {
            text.get(ending(text, "]]>")?..)
        } else if markup.starts_with("<!") {
            return Err(DocumentFlaw::DocumentType);
        } else if let Some(closing) = markup.strip_prefix("</") {
            depth = depth.checked_sub(1).ok_or(DocumentFlaw::OtherFormat)?;
            closing.get(ending(closing, ">")?..)
        } else if let Some(element) = markup.strip_prefix('<') {
            let begins = |c: char| c.is_alphabetic() || matches!(c, '_' | ':') || !c.is_ascii();
            match element.chars().next() {
                Some(first) if begins(first) => {}
                Some(_) => return Err(DocumentFlaw::OtherFormat),
                None => return Err(DocumentFlaw::Truncated),
            }
            let end = end_of_tag(element).ok_or(DocumentFlaw::Truncated)?;
            let (inner, _) = element.split_at(end);
            // A page is no document of data.
            let name = inner.get(..4).filter(|_| !rooted);
            if name.is_some_and(|name| name.eq_ignore_ascii_case("html")) {
                return Err(DocumentFlaw::OtherFormat);
            }
            let opens = usize::from(!inner.ends_with('/'));
            (rooted, depth) = (true, depth.saturating_add(opens));
            element.get(end.saturating_add(1)..)
        } else {
            // The end.
            return match (rooted, depth) {
                (true, 0) => Ok(()),
                (true, _) => Err(DocumentFlaw::Truncated),
                (false, _) => Err(DocumentFlaw::OtherFormat),
            };
        };
        rest = after.unwrap_or_default();
    }
}

/// Where the mark ends that ends this.
fn ending(text: &str, mark: &str) -> Result<usize, DocumentFlaw> {
    let at = text.find(mark).ok_or(DocumentFlaw::Truncated)?;
    Ok(at.saturating_add(mark.len()))
}

/// Where the `>` of a tag is, which none in a value is.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    let mut bytes = tag.bytes();
    bytes.position(|byte| match (quote, byte) {
        (Some(open), _) if open == byte => {
            quote = None;
            false
        }
        (Some(_), _) => false,
        (None, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        (None, byte) => byte == b'>',
    })
}

/// Whether a declaration, `xml version='1.0' encoding='UTF-8'`, names no encoding, or once UTF-8 or ASCII.
fn declares_utf8(declaration: &str) -> bool {
    let mut rest = declaration;
    let mut named = 0_usize;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.split_ascii_whitespace().next_back();
        let after = after.trim_ascii_start();
        let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return false;
        };
        let Some((value, after)) = after.get(1..).and_then(|inner| inner.split_once(quote)) else {
            return false;
        };
        if name.is_some_and(|name| name.eq_ignore_ascii_case("encoding")) {
            named = named.saturating_add(1);
            if !is_utf8(value) {
                return false;
            }
        }
        rest = after;
    }
    named < 2 && !rest.to_ascii_lowercase().contains("encoding")
}

fn is_utf8(name: &str) -> bool {
    const KNOWN: [&str; 4] = ["utf-8", "utf8", "us-ascii", "ascii"];
    KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn last(document: &[u8], count: usize) -> &[u8] {
    let begin = document.len().saturating_sub(count);
    document.get(begin..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::DocumentFlaw::{DocumentType, Encoding, OtherFormat, Truncated};
    use super::*;

    #[test]
    fn a_torn_document_is_none() {
        assert_eq!(check_pdf(b"%PDF-1.4\nmade up\n%%EOF\n"), Ok(()));
        for torn in [&b"%PDF-"[..], b"%PDF-1.4\nmade up", b"%PDF-1.4\n%%EO"] {
            assert_eq!(check_pdf(torn), Err(Truncated), "{torn:?}");
        }
        let far = [b"%PDF-1.4\n%%EOF".as_slice(), &[b' '; 1024]].concat();
        assert_eq!(check_pdf(&far), Err(Truncated));
        for other in [&b""[..], b"%PDF", b"<html>%PDF-%%EOF"] {
            assert_eq!(check_pdf(other), Err(OtherFormat), "{other:?}");
        }
        let directory = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0ab";
        let zip = [b"PK\x03\x04made up".as_slice(), directory].concat();
        assert_eq!(check_spreadsheet(&zip), Ok(()));
        for end in [4, 8, zip.len() - 1, zip.len() - 3, zip.len() - 10] {
            assert_eq!(check_spreadsheet(&zip[..end]), Err(Truncated), "{end}");
        }
        let mut sectors = b"\xd0\xcf\x11\xe0".to_vec();
        assert_eq!(check_spreadsheet(&sectors), Err(Truncated));
        sectors.resize(1024, 0);
        assert_eq!(check_spreadsheet(&sectors), Ok(()));
        assert_eq!(check_spreadsheet(&sectors[..1000]), Err(Truncated));
        assert_eq!(check_spreadsheet(b"PK"), Err(OtherFormat));
        for torn in [
            "<a><b>",
            "<a><b></b>",
            "<a",
            "<a b='>",
            "<a>text",
            "<a><!-- -->",
            "<a><![CDATA[</a>",
            "<!-- a",
            "<?xml",
            "<",
            "<a/>rest",
        ] {
            assert_eq!(check_xml(torn, None), Err(Truncated), "{torn}");
        }
    }

    #[test]
    fn a_declaration_of_the_type_is_found_wherever_it_may_stand() {
        for xml in [
            "<!DOCTYPE a><a/>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<!-- <a> --><?pi <b>?> <!DOCTYPE a [<!ENTITY b \"b\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>",
            "<!ENTITY a \"b\">",
            "<a><!EnTiTy x \"y\"></a>",
            "<!doctype html><html/>",
            "<![CDATA[a]]>",
        ] {
            assert_eq!(check_xml(xml, None), Err(DocumentType), "{xml}");
        }
        for xml in [
            "<a/>",
            "\u{feff} <?xml version=\"1.0\"?><!-- <!DOCTYPE a> --><a:b/>",
            "<_a><![CDATA[<!DOCTYPE a>]]></_a>",
            "<é/>",
            "<a b='>' c=\"/>'\">&lt;!DOCTYPE</a>\n<!-- end -->\n",
            "<?xml-stylesheet href='a'?><a><b c='d'/><b></b></a>",
        ] {
            assert_eq!(check_xml(xml, None), Ok(()), "{xml}");
        }
        for other in [
            "",
            " ",
            "{}",
            "<1/>",
            "plain",
            "</a>",
            "<!-- a -->",
            "a<b/>",
            "<HTML><body/></HTML>",
        ] {
            assert_eq!(check_xml(other, None), Err(OtherFormat), "{other}");
        }
    }

    #[test]
    fn another_encoding_is_refused_wherever_it_is_told() {
        for declaration in [
            "<?xml version='1.0' encoding='UTF-7'?>",
            "<?xml version='1.0' encoding = \"iso-2022-jp\" ?>",
            "<?xml version='1.0' encoding='UTF-8' encoding='UTF-7'?>",
            "<?xml version='1.0' encoding='UTF-8' encoding='UTF-8'?>",
            "<?xml version='1.0' Encoding='UTF-16'?>",
            "<?xml version='1.0' encoding=UTF-7?>",
            "<?xml version='1.0' encoding='UTF-7?>",
            "<?xml version='encoding=\"UTF-8\"' encoding='UTF-7'?>",
            "<!-- a --><?xml version='1.0' encoding='UTF-7'?>",
            "<!-- a --><?xml version='1.0' encoding='UTF-8'?>",
            "<?pi?><?XML encoding='UTF-7'?>",
            "<?xml version='1.0'?><?xml version='1.0'?>",
            "\0",
        ] {
            let xml = format!("{declaration}<a/>");
            assert_eq!(check_xml(&xml, None), Err(Encoding), "{xml}");
        }
        for declaration in [
            "",
            "<?xml version='1.0'?>",
            "\u{feff}<?xml version=\"1.0\" encoding = \"UTF-8\" standalone='yes' ?>",
            " <?xml version='1.0' encoding='us-ascii'?>",
        ] {
            let xml = format!("{declaration}<a/>");
            for charset in [None, Some("utf-8"), Some("US-ASCII")] {
                assert_eq!(check_xml(&xml, charset), Ok(()), "{xml}");
            }
            for charset in ["utf-7", "UTF-16", "iso-2022-jp", ""] {
                assert_eq!(check_xml(&xml, Some(charset)), Err(Encoding), "{xml}");
            }
        }
    }
}
