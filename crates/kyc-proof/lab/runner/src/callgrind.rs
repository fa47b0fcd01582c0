//! Instructions in user space, counted by valgrind.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::{Context, Result};
use crate::machine::Package;
use crate::shell;

/// The version of valgrind, which is installed first if it is missing and this may do it.
pub(crate) fn provide() -> Result<String> {
    let valgrind = Package {
        name: "valgrind",
        program: "valgrind",
        reason: "instructions are counted by valgrind, which runs on Linux",
    };
    valgrind.provide()?;
    let version = shell::read(Command::new("valgrind").arg("--version"))?;
    Ok(version.trim().to_owned())
}

/// Runs a program under callgrind and adds up its profile, which is kept.
pub(crate) fn run(
    program: &Path,
    arguments: &[&str],
    profile: &Path,
    log: &Path,
) -> Result<Instructions> {
    shell::read(
        Command::new("valgrind")
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(format!("--log-file={}", log.display()))
            .arg(program)
            .args(arguments),
    )?;
    let text =
        fs::read_to_string(profile).context(|| format!("cannot read {}", profile.display()))?;
    Ok(Instructions::of(&text))
}

/// The sums of a profile.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Instructions {
    pub(crate) all: u64,
    /// The part of them inside SHA-256's compression.
    pub(crate) hashing: u64,
}

impl Instructions {
    /// Adds up the cost of each function's own instructions in callgrind's format.
    pub(crate) fn of(profile: &str) -> Self {
        let mut sums = Self::default();
        let mut names = BTreeMap::new();
        let mut hashes = false;
        let mut skip = false;
        for line in profile.lines() {
            if let Some(function) = line.strip_prefix("fn=") {
                hashes = is_hashing(name(&mut names, function));
            } else if let Some(function) = line.strip_prefix("cfn=") {
                // A name is told with its number once, which may be here.
                name(&mut names, function);
            } else if line.starts_with("calls=") {
                // The next line is what the called function cost; it has lines of its own.
                skip = true;
            } else if line
                .starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            {
                let own = line
                    .split(' ')
                    .nth(1)
                    .filter(|_| !std::mem::take(&mut skip));
                let cost: u64 = own.and_then(|cost| cost.parse().ok()).unwrap_or(0);
                sums.all += cost;
                sums.hashing += if hashes { cost } else { 0 };
            }
        }
        sums
    }
}

/// The name of a function given as `(number) name`, or as `(number)` once it is known.
fn name<'n, 'p>(names: &'n mut BTreeMap<&'p str, &'p str>, function: &'p str) -> &'n str {
    let (number, name) = function.split_once(' ').unwrap_or((function, ""));
    names.entry(number).or_insert(name)
}

/// Whether a function is SHA-256's compression, and nothing else of the MAC.
fn is_hashing(function: &str) -> bool {
    function.contains("sha2") && function.contains("compress")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
version: 1
positions: line
events: Ir

fl=(1) ???
fn=(1) main
0 5
cfn=(2) sha2::sha256::compress256
calls=2 0
0 700
+3 1

fn=(2)
0 700
fn=(3) sha2::digest::update
* 11

totals: 717
";

    #[test]
    fn a_profile_is_added_up_without_counting_calls_twice() {
        let sums = Instructions {
            all: 717,
            hashing: 700,
        };
        assert_eq!(Instructions::of(PROFILE), sums);
    }
}
