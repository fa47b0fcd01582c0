//! How many tests passed and failed, read from what the test runner prints.

use std::fmt;
use std::ops::AddAssign;

use crate::failure::{Failure, Result};

/// Sums over `test result:` lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// Ends a task: a failure first, the counts as the last line.
    pub(crate) fn close(self, outcome: Result<()>) -> Result<()> {
        let outcome = outcome.map_err(|failure| {
            println!("\nerror: {failure}");
            Failure::told()
        });
        println!("\n{self}");
        outcome
    }

    /// The counts of one line such as `test result: ok. 5 passed; 0 failed; 1 ignored; …`, or nothing.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let plain = without_colour(line);
        let (_, results) = plain
            .trim_start()
            .strip_prefix("test result: ")?
            .split_once(". ")?;
        let number = |unit: &str| {
            results.split(';').find_map(|part| {
                part.trim()
                    .strip_suffix(unit)?
                    .trim_end()
                    .parse::<u64>()
                    .ok()
            })
        };
        Some(Self {
            passed: number("passed")?,
            failed: number("failed")?,
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The text without terminal escapes of the form `ESC [ … letter`.
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_good_and_a_bad_result() {
        let good = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        let bad = "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(
            Counts::from_line(good),
            Some(Counts {
                passed: 12,
                failed: 0
            })
        );
        assert_eq!(
            Counts::from_line(bad),
            Some(Counts {
                passed: 4,
                failed: 2
            })
        );
    }

    #[test]
    fn reads_through_colour() {
        let line = "test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 3 passed; 0 failed; 0 ignored";
        assert_eq!(
            Counts::from_line(line),
            Some(Counts {
                passed: 3,
                failed: 0
            })
        );
    }

    #[test]
    fn ignores_every_other_line() {
        for line in [
            "",
            "running 3 tests",
            "test result: what",
            "test tests::a ... ok",
            "note: test result: ok.",
        ] {
            assert_eq!(Counts::from_line(line), None, "{line}");
        }
    }

    #[test]
    fn sums_and_prints() {
        let mut sum = Counts::default();
        sum += Counts {
            passed: 2,
            failed: 1,
        };
        sum += Counts {
            passed: 3,
            failed: 0,
        };
        assert_eq!(sum.to_string(), "5 passed, 1 failed");
    }
}
