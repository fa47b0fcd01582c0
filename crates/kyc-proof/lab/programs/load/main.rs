//! One client under load: `load CLIENT EXCHANGE PORT CONCURRENCY CALLS` makes calls on one thread and prints what they took.
//!
//! `cargo xtask bench` runs it beside the programs in `peers`, which take and print the same.

#[path = "../clients/mod.rs"]
#[allow(dead_code, reason = "each program uses some of them")]
mod clients;
#[path = "../exchange/mod.rs"]
#[allow(dead_code, reason = "each program uses some of it")]
mod exchange;
mod measure;

use std::hint::black_box;

use clients::{Result, bare_hyper, bare_hyper_util, bare_reqwest, ours};
use measure::Caller;

/// A client and what it is asked to do.
enum Load {
    Ours(ours::Finpass),
    OursSigned(ours::Veriff, Vec<String>),
    OursProfiles(ours::Profiles),
    Reqwest(bare_reqwest::Client),
    ReqwestSigned(bare_reqwest::Client, Vec<String>),
    ReqwestProfiles(bare_reqwest::Client),
    HyperUtil(bare_hyper_util::Client),
    Hyper(bare_hyper::Connections),
}

impl Load {
    fn new(client: &str, exchange: &str, port: u16, concurrency: usize) -> Result<Self> {
        let sessions = exchange::sessions;
        Ok(match (client, exchange) {
            ("ours", "finpass") => Self::Ours(ours::Finpass::new(port, ours::lean()?)?),
            ("ours", "veriff") => {
                Self::OursSigned(ours::Veriff::new(port, ours::lean()?)?, sessions())
            }
            ("ours", "finpro") => Self::OursProfiles(ours::Profiles::new(port, ours::lean()?)?),
            ("ours-on-reqwest", "finpass") => {
                Self::Ours(ours::Finpass::new(port, ours::on_reqwest()?)?)
            }
            ("ours-on-reqwest", "veriff") => {
                Self::OursSigned(ours::Veriff::new(port, ours::on_reqwest()?)?, sessions())
            }
            ("reqwest", "finpass") => Self::Reqwest(bare_reqwest::Client::new(port)?),
            ("reqwest", "veriff") => {
                Self::ReqwestSigned(bare_reqwest::Client::new(port)?, sessions())
            }
            ("reqwest", "finpro") => Self::ReqwestProfiles(bare_reqwest::Client::new(port)?),
            ("hyper-util", "finpass") => Self::HyperUtil(bare_hyper_util::Client::new(port)),
            ("hyper", "finpass") => Self::Hyper(bare_hyper::Connections::new(port, concurrency)),
            _ => return Err(format!("{client} does not do {exchange}").into()),
        })
    }
}

impl Caller for Load {
    async fn call(&self, worker: usize, number: usize) -> Result<()> {
        let session = |sessions: &'_ [String]| {
            let session = sessions.get(number % sessions.len()).cloned();
            session.ok_or("no session")
        };
        match self {
            Self::Ours(client) => drop(black_box(client.initialize().await?)),
            Self::OursSigned(client, sessions) => {
                drop(black_box(client.record_consent(&session(sessions)?).await?));
            }
            Self::OursProfiles(client) => drop(black_box(client.check().await?)),
            Self::Reqwest(client) => drop(black_box(client.initialize().await?)),
            Self::ReqwestSigned(client, sessions) => {
                let session = session(sessions)?;
                drop(black_box(client.record_signed_consent(&session).await?));
            }
            Self::ReqwestProfiles(client) => {
                drop(black_box(client.check_profile(exchange::MOBILE).await?));
            }
            Self::HyperUtil(client) => drop(black_box(client.initialize().await?)),
            Self::Hyper(connections) => drop(black_box(connections.initialize(worker).await?)),
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [client, exchange, port, concurrency, calls] = *arguments.as_slice() {
        let (port, concurrency, calls) = (port.parse()?, concurrency.parse()?, calls.parse()?);
        // Before the runtime: what a client opens, it opens inside its first call.
        let load = Load::new(client, exchange, port, concurrency)?;
        println!("{}", measure::measure(load, concurrency, calls)?.line());
    } else {
        println!("usage: load CLIENT EXCHANGE PORT CONCURRENCY CALLS");
    }
    Ok(())
}
