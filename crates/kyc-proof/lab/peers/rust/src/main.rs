//! `peers CLIENT EXCHANGE PORT CONCURRENCY CALLS`: Finpass's call on awc or ureq, as their users write it.

#[path = "../../../programs/exchange/mod.rs"]
#[allow(dead_code, reason = "each program uses some of it")]
mod exchange;
#[path = "../../../programs/load/measure.rs"]
mod measure;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exchange::by_hand::{INITIALIZE, Initialized};
use measure::{Caller, Measured, Processor};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [client, "finpass", port, concurrency, calls] = *arguments.as_slice() else {
        return Err("usage: peers awc|ureq finpass PORT CONCURRENCY CALLS".into());
    };
    let (concurrency, calls) = (concurrency.parse()?, calls.parse()?);
    let url = format!("http://127.0.0.1:{port}{}", exchange::FINPASS_PATH);
    let measured = match client {
        "awc" => measure::measure(
            Awc {
                url,
                client: awc_client(concurrency),
            },
            concurrency,
            calls,
        )?,
        "ureq" => ureq(&url, concurrency, calls)?,
        _ => return Err(format!("no client `{client}`").into()),
    };
    println!("{}", measured.line());
    Ok(())
}

struct Awc {
    url: String,
    client: awc::Client,
}

fn awc_client(concurrency: usize) -> awc::Client {
    // Without this it opens no more than 100 connections.
    let connector = awc::Connector::new().limit(concurrency.max(100));
    awc::Client::builder().connector(connector).finish()
}

impl Caller for Awc {
    async fn call(&self, _worker: usize, _number: usize) -> Result<()> {
        let request = self
            .client
            .post(&self.url)
            .insert_header(("accept", "application/json"))
            .insert_header(("user-agent", exchange::USER_AGENT))
            .insert_header(("x-request-id", exchange::REQUEST_ID))
            .insert_header(("x-api-key", exchange::FINPASS_KEY))
            .insert_header(("x-api-secret", exchange::FINPASS_SECRET));
        let mut response = request
            .send_json(&INITIALIZE)
            .await
            .map_err(|error| error.to_string())?;
        if !response.status().is_success() {
            return Err(response.status().to_string().into());
        }
        let reply: Initialized = response.json().await?;
        drop(black_box(reply));
        Ok(())
    }
}

/// It blocks, so those who call at the same time are threads.
fn ureq(url: &str, concurrency: usize, calls: usize) -> Result<Measured> {
    let config = ureq::Agent::config_builder()
        .user_agent(exchange::USER_AGENT)
        .max_idle_connections(concurrency)
        .max_idle_connections_per_host(concurrency)
        .build();
    let agent = Arc::new(ureq::Agent::new_with_config(config));
    let all = |calls: usize| -> Result<Vec<Duration>> {
        let threads: Vec<_> = (0..concurrency)
            .map(|worker| {
                let (agent, url) = (Arc::clone(&agent), url.to_owned());
                std::thread::spawn(move || {
                    let mut latencies = Vec::new();
                    for _ in (worker..calls).step_by(concurrency) {
                        let started = Instant::now();
                        initialize(&agent, &url)?;
                        latencies.push(started.elapsed());
                    }
                    Result::Ok(latencies)
                })
            })
            .collect();
        let mut latencies = Vec::new();
        for thread in threads {
            latencies.append(&mut thread.join().map_err(|_| "a thread panicked")??);
        }
        Ok(latencies)
    };
    all(measure::warm_up(concurrency, calls))?;
    let (before, started) = (Processor::now()?, Instant::now());
    let latencies = all(calls)?;
    Measured::since(started, &before, latencies)
}

fn initialize(agent: &ureq::Agent, url: &str) -> Result<()> {
    let reply: Initialized = agent
        .post(url)
        .header("accept", "application/json")
        .header("x-request-id", exchange::REQUEST_ID)
        .header("x-api-key", exchange::FINPASS_KEY)
        .header("x-api-secret", exchange::FINPASS_SECRET)
        .send_json(&INITIALIZE)?
        .body_mut()
        .read_json()?;
    drop(black_box(reply));
    Ok(())
}
