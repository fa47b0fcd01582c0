//! Builds requests: method and path from the operation's route, then query and body.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use serde::Serialize;
use serde_json::Value;

use super::attempt::Attempt;
use super::body::Body;
use super::form::Form;
use super::operation::{Operation, Signs};
use super::provider::Provider;
use super::route::Route;
use crate::values::{InvalidRequest, PathId};

const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Builds the request of one attempt from the operation's route, so that the path sent is the path logged.
///
/// Set a value for each placeholder of the route, then the query parameters in order, and finish with the body:
/// [`json`](Self::json), [`multipart`](Self::multipart), [`bytes`](Self::bytes) or [`empty`](Self::empty). An invalid value
/// is remembered and returned by that last step.
///
/// ```
/// use provider_core::{BuiltRequest, Endpoint, InvalidRequest, PathId, Provider, RequestBuilder};
///
/// struct Decision {
///     session_id: PathId,
/// }
///
/// impl Decision {
///     fn request<'a, P: Provider>(
///         &'a self,
///         request: RequestBuilder<'a, P>,
///     ) -> Result<BuiltRequest<'a>, InvalidRequest> {
///         request.segment("id", &self.session_id).empty()
///     }
/// }
/// ```
#[must_use = "a request is built by its last step"]
pub struct RequestBuilder<'a, P> {
    provider: &'a P,
    operation: &'a Operation,
    attempt: &'a Attempt,
    segments: [Option<&'a str>; Route::MAX_PLACEHOLDERS],
    query: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    invalid: Option<InvalidRequest>,
}

impl<'a, P: Provider> RequestBuilder<'a, P> {
    /// Starts the request of one attempt. Called by the client, and by tests of
    /// [`Endpoint::request`](crate::Endpoint::request).
    pub fn new(provider: &'a P, operation: &'a Operation, attempt: &'a Attempt) -> Self {
        Self {
            provider,
            operation,
            attempt,
            segments: [None; Route::MAX_PLACEHOLDERS],
            query: String::new(),
            headers: Vec::new(),
            invalid: None,
        }
    }

