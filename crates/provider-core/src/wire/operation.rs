//! The declaration of an operation.

use std::fmt;
use std::time::Duration;

use super::route::Route;

/// The effect of calling an operation again with the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// A read: calling again changes nothing.
    Safe,
    /// Calling again does no harm and costs nothing.
    Repeatable,
    /// Each call opens, bills or sends something.
    Unsafe,
}

crate::named_enum! {
    Idempotency("idempotency") {
        Safe = "safe",
        Repeatable = "repeatable",
        Unsafe = "unsafe",
    }
}

/// What a signature over a request covers. The provider receives exactly these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signs {
    /// Nothing.
    Nothing,
    /// The body, exactly as it is sent.
    Body,
    /// The value of this placeholder in the route.
    Segment(&'static str),
}

/// How well an operation is documented, and so how far its types may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// A complete page of the provider (`[seed]`): exact.
    Seed,
    /// A page of the provider (`[docs]`): as written, possibly truncated.
    Docs,
    /// The documentation of a company that the provider probably relays to (`[upstream]`): unconfirmed.
    Upstream,
    /// Third parties (`[3p]`) or this project's own conclusion (`[derived]`): unconfirmed.
    ThirdParty,
    /// Not documented (`[unknown]`).
    Unknown,
}

impl Mark {
    /// The mark as it appears in the documentation: `seed`, `docs`, `upstream`, `3p`, `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Docs => "docs",
            Self::Upstream => "upstream",
            Self::ThirdParty => "3p",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the provider's own pages state the request and the reply.
    pub const fn is_confirmed(self) -> bool {
        matches!(self, Self::Seed | Self::Docs)
    }
}

/// The declaration of an operation: its name, its route, its idempotency, what is signed.
///
/// ```
/// use provider_core::{Idempotency, Mark, Operation, Signs};
///
/// const DECISION: Operation = Operation::new(
///     "decision",
///     "GET /v1/sessions/{id}/decision",
///     Idempotency::Safe,
/// )
/// .signing_segment("id")
/// .documented(Mark::Docs);
///
/// assert_eq!(DECISION.signs, Signs::Segment("id"));
/// ```
///
/// A signature over a placeholder that the route does not have is a compile error:
///
/// ```compile_fail
/// use provider_core::{Idempotency, Operation};
///
/// const DECISION: Operation =
///     Operation::new("decision", "GET /v1/decision", Idempotency::Safe).signing_segment("id");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The operation's name in errors, logs, fixtures and commands, in kebab case: `check-profile`.
    pub name: &'static str,
    /// Method and path template: requests are built from it, and it is logged instead of a URL.
    pub route: Route,
    /// The idempotency, which decides which failures are retried.
    pub idempotency: Idempotency,
    /// What the request's signature covers, where the provider signs requests.
    pub signs: Signs,
    /// The deadline of a call, attempts and back-off included, unless the client or the call sets another.
    pub timeout: Duration,
    /// The largest body of a reply in bytes.
    pub max_reply_bytes: usize,
    /// The content types of the operation's reply, such as `application/pdf`, `image/*` or `*/*`; empty for JSON.
    pub content_types: &'static [&'static str],
    /// The content types of a file that the operation may reply with in place of JSON, by the provider's settings.
    pub or_content_types: &'static [&'static str],
    /// Whether the provider calls it deprecated.
    pub is_deprecated: bool,
    /// Whether its request's body is `multipart/form-data`, as [`RequestBuilder::multipart`](crate::RequestBuilder::multipart)
    /// writes it,
    /// and not JSON.
    pub sends_form: bool,
    /// Whether [`Endpoint::response`](crate::Endpoint::response) finds out that a reply belongs to another request, of another
    /// person above all: the reply names what the request is about, and is refused if it names another. Where it does not, an
    /// HTTP/1.1 connection carries a single exchange, because a reply that a broken intermediary sends twice would be taken for
    /// the reply to the next request; see also
    /// [`ClientBuilder::reuse_connections`](crate::ClientBuilder::reuse_connections).
    pub reply_is_correlated: bool,
    /// How well it is documented.
    pub mark: Mark,
    /// How to find out what was done when a call ended without an answer; `None` for a read, which leaves nothing to reconcile.
    pub settling: Option<&'static str>,
}

impl Operation {
    /// An operation with a deadline of 30 seconds and replies of at most 8 MiB. A POST, PUT or PATCH signs its body; a GET
    /// or DELETE signs nothing unless it declares a segment.
    ///
    /// # Panics
    ///
    /// The route is malformed, see [`Route::parse`]. In a constant, where it belongs, that is a compile error.
    pub const fn new(name: &'static str, route: &'static str, idempotency: Idempotency) -> Self {
        let route = Route::parse(route);
        Self {
            name,
            route,
            idempotency,
            signs: if route.method().has_body() {
                Signs::Body
            } else {
                Signs::Nothing
            },
            timeout: Duration::from_secs(30),
            max_reply_bytes: 8 * 1024 * 1024,
            content_types: &[],
            or_content_types: &[],
            is_deprecated: false,
            sends_form: false,
            reply_is_correlated: false,
            mark: Mark::Unknown,
            settling: None,
        }
    }

