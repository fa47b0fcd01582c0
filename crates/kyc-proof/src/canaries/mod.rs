//! Nothing secret, personal or from the wire is ever printed: made-up values are planted in every place of every operation
//! of the catalogue, and all output is searched for them, in every form that text is given.
//!
//! The output is: `Display`, `Debug` in both forms, the chain of causes and the report of every error; `Debug` of every
//! client, call, request and reply; every event and span at TRACE, of every crate, and every record of the `log`
//! crate; the events of observers and recorded metrics; panics; the output of the command. And the files that are
//! committed, which must be invented.

mod command;
mod files;
mod onboarding;

use anyhow::{Result, anyhow};
use kyc_proof::scripted::ready;

use crate::Settings;
use crate::faults::Matrix;
use crate::planted;
use crate::planted::search::{Search, Source};

/// What a part of the proof searched and found.
#[derive(Debug, Default)]
struct Found {
    /// How many actions could have printed.
    runs: usize,
    /// How many bytes were searched.
    bytes: u64,
    /// Planted values that were printed, and where.
    leaks: Vec<String>,
}

impl Found {
    /// Searches the output of `at`.
    fn search(&mut self, search: &Search, at: &str, text: &str, source: Source) {
        self.bytes += text.len() as u64;
        for leak in search.leaks(text.as_bytes(), source) {
            self.leaks
                .push(format!("{at}: {}, {}", leak.what, leak.form));
        }
    }
}

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let matrix = Matrix::new();
    let planted = planted::all(matrix.exchanges());
    let search = Search::new(&planted);
    println!(
        "  {} values planted, {} needles: each value plain, escaped, in JSON, hex, base64, percent-encoded, as numbers, in halves",
        planted.len(),
        search.needles()
    );
    let mut parts = Vec::new();
    match settings.short {
        // The same cells, each of which is searched there.
        true => println!("  fault matrix: in the proof of `faults`"),
        false => parts.push(("fault matrix", faults(&matrix, settings)?)),
    }
    parts.extend([
        ("requests, calls and replies", types(&matrix, &search)?),
        ("onboarding over the sandbox", onboarding::run(&search)?),
        ("the command", command::run(&matrix, &search)?),
        ("committed fixtures and snapshots", files::run()?),
    ]);
    let (mut bytes, mut leaks) = (0, 0);
    for (name, found) in parts {
        let (runs, searched, hits) = (found.runs, found.bytes, found.leaks.len());
        println!("  {name}: {runs} runs, {searched} bytes searched, {hits} hits");
        for leak in &found.leaks {
            println!("  PRINTED {leak}");
        }
        bytes += searched;
        leaks += hits;
    }
    println!("  in all: {bytes} bytes searched, {leaks} hits");
    match leaks {
        0 => Ok(()),
        _ => Err(anyhow!("a planted value was printed")),
    }
}

fn faults(matrix: &Matrix, settings: &Settings) -> Result<Found> {
    let run = matrix.run_all(settings.seed)?;
    println!(
        "  lines logged at TRACE by crate: {:?}",
        run.lines_by_crate()
    );
    Ok(Found {
        runs: run.cells(),
        bytes: run.searched(),
        leaks: run.leaks(),
    })
}

/// `Debug` of requests, calls and replies in their own types, which JSON does not show.
fn types(matrix: &Matrix, search: &Search) -> Result<Found> {
    let mut found = Found::default();
    for column in matrix.columns() {
        let (subject, exchange) = (&column.subject, &column.exchange);
        for (number, body) in column.odd_bodies().into_iter().enumerate() {
            let reply = subject.reply(planted::SETTINGS, exchange.status, body.into_bytes());
            let (client, _) = subject.scripted(planted::SETTINGS, [reply]);
            match ready(client.print(exchange.input.clone())) {
                Ok(printed) => {
                    found.runs += 1;
                    found.search(search, &subject.name(), &printed.values, Source::Owner);
                    found.search(search, &subject.name(), &printed.call, Source::Anything);
                }
                Err(failure) if number == 0 => return Err(failure.into()),
                // It is not read; the matrix searches its error.
                Err(_) => {}
            }
        }
    }
    Ok(found)
}
