//! A request as a handler sees it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::declare::{ContentType, RepeatedHeaders};
use crate::state::{JourneyId, Journeys, Repeats, people};

/// The caller's connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionInfo {
    /// Scheme and authority, for links in replies.
    pub(crate) origin: Arc<str>,
    /// `None` in process, where the body is complete from the start and there may be no timer.
    pub(crate) body_read_timeout: Option<Duration>,
}

/// Tells that the sandbox is being shut down, to a reply that would otherwise go on.
#[derive(Debug, Clone)]
pub(crate) struct Closing(pub(crate) watch::Receiver<bool>);

/// A request that matched a route and whose body was read.
pub(crate) struct ReceivedRequest {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// The path below the provider's prefix, as sent.
    pub(super) path: String,
    /// The query, as sent.
    pub(super) query: String,
    /// The matched route's path, with `{name}` for each parameter.
    pub(super) template: &'static str,
    pub(super) body: Bytes,
    /// The body as JSON, once somebody asked; none if it is not.
    pub(super) parsed: OnceLock<Option<Value>>,
    /// The provider's base URL as this caller reaches it.
    pub(super) base_url: String,
    /// Whether it came over a socket.
    pub(super) is_served: bool,
    /// The call that is sent again with it.
    pub(super) repeats: Option<Repeats>,
}

/// The occurrences of a header that should be sent once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header<'r> {
    Missing,
    Once(&'r [u8]),
    Repeated(&'r [u8]),
}

/// Why a body is not a JSON object.
pub(crate) enum BodyProblem {
    ContentType,
    NotJson,
    NotAnObject(Value),
}

impl BodyProblem {
    /// An error text without a full stop.
    pub(crate) fn text(&self) -> &'static str {
        match self {
            Self::ContentType => "Content-Type must be application/json",
            Self::NotJson => "The request body is not valid JSON",
            Self::NotAnObject(_) => "The request body must be a JSON object",
        }
    }
}

impl ReceivedRequest {
    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Scheme and authority as this caller reaches the sandbox.
    pub(crate) fn origin(&self) -> &str {
        let (origin, _) = self.base_url.rsplit_once('/').unwrap_or_default();
        origin
    }

    /// Whether links to this sandbox lead there: it is served over a socket.
    pub(crate) fn is_served(&self) -> bool {
        self.is_served
    }

    /// The path of the route that matched.
    pub(crate) fn template(&self) -> &'static str {
        self.template
    }

    /// The path segment at `{name}` in the route's template, not decoded.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.template
            .split('/')
            .zip(self.path.split('/'))
            .find(|(template, _)| {
                template
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'))
                    == Some(name)
            })
            .map_or("", |(_, segment)| segment)
    }

    /// The query parameter of this name, decoded; none if it is sent twice or is not UTF-8.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        one_of(&self.query, name)
    }

    /// The first journey that an id in the path, the query or the body is known for.
    pub(crate) fn journey(&self, journeys: &Journeys) -> Option<JourneyId> {
        let values = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let mut in_head = self.path.split('/').chain(values.map(|(_, value)| value));
        in_head
            .find_map(|id| journeys.find(id))
            .or_else(|| find_journey(self.parsed()?, journeys))
    }

    /// The mobile number of the person that the request is about, if its body has one.
    pub(super) fn mobile(&self) -> Option<String> {
        find_mobile(self.parsed()?)
    }

    fn parsed(&self) -> Option<&Value> {
        let parse = || serde_json::from_slice(&self.body).ok();
        self.parsed.get_or_init(parse).as_ref()
    }

    /// The session in the path, if there is one.
    pub(super) fn session(&self) -> Option<String> {
        let mut segments = self.path.split('/');
        let session = segments.find(|segment| uuid::Uuid::try_parse(segment).is_ok());
        session.map(str::to_owned)
    }

    pub(crate) fn header(&self, name: &str) -> Header<'_> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Header::Missing,
            (Some(value), None) => Header::Once(value.as_bytes()),
            (Some(value), Some(_)) => Header::Repeated(value.as_bytes()),
        }
    }

    /// Whether each of these headers has its accepted value.
    pub(crate) fn has_credentials(
        &self,
        repeated: RepeatedHeaders,
        accepted: &[(&str, &str)],
    ) -> bool {
        accepted.iter().all(|(name, accepted)| {
            let sent = match (self.header(name), repeated) {
                (Header::Once(value), _)
                | (Header::Repeated(value), RepeatedHeaders::FirstCounts) => value,
                (Header::Missing, _) | (Header::Repeated(_), RepeatedHeaders::Refused) => {
                    return false;
                }
            };
            sent == accepted.as_bytes()
        })
    }

    /// Reads the body as a JSON object. If a member is sent twice, the last value counts.
    pub(crate) fn json_object(
        &self,
        content_type: ContentType,
    ) -> Result<Map<String, Value>, BodyProblem> {
        if content_type == ContentType::Required && !self.is_json() {
            return Err(BodyProblem::ContentType);
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(body)) => Ok(body),
            Ok(other) => Err(BodyProblem::NotAnObject(other)),
            Err(_) => Err(BodyProblem::NotJson),
        }
    }

    fn is_json(&self) -> bool {
        let Header::Once(value) = self.header(CONTENT_TYPE.as_str()) else {
            return false;
        };
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/json")
    }
}

/// The journey of the first text in a value that is an id of one.
fn find_journey(value: &Value, journeys: &Journeys) -> Option<JourneyId> {
    match value {
        Value::String(text) => journeys.find(text.split('@').next().unwrap_or(text)),
        Value::Array(items) => items.iter().find_map(|item| find_journey(item, journeys)),
        Value::Object(members) => members
            .values()
            .find_map(|value| find_journey(value, journeys)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The parameter of this name in a URI's query, decoded; none if it is there twice or is not UTF-8.
pub(crate) fn query(uri: &Uri, name: &str) -> Option<String> {
    one_of(uri.query().unwrap_or_default(), name)
}

fn one_of(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(found, _)| decoded(found).as_deref() == Some(name));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => decoded(value),
        _ => None,
    }
}

/// The first mobile number in a value, alone or before the `@` of a virtual user account.
fn find_mobile(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let user = text.split('@').next().unwrap_or(text);
            people::is_mobile_number(user).then(|| user.to_owned())
        }
        Value::Array(items) => items.iter().find_map(find_mobile),
        Value::Object(members) => members.values().find_map(find_mobile),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Percent-decoded text; `+` is a space.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let plain = |text: &str| text.replace('+', " ").into_bytes();
    let mut bytes = plain(parts.next().unwrap_or_default());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(plain(rest));
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn a_parameter_is_decoded_once() {
        for (text, found) in [
            ("", Some("")),
            ("a+b", Some("a b")),
            ("a%20b%2Bc", Some("a b+c")),
            ("%2525", Some("%25")),
            ("%E0%A4%85", Some("\u{905}")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%ff", None),
            ("%\u{905}", None),
        ] {
            assert_eq!(decoded(text).as_deref(), found, "{text}");
        }
    }
}
