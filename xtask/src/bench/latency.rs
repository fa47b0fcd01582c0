//! `cargo xtask bench latency`: what a call takes longer than the same call by hand, one at a time.
//!
//! Clients take turns in small blocks, and a round's blocks are compared with each other: what else the machine does hits
//! all of a round.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use super::cores::{self, Core};
use super::peers::locked;
use super::programs::Programs;
use super::server::Server;
use super::statistics::{Spread, at};
use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::metadata::Metadata;
use crate::shell::{self, Workspace};

const ROUNDS: u32 = 150;

const CLIENTS: &[(&str, &str)] = &[
    ("hyper-util", "hyper-util, pooled"),
    ("ours", "ours"),
    ("reqwest", "reqwest"),
    ("ours-on-reqwest", "ours, over the reqwest transport"),
];

/// What ours may take longer than whom, in µs at a percentile.
struct Target {
    ours: &'static str,
    peer: &'static str,
    percent: f64,
    limit: Option<f64>,
}

const TARGETS: &[Target] = &[
    Target {
        ours: "ours",
        peer: "hyper-util",
        percent: 50.0,
        limit: Some(5.0),
    },
    Target {
        ours: "ours",
        peer: "hyper-util",
        percent: 99.0,
        limit: Some(20.0),
    },
    Target {
        ours: "ours",
        peer: "reqwest",
        percent: 50.0,
        limit: None,
    },
    Target {
        ours: "ours",
        peer: "reqwest",
        percent: 99.0,
        limit: None,
    },
    Target {
        ours: "ours-on-reqwest",
        peer: "reqwest",
        percent: 50.0,
        limit: None,
    },
    Target {
        ours: "ours-on-reqwest",
        peer: "reqwest",
        percent: 99.0,
        limit: None,
    },
];

/// Of each client, of each round: its calls in µs, sorted.
type Blocks = BTreeMap<String, Vec<Vec<f64>>>;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let output = Metadata::read(workspace)?
        .target_directory
        .join("bench/latency");
    fs::create_dir_all(&output).context(|| format!("cannot create {}", output.display()))?;
    let programs = Programs::build(workspace, &["latency", "server"])?;
    let server = Server::pinned(programs.get("server")?, &[])?;
    println!("timing");
    let mut latency = cores::on(Core::Client, programs.get("latency")?);
    let lines = shell::read(latency.args([&server.port, &ROUNDS.to_string()]))?;
    drop(server);
    let file = output.join("blocks.txt");
    fs::write(&file, &lines).context(|| format!("cannot write {}", file.display()))?;

    let blocks = parse(&lines)?;
    let (verdicts, passed) = verdicts(&blocks);
    let report = [heading(workspace)?, table(&blocks), verdicts].join("\n");
    print!("\n{report}");
    let file = output.join("report.txt");
    fs::write(&file, &report).context(|| format!("cannot write {}", file.display()))?;
    println!("\nraw output: {}", output.display());
    if passed {
        Ok(())
    } else {
        Err(Failure::new("a call takes longer than it may"))
    }
}

fn parse(lines: &str) -> Result<Blocks> {
    let mut blocks = Blocks::new();
    for line in lines.lines() {
        let (client, nanoseconds) = line.split_once(' ').unwrap_or((line, ""));
        let block: std::result::Result<Vec<f64>, _> =
            nanoseconds.split(' ').map(str::parse).collect();
        let mut block = block.context(|| "cannot read a time".into())?;
        block.iter_mut().for_each(|time| *time /= 1e3);
        block.sort_unstable_by(f64::total_cmp);
        blocks.entry(client.to_owned()).or_default().push(block);
    }
    Ok(blocks)
}

fn heading(workspace: &Workspace) -> Result<String> {
    let rustc = shell::read(std::process::Command::new("rustc").arg("--version"))?;
    let lock = fs::read_to_string(workspace.root().join("Cargo.lock"))
        .context(|| "cannot read Cargo.lock".into())?;
    let version = |name| locked(&lock, name).unwrap_or("?");
    Ok(format!(
        "finpass initialize over loopback, one at a time; {ROUNDS} rounds, in each a block of calls by each client in turn\n\
         {}; {}\n{}, hyper-util {}, reqwest {}\n",
        machine::description(),
        cores::description(),
        rustc.trim(),
        version("hyper-util"),
        version("reqwest"),
    ))
}

fn table(blocks: &Blocks) -> String {
    let mut text = format!(
        "{:<34} {:>9} {:>9} {:>9}\n",
        "all calls, µs", "p50", "p99", "p99.9"
    );
    for (name, about) in CLIENTS {
        let mut all: Vec<f64> = blocks
            .get(*name)
            .into_iter()
            .flatten()
            .flatten()
            .copied()
            .collect();
        all.sort_unstable_by(f64::total_cmp);
        let percentile = |percent| at(&all, percent).unwrap_or(f64::NAN);
        let _ = writeln!(
            text,
            "{about:<34} {:>9.1} {:>9.1} {:>9.1}",
            percentile(50.0),
            percentile(99.0),
            percentile(99.9)
        );
    }
    text
}

/// By how much a percentile of one client's block is above that of the other's in the same round: the middle half of the
/// rounds, and their median.
fn difference(blocks: &Blocks, target: &Target) -> Option<Spread> {
    let rounds = blocks
        .get(target.ours)?
        .iter()
        .zip(blocks.get(target.peer)?);
    let differences: Option<Vec<f64>> = rounds
        .map(|(ours, peer)| Some(at(ours, target.percent)? - at(peer, target.percent)?))
        .collect();
    let mut differences = differences?;
    differences.sort_unstable_by(f64::total_cmp);
    Some(Spread {
        median: at(&differences, 50.0)?,
        lowest: at(&differences, 25.0)?,
        highest: at(&differences, 75.0)?,
    })
}

fn verdicts(blocks: &Blocks) -> (String, bool) {
    let mut text = String::from(
        "difference within a round, µs: the median of the rounds, and their middle half\n",
    );
    let mut all = true;
    for target in TARGETS {
        let found = difference(blocks, target);
        let verdict = match (target.limit, found) {
            (None, _) => "for information".to_owned(),
            (Some(limit), Some(found)) if found.median <= limit => format!("met (at most {limit})"),
            (Some(limit), found) => {
                all = false;
                let verdict = if found.is_some() {
                    "MISSED"
                } else {
                    "not measured"
                };
                format!("{verdict} (at most {limit})")
            }
        };
        let about = format!("{} − {}, p{}", target.ours, target.peer, target.percent);
        let found = found.map_or_else(String::new, |found| found.to_string());
        let _ = writeln!(text, "{about:<34} {found:>20}  {verdict}");
    }
    (text, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_the_same_round_are_compared() {
        // The second round is ten times as slow for both, and ours takes 4 µs longer in each.
        let lines = "ours 14000 14000\nhyper-util 10000 10000\nhyper-util 100000 100000\nours 104000 104000\n";
        let blocks = parse(lines).unwrap();
        let found = difference(&blocks, TARGETS.first().unwrap()).unwrap();
        assert_eq!((found.lowest, found.highest), (4.0, 4.0));
        assert!(verdicts(&blocks).1);
        let slower = parse(&lines.replace("4000", "6000")).unwrap();
        assert!(!verdicts(&slower).1);
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        assert!(!verdicts(&Blocks::new()).1);
        assert!(parse("ours 1 x").is_err());
    }
}
