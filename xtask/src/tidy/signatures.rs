//! That reqwest stays out of the public signatures of the one file that uses it.

use super::Problem;
use crate::rust_text::{is_word, line_of, names, positions};

/// Every public item whose signature names reqwest or something imported from it. Takes code without comments.
pub(super) fn check(path: &str, code: &str) -> Vec<Problem> {
    let imported = imports(code);
    let mut problems = Vec::new();
    for (at, signature) in public_signatures(code) {
        let whole = names(signature, "reqwest")
            && (signature.contains("reqwest::") || signature.contains("use reqwest"));
        let by_name = imported.iter().find(|name| names(signature, name));
        if whole || by_name.is_some() {
            let name = by_name.map_or("reqwest", |name| name);
            problems.push(Problem::at(
                path,
                line_of(code, at),
                format!("`{name}` of reqwest in a public signature"),
            ));
        }
    }
    problems
}

/// The names that `use reqwest::…` lines bring into scope, without private aliases for traits (`as _`).
fn imports(code: &str) -> Vec<&str> {
    let uses = code
        .match_indices("use reqwest::")
        .filter_map(|(at, _)| code.get(at..)?.split(';').next());
    let mut found: Vec<&str> = uses
        .flat_map(|list| list.split(['{', '}', ',']))
        .filter_map(|part| part.rsplit([' ', ':', '\n']).find(|word| !word.is_empty()))
        .filter(|name| *name != "_" && *name != "self")
        .collect();
    found.retain(|name| name.chars().all(is_word));
    found
}

/// Where each public item starts, with the part of it that others see: a function up to its body, a struct up to
/// its fields (a public field is an item of its own), an enum or trait as a whole, a trait implementation's head.
fn public_signatures(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for at in positions(code, "pub") {
        let Some(item) = code.get(at..) else { continue };
        let mut words = item
            .split(|c: char| !is_word(c))
            .filter(|word| !word.is_empty())
            .skip(1);
        if item
            .get(3..)
            .is_none_or(|after| !after.starts_with(char::is_whitespace))
        {
            continue;
        }
        let end = match words.next() {
            Some("enum" | "trait" | "mod") => body(item),
            Some("struct" | "union") => item.find(['{', '(', ';']).unwrap_or(item.len()),
            Some("fn" | "async" | "const" | "static" | "type" | "unsafe" | "extern" | "use") => {
                until(item, &['{', ';'])
            }
            _ => until(item, &[',', '}', ';']),
        };
        found.extend(item.get(..end).map(|signature| (at, signature)));
    }
    for at in positions(code, "impl") {
        let Some(item) = code.get(at..) else { continue };
        let head = item.get(..until(item, &['{', ';'])).unwrap_or_default();
        let starts_a_line = code.get(..at).is_some_and(|before| {
            before
                .lines()
                .next_back()
                .is_none_or(|line| line.trim().is_empty() || before.ends_with('\n'))
        });
        if starts_a_line && head.contains(" for ") {
            found.push((at, head));
        }
    }
    found
}

/// The end of an item's part before any of these marks outside brackets, or before a bracket it did not open.
fn until(item: &str, marks: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (at, c) in item.char_indices() {
        if depth == 0 && marks.contains(&c) {
            return at;
        }
        match c {
            '(' | '[' | '<' => depth += 1,
            '>' if previous == '-' || previous == '=' => {}
            ')' | ']' | '>' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return at,
            },
            _ => {}
        }
        previous = c;
    }
    item.len()
}

/// The end of an item with its braces.
fn body(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            ';' if depth == 0 => return at,
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    item.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<usize> {
        check("a.rs", code)
            .into_iter()
            .map(|problem| problem.line)
            .collect()
    }

    #[test]
    fn private_use_is_fine() {
        let code = "\
use reqwest::Client;
pub struct Transport { inner: Client }
struct Other(pub(crate) reqwest::Client);
impl Transport {
    pub fn new(timeout: Duration) -> Result<Self, Error> {
        let inner = reqwest::Client::builder();
    }
    pub(crate) fn with(client: reqwest::Client) -> Self {}
    fn kind(error: &reqwest::Error) -> Kind {}
}
pub enum Kind { Http1, Http2 }
impl fmt::Debug for Transport {}
";
        assert_eq!(found(code), [0; 0]);
    }

    #[test]
    fn signatures_over_many_lines_are_read_whole() {
        let code = "\
impl Transport {
    pub fn with(
        name: &str,
        client: reqwest::Client,
    ) -> Self {
    }
    pub async fn give(&self) -> Result<
        reqwest::Response, Error>
    where Self: Sized {}
}
";
        assert_eq!(found(code), [2, 7]);
    }

    #[test]
    fn imported_names_fields_enums_impls_and_exports_count() {
        let code = "\
use reqwest::{Client, Error as HttpError, header::HeaderMap};
pub struct A { pub client: Client, other: u8 }
pub struct B(pub HttpError);
pub enum C { One(HeaderMap) }
impl From<reqwest::Error> for A {}
pub use reqwest::Method;
pub type D = Client;
";
        assert_eq!(found(code), [2, 3, 4, 6, 7, 5]);
    }
}
