//! One call by our clients, for the gate on what it costs: `cargo xtask bench call --check` runs this program under valgrind.
//!
//! `call serve` prints its port and answers until its standard input ends. `call run CALLER CALLS PORT` makes calls, one
//! after another over one connection. The lab beside this directory measures the same calls beside peers.
#![allow(clippy::print_stdout, reason = "its output is what the gate reads")]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "counts that a benchmark's length bounds"
)]

mod calls;
#[allow(dead_code, reason = "the lab uses the rest")]
mod exchange;
#[allow(dead_code, reason = "the lab uses the rest")]
mod ours;
mod server;

/// What can go wrong here is only printed.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["serve"] => server::run(),
        ["run", caller, calls, port] => calls::make(caller, calls.parse()?, port.parse()?),
        // `cargo test --benches` and `cargo bench` start it without a command.
        _ => {
            println!("usage: call serve | call run CALLER CALLS PORT");
            Ok(())
        }
    }
}
