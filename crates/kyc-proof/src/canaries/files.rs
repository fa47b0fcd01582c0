//! Fixtures and snapshots hold invented data only.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Found;

pub(super) fn run() -> Result<Found> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    for (directory, ending) in [("fixtures", "json"), ("crates", "snap")] {
        collect(&top.join(directory), ending, &mut paths)?;
    }
    let mut found = Found::default();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        found.runs += 1;
        found.bytes += text.len() as u64;
        let name = path.strip_prefix(&top).unwrap_or(&path).display();
        let real = not_invented(&text).into_iter();
        found
            .leaks
            .extend(real.map(|what| format!("{name}: {what}")));
    }
    Ok(found)
}

fn collect(directory: &Path, ending: &str, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, ending, paths)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            paths.push(path);
        }
    }
    Ok(())
}

/// What looks like a real person's or a real account's, by kind and never by value.
fn not_invented(text: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for word in words(text) {
        if is_mobile(word) && !national(word).starts_with("90000000") {
            found.push("a mobile number that is not an invented one");
        }
        if is_pan(word) && word != "AAAAA0000A" {
            found.push("a PAN that is not the invented one");
        }
    }
    for (at, _) in text.match_indices('@') {
        let domain: &str = words_with(&text[at + 1..], ".-").next().unwrap_or_default();
        let before = text[..at].chars().next_back();
        let is_address = before.is_some_and(|c| c.is_ascii_alphanumeric()) && domain.contains('.');
        if is_address && !is_reserved(domain) {
            found.push("an e-mail address at a domain that may exist");
        }
    }
    for (at, _) in text.match_indices("://") {
        let host = words_with(&text[at + 3..], ".-").next().unwrap_or_default();
        if !is_reserved(host) && !DOCUMENTED.contains(&host) {
            found.push("a URL at a host that may exist");
        }
    }
    for (mark, what) in [
        ("-----BEGIN", "a key or a certificate"),
        ("eyJhbGci", "a signed token"),
    ] {
        if text.contains(mark) {
            found.push(what);
        }
    }
    found
}

/// Hosts that stand in a provider's documentation.
const DOCUMENTED: [&str; 3] = [
    "api.finpass.ai",
    "production.deepvue.tech",
    "json-schema.org",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    words_with(text, "")
}

fn words_with<'t>(text: &'t str, also: &str) -> impl Iterator<Item = &'t str> {
    text.split(move |c: char| !(c.is_ascii_alphanumeric() || also.contains(c)))
}

fn is_mobile(word: &str) -> bool {
    let national = national(word);
    national.len() == 10
        && national.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(national.as_bytes()[0], b'6'..=b'9')
}

/// A mobile number without India's prefix.
fn national(word: &str) -> &str {
    word.strip_prefix("91")
        .filter(|rest| rest.len() == 10)
        .unwrap_or(word)
}

fn is_pan(word: &str) -> bool {
    word.len() == 10
        && word.bytes().enumerate().all(|(at, byte)| match at {
            5..=8 => byte.is_ascii_digit(),
            _ => byte.is_ascii_uppercase(),
        })
}

/// RFC 2606 and RFC 6761.
fn is_reserved(host: &str) -> bool {
    const RESERVED: [&str; 7] = [
        "test",
        "example",
        "invalid",
        "localhost",
        "example.com",
        "example.org",
        "127.0.0.1",
    ];
    RESERVED.iter().any(|name| {
        host == *name
            || host
                .strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::not_invented;

    #[test]
    fn what_is_not_invented_is_found() {
        for text in [
            "\"9812345670\"",
            "+919812345670",
            "ABCDE1234F",
            "someone@mail.in",
            "https://lender.in/x",
            "-----BEGIN CERTIFICATE-----",
            "eyJhbGciOiJIUzI1NiJ9",
        ] {
            assert_eq!(not_invented(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_invented_is_not() {
        for text in [
            "9000000001 +919000000002",
            "AAAAA0000A",
            "person@example.test",
            "vua@finvu",
            "https://lender.example.test/x http://localhost/ http://127.0.0.1:1/",
            "1738305237960",
        ] {
            assert_eq!(not_invented(text), Vec::<&str>::new(), "{text}");
        }
    }
}
