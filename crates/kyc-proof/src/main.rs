//! The proofs that need nothing but this workspace: `prove NAME [--short] [--seed N]`. Run by `cargo xtask prove`.
//!
//! Each prints its figures and its seed, and fails when one of them is not as promised.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing figures is what this program is for"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a proof that panics has failed, and its profile checks overflow"
)]

mod batch;
mod canaries;
mod constant_time;
mod faults;
mod flood;
mod forgeries;
mod inputs;
mod journeys;
mod load;
mod no_call_home;
mod openapi;
mod outage;
mod planted;
mod process;
mod properties;
mod soak;
mod vectors;
mod webhooks;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use pico_args::Arguments;

/// A proof's name, and the function that shows it.
type Proof = (&'static str, fn(&Settings) -> Result<()>);

/// Every proof of this program. A new one is a module, a row, and a line in [`ABOUT`].
const PROOFS: &[Proof] = &[
    ("faults", faults::run),
    ("soak", soak::run),
    ("outage", outage::run),
    ("flood", flood::run),
    ("canaries", canaries::run),
    ("batch", batch::run),
    ("journeys", journeys::run),
    ("vectors", vectors::run),
    ("forgeries", forgeries::run),
    ("webhooks", webhooks::run),
    ("properties", properties::run),
    ("openapi", openapi::run),
    ("constant-time", constant_time::run),
    ("no-call-home", no_call_home::run),
];

/// What each proof shows, by its name, with those that need no program of ours.
const ABOUT: &str = include_str!("../proofs.txt");

/// The options of a run.
#[derive(Debug, Clone, Copy)]
struct Settings {
    /// Fewer cases, for a run before each merge. The same code, the same checks.
    short: bool,
    /// The source of all randomness: the same seed gives the same cases.
    seed: u64,
}

fn main() -> ExitCode {
    match prove(Arguments::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn prove(mut arguments: Arguments) -> Result<()> {
    let short = arguments.contains("--short");
    let seed = arguments.opt_value_from_str("--seed")?;
    let name = arguments.subcommand()?.unwrap_or_default();
    let rest = arguments.finish();
    let proof = PROOFS.iter().find(|(known, _)| *known == name);
    let (Some((name, run)), true) = (proof, rest.is_empty()) else {
        bail!("{}", usage());
    };
    if matches!(*name, "faults" | "canaries") && process::ran_in_environment()? {
        return Ok(());
    }
    let settings = Settings {
        short,
        // It is printed, so that a run can be repeated.
        seed: seed.unwrap_or_else(|| fastrand::u32(..).into()),
    };
    println!("{name}: {}", about(name));
    let length = if settings.short { ", shortened" } else { "" };
    println!("  seed {}{length}", settings.seed);
    let started = Instant::now();
    run(&settings)?;
    println!("  took {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn about(name: &str) -> &'static str {
    let of = |line: &'static str| line.strip_prefix(name)?.strip_prefix(' ');
    ABOUT.lines().find_map(of).unwrap_or_default().trim_start()
}

fn usage() -> String {
    let mut text = String::from("usage: prove NAME [--short] [--seed N]\n");
    for (name, _) in PROOFS {
        text.push_str(&format!("\n  {name:<16}{}", about(name)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proof_says_what_it_shows() {
        for (name, _) in PROOFS {
            assert_ne!(about(name), "", "{name}");
        }
    }
}
