//! `cargo xtask tidy`: quick checks over files that no tool makes. Every problem is listed, not only the first.

mod circles;
mod edges;
mod fixtures;
mod text;

pub(crate) use edges::Role;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use anyhow::{Context as _, Result, bail};
use pico_args::Arguments;

use crate::no_more;
use crate::workspace::Workspace;

/// The allowed names at the top level; settings of tools go into hidden files.
const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "PROOFS.md",
    "README.md",
    "SECURITY.md",
    "crates",
    "fixtures",
    "xtask",
];

/// The only room where reqwest may be named.
const REQWEST_HOME: &str = "provider-core/src/transport/";

/// One finding: a file, a line where there is one, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(crate) path: String,
    line: usize,
    what: String,
}

impl Problem {
    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }

    fn of(path: &str, what: impl Into<String>) -> Self {
        Self::at(path, 0, what)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// The text files of the workspace, by name.
type Files = BTreeMap<String, String>;

pub(crate) fn command(workspace: &Workspace, arguments: Arguments) -> Result<()> {
    no_more(arguments)?;
    run(workspace)
}

/// Prints every problem and fails if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let problems = problems(workspace)?;
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("tidy: 1 problem"),
        many => bail!("tidy: {many} problems"),
    }
}

/// Whether a file with this text has no problem by its text alone.
pub(crate) fn may_be_kept(text: &str) -> bool {
    text::check("", text).is_empty()
}

/// A crate with operations explains the marks of its documentation on its front page, and links the pages that they stand for.
fn marks(files: &Files) -> Vec<Problem> {
    let declares = |text: &str| text.contains(".documented(Mark::");
    let marked = files.iter().filter(|(_, text)| declares(text));
    let homes =
        marked.filter_map(|(path, _)| Some(path.strip_prefix("crates/")?.split_once("/src/")?.0));
    let explains = |text: &String| text.contains("| `[seed]` |") && text.contains("](https://");
    homes
        .filter(|home| *home != "provider-core")
        .map(|home| format!("crates/{home}/README.md"))
        .filter(|readme| !files.get(readme).is_some_and(explains))
        .map(|readme| Problem::of(&readme, "does not explain the sources' marks, with links"))
        .collect()
}

/// Every problem, sorted by file and line.
pub(crate) fn problems(workspace: &Workspace) -> Result<Vec<Problem>> {
    let mut files = Files::new();
    for name in workspace.files()? {
        let bytes = fs::read(workspace.root().join(&name))
            .with_context(|| format!("cannot read {name}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.insert(name, text);
        }
    }
    let packages = workspace.packages()?;
    let names: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut problems = layout(&files, &names);
    for (path, text) in &files {
        problems.extend(text::check(path, text));
        problems.extend(reqwest(path, text));
    }
    problems.extend(marks(&files));
    problems.extend(edges::check(&packages, &files));
    problems.extend(circles::check(&files));
    problems.extend(fixtures::check(&files));
    problems.sort();
    problems.dedup();
    Ok(problems)
}

/// Checks the top level, that ARCHITECTURE.md names every crate, and that every crate has the workspace lints and a README.
fn layout(files: &Files, packages: &[&str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in files.keys().filter_map(|path| path.split('/').next()) {
        if !name.starts_with('.') && !TOP.contains(&name) {
            problems.push(Problem::of(
                name,
                "does not belong at the top; settings of tools go into hidden files",
            ));
        }
    }
    let architecture = files.get("ARCHITECTURE.md").map_or("", String::as_str);
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for package in packages {
        if !architecture
            .split(|c| !in_name(c))
            .any(|word| word == *package)
        {
            problems.push(Problem::of(
                "ARCHITECTURE.md",
                format!("does not mention `{package}`"),
            ));
        }
        let directory = match *package {
            "xtask" => "xtask".to_owned(),
            name => format!("crates/{name}"),
        };
        if !files.contains_key(&format!("{directory}/README.md")) {
            problems.push(Problem::of(&directory, "has no README.md"));
        }
        let manifest = format!("{directory}/Cargo.toml");
        let text = files.get(&manifest).map_or("", String::as_str);
        // Without this line nothing forbids `unsafe` and panics in the crate.
        if !text.contains("[lints]\nworkspace = true\n") {
            problems.push(Problem::of(
                &manifest,
                "needs `[lints]` with `workspace = true`",
            ));
        }
    }
    problems
}

/// Checks that reqwest is named only in the transport, and in no public signature, because its versions must not become
/// part of the API.
fn reqwest(path: &str, text: &str) -> Vec<Problem> {
    let within =
        |directory: &str| path.starts_with("crates/") && path.split('/').nth(2) == Some(directory);
    if !within("src") || !path.ends_with(".rs") {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = code(line);
        let named = code.replace("self::reqwest::", "").contains("reqwest::");
        let seen = code.starts_with("pub ") || code.starts_with("impl ") && code.contains(" for ");
        if named && !path.contains(REQWEST_HOME) {
            let what = format!("reqwest is named outside {REQWEST_HOME}");
            problems.push(Problem::at(path, index + 1, what));
        } else if named && seen {
            problems.push(Problem::at(
                path,
                index + 1,
                "reqwest is named in a public signature",
            ));
        }
    }
    problems
}

/// A line of Rust without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or(line).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_at_the_top_and_crates_without_our_lints_are_found() {
        let files = [
            "ARCHITECTURE.md",
            "notes.txt",
            ".typos.toml",
            "crates/finpass/README.md",
        ];
        let mut files: Files = files
            .map(|name| (name.to_owned(), "finpass".to_owned()))
            .into();
        let found = layout(&files, &["finpass"]);
        let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["notes.txt", "crates/finpass/Cargo.toml"]);
        files.remove("notes.txt");
        let manifest = "[lints]\nworkspace = true\n".to_owned();
        files.insert("crates/finpass/Cargo.toml".to_owned(), manifest);
        assert_eq!(layout(&files, &["finpass"]), []);
        assert_eq!(layout(&files, &["kyc", "finpass"]).len(), 3);
    }

    #[test]
    fn a_front_page_explains_the_marks() {
        let readme = "crates/acme/README.md";
        let of = |page: &str| {
            marks(&Files::from([
                (
                    "crates/acme/src/ask.rs".to_owned(),
                    ".documented(Mark::Docs)".to_owned(),
                ),
                (readme.to_owned(), page.to_owned()),
            ]))
        };
        assert_eq!(
            of("[Ask](https://docs.example.test)\n| `[seed]` | read |\n"),
            []
        );
        assert_eq!(of("[Ask](https://docs.example.test)").len(), 1);
        assert_eq!(of("| `[seed]` | read |").len(), 1);
    }

    #[test]
    fn reqwest_stays_at_home_and_out_of_signatures() {
        let lines =
            "// reqwest::Client\nuse reqwest::Client;\n    pub fn a(b: reqwest::Client) {}\n";
        let home = "crates/provider-core/src/transport/reqwest.rs";
        let of = |path| {
            reqwest(path, lines)
                .iter()
                .map(|problem| problem.line)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("crates/provider-core/src/client.rs"), [2, 3]);
        assert_eq!(of(home), [3]);
        assert_eq!(of("crates/provider-core/tests/it/a.rs"), [0; 0]);
    }
}
