//! The head of a reply.

use std::fmt;

use http::{HeaderMap, StatusCode};

/// Status and headers of a reply whose body has not arrived yet. `Debug` prints the status and the number of headers.
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

    /// The headers; several values of one name are in the order in which the peer sent them.
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
