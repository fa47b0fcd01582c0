//! The files that belong to the workspace.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::{Context, Result};
use crate::shell;

/// Every file that git tracks or would track, relative to the root, with `/` between the parts, sorted.
/// Where there is no repository: every file outside `.git` and `target`.
pub(crate) fn of(root: &Path) -> Result<Vec<String>> {
    let mut names = if root.join(".git").exists() {
        from_git(root)?
    } else {
        below(root, Path::new(""))?
    };
    names.retain(|name| root.join(name).is_file());
    names.sort();
    names.dedup();
    Ok(names)
}

/// The bytes of every file below a directory, by name relative to the root.
pub(crate) fn contents(root: &Path, directory: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    if !root.join(directory).is_dir() {
        return Ok(BTreeMap::new());
    }
    below(root, Path::new(directory))?
        .into_iter()
        .map(|name| {
            let bytes = fs::read(root.join(&name)).context(|| format!("cannot read {name}"))?;
            Ok((name, bytes))
        })
        .collect()
}

/// What differs between two readings of [`contents`], as lines such as `changed fixtures/…`.
pub(crate) fn differences(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let removed = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .map(|name| format!("removed {name}"));
    let others = after
        .iter()
        .filter_map(|(name, bytes)| match before.get(name) {
            None => Some(format!("added   {name}")),
            Some(old) if old != bytes => Some(format!("changed {name}")),
            Some(_) => None,
        });
    removed.chain(others).collect()
}

fn from_git(root: &Path) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    Ok(shell::read(&mut git)?
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

fn below(root: &Path, directory: &Path) -> Result<Vec<String>> {
    let reading = || format!("cannot read {}", root.join(directory).display());
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(directory)).context(reading)? {
        let entry = entry.context(reading)?;
        let name = directory.join(entry.file_name());
        if entry.file_type().context(reading)?.is_dir() {
            let built = directory.as_os_str().is_empty()
                && (entry.file_name() == ".git" || entry.file_name() == "target");
            if !built {
                names.extend(below(root, &name)?);
            }
        } else {
            names.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_what_was_added_changed_and_removed() {
        let before = BTreeMap::from([
            ("a".to_owned(), vec![1]),
            ("b".to_owned(), vec![1]),
            ("c".to_owned(), vec![1]),
        ]);
        let after = BTreeMap::from([
            ("b".to_owned(), vec![1]),
            ("c".to_owned(), vec![2]),
            ("d".to_owned(), vec![1]),
        ]);
        assert_eq!(
            differences(&before, &after),
            ["removed a", "changed c", "added   d"]
        );
    }
}
