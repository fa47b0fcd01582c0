//! The workflow on duroxide.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::sqlite::SqliteProvider;
use duroxide::runtime::registry::ActivityRegistry;
use duroxide::runtime::{OrchestrationStatus, Runtime, RuntimeOptions};
use duroxide::{ActivityContext, Client, OrchestrationContext, OrchestrationRegistry};
use sqlx::sqlite::SqlitePool;

use crate::{Result, Workflows};

/// As many connections as the provider opens.
const CONNECTIONS: usize = 5;

/// Orchestrations and activities at once, each; its default is 2.
const WORKERS: usize = 2;

pub(crate) struct Duroxide {
    client: Client,
    _runtime: Arc<Runtime>,
}

impl Duroxide {
    /// The provider sets its connections to `NORMAL`; another level is set on each of them afterwards.
    pub(crate) async fn open(file: &Path, synchronous: &str) -> Result<(Self, SqlitePool)> {
        std::fs::File::create(file)?;
        let store =
            Arc::new(SqliteProvider::new(&format!("sqlite:{}", file.display()), None).await?);
        let pool = store.get_pool().clone();
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(pool.acquire().await?);
        }
        if synchronous != "NORMAL" {
            for connection in &mut connections {
                sqlx::query(&format!("PRAGMA synchronous = {synchronous}"))
                    .execute(&mut **connection)
                    .await?;
            }
        }
        drop(connections);
        let activities = ActivityRegistry::builder()
            .register("Step", |_: ActivityContext, number: String| async move {
                Ok(number)
            })
            .build();
        let orchestrations = OrchestrationRegistry::builder()
            .register(
                "FiveSteps",
                |ctx: OrchestrationContext, number: String| async move {
                    let number = ctx.schedule_activity("Step", number).await?;
                    let number = ctx.schedule_activity("Step", number).await?;
                    let number = ctx.schedule_activity("Step", number).await?;
                    let number = ctx.schedule_activity("Step", number).await?;
                    ctx.schedule_activity("Step", number).await
                },
            )
            .build();
        let options = RuntimeOptions {
            orchestration_concurrency: WORKERS,
            worker_concurrency: WORKERS,
            ..RuntimeOptions::default()
        };
        let runtime =
            Runtime::start_with_options(store.clone(), activities, orchestrations, options).await;
        let workflows = Self {
            client: Client::new(store),
            _runtime: runtime,
        };
        Ok((workflows, pool))
    }
}

impl Workflows for Duroxide {
    async fn run(&self, number: u64) -> Result<()> {
        let id = format!("journey-{number}");
        self.client
            .start_orchestration(&id, "FiveSteps", number.to_string())
            .await?;
        let limit = Duration::from_secs(60);
        match self.client.wait_for_orchestration(&id, limit).await {
            Ok(OrchestrationStatus::Completed { .. }) => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }
}
