//! Converts rustdoc's Markdown to text for readers of other languages.

/// The documentation without what concerns Rust alone: examples, sections such as *Errors*, sentences that name an item by its
/// path, such as `` `Items::unread` ``, or a trait, sentences that begin with "This client", which say what only it does, and
/// links into the crate, of which the text stays. `None` is null, and a link to the variant of an enum its name on the wire,
/// `loan_underwriting`.
pub fn prose(documentation: &str) -> String {
    let mut kept = Vec::new();
    let mut in_example = false;
    for line in documentation.lines().map(str::trim_end) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if line.trim_start().starts_with("```") {
            in_example = !in_example;
        } else if !in_example && line.starts_with("# ") {
            break;
        } else if !in_example {
            kept.push(line);
        }
    }
    let text = without_links(kept.join("\n").trim());
    let text = text
        .replace("`None`", "null")
        .replace("`Response::body`", "the reply as it came");
    let paragraphs = text.split("\n\n").map(without_paths);
    let paragraphs: Vec<_> = paragraphs.filter(|text| !text.is_empty()).collect();
    paragraphs.join("\n\n")
}

/// A paragraph without what names a Rust item, a clause ", see `A::b`" or else the sentence, and without sentences about this
/// client.
fn without_paths(paragraph: &str) -> String {
    let kept = sentences(paragraph)
        .into_iter()
        .filter(|sentence| !is_about_this_client(sentence));
    let kept = kept.map(without_clause);
    let kept = kept.filter(|sentence| !names_rust(sentence));
    kept.collect::<String>().trim_end().to_owned()
}

/// Whether it says what this client does, and not what the provider does.
fn is_about_this_client(sentence: &str) -> bool {
    let mut words = sentence.split_whitespace();
    words.next() == Some("This") && matches!(words.next(), Some("client" | "client's"))
}

/// Whether code in it is a path or a trait of Rust's.
fn names_rust(text: &str) -> bool {
    let mut code = text.split('`').skip(1).step_by(2);
    code.any(|code| code.contains("::") || matches!(code, "Debug" | "Display"))
}

/// The sentence without a clause that leads to an item.
fn without_clause(sentence: &str) -> String {
    for begin in [", see", ": see", "; see"] {
        if let Some((before, after)) = sentence.split_once(begin)
            && let Some(code) = after.trim_start().strip_prefix('`')
            && let Some((path, after)) = code.split_once('`')
            && path.contains("::")
        {
            return format!("{before}{after}");
        }
    }
    sentence.to_owned()
}

/// The sentences with the blanks behind them. A full stop in code ends none.
fn sentences(paragraph: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut begin = 0;
    let mut in_code = false;
    let mut ended = false;
    for (at, c) in paragraph.char_indices() {
        if c == '`' {
            in_code = !in_code;
        }
        if ended && !c.is_whitespace() {
            sentences.push(paragraph.get(begin..at).unwrap_or_default());
            begin = at;
            ended = false;
        }
        let next = paragraph.get(at.saturating_add(1)..).unwrap_or_default();
        ended |= c == '.' && !in_code && next.starts_with(char::is_whitespace);
    }
    sentences.push(paragraph.get(begin..).unwrap_or_default());
    sentences
}

/// A one-line summary in plain text: the first sentence of the documentation, up to a colon or the full stop.
pub fn headline(summary: &str) -> String {
    let sentence = summary.split(": ").next().unwrap_or_default();
    plain(sentence).trim_end_matches('.').to_owned()
}

/// The text without Markdown markup, for a terminal.
pub fn plain(text: &str) -> String {
    without_links(text).replace(['*', '`'], "")
}

/// Replaces `[text](target)` and `[text]` by `text`, unless the target is an address. A mark such as `` `[docs]` `` is code
/// and is kept.
fn without_links(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        written.push_str(before);
        let is_code = written.matches('`').count() % 2 == 1;
        match after.split_once(']') {
            Some((label, after)) if !is_code => {
                rest = after;
                let target = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
                match target {
                    Some((target, after)) if !target.contains("://") => {
                        match variant(target) {
                            Some(name) => written.push_str(&format!("`{name}`")),
                            None => written.push_str(label),
                        }
                        rest = after;
                    }
                    Some(_) => written.extend(["[", label, "]"]),
                    None => written.push_str(label),
                }
            }
            _ => {
                written.push('[');
                rest = after;
            }
        }
    }
    written.push_str(rest);
    written
}

/// The variant that a path such as `crate::Purpose::LoanUnderwriting` leads to, as it is written on the wire.
fn variant(target: &str) -> Option<String> {
    let mut segments = target.rsplit("::");
    let (variant, enumeration) = (segments.next()?, segments.next()?);
    let is_type = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if !is_type(variant) || !is_type(enumeration) {
        return None;
    }
    let mut name = String::with_capacity(variant.len());
    for c in variant.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_specific_parts_are_left_out() {
        let documentation = " Opens it: *Initialize*, `POST /x` (`[seed]`).\n\n See [`of`](Self::of), `None` and\n \
            [the page](https://docs.example.test/a).\n\n ```\n use x;\n ```\n\n # Errors\n\n Awaiting it.\n";
        assert_eq!(
            prose(documentation),
            "Opens it: *Initialize*, `POST /x` (`[seed]`).\n\nSee `of`, null and\n[the page](https://docs.example.test/a)."
        );
        for (documentation, expected) in [
            (
                "The rows, see [`Items::unread`]. All of them.",
                "The rows. All of them.",
            ),
            (
                "It is personal. `Debug` prints none of it. So are ids.",
                "It is personal. So are ids.",
            ),
            (
                "At most `A::MAX` bytes. It is `a. b`.\nEnd.",
                "It is `a. b`.\nEnd.",
            ),
            ("A page.\n\nRead `A::b`.", "A page."),
            (
                "The rest is in [`Response::body`](core::Response::body).",
                "The rest is in the reply as it came.",
            ),
            ("`a::b` only.", ""),
            (
                "A read. This\nclient repeats it: `a.b`. It costs nothing.",
                "A read. It costs nothing.",
            ),
            ("The id.\n\nThis client checks it.", "The id."),
            (
                "Send this client's id. This client's own is short. This clientele.",
                "Send this client's id. This clientele.",
            ),
        ] {
            assert_eq!(prose(documentation), expected);
        }
    }

    #[test]
    fn a_variant_is_its_name_on_the_wire() {
        for (text, expected) in [
            (
                "for [`LoanUnderwriting`](crate::Purpose::LoanUnderwriting).",
                "for `loan_underwriting`.",
            ),
            ("a [loan](Purpose::Loan)", "a `loan`"),
            ("[`Purpose`](crate::Purpose)", "`Purpose`"),
            ("[`body`](core::Response::body)", "`body`"),
        ] {
            assert_eq!(prose(text), expected);
        }
    }

    #[test]
    fn a_headline_is_the_subject_in_plain_text() {
        for (summary, expected) in [
            ("Opens *it*: `POST /x`.", "Opens it"),
            ("Reads [`Row`](Self::x).", "Reads Row"),
            ("", ""),
        ] {
            assert_eq!(headline(summary), expected);
        }
    }
}
