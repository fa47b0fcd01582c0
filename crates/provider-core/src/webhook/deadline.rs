//! The moment by which something is to be done.

use std::time::Duration;

use tokio::time::Instant;

/// A moment that no clock reaches is one far away.
pub(super) fn after(now: Instant, time: Duration) -> Instant {
    const A_CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let moment = now.checked_add(time.min(A_CENTURY));
    moment.unwrap_or(now)
}
