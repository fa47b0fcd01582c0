//! Starts with many journeys open.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Context, Failure, Result};
use crate::numbers::grouped;
use crate::shell;
use crate::spread::Spread;

/// Bytes that an open journey takes on the disk, with room for the log: beyond what the disk has, nothing is tried.
const BYTES_EACH: u64 = 3_000;

/// After how many seconds it is ended; what was measured by then counts.
const LIMIT: &str = "480";

/// What was measured with one number of journeys.
#[derive(Debug, PartialEq)]
struct Start {
    journeys: u32,
    first_effect_ms: f64,
    memory_kib: f64,
    steps_per_second: f64,
}

impl Start {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let start = Self {
            journeys: words.next()?.parse().ok()?,
            first_effect_ms: words.next()?.parse().ok()?,
            memory_kib: words.next()?.parse().ok()?,
            steps_per_second: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(start)
    }
}

/// A start with each number of journeys.
#[derive(Debug, Default)]
pub(super) struct Starts {
    measured: Vec<Start>,
    /// Numbers that were not measured, and why.
    left_out: Vec<(u32, &'static str)>,
}

/// Measures as many of them as there is room and time for.
pub(super) fn measure(program: &Path, place: &Path, open: &[u32]) -> Result<Starts> {
    let free = free(place)?;
    let fits = |journeys: &&u32| u64::from(**journeys).saturating_mul(BYTES_EACH) < free;
    let fit: Vec<&u32> = open.iter().filter(fits).collect();
    println!("starts with {fit:?} journeys open");
    let mut restart = Command::new("timeout");
    restart.arg(LIMIT).arg(program).arg(place);
    let output = restart
        .args(fit.iter().map(|journeys| journeys.to_string()))
        .stderr(Stdio::inherit())
        .output()
        .context(|| "cannot start `restart`".into())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let measured: Vec<Start> = text.lines().filter_map(Start::parse).collect();
    let is_missing = |journeys: &&u32| !measured.iter().any(|start| start.journeys == **journeys);
    let left_out = open.iter().filter(is_missing).map(|journeys| {
        let why = match fits(&journeys) {
            true => "the program failed, or took too long",
            false => "the disk has no room for them",
        };
        (*journeys, why)
    });
    Ok(Starts {
        left_out: left_out.collect(),
        measured,
    })
}

/// Bytes that are free where this directory is.
fn free(place: &Path) -> Result<u64> {
    let mut df = Command::new("df");
    let text = shell::read(df.args(["--output=avail", "-B1"]).arg(place))?;
    let last = text.lines().last().unwrap_or_default().trim();
    last.parse()
        .map_err(|_| Failure::new(format!("cannot read `{text}` of df")))
}

impl Starts {
    pub(super) fn report(&self) -> String {
        let mut text = format!(
            "a new process on a database with journeys open, each with a timer, one with a call that is due; the file is in the system's cache\n\
             {:>12}{:>18}{:>14}{:>26}\n",
            "open", "first effect, ms", "memory, KiB", "steps/s, 256 at once"
        );
        for start in &self.measured {
            let _ = writeln!(
                text,
                "{:>12}{:>18.1}{:>14.0}{:>26.0}",
                grouped(start.journeys),
                start.first_effect_ms,
                start.memory_kib,
                start.steps_per_second
            );
        }
        for (journeys, why) in &self.left_out {
            let _ = writeln!(text, "{:>12} not measured: {why}", grouped(journeys));
        }
        text
    }

    fn of(&self, journeys: u32) -> Option<&Start> {
        self.measured
            .iter()
            .find(|start| start.journeys == journeys)
    }

    pub(super) fn first_effect(&self, journeys: u32) -> Option<f64> {
        self.of(journeys).map(|start| start.first_effect_ms)
    }

    pub(super) fn memory(&self, journeys: u32) -> Option<f64> {
        self.of(journeys).map(|start| start.memory_kib)
    }

    /// Steps a second by how many are open.
    pub(super) fn speeds(&self) -> impl Iterator<Item = (u32, Spread)> {
        let once = |start: &Start| (start.journeys, Spread::from_iter([start.steps_per_second]));
        self.measured.iter().map(once)
    }

    /// Milliseconds until the first effect by how many are open.
    pub(super) fn first_effects(&self) -> impl Iterator<Item = (u32, Spread)> {
        let once = |start: &Start| (start.journeys, Spread::from_iter([start.first_effect_ms]));
        self.measured.iter().map(once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_four_numbers() {
        let start = Start::parse("1000 12.5 20480 60000\n");
        let expected = Start {
            journeys: 1_000,
            first_effect_ms: 12.5,
            memory_kib: 20_480.0,
            steps_per_second: 60_000.0,
        };
        assert_eq!(start, Some(expected));
        assert_eq!(Start::parse("1000 12.5 ? 60000"), None);
        assert_eq!(Start::parse("1000 12.5 1 60000 1"), None);
    }

    #[test]
    fn what_has_no_room_is_named() {
        let starts = Starts {
            measured: Start::parse("1000 1 2 3").into_iter().collect(),
            left_out: vec![(10_000_000, "no room")],
        };
        assert_eq!(starts.memory(1_000), Some(2.0));
        assert_eq!(starts.first_effect(10_000_000), None);
        assert!(starts.report().contains("10,000,000 not measured: no room"));
    }
}
