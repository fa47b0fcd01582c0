//! `cargo xtask bench call`: what one call costs, beside the same call written by hand on reqwest.
//!
//! Instructions are counted by valgrind, which this installs where it may. Wall times are printed and never judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::callgrind;
use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::metadata::Metadata;
use crate::numbers::grouped;
use crate::peers::locked;
use crate::programs::Programs;
use crate::report;
use crate::server::Server;
use crate::shell::{self, Workspace};

/// How many calls the shorter of two runs makes; the longer makes twice as many, and the difference is what counts.
const CALLS: u32 = 200;

/// A way to make a call, under its name in the measured program.
struct Peer {
    name: &'static str,
    about: &'static str,
    signs: bool,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "ours-finpass",
        about: "finpass initialize: ours",
        signs: false,
    },
    Peer {
        name: "ours-finpass-reqwest",
        about: "  ours, over the reqwest transport",
        signs: false,
    },
    Peer {
        name: "bare-finpass",
        about: "  reqwest, URL as text",
        signs: false,
    },
    Peer {
        name: "bare-finpass-url",
        about: "  reqwest, URL parsed beforehand",
        signs: false,
    },
    Peer {
        name: "ours-veriff",
        about: "veriff record-consent: ours, signed, verified",
        signs: true,
    },
    Peer {
        name: "ours-veriff-reqwest",
        about: "  ours, over the reqwest transport",
        signs: true,
    },
    Peer {
        name: "bare-veriff",
        about: "  reqwest, neither signed nor verified",
        signs: false,
    },
    Peer {
        name: "bare-veriff-signed",
        about: "  reqwest, signed and verified by hand",
        signs: true,
    },
];

/// What must not cost more than what.
struct Rule {
    about: &'static str,
    ours: &'static str,
    peer: &'static str,
    /// The most that ours may cost in parts of the peer's; without one the ratio is only told.
    limit: Option<f64>,
}

const RULES: &[Rule] = &[
    Rule {
        about: "finpass / reqwest, URL as text",
        ours: "ours-finpass",
        peer: "bare-finpass",
        limit: Some(0.75),
    },
    Rule {
        about: "finpass over reqwest / reqwest, URL as text",
        ours: "ours-finpass-reqwest",
        peer: "bare-finpass",
        limit: Some(1.0),
    },
    Rule {
        about: "finpass / reqwest, URL parsed beforehand",
        ours: "ours-finpass",
        peer: "bare-finpass-url",
        limit: None,
    },
    Rule {
        about: "veriff / reqwest, neither signed nor verified",
        ours: "ours-veriff",
        peer: "bare-veriff",
        limit: Some(0.75),
    },
    Rule {
        about: "veriff over reqwest / reqwest, neither",
        ours: "ours-veriff-reqwest",
        peer: "bare-veriff",
        limit: Some(1.0),
    },
    Rule {
        about: "veriff / reqwest, signed and verified by hand",
        ours: "ours-veriff",
        peer: "bare-veriff-signed",
        limit: Some(1.0),
    },
];

/// What one call costs on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) instructions: f64,
    /// The part of them inside SHA-256's compression.
    pub(crate) hashing: f64,
    pub(crate) blocks: f64,
    pub(crate) bytes: f64,
}

impl Cost {
    pub(crate) fn without_hashing(&self) -> f64 {
        self.instructions - self.hashing
    }
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let valgrind = callgrind::provide()?;
    let counting = Counting::start(workspace)?;
    let costs = counting.count(PEERS.iter())?;
    let Counting {
        programs,
        server,
        output,
    } = counting;
    println!("timing");
    let times = shell::read(Command::new(programs.get("call")?).args(["wall", server.port()]))?;
    drop(server);

    let (verdicts, passed) = verdicts(&costs);
    let report = [
        heading(workspace, &valgrind)?,
        table(&costs),
        verdicts,
        wall(&times),
    ]
    .join("\n");
    report::finish(&output, &report, passed, "a call costs more than it may")
}

/// What counting needs.
struct Counting {
    programs: Programs,
    server: Server,
    /// Where raw output is kept.
    output: PathBuf,
}

impl Counting {
    fn start(workspace: &Workspace) -> Result<Self> {
        let output = Metadata::read(workspace)?
            .target_directory
            .join("bench")
            .join("call");
        fs::create_dir_all(&output).context(|| format!("cannot create {}", output.display()))?;
        let programs = Programs::build(workspace, &["call", "call-heap", "server"])?;
        let server = Server::start(programs.get("server")?, &["exact"])?;
        Ok(Self {
            programs,
            server,
            output,
        })
    }

    fn count<'p>(
        &self,
        peers: impl Iterator<Item = &'p Peer>,
    ) -> Result<BTreeMap<&'static str, Cost>> {
        let Self {
            programs,
            server,
            output,
        } = self;
        let mut costs = BTreeMap::new();
        for peer in peers {
            println!("counting {}", peer.name);
            costs.insert(peer.name, count(programs, server, peer, output)?);
        }
        Ok(costs)
    }
}

