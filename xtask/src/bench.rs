//! `cargo xtask bench`: forwards to the lab, which measures beside peers, and keeps the one benchmark that is part of `ci`:
//! `bench call --check` compares instructions and allocations of the clients' calls with the committed ones.
//!
//! Instructions and allocations hardly differ between two runs of the same build, so a change of a percent is one of the
//! code, for better or worse. They do differ between compilers, valgrinds and C libraries: nothing is compared then.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::BufRead as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use pico_args::Arguments;
use serde_json::{Value, json};
use xshell::cmd;

use crate::workspace::{Background, Workspace, require};
use crate::{names, no_more};

/// The workspace's clients, over both transports.
const CALLERS: [&str; 4] = [
    "ours-finpass",
    "ours-finpass-reqwest",
    "ours-veriff",
    "ours-veriff-reqwest",
];

/// The number of calls in the shorter of two runs; the longer makes twice as many, and the difference is measured.
const CALLS: u32 = 200;

/// The largest accepted change of a count.
const TOLERANCE: f64 = 0.01;

const EXPECTED: &str = "crates/kyc-proof/benches/call/expected.json";

/// The counts of each call.
const COUNTS: [&str; 3] = ["instructions", "blocks", "bytes"];

pub(crate) fn command(workspace: &Workspace, mut arguments: Arguments) -> Result<()> {
    let (check, update) = (
        arguments.contains("--check"),
        arguments.contains("--update"),
    );
    if check || update {
        let name = arguments.subcommand()?;
        ensure!(
            name.as_deref() == Some("call"),
            "only `cargo xtask bench call` has `--check` and `--update`"
        );
        no_more(arguments)?;
        require("valgrind", "valgrind", "it counts instructions")?;
        return match update {
            true => self::update(workspace),
            false => self::check(workspace)
                .map(|skipped| println!("\n{}", skipped.unwrap_or("as expected".into()))),
        };
    }
    let mut options = Vec::new();
    for option in ["--list", "--record", "--short"] {
        options.extend(arguments.contains(option).then_some(option));
    }
    let names = names(arguments)?;
    let mut lab = workspace.cargo(
        "run --quiet --release --manifest-path crates/kyc-proof/lab/Cargo.toml --package runner",
    );
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        lab = lab.arg("--target-dir").arg(workspace.target()?.join("lab"));
    }
    lab.arg("--").args(options).args(names).run()?;
    Ok(())
}

/// Counts and compares. Prints the reason if there is nothing to compare with.
pub(crate) fn check(workspace: &Workspace) -> Result<Option<String>> {
    let expected: Value =
        serde_json::from_str(&workspace.sh.read_file(EXPECTED)?).with_context(|| {
            format!("{EXPECTED} is not JSON; `cargo xtask bench call --update` writes it again")
        })?;
    for (tool, here) in tools(workspace)? {
        let then = expected.pointer(&format!("/tools/{tool}"));
        let then = then.and_then(Value::as_str).unwrap_or("unknown");
        if then != here {
            return Ok(Some(format!(
                "NOT COMPARED: counted with {then}, here is {here}"
            )));
        }
    }
    let (table, same) = compare(&expected, &count(workspace)?);
    print!("\n{table}");
    ensure!(
        same,
        "a call costs more or less than before; if that is intended: `cargo xtask bench call --update`"
    );
    Ok(None)
}

fn update(workspace: &Workspace) -> Result<()> {
    let calls = count(workspace)?;
    let json = json!({ "tools": tools(workspace)?, "calls": calls });
    workspace.sh.write_file(EXPECTED, format!("{json:#}\n"))?;
    println!("wrote {EXPECTED}");
    Ok(())
}

/// What the counts depend on other than the code.
fn tools(workspace: &Workspace) -> Result<BTreeMap<&'static str, String>> {
    let sh = &workspace.sh;
    let first = |text: String| text.lines().next().unwrap_or_default().trim().to_owned();
    Ok(BTreeMap::from([
        ("libc", first(cmd!(sh, "ldd --version").quiet().read()?)),
        ("rustc", first(cmd!(sh, "rustc --version").quiet().read()?)),
        (
            "valgrind",
            first(cmd!(sh, "valgrind --version").quiet().read()?),
        ),
    ]))
}

/// Counts of each caller, by the names in [`COUNTS`].
type Costs = BTreeMap<&'static str, BTreeMap<&'static str, f64>>;

