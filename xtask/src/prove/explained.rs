//! Tables in `kyc-proof` of what a proof leaves open, each row with its reason.

use std::collections::BTreeMap;
use std::fs;

use crate::failure::{Context, Failure, Result};
use crate::shell::Workspace;

/// What is explained, and how often: the same text may stand for several places.
#[derive(Debug, Default)]
pub(super) struct Explained {
    path: String,
    rows: BTreeMap<Vec<String>, usize>,
}

impl Explained {
    /// Reads the rows of every table of a file. The last cell of a row is the reason, the others say what it is about.
    pub(super) fn read(workspace: &Workspace, name: &str) -> Result<Self> {
        let path = format!("crates/kyc-proof/{name}");
        let text = fs::read_to_string(workspace.root().join(&path))
            .context(|| format!("cannot read {path}"))?;
        let mut rows = BTreeMap::new();
        for mut row in text.lines().filter_map(cells) {
            if row.pop().is_none_or(|reason| reason.is_empty()) {
                return Err(Failure::new(format!(
                    "{path}: no reason for {}",
                    row.join(", ")
                )));
            }
            *rows.entry(row).or_default() += 1;
        }
        Ok(Self { path, rows })
    }

    /// Uses up one row that is about this; whether there was one.
    pub(super) fn take(&mut self, about: &[&str]) -> bool {
        let about: Vec<String> = about.iter().map(ToString::to_string).collect();
        match self.rows.get_mut(&about) {
            Some(rows) if *rows > 0 => {
                *rows -= 1;
                true
            }
            _ => false,
        }
    }

    /// Tells of rows that nothing used, because what they explain is gone.
    pub(super) fn tell_left(&self) {
        for (row, _) in self.rows.iter().filter(|(_, left)| **left > 0) {
            println!("  {}: no longer needed: {}", self.path, row.join(", "));
        }
    }

    /// What to add to the file for something that has no row yet.
    pub(super) fn row(about: &[&str]) -> String {
        let cells = about
            .iter()
            .map(|cell| format!("`{}` | ", cell.replace('|', "\\|")));
        format!("| {}|", cells.collect::<String>())
    }
}

/// The cells of a row whose first is code: neither a table's head nor the line below it.
fn cells(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("| `")?.strip_suffix(" |")?;
    // A bar within a cell is escaped; nothing else in these files has a NUL.
    let cells = line.replace("\\|", "\0");
    let cells = cells
        .split(" | ")
        .map(|cell| cell.trim_matches('`').replace('\0', "|"));
    Some(cells.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_used_up() {
        let row = Explained::row(&["src/lib.rs", "a || b"]);
        assert_eq!(row, "| `src/lib.rs` | `a \\|\\| b` | |");
        let explained = row.replace("| |", "| cannot happen |");
        assert_eq!(
            cells(&explained).unwrap(),
            ["src/lib.rs", "a || b", "cannot happen"]
        );
        assert!(cells("|---|---|").is_none() && cells("| file | line |").is_none());

        let mut open = Explained::default();
        open.rows.insert(vec!["a".to_owned()], 1);
        assert!(open.take(&["a"]));
        assert!(!open.take(&["a"]) && !open.take(&["b"]));
    }
}
