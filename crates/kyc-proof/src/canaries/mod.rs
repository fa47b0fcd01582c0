//! Nothing secret, personal or from the wire is ever printed: made-up values are planted in every place, and everything
//! that comes out is searched for them, in every form that text is given.
//!
//! What is searched: `Display`, `Debug` in both forms, the chain of causes and the report of every error; `Debug` of every
//! client, call, request and answer; every event and span at TRACE, of every crate, and every record of the `log`
//! crate; what observers are told and metrics record; panics; the output of the command. And the files that are
//! committed, for what is not invented.

pub(crate) mod capture;
mod command;
mod files;
mod onboarding;
pub(crate) mod planted;
pub(crate) mod search;

use std::collections::BTreeMap;

use self::planted::PLANTED;
use self::search::{Search, Source};
use crate::Settings;
use crate::failure::{Failure, Result};
use crate::faults::Matrix;

/// What a part of the proof searched and found.
#[derive(Debug, Default)]
struct Found {
    /// How many times something was done that could print.
    runs: usize,
    /// How many bytes were searched.
    bytes: u64,
    /// What was given away, and where.
    leaks: Vec<String>,
}

impl Found {
    /// Searches what `at` has printed.
    fn search(&mut self, search: &Search, at: &str, text: &str, source: Source) {
        self.bytes += text.len() as u64;
        for leak in search.leaks(text.as_bytes(), source) {
            self.leaks
                .push(format!("{at}: {}, {}", leak.what, leak.form));
        }
    }
}

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let search = Search::new();
    println!(
        "  {} values planted, {} needles: each value plain, escaped, in JSON, hex, base64, percent-encoded, as numbers, in halves",
        PLANTED.len(),
        search.needles()
    );
    let matrix = matrix(settings)?;
    let parts = [
        ("fault matrix", matrix),
        ("onboarding over the sandbox", onboarding::run(&search)?),
        ("the command", command::run(&search)?),
        ("committed fixtures and snapshots", files::run()?),
    ];
    let (mut bytes, mut leaks) = (0, 0);
    for (name, found) in parts {
        println!(
            "  {name}: {} runs, {} bytes searched, {} hits",
            found.runs,
            found.bytes,
            found.leaks.len()
        );
        for leak in &found.leaks {
            println!("  GIVEN AWAY {leak}");
        }
        bytes += found.bytes;
        leaks += found.leaks.len();
    }
    println!("  in all: {bytes} bytes searched, {leaks} hits");
    if leaks > 0 {
        return Err(Failure::new("something was given away"));
    }
    Ok(())
}

fn matrix(settings: &Settings) -> Result<Found> {
    let run = Matrix::new()?.run_all(settings.seed)?;
    let mut by_crate = BTreeMap::new();
    for (target, lines) in run.targets() {
        let name = target.split("::").next().unwrap_or_default().to_owned();
        *by_crate.entry(name).or_insert(0) += lines;
    }
    println!("  lines logged at TRACE by crate: {by_crate:?}");
    Ok(Found {
        runs: run.cells(),
        bytes: run.searched(),
        leaks: run.leaks().into_iter().map(str::to_owned).collect(),
    })
}
