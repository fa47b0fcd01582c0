//! Fixtures and snapshots hold invented data only.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;

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

/// What a real person or account could have, what is invented of it, and its kind, which is all that is printed.
const REAL: [(&str, &str, &str); 6] = [
    (
        r"\b(?:91)?([6-9][0-9]{9})\b",
        r"^90000000",
        "a mobile number that is not an invented one",
    ),
    (
        r"\b([A-Z]{5}[0-9]{4}[A-Z])\b",
        r"^AAAAA0000A$",
        "a PAN that is not the invented one",
    ),
    (
        r"[[:alnum:]]@([[:alnum:]-]+\.[[:alnum:].-]+)",
        RESERVED,
        "an e-mail address at a domain that may exist",
    ),
    (
        r"://([[:alnum:].-]+)",
        RESERVED,
        "a URL at a host that may exist",
    ),
    (r"(-----BEGIN)", r"^$", "a key or a certificate"),
    (r"(eyJhbGci)", r"^$", "a signed token"),
];

/// Names of RFC 2606 and RFC 6761, and hosts that stand in a provider's documentation.
const RESERVED: &str = r"(?x)
    (^|\.)(test|example|invalid|localhost|example\.com|example\.org|127\.0\.0\.1)$
    |^(api\.finpass\.ai|production\.deepvue\.tech|json-schema\.org)$";

/// What looks like a real person's or a real account's, by kind and never by value.
fn not_invented(text: &str) -> Vec<&'static str> {
    static FORMS: LazyLock<Vec<(Regex, Regex, &str)>> = LazyLock::new(|| {
        let regex = |pattern| Regex::new(pattern).expect("a legal pattern");
        let forms = REAL.map(|(real, invented, what)| (regex(real), regex(invented), what));
        forms.into()
    });
    // It is no part of a word here.
    let text = text.replace('_', " ");
    let mut found = Vec::new();
    for (real, invented, what) in &*FORMS {
        let real = real.captures_iter(&text);
        let real = real.filter(|captures| !invented.is_match(&captures[1]));
        found.extend(real.map(|_| *what));
    }
    found
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
