//! Every reader of foreign bytes, for a fuzzer: `fuzz [TARGET [FILE…]]`.
//!
//! Built with `--cfg fuzzing`, as `cargo xtask prove fuzz` does, libFuzzer drives the target that the variable
//! `FUZZ_TARGET` names. Built otherwise it runs the inputs in `corpus`.
#![cfg_attr(fuzzing, no_main)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing what was run is what this program is for"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a panic is how a target fails"
)]

mod canary;
mod exchanges;
mod parts;
#[cfg(not(fuzzing))]
mod replay;
mod sandbox;

/// A reader: its name, what is asserted about it, and the function that does so for one input.
struct Target {
    name: &'static str,
    about: &'static str,
    run: fn(&[u8]),
}

/// Every target. A new one is a function, a row, and a directory of inputs in `corpus`.
macro_rules! targets {
    ($($name:literal $about:literal => $run:path;)+) => {
        const TARGETS: &[Target] = &[$(Target { name: $name, about: $about, run: $run }),+];
    };
}

targets! {
    "reply" "any operation: a success is decoded to what it says, a refusal is what its status says, neither is printed" => exchanges::reply;
    "request" "any operation: what is taken is sent unchanged, and a refusal repeats no value" => exchanges::request;
    "base-url" "any operation: an address keeps its origin and its segments through a URL parser" => exchanges::address;
    "sandbox" "any request has a reply in the provider's form, and one entry in the ledger" => sandbox::run;
}

fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

#[cfg(fuzzing)]
fn chosen() -> &'static Target {
    static CHOSEN: std::sync::OnceLock<&Target> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let target = target(&name).unwrap_or_else(|| {
            eprintln!("FUZZ_TARGET names no target: `{name}`");
            std::process::exit(2);
        });
        eprintln!("{}: {}", target.name, target.about);
        target
    })
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(init: { chosen(); }, |input: &[u8]| (chosen().run)(input));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    replay::main(std::env::args_os().skip(1))
}
