//! Text that must not be in any file: numbers and keys of real people, names of a build machine.
//!
//! The needles are composed here, so that this file does not match itself.

use super::Problem;

pub(super) fn check(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if path.ends_with("Cargo.lock") {
        return problems;
    }
    for (index, line) in text.lines().enumerate() {
        let mut add = |what: String| problems.push(Problem::at(path, index + 1, what));
        if has_aadhaar_number(line) {
            add("contains a number that looks like an Aadhaar number".to_owned());
        }
        if has_live_key(line) {
            add("contains what looks like a live key".to_owned());
        }
        if let Some(needle) = machine_path(line) {
            add(format!("contains the path of a machine: {needle}…"));
        }
        if let Some(needle) = registry_host(line) {
            add(format!("names a package registry's host: {needle}…"));
        }
    }
    problems
}

/// Twelve digits as a word, the first of them from 2 to 9, with a space or hyphen or nothing between groups of four.
/// Groups of a UUID are none, and neither is a telephone number with `+` and its country.
fn has_aadhaar_number(line: &str) -> bool {
    let bytes = line.as_bytes();
    (0..bytes.len()).any(|start| {
        aadhaar_end(bytes, start).is_some_and(|end| {
            let before = start.checked_sub(1).and_then(|at| bytes.get(at));
            let delimited =
                !before.is_some_and(is_word_byte) && !bytes.get(end).is_some_and(is_word_byte);
            let uuids =
                (end.saturating_sub(36)..=start).filter_map(|from| bytes.get(from..from + 36));
            delimited && before != Some(&b'+') && !uuids.into_iter().any(is_uuid)
        })
    })
}

/// Where the twelve digits end that begin here, if they do.
fn aadhaar_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for group in 0..3 {
        if group > 0 && matches!(bytes.get(at), Some(b' ' | b'-')) {
            at += 1;
        }
        let digits = bytes
            .get(at..at + 4)
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        if group == 0 && matches!(digits.first(), Some(b'0' | b'1')) {
            return None;
        }
        at += 4;
    }
    Some(at)
}

fn is_word_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// A word for a credential followed on the line by a random token; or the marker of a private key.
fn has_live_key(line: &str) -> bool {
    if line.contains(&["-----BEGIN", "PRIVATE KEY"].join(" "))
        || line.contains(&["sk", "live", ""].join("_"))
    {
        return true;
    }
    let lower = line.to_ascii_lowercase();
    let words = [
        "x-api-key",
        "api_key",
        "apikey",
        "secret",
        "password",
        "passwd",
        "bearer",
        "token",
        "private_key",
    ];
    let Some(start) = words
        .iter()
        .filter_map(|word| Some(lower.find(word)? + word.len()))
        .min()
    else {
        return false;
    };
    let after = line.get(start..).unwrap_or_default();
    after
        .split(|c: char| !(c.is_ascii_alphanumeric() || "+/=_-".contains(c)))
        .any(is_random)
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

/// The directory of a build machine that the line names, if any.
fn machine_path(line: &str) -> Option<String> {
    let roots = ["root", "home", "work", "Users"].map(|name| format!("/{name}/"));
    roots.into_iter().find(|needle| {
        line.match_indices(needle.as_str()).any(|(at, _)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            !before.is_some_and(|c| c.is_alphanumeric() || "_.-}~/*".contains(c))
        })
    })
}

/// The host of a package registry or mirror that the line names, if any.
fn registry_host(line: &str) -> Option<String> {
    let by_role = [
        "index", "static", "registry", "files", "deb", "proxy", "archive",
    ]
    .map(|role| format!("://{role}."));
    let by_name = [
        ["index", "crates", "io"],
        ["static", "crates", "io"],
        ["files", "pythonhosted", "org"],
        ["registry", "npmjs", "org"],
    ]
    .map(|parts| parts.join("."));
    by_role
        .into_iter()
        .chain(by_name)
        .find(|needle| line.contains(needle.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aadhaar_numbers_are_found_in_every_spelling() {
        let groups = ["2345", "6789", "0123"];
        for between in ["", " ", "-"] {
            assert!(
                has_aadhaar_number(&format!("id: {}.", groups.join(between))),
                "{between:?}"
            );
        }
    }

    #[test]
    fn other_numbers_are_not_aadhaar_numbers() {
        let groups = ["2345", "6789", "0123"].join("");
        for line in [
            "XXXX XXXX 1234".to_owned(),
            format!("1{groups}"),
            format!("{groups}4"),
            format!("a{groups}"),
            format!("{groups}_u64"),
            ["1345", "6789", "0123"].join(""),
            format!("123e4567-e89b-12d3-a456-{groups}"),
            format!(
                "\"{}\"",
                ["11111111", "2222", "4333", "8444", groups.as_str()].join("-")
            ),
            format!("+{groups}"),
            "9999000000".to_owned(),
        ] {
            assert!(!has_aadhaar_number(&line), "{line}");
        }
    }

    #[test]
    fn live_keys_are_found_and_names_are_not() {
        let token = ["aB3dE5fG7hI9", "jK1lM3nO5pQ7", "rS9tU1vW"].join("");
        assert!(has_live_key(&format!("x-api-key: {token}")));
        assert!(has_live_key(&format!(
            "client_secret = \"{}\"",
            ["0123456789abcdef", "fedcba9876543210"].join("")
        )));
        assert!(has_live_key(&["-----BEGIN", "PRIVATE KEY-----"].join(" ")));
        assert!(!has_live_key(&format!("digest: {token}")));
        assert!(!has_live_key(
            "let secret = SecretString::from(\"test-secret-of-the-sandbox-0001\");"
        ));
        assert!(!has_live_key(
            "secret: abcdef12-abcd-abcd-abcd-abcdef012345"
        ));
        assert!(!has_live_key("token: TheLongNameOfSomeTypeThatHasNoDigits"));
    }

    #[test]
    fn paths_of_machines_are_found_and_urls_are_not() {
        let path = |name: &str| format!("/{name}/someone/file");
        assert!(machine_path(&path("root")).is_some());
        assert!(machine_path(&format!("see `{}`", path("home"))).is_some());
        assert!(machine_path(&format!("https://example.com{}", path("home"))).is_none());
        assert!(machine_path(&format!("$HOME{}", path("work"))).is_none());
    }

    #[test]
    fn hosts_of_registries_are_found() {
        let host = ["https://index", "crates", "io/"].join(".");
        assert!(registry_host(&host).is_some());
        assert!(registry_host("https://docs.rs/http").is_none());
        assert!(registry_host("https://api.example.com/static.html").is_none());
    }
}
