//! Where a provider is, and how a path is joined to it.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::{InvalidRequest, PathId};

/// A piece of a path.
#[derive(Debug, Clone, Copy)]
pub enum Segment<'a> {
    /// Text of the operation itself, slashes included: `"/v1/sessions/"`.
    Literal(&'static str),
    /// An id, checked when it was made.
    Id(&'a PathId),
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
    /// Not `http` or `https`, no host, a user or password, a query, a fragment, a space, or `.` and `..` in the
    /// path. The error names `field`, which is the setting that the caller knows.
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
        let climbs = prefix.split('/').any(|segment| {
            matches!(
                segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
                "." | ".."
            )
        });
        if climbs || prefix.contains("//") {
            return Err(invalid("must not have empty, . or .. path segments"));
        }
        Ok(Self {
            scheme,
            authority,
            prefix: prefix.to_owned(),
        })
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
        let path_and_query = match path {
            [Segment::Literal(literal)] if self.prefix.is_empty() => {
                PathAndQuery::from_maybe_shared(Bytes::from_static(literal.as_bytes()))
            }
            _ => {
                let mut joined = String::with_capacity(128);
                joined.push_str(&self.prefix);
                for segment in path {
                    joined.push_str(match segment {
                        Segment::Literal(literal) => literal,
                        Segment::Id(id) => id.as_str(),
                    });
                }
                PathAndQuery::from_maybe_shared(Bytes::from(joined))
            }
        };
        let invalid = || InvalidRequest::new("path", "the operation's path is not legal");
        // The parser takes a query as such and cuts a fragment off.
        let cut = path.iter().any(
            |segment| matches!(segment, Segment::Literal(literal) if literal.contains(['?', '#'])),
        );
        if cut {
            return Err(invalid());
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query.map_err(|_| invalid())?);
        Uri::from_parts(parts).map_err(|_| invalid())
    }

    /// Whether `uri` lies below this address.
    pub(crate) fn covers(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&self.scheme)
            && uri.authority() == Some(&self.authority)
            && uri
                .path()
                .strip_prefix(&*self.prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
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
}
