//! The packages that a package brings, read from `cargo tree`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::failure::Result;
use crate::shell;

/// Names of packages with their versions.
pub(crate) type Crates = BTreeMap<String, BTreeSet<String>>;

/// Runs `cargo tree`, whose selection stands in the command, and reads the packages.
pub(crate) fn tree(command: &mut Command) -> Result<Crates> {
    let command = command.args(["--prefix", "none", "--format", "{p}"]);
    Ok(parse(&shell::read(command)?))
}

/// How many packages there are; two versions of one count twice.
pub(crate) fn count(crates: &Crates) -> usize {
    crates.values().map(BTreeSet::len).sum()
}

/// Lines such as `http v1.5.0` or `finpass v0.1.0 (/path) (*)`.
fn parse(output: &str) -> Crates {
    let mut crates = Crates::new();
    for line in output.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            crates
                .entry(name.to_owned())
                .or_default()
                .insert(version.to_owned());
        }
    }
    crates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_read() {
        let crates = parse(
            "finpass v0.1.0 (/w/crates/finpass)\nhttp v1.5.0\nsyn v1.0.0\nhttp v1.5.0 (*)\nsyn v2.0.1\n\n",
        );
        assert!(crates.contains_key("finpass"));
        assert_eq!(count(&crates), 4);
    }
}
