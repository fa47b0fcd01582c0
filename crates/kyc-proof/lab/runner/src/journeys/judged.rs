//! What is judged: a figure beside its target.

use std::fmt;

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// One figure and its target.
#[derive(Debug)]
pub(super) struct Judged {
    what: String,
    /// Ours, and what it is compared with, if it is compared.
    ours: Option<f64>,
    peer: Option<f64>,
    is_compared: bool,
    target: Target,
    /// Why it is not judged on this machine, although it was measured.
    excused: Option<String>,
}

impl Judged {
    /// Ours in parts of the peer's.
    pub(super) fn ratio(
        what: impl Into<String>,
        ours: Option<f64>,
        peer: Option<f64>,
        target: Target,
    ) -> Self {
        Self {
            what: what.into(),
            ours,
            peer,
            is_compared: true,
            target,
            excused: None,
        }
    }

    /// Ours by itself.
    pub(super) fn alone(what: impl Into<String>, ours: Option<f64>, target: Target) -> Self {
        Self {
            is_compared: false,
            ..Self::ratio(what, ours, None, target)
        }
    }

    /// Leaves it unjudged, for this reason.
    pub(super) fn excused(mut self, why: Option<String>) -> Self {
        self.excused = why;
        self
    }

    fn found(&self) -> Option<f64> {
        match self.is_compared {
            true => Some(self.ours? / self.peer?),
            false => self.ours,
        }
    }

    /// `false` if it misses its target, or was not measured.
    pub(super) fn passed(&self) -> bool {
        self.excused.is_some()
            || self.found().is_some_and(|found| match self.target {
                Target::AtLeast(least) => found >= least,
                Target::AtMost(most) => found <= most,
            })
    }

    fn verdict(&self) -> &'static str {
        match (&self.excused, self.found(), self.passed()) {
            (Some(_), ..) => "----",
            (None, None, _) => "NONE",
            (None, Some(_), true) => "PASS",
            (None, Some(_), false) => "FAIL",
        }
    }
}

/// The heading of the table of what is judged.
pub(super) const HEADING: &str = "     figure, and what it is compared with                            ours        peer     ratio      target";

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<f64>| match number {
            Some(large) if large.abs() >= 100.0 => format!("{large:.0}"),
            Some(small) => format!("{small:.2}"),
            None => "-".to_owned(),
        };
        let ratio = self.found().filter(|_| self.is_compared);
        let target = match self.target {
            Target::AtLeast(least) => format!(">= {}", number(Some(least))),
            Target::AtMost(most) => format!("<= {}", number(Some(most))),
        };
        write!(
            f,
            "{} {:<60}{:>12}{:>12}{:>10}{target:>12}",
            self.verdict(),
            self.what,
            number(self.ours),
            number(self.peer),
            number(ratio)
        )?;
        match &self.excused {
            Some(why) => write!(f, "\n     not judged: {why}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_passes_by_its_target_alone() {
        let ratio = |ours, peer| Judged::ratio("a", ours, peer, Target::AtLeast(0.75));
        let judged = [
            (ratio(Some(75.0), Some(100.0)), "PASS", true),
            (ratio(Some(74.0), Some(100.0)), "FAIL", false),
            (ratio(None, Some(100.0)), "NONE", false),
            (ratio(Some(100.0), None), "NONE", false),
            (
                Judged::alone("b", Some(2.0), Target::AtMost(2.0)),
                "PASS",
                true,
            ),
            (
                Judged::alone("b", Some(2.1), Target::AtMost(2.0)),
                "FAIL",
                false,
            ),
            (
                ratio(Some(1.0), Some(2.0)).excused(Some("why".into())),
                "----",
                true,
            ),
        ];
        for (judged, verdict, passed) in judged {
            assert_eq!(
                (judged.verdict(), judged.passed()),
                (verdict, passed),
                "{judged:?}"
            );
        }
    }

    #[test]
    fn a_row_has_the_ratio_beside_the_target() {
        let judged = Judged::ratio(
            "steps",
            Some(80_000.0),
            Some(100_000.0),
            Target::AtLeast(0.75),
        );
        let row = judged.to_string();
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(
            words,
            ["PASS", "steps", "80000", "100000", "0.80", ">=", "0.75"]
        );
    }
}
