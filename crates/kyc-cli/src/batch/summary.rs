//! The summary of a batch: counts for people and for machines, and the exit code.

use std::time::Duration;

use kyc_facade::finpro_profile::BatchAnswer;
use kyc_facade::provider_core::{Error, Outcome};
use serde::Serialize;

use super::kept::{Kept, ask_again};
use super::tag::Tag;
use crate::failure::{EXIT_INTERRUPTED, exit_code};
use crate::terminal::output::counted;

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// Rows that this run read.
    rows: u64,
    /// Rows that earlier runs completed.
    kept: u64,
    /// Rows that break a rule, and were not asked.
    bad: u64,
    answered: u64,
    not_sent: u64,
    refused: u64,
    unknown: u64,
    not_understood: u64,
    /// The rows that `--resume` asks again.
    ask_again: u64,
    /// Those of them that fail again until somebody corrects what their error says.
    #[serde(skip)]
    to_correct: u64,
    requests: u64,
    #[serde(rename = "repeats")]
    retries: u64,
    elapsed_ms: u64,
    /// Answered rows, with one decimal.
    rows_per_second: f64,
    /// Rows that were taken and are not in the results; they may have been asked.
    without_result: u64,
    interrupted: bool,
    /// Why the batch stopped before all rows were asked.
    stopped: Option<String>,
    /// Whether there may be rows that were not taken.
    #[serde(skip)]
    rows_left: bool,
    #[serde(skip)]
    way_on: WayOn,
    #[serde(skip)]
    exit_code: u8,
}

/// How the rows without a result, and those to ask again, can be asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum WayOn {
    #[default]
    Resume,
    /// Nothing was asked or written.
    Again,
    /// Likewise, and what was read of a pipe is gone.
    AgainFromPipe,
    /// The input was a pipe.
    AnotherBatch,
    /// The input has changed.
    RestoreInput,
    /// The results are not what was written.
    RestoreResults,
}

impl WayOn {
    fn words(self) -> &'static str {
        match self {
            Self::Resume => "resume with the same command and --resume",
            Self::Again => "begin again with the same command",
            Self::AgainFromPipe => {
                "begin again with the same command and the whole input: a pipe cannot be read twice"
            }
            Self::AnotherBatch => {
                "the input was a pipe and cannot be resumed; ask the rows without a result in another batch"
            }
            Self::RestoreInput => {
                "to resume with --resume, put the input back as it was; else ask the rows without a result in another batch"
            }
            Self::RestoreResults => {
                "to resume with --resume, put the results back; without them every row is asked again"
            }
        }
    }
}

/// How a run ended.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// Rows that were taken and are not in the results.
    pub(super) without_result: u64,
    /// Whether all rows were taken.
    pub(super) all_taken: bool,
    /// Why it ended before its time, and the exit code.
    pub(super) stopped: Option<(String, u8)>,
    pub(super) interrupted: bool,
}

