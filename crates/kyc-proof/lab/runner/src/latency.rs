//! `cargo xtask bench latency`: what a call takes longer than the same call by hand, one at a time.
//!
//! Clients take turns in small blocks, and a round's blocks are compared with each other: what else the machine does hits
//! all of a round.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use crate::cores::{self, Core};
use crate::failure::{Context, Result};
use crate::machine;
use crate::metadata::Metadata;
use crate::peers::locked;
use crate::programs::Programs;
use crate::report;
use crate::server::Server;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

const ROUNDS: u32 = 200;

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

/// Of each client, of each round: its calls in µs.
type Blocks = BTreeMap<String, Vec<Spread>>;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let output = Metadata::read(workspace)?
        .target_directory
        .join("bench/latency");
    fs::create_dir_all(&output).context(|| format!("cannot create {}", output.display()))?;
    let programs = Programs::build(workspace, &["latency", "server"])?;
    let server = Server::pinned(programs.get("server")?, &[])?;
    println!("timing");
    let mut latency = cores::on(Core::Client, programs.get("latency")?);
    let lines = shell::read(latency.args([server.port(), &ROUNDS.to_string()]))?;
    drop(server);
    let file = output.join("blocks.txt");
    fs::write(&file, &lines).context(|| format!("cannot write {}", file.display()))?;

    let blocks = parse(&lines)?;
    let (verdicts, passed) = verdicts(&blocks);
    let report = [heading(workspace)?, table(&blocks), verdicts].join("\n");
    report::finish(&output, &report, passed, "a call takes longer than it may")
}

fn parse(lines: &str) -> Result<Blocks> {
    let mut blocks = Blocks::new();
    for line in lines.lines() {
        let (client, nanoseconds) = line.split_once(' ').unwrap_or((line, ""));
        let block: std::result::Result<Vec<f64>, _> =
            nanoseconds.split(' ').map(str::parse).collect();
        let block = block.context(|| "cannot read a time".into())?;
        let block = block.into_iter().map(|time| time / 1e3).collect();
        blocks.entry(client.to_owned()).or_default().push(block);
    }
    Ok(blocks)
}

fn heading(workspace: &Workspace) -> Result<String> {
    let rustc = shell::read(std::process::Command::new("rustc").arg("--version"))?;
    let lock = fs::read_to_string(workspace.lab().join("Cargo.lock"))
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
        let blocks = blocks.get(*name).into_iter().flatten();
        let all: Spread = blocks.flat_map(Spread::values).collect();
        let _ = writeln!(
            text,
            "{about:<34} {:>9.1} {:>9.1} {:>9.1}",
            all.percentile(50.0),
            all.percentile(99.0),
            all.percentile(99.9)
        );
    }
    text
}

/// By how much a percentile of one client's block is above that of the other's, round by round.
fn differences(blocks: &Blocks, target: &Target) -> Option<Spread> {
    let rounds = blocks
        .get(target.ours)?
        .iter()
        .zip(blocks.get(target.peer)?);
    let differences = rounds
        .map(|(ours, peer)| ours.percentile(target.percent) - peer.percentile(target.percent));
    Some(differences.collect())
}

fn verdicts(blocks: &Blocks) -> (String, bool) {
    let mut text = String::from(
        "difference within a round, µs: the median of the rounds, and its interval of 95 % confidence\n",
    );
    let mut all = true;
    for target in TARGETS {
        let found = differences(blocks, target);
        let interval = found.as_ref().map(Spread::interval_of_median);
        let verdict = match (target.limit, interval) {
            (None, _) => "for information".to_owned(),
            (Some(limit), interval) => {
                let verdict = match interval {
                    None => "not measured",
                    Some((_, highest)) if highest <= limit => "met",
                    Some((lowest, _)) if lowest > limit => "MISSED",
                    Some(_) => "not decided: too much noise",
                };
                all &= verdict == "met";
                format!("{verdict} (at most {limit})")
            }
        };
        let about = format!("{} − {}, p{}", target.ours, target.peer, target.percent);
        let found = found.zip(interval).map(|(found, (lowest, highest))| {
            format!("{:.1} ({lowest:.1} to {highest:.1})", found.median())
        });
        let found = found.unwrap_or_default();
        let _ = writeln!(text, "{about:<34} {found:>24}  {verdict}");
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
        let found = differences(&blocks, TARGETS.first().unwrap()).unwrap();
        assert_eq!((found.least(), found.most()), (4.0, 4.0));
        assert!(verdicts(&blocks).1);
        let slower = parse(&lines.replace("4000", "6000")).unwrap();
        assert!(!verdicts(&slower).1);
    }

    #[test]
    fn what_noise_hides_is_not_met() {
        let lines: String = (0..100)
            .map(|round| format!("hyper-util 10000\nours {}\n", 10_000 + round * 100))
            .collect();
        let (text, passed) = verdicts(&parse(&lines).unwrap());
        assert!(!passed);
        assert_eq!(text.matches("not decided").count(), 1);
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        assert!(!verdicts(&Blocks::new()).1);
        assert!(parse("ours 1 x").is_err());
    }
}
