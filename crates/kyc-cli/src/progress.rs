//! Shows the steps of an onboarding on a terminal.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use kyc_facade::{Progress, StepEvent, StepName};

/// One line per step on stderr; nothing if stderr is not a terminal.
#[derive(Debug)]
pub(crate) struct StepDisplay {
    bars: HashMap<StepName, ProgressBar>,
}

impl StepDisplay {
    /// Creates a display, or an empty one if stderr is not a terminal or the output is JSON.
    pub(crate) fn new(json: bool) -> Self {
        if json || !std::io::stderr().is_terminal() {
            return Self {
                bars: HashMap::new(),
            };
        }
        let all = MultiProgress::new();
        let bars = StepName::ALL.iter().map(|&step| {
            let bar = all.add(ProgressBar::new_spinner());
            bar.set_style(style("{prefix:24} waiting"));
            bar.set_prefix(step.as_str());
            bar.tick();
            (step, bar)
        });
        Self {
            bars: bars.collect(),
        }
    }

    /// Shows an event.
    pub(crate) fn show(&self, event: &StepEvent) {
        let Some(bar) = self.bars.get(&event.step) else {
            return;
        };
        let finish = |text: String| {
            bar.set_style(style("{prefix:24} {msg}"));
            bar.finish_with_message(text);
        };
        match event.progress {
            Progress::Started => {
                bar.set_style(style("{prefix:24} {spinner} {elapsed}"));
                bar.enable_steady_tick(Duration::from_millis(100));
            }
            Progress::Done => finish("done".to_owned()),
            Progress::Skipped(reason) => finish(format!("skipped: {reason}")),
            Progress::Failed(kind) => finish(format!("failed: {}", kind.as_str())),
            _ => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
