//! A response as it was received.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::json::without_padding;
use super::lenient::readable_members;
use super::reply_head::ReplyHead;

/// A response, unchanged and not yet trusted: status, headers and the exact body bytes.
///
/// `Debug` prints the status and sizes only.
#[derive(Clone)]
pub struct RawResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl RawResponse {
    /// A response as a transport received it. The body must be the bytes on the wire, not re-encoded.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers; several values of one name are in the order in which the peer sent them.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The exact body bytes. They may hold personal data; do not log them.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Decodes the body of an unverified response, only as a hint for an error report. If that of a response that is not 2xx
    /// cannot be read as a whole, its members are read as far as they can be, of repeated ones the first: they explain what
    /// the status has refused, while half of a 2xx must not become a refusal.
    ///
    /// `None` if the body is not such JSON: an error page must not change the error.
    pub fn untrusted_hint<T: DeserializeOwned>(&self) -> Option<T> {
        let body = without_padding(&self.body);
        let whole = serde_json::from_slice(body).ok();
        if whole.is_some() || self.status.is_success() {
            return whole;
        }
        serde_json::from_str(&readable_members(body)?).ok()
    }

    /// A response from its head and its body.
    pub fn from_parts(head: ReplyHead, body: Bytes) -> Self {
        let (status, headers) = head.into_parts();
        Self::new(status, headers, body)
    }

    /// The head and the body.
    pub(crate) fn into_parts(self) -> (ReplyHead, Bytes) {
        (ReplyHead::new(self.status, self.headers), self.body)
    }

    /// The same response with at most `limit` bytes of body, for an error.
    pub(crate) fn truncated(mut self, limit: usize) -> Self {
        if self.body.len() > limit {
            // A copy: a slice would keep the whole body alive as long as the error.
            self.body = Bytes::copy_from_slice(&self.body.slice(..limit));
        }
        self
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status.as_u16())
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_response_prints_sizes_and_hints_at_its_body() {
        let mut headers = HeaderMap::new();
        headers.insert("x-canary", HeaderValue::from_static("CANARY"));
        let response =
            RawResponse::new(StatusCode::OK, headers.clone(), Bytes::from_static(b"[7]"));
        let printed = format!("{response:?}");
        assert_eq!(
            printed,
            "RawResponse { status: 200, headers: 1, body_bytes: 3 }"
        );
        assert_eq!(response.headers(), &headers);
        assert_eq!(response.untrusted_hint::<Vec<u8>>(), Some(vec![7]));
        assert_eq!(response.untrusted_hint::<String>(), None);
        let torn = |status| {
            let torn = Bytes::from_static(br#"{"a":1,"b":"#);
            let response = RawResponse::new(status, HeaderMap::new(), torn);
            response.untrusted_hint::<serde_json::Value>()
        };
        assert_eq!(torn(StatusCode::OK), None);
        assert_eq!(torn(StatusCode::CONFLICT).unwrap()["a"], 1);
        let padded = Bytes::from_static(b"\xef\xbb\xbf[7]\0");
        let padded = RawResponse::new(StatusCode::OK, HeaderMap::new(), padded);
        assert_eq!(padded.untrusted_hint::<Vec<u8>>(), Some(vec![7]));
        assert_eq!(response.clone().truncated(2).body(), "[7");
        assert_eq!(response.clone().truncated(3).body(), "[7]");
    }
}
