//! How long one call takes when it is the only one: `latency PORT ROUNDS` times four clients in turn, a block of calls each,
//! so that whatever else the machine does hits all of them alike.
//!
//! Prints a line for each block: the client, then the nanoseconds of each call.

#[path = "../clients/mod.rs"]
#[allow(dead_code, reason = "each program uses some of them")]
mod clients;
#[path = "../exchange/mod.rs"]
#[allow(dead_code, reason = "each program uses some of it")]
mod exchange;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use clients::{Result, bare_hyper_util, bare_reqwest, ours};

/// Calls of a block that count.
const BLOCK: usize = 200;
/// Calls before them: after the others' blocks, caches are theirs.
const WARM_UP: usize = 20;

enum Client {
    Ours(ours::Finpass),
    HyperUtil(bare_hyper_util::Client),
    Reqwest(bare_reqwest::Client),
}

impl Client {
    async fn call(&self) -> Result<()> {
        match self {
            Self::Ours(client) => drop(black_box(client.initialize().await?)),
            Self::HyperUtil(client) => drop(black_box(client.initialize().await?)),
            Self::Reqwest(client) => drop(black_box(client.initialize().await?)),
        }
        Ok(())
    }

    async fn block(&self) -> Result<Vec<u128>> {
        for _ in 0..WARM_UP {
            self.call().await?;
        }
        let mut nanoseconds = Vec::with_capacity(BLOCK);
        for _ in 0..BLOCK {
            let started = Instant::now();
            self.call().await?;
            nanoseconds.push(started.elapsed().as_nanos());
        }
        Ok(nanoseconds)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [port, rounds] = *arguments.as_slice() else {
        println!("usage: latency PORT ROUNDS");
        return Ok(());
    };
    let (port, rounds) = (port.parse()?, rounds.parse()?);
    let mut clients = [
        (
            "ours",
            Client::Ours(ours::Finpass::new(port, ours::lean()?)?),
        ),
        (
            "ours-on-reqwest",
            Client::Ours(ours::Finpass::new(port, ours::on_reqwest()?)?),
        ),
        (
            "hyper-util",
            Client::HyperUtil(bare_hyper_util::Client::new(port)),
        ),
        ("reqwest", Client::Reqwest(bare_reqwest::Client::new(port)?)),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for _ in 0..rounds {
        for (name, client) in &clients {
            let mut line = (*name).to_owned();
            for nanoseconds in runtime.block_on(client.block())? {
                write!(line, " {nanoseconds}")?;
            }
            println!("{line}");
        }
        // Nobody is always behind the same one.
        clients.rotate_left(1);
    }
    Ok(())
}
