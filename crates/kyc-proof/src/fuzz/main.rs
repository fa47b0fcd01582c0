//! Every reader of foreign bytes, for a fuzzer: `fuzz [TARGET [FILE…]]`.
//!
//! Built with `--cfg fuzzing`, as `cargo xtask prove fuzz` does, libFuzzer drives the target that the variable
//! `FUZZ_TARGET` names. Built otherwise it runs the inputs in `corpus`, or those that are named.
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

/// What is asserted about one input.
type Target = fn(&[u8]);

/// Every target. A new one is a function, a row, and a directory of inputs in `corpus`.
const TARGETS: [(&str, Target); 4] = [
    ("reply", exchanges::reply),
    ("request", exchanges::request),
    ("base-url", exchanges::address),
    ("sandbox", sandbox::run),
];

/// The target of this name.
///
/// # Panics
///
/// There is none.
fn target(name: &str) -> Target {
    let found = TARGETS.into_iter().find(|(known, _)| *known == name);
    let names = TARGETS.map(|(name, _)| name);
    found
        .unwrap_or_else(|| panic!("no target `{name}`, only {names:?}"))
        .1
}

#[cfg(fuzzing)]
fn chosen() -> Target {
    static CHOSEN: std::sync::OnceLock<Target> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| target(&std::env::var("FUZZ_TARGET").unwrap_or_default()))
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(init: { chosen(); }, |input: &[u8]| chosen()(input));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next() {
        Some(name) => replay::run(&name, arguments.map(Into::into).collect()),
        None => TARGETS
            .iter()
            .try_for_each(|(name, _)| replay::run(name, Vec::new())),
    }
}
