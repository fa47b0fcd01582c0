//! `measured PROGRAM [ARGUMENT…]` runs a program to its end and prints `ELAPSED_S USER_S SYSTEM_S MOST_KIB` after what the program
//! printed: from the kernel's account of an ended process, which misses nothing however short its life was.

use std::process::Command;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next();
    let Some(program) = program.filter(|program| !program.to_string_lossy().starts_with("--"))
    else {
        println!("usage: measured PROGRAM [ARGUMENT…]");
        return Ok(());
    };
    let started = Instant::now();
    let status = Command::new(program).args(arguments).status()?;
    let elapsed = started.elapsed();
    if !status.success() {
        return Err(format!("it ended with {status}").into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |micros: i64| {
        format!(
            "{}.{:06}",
            micros.div_euclid(1_000_000),
            micros.rem_euclid(1_000_000)
        )
    };
    println!(
        "{:.6} {} {} {}",
        elapsed.as_secs_f64(),
        micros(usage.user_time().num_microseconds()),
        micros(usage.system_time().num_microseconds()),
        usage.max_rss()
    );
    Ok(())
}
