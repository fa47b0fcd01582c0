//! A provider whose token expires: a task beside the client fetches the next one in time, as the README shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use provider_core::http::{HeaderMap, Request, StatusCode};
use provider_core::{
    Body, Client, Error, ErrorKind, ExchangeLimits, Outcome, Provider, RawResponse, RetryPolicy,
    Secret, Transport, TransportError, async_trait,
};
use tokio::time::Instant;

use crate::toy::{REPLY, SIGNATURE, SafeOrder, Toy, response_signature};

const LIFETIME: Duration = Duration::from_secs(60);

/// Issues tokens that live a minute, and serves only requests with one that is alive.
#[derive(Debug)]
struct Issuer {
    start: Instant,
    /// How many more requests for a token fail.
    failures: AtomicU32,
}

#[async_trait]
impl Transport for Issuer {
    async fn send(
        &self,
        request: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let token = request.headers()["x-api-key"].to_str().unwrap();
        let issued = Duration::from_millis(token.parse().unwrap());
        if self.start.elapsed() >= issued + LIFETIME {
            let expired = RawResponse::new(
                StatusCode::UNAUTHORIZED,
                HeaderMap::new(),
                r#"{"code":"E1"}"#.into(),
            );
            return Ok(expired);
        }
        let mut headers = HeaderMap::new();
        let signature = response_signature(REPLY.as_bytes());
        headers.insert(SIGNATURE, signature.try_into().unwrap());
        Ok(RawResponse::new(StatusCode::OK, headers, REPLY.into()))
    }
}

impl Issuer {
    /// The provider with a new token, and how long the token lives.
    async fn issue(&self) -> Result<(Toy, Duration), Error> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let failing = |left: u32| left.checked_sub(1);
        if self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, failing)
            .is_ok()
        {
            return Err(Error::new(ErrorKind::Timeout, Outcome::Unknown));
        }
        let token = self.start.elapsed().as_millis().to_string();
        let toy = Toy {
            api_key: Secret::for_header("x-api-key", token)?,
            ..Toy::default()
        };
        Ok((toy, LIFETIME))
    }
}

/// The pattern of the README, word for word.
async fn keep_token_fresh<P: Provider>(
    client: Client<P>,
    lifetime: Duration,
    issue: impl AsyncFn() -> Result<(P, Duration), Error>,
) {
    const RETRY: Duration = Duration::from_secs(1);
    let mut wait = lifetime / 5 * 4;
    loop {
        tokio::time::sleep(wait).await;
        wait = match issue().await {
            Ok((provider, lifetime)) => {
                client.replace_provider(provider);
                lifetime / 5 * 4
            }
            // The token at hand is still good for a while.
            Err(_) => RETRY,
        };
    }
}

async fn served(failures: u32) -> (Client<Toy>, Arc<Issuer>) {
    let issuer = Arc::new(Issuer {
        start: Instant::now(),
        failures: AtomicU32::new(0),
    });
    let (toy, lifetime) = issuer.issue().await.unwrap();
    issuer.failures.store(failures, Ordering::Relaxed);
    let client = Client::builder(toy)
        .transport(issuer.clone())
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let own = Arc::clone(&issuer);
    let issue = async move || own.issue().await;
    tokio::spawn(keep_token_fresh(client.clone(), lifetime, issue));
    (client, issuer)
}

#[tokio::test(start_paused = true)]
async fn no_call_meets_an_expired_token() {
    for failures in [0, 5] {
        let (client, issuer) = served(failures).await;
        while issuer.start.elapsed() < 10 * LIFETIME {
            client.call(SafeOrder::new()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_renewed_is_refused_by_the_provider_until_it_can() {
    let (client, issuer) = served(30).await;
    tokio::time::sleep(LIFETIME + Duration::from_secs(1)).await;
    let error = client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    while issuer.failures.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    client.call(SafeOrder::new()).await.unwrap();
}
