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

mod canaries;
mod constant_time;
mod failure;
mod faults;
mod flood;
mod forgeries;
mod inputs;
mod no_call_home;
mod outage;
mod planted;
mod process;
mod properties;
mod soak;
mod vectors;

use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pico_args::Arguments;

use crate::failure::{Failure, Result};

/// One proof: its name, what it shows, and the function that shows it.
struct Proof {
    name: &'static str,
    about: &'static str,
    run: fn(&Settings) -> Result<()>,
}

/// Every proof of this program. A new one is a module and a row.
macro_rules! proofs {
    ($($name:literal $about:literal => $run:path;)+) => {
        const PROOFS: &[Proof] = &[$(Proof { name: $name, about: $about, run: $run }),+];
    };
}

proofs! {
    "faults" "every operation under every fault, with ten invariants" => faults::run;
    "soak" "a million calls under faults: the results of calls beside what was done" => soak::run;
    "outage" "a provider that is down for ten minutes: requests meanwhile, and the time to recover" => outage::run;
    "flood" "hostile connections at the served sandbox: what it holds and what it leaves behind" => flood::run;
    "canaries" "nothing secret or personal is printed, whatever happens" => canaries::run;
    "vectors" "published vectors, and random cases beside an independent implementation" => vectors::run;
    "forgeries" "replies that were altered, made up or taken from elsewhere" => forgeries::run;
    "properties" "what holds for every value, tried on random ones" => properties::run;
    "constant-time" "the time of a check does not depend on where a signature is wrong" => constant_time::run;
    "no-call-home" "one call of each operation, to be watched from outside" => no_call_home::run;
}

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
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn prove(mut arguments: Arguments) -> Result<()> {
    let short = arguments.contains("--short");
    let seed = arguments.opt_value_from_str("--seed")?;
    let name = arguments.subcommand()?.unwrap_or_default();
    let rest = arguments.finish();
    let proof = PROOFS.iter().find(|proof| proof.name == name);
    let (Some(proof), true) = (proof, rest.is_empty()) else {
        return Err(Failure::new(usage()));
    };
    let settings = Settings {
        short,
        seed: seed.unwrap_or_else(seed_of_now),
    };
    println!("{}: {}", proof.name, proof.about);
    let length = if settings.short { ", shortened" } else { "" };
    println!("  seed {}{length}", settings.seed);
    let started = Instant::now();
    (proof.run)(&settings)?;
    println!("  took {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// A seed that differs from run to run; it is printed, so that a run can be repeated.
fn seed_of_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs())
}

fn usage() -> String {
    let mut text = String::from("usage: prove NAME [--short] [--seed N]\n");
    for Proof { name, about, .. } in PROOFS {
        text.push_str(&format!("\n  {name:<16}{about}"));
    }
    text
}
