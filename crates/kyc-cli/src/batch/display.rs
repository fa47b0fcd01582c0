//! The progress of a batch, on a terminal.

use std::fmt::Write;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use kyc_facade::provider_core::ErrorKind;

use super::summary::per_second;

/// A progress bar on stderr; nothing if stderr is not a terminal.
#[derive(Debug)]
pub(super) struct BatchDisplay {
    bar: Option<ProgressBar>,
    shown: Option<(u64, Option<ErrorKind>)>,
}

impl BatchDisplay {
    /// Creates a display of this many rows, some of them done, or an empty one if stderr is not a terminal or the output is
    /// JSON.
    pub(super) fn new(json: bool, rows: Option<u64>, done: u64) -> Self {
        let bar = (!json && std::io::stderr().is_terminal()).then(|| {
            let (bar, template) = match rows {
                Some(rows) => (
                    ProgressBar::new(rows),
                    "{bar:24} {human_pos}/{human_len}, {rate}{left}{msg}",
                ),
                None => (
                    ProgressBar::new_spinner(),
                    "{spinner} {human_pos}, {rate}{msg}",
                ),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.with_key("rate", rate).with_key("left", left));
            }
            bar.set_position(done);
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, shown: None }
    }

    /// Counts a row.
    pub(super) fn advance(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Shows the number of failures, and what the batch waits for.
    pub(super) fn show(&mut self, failures: u64, held_up_by: Option<ErrorKind>) {
        let Some(bar) = &self.bar else { return };
        if self.shown.replace((failures, held_up_by)) == Some((failures, held_up_by)) {
            return;
        }
        let waits = held_up_by.map_or_else(String::new, |kind| {
            format!(", waiting: {}", kind.as_str().replace('_', " "))
        });
        bar.set_message(format!(", {failures} failed{waits}"));
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn rate(state: &ProgressState, text: &mut dyn Write) {
    // Write errors are ignored, here and below.
    let _ = write!(text, "{} a second", per_second(state.per_sec()));
}

/// The time left, unless there is no progress.
fn left(state: &ProgressState, text: &mut dyn Write) {
    if state.per_sec() >= 0.1 {
        let _ = write!(text, ", {} left", HumanDuration(state.eta()));
    }
}
