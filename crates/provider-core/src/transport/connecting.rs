//! Ends connecting before the call's deadline, so that a call which ends there still says that nothing was sent.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::seam::DEADLINE;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// How long before the deadline connecting ends: one tick of tokio's timer.
const AHEAD: Duration = Duration::from_millis(1);

/// The time for a connection that begins now: the transport's own limit, or what the call has left.
pub(crate) fn time_to_connect(limit: Duration) -> Duration {
    match DEADLINE.try_with(|deadline| *deadline) {
        Ok(Some(deadline)) => {
            let left = deadline.saturating_duration_since(Instant::now());
            limit.min(left.saturating_sub(AHEAD))
        }
        _ => limit,
    }
}

/// Connects within this time.
pub(crate) async fn within<T>(
    time: Duration,
    connecting: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    let connected = tokio::time::timeout(time, connecting).await;
    connected.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "connecting timed out"))?
}
