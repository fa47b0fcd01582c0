//! The route of an operation: its method and its path, written once.

use std::fmt;

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or queries with a body.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// The method as on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether a request of this method carries a body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

/// A method and a path template, `GET /v1/sessions/{id}/decision`.
///
/// It is checked at compile time: an operation with a malformed route does not build. The template is logged, and the path
/// that is sent is built from it, so the two cannot differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Route {
    text: &'static str,
    path: &'static str,
    method: Method,
    placeholders: [Placeholder; Route::MAX_PLACEHOLDERS],
    count: usize,
    literal_bytes: usize,
}

/// A `{name}` in the path: the positions of its braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Placeholder {
    open: usize,
    close: usize,
}

impl Route {
    /// The largest number of placeholders in a path.
    pub const MAX_PLACEHOLDERS: usize = 4;

    /// Parses a route.
    ///
    /// # Panics
    ///
    /// The text is not a method and a path of literal segments and `{placeholders}`. In a constant, where it belongs, that
    /// is a compile error.
    #[expect(
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "evaluated at compile time, where a panic and an overflow are compile errors"
    )]
    pub const fn parse(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let mut space = 0;
        while space < bytes.len() && bytes[space] != b' ' {
            space += 1;
        }
        let (method, rest) = text.split_at(space);
        let method = match method.as_bytes() {
            b"GET" => Method::Get,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"PATCH" => Method::Patch,
            b"DELETE" => Method::Delete,
            _ => panic!("a route begins with GET, POST, PUT, PATCH or DELETE and a space"),
        };
        if rest.len() < 2 {
            panic!("a route has a path");
        }
        let (_, path) = rest.split_at(1);
        let bytes = path.as_bytes();
        if bytes[0] != b'/' {
            panic!("a route's path begins with /");
        }
        let none = Placeholder { open: 0, close: 0 };
        let mut placeholders = [none; Self::MAX_PLACEHOLDERS];
        let mut count = 0;
        let mut open = None;
        let mut at = 0;
        while at < bytes.len() {
            match (bytes[at], open) {
                (b'{', None) => open = Some(at),
                (b'}', Some(from)) if at > from + 1 => {
                    if count == Self::MAX_PLACEHOLDERS {
                        panic!("a route has at most four placeholders");
                    }
                    placeholders[count] = Placeholder {
                        open: from,
                        close: at,
                    };
                    count += 1;
                    open = None;
                }
                (b'a'..=b'z' | b'0'..=b'9' | b'_', _) | (b'A'..=b'Z' | b'-' | b'~', None) => {}
                (b'.', None) => {
                    let after_slash = bytes[at - 1] == b'/';
                    if after_slash {
                        panic!("a segment of a route's path does not begin with a dot");
                    }
                }
                (b'/', None) => {
                    if at > 0 && bytes[at - 1] == b'/' {
                        panic!("a route's path has no empty segments");
                    }
                }
                _ => panic!("a route's path is made of letters, digits, - _ . ~ and {{names}}"),
            }
            at += 1;
        }
        if open.is_some() {
            panic!("a placeholder of a route ends with a brace");
        }
        let mut literal_bytes = bytes.len();
        let mut index = 0;
        while index < count {
            let Placeholder { open, close } = placeholders[index];
            literal_bytes -= close + 1 - open;
            let mut other = 0;
            while other < index {
                if same(bytes, placeholders[index], placeholders[other]) {
                    panic!("the placeholders of a route have names of their own");
                }
                other += 1;
            }
            index += 1;
        }
        Self {
            text,
            path,
            method,
            placeholders,
            count,
            literal_bytes,
        }
    }

    /// Whether the path has no placeholders.
    pub(crate) const fn is_literal(&self) -> bool {
        self.count == 0
    }

    /// The length of the path without its placeholders.
    pub(crate) const fn literal_bytes(&self) -> usize {
        self.literal_bytes
    }

    /// The route as it was written, `GET /v1/sessions/{id}/decision`. It is logged instead of a URL.
    pub const fn as_str(&self) -> &'static str {
        self.text
    }

    /// The method.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The path with its placeholders, `/v1/sessions/{id}/decision`.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The names of the placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &'static str> {
        let path = self.path;
        self.spans().map(move |span| {
            path.get(span.open.saturating_add(1)..span.close)
                .unwrap_or_default()
        })
    }

    /// Whether a placeholder has this name.
    #[expect(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "the positions were found in this path"
    )]
    pub(crate) const fn has_placeholder(&self, name: &str) -> bool {
        let (path, name) = (self.path.as_bytes(), name.as_bytes());
        let mut index = 0;
        while index < self.count {
            let Placeholder { open, close } = self.placeholders[index];
            let mut same = close - open - 1 == name.len();
            let mut at = 0;
            while same && at < name.len() {
                same = path[open + 1 + at] == name[at];
                at += 1;
            }
            if same {
                return true;
            }
            index += 1;
        }
        false
    }

    /// The pieces of the path: literal text, each but the last with the placeholder that follows it.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &'static str> + Clone {
        let path = self.path;
        let ends = self.spans().map(|span| span.open).chain([path.len()]);
        let after = self.spans().map(|span| span.close.saturating_add(1));
        let starts = std::iter::once(0).chain(after);
        starts
            .zip(ends)
            .map(move |(start, end)| path.get(start..end).unwrap_or_default())
    }

    fn spans(&self) -> impl Iterator<Item = Placeholder> + Clone + use<> {
        self.placeholders.into_iter().take(self.count)
    }
}