    /// The provider, whose settings may affect the request.
    pub fn provider(&self) -> &'a P {
        self.provider
    }

    /// The attempt, for a time or a nonce in the request.
    pub fn attempt(&self) -> &'a Attempt {
        self.attempt
    }

    /// Sets the id that replaces `{placeholder}`.
    pub fn segment(mut self, placeholder: &'static str, id: &'a PathId) -> Self {
        let place = self
            .operation
            .route
            .placeholders()
            .zip(&mut self.segments)
            .find(|(name, _)| *name == placeholder);
        match place {
            Some((_, segment)) => *segment = Some(id.as_str()),
            None => self.refuse(placeholder, "is not a placeholder of the operation's route"),
        }
        self
    }

    /// Adds a query parameter. Name and value are percent-encoded once; the order is kept. A value with a control character is refused.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if value.chars().any(char::is_control) {
            self.refuse(name.to_owned(), "must not contain control characters");
        }
        self.query
            .push(if self.query.is_empty() { '?' } else { '&' });
        encode(name, &mut self.query);
        self.query.push('=');
        encode(value, &mut self.query);
        self
    }

    /// Adds a query parameter if there is a value.
    pub fn optional_query(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Accepts a reply of this type instead of JSON.
    pub fn accept(self, content_type: &'static str) -> Self {
        self.header(ACCEPT, HeaderValue::from_static(content_type))
    }

    /// Adds a header of the operation's own. Credentials are the provider's to add; where a request goes and how long it is,
    /// the transport's: `host`, `content-length` and their like are refused.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        const FRAMING: [HeaderName; 8] = [
            CONNECTION,
            CONTENT_LENGTH,
            EXPECT,
            HOST,
            TE,
            TRAILER,
            TRANSFER_ENCODING,
            UPGRADE,
        ];
        if FRAMING.contains(&name) {
            self.refuse(name.to_string(), "is the transport's to set");
        } else {
            self.headers.push((name, value));
        }
        self
    }

    /// Finishes the request with a JSON body: the value is serialised once, and those bytes are signed and sent.
    ///
    /// # Errors
    ///
    /// A placeholder without a value, a text with a control character other than a tab or a line break, or a value that cannot be
    /// written as JSON, which never happens with a struct of strings and numbers.
    pub fn json<T: Serialize + ?Sized>(
        self,
        value: &T,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        let mut bytes = Vec::with_capacity(512);
        serde_json::to_writer(&mut bytes, value)
            .map_err(|_| InvalidRequest::new("body", "the request cannot be written as JSON"))?;
        check_controls(&bytes)?;
        self.finish(Body::from(bytes), Some(APPLICATION_JSON))
    }

    /// Finishes the request with a form of texts and files, `multipart/form-data`.
    ///
    /// ```
    /// # use provider_core::{BuiltRequest, Form, InvalidRequest, Provider, RequestBuilder};
    /// # use provider_core::http::HeaderValue;
    /// # fn upload<'a, P: Provider>(request: RequestBuilder<'a, P>, csv: bytes::Bytes) -> Result<BuiltRequest<'a>, InvalidRequest> {
    /// let csv_type = HeaderValue::from_static("text/csv");
    /// request.multipart(&Form::new().text("reference_id", "upload-1").file("file", "consents.csv", csv_type, csv))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A placeholder without a value, or a form that cannot be encoded, see [`Form::encode`].
    pub fn multipart(self, form: &Form) -> Result<BuiltRequest<'a>, InvalidRequest> {
        let (content_type, body) = form.encode()?;
        self.finish(Body::from(body), Some(content_type))
    }

    /// Finishes the request with these bytes as its body.
    ///
    /// # Errors
    ///
    /// A placeholder without a value, or a method without a body.
    pub fn bytes(
        self,
        content_type: HeaderValue,
        bytes: Bytes,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        self.finish(Body::from(bytes), Some(content_type))
    }

    /// Finishes the request without a body.
    ///
    /// # Errors
    ///
    /// A placeholder without a value, or a signature over a body that is not there.
    pub fn empty(self) -> Result<BuiltRequest<'a>, InvalidRequest> {
        self.finish(Body::default(), None)
    }

    fn refuse(&mut self, field: impl Into<Cow<'static, str>>, rule: &'static str) {
        self.invalid
            .get_or_insert_with(|| InvalidRequest::new(field, rule));
    }

    fn finish(
        self,
        body: Body,
        content_type: Option<HeaderValue>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        let route = &self.operation.route;
        let has_body = !body.as_ref().is_empty() || content_type.is_some();
        if has_body && !route.method().has_body() {
            return Err(InvalidRequest::new(
                "body",
                "has no place in a GET or DELETE",
            ));
        }
        if P::SIGNS_REQUESTS && self.operation.signs == Signs::Body && body.as_ref().is_empty() {
            return Err(InvalidRequest::new(
                "body",
                "is signed and must not be empty",
            ));
        }
        let given = || route.placeholders().zip(self.segments);
        if let Some((missing, _)) = given().find(|(_, segment)| segment.is_none()) {
            return Err(InvalidRequest::new(missing, "is required by the path"));
        }
        let signed = match self.operation.signs {
            Signs::Nothing => Signed::Nothing,
            Signs::Body => Signed::Body,
            Signs::Segment(name) => {
                let segment =
                    given().find_map(|(other, segment)| segment.filter(|_| other == name));
                Signed::Text(segment.ok_or_else(|| {
                    InvalidRequest::new(name, "is signed but not a placeholder of the route")
                })?)
            }
        };
        let uri = self
            .provider
            .base_url()
            .uri(route, &self.segments, &self.query)?;
        let mut request = Request::new(body);
        *request.method_mut() = route.method().into();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.reserve(8);
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        let content_types = self.operation.content_types;
        if !content_types.is_empty() && !headers.contains_key(ACCEPT) {
            let accept = HeaderValue::try_from(content_types.join(", "))
                .map_err(|_| InvalidRequest::new("accept", "a content type cannot be written"))?;
            headers.insert(ACCEPT, accept);
        }
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        Ok(BuiltRequest { request, signed })
    }
}

