//! A batch by hand on reqwest: `batch PORT INPUT OUT CONCURRENCY` asks about each row of a CSV file, `CONCURRENCY` at once with
//! `buffer_unordered`, writes a JSON line for each, and prints what it came to. A question that fails is asked once more.
//!
//! `peers/python/aiohttp_batch.py` takes and prints the same.

#[path = "../clients/mod.rs"]
#[allow(dead_code, reason = "each program uses some of them")]
mod clients;
#[path = "../exchange/mod.rs"]
#[allow(dead_code, reason = "each program uses some of it")]
mod exchange;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use clients::{Result, bare_reqwest};
use exchange::by_hand::Profile;

/// A line of the results.
#[derive(Serialize)]
struct ResultRow {
    line: usize,
    outcome: &'static str,
    attempts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What is printed.
#[derive(Default, Serialize)]
struct Summary {
    rows: u64,
    answered: u64,
    requests: u64,
    repeats: u64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, input, out, concurrency] = arguments.as_slice() else {
        println!("usage: batch PORT INPUT OUT CONCURRENCY");
        return Ok(());
    };
    let client = bare_reqwest::Client::new(port.parse()?)?;
    let input = BufReader::new(File::open(input)?);
    let out = BufWriter::new(File::create_new(out)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let summary = runtime.block_on(run(&client, input, out, concurrency.parse()?))?;
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}

async fn run(
    client: &bare_reqwest::Client,
    input: impl BufRead,
    mut out: impl Write,
    concurrency: usize,
) -> Result<Summary> {
    let rows = input.lines().enumerate().skip(1);
    let answers = stream::iter(rows).map(|(index, row)| async move {
        let row = row?;
        let mobile = row.split(',').next().unwrap_or_default();
        std::io::Result::Ok(ask(client, index + 1, mobile).await)
    });
    let mut answers = answers.buffer_unordered(concurrency);
    let mut summary = Summary::default();
    while let Some(answer) = answers.next().await {
        let row = answer?;
        summary.rows += 1;
        summary.answered += u64::from(row.profile.is_some());
        summary.requests += row.attempts;
        summary.repeats += row.attempts - 1;
        serde_json::to_writer(&mut out, &row)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(summary)
}

async fn ask(client: &bare_reqwest::Client, line: usize, mobile: &str) -> ResultRow {
    let mut attempts = 1;
    let mut answer = client.check_profile(mobile).await;
    if answer.is_err() {
        attempts += 1;
        answer = client.check_profile(mobile).await;
    }
    let (outcome, profile, error) = match answer {
        Ok(profile) => ("done", Some(profile), None),
        Err(error) => ("unknown", None, Some(error.to_string())),
    };
    ResultRow {
        line,
        outcome,
        attempts,
        profile,
        error,
    }
}