fn count(programs: &Programs, server: &Server, peer: &Peer, output: &Path) -> Result<Cost> {
    let (call, heap_program) = (programs.get("call")?, programs.get("call-heap")?);
    let instructions = |calls: u32| {
        let file = |ending: &str| output.join(format!("{}.{calls}.{ending}", peer.name));
        let words = ["run", peer.name, &calls.to_string(), server.port()];
        callgrind::run(call, &words, &file("callgrind"), &file("log"))
    };
    let heap = |calls: u32| {
        let calls = calls.to_string();
        let line =
            shell::read(Command::new(heap_program).args([peer.name, &calls, server.port()]))?;
        fs::write(output.join(format!("{}.{calls}.heap", peer.name)), &line)
            .context(|| "cannot keep the allocations".into())?;
        pair(&line).ok_or_else(|| Failure::new("cannot read the allocations"))
    };
    let (fewer, more) = (instructions(CALLS)?, instructions(2 * CALLS)?);
    let ((fewer_blocks, fewer_bytes), (more_blocks, more_bytes)) = (heap(CALLS)?, heap(2 * CALLS)?);
    let cost = Cost {
        instructions: per_call(fewer.all, more.all),
        hashing: per_call(fewer.hashing, more.hashing),
        blocks: per_call(fewer_blocks, more_blocks),
        bytes: per_call(fewer_bytes, more_bytes),
    };
    if peer.signs != (cost.hashing > 0.0) {
        return Err(Failure::new(format!(
            "SHA-256 was expected to be in the profile of those who sign and of nobody else; look into {}",
            output.display()
        )));
    }
    Ok(cost)
}

fn pair(line: &str) -> Option<(u64, u64)> {
    let (first, second) = line.trim().split_once(' ')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

fn per_call(fewer: u64, more: u64) -> f64 {
    (more as f64 - fewer as f64) / f64::from(CALLS)
}

fn heading(workspace: &Workspace, valgrind: &str) -> Result<String> {
    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    let lock = fs::read_to_string(workspace.lab().join("Cargo.lock"))
        .context(|| "cannot read Cargo.lock".into())?;
    let reqwest = locked(&lock, "reqwest").unwrap_or("?");
    Ok(format!(
        "one call over loopback: built, authorised, sent, checked, decoded\n\
         {}, reqwest {reqwest}, {valgrind}; {}\n\
         (a run of {} calls - a run of {CALLS}) / {CALLS}; instructions in user space, server not counted\n",
        rustc.trim(),
        machine::description(),
        2 * CALLS,
    ))
}

fn table(costs: &BTreeMap<&str, Cost>) -> String {
    let mut text = format!(
        "{:<48} {:>12} {:>12} {:>8} {:>8}\n",
        "", "instructions", "no SHA-256", "blocks", "bytes"
    );
    for peer in PEERS {
        if let Some(cost) = costs.get(peer.name) {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(
                text,
                "{:<48} {:>12} {:>12} {:>8.1} {:>8}",
                peer.about,
                grouped(cost.instructions),
                grouped(cost.without_hashing()),
                cost.blocks,
                grouped(cost.bytes),
            );
        }
    }
    text.push_str(
        "no SHA-256: without the own cost of sha2's compression function, on all sides: valgrind knows no SHA\n\
         instructions, so it counts a fallback that real machines do not run. Blocks: allocations and reallocations.\n",
    );
    text
}

/// The ratios without SHA-256, and whether all of those that are judged are small enough.
fn verdicts(costs: &BTreeMap<&str, Cost>) -> (String, bool) {
    let mut text = format!("{:<48} {:>12}\n", "ratio, no SHA-256", "");
    let mut all = true;
    for rule in RULES {
        let (Some(ours), Some(peer)) = (costs.get(rule.ours), costs.get(rule.peer)) else {
            all = false;
            continue;
        };
        let ratio = ours.without_hashing() / peer.without_hashing();
        let verdict = match rule.limit {
            None => "for information".to_owned(),
            Some(limit) if ratio <= limit => format!("PASS (at most {limit:.2})"),
            Some(limit) => {
                all = false;
                format!("FAIL (at most {limit:.2})")
            }
        };
        let _ = writeln!(text, "{:<48} {ratio:>12.2}  {verdict}", rule.about);
    }
    (text, all)
}

fn wall(times: &str) -> String {
    let mut text = format!(
        "{:<48} {:>12} {:>12} {:>12}\n",
        "wall clock: noisy, for information", "p50 µs", "p99 µs", "calls/s × 32"
    );
    for line in times.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if let [name, p50, p99, per_second] = *words.as_slice() {
            let _ = writeln!(text, "{name:<48} {p50:>12} {p99:>12} {per_second:>12}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(instructions: f64, hashing: f64) -> Cost {
        Cost {
            instructions,
            hashing,
            blocks: 0.0,
            bytes: 0.0,
        }
    }

    #[test]
    fn hashing_is_left_out_on_both_sides_before_they_are_compared() {
        let with = |ours: f64| {
            let mut costs: BTreeMap<&str, Cost> = PEERS
                .iter()
                .map(|peer| (peer.name, cost(100.0, 0.0)))
                .collect();
            costs.insert("ours-finpass", cost(75.0, 0.0));
            costs.insert("ours-veriff", cost(ours, 50.0));
            verdicts(&costs)
        };
        assert!(with(125.0).1);
        let (text, passed) = with(151.0);
        assert!(!passed);
        assert_eq!(text.matches("FAIL").count(), 2);
    }

    #[test]
    fn what_was_not_measured_does_not_pass() {
        assert!(!verdicts(&BTreeMap::new()).1);
    }
}
