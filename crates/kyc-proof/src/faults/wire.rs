//! Replies as bytes, with planted values in whatever the peer fills.

use provider_core::bytes::Bytes;

use super::case::Variant;
use super::column::Column;
use super::server::{Script, Step};
use crate::planted::{COOKIE, HEADER_NAME, SERVER, TRACE_HEADER};

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

/// A whole reply with its length.
pub(crate) fn answer(status: &str, headers: &[(&str, String)], body: impl AsRef<[u8]>) -> Bytes {
    let body = body.as_ref();
    let mut all = headers.to_vec();
    all.push(("content-length", body.len().to_string()));
    [head(status, &all).as_slice(), body].concat().into()
}

/// A reply with the operation's status that the provider vouches for.
pub(crate) fn vouched(column: &Column, body: impl AsRef<[u8]>) -> Bytes {
    vouched_and(column, &[], body)
}

/// The same with further headers.
pub(crate) fn vouched_and(
    column: &Column,
    headers: &[(&str, String)],
    body: impl AsRef<[u8]>,
) -> Bytes {
    let mut all = column.vouched(body.as_ref());
    all.extend_from_slice(headers);
    answer(&column.status(), &all, body)
}

/// The correct reply.
pub(crate) fn correct(column: &Column) -> Bytes {
    vouched(column, column.body())
}

/// Sends these bytes.
pub(crate) fn send(bytes: impl Into<Bytes>) -> Step {
    Step::Send(bytes.into())
}

/// The request is read, what it asks for is done, and then this.
pub(crate) fn done_then(steps: impl IntoIterator<Item = Step>) -> Script {
    let first = [Step::Request, Step::Effect];
    Script::AtRequest(first.into_iter().chain(steps).collect())
}

/// The request is read, nothing is done, and then this.
pub(crate) fn read_then(steps: impl IntoIterator<Item = Step>) -> Script {
    Script::AtRequest([Step::Request].into_iter().chain(steps).collect())
}

/// The correct exchange.
pub(crate) fn well(column: &Column) -> Script {
    done_then([send(correct(column))])
}

/// A success with each of these bodies, by the names of what was changed; the results are those without a network.
pub(crate) fn successes(column: &Column, bodies: Vec<(String, String)>) -> Vec<Variant> {
    let variant = |(name, body): (String, String)| Variant {
        name,
        expect: Some(column.result_of(body.as_bytes())),
        script: done_then([send(vouched(column, body))]),
    };
    bodies.into_iter().map(variant).collect()
}
