//! Addresses to which people return.

/// An address with these parameters after its own.
pub(crate) fn with_parameters(url: &str, parameters: &str) -> String {
    let (before, fragment) = match url.split_once('#') {
        Some((before, fragment)) => (before, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let mark = match before.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{before}{mark}{parameters}{fragment}")
}

/// Whether a browser may be sent to an address: it has a scheme, and that is none with which it would run or read something
/// itself.
pub(crate) fn is_return_address(url: &str) -> bool {
    let Some((scheme, _)) = url.split_once("://") else {
        return false;
    };
    let mut bytes = scheme.bytes();
    let is_scheme = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let runs = ["javascript", "data", "vbscript", "file", "blob", "about"];
    is_scheme && !runs.iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

/// What stands between a person's step and the address to which it led.
pub(crate) const RETURNS: &str = ", and returns to ";

/// An address as everybody may see it: `…` for values of parameters, and for parts of the path that may be somebody's.
pub(crate) fn shown(url: &str) -> String {
    let is_plain = |part: &&str| {
        let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        part.len() <= 40 && digits < 4 && part.bytes().all(is_of_names)
    };
    let part = |part| Some(part).filter(is_plain).unwrap_or("…");
    let url = url.split('#').next().unwrap_or_default();
    let (before, query) = match url.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (url, None),
    };
    let (scheme, rest) = before.split_once("://").unwrap_or(("", before));
    let mut parts = rest.split('/');
    let authority = parts.next().unwrap_or_default();
    let host = authority
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let path: String = parts.map(|segment| format!("/{}", part(segment))).collect();
    let names = query.into_iter().flat_map(|query| query.split('&'));
    let names = names.map(|pair| pair.split('=').next().unwrap_or_default());
    let names: Vec<String> = names.map(|name| format!("{}=…", part(name))).collect();
    let mark = if names.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}{path}{mark}{}", names.join("&"))
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_keeps_what_the_address_had() {
        for (url, expected) in [
            ("https://a.test/done", "https://a.test/done?x=1"),
            ("https://a.test/done?", "https://a.test/done?x=1"),
            ("https://a.test/done?s=2", "https://a.test/done?s=2&x=1"),
            ("https://a.test/?s=2&#top", "https://a.test/?s=2&x=1#top"),
            ("app://done#a?b", "app://done?x=1#a?b"),
        ] {
            assert_eq!(with_parameters(url, "x=1"), expected);
        }
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_somebody_s() {
        for (url, expected) in [
            ("http://127.0.0.1:18251/back", "http://127.0.0.1:18251/back"),
            (
                "http://127.0.0.1:18251/back?code=c-1&state=2#top",
                "http://127.0.0.1:18251/back?code=…&state=…",
            ),
            (
                "https://user:secret@A.test/v1/9001000000/r%40x?9001000000=1",
                "https://a.test/v1/…/…?…=…",
            ),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn nothing_that_a_browser_runs_is_an_address() {
        for (url, is) in [
            ("https://a.test", true),
            ("app.example+1://done", true),
            ("a.test/done", false),
            ("javascript://a.test/%0aalert(1)", false),
            ("JavaScript://a", false),
            ("data://a", false),
            (" javascript://a", false),
            ("java\tscript://a", false),
            ("://a", false),
        ] {
            assert_eq!(is_return_address(url), is, "{url}");
        }
    }
}
