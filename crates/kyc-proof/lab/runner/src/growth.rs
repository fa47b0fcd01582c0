//! `cargo xtask bench growth`: how the cost of a call grows with how many are made at once, with the size of the reply and
//! with the aggregators in it; as tables and pictures in `crates/kyc-proof/plots`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::callgrind;
use crate::cores::{self, Core};
use crate::failure::{Context, Failure, Result};
use crate::metadata::Metadata;
use crate::picture::{self, Picture, Rows};
use crate::programs::Programs;
use crate::server::Server;
use crate::shell::{self, Workspace};
use crate::spread::Spread;
use crate::throughput::Run;

const ROUNDS: usize = 5;

/// Both make the same call: ours with all protections on, the other by hand with none.
const CLIENTS: &[&str] = &["ours", "reqwest"];

/// What grows.
struct Growth {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    exchange: &'static str,
    values: &'static [u32],
    /// What the server is told for a value.
    server: fn(u32) -> Option<String>,
    /// How many calls at once for a value.
    at_once: fn(u32) -> u32,
    /// How many calls a round makes for a value.
    calls: fn(u32) -> u32,
    /// Whether instructions are counted too: they are where they can differ.
    counted: bool,
}

const GROWTHS: &[Growth] = &[
    Growth {
        name: "concurrency",
        title: "A call, and how many are made at once",
        axis: "calls at once, one thread",
        exchange: "finpass",
        values: &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024],
        server: |_| None,
        at_once: |value| value,
        calls: |value| (value * 4).max(4_096),
        counted: false,
    },
    Growth {
        name: "reply-size",
        title: "A call, and the size of its reply",
        axis: "bytes of one text in the reply, besides about 330 of others",
        exchange: "finpass",
        values: &[256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576],
        server: |value| Some(format!("message={value}")),
        at_once: |_| 8,
        calls: |value| (16_000_000 / (value + 4_000)).clamp(160, 4_096),
        counted: true,
    },
    Growth {
        name: "aggregators",
        title: "A Check Profile, and how many aggregators it tells of",
        axis: "aggregators in the reply",
        exchange: "finpro",
        values: &[1, 2, 4, 8, 16, 32, 64],
        server: |value| Some(format!("aggregators={value}")),
        at_once: |_| 8,
        calls: |_| 4_096,
        counted: true,
    },
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let valgrind = callgrind::provide()?;
    let output = Metadata::read(workspace)?
        .target_directory
        .join("bench/growth");
    fs::create_dir_all(&output).context(|| format!("cannot create {}", output.display()))?;
    let plots = picture::directory(workspace)?;
    let programs = Programs::build(workspace, &["load", "server"])?;
    let note = picture::note_of_calls(workspace)?;
    let mut files = Vec::new();
    for growth in GROWTHS {
        let picture = |note, unit| Picture {
            title: growth.title,
            note,
            axis: growth.axis,
            unit,
        };
        let rows = time(&programs, growth, &output)?;
        let file = plots.join(format!("{}.csv", growth.name));
        let unit = "processor time of a call, user and system, µs";
        files.push(picture(&note, unit).write(file, &rows)?);
        if growth.counted {
            let rows = count(&programs, growth, &output)?;
            let file = plots.join(format!("{}-instructions.csv", growth.name));
            let note = format!("{note}, {valgrind}");
            let unit = "instructions of a call in user space";
            files.push(picture(&note, unit).write(file, &rows)?);
        }
    }
    picture::draw(workspace, &files)?;
    println!("\nraw output: {}", output.display());
    Ok(())
}

/// Processor time, the clients in turn in every round.
fn time(programs: &Programs, growth: &Growth, output: &Path) -> Result<Rows> {
    println!("timing {}", growth.name);
    let mut rows = Rows::new();
    let mut raw = String::from("value,client,calls elapsed_s p50_us p99_us user_s system_s\n");
    for &value in growth.values {
        let told = (growth.server)(value);
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let server = Server::pinned(programs.get("server")?, &told)?;
        let (at_once, calls) = ((growth.at_once)(value), (growth.calls)(value));
        let mut measured: BTreeMap<&str, Spread> = BTreeMap::new();
        for _ in 0..ROUNDS {
            for &client in CLIENTS {
                let mut load = cores::on(Core::Client, programs.get("load")?);
                load.args([client, growth.exchange, server.port()]);
                let line = shell::read(load.args([at_once.to_string(), calls.to_string()]))?;
                let _ = writeln!(raw, "{value},{client},{}", line.trim());
                let run = Run::parse(&line)
                    .ok_or_else(|| Failure::new(format!("cannot read `{line}`")))?;
                measured.entry(client).or_default().push(run.processor());
            }
        }
        for &client in CLIENTS {
            rows.push((value, client, measured.remove(client).unwrap_or_default()));
        }
    }
    let file = output.join(format!("{}.csv", growth.name));
    fs::write(&file, raw).context(|| format!("cannot write {}", file.display()))?;
    Ok(rows)
}

/// Instructions, one call at a time, from two runs of different length.
fn count(programs: &Programs, growth: &Growth, output: &Path) -> Result<Rows> {
    println!("counting {}", growth.name);
    let mut rows = Rows::new();
    for &value in growth.values {
        let told = (growth.server)(value);
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let server = Server::start(programs.get("server")?, &told)?;
        for &client in CLIENTS {
            let instructions = |calls: u32| {
                let file = |ending: &str| {
                    output.join(format!("{}.{value}.{client}.{calls}.{ending}", growth.name))
                };
                let calls = calls.to_string();
                let words = [client, growth.exchange, server.port(), "1", &calls];
                let (profile, log) = (file("callgrind"), file("log"));
                callgrind::run(programs.get("load")?, &words, &profile, &log)
            };
            // A run warms up with half as many calls as it is told to make.
            let (fewer, more) = (instructions(20)?.all, instructions(60)?.all);
            let each = more.saturating_sub(fewer) as f64 / 60.0;
            rows.push((value, client, Spread::from_iter([each])));
        }
    }
    Ok(rows)
}
