//! Fixtures and snapshots hold invented data only.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Result, ensure};
use regex::Regex;

use super::Found;

pub(super) fn run() -> Result<Found> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut git = Command::new("git");
    git.current_dir(&top)
        .args(["ls-files", "--cached", "--others"]);
    git.args(["--exclude-standard", "--", "fixtures/*.json", "*.snap"]);
    let listed = git.output()?;
    ensure!(listed.status.success(), "git does not list the files");
    let mut found = Found::default();
    for name in String::from_utf8(listed.stdout)?.lines() {
        let text = fs::read_to_string(top.join(name))?;
        found.runs += 1;
        found.bytes += text.len() as u64;
        let real = not_invented(&text);
        let real = real.iter().map(|what| format!("{name}: {what}"));
        found.leaks.extend(real);
    }
    ensure!(found.runs > 0, "there is no file");
    Ok(found)
}

/// What a real person or account could have: its kind, which is all that is printed, its form, and what is invented of it.
const REAL: [&str; 6] = [
    r"a mobile number that is not an invented one   \b(?:91)?([6-9][0-9]{9})\b   ^90000000",
    r"a PAN that is not the invented one   \b([A-Z]{5}[0-9]{4}[A-Z])\b   ^AAAAA0000A$",
    r"an e-mail address at a domain that may exist   [[:alnum:]]@([[:alnum:]-]+\.[[:alnum:].-]+)   RESERVED",
    r"a URL at a host that may exist   ://([[:alnum:].-]+)   RESERVED",
    r"a key or a certificate   (-----BEGIN)   ^$",
    r"a signed token   (eyJhbGci)   ^$",
];

/// Names of RFC 2606 and RFC 6761, and hosts that stand in a provider's documentation.
const RESERVED: &str = r"(^|\.)(test|example|invalid|localhost|example\.com|example\.org|127\.0\.0\.1)$|^(api\.finpass\.ai|production\.deepvue\.tech|json-schema\.org)$";

/// What looks like a real person's or a real account's, by kind and never by value.
fn not_invented(text: &str) -> Vec<&'static str> {
    static FORMS: LazyLock<[(&str, Regex, Regex); 6]> = LazyLock::new(|| {
        REAL.map(|row| {
            let mut columns = row.split("   ");
            let mut column = || columns.next().expect("three columns");
            let (what, real, invented) = (column(), column(), column());
            let regex = |pattern: &str| Regex::new(pattern).expect("a legal pattern");
            let invented = invented.replace("RESERVED", RESERVED);
            (what, regex(real), regex(&invented))
        })
    });
    // It is no part of a word here.
    let text = text.replace('_', " ");
    let mut found = Vec::new();
    for (what, real, invented) in &*FORMS {
        let real = real.captures_iter(&text);
        let real = real.filter(|captures| !invented.is_match(&captures[1]));
        found.extend(real.map(|_| *what));
    }
    found
}

#[test]
fn what_is_not_invented_is_found_and_nothing_else() {
    let real = r#""9812345670" +919812345670 ABCDE1234F someone@mail.in https://lender.in/x -----BEGIN eyJhbGciOiJIUzI1NiJ9"#;
    let invented = "9000000001 +919000000002 AAAAA0000A person@example.test vua@finvu https://lender.example.test/x \
                    http://localhost/ http://127.0.0.1:1/ 1738305237960";
    for (texts, count) in [(real, 1), (invented, 0)] {
        for text in texts.split_whitespace() {
            assert_eq!(not_invented(text).len(), count, "{text}");
        }
    }
}
