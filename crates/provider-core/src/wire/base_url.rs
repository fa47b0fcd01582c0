//! Where a provider is, and how a path is joined to it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::values::{InvalidRequest, PathId};

/// A piece of a path.
#[derive(Debug, Clone, Copy)]
pub enum Segment<'a> {
    /// Text of the operation itself, slashes included: `"/v1/sessions/"`.
    Literal(&'static str),
    /// An id, checked when it was made.
    Id(&'a PathId),
}

impl Segment<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Literal(literal) => literal,
            Self::Id(id) => id.as_str(),
        }
    }
}

/// A provider's address: scheme, host, optional port, optional path prefix. Fixed when the client is built.
///
/// ```
/// use provider_core::{BaseUrl, Segment};
///
/// let base = BaseUrl::parse("BASE_URL", "https://kyc.example.test/finpro_uat/")?;
/// let uri = base.join(&[Segment::Literal("/profile")])?;
/// assert_eq!(uri, "https://kyc.example.test/finpro_uat/profile");
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

impl BaseUrl {
    /// Parses an address. A trailing slash is dropped.
    ///
    /// # Errors
    ///
    /// Not `http` or `https`, no host, a user or password, a query, a fragment, a space, a backslash, or `.` and `..`
    /// in the path. The error names `field`, which is the setting that the caller knows.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, InvalidRequest> {
        let invalid = |rule: &'static str| InvalidRequest::new(field, rule);
        if text.contains('#') {
            return Err(invalid("must not have a fragment"));
        }
        let uri =
            Uri::from_str(text).map_err(|_| invalid("must be an absolute http or https URL"))?;
        let parts = uri.into_parts();
        let scheme = parts
            .scheme
            .filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
            .ok_or_else(|| invalid("must begin with http:// or https://"))?;
        let authority = parts.authority.ok_or_else(|| invalid("must name a host"))?;
        if authority.as_str().contains('@') {
            return Err(invalid("must not have a user or password"));
        }
        let port = authority.as_str().rsplit_once(':').map(|(_, port)| port);
        if port.is_some_and(|port| !port.contains(']')) && authority.port_u16().is_none() {
            return Err(invalid("must have a port from 0 to 65535, or none"));
        }
        if authority.host().is_empty() {
            return Err(invalid("must name a host"));
        }
        let path = parts
            .path_and_query
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return Err(invalid("must not have a query"));
        }
        let prefix = path.path().trim_end_matches('/');
        if prefix.contains('\\') {
            return Err(invalid(
                "must not have a backslash, which URL parsers take for a slash",
            ));
        }
        if climbs(prefix) || prefix.contains("//") {
            return Err(invalid("must not have empty, . or .. path segments"));
        }
        Ok(Self {
            scheme,
            authority,
            prefix: prefix.to_owned(),
        })
    }

    /// The address of a host that is known when the program is written, over https.
    ///
    /// # Panics
    ///
    /// `host` is no legal host; it is a constant of a provider crate, whose tests make one.
    pub fn of_static_host(host: &'static str) -> Self {
        Self {
            scheme: Scheme::HTTPS,
            authority: Authority::from_static(host),
            prefix: String::new(),
        }
    }

    /// The same address without `suffix` at the end of its path, for providers that print their base URL both ways.
    #[must_use]
    pub fn without_suffix(mut self, suffix: &str) -> Self {
        if let Some(rest) = self.prefix.strip_suffix(suffix) {
            self.prefix.truncate(rest.len());
        }
        self
    }

    /// Joins a path to the address. The prefix is kept.
    ///
    /// # Errors
    ///
    /// The pieces do not make a legal path: a literal with a query, a fragment or a space in it.
    pub fn join(&self, path: &[Segment<'_>]) -> Result<Uri, InvalidRequest> {
        let joined = match path {
            [Segment::Literal(literal)] if self.prefix.is_empty() => {
                Bytes::from_static(literal.as_bytes())
            }
            _ => {
                let pieces = path.iter().map(Segment::as_str);
                let lengths = pieces.clone().map(str::len);
                let length = lengths.fold(self.prefix.len(), usize::saturating_add);
                // Exactly as long: then `Bytes` takes the memory over as it is.
                let mut joined = String::with_capacity(length);
                joined.push_str(&self.prefix);
                joined.extend(pieces);
                Bytes::from(joined)
            }
        };
        let invalid = || InvalidRequest::new("path", "the operation's path is not legal");
        let length = joined.len();
        let path_and_query = PathAndQuery::from_maybe_shared(joined).map_err(|_| invalid())?;
        // The parser takes a query as such and cuts a fragment off.
        if path_and_query.query().is_some() || path_and_query.as_str().len() < length {
            return Err(invalid());
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query);
        Uri::from_parts(parts).map_err(|_| invalid())
    }

    /// Whether `uri` lies below this address.
    pub(crate) fn covers(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&self.scheme)
            // Byte by byte first: that is quick, and it is what `join` makes.
            && uri.authority().is_some_and(|authority| {
                authority.as_str() == self.authority.as_str() || *authority == self.authority
            })
            && uri
                .path()
                .strip_prefix(&*self.prefix)
                .is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && !climbs(rest))
    }

    /// Whether requests would go to another machine in clear: plain `http`, and not to loopback. A transport refuses them
    /// unless it is told otherwise; ask here to tell a user before anything is sent.
    pub fn is_clear_text_to_another_machine(&self) -> bool {
        self.scheme == Scheme::HTTP && !is_loopback(self.authority.host())
    }

    /// Whether requests go out over TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a URL parser would resolve a segment of the path away. Segments without a dot are quick to tell. A backslash is
