//! A batch in a directory of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::kyc::{Run, kyc, send, started};

/// A directory with an input and the path of its results.
pub(crate) struct Job {
    pub(crate) directory: TempDir,
    pub(crate) input: PathBuf,
}

impl Job {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let input = directory.path().join(name);
        fs::write(&input, text).unwrap();
        Self { directory, input }
    }

    /// An input of people whose numbers end in these four digits, below a header.
    pub(crate) fn of(people: std::ops::Range<u32>) -> Self {
        let rows: String = people
            .map(|person| format!("{}\n", mobile(person)))
            .collect();
        Self::new("people.csv", &format!("mobileNumber\n{rows}"))
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.directory.path().join("results.jsonl")
    }

    pub(crate) fn arguments(&self, more: &[&str]) -> Vec<String> {
        let (input, out) = (self.input.to_str().unwrap(), self.out());
        let out = out.to_str().unwrap();
        let all = ["finpro", "profile", "--batch", input, "--out", out];
        all.iter().chain(more).map(ToString::to_string).collect()
    }

    pub(crate) fn run(&self, more: &[&str], environment: &[(String, String)]) -> Run {
        let arguments = self.arguments(more);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        kyc(&arguments, environment)
    }

    pub(crate) fn begin(&self, more: &[&str], environment: &[(String, String)]) -> Child {
        let arguments = self.arguments(more);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        started(&arguments, environment)
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.out()).unwrap()
    }

    /// The rows of the results below the first line, each of which must be complete.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.ends_with('\n'));
        let rows = text.lines().skip(1);
        rows.map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    /// The last row of each line number.
    pub(crate) fn by_line(&self) -> BTreeMap<u64, Value> {
        let rows = self.rows().into_iter();
        rows.map(|row| (row["line"].as_u64().unwrap(), row))
            .collect()
    }
}

pub(crate) fn mobile(person: u32) -> String {
    format!("900000{person:04}")
}

/// The number of complete rows in the file, even if its end is torn.
pub(crate) fn written(out: &Path) -> usize {
    let text = fs::read(out).unwrap_or_default();
    text.iter()
        .filter(|byte| **byte == b'\n')
        .count()
        .saturating_sub(1)
}

pub(crate) fn wait_until(what: impl Fn() -> bool) {
    while !what() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn interrupt(child: &Child) {
    send("-INT", child);
}
