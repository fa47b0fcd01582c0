//! Every reader of what a stranger wrote, for a fuzzer: `fuzz [TARGET [FILE…]]`.
//!
//! Built with `--cfg fuzzing`, as `cargo xtask prove fuzz` does, libFuzzer drives the target that the variable
//! `FUZZ_TARGET` names. Built like anything else it runs the inputs that were kept.
#![cfg_attr(fuzzing, no_main)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling what was run is what this program is for"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a panic is how a target fails"
)]

mod addresses;
mod canary;
mod capabilities;
mod fixture;
mod headers;
mod inputs;
mod json_paths;
mod parts;
mod refusals;
#[cfg(not(fuzzing))]
mod replay;
mod replies;
mod sandbox;
mod signature;

/// One reader: what it is called, what is asserted about it, and the function that does so for one input.
struct Target {
    name: &'static str,
    about: &'static str,
    run: fn(&[u8]),
}

/// Every target. A new one is a function, a row here, and a directory of inputs in `corpus`.
const TARGETS: &[Target] = &[
    Target {
        name: "finpass-reply",
        about: "a 2xx is decoded to what it says, or refused without being printed",
        run: replies::finpass,
    },
    Target {
        name: "finpro-reply",
        about: "a 2xx is decoded to what it says, or refused without being printed",
        run: replies::finpro,
    },
    Target {
        name: "veriff-reply",
        about: "a signed 200 is decoded to what it says, or refused without being printed",
        run: replies::veriff,
    },
    Target {
        name: "deepvue-reply",
        about: "a 2xx is decoded to what it says, or refused without being printed",
        run: replies::deepvue,
    },
    Target {
        name: "finpass-refusal",
        about: "a refusal is an error that its status alone decides about, and is not printed",
        run: refusals::finpass,
    },
    Target {
        name: "finpro-refusal",
        about: "a refusal is an error that its status alone decides about, and is not printed",
        run: refusals::finpro,
    },
    Target {
        name: "veriff-refusal",
        about: "a refusal is an error that its status alone decides about, and is not printed",
        run: refusals::veriff,
    },
    Target {
        name: "deepvue-refusal",
        about: "a refusal is an error that its status alone decides about, and is not printed",
        run: refusals::deepvue,
    },
    Target {
        name: "json-paths",
        about: "the place of a decode error holds no key that the peer chose",
        run: json_paths::run,
    },
    Target {
        name: "veriff-signature",
        about: "a reply is believed if and only if its headers agree and verify",
        run: signature::headers,
    },
    Target {
        name: "signature-hex",
        about: "64 hexadecimal digits and nothing else are a signature",
        run: signature::hex,
    },
    Target {
        name: "retry-after",
        about: "seconds are taken as they stand, and nothing panics",
        run: headers::retry_after,
    },
    Target {
        name: "rate-limit",
        about: "numbers are taken as they stand, and nothing panics",
        run: headers::rate_limit,
    },
    Target {
        name: "base-url",
        about: "a joined path keeps its origin and its segments through a URL parser",
        run: addresses::run,
    },
    Target {
        name: "inputs",
        about: "an input is taken unchanged, or refused in words that do not depend on it",
        run: inputs::run,
    },
    Target {
        name: "capability-inputs",
        about: "what passes the check is sent unchanged, and nothing else is",
        run: capabilities::inputs,
    },
    Target {
        name: "capability-replies",
        about: "a capability answers what the reply says",
        run: capabilities::replies,
    },
    Target {
        name: "sandbox",
        about: "any request has a reply in the provider's form, and one entry in the ledger",
        run: sandbox::run,
    },
    Target {
        name: "fixture",
        about: "a fixture is written as it was read, and differs from nothing but others",
        run: fixture::run,
    },
];

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
