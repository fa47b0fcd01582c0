//! Rules over Rust sources: who names whom, where reqwest may stand, and that each file says what it is.

use super::edges::Role;
use super::{Problem, Tree, signatures};
use crate::rust_text::{code_only, is_word, line_of, names, positions};

/// The only place where reqwest may be named: a file, or a directory of that name.
const REQWEST_HOME: &str = "crates/provider-core/src/reqwest_transport";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let idents_of = |wanted: &[Role]| -> Vec<String> {
        let packages = tree.metadata.packages.values();
        packages
            .filter(|package| wanted.contains(&Role::of(&package.name)))
            .map(|package| package.ident())
            .collect()
    };
    let (providers, clients) = (
        idents_of(&[Role::Provider]),
        idents_of(&[Role::Provider, Role::Facade]),
    );
    let sandbox_modules: Vec<&str> = tree
        .below("crates/kyc-sandbox/src/", ".rs")
        .filter_map(|(path, _)| {
            path.strip_prefix("crates/kyc-sandbox/src/")?
                .split(['/', '.'])
                .next()
        })
        .collect();

    for (path, text) in tree
        .below("crates/", ".rs")
        .filter(|(path, _)| is_source(path))
    {
        problems.extend(opening(path, text));
        let code = code_only(text);
        if path.starts_with(REQWEST_HOME) {
            problems.extend(signatures::check(path, &code));
        } else {
            problems.extend(reqwest(path, &code));
        }
        if path.starts_with("crates/kyc-facade/src/") && path != "crates/kyc-facade/src/presets.rs"
        {
            problems.extend(named(
                path,
                &code,
                &providers,
                "is named here; providers are named in presets.rs only",
            ));
        }
        if path.starts_with("crates/kyc-sandbox/src/") {
            let what = "is named here; the sandbox knows nothing of the clients";
            let (modules, others): (Vec<String>, Vec<String>) = clients
                .iter()
                .cloned()
                .partition(|client| sandbox_modules.contains(&client.as_str()));
            problems.extend(named(path, &code, &others, what));
            problems.extend(named_as_crate(path, &code, &modules, what));
        }
    }
    problems
}

/// `crates/<name>/src/…`
fn is_source(path: &str) -> bool {
    path.split('/').nth(2) == Some("src")
}

fn opening(path: &str, text: &str) -> Option<Problem> {
    let opens = text.starts_with("//!") || text.starts_with("#![doc = include_str!(");
    (!opens).then(|| {
        Problem::at(
            path,
            1,
            "begins without a `//!` line that says what the file is for",
        )
    })
}

fn reqwest(path: &str, code: &str) -> Vec<Problem> {
    positions(code, "reqwest")
        .filter(|at| {
            code.get(at + "reqwest".len()..)
                .is_some_and(|after| after.trim_start().starts_with("::"))
        })
        .map(|at| {
            Problem::at(
                path,
                line_of(code, at),
                "reqwest is used outside reqwest_transport",
            )
        })
        .collect()
}

fn named(path: &str, code: &str, idents: &[String], what: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in code.lines().enumerate() {
        for ident in idents.iter().filter(|ident| names(line, ident)) {
            problems.push(Problem::at(path, index + 1, format!("`{ident}` {what}")));
        }
    }
    problems
}

/// For a crate that shares its name with a module of the sandbox: only what cannot mean the module.
fn named_as_crate(path: &str, code: &str, idents: &[String], what: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for ident in idents {
        for at in positions(code, ident) {
            let before = code.get(..at).unwrap_or_default().trim_end();
            let from_the_top = before
                .strip_suffix("::")
                .is_some_and(|path| !path.ends_with(is_word));
            let external = before.ends_with("extern crate");
            if from_the_top || external {
                problems.push(Problem::at(
                    path,
                    line_of(code, at),
                    format!("`{ident}` {what}"),
                ));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(problems: Vec<Problem>) -> Vec<usize> {
        problems.into_iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn a_source_begins_with_its_purpose() {
        assert_eq!(opening("a.rs", "//! What it is.\n"), None);
        assert!(opening("a.rs", "use std::fmt;\n").is_some());
        assert!(is_source("crates/a/src/b/c.rs"));
        assert!(!is_source("crates/a/tests/b.rs"));
    }

    #[test]
    fn reqwest_is_found_in_code_and_not_in_comments() {
        let code =
            code_only("// reqwest::Client\nuse reqwest::Client;\nlet reqwest = \"reqwest::\";\n");
        assert_eq!(lines(reqwest("a.rs", &code)), [2]);
    }

    #[test]
    fn providers_are_found_by_whole_name_and_not_in_features() {
        let code =
            code_only("#[cfg(feature = \"finpass\")]\nuse finpass::X;\nlet my_finpass = 1;\n");
        assert_eq!(
            lines(named("a.rs", &code, &["finpass".to_owned()], "")),
            [2]
        );
    }

    #[test]
    fn a_module_of_the_same_name_is_not_the_crate() {
        let code = "mod finpass;\nuse crate::finpass::router;\nfinpass::router();\nuse ::finpass::X;\nextern crate finpass;\n";
        assert_eq!(
            lines(named_as_crate("a.rs", code, &["finpass".to_owned()], "")),
            [4, 5]
        );
    }
}
