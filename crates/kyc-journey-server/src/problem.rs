//! Errors as RFC 9457 has them.

use axum::response::{IntoResponse, Response};
use kyc_journey::{EngineError, EngineErrorKind};
use provider_core::InvalidRequest;
use provider_core::http::header::{CONTENT_TYPE, RETRY_AFTER};
use provider_core::http::{HeaderValue, StatusCode};
use provider_core::schemars::JsonSchema;
use serde::Serialize;

use crate::consents::NotWritten;

/// Why a request was not done: a problem document of RFC 9457. No value of the request is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct Problem {
    /// Which problem it is: a reference that stays the same, such as `/problems/invalid`.
    #[serde(rename = "type")]
    kind: String,
    /// The problem in words.
    title: String,
    /// The status of the reply.
    status: u16,
    /// The member, parameter or header that breaks a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// The type of content of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            field: None,
            rule: None,
            retry_after: None,
        }
    }

    #[must_use]
    fn about(mut self, field: impl Into<String>, rule: impl Into<String>) -> Self {
        (self.field, self.rule) = (Some(field.into()), Some(rule.into()));
        self
    }

    /// A member, a parameter or a header breaks a rule.
    pub(crate) fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        let title = "The request breaks a rule.";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", title).about(field, rule)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "The token is missing or wrong.",
        )
        .about("authorization", "must be `Bearer` and the server's token")
    }

    /// The operator's session is over.
    pub(crate) fn signed_out() -> Self {
        let title = "You are not signed in any more.";
        Self::new(StatusCode::UNAUTHORIZED, "signed-out", title)
    }

    pub(crate) fn misdirected() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "host",
            "The request is for another server.",
        )
        .about("host", "must be one of the server's own")
    }

    pub(crate) fn foreign_origin() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "origin",
            "The request comes from another site's page.",
        )
        .about("origin", "must be the server's own")
    }

    /// A form of a page that was there before this session, or of no page of it.
    pub(crate) fn old_form() -> Self {
        let title = "The form is too old: load the page again, and send it from there.";
        Self::new(StatusCode::FORBIDDEN, "old-form", title)
    }

    pub(crate) fn too_large(most: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The body is too long.",
        )
        .about("body", format!("must be {most} bytes at most"))
    }

    pub(crate) fn too_slow() -> Self {
        let title = "The body did not arrive in time, or not whole.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", title)
    }

    pub(crate) fn too_many(seconds: u64) -> Self {
        let title = "Too many requests came in too short a time.";
        Self {
            retry_after: Some(seconds.max(1)),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", title)
        }
    }

    pub(crate) fn too_many_streams() -> Self {
        let title = "As many streams are open as may be.";
        Self {
            retry_after: Some(10),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-streams", title)
        }
    }

    pub(crate) fn no_journey() -> Self {
        let title = "There is no such journey.";
        Self::new(StatusCode::NOT_FOUND, "no-such-journey", title)
    }

    pub(crate) fn no_route() -> Self {
        let title = "There is nothing at this address.";
        Self::new(StatusCode::NOT_FOUND, "no-such-address", title)
    }

    pub(crate) fn wrong_method() -> Self {
        let title = "This address takes another method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", title)
    }

    /// The key has begun a journey with another body.
    pub(crate) fn key_reused() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "idempotency-key-reused",
            "The key has begun another journey.",
        )
        .about("idempotency-key", "must be new where the body is another")
    }

    /// The journey's state does not allow it.
    pub(crate) fn not_now(rule: impl Into<String>) -> Self {
        let title = "The journey is in a state that does not allow it.";
        Self::new(StatusCode::CONFLICT, "not-now", title).about("journey", rule)
    }

    /// The leg's state does not allow it.
    pub(crate) fn leg_not_now(rule: impl Into<String>) -> Self {
        let title = "The leg is in a state that does not allow it.";
        Self::new(StatusCode::CONFLICT, "not-now", title).about("leg", rule)
    }

    pub(crate) fn damaged() -> Self {
        let title = "The journey cannot be read: its stored state is damaged.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "damaged", title)
    }

    pub(crate) fn internal() -> Self {
        let title = "Something went wrong here; the log says more.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", title)
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    pub(crate) fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }
}

impl From<InvalidRequest> for Problem {
    fn from(error: InvalidRequest) -> Self {
        Self::invalid(error.field().to_owned(), error.rule().to_owned())
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        tracing::warn!(%error, "the store did not do it");
        match error.kind() {
            EngineErrorKind::UnknownJourney => Self::no_journey(),
            EngineErrorKind::InvalidPage => {
                Self::invalid("page_token", "must be one that was given out")
            }
            EngineErrorKind::Corrupt => Self::damaged(),
            EngineErrorKind::WrongStore => Self::internal(),
            _ => Self {
                retry_after: Some(1),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    // A start may have begun, and a leg may go on: the request is safe to repeat, and says no more.
                    "The store cannot do it now; send the request again.",
                )
            },
        }
    }
}

impl From<NotWritten> for Problem {
    fn from(error: NotWritten) -> Self {
        match error {
            NotWritten::OtherPerson => Self::key_reused(),
            NotWritten::Withdrawn => Self::not_now("must have a consent that was not withdrawn"),
            NotWritten::Unknown => {
                Self::not_now("must be one whose person the ledger of consents knows")
            }
            NotWritten::Unavailable => Self {
                retry_after: Some(1),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "ledger-unavailable",
                    "The ledger of consents cannot be written now; the journey heard nothing.",
                )
            },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(provider_core::http::header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