impl Summary {
    /// Starts from the kept rows.
    pub(super) fn new(kept: &Kept, way_on: WayOn) -> Self {
        Self {
            kept: kept.rows(),
            way_on,
            exit_code: kept.exit_code(),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, answer: &BatchAnswer<Tag>) {
        let add = |count: &mut u64, more: u64| *count = count.saturating_add(more);
        add(&mut self.rows, 1);
        add(&mut self.requests, answer.attempts);
        add(&mut self.retries, answer.attempts.saturating_sub(1));
        let error = match &answer.result {
            Ok(_) => return add(&mut self.answered, 1),
            Err(error) => error,
        };
        let count = match error.outcome() {
            _ if error.invalid_request().is_some() => &mut self.bad,
            Outcome::NotSent => &mut self.not_sent,
            Outcome::Refused => &mut self.refused,
            Outcome::Unknown => &mut self.unknown,
            Outcome::Done => &mut self.not_understood,
        };
        add(count, 1);
        add(&mut self.ask_again, ask_again(error).into());
        add(&mut self.to_correct, is_to_correct(error).into());
        self.exit_code = self.exit_code.max(exit_code(error));
    }

    /// Rows without an answer.
    pub(super) fn failures(&self) -> u64 {
        self.rows.saturating_sub(self.answered)
    }

    pub(super) fn set_way_on(&mut self, way_on: WayOn) {
        self.way_on = way_on;
    }

    pub(super) fn finish(&mut self, elapsed: Duration, ending: Ending) {
        self.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let tenths = self.answered.saturating_mul(10_000);
        let tenths = tenths.checked_div(self.elapsed_ms).unwrap_or(0);
        self.rows_per_second = f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0;
        self.without_result = ending.without_result;
        self.interrupted = ending.interrupted;
        self.rows_left = !ending.all_taken;
        if let Some((reason, code)) = ending.stopped {
            self.stopped = Some(reason);
            self.exit_code = self.exit_code.max(code);
        }
    }

    /// The highest code of the rows, those of earlier runs included, or that of an interruption.
    pub(super) fn exit_code(&self) -> u8 {
        match self.interrupted {
            true => EXIT_INTERRUPTED,
            false => self.exit_code,
        }
    }

    /// The counts for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{}: {} answered, {} refused, {} unknown, {} not sent, {} not understood, {} bad",
            counted(self.rows, "row"),
            self.answered,
            self.refused,
            self.unknown,
            self.not_sent,
            self.not_understood,
            self.bad
        )];
        if self.kept > 0 {
            let rows = counted(self.kept, "row");
            lines.push(format!("{rows} completed by earlier runs"));
        }
        let rate = match self.requests {
            0 => String::new(),
            _ => format!(
                ", {} answered rows a second",
                per_second(self.rows_per_second)
            ),
        };
        lines.push(format!(
            "{}, {} of them retries; {}.{} s{rate}",
            counted(self.requests, "request"),
            self.retries,
            self.elapsed_ms.div_euclid(1_000),
            self.elapsed_ms.rem_euclid(1_000).div_euclid(100),
        ));
        let before = lines.len();
        if let Some(reason) = &self.stopped {
            lines.push(format!("stopped: {reason}"));
        }
        if self.without_result > 0 {
            lines.push(format!(
                "{} without a result may have been asked",
                counted(self.without_result, "row")
            ));
        }
        if self.rows_left {
            lines.push("the remaining rows were not asked".to_owned());
        }
        let temporary = self.ask_again.saturating_sub(self.to_correct);
        if temporary > 0 {
            lines.push(format!(
                "{} may succeed in another run",
                counted(temporary, "row")
            ));
        }
        if self.to_correct > 0 {
            lines.push(format!(
                "{} will fail again until what the errors say is corrected; then ask in another run",
                counted(self.to_correct, "row")
            ));
        }
        if lines.len() > before {
            lines.push(self.way_on.words().to_owned());
        }
        lines
    }
}

/// Whether another run asks again, and fails again unless somebody corrects what the error says.
fn is_to_correct(error: &Error) -> bool {
    ask_again(error) && (!error.is_retryable() || error.is_to_be_corrected())
}

/// A rate for people: below ten with one decimal.
pub(super) fn per_second(rate: f64) -> String {
    match rate < 10.0 {
        true => format!("{rate:.1}"),
        false => format!("{rate:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_answered_rows_and_left_out_where_nothing_was_asked() {
        let rate = |answered, requests, seconds| {
            let mut summary = Summary {
                rows: 300,
                answered,
                requests,
                ..Summary::default()
            };
            summary.finish(Duration::from_secs(seconds), Ending::default());
            let line = summary.lines().swap_remove(1);
            line.split_once(" s").map(|(_, rate)| rate.to_owned())
        };
        for (answered, requests, seconds, expected) in [
            (44, 44, 73, ", 0.6 answered rows a second"),
            (0, 9, 3, ", 0.0 answered rows a second"),
            (250, 250, 10, ", 25 answered rows a second"),
            (0, 0, 20, ""),
        ] {
            assert_eq!(rate(answered, requests, seconds).as_deref(), Some(expected));
        }
    }
}
