//! Documents of XML, which are handed over unparsed.

use provider_core::{Content, DecodeError, ResponseError, Verified, declares_utf8};

/// What a document has before its first element.
#[derive(Debug, PartialEq, Eq)]
enum Prolog {
    /// Nothing that matters.
    Plain,
    /// A document type declaration. In it, and nowhere else, entities are declared: external ones, and those that expand to
    /// gigabytes.
    DocumentType,
    /// It is no XML in UTF-8.
    Other,
}

/// A document of XML, whatever type it claims, without a document type declaration.
pub(crate) fn document(response: &Verified) -> Result<Content, ResponseError> {
    let content = response.content()?;
    let is_utf8 = std::str::from_utf8(content.bytes()).is_ok_and(declares_utf8);
    match prolog(content.bytes()) {
        Prolog::Plain if !is_utf8 => Err(DecodeError::content_type().into()),
        Prolog::Plain => Ok(content),
        Prolog::DocumentType => Err(DecodeError::document_type().into()),
        Prolog::Other => Err(DecodeError::content_type().into()),
    }
}

/// The prolog is made of instructions, comments and white space, and must be that of an encoding that keeps ASCII: in others
/// the first element does not look like one.
fn prolog(document: &[u8]) -> Prolog {
    let mut rest = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    loop {
        rest = rest.trim_ascii_start();
        let skipped = match rest {
            [b'<', b'?', after @ ..] => after_mark(after, b"?>"),
            [b'<', b'!', b'-', b'-', after @ ..] => after_mark(after, b"-->"),
            [b'<', b'!', ..] => return Prolog::DocumentType,
            [b'<', ..]
                // A page is not an account's data.
                if rest
                    .get(1..5)
                    .is_some_and(|name| name.eq_ignore_ascii_case(b"html")) =>
            {
                return Prolog::Other;
            }
            [b'<', first, ..]
                if first.is_ascii_alphabetic() || b"_:".contains(first) || *first >= 0x80 =>
            {
                return Prolog::Plain;
            }
            _ => None,
        };
        match skipped {
            Some(after) => rest = after,
            None => return Prolog::Other,
        }
    }
}

fn after_mark<'d>(text: &'d [u8], mark: &[u8]) -> Option<&'d [u8]> {
    let at = text.windows(mark.len()).position(|seen| seen == mark)?;
    text.get(at.checked_add(mark.len())?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_of_the_type_is_found_wherever_it_may_stand() {
        for document in [
            "<!DOCTYPE a><a/>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<!-- <a> --><?pi <b>?> <!DOCTYPE a [<!ENTITY b \"b\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>",
            "<!ENTITY a \"b\">",
            "<!doctype html><html/>",
        ] {
            assert_eq!(
                prolog(document.as_bytes()),
                Prolog::DocumentType,
                "{document}"
            );
        }
        for document in [
            "<a/>",
            "\u{feff} <?xml version=\"1.0\"?><!-- <!DOCTYPE a> --><a:b/>",
            "<_a><![CDATA[<!DOCTYPE a>]]></_a>",
            "<é/>",
        ] {
            assert_eq!(prolog(document.as_bytes()), Prolog::Plain, "{document}");
        }
        let utf_16: Vec<u8> = "<!DOCTYPE a><a/>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for document in [
            b"".as_slice(),
            b" ",
            b"{}",
            b"<",
            b"<?xml",
            b"<!-- a",
            b"<1/>",
            b"<html><body/></html>",
            b"<HTML/>",
            b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a>",
            &utf_16,
        ] {
            assert_eq!(prolog(document), Prolog::Other, "{document:?}");
        }
    }
}
