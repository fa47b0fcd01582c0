//! One call, ours beside the same call written by hand on reqwest. `cargo xtask bench call` runs this program and counts.
//!
//! `call run PEER CALLS PORT` makes calls one after another; `call wall PORT` times all peers in turn.

#[path = "../clients/mod.rs"]
#[allow(dead_code, reason = "each program uses some of them")]
mod clients;
#[path = "../exchange/mod.rs"]
#[allow(dead_code, reason = "each program uses some of it")]
mod exchange;
mod peers;
mod wall;

use peers::Peer;

fn main() -> clients::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["run", peer, calls, port] => {
            peers::runtime()?.block_on(Peer::named(peer)?.run(port.parse()?, calls.parse()?))
        }
        ["wall", port] => wall::measure(port.parse()?),
        // Without a command there is nothing to count by itself.
        _ => {
            println!("usage: call run PEER CALLS PORT | call wall PORT");
            Ok(())
        }
    }
}
