//! `cargo xtask prove`: what the clients promise, shown under faults, forgeries and load.

mod coverage;
mod explained;
mod fuzz;
mod mutants;
mod no_call_home;
mod supply_chain;
mod tool;

use pico_args::Arguments;

use crate::failure::{Failure, Result};
use crate::shell::{self, Workspace};

/// One proof: what selects it, what it shows, and the function that runs it.
struct Proof {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace, &Settings) -> Result<()>,
}

/// Every proof. Most are part of the program `prove` in `kyc-proof`; those that drive a tool are modules here.
const PROOFS: &[Proof] = &[
    Proof {
        name: "faults",
        about: "every operation under every fault, with ten invariants",
        run: |workspace, settings| program(workspace, "faults", settings),
    },
    Proof {
        name: "soak",
        about: "a million calls under faults: what callers are told beside what was done",
        run: |workspace, settings| program(workspace, "soak", settings),
    },
    Proof {
        name: "outage",
        about: "a provider that is away for ten minutes: requests meanwhile, and how soon all is well",
        run: |workspace, settings| program(workspace, "outage", settings),
    },
    Proof {
        name: "flood",
        about: "hostile connections at the served sandbox: what it holds and what it leaves behind",
        run: |workspace, settings| program(workspace, "flood", settings),
    },
    Proof {
        name: "canaries",
        about: "nothing secret or personal is printed, whatever happens",
        run: canaries,
    },
    Proof {
        name: "vectors",
        about: "published vectors, and random cases beside an independent implementation",
        run: |workspace, settings| program(workspace, "vectors", settings),
    },
    Proof {
        name: "forgeries",
        about: "replies that were altered, made up or taken from elsewhere",
        run: |workspace, settings| program(workspace, "forgeries", settings),
    },
    Proof {
        name: "no-call-home",
        about: "nothing but the configured address is even tried",
        run: no_call_home::run,
    },
    Proof {
        name: "properties",
        about: "what holds for every value, tried on random ones",
        run: |workspace, settings| program(workspace, "properties", settings),
    },
    Proof {
        name: "fuzz",
        about: "no input makes a reader of foreign bytes panic, lie or tell; see FUZZING.md of kyc-proof",
        run: fuzz::run,
    },
    Proof {
        name: "mutants",
        about: "a changed operator, condition or value is noticed by a test",
        run: mutants::run,
    },
    Proof {
        name: "coverage",
        about: "every line of core and providers is run by a test, or it is said why not",
        run: coverage::run,
    },
    Proof {
        name: "constant-time",
        about: "the time of a check does not tell where a signature is wrong",
        run: constant_time,
    },
    Proof {
        name: "supply-chain",
        about: "licences, sources, build scripts and bills of materials of what is depended on",
        run: supply_chain::run,
    },
];

/// What tests are made of: neither its lines nor its mutants say how well the rest is tested.
const TEST_SUPPORT: &str = "/src/testing/";

/// What a run was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Fewer cases, as before each merge.
    pub(crate) short: bool,
    /// Where all chance comes from; another one each time if absent.
    pub(crate) seed: Option<u64>,
    /// Where a copy of the RustSec database is: a directory or the address of a Git repository.
    pub(crate) advisories: Option<String>,
    /// The files whose mutants are tested; all of core and providers if empty.
    pub(crate) files: Vec<String>,
    /// What the fuzzer alone is told.
    pub(crate) fuzz: fuzz::Settings,
}

pub(crate) fn command(workspace: &Workspace, mut arguments: Arguments) -> Result<()> {
    let list = arguments.contains("--list");
    let settings = Settings {
        short: arguments.contains("--short"),
        seed: arguments.opt_value_from_str("--seed")?,
        advisories: arguments.opt_value_from_str("--advisories")?,
        files: arguments.values_from_str("--file")?,
        fuzz: fuzz::Settings::from(&mut arguments)?,
    };
    let wanted: Vec<String> = arguments
        .finish()
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    if list {
        for Proof { name, about, .. } in PROOFS {
            println!("{name:<16}{about}");
        }
        return Ok(());
    }
    let known = |name: &String| PROOFS.iter().any(|proof| proof.name == name);
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        return Err(Failure::new(format!(
            "no proof `{unknown}`; `cargo xtask prove --list` prints them"
        )));
    }
    run(workspace, &wanted, &settings)
}

/// The names of all proofs.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PROOFS.iter().map(|proof| proof.name)
}

/// Runs the named proofs, or all. One that fails does not stop the ones after it.
pub(crate) fn run(workspace: &Workspace, wanted: &[String], settings: &Settings) -> Result<()> {
    let mut failed = Vec::new();
    for proof in PROOFS {
        if !wanted.is_empty() && wanted.iter().all(|name| name != proof.name) {
            continue;
        }
        println!("\n== {} ==", proof.name);
        if let Err(failure) = (proof.run)(workspace, settings) {
            println!("error: {failure}");
            failed.push(proof.name);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("not proven: {}", failed.join(", "))))
    }
}

/// What is published is about the code that users run; the short run spares a second build.
fn constant_time(workspace: &Workspace, settings: &Settings) -> Result<()> {
    let profile = if settings.short { "proof" } else { "release" };
    program_in(workspace, profile, "constant-time", settings)
}

/// The proof runs the command too, and finds it beside itself.
fn canaries(workspace: &Workspace, settings: &Settings) -> Result<()> {
    let mut command = workspace.cargo(["build", "--quiet", "--profile", "proof"]);
    shell::run(command.args(["--package", "kyc-cli"]))?;
    program(workspace, "canaries", settings)
}

/// Runs a proof of the program `prove`.
fn program(workspace: &Workspace, name: &str, settings: &Settings) -> Result<()> {
    program_in(workspace, "proof", name, settings)
}

fn program_in(workspace: &Workspace, profile: &str, name: &str, settings: &Settings) -> Result<()> {
    let mut command = workspace.cargo(["run", "--quiet", "--profile", profile]);
    command.args([
        "--package",
        "kyc-proof",
        "--features",
        "prove",
        "--bin",
        "prove",
        "--",
        name,
    ]);
    if settings.short {
        command.arg("--short");
    }
    if let Some(seed) = settings.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    shell::run(&mut command)
}
