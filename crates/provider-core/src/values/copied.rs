//! What copying leaves in a setting and nobody sees: a final newline, a byte order mark, quotes, a placeholder.

use std::borrow::Cow;

type Rule = Cow<'static, str>;

/// The rule that the text of a credential or an address breaks, whatever its own form is.
pub(crate) fn stray(text: &str) -> Option<Rule> {
    if text.is_empty() {
        return Some("must not be empty".into());
    }
    if text.ends_with(['\n', '\r']) {
        return Some("ends with a newline, as a file often does".into());
    }
    if text.trim().len() != text.len() {
        return Some("begins or ends with white space".into());
    }
    if text.chars().any(char::is_control) {
        return Some("must not contain control characters".into());
    }
    let found = text.chars().find(|c| is_invisible(*c))?;
    let name = match found {
        '\u{feff}' => "a byte order mark",
        '\u{ad}' => "a soft hyphen",
        found if found.is_whitespace() => "a space of another width",
        _ => "type it or copy it again",
    };
    let code = u32::from(found);
    Some(format!("contains the invisible character U+{code:04X}, {name}").into())
}

/// Whether a character is displayed as nothing, or as a space that is none: Unicode's default ignorable code points, other
/// format characters, and white space beside U+0020. In an output such a character makes one text look like another, or turns it
/// around.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || (c.is_whitespace() && c != ' ')
}

/// The rule that the value of the variable `name` breaks: what a `.env` file, a shell or a template left in it. No provider
/// issues such a credential.
pub(crate) fn unexpanded(name: &str, value: &str) -> Option<Rule> {
    const QUOTES: [(char, char); 7] = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('“', '”'),
        ('„', '“'),
        ('‘', '’'),
        ('«', '»'),
    ];
    const PLACEHOLDERS: [(&str, &str); 4] = [("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">")];
    let value = value.trim();
    let value = value.strip_prefix("export ").unwrap_or(value);
    let assigned = value.strip_prefix(name).map(str::trim_start);
    if assigned.is_some_and(|rest| rest.starts_with(['=', ':'])) {
        return Some("begins with its own name; give the value alone".into());
    }
    let inside = |begin: &str, end: &str| {
        let rest = value.strip_prefix(begin);
        rest.is_some_and(|rest| rest.ends_with(end))
    };
    let mut buffers = ([0; 4], [0; 4]);
    let mut quoted = QUOTES.into_iter();
    if quoted.any(|(begin, end)| {
        inside(
            begin.encode_utf8(&mut buffers.0),
            end.encode_utf8(&mut buffers.1),
        )
    }) {
        return Some("is in quotes, which belong to the shell; leave them out".into());
    }
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let of_windows = |text: &str| text.strip_suffix('%').is_some_and(is_name);
    let is_variable = value.strip_prefix('$').is_some_and(is_name)
        || value.strip_prefix('%').is_some_and(of_windows);
    let mut placeholders = PLACEHOLDERS.into_iter();
    (is_variable || placeholders.any(|(begin, end)| inside(begin, end)))
        .then(|| "is a placeholder that nothing has replaced".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_named() {
        for (text, rule) in [
            ("", "must not be empty"),
            ("CANARY\n", "ends with a newline, as a file often does"),
            ("CANARY\r\n", "ends with a newline, as a file often does"),
            (" CANARY", "begins or ends with white space"),
            ("CANARY\u{a0}", "begins or ends with white space"),
            ("CAN\u{0}ARY", "must not contain control characters"),
            (
                "\u{feff}CANARY",
                "contains the invisible character U+FEFF, a byte order mark",
            ),
            (
                "CAN\u{a0}ARY",
                "contains the invisible character U+00A0, a space of another width",
            ),
            (
                "CAN\u{ad}ARY",
                "contains the invisible character U+00AD, a soft hyphen",
            ),
        ] {
            assert_eq!(stray(text).as_deref(), Some(rule), "{text:?}");
        }
        for invisible in ['\u{200b}', '\u{2060}', '\u{200e}', '\u{3164}', '\u{e0001}'] {
            for text in [
                format!("{invisible}CANARY"),
                format!("CAN{invisible}ARY"),
                format!("CANARY{invisible}"),
            ] {
                let rule = stray(&text).unwrap();
                let code = format!("U+{:04X}", u32::from(invisible));
                assert!(rule.contains(&code) && !rule.contains("CANARY"), "{rule}");
            }
        }
        for text in ["a", "two words", "clé-privée", "ключ", "a+b/c=="] {
            assert_eq!(stray(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_a_file_a_shell_or_a_template_left_is_named() {
        for (value, word) in [
            ("\"CANARY\"", "quotes"),
            ("'CANARY'\n", "quotes"),
            ("“CANARY”", "quotes"),
            ("KEY=CANARY", "own name"),
            ("export KEY=CANARY", "own name"),
            ("KEY: CANARY", "own name"),
            ("${KEY}", "placeholder"),
            ("$KEY", "placeholder"),
            ("$(CANARY)", "placeholder"),
            ("{{ CANARY }}", "placeholder"),
            ("<your key>", "placeholder"),
            ("%KEY%", "placeholder"),
        ] {
            let rule = unexpanded("KEY", value).unwrap_or_default();
            assert!(rule.contains(word) && !rule.contains("CANARY"), "{value}");
        }
        for value in [
            "made-up",
            "KEYS",
            "KEY",
            "a\"b",
            "\"",
            "$a!",
            "a=b==",
            "%",
            "https://a.test/x",
        ] {
            assert_eq!(unexpanded("KEY", value), None, "{value}");
        }
    }
}
