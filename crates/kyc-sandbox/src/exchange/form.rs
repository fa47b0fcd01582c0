//! Forms with files: `multipart/form-data`, as far as clients write it.

use http::header::CONTENT_TYPE;

use super::request::{Header, ReceivedRequest};

/// A part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'r> {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content: &'r [u8],
}

impl ReceivedRequest {
    /// The parts of a form in order; `None` if the body is none.
    pub(crate) fn form(&self) -> Option<Vec<Part<'_>>> {
        let Header::Once(content_type) = self.header(CONTENT_TYPE.as_str()) else {
            return None;
        };
        parts(std::str::from_utf8(content_type).ok()?, self.body())
    }
}

fn parts<'b>(content_type: &str, body: &'b [u8]) -> Option<Vec<Part<'b>>> {
    let (kind, parameters) = content_type.split_once(';')?;
    let boundary = parameter(parameters, "boundary")?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") || boundary.is_empty() {
        return None;
    }
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(delimiter.as_bytes().get(2..)?)?;
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let (head, after) = split_at(part, b"\r\n\r\n")?;
        let (content, after) = split_at(after, delimiter.as_bytes())?;
        let head = std::str::from_utf8(head).ok()?;
        let is_disposition = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            name.eq_ignore_ascii_case("content-disposition")
        };
        let (_, disposition) = head.lines().find(is_disposition)?.split_once(';')?;
        parts.push(Part {
            name: parameter(disposition, "name")?,
            file_name: parameter(disposition, "filename"),
            content,
        });
        rest = after;
    }
    rest.starts_with(b"--").then_some(parts)
}

/// What is before and after the first occurrence.
fn split_at<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = bytes.windows(mark.len()).position(|seen| seen == mark)?;
    Some((bytes.get(..at)?, bytes.get(at.checked_add(mark.len())?..)?))
}

/// The value of a parameter, without its quotes.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (found, value) = parameter.trim().split_once('=')?;
        let value = value.trim_matches('"').to_owned();
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\n\
        Content-Disposition: form-data; name=\"f\"; filename=\"x.csv\"\r\ncontent-type: text/csv\r\n\r\nx\r\n--c\r\n--b--\r\n";

    #[test]
    fn the_parts_of_a_form_are_read_in_order() {
        let found = parts("multipart/form-data; boundary=b", FORM.as_bytes()).unwrap();
        let part = |name: &str, file_name: Option<&str>, content: &'static str| Part {
            name: name.to_owned(),
            file_name: file_name.map(str::to_owned),
            content: content.as_bytes(),
        };
        assert_eq!(
            found,
            [part("a", None, "1"), part("f", Some("x.csv"), "x\r\n--c")]
        );
        let quoted = parts("Multipart/Form-Data;boundary=\"b\"", FORM.as_bytes());
        assert_eq!(quoted, Some(found));
    }

    #[test]
    fn what_is_no_form_has_no_parts() {
        for (content_type, body) in [
            ("application/json", FORM),
            ("application/json; boundary=b", FORM),
            ("multipart/form-data", FORM),
            ("multipart/form-data; boundary=", FORM),
            ("multipart/form-data; boundary=c", FORM),
            ("multipart/form-data; boundary=b", ""),
            ("multipart/form-data; boundary=b", "--b\r\n\r\n\r\n--b--"),
            (
                "multipart/form-data; boundary=b",
                "--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1",
            ),
        ] {
            assert_eq!(parts(content_type, body.as_bytes()), None, "{content_type}");
        }
    }
}
