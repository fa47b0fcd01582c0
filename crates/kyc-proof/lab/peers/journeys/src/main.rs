//! `journeys durare|duroxide DIRECTORY AT_ONCE SECONDS SYNCHRONOUS`: workflows of five durable steps on a new SQLite file, as the
//! documentation of each writes them. So many run at once, and another one begins as soon as one ends.
//!
//! Prints `JOURNEYS ELAPSED_S P50_MS P99_MS DURABILITY`, the durability as the engine's own connections say it is.

mod durable;
mod orchestration;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqlitePool;
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Something that runs one workflow to its end.
trait Workflows: Send + Sync + 'static {
    fn run(&self, number: u64) -> impl Future<Output = Result<()>> + Send;
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [engine, directory, at_once, seconds, synchronous] = *arguments.as_slice() else {
        return Err("usage: journeys durare|duroxide DIRECTORY AT_ONCE SECONDS NORMAL|FULL".into());
    };
    let file = Path::new(directory).join(format!("{engine}.db"));
    let (at_once, time) = (at_once.parse()?, Duration::from_secs(seconds.parse()?));
    match engine {
        "durare" => {
            let (workflows, pool) = durable::Durare::open(&file, synchronous).await?;
            measure(workflows, at_once, time, &pool).await
        }
        "duroxide" => {
            let (workflows, pool) = orchestration::Duroxide::open(&file, synchronous).await?;
            measure(workflows, at_once, time, &pool).await
        }
        _ => Err(format!("no engine `{engine}`").into()),
    }
}

async fn measure(
    workflows: impl Workflows,
    at_once: usize,
    time: Duration,
    pool: &SqlitePool,
) -> Result<()> {
    let (workflows, number) = (Arc::new(workflows), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..at_once {
        let (workflows, number) = (Arc::clone(&workflows), Arc::clone(&number));
        tasks.spawn(async move {
            let mut took = Vec::new();
            while began.elapsed() < time {
                let number = number.fetch_add(1, Ordering::Relaxed);
                let start = Instant::now();
                workflows.run(number).await?;
                took.push(start.elapsed());
            }
            Result::Ok(took)
        });
    }
    let mut took = Vec::new();
    while let Some(of_task) = tasks.join_next().await {
        took.extend(of_task??);
    }
    let elapsed = began.elapsed();
    took.sort_unstable();
    let percentile = |percent: usize| {
        let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    println!(
        "{} {:.3} {:.2} {:.2} {}",
        took.len(),
        elapsed.as_secs_f64(),
        percentile(50),
        percentile(99),
        durability(pool).await?
    );
    // Neither engine is asked to tidy up: the file goes with its directory.
    std::process::exit(0)
}

/// What the pragmas of the engine's connections say.
async fn durability(pool: &SqlitePool) -> Result<String> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(pool)
        .await?;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(pool)
        .await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(pool)
        .await?;
    let synchronous = match synchronous {
        0 => "OFF",
        1 => "NORMAL",
        2 => "FULL",
        _ => "EXTRA",
    };
    Ok(format!(
        "SQLite {version}, {} journal, synchronous {synchronous}",
        journal.to_uppercase()
    ))
}
