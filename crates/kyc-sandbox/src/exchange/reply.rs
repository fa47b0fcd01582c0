//! A reply before it is written.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};

use super::Json;
use super::status::sendable;
use crate::state::JourneyId;

#[derive(Debug)]
pub(crate) struct Reply {
    pub(super) status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    /// The id of the request's effect, if it had one.
    pub(super) effect: Option<Arc<str>>,
    /// The processing time before this reply.
    pub(super) wait: Duration,
    /// Apart, so that a refusal is small.
    pub(super) about: Box<About>,
}

/// What the console tells of a reply.
#[derive(Debug, Default)]
pub(super) struct About {
    /// The journey that the request is about.
    pub(super) journey: Option<JourneyId>,
    /// What the request changed, in words.
    pub(super) changed: Cow<'static, str>,
    /// The rule that decided, in words.
    pub(super) reason: &'static str,
    /// Whether credentials or a signature were refused.
    pub(super) is_unverified: bool,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Json) -> Self {
        Self::text(status, "application/json", body.to_compact())
    }

    pub(crate) fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self::bytes(status, HeaderValue::from_static(content_type), body.into())
    }

    pub(crate) fn bytes(status: u16, content_type: HeaderValue, body: Bytes) -> Self {
        let status = StatusCode::from_u16(sendable(status));
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            headers: vec![(CONTENT_TYPE, content_type)],
            body,
            effect: None,
            wait: Duration::ZERO,
            about: Box::default(),
        }
    }

    /// Says that the request was refused before its operation looked at it; past a rate limit that says nothing of who sent it.
    pub(super) fn into_unverified(mut self) -> Self {
        self.about.is_unverified = self.status != StatusCode::TOO_MANY_REQUESTS;
        self
    }

    #[must_use]
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap_or(self.status);
        self
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Records that the request had an effect, and its id.
    #[must_use]
    pub(crate) fn with_effect(mut self, id: impl Into<Arc<str>>) -> Self {
        self.effect = Some(id.into());
        self
    }

    /// Says whose journey the request is about.
    #[must_use]
    pub(crate) fn of_journey(mut self, journey: Option<JourneyId>) -> Self {
        self.about.journey = journey;
        self
    }

    /// Says in words what the request changed, for the console.
    #[must_use]
    pub(crate) fn with_change(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.about.changed = words.into();
        self
    }

    /// Says in words which rule decided, for the console.
    #[must_use]
    pub(crate) fn because(mut self, reason: &'static str) -> Self {
        self.about.reason = reason;
        self
    }

    #[must_use]
    pub(crate) fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// The reason phrase of a status, for error bodies whose wording is not documented.
pub(crate) fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}
