//! `cargo xtask bench throughput`: calls a second on one core, beside what a user would take instead.
//!
//! Every round runs all of them in turn. What is judged is the processor time of a call, which a busy machine disturbs less
//! than the clock on the wall; both are printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::cores::{self, Core};
use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::metadata::Metadata;
use crate::peers::{Ready, Runtime, locked};
use crate::programs::Programs;
use crate::report;
use crate::server::Server;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

const ROUNDS: usize = 5;

/// Where a peer comes from.
#[derive(Clone, Copy)]
enum Source {
    /// The program `load` of this workspace.
    Load,
    /// A program of `peers`.
    Elsewhere(Runtime),
}

/// A client: its name here, what it is to its program, and how many calls a round takes of it.
struct Peer {
    name: &'static str,
    source: Source,
    program: &'static str,
    exchanges: &'static [&'static str],
    calls: usize,
}

const FINPASS: &[&str] = &["finpass"];
const BOTH: &[&str] = &["finpass", "veriff"];

const PEERS: &[Peer] = &[
    Peer {
        name: "ours",
        source: Source::Load,
        program: "ours",
        exchanges: BOTH,
        calls: 12_800,
    },
    Peer {
        name: "ours, over the reqwest transport",
        source: Source::Load,
        program: "ours-on-reqwest",
        exchanges: BOTH,
        calls: 12_800,
    },
    Peer {
        name: "hyper, one connection each",
        source: Source::Load,
        program: "hyper",
        exchanges: FINPASS,
        calls: 12_800,
    },
    Peer {
        name: "hyper-util, pooled",
        source: Source::Load,
        program: "hyper-util",
        exchanges: FINPASS,
        calls: 12_800,
    },
    Peer {
        name: "reqwest",
        source: Source::Load,
        program: "reqwest",
        exchanges: BOTH,
        calls: 12_800,
    },
    Peer {
        name: "awc",
        source: Source::Elsewhere(Runtime::Rust),
        program: "awc",
        exchanges: FINPASS,
        calls: 12_800,
    },
    Peer {
        name: "ureq, threads",
        source: Source::Elsewhere(Runtime::Rust),
        program: "ureq",
        exchanges: FINPASS,
        calls: 12_800,
    },
    Peer {
        name: "Go net/http",
        source: Source::Elsewhere(Runtime::Go),
        program: "",
        exchanges: BOTH,
        calls: 6_400,
    },
    Peer {
        name: "undici.request",
        source: Source::Elsewhere(Runtime::Node),
        program: "undici.mjs",
        exchanges: BOTH,
        calls: 6_400,
    },
    Peer {
        name: "axios",
        source: Source::Elsewhere(Runtime::Node),
        program: "axios.mjs",
        exchanges: FINPASS,
        calls: 2_560,
    },
    Peer {
        name: "fetch of Node.js",
        source: Source::Elsewhere(Runtime::Node),
        program: "fetch.mjs",
        exchanges: FINPASS,
        calls: 2_560,
    },
    Peer {
        name: "aiohttp",
        source: Source::Elsewhere(Runtime::Python),
        program: "aiohttp_peer.py",
        exchanges: BOTH,
        calls: 2_560,
    },
    Peer {
        name: "httpx, async",
        source: Source::Elsewhere(Runtime::Python),
        program: "httpx_peer.py",
        exchanges: FINPASS,
        calls: 512,
    },
];

/// What is measured: Finpass's call alone, 32 and 256 at a time, and Veriff's, signed and verified by everybody.
const LOADS: &[(&str, usize)] = &[
    ("finpass", 1),
    ("finpass", 32),
    ("finpass", 256),
    ("veriff", 32),
];

/// Where the targets are judged.
const JUDGED: (&str, usize) = ("finpass", 32);

/// How many times the peer's calls a second ours should make.
const TARGETS: &[(&str, f64)] = &[
    ("reqwest", 1.2),
    ("Go net/http", 2.0),
    ("undici.request", 3.5),
    ("aiohttp", 5.0),
    ("axios", 13.0),
    ("httpx, async", 90.0),
];

/// Thousands of calls a second that ours should make on one core, whatever the others do.
const THOUSANDS_A_SECOND: f64 = 40.0;

/// What one run of a program printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    calls: f64,
    elapsed: f64,
    p50: f64,
    p99: f64,
    user: f64,
    system: f64,
}

impl Run {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let numbers: Option<Vec<f64>> = line.split_whitespace().map(|n| n.parse().ok()).collect();
        let [calls, elapsed, p50, p99, user, system] = *numbers?.as_slice() else {
            return None;
        };
        Some(Self {
            calls,
            elapsed,
            p50,
            p99,
            user,
            system,
        })
    }

    /// Microseconds of processor time a call.
    pub(crate) fn processor(&self) -> f64 {
        (self.user + self.system) / self.calls * 1e6
    }

    fn per_second(&self) -> f64 {
        self.calls / self.elapsed
    }
}

