//! What stands at the top, and that the map of the workspace names every crate.

use std::fs;
use std::path::Path;

use super::{Problem, Tree};
use crate::failure::{Context, Result};

const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "PROOFS.md",
    "README.md",
    "SECURITY.md",
    "crates",
    "fixtures",
    "target",
    "xtask",
];

pub(super) fn check(root: &Path, tree: &Tree) -> Result<Vec<Problem>> {
    let reading = || format!("cannot read {}", root.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(root).context(reading)? {
        names.push(
            entry
                .context(reading)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    let mut problems = top(&names);
    for (name, package) in &tree.metadata.packages {
        if package.directory != "xtask" && package.directory != format!("crates/{name}") {
            problems.push(Problem::of(
                &package.directory,
                format!("package `{name}` belongs in crates/{name}"),
            ));
        }
    }
    let packages = tree.metadata.packages.keys().map(String::as_str);
    problems.extend(architecture(
        tree.files.get("ARCHITECTURE.md").map(String::as_str),
        packages,
    ));
    Ok(problems)
}

fn top(names: &[String]) -> Vec<Problem> {
    let stray = names
        .iter()
        .filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str()))
        .map(|name| {
            Problem::of(
                name,
                "does not belong at the top; settings of tools go into hidden files",
            )
        });
    let missing = TOP
        .iter()
        .filter(|name| **name != "target" && !names.iter().any(|there| there == *name))
        .map(|name| Problem::of(name, "is missing"));
    stray.chain(missing).collect()
}

fn architecture<'a>(text: Option<&str>, packages: impl Iterator<Item = &'a str>) -> Vec<Problem> {
    // Its absence is reported with the rest of the top level.
    let Some(text) = text else { return Vec::new() };
    let part_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    packages
        .filter(|package| {
            !text
                .split(|c| !part_of_a_name(c))
                .any(|word| word == *package)
        })
        .map(|package| Problem::of("ARCHITECTURE.md", format!("does not mention `{package}`")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_and_gaps_at_the_top_are_found() {
        let names: Vec<String> = TOP
            .iter()
            .filter(|name| **name != "README.md")
            .chain(&[".cargo", "notes.txt"])
            .map(ToString::to_string)
            .collect();
        let found: Vec<String> = top(&names)
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        assert_eq!(found, ["notes.txt", "README.md"]);
    }

    #[test]
    fn every_crate_stands_in_the_architecture_by_its_whole_name() {
        let text = "The `kyc-sandbox` and finpass.";
        let found = architecture(Some(text), ["finpass", "kyc", "kyc-sandbox"].into_iter());
        assert_eq!(
            found,
            [Problem::of("ARCHITECTURE.md", "does not mention `kyc`")]
        );
    }
}