impl<P: Provider> fmt::Debug for RequestBuilder<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("provider", &P::NAME)
            .field("route", &self.operation.route)
            .finish_non_exhaustive()
    }
}

/// A request without credentials, and the bytes that its signature covers. Only a [`RequestBuilder`] creates it.
#[derive(Debug)]
pub struct BuiltRequest<'a> {
    request: Request<Body>,
    signed: Signed<'a>,
}

/// What a signature covers. `Debug` prints no value.
#[derive(Clone, Copy)]
enum Signed<'a> {
    Nothing,
    Body,
    Text(&'a str),
}

impl fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Body => "Body",
            Self::Text(_) => "Text(…)",
        })
    }
}

impl BuiltRequest<'_> {
    /// The request, for tests.
    pub fn request(&self) -> &Request<Body> {
        &self.request
    }

    /// The bytes that the signature covers; `None` if the operation signs nothing.
    pub fn signed_bytes(&self) -> Option<&[u8]> {
        signed_bytes(self.signed, self.request.body())
    }

    /// Lets `authorize` add headers, and passes it exactly the bytes that are signed.
    pub(crate) fn authorized(
        self,
        authorize: impl FnOnce(&mut Parts, Option<&[u8]>) -> Result<(), InvalidRequest>,
    ) -> Result<Request<Body>, InvalidRequest> {
        let (mut parts, body) = self.request.into_parts();
        authorize(&mut parts, signed_bytes(self.signed, &body))?;
        Ok(Request::from_parts(parts, body))
    }
}

fn signed_bytes<'b>(signed: Signed<'b>, body: &'b Body) -> Option<&'b [u8]> {
    match signed {
        Signed::Nothing => None,
        Signed::Body => Some(body.as_ref()),
        Signed::Text(text) => Some(text.as_bytes()),
    }
}

/// Appends `text` percent-encoded: only the characters that RFC 3986 calls unreserved are kept.
fn encode(text: &str, into: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.extend(['%', digit(byte >> 4), digit(byte & 0x0f)]);
        }
    }
}

/// Refuses a text with a control character other than a tab or a line break, which a consent's wording may have. The error names the
/// member.
fn check_controls(json: &[u8]) -> Result<(), InvalidRequest> {
    // As JSON they are escapes, and those after ASCII are two bytes. Most requests have neither.
    if ![b'\\', 0xc2, 0x7f].iter().any(|byte| json.contains(byte)) {
        return Ok(());
    }
    let may_be = json.windows(2).any(|pair| match pair {
        [b'\\', letter] => matches!(letter, b'u' | b'b' | b'f'),
        [0xc2, last] => (0x80..0xa0).contains(last),
        [_, 0x7f] => true,
        _ => false,
    });
    if !may_be {
        return Ok(());
    }
    let value = serde_json::from_slice(json).unwrap_or_default();
    match place_of_control("", &value) {
        Some(field) => Err(InvalidRequest::new(
            field,
            "must not contain control characters",
        )),
        None => Ok(()),
    }
}

fn place_of_control(name: &str, value: &Value) -> Option<String> {
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let below = |part: &str| match name {
        "" => part.to_owned(),
        name => format!("{name}.{part}"),
    };
    match value {
        Value::String(text) => text.contains(is_control).then(|| name.to_owned()),
        Value::Array(values) => (values.iter().enumerate())
            .find_map(|(index, value)| place_of_control(&format!("{name}[{index}]"), value)),
        Value::Object(members) => {
            (members.iter()).find_map(|(member, value)| place_of_control(&below(member), value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
