//! `cargo xtask bench fan-out` and `cargo xtask bench tail`: many providers at once, and answers that are late.
//!
//! Both are times of the wall clock, so only what a busy machine cannot change is judged: the median, and how many
//! requests were made. That both hold exactly is shown in virtual time, by `the_whole_takes_as_long_as_the_slowest_not_the_sum`
//! and `one_slow_answer_in_a_hundred_is_not_felt` in `kyc-facade`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::machine;
use crate::outside::Packages;
use crate::programs::Programs;
use crate::report;
use crate::shell::{self, Workspace};

const ROUNDS: &str = "100";
const QUESTIONS: &str = "10000";

/// The most that the median may lie above that of reqwest, in µs.
const MOST_LATE: u128 = 1_000;

/// Why it fails.
const LATE: &str = "later, or more often, than it may be";

/// A case's name, the fields behind it, and its values in order.
struct Case {
    name: String,
    requests: Option<usize>,
    sorted: Vec<u128>,
}

impl Case {
    fn of(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let name = fields.next()?.to_owned();
        let rest: Vec<&str> = fields.collect();
        let (values, others) = rest.split_last()?;
        let mut sorted: Vec<u128> = values
            .split(' ')
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()
            .ok()?;
        sorted.sort_unstable();
        let requests = others.first().and_then(|count| count.parse().ok());
        Some(Self {
            name,
            requests,
            sorted,
        })
    }

    /// The value that so many of a thousand lie below.
    fn at(&self, of_a_thousand: usize) -> u128 {
        let index = self.sorted.len().saturating_sub(1) * of_a_thousand / 1_000;
        self.sorted.get(index).copied().unwrap_or(u128::MAX)
    }
}

pub(crate) fn many(workspace: &Workspace) -> Result<()> {
    let (cases, output) = run(workspace, "fan-out", &["many", ROUNDS])?;
    let mut report = format!(
        "{}later than the slowest provider, 200 ms, in ms; {ROUNDS} rounds in turn\n\n{:<34} {:>8} {:>8} {:>8}\n",
        heading()?,
        "providers at once",
        "p50",
        "p99",
        "most"
    );
    let mut passed = true;
    for case in &cases {
        let peer = case
            .name
            .strip_suffix("ours")
            .map(|count| format!("{count}reqwest"));
        let peer = peer.and_then(|name| cases.iter().find(|case| case.name == name));
        let verdict = match peer {
            None => "",
            Some(peer) if case.at(500) <= peer.at(500).saturating_add(MOST_LATE) => {
                "PASS (p50 at most 1 ms above reqwest's)"
            }
            Some(_) => {
                passed = false;
                "FAIL (p50 at most 1 ms above reqwest's)"
            }
        };
        line(&mut report, case, &[500, 990, 1_000], verdict);
    }
    report::finish(&output, &report, passed && !cases.is_empty(), LATE)
}

pub(crate) fn tail(workspace: &Workspace) -> Result<()> {
    let (cases, output) = run(workspace, "tail", &["tail", QUESTIONS])?;
    let mut report = format!(
        "{}one answer of a hundred takes 2 s, the others 5 ms; {QUESTIONS} questions, 8 at a time; ms\n\n\
         {:<34} {:>8} {:>8} {:>8}\n",
        heading()?,
        "",
        "p50",
        "p99",
        "p99.9"
    );
    let mut passed = !cases.is_empty();
    let questions: usize = QUESTIONS.parse().unwrap_or(usize::MAX);
    for case in &cases {
        let more = case.requests.unwrap_or(0).saturating_sub(questions);
        let mut about = format!("{more} more requests");
        if case.name.ends_with("Hedged") {
            let few = more <= questions / 20;
            passed &= few;
            about.push_str(if few { ", PASS" } else { ", FAIL" });
            about.push_str(" (at most 5 %)");
        }
        line(&mut report, case, &[500, 990, 999], &about);
    }
    report::finish(&output, &report, passed, LATE)
}

fn line(report: &mut String, case: &Case, parts: &[usize], about: &str) {
    let _ = write!(report, "{:<34}", case.name);
    for part in parts {
        let _ = write!(report, " {:>8.1}", case.at(*part) as f64 / 1e3);
    }
    let _ = writeln!(report, "  {about}");
}

fn heading() -> Result<String> {
    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    Ok(format!("{}; {}\n", rustc.trim(), machine::description()))
}

fn run(workspace: &Workspace, name: &str, arguments: &[&str]) -> Result<(Vec<Case>, PathBuf)> {
    let output = Packages::of(workspace, name)?.output;
    let programs = Programs::build(workspace, &["fan-out"])?;
    println!("measuring");
    let raw = shell::read(Command::new(programs.get("fan-out")?).args(arguments))?;
    report::keep(&output, "raw.txt", &raw)?;
    let cases: Option<Vec<Case>> = raw.lines().map(Case::of).collect();
    let cases = cases.ok_or_else(|| Failure::new("cannot read what was measured"))?;
    Ok((cases, output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_with_and_without_requests() {
        let case = Case::of("5 ours\t300 100 200").unwrap();
        assert_eq!((case.at(500), case.at(1_000)), (200, 300));
        let case = Case::of("ours, Hedged\t104\t7").unwrap();
        assert_eq!((case.requests, case.at(999)), (Some(104), 7));
        assert!(Case::of("nothing").is_none());
    }
}
