//! Addresses on the web that a provider is told: where a browser returns to, where changes are reported.

use std::net::{IpAddr, Ipv6Addr};

use super::copied::stray;
use super::invalid_request::InvalidRequest;

/// Checks the address that a provider is told: absolute, `http` or `https`, with a host. A provider finds a wrong one when
/// the session is open and billed, or when the person returns.
///
/// ```
/// use provider_core::check_web_url;
///
/// check_web_url("redirect_url", "https://lender.example.test/back?id=1#done")?;
/// let error = check_web_url("redirect_url", "lender.example.test/back").unwrap_err();
/// assert_eq!(error.rule(), "must be an absolute http or https URL");
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
///
/// # Errors
///
/// Another scheme, such as an app's own, no host, a user name or password before it, a port above 65535, white space, or anything that
/// nobody sees. The error names `field`.
pub fn check_web_url(field: &'static str, url: &str) -> Result<(), InvalidRequest> {
    // The usual address needs no second look. Every byte is looked at, because that is faster than stopping early.
    let ordinary = |byte: u8| byte.is_ascii_graphic() & (byte != b'\\');
    let is_ordinary = url.bytes().fold(true, |all, byte| all & ordinary(byte));
    if !is_ordinary && let Some(rule) = stray(url) {
        return Err(InvalidRequest::new(field, rule));
    }
    let after = |scheme: &str| {
        let (begin, rest) = url.split_at_checked(scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = after("https://").or_else(|| after("http://"));
    let Some(rest) = rest.filter(|_| is_ordinary || !url.contains([' ', '\\'])) else {
        return Err(InvalidRequest::new(
            field,
            "must be an absolute http or https URL",
        ));
    };
    let authority = authority(rest);
    if authority.bytes().any(|byte| byte == b'@') {
        let rule = "must have no user name and no password, which hide the host";
        return Err(InvalidRequest::new(field, rule));
    }
    match is_host_and_port(authority) {
        true => Ok(()),
        false => Err(InvalidRequest::new(
            field,
            "must be an absolute http or https URL",
        )),
    }
}

/// Checks the address of a reply to which a person is sent: as [`check_web_url`], and by `https`, or `http` to this machine, as a
/// sandbox has. Whoever is in between reads and changes what goes by plain `http`.
///
/// # Errors
///
/// As [`check_web_url`], or plain `http` to another machine.
pub fn check_person_url(field: &'static str, url: &str) -> Result<(), InvalidRequest> {
    check_web_url(field, url)?;
    let scheme = url.get(..6).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("https:") {
        return Ok(());
    }
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let authority = authority(rest);
    let host = match authority.strip_prefix('[') {
        Some(inner) => inner.split(']').next(),
        None => authority.split(':').next(),
    };
    let host = host.unwrap_or_default();
    let is_here = host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    match is_here {
        true => Ok(()),
        false => Err(InvalidRequest::new(
            field,
            "must be https, or http to this machine",
        )),
    }
}

/// What stands between the scheme and the path.
fn authority(rest: &str) -> &str {
    let ends = |byte: u8| matches!(byte, b'/' | b'?' | b'#');
    let end = rest.bytes().position(ends);
    end.and_then(|end| rest.get(..end)).unwrap_or(rest)
}

/// Whether this is a host, an address of IPv6 in brackets among them, and perhaps a port up to 65535.
fn is_host_and_port(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => ("host", port),
            _ => return false,
        },
        None => {
            let port = authority.bytes().position(|byte| byte == b':');
            authority.split_at(port.unwrap_or(authority.len()))
        }
    };
    let begins_a_host = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii();
    let is_no_part = |byte: u8| {
        matches!(
            byte,
            b'[' | b']' | b'<' | b'>' | b'"' | b'^' | b'|' | b'`' | b'{' | b'}'
        )
    };
    let is_port = |port: &str| {
        port.is_empty()
            || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
    };
    host.starts_with(begins_a_host)
        && !host.bytes().any(is_no_part)
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use super::{check_person_url, check_web_url};

    #[test]
    fn only_an_absolute_http_or_https_url_is_told() {
        for url in [
            "https://a.test",
            "HTTP://127.0.0.1:8080/x?y=%20#z",
            "https://[::1]/x",
            "https://bücher.example.test/",
            "https://a.test:65535/x?user=@y",
            "https://[::1]:8080",
            "https://a.test:/x",
        ] {
            assert!(check_web_url("u", url).is_ok(), "{url}");
        }
        for url in [
            "",
            "notaurl",
            "a.test/CANARY",
            "//a.test",
            "/CANARY",
            "https:a.test",
            "https://",
            "https:///CANARY",
            "https://:80",
            "https://?CANARY",
            "app://CANARY",
            "https://user@a.test/CANARY",
            "https://a.test:CANARY@b.test",
            "https://a.test:65536/CANARY",
            "https://a.test:-1",
            "https://a.test:80:80",
            "https://[::1/CANARY",
            "https://[CANARY]/",
            "https://::1/CANARY",
            "https://[::1]a/CANARY",
            "javascript:CANARY",
            "https://a.test/CAN ARY",
            "https://a.test\\CANARY",
            "https://a.test/CANARY\n",
            " https://a.test/CANARY",
            "\u{feff}https://a.test/CANARY",
        ] {
            let error = check_web_url("u", url).unwrap_err();
            assert_eq!(error.field(), "u");
            assert!(!error.to_string().contains("CANARY"), "{error}");
        }
    }

    #[test]
    fn a_person_is_sent_by_tls_or_to_this_machine() {
        for url in [
            "https://a.test",
            "HTTPS://a.test:8443/x",
            "http://localhost/x",
            "http://127.0.0.1:8080/x",
            "http://[::1]:8080/x",
        ] {
            assert!(check_person_url("u", url).is_ok(), "{url}");
        }
        for url in [
            "http://a.test/CANARY",
            "http://localhost.a.test",
            "http://10.0.0.1",
            "http://[::2]",
            "https://user@a.test",
            "javascript:CANARY",
        ] {
            let error = check_person_url("u", url).unwrap_err();
            assert!(!error.to_string().contains("CANARY"), "{error}");
        }
    }
}
