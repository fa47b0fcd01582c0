//! Answers as bytes, with planted values in whatever the peer fills.

use provider_core::bytes::Bytes;

use super::columns::Subject;
use super::server::Step;
use crate::canaries::planted::{COOKIE, HEADER_NAME, SERVER, TRACE_HEADER};

/// The status line and the headers, planted ones among them, with the empty line that ends them.
pub(crate) fn head(status: &str, headers: &[(&str, String)]) -> Vec<u8> {
    let mut text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nserver: {SERVER}\r\n\
         set-cookie: id={COOKIE}; Path=/\r\nx-trace: {TRACE_HEADER}\r\n{HEADER_NAME}: 1\r\n"
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A whole answer with its length.
pub(crate) fn answer(status: &str, headers: &[(&str, String)], body: impl AsRef<[u8]>) -> Bytes {
    let body = body.as_ref();
    let mut all = headers.to_vec();
    all.push(("content-length", body.len().to_string()));
    [head(status, &all).as_slice(), body].concat().into()
}

/// An answer with the operation's status that the provider vouches for.
pub(crate) fn vouched(subject: &Subject, body: impl AsRef<[u8]>) -> Bytes {
    vouched_and(subject, &[], body)
}

/// The same with further headers.
pub(crate) fn vouched_and(
    subject: &Subject,
    headers: &[(&str, String)],
    body: impl AsRef<[u8]>,
) -> Bytes {
    let mut all = subject.vouched(body.as_ref());
    all.extend_from_slice(headers);
    answer(subject.answer.status, &all, body)
}

/// The correct answer.
pub(crate) fn correct(subject: &Subject) -> Bytes {
    vouched(subject, &subject.answer.body)
}

/// Sends this text or these bytes.
pub(crate) fn send(bytes: impl Into<Bytes>) -> Step {
    Step::Send(bytes.into())
}
