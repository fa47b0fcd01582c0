//! `cargo xtask bench NAME…`: what the clients cost, beside what a user would take instead.

mod batch;
mod build;
mod call;
mod callgrind;
mod cores;
mod crates;
mod failure;
mod fan_out;
mod first_call;
mod growth;
mod journeys;
mod large;
mod latency;
mod machine;
mod metadata;
mod numbers;
mod one_call;
mod outside;
mod peers;
mod picture;
mod programs;
mod report;
mod sandbox;
mod server;
mod shell;
mod signatures;
mod size;
mod spread;
mod throughput;

use std::process::ExitCode;

use pico_args::Arguments;

use crate::failure::{Failure, Result, no_more};
use crate::shell::Workspace;

/// One benchmark: what selects it, what it measures, and the function that runs it.
struct Benchmark {
    name: &'static str,
    about: &'static str,
    run: Run,
}

/// How a benchmark is run.
enum Run {
    /// In one length.
    Whole(fn(&Workspace) -> Result<()>),
    /// In two: `true` asks for the short one.
    Lengths(fn(&Workspace, bool) -> Result<()>),
}

const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "call",
        about: "instructions and allocations of one call, beside reqwest",
        run: Run::Whole(call::run),
    },
    Benchmark {
        name: "signatures",
        about: "checking and making signatures, beside other crates and languages",
        run: Run::Whole(signatures::run),
    },
    Benchmark {
        name: "build",
        about: "crates and build time of one provider, beside bare HTTP clients",
        run: Run::Whole(build::run),
    },
    Benchmark {
        name: "size",
        about: "bytes of a program that makes one call, beside bare HTTP clients",
        run: Run::Whole(size::run),
    },
    Benchmark {
        name: "sandbox",
        about: "requests a core, start and memory of the served sandbox, beside axum",
        run: Run::Whole(sandbox::run),
    },
    Benchmark {
        name: "first-call",
        about: "a client and its first call in a new process, beside bare HTTP clients",
        run: Run::Whole(first_call::run),
    },
    Benchmark {
        name: "throughput",
        about: "calls a second on one core, beside clients of Rust, Go, Node.js and Python",
        run: Run::Whole(throughput::run),
    },
    Benchmark {
        name: "latency",
        about: "what a call takes longer than by hand, one at a time",
        run: Run::Whole(latency::run),
    },
    Benchmark {
        name: "growth",
        about: "how the cost grows with calls at once and with the reply, as pictures",
        run: Run::Whole(growth::run),
    },
    Benchmark {
        name: "large",
        about: "memory of calls with large replies, and the reading of an account body beside serde",
        run: Run::Whole(large::run),
    },
    Benchmark {
        name: "batch",
        about: "processor time and memory of a batch up to a million rows with faults, beside reqwest and aiohttp",
        run: Run::Whole(batch::run),
    },
    Benchmark {
        name: "journeys",
        about: "steps and whole journeys that are made durable, beside rusqlite, pgbench and other engines; a start with many open",
        run: Run::Lengths(journeys::run),
    },
    Benchmark {
        name: "fan-out",
        about: "5 and 50 providers at once, beside reqwest",
        run: Run::Whole(fan_out::many),
    },
    Benchmark {
        name: "tail",
        about: "one late answer in a hundred, hedged and not, beside reqwest",
        run: Run::Whole(fan_out::tail),
    },
];

fn main() -> ExitCode {
    match command(Arguments::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn command(mut arguments: Arguments) -> Result<()> {
    if arguments.contains("--list") {
        BENCHMARKS
            .iter()
            .for_each(|benchmark| println!("{:<14}{}", benchmark.name, benchmark.about));
        return no_more(arguments);
    }
    let (record, short) = (
        arguments.contains("--record"),
        arguments.contains("--short"),
    );
    if record && short {
        return Err(Failure::new("what was measured shortly is not recorded"));
    }
    let wanted: Vec<String> = arguments
        .finish()
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let known = |name: &String| BENCHMARKS.iter().any(|benchmark| benchmark.name == name);
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        return Err(Failure::new(format!(
            "no benchmark `{unknown}`; `cargo xtask bench --list` prints them"
        )));
    }
    let selected = || {
        BENCHMARKS.iter().filter(|benchmark| {
            wanted.is_empty() || wanted.iter().any(|name| name == benchmark.name)
        })
    };
    let has_one_length = |benchmark: &&Benchmark| matches!(benchmark.run, Run::Whole(_));
    if short && let Some(benchmark) = selected().find(has_one_length) {
        return Err(Failure::new(format!(
            "`{}` has one length, and no `--short`",
            benchmark.name
        )));
    }
    let workspace = Workspace::find()?;
    for benchmark in selected() {
        report::forget(&workspace, benchmark.name)?;
        let judged = match benchmark.run {
            Run::Whole(run) => run(&workspace),
            Run::Lengths(run) => run(&workspace, short),
        };
        // A figure that misses its target is published as well.
        if record {
            report::record(&workspace, benchmark.name)?;
        }
        judged?;
    }
    Ok(())
}
