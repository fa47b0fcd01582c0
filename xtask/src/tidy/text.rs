//! Text that must not be in any file: numbers and keys of real people, names of a build machine.
//!
//! No pattern matches itself, and the tests compose what is found.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::Problem;
use crate::pattern;

/// What a line must not contain. Credentials have [`KEY_WORD`] besides.
static FORBIDDEN: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let rules = [
        // As a word, in groups of four or none. A telephone number has `+` and its country.
        (
            "contains a number that looks like an Aadhaar number",
            r"(?:^|[^\w+])[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}\b",
        ),
        (LIVE_KEY, r"-{5}BEGIN PRIVATE KEY|sk[_]live_"),
        (
            "contains the path of a machine",
            r"(?:^|[^\w.\-}~/*])/(?:root|home|work|Users)/",
        ),
        (
            "names a package registry's host",
            r"://(?:index|static|registry|files|deb|proxy|archive)\.|(?:index|static)\.crates\.io|files\.pythonhosted\.org|registry\.npmjs\.org",
        ),
    ];
    rules.map(|(what, rule)| (what, pattern(rule))).into()
});

const LIVE_KEY: &str = "contains what looks like a live key";

/// A word for a credential. A random token after it on the line is one.
static KEY_WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern("(?i)x-api-key|api_?key|secret|passw(?:or)?d|bearer|token|private_key")
});

/// Its last group may look like an Aadhaar number.
static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern("[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"));

pub(super) fn check(path: &str, text: &str) -> Vec<Problem> {
    if path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let lines = text.lines().enumerate();
    let problems = lines.flat_map(|(index, line)| {
        offences(line).map(move |what| Problem::at(path, index + 1, what))
    });
    problems.collect()
}

fn offences(line: &str) -> impl Iterator<Item = &'static str> {
    let line = UUID.replace_all(line, "uuid");
    let key = KEY_WORD.find(&line).is_some_and(|word| {
        line[word.end()..]
            .split(|c: char| !(c.is_ascii_alphanumeric() || "+/=_-".contains(c)))
            .any(is_random)
    });
    let found = FORBIDDEN
        .iter()
        .filter(move |(_, rule)| rule.is_match(&line));
    found.map(|(what, _)| *what).chain(key.then_some(LIVE_KEY))
}

/// Whether a token looks random: it mixes letters and digits too much to be a name.
fn is_random(token: &str) -> bool {
    let count = |of: fn(&char) -> bool| token.chars().filter(of).count();
    let (digits, lower, upper) = (
        count(char::is_ascii_digit),
        count(char::is_ascii_lowercase),
        count(char::is_ascii_uppercase),
    );
    let mut distinct: Vec<char> = token.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let hex = token.chars().all(|c| c.is_ascii_hexdigit()) && digits >= 8 && distinct.len() >= 12;
    let mixed = digits >= 4 && lower >= 4 && upper >= 4 && distinct.len() >= 16;
    token.len() >= 28 && (hex || mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_published_is_found_and_what_resembles_it_is_not() {
        let groups = ["2345", "6789", "0123"];
        let number = groups.join("");
        let token = ["aB3dE5fG7hI9", "jK1lM3nO5pQ7", "rS9tU1vW"].join("");
        let hex = ["0123456789abcdef", "fedcba9876543210"].join("");
        let path = |name: &str| format!("/{name}/someone/file");
        for (line, forbidden) in [
            (format!("id: {number}."), true),
            (groups.join(" "), true),
            (format!("({})", groups.join("-")), true),
            ("XXXX XXXX 1234, 9999000000".to_owned(), false),
            (format!("1{number}"), false),
            (format!("{number}4"), false),
            (format!("a{number}"), false),
            (format!("{number}_u64"), false),
            (format!("+{number}"), false),
            (number.replacen('2', "1", 1), false),
            (format!("123e4567-e89b-12d3-a456-{number}"), false),
            (
                format!(
                    "\"{}-{number}\"",
                    ["11111111", "2222", "4333", "8444"].join("-")
                ),
                false,
            ),
            (format!("x-api-key: {token}"), true),
            (format!("client_secret = \"{hex}\""), true),
            (["-----BEGIN", "PRIVATE KEY-----"].join(" "), true),
            (format!("digest: {token}"), false),
            (
                "SecretString::from(\"test-secret-of-the-sandbox-0001\")".to_owned(),
                false,
            ),
            (
                "secret: abcdef12-abcd-abcd-abcd-abcdef012345".to_owned(),
                false,
            ),
            (
                "token: TheLongNameOfSomeTypeThatHasNoDigits".to_owned(),
                false,
            ),
            (path("root"), true),
            (format!("see `{}`", path("home")), true),
            (format!("https://example.com{}", path("home")), false),
            (format!("$HOME{}", path("work")), false),
            (["https://index", "crates", "io/"].join("."), true),
            (["registry", "npmjs", "org"].join("."), true),
            (
                "https://docs.rs/http, https://example.com/static.html".to_owned(),
                false,
            ),
        ] {
            assert_eq!(offences(&line).count(), usize::from(forbidden), "{line}");
        }
    }
}
