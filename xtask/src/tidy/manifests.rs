//! What every manifest says, and what only the root one may say.

use std::collections::BTreeSet;

use super::{Problem, Tree};
use crate::metadata::Package;

/// Keys of `[package]` that stand once, in the root manifest.
const SHARED: &[&str] = &["version", "edition", "rust-version", "license"];

/// One `key = value` of a manifest, under its `[section]`.
#[derive(Debug)]
struct Entry<'a> {
    line: usize,
    section: &'a str,
    key: &'a str,
    value: &'a str,
}

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let root = tree.files.get("Cargo.toml").map_or("", String::as_str);
    let shared = shared_dependencies(root);
    let mut problems = Vec::new();
    for package in tree.metadata.packages.values() {
        let path = format!("{}/Cargo.toml", package.directory);
        let manifest = tree.files.get(&path).map_or("", String::as_str);
        problems.extend(one(&path, manifest, &shared));
        problems.extend(presence(tree, package, &path));
    }
    problems
}

/// The line on which a manifest brings a dependency, or nought.
pub(super) fn line_of_dependency(manifest: &str, name: &str) -> usize {
    entries(manifest)
        .find(|entry| dependency(entry).is_some_and(|(found, _)| found == name))
        .map_or(0, |entry| entry.line)
}

fn presence(tree: &Tree, package: &Package, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !tree
        .files
        .contains_key(&format!("{}/README.md", package.directory))
    {
        problems.push(Problem::of(&package.directory, "has no README.md"));
    }
    if !package.has_description {
        problems.push(Problem::of(path, "has no description"));
    }
    problems
}

fn one(path: &str, manifest: &str, shared: &BTreeSet<&str>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let inherits = |section: &str, name: &str| {
        entries(manifest).any(|entry| {
            entry.section == section
                && ((entry.key == format!("{name}.workspace") && entry.value == "true")
                    || (entry.key == name && sets(entry.value, "workspace", "true")))
        })
    };
    for key in SHARED {
        if !inherits("package", key) {
            problems.push(Problem::of(
                path,
                format!("`{key}` must be `{key}.workspace = true`"),
            ));
        }
    }
    let lints = entries(manifest)
        .any(|entry| entry.section == "lints" && entry.key == "workspace" && entry.value == "true");
    if !lints {
        problems.push(Problem::of(path, "needs `[lints] workspace = true`"));
    }
    for entry in entries(manifest) {
        if let Some((name, has_version)) = dependency(&entry)
            && has_version
            && shared.contains(name)
        {
            problems.push(Problem::at(
                path,
                entry.line,
                format!("the version of `{name}` stands in the root manifest: use `{name}.workspace = true`"),
            ));
        }
    }
    problems
}

/// The names in `[workspace.dependencies]`.
fn shared_dependencies(root: &str) -> BTreeSet<&str> {
    entries(root)
        .filter_map(
            |entry| match entry.section.strip_prefix("workspace.dependencies") {
                Some("") => Some(entry.key.split('.').next().unwrap_or(entry.key)),
                Some(name) => name.strip_prefix('.'),
                None => None,
            },
        )
        .collect()
}

/// The dependency that an entry is about, and whether the entry gives it a version.
fn dependency<'a>(entry: &Entry<'a>) -> Option<(&'a str, bool)> {
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let last = entry.section.rsplit('.').next()?;
    if tables.contains(&last) {
        let name = renamed(entry.value).unwrap_or(entry.key.split('.').next()?);
        let plain = entry.value.starts_with('"')
            && (!entry.key.contains('.') || entry.key.ends_with(".version"));
        let has_version = plain || assigns(entry.value, "version");
        return Some((name, has_version));
    }
    let (table, name) = entry.section.rsplit_once('.')?;
    let in_table = tables.contains(&table.rsplit('.').next()?);
    in_table.then_some((name, entry.key == "version"))
}

fn renamed(value: &str) -> Option<&str> {
    let (_, after) = value.strip_prefix('{')?.split_once("package")?;
    after
        .trim_start()
        .strip_prefix('=')?
        .trim_start()
        .strip_prefix('"')?
        .split('"')
        .next()
}

/// Whether an inline table has this key.
fn assigns(value: &str, key: &str) -> bool {
    inline(value).any(|(name, _)| name == key)
}

/// Whether an inline table gives this key this value.
fn sets(value: &str, key: &str, wanted: &str) -> bool {
    inline(value).any(|(name, value)| name == key && value == wanted)
}

fn inline(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let body = value
        .strip_prefix('{')
        .map(|body| body.trim_end_matches('}'))
        .unwrap_or_default();
    body.split(',')
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
}

/// The entries of a manifest as this workspace writes them: one `key = value` a line, tables by `[section]`.
fn entries(manifest: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    manifest
        .lines()
        .enumerate()
        .filter_map(move |(index, line)| {
            let text = line.trim();
            if let Some(name) = text
                .strip_prefix('[')
                .and_then(|name| name.split(']').next())
                && !line.starts_with(' ')
            {
                section = name.trim_matches('[');
                return None;
            }
            let (key, value) = text.split_once('=')?;
            let key = key.trim();
            let bare = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let value = value.split(" #").next().unwrap_or_default().trim();
            (!key.is_empty() && key.chars().all(bare)).then_some(Entry {
                line: index + 1,
                section,
                key,
                value,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"a\"
version.workspace = true
edition.workspace = true
rust-version = { workspace = true }
license.workspace = true

[dependencies]
http.workspace = true
serde = { workspace = true, features = [\"derive\"] }
other = \"1\"

[lints]
workspace = true
";

    fn shared() -> BTreeSet<&'static str> {
        shared_dependencies(
            "[workspace.package]\nversion = \"1\"\n[workspace.dependencies]\nhttp = \"1\"\nserde = { version = \"1\" }\n",
        )
    }

    #[test]
    fn a_manifest_that_inherits_everything_is_fine() {
        assert_eq!(shared(), BTreeSet::from(["http", "serde"]));
        assert_eq!(one("Cargo.toml", GOOD, &shared()), []);
    }

    #[test]
    fn own_versions_are_found_wherever_they_stand() {
        let bad = GOOD
            .replace("http.workspace = true", "http = \"1.2\"")
            .replace("serde = { workspace = true,", "serde = { version = \"1\",")
            + "[dev-dependencies.http]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nserde = \"1\"\n\
               web = { package = \"http\", version = \"1\" }\n";
        let lines: Vec<usize> = one("Cargo.toml", &bad, &shared())
            .iter()
            .map(|problem| problem.line)
            .collect();
        assert_eq!(lines, [9, 10, 16, 18, 19]);
    }

    #[test]
    fn what_is_not_inherited_is_named() {
        let bad = GOOD
            .replace(
                "rust-version = { workspace = true }",
                "rust-version = \"1.80\"",
            )
            .replace("[lints]", "[lint]");
        let found: Vec<String> = one("Cargo.toml", &bad, &shared())
            .into_iter()
            .map(|problem| problem.what)
            .collect();
        assert_eq!(
            found,
            [
                "`rust-version` must be `rust-version.workspace = true`",
                "needs `[lints] workspace = true`"
            ]
        );
    }

    #[test]
    fn the_line_of_a_dependency_is_found() {
        assert_eq!(line_of_dependency(GOOD, "serde"), 10);
        assert_eq!(line_of_dependency(GOOD, "nobody"), 0);
    }
}
