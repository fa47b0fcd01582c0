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
