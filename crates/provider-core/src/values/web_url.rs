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
    parse(field, url).map(drop)
}

/// Checks the address of a reply to which a person is sent: as [`check_web_url`], and by `https`, or `http` to this machine, as a
/// sandbox has. Whoever is in between reads and changes what goes by plain `http`.
///
/// # Errors
///
/// As [`check_web_url`], or plain `http` to another machine.
pub fn check_person_url(field: &'static str, url: &str) -> Result<(), InvalidRequest> {
    let (is_https, host) = parse(field, url)?;
    match is_https || is_loopback(host) {
        true => Ok(()),
        false => Err(InvalidRequest::new(
            field,
            "must be https, or http to this machine",
        )),
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address = bracketed.unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether an address is `https`, and its host, as [`check_web_url`] checks it.
fn parse<'u>(field: &'static str, url: &'u str) -> Result<(bool, &'u str), InvalidRequest> {
    // The usual address needs no second look. Every byte is looked at, because that is faster than stopping early.
    let ordinary = |byte: u8| byte.is_ascii_graphic() & (byte != b'\\');
    let is_ordinary = url.bytes().fold(true, |all, byte| all & ordinary(byte));
    if !is_ordinary && let Some(rule) = stray(url) {
        return Err(InvalidRequest::new(field, rule));
    }
    let relative = || InvalidRequest::new(field, "must be an absolute http or https URL");
    let after = |scheme: &str| {
        let (begin, rest) = url.split_at_checked(scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let https = after("https://");
    let rest = https.or_else(|| after("http://"));
    let rest = rest.filter(|_| is_ordinary || !url.contains([' ', '\\']));
    let authority = authority(rest.ok_or_else(relative)?);
    if authority.as_bytes().contains(&b'@') {
        let rule = "must have no user name and no password, which hide the host";
        return Err(InvalidRequest::new(field, rule));
    }
    let host = host(authority).ok_or_else(relative)?;
    Ok((https.is_some(), host))
}

/// What stands between the scheme and the path.
fn authority(rest: &str) -> &str {
    let ends = |byte: u8| matches!(byte, b'/' | b'?' | b'#');
    let end = rest.bytes().position(ends);
    end.and_then(|end| rest.get(..end)).unwrap_or(rest)
}

/// The host, an address of IPv6 without its brackets; `None` if it is none, or what follows is no port up to 65535.
fn host(authority: &str) -> Option<&str> {
    let begins_a_host = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii();
    let is_part = |byte: u8| {
        !matches!(
            byte,
            b'[' | b']' | b'<' | b'>' | b'"' | b'^' | b'|' | b'`' | b'{' | b'}'
        )
    };
    let (host, port, is_host) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner.split_once(']')?;
            (address, port, address.parse::<Ipv6Addr>().is_ok())
        }
        None => {
            let port = authority.bytes().position(|byte| byte == b':');
            let (host, port) = authority.split_at(port.unwrap_or(authority.len()));
            let are_parts = host.bytes().fold(true, |all, byte| all & is_part(byte));
            (host, port, host.starts_with(begins_a_host) && are_parts)
        }
    };
    let is_port = |port: &str| {
        port.is_empty()
            || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
    };
    let is_whole = is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    is_whole.then_some(host)
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