fn count(workspace: &Workspace) -> Result<Costs> {
    let output = workspace.target()?.join("bench/gate");
    fs::create_dir_all(&output)?;
    let build = |bench| {
        let what = ["--release", "--package", "kyc-proof", "--bench", bench];
        workspace.build(&what, bench)
    };
    let (call, heap) = (build("call")?, build("call-heap")?);
    // A process of its own, so that its work is not counted.
    let mut server = Command::new(&call);
    let (_server, mut printed) = Background::start(server.arg("serve").stdin(Stdio::piped()))?;
    let mut port = String::new();
    printed.read_line(&mut port)?;
    let port = port.trim();
    let mut costs = Costs::new();
    for caller in CALLERS {
        println!("counting {caller}");
        let mut totals = Vec::new();
        for calls in [CALLS, 2 * CALLS] {
            let number = calls.to_string();
            let profile = output.join(format!("{caller}.{calls}.callgrind"));
            let log = output.join(format!("{caller}.{calls}.log"));
            let sh = &workspace.sh;
            cmd!(sh, "valgrind --tool=callgrind --callgrind-out-file={profile} --log-file={log} {call} run {caller} {number} {port}")
                .quiet()
                .run()?;
            let allocated = cmd!(sh, "{heap} {caller} {number} {port}").quiet().read()?;
            let (blocks, bytes) = allocated
                .split_once(' ')
                .context("`call-heap` printed no pair of counts")?;
            totals.push([
                instructions(&fs::read_to_string(&profile)?),
                blocks.parse()?,
                bytes.parse()?,
            ]);
        }
        let [fewer, more] = totals.as_slice() else {
            bail!("two runs were expected");
        };
        let cost = COUNTS.into_iter().zip(fewer.iter().zip(more));
        costs.insert(
            caller,
            cost.map(|(name, (fewer, more))| (name, per_call(*fewer, *more)))
                .collect(),
        );
    }
    Ok(costs)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of this size are exact in an f64"
)]
fn per_call(fewer: u64, more: u64) -> f64 {
    let each = more.saturating_sub(fewer) as f64 / f64::from(CALLS);
    (each * 100.0).round() / 100.0
}

/// Adds up each function's own instructions in callgrind's format, without SHA-256's compression: valgrind does not know the
/// processor's SHA instructions and counts a fallback that real machines do not run.
fn instructions(profile: &str) -> u64 {
    let mut sum = 0;
    let mut names = BTreeMap::new();
    let (mut hashing, mut skip) = (false, false);
    for line in profile.lines() {
        // A function is `(number) name` once, and `(number)` from then on.
        let mut is_hashing = |function: &str| {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            *names
                .entry(number.to_owned())
                .or_insert(name.contains("sha2") && name.contains("compress"))
        };
        if let Some(function) = line.strip_prefix("fn=") {
            hashing = is_hashing(function);
        } else if let Some(function) = line.strip_prefix("cfn=") {
            is_hashing(function);
        } else if line.starts_with("calls=") {
            // The next line is what the called function cost; it has lines of its own.
            skip = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            && !std::mem::take(&mut skip)
            && !hashing
        {
            sum += line
                .split(' ')
                .nth(1)
                .and_then(|cost| cost.parse::<u64>().ok())
                .unwrap_or(0);
        }
    }
    sum
}

/// A line for each count, and whether all are within the tolerance.
fn compare(expected: &Value, costs: &Costs) -> (String, bool) {
    let mut text = format!("{:<38} {:>10} {:>10}\n", "one call", "expected", "counted");
    let mut same = true;
    for (caller, counts) in costs {
        for (count, counted) in counts {
            let then = expected.pointer(&format!("/calls/{caller}/{count}"));
            let then = then.and_then(Value::as_f64).unwrap_or(f64::NAN);
            let change = counted / then - 1.0;
            // An unexpected count makes the change NaN, which is not within the tolerance.
            let within = change.abs() <= TOLERANCE;
            same &= within;
            let _ = writeln!(
                text,
                "{caller:<22} {count:<15} {then:>10.0} {counted:>10.0} {:>+8.2} %{}",
                change * 100.0,
                if within { "" } else { "  CHANGED" }
            );
        }
    }
    (text, same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(instructions: f64) -> Costs {
        let counts = [
            ("instructions", instructions),
            ("blocks", 30.0),
            ("bytes", 1e3),
        ];
        BTreeMap::from([("ours-veriff", BTreeMap::from(counts))])
    }

    #[test]
    fn a_percent_more_or_less_is_the_same() {
        let expected = json!({ "calls": costs(10_000.0) });
        for (instructions, changed) in [(9_901.0, 0), (10_099.0, 0), (10_101.0, 1), (9_899.0, 1)] {
            let (text, same) = compare(&expected, &costs(instructions));
            assert_eq!(
                (same, text.matches("CHANGED").count()),
                (changed == 0, changed)
            );
        }
        assert!(!compare(&json!({}), &costs(10_000.0)).1);
    }

    #[test]
    fn a_profile_is_added_up_without_counting_calls_twice() {
        let profile = "fn=(1) main\n0 5\ncfn=(2) sha2::sha256::compress256\ncalls=2 0\n0 700\n+3 1\n\n\
                       fn=(2)\n0 700\nfn=(3) sha2::digest::update\n* 11\n\ntotals: 717\n";
        assert_eq!(instructions(profile), 17);
    }
}
