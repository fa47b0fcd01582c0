//! Converts rustdoc's Markdown to text for readers of other languages.

/// The documentation without what concerns Rust alone: examples, sections such as *Errors*, and links into the crate, of
/// which the text stays. `None` is null, and a link to the variant of an enum its name on the wire, `loan_underwriting`.
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
    without_links(kept.join("\n").trim()).replace("`None`", "null")
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
        let documentation = " Opens it: *Initialize*, `POST /x` (`[seed]`).\n\n See [`Row::id`], [`of`](Self::of), `None` and\n \
            [the page](https://docs.example.test/a).\n\n ```\n use x;\n ```\n\n # Errors\n\n Awaiting it.\n";
        assert_eq!(
            prose(documentation),
            "Opens it: *Initialize*, `POST /x` (`[seed]`).\n\nSee `Row::id`, `of`, null and\n[the page](https://docs.example.test/a)."
        );
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
