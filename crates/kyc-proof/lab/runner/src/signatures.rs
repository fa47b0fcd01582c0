//! `cargo xtask bench signatures`: checking and making signatures with `consent-hmac`, beside the crates below it, others
//! and other languages.
//!
//! Judged: allocations, and how often ours lies above the bare MAC in the same run. Times themselves are not: they are
//! the machine's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::machine;
use crate::numbers::grouped;
use crate::outside::{Packages, Profile, Program};
use crate::report;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

const ROUNDS: usize = 9;

const RUST: Program = Program {
    name: "signatures",
    about: "",
    source: "signatures/rust.rs",
    dependencies: &[
        "aws-lc-rs = { version = \"1\", default-features = false, features = [\"aws-lc-sys\"] }",
        "consent-hmac = { path = \"CRATES/consent-hmac\", default-features = false, features = [\"webhook\"] }",
        "hex = \"0.4\"",
        "hmac = \"0.13\"",
        "http = \"1\"",
        "http-body-util = \"0.1.5\"",
        "provider-core = { path = \"CRATES/provider-core\", features = [\"webhook\"] }",
        "ring = \"0.17\"",
        "serde = { version = \"1\", features = [\"derive\"] }",
        "serde_json = { version = \"1\", features = [\"raw_value\"] }",
        "sha2 = \"0.11\"",
        "standardwebhooks = \"1\"",
        "stats_alloc = \"0.1\"",
        "tokio = { version = \"1\", default-features = false, features = [\"rt\", \"time\"] }",
        "veriff-sessions = { path = \"CRATES/veriff-sessions\", default-features = false, features = [\"webhook\"] }",
    ],
};

/// Cases of one kind, under the name that begins theirs.
const KINDS: [(&str, &str); 7] = [
    ("verify", "verify 1 KiB"),
    ("parse", "verify 1 KiB and parse it"),
    ("both", "sign and verify 200 bytes"),
    ("hostile", "refuse a header; 1 KiB"),
    ("secrets", "verify 1 KiB against two secrets"),
    ("webhook", "verify and parse a decision of 2 kB"),
    ("receive", "receive it: read, verify, claim, handle"),
];

/// The most that one case may take in parts of another, by the best rounds.
const RATIOS: [(&str, &str, f64); 9] = [
    ("verify ours", "verify hmac+sha2", 1.15),
    ("parse ours", "parse hmac+sha2", 1.15),
    ("both ours", "both hmac+sha2", 1.15),
    ("hostile a wrong signature", "verify ours, header", 2.0),
    (
        "hostile not hexadecimal at the end",
        "verify ours, header",
        2.0,
    ),
    ("hostile 10,000 signatures", "verify ours, header", 2.0),
    ("hostile 1 MiB of digits", "verify ours, header", 2.0),
    ("verify ours", "verify standardwebhooks", 0.5),
    // Whoever does not declare a type reads a value. serde's derive with the members that ours has is printed beside it.
    ("webhook ours", "webhook hmac+sha2, serde_json's Value", 1.2),
];

/// What must not allocate.
const FREE: [&str; 8] = [
    "verify ours",
    "verify ours, header",
    "both ours",
    "hostile a wrong signature",
    "hostile not hexadecimal at the end",
    "hostile 10,000 signatures",
    "hostile 1 MiB of digits",
    "secrets ours, two",
];

/// What the rounds gave for a case.
#[derive(Default)]
struct Case {
    ns: Spread,
    allocations: Option<u64>,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let packages = Packages::of(workspace, "signatures")?;
    let package = packages.package(workspace, &RUST)?;
    let (rust, _) = package.build(Profile::Release)?;
    let sources = workspace
        .root()
        .join("crates/kyc-proof/lab/programs/signatures");
    let mut programs = vec![Command::new(&rust)];
    let mut versions = vec![
        shell::read(Command::new("rustc").arg("--version"))?,
        package.versions(&[
            "hmac",
            "sha2",
            "ring",
            "aws-lc-rs",
            "standardwebhooks",
            "serde_json",
        ])?,
    ];
    for (program, source) in [("python3", "python.py"), ("node", "node.js")] {
        if shell::succeeds(program, &["--version"]) {
            let mut command = Command::new(program);
            command.arg(sources.join(source));
            programs.push(command);
            let version = shell::read(Command::new(program).arg("--version"))?;
            versions.push(format!("{program} {version}"));
        } else {
            println!("without {program}, which is not here");
        }
    }

