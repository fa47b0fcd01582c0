//! The workflow on durare.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use durare::{DurableContext, DurableEngine, SqliteProvider, WorkflowOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::{Result, Workflows};

#[durare::step]
async fn step(ctx: &DurableContext, number: u64) -> durare::Result<u64> {
    Ok(number)
}

#[durare::workflow]
async fn five_steps(ctx: DurableContext, number: u64) -> durare::Result<u64> {
    let number = step(&ctx, number).await?;
    let number = step(&ctx, number).await?;
    let number = step(&ctx, number).await?;
    let number = step(&ctx, number).await?;
    step(&ctx, number).await
}

pub(crate) struct Durare(DurableEngine);

impl Durare {
    /// On a pool with the settings of `SqliteProvider::connect`, but for how it syncs: `connect` has `NORMAL`.
    pub(crate) async fn open(file: &Path, synchronous: &str) -> Result<(Self, SqlitePool)> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::from_str(synchronous)?)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(5)
            .connect_with(options)
            .await?;
        let provider = SqliteProvider::from_pool(pool.clone());
        let engine = DurableEngine::new(Arc::new(provider)).await?;
        engine.launch().await?;
        Ok((Self(engine), pool))
    }
}

impl Workflows for Durare {
    async fn run(&self, number: u64) -> Result<()> {
        let options = WorkflowOptions::with_id(format!("journey-{number}"));
        let handle = self.0.start_with(FiveSteps, number, options).await?;
        handle.await?;
        Ok(())
    }
}
