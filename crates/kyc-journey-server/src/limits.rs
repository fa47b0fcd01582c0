//! How much is taken from outside.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much a server takes from outside. Each has a default that a sidecar of one application can live with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body of a request to the API, in bytes; 64 KiB. A webhook's is 1 MiB.
    pub body_bytes: usize,
    /// How long a body may take to arrive; 5 seconds.
    pub body_time: Duration,
    /// How long the head of a request may take to arrive; 10 seconds. [`serve`](crate::serve) keeps it.
    pub head_time: Duration,
    /// How long a reader may leave what it is sent unread, with all buffers full; 30 seconds. [`serve`](crate::serve) keeps it.
    pub write_time: Duration,
    /// How many connections are served at once; 256. [`serve`](crate::serve) keeps it.
    pub connections: usize,
    /// How many streams of events are open at once; 64.
    pub streams: usize,
    /// How long one stream lasts, after which its reader resumes it; an hour.
    pub stream_time: Duration,
    /// How often a stream says that it is alive; every 15 seconds.
    pub heartbeat: Duration,
    /// How often a stream looks for something new; every half second.
    pub poll: Duration,
    /// How many requests a second are answered, of callers with the token and operators who have signed in, and as many again of everything
    /// else: webhooks, returns, pages, and requests without the token; 100. Twice as many may come at once.
    pub requests_per_second: u32,
    /// How many reports are taken in a minute that only the token in their address vouches for, a token; 60.
    pub unsigned_per_minute: u32,
    /// How many wrong tokens are looked at in a minute at the operator's page, a peer's address; 10. The right one is always taken, so that
    /// nobody keeps an operator out who comes from the same address, such as a proxy's. Where an application nests the router, only its
    /// `into_make_service_with_connect_info::<SocketAddr>()` tells one peer from another.
    pub sign_ins_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            body_time: Duration::from_secs(5),
            head_time: Duration::from_secs(10),
            write_time: Duration::from_secs(30),
            connections: 256,
            streams: 64,
            stream_time: Duration::from_secs(60 * 60),
            heartbeat: Duration::from_secs(15),
            poll: Duration::from_millis(500),
            requests_per_second: 100,
            unsigned_per_minute: 60,
            sign_ins_per_minute: 10,
        }
    }
}

/// How many may come in a time: so many a second on average, and twice as many at once.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Duration,
    burst: Duration,
    /// Up to when what came has used the time up.
    used: Mutex<Option<Instant>>,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        let per_second = per_second.max(1);
        Self {
            interval: Duration::from_secs(1)
                .checked_div(per_second)
                .unwrap_or(Duration::from_secs(1)),
            burst: Duration::from_secs(2),
            used: Mutex::new(None),
        }
    }

    /// Takes one more, or says how long to wait.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let next = used.unwrap_or(now).max(now).checked_add(self.interval);
        let next = next.unwrap_or(now);
        match next.duration_since(now) {
            ahead if ahead > self.burst => Err(ahead.saturating_sub(self.burst)),
            _ => {
                *used = Some(next);
                Ok(())
            }
        }
    }
}

/// How many are counted at once: a minute that knows more takes nothing of a further one.
const COUNTED: usize = 10_000;

/// Counts what comes of each, such as a token or a peer, a minute at a time.
#[derive(Debug)]
pub(crate) struct Shares<K> {
    most: u32,
    counts: Mutex<(Option<Instant>, HashMap<K, u32>)>,
}

impl<K: Eq + Hash> Shares<K> {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most,
            counts: Mutex::default(),
        }
    }

    /// Takes one more of this one; `false` if its share of the minute is used up.
    pub(crate) fn take<Q>(&self, whose: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        const MINUTE: Duration = Duration::from_secs(60);

        let now = Instant::now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, counts) = &mut *counts;
        if since.is_none_or(|since| now.duration_since(since) >= MINUTE) {
            *since = Some(now);
            counts.clear();
        }
        if counts.len() >= COUNTED && !counts.contains_key(whose) {
            return false;
        }
        let count = counts.entry(whose.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn more_than_the_rate_waits() {
        let rate = Rate::new(10);
        let taken = (0..100).filter(|_| rate.take().is_ok()).count();
        assert_eq!(taken, 20);
        assert_eq!(rate.take(), Err(Duration::from_millis(100)));
        tokio::time::advance(Duration::from_secs(1)).await;
        let taken = (0..100).filter(|_| rate.take().is_ok()).count();
        assert_eq!(taken, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn each_has_a_minutes_share_and_what_is_counted_is_bounded() {
        let shares = Shares::<String>::new(2);
        let take = |whose: &str| shares.take(whose);
        assert_eq!([take("a"), take("a"), take("a")], [true, true, false]);
        assert!(take("b"));
        let taken = (0..2 * COUNTED).filter(|number| take(&number.to_string()));
        assert_eq!(taken.count(), COUNTED.saturating_sub(2));
        // Whoever is counted keeps the share.
        assert!(take("b"));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(take("a"));
    }
}
