//! The inputs that are kept in the repository: those written by hand, and a few found ones that together reach nearly
//! everything that was ever reached.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fs;
use std::path::{Path, PathBuf};

use super::Fuzzer;
use crate::failure::{Context, Failure, Result};
use crate::shell::Workspace;
use crate::tidy;

/// One directory a target, one file an input.
const KEPT: &str = "crates/kyc-proof/corpus";

/// More found ones are no use in a repository: they are run by every test, and a fuzzer finds the rest again.
const MOST_KEPT: usize = 64;

pub(super) fn directory(workspace: &Workspace) -> PathBuf {
    workspace.root().join(KEPT)
}

/// Every target: whatever has a directory. The program's own tests hold that no target is without.
pub(super) fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for path in entries(&directory(workspace))? {
        if path.is_dir() {
            names.push(file_name(&path));
        }
    }
    Ok(names)
}

/// Puts the best of all found inputs in the place of those that are kept. Says how many they are.
pub(super) fn keep(workspace: &Workspace, fuzzer: &Fuzzer, target: &str) -> Result<usize> {
    let kept = directory(workspace).join(target);
    let empty = fuzzer.below("merged", target)?;
    let control = fuzzer.directory.join(format!("{target}.merge"));
    for old in entries(&empty)?.iter().chain([&control]) {
        // What is not there need not be removed.
        let _ = fs::remove_file(old);
    }
    let mut merge = fuzzer.command(target);
    merge
        // By edges alone: how often each was passed tells thousands of inputs apart.
        .args(["-set_cover_merge=1", "-use_counters=0"])
        .arg(format!("-merge_control_file={}", control.display()))
        .arg(&empty)
        .arg(fuzzer.found(target)?)
        .arg(&kept);
    let output = merge
        .output()
        .context(|| "cannot start the fuzzer".into())?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "{target}: the inputs cannot be merged"
        )));
    }
    let text =
        fs::read_to_string(&control).context(|| format!("cannot read {}", control.display()))?;
    let mut inputs = BTreeMap::new();
    for path in best(&features(&text)) {
        let bytes = fs::read(path).context(|| format!("cannot read {path}"))?;
        let name = file_name(Path::new(path));
        let offends = std::str::from_utf8(&bytes)
            .is_ok_and(|text| !tidy::may_be_kept(&format!("{KEPT}/{target}/{name}"), text));
        if !offends && is_found(&name) {
            inputs.insert(name, bytes);
        }
        if inputs.len() == MOST_KEPT {
            break;
        }
    }
    for old in entries(&kept)?
        .iter()
        .filter(|path| is_found(&file_name(path)))
    {
        fs::remove_file(old).context(|| format!("cannot remove {}", old.display()))?;
    }
    for (name, bytes) in &inputs {
        let path = kept.join(name);
        fs::write(&path, bytes).context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(inputs.len())
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Whether an input is named by its hash, as the fuzzer names what it finds. Others were written by hand and stay.
fn is_found(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What each input reaches, read from the control file of a merge: how many files there are, then their names, then for
/// each that was run a line `FT`, its number, and the numbers of what it reached.
fn features(control: &str) -> BTreeMap<&str, BTreeSet<u64>> {
    let mut lines = control.lines();
    let files = lines.next().and_then(|line| line.parse().ok()).unwrap_or(0);
    // How many of them were in the first directory, which is empty.
    lines.next();
    let names: Vec<&str> = lines.by_ref().take(files).collect();
    let mut reached = BTreeMap::new();
    for line in lines {
        let mut numbers = line.split(' ');
        if numbers.next() != Some("FT") {
            continue;
        }
        let file = numbers
            .next()
            .and_then(|number| number.parse::<usize>().ok());
        if let Some(name) = file.and_then(|file| names.get(file)) {
            let features = numbers.filter_map(|number| number.parse().ok());
            reached.insert(*name, features.collect());
        }
    }
    reached
}

/// The inputs in the order in which each adds the most to those before it, until none adds anything.
fn best<'a>(reached: &BTreeMap<&'a str, BTreeSet<u64>>) -> Vec<&'a str> {
    let mut covered: BTreeSet<u64> = BTreeSet::new();
    let mut chosen = Vec::new();
    // What an input adds only ever shrinks, so the number of an earlier round is enough to leave it where it is.
    let mut waiting: BinaryHeap<(usize, &str)> = reached
        .iter()
        .map(|(name, features)| (features.len(), *name))
        .collect();
    while let Some((_, name)) = waiting.pop() {
        let Some(features) = reached.get(name) else {
            continue;
        };
        let adds = features.difference(&covered).count();
        if waiting.peek().is_some_and(|(most, _)| *most > adds) {
            waiting.push((adds, name));
        } else if adds > 0 {
            covered.extend(features);
            chosen.push(name);
        }
    }
    chosen
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("cannot read {}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).context(reading)? {
        paths.push(entry.context(reading)?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_file_of_a_merge_is_read() {
        let control = "3\n0\nx/a\nx/b\nx/c\nSTARTED 0 10\nFT 0 1 2\nCOV 0 7\nSTARTED 2 5\nFT 2 3\n";
        let expected = BTreeMap::from([("x/a", BTreeSet::from([1, 2])), ("x/c", [3].into())]);
        assert_eq!(features(control), expected);
    }

    #[test]
    fn what_was_written_by_hand_is_told_by_its_name() {
        assert!(is_found("0843b5ce835d68733cbafc6e6ee62d9f07c8f784"));
        assert!(!is_found("planted-text-0"));
    }

    #[test]
    fn inputs_are_chosen_by_what_they_add() {
        let reached = BTreeMap::from([
            ("a", BTreeSet::from([1, 2])),
            ("b", BTreeSet::from([1, 2, 3])),
            ("c", BTreeSet::from([4])),
            ("d", BTreeSet::from([3, 4])),
        ]);
        let chosen = best(&reached);
        assert_eq!(chosen.first(), Some(&"b"));
        assert_eq!(chosen.len(), 2);
    }
}
