//! What has been executed so far, in a table that a person reads too.

use std::fs;
use std::process::Command;

use super::{Outcome, grouped, machine};
use crate::failure::{Context, Failure, Result};
use crate::shell::{self, Workspace};

const FILE: &str = "crates/kyc-proof/FUZZING.md";

/// The head of its table; others stand in the same file.
const HEAD: &str = "| target | executions |";

/// One row: `| target | executions | crashes | edges | a second | last run | machine |`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Record {
    executions: u64,
    crashes: u64,
}

impl Record {
    /// Adds a run to the row of its target.
    pub(super) fn add(workspace: &Workspace, target: &str, outcome: &Outcome) -> Result<()> {
        let path = workspace.root().join(FILE);
        let text = fs::read_to_string(&path).context(|| format!("cannot read {FILE}"))?;
        let date = shell::read(Command::new("date").args(["-u", "+%F"]))?;
        let end = format!("{} | {}", date.trim(), machine::description());
        let text = updated(&text, target, outcome, &end)
            .ok_or_else(|| Failure::new(format!("{FILE} has no table")))?;
        fs::write(&path, text).context(|| format!("cannot write {FILE}"))
    }

    /// The record in a row of the table, if it is this target's.
    fn of(row: &str, target: &str) -> Option<Self> {
        let mut cells = row.strip_prefix("| ")?.split(" | ");
        if cells.next()? != format!("`{target}`") {
            return None;
        }
        let mut number = || cells.next()?.replace(',', "").parse().ok();
        Some(Self {
            executions: number()?,
            crashes: number()?,
        })
    }
}

/// The text with the row of the target brought up to date, or added where it belongs by name.
fn updated(text: &str, target: &str, outcome: &Outcome, end: &str) -> Option<String> {
    let row = |before: &Record| {
        format!(
            "| `{target}` | {} | {} | {} | {} | {end} |",
            grouped(before.executions + outcome.executions),
            before.crashes + u64::from(outcome.crash.is_some()),
            grouped(outcome.edges),
            grouped(outcome.a_second()),
        )
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let known = lines
        .iter()
        .enumerate()
        .find_map(|(at, line)| Some((at, Record::of(line, target)?)));
    match known {
        Some((at, before)) => *lines.get_mut(at)? = row(&before),
        None => {
            let head = 1 + lines.iter().position(|line| line.starts_with(HEAD))?;
            let later = |line: &String| {
                !line.starts_with("| `") || line.as_str() > format!("| `{target}`").as_str()
            };
            let place = lines.iter().skip(head + 1).position(later);
            let at = place.map_or(lines.len(), |place| head + 1 + place);
            lines.insert(at, row(&Record::default()));
        }
    }
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
| targets | what holds |
|---|---|
| `a`, `b` | something |

| target | executions | crashes | edges | a second | last run | machine |
|---|---:|---:|---:|---:|---|---|
| `b` | 1,000 | 1 | 7 | 500 | 2026-01-01 | 2 cores, x |

After it.
";

    fn outcome(executions: u64) -> Outcome {
        Outcome {
            executions,
            seconds: 2,
            edges: 9,
            ..Outcome::default()
        }
    }

    #[test]
    fn executions_are_added_up() {
        let text = updated(TABLE, "b", &outcome(500), "2026-01-02 | y").unwrap();
        assert!(text.contains("| `b` | 1,500 | 1 | 9 | 250 | 2026-01-02 | y |\n\nAfter it.\n"));
    }

    #[test]
    fn a_new_target_gets_a_row_in_its_place() {
        for (target, before, after) in [("a", "|---|\n", "| `b`"), ("c", "cores, x |\n", "\nAfter")]
        {
            let text = updated(TABLE, target, &outcome(1), "d | m").unwrap();
            let row = format!("{before}| `{target}` | 1 | 0 | 9 | 0 | d | m |\n{after}");
            assert!(text.contains(&row), "{text}");
        }
        assert_eq!(updated("no table", "a", &outcome(1), ""), None);
    }
}