/// All runs of a peer under a load.
type Runs = BTreeMap<((&'static str, usize), &'static str), Vec<Run>>;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let output = Metadata::read(workspace)?
        .target_directory
        .join("bench/throughput");
    fs::create_dir_all(&output).context(|| format!("cannot create {}", output.display()))?;
    let programs = Programs::build(workspace, &["load", "server"])?;
    let mut ready = BTreeMap::new();
    let mut skipped = BTreeMap::new();
    for runtime in Runtime::ALL {
        println!("preparing the peers for {runtime:?}");
        match runtime.prepare(workspace, &output) {
            Ok(peers) => drop(ready.insert(runtime, peers)),
            Err(failure) => drop(skipped.insert(runtime, failure.to_string())),
        }
    }
    let runs = measure(&programs, &ready, &output)?;
    let (verdicts, passed) = verdicts(&runs);
    let mut report = heading(workspace, &ready)?;
    for (runtime, why) in &skipped {
        let _ = writeln!(report, "SKIPPED, all for {runtime:?}: {why}");
    }
    for load in LOADS {
        report.push_str(&table(&runs, *load));
    }
    report.push_str(
        "CPU: user and system time of the client. × CPU, × least: times ours, of the medians and of the best rounds.\n",
    );
    report.push_str(&verdicts);
    report::finish(
        &output,
        &report,
        passed,
        "a target was missed or not measured",
    )
}

