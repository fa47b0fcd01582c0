//! A rate limit that several processes share: permissions are leased from a common store, as the README shows.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::http::{HeaderMap, Request, StatusCode};
use provider_core::{
    Allowance, Body, BoxFuture, Client, ErrorKind, ExchangeLimits, Outcome, RateLimiter,
    RawResponse, Transport, TransportError, async_trait,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::toy::{REPLY, SIGNATURE, SafeOrder, Toy, response_signature};

/// The pattern of the README, word for word.
#[derive(Debug, Default)]
struct Leased {
    left: AtomicU32,
    wanted: Notify,
}

impl RateLimiter for Leased {
    fn acquire(&self) -> Result<(), Duration> {
        let take = |left: u32| left.checked_sub(1);
        match self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        {
            Ok(_) => Ok(()),
            Err(_) => {
                self.wanted.notify_one();
                Err(Duration::from_millis(20))
            }
        }
    }

    fn learn(&self, _: Allowance) {}
}

async fn keep_leased<E>(limiter: Arc<Leased>, lease: impl AsyncFn() -> Result<u32, E>) {
    loop {
        limiter.wanted.notified().await;
        if limiter.left.load(Ordering::Relaxed) > 0 {
            continue; // the wish is older than the last lease
        }
        match lease().await {
            Ok(leased) => limiter.left.store(leased, Ordering::Relaxed),
            // Without the store nothing is sent, and calls end at their deadline.
            Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}

/// Asks the store for each attempt: exact, at the price of a round trip for each.
#[derive(Debug)]
struct Asked(Arc<Store>);

impl RateLimiter for Asked {
    fn acquire(&self) -> Result<(), Duration> {
        unreachable!("the store is asked")
    }

    fn acquire_async(&self) -> Option<BoxFuture<'_, Result<(), Duration>>> {
        Some(Box::pin(async {
            match self.0.lease_at_most(1).await {
                Ok(1..) => Ok(()),
                Ok(0) => Err(Duration::from_millis(20)),
                Err(()) => std::future::pending().await,
            }
        }))
    }

    fn learn(&self, _: Allowance) {}
}

/// What the processes share: it grants ten permissions in each second, at most two a lease, over a network.
#[derive(Debug)]
struct Store {
    start: Instant,
    granted: Mutex<(u64, u32)>,
    broken: bool,
}

impl Store {
    async fn lease(&self) -> Result<u32, ()> {
        self.lease_at_most(2).await
    }

    async fn lease_at_most(&self, most: u32) -> Result<u32, ()> {
        tokio::time::sleep(Duration::from_millis(3)).await;
        if self.broken {
            return Err(());
        }
        let second = self.start.elapsed().as_secs();
        let mut granted = self.granted.lock().unwrap();
        if granted.0 != second {
            *granted = (second, 0);
        }
        let lease = (10 - granted.1).min(most);
        granted.1 += lease;
        Ok(lease)
    }
}

/// Counts what arrives in each second.
#[derive(Debug)]
struct Counting {
    start: Instant,
    seconds: Mutex<[u32; 20]>,
}

#[async_trait]
impl Transport for Counting {
    async fn send(
        &self,
        _: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let second = usize::try_from(self.start.elapsed().as_secs()).unwrap();
        self.seconds.lock().unwrap()[second] += 1;
        let mut headers = HeaderMap::new();
        let signature = response_signature(REPLY.as_bytes());
        headers.insert(SIGNATURE, signature.try_into().unwrap());
        Ok(RawResponse::new(StatusCode::OK, headers, REPLY.into()))
    }
}

fn process(store: &Arc<Store>, provider: &Arc<Counting>) -> Client<Toy> {
    let (limiter, store) = (Arc::new(Leased::default()), Arc::clone(store));
    tokio::spawn(keep_leased(limiter.clone(), async move || {
        store.lease().await
    }));
    Client::builder(Toy::default())
        .transport(provider.clone())
        .rate_limiter(limiter)
        .build()
        .unwrap()
}

fn asking(store: &Arc<Store>, provider: &Arc<Counting>) -> Client<Toy> {
    Client::builder(Toy::default())
        .transport(provider.clone())
        .rate_limiter(Arc::new(Asked(Arc::clone(store))))
        .build()
        .unwrap()
}

fn shared(broken: bool) -> (Arc<Store>, Arc<Counting>) {
    let start = Instant::now();
    let store = Store {
        start,
        granted: Mutex::default(),
        broken,
    };
    let seconds = Mutex::default();
    (Arc::new(store), Arc::new(Counting { start, seconds }))
}

#[tokio::test(start_paused = true)]
async fn processes_that_lease_share_one_limit_and_use_it() {
    let (store, provider) = shared(false);
    let seconds = seconds(&provider, [(); 3].map(|()| process(&store, &provider))).await;
    // A permission that was leased in one second may be used in the next: one lease a process.
    assert!(
        seconds.iter().all(|sent| *sent <= 10 + 3 * 2),
        "{seconds:?}"
    );
    assert!(
        seconds[..8].iter().all(|sent| *sent >= 10 - 3 * 2),
        "{seconds:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn processes_that_ask_for_each_attempt_share_one_limit_exactly() {
    let (store, provider) = shared(false);
    let seconds = seconds(&provider, [(); 3].map(|()| asking(&store, &provider))).await;
    assert_eq!(seconds[..9], [10; 9], "{seconds:?}");
}

/// What arrives in each second if ten callers of each client call three times.
async fn seconds(provider: &Counting, clients: [Client<Toy>; 3]) -> [u32; 20] {
    let callers: Vec<_> = clients
        .into_iter()
        .flat_map(|client| (0..10).map(move |_| client.clone()))
        .map(|client| {
            tokio::spawn(async move {
                for _ in 0..3 {
                    client.call(SafeOrder::new()).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let seconds = *provider.seconds.lock().unwrap();
    assert_eq!(seconds.iter().sum::<u32>(), 90);
    seconds
}

#[tokio::test(start_paused = true)]
async fn without_the_store_nothing_is_sent_and_the_call_ends_at_its_deadline() {
    let (store, provider) = shared(true);
    for client in [process(&store, &provider), asking(&store, &provider)] {
        let call = client.call(SafeOrder::new());
        let error = call.with_timeout(Duration::from_secs(2)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::RateLimited, Outcome::NotSent)
        );
    }
    assert_eq!(provider.seconds.lock().unwrap().iter().sum::<u32>(), 0);
}
