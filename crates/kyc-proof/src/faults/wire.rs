//! Replies as bytes, with planted values in whatever the peer fills.

use kyc_proof::companies::Headers;
use provider_core::bytes::Bytes;

use super::case::Variant;
use super::column::Column;
use super::server::{Script, Step};
use crate::planted::{COOKIE, HEADER_NAME, SERVER, TRACE_HEADER};

/// A reply before it is sent.
#[derive(Clone)]
pub(crate) struct Reply {
    status: String,
    /// The lines of its head.
    lines: Vec<String>,
    body: Vec<u8>,
    /// Whether its length is announced.
    has_length: bool,
}

impl Reply {
    /// A reply that nothing vouches for.
    pub(crate) fn new(status: impl Into<String>, body: impl AsRef<[u8]>) -> Self {
        Self {
            status: status.into(),
            lines: Vec::new(),
            body: body.as_ref().to_vec(),
            has_length: true,
        }
    }

    /// A success with this body that the provider vouches for.
    pub(crate) fn vouched(column: &Column, body: impl AsRef<[u8]>) -> Self {
        let headers = column.vouched(body.as_ref());
        Self::new(column.status(), body).all(&headers)
    }

    /// The correct reply.
    pub(crate) fn correct(column: &Column) -> Self {
        Self::vouched(column, column.body())
    }

    /// With another line in its head.
    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// With another header.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.line(format!("{name}: {value}"))
    }

    pub(crate) fn all(self, headers: &Headers) -> Self {
        let with = |reply: Self, (name, value): &(&str, String)| reply.with(name, value);
        headers.iter().fold(self, with)
    }

    /// Framed by this header instead of its length, with this for its body.
    pub(crate) fn framed(mut self, name: &str, value: &str, body: impl AsRef<[u8]>) -> Self {
        (self.body, self.has_length) = (body.as_ref().to_vec(), false);
        self.with(name, value)
    }

    pub(crate) fn chunked(self, chunks: impl AsRef<[u8]>) -> Self {
        self.framed("transfer-encoding", "chunked", chunks)
    }

    pub(crate) fn bytes(&self) -> Bytes {
        let mut text = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\nserver: {SERVER}\r\n\
             set-cookie: id={COOKIE}; Path=/\r\nx-trace: {TRACE_HEADER}\r\n{HEADER_NAME}: 1\r\n",
            self.status
        );
        let length = format!("content-length: {}", self.body.len());
        for line in self.lines.iter().chain(self.has_length.then_some(&length)) {
            text.push_str(&format!("{line}\r\n"));
        }
        [text.as_bytes(), b"\r\n", &self.body].concat().into()
    }
}

impl From<Reply> for Bytes {
    fn from(reply: Reply) -> Self {
        reply.bytes()
    }
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

/// A success with each of these bodies, by the names of what was changed; the results are those without a network.
pub(crate) fn successes(column: &Column, bodies: Vec<(String, String)>) -> Vec<Variant> {
    let variant = |(name, body): (String, String)| Variant {
        name,
        expect: Some(column.result_of(body.as_bytes())),
        script: done_then([send(Reply::vouched(column, body))]),
    };
    bodies.into_iter().map(variant).collect()
}
