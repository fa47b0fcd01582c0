//! What a call of ours cost when that was last looked at, and whether it still does: `cargo xtask bench call --check`.
//!
//! Instructions and allocations hardly differ between two runs of the same build, so a change of a percent is one of the
//! code, for better or worse. They do differ between compilers, valgrinds and C libraries: nothing is judged then.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value, json};

use super::call::{self, Cost};
use super::callgrind;
use crate::failure::{Context, Failure, Result};
use crate::numbers::grouped;
use crate::shell::{self, Workspace};

/// How far a count may be from what is expected.
const TOLERANCE: f64 = 0.01;

/// A name and where the count stands.
type Count = (&'static str, fn(&Cost) -> f64);

/// What is compared.
const COUNTS: &[Count] = &[
    ("instructions", Cost::without_hashing),
    ("blocks", |cost| cost.blocks),
    ("bytes", |cost| cost.bytes),
];

/// How a comparison ended, unless it failed.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Everything is as expected.
    Same,
    /// Nothing was compared, and why.
    Skipped(String),
}

/// Counts and compares. Valgrind has to be there.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let file = file(workspace);
    let text = fs::read_to_string(&file).context(|| format!("cannot read {}", file.display()))?;
    let expected: Value =
        serde_json::from_str(&text).context(|| format!("cannot read {}", file.display()))?;
    let here = tools()?;
    if let Some(why) = other_tools(&expected, &here) {
        return Ok(Outcome::Skipped(why));
    }
    let costs = call::count_ours(workspace)?;
    let (table, same) = compare(&expected, &costs);
    print!("\n{table}");
    if same {
        return Ok(Outcome::Same);
    }
    Err(Failure::new(
        "a call costs something else than before; if that is meant: `cargo xtask bench call --update`",
    ))
}

/// Counts and writes down.
pub(super) fn update(workspace: &Workspace) -> Result<()> {
    callgrind::provide()?;
    let costs = call::count_ours(workspace)?;
    let file = file(workspace);
    fs::write(&file, written(&tools()?, &costs))
        .context(|| format!("cannot write {}", file.display()))?;
    println!("wrote {}", file.display());
    Ok(())
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace
        .root()
        .join("crates/kyc-proof/benches/call/expected.json")
}

/// What counts depend on besides the code.
fn tools() -> Result<BTreeMap<&'static str, String>> {
    let first_line = |program: &str, argument| {
        let text = shell::read(Command::new(program).arg(argument))?;
        Ok::<_, Failure>(text.lines().next().unwrap_or_default().trim().to_owned())
    };
    Ok(BTreeMap::from([
        ("libc", first_line("ldd", "--version")?),
        ("rustc", first_line("rustc", "--version")?),
        ("valgrind", first_line("valgrind", "--version")?),
    ]))
}

/// In what the tools differ from those of the expected counts, if they do.
fn other_tools(expected: &Value, here: &BTreeMap<&'static str, String>) -> Option<String> {
    let mut differences = Vec::new();
    for (tool, version) in here {
        let then = expected.pointer(&format!("/tools/{tool}"));
        let then = then.and_then(Value::as_str).unwrap_or("unknown");
        if then != version {
            differences.push(format!("counted with {then}, here is {version}"));
        }
    }
    (!differences.is_empty()).then(|| differences.join("; "))
}

fn written(tools: &BTreeMap<&'static str, String>, costs: &BTreeMap<&'static str, Cost>) -> String {
    let mut calls = Map::new();
    for (name, cost) in costs {
        let counts = COUNTS.iter().map(|(count, of)| {
            let rounded = (of(cost) * 100.0).round() / 100.0;
            ((*count).to_owned(), json!(rounded))
        });
        calls.insert((*name).to_owned(), counts.collect());
    }
    let json = json!({ "tools": tools, "calls": calls });
    format!("{json:#}\n")
}

/// A line for each count, and whether all are within the tolerance.
fn compare(expected: &Value, costs: &BTreeMap<&'static str, Cost>) -> (String, bool) {
    let mut text = format!(
        "{:<24} {:<14} {:>10} {:>10} {:>9}\n",
        "one call", "", "expected", "counted", ""
    );
    let mut same = true;
    for (name, cost) in costs {
        for (count, of) in COUNTS {
            let counted = of(cost);
            let then = expected.pointer(&format!("/calls/{name}/{count}"));
            let then = then.and_then(Value::as_f64).unwrap_or(f64::NAN);
            let change = counted / then - 1.0;
            // Not a number, where nothing is expected, is not within it.
            let within = change.abs() <= TOLERANCE;
            same &= within;
            let _ = writeln!(
                text,
                "{name:<24} {count:<14} {:>10} {:>10} {:>+8.2}%{}",
                grouped(then),
                grouped(counted),
                change * 100.0,
                if within { "" } else { "  CHANGED" }
            );
        }
    }
    (text, same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(instructions: f64, blocks: f64) -> BTreeMap<&'static str, Cost> {
        let cost = Cost {
            instructions: instructions + 7_000.0,
            hashing: 7_000.0,
            blocks,
            bytes: 1_000.0,
        };
        BTreeMap::from([("ours-veriff", cost)])
    }

    fn expected() -> Value {
        let tools = BTreeMap::from([("rustc", "rustc 1".to_owned())]);
        serde_json::from_str(&written(&tools, &costs(10_000.0, 30.0))).unwrap()
    }

    #[test]
    fn a_percent_more_or_less_is_the_same() {
        for instructions in [9_901.0, 10_000.0, 10_099.0] {
            assert!(compare(&expected(), &costs(instructions, 30.0)).1);
        }
    }

    #[test]
    fn more_than_a_percent_is_told_either_way() {
        for (instructions, blocks) in [(10_101.0, 30.0), (9_899.0, 30.0), (10_000.0, 31.0)] {
            let (text, same) = compare(&expected(), &costs(instructions, blocks));
            assert!(!same);
            assert_eq!(text.matches("CHANGED").count(), 1);
        }
    }

    #[test]
    fn a_call_that_nobody_expected_is_a_change() {
        let calls = json!({ "calls": {} });
        assert!(!compare(&calls, &costs(10_000.0, 30.0)).1);
    }

    #[test]
    fn other_tools_are_named() {
        let same = BTreeMap::from([("rustc", "rustc 1".to_owned())]);
        assert_eq!(other_tools(&expected(), &same), None);
        let other = BTreeMap::from([("rustc", "rustc 2".to_owned())]);
        let why = other_tools(&expected(), &other).unwrap();
        assert_eq!(why, "counted with rustc 1, here is rustc 2");
    }
}