/// Whether two placeholders have the same name.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated at compile time, over positions found in this path"
)]
const fn same(path: &[u8], one: Placeholder, other: Placeholder) -> bool {
    if one.close - one.open != other.close - other.open {
        return false;
    }
    let mut at = 0;
    while at < one.close - one.open {
        if path[one.open + at] != path[other.open + at] {
            return false;
        }
        at += 1;
    }
    true
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({})", self.text)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_method_literals_and_placeholders() {
        const ROUTE: Route = Route::parse("PATCH /v1/sessions/{id}/media/{media_id}.json");
        assert_eq!(ROUTE.method(), Method::Patch);
        assert_eq!(ROUTE.path(), "/v1/sessions/{id}/media/{media_id}.json");
        assert_eq!(ROUTE.placeholders().collect::<Vec<_>>(), ["id", "media_id"]);
        assert_eq!(ROUTE.literal_bytes(), "/v1/sessions//media/.json".len());
        assert!(!ROUTE.is_literal());
        assert_eq!(
            ROUTE.literals().collect::<Vec<_>>(),
            ["/v1/sessions/", "/media/", ".json"]
        );
        assert!(ROUTE.has_placeholder("id") && ROUTE.has_placeholder("media_id"));
        assert!(!ROUTE.has_placeholder("media") && !ROUTE.has_placeholder("ids"));
        assert_eq!(
            format!("{ROUTE}"),
            "PATCH /v1/sessions/{id}/media/{media_id}.json"
        );
    }

    #[test]
    fn a_route_without_placeholders_is_one_literal() {
        let route = Route::parse("POST /profile");
        assert_eq!(route.literals().collect::<Vec<_>>(), ["/profile"]);
        assert_eq!(route.placeholders().count(), 0);
    }

    #[test]
    fn a_malformed_route_panics_outside_of_a_constant() {
        for text in [
            "",
            "GET",
            "GET ",
            "GET x",
            "HEAD /x",
            "get /x",
            "GET //x",
            "GET /x//y",
            "GET /../x",
            "GET /./x",
            "GET /x?y=1",
            "GET /x#y",
            "GET /x y",
            "GET /%2e",
            "GET /{",
            "GET /{}",
            "GET /}",
            "GET /{a{b}}",
            "GET /{a-b}",
            "GET /{A}",
            "GET /{a}/{b}/{c}/{d}/{e}",
            "GET /{a}/{b}/{a}",
        ] {
            let parsed = std::panic::catch_unwind(|| Route::parse(text));
            assert!(parsed.is_err(), "{text}");
        }
    }
}
