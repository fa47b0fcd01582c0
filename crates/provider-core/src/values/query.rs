//! The parameters that a browser brings back from a provider.

/// The parameters of a URL's query, or of a query alone, percent-decoded once; `None` if one of them is not UTF-8 or its encoding
/// is broken. A fragment is not looked at.
///
/// What a browser brings back is anybody's: limit its length first, and show nothing of it.
///
/// ```
/// use provider_core::{Plus, query_parameters};
///
/// let url = "https://lender.example.test/done?code=a%2Bb&fi=Zm+k";
/// let parameters = query_parameters(url, Plus::Kept).unwrap();
/// assert_eq!(parameters[0], ("code".to_owned(), "a+b".to_owned()));
/// assert_eq!(parameters[1], ("fi".to_owned(), "Zm+k".to_owned()));
/// assert_eq!(query_parameters("https://lender.example.test/done?code=%zz", Plus::Kept), None);
/// ```
pub fn query_parameters(url: &str, plus: Plus) -> Option<Vec<(String, String)>> {
    let url = url.split('#').next().unwrap_or_default();
    let query = match url.split_once('?') {
        Some((_, query)) => query,
        None if url.contains('=') => url,
        None => "",
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let decoded = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(name, plus)?, decode(value, plus)?))
    };
    pairs.map(decoded).collect()
}

/// What a `+` in a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    /// A space, as in forms and in RFC 6749.
    Space,
    /// Itself, where values are Base64 that some peers do not encode.
    Kept,
}

fn decode(text: &str, plus: Plus) -> Option<String> {
    let plain = |text: &str| match plus {
        Plus::Space => text.replace('+', " ").into_bytes(),
        Plus::Kept => text.as_bytes().to_vec(),
    };
    let mut parts = text.split('%');
    let mut bytes = plain(parts.next().unwrap_or_default());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
        bytes.extend(plain(rest));
    }
    String::from_utf8(bytes).ok()
}

/// Whether two texts are equal, in a time that says nothing about where they differ. Their lengths are no secret.
pub fn is_same_text(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes());
    let differing = differing.fold(0, |differing, (one, other)| differing | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once_or_not_at_all() {
        let read = |url, plus| query_parameters(url, plus).map(|all| format!("{all:?}"));
        for (url, kept) in [
            ("", "[]"),
            ("https://a.test/b", "[]"),
            ("https://a.test/b?", "[]"),
            ("a=1&&b", r#"[("a", "1"), ("b", "")]"#),
            ("https://a.test/b?a=1#a=2", r#"[("a", "1")]"#),
            (
                "?a=%252B%2b+&a=%e0%a4%85",
                r#"[("a", "%2B++"), ("a", "अ")]"#,
            ),
            ("?a=b=c", r#"[("a", "b=c")]"#),
        ] {
            assert_eq!(read(url, Plus::Kept).as_deref(), Some(kept), "{url}");
            let spaced = query_parameters(url, Plus::Space).unwrap();
            assert_eq!(
                spaced.len(),
                query_parameters(url, Plus::Kept).unwrap().len()
            );
        }
        assert_eq!(
            read("?a=%2B+", Plus::Space).as_deref(),
            Some(r#"[("a", "+ ")]"#)
        );
        for broken in [
            "?a=%", "?a=%4", "?a=%zz", "?a=%+1", "?a=%4é", "?%zz=1", "?a=%ff",
        ] {
            assert_eq!(read(broken, Plus::Kept), None, "{broken}");
            assert_eq!(read(broken, Plus::Space), None, "{broken}");
        }
    }

    #[test]
    fn texts_are_the_same_only_if_every_byte_is() {
        for (one, other, same) in [
            ("", "", true),
            ("abc", "abc", true),
            ("abc", "abd", false),
            ("abc", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(is_same_text(one, other), same);
        }
    }
}
