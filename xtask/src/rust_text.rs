//! Reading Rust source as text: enough for checks that look for names, far from a parser.

/// The text with comments and the insides of string and character literals replaced by spaces; lines stay lines.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (hidden, length) = match first {
            '/' if rest.starts_with("//") => (true, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (true, block_comment(rest)),
            '"' => (true, string(rest)),
            '\'' => (true, character(rest).unwrap_or(0)),
            'r' | 'b' | 'c' if !ends_in_word(&code) => (true, prefixed_string(rest).unwrap_or(0)),
            _ => (false, 0),
        };
        let (piece, after) = rest
            .split_at_checked(length.max(first.len_utf8()))
            .unwrap_or((rest, ""));
        if hidden && length > 0 {
            code.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(piece);
        }
        rest = after;
    }
    code
}

/// Whether the code names this identifier, as a whole word.
pub(crate) fn names(code: &str, ident: &str) -> bool {
    positions(code, ident).next().is_some()
}

/// Where the identifier starts, as a whole word.
pub(crate) fn positions<'a>(code: &'a str, ident: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(ident)
        .map(|(at, _)| at)
        .filter(move |at| {
            let (before, after) = code.split_at(*at);
            let after = after.strip_prefix(ident).unwrap_or_default();
            !ends_in_word(before) && !after.starts_with(is_word)
        })
}

/// The line, counted from one, of a byte position.
pub(crate) fn line_of(text: &str, position: usize) -> usize {
    text.bytes()
        .take(position)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_word)
}

/// Length of a block comment, with comments inside it.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of a string literal with escapes, from its opening quote.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a literal such as `r#"…"#`, `b"…"` or `br"…"`, or nothing where none starts.
fn prefixed_string(text: &str) -> Option<usize> {
    let after_prefix = text.trim_start_matches(['b', 'c']);
    let Some(raw) = after_prefix.strip_prefix('r') else {
        return after_prefix
            .starts_with('"')
            .then(|| text.len() - after_prefix.len() + string(after_prefix));
    };
    let body = raw.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(raw.len() - body.len()));
    let start = text.len() - body.len() + 1;
    body.starts_with('"').then(|| {
        text.get(start..)
            .and_then(|rest| rest.find(&end))
            .map_or(text.len(), |at| start + at + end.len())
    })
}

/// Length of a character literal, or nothing for a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    match chars.next()?.1 {
        '\\' => text
            .char_indices()
            .skip(3)
            .find(|(_, c)| *c == '\'')
            .map(|(at, _)| at + 1),
        _ => chars
            .next()
            .filter(|(_, c)| *c == '\'')
            .map(|(at, _)| at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        let text =
            "a // b\nc /* d\n/* e */ f */ g \"h \\\" i\" j r#\"k \" l\"# m b\"n\" 'o' '\\'' &'p q";
        let code = code_only(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.lines().count(), 3 - 1 + 1);
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "c", "g", "j", "m", "&'p", "q"]);
    }

    #[test]
    fn identifiers_that_end_in_a_prefix_letter_keep_their_strings_apart() {
        assert_eq!(
            code_only("for\"x\" bar r")
                .split_whitespace()
                .collect::<Vec<_>>(),
            ["for", "bar", "r"]
        );
    }

    #[test]
    fn unfinished_text_does_not_hang() {
        for text in ["\"abc", "/* abc", "r#\"abc", "'", "'a", "'\\"] {
            code_only(text);
        }
    }

    #[test]
    fn names_are_whole_words() {
        assert!(names("use finpass::Client;", "finpass"));
        assert!(!names("my_finpass finpass2", "finpass"));
        assert_eq!(positions("ab xab ab", "ab").collect::<Vec<_>>(), [0, 7]);
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!(line_of("a\nb\nc", 0), 1);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