    /// The same operation with another default deadline.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same operation with another limit for its replies.
    #[must_use]
    pub const fn with_max_reply_bytes(mut self, bytes: usize) -> Self {
        self.max_reply_bytes = bytes;
        self
    }

    /// The same operation, which replies with a file of one of these types: `application/pdf`, `image/*`, `*/*`. The
    /// request accepts these types; a reply of another type is not taken for the file. Set
    /// [`with_max_reply_bytes`](Self::with_max_reply_bytes) as well.
    #[must_use]
    pub const fn replying_with(mut self, content_types: &'static [&'static str]) -> Self {
        self.content_types = content_types;
        self
    }

    /// The same operation, which replies with JSON or, by the provider's settings, with a file of one of these types.
    #[must_use]
    pub const fn or_replying_with(mut self, content_types: &'static [&'static str]) -> Self {
        self.or_content_types = content_types;
        self
    }

    /// The same operation, which the provider calls deprecated.
    #[must_use]
    pub const fn deprecated(mut self) -> Self {
        self.is_deprecated = true;
        self
    }

    /// The same operation, which sends a form: what documents say of its body.
    ///
    /// # Panics
    ///
    /// The method has no body. In a constant that is an error of compilation.
    #[must_use]
    #[expect(clippy::panic, reason = "evaluated at compile time")]
    pub const fn sending_form(mut self) -> Self {
        if !self.route.method().has_body() {
            panic!("a form is a body, which the method has not");
        }
        self.sends_form = true;
        self
    }

    /// The same operation, whose signature covers the value of this placeholder of its route and nothing else.
    ///
    /// # Panics
    ///
    /// The route has no such placeholder. In a constant that is a compile error.
    #[must_use]
    #[expect(clippy::panic, reason = "evaluated at compile time")]
    pub const fn signing_segment(mut self, placeholder: &'static str) -> Self {
        if !self.route.has_placeholder(placeholder) {
            panic!("the route has no such placeholder to sign");
        }
        self.signs = Signs::Segment(placeholder);
        self
    }

    /// The same operation with what a caller can do to find out whether it was done, in one sentence, from what the provider
    /// documents. [`Error::settling`](crate::Error::settling) repeats it. Required unless the operation is a read.
    #[must_use]
    pub const fn settled_by(mut self, advice: &'static str) -> Self {
        self.settling = Some(advice);
        self
    }

    /// The same operation, whose endpoint refuses a reply to another request, see
    /// [`reply_is_correlated`](Self::reply_is_correlated). Its requests share connections.
    #[must_use]
    pub const fn with_correlated_reply(mut self) -> Self {
        self.reply_is_correlated = true;
        self
    }

    /// The same operation with the mark of its documentation.
    #[must_use]
    pub const fn documented(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_prints_its_name() {
        let operation = Operation::new("record-consent", "POST /v1/x", Idempotency::Safe);
        assert_eq!(operation.to_string(), "record-consent");
    }

    #[test]
    fn the_default_deadline_is_half_a_minute() {
        let operation = Operation::new("check", "POST /v1/x", Idempotency::Safe);
        assert_eq!(operation.timeout, Duration::from_secs(30));
        let longer = operation.with_timeout(Duration::from_secs(70));
        assert_eq!(longer.timeout, Duration::from_secs(70));
        assert_eq!(
            (longer.name, longer.route),
            (operation.name, operation.route)
        );
    }

    #[test]
    fn a_body_is_signed_and_an_empty_one_is_not() {
        let signs = |route| Operation::new("x", route, Idempotency::Safe).signs;
        for route in ["POST /x", "PUT /x", "PATCH /x"] {
            assert_eq!(signs(route), Signs::Body, "{route}");
        }
        for route in ["GET /x", "DELETE /x"] {
            assert_eq!(signs(route), Signs::Nothing, "{route}");
        }
    }

    #[test]
    fn a_form_is_a_body() {
        let operation = |route| Operation::new("x", route, Idempotency::Safe);
        assert!(!operation("POST /x").sends_form);
        assert!(operation("PUT /x").sending_form().sends_form);
        let refused = std::panic::catch_unwind(|| operation("GET /x").sending_form());
        assert!(refused.is_err());
    }

    #[test]
    fn a_mark_says_whether_the_provider_itself_documents_it() {
        let marks = [
            (Mark::Seed, "seed", true),
            (Mark::Docs, "docs", true),
            (Mark::Upstream, "upstream", false),
            (Mark::ThirdParty, "3p", false),
            (Mark::Unknown, "unknown", false),
        ];
        for (mark, word, confirmed) in marks {
            assert_eq!((mark.as_str(), mark.is_confirmed()), (word, confirmed));
        }
    }
}
