//! What became of every row: the results that a client wrote, beside what the server counted.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde_json::Value;

use crate::failure::{Context, Failure, Result};

/// What a file of results says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settlement {
    /// Rows of the input without a final row among the results.
    pub(super) lost: u64,
    /// Rows of the input with more than one.
    pub(super) doubled: u64,
    /// Final rows that are no answer.
    pub(super) failed: u64,
}

impl Settlement {
    /// Reads the results of so many rows, which are lines 2 and on of their input.
    pub(super) fn read(results: &Path, rows: u32) -> Result<Self> {
        let reading = || format!("cannot read {}", results.display());
        let mut file = BufReader::new(File::open(results).context(reading)?);
        let mut finals = vec![0_u8; rows as usize];
        let mut settlement = Self::default();
        let mut line = String::new();
        while file.read_line(&mut line).context(reading)? > 0 {
            // Ours says in the first line what the file is; a row that is asked again is not final.
            if !line.starts_with(r#"{"kyc_batch""#) && !line.contains(r#""ask_again":true"#) {
                let times = place(&line).and_then(|place| finals.get_mut(place));
                let times = times.ok_or_else(|| Failure::new(format!("no row: {line}")))?;
                *times = times.saturating_add(1);
                settlement.failed += u64::from(!line.contains(r#""outcome":"done""#));
            }
            line.clear();
        }
        let count = |of: fn(&u8) -> bool| finals.iter().filter(|times| of(times)).count() as u64;
        settlement.lost = count(|times| *times == 0);
        settlement.doubled = count(|times| *times > 1);
        Ok(settlement)
    }
}

/// Which row it is, without reading all of it: there are millions.
fn place(line: &str) -> Option<usize> {
    let (number, _) = line.strip_prefix(r#"{"line":"#)?.split_once(',')?;
    number.parse::<usize>().ok()?.checked_sub(2)
}

/// What the server counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) requests: u64,
    /// Requests that it failed on purpose.
    pub(super) faults: u64,
    /// People about whom it answered.
    pub(super) people: u64,
    /// Of these, about whom more than once.
    pub(super) twice: u64,
}

impl Counts {
    /// From the line that the server prints at its end.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            requests: next()?,
            faults: next()?,
            people: next()?,
            twice: next()?,
        })
    }
}

/// What a client says that it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) rows: u64,
    pub(super) requests: u64,
    pub(super) repeats: u64,
}

impl Summary {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let summary: Value = serde_json::from_str(text).ok()?;
        let number = |name| summary.get(name)?.as_u64();
        Some(Self {
            rows: number("rows")?,
            requests: number("requests")?,
            repeats: number("repeats")?,
        })
    }

    /// Whether it is what the server counted, when each of so many rows was answered once and each failure repeated once.
    pub(super) fn agrees_with(&self, counts: &Counts, rows: u32) -> bool {
        let rows = u64::from(rows);
        self.rows == rows
            && self.requests == counts.requests
            && self.requests == rows + self.repeats
            && self.repeats == counts.faults
            && (counts.people, counts.twice) == (rows, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn lost_and_doubled_rows_are_found() {
        let directory = TempDir::new().unwrap();
        let results = directory.path().join("results.jsonl");
        let text = r#"{"kyc_batch":1}
{"line":2,"outcome":"done"}
{"line":3,"outcome":"unknown","ask_again":true}
{"line":4,"outcome":"done"}
{"line":4,"outcome":"done"}
{"line":5,"outcome":"refused","ask_again":false}
"#;
        std::fs::write(&results, text).unwrap();
        let (lost, doubled, failed) = (1, 1, 1);
        let expected = Settlement {
            lost,
            doubled,
            failed,
        };
        assert_eq!(Settlement::read(&results, 4).unwrap(), expected);
        let beyond = Settlement::read(&results, 3).unwrap_err().to_string();
        assert!(beyond.contains(r#""line":5"#), "{beyond}");
    }

    #[test]
    fn a_summary_agrees_with_what_the_server_counted() {
        let summary = r#"{"rows":1000,"answered":1000,"requests":1002,"repeats":2}"#;
        let summary = Summary::parse(summary).unwrap();
        let agrees = |counts| summary.agrees_with(&Counts::parse(counts).unwrap(), 1_000);
        assert!(agrees("1002 2 1000 0\n"));
        for other in [
            "1003 2 1000 0",
            "1002 1 1000 0",
            "1002 2 999 0",
            "1002 2 1000 1",
        ] {
            assert!(!agrees(other), "{other}");
        }
        assert_eq!(Counts::parse("1002 2"), None);
    }
}
