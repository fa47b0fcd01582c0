//! The deadline of a call, beside the exchange.

use tokio::time::Instant;
use tokio::time::error::Elapsed;

/// Awaits until the deadline, if there is one. What is not done by then is dropped.
pub(super) async fn within<T>(
    deadline: Option<Instant>,
    awaited: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, awaited).await,
        None => Ok(awaited.await),
    }
}