    let (mut order, mut cases) = (Vec::new(), BTreeMap::<String, Case>::new());
    let mut raw = String::new();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        for program in &mut programs {
            let lines = shell::read(program)?;
            raw.push_str(&lines);
            for line in lines.lines() {
                let mut fields = line.split('\t');
                let (Some(name), Some(Ok(ns))) = (fields.next(), fields.next().map(str::parse))
                else {
                    return Err(Failure::new(format!("cannot read `{line}`")));
                };
                if !cases.contains_key(name) {
                    order.push(name.to_owned());
                }
                let case = cases.entry(name.to_owned()).or_default();
                case.ns.push(ns);
                case.allocations = fields.next().and_then(|count| count.parse().ok());
            }
        }
    }
    let (verdicts, passed) = verdicts(&cases);
    let versions: Vec<&str> = versions.iter().map(|version| version.trim()).collect();
    let report = format!(
        "HMAC-SHA256: {}; {}\nmedian of {ROUNDS} rounds in turn (least, most)\n\n{}\n{verdicts}",
        versions.join(", "),
        machine::description(),
        table(&order, &cases),
    );
    report::keep(&packages.output, "raw.txt", &raw)?;
    report::finish(
        &packages.output,
        &report,
        passed,
        "a signature costs more than it may",
    )
}

fn table(order: &[String], cases: &BTreeMap<String, Case>) -> String {
    let mut text = String::new();
    for (kind, about) in KINDS {
        let _ = writeln!(
            text,
            "{about:<44} {:>9} {:>22} {:>12} {:>12}",
            "ns", "", "a second", "allocations"
        );
        for name in order {
            let Some(label) = name.strip_prefix(kind) else {
                continue;
            };
            let Some(case) = cases.get(name) else {
                continue;
            };
            let (median, spread) = (
                case.ns.median(),
                format!("({:.0}, {:.0})", case.ns.least(), case.ns.most()),
            );
            let allocations = case
                .allocations
                .map_or_else(|| "?".to_owned(), |count| count.to_string());
            let _ = writeln!(
                text,
                " {label:<43} {median:>9.0} {spread:>22} {:>12} {allocations:>12}",
                grouped(1e9 / median),
            );
        }
    }
    text
}

fn verdicts(cases: &BTreeMap<String, Case>) -> (String, bool) {
    let (mut text, mut all) = (String::new(), true);
    let mut judge = |about: String, passed: bool| {
        all &= passed;
        let verdict = if passed { "PASS" } else { "FAIL" };
        let _ = writeln!(text, "{verdict} {about}");
    };
    for (ours, peer, limit) in RATIOS {
        let best = |name| {
            cases
                .get(name)
                .map_or(f64::NAN, |case: &Case| case.ns.least())
        };
        let ratio = best(ours) / best(peer);
        judge(
            format!("{ours} / {peer}, the best rounds: {ratio:.2}, at most {limit:.2}"),
            ratio <= limit,
        );
    }
    for name in FREE {
        let allocations = cases.get(name).and_then(|case| case.allocations);
        judge(format!("{name}: no allocation"), allocations == Some(0));
    }
    (text, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_does_not_pass() {
        let (text, passed) = verdicts(&BTreeMap::new());
        assert!(!passed);
        assert_eq!(text.matches("FAIL").count(), RATIOS.len() + FREE.len());
    }
}