/// a slash to such a parser.
fn climbs(path: &str) -> bool {
    let dots = |segment: &str| {
        matches!(
            segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
            "." | ".."
        )
    };
    path.contains(['.', '%']) && path.split(['/', '\\']).any(dots)
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BaseUrl, InvalidRequest> {
        BaseUrl::parse("BASE_URL", text)
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "example.test",
            "/v1",
            "ftp://example.test",
            "https://",
            "https://user:pw@example.test",
            "https://example.test/?q=1",
            "https://example.test/#f",
            "https://example.test/a b",
            "https://example.test/a/../b",
            "https://example.test/%2E%2e/b",
            "https://example.test//a",
            "https://example.test/a\\..\\b",
            "https://example.test:99999",
            "https://example.test:",
            "https://:8443",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.field(), "BASE_URL", "{text}");
        }
    }

    #[test]
    fn the_prefix_survives_a_join() {
        let id = PathId::parse("id", "abc-1").unwrap();
        let path = [
            Segment::Literal("/v1/sessions/"),
            Segment::Id(&id),
            Segment::Literal("/consents"),
        ];
        for (base, joined) in [
            (
                "https://a.test",
                "https://a.test/v1/sessions/abc-1/consents",
            ),
            (
                "https://a.test/",
                "https://a.test/v1/sessions/abc-1/consents",
            ),
            (
                "http://127.0.0.1:8080/x/y",
                "http://127.0.0.1:8080/x/y/v1/sessions/abc-1/consents",
            ),
        ] {
            assert_eq!(parse(base).unwrap().join(&path).unwrap(), joined);
        }
        let path = [Segment::Literal("/profile")];
        for (base, joined) in [
            ("https://a.test", "https://a.test/profile"),
            ("https://a.test/uat", "https://a.test/uat/profile"),
        ] {
            assert_eq!(parse(base).unwrap().join(&path).unwrap(), joined);
        }
    }

    #[test]
    fn a_path_is_a_path_and_nothing_more() {
        for base in ["https://a.test", "https://a.test/x"] {
            for literal in ["/v1?q=1", "/v1#f", "/v 1"] {
                let joined = parse(base).unwrap().join(&[Segment::Literal(literal)]);
                assert_eq!(joined.unwrap_err().field(), "path", "{base}{literal}");
            }
        }
    }

    #[test]
    fn a_version_suffix_is_dropped_once_and_only_at_the_end() {
        for (base, expected) in [
            ("https://a.test/v1", "https://a.test"),
            ("https://a.test/v1/", "https://a.test"),
            ("https://a.test", "https://a.test"),
            ("https://a.test/v1/x", "https://a.test/v1/x"),
        ] {
            assert_eq!(
                parse(base).unwrap().without_suffix("/v1").to_string(),
                expected
            );
        }
    }

    #[test]
    fn what_climbs_is_not_below_the_address() {
        let base = parse("https://a.test/uat").unwrap();
        let covers = |text: &str| base.covers(&text.parse().unwrap());
        for text in [
            "https://a.test/uat",
            "https://a.test/uat/profile",
            "https://a.test/uat/v1.2/x",
            "https://A.Test/uat/profile",
        ] {
            assert!(covers(text), "{text}");
        }
        for text in [
            "https://a.test/uat/../prod",
            "https://a.test/uat/%2E%2e/prod",
            "https://a.test/uat/./x",
            "https://a.test/uat/x\\..\\..\\prod",
            "https://a.test/uatx",
            "https://b.test/uat/x",
            "http://a.test/uat/x",
            "https://a.test:8443/uat/x",
        ] {
            assert!(!covers(text), "{text}");
        }
    }

    #[test]
    fn an_address_says_what_it_is() {
        let base = parse("https://a.test/uat/").unwrap();
        assert!(base.is_https() && !parse("http://a.test").unwrap().is_https());
        assert_eq!(
            format!("{base} {base:?}"),
            "https://a.test/uat BaseUrl(https://a.test/uat)"
        );
    }

    #[test]
    fn clear_text_to_another_machine_is_told() {
        for (text, told) in [
            ("http://a.test", true),
            ("http://127.0.0.1.a.test", true),
            ("http://192.0.2.1", true),
            ("http://127.0.0.1:8787/x", false),
            ("http://[::1]", false),
            ("http://localhost", false),
            ("https://a.test", false),
        ] {
            assert_eq!(
                parse(text).unwrap().is_clear_text_to_another_machine(),
                told,
                "{text}"
            );
        }
    }
}