fn measure(programs: &Programs, ready: &BTreeMap<Runtime, Ready>, output: &Path) -> Result<Runs> {
    let server = Server::pinned(programs.get("server")?, &[])?;
    let mut runs = Runs::new();
    let mut raw = String::from(
        "round,exchange,concurrency,peer,calls,elapsed s,p50 us,p99 us,user s,system s,server s\n",
    );
    for round in 1..=ROUNDS {
        for load @ (exchange, concurrency) in LOADS.iter().copied() {
            println!("round {round} of {ROUNDS}: {exchange}, {concurrency} at a time");
            for peer in PEERS
                .iter()
                .filter(|peer| peer.exchanges.contains(&exchange))
            {
                let mut command = match peer.source {
                    Source::Load => {
                        let mut load = cores::on(Core::Client, programs.get("load")?);
                        load.arg(peer.program);
                        load
                    }
                    Source::Elsewhere(runtime) => {
                        let Some(ready) = ready.get(&runtime) else {
                            continue;
                        };
                        let (program, first) = ready.command(peer.program);
                        let mut command = cores::on(Core::Client, program);
                        command.args(first).env("PYTHONDONTWRITEBYTECODE", "1");
                        command
                    }
                };
                let (at_once, calls) = (concurrency.to_string(), peer.calls.to_string());
                command.args([exchange, server.port(), &at_once, &calls]);
                let before = server.processor_time();
                let line = shell::read(&mut command)?;
                let server_time = server
                    .processor_time()
                    .zip(before)
                    .map_or(f64::NAN, |(after, before)| after - before);
                let words: Vec<&str> = line.split_whitespace().collect();
                let _ = writeln!(
                    raw,
                    "{round},{exchange},{concurrency},\"{}\",{},{server_time:.6}",
                    peer.name,
                    words.join(",")
                );
                let run = Run::parse(&line)
                    .ok_or_else(|| Failure::new(format!("cannot read `{line}`")))?;
                runs.entry((load, peer.name)).or_default().push(run);
            }
        }
        let file = output.join("rounds.csv");
        fs::write(&file, &raw).context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(runs)
}

fn heading(workspace: &Workspace, ready: &BTreeMap<Runtime, Ready>) -> Result<String> {
    let rustc = shell::read(std::process::Command::new("rustc").arg("--version"))?;
    let lock = fs::read_to_string(workspace.lab().join("Cargo.lock"))
        .context(|| "cannot read Cargo.lock".into())?;
    let version = |name| locked(&lock, name).unwrap_or("?");
    let mut versions = vec![
        rustc.trim().to_owned(),
        format!("hyper {}", version("hyper")),
        format!("hyper-util {}", version("hyper-util")),
        format!("reqwest {}", version("reqwest")),
    ];
    versions.extend(ready.values().map(|ready| ready.versions.clone()));
    Ok(format!(
        "calls over loopback, plain HTTP/1.1, kept connections, JSON both ways; {ROUNDS} rounds, each peer in turn\n\
         {}; {}\n{}\n",
        machine::description(),
        cores::description(),
        versions.join(", "),
    ))
}

fn spread(runs: &[Run], figure: impl Fn(&Run) -> f64) -> Spread {
    runs.iter().map(figure).collect()
}

fn table(runs: &Runs, load @ (exchange, concurrency): (&'static str, usize)) -> String {
    let mut text = format!(
        "\n{:<34} {:>20} {:>24} {:>8} {:>9} {:>8} {:>8} {:>8}\n",
        format!("{exchange}, {concurrency} at a time"),
        "CPU µs/call",
        "calls/s",
        "p50 µs",
        "p99 µs",
        "× CPU",
        "× least",
        "× wall",
    );
    let Some(ours) = runs.get(&(load, "ours")) else {
        return text;
    };
    let ours_processor = spread(ours, Run::processor);
    let ours_per_second = spread(ours, Run::per_second);
    for peer in PEERS {
        let Some(runs) = runs.get(&(load, peer.name)) else {
            continue;
        };
        let processor = spread(runs, Run::processor);
        let per_second = spread(runs, Run::per_second);
        let _ = writeln!(
            text,
            "{:<34} {processor:>20} {per_second:>24} {:>8.0} {:>9.0} {:>8.2} {:>8.2} {:>8.2}",
            peer.name,
            spread(runs, |run| run.p50).median(),
            spread(runs, |run| run.p99).median(),
            processor.median() / ours_processor.median(),
            processor.least() / ours_processor.least(),
            ours_per_second.median() / per_second.median(),
        );
    }
    text
}

/// How many calls a second somebody makes: by the processor time of a call, and by the clock on the wall.
#[derive(Clone, Copy)]
struct Rate {
    processor: f64,
    wall: f64,
}

fn rate(runs: &Runs, name: &'static str) -> Option<Rate> {
    let runs = runs.get(&(JUDGED, name))?;
    Some(Rate {
        processor: 1e6 / spread(runs, Run::processor).median(),
        wall: spread(runs, Run::per_second).median(),
    })
}

/// Each target beside what was measured, and whether all of them are met.
fn verdicts(runs: &Runs) -> (String, bool) {
    let (exchange, concurrency) = JUDGED;
    let mut text = format!(
        "\n{:<64} {:>8} {:>8}\n",
        format!("ours, {exchange}, {concurrency} at a time, judged by processor time"),
        "by CPU",
        "by wall"
    );
    let ours = rate(runs, "ours");
    let mut all = true;
    let mut tell = |about: String, target: f64, found: Option<Rate>| {
        let verdict = match found {
            None => "not measured",
            Some(found) if found.processor >= target => "met",
            Some(_) => "MISSED",
        };
        all &= verdict == "met";
        let found = found.unwrap_or(Rate {
            processor: f64::NAN,
            wall: f64::NAN,
        });
        let _ = writeln!(
            text,
            "{about:<64} {:>8.2} {:>8.2}  {verdict}",
            found.processor, found.wall
        );
    };
    tell(
        format!("thousands of calls a second, at least {THOUSANDS_A_SECOND}"),
        THOUSANDS_A_SECOND,
        ours.map(|ours| Rate {
            processor: ours.processor / 1e3,
            wall: ours.wall / 1e3,
        }),
    );
    for (peer, target) in TARGETS {
        let found = ours.zip(rate(runs, peer)).map(|(ours, peer)| Rate {
            processor: ours.processor / peer.processor,
            wall: ours.wall / peer.wall,
        });
        tell(
            format!("times as many as {peer}, at least {target}"),
            *target,
            found,
        );
    }
    (text, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(reqwest: f64) -> Runs {
        let run = |processor: f64| Run {
            calls: 1e6,
            elapsed: processor,
            p50: 0.0,
            p99: 0.0,
            user: processor,
            system: 0.0,
        };
        let mut runs: Runs = PEERS
            .iter()
            .map(|peer| ((JUDGED, peer.name), vec![run(10_000.0)]))
            .collect();
        runs.insert((JUDGED, "ours"), vec![run(20.0)]);
        runs.insert((JUDGED, "reqwest"), vec![run(reqwest)]);
        runs
    }

    #[test]
    fn a_program_s_line_is_read() {
        let run = Run::parse("200 0.5 1 2 0.01 0.03\n").unwrap();
        assert_eq!((run.per_second(), run.processor().round()), (400.0, 200.0));
        assert_eq!(Run::parse("200 0.5"), None);
    }

    #[test]
    fn a_target_that_is_missed_is_named() {
        assert!(verdicts(&runs(24.1)).1);
        let (text, passed) = verdicts(&runs(23.9));
        assert!(!passed);
        assert_eq!(text.matches("MISSED").count(), 1);
    }

    #[test]
    fn a_peer_that_could_not_be_had_is_no_target_met() {
        let mut runs = runs(24.1);
        runs.remove(&(JUDGED, "axios"));
        let (text, passed) = verdicts(&runs);
        assert!(!passed);
        assert_eq!(text.matches("not measured").count(), 1);
    }

    #[test]
    fn every_target_is_about_a_peer() {
        assert!(
            TARGETS
                .iter()
                .all(|(name, _)| PEERS.iter().any(|peer| peer.name == *name))
        );
    }
}
