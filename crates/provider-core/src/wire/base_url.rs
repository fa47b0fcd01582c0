//! A provider's address, and how a path is joined to it.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use serde::{Deserialize, Deserializer};

use super::route::Route;
use crate::values::{InvalidRequest, Settings, deserialize_text, is_loopback, stray};

/// A provider's address: scheme, host, optional port, optional path prefix. Fixed when the client is built.
///
/// ```
/// use provider_core::BaseUrl;
///
/// let base = BaseUrl::parse("BASE_URL", "https://kyc.example.test/finpro_uat/")?;
/// assert_eq!(base.to_string(), "https://kyc.example.test/finpro_uat");
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
    /// A newline at its end or anything else that nobody sees, not `http` or `https`, no host, a user or password, a query, a fragment, a space, a backslash, or `.` and `..` in
    /// the path. The error names `field`, the setting's name.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, InvalidRequest> {
        let invalid = |rule: &'static str| InvalidRequest::new(field, rule);
        if let Some(rule) = stray(text) {
            return Err(InvalidRequest::new(field, rule));
        }
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
                "must not have a backslash, which URL parsers read as a slash",
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

    /// The https address of a host that is a constant.
    ///
    /// # Panics
    ///
    /// `host` is not a legal host. It is a constant of a provider crate, whose tests cover it.
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

    /// The address of a route below this one: the prefix is kept, each placeholder is replaced by its segment, and `query`
    /// is empty or begins with `?`.
    pub(crate) fn uri(
        &self,
        route: &Route,
        segments: &[Option<&str>],
        query: &str,
    ) -> Result<Uri, InvalidRequest> {
        let path = if self.prefix.is_empty() && query.is_empty() && route.is_literal() {
            Bytes::from_static(route.path().as_bytes())
        } else {
            let given = segments.iter().flatten().copied();
            let lengths = given
                .map(str::len)
                .fold(route.literal_bytes(), usize::saturating_add);
            let around = self.prefix.len().saturating_add(query.len());
            // The capacity is exact, so that `Bytes` takes the memory over without a copy.
            let mut path = String::with_capacity(lengths.saturating_add(around));
            path.push_str(&self.prefix);
            let mut segments = segments.iter().map(|segment| segment.unwrap_or_default());
            for literal in route.literals() {
                path.push_str(literal);
                path.push_str(segments.next().unwrap_or_default());
            }
            path.push_str(query);
            Bytes::from(path)
        };
        let invalid = || InvalidRequest::new("url", "the operation's address is not legal");
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        let path_and_query = PathAndQuery::from_maybe_shared(path).map_err(|_| invalid())?;
        parts.path_and_query = Some(path_and_query);
        Uri::from_parts(parts).map_err(|_| invalid())
    }

    /// Whether requests would go to another machine unencrypted: plain `http`, and not to loopback. A transport refuses
    /// them by default; use this to warn a user before anything is sent.
    pub fn is_clear_text_to_another_machine(&self) -> bool {
        self.scheme == Scheme::HTTP && !is_loopback(self.authority.host())
    }

    /// The address in a setting, or `None` if it is not set.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse), and for plain `http` to another machine, which a transport refuses by default: where it
    /// is wanted, parse the address in code.
    pub fn from_settings(
        settings: &Settings,
        name: &'static str,
    ) -> Result<Option<Self>, InvalidRequest> {
        settings.parsed_text(name, |text| {
            let base_url = Self::parse(name, text)?;
            if base_url.is_clear_text_to_another_machine() {
                let rule = "plain http is allowed to this machine only; use https";
                return Err(InvalidRequest::new(name, rule));
            }
            Ok(base_url)
        })
    }

    /// Like [`from_settings`](Self::from_settings), for a required setting.
    ///
    /// # Errors
    ///
    /// As for [`from_settings`](Self::from_settings); also if it is not set.
    pub fn required_from_settings(
        settings: &Settings,
        name: &'static str,
    ) -> Result<Self, InvalidRequest> {
        settings.required(&[name])?;
        let base_url = Self::from_settings(settings, name)?;
        base_url.ok_or_else(|| InvalidRequest::new(name, "not set"))
    }

    /// Whether requests use TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether it is this machine: a sandbox or a tunnel.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.authority.host())
    }
}

/// Whether a URL parser would resolve a segment of the path. Such a parser reads a backslash as a slash.
fn climbs(path: &str) -> bool {
    let dots = |segment: &str| {
        matches!(
            segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
            "." | ".."
        )
    };
    path.contains(['.', '%']) && path.split(['/', '\\']).any(dots)
}

impl FromStr for BaseUrl {
    type Err = InvalidRequest;

    /// As [`parse`](Self::parse), with the field `base_url`.
    fn from_str(text: &str) -> Result<Self, InvalidRequest> {
        Self::parse("base_url", text)
    }
}

impl<'de> Deserialize<'de> for BaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_text(deserializer, str::parse)
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
    fn an_invalid_address_is_refused() {
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
    fn what_nobody_sees_in_an_address_is_named() {
        for (text, word) in [
            ("https://a.test\n", "newline"),
            (" https://a.test", "white space"),
            ("\u{feff}https://a.test", "byte order mark"),
            ("https://a.te\u{200b}st", "U+200B"),
        ] {
            let rule = parse(text).unwrap_err().rule().to_owned();
            assert!(rule.contains(word), "{rule}");
        }
    }

    #[test]
    fn the_prefix_is_kept() {
        const CONSENTS: Route = Route::parse("POST /v1/sessions/{id}/consents");
        const PROFILE: Route = Route::parse("POST /profile");
        for (base, route, segments, query, expected) in [
            (
                "https://a.test",
                CONSENTS,
                &[Some("abc-1")][..],
                "",
                "https://a.test/v1/sessions/abc-1/consents",
            ),
            (
                "https://a.test/",
                CONSENTS,
                &[Some("abc-1"), None],
                "?q=%20",
                "https://a.test/v1/sessions/abc-1/consents?q=%20",
            ),
            (
                "http://127.0.0.1:8080/x/y",
                CONSENTS,
                &[Some("abc-1")],
                "",
                "http://127.0.0.1:8080/x/y/v1/sessions/abc-1/consents",
            ),
            ("https://a.test", PROFILE, &[], "", "https://a.test/profile"),
            (
                "https://a.test",
                PROFILE,
                &[None],
                "?a=1&b=2",
                "https://a.test/profile?a=1&b=2",
            ),
            (
                "https://a.test/uat",
                PROFILE,
                &[],
                "",
                "https://a.test/uat/profile",
            ),
        ] {
            assert_eq!(
                parse(base).unwrap().uri(&route, segments, query).unwrap(),
                expected
            );
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
    fn an_address_is_displayed_as_it_was_written() {
        let base = parse("https://a.test/uat/").unwrap();
        assert!(base.is_https() && !parse("http://a.test").unwrap().is_https());
        assert_eq!(
            format!("{base} {base:?}"),
            "https://a.test/uat BaseUrl(https://a.test/uat)"
        );
    }

    #[test]
    fn clear_text_to_another_machine_is_detected() {
        for (text, expected) in [
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
                expected,
                "{text}"
            );
        }
    }
}
