//! The head of a reply: all that is known before its body.

use std::fmt;

use http::{HeaderMap, StatusCode};

/// Status and headers of a reply whose body is still to come. `Debug` prints the status and the number of headers.
#[derive(Clone)]
pub struct ReplyHead {
    status: StatusCode,
    headers: HeaderMap,
}

impl ReplyHead {
    /// A head as a transport received it.
    pub fn new(status: StatusCode, headers: HeaderMap) -> Self {
        Self { status, headers }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers, in the order the peer sent repeated ones.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) fn into_parts(self) -> (StatusCode, HeaderMap) {
        (self.status, self.headers)
    }
}

impl fmt::Debug for ReplyHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyHead")
            .field("status", &self.status.as_u16())
            .field("headers", &self.headers.len())
            .finish()
    }
}
