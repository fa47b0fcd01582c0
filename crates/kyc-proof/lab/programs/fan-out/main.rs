//! Many providers at once, and answers that are late. `cargo xtask bench fan-out` and `tail` run it.
//!
//! `fan-out many ROUNDS` prints, for each case, its name and by how much each round was later than its slowest provider, in
//! µs. `fan-out tail QUESTIONS` prints, for each case, its name, the requests that were made and how long each question
//! took, in µs.

mod server;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use finpass::{ApiKey, ApiSecret, ConsentType, Finpass, FinpassClient, Initialize};
use finpro_profile::{
    AppIdentifier, ClientId, ClientSecret, Credentials, Finpro, FinproProfileClient, OrganisationId,
};
use kyc_facade::Hedged;
use provider_core::capability::{AggregatorDiscovery, AggregatorQuery};
use provider_core::{BaseUrl, CallOptions, HyperTransport, Mobile, Transport};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The slowest provider of every round.
const SLOWEST: u64 = 200;
/// How many questions are asked at a time.
const AT_ONCE: usize = 8;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match *arguments.as_slice() {
        ["many", rounds] => runtime.block_on(many(rounds.parse()?)),
        ["tail", questions] => runtime.block_on(tail(questions.parse()?)),
        // Without a command there is nothing to measure.
        _ => {
            println!("usage: fan-out many ROUNDS | fan-out tail QUESTIONS");
            Ok(())
        }
    }
}

/// Times from 20 ms to the slowest, as many as there are providers.
fn delays(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |number| 20 + (SLOWEST - 20) * number / (count - 1))
}

async fn many(rounds: usize) -> Result<()> {
    let (port, _) = server::start()?;
    let transport: Arc<dyn Transport> = Arc::new(HyperTransport::new()?);
    let bare = reqwest::Client::new();
    for count in [5, 50] {
        let mut clients = Vec::new();
        for delay in delays(count) {
            let base_url = BaseUrl::parse("base_url", &format!("http://127.0.0.1:{port}/{delay}"))?;
            let provider = Finpass::new(
                ApiKey::new("made-up-key-0001")?,
                ApiSecret::new("made-up-secret-0001")?,
            );
            let client = FinpassClient::builder(provider.with_base_url(base_url));
            clients.push(client.transport(Arc::clone(&transport)).build()?);
        }
        let urls: Vec<String> = delays(count)
            .map(|delay| {
                format!("http://127.0.0.1:{port}/{delay}/api/v1/services/account-aggregator/init")
            })
            .collect();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..=rounds {
            ours.push(late(clients.iter().cloned().map(initialize)).await?);
            theirs.push(late(urls.iter().cloned().map(|url| by_hand(bare.clone(), url))).await?);
        }
        print(&format!("{count} ours"), &ours);
        print(&format!("{count} reqwest"), &theirs);
    }
    let mut alone = Vec::new();
    for _ in 0..4 {
        let started = Instant::now();
        for delay in delays(5) {
            let url = format!("http://127.0.0.1:{port}/{delay}/api");
            by_hand(bare.clone(), url).await?;
        }
        alone.push(micros(
            started
                .elapsed()
                .saturating_sub(Duration::from_millis(SLOWEST)),
        ));
    }
    print("5 reqwest, one after another", &alone);
    Ok(())
}

/// Runs all at once, and tells how much later than the slowest provider the last one ended.
async fn late<F>(calls: impl Iterator<Item = F>) -> Result<u128>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let started = Instant::now();
    let mut all: JoinSet<Result<()>> = calls.collect();
    while let Some(ended) = all.join_next().await {
        ended??;
    }
    Ok(micros(
        started
            .elapsed()
            .saturating_sub(Duration::from_millis(SLOWEST)),
    ))
}

async fn initialize(client: FinpassClient) -> Result<()> {
    let mobile = Mobile::parse("9000000001")?;
    let request = Initialize::new(mobile, ConsentType::LoanUnderwriting);
    client.initialize(request).await?;
    Ok(())
}

async fn by_hand(client: reqwest::Client, url: String) -> Result<()> {
    let body = serde_json::json!({ "mobile_number": "9000000001" });
    let sent = client.post(url).json(&body).send().await?;
    sent.error_for_status()?.json::<serde_json::Value>().await?;
    Ok(())
}

/// The first round makes the connections and does not count.
fn print(name: &str, took: &[u128]) {
    let took: Vec<String> = took.iter().skip(1).map(ToString::to_string).collect();
    println!("{name}\t{}", took.join(" "));
}

async fn tail(questions: usize) -> Result<()> {
    let (port, asked) = server::start()?;
    let base_url = BaseUrl::parse("base_url", &format!("http://127.0.0.1:{port}/tail"))?;
    let credentials = Credentials {
        client_id: ClientId::new("made-up-client")?,
        client_secret: ClientSecret::new("made-up-secret-0001")?,
        organisation_id: OrganisationId::new("made-up-organisation")?,
        app_identifier: AppIdentifier::new("test.example")?,
    };
    let client = FinproProfileClient::new(Finpro::new(base_url, credentials))?;
    let client: Arc<dyn AggregatorDiscovery> = Arc::new(client);
    let hedged: Arc<dyn AggregatorDiscovery> =
        Arc::new(Hedged::new(Arc::clone(&client), 2 * server::USUAL));
    let url = format!("http://127.0.0.1:{port}/tail/check");
    let bare = reqwest::Client::new();
    let impatient = reqwest::Client::builder()
        .timeout(4 * server::USUAL)
        .build()?;
    questioned("ours, Hedged", questions, &asked, || {
        discover(Arc::clone(&hedged))
    })
    .await?;
    questioned("ours", questions, &asked, || discover(Arc::clone(&client))).await?;
    questioned("reqwest", questions, &asked, || {
        by_hand(bare.clone(), url.clone())
    })
    .await?;
    questioned("reqwest, 20 ms and two repeats", questions, &asked, || {
        let (client, url) = (impatient.clone(), url.clone());
        async move {
            for _ in 0..2 {
                if by_hand(client.clone(), url.clone()).await.is_ok() {
                    return Ok(());
                }
            }
            by_hand(client, url).await
        }
    })
    .await
}

async fn discover(provider: Arc<dyn AggregatorDiscovery>) -> Result<()> {
    let query = AggregatorQuery::new(Mobile::parse("9000000001")?, "check-1");
    provider.discover(query, CallOptions::new()).await?;
    Ok(())
}

/// Asks as many questions, some at a time, and prints what each took.
async fn questioned<F>(
    name: &str,
    questions: usize,
    asked: &AtomicU64,
    ask: impl Fn() -> F,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let before = asked.load(Ordering::Relaxed);
    let timed = |call: F| async move {
        let started = Instant::now();
        call.await?;
        Result::Ok(micros(started.elapsed()))
    };
    let mut under_way = JoinSet::<Result<u128>>::new();
    let mut took = Vec::new();
    for _ in 0..questions {
        if under_way.len() == AT_ONCE
            && let Some(ended) = under_way.join_next().await
        {
            took.push(ended??.to_string());
        }
        under_way.spawn(timed(ask()));
    }
    while let Some(ended) = under_way.join_next().await {
        took.push(ended??.to_string());
    }
    let requests = asked.load(Ordering::Relaxed) - before;
    println!("{name}\t{requests}\t{}", took.join(" "));
    Ok(())
}

fn micros(took: Duration) -> u128 {
    took.as_micros()
}
