//! Addresses on the web that a provider is told: where a browser returns to, where changes are reported.

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
/// Another scheme, such as an app's own, no host, white space, or anything that nobody sees. The error names `field`.
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
    let begins_a_host =
        |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'[' || !byte.is_ascii();
    let has_host = rest.is_some_and(|rest| rest.as_bytes().first().is_some_and(begins_a_host));
    if has_host && (is_ordinary || !url.contains([' ', '\\'])) {
        return Ok(());
    }
    Err(InvalidRequest::new(
        field,
        "must be an absolute http or https URL",
    ))
}

#[cfg(test)]
mod tests {
    use super::check_web_url;

    #[test]
    fn only_an_absolute_http_or_https_url_is_told() {
        for url in [
            "https://a.test",
            "HTTP://127.0.0.1:8080/x?y=%20#z",
            "https://[::1]/x",
            "https://bücher.example.test/",
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
}
